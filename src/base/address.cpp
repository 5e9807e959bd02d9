#include "base/address.h"

#include <arpa/inet.h>

#include <charconv>

namespace sendoff {

Ipv6Address Ipv6Address::from(ByteView octets) {
  invariant(octets.size() == kSize);
  Octets copy{};
  std::ranges::copy(octets, copy.begin());
  return Ipv6Address(copy);
}

std::optional<Ipv6Address> Ipv6Address::parse(std::string_view text) {
  // inet_pton would stop at a zero octet and take what stands before it.
  if (text.find('\0') != std::string_view::npos) return std::nullopt;
  const std::string terminated(text);
  Octets octets{};
  if (inet_pton(AF_INET6, terminated.c_str(), octets.data()) != 1) return std::nullopt;
  return Ipv6Address(octets);
}

Ipv6Address Ipv6Address::literal(std::string_view text) {
  const auto address = parse(text);
  invariant(address.has_value());
  return *address;
}

std::uint64_t Ipv6Address::interface_identifier() const {
  return Reader(ByteView(octets_).subspan(8)).u64();
}

std::uint64_t Ipv6Address::subnet_prefix() const { return Reader(octets_).u64(); }

bool Ipv6Address::is_loopback() const {
  return subnet_prefix() == 0 && interface_identifier() == 1;
}

bool Ipv6Address::is_link_local() const {
  return octets_[0] == 0xfe && (octets_[1] & 0xc0) == 0x80;
}

bool Ipv6Address::is_unicast_routable() const {
  const bool v4_mapped = subnet_prefix() == 0 && interface_identifier() >> 32 == 0xffff;
  return !is_unspecified() && !is_loopback() && !is_multicast() && !is_link_local() && !v4_mapped;
}

Ipv6Address Ipv6Address::solicited_node() const {
  return Ipv6Address(
      {0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, octets_[13], octets_[14], octets_[15]});
}

// Every key that is issued is reported with its address: inet_ntop, which prints each group through
// sprintf, would be a third of that.
std::string Ipv6Address::text() const {
  // Of the longest run of zero groups, the first if there are several, stands "::" (RFC 5952 4.2).
  const auto group = [this](std::size_t i) { return octets_[2 * i] << 8 | octets_[2 * i + 1]; };
  std::size_t run_start = 8, run_size = 1;
  for (std::size_t i = 0; i < 8; ++i) {
    std::size_t size = 0;
    while (i + size < 8 && group(i + size) == 0) ++size;
    if (size > run_size) run_start = i, run_size = size;
    i += size;
  }
  const bool mapped = run_start == 0 && run_size == 5 && group(5) == 0xffff;
  std::array<char, INET6_ADDRSTRLEN> buffer{};
  char* out = buffer.data();
  const auto number = [&](int value, int base) {
    out = std::to_chars(out, buffer.data() + buffer.size(), value, base).ptr;
  };
  const std::size_t groups = mapped ? 6 : 8;
  for (std::size_t i = 0; i < groups; ++i) {
    if (i == run_start) {
      *out++ = ':';
      *out++ = ':';
      i += run_size - 1;
      continue;
    }
    if (i != 0 && out[-1] != ':') *out++ = ':';
    number(group(i), 16);
  }
  for (std::size_t i = 12; mapped && i < 16; ++i) {
    *out++ = i == 12 ? ':' : '.';
    number(octets_[i], 10);
  }
  return {buffer.data(), out};
}

Prefix::Prefix(const Ipv6Address& address, std::uint8_t length) : length_(length) {
  invariant(length <= 128);
  Ipv6Address::Octets octets = address.octets();
  for (std::size_t i = 0; i < octets.size(); ++i) {
    const std::size_t first_bit = i * 8;
    if (first_bit >= length)
      octets[i] = 0;
    else if (length - first_bit < 8)
      octets[i] = static_cast<std::uint8_t>(octets[i] & 0xff << (8 - (length - first_bit)));
  }
  address_ = Ipv6Address(octets);
}

std::optional<Prefix> Prefix::parse(std::string_view text) {
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const auto address = Ipv6Address::parse(text.substr(0, slash));
  const std::string_view digits = text.substr(slash + 1);
  unsigned length = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), length);
  if (!address || digits.empty() || error != std::errc{} || end != digits.data() + digits.size() ||
      length > 128)
    return std::nullopt;
  const Prefix prefix(*address, static_cast<std::uint8_t>(length));
  if (prefix.address() != *address) return std::nullopt;
  return prefix;
}

Prefix Prefix::literal(std::string_view text) {
  const auto prefix = parse(text);
  invariant(prefix.has_value());
  return *prefix;
}

bool Prefix::contains(const Ipv6Address& address) const {
  return Prefix(address, length_).address() == address_;
}

bool Prefix::contains(const Prefix& other) const {
  return other.length_ >= length_ && contains(other.address_);
}

std::string Prefix::text() const { return address_.text() + "/" + std::to_string(length_); }

std::optional<LinkAddress> LinkAddress::from(ByteView octets) {
  if (octets.size() > kMaxSize) return std::nullopt;
  LinkAddress address;
  std::ranges::copy(octets, address.octets_.begin());
  address.size_ = static_cast<std::uint8_t>(octets.size());
  return address;
}

std::optional<LinkAddress> LinkAddress::parse(std::string_view text) {
  Bytes octets;
  std::string digits;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (i % 3 == 2) {
      if (text[i] != ':') return std::nullopt;
    } else {
      digits.push_back(text[i]);
    }
  }
  if (text.size() % 3 != 2 || !from_hex(digits, octets)) return std::nullopt;
  return from(octets);
}

LinkAddress LinkAddress::literal(std::string_view text) {
  const auto address = parse(text);
  invariant(address.has_value());
  return *address;
}

std::string LinkAddress::text() const {
  std::string text;
  for (std::uint8_t octet : view()) {
    if (!text.empty()) text.push_back(':');
    text += to_hex(ByteView(&octet, 1));
  }
  return text;
}

}  // namespace sendoff
