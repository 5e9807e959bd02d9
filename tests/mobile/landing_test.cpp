// The first moments on a next router's link (RFC 5568 4, 6.3): address, announcement, routes.
#include "moving.h"

namespace sendoff::test {
namespace {

using machine::EventKind;

TEST(Landing, AnnouncesTheNewAddressAtOnceAndFirst) {
  COVERS("FH-3.2-03", "FH-6.3-01");
  Moving node;
  World& world = node.world;
  node.prepare_handover();
  world.forget_output();
  const Instant up = world.now.boot;
  node.roam_to_deaf();
  const auto announced = world.announced();
  ASSERT_EQ(announced.size(), 1U) << world.account();
  EXPECT_EQ(announced[0].at, up);
  EXPECT_EQ(announced[0].source, node.ncoa);
  EXPECT_EQ(announced[0].target, node.ncoa);
  EXPECT_EQ(announced[0].destination, kAllNodes);
  EXPECT_EQ(announced[0].hop_limit, 255);
  EXPECT_EQ(announced[0].flags, 0U);
  EXPECT_EQ(announced[0].target_link_address, kMobileLink);
  EXPECT_TRUE(announced[0].valid) << "the signature was made before";
  for (const auto& transmit : world.sent) {
    const auto packet = wire::PacketView::parse(transmit.packet);
    if (packet->header.source != node.ncoa) continue;
    EXPECT_EQ(packet->upper[0], 136) << "nothing else came first";
    break;
  }
  // Without an address there is nothing to announce.
  Moving poor(mobile_config(), [](World& made) { made.tuples.clear(); });
  poor.roam_to_deaf();
  poor.world.advance(milliseconds(100));
  EXPECT_TRUE(poor.world.announced().empty());
  // The unicast form.
  mobile::Config config = mobile_config();
  config.una_unicast = true;
  Moving discreet(config);
  discreet.prepare_handover();
  discreet.world.forget_output();
  discreet.roam_to_deaf();
  const auto alone = discreet.world.announced();
  ASSERT_EQ(alone.size(), 1U);
  EXPECT_EQ(alone[0].destination, discreet.nar.global[0]);
  const auto sent = std::ranges::find_if(discreet.world.sent, [](const auto& transmit) {
    return read_announced(transmit.packet).has_value();
  });
  EXPECT_EQ(sent->link_destination, discreet.nar.link_address);
  EXPECT_EQ(alone[0].hop_limit, 255);
  EXPECT_EQ(alone[0].flags, 0U);
  EXPECT_TRUE(alone[0].valid);
}

TEST(Landing, FollowsTheEventOfTheLinkOrACommand) {
  COVERS("FH-4-01");
  // The host says that the interface is up; it was ordered where to.
  Moving node;
  node.prepare_handover();
  node.world.answer_rs = false;
  node.world.down();
  node.world.routers = {&node.nar};
  node.world.advance(milliseconds(50));
  node.world.forget_output();
  const Instant up = node.world.now.boot;
  node.world.up();
  ASSERT_EQ(node.world.announced().size(), 1U) << node.world.account();
  EXPECT_EQ(node.world.announced()[0].at, up);
  EXPECT_EQ(node.world.announced()[0].source, node.ncoa);
  EXPECT_TRUE(node.world.announced()[0].valid);
  // Said twice it is the same link.
  node.world.event(machine::ApAttached{kLink, kApNext});
  EXPECT_EQ(node.world.announced().size(), 1U);
  // No host event at all: `sendoff handover` and `sendoff link-moved`.
  Moving commanded;
  ASSERT_TRUE(commanded.world.order(machine::HandOver{kApNext}));
  EXPECT_EQ(commanded.world.updates().size(), 1U);
  commanded.roam_to_deaf();
  EXPECT_FALSE(commanded.world.announced().empty());
  EXPECT_EQ(commanded.world.updates().size(), 2U);
}

TEST(Landing, TakesTheWordOnTheAccessPointAndTheCarrierInAnyOrder) {
  for (const int order : {0, 1, 2}) {
    Moving node;
    World& world = node.world;
    world.answer_rs = false;
    world.routers = {&node.nar};
    const machine::ApAttached word{kLink, kApNext};
    if (order == 0) world.event(word);  // and only then what the carrier did
    world.down();
    if (order == 1) world.event(word);
    world.forget_output();
    world.up();
    if (order == 2) world.event(word);
    ASSERT_FALSE(world.announced().empty()) << order;
    EXPECT_EQ(world.announced()[0].source, node.ncoa);
    ASSERT_FALSE(world.updates().empty()) << order;
    EXPECT_EQ(world.updates()[0].source, node.ncoa);
    EXPECT_EQ(world.asked<machine::AttachTunnel>().size(), order == 0 ? 0U : 1U) << "stands still";
    EXPECT_TRUE(added(world, node.ncoa));
  }
}

TEST(Landing, AnnouncesNothingWhileItHasNoAddress) {
  COVERS("FH-6.2.2-13", "FH-6.2.2-14");
  Moving node(mobile_config(), [](World& made) { made.tuples.clear(); });
  World& world = node.world;
  node.roam_to_deaf();
  EXPECT_TRUE(world.announced().empty());
  EXPECT_TRUE(world.updates().empty());
  EXPECT_GT(world.sent_of_type(133), 0U);
  // Its router is heard: configured, announced, told to the previous router.
  world.answer_rs = true;
  world.advance(seconds(4));
  const auto updates = world.updates();
  ASSERT_EQ(updates.size(), 1U) << world.account();
  EXPECT_EQ(updates[0].source, node.ncoa);
  EXPECT_EQ(updates[0].destination, node.par.global[0]);
  ASSERT_FALSE(world.announced().empty());
  EXPECT_LT(world.place("icmp-133"), world.place("icmp-136"));
  EXPECT_LT(world.place("icmp-136"), world.place("mobility-8"));

  // Nor is an FBU sent without a key.
  Moving poor(mobile_config(), [](World& made) {
    made.tuples.clear();
    made.issued_lifetime_s = 1;
  });
  poor.world.answer_rtsolpr = false;
  poor.world.advance(seconds(2));
  poor.world.forget_output();
  poor.roam();
  poor.world.advance(seconds(4));
  EXPECT_FALSE(poor.world.care_of().is_unspecified());
  EXPECT_TRUE(poor.world.updates().empty());
}

TEST(Landing, PutsTheAddressIntoUseWithoutWaitingForARouter) {
  Moving node;
  World& world = node.world;
  node.prepare_handover();
  world.forget_output();
  node.roam_to_deaf();
  const auto add = added(world, node.ncoa);
  ASSERT_TRUE(add);
  EXPECT_EQ(add->dad, machine::DadMode::kOptimistic);
  EXPECT_LT(world.place("icmp-136"), world.place("join-group")) << "first announced, then probed";
  std::set<Ipv6Address> groups;
  for (const auto& join : world.asked<machine::JoinGroup>())
    if (join.member) groups.insert(join.group);
  EXPECT_TRUE(groups.contains(kAllNodes));
  EXPECT_TRUE(groups.contains(node.ncoa.solicited_node()));
  const Ipv6Address nar = node.nar.global[0];
  const auto neighbours = world.asked<machine::SetNeighbour>();
  const auto neighbour = std::ranges::find(neighbours, nar, &machine::SetNeighbour::address);
  ASSERT_NE(neighbour, neighbours.end());
  EXPECT_EQ(neighbour->link_address, node.nar.link_address);
  std::optional<Ipv6Address> gateway;
  bool reachable = false;
  for (const auto& route : world.asked<machine::SetRoute>()) {
    if (route.destination == Prefix() && route.present) gateway = route.gateway;
    if (route.destination == Prefix(nar, 128) && route.present) reachable = !route.gateway;
  }
  EXPECT_EQ(gateway, nar);
  EXPECT_TRUE(reachable);
  // The old address stays, deprecated and off-link, for the sessions that have it.
  const auto old = added(world, node.pcoa);
  ASSERT_TRUE(old);
  EXPECT_EQ(old->preferred, Duration{});
  EXPECT_EQ(old->prefix_length, 128);
  EXPECT_FALSE(removed(world, node.pcoa));

  // When the router is heard its own way takes the place of the told one.
  world.forget_output();
  world.answer_rs = true;
  world.advance(seconds(4));
  EXPECT_EQ(world.care_of(), node.ncoa);
  std::optional<Ipv6Address> taken_back;
  for (const auto& route : world.asked<machine::SetRoute>()) {
    if (route.destination == Prefix(nar, 128)) reachable = route.present;
    if (route.destination != Prefix()) continue;
    if (route.present)
      gateway = route.gateway;
    else
      taken_back = route.gateway;
  }
  EXPECT_EQ(gateway, node.nar.link_local);
  EXPECT_EQ(taken_back, nar);
  EXPECT_FALSE(reachable) << "nor is the way to the told one left";
  EXPECT_FALSE(removed(world, node.ncoa));
  EXPECT_TRUE(world.updates().empty());
}

// The first one may be too old for a router that knows the node (GF44).
TEST(Landing, RepeatsTheAnnouncementThoughTheRouterEndsABinding) {
  COVERS("FH-6.3-04");
  Moving node;
  World& world = node.world;
  node.prepare_handover();
  world.tuples[0].access_point = kApHere;
  world.tuples[0].router = node.par.global[0];
  world.tuples[0].router_link_address = node.par.link_address;
  node.roam();
  world.advance(seconds(1));
  world.forget_output();
  world.answer_rs = false;
  world.roam({&node.par}, kApHere);
  const auto updates = world.updates();
  const auto end = std::ranges::find(updates, node.par.global[0], &Update::destination);
  ASSERT_NE(end, updates.end()) << world.account();
  ASSERT_EQ(end->fbu.lifetime_s, 0);
  world.deliver(world.fback(node.par, *end));
  EXPECT_EQ(world.last(machine::EventKind::kHandoverEnded)->text("reason"), "returned");
  world.advance(seconds(5));
  const auto announced = world.announced();
  EXPECT_EQ(std::ranges::count(announced, node.pcoa, &Announced::source), 3);
}

// A router that remembers the node takes none that is 2 s old (RFC 3971 5.3.4.2).
TEST(Landing, AnnouncesItselfByAFreshSignatureWhereItIsKnown) {
  for (const bool away_for_long : {false, true}) {
    Moving node;
    World& world = node.world;
    node.prepare_handover();
    world.advance(seconds(2));
    world.answer_rs = false;
    world.down();
    world.routers = {&node.nar};
    world.advance(away_for_long ? seconds(1) : milliseconds(50));
    world.forget_output();
    world.up();
    world.advance(Duration{});
    const auto announced = world.announced();
    ASSERT_FALSE(announced.empty());
    EXPECT_TRUE(announced[0].valid) << "at once, what is there";
    EXPECT_EQ(announced.size(), away_for_long ? 2U : 1U);
    EXPECT_TRUE(announced.back().valid);
    const auto second_ago = (world.now.utc - seconds(1)).time_since_epoch();
    EXPECT_GT(announced.back().timestamp,
              static_cast<std::uint64_t>(whole_seconds(second_ago)) * 65'536);
  }
}

TEST(Landing, RepeatsTheAnnouncementUntilTheRouterAnswers) {
  COVERS("FH-6.3-04");
  mobile::Config config = mobile_config();
  config.una_interval = milliseconds(70);
  Moving node(config);
  World& world = node.world;
  node.prepare_handover();
  world.forget_output();
  const Instant up = world.now.boot;
  node.roam_to_deaf();
  world.advance(seconds(5));
  const auto announced = world.announced();
  ASSERT_EQ(announced.size(), 3U) << "MAX_NEIGHBOR_ADVERTISEMENT";
  for (std::size_t i = 0; i < announced.size(); ++i) {
    EXPECT_EQ(announced[i].at - up, i * milliseconds(70));
    EXPECT_TRUE(announced[i].valid);
    if (i > 0) {
      EXPECT_GT(announced[i].timestamp, announced[i - 1].timestamp) << "no mere copy";
    }
  }
  // A NAACK is an answer; so is what came through the NAR.
  Moving told(config);
  told.prepare_handover();
  told.world.forget_output();
  told.roam();
  told.naack(4);
  const std::size_t before = told.world.announced().size();
  const std::size_t of_ncoa = static_cast<std::size_t>(
      std::ranges::count(told.world.announced(), told.ncoa, &Announced::source));
  EXPECT_EQ(of_ncoa, 1U);
  told.world.advance(milliseconds(69));
  EXPECT_EQ(told.world.announced().size(), before);

  Moving reactive(config);
  ASSERT_TRUE(reactive.world.order(machine::HandOver{kApNext}));
  reactive.world.forget_output();
  reactive.roam_to_deaf();
  const std::size_t sent = reactive.world.announced().size();
  reactive.world.deliver(reactive.world.fback(reactive.par, reactive.world.updates().back()));
  reactive.world.advance(seconds(1));
  EXPECT_EQ(reactive.world.announced().size(), sent);
}

TEST(Landing, SendsUnsignedOnlyWhatCouldNotBeSignedInTime) {
  COVERS("FH-6.3-11");
  Moving node;
  World& world = node.world;
  world.hold = [](const machine::Start& start) {
    return std::holds_alternative<machine::SignMessage>(start.job);
  };
  node.roam_to_deaf();  // no order came before
  auto announced = world.announced();
  ASSERT_EQ(announced.size(), 1U);
  EXPECT_FALSE(announced[0].carries_send);
  ASSERT_EQ(world.updates().size(), 1U) << "the FBU waits for no signature either";
  EXPECT_EQ(world.count("una-unsigned"), 1U);
  world.hold = nullptr;
  world.run_held();
  announced = world.announced();
  ASSERT_EQ(announced.size(), 2U);
  EXPECT_TRUE(announced[1].valid);

  // A radio that takes time to change gives the time to sign.
  Moving slow;
  slow.world.answer_rs = false;
  slow.world.event(machine::ApLost{kLink});
  slow.world.roam({&slow.nar}, kApNext);
  ASSERT_EQ(slow.world.announced().size(), 1U);
  EXPECT_TRUE(slow.world.announced()[0].valid);
  EXPECT_EQ(slow.world.count("una-unsigned"), 0U);
  // What another node's key would have to sign is not signed.
  Moving given;
  FakeRouter::Fback fields;
  fields.status = 1;
  fields.alternate = Ipv6Address::literal("2001:db8:b:1::77");
  given.prepare_handover(fields);
  given.world.forget_output();
  given.roam_to_deaf();
  ASSERT_FALSE(given.world.announced().empty());
  EXPECT_FALSE(given.world.announced()[0].carries_send);
  EXPECT_EQ(given.world.count("una-unsigned"), 0U);
}

TEST(Landing, TakesAProxysAnswerForALostAnnouncement) {
  Moving node;
  World& world = node.world;
  node.prepare_handover();
  node.roam_to_deaf();
  world.forget_output();
  const Bytes proxied = foreign_advertisement(node.nar.global[0], node.ncoa, node.nar.link_address);
  world.deliver(proxied, node.nar.link_address);
  ASSERT_EQ(world.announced().size(), 1U);
  EXPECT_TRUE(world.announced()[0].valid);
  // The host's DAD fell for it: the address is put back.
  world.event(machine::AddressChanged{kLink, node.ncoa, machine::AddressChanged::What::kDuplicate});
  EXPECT_TRUE(added(world, node.ncoa));
  EXPECT_FALSE(removed(world, node.ncoa));
  // In the other order, too.
  world.forget_output();
  world.advance(seconds(2));
  world.forget_output();
  world.event(machine::AddressChanged{kLink, node.ncoa, machine::AddressChanged::What::kDuplicate});
  EXPECT_FALSE(added(world, node.ncoa));
  world.deliver(proxied, node.nar.link_address);
  EXPECT_TRUE(added(world, node.ncoa));
  world.advance(seconds(1));
  EXPECT_FALSE(removed(world, node.ncoa));
  // A proxy that never learns does not keep us shouting.
  for (int i = 0; i < 50; ++i) world.deliver(proxied, node.nar.link_address);
  EXPECT_LE(world.count("proxy-answers"), 5U);
}

TEST(Landing, GivesAnAddressUpThatAnotherNodeHas) {
  for (const int how : {0, 1}) {
    Moving node;
    World& world = node.world;
    node.prepare_handover();
    node.roam_to_deaf();
    const std::uint16_t before = 1;
    world.forget_output();
    if (how == 0) {
      world.deliver(foreign_advertisement(Ipv6Address::literal("fe80::99"), node.ncoa, kThirdNode),
                    kThirdNode);
    } else {
      world.event(
          machine::AddressChanged{kLink, node.ncoa, machine::AddressChanged::What::kDuplicate});
      world.advance(milliseconds(20));
    }
    EXPECT_TRUE(removed(world, node.ncoa)) << how;
    const auto groups = world.asked<machine::JoinGroup>();
    EXPECT_TRUE(std::ranges::any_of(groups, [&](const auto& group) {
      return !group.member && group.group == node.ncoa.solicited_node();
    }));
    EXPECT_EQ(world.asked<machine::DetachTunnel>().size(), 1U);
    EXPECT_EQ(world.count("address-collisions"), 1U);
    // The next collision count takes its place, and only that is named from now on.
    world.answer_rs = true;
    world.advance(seconds(4));
    const Ipv6Address other = world.config.identity.address(kNextPrefix, 1);
    EXPECT_EQ(world.care_of(), other);
    ASSERT_EQ(world.updates().size(), 1U) << world.account();
    EXPECT_EQ(world.updates()[0].source, other);
    EXPECT_GT(world.updates()[0].fbu.sequence, before);
    world.advance(seconds(20));
    for (const Update& update : world.updates()) EXPECT_NE(update.source, node.ncoa);
  }
}

TEST(Landing, OverridesCachesOnlyWithAConfirmedAddress) {
  COVERS("FH-4-37");
  Moving node;
  World& world = node.world;
  node.prepare_handover();
  node.roam_to_deaf();
  world.advance(seconds(3));
  for (const Announced& each : world.announced()) EXPECT_EQ(each.flags, 0U);
  world.forget_output();
  world.event(machine::AddressChanged{kLink, node.ncoa, machine::AddressChanged::What::kReady});
  ASSERT_EQ(world.announced().size(), 1U);
  const Announced announced = world.announced()[0];
  EXPECT_EQ(announced.flags, 0x20000000U);
  EXPECT_EQ(announced.destination, kAllNodes);
  EXPECT_EQ(announced.target, node.ncoa);
  EXPECT_EQ(announced.target_link_address, kMobileLink);
  EXPECT_TRUE(announced.valid);

  // An address that the NAR gave is confirmed by that.
  Moving given;
  FakeRouter::Fback fields;
  fields.status = 1;
  fields.alternate = Ipv6Address::literal("2001:db8:b:1::77");
  given.prepare_handover(fields);
  given.world.forget_output();
  given.roam_to_deaf();
  ASSERT_EQ(given.world.announced().size(), 2U);
  EXPECT_EQ(given.world.announced()[0].flags, 0U);
  EXPECT_EQ(given.world.announced()[1].flags, 0x20000000U);
}

TEST(Landing, SaysItAllInEvents) {
  Moving node;
  World& world = node.world;
  node.prepare_handover();
  node.roam_to_deaf();
  std::vector<EventKind> phases;
  for (const machine::Event& event : world.events) phases.push_back(event.kind);
  for (const EventKind kind :
       {EventKind::kHandoverStarted, EventKind::kFbuSent, EventKind::kFbackReceived,
        EventKind::kHandoverDone, EventKind::kLinkLeft, EventKind::kLinkEntered,
        EventKind::kUnaSent}) {
    const auto found = std::ranges::find(phases, kind);
    ASSERT_NE(found, phases.end()) << machine::name(kind);
    phases.erase(phases.begin(), found + 1);
  }
  ASSERT_EQ(world.status().movements.size(), 1U);
  EXPECT_EQ(world.status().movements[0].state, "forwarding");
  EXPECT_EQ(world.status().movements[0].ncoa, node.ncoa);
}

// The announcement makes the NAR release what it holds: nothing of it may come too early.
TEST(Landing, AttachesAGrantedTunnelBeforeItAnnouncesItself) {
  Moving node;
  World& world = node.world;
  node.prepare_handover();
  world.forget_output();

  node.roam();
  EXPECT_LT(world.place("attach-tunnel"), world.place("icmp-136"));
  EXPECT_EQ(world.asked<machine::AttachTunnel>().size(), 1U);
}

// It stands on its previous address there; the handover is that of its own address of this link.
TEST(Landing, OnThePreviousAddressIsLeftFromTheLinksOwn) {
  const LinkAddress third = LinkAddress::literal("02:00:5e:00:53:a3");
  Moving node(mobile_config(), [&](World& made) {
    Tuple tuple;
    tuple.access_point = third;
    tuple.router = Ipv6Address::literal("2001:db8:c:1::1");
    tuple.router_link_address = LinkAddress::literal("02:00:5e:00:53:33");
    tuple.prefix_length = 64;
    made.tuples.push_back(tuple);
  });
  World& world = node.world;
  FakeRouter::Fback fields;
  fields.status = 1;
  fields.alternate = node.pcoa;
  node.prepare_handover(fields);
  node.roam();
  world.advance(seconds(3));
  ASSERT_TRUE(world.key_of(node.nar.global.front())) << world.account();
  world.forget_output();
  ASSERT_TRUE(world.order(machine::HandOver{third})) << world.account();
  const std::vector<Update> updates = world.updates();
  ASSERT_EQ(updates.size(), 1U);
  const Update& update = updates.at(0);
  EXPECT_EQ(update.source, node.ncoa);
  EXPECT_EQ(update.home, node.ncoa);
  EXPECT_EQ(update.destination, node.nar.global.front());
  world.deliver(world.fback(node.nar, update));
  ASSERT_EQ(world.asked<machine::SwitchLink>().size(), 1U);
  EXPECT_EQ(world.asked<machine::SwitchLink>()[0].access_point, third);
}

}  // namespace
}  // namespace sendoff::test
