// IPv6 packets (RFC 8200): the fixed header, the extension headers that this project meets, and
// the Home Address destination option (RFC 6275 6.3). Nothing here knows ICMPv6 or mobility.
//
// The contract of every type in wire/: `T::parse(octets)` borrows its input, reads nothing outside
// it and yields a valid value or a ParseError; `size()` is the number of octets that `emit(writer)`
// fills. Receivers ignore reserved bits and padding, emitters zero them.
#pragma once

#include <optional>

#include "base/address.h"
#include "wire/error.h"

namespace sendoff::wire {

inline constexpr std::uint8_t kProtocolHopByHop = 0;
inline constexpr std::uint8_t kProtocolUdp = 17;
inline constexpr std::uint8_t kProtocolIpv6 = 41;
inline constexpr std::uint8_t kProtocolRouting = 43;
inline constexpr std::uint8_t kProtocolFragment = 44;
inline constexpr std::uint8_t kProtocolEsp = 50;
inline constexpr std::uint8_t kProtocolIcmpv6 = 58;
inline constexpr std::uint8_t kProtocolNoNext = 59;
inline constexpr std::uint8_t kProtocolDestinationOptions = 60;
inline constexpr std::uint8_t kProtocolMobility = 135;

struct Ipv6Header {
  static constexpr std::size_t kSize = 40;

  std::uint8_t traffic_class = 0;
  std::uint32_t flow_label = 0;  // 20 bits
  std::uint16_t payload_length = 0;
  std::uint8_t next_header = kProtocolNoNext;
  std::uint8_t hop_limit = 64;
  Ipv6Address source;
  Ipv6Address destination;

  [[nodiscard]] static Parsed<Ipv6Header> parse(ByteView packet);
  [[nodiscard]] std::size_t size() const { return kSize; }
  void emit(Writer& out) const;
};

// Fragment header (RFC 8200 4.5).
struct FragmentHeader {
  static constexpr std::size_t kSize = 8;

  std::uint8_t next_header = kProtocolNoNext;
  std::uint16_t offset = 0;  // 13 bits, units of 8 octets
  bool more = false;
  std::uint32_t identification = 0;

  [[nodiscard]] bool atomic() const { return offset == 0 && !more; }
  [[nodiscard]] static Parsed<FragmentHeader> parse(ByteView header);
  [[nodiscard]] std::size_t size() const { return kSize; }
  void emit(Writer& out) const;
};

// Routing header. Type 2 (RFC 6275 6.4) carries one home address; any other type is only named.
// Of type 2 kLength: not 24 octets; kValue: Segments Left is not 1.
struct RoutingHeader {
  static constexpr std::uint8_t kTypeHomeAddress = 2;

  std::uint8_t next_header = kProtocolNoNext;
  std::uint8_t type = kTypeHomeAddress;
  std::uint8_t segments_left = 1;
  Ipv6Address home_address;  // type 2 only

  [[nodiscard]] static Parsed<RoutingHeader> parse(ByteView header);  // whole header
  // Emits type 2 only: 24 octets.
  [[nodiscard]] std::size_t size() const { return 24; }
  void emit(Writer& out) const;
};

// A Destination Options header that holds one Home Address option (type 201), aligned 8n+6
// (RFC 6275 6.3): 24 octets.
struct HomeAddressHeader {
  static constexpr std::uint8_t kOptionType = 201;
  static constexpr std::size_t kSize = 24;

  std::uint8_t next_header = kProtocolNoNext;
  Ipv6Address home_address;

  [[nodiscard]] std::size_t size() const { return kSize; }
  void emit(Writer& out) const;
};

// One packet, its extension headers walked up to the upper layer. Octets behind the payload length
// (link padding) are cut off.
struct PacketView {
  Ipv6Header header;
  std::optional<Ipv6Address> home_address;  // from a Home Address option
  std::optional<RoutingHeader> routing;
  std::optional<FragmentHeader> fragment;
  bool has_hop_by_hop = false;
  std::uint8_t upper_protocol = kProtocolNoNext;
  ByteView upper;  // of a fragment that is not the first: its raw octets

  // kTruncated: shorter than its payload length or an extension header says. kVersion.
  // kExtensionHeaders: more than 8 of them; Hop-by-Hop that is not the first; two Routing or two
  // Fragment headers; a Routing header of another type with segments left; an option that overruns
  // its header, or that is unknown and says "discard"; a Home Address option that is not of 16
  // octets, not the only one, not in a Destination Options header, before a Routing or behind a
  // Fragment header (RFC 6275 6.3). Those of RoutingHeader.
  [[nodiscard]] static Parsed<PacketView> parse(ByteView packet);
};

// The checksum of RFC 8200 8.1 over pseudo-header and `upper` with the checksum field as it is.
// Over octets that hold a correct checksum the result is 0.
[[nodiscard]] std::uint16_t checksum(const Ipv6Address& source, const Ipv6Address& destination,
                                     std::uint8_t protocol, ByteView upper);

// header.payload_length is computed. `extension` stands between header and `upper`; it must be
// complete, and header.next_header must name its first header (or the upper protocol).
[[nodiscard]] Bytes build_packet(Ipv6Header header, ByteView extension, ByteView upper);

}  // namespace sendoff::wire
