// Which entries of the kernel's neighbour cache were last changed by a secured message (RFC 3971
// 8): an unsecured one must not change those. Bounded.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <tuple>
#include <vector>

#include "nd/proven_neighbours.h"

namespace sendoff::nd {

class SecuredNeighbours {
 public:
  explicit SecuredNeighbours(std::size_t max_entries) : max_entries_(max_entries) {}

  [[nodiscard]] bool contains(const Neighbour& neighbour) const {
    return noted_.contains(neighbour);
  }
  // A secured message changes the kernel's entry. When the table is full the neighbour that was
  // silent longest gives way, a `proven` one (ProvenNeighbours) last: its entry is to be taken from
  // the kernel, lest it pass for unsecured.
  [[nodiscard]] std::optional<Neighbour> note(const Neighbour& neighbour, bool proven, Instant now);
  // The kernel says that it has no such entry; old news when the neighbour was heard since.
  void gone(const Neighbour& neighbour, Instant now);
  void drop(InterfaceId interface);
  [[nodiscard]] std::size_t size() const { return noted_.size(); }
  // At most so many of an interface, in the order of their addresses.
  [[nodiscard]] std::vector<Ipv6Address> of(InterfaceId interface, std::size_t most) const;

 private:
  struct Noted {
    bool proven = false;
    Instant heard;
  };
  using Order = std::tuple<bool, Instant, Neighbour>;
  using Entry = std::map<Neighbour, Noted>::iterator;
  static Order order_of(const std::map<Neighbour, Noted>::value_type& entry) {
    return {entry.second.proven, entry.second.heard, entry.first};
  }
  void erase(Entry entry);

  std::size_t max_entries_;
  std::map<Neighbour, Noted> noted_;
  std::set<Order> order_;  // the first gives way
};

}  // namespace sendoff::nd
