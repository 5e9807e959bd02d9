// What goes into a tunnel and what comes out of it (RFC 2473, RFC 5568 section 4), for the backends
// that do it in user space. bpf/sendoff.bpf.c holds to the same rules, and the tests hold both to
// them. Nothing here sends.
#pragma once

#include <optional>

#include "base/address.h"
#include "base/bytes.h"

namespace sendoff::datapath {

inline constexpr std::uint32_t kOuterSize = 40;
inline constexpr std::uint32_t kMinimumMtu = 1280;

struct Tunnel {
  Ipv6Address near;  // an address of ours
  Ipv6Address far;

  friend auto operator<=>(const Tunnel&, const Tunnel&) = default;
};

// The packet within an outer header from near to far, its traffic class and flow label copied
// (RFC 6040, RFC 6438). Empty when `inner` is no IPv6 packet, too long to be an inner one, or was
// in this tunnel already.
[[nodiscard]] Bytes encapsulate(const Tunnel& tunnel, ByteView inner);

// What follows an outer header, made fit to go on: congestion that the outer packet met is carried
// over (RFC 6040 4.2), and the hop limit is never 255, which to Neighbor Discovery would mean "from
// this link". Nothing when it must be dropped.
[[nodiscard]] std::optional<Bytes> decapsulate(std::uint8_t outer_traffic_class, ByteView inner);

// Signalling that no tunnel carries (RFC 6275 6.1): Mobility Headers, also behind one Destination
// Options or Routing header, and Neighbor Discovery with what SEND and FMIPv6 add to it.
[[nodiscard]] bool is_signalling(ByteView packet);

// fe80::/10 and multicast: what no router forwards.
[[nodiscard]] bool is_on_link_only(const Ipv6Address& address);

// The ICMPv6 Packet Too Big about `packet` from `source` (RFC 4443 3.2). Nothing where the packet
// must not be answered: its source is no unicast address, or it is an ICMPv6 error itself.
[[nodiscard]] std::optional<Bytes> packet_too_big(const Ipv6Address& source, ByteView packet,
                                                  std::uint32_t mtu);

// What a Packet Too Big (an ICMPv6 message without IPv6 header) says of a tunnel packet: the
// tunnel, both addresses of the packet within it, and the MTU for outer packets. Nothing for any
// other.
struct TooBigTunnelPacket {
  Tunnel tunnel;
  Ipv6Address inner_source;
  Ipv6Address inner_destination;
  std::uint32_t mtu = 0;
};
[[nodiscard]] std::optional<TooBigTunnelPacket> parse_too_big(ByteView message);

}  // namespace sendoff::datapath
