// The receive pipeline on every message of tests/vectors/send-signatures.txt, made by an
// independent signer: what is accepted, and why the rest is not (RFC 3971 5, W2, W3).
#include <gtest/gtest.h>

#include <set>

#include "machine/job.h"
#include "send/receiver.h"
#include "support/covers.h"
#include "support/peer.h"
#include "support/vectors.h"
#include "wire/send_options.h"

namespace sendoff::test {
namespace {

using send::Judged;
using send::Kind;
using send::Reason;
using send::Receiver;
using send::Verdict;

// A node that takes everything but what it could not tell apart from the other role's.
struct Node {
  machine::Outbox outbox;
  Receiver receiver;
  int verifications = 0;

  explicit Node(bool router) : receiver({}, outbox) {
    for (std::size_t kind = 0; kind < static_cast<std::size_t>(Kind::kCount); ++kind) {
      const auto taken = static_cast<Kind>(kind);
      if (taken == Kind::kRtSolPr && !router) continue;
      if (taken == Kind::kPrRtAdv && router) continue;
      receiver.take(taken);
    }
  }
  std::optional<Judged> judge(Now now, ByteView packet) {
    machine::Received received;
    received.frame_source = LinkAddress::literal("02:00:00:00:00:09");
    received.packet = packet;
    auto judged = receiver.receive(now, received);
    while (auto action = outbox.poll()) {
      const auto& start = std::get<machine::Start>(action->what);
      ++verifications;
      judged = receiver.complete(now, {start.job_id, machine::execute(start.job)});
    }
    return judged;
  }
  [[nodiscard]] std::set<Reason> reasons() const {
    std::set<Reason> found;
    for (std::size_t i = 0; i < static_cast<std::size_t>(Reason::kCount); ++i)
      if (receiver.counters()[static_cast<Reason>(i)] > 0) found.insert(static_cast<Reason>(i));
    return found;
  }
};

// What a section's reason is called here. A fault may be found by an earlier check.
std::set<Reason> reasons_of(const std::string& reason) {
  static const std::map<std::string, std::set<Reason>> kReasons = {
      {"signature", {Reason::kSignature, Reason::kStale}},
      {"signature-length", {Reason::kSignature}},
      {"two-keys", {Reason::kTwoKeys}},
      {"cga", {Reason::kCga}},
      {"key-limits", {Reason::kKeyLimits}},
      {"checksum", {Reason::kChecksum}},
      {"length-zero", {Reason::kOptionStructure}},
      {"no-timestamp", {Reason::kNoTimestamp}},
      {"no-nonce", {Reason::kNoNonce}},
      {"no-cga", {Reason::kNoCga}},
      {"duplicate-option", {Reason::kSendOptions}},
  };
  return kReasons.at(reason);
}

UtcTime utc_of(std::uint64_t timestamp) {
  return UtcTime(seconds(static_cast<std::int64_t>(timestamp >> 16)));
}

TEST(ReceiverVectors, EveryMessageIsJudgedAsItsSectionSays) {
  int good = 0;
  int bad = 0;
  for (const Vector& vector : load_vectors("send-signatures.txt")) {
    if (!vector.has("verdict")) continue;
    const Bytes packet = vector.hex("packet");
    const bool prrtadv = packet[40] == 154 && packet[44] == wire::kSubtypePrRtAdv;
    Node node(!prrtadv);
    // The time on a message that hides its own is that of its siblings.
    const std::uint64_t stamp =
        vector.has("timestamp") ? vector.number("timestamp") : std::uint64_t{116671905824768};
    const Now now{Instant(seconds(1000)), utc_of(stamp)};
    const auto answer = wire::NeighborAdvertisement::parse(ByteView(packet).subspan(40));
    if (vector.has("nonce"))
      for (const Kind kind :
           {Kind::kRouterSolicitation, Kind::kNeighborSolicitation, Kind::kRtSolPr})
        node.receiver.nonces().remember({{0}, kind, answer ? answer->target : Ipv6Address{}},
                                        vector.hex("nonce"), kNever);
    const auto judged = node.judge(now, packet);
    if (vector.text("verdict") == "good") {
      ++good;
      ASSERT_TRUE(judged.has_value()) << vector.name;
      EXPECT_EQ(judged->verdict, Verdict::kSecured) << vector.name;
      EXPECT_EQ(node.verifications, 1) << vector.name;
      continue;
    }
    ++bad;
    EXPECT_TRUE(!judged || judged->verdict == Verdict::kUnsecured) << vector.name;
    const auto found = node.reasons();
    ASSERT_EQ(found.size(), 1u) << vector.name;
    EXPECT_TRUE(reasons_of(vector.text("reason")).contains(*found.begin()))
        << vector.name << " " << name(*found.begin());
    if (vector.text("reason") != "signature") {
      EXPECT_EQ(node.verifications, 0) << vector.name;
    }
    EXPECT_EQ(node.receiver.timestamps().size(), 0u);
  }
  EXPECT_EQ(good + bad, 125);
  EXPECT_GT(bad, 45);
}

// An independent signer's octets, made again; and every bit of what is signed matters.
TEST(SignatureInput, IsAsRfc5269SaysForRtSolPrAndPrRtAdv) {
  COVERS("HK-3.1-12");
  int made = 0;
  for (const Vector& vector : load_vectors("send-signatures.txt")) {
    const bool wanted =
        vector.name.starts_with("rtsolpr-rsa") || vector.name.starts_with("prrtadv-rsa");
    if (!wanted) continue;
    const Bytes packet = vector.hex("packet");
    const ByteView message = ByteView(packet).subspan(40);
    const auto source = vector.address("source");
    const auto destination = vector.address("destination");
    const std::size_t at = *wire::options_offset(message) + options_of(packet).back().offset;
    const Bytes input = wire::signature_input(source, destination, message, at);
    ASSERT_EQ(input, vector.hex("signature-input")) << vector.name;
    EXPECT_TRUE(equal(
        ByteView(input).first(16), *[] {
          static Bytes tag;
          EXPECT_TRUE(from_hex("086fca5e10b200c99c8ce00164277c08", tag));
          return &tag;
        }()));
    const auto key = signing_key(vector.text("key-file"));
    machine::SignMessage job{key, source, destination, to_bytes(message.first(at)), {}};
    const auto result = machine::execute(machine::Job(std::move(job)));
    ASSERT_TRUE(result.has_value());
    EXPECT_TRUE(equal(std::get<machine::MessageSigned>(*result).message, message)) << vector.name;
    ++made;
    if (key->public_key().bits() != 1024) continue;
    const Bytes signature = vector.hex("signature");
    ASSERT_TRUE(crypto::verify_sha1(key->public_key(), crypto::sha1(input), signature));
    for (std::size_t bit = 0; bit < input.size() * 8; ++bit) {
      Bytes changed = input;
      changed[bit / 8] ^= static_cast<std::uint8_t>(1 << bit % 8);
      ASSERT_FALSE(crypto::verify_sha1(key->public_key(), crypto::sha1(changed), signature)) << bit;
    }
  }
  EXPECT_GE(made, 24);
  // Over the checksum that goes on the wire: refused, though everything else is right.
  const Vector wire_checksum = load_vector("send-signatures.txt", "bad-checksum-on-wire");
  Node node(true);
  const auto judged =
      node.judge({Instant(seconds(1000)), utc_of(wire_checksum.number("timestamp"))},
                 wire_checksum.hex("packet"));
  EXPECT_EQ(node.verifications, 1);
  ASSERT_TRUE(judged.has_value());
  EXPECT_EQ(judged->reason, Reason::kSignature);
}

}  // namespace
}  // namespace sendoff::test
