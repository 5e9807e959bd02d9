// What the mobile node asks for (RFC 5269 3.1).
#include "keys/authenticator.h"
#include "send/sender.h"
#include "world.h"

namespace sendoff::test {
namespace {

using machine::EventKind;
using wire::OptionType;
using Code = wire::LinkLayerAddressOption::Code;

std::shared_ptr<const crypto::HandoverDecryptionKey> pair_from(const std::string& name) {
  return *crypto::HandoverDecryptionKey::from_pem(load_file("keys/" + name + ".pem"));
}

// A node whose routers do not answer RtSolPr.
struct Asking : Attached {
  explicit Asking(const mobile::Config& config = mobile_config(),
                  const std::function<void(World&)>& prepare = {})
      : Attached(config, [&](World& made) {
          made.answer_rtsolpr = false;
          if (prepare) prepare(made);
        }) {}
  Solicitation request() const { return world.solicitations().back(); }
};

TEST(KeyRequest, CarriesAnEncryptionKeyOfTheParametersOfTheCgaKey) {
  COVERS("HK-3.1-01");
  for (const std::string size : {"1024", "2048", "3072", "2048-e3"}) {
    Asking node(mobile_config("mn-" + size),
                [&](World& world) { world.forced_pair = pair_from("hke-" + size); });
    ASSERT_EQ(node.world.solicitations().size(), 1U) << size << "\n" << node.world.account();
    const Solicitation request = node.request();
    ASSERT_TRUE(request.encryption_key) << size;
    const auto& cga_key = signing_key("mn-" + size)->public_key();
    EXPECT_EQ(request.encryption_key->bits(), cga_key.bits());
    EXPECT_EQ(request.encryption_key->exponent(), cga_key.exponent());
  }
  Asking mismatched(mobile_config("mn-1024"),
                    [](World& world) { world.forced_pair = pair_from("hke-2048"); });
  mismatched.world.advance(seconds(5));
  EXPECT_TRUE(mismatched.world.solicitations().empty());
}

template <typename Key>
concept CanSign =
    requires(const Key& key, const crypto::Sha1Digest& digest) { key.sign_sha1(digest); };

TEST(KeyRequest, NeverUsesTheEncryptionPairForAnythingButDecryption) {
  COVERS("HK-3.1-02");
  static_assert(CanSign<crypto::SigningKey>);
  static_assert(!CanSign<crypto::HandoverDecryptionKey>);
  std::size_t signatures = 0;
  std::set<Bytes> signers;
  std::size_t decryptions = 0;
  Attached node(mobile_config(), [&](World& world) {
    world.hold = [&](const machine::Start& start) {
      if (const auto* sign = std::get_if<machine::SignMessage>(&start.job)) {
        ++signatures;
        signers.insert(to_bytes(sign->key->spki()));
      }
      if (std::holds_alternative<machine::OpenHandoverKey>(start.job)) ++decryptions;
      return false;
    };
  });
  EXPECT_EQ(node.world.status().keys.size(), 1U);
  EXPECT_GE(signatures, 2U);
  EXPECT_EQ(signers, std::set<Bytes>{to_bytes(signing_key("mn-1024")->spki())});
  EXPECT_EQ(decryptions, 1U);
}

TEST(KeyRequest, ThatIsDueDuringAnotherOneWaitsForItsEnd) {
  Attached node;
  World& world = node.world;
  world.hold = [](const machine::Start& start) {
    return std::holds_alternative<machine::SignMessage>(start.job);
  };
  world.forget_output();
  ASSERT_TRUE(world.order(machine::RequestKey{}));
  // Of a signature that does not come. The daemon sleeps until the next deadline: one that is over
  // would keep it busy.
  world.advance(seconds(mobile_config().request_interval_s + 1));
  EXPECT_GT(world.mobile->next_deadline(), world.now.boot);
  EXPECT_TRUE(world.solicitations().empty());
  world.hold = nullptr;
  world.run_held();
  EXPECT_EQ(world.solicitations().size(), 1U);
}

TEST(KeyRequest, ShowsOneEncryptionKeyToSeveralRouters) {
  COVERS("HK-3.1-03");
  Attached node;
  World& world = node.world;
  const Bytes first = world.solicitations().back().spki;
  world.forget_output();
  world.move({&node.nar});
  ASSERT_FALSE(world.solicitations().empty());
  EXPECT_EQ(world.solicitations().back().spki, first);
  EXPECT_TRUE(world.key_of(node.par.global[0]));
  EXPECT_TRUE(world.key_of(node.nar.global[0]));
}

TEST(KeyRequest, ReplacesTheEncryptionPairByAge) {
  COVERS("HK-3.1-04");
  mobile::Config config = mobile_config();
  config.encryption_pair.lifetime_s = 600;
  Attached node(config, [](World& world) { world.fresh_pairs = true; });
  World& world = node.world;
  const Bytes first = world.solicitations().back().spki;
  const Instant generated = world.now.boot - milliseconds(5);
  world.advance(generated + seconds(599) - world.now.boot);
  ASSERT_TRUE(world.order(machine::RequestKey{}));
  EXPECT_EQ(world.solicitations().back().spki, first);
  EXPECT_FALSE(world.pairs_made.front().expired());
  world.advance(generated + seconds(601) - world.now.boot);
  EXPECT_TRUE(world.pairs_made.front().expired());
  ASSERT_TRUE(world.order(machine::RequestKey{}));
  EXPECT_NE(world.solicitations().back().spki, first);
  world.advance(seconds(3));
  EXPECT_TRUE(world.pairs_made.front().expired());
  EXPECT_EQ(world.events_of(EventKind::kKeyReceived), 3U);
}

// From the link of `from` to that of `to`, with an FBack before the move.
void hand_over(World& world, FakeRouter& to, const LinkAddress& access_point) {
  ASSERT_TRUE(world.order(machine::HandOver{access_point})) << world.account();
  world.advance(milliseconds(20));
  world.move({&to});
  world.advance(seconds(2));
}

struct PingPong : Attached {
  explicit PingPong(const mobile::Config& config)
      : Attached(config, [](World& made) {
          made.answer_fbu = true;
          Tuple back;
          back.access_point = kApHere;
          static const FakeRouter previous = previous_router();
          back.router = previous.global.front();
          back.router_link_address = previous.link_address;
          back.prefix_length = 64;
          made.tuples.push_back(back);
        }) {}
  void move_on() {
    at_par = !at_par;
    world.forget_output();
    hand_over(world, at_par ? par : nar, at_par ? kApHere : kApNext);
    ASSERT_FALSE(world.solicitations().empty()) << world.account();
    keys.push_back(world.solicitations().back().spki);
  }
  bool at_par = true;
  std::vector<Bytes> keys;
};

TEST(KeyRequest, ReplacesTheEncryptionPairByHandovers) {
  COVERS("HK-3.1-05");
  PingPong node{mobile_config()};
  const Bytes first = node.world.solicitations().back().spki;
  for (int i = 0; i < 10; ++i) {
    node.move_on();
    if (HasFatalFailure()) return;
    // Neither repetitions nor requests without answer are handovers.
    node.world.answer_rtsolpr = false;
    ASSERT_TRUE(node.world.order(machine::RequestKey{}));
    node.world.advance(seconds(3));
    node.world.answer_rtsolpr = true;
    ASSERT_TRUE(node.world.order(machine::RequestKey{}));
    node.world.advance(seconds(2));
    if (i < 9)
      EXPECT_EQ(node.keys.back(), first) << "handover " << i + 1;
    else
      EXPECT_NE(node.keys.back(), first);
  }
}

TEST(KeyRequest, ReplacesTheEncryptionPairAfterEachHandoverWhereTheLimitIsOne) {
  COVERS("HK-3.7-02");
  EXPECT_EQ(keys::EncryptionPairConfig{}.handovers, 10U);
  mobile::Config config = mobile_config();
  config.encryption_pair.handovers = 1;
  PingPong node(config);
  std::set<Bytes> seen{node.world.solicitations().back().spki};
  for (int i = 0; i < 3; ++i) {
    node.move_on();
    if (HasFatalFailure()) return;
    EXPECT_TRUE(seen.insert(node.keys.back()).second) << "handover " << i + 1;
  }
}

TEST(KeyRequest, ReplacesTheEncryptionPairByWhicheverLimitComesFirst) {
  COVERS("HK-3.1-06");
  mobile::Config config = mobile_config();
  config.encryption_pair = {.lifetime_s = 3600, .handovers = 2};
  PingPong by_handovers(config);
  const Bytes first = by_handovers.world.solicitations().back().spki;
  by_handovers.move_on();
  EXPECT_EQ(by_handovers.keys.back(), first);
  by_handovers.move_on();
  const Bytes second = by_handovers.keys.back();
  EXPECT_NE(second, first);
  by_handovers.move_on();  // the count began anew
  EXPECT_EQ(by_handovers.keys.back(), second);

  config.encryption_pair = {.lifetime_s = 60, .handovers = 10};
  PingPong by_age(config);
  const Bytes young = by_age.world.solicitations().back().spki;
  by_age.move_on();
  EXPECT_EQ(by_age.keys.back(), young);
  by_age.world.advance(seconds(61));
  ASSERT_TRUE(by_age.world.order(machine::RequestKey{}));
  const Bytes old_enough = by_age.world.solicitations().back().spki;
  EXPECT_NE(old_enough, young);
  by_age.world.advance(seconds(50));  // the age began anew
  ASSERT_TRUE(by_age.world.order(machine::RequestKey{}));
  EXPECT_EQ(by_age.world.solicitations().back().spki, old_enough);
}

TEST(KeyRequest, OpensAnAnswerUnderAPairReplacedMeanwhile) {
  mobile::Config config = mobile_config();
  config.encryption_pair.lifetime_s = 600;
  Attached node(config, [](World& world) { world.fresh_pairs = true; });
  World& world = node.world;
  world.advance(seconds(599) + milliseconds(500));
  world.answer_rtsolpr = false;
  world.issued_lifetime_s = 40'000;
  ASSERT_TRUE(world.order(machine::RequestKey{}));
  const Solicitation request = world.solicitations().back();
  world.advance(milliseconds(700));
  EXPECT_FALSE(world.pairs_made.front().expired());
  world.forget_output();
  world.deliver(world.answer(node.par, request));
  ASSERT_NE(world.last(EventKind::kKeyReceived), nullptr) << world.account();

  world.advance(seconds(1));
  ASSERT_TRUE(world.order(machine::RequestKey{}));
  const Solicitation second = world.solicitations().back();
  world.advance(seconds(4));  // past the last time-out
  EXPECT_TRUE(world.pairs_made.front().expired());
  world.forget_output();
  world.deliver(world.answer(node.par, second));
  EXPECT_EQ(world.last(EventKind::kKeyReceived), nullptr);
}

TEST(KeyRequest, ComesFromTheGlobalCga) {
  COVERS("HK-3.1-09");
  Asking node;
  const Solicitation request = node.request();
  EXPECT_EQ(request.source, node.world.care_of());
  EXPECT_TRUE(Prefix::literal("2001:db8:a:1::/64").contains(request.source));
  EXPECT_TRUE(request.valid);

  Asking without(mobile_config(), [](World& world) {
    world.refuse = [](const machine::ActionKind& action) -> std::optional<machine::ActionError> {
      const auto* add = std::get_if<machine::AddAddress>(&action);
      if (add == nullptr || add->address.is_link_local()) return std::nullopt;
      return machine::ActionError::kRefused;
    };
  });
  without.world.advance(seconds(5));
  EXPECT_TRUE(without.world.status().links.at(0).router);
  EXPECT_TRUE(without.world.solicitations().empty());
}

TEST(KeyRequest, CarriesCgaParametersOfItsSource) {
  COVERS("HK-3.1-10", "HK-3.1-11", "HK-3.1-17");
  Asking node;
  const Solicitation request = node.request();
  EXPECT_TRUE(request.valid);
  const std::vector<OptionType> order{
      OptionType::kLinkLayerAddress,   OptionType::kLinkLayerAddress,
      OptionType::kHandoverKeyRequest, OptionType::kCga,
      OptionType::kTimestamp,          OptionType::kNonce,
      OptionType::kRsaSignature};
  EXPECT_EQ(request.types, order);

  // Parameters with one bit of the modifier flipped make no such address: nothing is signed.
  const auto& identity = node.world.config.identity;
  const auto message_of = [&] {
    send::Unsigned message;
    message.source = request.source;
    message.destination = node.par.link_local;
    message.parameters = identity.parameters(Prefix::literal("2001:db8:a:1::/64"));
    message.nonce = Bytes(6, 1);
    append(message.message, wire::RtSolPr{1});
    append(message.message, wire::LinkLayerAddressOption{});
    return message;
  };
  send::Unsigned bent = message_of();
  bent.parameters.modifier[3] ^= 1;
  EXPECT_TRUE(send::sign(message_of(), identity.key, node.world.now.utc, 1500));
  const auto refused = send::sign(std::move(bent), identity.key, node.world.now.utc, 1500);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error(), send::SendError::kNotMyCga);
}

TEST(KeyRequest, NamesThePreferredAlgorithm) {
  for (const auto algorithm : crypto::kAlgorithms) {
    mobile::Config config = mobile_config();
    config.algorithm = algorithm;
    Asking node(config);
    EXPECT_EQ(node.request().algorithm, std::to_underlying(algorithm));
  }
}

TEST(KeyRequest, HasAFreshNonceEachTime) {
  COVERS("HK-3.1-14");
  Asking node;
  World& world = node.world;
  world.show(node.par);
  std::set<Bytes> nonces;
  std::set<std::uint16_t> identifiers;
  for (int i = 0; i < 100; ++i) {
    world.advance(seconds(3));
    world.forget_output();
    ASSERT_TRUE(world.order(machine::RequestKey{}));
    ASSERT_EQ(world.solicitations().size(), 1U);
    const Solicitation request = node.request();
    EXPECT_EQ(request.nonce.size() % 8, 6U);
    EXPECT_NE(request.identifier, 0);
    EXPECT_TRUE(nonces.insert(request.nonce).second);
    identifiers.insert(request.identifier);
  }
  EXPECT_GT(identifiers.size(), 90U) << "drawn, not counted";
  for (const std::size_t size : {4U, 7U}) {
    send::Unsigned message;
    message.source = world.care_of();
    message.destination = node.par.link_local;
    message.parameters = world.config.identity.parameters(Prefix::literal("2001:db8:a:1::/64"));
    message.nonce = Bytes(size, 1);
    append(message.message, wire::RtSolPr{1});
    const auto refused =
        send::sign(std::move(message), world.config.identity.key, world.now.utc, 1500);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error(), send::SendError::kNonceLength);
  }
}

TEST(KeyRequest, CarriesTheTimeInUtc) {
  COVERS("HK-3.1-15");
  Asking node;
  World& world = node.world;
  world.show(node.par);
  world.advance(seconds(3) + milliseconds(495));
  ASSERT_TRUE(world.order(machine::RequestKey{}));
  const Solicitation request = node.request();
  const auto packet = wire::PacketView::parse(request.packet);
  const auto options = wire::OptionList::parse(packet->upper.subspan(8));
  const ByteView option = options->first(OptionType::kTimestamp)->octets;
  ASSERT_EQ(option.size(), 16U);
  EXPECT_EQ(option[1], 2);
  EXPECT_TRUE(std::ranges::all_of(option.subspan(2, 6), [](auto octet) { return octet == 0; }));
  Reader value(option.subspan(8));
  EXPECT_EQ(static_cast<std::int64_t>(value.u48()),
            whole_seconds(world.now.utc.time_since_epoch()));
  EXPECT_EQ(value.u16(), 0x8000);  // half a second
}

TEST(KeyRequest, IsRememberedUntilItsLastTimeOut) {
  COVERS("HK-3.1-16");
  Attached node(mobile_config(), [](World& world) { world.answer_rtsolpr = false; });
  World& world = node.world;
  const Solicitation request = world.solicitations().back();
  auto status = world.status();
  ASSERT_EQ(status.requests.size(), 1U);
  EXPECT_EQ(status.requests[0].nonce, request.nonce);
  EXPECT_EQ(status.requests[0].identifier, request.identifier);
  EXPECT_EQ(status.requests[0].source, request.source);
  EXPECT_EQ(status.requests[0].destination, request.destination);
  EXPECT_EQ(status.requests[0].algorithm, crypto::Algorithm::kHmacSha256_128);
  EXPECT_EQ(status.requests[0].encryption_key_hash, crypto::key_hash(request.spki));
  EXPECT_EQ(status.requests[0].first_sent, world.sent_at.back());

  world.deliver(world.answer(node.par, request));
  EXPECT_TRUE(world.key_of(node.par.global[0]));
  // A second router of the link, whose advertisement comes first.
  world.routers.push_back(&node.nar);
  world.deliver(node.nar.router_advertisement(kAllNodes, world.seal(), {}), node.nar.link_address);
  world.deliver(world.answer(node.nar, request), node.nar.link_address);
  EXPECT_EQ(world.count("held"), 1U);
  EXPECT_EQ(world.count("second-answer"), 0U);
  EXPECT_EQ(world.count("no-router-address"), 1U) << "its prefix is not that of our address";

  world.advance(milliseconds(1600));
  EXPECT_TRUE(world.status().requests.empty());
  const auto dropped = world.count("send", "unknown-nonce");
  Seal late = world.seal(request.nonce);
  late.utc += seconds(1);
  world.deliver(
      node.par.proxy_advertisement(request.source, 0, request.identifier, world.tuples, {}, late));
  EXPECT_EQ(world.count("send", "unknown-nonce"), dropped + 1);
}

TEST(KeyRequest, IsNeverFragmented) {
  COVERS("HK-3.1-18");
  Asking big(mobile_config("mn-3072"), [](World& world) {
    world.forced_pair = pair_from("hke-3072");
    world.link_mtu = 1280;
  });
  EXPECT_TRUE(big.world.solicitations().empty());
  const auto* warning = big.world.last(EventKind::kWarning);
  ASSERT_NE(warning, nullptr);
  EXPECT_NE(warning->text("text").find("1280"), std::string_view::npos);
  EXPECT_NE(warning->text("text").find("13"), std::string_view::npos) << warning->text("text");
  EXPECT_EQ(big.world.count("too-big"), 1U);

  Asking fits(mobile_config("mn-2048"), [](World& world) {
    world.forced_pair = pair_from("hke-2048");
    world.link_mtu = 1280;
  });
  fits.world.show(fits.par);
  fits.world.advance(seconds(3));
  fits.world.forget_output();
  ASSERT_FALSE(fits.world.order(machine::HandOver{kApNext}));  // asks about this access point
  ASSERT_EQ(fits.world.solicitations().size(), 1U);
  const auto packet = wire::PacketView::parse(fits.world.sent.back().packet);
  EXPECT_FALSE(packet->fragment);
  EXPECT_LE(fits.world.sent.back().packet.size(), 1280U);
}

TEST(KeyRequest, NamesAnAccessPointOrAsksForAll) {
  COVERS("HK-3.1-19");
  Asking node;
  World& world = node.world;
  EXPECT_EQ(node.request().link_codes, (std::vector<Code>{Code::kSource, Code::kWildcard}));
  world.show(node.par);
  world.advance(seconds(3));
  ASSERT_EQ(world.order(machine::HandOver{kApNext}).error(),
            machine::OrderError::kUnknownAccessPoint);
  EXPECT_EQ(node.request().link_codes, (std::vector<Code>{Code::kSource, Code::kNewAccessPoint}));
  for (const Solicitation& request : world.solicitations())
    EXPECT_TRUE(request.encryption_key && (request.link_codes.back() == Code::kWildcard ||
                                           request.link_codes.back() == Code::kNewAccessPoint));
}

TEST(KeyRequest, IsRepeatedOctetForOctetWithinASecondAndMadeAnewAfterwards) {
  COVERS("HK-3.1-20", "FH-6.1.1-19");
  Asking node;
  World& world = node.world;
  const Instant start = world.sent_at.back();
  world.forget_output();
  world.advance(seconds(10));
  std::vector<Duration> times;
  for (std::size_t i = 0; i < world.sent.size(); ++i)
    if (read_solicitation(world.sent[i].packet)) times.push_back(world.sent_at[i] - start);
  EXPECT_EQ(times, (std::vector<Duration>{milliseconds(100), milliseconds(300), seconds(1)}));
  const auto copies = world.solicitations();
  ASSERT_EQ(copies.size(), 3U);
  EXPECT_EQ(copies[0].packet, copies[1].packet);
  EXPECT_NE(copies[2].nonce, copies[0].nonce);
  EXPECT_NE(copies[2].identifier, copies[0].identifier);
  EXPECT_TRUE(copies[2].valid);
  // Of the later attempt, and of an RS that asks whether the router is there.
  EXPECT_EQ(world.jobs_of<machine::SignMessage>(), 2U);
  EXPECT_EQ(world.count("unanswered"), 1U);
  EXPECT_EQ(world.count("retransmissions"), 2U);

  // Ten orders within a second: three messages.
  world.show(node.par);
  world.forget_output();
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(world.order(machine::RequestKey{}));
    world.advance(milliseconds(90));
  }
  EXPECT_EQ(world.solicitations().size(), 3U);
}

TEST(KeyRequest, NeedsATrustAnchor) {
  COVERS("HK-3.2-36");
  mobile::Config config = mobile_config();
  for (const bool listed : {true, false}) {
    config.paths.anchors = listed ? std::make_shared<std::vector<pki::TrustAnchor>>()
                                  : decltype(config.paths.anchors){};
    Attached without(config);
    without.world.advance(seconds(30));
    EXPECT_TRUE(without.world.solicitations().empty());
    EXPECT_EQ(without.world.jobs_of<machine::GenerateDecryptionKey>(), 0U);
    const auto* warning = without.world.last(EventKind::kWarning);
    ASSERT_NE(warning, nullptr);
    EXPECT_NE(warning->text("text").find("trust anchor"), std::string_view::npos);
  }

  Attached with;
  EXPECT_EQ(with.world.status().keys.size(), 1U);
}

TEST(KeyRequest, WaitsWhileTheRouterTellsNoGlobalAddress) {
  Attached node(mobile_config(), [](World& world) { world.advertised.global_addresses = false; });
  World& world = node.world;
  EXPECT_TRUE(world.solicitations().empty());
  ASSERT_NE(world.last(EventKind::kWarning), nullptr);
  EXPECT_EQ(world.count("no-global-address"), 1U);
  // It tells it now.
  world.deliver(node.par.router_advertisement(kAllNodes, world.seal(), {}));
  EXPECT_TRUE(world.key_of(node.par.global[0])) << world.account();
}

TEST(KeyRequest, MayBeMadeAtAnyTime) {
  COVERS("FH-3.2-01");
  Attached node;
  World& world = node.world;
  world.forget_output();
  for (int i = 0; i < 3; ++i) {
    world.advance(seconds(2));
    ASSERT_TRUE(world.order(machine::RequestKey{}));
  }
  EXPECT_EQ(world.solicitations().size(), 3U);
}

TEST(KeyRequest, NeverCrossesARouter) {
  COVERS("FH-6.1.1-04");
  Asking node;
  World& world = node.world;
  world.advance(seconds(3));
  std::size_t copies = 0;
  for (const auto& transmit : world.sent) {
    if (!read_solicitation(transmit.packet)) continue;
    ++copies;
    EXPECT_EQ(wire::PacketView::parse(transmit.packet)->header.hop_limit, 255);
  }
  EXPECT_EQ(copies, 4U);
}

TEST(KeyRequest, IsNotMadeAgainOfARouterThatAnsweredNone) {
  COVERS("FH-5.1-01");
  Asking node;
  World& world = node.world;
  world.advance(seconds(10));
  EXPECT_EQ(world.solicitations().size(), 4U);
  world.forget_output();
  const auto again = world.order(machine::RequestKey{});
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error(), machine::OrderError::kNoFastHandover);
  const auto move = world.order(machine::HandOver{kApNext});
  ASSERT_FALSE(move);
  EXPECT_EQ(move.error(), machine::OrderError::kNoFastHandover);
  // But for the request that is due after every request_interval (GF42).
  world.advance(seconds(880));
  EXPECT_TRUE(world.solicitations().empty());
  world.advance(seconds(25));
  EXPECT_EQ(world.solicitations().size(), 4U);
  world.advance(seconds(800));
  EXPECT_EQ(world.solicitations().size(), 4U);
  world.forget_output();
  // Another link.
  FakeRouter next = next_router();
  world.move({&next});
  EXPECT_FALSE(world.solicitations().empty());
}

TEST(KeyRequest, DoublesItsTimeOutAnewForEachUse) {
  COVERS("FH-6.1.1-16", "FH-6.1.1-17", "FH-6.1.1-20", "FH-9-02", "FH-9-03");
  Asking plain;
  plain.world.show(plain.par);
  plain.world.advance(seconds(3));
  EXPECT_EQ(plain.world.solicitations().size(), 4U) << "3 after the first";
  plain.world.forget_output();
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(plain.world.order(machine::RequestKey{}));
    plain.world.advance(milliseconds(99));
  }
  EXPECT_EQ(plain.world.solicitations().size(), 3U) << "in a second";
  for (const unsigned retries : {0U, 3U, 5U}) {
    mobile::Config config = mobile_config();
    config.rtsolpr_retries = retries;
    config.rtsolpr_rate = 10;
    Asking node(config);
    World& world = node.world;
    world.show(node.par);
    for (const int use : {0, 1}) {
      if (use == 1) {
        world.forget_output();
        ASSERT_TRUE(world.order(machine::RequestKey{}));
      }
      world.advance(seconds(20));
      std::vector<Instant> times;
      for (std::size_t i = 0; i < world.sent.size(); ++i)
        if (read_solicitation(world.sent[i].packet)) times.push_back(world.sent_at[i]);
      ASSERT_EQ(times.size(), retries + 1) << use;
      Duration gap = milliseconds(100);
      for (std::size_t i = 1; i < times.size(); ++i, gap *= 2)
        EXPECT_EQ(times[i] - times[i - 1], gap) << use << " " << i;
    }
  }
}

}  // namespace
}  // namespace sendoff::test
