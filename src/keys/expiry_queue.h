// A binary heap of (expiry, name), earliest first, names in order among equals: the order in which
// things expire must not depend on how they are stored. An entry is not looked for when its thing
// goes away early; the owner skips it, and clears such entries out when there are many (keep_if).
#pragma once

#include <algorithm>
#include <compare>
#include <vector>

#include "base/time.h"

namespace sendoff::keys {

template <typename Name>
class ExpiryQueue {
 public:
  struct Entry {
    Instant expires;
    Name name;
    friend auto operator<=>(const Entry&, const Entry&) = default;
  };

  void push(Instant expires, const Name& name) {
    entries_.push_back({expires, name});
    std::ranges::push_heap(entries_, std::ranges::greater{});
  }
  [[nodiscard]] const Entry& top() const { return entries_.front(); }
  void pop() {
    std::ranges::pop_heap(entries_, std::ranges::greater{});
    entries_.pop_back();
  }
  template <typename Predicate>
  void keep_if(Predicate&& wanted) {
    std::erase_if(entries_, [&](const Entry& entry) { return !wanted(entry.name); });
    std::ranges::make_heap(entries_, std::ranges::greater{});
  }
  [[nodiscard]] bool empty() const { return entries_.empty(); }
  [[nodiscard]] std::size_t size() const { return entries_.size(); }

 private:
  std::vector<Entry> entries_;
};

}  // namespace sendoff::keys
