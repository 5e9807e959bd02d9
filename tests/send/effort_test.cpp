// Which keys work is spent on (RFC 3972 3, 5, 6), and how much of it a flood may cause (RFC 3971
// 5.2.2, 5.3.4.2, 9.3).
#include "crypto/digest.h"
#include "send/pipeline.h"

namespace sendoff::test {
namespace {

using SendEffort = PipelineTest;

// A key that is no RSA key, as OpenSSL writes it.
struct Foreign {
  const char* algorithm;
  const char* spki;
};
const Foreign kForeign[] = {
    {"Ed25519",
     "302a300506032b65700321006652bf28a64f82e3d537bf9908daa780a8f3bbd5eefe0a0d7c83119f2fe74f13"},
    {"ECDSA P-384",
     "3076301006072a8648ce3d020106052b8104002203620004ab4672af426dfc701a523727e281d5bc"
     "a7dcdb1fd698f0fccb634e5c3f54c42bdfbffb4b48713a6445c2037fd4f76c1f8f51057dbc0900e5"
     "35a1198d2fa1e3620a6b650c9d67ef48fac63d629751e52c8f3a100b2ed685c580709e5bc7ce58f8"},
    {"DSA",
     "308201be3082013306072a8648ce3804013082012602818100a579003c9c9e43fce1394c3aecc0f4"
     "716222272f5f45f739620720d350e8ff0345eeced2a61a6fa916bbfabe66dfdf85db39d828b530c4"
     "2ac5e142926c1d259ea48c2e5ce6aa0f828ae6eefb9fa88880c22fb27cd439a4a2339324dc56e496"
     "f9c3729756af0ed32a84e20bde18f36bbb2f96bb83da7ece38ee821f57693ed55f021d00a7a8553f"
     "1b3c0d17b4a7a3103c1806a2aa4b7427616d2e33cdc14e130281805ce497e5cce8986de3abcb6737"
     "374b4b579094b85bc0dfb6b1d414dd8c7080382ba4c53019b057259e4b39c88698824172ae1a1822"
     "096d85c85169588324053d788b24b9580c0541df3df7dac685d4a0cdfe5e7052b48dcacc19bcc817"
     "89c08acdc9b52582a849c5669a0e0204b87795ae250ade75d0a48083ca67a625e966610381840002"
     "81800340d2c058c34133cbf78f94bec6c7df5421506823d41ee3d33e8171500e1a99af9f691a4bd8"
     "d201e670009c9b218c99583297a0ea96ae643463b053c7f6c6ea521167c15f708535922d5b1dd308"
     "8754a6fc372f5d313d18103c3aea147a4de6247e83f8ced195911e005c6f97e6009cb902a370c1b1"
     "4c1b3a730337183bd766"}};

TEST_F(SendEffort, KeysAreOfRsaAtBothEnds) {
  COVERS("CGA-3-6");
  for (const Foreign& foreign : kForeign) {
    Bytes spki;
    ASSERT_TRUE(from_hex(foreign.spki, spki));
    cga::Parameters parameters = peer.parameters(peer.link_local());
    parameters.public_key = spki;
    Craft craft = good(Kind::kNeighborSolicitation);
    craft.source = cga::address_of(parameters, 0);
    craft.cga_parameters = parameters.octets();
    craft.key_hash = crypto::key_hash(spki);
    const Bytes octets = parameters.octets();
    ASSERT_TRUE(cga::verify(craft.source, *cga::ParametersView::parse(octets)));
    const Heard heard = hear_first(craft);
    EXPECT_TRUE(heard.refused(Reason::kKeyLimits)) << foreign.algorithm;
    EXPECT_EQ(heard.verifications, 0) << foreign.algorithm;
  }
  const auto made = crypto::SigningKey::generate(1024);
  ASSERT_TRUE(made);
  EXPECT_TRUE(crypto::RsaPublicKey::parse((*made)->spki()));
}

// One key for whoever is asked for.
class OneKey final : public send::KnownKeys {
 public:
  explicit OneKey(ByteView spki) : spki_(to_bytes(spki)) {}
  [[nodiscard]] ByteView key_of(const crypto::KeyHash&, UtcTime) const override { return spki_; }

 private:
  Bytes spki_;
};

TEST_F(SendEffort, ASignatureIsVerifiedByTheKeyInTheVerifiedParameters) {
  COVERS("CGA-6-3");
  const auto other = signing_key("other-2048");
  const OneKey keys(other->spki());
  for (const Kind kind : kKinds) config.methods.set(kind, send::Method::kTrustAnchorOrCga);
  const auto heard = [&](const Craft& craft) {
    restart();
    receiver->know(keys);
    return hear(craft);
  };
  for (const Kind kind : kKinds) {
    const Heard by_its_own = heard(good(kind));
    ASSERT_TRUE(by_its_own.secured()) << name(kind);
    EXPECT_TRUE(equal(by_its_own.judged->proof->spki, peer.key()->spki()));
    EXPECT_TRUE(by_its_own.judged->proof->cga);
    // By the known key, under the hash of the one in the parameters, and under its own.
    Craft craft = good(kind);
    craft.signer = other;
    craft.key_hash = crypto::key_hash(peer.key()->spki());
    EXPECT_TRUE(heard(craft).refused(Reason::kSignature)) << name(kind);
    craft.key_hash.reset();
    EXPECT_TRUE(heard(craft).refused(Reason::kTwoKeys)) << name(kind);
    // It counts where there are no parameters.
    craft.cga_parameters.reset();
    EXPECT_TRUE(heard(craft).secured()) << name(kind);
    // First the address, then the signature.
    Craft elsewhere = good(kind);
    (*elsewhere.cga_parameters)[0] ^= 1;
    const Heard not_its_address = heard(elsewhere);
    EXPECT_TRUE(not_its_address.refused(Reason::kCga)) << name(kind);
    EXPECT_EQ(not_its_address.verifications, 0);
  }
}

TEST_F(SendEffort, OneProvenAddressIsAsGoodAsAnother) {
  COVERS("CGA-5-9");
  const auto searched =
      cga::find_modifier(cga::Modifier{9}, peer.key()->spki(), {}, {.sec = 1, .threads = 1});
  ASSERT_TRUE(searched);
  struct Case {
    cga::Modifier modifier;
    std::uint8_t collision_count;
    std::uint8_t sec;
  };
  for (const Case& each : {Case{{1}, 0, 0},
                           {{1}, 2, 0},
                           {*searched, 0, 1},
                           {*searched, 2, 1},
                           {*searched, 1, 0},
                           {{}, 1, 0}})
    for (const Kind kind : kKinds) {
      Craft craft = good(kind);
      cga::Parameters parameters = peer.parameters(craft.source);
      parameters.modifier = each.modifier;
      parameters.collision_count = each.collision_count;
      craft.source = cga::address_of(parameters, each.sec);
      craft.cga_parameters = parameters.octets();
      if (kind == Kind::kNeighborAdvertisement)
        craft.head =
            octets_of(wire::NeighborAdvertisement{.override_flag = true, .target = craft.source});
      const Heard heard = hear_first(craft);
      EXPECT_TRUE(heard.secured()) << name(kind) << int{each.sec} << int{each.collision_count};
      EXPECT_EQ(heard.verifications, 1);
      EXPECT_EQ(receiver->timestamps().size(), 1u);
    }
}

// Five thousand messages at once, each from a frame source of its own, that only RSA tells from
// good ones.
TEST_F(SendEffort, AFloodLeavesTheirShareToAnswersAndToThoseWhoAreKnown) {
  COVERS("SND-5.3.4.2-14", "SND-9.3-1", "SND-5.2.2-13", "SND-9.3-5");
  const auto certified = signing_key("other-2048");
  const OneKey keys(certified->spki());
  config.budget = {};
  config.methods.set(Kind::kRouterAdvertisement, send::Method::kTrustAnchor);
  restart();
  receiver->know(keys);
  const Peer known(signing_key("mn-2048"), kPipelinePrefix, "02:00:5e:00:53:31");
  const Peer asked(signing_key("mn-3072"), kPipelinePrefix, "02:00:5e:00:53:32");
  ASSERT_TRUE(hear(good(Kind::kNeighborAdvertisement, known)).secured());
  Craft by_certificate = good(Kind::kRouterAdvertisement);
  by_certificate.cga_parameters.reset();
  by_certificate.signer = certified;
  std::vector<Bytes> broken{good(Kind::kNeighborAdvertisement).packet(), by_certificate.packet()};
  for (Bytes& packet : broken) {
    packet[packet.size() - 8] ^= 1;
    repair_checksum(packet);
  }
  unsigned verified = 0;
  std::uint16_t number = 0;
  const auto flood = [&] {
    for (int i = 0; i < 5000; ++i, ++number) {
      machine::Received received;
      received.frame_source = *LinkAddress::from(Bytes{
          2, 0, 0, 1, static_cast<std::uint8_t>(number >> 8), static_cast<std::uint8_t>(number)});
      received.packet = broken[number % 2];
      EXPECT_FALSE(receiver->receive(now, received));
      while (auto action = outbox.poll()) {
        const auto& start = std::get<machine::Start>(action->what);
        EXPECT_EQ(start.job_class, machine::JobClass::kUnsolicited);
        EXPECT_FALSE(receiver->complete(now, {start.job_id, machine::execute(start.job)}));
        ++verified;
      }
    }
  };
  flood();
  EXPECT_LE(verified, config.budget.per_interface_s);
  EXPECT_GT(verified, config.budget.per_interface_s / 2);
  EXPECT_EQ(receiver->counters()[Reason::kBudget], 5000 - verified);
  EXPECT_EQ(receiver->counters()[Reason::kSignature], verified);
  // Another stranger has to wait, who is known has not, nor who was asked. What else may be wrong
  // with a stranger nobody looks for.
  EXPECT_TRUE(hear(good(Kind::kNeighborAdvertisement, asked)).refused(Reason::kBudget));
  Craft elsewhere = good(Kind::kNeighborAdvertisement, asked);
  (*elsewhere.cga_parameters)[0] ^= 1;
  EXPECT_TRUE(hear(elsewhere).refused(Reason::kBudget));
  now.boot += milliseconds(1);
  now.utc += milliseconds(1);
  EXPECT_TRUE(hear(good(Kind::kNeighborAdvertisement, known)).secured());
  Craft answer = good(Kind::kNeighborAdvertisement, asked);
  answer.destination = kOurs;
  answer.nonce = Bytes(6, 8);
  receiver->nonces().remember({{}, Kind::kNeighborSolicitation, asked.link_local()}, *answer.nonce,
                              now.boot + seconds(15));
  machine::Received received;
  const Bytes packet = answer.packet();
  received.frame_source = asked.link_address();
  received.packet = packet;
  EXPECT_FALSE(receiver->receive(now, received));
  const auto action = outbox.poll();
  ASSERT_TRUE(action);
  const auto& start = std::get<machine::Start>(action->what);
  EXPECT_EQ(start.job_class, machine::JobClass::kSolicited);  // before all others
  const auto judged = receiver->complete(now, {start.job_id, machine::execute(start.job)});
  ASSERT_TRUE(judged);
  EXPECT_EQ(judged->verdict, send::Verdict::kSecured);
  EXPECT_TRUE(judged->proof->solicited);
}

// Each part has its budget and its places, and a frame may name whom it likes.
TEST_F(SendEffort, WhatWaitedApartIsVerifiedWhateverOthersSend) {
  config.budget = {4, 4, 100};
  config.max_pending = config.max_pending_per_source = 3;
  restart();
  const Peer other(signing_key("mn-2048"), kPipelinePrefix, "02:00:5e:00:53:31");
  const auto verified = [&](const Peer& from, bool proven) {
    now.boot += milliseconds(1);
    now.utc += milliseconds(1);
    const Bytes packet = good(Kind::kNeighborAdvertisement, from).packet();
    machine::Received received;
    received.frame_source = peer.link_address();
    received.packet = packet;
    received.proven = proven;
    EXPECT_FALSE(receiver->receive(now, received));
    return outbox.poll().has_value();
  };
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(verified(peer, false)) << i;
  EXPECT_FALSE(verified(peer, false));
  EXPECT_EQ(receiver->counters()[Reason::kQueueFull], 1u);
  EXPECT_FALSE(verified(peer, false));
  EXPECT_EQ(receiver->counters()[Reason::kBudget], 1u);
  // There are so many of them, too, and no more.
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(verified(other, true)) << i;
  EXPECT_FALSE(verified(other, true));
  EXPECT_EQ(receiver->counters()[Reason::kQueueFull], 2u);
  EXPECT_FALSE(verified(other, true));
  EXPECT_EQ(receiver->counters()[Reason::kBudget], 2u);
}

}  // namespace
}  // namespace sendoff::test
