// What leaves: addresses, numbers, sizes, and when nothing leaves.
#include "esp/fixture.h"

namespace sendoff::esp {
namespace {

using Seal = EspTest;

TEST_F(Seal, GivesTheVectorsPacketOctetForOctet) {
  Config config;
  config.pairs.push_back({kPar,
                          kNar,
                          {0xc7a50e31, key_of(vector().hex("hmac-hi-key"))},
                          {{0x9999, key_numbered(9), true}}});
  Node node;
  node.records.push_back(
      {Direction::kOutbound, 0xc7a50e31, fingerprint(*config.pairs[0].outbound.key), 0x9a3c5e70});
  Node restarted;
  restarted.restart_from(node, now, config);
  const auto sealed = restarted.seal(now, kNar, hi());
  ASSERT_TRUE(sealed);
  EXPECT_EQ(*sealed, vector().hex("hmac-hi-ipv6-packet"));
}

TEST_F(Seal, NumbersStartAtOneForEachPeerAndGrowByOne) {
  COVERS("ESP-4303-12");
  Config config = par_config;
  config.pairs.push_back(
      {kPar, kThird, {0x3000, key_numbered(3)}, {{0x3001, key_numbered(4), true}}});
  config.others.clear();
  Node node;
  node.configure(now, config);
  for (std::uint32_t number = 1; number <= 600; ++number) {
    ASSERT_EQ(sequence_of(node.seal(now, kNar, hi()).value()), number);
    if (number % 3 == 0) {
      ASSERT_EQ(sequence_of(node.seal(now, kThird, hi()).value()), number / 3);
    }
  }
  // A new SPI, and a new key under the same SPI, each begin at 1.
  config.pairs[0].outbound.spi = 0x1001;
  config.pairs[1].outbound.key = key_numbered(5);
  node.configure(now, config);
  EXPECT_EQ(sequence_of(node.seal(now, kNar, hi()).value()), 1U);
  EXPECT_EQ(sequence_of(node.seal(now, kThird, hi()).value()), 1U);
}

TEST_F(Seal, TheLastNumberIsUsedOnceAndThenNothingLeaves) {
  Node before;
  before.records.push_back(
      {Direction::kOutbound, kToNar, fingerprint(*par_pair().outbound.key), 0xfffffffe});
  Node node;
  node.restart_from(before, now, par_config);
  EXPECT_EQ(sequence_of(node.seal(now, kNar, hi()).value()), 0xffffffffU);
  for (int i = 1; i <= 2; ++i) {
    const auto refused = node.seal(now, kNar, hi());
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().why, SealError::kExhausted);
    EXPECT_EQ(node.count(Count::kOverflow), static_cast<std::uint64_t>(i));
  }
  ASSERT_EQ(node.audit.size(), 2U);
  EXPECT_EQ(node.audit[0].entry->event, AuditEvent::kOverflow);
  EXPECT_EQ(node.audit[0].entry->spi, kToNar);
  EXPECT_EQ(node.audit[0].entry->source, kPar);
  EXPECT_EQ(node.audit[0].entry->destination, kNar);
  EXPECT_EQ(node.audit[0].entry->sequence, 0xffffffffU);
  EXPECT_EQ(node.count(Count::kSealed), 1U);
}

TEST_F(Seal, OneWarningComesWhenTheNumbersRunLow) {
  Node before;
  before.records.push_back(
      {Direction::kOutbound, kToNar, fingerprint(*par_pair().outbound.key), 0xf0000000 - 3});
  Node node;
  node.restart_from(before, now, par_config);
  for (int i = 0; i < 2; ++i) (void)node.seal(now, kNar, hi());
  EXPECT_TRUE(node.warnings.empty());
  for (int i = 0; i < 300; ++i) ASSERT_TRUE(node.seal(now, kNar, hi()));
  ASSERT_EQ(node.warnings.size(), 1U);
  EXPECT_EQ(node.warnings[0].peer, kNar);
  EXPECT_EQ(node.warnings[0].spi, kToNar);
}

// A run that starts above the mark has passed it too.
TEST_F(Seal, ARestartAboveTheMarkWarnsAgainOnce) {
  Node before;
  before.records.push_back(
      {Direction::kOutbound, kToNar, fingerprint(*par_pair().outbound.key), 0xf0000100});
  Node node;
  node.restart_from(before, now, par_config);
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(node.seal(now, kNar, hi()));
  EXPECT_EQ(node.warnings.size(), 1U);
}

TEST_F(Seal, NothingBeyondTheReservedBlockLeavesWhileTheStoreRefuses) {
  par.store_works = false;
  std::uint32_t last = 0;
  std::optional<Refusal> refused;
  for (int i = 0; i < 1000 && !refused; ++i) {
    const auto sealed = par.seal(now, kNar, hi());
    if (sealed)
      last = sequence_of(*sealed);
    else
      refused = sealed.error();
  }
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->why, SealError::kNotReserved);
  EXPECT_EQ(last, 256U);
  EXPECT_EQ(par.records.back().value, 256U);
  EXPECT_EQ(par.count(Count::kNotReserved), 1U);
  // The store works again: a second later the next handover does.
  par.store_works = true;
  advance(seconds(1));
  EXPECT_EQ(sequence_of(par.seal(now, kNar, hi()).value()), 257U);
}

TEST_F(Seal, NothingLeavesWhileTheStoreHasNotAnswered) {
  Node node;
  node.store_answers = false;
  node.configure(now, par_config);
  const auto refused = node.seal(now, kNar, hi());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().why, SealError::kNotReserved);
  ASSERT_EQ(node.unanswered.size(), 1U) << "one write at a time";
  EXPECT_EQ(node.unanswered[0].value, 256U);
  EXPECT_EQ(node.unanswered[0].spi, kToNar);
  EXPECT_EQ(node.unanswered[0].key, fingerprint(*par_pair().outbound.key));
  node.associations.stored(now, name_of(node.unanswered[0]), true);
  EXPECT_EQ(sequence_of(node.seal(now, kNar, hi()).value()), 1U);
}

TEST_F(Seal, WhatWouldNeedFragmentsIsNotSent) {
  Bytes header(1208);
  header[0] = wire::kProtocolNoNext;
  header[1] = 1208 / 8 - 1;
  const auto sealed = par.seal(now, kNar, header, 1280);
  ASSERT_TRUE(sealed);
  EXPECT_EQ(sealed->size(), 1276U);
  header.resize(1216);
  const auto refused = par.seal(now, kNar, header, 1280);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().why, SealError::kTooLarge);
  EXPECT_EQ(refused.error().size, 1284U);
  EXPECT_EQ(refused.error().mtu, 1280U);
  EXPECT_NE(explain(refused.error()).find("1284"), std::string::npos);
  EXPECT_NE(explain(refused.error()).find("1280"), std::string::npos);
  EXPECT_EQ(par.count(Count::kTooLarge), 1U);
  // No number is lost by it.
  EXPECT_EQ(sequence_of(par.seal(now, kNar, hi()).value()), 2U);
}

TEST_F(Seal, APeerWithoutAssociationsGetsNothing) {
  for (const Ipv6Address& peer : {kThird, kStranger}) {
    const auto refused = par.seal(now, peer, hi());
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().why, SealError::kNoAssociation);
  }
  EXPECT_EQ(par.count(Count::kNoOutbound), 2U);
}

TEST_F(Seal, RepeatsAreNewPackets) {
  const Bytes first = par.seal(now, kNar, hi()).value();
  const Bytes second = par.seal(now, kNar, hi()).value();
  EXPECT_TRUE(equal(ByteView(first).subspan(48, 64), ByteView(second).subspan(48, 64)));
  EXPECT_EQ(sequence_of(second), sequence_of(first) + 1);
  EXPECT_FALSE(equal(ByteView(first).last(16), ByteView(second).last(16)));
  EXPECT_EQ(nar.open(now, first), std::nullopt);
  EXPECT_EQ(nar.open(now, second), std::nullopt);
  EXPECT_EQ(nar.open(now, first), Drop::kReplay);
  EXPECT_EQ(nar.taken.size(), 2U);
}

}  // namespace
}  // namespace sendoff::esp
