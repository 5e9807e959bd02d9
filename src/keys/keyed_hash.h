// SipHash (Aumasson and Bernstein, 2012) over addresses: the hash of every table that is indexed by
// what an attacker chooses. Whoever does not know the 128-bit key cannot find addresses that fall
// into one bucket, also when he sees how long look-ups take. 64 bits out; not a MAC.
#pragma once

#include <bit>
#include <cstdint>

#include "base/address.h"
#include "base/random.h"
#include "base/secret.h"

namespace sendoff::keys {

struct SipKey {
  std::uint64_t low = 0;
  std::uint64_t high = 0;

  // Draws a key; false, and no change, when the source failed.
  [[nodiscard]] bool draw(Random& random) {
    std::array<std::uint8_t, 16> octets{};
    if (!random.fill(octets)) return false;
    Reader in(octets);
    high = in.u64();
    low = in.u64();
    wipe(octets);
    return true;
  }
};

// SipHash-`Compression`-`Finalization` over up to 255 octets.
template <int Compression, int Finalization>
[[nodiscard]] constexpr std::uint64_t siphash(const SipKey& key, ByteView octets) {
  std::uint64_t a = 0x736f6d6570736575 ^ key.low;
  std::uint64_t b = 0x646f72616e646f6d ^ key.high;
  std::uint64_t c = 0x6c7967656e657261 ^ key.low;
  std::uint64_t d = 0x7465646279746573 ^ key.high;
  const auto rounds = [&](int count) {
    for (; count > 0; --count) {
      a += b;
      c += d;
      b = std::rotl(b, 13) ^ a;
      d = std::rotl(d, 16) ^ c;
      a = std::rotl(a, 32);
      c += b;
      a += d;
      b = std::rotl(b, 17) ^ c;
      d = std::rotl(d, 21) ^ a;
      c = std::rotl(c, 32);
    }
  };
  const auto absorb = [&](std::uint64_t word) {
    d ^= word;
    rounds(Compression);
    a ^= word;
  };
  const auto word_of = [](ByteView eight) {
    std::uint64_t word = 0;
    for (std::size_t i = eight.size(); i-- > 0;) word = word << 8 | eight[i];
    return word;
  };
  const std::uint64_t length = octets.size();
  for (; octets.size() >= 8; octets = octets.subspan(8)) absorb(word_of(octets.first(8)));
  absorb(length << 56 | word_of(octets));
  c ^= 0xff;
  rounds(Finalization);
  return a ^ b ^ c ^ d;
}

// For absl's tables. One round a word and three at the end are what hash tables use: no weakness
// against flooding is known, and it is on the way of every FBU.
class KeyedHash {
 public:
  explicit KeyedHash(const SipKey& key) : key_(key) {}

  std::size_t operator()(const Ipv6Address& address) const {
    return siphash<1, 3>(key_, address.view());
  }
  std::size_t operator()(const LinkAddress& address) const {
    return siphash<1, 3>(key_, address.view());
  }

 private:
  SipKey key_;
};

}  // namespace sendoff::keys
