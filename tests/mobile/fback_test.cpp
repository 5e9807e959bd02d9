// What a node makes of the answer to its FBU, or of none (RFC 5568 6.2.3, RFC 6275 11.7.3).
#include "moving.h"

namespace sendoff::test {
namespace {

using machine::EventKind;
using machine::HandOver;

TEST(Move, UsesTheAddressThatTheFbackGives) {
  COVERS("FH-3.2-04");
  const Ipv6Address given = Ipv6Address::literal("2001:db8:b:1::77");
  Moving node;
  World& world = node.world;
  FakeRouter::Fback fields;
  fields.status = 1;
  fields.alternate = given;
  node.prepare_handover(fields);
  node.roam_to_deaf();
  ASSERT_FALSE(world.announced().empty());
  EXPECT_EQ(world.announced()[0].source, given);
  ASSERT_EQ(tunnels(world).size(), 1U);
  EXPECT_EQ(tunnels(world)[0].local, given);
  EXPECT_FALSE(added(world, node.ncoa));
  EXPECT_TRUE(added(world, given));

  // The same answer on the new link.
  Moving late;
  late.roam_to_deaf();
  late.world.deliver(late.world.fback(late.par, late.world.updates()[0], fields));
  EXPECT_TRUE(removed(late.world, late.ncoa));
  EXPECT_EQ(late.world.announced().back().source, given);
  EXPECT_EQ(tunnels(late.world).back().local, given);
}

TEST(Move, UsesThePreviousAddressWhereTheRouterDeliversToIt) {
  COVERS("FH-6.3-05");
  Moving node;
  World& world = node.world;
  FakeRouter::Fback fields;
  fields.status = 1;
  fields.alternate = node.pcoa;
  node.prepare_handover(fields);
  world.forget_output();
  node.roam_to_deaf();
  ASSERT_FALSE(world.announced().empty());
  EXPECT_EQ(world.announced()[0].source, node.pcoa);
  EXPECT_EQ(world.announced()[0].target, node.pcoa);
  EXPECT_TRUE(world.announced()[0].valid);
  EXPECT_TRUE(tunnels(world).empty()) << "the tunnel ends at the NAR";
  EXPECT_FALSE(added(world, node.ncoa));
  EXPECT_FALSE(removed(world, node.pcoa));
  world.advance(seconds(10));
  EXPECT_TRUE(world.updates().empty());
  // The proposed and an assigned one.
  const Ipv6Address given = Ipv6Address::literal("2001:db8:b:1::77");
  for (const bool assigned : {false, true}) {
    Moving other;
    FakeRouter::Fback how;
    if (assigned) {
      how.status = 1;
      how.alternate = given;
    }
    other.prepare_handover(how);
    other.world.forget_output();
    other.roam_to_deaf();
    other.world.advance(seconds(2));
    ASSERT_FALSE(other.world.announced().empty());
    for (const Announced& each : other.world.announced())
      EXPECT_EQ(each.source, assigned ? given : other.ncoa);
  }
}

TEST(Move, BringsTheTunnelDownWhenTheHandoverIsRefused) {
  for (const std::uint8_t status : std::initializer_list<std::uint8_t>{128, 129, 131, 200}) {
    Moving node;
    World& world = node.world;
    node.roam_to_deaf();
    ASSERT_EQ(tunnels(world).size(), 1U);
    FakeRouter::Fback fields;
    fields.status = status;
    world.deliver(world.fback(node.par, world.updates()[0], fields));
    EXPECT_EQ(world.asked<machine::DetachTunnel>().size(), 1U);
    EXPECT_EQ(node.failure(), "status-" + std::to_string(status));
    world.forget_output();
    world.advance(seconds(40));
    EXPECT_TRUE(world.updates().empty());
    EXPECT_EQ(world.status().handover, "none");
  }
}

TEST(Move, ReadsEachStatusOfAnFback) {
  COVERS("FH-6.2.3-10");
  for (const std::uint8_t status : std::initializer_list<std::uint8_t>{0, 1, 50}) {
    Moving node;
    FakeRouter::Fback fields;
    fields.status = status;
    const Ipv6Address other = Ipv6Address::literal("2001:db8:b:1::5");
    if (status == 1) fields.alternate = other;
    node.prepare_handover(fields);
    ASSERT_NE(node.world.last(EventKind::kHandoverDone), nullptr) << int{status};
    EXPECT_EQ(node.world.last(EventKind::kHandoverDone)->text("ncoa"),
              (status == 1 ? other : node.ncoa).text());
  }
  for (const std::uint8_t status : std::initializer_list<std::uint8_t>{128, 129, 131, 200}) {
    Moving node;
    FakeRouter::Fback fields;
    fields.status = status;
    node.prepare_handover(fields);
    EXPECT_EQ(node.failure(), "status-" + std::to_string(status));
    EXPECT_EQ(node.world.last(EventKind::kHandoverDone), nullptr);
  }
  Moving busy;
  FakeRouter::Fback fields;
  fields.status = 130;
  busy.prepare_handover(fields);
  EXPECT_EQ(busy.world.last(EventKind::kHandoverDone), nullptr);
  Moving behind;
  ASSERT_TRUE(behind.world.order(HandOver{kApNext}));
  FakeRouter::Fback stale;
  stale.status = 135;
  stale.sequence = 20;
  behind.world.deliver(behind.world.fback(behind.par, behind.world.updates()[0], stale));
  EXPECT_EQ(behind.world.updates().back().fbu.sequence, 21);
}

TEST(Move, AsksOnceMoreWhereTheRouterLackedResources) {
  COVERS("FH-6275-44");
  Moving node;
  World& world = node.world;
  FakeRouter::Fback fields;
  fields.status = 130;
  node.prepare_handover(fields);
  EXPECT_EQ(node.failure(), "");
  const std::uint16_t first = world.updates()[0].fbu.sequence;
  EXPECT_EQ(world.updates().size(), 1U);
  world.advance(seconds(3));
  ASSERT_EQ(world.updates().size(), 2U);
  EXPECT_EQ(world.updates()[1].fbu.sequence, first + 1);
  world.deliver(world.fback(node.par, world.updates()[1], fields));
  EXPECT_EQ(node.failure(), "status-130");
  world.advance(seconds(60));
  EXPECT_EQ(world.updates().size(), 2U);
  Moving denied;
  fields.status = 129;
  denied.prepare_handover(fields);
  denied.world.advance(seconds(60));
  EXPECT_EQ(denied.world.updates().size(), 1U);
}

TEST(Move, CountsTheGrantedLifetimeFromTheFbu) {
  COVERS("FH-6275-43");
  Moving node;
  World& world = node.world;
  node.roam_to_deaf();
  const auto updates = world.updates();
  EXPECT_EQ(updates[0].fbu.lifetime_s, 30);
  world.advance(milliseconds(900));
  world.advance(milliseconds(1100));
  ASSERT_EQ(world.updates().size(), 2U);
  FakeRouter::Fback fields;
  fields.lifetime_s = 20;
  world.deliver(world.fback(node.par, updates[0], fields));
  ASSERT_EQ(world.status().movements.size(), 1U);
  EXPECT_EQ(world.status().movements[0].remaining_s, 18);
  Moving zero;
  fields.lifetime_s = 0;
  zero.prepare_handover(fields);
  EXPECT_EQ(zero.world.status().handover, "none");
  EXPECT_EQ(zero.failure(), "lifetime-0");
}

// Silence is what a router answers with that has discarded the key, since the binding under it ran
// out (RFC 5269 3.6).
TEST(Move, AsksForItsKeyWhereTheRouterDoesNotAnswer) {
  mobile::Config config = mobile_config();
  config.fback_wait = seconds(10);
  Moving node(config);
  World& world = node.world;
  ASSERT_TRUE(world.order(HandOver{kApNext}));
  ASSERT_EQ(world.updates().size(), 1U);
  EXPECT_TRUE(world.solicitations().empty());
  world.advance(seconds(1));
  ASSERT_EQ(world.updates().size(), 2U);
  EXPECT_EQ(world.solicitations().size(), 1U);
  world.advance(seconds(2));
  ASSERT_EQ(world.updates().size(), 3U);
  EXPECT_EQ(world.solicitations().size(), 1U) << "once for an FBU and its repeats";
}

TEST(Move, EndsFastHandoverWithARouterThatDoesNotKnowFbus) {
  COVERS("FH-6275-48");
  const auto error = [](const Ipv6Address& from, const Ipv6Address& to, std::uint8_t status) {
    wire::BindingError message;
    message.status = status;
    message.home_address = to;
    Bytes header;
    append(header, message);
    wire::seal_mobility(from, to, header);
    wire::Ipv6Header ip;
    ip.source = from;
    ip.destination = to;
    ip.next_header = wire::kProtocolMobility;
    return wire::build_packet(ip, {}, header);
  };
  Moving node;
  World& world = node.world;
  ASSERT_TRUE(world.order(HandOver{kApNext}));
  world.deliver(error(node.nar.global[0], node.pcoa, 2));  // a stranger
  world.deliver(error(node.par.global[0], node.pcoa, 1));  // another cause
  world.advance(seconds(1));
  EXPECT_EQ(world.updates().size(), 2U);
  world.deliver(error(node.par.global[0], node.pcoa, 2));
  EXPECT_EQ(node.failure(), "binding-error");
  world.advance(seconds(30));
  EXPECT_EQ(world.updates().size(), 2U);
  // With nothing outstanding it is nobody's.
  Moving done;
  done.prepare_handover();
  done.world.deliver(error(done.par.global[0], done.pcoa, 2));
  EXPECT_EQ(done.world.status().handover, "forwarding");
}

}  // namespace
}  // namespace sendoff::test
