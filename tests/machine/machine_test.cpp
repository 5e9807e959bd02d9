// What all machines share: jobs carried out, the outbox, the token bucket, names.
#include <gtest/gtest.h>

#include <set>

#include "machine/outbox.h"
#include "machine/rate.h"
#include "support/peer.h"
#include "support/vectors.h"

namespace sendoff::test {
namespace {

using namespace machine;

template <typename T>
T run(Job job) {
  auto output = execute(job);
  EXPECT_TRUE(output.has_value());
  EXPECT_TRUE(std::holds_alternative<T>(*output));
  return std::get<T>(std::move(*output));
}

TEST(Execute, VerifiesWhatASignerMade) {
  const auto key = signing_key("mn-1024");
  const Bytes octets{1, 2, 3};
  const Bytes signature = key->sign_sha1(crypto::sha1(octets));
  EXPECT_TRUE(run<SignatureVerified>(VerifySignature{key->public_key(), octets, signature}).valid);
  EXPECT_FALSE(
      run<SignatureVerified>(VerifySignature{key->public_key(), Bytes{1, 2, 4}, signature}).valid);
  EXPECT_FALSE(run<SignatureVerified>(VerifySignature{key->public_key(), octets, Bytes(5)}).valid);
}

TEST(Execute, SealsThenSignsAndOpensAgain) {
  const Peer ar(signing_key("ar-1024"), "2001:db8:a:1::/64", "02:00:00:00:00:01");
  const auto hke = decryption_key("hke-1024");
  const Bytes placeholder(128);
  Bytes message = octets_of(wire::PrRtAdv{});
  append(message, wire::HandoverKeyReply{{2}, 30, placeholder});
  const Bytes parameters = ar.parameters(ar.link_local()).octets();
  append(message, wire::CgaOption{parameters});
  const Bytes handover_key(32, 9);
  SignMessage job{ar.key(), ar.link_local(), kAllNodes, std::move(message), std::nullopt};
  job.seal = Seal{hke->public_key(), Secret::copy_of(handover_key),
                  Secret::copy_of(Bytes(crypto::padding_size(hke->public_key(), 32), 1)),
                  wire::PrRtAdv::kSize + wire::HandoverKeyReply::kHeadSize};
  const Bytes made = run<MessageSigned>(std::move(job)).message;
  const Bytes packet = wire::icmpv6_packet(ar.link_local(), kAllNodes, made);
  EXPECT_TRUE(signed_properly(packet));
  EXPECT_TRUE(wire::icmpv6_checksum_ok(ar.link_local(), kAllNodes, made));
  const Bytes option = *find_option(packet, wire::OptionType::kHandoverKeyReply);
  const Bytes ciphertext = to_bytes(wire::HandoverKeyReply::parse(option)->encrypted_key);
  EXPECT_TRUE(equal(run<HandoverKeyOpened>(OpenHandoverKey{hke, ciphertext, 32}).key.expose(),
                    handover_key));
  EXPECT_TRUE(run<HandoverKeyOpened>(OpenHandoverKey{hke, ciphertext, 20}).key.empty());
}

TEST(Execute, GeneratesSearchesAndValidates) {
  EXPECT_EQ(
      run<DecryptionKeyGenerated>(GenerateDecryptionKey{1024, 65537}).key->public_key().bits(),
      1024u);
  EXPECT_FALSE(execute(Job(GenerateDecryptionKey{64, 65537})).has_value());
  const Bytes spki = to_bytes(signing_key("mn-1024")->spki());
  const auto modifier = run<ModifierFound>(SearchModifier{{}, spki, {}, 1}).modifier;
  EXPECT_TRUE(cga::hash2_ok(modifier, spki, {}, 1));
  const std::atomic<bool> cancel = true;
  const auto cancelled = execute(Job(SearchModifier{{}, spki, {}, 2}), &cancel);
  ASSERT_FALSE(cancelled.has_value());
  EXPECT_EQ(cancelled.error(), JobError::kCancelled);
  const auto no_key = execute(Job(GenerateDecryptionKey{3072, 65537}), &cancel);
  ASSERT_FALSE(no_key.has_value());
  EXPECT_EQ(no_key.error(), JobError::kCancelled);
  ValidatePath path;
  path.anchors = std::make_shared<const std::vector<pki::TrustAnchor>>();
  EXPECT_FALSE(run<PathValidated>(path).router.has_value());
  const auto lookup = execute(Job(LookUp{}));
  ASSERT_FALSE(lookup.has_value());
  EXPECT_EQ(lookup.error(), JobError::kStore);
}

TEST(Outbox, HandsOutInOrderUnderFreshNumbers) {
  Outbox outbox;
  EXPECT_FALSE(outbox.poll().has_value());
  const ActionId first = outbox.push(RemoveBinding{});
  const JobId job = outbox.start(LookUp{}, JobClass::kLookup);
  outbox.report(EventKind::kWarning, {{"text", std::string("a")}, {"count", std::int64_t{3}}});
  EXPECT_NE(outbox.start(LookUp{}, JobClass::kLookup), job);
  EXPECT_EQ(outbox.poll()->id, first);
  EXPECT_EQ(std::get<Start>(outbox.poll()->what).job_id, job);
  const Event event = std::get<Report>(outbox.poll()->what).event;
  EXPECT_EQ(event.text("text"), "a");
  EXPECT_EQ(event.number("count"), 3);
  EXPECT_EQ(event.number("text"), 0);
  EXPECT_TRUE(event.text("nothing").empty());
}

TEST(TokenBucket, GivesItsBurstAndThenItsRate) {
  TokenBucket bucket(2, 3);
  Instant now(seconds(10));
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(bucket.take(now));
  EXPECT_FALSE(bucket.take(now));
  EXPECT_FALSE(bucket.take(now - seconds(5)));  // time that goes back gives nothing
  EXPECT_FALSE(bucket.take(now + milliseconds(499)));
  EXPECT_TRUE(bucket.take(now + milliseconds(500)));
  EXPECT_FALSE(bucket.idle(now + milliseconds(600)));
  EXPECT_TRUE(bucket.idle(now + seconds(10)));
  now = Instant(hours(24 * 365 * 200));  // no overflow
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(bucket.take(now));
  EXPECT_FALSE(bucket.take(now));
  TokenBucket never(0, 0);
  EXPECT_FALSE(never.take(now));
  EXPECT_FALSE(never.idle(now));
}

template <typename E>
void expect_distinct_names(E last) {
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < static_cast<std::size_t>(last); ++i) {
    const auto text = name(static_cast<E>(i));
    EXPECT_NE(text, "unknown") << i;
    EXPECT_TRUE(names.insert(text).second) << text;
  }
}

TEST(Names, AreDistinct) {
  expect_distinct_names(EventKind::kCount);
  expect_distinct_names(JobClass::kCount);
  EXPECT_NE(name(JobError::kCrypto), name(JobError::kStore));
}

TEST(Actions, AllButFiveOweAnOutcome) {
  EXPECT_FALSE(has_outcome(Transmit{}));
  EXPECT_FALSE(has_outcome(Verdict{}));
  EXPECT_FALSE(has_outcome(Cancel{}));
  EXPECT_FALSE(has_outcome(Report{}));
  EXPECT_FALSE(has_outcome(Start{{1}, LookUp{}, JobClass::kLookup}));
  const std::vector<std::string_view> names = {
      name(InstallBinding{}), name(RemoveBinding{}), name(AddAddress{}), name(RemoveAddress{}),
      name(Forget{}),         name(SetProxy{}),      name(SwitchLink{}), name(RunDhcp{})};
  EXPECT_EQ(std::set<std::string_view>(names.begin(), names.end()).size(), names.size());
  EXPECT_TRUE(has_outcome(InstallBinding{}));
  EXPECT_TRUE(has_outcome(RemoveBinding{}));
  EXPECT_TRUE(has_outcome(AddAddress{}));
  EXPECT_TRUE(has_outcome(Forget{}));
}

}  // namespace
}  // namespace sendoff::test
