// ICMPv6 messages (RFC 4443, 4861, 3971 6.4, 5568 6.1): their fixed parts. Options are in
// nd_options.h. `parse` takes the whole ICMPv6 message from its type octet on and does not look at
// the checksum; `emit` writes the fixed part with checksum 0; `seal_icmpv6` fills it in. Errors of
// parse: kTruncated, kType (of type 154 also another subtype), kValue (a code other than 0 where
// the format has no other).
#pragma once

#include <optional>

#include "base/address.h"
#include "wire/error.h"

namespace sendoff::wire {

enum class Icmpv6Type : std::uint8_t {
  kPacketTooBig = 2,
  kParameterProblem = 4,
  kRouterSolicitation = 133,
  kRouterAdvertisement = 134,
  kNeighborSolicitation = 135,
  kNeighborAdvertisement = 136,
  kRedirect = 137,
  kCertificationPathSolicitation = 148,
  kCertificationPathAdvertisement = 149,
  kFastMobility = 154,
};

inline constexpr std::uint8_t kSubtypeRtSolPr = 2;
inline constexpr std::uint8_t kSubtypePrRtAdv = 3;

// Type, code, checksum: the first four octets of every message.
struct Icmpv6Header {
  static constexpr std::size_t kSize = 4;
  std::uint8_t type = 0;
  std::uint8_t code = 0;
  std::uint16_t checksum = 0;

  [[nodiscard]] static Parsed<Icmpv6Header> parse(ByteView message);
  [[nodiscard]] std::size_t size() const { return kSize; }
  void emit(Writer& out) const;
};

struct RouterSolicitation {
  static constexpr std::size_t kSize = 8;
  [[nodiscard]] static Parsed<RouterSolicitation> parse(ByteView message);
  [[nodiscard]] std::size_t size() const { return kSize; }
  void emit(Writer& out) const;
};

// RFC 4861 4.2; H flag RFC 6275 7.1; preference RFC 4191 2.2.
struct RouterAdvertisement {
  static constexpr std::size_t kSize = 16;
  std::uint8_t current_hop_limit = 0;
  bool managed = false;
  bool other = false;
  bool home_agent = false;
  std::uint8_t preference = 0;  // 2 bits as on the wire: 01 high, 00 medium, 11 low
  std::uint16_t router_lifetime_s = 0;
  std::uint32_t reachable_time_ms = 0;
  std::uint32_t retransmission_timer_ms = 0;

  [[nodiscard]] static Parsed<RouterAdvertisement> parse(ByteView message);
  [[nodiscard]] std::size_t size() const { return kSize; }
  void emit(Writer& out) const;
};

struct NeighborSolicitation {
  static constexpr std::size_t kSize = 24;
  Ipv6Address target;
  [[nodiscard]] static Parsed<NeighborSolicitation> parse(ByteView message);
  [[nodiscard]] std::size_t size() const { return kSize; }
  void emit(Writer& out) const;
};

struct NeighborAdvertisement {
  static constexpr std::size_t kSize = 24;
  bool router = false;
  bool solicited = false;
  bool override_flag = false;
  Ipv6Address target;
  [[nodiscard]] static Parsed<NeighborAdvertisement> parse(ByteView message);
  [[nodiscard]] std::size_t size() const { return kSize; }
  void emit(Writer& out) const;
};

struct Redirect {
  static constexpr std::size_t kSize = 40;
  Ipv6Address target;
  Ipv6Address destination;
  [[nodiscard]] static Parsed<Redirect> parse(ByteView message);
  [[nodiscard]] std::size_t size() const { return kSize; }
  void emit(Writer& out) const;
};

// RFC 4443 3.2. `invoking` borrows the start of the packet that was too big.
struct PacketTooBig {
  std::uint32_t mtu = 0;
  ByteView invoking;
  [[nodiscard]] static Parsed<PacketTooBig> parse(ByteView message);
  [[nodiscard]] std::size_t size() const { return 8 + invoking.size(); }
  void emit(Writer& out) const;
};

// RFC 4443 3.4.
struct ParameterProblem {
  std::uint8_t code = 0;  // 0 erroneous field, 1 unrecognised next header, 2 unrecognised option
  std::uint32_t pointer = 0;
  ByteView invoking;
  [[nodiscard]] static Parsed<ParameterProblem> parse(ByteView message);
  [[nodiscard]] std::size_t size() const { return 8 + invoking.size(); }
  void emit(Writer& out) const;
};

// RFC 3971 6.4.1.
struct CertificationPathSolicitation {
  static constexpr std::size_t kSize = 8;
  static constexpr std::uint16_t kAllComponents = 0xffff;
  std::uint16_t identifier = 0;
  std::uint16_t component = kAllComponents;
  [[nodiscard]] static Parsed<CertificationPathSolicitation> parse(ByteView message);
  [[nodiscard]] std::size_t size() const { return kSize; }
  void emit(Writer& out) const;
};

// RFC 3971 6.4.2; 12 octets (GS11).
struct CertificationPathAdvertisement {
  static constexpr std::size_t kSize = 12;
  std::uint16_t identifier = 0;
  std::uint16_t all_components = 0;
  std::uint16_t component = 0;
  [[nodiscard]] static Parsed<CertificationPathAdvertisement> parse(ByteView message);
  [[nodiscard]] std::size_t size() const { return kSize; }
  void emit(Writer& out) const;
};

// RFC 5568 6.1.1.
struct RtSolPr {
  static constexpr std::size_t kSize = 8;
  std::uint16_t identifier = 0;
  [[nodiscard]] static Parsed<RtSolPr> parse(ByteView message);
  [[nodiscard]] std::size_t size() const { return kSize; }
  void emit(Writer& out) const;
};

// RFC 5568 6.1.2.
struct PrRtAdv {
  static constexpr std::size_t kSize = 8;
  static constexpr std::uint8_t kTuples = 0;
  static constexpr std::uint8_t kNetworkInitiated = 1;
  static constexpr std::uint8_t kNoRouterInformation = 2;
  static constexpr std::uint8_t kPartial = 3;
  static constexpr std::uint8_t kUnsolicited = 4;
  static constexpr std::uint8_t kDhcp = 5;
  std::uint8_t code = kTuples;
  std::uint16_t identifier = 0;
  [[nodiscard]] static Parsed<PrRtAdv> parse(ByteView message);
  [[nodiscard]] std::size_t size() const { return kSize; }
  void emit(Writer& out) const;
};

// Octets before the first option of a message of this type and subtype (`message` from its type
// octet on); nothing when the type carries no ND options or the message is shorter.
[[nodiscard]] std::optional<std::size_t> options_offset(ByteView message);

// Sets the checksum field of `message` (at least 4 octets) for this pseudo-header.
void seal_icmpv6(const Ipv6Address& source, const Ipv6Address& destination, ByteSpan message);

// True when the checksum of `message` is right.
[[nodiscard]] bool icmpv6_checksum_ok(const Ipv6Address& source, const Ipv6Address& destination,
                                      ByteView message);

// The whole packet around a sealed message: hop limit 255, no extension header.
[[nodiscard]] Bytes icmpv6_packet(const Ipv6Address& source, const Ipv6Address& destination,
                                  ByteView message);

}  // namespace sendoff::wire
