#include "datapath/drain.h"

#include <gtest/gtest.h>

#include <cstring>

#include "datapath/held_packets.h"
#include "support/covers.h"

namespace sendoff::datapath {
namespace {

constexpr Instant kStart{hours(1)};
const Ipv6Address kNode = Ipv6Address::literal("2001:db8:b::77");
const Ipv6Address kOtherNode = Ipv6Address::literal("2001:db8:b::78");

Bytes packet(std::uint32_t number, std::size_t size = 100) {
  Bytes octets(size);
  std::memcpy(octets.data(), &number, sizeof number);
  return octets;
}
std::uint32_t number_of(const Bytes& octets) {
  std::uint32_t number = 0;
  std::memcpy(&number, octets.data(), sizeof number);
  return number;
}

struct Sent {
  std::uint32_t number;
  Instant at;
};

// Holds `count` packets at this rate, then releases them, the stream going on at `later` a second
// (0: it stopped), in steps of 100 us, until nothing is held.
std::vector<Sent> drain(std::uint32_t count, Duration gap, Duration later_gap) {
  HeldPackets held{BufferLimits{}};
  EXPECT_TRUE(held.open(kNode));
  Instant now = kStart;
  std::uint32_t number = 0;
  for (; number < count; ++number, now += gap)
    EXPECT_EQ(held.hold(kNode, now, packet(number)), HeldPackets::Held::kHeld);
  held.release(kNode, now);
  std::vector<Sent> sent;
  Instant next_arrival = later_gap > Duration(0) ? now : kNever;
  while (!held.is_empty(kNode)) {
    if (now >= next_arrival) {
      EXPECT_EQ(held.hold(kNode, now, packet(number++)), HeldPackets::Held::kHeld);
      next_arrival += later_gap;
    }
    while (auto due = held.take_due(now)) sent.push_back({number_of(due->packet), now});
    now += microseconds(100);
    if (now > kStart + hours(1)) {
      ADD_FAILURE() << "it never ends";
      break;
    }
  }
  return sent;
}

Duration mean_gap(const std::vector<Sent>& sent, std::size_t from, std::size_t to) {
  return (sent[to].at - sent[from].at) / static_cast<std::int64_t>(to - from);
}

TEST(Drain, AfterTheFirstFiveTheSpacingIsThatOfTheEntry) {
  COVERS("FH-5.4-02");
  const auto sent = drain(300, milliseconds(10), Duration(0));
  ASSERT_EQ(sent.size(), 300U);
  // A moving average of ten, and nothing in it far off.
  for (std::size_t i = 5; i + 10 < sent.size(); ++i) {
    const Duration gap = mean_gap(sent, i, i + 10);
    EXPECT_GE(gap, milliseconds(8)) << i;
    EXPECT_LE(gap, milliseconds(12)) << i;
  }
}

TEST(Drain, FiveLeaveAtOnceAndNeverSix) {
  COVERS("FH-5.4-03");
  const auto sent = drain(50, milliseconds(10), Duration(0));
  ASSERT_EQ(sent.size(), 50U);
  EXPECT_LE(sent[4].at - sent[0].at, milliseconds(1));
  for (std::size_t i = 0; i + 5 < sent.size(); ++i)
    EXPECT_GE(sent[i + 5].at - sent[i].at, milliseconds(8)) << i;
}

TEST(Drain, TheRateFollowsEachEntryRate) {
  COVERS("FH-5.4-04");
  for (const Duration gap : {Duration(milliseconds(20)), Duration(milliseconds(5))}) {
    const auto sent = drain(200, gap, Duration(0));
    ASSERT_EQ(sent.size(), 200U);
    const Duration mean = mean_gap(sent, 5, 199);
    EXPECT_GE(mean, gap * 9 / 10);
    EXPECT_LE(mean, gap * 11 / 10);
  }
  // And a rate that changes within the buffer: 100 at 5 ms, 100 at 20 ms.
  HeldPackets held{BufferLimits{}};
  ASSERT_TRUE(held.open(kNode));
  Instant now = kStart;
  for (std::uint32_t i = 0; i < 200; ++i, now += i <= 100 ? milliseconds(5) : milliseconds(20))
    ASSERT_EQ(held.hold(kNode, now, packet(i)), HeldPackets::Held::kHeld);
  now += seconds(10);
  held.release(kNode, now);
  std::vector<Sent> sent;
  while (!held.is_empty(kNode)) {
    now = std::max(now, held.next_due());
    while (auto due = held.take_due(now)) sent.push_back({number_of(due->packet), now});
  }
  EXPECT_EQ(mean_gap(sent, 10, 90), milliseconds(5));
  EXPECT_EQ(mean_gap(sent, 150, 190), milliseconds(20));
}

TEST(Drain, ABacklogOfARunningStreamEndsAfterAboutItsOwnDuration) {
  COVERS("FH-5.4-05");
  const auto sent = drain(1000, milliseconds(1), milliseconds(1));
  for (std::size_t i = 0; i < sent.size(); ++i) ASSERT_EQ(sent[i].number, i);
  EXPECT_NEAR(static_cast<double>(sent.size()), 2000, 200);
  EXPECT_GE(sent.back().at - sent.front().at, milliseconds(900));
  EXPECT_LE(sent.back().at - sent.front().at, milliseconds(1200));
}

TEST(Drain, WokenLateItMakesUpForItWithoutALongerBurst) {
  HeldPackets held{BufferLimits{}};
  ASSERT_TRUE(held.open(kNode));
  Instant now = kStart;
  for (std::uint32_t i = 0; i < 100; ++i, now += milliseconds(1))
    ASSERT_EQ(held.hold(kNode, now, packet(i)), HeldPackets::Held::kHeld);
  held.release(kNode, now);
  for (int turn = 0; turn < 10; ++turn) {
    int burst = 0;
    while (held.take_due(now)) ++burst;
    EXPECT_LE(burst, 5);
    EXPECT_GE(burst, 1);
    now += milliseconds(50);
  }
}

// 40 a millisecond, and the host looks once a millisecond: more than five leave at each look.
TEST(Drain, AFastBacklogEndsAlthoughTheHostLooksSeldom) {
  HeldPackets held{BufferLimits{}};
  ASSERT_TRUE(held.open(kNode));
  Instant now = kStart;
  std::uint32_t number = 0;
  const auto arrive = [&](Duration span) {
    for (const Instant end = now + span; now < end; now += microseconds(25))
      ASSERT_EQ(held.hold(kNode, now, packet(number++)), HeldPackets::Held::kHeld);
  };
  arrive(milliseconds(50));
  held.release(kNode, now);
  const Instant begin = now;
  std::size_t most = 0;
  do {
    arrive(milliseconds(1));
    std::size_t sent = 0;
    while (held.take_due(now)) ++sent;
    most = std::max(most, sent);
  } while (!held.is_empty(kNode) && now < begin + milliseconds(200));
  EXPECT_LE(now - begin, milliseconds(70));
  EXPECT_LE(most, 2U * 2U * 40U);  // two milliseconds at twice the rate
}

TEST(HeldPackets, CopiesCanBeDroppedAndWhatCameBehindThemStays) {
  using Kind = HeldPackets::Kind;
  HeldPackets held{BufferLimits{}};
  EXPECT_TRUE(held.open(kNode, Kind::kCopies));
  EXPECT_TRUE(held.takes(kNode, Kind::kCopies));
  EXPECT_FALSE(held.takes(kNode, Kind::kOriginals));
  for (std::uint32_t i = 0; i < 3; ++i)
    ASSERT_EQ(held.hold(kNode, kStart, packet(i)), HeldPackets::Held::kHeld);
  EXPECT_TRUE(held.open(kNode));
  EXPECT_TRUE(held.takes(kNode, Kind::kOriginals));
  EXPECT_FALSE(held.open(kNode, Kind::kCopies));  // never back
  EXPECT_TRUE(held.takes(kNode, Kind::kOriginals));
  for (std::uint32_t i = 3; i < 5; ++i)
    ASSERT_EQ(held.hold(kNode, kStart, packet(i, 50)), HeldPackets::Held::kHeld);
  EXPECT_EQ(held.drop_copies(kNode), 3U);
  EXPECT_EQ(held.size().packets, 2U);
  EXPECT_EQ(held.size().octets, 100U);
  held.release(kNode, kStart);
  EXPECT_EQ(number_of(held.take_due(kStart)->packet), 3U);
  // Also under release.
  EXPECT_EQ(held.drop_copies(kNode), 0U);
  EXPECT_EQ(number_of(held.take_due(kStart)->packet), 4U);
  EXPECT_FALSE(held.take_due(kStart).has_value());
  EXPECT_EQ(held.size().octets, 0U);
  EXPECT_EQ(held.drop_copies(kOtherNode), 0U);
}

TEST(HeldPackets, EachAddressHasItsOrderAndPace) {
  HeldPackets held{BufferLimits{}};
  ASSERT_TRUE(held.open(kNode));
  ASSERT_TRUE(held.open(kOtherNode));
  for (std::uint32_t i = 0; i < 4; ++i) {
    ASSERT_EQ(held.hold(kNode, kStart, packet(i)), HeldPackets::Held::kHeld);
    ASSERT_EQ(held.hold(kOtherNode, kStart, packet(10 + i)), HeldPackets::Held::kHeld);
  }
  EXPECT_EQ(held.next_due(), kNever);
  held.release(kOtherNode, kStart);
  for (std::uint32_t i = 0; i < 4; ++i) {
    const auto due = held.take_due(kStart);
    ASSERT_TRUE(due);
    EXPECT_EQ(due->address, kOtherNode);
    EXPECT_EQ(number_of(due->packet), 10 + i);
  }
  EXPECT_FALSE(held.take_due(kStart));
  EXPECT_EQ(held.size().packets, 4U);
  EXPECT_EQ(held.close(kNode), 4U);
  EXPECT_EQ(held.size().packets, 0U);
  EXPECT_EQ(held.size().octets, 0U);
}

TEST(HeldPackets, ABufferThatIsOpenedAgainHoldsOn) {
  HeldPackets held{BufferLimits{}};
  ASSERT_TRUE(held.open(kNode));
  for (std::uint32_t i = 0; i < 20; ++i)
    ASSERT_EQ(held.hold(kNode, kStart + milliseconds(i), packet(i)), HeldPackets::Held::kHeld);
  const Instant now = kStart + seconds(1);
  held.release(kNode, now);
  ASSERT_TRUE(held.take_due(now));
  ASSERT_TRUE(held.open(kNode));
  EXPECT_FALSE(held.take_due(now + hours(1)));
  EXPECT_EQ(held.size().packets, 19U);
}

TEST(HeldPackets, WhatIsForNobodyIsNotHeld) {
  HeldPackets held{BufferLimits{}};
  EXPECT_EQ(held.hold(kNode, kStart, packet(1)), HeldPackets::Held::kNoBuffer);
  EXPECT_EQ(held.close(kNode), 0U);
  EXPECT_EQ(held.size().packets, 0U);
}

}  // namespace
}  // namespace sendoff::datapath
