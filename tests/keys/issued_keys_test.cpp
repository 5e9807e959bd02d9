// The life of issued keys: who gets which, with which algorithm, for how long.
#include "keys/issued_keys.h"

#include <gtest/gtest.h>

#include <bit>

#include "keys/keys_fixture.h"
#include "support/covers.h"
#include "support/fake_random.h"

namespace sendoff::keys {
namespace {

using crypto::Algorithm;
using sendoff::test::FakeRandom;
using test::after;
using test::kLink;
using test::kNcoa;
using test::kPar;
using test::kPcoa;
using test::now_after;
using test::signed_fbu;

constexpr std::uint8_t kSha1 = 1;
constexpr std::uint8_t kSha256 = 2;
constexpr std::uint8_t kSha384 = 3;
constexpr std::uint8_t kCmac = 4;

struct IssuedKeysTest : testing::Test {
  IssuedKeyConfig config;
  FakeRandom random;
  std::optional<IssuedKeys> keys;

  void start() { keys.emplace(config, random); }
  IssuedKeys::Issued issue(Duration when, std::uint8_t code = kSha1,
                           const Ipv6Address& cga = kPcoa) {
    if (!keys) start();
    const auto issued = keys->find_or_create(after(when), cga, kLink, code);
    if (!issued) {
      ADD_FAILURE() << name(issued.error());
      std::abort();
    }
    return *issued;
  }
  Result<IssuedKey*, FbuRefusal> authenticate(Duration when, const test::Arrived& fbu) {
    return keys->authenticate(after(when), kPcoa, kNcoa, kPar, fbu.header, fbu.fbu);
  }
};

TEST_F(IssuedKeysTest, AreFoundByTheWholeCga) {
  COVERS("HK-3.2-14", "HK-3.2-37");
  const Ipv6Address first = test::address(1);
  const Ipv6Address second = test::address(2);
  const auto one = issue(seconds(0), kSha1, first);
  const auto other = issue(seconds(0), kSha1, second);
  EXPECT_TRUE(one.fresh);
  EXPECT_TRUE(other.fresh);
  EXPECT_FALSE(one.key->key.equals(other.key->key));
  EXPECT_EQ(keys->size(), 2u);
  ASSERT_EQ(keys->find(after(hours(11)), first).size(), 1u);
  EXPECT_EQ(keys->find(after(hours(11)), first)[0], one.key);
  EXPECT_EQ(keys->find(after(hours(11)), second)[0], other.key);
  const Ipv6Address elsewhere = test::address(1, 2);
  ASSERT_EQ(elsewhere.interface_identifier(), first.interface_identifier());
  EXPECT_TRUE(keys->find(after(seconds(0)), elsewhere).empty());
  EXPECT_TRUE(issue(seconds(0), kSha1, elsewhere).fresh);
}

TEST_F(IssuedKeysTest, AreFoundByTheLinkAddressOfTheirNode) {
  start();
  const Ipv6Address first = test::address(1);
  const Ipv6Address second = test::address(2);
  EXPECT_FALSE(keys->cga_of(after(seconds(0)), kLink).has_value());
  (void)issue(seconds(0), kSha1, first);
  const machine::IssuedKeyName later = issue(seconds(1), kSha1, second).key->name();
  EXPECT_EQ(keys->cga_of(after(seconds(2)), kLink), second);
  EXPECT_FALSE(keys->cga_of(after(seconds(2)), LinkAddress::literal("02:00:00:00:99:99")));
  keys->discard(later);
  EXPECT_EQ(keys->cga_of(after(seconds(2)), kLink), first);
  EXPECT_FALSE(keys->cga_of(after(hours(13)), kLink).has_value());
}

TEST_F(IssuedKeysTest, AreGivenAgainUnchangedWhileTheyLive) {
  const auto first = issue(seconds(0));
  const Secret octets = first.key->key.duplicate();
  const auto again = issue(seconds(60));
  EXPECT_FALSE(again.fresh);
  EXPECT_EQ(again.key, first.key);
  EXPECT_TRUE(again.key->key.equals(octets));
  EXPECT_EQ(keys->size(), 1u);
  const auto renewed = issue(seconds(43'200));
  EXPECT_TRUE(renewed.fresh);
  EXPECT_FALSE(renewed.key->key.equals(octets));
}

TEST_F(IssuedKeysTest, CountDownInWholeSecondsAndAreNotExtended) {
  COVERS("HK-3.2-17");
  issue(seconds(0));
  const auto again = issue(milliseconds(1'000'400));
  EXPECT_FALSE(again.fresh);
  EXPECT_EQ(again.key->remaining_s(after(milliseconds(1'000'400))), 42'199u);
  EXPECT_EQ(again.key->expires, after(seconds(43'200)));
  EXPECT_EQ(again.key->remaining_s(after(seconds(43'199))), 1u);
  EXPECT_EQ(again.key->remaining_s(after(milliseconds(43'199'001))), 0u);
  EXPECT_EQ(again.key->remaining_s(after(seconds(50'000))), 0u);
  EXPECT_EQ(keys->next_expiry(), after(seconds(43'200)));
}

TEST_F(IssuedKeysTest, AreRenewedInTheLastTenthAndTheOldOneVerifiesToItsEnd) {
  COVERS("HK-3.2-18");
  config.lifetime_s = 1000;
  const Secret old = issue(seconds(0)).key->key.duplicate();
  EXPECT_FALSE(issue(seconds(899)).fresh);
  EXPECT_FALSE(issue(seconds(900)).fresh);
  const auto renewed = issue(seconds(901));
  EXPECT_TRUE(renewed.fresh);
  EXPECT_FALSE(renewed.dropped);
  EXPECT_EQ(renewed.key->remaining_s(after(seconds(901))), 1000u);
  const auto fbu = signed_fbu(Algorithm::kHmacSha1_96, old);
  EXPECT_TRUE(authenticate(seconds(950), fbu));
  (void)keys->expire(after(seconds(1001)));
  EXPECT_EQ(authenticate(seconds(1001), fbu).error(), FbuRefusal::kMac);
  EXPECT_EQ(keys->size(), 1u);
}

TEST_F(IssuedKeysTest, HaveNoUseWithLessThanASecondLeft) {
  config.lifetime_s = 4;
  config.renewal_percent = 0;
  const auto first = issue(seconds(0));
  const auto fbu = signed_fbu(Algorithm::kHmacSha1_96, first.key->key);
  EXPECT_FALSE(issue(seconds(3)).fresh);
  EXPECT_TRUE(authenticate(seconds(3), fbu));
  EXPECT_EQ(authenticate(milliseconds(3001), fbu).error(), FbuRefusal::kKeyExpired);
  EXPECT_TRUE(keys->find(after(milliseconds(3001)), kPcoa).empty());
  EXPECT_TRUE(issue(milliseconds(3001)).fresh);
}

TEST_F(IssuedKeysTest, NegotiateTheNearestAlgorithmThatIsStrongEnough) {
  COVERS("HK-3.2-24");
  const auto negotiated = [&](std::vector<Algorithm> supported, std::uint8_t code) {
    config.algorithms = std::move(supported);
    start();
    return keys->negotiate(code);
  };
  using enum Algorithm;
  const std::vector weak_and_strong{kHmacSha1_96, kHmacSha384_192};
  EXPECT_EQ(negotiated(weak_and_strong, kSha256), kHmacSha384_192);
  EXPECT_EQ(negotiated(weak_and_strong, kCmac), kHmacSha384_192);
  EXPECT_EQ(negotiated({kHmacSha384_192, kHmacSha256_128}, kCmac), kHmacSha256_128);
  EXPECT_EQ(negotiated({kHmacSha1_96, kAes128Cmac_96}, kSha256), std::nullopt);
  EXPECT_EQ(negotiated({kHmacSha1_96}, kSha384), std::nullopt);
  EXPECT_EQ(negotiated({}, kSha1), std::nullopt);
  for (Algorithm algorithm : crypto::kAlgorithms)
    EXPECT_EQ(negotiated({kHmacSha384_192, kHmacSha1_96, kHmacSha256_128, kAes128Cmac_96},
                         std::to_underlying(algorithm)),
              algorithm);
  EXPECT_EQ(keys->negotiate(0), kHmacSha1_96);
}

TEST_F(IssuedKeysTest, FallBackToTheStrongestForAnUnknownCode) {
  using enum Algorithm;
  const auto fallback = [&](std::vector<Algorithm> supported, std::optional<Algorithm> set) {
    config.algorithms = std::move(supported);
    config.fallback = set;
    start();
    return keys->negotiate(9);
  };
  EXPECT_EQ(fallback({kHmacSha1_96, kHmacSha256_128}, std::nullopt), kHmacSha256_128);
  EXPECT_EQ(fallback({kHmacSha1_96, kHmacSha384_192}, std::nullopt), kHmacSha384_192);
  EXPECT_EQ(fallback({kHmacSha1_96, kHmacSha384_192}, kHmacSha1_96), kHmacSha1_96);
  for (std::uint8_t code = 5; code < 16; ++code) EXPECT_EQ(keys->negotiate(code), kHmacSha1_96);
}

TEST_F(IssuedKeysTest, AreRefusedAndNotMadeWhenNothingIsStrongEnough) {
  config.algorithms = {Algorithm::kHmacSha1_96};
  start();
  EXPECT_EQ(keys->find_or_create(after(seconds(0)), kPcoa, kLink, kSha384).error(),
            IssueRefusal::kNoAlgorithm);
  EXPECT_EQ(keys->size(), 0u);
  EXPECT_EQ(keys->next_expiry(), kNever);
}

TEST_F(IssuedKeysTest, RecordTheAlgorithmThatWasNegotiated) {
  COVERS("HK-3.2-38");
  config.algorithms = {Algorithm::kHmacSha1_96, Algorithm::kHmacSha384_192};
  const auto issued = issue(seconds(0), kSha256);
  EXPECT_EQ(issued.key->algorithm, Algorithm::kHmacSha384_192);
  EXPECT_EQ(keys->record_of(*issued.key, now_after(seconds(0))).algorithm,
            Algorithm::kHmacSha384_192);
  EXPECT_TRUE(authenticate(seconds(1), signed_fbu(Algorithm::kHmacSha384_192, issued.key->key)));
  const auto weaker =
      signed_fbu(Algorithm::kHmacSha256_128, Secret::copy_of(issued.key->key.expose().first(32)));
  EXPECT_EQ(authenticate(seconds(1), weaker).error(), FbuRefusal::kMacLength);
}

TEST_F(IssuedKeysTest, OfAStrongerAlgorithmServeAWeakerRequest) {
  const auto strong = issue(seconds(0), kSha256);
  EXPECT_EQ(issue(seconds(1), kSha1).key, strong.key);
  EXPECT_EQ(issue(seconds(1), kCmac).key, strong.key);
  EXPECT_EQ(issue(seconds(1), 0).key, strong.key);
  EXPECT_EQ(keys->size(), 1u);
}

TEST_F(IssuedKeysTest, OfAWeakerAlgorithmAreUpgradedAndStillVerify) {
  COVERS("HK-3.2-27");
  const auto strong = issue(seconds(0), kSha256, test::address(9));
  const auto lesser = issue(seconds(1), kSha1, test::address(9));
  EXPECT_EQ(lesser.key, strong.key);
  EXPECT_EQ(lesser.key->algorithm, Algorithm::kHmacSha256_128);

  const Secret weak = issue(seconds(0), kSha1).key->key.duplicate();
  const auto upgraded = issue(seconds(1), kSha384);
  EXPECT_TRUE(upgraded.fresh);
  EXPECT_EQ(upgraded.key->algorithm, Algorithm::kHmacSha384_192);
  EXPECT_EQ(upgraded.key->key.size(), 48u);
  EXPECT_TRUE(authenticate(seconds(2), signed_fbu(Algorithm::kHmacSha1_96, weak)));
  EXPECT_TRUE(authenticate(seconds(2), signed_fbu(Algorithm::kHmacSha384_192, upgraded.key->key)));
  EXPECT_EQ(issue(seconds(3), kSha384).key, upgraded.key);
}

TEST_F(IssuedKeysTest, OfAnAlgorithmThatIsNoLongerSupportedAreStillGiven) {
  const auto strong = issue(seconds(0), kSha384);
  config.algorithms = {Algorithm::kHmacSha1_96};
  keys->configure(config);
  EXPECT_EQ(issue(seconds(1), kSha384).key, strong.key);
  EXPECT_EQ(keys->find_or_create(after(seconds(1)), test::address(7), kLink, kSha384).error(),
            IssueRefusal::kNoAlgorithm);
}

TEST_F(IssuedKeysTest, KeepTheLifetimeTheyWereMadeWith) {
  const auto first = issue(seconds(0));
  config.lifetime_s = 100;
  keys->configure(config);
  EXPECT_EQ(issue(seconds(1000)).key, first.key);
  EXPECT_EQ(first.key->expires, after(seconds(43'200)));
  EXPECT_EQ(issue(seconds(1000), kSha1, test::address(5)).key->expires, after(seconds(1100)));
}

TEST_F(IssuedKeysTest, NeverNumberMoreThanTwoOfACga) {
  config.lifetime_s = 1000;
  issue(seconds(0), kSha1);
  issue(seconds(1), kCmac);
  const auto third = issue(seconds(2), kSha256);
  ASSERT_TRUE(third.dropped);
  EXPECT_EQ(keys->find(*third.dropped), nullptr);
  const auto live = keys->find(after(seconds(2)), kPcoa);
  ASSERT_EQ(live.size(), 2u);
  EXPECT_EQ(live[0]->algorithm, Algorithm::kHmacSha256_128);
  EXPECT_EQ(live[1]->algorithm, Algorithm::kAes128Cmac_96);
  EXPECT_EQ(keys->size(), 2u);
}

TEST_F(IssuedKeysTest, HaveGenerationsThatOnlyIncrease) {
  config.lifetime_s = 10;
  std::uint32_t last = 0;
  for (int i = 0; i < 20; ++i) {
    const auto issued = issue(seconds(i * 7));
    ASSERT_EQ(issued.fresh, issued.key->generation != last) << i;
    EXPECT_GE(issued.key->generation, last);
    last = issued.key->generation;
    (void)keys->expire(after(seconds(i * 7)));
  }
  // Also behind a key that was thrown away: its name may still be on the way to the store.
  EXPECT_FALSE(keys->discard(kPcoa).empty());
  EXPECT_GT(issue(seconds(200)).key->generation, last);
}

TEST_F(IssuedKeysTest, HaveTheLengthOfTheirAlgorithm) {
  std::uint32_t index = 1;
  for (Algorithm algorithm : crypto::kAlgorithms) {
    const auto issued = issue(seconds(0), std::to_underlying(algorithm), test::address(index++));
    EXPECT_EQ(issued.key->key.size(), crypto::key_size(algorithm));
  }
}

TEST_F(IssuedKeysTest, ComeStraightFromTheGenerator) {
  COVERS("HK-3.6-03");
  // The same seed gives the table's salt and then its keys, octet for octet, whatever the CGA, the
  // time and the keys before: nothing else goes into them.
  FakeRandom same;
  std::array<std::uint8_t, 16> salt{};
  ASSERT_TRUE(same.fill(salt));
  config.lifetime_s = 10;
  Secret last;
  int differing = 0;
  constexpr int kSamples = 400;
  for (int i = 0; i < kSamples; ++i) {
    const auto issued = issue(seconds(20 * i), kSha256);
    Secret expected(32);
    ASSERT_TRUE(same.fill(expected.expose_mutable()));
    ASSERT_TRUE(issued.key->key.equals(expected));
    for (std::size_t j = 0; j < last.size(); ++j)
      differing += std::popcount(static_cast<unsigned>(last.expose()[j] ^ expected.expose()[j]));
    last = std::move(expected);
    (void)keys->expire(after(seconds(20 * i + 10)));
  }
  EXPECT_NEAR(differing / (256.0 * (kSamples - 1)), 0.5, 0.02);
}

TEST_F(IssuedKeysTest, ExpireWhateverTheWallClockDoes) {
  COVERS("HK-3.2-39");
  const auto issued = issue(seconds(0));
  for (Duration step : {Duration(hours(-1)), Duration(hours(1))}) {
    const Now stepped{after(seconds(10)), test::kStartUtc + step};
    const auto record = keys->record_of(*issued.key, stepped);
    EXPECT_EQ(record.expires, stepped.utc + seconds(43'190));
    EXPECT_EQ(issued.key->expires, after(seconds(43'200)));
  }
  EXPECT_EQ(keys->find(after(seconds(43'199)), kPcoa).size(), 1u);
  EXPECT_TRUE(keys->find(after(seconds(43'200)), kPcoa).empty());
}

TEST_F(IssuedKeysTest, LeaveTheTableWhenTheyExpire) {
  config.lifetime_s = 100;
  for (std::uint32_t i = 0; i < 50; ++i) issue(seconds(i), kSha1, test::address(100 - i));
  EXPECT_EQ(keys->next_expiry(), after(seconds(100)));
  EXPECT_TRUE(keys->expire(after(milliseconds(99'999))).empty());
  const auto gone = keys->expire(after(seconds(110)));
  ASSERT_EQ(gone.size(), 11u);
  for (std::uint32_t i = 0; i < 11; ++i) EXPECT_EQ(gone[i].cga, test::address(100 - i)) << i;
  EXPECT_EQ(keys->size(), 39u);
  EXPECT_EQ(keys->next_expiry(), after(seconds(111)));
  EXPECT_EQ(keys->expire(after(seconds(1000))).size(), 39u);
  EXPECT_EQ(keys->next_expiry(), kNever);
}

TEST_F(IssuedKeysTest, ExpireInTheOrderOfTheirNamesWithinOneInstant) {
  for (std::uint32_t i : {5u, 2u, 9u, 1u, 7u}) issue(seconds(0), kSha1, test::address(i));
  const auto gone = keys->expire(after(hours(12)));
  ASSERT_EQ(gone.size(), 5u);
  EXPECT_TRUE(std::ranges::is_sorted(gone));
}

TEST_F(IssuedKeysTest, GoTogetherWhenForwardingEnds) {
  const auto first = issue(seconds(0), kSha1);
  const machine::IssuedKeyName older = first.key->name();
  const machine::IssuedKeyName newer = issue(seconds(1), kSha384).key->name();
  issue(seconds(1), kSha1, test::address(3));
  EXPECT_EQ(keys->discard(kPcoa), (std::vector{newer, older}));
  EXPECT_TRUE(keys->find(after(seconds(1)), kPcoa).empty());
  EXPECT_TRUE(keys->discard(kPcoa).empty());
  EXPECT_EQ(keys->size(), 1u);
  EXPECT_EQ(keys->next_expiry(), after(seconds(43'201)));
}

TEST_F(IssuedKeysTest, GoOneByOneByTheirNames) {
  const machine::IssuedKeyName older = issue(seconds(0), kSha1).key->name();
  const machine::IssuedKeyName newer = issue(seconds(1), kSha384).key->name();
  keys->discard({kPcoa, newer.generation + 1});
  keys->discard({test::address(1), newer.generation});
  EXPECT_EQ(keys->size(), 2u);
  keys->discard(newer);
  ASSERT_EQ(keys->find(after(seconds(1)), kPcoa).size(), 1u);
  EXPECT_EQ(keys->find(after(seconds(1)), kPcoa)[0]->name(), older);
  EXPECT_EQ(issue(seconds(1), kSha1).key->name(), older);
  keys->discard(older);
  EXPECT_EQ(keys->size(), 0u);
}

}  // namespace
}  // namespace sendoff::keys
