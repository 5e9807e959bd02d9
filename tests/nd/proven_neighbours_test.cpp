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

}  // namespace
}  // namespace sendoff
