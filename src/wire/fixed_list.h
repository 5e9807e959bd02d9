// A short list without heap memory: up to N values in place.
#pragma once

#include <array>
#include <cstddef>
#include <initializer_list>

#include "base/bytes.h"

namespace sendoff::wire {

// As much of std::vector's interface as its users need. Adding to a full list is a broken
// invariant.
template <typename T, std::size_t N>
class FixedList {
 public:
  using value_type = T;
  static constexpr std::size_t kCapacity = N;

  FixedList() = default;
  FixedList(std::initializer_list<T> values) {
    for (const T& value : values) push_back(value);
  }

  void push_back(const T& value) {
    invariant(size_ < N);
    values_[size_++] = value;
  }
  void clear() { size_ = 0; }

  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] bool empty() const { return size_ == 0; }
  [[nodiscard]] const T* begin() const { return values_.data(); }
  [[nodiscard]] const T* end() const { return values_.data() + size_; }
  [[nodiscard]] const T& operator[](std::size_t index) const {
    invariant(index < size_);
    return values_[index];
  }

 private:
  std::array<T, N> values_{};
  std::size_t size_ = 0;
};

}  // namespace sendoff::wire
