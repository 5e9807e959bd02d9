// Who is told from strangers, so that what these send takes no place of his.
#include "nd/proven_neighbours.h"

#include "nd/guard_fixture.h"

namespace sendoff {
namespace {

using machine::SetProven;
using nd::Neighbour;

Neighbour neighbour(int number, InterfaceId interface = InterfaceId{0}) {
  return {interface, Ipv6Address::literal("fe80::" + std::to_string(number))};
}

class ProvenNeighbours : public testing::Test {
 protected:
  // "+fe80::1" for one that is told, "-fe80::1" for one that is no more.
  std::vector<std::string> told() {
    std::vector<std::string> told;
    while (const auto action = outbox.poll()) {
      const auto* set = std::get_if<SetProven>(&action->what);
      if (set) told.push_back((set->present ? "+" : "-") + set->address.text());
    }
    return told;
  }
  using Told = std::vector<std::string>;

  machine::Outbox outbox;
  nd::ProvenNeighbours proven{2, outbox};
  Instant now{};
};

TEST_F(ProvenNeighbours, AreToldOnce) {
  proven.proved(neighbour(1), true, now);
  proven.proved(neighbour(1), true, now + seconds(1));
  EXPECT_EQ(told(), Told{"+fe80::1"});
  EXPECT_TRUE(proven.contains(neighbour(1)));
  EXPECT_FALSE(proven.contains(neighbour(1, InterfaceId{1})));
}

TEST_F(ProvenNeighbours, WhoWasHereFirstStaysWhileHeIsHeard) {
  proven.proved(neighbour(1), true, now);
  proven.proved(neighbour(2), true, now);
  EXPECT_EQ(told().size(), 2u);
  for (int i = 3; i < 1000; ++i) proven.proved(neighbour(i), true, now + seconds(1));
  EXPECT_EQ(told(), Told{});
  now = now + nd::ProvenNeighbours::kPatience - milliseconds(1);
  proven.proved(neighbour(2), true, now);
  proven.proved(neighbour(3), true, now);
  EXPECT_EQ(told(), Told{});
  now = now + milliseconds(1);
  proven.proved(neighbour(3), true, now);
  EXPECT_EQ(told(), (Told{"-fe80::1", "+fe80::3"}));
  proven.proved(neighbour(4), true, now);
  EXPECT_EQ(told(), Told{});
  EXPECT_EQ(proven.size(), 2u);
}

TEST_F(ProvenNeighbours, HalfOfThemHaveAnsweredAQuestion) {
  proven.proved(neighbour(1), false, now);
  proven.proved(neighbour(2), false, now);
  EXPECT_EQ(told(), Told{"+fe80::1"});
  proven.proved(neighbour(2), true, now);
  EXPECT_EQ(told(), Told{"+fe80::2"});
  EXPECT_EQ(proven.size(), 2u);
}

TEST_F(ProvenNeighbours, AreOfTheirLink) {
  proven.proved(neighbour(1), true, now);
  proven.proved(neighbour(2, InterfaceId{1}), true, now);
  (void)told();
  proven.drop(InterfaceId{0});
  EXPECT_EQ(told(), Told{"-fe80::1"});
  EXPECT_TRUE(proven.contains(neighbour(2, InterfaceId{1})));
}

class GuardedProven : public test::GuardTest {};

TEST_F(GuardedProven, IsWhoseSecuredMessageWasAccepted) {
  start();
  Bytes broken = secured_solicitation().packet();
  broken[broken.size() - 8] ^= 1;  // in the signature
  test::repair_checksum(broken);
  EXPECT_TRUE(dropped(from_wire(broken)));
  (void)from_wire(solicitation(Ipv6Address::literal("fe80::9"), own().solicited_node(), own(),
                               peer.link_address()));
  EXPECT_TRUE(bench.asked<SetProven>().empty());
  EXPECT_TRUE(taken(from_wire(secured_solicitation().packet())));
  const auto told = bench.asked<SetProven>();
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0]->address, peer.link_local());
  EXPECT_EQ(told[0]->interface, kGuarded);
  EXPECT_TRUE(told[0]->present);
  bench.host(machine::InterfaceDown{kGuarded});
  ASSERT_EQ(bench.asked<SetProven>().size(), 2u);
  EXPECT_FALSE(bench.asked<SetProven>()[1]->present);
}

// Of two places in the kernel's table and one for who is proven, his is not the one that is taken.
TEST_F(GuardedProven, IsForgottenLastWhereThereAreTooMany) {
  config.max_neighbours = 2;
  start();
  const auto hear = [&](const test::Peer& from) {
    test::Craft craft = secured_solicitation();
    craft.source = from.link_local();
    craft.cga_parameters = from.parameters(from.link_local()).octets();
    craft.signer = from.key();
    ASSERT_TRUE(taken(from_wire(craft.packet(), from.link_address())));
  };
  // The first answers a question, and has the only place.
  ASSERT_TRUE(taken(from_wire(secured_advertisement(ask_for_peer()).packet())));
  ASSERT_EQ(bench.asked<SetProven>().size(), 1u);
  const test::Peer second(test::signing_key("ar2-2048"), kOnLink, "02:00:5e:00:53:22");
  const test::Peer third(test::signing_key("mn-2048"), kOnLink, "02:00:5e:00:53:23");
  bench.advance(seconds(1));
  hear(second);
  bench.advance(seconds(1));
  hear(third);
  const auto removed = bench.asked<machine::SetNeighbour>();
  ASSERT_EQ(removed.size(), 1u);
  EXPECT_EQ(removed[0]->address, second.link_local());
  EXPECT_EQ(bench.asked<SetProven>().size(), 1u);
}

}  // namespace
}  // namespace sendoff
