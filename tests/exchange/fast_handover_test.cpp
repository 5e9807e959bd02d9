// A fast handover between a real mobile node and a real access router (RFC 5568 4, 5.6, 6.2, 6.3):
// as its previous router, and as its next one.
#include "exchange/both.h"
#include "router/handover_fixture.h"

namespace sendoff::test {
namespace {

class FastHandover : public config::ConfigTest {
 protected:
  // A node from `kMobileFile` with these lines in [handover].
  [[nodiscard]] mobile::Config node_with(const std::string& lines) {
    auto loaded = mobile(changed(config::kMobileFile, "fbu_retries = 3", lines));
    EXPECT_TRUE(loaded);
    loaded->machine.identity = mobile_config().identity;
    return loaded->machine;
  }
  [[nodiscard]] std::uint32_t maximum_of(const std::string& line) {
    const auto loaded = router(changed(config::kRouterFile, "[keys]", line + "\n[keys]"));
    EXPECT_TRUE(loaded);
    return loaded->machine.max_tunnel_lifetime_s;
  }
};

// The Lifetime of an FBU or FBack as it stands on the wire.
std::uint16_t lifetime_in(ByteView header) { return Reader(header.subspan(10, 2)).u16(); }

// The node's FBU for the next router's access point and the router's FBack to it.
struct Lifetimes {
  explicit Lifetimes(const mobile::Config& node, std::uint32_t maximum_s = 60) {
    router::Config config = router_config();
    config.max_tunnel_lifetime_s = maximum_s;
    Both both(node, config);
    both.advance(seconds(3));
    both.bench.forget();
    EXPECT_TRUE(both.world.order(machine::HandOver{kNarAp})) << both.world.account();
    const Bytes fbu = both.world.updates().back().header;
    asked = lifetime_in(fbu);
    both.bench.receive(both.world.updates().back().packet, kMobileLink);
    for (const auto& fback : sent_by<wire::FastBindingAcknowledgement>(both.bench))
      granted = lifetime_in(ByteView(fback.packet).last(fback.packet.size() - 40));
  }
  int asked = -1;
  int granted = -1;
};

TEST_F(FastHandover, AsksForTensOfSecondsAndGetsNoMoreThanTheRoutersMaximum) {
  COVERS("FH-5.6-04");
  const Lifetimes plain(mobile_config());
  EXPECT_EQ(plain.asked, 30);
  EXPECT_EQ(plain.granted, 30);
  EXPECT_EQ(router_config().max_tunnel_lifetime_s, 60U);
  const Lifetimes longer(node_with("tunnel_lifetime = 600"));
  EXPECT_EQ(longer.asked, 600);
  EXPECT_EQ(longer.granted, 60);
  const Lifetimes shorter(mobile_config(), maximum_of("[handover]\nmax_tunnel_lifetime = 20"));
  EXPECT_EQ(shorter.granted, 20);
}

TEST_F(FastHandover, TellsTheNextRouterTheNodesLinkLayerAddressWhereThatIsSet) {
  COVERS("FH-6.2.2-12");
  router::Config config = router_config();
  config.neighbours[0].handover_initiate = true;
  config.neighbours[0].protection = router::Protection::kClear;
  for (const bool set : {true, false}) {
    Both both(node_with(std::string("fbu_link_address = ") + (set ? "true" : "false")), config);
    both.advance(seconds(3));
    both.bench.forget();
    ASSERT_TRUE(both.world.order(machine::HandOver{kNarAp}));
    const Update fbu = std::move(both.world.updates().back());
    const auto& named = fbu.fbu.options.link_address;
    ASSERT_EQ(named.has_value(), set);
    both.bench.receive(fbu.packet, kMobileLink);
    const auto his = sent_by<wire::HandoverInitiate>(both.bench);
    if (!set) continue;
    EXPECT_EQ(named->option_code, 2);
    EXPECT_EQ(named->address, kMobileLink);
    ASSERT_EQ(his.size(), 1U);
    ASSERT_TRUE(his[0].message.options.link_address);
    EXPECT_EQ(his[0].message.options.link_address->address, kMobileLink);
  }
}

TEST_F(FastHandover, HasItsTunnelAtTheAddressThatTheFbuWentTo) {
  COVERS("FH-4-39");
  // A router with an address in each of two prefixes.
  FakeRouter two("ar-2048", {certificate("ca"), certificate("good-router")},
                 {Prefix::literal("2001:db8:a:1::/64"), Prefix::literal("2001:db8:a:3::/64")}, 1);
  // The other one is what the configuration says of the router here, or is not named at all.
  mobile::Config misled = mobile_config();
  mobile::AccessPoint here;
  here.address = kApHere;
  here.router = two.global[1];
  here.router_link_address = two.link_address;
  here.prefix = Prefix::literal("2001:db8:a:3::/64");
  here.state = mobile::AccessPoint::State::kPossible;
  misled.access_points = {here};
  for (const mobile::Config& config : {mobile_config(), misled}) {
    World world(config);
    world.routers = {&two};
    world.up();
    world.event(machine::ApAttached{kLink, kApHere});
    world.advance(seconds(1));
    world.forget_output();
    world.answer_rs = false;
    world.roam({}, kApNext);
    ASSERT_EQ(world.updates().size(), 1U) << world.account();
    const auto tunnels = world.asked<machine::AttachTunnel>();
    ASSERT_EQ(tunnels.size(), 1U);
    EXPECT_EQ(tunnels[0].remote, world.updates()[0].destination);
    EXPECT_EQ(tunnels[0].remote, two.global[0]) << "the one that the key is for";
    EXPECT_NE(tunnels[0].remote, two.global[1]);
  }
  // And there is no way to configure another one.
  for (const std::string name : {"previous_router", "tunnel_remote", "tunnel_destination", "par"})
    mobile_error("fbu_retries = 3", name + " = \"" + two.global[1].text() + "\"", name);
}

// The node on its way to a real router, which expects it: HI had, proxy and buffer stand.
struct Arriving {
  explicit Arriving(const mobile::Config& config = mobile_config()) : world(config) {
    next.config.neighbours[0].address = kNar;
    next.config.neighbours[0].protection = router::Protection::kClear;
    next.config.new_router.dad_transmits = 0;
    next.bench.now = world.now;
    next.start();
    Tuple tuple;
    tuple.access_point = kApNext;
    tuple.router = next.ar_global();
    tuple.router_link_address = kRouterLink;
    tuple.prefix_length = 64;
    world.tuples = {tuple};
    world.routers = {&previous};
    world.up();
    world.event(machine::ApAttached{kLink, kApHere});
    world.advance(seconds(1));
    ncoa = config.identity.address(Prefix::literal(kPrefix));
    CraftPeer initiate;
    initiate.source = kNar;
    initiate.destination = next.ar_global();
    initiate.buffer = true;
    initiate.link_address = kMobileLink;
    initiate.pcoa = world.care_of();
    initiate.ncoa = ncoa;
    next.bench.receive(initiate.initiate(), kNarLink);
    EXPECT_EQ(state(), "expected");
    next.bench.forget();
    world.forget_output();
    world.answer_rs = false;
    world.roam({}, kApNext);
  }
  [[nodiscard]] std::string state() const {
    const auto arrivals = next.router->status(next.bench.now, 10).arrivals;
    return arrivals.size() == 1 ? std::string(arrivals[0].state) : "";
  }
  // The first announcement, as it left.
  [[nodiscard]] Bytes una() const {
    for (const auto& transmit : world.sent)
      if (read_announced(transmit.packet)) return transmit.packet;
    ADD_FAILURE() << world.account();
    return {};
  }
  void deliver(const Bytes& packet) { next.bench.receive(packet, kMobileLink); }
  [[nodiscard]] bool untouched() const {
    return next.bench.asked<machine::SetProxy>().empty() &&
           next.bench.asked<machine::SetNeighbour>().empty() &&
           next.bench.asked<machine::ReleaseBuffer>().empty() && state() == "expected";
  }
  [[nodiscard]] bool released() const {
    return next.bench.asked<machine::SetNeighbour>().size() == 1 &&
           next.bench.asked<machine::ReleaseBuffer>().size() == 1 && state() == "here";
  }

  FakeRouter previous = next_router();  // of the other prefix
  RouterNode next;
  World world;
  Ipv6Address ncoa;
};

TEST_F(FastHandover, IsAnnouncedToAllNodesOrToTheNextRouter) {
  COVERS("FH-6.3-06");
  for (const bool unicast : {false, true}) {
    Arriving node(unicast ? node_with("una_unicast = true") : mobile_config());
    const auto announced = read_announced(node.una());
    ASSERT_TRUE(announced);
    EXPECT_EQ(announced->destination, unicast ? node.next.ar_global() : kAllNodes);
    EXPECT_TRUE(node.untouched());
    node.deliver(node.una());
    EXPECT_TRUE(node.released()) << unicast;
  }
}

TEST_F(FastHandover, IsAnnouncedWithTheNewAddressAsTarget) {
  COVERS("FH-6.3-07");
  Arriving node;
  const auto announced = read_announced(node.una());
  ASSERT_TRUE(announced);
  EXPECT_EQ(announced->source, node.ncoa);
  EXPECT_EQ(announced->target, node.ncoa);
  // Somebody else's word on the address, and the node's on another.
  node.deliver(foreign_advertisement(Ipv6Address::literal("fe80::99"), node.ncoa, kMobileLink));
  node.deliver(
      foreign_advertisement(node.ncoa, Ipv6Address::literal("2001:db8:a:1::99"), kMobileLink));
  EXPECT_TRUE(node.untouched());
  node.deliver(node.una());
  EXPECT_TRUE(node.released());
}

TEST_F(FastHandover, IsAnnouncedWithTheNodesLinkLayerAddress) {
  COVERS("FH-6.3-08");
  Arriving node;
  const auto option = find_option(node.una(), wire::OptionType::kTargetLinkAddress);
  ASSERT_TRUE(option);
  EXPECT_EQ(*option, (Bytes{2, 1, 0x02, 0x00, 0x5e, 0x00, 0x53, 0x77}));
  Bytes message;
  append(message, wire::NeighborAdvertisement{.target = node.ncoa});
  wire::seal_icmpv6(node.ncoa, kAllNodes, message);
  node.deliver(wire::icmpv6_packet(node.ncoa, kAllNodes, message));
  EXPECT_TRUE(node.untouched());
  node.deliver(node.una());
  EXPECT_TRUE(node.released());
}

}  // namespace
}  // namespace sendoff::test
