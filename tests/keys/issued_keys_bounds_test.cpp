// What hostile or unlucky surroundings do to the table of issued keys: floods, generators that fail
// or repeat themselves, stores that hold nonsense.
#include <gtest/gtest.h>

#include <set>

#include "keys/issued_keys.h"
#include "keys/keys_fixture.h"
#include "support/covers.h"
#include "support/fake_random.h"

namespace sendoff::keys {
namespace {

using crypto::Algorithm;
using sendoff::test::FakeRandom;
using test::address;
using test::after;
using test::kLink;
using test::kPcoa;
using test::link;
using test::now_after;

TEST(IssuedKeysBounds, OneLinkAddressGetsItsShareOnly) {
  IssuedKeyConfig config;
  config.max_keys = 100;
  config.max_per_link_address = 10;
  FakeRandom random;
  IssuedKeys keys(config, random);
  ASSERT_TRUE(keys.find_or_create(after(seconds(0)), kPcoa, kLink, 1));
  for (std::uint32_t i = 0; i < 200; ++i) {
    const auto issued = keys.find_or_create(after(seconds(0)), address(i), link(1), 1);
    if (i < 10) {
      EXPECT_TRUE(issued) << i;
    } else {
      EXPECT_EQ(issued.error(), IssueRefusal::kShareFull) << i;
    }
  }
  EXPECT_EQ(keys.size(), 11u);
  EXPECT_EQ(keys.find(after(seconds(0)), kPcoa).size(), 1u);
  // Who is refused finds room again when one of his keys goes.
  keys.discard(address(3));
  EXPECT_TRUE(keys.find_or_create(after(seconds(1)), address(150), link(1), 1));
  EXPECT_FALSE(keys.find_or_create(after(seconds(1)), address(151), link(1), 1));
  EXPECT_EQ(keys.expire(after(hours(12))).size(), 10u);
  EXPECT_TRUE(keys.find_or_create(after(hours(12)), address(151), link(1), 1));
}

TEST(IssuedKeysBounds, AFullTableTurnsNewCgasAwayAndKeepsTheOldOnes) {
  IssuedKeyConfig config;
  config.max_keys = 100;
  FakeRandom random;
  IssuedKeys keys(config, random);
  for (std::uint32_t i = 0; i < 300; ++i) {
    const auto issued = keys.find_or_create(after(seconds(0)), address(i), link(i), 1);
    if (i >= 100) {
      EXPECT_EQ(issued.error(), IssueRefusal::kTableFull);
    }
  }
  EXPECT_EQ(keys.size(), 100u);
  for (std::uint32_t i = 0; i < 100; ++i) {
    const auto again = keys.find_or_create(after(seconds(1)), address(i), link(i), 1);
    ASSERT_TRUE(again);
    EXPECT_FALSE(again->fresh);
  }
}

TEST(IssuedKeysBounds, AKeyIsRenewedInItsOwnPlaceWhenThereIsNoOther) {
  IssuedKeyConfig config;
  config.lifetime_s = 1000;
  for (const bool table : {true, false}) {
    config.max_keys = table ? 2 : 100;
    config.max_per_link_address = table ? 100 : 2;
    FakeRandom random;
    IssuedKeys keys(config, random);
    const auto name = keys.find_or_create(after(seconds(0)), kPcoa, kLink, 1)->key->name();
    ASSERT_TRUE(keys.find_or_create(after(seconds(0)), address(1), kLink, 1));
    EXPECT_FALSE(keys.find_or_create(after(seconds(950)), address(2), kLink, 1));
    const auto renewed = keys.find_or_create(after(seconds(950)), kPcoa, kLink, 1);
    ASSERT_TRUE(renewed);
    EXPECT_TRUE(renewed->fresh);
    EXPECT_EQ(renewed->dropped, name);
    EXPECT_GT(renewed->key->generation, name.generation);
    EXPECT_EQ(keys.size(), 2u);
  }
}

TEST(IssuedKeysBounds, ALinkAddressCannotPushACgaIntoAFullShare) {
  IssuedKeyConfig config;
  config.max_per_link_address = 1;
  FakeRandom random;
  IssuedKeys keys(config, random);
  ASSERT_TRUE(keys.find_or_create(after(seconds(0)), address(1), link(1), 1));
  ASSERT_TRUE(keys.find_or_create(after(seconds(0)), address(2), link(2), 1));
  // A stronger algorithm would need a second key, and link 2 has no place for it.
  EXPECT_EQ(keys.find_or_create(after(seconds(0)), address(1), link(2), 3).error(),
            IssueRefusal::kShareFull);
  EXPECT_EQ(keys.find(after(seconds(0)), address(1)).size(), 1u);
}

TEST(IssuedKeysBounds, ManyShortLivesLeaveNothingBehind) {
  FakeRandom random;
  IssuedKeys keys({}, random);
  for (std::uint32_t i = 0; i < 3000; ++i) {
    ASSERT_TRUE(keys.find_or_create(after(seconds(i)), address(i), kLink, 1));
    if (i >= 10) {
      EXPECT_EQ(keys.discard(address(i - 10)).size(), 1u);
    }
    ASSERT_EQ(keys.next_expiry(), after(seconds(43'200 + (i < 10 ? 0 : i - 9))));
  }
  EXPECT_EQ(keys.size(), 10u);
  EXPECT_EQ(keys.expire(after(hours(24))).size(), 10u);
  EXPECT_EQ(keys.size(), 0u);
}

TEST(IssuedKeysBounds, TenThousandKeysAreAllDifferent) {
  COVERS("HK-3.6-02");
  FakeRandom random;
  IssuedKeyConfig config;
  IssuedKeys keys(config, random);
  std::set<Bytes> seen;
  for (std::uint32_t i = 0; i < 10'000; ++i) {
    const auto issued = keys.find_or_create(after(seconds(0)), address(i), link(i), 4);
    ASSERT_TRUE(issued);
    ASSERT_TRUE(seen.insert(to_bytes(issued->key->key.expose())).second);
  }
  EXPECT_EQ(keys.size(), 10'000u);
}

TEST(IssuedKeysBounds, AGeneratorThatRepeatsItselfIsAskedThreeTimesMore) {
  COVERS("HK-3.6-02");
  FakeRandom random;
  IssuedKeys keys({}, random);
  random.set(FakeRandom::Mode::kRepeats);
  ASSERT_TRUE(keys.find_or_create(after(seconds(0)), address(1), kLink, 1));
  const std::uint64_t before = random.calls();
  EXPECT_EQ(keys.find_or_create(after(seconds(0)), address(2), kLink, 1).error(),
            IssueRefusal::kRandom);
  EXPECT_EQ(random.calls(), before + 4);
  EXPECT_EQ(keys.size(), 1u);
  EXPECT_TRUE(keys.find(after(seconds(0)), address(2)).empty());
}

TEST(IssuedKeysBounds, AGeneratorThatRecoversInTimeGivesAnotherKey) {
  FakeRandom random;
  IssuedKeys keys({}, random);
  random.set(FakeRandom::Mode::kRepeats, 4);  // one key, three repetitions
  const Secret first =
      keys.find_or_create(after(seconds(0)), address(1), kLink, 1)->key->key.duplicate();
  const auto second = keys.find_or_create(after(seconds(0)), address(2), kLink, 1);
  ASSERT_TRUE(second);
  EXPECT_FALSE(second->key->key.equals(first));
  random.set(FakeRandom::Mode::kFails, 3);
  EXPECT_TRUE(keys.find_or_create(after(seconds(0)), address(3), kLink, 1));
}

TEST(IssuedKeysBounds, AStuckGeneratorIsNoticedAlsoWhenItsFirstKeyIsGone) {
  FakeRandom random;
  IssuedKeys keys({}, random);
  random.set(FakeRandom::Mode::kRepeats);
  ASSERT_TRUE(keys.find_or_create(after(seconds(0)), address(1), kLink, 1));
  keys.discard(address(1));
  EXPECT_EQ(keys.find_or_create(after(seconds(0)), address(2), kLink, 1).error(),
            IssueRefusal::kRandom);
}

TEST(IssuedKeysBounds, AGeneratorThatFailsLeavesNoRecord) {
  FakeRandom random;
  IssuedKeys keys({}, random);
  random.set(FakeRandom::Mode::kFails);
  EXPECT_EQ(keys.find_or_create(after(seconds(0)), kPcoa, kLink, 1).error(), IssueRefusal::kRandom);
  EXPECT_EQ(keys.size(), 0u);
  EXPECT_EQ(keys.next_expiry(), kNever);
  random.set(FakeRandom::Mode::kWorks);
  EXPECT_TRUE(keys.find_or_create(after(seconds(0)), kPcoa, kLink, 1));
}

TEST(IssuedKeysBounds, AGeneratorThatFailsDoesNotTouchTheKeyToBeRenewed) {
  IssuedKeyConfig config;
  config.lifetime_s = 1000;
  config.max_keys = 1;
  FakeRandom random;
  IssuedKeys keys(config, random);
  const auto name = keys.find_or_create(after(seconds(0)), kPcoa, kLink, 1)->key->name();
  random.set(FakeRandom::Mode::kFails);
  EXPECT_EQ(keys.find_or_create(after(seconds(950)), kPcoa, kLink, 1).error(),
            IssueRefusal::kRandom);
  EXPECT_NE(keys.find(name), nullptr);
}

TEST(IssuedKeysBounds, WithoutASaltNothingEnters) {
  FakeRandom random;
  random.set(FakeRandom::Mode::kFails);
  IssuedKeys keys({}, random);
  const machine::IssuedKey record{.cga = kPcoa,
                                  .generation = 1,
                                  .algorithm = Algorithm::kHmacSha1_96,
                                  .key = test::key_of(Algorithm::kHmacSha1_96, 1),
                                  .expires = now_after(seconds(100)).utc,
                                  .sequence_ceiling = std::nullopt,
                                  .link_address = kLink};
  EXPECT_FALSE(keys.restore(now_after(seconds(0)), record));
  EXPECT_FALSE(keys.find_or_create(after(seconds(0)), kPcoa, kLink, 1));
  random.set(FakeRandom::Mode::kWorks);
  EXPECT_TRUE(keys.restore(now_after(seconds(0)), record));
}

struct RestoredKeys : testing::Test {
  FakeRandom random;
  IssuedKeyConfig config;

  static machine::IssuedKey record(std::uint32_t generation = 1, std::uint8_t first = 1,
                                   const Ipv6Address& cga = kPcoa) {
    return {.cga = cga,
            .generation = generation,
            .algorithm = Algorithm::kHmacSha256_128,
            .key = test::key_of(Algorithm::kHmacSha256_128, first),
            .expires = now_after(seconds(5000)).utc,
            .sequence_ceiling = std::uint16_t{700},
            .link_address = kLink};
  }
};

TEST_F(RestoredKeys, AreWhatWasStoredOnANewBootClock) {
  IssuedKeys before(config, random);
  const auto issued = before.find_or_create(after(seconds(0)), kPcoa, kLink, 2);
  ASSERT_TRUE(before.accept_sequence(*issued->key, 300));
  const auto stored = before.record_of(*issued->key, now_after(seconds(100)));

  IssuedKeys keys(config, random);
  const Now now{Instant{seconds(3)}, now_after(seconds(200)).utc};
  ASSERT_TRUE(keys.restore(now, stored));
  const auto live = keys.find(now.boot, kPcoa);
  ASSERT_EQ(live.size(), 1u);
  EXPECT_TRUE(live[0]->key.equals(issued->key->key));
  EXPECT_EQ(live[0]->algorithm, Algorithm::kHmacSha256_128);
  EXPECT_EQ(live[0]->generation, issued->key->generation);
  EXPECT_EQ(live[0]->link_address, kLink);
  EXPECT_TRUE(live[0]->persisted);
  EXPECT_EQ(live[0]->expires, now.boot + seconds(43'000));
  EXPECT_EQ(live[0]->last_sequence, 300 + machine::kSequenceBlock);
  EXPECT_EQ(keys.next_expiry(), now.boot + seconds(43'000));
  // Renewal is due when it was due before.
  EXPECT_FALSE(keys.find_or_create(now.boot + seconds(38'679), kPcoa, kLink, 2)->fresh);
  EXPECT_TRUE(keys.find_or_create(now.boot + seconds(38'681), kPcoa, kLink, 2)->fresh);
}

TEST_F(RestoredKeys, HaveYoungerKeysWithHigherGenerations) {
  config.lifetime_s = 5000;
  IssuedKeys keys(config, random);
  ASSERT_TRUE(keys.restore(now_after(seconds(0)), record(41)));
  const auto younger = keys.find_or_create(after(seconds(4900)), kPcoa, kLink, 2);
  ASSERT_TRUE(younger && younger->fresh);
  EXPECT_EQ(younger->key->generation, 42u);
}

TEST_F(RestoredKeys, LeaveNoExpiryToOneThatComesAfterThem) {
  config.lifetime_s = 5000;
  IssuedKeys keys(config, random);
  ASSERT_TRUE(keys.restore(now_after(seconds(0)), record(1)));
  EXPECT_EQ(keys.discard(kPcoa).size(), 1u);
  const auto younger = keys.find_or_create(after(seconds(100)), kPcoa, kLink, 2);
  ASSERT_TRUE(younger && younger->fresh);
  EXPECT_TRUE(keys.expire(after(seconds(5099))).empty());
  EXPECT_EQ(keys.size(), 1u);
  EXPECT_EQ(keys.expire(after(seconds(5100))).size(), 1u);
}

TEST_F(RestoredKeys, AreLeftOutWhenMalformedOrExpired) {
  IssuedKeys keys(config, random);
  const Now now = now_after(seconds(0));
  const auto refused = [&](auto&& spoil) {
    machine::IssuedKey bad = record();
    spoil(bad);
    return !keys.restore(now, bad);
  };
  for (std::size_t size : {0u, 16u, 20u, 31u, 33u, 48u})
    EXPECT_TRUE(refused([&](auto& bad) { bad.key = Secret(size); })) << size;
  for (int code : {0, 5, 9, 255})
    EXPECT_TRUE(refused([&](auto& bad) { bad.algorithm = static_cast<Algorithm>(code); })) << code;
  EXPECT_TRUE(refused([](auto& bad) { bad.cga = Ipv6Address{}; }));
  EXPECT_TRUE(refused([](auto& bad) { bad.cga = Ipv6Address::literal("fe80::1"); }));
  EXPECT_TRUE(refused([](auto& bad) { bad.cga = kAllNodes; }));
  EXPECT_TRUE(refused([](auto& bad) { bad.generation = UINT32_MAX; }));
  EXPECT_TRUE(refused([&](auto& bad) { bad.expires = now.utc; }));
  EXPECT_TRUE(refused([&](auto& bad) { bad.expires = now.utc + milliseconds(999); }));
  EXPECT_TRUE(refused([&](auto& bad) { bad.expires = now.utc + seconds(65'536); }));
  EXPECT_TRUE(refused([](auto& bad) { bad.expires = UtcTime::max(); }));
  EXPECT_TRUE(refused([](auto& bad) { bad.expires = UtcTime::min(); }));
  EXPECT_EQ(keys.size(), 0u);
  EXPECT_FALSE(refused([](auto&) {}));
}

TEST_F(RestoredKeys, AreLeftOutWhenTheyRepeatAnother) {
  IssuedKeys keys(config, random);
  const Now now = now_after(seconds(0));
  ASSERT_TRUE(keys.restore(now, record(1, 1)));
  EXPECT_FALSE(keys.restore(now, record(1, 1)));
  EXPECT_FALSE(keys.restore(now, record(1, 2)));
  EXPECT_FALSE(keys.restore(now, record(2, 1)));
  EXPECT_FALSE(keys.restore(now, record(1, 1, address(1))));
  EXPECT_EQ(keys.size(), 1u);
}

TEST_F(RestoredKeys, MayComeBackAfterTheyWentAway) {
  IssuedKeys keys(config, random);
  const Now now = now_after(seconds(0));
  ASSERT_TRUE(keys.restore(now, record()));
  keys.discard(kPcoa);
  EXPECT_TRUE(keys.restore(now, record()));
}

TEST_F(RestoredKeys, AreTheTwoYoungestOfACgaInWhateverOrderTheyCome) {
  const std::array<std::array<std::uint8_t, 3>, 6> orders = {
      {{1, 2, 3}, {1, 3, 2}, {2, 1, 3}, {2, 3, 1}, {3, 1, 2}, {3, 2, 1}}};
  for (const auto& order : orders) {
    IssuedKeys keys(config, random);
    for (std::uint8_t generation : order)
      EXPECT_EQ(keys.restore(now_after(seconds(0)), record(generation, generation)),
                order[2] != 1 || generation != 1);
    const auto live = keys.find(after(seconds(0)), kPcoa);
    ASSERT_EQ(live.size(), 2u);
    EXPECT_EQ(live[0]->generation, 3u);
    EXPECT_EQ(live[1]->generation, 2u);
  }
}

TEST_F(RestoredKeys, KeepWithinTheBounds) {
  config.max_keys = 3;
  config.max_per_link_address = 2;
  IssuedKeys keys(config, random);
  const Now now = now_after(seconds(0));
  EXPECT_TRUE(keys.restore(now, record(1, 1, address(1))));
  EXPECT_TRUE(keys.restore(now, record(1, 2, address(2))));
  EXPECT_FALSE(keys.restore(now, record(1, 3, address(3))));
  for (std::uint8_t i = 4; i < 8; ++i) {
    machine::IssuedKey other = record(1, i, address(i));
    other.link_address = link(i);
    EXPECT_EQ(keys.restore(now, other), i == 4);
  }
  EXPECT_EQ(keys.size(), 3u);
}

}  // namespace
}  // namespace sendoff::keys
