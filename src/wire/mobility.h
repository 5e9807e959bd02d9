// Mobility Header messages (RFC 6275 6.1, RFC 5568 6.2) and their options (RFC 6275 6.2,
// RFC 5568 6.4). Computing and checking authenticators is keys/.
#pragma once

#include <optional>

#include "base/address.h"
#include "wire/error.h"
#include "wire/fixed_list.h"
#include "wire/ipv6.h"

namespace sendoff::wire {

enum class MobilityType : std::uint8_t {
  kBindingError = 7,
  kFastBindingUpdate = 8,
  kFastBindingAcknowledgement = 9,
  kHandoverInitiate = 14,
  kHandoverAcknowledge = 15,
};

// Payload Proto, Header Len, MH Type, Reserved, Checksum: the first six octets. What answers a bad
// one with an ICMPv6 Parameter Problem (RFC 6275 9.2) looks here; the messages below refuse it.
struct MobilityHeader {
  static constexpr std::size_t kSize = 6;
  std::uint8_t payload_protocol = kProtocolNoNext;
  std::uint8_t length_units = 0;  // 8-octet units without the first 8 octets
  MobilityType type{};            // may be a number that no enumerator names
  std::uint16_t checksum = 0;
  // kTruncated when `upper` is shorter than the length says; octets behind it are not looked at.
  [[nodiscard]] static Parsed<MobilityHeader> parse(ByteView upper);
  [[nodiscard]] std::size_t octets() const { return (std::size_t{length_units} + 1) * 8; }
};

// RFC 5568 6.4.5, in the place of RFC 6275 6.2.7 (W18): Binding Authorization Data for FMIPv6,
// type 21.
struct AuthorizationData {
  std::uint32_t spi = 0;
  ByteView authenticator;  // 1..255 octets
  std::size_t offset = 0;  // received: of the Authenticator's first octet from the header's start
};

// RFC 5568 6.4.4: the mobile node's link-layer address, type 7.
struct MobilityLinkAddress {
  static constexpr std::uint8_t kMobileNode = 2;
  std::uint8_t option_code = kMobileNode;
  LinkAddress address;
};

// RFC 5568 6.4.2, type 34 (W19). Bits past `prefix_length` of a kNarPrefix are zero.
struct MobilityAddressPrefix {
  enum class Code : std::uint8_t {
    kOldCareOfAddress = 1,
    kNewCareOfAddress = 2,
    kNarAddress = 3,
    kNarPrefix = 4,
  };
  Code code = Code::kOldCareOfAddress;
  std::uint8_t prefix_length = 128;
  Ipv6Address address;
};

// The options of one message, the first of each kind; a type 34 option is of the kind that its
// Option-Code says. Skipped: unknown types (RFC 6275 6.2.1); type 7 and 34 options with a code,
// length or prefix length that RFC 5568 6.4 does not know. Refused: an option that overruns the
// header (kOptionOverrun); a type 3 option that is not of 16 octets, a type 21 option that is
// empty or not the last thing in the header (kLength).
struct MobilityOptions {
  static constexpr std::size_t kMaxAddresses = 4;

  std::optional<Ipv6Address> alternate_care_of;  // type 3
  std::optional<MobilityLinkAddress> link_address;
  FixedList<MobilityAddressPrefix, kMaxAddresses> addresses;
  std::optional<AuthorizationData> authorization;  // type 21; the last option when emitted
  bool nonce_indices = false;  // received: type 4 is there (RFC 6275 6.2.6); never emitted

  // That of the type 34 option with this code.
  [[nodiscard]] std::optional<Ipv6Address> address(MobilityAddressPrefix::Code code) const;
};

// Of the messages that follow, `parse` takes the Mobility Header from its first octet on; octets
// behind its length are not looked at. Errors beside those of the options: kTruncated; kType;
// kValue, Payload Proto is not 59; kLength, Header Len below the type's minimum.
struct FastBindingUpdate {
  std::uint16_t sequence = 0;
  bool acknowledge = false;
  bool home_registration = false;
  bool link_local = false;
  bool key_management = false;
  std::uint16_t lifetime_s = 0;  // W17: seconds
  MobilityOptions options;
  [[nodiscard]] static Parsed<FastBindingUpdate> parse(ByteView header);
  [[nodiscard]] std::size_t size() const;
  void emit(Writer& out) const;  // checksum 0; see seal_mobility
};

struct FastBindingAcknowledgement {
  std::uint8_t status = 0;
  bool key_management = false;
  std::uint16_t sequence = 0;
  std::uint16_t lifetime_s = 0;
  MobilityOptions options;
  [[nodiscard]] static Parsed<FastBindingAcknowledgement> parse(ByteView header);
  [[nodiscard]] std::size_t size() const;
  void emit(Writer& out) const;
};

struct HandoverInitiate {
  std::uint16_t sequence = 0;
  bool assigned_addressing = false;  // S
  bool buffer = false;               // U
  std::uint8_t code = 0;
  MobilityOptions options;
  [[nodiscard]] static Parsed<HandoverInitiate> parse(ByteView header);
  [[nodiscard]] std::size_t size() const;
  void emit(Writer& out) const;
};

struct HandoverAcknowledge {
  std::uint16_t sequence = 0;
  std::uint8_t code = 0;
  MobilityOptions options;
  [[nodiscard]] static Parsed<HandoverAcknowledge> parse(ByteView header);
  [[nodiscard]] std::size_t size() const;
  void emit(Writer& out) const;
};

// RFC 6275 6.1.9.
struct BindingError {
  std::uint8_t status = 0;
  Ipv6Address home_address;
  [[nodiscard]] static Parsed<BindingError> parse(ByteView header);
  [[nodiscard]] std::size_t size() const { return 24; }
  void emit(Writer& out) const;
};

// Sets the checksum of a complete header, which is all of `header`. `source` is the home address
// where a Home Address option is present (W15), `destination` the final one.
void seal_mobility(const Ipv6Address& source, const Ipv6Address& destination, ByteSpan header);
[[nodiscard]] bool mobility_checksum_ok(const Ipv6Address& source, const Ipv6Address& destination,
                                        ByteView header);

// Writes the octets of `header` that a BADF authenticator covers: all up to
// `authenticator_offset` (at most header.size()), the checksum field as zero (W18).
void emit_authorization_input(ByteView header, std::size_t authenticator_offset, Writer& out);

}  // namespace sendoff::wire
