// PrRtAdv that are none (RFC 5568 6.1.2, RFC 4861 6.1.2).
#include "asked.h"

namespace sendoff::test {
namespace {

// A node that asked, and the answer that gives it a key and a neighbourhood, defect or not.
struct Answered : Asked {
  [[nodiscard]] Bytes head() const {
    Bytes message;
    append(message, wire::PrRtAdv{wire::PrRtAdv::kTuples, request.identifier});
    FakeRouter::append_tuple(message, world.tuple_of_next());
    const Bytes option = reply(2, 1000, world.issued(par));
    message.insert(message.end(), option.begin(), option.end());
    return message;
  }
  [[nodiscard]] Bytes answer(const std::function<void(Seal&)>& bend = {}) const {
    Seal seal = world.seal(request.nonce);
    if (bend) bend(seal);
    return par.secured(head(), request.source, seal);
  }
  // Signed by the same key, from the router's global address.
  [[nodiscard]] Bytes answer_from_afar() const {
    const Ipv6Address source = par.global[0];
    Bytes message = head();
    append(message, wire::CgaOption{par.parameters(Prefix::literal("2001:db8:a:1::/64")).octets()});
    append(message, wire::TimestampOption{stamp(world.now.utc)});
    append(message, wire::NonceOption{request.nonce});
    const Bytes input = wire::signature_input(source, request.source, message, message.size());
    wire::append_signature(
        source, request.source, message,
        {crypto::key_hash(par.key->spki()), par.key->sign_sha1(crypto::sha1(input))});
    wire::seal_icmpv6(source, request.source, message);
    return wire::icmpv6_packet(source, request.source, message);
  }
  // Seven octets of ICMPv6: the Identifier is not whole.
  [[nodiscard]] Bytes answer_cut_short() const {
    Bytes message = head();
    message.resize(7);
    wire::seal_icmpv6(par.link_local, request.source, message);
    return wire::icmpv6_packet(par.link_local, request.source, message);
  }
  [[nodiscard]] bool learned() const { return has_key() || !world.status().neighbours.empty(); }
};

TEST(ProxyAdvertisement, ThatIsNoneTeachesNothing) {
  COVERS("FH-6.1.2-05");
  struct Defect {
    const char* counter;
    std::function<Bytes(const Answered&)> packet;
  };
  const std::vector<Defect> defects{
      {"hop-limit",
       [](const Answered& node) {
         return node.answer(
             [](Seal& seal) { seal.on_the_wire = [](Bytes& packet) { packet[7] = 254; }; });
       }},
      {"source", [](const Answered& node) { return node.answer_from_afar(); }},
      {"checksum",
       [](const Answered& node) {
         return node.answer(
             [](Seal& seal) { seal.on_the_wire = [](Bytes& packet) { packet[42] ^= 1; }; });
       }},
      {"truncated", [](const Answered& node) { return node.answer_cut_short(); }},
      {"option-structure",
       [](const Answered& node) {
         return node.answer([](Seal& seal) {
           seal.before_signing = [](Bytes& message) {
             message.insert(message.end(), {200, 0, 0, 0, 0, 0, 0, 0});
           };
         });
       }},
  };
  Answered node;
  World& world = node.world;
  for (const Defect& defect : defects) {
    const auto before = world.count("send", defect.counter);
    world.deliver(defect.packet(node));
    EXPECT_FALSE(node.learned()) << defect.counter;
    EXPECT_EQ(world.count("send", defect.counter), before + 1) << defect.counter;
  }
  world.deliver(node.answer());
  EXPECT_TRUE(node.has_key()) << "and nothing else was wrong\n" << world.account();
  EXPECT_EQ(world.status().neighbours.size(), 1U);
}

// Knows of no access point, and nobody answers its last request.
struct Uninformed : Attached {
  Uninformed() : Attached(mobile_config(), [](World& made) { made.tuples.clear(); }) {
    EXPECT_TRUE(world.key_of(par.global[0]));
    world.answer_rtsolpr = false;
    world.advance(seconds(3));
    EXPECT_TRUE(world.order(machine::RequestKey{}));
  }
};

TEST(ProxyAdvertisement, AndRouterAdvertisementsUnsignedLeadNowhere) {
  COVERS("FH-10-05");
  // Anchors are configured and nothing else is: what is not signed counts for nothing. Nor does it
  // where the file says that nobody is to be believed, of which it warns: no setting makes up for a
  // signature.
  mobile::Config without = mobile_config();
  without.request_keys = false;
  without.paths.anchors = anchors({});
  Seal plain;
  for (const mobile::Config& config : {mobile_config(), without}) {
    Attached rogue(config, [](World& made) { made.answer_rs = false; });
    plain = rogue.world.seal();
    plain.signature = plain.cga = plain.timestamp = false;
    rogue.world.deliver(rogue.par.router_advertisement(kAllNodes, plain, {}));
    EXPECT_TRUE(rogue.world.care_of().is_unspecified());
    EXPECT_EQ(rogue.world.order(machine::HandOver{kApNext}).error(),
              machine::OrderError::kNoRouter);
  }

  Uninformed node;
  World& world = node.world;
  const Solicitation request = world.solicitations().back();
  plain = world.seal(request.nonce);
  plain.signature = plain.cga = plain.timestamp = false;
  for (const bool asked : {true, false}) {
    world.deliver(node.par.proxy_advertisement(
        request.source, asked ? wire::PrRtAdv::kTuples : wire::PrRtAdv::kNetworkInitiated,
        asked ? request.identifier : std::uint16_t{0}, {world.tuple_of_next()}, {}, plain));
    EXPECT_TRUE(world.status().neighbours.empty()) << asked;
  }
  EXPECT_EQ(world.count("unsecured"), 2U);
  EXPECT_EQ(world.order(machine::HandOver{kApNext}).error(),
            machine::OrderError::kUnknownAccessPoint);
  world.roam({&node.nar}, kApNext);
  EXPECT_TRUE(world.updates().empty());
  EXPECT_TRUE(world.announced().empty());
}

TEST(ProxyAdvertisement, AnswersWhoAskedAndNobodyElse) {
  for (const bool with_nonce : {false, true}) {
    Uninformed node;
    World& world = node.world;
    const Solicitation request = world.solicitations().back();
    const Ipv6Address other = world.config.identity.address(send::link_local_prefix());
    for (const Ipv6Address& to : {other, request.source}) {
      const Seal seal = with_nonce ? world.seal(request.nonce) : world.seal();
      world.deliver(node.par.proxy_advertisement(to, wire::PrRtAdv::kTuples, request.identifier,
                                                 {world.tuple_of_next()}, {}, seal));
      EXPECT_EQ(world.status().neighbours.empty(), to == other) << world.account();
    }
  }
}

}  // namespace
}  // namespace sendoff::test
