#include "sim/packet.h"

#include "wire/icmpv6.h"
#include "wire/ipv6.h"
#include "wire/mobility.h"

namespace sendoff::sim {

namespace {

constexpr std::uint16_t kPort = 9;
constexpr std::size_t kUdpHeader = 8;
constexpr std::size_t kPayload = 24;
constexpr std::size_t kChecksumAt = 6;
constexpr int kMostTunnels = 4;

std::string icmp_name(ByteView message) {
  if (message.empty()) return "icmp";
  switch (message[0]) {
    case 1:
      return "Unreachable";
    case 2:
      return "PacketTooBig";
    case 4:
      return "ParameterProblem";
    case 133:
      return "RS";
    case 134:
      return "RA";
    case 135:
      return "NS";
    case 136:
      return "NA";
    case 148:
      return "CPS";
    case 149:
      return "CPA";
    case 154:
      if (message.size() > 4 && message[4] == wire::kSubtypeRtSolPr) return "RtSolPr";
      if (message.size() > 4 && message[4] == wire::kSubtypePrRtAdv)
        return "PrRtAdv code=" + std::to_string(message[1]);
      return "154";
    default:
      return "icmp-" + std::to_string(message[0]);
  }
}

std::string target_of(ByteView message) {
  if (message.size() < 24 || (message[0] != 135 && message[0] != 136)) return {};
  return " target=" + Ipv6Address::from(message.subspan(8, 16)).text();
}

std::string mobility_name(ByteView header) {
  const auto number = [](const char* label, std::uint32_t value) {
    return std::string(" ") + label + "=" + std::to_string(value);
  };
  if (const auto fbu = wire::FastBindingUpdate::parse(header))
    return "FBU" + number("seq", fbu->sequence) + number("life", fbu->lifetime_s);
  if (const auto fback = wire::FastBindingAcknowledgement::parse(header))
    return "FBack" + number("seq", fback->sequence) + number("status", fback->status) +
           number("life", fback->lifetime_s);
  if (const auto hi = wire::HandoverInitiate::parse(header))
    return "HI" + number("seq", hi->sequence) + number("code", hi->code);
  if (const auto hack = wire::HandoverAcknowledge::parse(header))
    return "HAck" + number("seq", hack->sequence) + number("code", hack->code);
  return "mobility";
}

// What a datagram says and between whom: one that was bent twice may have a good checksum, but not
// this as well.
std::uint64_t fingerprint(const Ipv6Address& source, const Ipv6Address& destination,
                          const Mark& mark) {
  constexpr std::uint64_t kOffset = 0xcbf29ce484222325;  // FNV-1a
  constexpr std::uint64_t kPrime = 0x100000001b3;
  std::uint64_t hash = kOffset;
  const auto add = [&hash](std::uint64_t octet) { hash = (hash ^ octet) * kPrime; };
  for (const std::uint8_t octet : source.octets()) add(octet);
  for (const std::uint8_t octet : destination.octets()) add(octet);
  for (unsigned shift = 0; shift < 32; shift += 8) {
    add(mark.stream >> shift & 0xff);
    add(mark.number >> shift & 0xff);
  }
  add(mark.echo ? 1 : 0);
  return hash;
}

}  // namespace

LinkAddress link_address_of_group(const Ipv6Address& group) {
  std::array<std::uint8_t, 6> octets{0x33, 0x33};
  std::ranges::copy(group.view().last(4), octets.begin() + 2);
  return LinkAddress::from(octets).value_or(LinkAddress{});
}

bool is_group(const LinkAddress& address) {
  return !address.empty() && (address.view()[0] & 1) != 0;
}

LinkAddress link_address(std::uint8_t kind, std::uint8_t number) {
  return *LinkAddress::from(std::array<std::uint8_t, 6>{2, 0, 0x5e, kind, 0, number});
}

Bytes datagram(const Ipv6Address& source, const Ipv6Address& destination, const Mark& mark) {
  Bytes upper(kUdpHeader + kPayload);
  Writer out(upper);
  out.u16(kPort);
  out.u16(kPort);
  out.u16(static_cast<std::uint16_t>(upper.size()));
  out.u16(0);
  out.u32(mark.stream);
  out.u32(mark.number);
  out.u8(mark.echo ? 1 : 0);
  out.u64(fingerprint(source, destination, mark));
  out.zeros(out.remaining());
  const std::uint16_t sum = wire::checksum(source, destination, wire::kProtocolUdp, upper);
  Writer(ByteSpan(upper).subspan(kChecksumAt, 2)).u16(sum);
  wire::Ipv6Header header;
  header.next_header = wire::kProtocolUdp;
  header.source = source;
  header.destination = destination;
  return wire::build_packet(header, {}, upper);
}

std::optional<Mark> mark_of(ByteView packet) {
  for (int depth = 0; depth < kMostTunnels; ++depth) {
    const auto header = wire::Ipv6Header::parse(packet);
    if (!header) return std::nullopt;
    const ByteView upper = packet.subspan(wire::Ipv6Header::kSize);
    if (header->next_header == wire::kProtocolIpv6) {
      packet = upper;
      continue;
    }
    if (header->next_header != wire::kProtocolUdp || upper.size() != kUdpHeader + kPayload ||
        wire::checksum(header->source, header->destination, wire::kProtocolUdp, upper) != 0)
      return std::nullopt;
    Reader in(upper.subspan(kUdpHeader));
    Mark mark;
    mark.stream = in.u32();
    mark.number = in.u32();
    mark.echo = in.u8() != 0;
    if (in.u64() != fingerprint(header->source, header->destination, mark)) return std::nullopt;
    return mark;
  }
  return std::nullopt;
}

std::vector<datapath::Tunnel> tunnels_of(ByteView packet) {
  std::vector<datapath::Tunnel> tunnels;
  for (auto header = wire::Ipv6Header::parse(packet);
       header && header->next_header == wire::kProtocolIpv6;
       header = wire::Ipv6Header::parse(packet)) {
    tunnels.push_back({header->source, header->destination});
    packet = packet.subspan(wire::Ipv6Header::kSize);
  }
  return tunnels;
}

std::string describe(ByteView packet) {
  std::string text;
  for (int depth = 0; depth < kMostTunnels; ++depth) {
    const auto header = wire::Ipv6Header::parse(packet);
    if (!header) return text + "not IPv6";
    text += header->source.text() + " > " + header->destination.text() + " ";
    if (header->next_header != wire::kProtocolIpv6) break;
    text += "[ ";
    packet = packet.subspan(wire::Ipv6Header::kSize);
  }
  if (const auto mark = mark_of(packet))
    return text + (mark->echo ? "echo " : "data ") + std::to_string(mark->stream) + "/" +
           std::to_string(mark->number);
  const auto view = wire::PacketView::parse(packet);
  if (!view) return text + "malformed";
  if (view->upper_protocol == wire::kProtocolIcmpv6)
    return text + icmp_name(view->upper) + target_of(view->upper);
  if (view->upper_protocol == wire::kProtocolMobility) return text + mobility_name(view->upper);
  return text + "protocol " + std::to_string(view->upper_protocol);
}

}  // namespace sendoff::sim
