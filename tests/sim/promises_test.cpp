// Every promise can be broken: what each one is for is shown to it, and it must say so.
#include <gtest/gtest.h>

#include "keys/authenticator.h"
#include "sim/forgery.h"
#include "sim/key_pool.h"
#include "sim/places.h"
#include "sim/world.h"
#include "wire/icmpv6.h"
#include "wire/nd_options.h"
#include "wire/send_options.h"

namespace sendoff::test {

namespace {

sim::Scenario small() {
  sim::Scenario scenario;
  scenario.seed = 1;
  scenario.active = seconds(20);
  scenario.mobiles = 2;
  return scenario;
}

Secret secret(std::uint8_t octet) {
  Secret made(32);
  std::ranges::fill(made.expose_mutable(), octet);
  return made;
}

constexpr auto kAlgorithm = crypto::Algorithm::kHmacSha256_128;

struct Judged {
  sim::World world{small()};
  sim::RouterNode& router = *world.routers()[0];
  sim::MobileNode& mobile = *world.mobiles()[0];
  Ipv6Address pcoa = sim::mobile_identity(0).address(sim::access_prefix(0));
  Ipv6Address ncoa = sim::mobile_identity(0).address(sim::access_prefix(1));

  void asks(const sim::Node& node, const machine::ActionKind& action) {
    world.context().tell([&](sim::Promise& promise) { promise.asked(node, action); });
  }
  void hears(const sim::Node& node, ByteView packet) {
    machine::Received received;
    received.packet = packet;
    world.context().tell([&](sim::Promise& promise) { promise.heard(node, received); });
  }
  void emits(std::uint32_t number) {
    world.context().tell([&](sim::Promise& promise) { promise.emitted({0, number, false}, pcoa); });
  }
  void delivers(std::uint32_t number, std::uint32_t stream = 0) {
    world.context().tell(
        [&](sim::Promise& promise) { promise.delivered(mobile, {stream, number, false}); });
  }
  void ends() {
    world.context().tell([](sim::Promise& promise) { promise.ended(); });
  }
  void issues(const Ipv6Address& cga, std::uint8_t octet) {
    machine::IssuedKey record;
    record.cga = cga;
    record.algorithm = kAlgorithm;
    record.key = secret(octet);
    asks(router, machine::Persist{std::move(record)});
  }
  // The owner's FBU that asks to be found at its next address, for 30 s.
  [[nodiscard]] Bytes update(std::uint16_t sequence) const {
    sim::ForgedUpdate fbu;
    fbu.source = fbu.care_of = ncoa;
    fbu.router = router.address();
    fbu.home_address = pcoa;
    fbu.sequence = sequence;
    return sim::update_packet(fbu, kAlgorithm, secret(0x5a));
  }
  void updates(std::uint16_t sequence) {
    asks(mobile, machine::Transmit{{}, {}, update(sequence)});
  }
  void grants(std::uint16_t sequence) {
    wire::FastBindingAcknowledgement fback;
    fback.sequence = sequence;
    fback.lifetime_s = 30;
    wire::Ipv6Header header;
    header.next_header = wire::kProtocolMobility;
    header.source = router.address();
    header.destination = ncoa;
    asks(router, machine::Transmit{
                     {},
                     {},
                     wire::build_packet(header, {},
                                        keys::authenticated(fback, kAlgorithm, secret(0x5a), ncoa,
                                                            header.source, header.source, ncoa))});
  }
  // As a new router: a probe for the PCoA, somebody's answer to it, and the word that it is given.
  void probes() {
    Bytes probe;
    append(probe, wire::NeighborSolicitation{pcoa});
    asks(router, machine::Transmit{
                     {}, {}, sim::unsigned_packet({}, pcoa.solicited_node(), std::move(probe))});
  }
  [[nodiscard]] Bytes answer_to_probe() const {
    wire::NeighborAdvertisement head;
    head.target = pcoa;
    Bytes answer;
    append(answer, head);
    append(answer, wire::LinkAddressOption{wire::OptionType::kTargetLinkAddress,
                                           sim::attacker_link_address(0)});
    return answer;
  }
  void gives() {
    asks(router, machine::Report{{machine::EventKind::kArrivalExpected,
                                  {{"address", pcoa.text()},
                                   {"link_address", sim::mobile_link_address(0).text()}}}});
  }
  // The others have nothing to say.
  void only(std::string_view name) {
    std::erase_if(world.context().promises,
                  [&](const auto& promise) { return promise->name() != name; });
  }
  [[nodiscard]] std::string broken() {
    return world.context().violation ? world.context().violation->promise : "";
  }
};

}  // namespace

TEST(Promise, OnlyTheOwnerMovesNoticesABindingThatNobodyAskedFor) {
  Judged judged;
  judged.asks(judged.router, machine::InstallBinding{judged.pcoa, judged.ncoa, {}, {}});
  EXPECT_EQ(judged.broken(), "only-the-owner-moves");
}

TEST(Promise, OnlyTheOwnerMovesNoticesAnEndThatTheOwnerDidNotOrder) {
  Judged judged;
  judged.asks(judged.router, machine::Report{{machine::EventKind::kBindingRemoved,
                                              {{"pcoa", judged.pcoa.text()},
                                               {"reason", std::string("ended by its owner")}}}});
  EXPECT_EQ(judged.broken(), "only-the-owner-moves");
}

TEST(Promise, KeysAreSecretNoticesAKeyInAPacket) {
  Judged judged;
  judged.issues(judged.pcoa, 0x5a);
  EXPECT_EQ(judged.broken(), "");
  judged.asks(judged.router, machine::Transmit{{}, {}, Bytes(100, 0x5a)});
  EXPECT_EQ(judged.broken(), "keys-are-secret");
}

TEST(Promise, KeysAreSecretNoticesAKeyThatTwoHave) {
  Judged judged;
  judged.issues(judged.pcoa, 0x5a);
  judged.issues(sim::mobile_identity(1).address(sim::access_prefix(0)), 0x5a);
  EXPECT_EQ(judged.broken(), "keys-are-secret");
}

TEST(Promise, KeysAreSecretNoticesAKeySealedForSomebodyElse) {
  Judged judged;
  judged.only("keys-are-secret");
  judged.issues(judged.pcoa, 0x5a);
  const auto seal_for = [&](std::size_t pair) {
    machine::SignMessage sign;
    sign.seal.emplace(
        machine::Seal{sim::decryption_key(pair)->public_key(), secret(0x5a), secret(1), 0});
    judged.asks(judged.router, machine::Start{{}, std::move(sign), machine::JobClass::kSign});
  };
  seal_for(0);
  EXPECT_EQ(judged.broken(), "");
  seal_for(2);
  EXPECT_EQ(judged.broken(), "keys-are-secret");
}

TEST(Promise, KeysAreSecretNoticesAKeyThatSomebodyElseOpens) {
  Judged judged;
  judged.issues(judged.pcoa, 0x5a);
  const auto opens = [&](const sim::Node& node) {
    machine::HandoverKeyOpened opened{secret(0x5a)};
    const machine::JobOutput output(std::move(opened));
    judged.world.context().tell(
        [&](sim::Promise& promise) { promise.job_ended(node, machine::LookUp{}, output); });
  };
  opens(judged.mobile);
  EXPECT_EQ(judged.broken(), "");
  opens(*judged.world.mobiles()[1]);
  EXPECT_EQ(judged.broken(), "keys-are-secret");
}

TEST(Promise, NoStateForTheUnverifiedNoticesAKeyForAnAddressOfNobody) {
  Judged judged;
  judged.issues(Ipv6Address::literal("2001:db8:1::bad"), 0x5a);
  EXPECT_EQ(judged.broken(), "no-state-for-the-unverified");
}

TEST(Promise, AnsweredIsStoredNoticesAKeyThatLeavesBeforeItsRecordIsThere) {
  Judged judged;
  judged.issues(judged.pcoa, 0x5a);
  machine::SignMessage sign;
  sign.seal.emplace(
      machine::Seal{sim::decryption_key(0)->public_key(), secret(0x5a), secret(1), 0});
  judged.asks(judged.router, machine::Start{{}, std::move(sign), machine::JobClass::kSign});
  EXPECT_EQ(judged.broken(), "answered-is-stored");
}

TEST(Promise, AnsweredIsStoredNoticesAnFBackToAnFbuThatTheStoreDoesNotBar) {
  Judged judged;
  judged.issues(judged.pcoa, 0x5a);
  judged.updates(1);
  judged.grants(1);
  EXPECT_EQ(judged.broken(), "answered-is-stored");
}

TEST(Promise, AnUpdateCountsOnceNoticesAnOlderOneThatCountsAgain) {
  Judged judged;
  judged.only("an-update-counts-once");
  judged.issues(judged.pcoa, 0x5a);
  for (const unsigned sequence : {1U, 2U}) judged.updates(static_cast<std::uint16_t>(sequence));
  for (const unsigned sequence : {1U, 2U, 2U}) judged.grants(static_cast<std::uint16_t>(sequence));
  sim::Queue& queue = judged.world.context().queue;
  queue.run_until(queue.now() + milliseconds(1));
  judged.grants(2);
  EXPECT_EQ(judged.broken(), "");
  judged.grants(1);
  EXPECT_EQ(judged.broken(), "an-update-counts-once");
}

TEST(Promise, AnUpdateCountsOnceNoticesOneThatCountsAgainAfterARestart) {
  Judged judged;
  judged.only("an-update-counts-once");
  judged.issues(judged.pcoa, 0x5a);
  judged.updates(1);
  judged.grants(1);
  judged.world.context().tell(
      [&](sim::Promise& promise) { promise.crashed(judged.router, false); });
  EXPECT_EQ(judged.broken(), "");
  judged.grants(1);
  EXPECT_EQ(judged.broken(), "an-update-counts-once");
}

TEST(Promise, OnlyTheRouterAnswersNoticesAnFBackThatItNeverSent) {
  Judged judged;
  const auto follows = [&](std::int64_t sequence) {
    judged.asks(judged.mobile, machine::Report{{machine::EventKind::kFbackReceived,
                                                {{"ar", judged.router.address().text()},
                                                 {"status", std::int64_t{0}},
                                                 {"sequence", sequence}}}});
  };
  judged.only("only-the-router-answers");
  judged.grants(1);
  follows(1);
  EXPECT_EQ(judged.broken(), "");
  follows(2);
  EXPECT_EQ(judged.broken(), "only-the-router-answers");
}

TEST(Promise, RoutersAreCertifiedNoticesAStranger) {
  Judged judged;
  const auto takes = [&](const send::Identity& identity) {
    judged.asks(
        judged.mobile,
        machine::Report{{machine::EventKind::kRouterFound,
                         {{"router", identity.address(send::link_local_prefix()).text()}}}});
  };
  takes(sim::router_identity(1));
  EXPECT_EQ(judged.broken(), "");
  takes(sim::stranger_identity(1));
  EXPECT_EQ(judged.broken(), "routers-are-certified");
}

TEST(Promise, NoncesAreFreshNoticesOneInTwoSolicitations) {
  Judged judged;
  const auto solicits = [&](std::uint16_t identifier, std::uint8_t octet) {
    const Bytes nonce(6, octet);
    Bytes message = sim::key_request(identifier, sim::mobile_link_address(0), {});
    append(message, wire::NonceOption{nonce});
    judged.asks(
        judged.mobile,
        machine::Transmit{{}, {}, sim::unsigned_packet(judged.pcoa, {}, std::move(message))});
  };
  solicits(1, 7);
  solicits(1, 7);
  solicits(2, 8);
  EXPECT_EQ(judged.broken(), "");
  solicits(3, 7);
  EXPECT_EQ(judged.broken(), "nonces-are-fresh");
}

TEST(Promise, ARequestIsAnsweredOnceNoticesASecondAnswer) {
  Judged judged;
  const auto answers = [&](std::uint16_t identifier) {
    const Bytes nonce(6, 7);
    Bytes message;
    append(message, wire::PrRtAdv{0, identifier});
    append(message, wire::NonceOption{nonce});
    judged.asks(
        judged.router,
        machine::Transmit{{}, {}, sim::unsigned_packet({}, judged.pcoa, std::move(message))});
  };
  answers(1);
  answers(1);
  EXPECT_EQ(judged.broken(), "");
  answers(2);
  EXPECT_EQ(judged.broken(), "a-request-is-answered-once");
}

TEST(Promise, InUseIsNotGivenNoticesAnAddressWhoseProbeSomebodyAnswered) {
  Judged judged;
  judged.probes();
  judged.gives();
  EXPECT_EQ(judged.broken(), "");
  judged.probes();
  judged.hears(judged.router,
               sim::unsigned_packet(judged.pcoa, kAllNodes, judged.answer_to_probe()));
  judged.gives();
  EXPECT_EQ(judged.broken(), "in-use-is-not-given");
}

TEST(Promise, InUseIsNotGivenTakesAnAnswerWithASignatureWhenItCounts) {
  for (const bool valid : {false, true}) {
    Judged judged;
    judged.only("in-use-is-not-given");
    judged.probes();
    const Bytes answer = sim::signed_packet(sim::mobile_identity(0), judged.pcoa, kAllNodes,
                                            judged.answer_to_probe(), judged.router.now().utc, {});
    judged.hears(judged.router, answer);
    const auto view = wire::PacketView::parse(answer);
    const auto options =
        wire::OptionList::parse(view->upper.subspan(wire::NeighborAdvertisement::kSize));
    const auto signature =
        wire::RsaSignatureOption::parse(options->first(wire::OptionType::kRsaSignature)->octets);
    const crypto::RsaPublicKey key = sim::mobile_identity(0).key->public_key();
    machine::VerifySignature verify{
        key, {}, to_bytes(signature->content.first(key.modulus_size()))};
    const machine::Job job(std::move(verify));
    const machine::JobOutput output(machine::SignatureVerified{valid});
    judged.world.context().tell(
        [&](sim::Promise& promise) { promise.job_ended(judged.router, job, output); });
    judged.gives();
    EXPECT_EQ(judged.broken(), valid ? "in-use-is-not-given" : "");
  }
}

TEST(Promise, InOrderNoticesADatagramThatALaterOneOvertook) {
  Judged judged;
  judged.only("in-order");
  for (const std::uint32_t number : {1U, 2U, 3U}) judged.emits(number);
  judged.delivers(1);
  judged.delivers(3);
  EXPECT_EQ(judged.broken(), "");
  judged.delivers(2);
  EXPECT_EQ(judged.broken(), "in-order");
}

TEST(Promise, HeldFromTheUpdateOnNoticesWhatIsLostBetweenFbuAndBinding) {
  Judged judged;
  judged.only("held-from-the-update-on");
  const auto binding = [&](machine::EventKind kind) {
    judged.asks(judged.router, machine::Report{{kind, {{"pcoa", judged.pcoa.text()}}}});
  };
  judged.emits(1);
  const auto comes = [&] { judged.hears(judged.router, judged.update(1)); };
  comes();
  judged.emits(2);
  binding(machine::EventKind::kHandoverRefused);
  judged.ends();
  EXPECT_EQ(judged.broken(), "");
  comes();
  judged.emits(3);
  binding(machine::EventKind::kBindingInstalled);
  judged.ends();
  EXPECT_EQ(judged.broken(), "held-from-the-update-on");
}

TEST(Promise, NothingIsLeftBehindNoticesAProxyOfNobody) {
  Judged judged;
  judged.only("nothing-is-left-behind");
  judged.router.start();
  judged.ends();
  EXPECT_EQ(judged.broken(), "");
  (void)judged.router.host().carry_out(machine::SetProxy{{}, judged.pcoa, true});
  judged.ends();
  EXPECT_EQ(judged.broken(), "nothing-is-left-behind");
}

TEST(Promise, NoBindingOutlivesItsLifetimeNoticesOneThatStandsOn) {
  Judged judged;
  judged.only("no-binding-outlives-its-lifetime");
  judged.issues(judged.pcoa, 0x5a);
  judged.updates(1);
  judged.grants(1);
  (void)judged.router.host().carry_out_on_plane(
      machine::InstallBinding{judged.pcoa, judged.ncoa, judged.router.address(), {}});
  sim::Queue& queue = judged.world.context().queue;
  const auto after = [&](Duration time) {
    queue.run_until(queue.now() + time);
    judged.world.context().tell([](sim::Promise& promise) { promise.second(); });
  };
  after(seconds(30));
  EXPECT_EQ(judged.broken(), "");
  after(seconds(10));
  EXPECT_EQ(judged.broken(), "no-binding-outlives-its-lifetime");
}

TEST(Promise, RightNodeNoticesADatagramOfAnotherNode) {
  Judged judged;
  judged.delivers(1, 0);
  EXPECT_EQ(judged.broken(), "");
  judged.delivers(1, 1);
  EXPECT_EQ(judged.broken(), "right-node");
}

TEST(Promise, DeliveredOnceNoticesASecondArrivalThatTheWorldDidNotMake) {
  Judged judged;
  judged.delivers(1);
  judged.world.context().tell([](sim::Promise& promise) { promise.copied({0, 1, false}); });
  judged.delivers(1);
  EXPECT_EQ(judged.broken(), "");
  judged.delivers(1);
  EXPECT_EQ(judged.broken(), "delivered-once");
}

TEST(Promise, ReachableAgainAndNothingLostNoticeWhatNeverArrives) {
  for (const bool calm : {true, false}) {
    sim::Scenario scenario = small();
    if (!calm) scenario.faults[0] = 1;
    sim::World world(scenario);
    world.context().tell([](sim::Promise& promise) {
      promise.emitted({0, 1, false}, {});
      promise.emitted({1, 1, false}, {});
    });
    for (const auto& promise : world.context().promises)
      if (promise->name() == (calm ? "nothing-lost" : "reachable-again")) promise->ended();
    ASSERT_TRUE(world.context().violation);
    EXPECT_EQ(world.context().violation->promise, calm ? "nothing-lost" : "reachable-again");
  }
}

}  // namespace sendoff::test
