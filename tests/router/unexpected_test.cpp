// Nodes that announce themselves to the new access router without an HI before: what they are told,
// whom it tells of them, and that nothing else comes of it.
#include "router/handover_fixture.h"

namespace sendoff::test {
namespace {

using machine::SetNeighbour;
using router::InUseAnswer;

const LinkAddress kOwner = LinkAddress::literal("02:00:00:00:0e:0e");

class Unexpected : public NarTest {
 protected:
  void occupy(const Ipv6Address& address) {
    bench.host(machine::NeighbourChanged{{0}, address, kOwner, true});
    bench.forget();
  }
  void announce(const Ipv6Address& address, bool override_flag = false) {
    Craft craft;
    craft.source = address;
    craft.destination = kAllNodes;
    append(craft.head,
           wire::NeighborAdvertisement{.override_flag = override_flag, .target = address});
    craft.options.push_back(octets_of(
        wire::LinkAddressOption{wire::OptionType::kTargetLinkAddress, mn.link_address()}));
    receive(craft, mn);
  }
  [[nodiscard]] bool nothing_happened() const {
    return bench.sent.empty() && bench.actions.empty() && arrivals().empty();
  }
};

TEST_F(Unexpected, AnAddressOfSomebodyElsesIsRefusedAsTheOperatorWantsIt) {
  COVERS("FH-6.4.6-08");  // 2, 4 and 128: Arrival.WhoMissedTheFbackIsToldWhatItGot
  for (const auto& [answer, status] :
       {std::pair{InUseAnswer::kConfigure, 1}, std::pair{InUseAnswer::kRouterAddress, 3}}) {
    config.new_router.in_use = answer;
    bench = MachineBench();
    start();
    occupy(ncoa());
    announce(ncoa());
    ASSERT_EQ(naacks().size(), 1u) << status;
    EXPECT_EQ(naacks()[0].option.status, status);
    EXPECT_FALSE(naacks()[0].option.address.has_value());
    EXPECT_EQ(naacks()[0].destination, ncoa());
    EXPECT_EQ(naacks()[0].link_destination, mn.link_address());
    EXPECT_EQ(naacks()[0].ra.router_lifetime_s, config.interfaces[0].advertised.router_lifetime_s);
    EXPECT_NE(naacks()[0].ra.router_lifetime_s, 0);
    EXPECT_EQ(naacks()[0].prefixes, 1u);
    EXPECT_TRUE(bench.actions.empty());
    EXPECT_TRUE(probed().empty());
    EXPECT_EQ(counted("in-use-told"), 1u);
    // The owner itself, one that replaces its link-layer address, and an address of nobody's.
    bench.forget();
    bench.receive(una(ncoa(), kOwner), kOwner);
    announce(ncoa(), true);
    announce(Ipv6Address::literal("2001:db8:a:1::1234"));
    EXPECT_TRUE(nothing_happened());
    for (int i = 0; i < 100; ++i) announce(ncoa());
    EXPECT_LE(naacks().size(), 10u);
  }
  // By default nobody is told anything.
  config.new_router.in_use = router::NewRouterConfig{}.in_use;
  bench = MachineBench();
  start();
  occupy(ncoa());
  announce(ncoa());
  EXPECT_TRUE(nothing_happened());
}

TEST_F(Unexpected, WhatAProbeFoundInUseIsKnownForAWhile) {
  config.new_router.in_use = InUseAnswer::kConfigure;
  config.new_router.dad_transmits = 1;
  config.new_router.support_pcoa = false;
  start();
  take(hi(1));
  bench.receive(una(ncoa(), kOwner), kOwner);  // its owner answers the probe
  EXPECT_EQ(code(), 1);
  bench.forget();
  announce(ncoa());
  ASSERT_EQ(naacks().size(), 1u);
  EXPECT_EQ(naacks()[0].option.status, 1);
  bench.advance(seconds(10));
  bench.forget();
  announce(ncoa());
  EXPECT_TRUE(nothing_happened());
}

TEST_F(Unexpected, NaackStatusThreeLeadsToARouteForThePcoa) {
  config.new_router.in_use = InUseAnswer::kRouterAddress;
  start();
  occupy(ncoa());
  announce(ncoa());
  ASSERT_EQ(naacks().size(), 1u);
  ASSERT_EQ(naacks()[0].option.status, 3);
  bench.forget();
  // The node names our address in its FBU, so the HI does.
  CraftPeer craft = hi(1);
  craft.code = 1;
  craft.buffer = false;
  craft.ncoa = ar_global();
  take(craft);
  EXPECT_EQ(code(), 3);
  ASSERT_EQ(bench.asked<machine::SetRoute>().size(), 1u);
  EXPECT_EQ(bench.asked<machine::SetRoute>()[0]->destination, Prefix(pcoa, 128));
  EXPECT_TRUE(bench.asked<machine::SetRoute>()[0]->present);
  ASSERT_EQ(bench.asked<machine::AttachTunnel>().size(), 1u);
  EXPECT_EQ(bench.asked<machine::AttachTunnel>()[0]->remote, par);
}

TEST_F(Unexpected, ItsPreviousRouterIsInvitedToTellOfIt) {
  start();
  announce(pcoa);
  ASSERT_EQ(hacks().size(), 1u);
  EXPECT_EQ(hacks()[0].ip.source, ar_global());
  EXPECT_EQ(hacks()[0].ip.destination, par);
  EXPECT_EQ(hacks()[0].message.code, 4);
  EXPECT_EQ(address_in(hacks()[0].message.options, AddressCode::kOldCareOfAddress), pcoa);
  EXPECT_EQ(address_in(hacks()[0].message.options, AddressCode::kNewCareOfAddress), std::nullopt);
  EXPECT_TRUE(bench.actions.empty());
  EXPECT_EQ(counted("invited"), 1u);
  // Its HI: the node keeps the address that it has announced, whatever it once proposed, and is
  // here.
  bench.forget();
  take(hi(1));
  EXPECT_EQ(code(), 3);
  ASSERT_EQ(bench.asked<machine::SetRoute>().size(), 1u);
  EXPECT_EQ(bench.asked<machine::SetRoute>()[0]->destination, Prefix(pcoa, 128));
  ASSERT_EQ(bench.asked<SetNeighbour>().size(), 1u);
  EXPECT_EQ(bench.asked<SetNeighbour>()[0]->address, pcoa);
  EXPECT_EQ(bench.asked<SetNeighbour>()[0]->link_address, mn.link_address());
  EXPECT_EQ(bench.asked<machine::ReleaseBuffer>().size(), 1u);
  ASSERT_EQ(arrivals().size(), 1u);
  EXPECT_EQ(arrivals()[0].state, "here");
  // Known now: nothing more is sent, and it stays when the proxy's time would be over.
  bench.forget();
  announce(pcoa);
  EXPECT_TRUE(bench.sent.empty());
  bench.advance(seconds(10));
  EXPECT_TRUE(hacks().empty());
  EXPECT_EQ(arrivals().size(), 1u);
}

TEST_F(Unexpected, EachInvitationHasANumberOfItsOwnAndThereAreFew) {
  start();
  for (int i = 0; i < 100; ++i) announce(pcoa);
  const auto all = hacks();
  EXPECT_EQ(all.size(), 10u);
  for (std::size_t i = 1; i < all.size(); ++i)
    EXPECT_NE(all[i].message.sequence, all[i - 1].message.sequence);
}

TEST_F(Unexpected, OnlyWhoseNodeItIsIsInvitedAndOnlyWhereWeMaySpeakToIt) {
  start();
  announce(Ipv6Address::literal("2001:db8:c::77"));    // no neighbour's
  announce(Ipv6Address::literal("2001:db8:a:1::77"));  // one of this link
  announce(par);                                       // the router's own
  announce(pcoa, true);                                // no UNA
  EXPECT_TRUE(nothing_happened());
  for (const int without : {0, 1, 2}) {
    config.new_router.invite = without != 0;
    config.new_router.support_pcoa = without != 1;
    config.neighbours[0].protection =
        without == 2 ? router::Protection::kNone : router::Protection::kClear;
    bench = MachineBench();
    start();
    announce(pcoa);
    EXPECT_TRUE(nothing_happened()) << without;
  }
}

TEST_F(Unexpected, AnHiOfAnotherNodeOrTooLateIsLikeAnyOther) {
  start();
  announce(pcoa);
  bench.forget();
  CraftPeer other = hi(1);
  other.link_address = kOwner;
  take(other);
  EXPECT_EQ(code(), 0);
  bench = MachineBench();
  start();
  announce(pcoa);
  bench.advance(config.new_router.proxy_lifetime);
  bench.forget();
  take(hi(1));
  EXPECT_EQ(code(), 0);
}

TEST_F(Unexpected, AUnaForAnAddressThatIsNotProxiedIsTheHostsAffair) {
  start();
  announce(ncoa());
  EXPECT_TRUE(nothing_happened());
  occupy(ncoa());
  announce(ncoa());
  EXPECT_TRUE(nothing_happened());
}

}  // namespace
}  // namespace sendoff::test
