// Numbers with a meaning of their own: an InterfaceId is not a JobId.
#pragma once

#include <compare>
#include <cstdint>
#include <utility>

namespace sendoff {

template <typename Tag, typename Number = std::uint64_t>
struct Id {
  Number value = 0;

  friend auto operator<=>(const Id&, const Id&) = default;
  template <typename H>
  friend H AbslHashValue(H state, const Id& id) {
    return H::combine(std::move(state), id.value);
  }
};

// An interface of the configuration, in its order; `net/` knows the kernel's index of it.
using InterfaceId = Id<struct InterfaceTag, std::uint32_t>;

}  // namespace sendoff
