#include "keys/encryption_pair.h"

#include <gtest/gtest.h>

#include "keys/keys_fixture.h"
#include "support/covers.h"
#include "support/vectors.h"

namespace sendoff::keys {
namespace {

using test::after;

crypto::RsaPublicKey cga_key(const std::string& file) {
  return (*crypto::SigningKey::from_pem(sendoff::test::load_file("keys/" + file)))->public_key();
}

struct EncryptionPairTest : testing::Test {
  crypto::RsaPublicKey cga = cga_key("mn-1024.pem");
  EncryptionPairConfig config;
  EncryptionPair pair{config};

  // A few pairs serve all tests: making one costs more than all that is tested here.
  static DecryptionKey key(std::size_t index) {
    static const std::array<DecryptionKey, 3> kKeys = {generate(), generate(), generate()};
    return kKeys.at(index);
  }
  static DecryptionKey generate() { return *crypto::HandoverDecryptionKey::generate(1024); }

  bool wants(Duration when, Duration ahead = Duration::zero()) {
    return pair.wanted(after(when), cga, ahead).has_value();
  }
  DecryptionKey current(Duration when) { return pair.current(after(when), cga); }
  void begin() {
    ASSERT_TRUE(wants(seconds(0)));
    pair.generated(after(seconds(0)), key(0));
    ASSERT_EQ(current(seconds(0)), key(0));
  }
};

TEST_F(EncryptionPairTest, IsMadeWithTheParametersOfTheCgaKey) {
  for (const auto& [file, bits, exponent] : {std::tuple{"mn-1024.pem", 1024u, 65537u},
                                             {"mn-2048.pem", 2048u, 65537u},
                                             {"mn-2048-e3.pem", 2048u, 3u},
                                             {"mn-3072.pem", 3072u, 65537u}}) {
    EncryptionPair fresh(config);
    EXPECT_EQ(fresh.current(after(seconds(0)), cga_key(file)), nullptr);
    const auto job = fresh.wanted(after(seconds(0)), cga_key(file), seconds(0));
    ASSERT_TRUE(job) << file;
    EXPECT_EQ(job->bits, bits);
    EXPECT_EQ(job->exponent, exponent);
  }
}

TEST_F(EncryptionPairTest, ServesNoCgaKeyOfOtherParametersAndNeverTheCgaKeyItself) {
  begin();
  for (const char* file : {"mn-2048.pem", "mn-3072.pem", "weird-1024-e17.pem"})
    EXPECT_EQ(pair.current(after(seconds(0)), cga_key(file)), nullptr) << file;
  EXPECT_EQ(pair.current(after(seconds(0)), key(0)->public_key()), nullptr);
  // Another CGA key asks for another pair, which takes the place of this one.
  const auto larger = cga_key("mn-2048.pem");
  ASSERT_TRUE(pair.wanted(after(seconds(1)), larger, seconds(0)));
  const auto replacement =
      *crypto::HandoverDecryptionKey::from_pem(sendoff::test::load_file("keys/hke-2048.pem"));
  pair.generated(after(seconds(2)), replacement);
  EXPECT_EQ(pair.current(after(seconds(2)), larger), replacement);
  EXPECT_EQ(current(seconds(2)), nullptr);
}

TEST_F(EncryptionPairTest, IsTheSameForEveryRouterUntilItIsDue) {
  begin();
  EXPECT_EQ(current(seconds(1)), key(0));
  EXPECT_EQ(current(hours(11)), key(0));
  EXPECT_FALSE(wants(hours(11)));
}

TEST_F(EncryptionPairTest, IsReplacedAtItsAge) {
  COVERS("HK-3.1-04");
  begin();
  EXPECT_EQ(pair.next_deadline(), after(seconds(43'200)));
  EXPECT_EQ(current(seconds(43'199)), key(0));
  EXPECT_EQ(current(seconds(43'200)), nullptr);
  ASSERT_TRUE(wants(seconds(43'201)));
  EXPECT_EQ(pair.next_deadline(), kNever);
  pair.generated(after(seconds(43'201)), key(1));
  EXPECT_EQ(current(seconds(43'201)), key(1));
  EXPECT_EQ(pair.next_deadline(), after(seconds(86'401)));
}

TEST_F(EncryptionPairTest, LetsGoOfThePrivateKeyWhenDue) {
  DecryptionKey made = generate();
  const std::weak_ptr watch = made;
  ASSERT_TRUE(wants(seconds(0)));
  pair.generated(after(seconds(0)), std::move(made));
  DecryptionKey outstanding = current(seconds(43'199));
  pair.tick(after(seconds(43'200)));
  // An exchange that began under it may still end under it.
  EXPECT_FALSE(watch.expired());
  outstanding.reset();
  EXPECT_TRUE(watch.expired());
}

TEST_F(EncryptionPairTest, IsReplacedAfterItsHandovers) {
  COVERS("HK-3.1-05");
  begin();
  for (int i = 0; i < 9; ++i) pair.count_handover();
  EXPECT_EQ(current(seconds(1)), key(0));
  // The last handover is in sight, so the next pair is made now.
  ASSERT_TRUE(wants(seconds(1)));
  pair.generated(after(seconds(2)), key(1));
  EXPECT_EQ(current(seconds(2)), key(0));
  EXPECT_FALSE(wants(seconds(2)));
  pair.count_handover();
  EXPECT_EQ(current(seconds(3)), key(1));
  EXPECT_LE(pair.next_deadline(), after(seconds(3)));
  pair.tick(after(seconds(3)));
  EXPECT_EQ(current(seconds(3)), key(1));
  EXPECT_EQ(pair.handovers(), 0u);
  EXPECT_EQ(pair.next_deadline(), after(seconds(43'202)));
}

TEST_F(EncryptionPairTest, CountsNothingButHandovers) {
  begin();
  for (int i = 0; i < 100; ++i) {
    (void)current(seconds(i));
    (void)wants(seconds(i));
    pair.generation_failed();
    pair.tick(after(seconds(i)));
  }
  EXPECT_EQ(pair.handovers(), 0u);
  EXPECT_EQ(current(seconds(100)), key(0));
}

TEST_F(EncryptionPairTest, EndsAtWhicheverLimitComesFirst) {
  COVERS("HK-3.1-06");
  pair.configure({.lifetime_s = 3600, .handovers = 2});
  begin();
  pair.count_handover();
  EXPECT_EQ(current(seconds(30)), key(0));
  pair.count_handover();
  EXPECT_EQ(current(seconds(60)), nullptr);
  ASSERT_TRUE(wants(seconds(60)));
  pair.generated(after(seconds(60)), key(1));
  EXPECT_EQ(pair.handovers(), 0u);
  EXPECT_EQ(pair.next_deadline(), after(seconds(3660)));

  EncryptionPair other({.lifetime_s = 60, .handovers = 10});
  ASSERT_TRUE(other.wanted(after(seconds(0)), cga, seconds(0)));
  other.generated(after(seconds(0)), key(0));
  other.count_handover();
  EXPECT_EQ(other.current(after(seconds(59)), cga), key(0));
  EXPECT_EQ(other.current(after(seconds(61)), cga), nullptr);
  ASSERT_TRUE(other.wanted(after(seconds(61)), cga, seconds(0)));
  other.generated(after(seconds(61)), key(1));
  EXPECT_EQ(other.handovers(), 0u);
  EXPECT_EQ(other.current(after(seconds(120)), cga), key(1));
}

TEST_F(EncryptionPairTest, IsMadeAheadOfItsNeedAndOnlyOnce) {
  begin();
  EXPECT_FALSE(wants(seconds(43'000), seconds(199)));
  ASSERT_TRUE(wants(seconds(43'000), seconds(200)));
  EXPECT_FALSE(wants(seconds(43'001), seconds(200)));
  pair.generation_failed();
  ASSERT_TRUE(wants(seconds(43'002), seconds(200)));
  pair.generated(after(seconds(43'010)), key(1));
  EXPECT_FALSE(wants(seconds(43'011), seconds(200)));
  EXPECT_EQ(current(seconds(43'199)), key(0));
  EXPECT_EQ(current(seconds(43'200)), key(1));
  pair.tick(after(seconds(43'200)));
  EXPECT_EQ(current(seconds(43'200)), key(1));
  // Its age counts from its making.
  EXPECT_EQ(pair.next_deadline(), after(seconds(86'210)));
}

TEST_F(EncryptionPairTest, MadeAheadIsNotUsedBeyondItsOwnAge) {
  begin();
  ASSERT_TRUE(wants(seconds(43'000), seconds(200)));
  pair.generated(after(seconds(43'010)), key(1));
  EXPECT_EQ(current(seconds(43'010 + 43'200)), nullptr);
  pair.tick(after(seconds(43'010 + 43'200)));
  EXPECT_EQ(pair.next_deadline(), kNever);
  EXPECT_TRUE(wants(seconds(43'010 + 43'200)));
}

TEST_F(EncryptionPairTest, HasTheSuggestedLimitsAndObeysOthersAtTheNextLook) {
  COVERS("HK-3.7-02");
  EXPECT_EQ(config.lifetime_s, 43'200u);
  EXPECT_EQ(config.handovers, 10u);
  begin();
  pair.configure({.lifetime_s = 100, .handovers = 10});
  EXPECT_EQ(current(seconds(99)), key(0));
  EXPECT_EQ(current(seconds(100)), nullptr);
  pair.configure({.lifetime_s = 43'200, .handovers = 1});
  EXPECT_EQ(current(seconds(100)), key(0));
  for (std::size_t i = 1; i < 3; ++i) {
    ASSERT_TRUE(wants(seconds(100)));
    pair.generated(after(seconds(100)), key(i));
    pair.count_handover();
    EXPECT_EQ(current(seconds(101)), key(i));
    pair.tick(after(seconds(101)));
  }
}

TEST_F(EncryptionPairTest, TakesAFailureThatLooksLikeAnAnswerForAFailure) {
  ASSERT_TRUE(wants(seconds(0)));
  pair.generated(after(seconds(0)), nullptr);
  EXPECT_EQ(current(seconds(0)), nullptr);
  EXPECT_TRUE(wants(seconds(0)));
}

}  // namespace
}  // namespace sendoff::keys
