// What becomes of the kernel's Neighbor Discovery when its guard ends (net/nd_queue.h).
#pragma once

#include <cstdint>

namespace sendoff::net {

enum class OnStop : std::uint8_t {
  kOpen,    // it goes on as if there had never been a guard
  kClosed,  // nothing goes in or out any more
};

}  // namespace sendoff::net
