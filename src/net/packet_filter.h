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
  // Also whatever else has Destination Options and goes to one of these addresses.
  bool destination_options = false;
  // HI and HAck from these come by a PolicedSocket instead. Above the same number: from nobody.
  std::vector<Ipv6Address> policed = {};

  static constexpr std::size_t kMaxDestinations = 64;
};

// What the daemons hear. Certification Path Advertisements come from the socket that knows
// fragments. NS and NA are the kernel's; the machines hear them, too: a NAR waits for UNAs and for
// answers to its DAD probes.
[[nodiscard]] PacketSelection neighbour_discovery();
// Certification Path Solicitations: all that a guard alone has to hear, for the rest is held for
// it.
[[nodiscard]] PacketSelection path_questions();
// Also types that nobody here knows, which have to be answered, but not `others`, of other
// programs. A Binding Error may be for both.
[[nodiscard]] PacketSelection mobility_headers(const std::vector<Ipv6Address>& destinations,
                                               const std::vector<std::uint8_t>& others = {});

// ESP (RFC 4303) that a daemon takes itself.
struct EspSelection {
  std::vector<std::uint32_t> spis;      // of its inbound associations
  std::vector<Ipv6Address> neighbours;  // whose ESP is looked at whatever its SPI

  // Above so many of both, everything passes (the reader checks).
  static constexpr std::size_t kMax = 400;
  [[nodiscard]] bool empty() const { return spis.empty() && neighbours.empty(); }
  friend bool operator==(const EspSelection&, const EspSelection&) = default;
};

// For a raw IPv6 socket: offset 0 is the ESP header.
[[nodiscard]] std::vector<sock_filter> compile_filter(const EspSelection& selection);

// HI and HAck alone, for a raw IPv6 socket of Mobility Headers.
[[nodiscard]] std::vector<sock_filter> compile_handover_filter();

// For a SOCK_DGRAM packet socket: offset 0 is the IPv6 header. Frames that are our own, or for
// somebody else's link address, never pass.
[[nodiscard]] std::vector<sock_filter> compile_filter(const PacketSelection& selection);

}  // namespace sendoff::net
