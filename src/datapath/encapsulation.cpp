#include "datapath/encapsulation.h"

#include <algorithm>
#include <limits>

#include "wire/icmpv6.h"
#include "wire/ipv6.h"

namespace sendoff::datapath {

namespace {

constexpr std::uint8_t kOuterHopLimit = 64;
constexpr std::uint8_t kPacketTooBig = 2;
constexpr std::uint8_t kFirstInformational = 128;
constexpr std::uint8_t kCongestion = 0x03;  // both ECN bits of the traffic class
constexpr std::size_t kHopLimitAt = 7;

// The traffic class stands across the first two octets.
void set_traffic_class(Bytes& packet, std::uint8_t traffic_class) {
  packet[0] = static_cast<std::uint8_t>((packet[0] & 0xf0) | (traffic_class >> 4));
  packet[1] = static_cast<std::uint8_t>((packet[1] & 0x0f) | (traffic_class << 4));
}

// Whether it went into this tunnel before and came round. A node that left two routers for each
// other in turn has a binding at both: each would wrap what the other one sent, until the packet
// fits nowhere (RFC 2473 4.1).
bool came_round(const Tunnel& tunnel, ByteView packet) {
  for (auto header = wire::Ipv6Header::parse(packet);
       header && header->next_header == wire::kProtocolIpv6;
       header = wire::Ipv6Header::parse(packet)) {
    if (header->source == tunnel.near && header->destination == tunnel.far) return true;
    packet = packet.subspan(wire::Ipv6Header::kSize);
  }
  return false;
}

bool is_complete(const wire::Ipv6Header& header, ByteView packet) {
  return packet.size() >= wire::Ipv6Header::kSize + header.payload_length;
}

}  // namespace

Bytes encapsulate(const Tunnel& tunnel, ByteView inner) {
  const auto header = wire::Ipv6Header::parse(inner);
  constexpr std::size_t kMost = std::numeric_limits<std::uint16_t>::max();
  if (!header || !is_complete(*header, inner)) return {};
  const ByteView packet = inner.first(wire::Ipv6Header::kSize + header->payload_length);
  if (packet.size() > kMost || came_round(tunnel, packet)) return {};
  wire::Ipv6Header outer;
  outer.traffic_class = header->traffic_class;
  outer.flow_label = header->flow_label;
  outer.next_header = wire::kProtocolIpv6;
  outer.hop_limit = kOuterHopLimit;
  outer.source = tunnel.near;
  outer.destination = tunnel.far;
  return wire::build_packet(outer, {}, packet);
}

std::optional<Bytes> decapsulate(std::uint8_t outer_traffic_class, ByteView inner) {
  const auto header = wire::Ipv6Header::parse(inner);
  if (!header || !is_complete(*header, inner)) return std::nullopt;
  Bytes packet = to_bytes(inner.first(wire::Ipv6Header::kSize + header->payload_length));
  if ((outer_traffic_class & kCongestion) == kCongestion) {
    if ((header->traffic_class & kCongestion) == 0) return std::nullopt;
    set_traffic_class(packet, header->traffic_class | kCongestion);
  }
  if (header->hop_limit == 255) packet[kHopLimitAt] = 254;
  return packet;
}

bool is_signalling(ByteView packet) {
  const auto header = wire::Ipv6Header::parse(packet);
  if (!header) return false;
  std::uint8_t next = header->next_header;
  ByteView rest = packet.subspan(wire::Ipv6Header::kSize);
  if (next == wire::kProtocolDestinationOptions || next == wire::kProtocolRouting) {
    if (rest.size() < 2) return false;
    next = rest[0];
    rest = rest.subspan(std::min(rest.size(), (std::size_t{rest[1]} + 1) * 8));
  }
  if (next == wire::kProtocolMobility) return true;
  if (next != wire::kProtocolIcmpv6 || rest.empty()) return false;
  const std::uint8_t type = rest[0];
  return (type >= 133 && type <= 137) || type == 148 || type == 149 || type == 154;
}

bool is_on_link_only(const Ipv6Address& address) {
  return address.is_multicast() || address.is_link_local();
}

std::optional<Bytes> packet_too_big(const Ipv6Address& source, ByteView packet, std::uint32_t mtu) {
  const auto header = wire::Ipv6Header::parse(packet);
  if (!header || is_on_link_only(header->source) || header->source.is_unspecified() ||
      header->source.is_loopback())
    return std::nullopt;
  if (header->next_header == wire::kProtocolIcmpv6 &&
      (packet.size() <= wire::Ipv6Header::kSize ||
       packet[wire::Ipv6Header::kSize] < kFirstInformational))
    return std::nullopt;
  constexpr std::size_t kHeader = 8;
  const std::size_t quoted =
      std::min<std::size_t>(packet.size(), kMinimumMtu - wire::Ipv6Header::kSize - kHeader);
  Bytes message(kHeader + quoted);
  Writer out(message);
  out.u8(kPacketTooBig);
  out.u8(0);
  out.u16(0);
  out.u32(std::max(mtu, kMinimumMtu));
  out.bytes(packet.first(quoted));
  wire::seal_icmpv6(source, header->source, message);
  Bytes answer = wire::icmpv6_packet(source, header->source, message);
  answer[kHopLimitAt] = kOuterHopLimit;
  return answer;
}

std::optional<TooBigTunnelPacket> parse_too_big(ByteView message) {
  Reader in(message);
  const std::uint8_t type = in.u8();
  in.skip(3);
  TooBigTunnelPacket found;
  found.mtu = in.u32();
  const auto outer = wire::Ipv6Header::parse(in.take(wire::Ipv6Header::kSize));
  const auto inner = wire::Ipv6Header::parse(in.take(wire::Ipv6Header::kSize));
  if (!in.ok() || type != kPacketTooBig || !outer || !inner ||
      outer->next_header != wire::kProtocolIpv6)
    return std::nullopt;
  found.tunnel = {outer->source, outer->destination};
  found.inner_source = inner->source;
  found.inner_destination = inner->destination;
  return found;
}

}  // namespace sendoff::datapath
