// How the right to say something is proven, by kind of message (RFC 3971 5.2.3).
#include "nd/guard_fixture.h"

namespace sendoff::test {
namespace {

using send::Method;
using wire::OptionType;

class Authorization : public GuardTest {
 protected:
  using Kind = send::Kind;
  Authorization() { secured_only(); }
  // As a reload does.
  void set(Kind kind, Method method) {
    config.receiver.methods.set(kind, method);
    ASSERT_TRUE(guard->handle(bench.now, config));
  }
  // An RA by the certified key; each with a date of its own.
  [[nodiscard]] Bytes certified(bool cga = true) {
    bench.advance(milliseconds(100));
    Seal seal;
    seal.utc = bench.now.utc;
    seal.cga = cga;
    return router.router_advertisement(kAllNodes, seal, {});
  }
  // By the certified key, with a CGA option that is not its source's.
  [[nodiscard]] Bytes certified_with_wrong_cga() {
    bench.advance(milliseconds(100));
    Seal seal;
    seal.utc = bench.now.utc;
    seal.cga = false;
    cga::Parameters parameters = router.parameters(Prefix::literal("fe80::/64"));
    parameters.modifier[9] ^= 1;
    seal.before_signing = [octets = parameters.octets()](Bytes& message) {
      append(message, wire::CgaOption{octets});
    };
    return router.router_advertisement(kAllNodes, seal, {});
  }
  // By a key that is in no certificate, from its CGA.
  [[nodiscard]] Bytes uncertified() {
    bench.advance(milliseconds(100));
    return secured(peer.link_local(), kAllNodes,
                   octets_of(wire::RouterAdvertisement{.router_lifetime_s = 1800}), std::nullopt)
        .packet();
  }
  // Whether it is secured, in the end.
  bool believed(const Bytes& packet, const LinkAddress& from) {
    const std::uint64_t before = counted("taken-secured");
    (void)from_wire(packet, from);
    const machine::HoldId hold = last_hold();
    if (!verdict(hold)) bench.advance(seconds(16));
    EXPECT_EQ(taken(verdict(hold)), counted("taken-secured") == before + 1);
    return taken(verdict(hold));
  }
  bool believed(const Bytes& packet) { return believed(packet, router.link_address); }
  bool redirected() {
    bench.advance(milliseconds(100));
    Seal seal;
    seal.utc = bench.now.utc;
    return believed(router.secured(octets_of(wire::Redirect{Ipv6Address::literal("fe80::5"),
                                                            Ipv6Address::literal("2001:db8:f::5")}),
                                   own(), seal));
  }
};

TEST_F(Authorization, OfRoutersIsWhatTheMethodDemands) {
  COVERS("SND-5.2.3-2", "SND-5.2.3-4", "SND-5.2.3-5", "SND-5.2.2-9", "SND-5.2.3-9");
  trust();
  start();
  have_router();
  struct Case {
    Method method;
    bool both;
    bool certificate_alone;
    bool cga_alone;
  };
  for (const Case& each : {Case{Method::kTrustAnchor, true, true, false},
                           {Method::kCga, true, false, true},
                           {Method::kTrustAnchorAndCga, true, false, false},
                           {Method::kTrustAnchorOrCga, true, true, true}}) {
    set(Kind::kRouterAdvertisement, each.method);
    const std::uint64_t wrong = bench.counter("send", "cga");
    EXPECT_EQ(believed(certified()), each.both) << name(each.method);
    EXPECT_EQ(believed(certified(false)), each.certificate_alone) << name(each.method);
    EXPECT_EQ(believed(uncertified(), peer_link()), each.cga_alone) << name(each.method);
    // A CGA option that is there is verified, whatever the method.
    EXPECT_FALSE(believed(certified_with_wrong_cga())) << name(each.method);
    EXPECT_EQ(bench.counter("send", "cga"), wrong + 1);
  }
}

TEST_F(Authorization, ByCgaConsultsNoCertificate) {
  COVERS("SND-5.2.3-3");
  start();  // without anchors
  EXPECT_TRUE(believed(secured_solicitation().packet(), peer_link()));
  Seal seal;
  seal.utc = bench.now.utc;
  seal.cga = false;
  seal.nonce = Bytes(6, 1);
  cga::Parameters parameters = router.parameters(Prefix::literal("fe80::/64"));
  parameters.modifier[9] ^= 1;
  seal.before_signing = [octets = parameters.octets()](Bytes& message) {
    append(message, wire::CgaOption{octets});
  };
  trust();
  start();
  have_router();
  EXPECT_FALSE(believed(
      router.secured(octets_of(wire::NeighborSolicitation{own()}), own().solicited_node(), seal)));
  EXPECT_EQ(bench.counter("send", "cga"), 1u);
  // A router by its CGA alone is one that nobody asks for certificates.
  start();
  set(Kind::kRouterAdvertisement, Method::kCga);
  bench.sent.clear();
  EXPECT_TRUE(believed(uncertified(), peer_link()));
  EXPECT_TRUE(bench.sent.empty());
}

TEST_F(Authorization, OfHostsIsByTheirAddressOrNotAtAll) {
  start();
  for (const Method method : {Method::kCga, Method::kTrustAnchorOrCga, Method::kTrustAnchor,
                              Method::kTrustAnchorAndCga}) {
    set(Kind::kNeighborSolicitation, method);
    const bool by_cga = method == Method::kCga || method == Method::kTrustAnchorOrCga;
    EXPECT_EQ(believed(secured_solicitation().packet(), peer_link()), by_cga) << name(method);
  }
  EXPECT_EQ(counted("unauthorised"), 2u);
}

TEST_F(Authorization, AStrangerWhoseClockIsOffIsAnsweredWhereItsAddressIsProofEnough) {
  for (const Method method : {Method::kCga, Method::kTrustAnchor}) {
    start();
    set(Kind::kNeighborSolicitation, method);
    Craft craft = secured_solicitation();
    *craft.timestamp -= std::uint64_t{3600} * 65536;
    EXPECT_TRUE(dropped(from_wire(craft.packet())));
    EXPECT_EQ(bench.sent.size(), method == Method::kCga ? 1u : 0u) << name(method);
  }
}

// Both are certified; nothing else says which of them spoke where no CGA is demanded.
TEST_F(Authorization, OfARedirectIsTheKeyOfTheRouterThatItNames) {
  trust();
  config.receiver.methods.set(Kind::kRedirect, Method::kTrustAnchor);
  start();
  have_router();
  const FakeRouter named = router;
  // While it is reachable nobody else's path is asked for.
  bench.host(machine::NeighbourChanged{kGuarded, named.link_local, std::nullopt, false});
  router = FakeRouter("ar2-2048", {certificate("ca"), certificate("good-nar")},
                      {Prefix::literal("2001:db8:b:1::/64")}, 2);
  have_router();
  router.link_local = named.link_local;
  const Ipv6Address inside = Ipv6Address::literal("2001:db8:a:1::5");
  for (const FakeRouter& signer : {named, router}) {
    bench.advance(milliseconds(100));
    Seal seal;
    seal.utc = bench.now.utc;
    seal.cga = false;
    const Bytes redirect = signer.secured(octets_of(wire::Redirect{inside, inside}), own(), seal);
    EXPECT_EQ(believed(redirect), signer.key == named.key);
  }
  EXPECT_EQ(counted("redirector"), 1u);
}

TEST_F(Authorization, IsByTheAnchorsThatCountForTheKind) {
  COVERS("SND-5.2.3-6", "CRT-5280-20");
  auto anchors = std::make_shared<std::vector<pki::TrustAnchor>>();
  for (const char* each : {"anchor", "anchor2"})
    anchors->push_back(*pki::TrustAnchor::parse(certificate(each)));
  config.paths.anchors = anchors;
  config.anchors_of = {{Kind::kRouterAdvertisement, {0}}, {Kind::kRedirect, {1}}};
  start();
  have_router();
  EXPECT_TRUE(believed(certified()));
  EXPECT_FALSE(redirected());
  EXPECT_EQ(counted("redirector"), 1u);
  config.anchors_of = {{Kind::kRouterAdvertisement, {1}}, {Kind::kRedirect, {0}}};
  ASSERT_TRUE(guard->handle(bench.now, config));
  EXPECT_FALSE(believed(certified()));
  EXPECT_EQ(counted("unauthorised"), 1u);
  EXPECT_TRUE(redirected());
  config.anchors_of.clear();
  ASSERT_TRUE(guard->handle(bench.now, config));
  EXPECT_TRUE(believed(certified()));
}

TEST_F(Authorization, AKeyMayComeFromACertificate) {
  COVERS("SND-5.2-4", "SND-5.1.1-4");
  trust();
  config.receiver.methods.set(Kind::kRouterAdvertisement, Method::kTrustAnchor);
  start();
  // Nobody knows the key: its certificate is asked for, and the next one counts.
  EXPECT_TRUE(dropped(from_wire(certified(false), router.link_address)));
  EXPECT_EQ(bench.counter("send", "unknown-key"), 1u);
  EXPECT_EQ(bench.jobs["verify"], 0);
  give_path();
  EXPECT_TRUE(believed(certified(false)));
  EXPECT_EQ(guard->status(bench.now).links[0].routers, std::vector{router.link_local});
  Bytes broken = certified(false);
  broken[broken.size() - 8] ^= 1;
  repair_checksum(broken);
  EXPECT_FALSE(believed(broken));
  EXPECT_EQ(bench.counter("send", "signature"), 1u);
  // What this node sends of that kind has the option.
  const auto left = from_kernel(plain(own(), kAllNodes, octets_of(wire::RouterAdvertisement{})));
  EXPECT_EQ(option_types(left->packet), (std::vector<int>{11, 13, 12}));
}

TEST_F(Authorization, WithoutCgasIsByCertificateAlone) {
  COVERS("SND-5.1.2-9", "SND-5.2.3-8");
  const InterfaceId second{1};
  nd::GuardedInterface other;
  other.id = second;
  other.name = "eth1";
  config.interfaces.push_back(other);
  config.receiver.methods.set(Kind::kRouterAdvertisement, Method::kTrustAnchor);
  trust();
  for (const bool cga : {true, false}) {
    config.interfaces[0].cga = cga;
    start();
    bench.host(machine::InterfaceUp{second, LinkAddress::literal("02:00:5e:00:53:02"), 1500});
    have_router();
    EXPECT_EQ(believed(certified_with_wrong_cga()), !cga);
    const Bytes asks =
        solicitation(own(), peer.link_local().solicited_node(), peer.link_local(), kOwnLink);
    const auto here = hand(machine::Received::Origin::kHost, asks);
    const auto there = hand(machine::Received::Origin::kHost, asks, {}, second);
    ASSERT_TRUE(taken(here) && taken(there));
    EXPECT_EQ(option_types(here->packet),
              cga ? (std::vector<int>{1, 11, 13, 14, 12}) : (std::vector<int>{1, 13, 14, 12}));
    EXPECT_EQ(option_types(there->packet), (std::vector<int>{1, 11, 13, 14, 12}));
    bench.host(machine::InterfaceDown{second});
  }
}

}  // namespace
}  // namespace sendoff::test
