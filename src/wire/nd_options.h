// Neighbor Discovery options: the list of them, and those of RFC 4861, 4191 and 6275.
// SEND's are in send_options.h, those of FMIPv6 and RFC 5269 in fmip_options.h.
//
// An option's `parse` takes the whole option, type and length octets included, as `OptionList`
// yields it.
#pragma once

#include <optional>

#include "base/address.h"
#include "wire/error.h"

namespace sendoff::wire {

enum class OptionType : std::uint8_t {
  kSourceLinkAddress = 1,
  kTargetLinkAddress = 2,
  kPrefixInformation = 3,
  kRedirectedHeader = 4,
  kMtu = 5,
  kCga = 11,
  kRsaSignature = 12,
  kTimestamp = 13,
  kNonce = 14,
  kTrustAnchor = 15,
  kCertificate = 16,
  kIpAddressPrefix = 17,
  kLinkLayerAddress = 19,
  kNaack = 20,
  kRouteInformation = 24,
  kHandoverKeyRequest = 27,
  kHandoverKeyReply = 28,
};

struct RawOption {
  OptionType type{};   // may be a number that no enumerator names
  ByteView octets;     // the whole option
  std::size_t offset;  // of its first octet, from the start of the list
};

// A list whose structure was checked once: no option of length 0, none past the end. Unknown
// options are in it; skipping them is the reader's part. Borrows its octets, allocates nothing.
class OptionList {
 public:
  // kZeroLengthOption, kOptionOverrun.
  [[nodiscard]] static Parsed<OptionList> parse(ByteView options);

  class Iterator {
   public:
    using value_type = RawOption;
    using difference_type = std::ptrdiff_t;
    Iterator() = default;
    Iterator(ByteView rest, std::size_t offset) : rest_(rest), offset_(offset) {}
    RawOption operator*() const;
    Iterator& operator++();
    Iterator operator++(int) {
      Iterator before = *this;
      ++*this;
      return before;
    }
    friend bool operator==(const Iterator& a, const Iterator& b) { return a.offset_ == b.offset_; }

   private:
    ByteView rest_;
    std::size_t offset_ = 0;
  };

  OptionList() = default;
  [[nodiscard]] Iterator begin() const { return {octets_, 0}; }
  [[nodiscard]] Iterator end() const { return {{}, octets_.size()}; }
  [[nodiscard]] ByteView octets() const { return octets_; }

  [[nodiscard]] std::optional<RawOption> first(OptionType type) const;
  [[nodiscard]] std::size_t count(OptionType type) const;
  // The options before the first RSA Signature option (all, when there is none): what a receiver
  // may use (RFC 3971 5.2.2, W1).
  [[nodiscard]] OptionList before_signature() const;

 private:
  explicit OptionList(ByteView checked) : octets_(checked) {}
  ByteView octets_;
};

// Types 1 and 2. The length of a link-layer address is known from the link: octets behind a
// 6-octet address are none in an 8-octet option. Longer options are not taken (kLength).
struct LinkAddressOption {
  OptionType type = OptionType::kSourceLinkAddress;
  LinkAddress address;
  [[nodiscard]] static Parsed<LinkAddressOption> parse(ByteView option);
  [[nodiscard]] std::size_t size() const;
  void emit(Writer& out) const;
};

// Type 3 (RFC 4861 4.6.2). With `router_address` (R, RFC 6275 7.2) `address` is the full address
// of the router, else the bits past `prefix_length` are to be ignored.
struct PrefixInformation {
  static constexpr std::size_t kSize = 32;
  static constexpr std::uint32_t kInfinite = 0xffffffff;
  std::uint8_t prefix_length = 64;
  bool on_link = false;
  bool autonomous = false;
  bool router_address = false;
  std::uint32_t valid_lifetime_s = 0;
  std::uint32_t preferred_lifetime_s = 0;
  Ipv6Address address;
  [[nodiscard]] Prefix prefix() const { return Prefix(address, prefix_length); }
  // kLength, kValue (prefix length above 128).
  [[nodiscard]] static Parsed<PrefixInformation> parse(ByteView option);
  [[nodiscard]] std::size_t size() const { return kSize; }
  void emit(Writer& out) const;
};

// Type 4. `packet` borrows the octets after the 8-octet head, padding included.
struct RedirectedHeader {
  ByteView packet;  // when emitted: a multiple of 8 octets
  [[nodiscard]] static Parsed<RedirectedHeader> parse(ByteView option);
  [[nodiscard]] std::size_t size() const { return 8 + packet.size(); }
  void emit(Writer& out) const;
};

// Type 5.
struct MtuOption {
  static constexpr std::size_t kSize = 8;
  std::uint32_t mtu = 0;
  [[nodiscard]] static Parsed<MtuOption> parse(ByteView option);
  [[nodiscard]] std::size_t size() const { return kSize; }
  void emit(Writer& out) const;
};

// Type 24 (RFC 4191 2.3). Emitted with the shortest length that holds the prefix.
struct RouteInformation {
  Prefix prefix;
  std::uint8_t preference = 0;  // 2 bits as on the wire
  std::uint32_t lifetime_s = 0;
  [[nodiscard]] static Parsed<RouteInformation> parse(ByteView option);
  [[nodiscard]] std::size_t size() const;
  void emit(Writer& out) const;
};

}  // namespace sendoff::wire
