// What the next router answers to an announcement (RFC 5568 6.4.6).
#include "moving.h"

namespace sendoff::test {
namespace {

using machine::EventKind;

const Ipv6Address kSupplied = Ipv6Address::literal("2001:db8:b:1::77");

// A node on the next router's link whose FBU waits for an answer; its router is silent otherwise.
struct Reactive : Moving {
  Reactive() {
    world.order(machine::HandOver{kApNext}).value();
    roam_to_deaf();
    world.answer_cps = true;
    before = world.updates().back().fbu.sequence;
    world.forget_output();
  }
  std::uint16_t before = 0;
};

TEST(Naack, WithoutAddressSendsTheNodeToFindOne) {
  COVERS("FH-6.4.6-04");
  Reactive node;
  World& world = node.world;
  node.naack(1);
  EXPECT_TRUE(removed(world, node.ncoa)) << world.account();
  EXPECT_EQ(world.count("naack-followed"), 1U);
  EXPECT_GT(world.sent_of_type(133), 0U);
  const Ipv6Address other = world.config.identity.address(kNextPrefix, 1);
  EXPECT_EQ(world.care_of(), other);
  const auto updates = world.updates();
  ASSERT_EQ(updates.size(), 1U);
  EXPECT_EQ(updates[0].source, other);
  EXPECT_GT(updates[0].fbu.sequence, node.before);
  world.advance(seconds(20));
  for (const auto& transmit : world.sent)
    EXPECT_NE(wire::PacketView::parse(transmit.packet)->header.source, node.ncoa);
}

TEST(Naack, WithAnAddressHasItUsed) {
  COVERS("FH-4-36");
  Reactive node;
  World& world = node.world;
  node.naack(2, kSupplied);
  EXPECT_TRUE(added(world, kSupplied)) << world.account();
  EXPECT_TRUE(removed(world, node.ncoa));
  const auto updates = world.updates();
  ASSERT_EQ(updates.size(), 1U);
  EXPECT_EQ(updates[0].source, kSupplied);
  EXPECT_GT(updates[0].fbu.sequence, node.before);
  EXPECT_TRUE(updates[0].made_by(world.issued_algorithm, world.issued(node.par), kSupplied));
  ASSERT_FALSE(world.announced().empty());
  EXPECT_EQ(world.announced()[0].source, kSupplied);
  EXPECT_LT(world.place("icmp-136"), world.place("mobility-8"));
  const auto tunnels = world.asked<machine::AttachTunnel>();
  ASSERT_FALSE(tunnels.empty());
  EXPECT_EQ(tunnels.back().local, kSupplied);
  world.deliver(world.fback(node.par, updates[0]));
  EXPECT_EQ(world.last(EventKind::kHandoverDone)->text("ncoa"), kSupplied.text());
  world.advance(seconds(20));
  for (const Update& update : world.updates()) {
    EXPECT_NE(update.source, node.ncoa);
    EXPECT_NE(update.fbu.options.alternate_care_of, node.ncoa);
  }
}

TEST(Naack, MayHaveTheRoutersOwnAddressNamed) {
  Reactive node;
  World& world = node.world;
  node.naack(3);
  const auto updates = world.updates();
  ASSERT_EQ(updates.size(), 1U) << world.account();
  EXPECT_EQ(updates[0].fbu.options.alternate_care_of, node.nar.global[0]);
  EXPECT_EQ(updates[0].source, world.config.identity.address(kNextPrefix, 1))
      << "neither the refused address nor the PCoA";
  EXPECT_TRUE(
      updates[0].made_by(world.issued_algorithm, world.issued(node.par), node.nar.global[0]));
  EXPECT_FALSE(removed(world, node.pcoa));
  world.forget_output();
  FakeRouter::Fback fields;
  fields.destination = updates[0].source;
  world.deliver(world.fback(node.par, updates[0], fields));
  EXPECT_NE(world.last(EventKind::kHandoverDone), nullptr) << world.account();
  EXPECT_TRUE(world.asked<machine::AttachTunnel>().empty()) << "the router delivers to the PCoA";
}

TEST(Naack, MayForbidTheFbu) {
  COVERS("FH-6.4.6-06");
  for (const int how : {0, 1}) {
    Reactive node;
    World& world = node.world;
    if (how == 0)
      node.naack(4);
    else
      node.naack(2, node.pcoa);
    EXPECT_EQ(world.count("naack-followed"), 1U) << world.account();
    world.advance(seconds(40));
    EXPECT_TRUE(world.updates().empty()) << how;
    EXPECT_FALSE(removed(world, node.pcoa));
    EXPECT_EQ(world.asked<machine::DetachTunnel>().size(), 1U);
    ASSERT_FALSE(world.announced().empty());
    EXPECT_EQ(world.announced()[0].source, node.pcoa);
    EXPECT_EQ(world.announced()[0].target, node.pcoa);
  }
}

TEST(Naack, MayDenyTheLinkLayerAddress) {
  COVERS("FH-6.4.6-09", "FH-6.4.6-10");
  Reactive node;
  World& world = node.world;
  const Instant told = world.now.boot;
  node.naack(128);
  EXPECT_TRUE(removed(world, node.ncoa));
  EXPECT_TRUE(removed(world, node.pcoa));
  ASSERT_LT(world.place("icmp-133"), world.trace.size()) << world.account();
  const auto solicited = std::ranges::find_if(world.sent, [](const auto& transmit) {
    return wire::PacketView::parse(transmit.packet)->upper[0] == 133;
  });
  EXPECT_EQ(world.sent_at[static_cast<std::size_t>(solicited - world.sent.begin())], told);
  EXPECT_LT(world.place("icmp-133"), world.place("icmp-136"));
  EXPECT_LT(world.place("icmp-136"), world.place("mobility-8"));
  const Ipv6Address other = world.config.identity.address(kNextPrefix, 1);
  ASSERT_EQ(world.updates().size(), 1U);
  EXPECT_EQ(world.updates()[0].source, other);
  world.advance(seconds(20));
  for (const auto& transmit : world.sent) {
    const Ipv6Address source = wire::PacketView::parse(transmit.packet)->header.source;
    EXPECT_NE(source, node.ncoa);
    EXPECT_NE(source, node.pcoa);
  }
  EXPECT_FALSE(added(world, node.pcoa)) << "nobody has given a right to it again";
}

// GF58: the other address's FBack gives it, or the router itself, which delivers to the PCoA.
TEST(Naack, ThePcoaComesBackWithARightToIt) {
  COVERS("FH-6.4.6-09");
  for (const int how : {0, 1, 2}) {
    Reactive node;
    World& world = node.world;
    node.naack(128);
    const auto updates = world.updates();
    ASSERT_EQ(updates.size(), 1U) << world.account();
    EXPECT_FALSE(added(world, node.pcoa)) << how;
    const Ipv6Address other = world.config.identity.address(kNextPrefix, 1);
    world.forget_output();
    if (how == 0)
      world.deliver(world.fback(node.par, updates[0]));
    else if (how == 1)
      node.naack(4, std::nullopt, other);
    else
      node.naack(128, std::nullopt, other);
    EXPECT_EQ(added(world, node.pcoa).has_value(), how != 2) << how;
    EXPECT_FALSE(added(world, node.ncoa)) << how;
  }
}

TEST(Naack, IsIgnoredWhereNothingWasAnnouncedOrByAStranger) {
  COVERS("FH-6.4.6-11");
  {  // out of the blue: on the link where it has long been
    Attached settled;
    FakeRouter::Advertised advertised;
    wire::NaackOption option;
    option.status = 1;
    advertised.naack = option;
    World& world = settled.world;
    const Ipv6Address address = world.care_of();
    world.forget_output();
    world.deliver(settled.par.router_advertisement(address, world.seal(), advertised));
    EXPECT_EQ(world.count("naack-ignored"), 1U);
    EXPECT_FALSE(removed(world, address));
    EXPECT_TRUE(world.status().links.at(0).router) << "the RA itself is used";
  }
  {  // for another address
    Reactive node;
    node.naack(1, std::nullopt, kSupplied);
    EXPECT_EQ(node.world.count("naack-ignored"), 1U);
    EXPECT_FALSE(removed(node.world, node.ncoa));
  }
  {  // too late
    Reactive node;
    node.world.advance(seconds(7));
    node.naack(1);
    EXPECT_EQ(node.world.count("naack-ignored"), 1U);
    EXPECT_FALSE(removed(node.world, node.ncoa));
  }
  {  // without signature
    Reactive node;
    FakeRouter::Advertised advertised;
    wire::NaackOption option;
    option.status = 1;
    advertised.naack = option;
    Seal plain = node.world.seal();
    plain.signature = plain.cga = plain.timestamp = false;
    node.world.deliver(node.nar.router_advertisement(node.ncoa, plain, advertised),
                       node.nar.link_address);
    EXPECT_EQ(node.world.count("naack-followed"), 0U);
    EXPECT_FALSE(removed(node.world, node.ncoa));
    EXPECT_EQ(node.world.count("discovery", "unsecured"), 1U);
  }
  {  // no valid RA: its hop limit says that it was forwarded
    Reactive node;
    FakeRouter::Advertised advertised;
    wire::NaackOption option;
    option.status = 1;
    advertised.naack = option;
    Seal seal = node.world.seal();
    seal.on_the_wire = [](Bytes& packet) { packet[7] = 254; };
    node.world.deliver(node.nar.router_advertisement(node.ncoa, seal, advertised),
                       node.nar.link_address);
    EXPECT_EQ(node.world.count("naack-followed"), 0U);
    EXPECT_FALSE(removed(node.world, node.ncoa));
  }
  {  // a status that nobody defined
    Reactive node;
    node.naack(77);
    EXPECT_EQ(node.world.count("naack-followed"), 0U);
    EXPECT_FALSE(removed(node.world, node.ncoa));
    EXPECT_TRUE(node.world.status().links.at(0).router) << "the RA itself is used";
  }
}

}  // namespace
}  // namespace sendoff::test
