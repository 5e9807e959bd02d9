// Links whose addresses come from DHCP (PrRtAdv Code 5; RFC 5568 3.1, 5.2, 6.1.2; GF33).
#include "told.h"

namespace sendoff::test {
namespace {

TEST(Lease, TheFormedAddressIsOnlyNamed) {
  const Ipv6Address leased = Ipv6Address::literal("2001:db8:b:1::1234");
  for (const bool acknowledged : {false, true}) {
    Told node([](World& made) { made.tuples.clear(); });
    World& world = node.world;
    world.dhcp_address = leased;
    world.deliver(node.message(wire::PrRtAdv::kDhcp, {world.tuple_of_next()}));
    ASSERT_TRUE(world.order(machine::HandOver{kApNext})) << world.account();
    EXPECT_EQ(world.updates()[0].fbu.options.alternate_care_of, node.ncoa);
    EXPECT_TRUE(world.asked<machine::RunDhcp>().empty());
    FakeRouter::Fback fields;
    fields.status = 1;
    fields.alternate = node.pcoa;  // GF33
    if (acknowledged) world.deliver(world.fback(node.par, world.updates()[0], fields));
    world.forget_output();
    node.roam_to_deaf();
    EXPECT_EQ(world.asked<machine::RunDhcp>().size(), 1U);
    EXPECT_LT(world.place("add-address"), world.place("run-dhcp")) << "a client needs an address";
    EXPECT_FALSE(added(world, node.ncoa));
    EXPECT_TRUE(added(world, leased));
    for (const auto& tunnel : world.asked<machine::AttachTunnel>())
      EXPECT_NE(tunnel.local, node.ncoa);
    for (const Announced& announced : world.announced()) EXPECT_NE(announced.source, node.ncoa);
    if (acknowledged) continue;
    ASSERT_EQ(world.updates().size(), 1U);
    EXPECT_EQ(world.updates()[0].source, leased);
  }
}

// On a link where addresses come from DHCP, though its router's prefix would let one be formed.
struct Leasing : Told {
  explicit Leasing(bool granted) : Told([](World& made) { made.tuples.clear(); }) {
    world.deliver(message(wire::PrRtAdv::kDhcp, {world.tuple_of_next()}));
    if (granted) {
      world.order(machine::HandOver{kApNext}).value();
      FakeRouter::Fback fields;
      fields.status = 1;
      fields.alternate = pcoa;  // GF33
      world.deliver(world.fback(par, world.updates()[0], fields));
    }
    world.hold_outcome = [](const machine::ActionKind& action) {
      return std::holds_alternative<machine::RunDhcp>(action);
    };
    world.forget_output();
    roam();
    world.advance(milliseconds(10));
  }
  void dhcp_ends(Result<machine::Facts, machine::ActionError> result) {
    ASSERT_FALSE(world.held_outcomes.empty()) << world.account();
    machine::Outcome outcome = world.held_outcomes.front();
    world.held_outcomes.pop_front();
    outcome.result = std::move(result);
    world.mobile->handle(world.now, outcome);
    world.advance(milliseconds(10));
  }
  // The host has one default route: another replaces it, and any can be taken off.
  bool has_default_route() const {
    std::optional<Ipv6Address> gateway;
    for (const machine::SetRoute& route : world.asked<machine::SetRoute>()) {
      if (route.destination.length() != 0) continue;
      if (route.present) gateway = route.gateway;
      if (!route.present && gateway == route.gateway) gateway.reset();
    }
    return gateway.has_value();
  }
  std::size_t runs() const { return world.asked<machine::RunDhcp>().size(); }

  const Ipv6Address leased = Ipv6Address::literal("2001:db8:b:1::1234");
  const Ipv6Address second = mobile_config().identity.address(kNextPrefix, 1);
};

TEST(Lease, BesideALeaseAnAddressIsFormedForKeysOnlyAndNeverTheNamedOne) {
  for (const bool granted : {false, true}) {
    Leasing node(granted);
    World& world = node.world;
    // Nothing is formed as long as DHCP may still give one: a session would take it.
    for (const auto& add : world.asked<machine::AddAddress>())
      EXPECT_TRUE(add.address.is_link_local() || add.address == node.pcoa) << add.address.text();
    node.dhcp_ends(machine::Facts{.address = node.leased});
    EXPECT_TRUE(added(world, node.leased));
    EXPECT_FALSE(added(world, node.ncoa));
    EXPECT_TRUE(node.has_default_route()) << world.account();
    const auto keys = added(world, node.second);
    ASSERT_TRUE(keys) << world.account();
    EXPECT_EQ(keys->preferred, Duration{});
    ASSERT_FALSE(world.solicitations().empty());
    EXPECT_EQ(world.solicitations().back().source, node.second);
    ASSERT_EQ(world.updates().size(), granted ? 0U : 1U);
    if (!granted) {
      EXPECT_EQ(world.updates()[0].source, node.leased);
    }
    for (const Announced& announced : world.announced()) EXPECT_NE(announced.source, node.ncoa);
    // An advertisement that comes later changes nothing.
    world.deliver(node.nar.router_advertisement(kAllNodes, world.seal(), FakeRouter::Advertised{}),
                  node.nar.link_address);
    world.advance(milliseconds(10));
    EXPECT_FALSE(added(world, node.ncoa));
    for (const auto& add : world.asked<machine::AddAddress>())
      EXPECT_TRUE(add.address != node.second || add.preferred == Duration{});
  }
}

TEST(Lease, TheNamedAddressIsNotFormedEvenWhereOthersHaveTheNextTwo) {
  Leasing node(true);
  World& world = node.world;
  node.dhcp_ends(fail(machine::ActionError::kUnsupported));
  const Ipv6Address third = mobile_config().identity.address(kNextPrefix, 2);
  for (const Ipv6Address& address : {node.second, third}) {
    ASSERT_TRUE(added(world, address)) << world.account();
    world.event(machine::AddressChanged{kLink, address, machine::AddressChanged::What::kDuplicate});
  }
  world.forget_output();
  world.advance(seconds(61));
  EXPECT_TRUE(added(world, node.second)) << world.account();
  EXPECT_FALSE(added(world, node.ncoa));
}

TEST(Lease, ALeaseStaysWhenTheRouterDeliversThePcoaBesideIt) {
  Leasing node(false);
  World& world = node.world;
  node.dhcp_ends(machine::Facts{.address = node.leased});
  ASSERT_EQ(world.updates().size(), 1U);
  const auto updates = world.updates();
  world.forget_output();
  FakeRouter::Fback fields;
  fields.status = 1;
  fields.alternate = node.pcoa;
  world.deliver(world.fback(node.par, updates[0], fields));
  world.advance(milliseconds(10));
  EXPECT_FALSE(removed(world, node.leased)) << world.account();
  ASSERT_FALSE(world.announced().empty());
  EXPECT_EQ(world.announced()[0].source, node.pcoa);
}

TEST(Lease, WithoutALeaseThereIsWhatTheAdvertisementGivesAndDhcpIsTriedAgain) {
  COVERS("SND-7.3-9");
  Leasing node(true);
  World& world = node.world;
  node.dhcp_ends(fail(machine::ActionError::kRefused));
  EXPECT_EQ(world.count("dhcp-failed"), 1U);
  EXPECT_EQ(world.last(machine::EventKind::kWarning)->text("reason"), "refused");
  EXPECT_FALSE(added(world, node.ncoa));
  ASSERT_TRUE(added(world, node.second)) << world.account();
  EXPECT_NE(added(world, node.second)->preferred, Duration{});
  EXPECT_EQ(node.runs(), 1U);
  world.advance(seconds(10));
  ASSERT_EQ(node.runs(), 2U);
  // Not of the router's prefix: not used (RFC 3971 7.3).
  const Ipv6Address foreign = Ipv6Address::literal("2001:db8:ffff::1");
  node.dhcp_ends(machine::Facts{.address = foreign});
  EXPECT_FALSE(added(world, foreign));
  EXPECT_EQ(world.count("dhcp-failed"), 2U);
  EXPECT_EQ(world.last(machine::EventKind::kWarning)->text("reason"), "not-of-this-link");
  world.advance(seconds(19));
  EXPECT_EQ(node.runs(), 2U);
  world.advance(seconds(2));
  ASSERT_EQ(node.runs(), 3U);
  world.forget_output();
  node.dhcp_ends(machine::Facts{.address = node.leased});
  EXPECT_TRUE(added(world, node.leased));
  ASSERT_TRUE(added(world, node.second));
  EXPECT_EQ(added(world, node.second)->preferred, Duration{});
  // Without an FBack the formed one is put into use, and DHCP left alone; a host that has no DHCP
  // is not asked twice.
  for (const bool granted : {false, true}) {
    Leasing poor(granted);
    poor.dhcp_ends(fail(machine::ActionError::kUnsupported));
    EXPECT_EQ(poor.world.last(machine::EventKind::kWarning)->text("reason"), "unsupported");
    ASSERT_EQ(poor.world.updates().size(), granted ? 0U : 1U);
    if (!granted) {
      EXPECT_EQ(poor.world.updates()[0].source, poor.second);
    }
    poor.world.advance(seconds(15));
    EXPECT_EQ(poor.runs(), 1U);
  }
}

}  // namespace
}  // namespace sendoff::test
