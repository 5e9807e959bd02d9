// A counter for each enumerator of a small enumeration: what an operator reads in `sendoff status`.
// The enumeration ends in `kCount` and has a `std::string_view name(E)` found by argument lookup.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <utility>

namespace sendoff {

template <typename E>
class Counters {
 public:
  static constexpr std::size_t kSize = static_cast<std::size_t>(E::kCount);

  void add(E which, std::uint64_t amount = 1) { values_[index(which)] += amount; }
  [[nodiscard]] std::uint64_t operator[](E which) const { return values_[index(which)]; }

  // visit(name, value) for each, in the order of the enumeration.
  template <typename Visitor>
  void for_each(Visitor&& visit) const {
    for (std::size_t i = 0; i < kSize; ++i) visit(name(static_cast<E>(i)), values_[i]);
  }

 private:
  static constexpr std::size_t index(E which) {
    return static_cast<std::size_t>(std::to_underlying(which));
  }
  std::array<std::uint64_t, kSize> values_{};
};

}  // namespace sendoff
