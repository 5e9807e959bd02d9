// The RtSolPr itself (RFC 5568 6.1.1): what is in it, where it goes, when it is sent again.
#include "mobile/solicitation.h"

#include "moving.h"

namespace sendoff::test {
namespace {

using machine::OrderError;
using mobile::SolicitationError;
using Code = wire::LinkLayerAddressOption::Code;

struct Asks : Attached {
  explicit Asks(const std::function<void(World&)>& prepare = {})
      : Attached(mobile_config(), [&](World& made) {
          made.answer_rtsolpr = false;
          if (prepare) prepare(made);
        }) {}
  // Once what was sent first counts for no rate any more.
  Result<void, OrderError> ask(const machine::RequestKey& order) {
    world.show(par);
    world.advance(seconds(3));
    world.forget_output();
    return world.order(order);
  }
};

// The ICMPv6 options of a kind in the packet that asks.
std::vector<Bytes> link_options(const Solicitation& request) {
  std::vector<Bytes> found;
  const auto options = wire::OptionList::parse(
      wire::PacketView::parse(request.packet)->upper.subspan(wire::RtSolPr::kSize));
  for (const wire::RawOption& option : *options)
    if (option.type == wire::OptionType::kLinkLayerAddress)
      found.push_back(to_bytes(option.octets));
  return found;
}

TEST(Solicitation, GoesToTheRouterOrToAllRoutersAndNowhereElse) {
  COVERS("FH-6.1.1-03");
  Asks node;
  World& world = node.world;
  for (const Ipv6Address& destination : {node.par.link_local, kAllRouters}) {
    ASSERT_TRUE(node.ask({.access_points = {}, .destination = destination}));
    ASSERT_FALSE(world.solicitations().empty());
    EXPECT_EQ(world.solicitations().back().destination, destination);
    EXPECT_TRUE(world.solicitations().back().valid);
  }
  for (const char* destination : {"ff02::1", "ff05::2", "fe80::99", "2001:db8:a:1::99", "::"}) {
    const auto refused =
        node.ask({.access_points = {}, .destination = Ipv6Address::literal(destination)});
    ASSERT_FALSE(refused) << destination;
    EXPECT_EQ(refused.error(), OrderError::kNotARouter);
    EXPECT_TRUE(world.solicitations().empty()) << destination;
  }
  // The answer to one that went to all is taken as any other.
  world.answer_rtsolpr = true;
  ASSERT_TRUE(node.ask({.access_points = {}, .destination = kAllRouters}));
  EXPECT_TRUE(world.key_of(node.par.global[0]));
}

TEST(Solicitation, NamesItsSendersLinkLayerAddressWhereTheLinkHasThem) {
  COVERS("FH-6.1.1-08");
  Asks ethernet;
  const Solicitation request = ethernet.world.solicitations().back();
  const auto options = link_options(request);
  ASSERT_EQ(options.size(), 2U);
  EXPECT_EQ(options[0], (Bytes{19, 2, 4, 0x02, 0x00, 0x5e, 0x00, 0x53, 0x77, 0, 0, 0, 0, 0, 0, 0}));
  Asks bare([](World& made) { made.link_address = LinkAddress{}; });
  ASSERT_FALSE(bare.world.solicitations().empty()) << bare.world.account();
  EXPECT_EQ(bare.world.solicitations().back().link_codes, (std::vector<Code>{Code::kWildcard}));
  // No other message of the node names an address that is not there.
  for (const auto& transmit : bare.world.sent) {
    const auto packet = wire::PacketView::parse(transmit.packet);
    if (packet->upper[0] != 133) continue;
    const auto list = wire::OptionList::parse(packet->upper.subspan(8));
    ASSERT_TRUE(list);
    EXPECT_FALSE(list->first(wire::OptionType::kSourceLinkAddress));
  }
}

TEST(Solicitation, IsAlwaysAboutAnAccessPointOrAll) {
  COVERS("FH-6.1.1-09");
  mobile::Solicitation nothing{.identifier = 1, .link_address = kMobileLink};
  ASSERT_FALSE(compose(nothing));
  EXPECT_EQ(compose(nothing).error(), SolicitationError::kNoAccessPoint);
  nothing.wildcard = true;
  EXPECT_TRUE(compose(nothing));
  Asks node;
  World& world = node.world;
  ASSERT_TRUE(node.ask({}));
  ASSERT_TRUE(node.ask({.access_points = {kApNext, kApX}}));
  world.show(node.par);
  ASSERT_EQ(world.order(machine::HandOver{kApX}).error(), OrderError::kUnknownAccessPoint);
  world.advance(seconds(1000));
  ASSERT_GE(world.solicitations().size(), 5U);
  for (const Solicitation& request : world.solicitations()) {
    const auto about = std::ranges::count_if(request.link_codes, [](Code code) {
      return code == Code::kWildcard || code == Code::kNewAccessPoint;
    });
    EXPECT_GE(about, 1);
  }
}

TEST(Solicitation, IsNotAboutAllAndSomeAtOnce) {
  mobile::Solicitation both{.identifier = 1, .wildcard = true, .access_points = {kApX}};
  ASSERT_FALSE(compose(both));
  EXPECT_EQ(compose(both).error(), SolicitationError::kWildcardAndMore);
  both.wildcard = false;
  EXPECT_TRUE(compose(both));
  both.identifier = 0;
  EXPECT_EQ(compose(both).error(), SolicitationError::kNoIdentifier);
  Asks node;
  ASSERT_TRUE(node.ask({.access_points = {kApNext, kApX}}));
  EXPECT_EQ(node.world.solicitations().back().link_codes,
            (std::vector<Code>{Code::kSource, Code::kNewAccessPoint, Code::kNewAccessPoint}));
  std::vector<LinkAddress> many(mobile::kMaxAccessPoints + 1, kApX);
  EXPECT_EQ(node.ask({.access_points = many}).error(), OrderError::kTooMany);
  both.identifier = 1;
  both.access_points = many;
  EXPECT_EQ(compose(both).error(), SolicitationError::kTooMany);
}

// When RtSolPr left since the last forget_output().
std::vector<Instant> times(const World& world) {
  std::vector<Instant> found;
  for (std::size_t i = 0; i < world.sent.size(); ++i)
    if (read_solicitation(world.sent[i].packet)) found.push_back(world.sent_at[i]);
  return found;
}

TEST(Solicitation, IsSentAgainAfterTwoRoundTrips) {
  COVERS("FH-6.1.1-15");
  Asks unknown;
  unknown.world.advance(milliseconds(400));
  ASSERT_GE(times(unknown.world).size(), 2U);
  EXPECT_EQ(times(unknown.world)[1] - times(unknown.world)[0], milliseconds(100));

  for (const int round_trip_ms : {80, 20}) {
    Asks node;
    World& world = node.world;
    ASSERT_TRUE(node.ask({}));
    world.advance(milliseconds(round_trip_ms));
    world.deliver(world.answer(node.par, world.solicitations().at(0)));
    ASSERT_TRUE(world.key_of(node.par.global[0]));
    ASSERT_TRUE(node.ask({}));
    const auto wait = milliseconds(round_trip_ms == 80 ? 160 : 100);
    world.advance(wait - milliseconds(1));
    EXPECT_EQ(times(world).size(), 1U) << "none earlier";
    world.advance(milliseconds(1));
    ASSERT_EQ(times(world).size(), 2U);
    EXPECT_EQ(times(world)[1] - times(world)[0], wait);
    // Which of the two copies this answers nobody can say.
    world.advance(milliseconds(500));
    world.deliver(world.answer(node.par, world.solicitations().at(0)));
    ASSERT_TRUE(node.ask({}));
    world.advance(wait);
    EXPECT_EQ(times(world).size(), 2U);
  }
  // On another link nothing is known.
  Asks node;
  World& world = node.world;
  ASSERT_TRUE(node.ask({}));
  world.advance(milliseconds(80));
  world.deliver(world.answer(node.par, world.solicitations().at(0)));
  world.forget_output();
  world.move({&node.nar});
  world.advance(milliseconds(400));
  ASSERT_GE(times(world).size(), 2U);
  EXPECT_EQ(times(world)[1] - times(world)[0], milliseconds(100));
}

}  // namespace
}  // namespace sendoff::test
