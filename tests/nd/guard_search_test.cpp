// A host that fell back to routers without SEND looks for one with it (RFC 3971 8).
#include "nd/guard_fixture.h"

namespace sendoff::test {
namespace {

class GuardSearch : public GuardTest {
 protected:
  GuardSearch() { trust(); }
  void fall_back() {
    ASSERT_TRUE(
        taken(from_wire(router_advertisement(stranger, stranger_link, 1800), stranger_link)));
  }
  // Router Solicitations of the guard's own since the last call: their sources.
  [[nodiscard]] std::vector<Ipv6Address> questions() {
    std::vector<Ipv6Address> sources;
    for (const machine::Transmit& transmit : std::exchange(bench.sent, {})) {
      const auto packet = wire::PacketView::parse(transmit.packet);
      if (!wire::RouterSolicitation::parse(packet->upper)) continue;
      EXPECT_EQ(packet->header.destination, kAllRouters);
      EXPECT_TRUE(nonce_of(transmit.packet));
      EXPECT_EQ(find_option(transmit.packet, wire::OptionType::kRsaSignature).has_value(),
                !packet->header.source.is_unspecified());
      sources.push_back(packet->header.source);
    }
    return sources;
  }

  const Ipv6Address stranger = Ipv6Address::literal("fe80::66");
  const LinkAddress stranger_link = LinkAddress::literal("02:00:00:00:66:66");
};

TEST_F(GuardSearch, AfterAnUnsecuredRouterWasTakenAsksThriceAndThenEachMinute) {
  COVERS("SND-8-23");
  start();
  bench.advance(seconds(60));
  EXPECT_TRUE(questions().empty()) << "the kernel asks as long as nobody answers";
  fall_back();
  bench.advance(seconds(3));
  EXPECT_TRUE(questions().empty());
  for (int i = 0; i < 3; ++i) {
    bench.advance(seconds(1));
    EXPECT_EQ(questions(), std::vector{own()}) << i;
    bench.advance(seconds(3));
    EXPECT_TRUE(questions().empty()) << i;
  }
  bench.advance(seconds(1));
  EXPECT_EQ(questions(), std::vector{Ipv6Address{}}) << "our clock may be off";
  bench.advance(seconds(59));
  EXPECT_TRUE(questions().empty());
  bench.advance(seconds(1));
  EXPECT_EQ(questions().size(), 1U);
  EXPECT_EQ(counted("router-sought"), 5U);
  // Others of the kind change nothing.
  fall_back();
  bench.advance(seconds(59));
  EXPECT_TRUE(questions().empty());
  have_router();
  bench.advance(seconds(1000));
  EXPECT_TRUE(questions().empty());
}

TEST_F(GuardSearch, AsksAtOnceWhenTheCertifiedRouterIsGone) {
  COVERS("SND-8-23");
  const auto reachable = [&](bool is) {
    bench.host(machine::NeighbourChanged{
        kGuarded, router.link_local, is ? std::optional(router.link_address) : std::nullopt, is});
  };
  start();
  have_router();
  bench.advance(seconds(10));
  (void)questions();
  reachable(false);
  bench.advance(Duration{});
  EXPECT_EQ(questions(), std::vector{own()});
  reachable(true);
  bench.advance(seconds(20));
  EXPECT_TRUE(questions().empty());
  FakeRouter::Advertised ends;
  ends.lifetime_s = 0;
  ASSERT_TRUE(taken(from_wire(certified_advertisement(ends), router.link_address)));
  bench.advance(Duration{});
  EXPECT_EQ(questions(), std::vector{own()});
  ASSERT_TRUE(taken(from_wire(certified_advertisement(), router.link_address)));
  bench.advance(seconds(1700));
  EXPECT_TRUE(questions().empty());
  bench.advance(seconds(100));  // its lifetime
  EXPECT_EQ(questions(), std::vector{own()});
  bench.host(machine::InterfaceDown{kGuarded});
  bench.advance(seconds(100));
  EXPECT_TRUE(questions().empty());
}

TEST_F(GuardSearch, IsForThoseWhoTrustSomebodyAndHaveNoRoleThatAsks) {
  config.paths.anchors.reset();
  start();
  fall_back();
  bench.advance(seconds(100));
  EXPECT_TRUE(questions().empty());
  trust();
  nd::CertifierConfig certifier;
  certifier.path = {certificate("ca"), certificate("good-router")};
  certifier.anchor = *pki::TrustAnchor::parse(certificate("anchor"));
  config.certifier = certifier;
  start();
  fall_back();
  bench.advance(seconds(100));
  EXPECT_TRUE(questions().empty()) << "this one is a router itself";
}

}  // namespace
}  // namespace sendoff::test
