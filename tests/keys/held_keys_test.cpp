#include "keys/held_keys.h"

#include <gtest/gtest.h>

#include "keys/authenticator.h"
#include "keys/keys_fixture.h"
#include "support/covers.h"

namespace sendoff::keys {
namespace {

using crypto::Algorithm;
using test::address;
using test::after;
using test::kNcoa;
using test::kPar;
using test::kPcoa;
using test::now_after;

const Ipv6Address kLinkLocal = Ipv6Address::literal("fe80::4b4:128e:6fbb:ac14");

HeldKey held(std::uint8_t first, Duration received, std::uint32_t lifetime_s,
             const Ipv6Address& ar = kPar, const Ipv6Address& cga = kPcoa) {
  HeldKey key;
  key.ar = ar;
  key.ar_link_local = kLinkLocal;
  key.cga = cga;
  key.algorithm = Algorithm::kHmacSha1_96;
  key.key = test::key_of(Algorithm::kHmacSha1_96, first);
  key.received_for = after(received);
  key.expires = after(received) + seconds(lifetime_s);
  return key;
}

std::uint16_t next(HeldKeys& keys, HeldKey& key) {
  bool persist = false;
  return keys.next_sequence(key, persist);
}

TEST(HeldKeys, AreChosenByRouterAndCga) {
  COVERS("HK-3.4-02", "HK-3.3-11");
  const std::array<std::pair<Ipv6Address, Ipv6Address>, 3> names = {
      {{address(1, 10), address(1)}, {address(2, 10), address(2)}, {address(3, 10), address(1)}}};
  HeldKeys keys;
  std::uint8_t first = 10;
  for (const auto& [ar, cga] : names)
    EXPECT_EQ(keys.store(held(first++, seconds(0), 1000, ar, cga)), HeldKeys::Stored::kNew);
  for (const auto& [ar, cga] : names) {
    const HeldKey* const chosen = keys.find(after(seconds(1)), ar, cga);
    ASSERT_NE(chosen, nullptr);
    const auto fbu = test::signed_fbu(chosen->algorithm, chosen->key, ar);
    for (const auto& [other_ar, other_cga] : names) {
      const HeldKey* const other = keys.find(after(seconds(1)), other_ar, other_cga);
      EXPECT_EQ(
          check(fbu.header, fbu.fbu.options.authorization, other->algorithm, other->key, kNcoa, ar)
              .has_value(),
          other == chosen);
    }
  }
  EXPECT_EQ(keys.find(after(seconds(1)), address(1, 10), address(2)), nullptr);
  EXPECT_EQ(keys.find(after(seconds(1)), address(2, 10), address(1)), nullptr);
  EXPECT_EQ(keys.size(), 3u);
}

TEST(HeldKeys, AreNotFoundOnceExpired) {
  HeldKeys keys;
  keys.store(held(1, seconds(0), 10));
  EXPECT_EQ(keys.next_expiry(), after(seconds(10)));
  EXPECT_NE(keys.find(after(milliseconds(9'999)), kPar, kPcoa), nullptr);
  EXPECT_EQ(keys.find(after(seconds(10)), kPar, kPcoa), nullptr);
  EXPECT_TRUE(keys.expire(after(milliseconds(9'999))).empty());
  EXPECT_EQ(keys.expire(after(seconds(10))), (std::vector{machine::HeldKeyName{kPar, kPcoa}}));
  EXPECT_EQ(keys.size(), 0u);
  EXPECT_EQ(keys.next_expiry(), kNever);
}

TEST(HeldKeys, AreRenewedWithATwentiethLeft) {
  EXPECT_EQ(held(1, seconds(3), 1000).renewal_due(), after(seconds(953)));
  EXPECT_EQ(held(1, seconds(0), 43'200).renewal_due(), after(seconds(41'040)));
  EXPECT_EQ(held(1, seconds(0), 1).renewal_due(), after(milliseconds(950)));
}

TEST(HeldKeys, KeepTheirCounterWhenTheSameKeyComesAgain) {
  HeldKeys keys;
  keys.store(held(1, seconds(0), 1000));
  HeldKey* key = keys.find(after(seconds(1)), kPar, kPcoa);
  for (int i = 0; i < 5; ++i) (void)next(keys, *key);
  keys.mark_left(kPar);
  EXPECT_EQ(keys.store(held(1, seconds(100), 899)), HeldKeys::Stored::kSame);
  key = keys.find(after(seconds(101)), kPar, kPcoa);
  EXPECT_EQ(next(keys, *key), 6);
  EXPECT_TRUE(key->delivered);
  EXPECT_EQ(key->received_for, after(seconds(100)));
  EXPECT_EQ(key->expires, after(seconds(999)));
  EXPECT_EQ(keys.previous(kPar, kPcoa), nullptr);
}

TEST(HeldKeys, StartANewCounterWithAnotherKey) {
  HeldKeys keys;
  keys.store(held(1, seconds(0), 1000));
  (void)next(keys, *keys.find(after(seconds(1)), kPar, kPcoa));
  EXPECT_EQ(keys.store(held(2, seconds(2), 1000)), HeldKeys::Stored::kReplaced);
  HeldKey* const key = keys.find(after(seconds(3)), kPar, kPcoa);
  EXPECT_EQ(key->key.expose()[0], 2);
  EXPECT_EQ(next(keys, *key), 1);
  EXPECT_EQ(keys.size(), 1u);
  // The same octets for another algorithm are another key.
  HeldKey other = held(2, seconds(4), 1000);
  other.algorithm = Algorithm::kAes128Cmac_96;
  EXPECT_EQ(keys.store(std::move(other)), HeldKeys::Stored::kReplaced);
}

TEST(HeldKeys, GiveWayAtOnceWithoutAnOutstandingFbu) {
  HeldKeys keys;
  keys.store(held(1, seconds(0), 1000));
  keys.store(held(2, seconds(900), 1000));
  EXPECT_EQ(keys.previous(kPar, kPcoa), nullptr);
}

TEST(HeldKeys, StayBehindANewOneWhileAnFbuIsOutstanding) {
  HeldKeys keys;
  keys.store(held(1, seconds(0), 1000));
  keys.retain_previous(kPar, kPcoa, true);
  keys.store(held(2, seconds(900), 1000));
  ASSERT_NE(keys.previous(kPar, kPcoa), nullptr);
  EXPECT_EQ(keys.previous(kPar, kPcoa)->key.expose()[0], 1);
  EXPECT_EQ(keys.find(after(seconds(901)), kPar, kPcoa)->key.expose()[0], 2);
  // No FBU left under key 2, so key 1 is still the one that an FBack may need.
  keys.store(held(3, seconds(910), 1000));
  EXPECT_EQ(keys.previous(kPar, kPcoa)->key.expose()[0], 1);
  keys.retain_previous(kPar, kPcoa, true);
  keys.store(held(4, seconds(920), 1000));
  EXPECT_EQ(keys.previous(kPar, kPcoa)->key.expose()[0], 3);
  keys.retain_previous(kPar, kPcoa, false);
  EXPECT_EQ(keys.previous(kPar, kPcoa), nullptr);
  EXPECT_EQ(keys.find(after(seconds(921)), kPar, kPcoa)->key.expose()[0], 4);
  keys.store(held(5, seconds(930), 1000));
  EXPECT_EQ(keys.previous(kPar, kPcoa), nullptr);
}

TEST(HeldKeys, LoseThePreviousOneWhenItExpires) {
  HeldKeys keys;
  keys.store(held(1, seconds(0), 1000));
  keys.retain_previous(kPar, kPcoa, true);
  keys.store(held(2, seconds(900), 1000));
  EXPECT_EQ(keys.next_expiry(), after(seconds(1000)));
  EXPECT_TRUE(keys.expire(after(seconds(1000))).empty());
  EXPECT_EQ(keys.previous(kPar, kPcoa), nullptr);
  EXPECT_EQ(keys.next_expiry(), after(seconds(1900)));
}

TEST(HeldKeys, NumberFbusOnAndOnAndReserveTheNumbersInBlocks) {
  HeldKeys keys;
  keys.store(held(1, seconds(0), 1000));
  HeldKey& key = *keys.find(after(seconds(1)), kPar, kPcoa);
  int writes = 0;
  for (std::uint32_t i = 1; i <= 70'000; ++i) {
    bool persist = false;
    const std::uint16_t before = key.sequence_ceiling;
    const std::uint16_t sequence = keys.next_sequence(key, persist);
    ASSERT_EQ(sequence, static_cast<std::uint16_t>(i));
    ASSERT_EQ(persist, key.sequence_ceiling != before);
    const auto reserved = static_cast<std::uint16_t>(key.sequence_ceiling - sequence);
    ASSERT_LE(reserved, machine::kSequenceBlock);
    if (persist) {
      EXPECT_EQ(keys.record_of(key, now_after(seconds(1))).sequence_ceiling,
                static_cast<std::uint16_t>(sequence + machine::kSequenceBlock));
    }
    writes += persist;
  }
  EXPECT_EQ(writes, (70'000 + 256) / 257);
}

TEST(HeldKeys, FollowTheNumberOfAnFback135) {
  HeldKeys keys;
  keys.store(held(1, seconds(0), 1000));
  HeldKey& key = *keys.find(after(seconds(1)), kPar, kPcoa);
  for (std::uint16_t last : std::vector<std::uint16_t>{7, 5000, 30'000, 60'000, 10}) {
    keys.resynchronise(key, last);
    bool persist = false;
    EXPECT_EQ(keys.next_sequence(key, persist), last + 1);
    EXPECT_TRUE(persist);
    EXPECT_EQ(key.sequence_ceiling, static_cast<std::uint16_t>(last + 1 + 256));
  }
}

TEST(HeldKeys, ReserveANewBlockAfterTheLongestLeapAhead) {
  HeldKeys keys;
  keys.store(held(1, seconds(0), 1000));
  HeldKey& key = *keys.find(after(seconds(1)), kPar, kPcoa);
  keys.resynchronise(key, 32'768);
  bool persist = false;
  EXPECT_EQ(keys.next_sequence(key, persist), 32'769);
  EXPECT_TRUE(persist);
}

TEST(HeldKeys, DoNotGoBackForAnOldFback135) {
  HeldKeys keys;
  keys.store(held(1, seconds(0), 1000));
  HeldKey& key = *keys.find(after(seconds(1)), kPar, kPcoa);
  keys.resynchronise(key, 1000);
  EXPECT_EQ(next(keys, key), 1001);
  const std::uint16_t ceiling = key.sequence_ceiling;
  for (std::uint16_t last : std::vector<std::uint16_t>{1000, 999, 3, 0, 65'000})
    keys.resynchronise(key, last);
  EXPECT_EQ(key.sequence_ceiling, ceiling);
  EXPECT_EQ(next(keys, key), 1002);
}

TEST(HeldKeys, NeedToBeDeliveredAgainAfterTheNodeLeft) {
  HeldKeys keys;
  keys.store(held(1, seconds(0), 1000, kPar, address(1)));
  keys.store(held(2, seconds(0), 1000, kPar, address(2)));
  keys.store(held(3, seconds(0), 1000, address(9), address(1)));
  keys.mark_left(kPar);
  EXPECT_FALSE(keys.find(after(seconds(1)), kPar, address(1))->delivered);
  EXPECT_FALSE(keys.find(after(seconds(1)), kPar, address(2))->delivered);
  EXPECT_TRUE(keys.find(after(seconds(1)), address(9), address(1))->delivered);
  keys.store(held(7, seconds(2), 1000, kPar, address(1)));
  EXPECT_TRUE(keys.find(after(seconds(3)), kPar, address(1))->delivered);
  EXPECT_FALSE(keys.find(after(seconds(3)), kPar, address(2))->delivered);
}

TEST(HeldKeys, GoOneByOneOrAllButThoseOfOneRouter) {
  HeldKeys keys;
  for (std::uint32_t ar = 1; ar <= 3; ++ar)
    for (std::uint32_t cga = 1; cga <= 2; ++cga)
      keys.store(held(static_cast<std::uint8_t>(ar * 2 + cga), seconds(0), 1000, address(ar, 10),
                      address(cga)));
  EXPECT_TRUE(keys.discard(address(1, 10), address(1)));
  EXPECT_FALSE(keys.discard(address(1, 10), address(1)));
  EXPECT_EQ(keys.find(after(seconds(1)), address(1, 10), address(1)), nullptr);
  const std::vector<machine::HeldKeyName> expected = {
      {address(1, 10), address(2)}, {address(3, 10), address(1)}, {address(3, 10), address(2)}};
  EXPECT_EQ(keys.discard_all_but(address(2, 10)), expected);
  EXPECT_EQ(keys.size(), 2u);
  std::vector<Ipv6Address> left;
  keys.for_each([&](const HeldKey& key) { left.push_back(key.cga); });
  EXPECT_EQ(left, (std::vector{address(1), address(2)}));
}

TEST(HeldKeys, MakeRoomByDroppingWhatExpiresFirstAndSayItsName) {
  HeldKeys keys(3);
  keys.store(held(1, seconds(0), 1000, address(1)));
  keys.store(held(2, seconds(0), 500, address(2)));
  keys.store(held(3, seconds(0), 800, address(3)));
  EXPECT_EQ(keys.store(held(4, seconds(0), 900, address(3))), HeldKeys::Stored::kReplaced);
  EXPECT_EQ(keys.size(), 3u);
  EXPECT_EQ(keys.store(held(5, seconds(0), 100, address(4))), HeldKeys::Stored::kNew);
  EXPECT_EQ(keys.size(), 3u);
  EXPECT_EQ(keys.find(after(seconds(1)), address(2), kPcoa), nullptr);
  EXPECT_LE(keys.next_expiry(), after(seconds(0)));
  EXPECT_EQ(keys.expire(after(seconds(1))), (std::vector{machine::HeldKeyName{address(2), kPcoa}}));
  EXPECT_EQ(keys.next_expiry(), after(seconds(100)));
  EXPECT_TRUE(keys.expire(after(seconds(1))).empty());
}

TEST(HeldKeys, DoNotHaveTheRecordForgottenOfANameThatCameBack) {
  HeldKeys keys(1);
  keys.store(held(1, seconds(0), 1000, address(1)));
  keys.store(held(2, seconds(0), 1000, address(2)));
  keys.store(held(3, seconds(0), 1000, address(1)));
  EXPECT_EQ(keys.expire(after(seconds(1))), (std::vector{machine::HeldKeyName{address(2), kPcoa}}));
}

TEST(HeldKeys, ComeBackFromTheStoreUndelivered) {
  HeldKeys before;
  before.store(held(1, seconds(0), 1000));
  HeldKey& key = *before.find(after(seconds(1)), kPar, kPcoa);
  (void)next(before, key);
  const auto record = before.record_of(key, now_after(seconds(100)));

  HeldKeys keys;
  const Now now{Instant{seconds(2)}, now_after(seconds(300)).utc};
  ASSERT_TRUE(keys.restore(now, record));
  HeldKey* const restored = keys.find(now.boot, kPar, kPcoa);
  ASSERT_NE(restored, nullptr);
  EXPECT_TRUE(restored->key.equals(key.key));
  EXPECT_EQ(restored->ar_link_local, kLinkLocal);
  EXPECT_EQ(restored->algorithm, Algorithm::kHmacSha1_96);
  EXPECT_EQ(restored->expires, now.boot + seconds(700));
  EXPECT_FALSE(restored->delivered);
  EXPECT_EQ(restored->last_sequence, 257);
  bool persist = false;
  EXPECT_EQ(keys.next_sequence(*restored, persist), 258);
  EXPECT_TRUE(persist);
  EXPECT_FALSE(keys.restore(now, record));
}

TEST(HeldKeys, AreLeftOutOfARestoreWhenMalformedOrExpired) {
  HeldKeys source;
  source.store(held(1, seconds(0), 1000));
  const Now now = now_after(seconds(0));
  HeldKeys keys(1);
  const auto restored = [&](auto&& spoil) {
    auto record = source.record_of(*source.find(now.boot, kPar, kPcoa), now);
    spoil(record);
    return keys.restore(now, record);
  };
  EXPECT_FALSE(restored([](auto& record) { record.key = Secret(19); }));
  EXPECT_FALSE(restored([](auto& record) { record.key = Secret(); }));
  EXPECT_FALSE(restored([](auto& record) { record.algorithm = static_cast<Algorithm>(0); }));
  EXPECT_FALSE(restored([](auto& record) { record.algorithm = static_cast<Algorithm>(7); }));
  EXPECT_FALSE(restored([](auto& record) { record.ar = kLinkLocal; }));
  EXPECT_FALSE(restored([](auto& record) { record.cga = Ipv6Address{}; }));
  EXPECT_FALSE(restored([&](auto& record) { record.expires = now.utc; }));
  EXPECT_FALSE(restored([](auto& record) { record.expires = UtcTime::max(); }));
  EXPECT_FALSE(restored([](auto& record) { record.expires = UtcTime::min(); }));
  EXPECT_EQ(keys.size(), 0u);
  EXPECT_TRUE(restored([](auto&) {}));
  EXPECT_FALSE(restored([](auto& record) { record.ar = address(5); }));  // full
}

}  // namespace
}  // namespace sendoff::keys
