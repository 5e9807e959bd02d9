// The ND options of FMIPv6 (RFC 5568 6.4) and of handover keys (RFC 5269 4).
#pragma once

#include "base/address.h"
#include "wire/nd_options.h"

namespace sendoff::wire {

// The 4-bit algorithm type of RFC 5269 as it stands on the wire; W13 gives it meaning.
struct AlgorithmCode {
  std::uint8_t value = 0;  // 0..15
  friend bool operator==(const AlgorithmCode&, const AlgorithmCode&) = default;
};

// Type 17 (RFC 5568 6.4.1): 24 octets. Bits past `prefix_length` of a kNarPrefix are zero.
struct IpAddressPrefixOption {
  enum class Code : std::uint8_t {
    kOldCareOfAddress = 1,
    kNewCareOfAddress = 2,
    kNarAddress = 3,
    kNarPrefix = 4,
  };
  static constexpr std::size_t kSize = 24;
  Code code = Code::kOldCareOfAddress;  // may be a number that no enumerator names
  std::uint8_t prefix_length = 128;
  Ipv6Address address;
  // kLength, kValue (prefix length above 128).
  [[nodiscard]] static Parsed<IpAddressPrefixOption> parse(ByteView option);
  [[nodiscard]] std::size_t size() const { return kSize; }
  void emit(Writer& out) const;
};

// Type 19 (RFC 5568 6.4.3, GF18): address from octet 3 on, then zeros to the option's end.
struct LinkLayerAddressOption {
  enum class Code : std::uint8_t {
    kWildcard = 0,
    kNewAccessPoint = 1,
    kMobileNode = 2,  // of the MN in messages other than RtSolPr
    kNewAccessRouter = 3,
    kSource = 4,  // of the sender of RtSolPr or PrRtAdv
    kCurrentInterface = 5,
    kNoPrefixInformation = 6,
    kNoFastHandover = 7,
  };
  Code code = Code::kWildcard;  // may be a number that no enumerator names
  LinkAddress address;          // empty for the wildcard, may be for kNoPrefixInformation (GF14)
  // `address_size` is the link's (at most LinkAddress::kMaxSize): the option does not say it.
  // kLength when the option is too short for it.
  [[nodiscard]] static Parsed<LinkLayerAddressOption> parse(ByteView option,
                                                            std::size_t address_size = 6);
  [[nodiscard]] std::size_t size() const;
  void emit(Writer& out) const;
};

// Type 20 (RFC 5568 6.4.6, GF17). With an address Length is 3, without 1; else kLength. kValue:
// status kUseSupplied without the address to use.
struct NaackOption {
  static constexpr std::uint8_t kUseSupplied = 2;
  std::uint8_t option_code = 0;  // only 0 has a meaning; the reader of the option looks
  std::uint8_t status = 0;
  std::optional<Ipv6Address> address;
  [[nodiscard]] static Parsed<NaackOption> parse(ByteView option);
  [[nodiscard]] std::size_t size() const { return address ? 24 : 8; }
  void emit(Writer& out) const;
};

// Type 27 (RFC 5269 4.1).
//
//    octet 0    1        2            3            4 …
//    | Type | Length | Pad Length | AT | Rsv |  public key (DER SubjectPublicKeyInfo) | padding |
struct HandoverKeyRequest {
  AlgorithmCode algorithm;
  ByteView public_key;
  // kPadLength when no key octet is left. A Pad Length above 7 is legal (GF5).
  [[nodiscard]] static Parsed<HandoverKeyRequest> parse(ByteView option);
  [[nodiscard]] std::size_t size() const;
  void emit(Writer& out) const;
};

// Type 28 (RFC 5269 4.2).
//
//    octet 0    1        2            3          4-5         6 …
//    | Type | Length | Pad Length | AT | Rsv | Key Lifetime | encrypted key | padding |
struct HandoverKeyReply {
  static constexpr std::size_t kHeadSize = 6;
  AlgorithmCode algorithm;
  std::uint16_t lifetime_s = 0;
  ByteView encrypted_key;  // may be empty when received: the length is the MN's check (HK-4.2-06)
  [[nodiscard]] static Parsed<HandoverKeyReply> parse(ByteView option);
  [[nodiscard]] std::size_t size() const;
  void emit(Writer& out) const;
};

}  // namespace sendoff::wire
