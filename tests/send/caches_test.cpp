// The bounded tables of the receive pipeline, and jobs that end as they like: timestamps (RFC 3971
// 5.3.4.2, GS7), duplicates (GS34), nonces (GS3, GS8), budgets (HK-5-03).
#include "send/caches.h"

#include <gtest/gtest.h>

#include "machine/job.h"
#include "send/receiver.h"
#include "support/covers.h"
#include "support/peer.h"

namespace sendoff::test {
namespace {

using send::Budget;
using send::Duplicates;
using send::Kind;
using send::Nonces;
using send::Reason;
using send::Receiver;
using send::Share;
using send::Timestamps;
using send::Verdict;

constexpr Now kNow{Instant(seconds(1000)), UtcTime(seconds(1'800'000'000))};

Now later(Duration duration) { return {kNow.boot + duration, kNow.utc + duration}; }
std::uint64_t stamp(Duration duration = {}) { return timestamp_at(kNow.utc + duration); }

send::Peer peer(std::uint8_t number) {
  send::Peer made;
  made.key_hash[0] = number;
  return made;
}

// A peer that heard the sender while its clock was fast.
TEST(Stamps, OfAClockThatWasSetBackAreStillFreshToAPeer) {
  send::Stamps stamps;
  Timestamps table({});
  Now sender{kNow.boot, kNow.utc + seconds(90)};
  ASSERT_TRUE(table.accept(peer(1), timestamp_at(stamps.next(sender)), kNow, 0));
  for (int minute = 1; minute <= 300; ++minute) {
    const Now now = later(seconds(60) * minute);
    sender = now;  // set right
    const UtcTime date = stamps.next(sender);
    EXPECT_GE(date, now.utc);
    ASSERT_TRUE(table.fresh(peer(1), timestamp_at(date), now)) << minute;
    ASSERT_TRUE(table.accept(peer(1), timestamp_at(date), now, 0));
  }
  EXPECT_EQ(stamps.next(sender), sender.utc);
}

TEST(Stamps, AreTheClocksOwnWhereNobodyNewWouldBelieveOthers) {
  send::Stamps stamps;
  EXPECT_EQ(stamps.next({kNow.boot, kNow.utc + seconds(151)}), kNow.utc + seconds(151));
  EXPECT_EQ(stamps.next(kNow), kNow.utc);
  EXPECT_EQ(stamps.next(later(seconds(5))), kNow.utc + seconds(5));
}

TEST(Timestamps, ANewPeerIsJudgedByTheClock) {
  const Timestamps table({});
  for (const std::int64_t offset : {-299, 0, 299})
    EXPECT_TRUE(table.fresh(peer(1), stamp(seconds(offset)), kNow)) << offset;
  for (const std::int64_t offset : {-300, 300, -301, 301, 100'000})
    EXPECT_FALSE(table.fresh(peer(1), stamp(seconds(offset)), kNow)) << offset;
  EXPECT_FALSE(table.fresh(peer(1), 0, kNow));
  EXPECT_FALSE(table.fresh(peer(1), ~std::uint64_t{0}, kNow));
  EXPECT_EQ(table.size(), 0u);
}

TEST(Timestamps, AKnownPeerIsJudgedByItsLast) {
  Timestamps table({});
  ASSERT_TRUE(table.accept(peer(1), stamp(), kNow, 0));
  // 100 s later, 1 % drift, 1 s fuzz twice: 97 s and more.
  EXPECT_FALSE(table.fresh(peer(1), stamp(seconds(97)), later(seconds(100))));
  EXPECT_TRUE(table.fresh(peer(1), stamp(milliseconds(97'001)), later(seconds(100))));
  // Its own clock may be far from ours, and ours may step.
  Now stepped = later(seconds(10));
  stepped.utc += hours(5);
  EXPECT_TRUE(table.fresh(peer(1), stamp(seconds(10)), stepped));
  // The same key elsewhere is another peer.
  send::Peer elsewhere = peer(1);
  elsewhere.interface = {1};
  EXPECT_FALSE(table.known(elsewhere));
}

TEST(Timestamps, AnOlderMessageDoesNotMoveTheRecordBack) {
  Timestamps table({});
  ASSERT_TRUE(table.accept(peer(1), stamp(seconds(1)), kNow, 0));
  ASSERT_TRUE(table.accept(peer(1), stamp(), later(milliseconds(500)), 0));
  EXPECT_FALSE(table.fresh(peer(1), stamp(seconds(1)), later(seconds(3))));
}

// Who delays one message must not make an earlier one good again, whose copy nobody remembers.
TEST(Timestamps, ALateMessageFreesNoCopyOfAnEarlierOne) {
  Timestamps table({});
  ASSERT_TRUE(table.accept(peer(1), stamp(), kNow, 0));
  const Now now = later(milliseconds(2500));
  ASSERT_TRUE(table.fresh(peer(1), stamp(seconds(1)), now));
  ASSERT_TRUE(table.accept(peer(1), stamp(seconds(1)), now, 0));
  EXPECT_FALSE(table.fresh(peer(1), stamp(), now));
  EXPECT_FALSE(table.fresh(peer(1), stamp(seconds(1)), later(milliseconds(3100))));
  // What was sent in between, and comes now, was never here; it is as late as RFC 3971 lets it be.
  EXPECT_TRUE(table.fresh(peer(1), stamp(milliseconds(900)), now));
  EXPECT_TRUE(table.fresh(peer(1), stamp(milliseconds(1100)), now));
  // A clock that was set back a little is followed, as ever.
  EXPECT_TRUE(table.fresh(peer(1), stamp(milliseconds(2000)), later(milliseconds(4900))));
}

TEST(Timestamps, AFullTableLosesTheLowestSecThenTheLongestSilent) {
  send::TimestampConfig config;
  config.max_peers = 3;
  Timestamps table(config);
  ASSERT_TRUE(table.accept(peer(1), stamp(), kNow, 1));
  ASSERT_TRUE(table.accept(peer(2), stamp(), later(seconds(1)), 0));
  ASSERT_TRUE(table.accept(peer(3), stamp(), later(seconds(2)), 0));
  ASSERT_TRUE(table.accept(peer(4), stamp(), later(seconds(3)), 0));
  EXPECT_FALSE(table.known(peer(2)));
  ASSERT_TRUE(table.accept(peer(5), stamp(), later(seconds(4)), 0));
  EXPECT_FALSE(table.known(peer(3)));
  EXPECT_TRUE(table.known(peer(1)));
  EXPECT_EQ(table.size(), 3u);
}

TEST(Timestamps, NewcomersDriveEachOtherOut) {
  COVERS("SND-5.3.4-7", "SND-B-1");
  send::TimestampConfig config;
  config.max_peers = 8;
  Timestamps table(config);
  ASSERT_TRUE(table.accept(peer(200), stamp(), kNow, 0));  // speaks on
  ASSERT_TRUE(table.accept(peer(201), stamp(), kNow, 1));  // says no more
  ASSERT_TRUE(table.accept(peer(202), stamp(), kNow, 0));  // neither
  for (std::uint8_t newcomer = 1; newcomer <= 100; ++newcomer) {
    const Duration passed = seconds(newcomer);
    if (newcomer % 5 == 0) {
      ASSERT_TRUE(table.accept(peer(200), stamp(passed), later(passed), 0));
    }
    ASSERT_TRUE(table.accept(peer(newcomer), stamp(passed), later(passed), 0));
    ASSERT_LE(table.size(), 8u);
    ASSERT_TRUE(table.known(peer(200))) << "after " << int{newcomer};
  }
  EXPECT_TRUE(table.known(peer(201)));
  EXPECT_FALSE(table.known(peer(202)));
  EXPECT_FALSE(table.known(peer(90)));
}

TEST(Timestamps, ProtectedPeersStayAndNewOnesAreRefused) {
  send::TimestampConfig config;
  config.max_peers = 2;
  Timestamps table(config);
  for (const std::uint8_t number : std::initializer_list<std::uint8_t>{1, 2}) {
    ASSERT_TRUE(table.accept(peer(number), stamp(), kNow, 0));
    table.protect(peer(number), kNow.boot + seconds(100));
  }
  EXPECT_FALSE(table.accept(peer(3), stamp(), later(seconds(50)), 7));
  EXPECT_TRUE(table.accept(peer(1), stamp(seconds(50)), later(seconds(50)), 0));
  EXPECT_TRUE(table.accept(peer(3), stamp(), later(seconds(101)), 0));
  EXPECT_EQ(table.size(), 2u);
}

TEST(Duplicates, RememberForAWindowAndNoMoreThanTheirBound) {
  Duplicates table(seconds(2), 3);
  const auto digest = [](std::uint8_t number) {
    crypto::Sha256Digest made{};
    made[0] = number;
    return made;
  };
  for (std::uint8_t i = 0; i < 4; ++i) table.remember(digest(i), kNow.boot);
  EXPECT_EQ(table.size(), 3u);
  EXPECT_FALSE(table.seen(digest(0), kNow.boot));
  EXPECT_TRUE(table.seen(digest(3), kNow.boot + seconds(2)));
  EXPECT_FALSE(table.seen(digest(3), kNow.boot + milliseconds(2001)));
  table.remember(digest(9), kNow.boot + seconds(3));
  EXPECT_EQ(table.size(), 1u);
}

TEST(Nonces, BelongToAnInterfaceAndAKindAndEnd) {
  Nonces nonces(2);
  const Bytes nonce{1, 2, 3, 4, 5, 6};
  nonces.remember({{0}, Kind::kRtSolPr, {}}, nonce, kNow.boot + seconds(15));
  EXPECT_TRUE(nonces.sent({{0}, Kind::kRtSolPr, {}}, nonce, kNow.boot));
  EXPECT_TRUE(nonces.sent({{0}, Kind::kRtSolPr, {}}, nonce, kNow.boot));  // not consumed
  EXPECT_FALSE(nonces.sent({{1}, Kind::kRtSolPr, {}}, nonce, kNow.boot));
  EXPECT_FALSE(nonces.sent({{0}, Kind::kRouterSolicitation, {}}, nonce, kNow.boot));
  EXPECT_FALSE(
      nonces.sent({{0}, Kind::kRtSolPr, Ipv6Address::literal("fe80::1")}, nonce, kNow.boot));
  EXPECT_FALSE(nonces.sent({{0}, Kind::kRtSolPr, {}}, nonce, kNow.boot + seconds(15)));
  nonces.remember({{0}, Kind::kRtSolPr, {}}, Bytes(6, 1), kNever);
  nonces.remember({{0}, Kind::kRtSolPr, {}}, Bytes(6, 2), kNever);
  EXPECT_FALSE(nonces.sent({{0}, Kind::kRtSolPr, {}}, nonce, kNow.boot));
}

TEST(Budget, AFloodOfStrangersStarvesNeitherAKnownPeerNorAnAnswer) {
  Budget budget({2, 5, 3});
  const auto source = [](std::uint8_t number) {
    return *LinkAddress::from(Bytes{2, 0, 0, 0, 0, number});
  };
  int taken = 0;
  for (std::uint8_t i = 0; i < 200; ++i)
    if (budget.take({0}, source(i), Share::kStrangers, kNow.boot)) ++taken;
  EXPECT_EQ(taken, 3);  // more sources than buckets
  EXPECT_EQ(budget.sources(), 3u);
  EXPECT_TRUE(budget.take({0}, source(250), Share::kKnown, kNow.boot));
  EXPECT_TRUE(budget.take({0}, source(0), Share::kStrangers, kNow.boot));
  EXPECT_FALSE(budget.take({0}, source(0), Share::kStrangers, kNow.boot));  // two a second
  EXPECT_TRUE(budget.take({1}, source(250), Share::kKnown, kNow.boot));
  // Nor an answer, though the flood names its sender; there are so many of them, and no more.
  for (int i = 0; i < 5; ++i)
    EXPECT_TRUE(budget.take({0}, source(0), Share::kAsked, kNow.boot)) << i;
  EXPECT_FALSE(budget.take({0}, source(251), Share::kAsked, kNow.boot));
  EXPECT_TRUE(budget.take({0}, source(251), Share::kKnown, kNow.boot));
  // What is full again makes room.
  EXPECT_TRUE(budget.take({0}, source(100), Share::kStrangers, kNow.boot + seconds(10)));
  EXPECT_LE(budget.sources(), 3u);
}

TEST(Budget, WhoCostSomethingForNothingLeavesHalfToOtherStrangers) {
  const auto source = [](std::uint8_t number) {
    return *LinkAddress::from(Bytes{2, 0, 0, 0, 0, number});
  };
  Budget budget({100, 10, 8});
  const auto taken = [&](std::uint8_t from, std::uint8_t count, Instant at) {
    int total = 0;
    for (int i = 0; i < 20; ++i) {
      const LinkAddress each = source(static_cast<std::uint8_t>(from + i % count));
      const bool spent = budget.spent({0}, each, Share::kStrangers, at);
      const bool took = budget.take({0}, each, Share::kStrangers, at);
      EXPECT_NE(spent, took) << i;
      total += took ? 1 : 0;
    }
    return total;
  };
  EXPECT_EQ(taken(0, 4, kNow.boot), 10);
  for (std::uint8_t i = 0; i < 4; ++i) budget.wasted({0}, source(i), kNow.boot);
  budget.wasted({0}, source(99), kNow.boot);  // of whom nothing is kept
  const Instant next = kNow.boot + seconds(10);
  EXPECT_EQ(taken(0, 4, next), 5);
  EXPECT_EQ(taken(50, 1, next), 5);
  EXPECT_EQ(taken(51, 1, next), 0);
  // Who is known or answers is none of them.
  EXPECT_TRUE(budget.take({0}, source(0), Share::kKnown, next));
  EXPECT_TRUE(budget.take({0}, source(0), Share::kAsked, next));
  // After a minute it is forgotten.
  EXPECT_EQ(taken(0, 4, kNow.boot + seconds(61)), 10);
  // More sources than can be kept: those without a bucket are no better.
  budget.configure({1, 10, 2});
  EXPECT_TRUE(budget.take({0}, source(0), Share::kStrangers, next));
  EXPECT_TRUE(budget.take({0}, source(1), Share::kStrangers, next));
  EXPECT_EQ(taken(200, 20, next + milliseconds(10)), 3);
}

class Jobs : public testing::Test {
 protected:
  machine::Outbox outbox;
  Receiver receiver{{}, outbox};
  test::Peer mn{signing_key("mn-1024"), "2001:db8:a:1::/64", "02:00:00:00:01:01"};
  const Ipv6Address ar = Ipv6Address::literal("2001:db8:a:1::1");

  Jobs() {
    receiver.take(Kind::kRtSolPr);
    receiver.take(Kind::kRouterAdvertisement);
    receiver.take(Kind::kRouterSolicitation);
    receiver.take(Kind::kNeighborSolicitation);
  }
  std::optional<send::Judged> receive(const Craft& craft) {
    const Bytes packet = craft.packet();
    machine::Received received;
    received.frame_source = mn.link_address();
    received.packet = packet;
    return receiver.receive(kNow, received);
  }
  machine::Start start_of() { return std::get<machine::Start>(std::move(outbox.poll()->what)); }
  static machine::JobResult result_of(const machine::Start& start) {
    return {start.job_id, machine::execute(start.job)};
  }
};

TEST_F(Jobs, EndInAnyOrderTwiceOrBadly) {
  EXPECT_FALSE(receive(mn.rtsolpr(ar, kNow)).has_value());
  EXPECT_FALSE(receive(mn.rtsolpr(ar, kNow)).has_value());
  const auto first = start_of();
  const auto second = start_of();
  EXPECT_EQ(receiver.pending(), 2u);
  EXPECT_EQ(receiver.complete(kNow, result_of(second))->verdict, Verdict::kSecured);
  EXPECT_EQ(receiver.complete(kNow, result_of(first))->verdict, Verdict::kSecured);
  EXPECT_FALSE(receiver.owns(first.job_id));
  EXPECT_FALSE(receiver.complete(kNow, result_of(first)).has_value());
  EXPECT_FALSE(receive(mn.rtsolpr(ar, kNow)).has_value());
  const auto failing = start_of();
  EXPECT_FALSE(
      receiver.complete(kNow, {failing.job_id, fail(machine::JobError::kCrypto)}).has_value());
  EXPECT_EQ(receiver.counters()[Reason::kCrypto], 1u);
  // An output of another kind is no verification.
  EXPECT_FALSE(receive(mn.rtsolpr(ar, kNow)).has_value());
  EXPECT_FALSE(receiver.complete(kNow, {start_of().job_id, machine::MessageSigned{}}).has_value());
  EXPECT_EQ(receiver.timestamps().size(), 0u);
}

TEST_F(Jobs, ACopyUnderWayIsARepeatWhenItEnds) {
  const Craft craft = mn.rtsolpr(ar, kNow);
  EXPECT_FALSE(receive(craft).has_value());
  EXPECT_FALSE(receive(craft).has_value());
  const auto first = start_of();
  const auto second = start_of();
  EXPECT_EQ(receiver.complete(kNow, result_of(first))->verdict, Verdict::kSecured);
  EXPECT_EQ(receiver.complete(kNow, result_of(second))->verdict, Verdict::kRepeat);
}

TEST_F(Jobs, OfAnInterfaceThatWentDownAreCancelled) {
  EXPECT_FALSE(receive(mn.rtsolpr(ar, kNow)).has_value());
  const auto start = start_of();
  receiver.drop_pending({0});
  EXPECT_EQ(std::get<machine::Cancel>(outbox.poll()->what).job_id, start.job_id);
  EXPECT_FALSE(receiver.complete(kNow, result_of(start)).has_value());
}

TEST_F(Jobs, AMulticastAdvertisementWithAnothersNonceIsUnsolicited) {
  Craft craft = mn.router_solicitation(kNow);
  craft.head = octets_of(wire::RouterAdvertisement{});
  craft.options.clear();
  craft.destination = kAllNodes;
  EXPECT_FALSE(receive(craft).has_value());
  const auto judged = receiver.complete(kNow, result_of(start_of()));
  ASSERT_TRUE(judged.has_value());
  EXPECT_FALSE(judged->proof->solicited);
  craft.destination = ar;
  EXPECT_FALSE(receive(craft).has_value());
  EXPECT_EQ(receiver.counters()[Reason::kUnknownNonce], 1u);
}

TEST_F(Jobs, AKeyRequestInAnotherMessageIsAsIfAbsent) {
  for (Bytes head :
       {octets_of(wire::RouterSolicitation{}), octets_of(wire::NeighborSolicitation{ar})}) {
    Craft craft = mn.router_solicitation(kNow);
    craft.head = head;
    craft.options.push_back(
        octets_of(wire::HandoverKeyRequest{{2}, decryption_key("hke-1024")->spki()}));
    EXPECT_FALSE(receive(craft).has_value());
    EXPECT_EQ(receiver.complete(kNow, result_of(start_of()))->verdict, Verdict::kSecured);
  }
}

}  // namespace
}  // namespace sendoff::test
