// What the mobile node makes of the answers (RFC 5269 3.3).
#include "asked.h"
#include "keys/authenticator.h"

namespace sendoff::test {
namespace {

using crypto::Algorithm;
using machine::EventKind;

TEST(KeyAnswer, IsValidatedBeforeItsReplyIsTouched) {
  COVERS("HK-3.3-01");
  const auto flip_last = [](Bytes& packet) { packet.back() ^= 1; };
  struct Defect {
    std::string what;
    std::function<void(Seal&, const World&)> make;
    std::string counter;
  };
  const std::vector<Defect> defects{
      {"hop limit",
       [](Seal& seal, const World&) { seal.on_the_wire = [](Bytes& packet) { packet[7] = 254; }; },
       "hop-limit"},
      {"checksum", [&](Seal& seal, const World&) { seal.on_the_wire = flip_last; }, "checksum"},
      {"nonce", [](Seal& seal, const World&) { seal.nonce = Bytes(6, 9); }, "unknown-nonce"},
      {"no timestamp", [](Seal& seal, const World&) { seal.timestamp = false; }, "no-timestamp"},
      {"no CGA", [](Seal& seal, const World&) { seal.cga = false; }, "no-cga"},
      {"signature",
       [](Seal& seal, const World&) {
         seal.on_the_wire = [](Bytes& packet) {
           packet[packet.size() - 9] ^= 1;
           const auto view = wire::PacketView::parse(packet);
           Bytes message = to_bytes(view->upper);
           wire::seal_icmpv6(view->header.source, view->header.destination, message);
           packet = wire::icmpv6_packet(view->header.source, view->header.destination, message);
         };
       },
       "signature"},
      {"key hash",
       [](Seal& seal, const World&) {
         seal.on_the_wire = [](Bytes& packet) {
           const auto view = wire::PacketView::parse(packet);
           Bytes message = to_bytes(view->upper);
           message[message.size() - 261] ^= 1;  // the last octet of the Key Hash
           wire::seal_icmpv6(view->header.source, view->header.destination, message);
           packet = wire::icmpv6_packet(view->header.source, view->header.destination, message);
         };
       },
       "two-keys"},
      {"CGA of the source",
       [](Seal& seal, const World&) {
         seal.on_the_wire = [](Bytes& packet) {
           const auto view = wire::PacketView::parse(packet);
           Ipv6Address::Octets octets = view->header.source.octets();
           octets[15] ^= 1;
           Bytes message = to_bytes(view->upper);
           wire::seal_icmpv6(Ipv6Address(octets), view->header.destination, message);
           packet = wire::icmpv6_packet(Ipv6Address(octets), view->header.destination, message);
         };
       },
       "cga"},
  };
  Asked node;
  for (const Defect& defect : defects) {
    Seal seal = node.world.seal(node.request.nonce);
    defect.make(seal, node.world);
    const auto before = node.world.count("send", defect.counter);
    node.world.deliver(node.par.proxy_advertisement(
        node.request.source, 0, node.request.identifier, node.world.tuples,
        {node.reply(2, 1000, node.world.issued(node.par))}, seal));
    EXPECT_EQ(node.world.count("send", defect.counter), before + 1) << defect.what;
    EXPECT_EQ(node.decryptions(), 0U) << defect.what;
    EXPECT_FALSE(node.has_key()) << defect.what;
  }
  // The valid one, of a router whose clock is an hour off.
  Seal seal = node.world.seal(node.request.nonce);
  seal.utc -= seconds(3600);
  node.world.deliver(node.par.proxy_advertisement(
      node.request.source, 0, node.request.identifier, node.world.tuples,
      {node.reply(2, 1000, node.world.issued(node.par))}, seal));
  EXPECT_TRUE(node.has_key()) << node.world.account();
}

TEST(KeyAnswer, CountsOnlyFromACertifiedRouter) {
  COVERS("HK-3.3-02", "HK-3.3-04");
  FakeRouter self_made("other-2048", {}, {Prefix::literal("2001:db8:a:1::/64")}, 3);
  FakeRouter unknown_anchor("ar-2048", {certificate("unknown-anchor")},
                            {Prefix::literal("2001:db8:a:1::/64")}, 4);
  // The second one shares its key with the good router, so nothing may be certified by then.
  for (FakeRouter* stranger : {&self_made, &unknown_anchor}) {
    FakeRouter next = next_router();
    World world;
    world.routers = {&next};
    world.answer_rtsolpr = false;
    world.up();
    world.advance(milliseconds(5));
    const Solicitation request = world.solicitations().back();
    world.routers.push_back(stranger);
    world.deliver(stranger->router_advertisement(kAllNodes, world.seal(), {}),
                  stranger->link_address);
    world.deliver(world.answer(*stranger, request), stranger->link_address);
    EXPECT_EQ(world.count("held"), 1U);
    EXPECT_EQ(world.sent_of_type(148), 2U) << "its path is asked for";
    world.answer_rs = false;
    world.advance(seconds(20));
    EXPECT_EQ(world.jobs_of<machine::OpenHandoverKey>(), 0U);
    EXPECT_TRUE(world.status().keys.empty());
    EXPECT_TRUE(world.status().neighbours.empty());
    EXPECT_EQ(world.count("uncertified") + world.count("held-dropped"), 1U) << world.account();
    EXPECT_NE(world.last(EventKind::kKeyRefused), nullptr);
  }
  Asked good;
  good.answer({good.reply(2, 1000, good.world.issued(good.par))});
  EXPECT_TRUE(good.has_key());
  EXPECT_EQ(good.world.status().neighbours.size(), 1U);
}

// Another certified router under the prefix of our address.
FakeRouter second_router() {
  FakeRouter router("ar-2048", {certificate("good-direct")}, {Prefix::literal("2001:db8:a:1::/64")},
                    5);
  return router;
}

// A node on a link with two certified routers, both of which it knows.
struct TwoRouters : Attached {
  TwoRouters() : Attached(mobile_config(), [](World& made) { made.answer_rtsolpr = false; }) {
    world.routers.push_back(&second);
    world.deliver(second.router_advertisement(kAllNodes, world.seal(), {}), second.link_address);
    world.show(par);
    world.advance(seconds(3));
    world.forget_output();
    EXPECT_TRUE(world.order(machine::RequestKey{}));
    request = world.solicitations().back();
  }
  Bytes reply(std::uint8_t algorithm, const FakeRouter& router) const {
    return FakeRouter::reply_option(*request.encryption_key, algorithm, 1000, world.issued(router));
  }
  FakeRouter second = second_router();
  Solicitation request;
};

TEST(KeyAnswer, OfTheRouterThatHasASupportedAlgorithmIsTaken) {
  COVERS("HK-3.3-05");
  TwoRouters node;
  World& world = node.world;
  world.deliver(world.answer(node.second, node.request, {node.reply(9, node.second)}),
                node.second.link_address);
  EXPECT_EQ(world.count("unknown-algorithm"), 1U);
  world.deliver(world.answer(node.par, node.request, {node.reply(2, node.par)}));
  ASSERT_EQ(world.status().keys.size(), 1U);
  EXPECT_EQ(world.status().keys[0].ar, node.par.global[0]);
}

TEST(KeyAnswer, OfEachRouterIsKept) {
  COVERS("HK-3.3-15");
  TwoRouters node;
  World& world = node.world;
  EXPECT_EQ(node.request.destination, kAllRouters);
  world.deliver(world.answer(node.par, node.request, {node.reply(2, node.par)}));
  world.deliver(world.answer(node.second, node.request, {node.reply(2, node.second)}),
                node.second.link_address);
  ASSERT_TRUE(world.key_of(node.par.global[0]));
  ASSERT_TRUE(world.key_of(node.second.global[0]));
  EXPECT_TRUE(world.key_of(node.par.global[0])->delivered);
  EXPECT_TRUE(world.key_of(node.second.global[0])->delivered);
  EXPECT_NE(world.key_of(node.par.global[0])->fingerprint,
            world.key_of(node.second.global[0])->fingerprint);
  // A second answer of one of them, other than the first.
  const auto before = *world.key_of(node.second.global[0]);
  world.key_version = 7;
  world.deliver(world.answer(node.second, node.request, {node.reply(2, node.second)}),
                node.second.link_address);
  EXPECT_EQ(world.count("second-answer"), 1U);
  EXPECT_EQ(world.key_of(node.second.global[0])->fingerprint, before.fingerprint);
}

TEST(KeyAnswer, IsOpenedWithThePairOfTheMatchedRequest) {
  COVERS("HK-3.3-06");
  mobile::Config config = mobile_config();
  config.encryption_pair.lifetime_s = 600;
  // Two requests at once: one under the old pair, one under the new.
  Asked other(config);
  other.world.show(other.par);
  other.world.advance(seconds(599) + milliseconds(300));
  other.world.forget_output();
  ASSERT_TRUE(other.world.order(machine::RequestKey{}));
  other.world.advance(seconds(1) + milliseconds(100));
  const auto both = other.world.solicitations();
  ASSERT_NE(both.front().spki, both.back().spki) << other.world.account();
  other.world.forget_output();
  std::vector<Bytes> used;
  other.world.hold = [&](const machine::Start& start) {
    if (const auto* open = std::get_if<machine::OpenHandoverKey>(&start.job))
      used.push_back(to_bytes(open->key->spki()));
    return false;
  };
  other.world.deliver(other.world.answer(other.par, both.back()));
  EXPECT_EQ(used, std::vector<Bytes>{both.back().spki});
  EXPECT_TRUE(other.has_key());
}

TEST(KeyAnswer, NeedsANonceOfOurs) {
  COVERS("SND-5.3.4.1-3");
  COVERS("HK-3.3-07");
  Asked node;
  World& world = node.world;
  const Bytes reply = node.reply(2, 1000, world.issued(node.par));
  const Bytes recorded = world.answer(node.par, node.request, {reply});
  world.advance(seconds(60));
  const auto unknown = world.count("send", "unknown-nonce");
  world.deliver(recorded);
  EXPECT_EQ(world.count("send", "unknown-nonce"), unknown + 1);
  world.deliver(node.par.proxy_advertisement(node.request.source, 0, node.request.identifier, {},
                                             {reply}, world.seal(Bytes(6, 0x42))));
  EXPECT_EQ(world.count("send", "unknown-nonce"), unknown + 2);
  world.deliver(node.par.proxy_advertisement(node.request.source, wire::PrRtAdv::kUnsolicited, 0,
                                             world.tuples, {reply}, world.seal()));
  EXPECT_EQ(world.count("unsolicited-reply"), 1U);
  EXPECT_EQ(node.decryptions(), 0U);
  EXPECT_FALSE(node.has_key());
  EXPECT_TRUE(world.status().neighbours.empty());
}

TEST(KeyAnswer, GivesTheKeyOfTheRoutersRecord) {
  COVERS("HK-3.3-08", "HK-3.3-09");
  Asked node;
  World& world = node.world;
  const auto stranger = decryption_key(1024, 65537, 77);
  const Bytes key = world.issued(node.par);
  node.answer({FakeRouter::reply_option(stranger->public_key(), 2, 1000, key)});
  EXPECT_EQ(world.count("not-decrypted"), 1U);
  EXPECT_FALSE(node.has_key());
  node.ask_again();
  const Instant first_sent = world.now.boot;
  world.advance(milliseconds(50));
  node.answer({node.reply(2, 1000, key)});
  const auto status = world.key_of(node.par.global[0]);
  ASSERT_TRUE(status);
  EXPECT_EQ(status->ar_link_local, node.par.link_local);
  EXPECT_EQ(status->cga, node.request.source);
  EXPECT_EQ(status->algorithm, Algorithm::kHmacSha256_128);
  EXPECT_EQ(status->remaining_s, 999U);
  EXPECT_EQ(status->fingerprint, keys::fingerprint(Secret::copy_of(key)));
  EXPECT_EQ(status->fingerprint.find(to_hex(ByteView(key).first(4))), std::string::npos);
  ASSERT_EQ(world.persisted.size(), 1U);
  const auto& record = std::get<machine::HeldKey>(world.persisted[0]);
  EXPECT_EQ(record.ar, node.par.global[0]);
  EXPECT_EQ(record.ar_link_local, node.par.link_local);
  EXPECT_EQ(record.cga, node.request.source);
  EXPECT_EQ(record.algorithm, Algorithm::kHmacSha256_128);
  EXPECT_TRUE(record.key.equals(Secret::copy_of(key)));
  EXPECT_EQ(record.expires - world.now.utc, first_sent + seconds(1000) - world.now.boot);
  const auto* event = world.last(EventKind::kKeyReceived);
  ASSERT_NE(event, nullptr);
  EXPECT_EQ(event->text("ar"), node.par.global[0].text());
  EXPECT_EQ(event->text("algorithm"), "hmac-sha256-128");
  EXPECT_EQ(event->number("lifetime_s"), 1000);
  EXPECT_EQ(event->text("fingerprint"), status->fingerprint);
}

TEST(KeyAnswer, NamesTheAlgorithmThatIsUsed) {
  COVERS("HK-3.3-10");
  Asked node;
  World& world = node.world;
  world.issued_algorithm = Algorithm::kHmacSha384_192;
  node.answer({node.reply(3, 1000, world.issued(node.par))});
  ASSERT_TRUE(world.order(machine::HandOver{kApNext}));
  const auto updates = world.updates();
  ASSERT_EQ(updates.size(), 1U);
  const Ipv6Address ncoa = *updates[0].fbu.options.alternate_care_of;
  EXPECT_EQ(updates[0].fbu.options.authorization->authenticator.size(), 24U);
  EXPECT_TRUE(updates[0].made_by(Algorithm::kHmacSha384_192, world.issued(node.par), ncoa));
  Bytes shorter = world.issued(node.par);
  shorter.resize(32);
  EXPECT_FALSE(updates[0].made_by(Algorithm::kHmacSha256_128, shorter, ncoa));
}

TEST(KeyAnswer, IsKeptUnderTheRoutersAddressInThePrefixOfOurs) {
  COVERS("HK-3.3-12");
  const Prefix p1 = Prefix::literal("2001:db8:a:1::/64");
  const Prefix p2 = Prefix::literal("2001:db8:b:7::/64");
  const auto attach =
      [&](const std::function<void(wire::PrefixInformation&, const FakeRouter&)>& bend) {
        auto world = std::make_unique<World>();
        static FakeRouter router("ar-2048", {certificate("ca"), certificate("good-two-prefixes")},
                                 {p1, p2}, 1);
        wire::PrefixInformation first = router.information(p1);
        first.autonomous = false;
        wire::PrefixInformation second = router.information(p2);
        bend(second, router);
        world->advertised.prefixes = {first, second};
        world->routers = {&router};
        world->up();
        world->advance(milliseconds(10));
        return std::pair(std::move(world), &router);
      };
  const auto [good, router] = attach([](auto&, const auto&) {});
  ASSERT_TRUE(p2.contains(good->care_of()));
  ASSERT_EQ(good->status().keys.size(), 1U) << good->account();
  EXPECT_EQ(good->status().keys[0].ar, router->global[1]);

  const auto [not_a_cga, same] = attach([](wire::PrefixInformation& option, const auto&) {
    Ipv6Address::Octets octets = option.address.octets();
    octets[15] ^= 1;
    option.address = Ipv6Address(octets);
  });
  EXPECT_TRUE(not_a_cga->solicitations().empty());
  EXPECT_EQ(not_a_cga->count("discovery", "address-refused"), 1U);
  EXPECT_NE(not_a_cga->last(EventKind::kWarning), nullptr);

  const auto [uncertified, also] =
      attach([](wire::PrefixInformation& option, const FakeRouter& of) {
        option.address = of.address(Prefix::literal("2001:db8:c::/64"));
      });
  EXPECT_TRUE(uncertified->solicitations().empty());
  EXPECT_EQ(uncertified->count("discovery", "prefix-refused"), 1U);

  // Another router's advertisement says nothing of this one's addresses.
  const auto [silent, still] =
      attach([](wire::PrefixInformation& option, const auto&) { option.router_address = false; });
  FakeRouter other("ar-2048", {certificate("good-direct")}, {p1}, 9);
  silent->deliver(other.router_advertisement(kAllNodes, silent->seal(), {}), other.link_address);
  EXPECT_TRUE(silent->solicitations().empty());
}

TEST(KeyAnswer, IsRenewedBeforeItsKeyEnds) {
  COVERS("HK-3.3-13");
  mobile::Config config = mobile_config();
  config.request_interval_s = 20'000;
  Attached quiet(config, [](World& made) { made.issued_lifetime_s = 1000; });
  const Instant sent = quiet.world.sent_at.back();
  const auto first = *quiet.world.key_of(quiet.par.global[0]);
  quiet.world.advance(sent + seconds(949) - quiet.world.now.boot);
  quiet.world.forget_output();
  quiet.world.key_version = 1;
  quiet.world.advance(seconds(50));
  ASSERT_EQ(quiet.world.solicitations().size(), 1U);
  EXPECT_TRUE(quiet.world.solicitations()[0].encryption_key);
  const auto renewed = *quiet.world.key_of(quiet.par.global[0]);
  EXPECT_NE(renewed.fingerprint, first.fingerprint);
  // Not after the link was left.
  quiet.world.down();
  quiet.world.forget_output();
  quiet.world.advance(seconds(3000));
  EXPECT_TRUE(quiet.world.solicitations().empty());
}

TEST(KeyAnswer, WithUnknownAlgorithmGivesNoKeyAndNothingWeakerIsAskedFor) {
  COVERS("HK-3.3-16", "HK-3.3-17", "HK-3.3-18");
  Asked node;
  World& world = node.world;
  const Bytes key(20, 0x33);
  for (std::uint8_t code = 5; code <= 15; ++code) {
    world.forget_output();
    node.answer({node.reply(code, 1000, Bytes(32, 1))});
    EXPECT_EQ(node.decryptions(), 0U);
    EXPECT_FALSE(node.has_key());
    world.advance(seconds(10));
    for (const Solicitation& later : world.solicitations()) EXPECT_EQ(later.algorithm, 2);
    node.ask_again();
  }
  EXPECT_EQ(world.count("unknown-algorithm"), 11U);
  // With a key, it stays.
  node.answer({node.reply(2, 1000, world.issued(node.par))});
  const auto before = *world.key_of(node.par.global[0]);
  node.ask_again();
  node.answer({node.reply(9, 1000, Bytes(32, 1))});
  EXPECT_EQ(world.key_of(node.par.global[0])->fingerprint, before.fingerprint);

  Asked weakest(asking_for(Algorithm::kHmacSha1_96));
  weakest.answer({weakest.reply(0, 1000, key)});
  ASSERT_TRUE(weakest.has_key());
  EXPECT_EQ(weakest.world.status().keys[0].algorithm, Algorithm::kHmacSha1_96);
}

TEST(KeyAnswer, WithAWeakerAlgorithmIsRefusedUnlessAllowed) {
  COVERS("HK-3.3-19");
  Asked node;
  node.answer({node.reply(1, 1000, Bytes(20, 1))});
  EXPECT_FALSE(node.has_key());
  EXPECT_EQ(node.decryptions(), 0U);
  EXPECT_EQ(node.world.count("downgrade"), 1U);
  EXPECT_EQ(node.world.last(EventKind::kKeyRefused)->text("reason"), "downgrade");
  mobile::Config config = mobile_config();
  config.accept_weaker = true;
  Asked lenient(config);
  lenient.answer({lenient.reply(1, 1000, Bytes(20, 1))});
  ASSERT_TRUE(lenient.has_key());
  EXPECT_EQ(lenient.world.status().keys[0].algorithm, Algorithm::kHmacSha1_96);
}

TEST(KeyAnswer, HoldsAKeyOfTheLengthThatItsAlgorithmDemands) {
  COVERS("HK-3.3-20");
  for (const Algorithm algorithm : crypto::kAlgorithms) {
    Asked node(asking_for(algorithm));
    const std::size_t size = crypto::key_size(algorithm);
    for (const std::size_t wrong : {size - 1, size + 1, std::size_t{0}}) {
      node.answer({node.reply(std::to_underlying(algorithm), 1000, Bytes(wrong, 1))});
      EXPECT_FALSE(node.has_key()) << wrong;
      EXPECT_TRUE(node.world.persisted.empty());
      node.ask_again();
    }
    EXPECT_EQ(node.world.count("not-decrypted"), 3U);
    node.answer({node.reply(std::to_underlying(algorithm), 1000, Bytes(size, 1))});
    EXPECT_TRUE(node.has_key());
  }
}

TEST(KeyAnswer, ThatCannotBeOpenedIsDroppedWholeAndAnEarlierKeyStays) {
  COVERS("HK-3.3-22", "HK-4.2-06");
  const auto pair = *crypto::HandoverDecryptionKey::from_pem(load_file("keys/hke-2048.pem"));
  Asked node(mobile_config("mn-2048"), [&](World& made) { made.forced_pair = pair; });
  World& world = node.world;
  node.answer({node.reply(2, 1000, world.issued(node.par))});
  ASSERT_TRUE(node.has_key());
  for (const std::size_t size : {255U, 257U, 0U, 256U}) {
    node.ask_again();
    Tuple other = world.tuple_of_next();
    other.access_point = kApHere;
    world.tuples = {other};
    node.answer({FakeRouter::reply_option(2, 1000, Bytes(size, 0x11))});
    EXPECT_EQ(world.last(EventKind::kKeyRefused)->text("reason"), "not-decrypted") << size;
    EXPECT_EQ(world.status().neighbours.size(), 1U) << "dropped whole";
    EXPECT_EQ(world.sent.size(), 1U) << "nothing is sent in reaction";
  }
  ASSERT_TRUE(world.order(machine::HandOver{kApNext}));
  const auto updates = world.updates();
  ASSERT_EQ(updates.size(), 1U);
  EXPECT_TRUE(updates[0].made_by(world.issued_algorithm, world.issued(node.par),
                                 *updates[0].fbu.options.alternate_care_of));
}

TEST(KeyAnswer, WithLifetimeZeroGivesNoKey) {
  COVERS("HK-3.3-24");
  Asked node;
  World& world = node.world;
  node.answer({node.reply(2, 0, world.issued(node.par))});
  EXPECT_FALSE(node.has_key());
  EXPECT_EQ(world.count("zero-lifetime"), 1U);
  node.ask_again();
  node.answer({node.reply(2, 1000, world.issued(node.par))});
  const auto before = *world.key_of(node.par.global[0]);
  node.ask_again();
  world.key_version = 1;
  node.answer({node.reply(2, 0, world.issued(node.par))});
  EXPECT_EQ(world.key_of(node.par.global[0])->fingerprint, before.fingerprint);
}

TEST(KeyAnswer, CountsItsLifetimeFromTheFirstSendingOfTheRequest) {
  COVERS("HK-3.3-25");
  mobile::Config config = mobile_config();
  config.rtsolpr_timeout = seconds(1);
  Asked node(config);
  World& world = node.world;
  const Instant sent = world.sent_at.back();
  world.advance(milliseconds(900));  // a copy of the request may not move it
  node.answer({node.reply(2, 10, world.issued(node.par))});
  ASSERT_TRUE(node.has_key());
  world.advance(sent + milliseconds(9999) - world.now.boot);
  ASSERT_TRUE(world.order(machine::HandOver{kApNext}));
  world.advance(milliseconds(1));
  EXPECT_FALSE(node.has_key());
  EXPECT_EQ(world.order(machine::HandOver{kApNext}).error(), machine::OrderError::kNoKey);
}

TEST(KeyAnswer, WithoutReplyServesTheHandoverAndChangesNoKey) {
  COVERS("HK-3.3-26");
  Asked node;
  World& world = node.world;
  node.answer({node.reply(2, 1000, world.issued(node.par))});
  const auto before = *world.key_of(node.par.global[0]);
  node.ask_again();
  Tuple other = world.tuple_of_next();
  other.access_point = kApHere;
  world.tuples = {other};
  node.answer({});
  EXPECT_EQ(world.status().neighbours.size(), 2U);
  EXPECT_EQ(world.key_of(node.par.global[0])->fingerprint, before.fingerprint);
  EXPECT_TRUE(world.order(machine::HandOver{kApHere}));
}

TEST(KeyAnswer, WithTwoRepliesGivesNoKey) {
  COVERS("HK-3.3-27");
  Asked node;
  World& world = node.world;
  const Bytes reply = node.reply(2, 1000, world.issued(node.par));
  node.answer({reply, reply});
  EXPECT_FALSE(node.has_key());
  EXPECT_EQ(world.count("two-replies"), 1U);
  node.ask_again();
  const Bytes first = node.reply(2, 1000, world.issued(node.par));
  Seal seal = world.seal(node.request.nonce);
  seal.behind = node.reply(2, 1000, Bytes(32, 0xee));
  world.deliver(node.par.proxy_advertisement(node.request.source, 0, node.request.identifier,
                                             world.tuples, {first}, seal));
  ASSERT_TRUE(node.has_key());
  EXPECT_EQ(world.key_of(node.par.global[0])->fingerprint,
            keys::fingerprint(Secret::copy_of(world.issued(node.par))));
}

TEST(KeyAnswer, WithAnOptionOfLengthZeroIsDiscarded) {
  COVERS("HK-4.2-03");
  Asked node;
  World& world = node.world;
  Bytes reply = node.reply(2, 1000, world.issued(node.par));
  reply[1] = 0;
  node.answer({reply});
  EXPECT_FALSE(node.has_key());
  EXPECT_TRUE(world.status().neighbours.empty());
  EXPECT_EQ(world.count("send", "option-structure"), 1U);
}

TEST(KeyAnswer, MayHaveAnyPaddingAndReservedBits) {
  COVERS("HK-4.2-05", "HK-4.2-09");
  Asked node;
  World& world = node.world;
  Bytes reply = node.reply(2, 1000, world.issued(node.par));
  ASSERT_EQ(reply.size(), 136U);
  reply[134] = reply[135] = 0xff;
  node.answer({reply});
  EXPECT_TRUE(node.has_key());

  Asked reserved(asking_for(Algorithm::kHmacSha1_96));
  Bytes bits = reserved.reply(1, 1000, Bytes(20, 1));
  bits[3] = 0x1f;
  reserved.answer({bits});
  ASSERT_TRUE(reserved.has_key());
  EXPECT_EQ(reserved.world.status().keys[0].algorithm, Algorithm::kHmacSha1_96);
}

}  // namespace
}  // namespace sendoff::test
