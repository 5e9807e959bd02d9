// What PrRtAdv say and what the node makes of it (RFC 5568 3.3, 5, 6.1.2).
#include "told.h"

namespace sendoff::test {
namespace {

using machine::EventKind;
using machine::HandOver;
using machine::OrderError;
using wire::PrRtAdv;
using Code = wire::LinkLayerAddressOption::Code;

const LinkAddress kApY = LinkAddress::literal("02:00:5e:00:53:c2");
const Ipv6Address kGivenNcoa = Ipv6Address::literal("2001:db8:b:1::77");

Tuple tuple_of(Code code, const LinkAddress& access_point) {
  Tuple tuple;
  tuple.code = code;
  tuple.access_point = access_point;
  return tuple;
}

struct Keyless : Moving {
  Keyless() : Moving(mobile_config(), [](World& made) { made.issued_lifetime_s = 1; }) {
    world.answer_rtsolpr = false;
    world.advance(seconds(2));
    world.forget_output();
  }
};

TEST(NetworkInitiated, TriggersAnFbuFromThePreviousLinkAndThenTheSwitch) {
  COVERS("FH-3.3-02", "FH-3.3-03");
  Moving node;
  World& world = node.world;
  world.deliver(node.unsolicited(PrRtAdv::kNetworkInitiated, {world.tuple_of_next()}));
  auto updates = world.updates();
  ASSERT_EQ(updates.size(), 1U) << world.account();
  EXPECT_EQ(updates[0].source, node.pcoa);
  EXPECT_EQ(updates[0].fbu.options.alternate_care_of, node.ncoa);
  EXPECT_TRUE(kNextPrefix.contains(node.ncoa));
  EXPECT_TRUE(world.asked<machine::SwitchLink>().empty());
  world.deliver(world.fback(node.par, updates[0]));
  ASSERT_EQ(world.asked<machine::SwitchLink>().size(), 1U);
  EXPECT_LT(world.place("mobility-8"), world.place("switch-link"));
  // Refused: the network still wants the node there.
  Moving refused;
  refused.world.deliver(
      refused.unsolicited(PrRtAdv::kNetworkInitiated, {refused.world.tuple_of_next()}));
  FakeRouter::Fback fields;
  fields.status = 128;
  refused.world.deliver(refused.world.fback(refused.par, refused.world.updates()[0], fields));
  EXPECT_EQ(refused.failure(), "status-128");
  EXPECT_EQ(refused.world.asked<machine::SwitchLink>().size(), 1U);
  // Not signed.
  Moving secured;
  Seal plain = secured.world.seal();
  plain.signature = plain.cga = plain.timestamp = false;
  secured.world.deliver(secured.par.proxy_advertisement(
      secured.pcoa, PrRtAdv::kNetworkInitiated, 0, {secured.world.tuple_of_next()}, {}, plain));
  EXPECT_TRUE(secured.world.updates().empty());
  EXPECT_EQ(secured.world.count("unsecured"), 1U);
  // Without a key.
  Keyless poor;
  poor.world.deliver(poor.unsolicited(PrRtAdv::kNetworkInitiated, {poor.world.tuple_of_next()}));
  EXPECT_TRUE(poor.world.updates().empty());
  EXPECT_EQ(poor.failure(), "no-key");
  EXPECT_EQ(poor.world.asked<machine::SwitchLink>().size(), 1U);
}

TEST(NetworkInitiated, UsesTheAddressThatTheRouterSupplies) {
  COVERS("FH-5.2-03", "FH-6.1.2-20");
  Moving node;
  World& world = node.world;
  Tuple tuple = world.tuple_of_next();
  tuple.new_care_of = kGivenNcoa;
  const Instant told = world.now.boot;
  world.deliver(node.unsolicited(PrRtAdv::kNetworkInitiated, {tuple}));
  const auto updates = world.updates();
  ASSERT_EQ(updates.size(), 1U);
  EXPECT_EQ(world.now.boot, told);
  EXPECT_EQ(updates[0].source, node.pcoa);
  EXPECT_EQ(updates[0].fbu.options.alternate_care_of, kGivenNcoa);
  world.deliver(world.fback(node.par, updates[0]));
  node.roam_to_deaf();
  EXPECT_TRUE(added(world, kGivenNcoa));
  EXPECT_FALSE(added(world, node.ncoa));
  Keyless poor;
  poor.world.deliver(poor.unsolicited(PrRtAdv::kNetworkInitiated, {tuple}));
  EXPECT_TRUE(poor.world.updates().empty());
  EXPECT_EQ(poor.failure(), "no-key");
}

TEST(Codes, NewsOfTheNeighbourhoodAreNoTrigger) {
  COVERS("FH-6.1.2-27");
  Moving node(mobile_config(), [](World& made) { made.tuples.clear(); });
  World& world = node.world;
  EXPECT_TRUE(world.status().neighbours.empty());
  world.deliver(node.unsolicited(PrRtAdv::kUnsolicited, {world.tuple_of_next()}));
  EXPECT_EQ(world.status().neighbours.size(), 1U);
  world.advance(seconds(10));
  EXPECT_TRUE(world.updates().empty());
  EXPECT_TRUE(world.asked<machine::SwitchLink>().empty());
  EXPECT_EQ(world.care_of(), node.pcoa);
  EXPECT_TRUE(world.asked<machine::AddAddress>().empty());
}

TEST(Codes, AreBelievedUnaskedOnlyOfTheRouterInUseSignedAndFresh) {
  COVERS("FH-6.1.2-30");
  const auto untouched = [](const World& world) {
    return world.updates().empty() && world.status().neighbours.empty();
  };
  for (const std::uint8_t code : std::initializer_list<std::uint8_t>{1, 4}) {
    Moving node(mobile_config(), [](World& made) { made.tuples.clear(); });
    World& world = node.world;
    const std::vector<Tuple> tuples{world.tuple_of_next()};
    Seal plain = world.seal();
    plain.signature = plain.cga = plain.timestamp = false;
    world.deliver(node.par.proxy_advertisement(node.pcoa, code, 0, tuples, {}, plain));
    EXPECT_TRUE(untouched(world));
    Seal stale = world.seal();
    stale.utc -= seconds(400);
    world.deliver(node.par.proxy_advertisement(node.pcoa, code, 0, tuples, {}, stale));
    EXPECT_TRUE(untouched(world));
    EXPECT_EQ(world.count("send", "stale"), 1U);
    // Certified, heard on this link, but not the one in use.
    world.routers.push_back(&node.nar);
    world.deliver(node.nar.router_advertisement(kAllNodes, world.seal(), {}),
                  node.nar.link_address);
    world.deliver(node.nar.proxy_advertisement(node.pcoa, code, 0, tuples, {}, world.seal()),
                  node.nar.link_address);
    EXPECT_TRUE(untouched(world));
    EXPECT_EQ(world.count("unsolicited"), 1U);
    world.deliver(node.unsolicited(code, tuples));
    EXPECT_FALSE(untouched(world));
  }
}

TEST(Codes, TellWhichAccessPointsHaveAFastHandover) {
  COVERS("FH-6.1.2-23");
  for (const std::uint8_t code :
       std::initializer_list<std::uint8_t>{PrRtAdv::kNoRouterInformation, PrRtAdv::kPartial}) {
    Told node([](World& made) { made.tuples.clear(); });
    const LinkAddress five = LinkAddress::literal("02:00:00:00:00:05");
    const LinkAddress six = LinkAddress::literal("02:00:00:00:00:06");
    const LinkAddress seven = LinkAddress::literal("02:00:00:00:00:07");
    node.world.deliver(node.message(
        code, {tuple_of(Code::kCurrentInterface, five), tuple_of(Code::kNoPrefixInformation, six),
               tuple_of(Code::kNoFastHandover, seven), node.world.tuple_of_next()}));
    EXPECT_EQ(node.state_of(five), "same interface");
    EXPECT_EQ(node.state_of(six), "router unknown");
    EXPECT_EQ(node.state_of(seven), "no fast handover");
    EXPECT_EQ(node.state_of(kApNext), code == PrRtAdv::kPartial ? "handover possible" : "");
    EXPECT_EQ(node.world.order(HandOver{five}).error(), OrderError::kSameInterface);
    EXPECT_EQ(node.world.order(HandOver{six}).error(), OrderError::kNoFastHandover);
    EXPECT_EQ(node.world.order(HandOver{seven}).error(), OrderError::kNoFastHandover);
  }
}

TEST(Codes, AnUnknownRouterIsToldOfAfterTheMove) {
  COVERS("FH-4-03", "FH-6.1.2-24");
  Told node([](World& made) { made.tuples.clear(); });
  World& world = node.world;
  Tuple known = world.tuple_of_next();
  known.access_point = kApY;
  world.deliver(
      node.message(PrRtAdv::kPartial, {tuple_of(Code::kNoPrefixInformation, kApX), known}));
  EXPECT_EQ(world.order(HandOver{kApX}).error(), OrderError::kNoFastHandover);
  world.advance(milliseconds(100));
  EXPECT_TRUE(world.updates().empty());
  world.roam({&node.nar}, kApX);
  world.advance(milliseconds(1));
  ASSERT_EQ(world.updates().size(), 1U) << world.account();
  EXPECT_EQ(world.updates()[0].source, node.ncoa);
  // The other access point is as it was.
  Told other([](World& made) { made.tuples.clear(); });
  other.world.deliver(
      other.message(PrRtAdv::kPartial, {tuple_of(Code::kNoPrefixInformation, kApX), known}));
  EXPECT_TRUE(other.world.order(HandOver{kApY}));
  EXPECT_EQ(other.world.updates().size(), 1U);
  // Not without a live key.
  Keyless poor;
  poor.world.deliver(
      poor.unsolicited(PrRtAdv::kUnsolicited, {tuple_of(Code::kNoPrefixInformation, kApX)}));
  poor.world.roam({&poor.nar}, kApX);
  poor.world.advance(milliseconds(10));
  EXPECT_FALSE(poor.world.care_of().is_unspecified());
  EXPECT_TRUE(poor.world.updates().empty());
}

TEST(Codes, ARouterWithoutFastHandoverIsNotToldFromEitherLink) {
  COVERS("FH-6.1.2-25");
  Told node([](World& made) { made.tuples.clear(); });
  World& world = node.world;
  world.deliver(node.message(PrRtAdv::kPartial, {tuple_of(Code::kNoFastHandover, kApX)}));
  EXPECT_EQ(world.order(HandOver{kApX}).error(), OrderError::kNoFastHandover);
  world.roam({&node.nar}, kApX);
  world.advance(seconds(30));
  EXPECT_EQ(world.care_of(), node.ncoa) << "plain Mobile IPv6 has its address";
  EXPECT_TRUE(world.updates().empty());
  EXPECT_TRUE(world.asked<machine::AttachTunnel>().empty());
}

TEST(Codes, TuplesAreReadByTheirPlace) {
  COVERS("FH-6.1.2-17", "FH-6.1.2-19");
  Told node([](World& made) { made.tuples.clear(); });
  World& world = node.world;
  std::vector<Tuple> tuples;
  std::vector<LinkAddress> points{kApX, kApY, LinkAddress::literal("02:00:5e:00:53:c3")};
  for (std::uint8_t i = 0; i < 3; ++i) {
    Tuple tuple = tuple_of(Code::kNewAccessPoint, points[i]);
    const std::string net = "2001:db8:b:" + std::to_string(i + 1) + "::";
    tuple.router = Ipv6Address::literal(net + "1");
    tuple.router_link_address = LinkAddress::literal("02:00:5e:00:54:0" + std::to_string(i));
    tuple.prefix = Prefix::literal(net + "/64");
    tuples.push_back(tuple);
  }
  const LinkAddress stray = LinkAddress::literal("02:00:00:00:00:07");
  tuples.push_back(tuple_of(Code::kNoFastHandover, stray));  // not in a message with Code 0
  world.deliver(node.message(PrRtAdv::kTuples, tuples));
  EXPECT_EQ(world.status().neighbours.size(), 3U);
  EXPECT_EQ(node.state_of(stray), "");
  for (std::size_t i = 0; i < 3; ++i) {
    Told each([](World& made) { made.tuples.clear(); });
    each.world.deliver(each.message(PrRtAdv::kTuples, tuples));
    each.world.answer_rs = false;
    each.world.roam({}, points[i]);
    // The router is known without having been heard.
    const auto updates = each.world.updates();
    ASSERT_EQ(updates.size(), 1U) << i;
    EXPECT_EQ(updates[0].source, each.world.config.identity.address(*tuples[i].prefix));
    std::optional<Ipv6Address> gateway;
    for (const auto& route : each.world.asked<machine::SetRoute>())
      if (route.present && route.destination == Prefix()) gateway = route.gateway;
    EXPECT_EQ(gateway, tuples[i].router);
    bool neighbour = false;
    for (const auto& set : each.world.asked<machine::SetNeighbour>())
      neighbour = neighbour || (set.address == *tuples[i].router &&
                                set.link_address == tuples[i].router_link_address);
    EXPECT_TRUE(neighbour);
  }
  // Codes 2 and 3: no AR-Info, none taken from a neighbour.
  Told partial([](World& made) { made.tuples.clear(); });
  partial.world.deliver(
      partial.message(PrRtAdv::kPartial, {tuples[0], tuple_of(Code::kNoPrefixInformation, kApY)}));
  for (const auto& neighbour : partial.world.status().neighbours) {
    EXPECT_EQ(neighbour.prefix.has_value(), neighbour.access_point == kApX);
  }
}

TEST(Codes, AnswersAreMatchedByTheirIdentifier) {
  COVERS("FH-6.1.2-09", "FH-6.1.1-07");
  Told node([](World& made) { made.tuples.clear(); });
  World& world = node.world;
  const std::vector<Tuple> tuples{world.tuple_of_next()};
  const auto guessed = static_cast<std::uint16_t>(node.request.identifier + 1);
  for (const std::uint8_t code : std::initializer_list<std::uint8_t>{0, 2, 3, 5}) {
    world.deliver(node.message(code, tuples, guessed));
    world.deliver(node.message(code, tuples, std::uint16_t{0}));
    EXPECT_TRUE(world.status().neighbours.empty()) << int{code};
  }
  const Bytes late = node.message(PrRtAdv::kTuples, tuples);
  Told other([](World& made) { made.tuples.clear(); });
  other.world.advance(seconds(10));
  other.world.deliver(other.message(PrRtAdv::kTuples, tuples));
  EXPECT_TRUE(other.world.status().neighbours.empty());
  world.deliver(late);
  EXPECT_EQ(world.status().neighbours.size(), 1U);
  for (const std::uint8_t code : std::initializer_list<std::uint8_t>{1, 4}) {
    Told unasked([](World& made) { made.tuples.clear(); });
    unasked.world.deliver(unasked.unsolicited(code, tuples));
    EXPECT_EQ(unasked.world.status().neighbours.size(), 1U);
  }
  // A hundred attempts: never 0, no number of another that is outstanding; copies keep theirs.
  Moving asking;
  asking.world.answer_rtsolpr = false;
  std::map<Bytes, std::uint16_t> numbers;
  for (int i = 0; i < 100; ++i) {
    asking.world.advance(seconds(3));
    asking.world.forget_output();
    ASSERT_TRUE(asking.world.order(machine::RequestKey{}));
    asking.world.advance(milliseconds(400));
    const auto copies = asking.world.solicitations();
    ASSERT_GE(copies.size(), 2U);
    for (const Solicitation& copy : copies) {
      EXPECT_NE(copy.identifier, 0);
      const auto [known, fresh] = numbers.emplace(copy.nonce, copy.identifier);
      if (!fresh) {
        EXPECT_EQ(known->second, copy.identifier);
      }
    }
    std::set<std::uint16_t> outstanding;
    for (const auto& request : asking.world.status().requests)
      EXPECT_TRUE(outstanding.insert(request.identifier).second);
  }
}

TEST(Codes, ThePreviousRoutersCertificateNeedNotCoverTheNextOnesPrefix) {
  COVERS("FH-6.1.2-31");
  Moving node;
  World& world = node.world;
  node.prepare_handover();
  EXPECT_EQ(world.updates()[0].fbu.options.alternate_care_of, node.ncoa);
  // What the next router itself advertises is tested against its own.
  world.advertised.prefixes = {node.nar.information(Prefix::literal("2001:db8:ffff:1::/64"))};
  world.forget_output();
  node.roam();
  world.advance(milliseconds(100));
  EXPECT_EQ(world.count("discovery", "prefix-refused"), 1U);
  for (const auto& add : world.asked<machine::AddAddress>())
    EXPECT_FALSE(Prefix::literal("2001:db8:ffff:1::/64").contains(add.address));
}

TEST(Codes, PrefixesOfOtherLengths) {
  COVERS("FH-5.3-02");
  Moving node(mobile_config(), [](World& made) {
    made.tuples[0].prefix = Prefix::literal("2001:db8:c::/48");
    made.tuples[0].router = Ipv6Address::literal("2001:db8:c::1");
  });
  ASSERT_TRUE(node.world.order(HandOver{kApNext}));
  const Ipv6Address ncoa = *node.world.updates()[0].fbu.options.alternate_care_of;
  EXPECT_TRUE(Prefix::literal("2001:db8:c::/64").contains(ncoa)) << ncoa.text();
  EXPECT_EQ(ncoa, node.world.config.identity.address(Prefix::literal("2001:db8:c::/64")));

  Moving narrow(mobile_config(), [](World& made) {
    made.tuples[0].prefix = Prefix::literal("2001:db8:b:1:5::/80");
  });
  EXPECT_EQ(narrow.world.order(HandOver{kApNext}).error(), OrderError::kNoFastHandover);
  EXPECT_TRUE(narrow.world.updates().empty());
  ASSERT_NE(narrow.world.last(EventKind::kWarning), nullptr);
  EXPECT_EQ(narrow.world.last(EventKind::kWarning)->text("access_point"), kApNext.text());
  narrow.roam_to_deaf();
  EXPECT_TRUE(narrow.world.announced().empty());
}

TEST(Codes, AnAnswerThatIsStillAwaitedHoldsNothingUp) {
  COVERS("FH-6.1.1-18");
  Told node([](World& made) { made.tuples.clear(); });
  World& world = node.world;
  node.roam();
  world.advance(milliseconds(1));
  ASSERT_EQ(world.updates().size(), 1U);
  EXPECT_EQ(world.updates()[0].source, node.ncoa);
  EXPECT_LT(world.place("add-address"), world.place("mobility-8"));
  Keyless poor;
  poor.world.order(machine::RequestKey{}).value();
  poor.world.forget_output();
  poor.roam();
  poor.world.advance(milliseconds(10));
  EXPECT_FALSE(poor.world.care_of().is_unspecified());
  EXPECT_TRUE(poor.world.updates().empty());
}

TEST(Codes, AnFbuIsRepeatedAsOftenAsItIsSet) {
  COVERS("FH-6.2.2-17", "FH-9-04");
  for (const unsigned retries : {3U, 7U}) {
    mobile::Config config = mobile_config();
    EXPECT_EQ(config.fbu_retries, 3U);
    config.fbu_retries = retries;
    Moving node(config);
    World& world = node.world;
    ASSERT_TRUE(world.order(HandOver{kApNext}));
    world.advance(seconds(200));
    std::vector<Instant> times;
    for (std::size_t i = 0; i < world.sent.size(); ++i)
      if (read_update(world.sent[i].packet)) times.push_back(world.sent_at[i]);
    ASSERT_EQ(times.size(), retries + 1);
    Duration gap = seconds(1);
    for (std::size_t i = 1; i < times.size(); ++i) {
      EXPECT_EQ(times[i] - times[i - 1], gap);
      gap = std::min<Duration>(2 * gap, seconds(32));
    }
    std::set<std::uint16_t> numbers;
    std::set<Bytes> authenticators;
    const auto updates = world.updates();
    for (const Update& update : updates) {
      EXPECT_TRUE(numbers.insert(update.fbu.sequence).second);
      EXPECT_EQ(update.fbu.sequence, updates[0].fbu.sequence + numbers.size() - 1);
      EXPECT_TRUE(update.made_by(world.issued_algorithm, world.issued(node.par), node.ncoa));
      authenticators.insert(to_bytes(update.fbu.options.authorization->authenticator));
    }
    EXPECT_EQ(authenticators.size(), updates.size());
  }
  // An FBack for any of them ends it.
  for (std::size_t which = 0; which < 3; ++which) {
    Moving node;
    World& world = node.world;
    ASSERT_TRUE(world.order(HandOver{kApNext}));
    world.advance(seconds(4));
    ASSERT_EQ(world.updates().size(), 3U);
    world.deliver(world.fback(node.par, world.updates()[which]));
    world.advance(seconds(10));
    EXPECT_EQ(world.updates().size(), 3U) << which;
  }
}

TEST(Codes, EveryFbuHasItsFlagsAndItsRoutersAddress) {
  COVERS("FH-6.2.2-02", "FH-6.2.2-05", "FH-6.2.2-06", "FH-6.2.2-07");
  Moving node;
  World& world = node.world;
  const auto key = world.key_of(node.par.global[0]);
  ASSERT_TRUE(key);
  node.prepare_handover();
  node.roam();
  world.advance(seconds(16));  // a renewal
  world.roam({&node.par}, kApHere);
  world.advance(milliseconds(10));  // the end
  bool ended = false;
  std::size_t count = 0;
  for (const Update& update : world.updates()) {
    EXPECT_EQ(Reader(ByteView(update.header).subspan(8, 2)).u16(), 0xc000) << "A and H, no other";
    EXPECT_FALSE(update.destination.is_multicast() || update.destination.is_link_local());
    if (update.destination != key->ar) continue;
    ++count;
    ended = ended || update.fbu.lifetime_s == 0;
  }
  EXPECT_GE(count, 3U);
  EXPECT_TRUE(ended);
}

}  // namespace
}  // namespace sendoff::test
