// FBUs at the access router: which key authenticates one, what a refusal says, which sequence
// numbers are new.
#include <gtest/gtest.h>

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
using test::kNcoa;
using test::kPar;
using test::kPcoa;
using test::now_after;
using test::signed_fbu;

struct FbuAuthentication : testing::Test {
  IssuedKeyConfig config{.lifetime_s = 1000};
  FakeRandom random;
  IssuedKeys keys{config, random};

  IssuedKey& issue(Duration when, std::uint8_t code, const Ipv6Address& cga = kPcoa) {
    return *keys.find_or_create(after(when), cga, kLink, code)->key;
  }
  Result<IssuedKey*, FbuRefusal> authenticate(Duration when, const test::Arrived& fbu,
                                              const Ipv6Address& pcoa = kPcoa) {
    return keys.authenticate(after(when), pcoa, kNcoa, kPar, fbu.header, fbu.fbu);
  }
};

TEST_F(FbuAuthentication, FindsTheKeyThatMadeTheAuthenticator) {
  for (Algorithm algorithm : crypto::kAlgorithms) {
    const Ipv6Address cga = address(std::to_underlying(algorithm));
    IssuedKey& key = issue(seconds(0), std::to_underlying(algorithm), cga);
    EXPECT_EQ(authenticate(seconds(1), signed_fbu(algorithm, key.key), cga), &key);
  }
}

TEST_F(FbuAuthentication, TakesEitherOfTwoKeysAndCountsTheirNumbersApart) {
  COVERS("HK-3.5-08");
  IssuedKey& older = issue(seconds(0), 1);
  const Secret old_octets = older.key.duplicate();
  EXPECT_TRUE(keys.accept_sequence(older, 500));
  IssuedKey& newer = issue(seconds(950), 1);
  ASSERT_NE(&older, &newer);
  const auto under_old = signed_fbu(Algorithm::kHmacSha1_96, older.key);
  const auto under_new = signed_fbu(Algorithm::kHmacSha1_96, newer.key);
  EXPECT_EQ(authenticate(seconds(960), under_old), &older);
  EXPECT_EQ(authenticate(seconds(960), under_new), &newer);
  EXPECT_EQ(older.last_sequence, 500);
  EXPECT_FALSE(newer.last_sequence);
  EXPECT_FALSE(keys.accept_sequence(newer, 3));
  EXPECT_EQ(older.last_sequence, 500);
  // There are never more than two to be tried.
  EXPECT_EQ(keys.find(after(seconds(960)), kPcoa).size(), 2u);
  EXPECT_EQ(authenticate(seconds(1000), under_old).error(), FbuRefusal::kMac);
  EXPECT_EQ(authenticate(seconds(1000), under_new), &newer);
  (void)keys.expire(after(seconds(1000)));
  EXPECT_EQ(authenticate(seconds(1001), under_old).error(), FbuRefusal::kMac);
  EXPECT_EQ(authenticate(seconds(1001), under_new), &newer);
}

TEST_F(FbuAuthentication, ChangesNoRecord) {
  IssuedKey& key = issue(seconds(0), 1);
  EXPECT_FALSE(keys.accept_sequence(key, 7));
  const auto wrong = signed_fbu(Algorithm::kHmacSha1_96, test::key_of(Algorithm::kHmacSha1_96, 1));
  for (int i = 0; i < 100; ++i) EXPECT_FALSE(authenticate(seconds(i), wrong));
  EXPECT_EQ(key.last_sequence, 7);
  EXPECT_EQ(key.expires, after(seconds(1000)));
  EXPECT_EQ(keys.size(), 1u);
}

TEST_F(FbuAuthentication, NamesEachCauseOfARefusal) {
  IssuedKey& key = issue(seconds(0), 2);
  const auto good = signed_fbu(Algorithm::kHmacSha256_128, key.key);
  ASSERT_TRUE(authenticate(seconds(1), good));
  EXPECT_EQ(authenticate(seconds(1), good, address(99)).error(), FbuRefusal::kNoKey);
  EXPECT_EQ(authenticate(seconds(1), signed_fbu(Algorithm::kHmacSha1_96,
                                                test::key_of(Algorithm::kHmacSha1_96, 1)))
                .error(),
            FbuRefusal::kMacLength);
  EXPECT_EQ(authenticate(seconds(1), signed_fbu(Algorithm::kHmacSha256_128,
                                                test::key_of(Algorithm::kHmacSha256_128, 1)))
                .error(),
            FbuRefusal::kMac);
  wire::FastBindingUpdate without = good.fbu;
  without.options.authorization.reset();
  EXPECT_EQ(keys.authenticate(after(seconds(1)), kPcoa, kNcoa, kPar, good.header, without).error(),
            FbuRefusal::kNoAuthorization);
  wire::FastBindingUpdate other_spi = good.fbu;
  other_spi.options.authorization->spi = 256;
  EXPECT_EQ(
      keys.authenticate(after(seconds(1)), kPcoa, kNcoa, kPar, good.header, other_spi).error(),
      FbuRefusal::kSpi);
}

TEST_F(FbuAuthentication, CallsALengthWrongOnlyWhenItFitsNoLiveKey) {
  const Secret sha1 = issue(seconds(0), 1).key.duplicate();
  issue(seconds(500), 2);
  const auto short_and_wrong =
      signed_fbu(Algorithm::kHmacSha1_96, test::key_of(Algorithm::kHmacSha1_96, 1));
  const auto long_and_wrong =
      signed_fbu(Algorithm::kHmacSha256_128, test::key_of(Algorithm::kHmacSha256_128, 1));
  const auto longest =
      signed_fbu(Algorithm::kHmacSha384_192, test::key_of(Algorithm::kHmacSha384_192, 1));
  EXPECT_EQ(authenticate(seconds(600), short_and_wrong).error(), FbuRefusal::kMac);
  EXPECT_EQ(authenticate(seconds(600), long_and_wrong).error(), FbuRefusal::kMac);
  EXPECT_EQ(authenticate(seconds(600), longest).error(), FbuRefusal::kMacLength);
  EXPECT_TRUE(authenticate(seconds(600), signed_fbu(Algorithm::kHmacSha1_96, sha1)));
  EXPECT_EQ(authenticate(seconds(1200), short_and_wrong).error(), FbuRefusal::kMacLength);
}

TEST_F(FbuAuthentication, TellsAnExpiredKeyFromNone) {
  const auto fbu = signed_fbu(Algorithm::kHmacSha1_96, issue(seconds(0), 1).key);
  EXPECT_EQ(authenticate(seconds(1000), fbu).error(), FbuRefusal::kKeyExpired);
  EXPECT_EQ(keys.expire(after(seconds(1000))).size(), 1u);
  EXPECT_EQ(authenticate(seconds(1000), fbu).error(), FbuRefusal::kKeyExpired);
  // Not for ever: the memory of it is bounded.
  for (std::uint32_t i = 0; i < 1024; ++i)
    ASSERT_TRUE(keys.find_or_create(after(seconds(2000)), address(i), test::link(i), 1));
  EXPECT_EQ(keys.expire(after(seconds(3000))).size(), 1024u);
  EXPECT_EQ(authenticate(seconds(3000), fbu).error(), FbuRefusal::kNoKey);
  EXPECT_EQ(authenticate(seconds(3000), fbu, address(0)).error(), FbuRefusal::kKeyExpired);
}

TEST_F(FbuAuthentication, FindsNoKeyAfterItWasDiscarded) {
  const auto fbu = signed_fbu(Algorithm::kHmacSha1_96, issue(seconds(0), 1).key);
  keys.discard(kPcoa);
  EXPECT_EQ(authenticate(seconds(1), fbu).error(), FbuRefusal::kNoKey);
}

TEST(SequenceNumber, IsNewerInTheHalfCircleAhead) {
  for (std::uint32_t last : {0u, 1u, 255u, 32767u, 32768u, 40000u, 65535u})
    for (std::uint32_t step = 0; step < 65536; ++step)
      ASSERT_EQ(
          newer_sequence(static_cast<std::uint16_t>(last + step), static_cast<std::uint16_t>(last)),
          step >= 1 && step <= 32767)
          << last << '+' << step;
}

TEST_F(FbuAuthentication, ReservesSequenceNumbersInBlocks) {
  IssuedKey& key = issue(seconds(0), 1);
  std::uint16_t sequence = 65'500;
  int writes = 0;
  for (int i = 0; i < 10'000; ++i, ++sequence) {
    const std::optional<std::uint16_t> promised = key.sequence_ceiling;
    const bool persist = keys.accept_sequence(key, sequence);
    EXPECT_EQ(key.last_sequence, sequence);
    // What is stored when the FBU takes effect never lies behind it.
    ASSERT_FALSE(newer_sequence(sequence, *key.sequence_ceiling));
    EXPECT_EQ(persist, key.sequence_ceiling != promised);
    if (persist) {
      EXPECT_EQ(keys.record_of(key, now_after(seconds(1))).sequence_ceiling,
                static_cast<std::uint16_t>(sequence + machine::kSequenceBlock));
    }
    writes += persist;
  }
  // Up to 256 the record of the key itself is enough.
  const int later = 10'000 - (65'536 - 65'500 + machine::kSequenceBlock + 1);
  EXPECT_EQ(writes, (later + machine::kSequenceBlock) / (machine::kSequenceBlock + 1));
}

TEST_F(FbuAuthentication, MovesTheCeilingOverALeap) {
  IssuedKey& key = issue(seconds(0), 1);
  EXPECT_EQ(keys.record_of(key, now_after(seconds(1))).sequence_ceiling, 256);
  EXPECT_FALSE(keys.accept_sequence(key, 0));
  EXPECT_EQ(key.sequence_ceiling, 256);
  EXPECT_FALSE(keys.accept_sequence(key, 256));
  EXPECT_TRUE(keys.accept_sequence(key, 257));
  EXPECT_EQ(key.sequence_ceiling, 513);
  EXPECT_TRUE(keys.accept_sequence(key, 33'000));
  EXPECT_EQ(key.sequence_ceiling, 33'256);
}

TEST_F(FbuAuthentication, AcceptsNoReplayAcrossARestart) {
  IssuedKey& key = issue(seconds(0), 1);
  std::optional<machine::IssuedKey> stored = keys.record_of(key, now_after(seconds(0)));
  for (std::uint16_t sequence = 65'400; sequence != 700; ++sequence)
    if (keys.accept_sequence(key, sequence)) stored = keys.record_of(key, now_after(seconds(1)));
  IssuedKeys restarted(config, random);
  ASSERT_TRUE(restarted.restore(now_after(seconds(2)), *stored));
  const IssuedKey* const restored = restarted.find(after(seconds(2)), kPcoa)[0];
  ASSERT_TRUE(restored->last_sequence);
  for (std::uint16_t sequence = 65'400; sequence != 700; ++sequence)
    ASSERT_FALSE(newer_sequence(sequence, *restored->last_sequence)) << sequence;
}

TEST(Refusals, HaveNamesOfTheirOwn) {
  std::vector<std::string_view> names;
  for (int i = 0; i < static_cast<int>(IssueRefusal::kCount); ++i)
    names.push_back(name(static_cast<IssueRefusal>(i)));
  for (int i = 0; i < static_cast<int>(FbuRefusal::kCount); ++i)
    names.push_back(name(static_cast<FbuRefusal>(i)));
  std::ranges::sort(names);
  EXPECT_EQ(std::ranges::adjacent_find(names), names.end());
  EXPECT_FALSE(names.front().empty());
}

}  // namespace
}  // namespace sendoff::keys
