// What survives: restarts, reloads, a change of keys.
#include "esp/fixture.h"

namespace sendoff::esp {
namespace {

using Restart = EspTest;

TEST_F(Restart, TheHighestNumberIsStoredAtOnceAndNotWaitedFor) {
  nar.store_answers = false;
  for (const std::uint32_t sequence : {3U, 9U, 4U})
    EXPECT_EQ(open({.sequence = sequence}), std::nullopt) << "taken before anything is stored";
  ASSERT_EQ(nar.unanswered.size(), 1U) << "one write at a time";
  EXPECT_EQ(nar.unanswered[0].direction, Direction::kInbound);
  EXPECT_EQ(nar.unanswered[0].spi, kToNar);
  EXPECT_EQ(nar.unanswered[0].value, 3U);
}

TEST_F(Restart, WhatABurstBringsIsStoredInOneMoreWrite) {
  for (const std::uint32_t sequence : {3U, 9U, 4U})
    ASSERT_EQ(open({.sequence = sequence}), std::nullopt);
  ASSERT_EQ(nar.records.back().value, 3U);
  const std::size_t before = nar.records.size();
  ASSERT_LE(nar.associations.next_deadline(), now.boot + seconds(1));
  advance(nar.associations.next_deadline() - now.boot);
  ASSERT_EQ(nar.records.size(), before + 1);
  EXPECT_EQ(nar.records.back().value, 9U);
  EXPECT_EQ(nar.associations.next_deadline(), kNever);
}

TEST_F(Restart, WhatWasAcceptedBeforeIsRefusedAfterwards) {
  std::vector<Bytes> capture;
  for (int i = 0; i < 5; ++i) {
    capture.push_back(par.seal(now, kNar, hi()).value());
    ASSERT_EQ(nar.open(now, capture.back()), std::nullopt);
  }
  advance(seconds(2));
  Node again;
  again.restart_from(nar, now, nar_config);
  for (const Bytes& packet : capture) EXPECT_EQ(again.open(now, packet), Drop::kReplay);
  EXPECT_TRUE(again.taken.empty());
  EXPECT_EQ(again.open(now, par.seal(now, kNar, hi()).value()), std::nullopt);
}

TEST_F(Restart, AFloorThatCouldNotBeStoredIsTriedAgain) {
  nar.store_works = false;
  ASSERT_EQ(open({.sequence = 3}), std::nullopt);
  advance(milliseconds(500));
  EXPECT_TRUE(std::ranges::none_of(nar.records, [](const SequenceRecord& record) {
    return record.direction == Direction::kInbound;
  }));
  nar.store_works = true;
  const Instant retry = nar.associations.next_deadline();
  ASSERT_LE(retry, now.boot + seconds(1));
  advance(retry - now.boot);
  EXPECT_EQ(nar.records.back().direction, Direction::kInbound);
  EXPECT_EQ(nar.records.back().value, 3U);
  EXPECT_EQ(nar.associations.next_deadline(), kNever);
}

TEST_F(Restart, TheEndOfTheProcessStoresWhatIsDue) {
  ASSERT_EQ(open({.sequence = 3}), std::nullopt);
  nar.associations.flush(now);
  nar.serve(now);
  EXPECT_EQ(nar.records.back().value, 3U);
}

TEST_F(Restart, NumbersGoOnAboveTheWireAfterEachRestart) {
  std::vector<SequenceRecord> store;
  std::uint32_t last = 0;
  for (const int packets : {1, 255, 256, 257, 1000, 1}) {
    Node before;
    before.records = store;
    Node node;
    node.restart_from(before, now, par_config);
    const std::uint32_t first = sequence_of(node.seal(now, kNar, hi()).value());
    EXPECT_GT(first, last);
    EXPECT_LE(first, last + 512);
    last = first;
    for (int i = 1; i < packets; ++i)
      ASSERT_EQ(sequence_of(node.seal(now, kNar, hi()).value()), ++last);
    store = node.records;
  }
}

TEST_F(Restart, CountersGoOnThroughRemovalAndReturn) {
  std::vector<Bytes> capture;
  for (int i = 0; i < 3; ++i) {
    capture.push_back(par.seal(now, kNar, hi()).value());
    ASSERT_EQ(nar.open(now, capture.back()), std::nullopt);
  }
  for (Node* node : {&par, &nar}) {
    node->configure(now, Config{{}, {kPar, kNar}, true});
    EXPECT_FALSE(node->seal(now, kNar, hi()));
  }
  EXPECT_EQ(nar.open(now, capture[0]), Drop::kNoAssociation);
  par.configure(now, par_config);
  nar.configure(now, nar_config);
  const Bytes next = par.seal(now, kNar, hi()).value();
  EXPECT_EQ(sequence_of(next), 4U);
  for (const Bytes& packet : capture) EXPECT_EQ(nar.open(now, packet), Drop::kReplay);
  EXPECT_EQ(nar.open(now, next), std::nullopt);
  // The same SPI with a new key begins anew, in both directions.
  par_config.pairs[0].outbound.key = key_numbered(8);
  nar_config.pairs[0].inbound[0].key = key_numbered(8);
  par.configure(now, par_config);
  nar.configure(now, nar_config);
  const Bytes first = par.seal(now, kNar, hi()).value();
  EXPECT_EQ(sequence_of(first), 1U);
  EXPECT_EQ(nar.open(now, first), std::nullopt);
}

// New inbound added at both, outbound moved, old inbound removed: at each step, and between the
// reloads of the two routers, what one seals the other opens.
TEST_F(Restart, KeysChangeInThreeReloadsWithoutALoss) {
  COVERS("ESP-4303-17");
  const auto exchange = [&] {
    const Bytes there = par.seal(now, kNar, hi()).value();
    EXPECT_EQ(nar.open(now, there), std::nullopt);
    Bytes hack = hi();
    hack[2] = 15;
    wire::seal_mobility(kNar, kPar, hack);
    const Bytes back = nar.seal(now, kPar, hack).value();
    EXPECT_EQ(par.open(now, back), std::nullopt);
  };
  const auto reload_both = [&] {
    par.configure(now, par_config);
    exchange();
    nar.configure(now, nar_config);
    exchange();
  };
  exchange();
  par_config.pairs[0].inbound.push_back({0x2001, key_numbered(12), true});
  nar_config.pairs[0].inbound.push_back({0x1001, key_numbered(11), true});
  reload_both();
  par_config.pairs[0].outbound = {0x1001, key_numbered(11)};
  nar_config.pairs[0].outbound = {0x2001, key_numbered(12)};
  reload_both();
  par_config.pairs[0].inbound.erase(par_config.pairs[0].inbound.begin());
  nar_config.pairs[0].inbound.erase(nar_config.pairs[0].inbound.begin());
  reload_both();
  EXPECT_EQ(open({.spi = kToNar, .sequence = 1000}), Drop::kNoAssociation);
}

}  // namespace
}  // namespace sendoff::esp
