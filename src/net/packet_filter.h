// The classic BPF program that decides in the kernel what a packet socket hands to us, so that a
// router's transit traffic costs a few instructions and no wake-up. It only selects: what passes
// is still hostile input.
#pragma once

#include <linux/filter.h>

#include <cstdint>
#include <vector>

#include "base/address.h"

namespace sendoff::net {

struct PacketSelection {
  // ICMPv6 messages of these types, also behind extension headers, also in first fragments (the
  // machines count those and drop them).
  std::vector<std::uint8_t> icmp_types;
  // Mobility Headers of these types, directly or behind Destination Options or Routing headers...
  std::vector<std::uint8_t> mobility_types;
  // ... to one of these addresses. More than kMaxDestinations: to any (the reader checks).
  std::vector<Ipv6Address> destinations;

  static constexpr std::size_t kMaxDestinations = 64;
};

// For a SOCK_DGRAM packet socket: offset 0 is the IPv6 header. Frames that are our own, or for
// somebody else's link address, never pass.
[[nodiscard]] std::vector<sock_filter> compile_filter(const PacketSelection& selection);

}  // namespace sendoff::net
