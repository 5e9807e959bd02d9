// Addresses of the network and of the link: IPv6 addresses (RFC 4291), prefixes, link-layer
// addresses. Values only; no lookup, no interface.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace sendoff {

// 128 bits in network byte order.
class Ipv6Address {
 public:
  static constexpr std::size_t kSize = 16;
  using Octets = std::array<std::uint8_t, kSize>;

  constexpr Ipv6Address() = default;  // ::
  constexpr explicit Ipv6Address(const Octets& octets) : octets_(octets) {}

  // `octets` must hold exactly 16 octets.
  [[nodiscard]] static Ipv6Address from(ByteView octets);
  // Textual form of RFC 4291 2.2, without zone; nothing when `text` is not one.
  [[nodiscard]] static std::optional<Ipv6Address> parse(std::string_view text);
  // Compiles only for code that spells its constants right: asserts on a bad text.
  [[nodiscard]] static Ipv6Address literal(std::string_view text);

  [[nodiscard]] const Octets& octets() const { return octets_; }
  [[nodiscard]] ByteView view() const { return octets_; }
  // The low 64 bits and the high 64 bits.
  [[nodiscard]] std::uint64_t interface_identifier() const;
  [[nodiscard]] std::uint64_t subnet_prefix() const;

  [[nodiscard]] bool is_unspecified() const { return *this == Ipv6Address{}; }
  [[nodiscard]] bool is_loopback() const;
  [[nodiscard]] bool is_multicast() const { return octets_[0] == 0xff; }
  // fe80::/10.
  [[nodiscard]] bool is_link_local() const;
  // Usable as a care-of address: not unspecified, loopback, multicast, link-local or IPv4-mapped.
  [[nodiscard]] bool is_unicast_routable() const;

  // ff02::1:ffXX:XXXX of this address (RFC 4291 2.7.1).
  [[nodiscard]] Ipv6Address solicited_node() const;
  // RFC 5952 text.
  [[nodiscard]] std::string text() const;

  friend auto operator<=>(const Ipv6Address&, const Ipv6Address&) = default;

  template <typename H>
  friend H AbslHashValue(H state, const Ipv6Address& address) {
    return H::combine(std::move(state), address.octets_);
  }

 private:
  Octets octets_{};
};

inline constexpr Ipv6Address kAllNodes{{0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}};
inline constexpr Ipv6Address kAllRouters{{0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2}};

// A prefix whose bits past its length are zero.
class Prefix {
 public:
  constexpr Prefix() = default;  // ::/0
  // Bits of `address` past `length` are cleared. `length` must be 0..128.
  Prefix(const Ipv6Address& address, std::uint8_t length);
  // "2001:db8::/32"; nothing when malformed or when bits past the length are set.
  [[nodiscard]] static std::optional<Prefix> parse(std::string_view text);
  [[nodiscard]] static Prefix literal(std::string_view text);

  [[nodiscard]] const Ipv6Address& address() const { return address_; }
  [[nodiscard]] std::uint8_t length() const { return length_; }
  [[nodiscard]] bool contains(const Ipv6Address& address) const;
  [[nodiscard]] bool contains(const Prefix& other) const;
  [[nodiscard]] std::string text() const;

  friend auto operator<=>(const Prefix&, const Prefix&) = default;

 private:
  Ipv6Address address_;
  std::uint8_t length_ = 0;
};

// A link-layer address of up to eight octets (EUI-48 and EUI-64); zero octets mean "none".
class LinkAddress {
 public:
  static constexpr std::size_t kMaxSize = 8;

  constexpr LinkAddress() = default;
  // Nothing when `octets` is longer than kMaxSize.
  [[nodiscard]] static std::optional<LinkAddress> from(ByteView octets);
  // "02:00:5e:00:53:01"
  [[nodiscard]] static std::optional<LinkAddress> parse(std::string_view text);
  [[nodiscard]] static LinkAddress literal(std::string_view text);

  [[nodiscard]] ByteView view() const { return ByteView(octets_).first(size_); }
  [[nodiscard]] bool empty() const { return size_ == 0; }
  [[nodiscard]] std::string text() const;

  friend auto operator<=>(const LinkAddress&, const LinkAddress&) = default;

  template <typename H>
  friend H AbslHashValue(H state, const LinkAddress& address) {
    return H::combine(std::move(state), address.octets_, address.size_);
  }

 private:
  std::array<std::uint8_t, kMaxSize> octets_{};
  std::uint8_t size_ = 0;
};

}  // namespace sendoff
