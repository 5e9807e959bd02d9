// What the tests of the key tables share: addresses, virtual time, FBUs.
#pragma once

#include <utility>

#include "base/time.h"
#include "keys/authenticator.h"

namespace sendoff::keys::test {

inline const Ipv6Address kPar = Ipv6Address::literal("2001:db8:a:1:4b4:128e:6fbb:ac14");
inline const Ipv6Address kPcoa = Ipv6Address::literal("2001:db8:a:1:474:1796:8057:ba69");
inline const Ipv6Address kNcoa = Ipv6Address::literal("2001:db8:b:1:892:8d93:3a0a:3a0");
inline const LinkAddress kLink = LinkAddress::literal("02:00:5e:10:a7:c3");

inline constexpr Instant kStart{hours(100)};
inline constexpr UtcTime kStartUtc{hours(500'000)};

[[nodiscard]] constexpr Instant after(Duration duration) { return kStart + duration; }
[[nodiscard]] constexpr Now now_after(Duration duration) {
  return {kStart + duration, kStartUtc + duration};
}

// The `index`-th address of a /64.
[[nodiscard]] inline Ipv6Address address(std::uint32_t index, std::uint8_t subnet = 1) {
  Ipv6Address::Octets octets{0x20, 1, 0x0d, 0xb8, 0, 0x0a, 0, subnet, 0x04};
  Writer(ByteSpan(octets).subspan(12)).u32(index);
  return Ipv6Address(octets);
}
[[nodiscard]] inline LinkAddress link(std::uint32_t index) {
  std::array<std::uint8_t, 6> octets{2, 0};
  Writer(ByteSpan(octets).subspan(2)).u32(index);
  return *LinkAddress::from(octets);
}

// A key whose octets all differ from those of another `first`.
[[nodiscard]] inline Secret key_of(crypto::Algorithm algorithm, std::uint8_t first) {
  Secret key(crypto::key_size(algorithm));
  for (std::uint8_t& octet : key.expose_mutable()) octet = first++;
  return key;
}

// An FBU as it arrives. Move-only: the parsed form borrows from the octets.
struct Arrived {
  Bytes header;
  wire::FastBindingUpdate fbu;

  explicit Arrived(Bytes octets) : header(std::move(octets)) {
    const auto parsed = wire::FastBindingUpdate::parse(header);
    invariant(parsed.has_value());
    fbu = *parsed;
  }
  Arrived(Arrived&&) = default;
  Arrived(const Arrived&) = delete;
};

[[nodiscard]] inline wire::FastBindingUpdate fast_binding_update(std::uint16_t sequence = 1) {
  wire::FastBindingUpdate fbu;
  fbu.sequence = sequence;
  fbu.acknowledge = true;
  fbu.home_registration = true;
  fbu.lifetime_s = 30;
  fbu.options.alternate_care_of = kNcoa;
  return fbu;
}

[[nodiscard]] inline Arrived signed_fbu(crypto::Algorithm algorithm, const Secret& key,
                                        const Ipv6Address& par = kPar, std::uint16_t sequence = 1) {
  return Arrived(
      authenticated(fast_binding_update(sequence), algorithm, key, kNcoa, par, kPcoa, par));
}

}  // namespace sendoff::keys::test
