// Where the options of RFC 5269 stand and what surrounds them (3.2, 3.3, 4.1, 4.2), at the router
// with its configuration, at the mobile node, and at the sender and receiver that both have.
#include "exchange/both.h"
#include "send/sender.h"

namespace sendoff::test {
namespace {

using wire::OptionType;

class Places : public config::ConfigTest {
 protected:
  // A router from `kRouterFile` with this line in [keys].
  [[nodiscard]] int algorithm_given_for(int code, const std::string& line) {
    const auto loaded = router(changed(config::kRouterFile, "lifetime = 3600", line));
    EXPECT_TRUE(loaded);
    warned_ = warns(loaded->warnings, "fallback is");
    RouterNode node;
    node.config = loaded->machine;
    node.start();
    const auto given =
        node.open(node.answer_to(node.request(static_cast<std::uint8_t>(code))), *node.hke);
    return given ? given->algorithm : 0;
  }
  bool warned_ = false;
};

Craft unsigned_of(Craft craft) {
  craft.cga_parameters.reset();
  craft.timestamp.reset();
  craft.nonce.reset();
  craft.signer.reset();
  return craft;
}

TEST_F(Places, AnUnknownAlgorithmGetsTheStrongestOrTheConfiguredOne) {
  COVERS("HK-3.2-26");
  EXPECT_EQ(algorithm_given_for(9, "algorithms = [1, 2]"), 2);
  EXPECT_FALSE(warned_);
  EXPECT_EQ(algorithm_given_for(9, "algorithms = [1, 3]"), 3);
  EXPECT_EQ(algorithm_given_for(9, "algorithms = [1, 2]\nfallback = 1"), 1);
  EXPECT_TRUE(warned_);
}

TEST_F(Places, ARouterProvisionsOnlyWithACertificateForItsKey) {
  COVERS("HK-3.2-29", "SND-5.2.1-5", "SND-5.2.3-7");
  const auto loaded = router(config::kRouterFile);
  ASSERT_TRUE(loaded);
  RouterNode node;
  node.config = loaded->machine;
  node.start();
  const Bytes packet = node.answer_to(node.request());
  EXPECT_TRUE(node.has_key(packet));
  EXPECT_TRUE(signed_properly(packet));
  const std::vector<pki::TrustAnchor> anchors{loaded->machine.certification.anchor};
  const auto certified =
      pki::validate_path(loaded->machine.certification.path, anchors, config::kToday, {});
  ASSERT_TRUE(certified);
  const Bytes option = *find_option(packet, OptionType::kCga);
  EXPECT_TRUE(
      equal(cga::ParametersView::parse(wire::CgaOption::parse(option)->parameters)->public_key,
            certified->spki));
  // No configuration comes of these, so no machine that could send anything.
  put_certificates("chain.der", {"ca", "other-key"});
  router_error("chain = \"chain.der\"", "chain = \"chain.der\"", "certifies another key than");
  put_certificates("chain.der", {"ca", "good-router"});
  router_error("chain = \"chain.der\"\n", "", "chain is missing");
  const auto none = router(changed(
      config::kRouterFile, "[certificate]\nchain = \"chain.der\"\nanchor = \"anchor.der\"\n", ""));
  ASSERT_FALSE(none);
  EXPECT_TRUE(warns(none.error(), "[certificate] is missing"));
}

struct Advertisements {
  std::vector<Bytes> packets;
  UtcTime utc;
  Ipv6Address source;
};

// Solicited with and without key, unvalidated, and unsolicited of Code 1 and Code 4.
Advertisements every_advertisement() {
  RouterNode node;
  node.start();
  node.bench.now.utc += milliseconds(400);
  Advertisements made;
  made.source = node.ar_link_local();
  made.packets.push_back(node.answer_to(node.request()));
  EXPECT_TRUE(node.has_key(made.packets.back()));
  made.packets.push_back(node.answer_to(node.mn.rtsolpr(node.ar_global(), node.bench.now)));
  made.packets.push_back(node.answer_to(unsigned_of(node.request())));
  node.bench.forget();
  EXPECT_TRUE(node.bench.order(machine::Advise{node.mn.global(), kNarAp}));
  made.packets.push_back(node.reply());
  EXPECT_EQ(made.packets.back()[41], wire::PrRtAdv::kNetworkInitiated);
  node.bench.forget();
  EXPECT_TRUE(node.bench.order(machine::Advise{node.mn.global(), std::nullopt}));
  made.packets.push_back(node.reply());
  EXPECT_EQ(made.packets.back()[41], wire::PrRtAdv::kUnsolicited);
  for (const std::size_t unsolicited : {3u, 4u})
    EXPECT_FALSE(find_option(made.packets[unsolicited], OptionType::kNonce));
  made.utc = node.bench.now.utc;
  return made;
}

send::Unsigned reply_message(const Peer& ar) {
  send::Unsigned message;
  message.source = ar.link_local();
  message.destination = Ipv6Address::literal("2001:db8:a:1::7");
  message.parameters = ar.parameters(ar.link_local());
  message.nonce = Bytes(6, 1);
  append(message.message, wire::PrRtAdv{});
  const Bytes ciphertext(128);
  append(message.message, wire::HandoverKeyReply{{2}, 10, ciphertext});
  return message;
}

std::optional<send::SendError> refusal(send::Unsigned message, const Peer& signer) {
  const auto job = send::sign(std::move(message), signer.key(), config::kToday, 1500);
  return job ? std::nullopt : std::optional(job.error());
}

// What an accepted message becomes: 11, 14 and 12 are in it whether or not anybody asked.
std::vector<int> types_made(send::Unsigned message, const Peer& signer) {
  const Ipv6Address source = message.source;
  const Ipv6Address destination = message.destination;
  auto job = send::sign(std::move(message), signer.key(), config::kToday, 1500);
  auto made = machine::execute(machine::Job(std::move(*job)));
  const Bytes packet =
      wire::icmpv6_packet(source, destination, std::get<machine::MessageSigned>(*made).message);
  EXPECT_TRUE(signed_properly(packet));
  return option_types(packet);
}

TEST_F(Places, EveryProxyAdvertisementHasTheCgaOfItsSource) {
  COVERS("HK-3.2-31");
  const Advertisements made = every_advertisement();
  for (const Bytes& packet : made.packets) {
    EXPECT_EQ(Ipv6Address::from(ByteView(packet).subspan(8, 16)), made.source);
    EXPECT_TRUE(made.source.is_link_local());
    const auto option = find_option(packet, OptionType::kCga);
    ASSERT_TRUE(option);
    const auto parameters = cga::ParametersView::parse(wire::CgaOption::parse(*option)->parameters);
    EXPECT_TRUE(cga::verify(made.source, *parameters));
    EXPECT_TRUE(signed_properly(packet));
  }
  const Peer ar(signing_key("ar-2048"), kPrefix, "02:00:00:00:00:01");
  EXPECT_EQ(refusal(reply_message(ar), ar), std::nullopt);
  send::Unsigned another = reply_message(ar);
  another.parameters.modifier[0] ^= 1;
  EXPECT_EQ(refusal(std::move(another), ar), send::SendError::kNotMyCga);
  send::Unsigned none = reply_message(ar);
  none.parameters = {};
  EXPECT_EQ(refusal(std::move(none), ar), send::SendError::kNotMyCga);
}

TEST_F(Places, EverySignedProxyAdvertisementHasTheTime) {
  COVERS("HK-3.2-33");
  const Advertisements made = every_advertisement();
  for (const Bytes& packet : made.packets) {
    const auto option = find_option(packet, OptionType::kTimestamp);
    ASSERT_TRUE(option);
    EXPECT_EQ((*option)[1], 2);
    const auto difference = static_cast<std::int64_t>(wire::TimestampOption::parse(*option)->value -
                                                      timestamp_at(made.utc));
    EXPECT_LE(std::abs(difference), 1 << 16);
  }
  Asked node;
  World& world = node.world;
  const auto dropped = world.count("send", "no-timestamp");
  Seal timeless = world.seal(node.request.nonce);
  timeless.timestamp = false;
  const Bytes reply = node.reply(2, 1000, world.issued(node.par));
  world.deliver(node.par.proxy_advertisement(node.request.source, 0, node.request.identifier,
                                             world.tuples, {reply}, timeless));
  timeless.nonce.reset();
  world.deliver(node.par.proxy_advertisement(node.request.source, wire::PrRtAdv::kUnsolicited, 0,
                                             world.tuples, {}, timeless));
  EXPECT_EQ(world.count("send", "no-timestamp"), dropped + 2);
  EXPECT_FALSE(node.has_key());
  EXPECT_TRUE(world.status().neighbours.empty());
  node.answer({reply});
  EXPECT_TRUE(node.has_key());
}

TEST_F(Places, AKeyReplyCountsInAnAnswerOnly) {
  COVERS("HK-3.3-23");
  Asked node;
  World& world = node.world;
  const Bytes reply = node.reply(2, 1000, world.issued(node.par));
  for (const std::uint8_t code : {wire::PrRtAdv::kUnsolicited, wire::PrRtAdv::kNetworkInitiated})
    world.deliver(node.par.proxy_advertisement(node.request.source, code, 0, world.tuples, {reply},
                                               world.seal()));
  EXPECT_EQ(world.count("unsolicited-reply"), 2u);
  EXPECT_EQ(node.decryptions(), 0u);
  EXPECT_TRUE(world.status().keys.empty());

  RouterNode router;
  router.start();
  const Bytes ciphertext(128);
  Craft craft = router.request();
  craft.options.push_back(octets_of(wire::HandoverKeyReply{{3}, 100, ciphertext}));
  const auto given = router.open(router.answer_to(craft), *router.hke);
  ASSERT_TRUE(given);
  EXPECT_EQ(given->algorithm, 2);
  EXPECT_EQ(given->lifetime_s, 43'200);
}

// A receiver that takes every kind that SEND secures.
std::optional<send::Verdict> judged(const Craft& craft, const Peer& sender) {
  const Now now{Instant(seconds(1000)), UtcTime(seconds(1'800'000'000))};
  machine::Outbox outbox;
  send::Receiver receiver({}, outbox);
  for (const auto kind : {send::Kind::kRouterSolicitation, send::Kind::kRouterAdvertisement,
                          send::Kind::kNeighborSolicitation, send::Kind::kNeighborAdvertisement})
    receiver.take(kind);
  const Bytes packet = craft.packet();
  machine::Received received;
  received.frame_source = sender.link_address();
  received.packet = packet;
  if (const auto at_once = receiver.receive(now, received)) return at_once->verdict;
  auto action = outbox.poll();
  if (!action) return std::nullopt;
  const auto& start = std::get<machine::Start>(action->what);
  const auto done = receiver.complete(now, {start.job_id, machine::execute(start.job)});
  return done ? std::optional(done->verdict) : std::nullopt;
}

TEST_F(Places, AKeyRequestStandsInRtSolPrOnly) {
  COVERS("HK-4.1-13");
  RouterNode router;
  router.start();
  const Bytes option = octets_of(wire::HandoverKeyRequest{{2}, router.hke->spki()});
  Craft rs = router.mn.router_solicitation(router.bench.now);
  rs.options.push_back(option);
  router.receive(rs, router.mn);
  ASSERT_EQ(router.bench.sent.size(), 1u);
  const Bytes answer = router.bench.sent[0].packet;
  EXPECT_EQ(answer[40], 134);
  EXPECT_EQ(find_option(answer, OptionType::kNonce), octets_of(wire::NonceOption{*rs.nonce}));
  EXPECT_FALSE(find_option(answer, OptionType::kHandoverKeyReply));
  EXPECT_EQ(router.router->status(router.bench.now, 0).key_count, 0u);

  const Now now{Instant(seconds(1000)), UtcTime(seconds(1'800'000'000))};
  for (const Bytes& head : {octets_of(wire::RouterSolicitation{}),
                            octets_of(wire::NeighborSolicitation{router.ar_global()})}) {
    Craft craft = router.mn.router_solicitation(now);
    craft.head = head;
    craft.options.push_back(option);
    EXPECT_EQ(judged(craft, router.mn), send::Verdict::kSecured);
  }

  Asked node;
  node.answer({option, node.reply(2, 1000, node.world.issued(node.par))});
  EXPECT_TRUE(node.has_key());

  const Peer mn(signing_key("mn-1024"), kPrefix, "02:00:00:00:01:01");
  const auto request = [&] {
    send::Unsigned message;
    message.source = mn.global();
    message.destination = router.ar_global();
    message.parameters = mn.parameters(mn.global());
    message.nonce = Bytes(6, 1);
    append(message.message, wire::RtSolPr{7});
    append(message.message, wire::HandoverKeyRequest{{2}, router.hke->spki()});
    return message;
  };
  EXPECT_EQ(types_made(request(), mn), (std::vector<int>{27, 11, 13, 14, 12}));
  send::Unsigned without_nonce = request();
  without_nonce.nonce.reset();
  EXPECT_EQ(refusal(std::move(without_nonce), mn), send::SendError::kHandoverOptions);
  send::Unsigned without_cga = request();
  without_cga.parameters = {};
  EXPECT_EQ(refusal(std::move(without_cga), mn), send::SendError::kNotMyCga);
}

TEST_F(Places, AKeyReplyStandsInPrRtAdvOnly) {
  COVERS("HK-4.2-12");
  const Peer ar(signing_key("ar-2048"), kPrefix, "02:00:00:00:00:01");
  EXPECT_EQ(types_made(reply_message(ar), ar), (std::vector<int>{28, 11, 13, 14, 12}));
  send::Unsigned without_nonce = reply_message(ar);
  without_nonce.nonce.reset();
  EXPECT_EQ(refusal(std::move(without_nonce), ar), send::SendError::kHandoverOptions);
  send::Unsigned without_cga = reply_message(ar);
  without_cga.parameters = {};
  EXPECT_EQ(refusal(std::move(without_cga), ar), send::SendError::kNotMyCga);

  // RA: the node refreshes its router and takes no key.
  Asked node;
  World& world = node.world;
  const Bytes reply = node.reply(2, 1000, world.issued(node.par));
  const auto secured = world.count("send", "secured");
  Seal seal = world.seal();
  seal.utc += seconds(1);
  seal.before_signing = [&](Bytes& message) {
    message.insert(message.end(), reply.begin(), reply.end());
  };
  world.deliver(node.par.router_advertisement(kAllNodes, seal, {}));
  EXPECT_EQ(world.count("send", "secured"), secured + 1);
  EXPECT_TRUE(world.status().links.at(0).router);
  EXPECT_EQ(node.decryptions(), 0u);
  EXPECT_TRUE(world.status().keys.empty());
  // It was processed: one of lifetime 0 with the option ends the router.
  FakeRouter::Advertised gone;
  gone.lifetime_s = 0;
  seal.utc += seconds(2);
  world.deliver(node.par.router_advertisement(kAllNodes, seal, gone));
  EXPECT_FALSE(world.status().links.at(0).router);

  const Now now{Instant(seconds(1000)), UtcTime(seconds(1'800'000'000))};
  const Peer mn(signing_key("mn-1024"), kPrefix, "02:00:00:00:01:01");
  Craft na = mn.router_solicitation(now);
  na.destination = kAllNodes;
  wire::NeighborAdvertisement head;
  head.target = mn.link_local();
  na.head = octets_of(head);
  na.nonce.reset();
  na.options = {reply};
  EXPECT_EQ(judged(na, mn), send::Verdict::kSecured);

  RouterNode router;
  router.start();
  Craft rtsolpr = router.request();
  rtsolpr.options.push_back(reply);
  EXPECT_TRUE(router.open(router.answer_to(rtsolpr), *router.hke));
}

}  // namespace
}  // namespace sendoff::test
