// How a node learns the global address of its router, where FBUs go (RFC 6275 7.2, W7).
#include "exchange/nodes.h"

namespace sendoff::test {
namespace {

TEST(RouterAddress, IsInEveryAdvertisementAndNowhereElse) {
  COVERS("FH-6275-51");
  NarNode router;
  router.config.interfaces[0].prefixes.push_back({Prefix::literal("2001:db8:a:9::/64"), 500, 400});
  router.config.secured_only = false;
  router.start();
  router.bench.advance(seconds(700));  // periodic
  const auto solicit = [&](const Craft& craft) {
    router.bench.receive(craft.packet(), router.mn.link_address());
    router.bench.advance(seconds(4));
  };
  solicit(router.mn.router_solicitation(router.bench.now));  // unicast, with its Nonce
  Craft anonymous = router.mn.router_solicitation(router.bench.now);
  anonymous.source = {};
  anonymous.options.clear();
  anonymous.cga_parameters.reset();
  anonymous.signer.reset();
  solicit(anonymous);  // multicast
  router.take(router.hi());
  const LinkAddress stranger = LinkAddress::literal("02:00:00:00:0e:0e");
  router.bench.receive(router.una(router.ncoa(), stranger), stranger);  // with NAACK
  router.bench.host(machine::Ending{});                                 // the last
  std::set<std::string> kinds;
  std::size_t count = 0;
  for (const machine::Transmit& transmit : router.bench.sent) {
    if (transmit.packet[6] != wire::kProtocolIcmpv6 || transmit.packet[40] != 134) continue;
    ++count;
    const auto ip = *wire::Ipv6Header::parse(transmit.packet);
    const auto ra = *wire::RouterAdvertisement::parse(ByteView(transmit.packet).subspan(40));
    kinds.insert(find_option(transmit.packet, wire::OptionType::kNaack) ? "naack"
                 : ra.router_lifetime_s == 0                            ? "last"
                 : ip.destination.is_multicast()                        ? "multicast"
                                                                        : "unicast");
    std::vector<Ipv6Address> addresses;
    for (const wire::RawOption& option : options_of(transmit.packet)) {
      if (option.type != wire::OptionType::kPrefixInformation) continue;
      const auto information = *wire::PrefixInformation::parse(option.octets);
      EXPECT_TRUE(information.router_address);
      addresses.push_back(information.address);
    }
    const auto& identity = router.config.interfaces[0].identity;
    EXPECT_EQ(addresses, (std::vector{identity.address(Prefix::literal(kPrefix)),
                                      identity.address(Prefix::literal("2001:db8:a:9::/64"))}));
    EXPECT_EQ(addresses[0], router.ar_global());
  }
  EXPECT_GE(count, 6u);
  EXPECT_EQ(kinds, (std::set<std::string>{"multicast", "unicast", "naack", "last"}));

  // Without it a node has a router and an address, but nobody to ask for a key or to send an FBU.
  Attached without(mobile_config(),
                   [](World& world) { world.advertised.global_addresses = false; });
  World& world = without.world;
  world.advance(seconds(10));
  EXPECT_FALSE(world.care_of().is_unspecified()) << world.account();
  const auto link = world.status().links.at(0);
  EXPECT_TRUE(link.router);
  EXPECT_FALSE(link.router_global);
  EXPECT_TRUE(world.solicitations().empty());
  EXPECT_GE(world.count("no-global-address"), 1u);
  EXPECT_TRUE(world.status().keys.empty());
  world.roam({&without.nar}, kApNext);
  world.advance(seconds(1));
  EXPECT_TRUE(world.updates().empty());
  // With it the same node has both.
  Attached with;
  EXPECT_EQ(with.world.status().links.at(0).router_global, with.par.global[0]);
  EXPECT_TRUE(with.world.key_of(with.par.global[0]));
}

}  // namespace
}  // namespace sendoff::test
