// A network with nothing but an anchor of its own and unique local addresses, from the first
// Router Advertisement to a node that has arrived at the next router (RFC 6494 5).
#include "exchange/both.h"
#include "support/authority.h"

namespace sendoff::test {
namespace {

class LocalDeployment : public testing::Test {
 protected:
  struct Place {
    std::string key;
    std::string prefix;
    LinkAddress link_address;
    LinkAddress access_point;

    [[nodiscard]] send::Identity identity() const {
      send::Identity made;
      made.key = signing_key(key);
      return made;
    }
    [[nodiscard]] Ipv6Address address() const {
      return identity().address(Prefix::literal(prefix));
    }
  };
  struct Node {
    Place place;
    MachineBench bench;
    std::unique_ptr<router::Router> router;
    FakeRandom random{7};
    std::size_t carried = 0;
  };

  [[nodiscard]] router::Config config_of(const Place& own, const Place& other) const {
    router::Config config;
    router::Interface interface;
    interface.name = "access0";
    interface.identity = own.identity();
    interface.prefixes.push_back({Prefix::literal(own.prefix)});
    interface.access_points.push_back(own.access_point);
    config.interfaces.push_back(std::move(interface));
    router::Neighbour neighbour;
    neighbour.name = "other";
    neighbour.address = other.address();
    neighbour.link_address = other.link_address;
    neighbour.prefix = Prefix::literal(other.prefix);
    neighbour.access_points.push_back(other.access_point);
    neighbour.protection = router::Protection::kClear;
    config.neighbours.push_back(std::move(neighbour));
    config.certification.path = authority.path_to(own.key, Prefix::literal(own.prefix));
    config.certification.anchor = authority.trusted();
    return config;
  }
  void start(Node& node, const Place& own, const Place& other) {
    node.place = own;
    node.bench.now = world->now;
    node.router = std::make_unique<router::Router>(config_of(own, other), machine::Snapshot{},
                                                   node.random, node.bench.now);
    node.bench.attach(*node.router);
    node.bench.host(machine::InterfaceUp{{0}, own.link_address, 1500});
  }
  // Between the routers whatever is for one of them, else to and from the link that the node is on.
  bool carry(Node& from, Node& to) {
    if (from.carried == from.bench.sent.size()) return false;
    const Bytes packet = from.bench.sent[from.carried++].packet;
    const auto destination = Ipv6Address::from(ByteView(packet).subspan(24, 16));
    if (destination == to.place.address())
      to.bench.receive(packet, from.place.link_address);
    else if (here == &from)
      world->deliver(packet, from.place.link_address);
    return true;
  }
  void carry() {
    for (bool more = true; more;) {
      more = carry(par, nar) || carry(nar, par);
      if (carried == world->sent.size()) continue;
      here->bench.receive(Bytes(world->sent[carried++].packet), kMobileLink);
      more = true;
    }
  }
  void advance(Duration duration) {
    for (Duration passed{}; passed < duration; passed += milliseconds(10)) {
      carry();
      for (Node* each : {&par, &nar}) each->bench.advance(milliseconds(10));
      world->advance(milliseconds(10));
    }
    carry();
  }

  Authority authority{"anchor-2048", "Our network", {Prefix::literal("fd00::/8")}};
  Node par;
  Node nar;
  Node* here = &par;
  std::unique_ptr<World> world;
  std::size_t carried = 0;
};

TEST_F(LocalDeployment, NeedsNobodysCertificatesButItsOwn) {
  COVERS("CRT-6494-8");
  mobile::Config node = mobile_config();
  node.paths.anchors =
      std::make_shared<const std::vector<pki::TrustAnchor>>(std::vector{authority.trusted()});
  world = std::make_unique<World>(node);
  world->forced_pair = decryption_key("hke-1024");
  const Place previous{"ar-2048", "fd12:3456:789a:1::/64",
                       LinkAddress::literal("02:00:00:00:00:01"),
                       LinkAddress::literal("02:00:00:00:0a:01")};
  const Place next{"ar2-2048", "fd12:3456:789a:2::/64", LinkAddress::literal("02:00:00:00:00:02"),
                   kNarAp};
  start(par, previous, next);
  start(nar, next, previous);
  world->up();
  advance(seconds(6));
  ASSERT_NE(world->last(machine::EventKind::kPathFetched), nullptr) << world->account();
  ASSERT_TRUE(world->key_of(previous.address())) << world->account();
  const Ipv6Address pcoa = world->care_of();
  EXPECT_TRUE(Prefix::literal(previous.prefix).contains(pcoa));

  ASSERT_TRUE(world->order(machine::HandOver{next.access_point})) << world->account();
  // It is not waited for long (PROXY_ND_LIFETIME).
  for (int i = 0; i < 30 && world->last(machine::EventKind::kHandoverDone) == nullptr; ++i)
    advance(milliseconds(100));
  const auto* done = world->last(machine::EventKind::kHandoverDone);
  ASSERT_NE(done, nullptr) << world->account();
  const Ipv6Address ncoa = Ipv6Address::parse(std::string(done->text("ncoa"))).value();
  EXPECT_TRUE(Prefix::literal(next.prefix).contains(ncoa));
  const auto bindings = par.router->status(par.bench.now).bindings;
  ASSERT_EQ(bindings.size(), 1u);
  EXPECT_EQ(bindings[0].pcoa, pcoa);
  EXPECT_EQ(bindings[0].ncoa, ncoa);
  EXPECT_EQ(nar.bench.reported(machine::EventKind::kArrivalExpected).size(), 1u);

  world->down();
  here = &nar;
  world->up();
  advance(seconds(6));
  const auto seen = nar.bench.reported(machine::EventKind::kArrivalSeen);
  ASSERT_EQ(seen.size(), 1u);
  EXPECT_EQ(seen[0]->text("address"), ncoa.text());
  EXPECT_TRUE(world->key_of(next.address())) << world->account();
}

}  // namespace
}  // namespace sendoff::test
