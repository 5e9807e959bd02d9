// Whole moves (RFC 5568 3, 4, 5): predictive, reactive, back again, to the wrong place, too often.
#include "moving.h"

namespace sendoff::test {
namespace {

using machine::EventKind;
using machine::HandOver;
using machine::OrderError;

TEST(Move, IsAnnouncedToThePreviousRouterWhileItsLinkStands) {
  COVERS("FH-3.1-01");
  Moving node;
  World& world = node.world;
  ASSERT_TRUE(world.order(HandOver{kApNext}));
  ASSERT_EQ(world.updates().size(), 1U);
  EXPECT_EQ(world.updates()[0].source, node.pcoa);
  EXPECT_TRUE(world.asked<machine::SwitchLink>().empty());
  world.deliver(world.fback(node.par, world.updates()[0]));
  const auto switches = world.asked<machine::SwitchLink>();
  ASSERT_EQ(switches.size(), 1U);
  EXPECT_EQ(switches[0].access_point, kApNext);
  EXPECT_LT(world.place("mobility-8"), world.place("switch-link"));
  ASSERT_EQ(std::ranges::count(world.trace, "start"), 1) << "the announcement is signed";
  EXPECT_LT(world.place("switch-link"), world.place("start")) << "while the link changes";

  Moving still;
  still.world.advance(seconds(30));
  EXPECT_TRUE(still.world.updates().empty()) << "nobody said that it moves";
}

TEST(Move, IsAnnouncedFromADeprecatedAddressToo) {
  COVERS("ND-4862-26");
  Moving node;
  World& world = node.world;
  wire::PrefixInformation option = node.par.information(Prefix(node.pcoa, 64));
  option.preferred_lifetime_s = 0;
  FakeRouter::Advertised advertised;
  advertised.prefixes = {option};
  world.deliver(node.par.router_advertisement(kAllNodes, world.seal(), advertised));
  const auto formed = world.asked<machine::AddAddress>();
  ASSERT_EQ(formed.size(), 1U);
  EXPECT_EQ(formed[0].address, node.pcoa);
  EXPECT_EQ(formed[0].preferred, Duration{});
  ASSERT_TRUE(world.order(HandOver{kApNext}));
  ASSERT_EQ(world.updates().size(), 1U);
  EXPECT_EQ(world.updates()[0].source, node.pcoa);
}

TEST(Move, IsPredictiveWithAnFbackFromThePreviousLinkElseReactive) {
  COVERS("FH-3.2-06", "FH-4-29");
  {
    Moving node;
    node.prepare_handover();
    node.world.forget_output();
    node.roam_to_deaf();
    node.world.advance(seconds(10));
    EXPECT_TRUE(node.world.updates().empty());
    ASSERT_EQ(tunnels(node.world).size(), 1U);
    EXPECT_EQ(tunnels(node.world)[0].pcoa, node.pcoa);
    EXPECT_EQ(tunnels(node.world)[0].local, node.ncoa);
    EXPECT_EQ(tunnels(node.world)[0].remote, node.par.global[0]);
    const std::size_t una = node.world.place("icmp-136");
    EXPECT_LT(node.world.place("attach-tunnel"), una);
    EXPECT_LT(una, node.world.place("add-address"))
        << "before the host has an address of this link";
  }
  for (const bool ordered : {true, false}) {
    Moving node;
    World& world = node.world;
    if (ordered) {
      ASSERT_TRUE(world.order(HandOver{kApNext}));
    }
    world.forget_output();
    const Instant up = world.now.boot;
    node.roam_to_deaf();
    const auto updates = world.updates();
    ASSERT_EQ(updates.size(), 1U) << ordered;
    EXPECT_EQ(updates[0].source, node.ncoa);
    const std::size_t una = world.place("icmp-136");
    const std::size_t tunnel = world.place("attach-tunnel");
    const std::size_t fbu = world.place("mobility-8");
    EXPECT_LT(una, fbu);
    EXPECT_LT(tunnel, fbu);
    // Asked for before, the router may hold packets for which the announcement calls.
    EXPECT_EQ(tunnel < una, ordered);
    EXPECT_EQ(world.now.boot, up) << "all in the same moment";
    world.deliver(world.fback(node.par, updates[0]));
    EXPECT_NE(world.last(EventKind::kHandoverDone), nullptr);
  }
}

TEST(Move, TakesTheFbackOfAnEarlierFbuOnTheNewLink) {
  Moving node;
  World& world = node.world;
  ASSERT_TRUE(world.order(HandOver{kApNext}));
  const auto first = world.updates();
  world.forget_output();
  node.roam_to_deaf();
  ASSERT_EQ(world.updates().size(), 1U);
  FakeRouter::Fback fields;
  fields.destination = node.ncoa;
  world.deliver(world.fback(node.par, first[0], fields));
  EXPECT_NE(world.last(EventKind::kHandoverDone), nullptr) << world.account();
  world.advance(seconds(10));
  EXPECT_EQ(world.updates().size(), 1U) << "nothing to repeat";
}

TEST(Move, WorksWhenTheLinkGoesAtOnceOrWithoutAnyFbu) {
  COVERS("FH-5.2-02");
  for (const bool ordered : {true, false}) {
    Moving node;
    World& world = node.world;
    world.answer_fbu = false;
    if (ordered) {
      ASSERT_TRUE(world.order(HandOver{kApNext}));
    }
    world.advance(milliseconds(1));
    world.forget_output();
    node.roam();
    const auto updates = world.updates();
    ASSERT_EQ(updates.size(), 1U);
    EXPECT_EQ(updates[0].source, node.ncoa);
    EXPECT_EQ(updates[0].home, node.pcoa);
    EXPECT_EQ(updates[0].fbu.sequence, ordered ? 2 : 1);
    EXPECT_TRUE(updates[0].made_by(world.issued_algorithm, world.issued(node.par), node.ncoa));
    world.deliver(world.fback(node.par, updates[0]));
    EXPECT_EQ(world.status().handover, "forwarding");
    EXPECT_EQ(world.care_of(), node.ncoa);
  }
}

TEST(Move, ChangesTheLinkWithoutFbackAfterAWhile) {
  mobile::Config config = mobile_config();
  config.fback_wait = milliseconds(300);
  Moving node(config);
  World& world = node.world;
  ASSERT_TRUE(world.order(HandOver{kApNext}));
  world.advance(milliseconds(299));
  EXPECT_TRUE(world.asked<machine::SwitchLink>().empty());
  world.advance(milliseconds(1));
  EXPECT_EQ(world.asked<machine::SwitchLink>().size(), 1U);
  world.forget_output();
  node.roam_to_deaf();
  EXPECT_EQ(world.updates().size(), 1U) << "reactive";
}

TEST(Move, CallsItsPacketsBackWhenTheLinkCouldNotBeChanged) {
  Moving node(mobile_config(), [](World& made) {
    made.refuse = [](const machine::ActionKind& action) -> std::optional<machine::ActionError> {
      if (std::holds_alternative<machine::SwitchLink>(action))
        return machine::ActionError::kRefused;
      return std::nullopt;
    };
  });
  World& world = node.world;
  node.prepare_handover();
  EXPECT_EQ(node.failure(), "switch-failed");
  EXPECT_EQ(world.count("switches-failed"), 1U);
  ASSERT_EQ(world.updates().size(), 2U);
  EXPECT_EQ(world.updates()[1].fbu.lifetime_s, 0);
  EXPECT_EQ(world.updates()[1].source, node.pcoa);
  world.deliver(world.fback(node.par, world.updates()[1]));
  EXPECT_TRUE(world.status().movements.empty());
  // A link that was to be changed, and is still this one at half time.
  Moving stays;
  stays.prepare_handover();
  stays.world.advance(seconds(15));
  ASSERT_EQ(stays.world.updates().size(), 2U);
  EXPECT_EQ(stays.world.updates()[1].fbu.lifetime_s, 0);
}

TEST(Move, StopsWithoutATunnel) {
  Moving node(mobile_config(), [](World& made) {
    made.refuse = [](const machine::ActionKind& action) -> std::optional<machine::ActionError> {
      if (std::holds_alternative<machine::AttachTunnel>(action))
        return machine::ActionError::kRefused;
      return std::nullopt;
    };
  });
  node.roam_to_deaf();
  EXPECT_EQ(node.failure(), "tunnel-refused");
  EXPECT_EQ(node.world.count("tunnels-refused"), 1U);
}

TEST(Move, EndsElsewhereThanAnnounced) {
  COVERS("FH-5.6-06");
  const LinkAddress elsewhere = LinkAddress::literal("02:00:5e:00:53:a3");
  const Prefix third_prefix = Prefix::literal("2001:db8:b:7::/64");
  const auto with_third = [&](World& made) {
    Tuple tuple;
    tuple.access_point = elsewhere;
    tuple.router = Ipv6Address::literal("2001:db8:b:7::1");
    tuple.router_link_address = LinkAddress::literal("02:00:5e:00:53:16");
    tuple.prefix = third_prefix;
    made.tuples.push_back(tuple);
  };
  for (const std::uint8_t status : std::initializer_list<std::uint8_t>{0, 255, 129}) {
    Moving node(mobile_config(), with_third);
    World& world = node.world;
    ASSERT_TRUE(world.order(HandOver{kApNext}));
    const std::uint16_t first = world.updates()[0].fbu.sequence;
    FakeRouter::Fback fields;
    fields.status = status;
    if (status != 255) world.deliver(world.fback(node.par, world.updates()[0], fields));
    world.forget_output();
    world.answer_rs = false;
    world.roam({}, elsewhere);
    const auto updates = world.updates();
    if (status == 129) {
      EXPECT_TRUE(updates.empty());
      continue;
    }
    ASSERT_EQ(updates.size(), 1U) << int{status};
    EXPECT_EQ(updates[0].destination, node.par.global[0]);
    EXPECT_EQ(updates[0].source, world.config.identity.address(third_prefix));
    EXPECT_EQ(updates[0].fbu.sequence, first + 1);
  }
}

TEST(Move, CorrectsItselfWhereTheLinkIsNotTheOneThatWasThought) {
  Moving node;
  World& world = node.world;
  node.prepare_handover();
  world.forget_output();
  // Comes up without a word about the access point, back where it was.
  world.move({&node.par});
  EXPECT_EQ(world.care_of(), node.pcoa);
  EXPECT_TRUE(removed(world, node.ncoa));
  ASSERT_FALSE(world.updates().empty());
  EXPECT_EQ(world.updates().back().fbu.lifetime_s, 0);
  EXPECT_EQ(world.updates().back().source, node.pcoa);
  EXPECT_EQ(world.asked<machine::DetachTunnel>().size(),
            world.asked<machine::AttachTunnel>().size());
}

TEST(Move, KeepsOrderedHandoversApart) {
  COVERS("FH-5.6-07");
  const LinkAddress other = LinkAddress::literal("02:00:5e:00:53:a3");
  const auto with_other = [&](World& made) {
    Tuple tuple = made.tuple_of_next();
    tuple.access_point = other;
    made.tuples.push_back(tuple);
  };
  Moving node(mobile_config(), with_other);
  World& world = node.world;
  node.prepare_handover();
  world.advance(milliseconds(200));
  const auto second = world.order(HandOver{other});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error(), OrderError::kBusy);
  EXPECT_EQ(world.updates().size(), 1U);
  EXPECT_EQ(world.asked<machine::SwitchLink>().size(), 1U);
  // Mobile IPv6 is done, or the interval is over.
  Moving done(mobile_config(), with_other);
  done.prepare_handover();
  done.world.advance(milliseconds(200));
  ASSERT_TRUE(done.world.order(machine::BindingComplete{}));
  EXPECT_TRUE(done.world.order(HandOver{other}));
  world.advance(milliseconds(1800));
  EXPECT_TRUE(world.order(HandOver{other}));
  // A link that is lost asks nobody.
  Moving lost(mobile_config(), with_other);
  lost.prepare_handover();
  lost.world.advance(milliseconds(200));
  lost.world.forget_output();
  lost.world.answer_rs = false;
  lost.world.event(machine::ApLost{kLink});
  lost.world.roam({&lost.nar}, other);
  ASSERT_FALSE(lost.world.announced().empty());
  EXPECT_EQ(lost.world.announced()[0].at, lost.world.now.boot);
  EXPECT_EQ(tunnels(lost.world).size(), 1U);
}

TEST(Move, TakesNoMoreThanThreeFbusASecondToOneRouter) {
  COVERS("FH-6275-35");
  mobile::Config config = mobile_config();
  config.fbu_timeout = milliseconds(10);
  config.fbu_retries = 10;
  config.handover_interval = Duration{};
  Moving node(config);
  World& world = node.world;
  const Instant start = world.now.boot;
  int orders = 0;
  for (int i = 0; i < 10; ++i) {
    orders += world.order(HandOver{kApNext}).has_value() ? 1 : 0;
    world.advance(milliseconds(99));
  }
  EXPECT_GE(orders, 1);
  std::size_t in_that_second = 0;
  for (std::size_t i = 0; i < world.sent.size(); ++i)
    if (read_update(world.sent[i].packet) && world.sent_at[i] - start < seconds(1))
      ++in_that_second;
  EXPECT_EQ(in_that_second, 3U);
  // Another PAR has a budget of its own: on its link both are told in one moment.
  world.forget_output();
  node.roam();
  FakeRouter home = previous_router();
  world.forget_output();
  world.roam({&home}, kApHere);
  world.advance(milliseconds(10));
  std::set<Ipv6Address> told;
  for (const Update& update : world.updates()) told.insert(update.destination);
  EXPECT_TRUE(told.contains(node.nar.global[0])) << world.account();
}

TEST(Move, EndsWithTheBindingAndReleasesWhatItHeld) {
  Moving node;
  World& world = node.world;
  node.prepare_handover();
  node.roam();
  world.advance(seconds(1));
  world.forget_output();
  ASSERT_TRUE(world.order(machine::BindingComplete{}));
  EXPECT_EQ(world.asked<machine::DetachTunnel>().size(), 1U);
  EXPECT_TRUE(removed(world, node.pcoa));
  EXPECT_FALSE(world.key_of(node.par.global[0]));
  EXPECT_EQ(world.last(EventKind::kHandoverEnded)->text("reason"), "binding-complete");
  world.advance(seconds(60));
  EXPECT_TRUE(world.updates().empty());

  Moving silent;
  silent.prepare_handover();
  silent.roam();
  silent.world.forget_output();
  silent.world.advance(seconds(31));
  EXPECT_EQ(silent.world.asked<machine::DetachTunnel>().size(), 1U);
  EXPECT_TRUE(removed(silent.world, silent.pcoa));
}

TEST(Move, RenewsForwardingForAsLongAsItWasTold) {
  mobile::Config config = mobile_config();
  config.keep_forwarding_s = 40;
  Moving node(config);
  World& world = node.world;
  node.prepare_handover();
  node.roam();
  world.answer_fbu = true;
  world.routers.push_back(&node.par);  // reached through the network
  world.forget_output();
  world.advance(seconds(100));
  EXPECT_EQ(world.updates().size(), 2U) << "after 15 and 30 s, not after 45";
  EXPECT_EQ(world.last(EventKind::kHandoverEnded)->text("reason"), "lapsed");
}

TEST(Move, BackAgainEndsTheBindingWithoutWaitingForItsRouter) {
  Moving node;
  World& world = node.world;
  node.prepare_handover();
  // The next router tells of the access point that was left.
  world.tuples[0].access_point = kApHere;
  world.tuples[0].router = node.par.global[0];
  world.tuples[0].router_link_address = node.par.link_address;
  node.roam();
  world.advance(milliseconds(100));
  world.forget_output();
  world.answer_rs = false;
  world.roam({&node.par}, kApHere);
  const auto updates = world.updates();
  const auto end = std::ranges::find(updates, node.par.global[0], &Update::destination);
  ASSERT_NE(end, updates.end()) << world.account();
  EXPECT_EQ(end->fbu.lifetime_s, 0);
  EXPECT_EQ(end->source, node.pcoa);
  EXPECT_EQ(world.asked<machine::DetachTunnel>().size(), 1U);
  // And the router that was left is told, too.
  const auto next = std::ranges::find(updates, node.nar.global[0], &Update::destination);
  ASSERT_NE(next, updates.end());
  EXPECT_EQ(next->source, node.pcoa);
  EXPECT_EQ(next->home, node.ncoa);
}

TEST(Move, ToAnAccessPointOfTheSameInterfaceChangesNothing) {
  Moving node(mobile_config(), [](World& made) { made.answer_rtsolpr = false; });
  World& world = node.world;
  const LinkAddress near = LinkAddress::literal("02:00:5e:00:53:a4");
  Tuple tuple;
  tuple.code = wire::LinkLayerAddressOption::Code::kCurrentInterface;
  tuple.access_point = near;
  world.answer_rtsolpr = false;
  Moving with(mobile_config());
  with.world.deliver(with.unsolicited(wire::PrRtAdv::kUnsolicited, {}));
  // Only an answer may say so; the node asks about it.
  with.world.answer_rtsolpr = false;
  with.world.advance(seconds(2));
  with.world.forget_output();
  EXPECT_EQ(with.world.order(HandOver{near}).error(), OrderError::kUnknownAccessPoint);
  const Solicitation request = with.world.solicitations().back();
  with.world.deliver(with.par.proxy_advertisement(request.source, wire::PrRtAdv::kPartial,
                                                  request.identifier, {tuple}, {},
                                                  with.world.seal(request.nonce)));
  with.world.forget_output();
  with.world.event(machine::ApAttached{kLink, near});
  EXPECT_TRUE(with.world.sent.empty());
  EXPECT_TRUE(with.world.actions.empty());
  EXPECT_EQ(with.world.status().links.at(0).router, with.par.link_local);
  EXPECT_EQ(with.world.care_of(), with.pcoa);
}

TEST(Move, SendsNoMessageThatRfc5568TookOut) {
  COVERS("FH-8-02");
  Moving predictive;
  predictive.prepare_handover();
  predictive.roam();
  Moving reactive;
  reactive.roam();
  Moving refused;
  FakeRouter::Fback fields;
  fields.status = 128;
  refused.prepare_handover(fields);
  refused.roam();
  for (Moving* node : {&predictive, &reactive, &refused}) {
    node->world.advance(seconds(5));
    for (const auto& transmit : node->world.sent) {
      const auto packet = wire::PacketView::parse(transmit.packet);
      if (packet->upper_protocol == wire::kProtocolMobility) {
        EXPECT_EQ(packet->upper[2], 8);
      }
    }
  }
}

}  // namespace
}  // namespace sendoff::test
