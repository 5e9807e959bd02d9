#include "keys/keyed_hash.h"

#include <gtest/gtest.h>

#include <numeric>

#include "keys/recent_addresses.h"
#include "support/fake_random.h"

namespace sendoff::keys {
namespace {

using sendoff::test::FakeRandom;

// Key 00 01 .. 0f over the octets 00 01 .. (size - 1). The 15 octets under SipHash-2-4 are the
// paper's example; the others were made with OpenSSL 3.0 (openssl mac ... SIPHASH).
struct KnownAnswer {
  std::size_t size;
  std::uint64_t siphash_2_4;
  std::uint64_t siphash_1_3;
};
constexpr std::array kKnownAnswers = {
    KnownAnswer{0, 0x726fdb47dd0e0e31, 0xabac0158050fc4dc},
    KnownAnswer{8, 0x93f5f5799a932462, 0x369095118d299a8e},
    KnownAnswer{9, 0x9e0082df0ba9e4b0, 0x25a48eb36c063de4},
    KnownAnswer{15, 0xa129ca6149be45e5, 0xd320d86d2a519956},
    KnownAnswer{16, 0x3f2acc7f57c29bdb, 0xcc4fdd1a7d908b66},
};
constexpr SipKey kKey{.low = 0x0706050403020100, .high = 0x0f0e0d0c0b0a0908};

TEST(SipHash, GivesTheKnownAnswers) {
  std::array<std::uint8_t, 16> octets{};
  std::iota(octets.begin(), octets.end(), std::uint8_t{0});
  for (const KnownAnswer& answer : kKnownAnswers) {
    const ByteView input = ByteView(octets).first(answer.size);
    EXPECT_EQ((siphash<2, 4>(kKey, input)), answer.siphash_2_4) << answer.size;
    EXPECT_EQ((siphash<1, 3>(kKey, input)), answer.siphash_1_3) << answer.size;
  }
}

TEST(KeyedHash, DependsOnTheDrawnKeyAndOnEveryOctet) {
  FakeRandom random;
  SipKey one;
  SipKey other;
  ASSERT_TRUE(one.draw(random));
  ASSERT_TRUE(other.draw(random));
  const Ipv6Address address = Ipv6Address::literal("2001:db8::1");
  EXPECT_NE(KeyedHash(one)(address), KeyedHash(other)(address));
  EXPECT_EQ(KeyedHash(one)(address), KeyedHash(one)(address));
  for (std::size_t i = 0; i < Ipv6Address::kSize; ++i) {
    Ipv6Address::Octets octets = address.octets();
    octets[i] ^= 1;
    EXPECT_NE(KeyedHash(one)(address), KeyedHash(one)(Ipv6Address(octets))) << i;
  }
  EXPECT_NE(KeyedHash(one)(LinkAddress::literal("02:00:00:00:00:00")),
            KeyedHash(one)(LinkAddress::literal("02:00:00:00:00:00:00:00")));
}

TEST(KeyedHash, KeepsItsKeyWhenTheSourceFails) {
  FakeRandom random;
  random.set(FakeRandom::Mode::kFails);
  SipKey key = kKey;
  EXPECT_FALSE(key.draw(random));
  EXPECT_EQ(key.low, kKey.low);
  EXPECT_EQ(key.high, kKey.high);
}

Ipv6Address numbered(std::uint8_t number) {
  Ipv6Address::Octets octets{0x20, 1};
  octets[15] = number;
  return Ipv6Address(octets);
}

TEST(RecentAddresses, ForgetsTheOldestFirst) {
  RecentAddresses recent(3, KeyedHash(kKey));
  EXPECT_FALSE(recent.contains(Ipv6Address{}));
  for (std::uint8_t i = 1; i <= 4; ++i) recent.add(numbered(i));
  EXPECT_FALSE(recent.contains(numbered(1)));
  for (std::uint8_t i = 2; i <= 4; ++i) EXPECT_TRUE(recent.contains(numbered(i))) << int{i};
}

TEST(RecentAddresses, KeepsAnAddressForItsLastTime) {
  RecentAddresses recent(3, KeyedHash(kKey));
  for (std::uint8_t number : Bytes{1, 2, 1, 3}) recent.add(numbered(number));
  EXPECT_TRUE(recent.contains(numbered(1)));
  recent.add(numbered(4));  // pushes out 2
  EXPECT_TRUE(recent.contains(numbered(1)));
  EXPECT_FALSE(recent.contains(numbered(2)));
  recent.add(numbered(5));  // pushes out the second 1
  EXPECT_FALSE(recent.contains(numbered(1)));
}

}  // namespace
}  // namespace sendoff::keys
