// Access points that the node knows without asking (RFC 5568 4), and where its tunnel ends.
#include "moving.h"

namespace sendoff::test {
namespace {

using machine::EventKind;
using machine::HandOver;
using machine::OrderError;
using wire::PrRtAdv;
using Code = wire::LinkLayerAddressOption::Code;

mobile::Config knowing() {
  static const FakeRouter next = next_router();
  mobile::Config config = mobile_config();
  mobile::AccessPoint point;
  point.address = kApNext;
  point.state = mobile::AccessPoint::State::kPossible;
  point.router = next.global[0];
  point.router_link_address = next.link_address;
  point.prefix = kNextPrefix;
  config.access_points.push_back(point);
  return config;
}

TEST(KnownAccessPoint, IsHandedOverToWithoutAsking) {
  COVERS("FH-4-13");
  // Its router delivers keys and tells nothing.
  Moving node(knowing(), [](World& made) { made.tuples.clear(); });
  World& world = node.world;
  ASSERT_TRUE(world.order(HandOver{kApNext}));
  EXPECT_TRUE(world.solicitations().empty());
  ASSERT_EQ(world.updates().size(), 1U);
  EXPECT_EQ(world.updates()[0].fbu.options.alternate_care_of, node.ncoa);
  world.deliver(world.fback(node.par, world.updates()[0]));
  EXPECT_NE(world.last(EventKind::kHandoverDone), nullptr);
  world.forget_output();
  node.roam_to_deaf();
  ASSERT_EQ(world.announced().size(), 1U) << "at once";
  EXPECT_EQ(world.announced()[0].source, node.ncoa);
  EXPECT_TRUE(world.solicitations().empty());
  // Without an order.
  Moving sudden(knowing(), [](World& made) { made.tuples.clear(); });
  sudden.roam_to_deaf();
  ASSERT_EQ(sudden.world.updates().size(), 1U);
  EXPECT_EQ(sudden.world.updates()[0].source, sudden.ncoa);
  EXPECT_TRUE(sudden.world.solicitations().empty());
  // A handover key is needed all the same.
  Attached poor(knowing(), [](World& made) {
    made.tuples.clear();
    made.answer_rtsolpr = false;
  });
  EXPECT_EQ(poor.world.order(HandOver{kApNext}).error(), OrderError::kNoKey);
  poor.world.roam({&poor.nar}, kApNext);
  poor.world.advance(seconds(5));
  EXPECT_TRUE(poor.world.updates().empty());
  // Nobody knows it.
  Moving ignorant(mobile_config(), [](World& made) { made.tuples.clear(); });
  EXPECT_EQ(ignorant.world.order(HandOver{kApNext}).error(), OrderError::kUnknownAccessPoint);
}

TEST(KnownAccessPoint, IsKnownBetterByTheRouter) {
  const Ipv6Address given = Ipv6Address::literal("2001:db8:b:1::77");
  Moving told(knowing(), [&](World& made) { made.tuples[0].new_care_of = given; });
  ASSERT_TRUE(told.world.order(HandOver{kApNext}));
  EXPECT_EQ(told.world.updates()[0].fbu.options.alternate_care_of, given);

  Tuple refusal;
  refusal.access_point = kApNext;
  refusal.code = Code::kNoFastHandover;
  Moving refused(knowing(), [](World& made) { made.tuples.clear(); });
  refused.world.answer_rtsolpr = false;
  refused.world.advance(seconds(3));
  ASSERT_TRUE(refused.world.order(machine::RequestKey{}));
  const auto answer = [&](Code code) {
    refusal.code = code;
    const Solicitation request = refused.world.solicitations().back();
    refused.world.deliver(refused.par.proxy_advertisement(request.source, PrRtAdv::kPartial,
                                                          request.identifier, {refusal}, {},
                                                          refused.world.seal(request.nonce)));
  };
  answer(Code::kNoFastHandover);
  EXPECT_EQ(refused.world.order(HandOver{kApNext}).error(), OrderError::kNoFastHandover);
  // "I do not know it" is no better knowledge.
  refused.world.advance(seconds(3));
  ASSERT_TRUE(refused.world.order(machine::RequestKey{}));
  answer(Code::kNoPrefixInformation);
  EXPECT_TRUE(refused.world.order(HandOver{kApNext}));
}

TEST(KnownAccessPoint, OfTheRouterInUseIsNoHandover) {
  mobile::Config config = knowing();
  config.access_points[0].router = previous_router().global[0];
  Moving node(config, [](World& made) { made.tuples.clear(); });
  EXPECT_EQ(node.world.order(HandOver{kApNext}).error(), OrderError::kSameInterface);
}

// Every time that the tunnel was asked for, and whether it is there now.
struct Tunnel {
  explicit Tunnel(const World& world) {
    for (const machine::ActionKind& action : world.actions) {
      if (std::holds_alternative<machine::AttachTunnel>(action)) {
        ++attached;
        there = true;
      }
      if (std::holds_alternative<machine::DetachTunnel>(action)) there = false;
    }
  }
  std::size_t attached = 0;
  bool there = false;
};

TEST(ReverseTunnel, IsNotThereForAHandoverThatWasRefused) {
  COVERS("FH-6.2.3-15");
  FakeRouter::Fback fields;
  fields.status = 129;
  // On the previous link: none was made, and none is on the next one.
  Moving predictive;
  ASSERT_TRUE(predictive.world.order(HandOver{kApNext}));
  predictive.world.deliver(
      predictive.world.fback(predictive.par, predictive.world.updates()[0], fields));
  EXPECT_EQ(predictive.failure(), "status-129");
  predictive.roam();
  predictive.world.advance(seconds(40));
  EXPECT_EQ(Tunnel(predictive.world).attached, 0U);
  EXPECT_EQ(predictive.world.status().handover, "none");
  // On the next link: it stood for the FBU's sake (FH-4-40), and goes.
  Moving reactive;
  reactive.roam_to_deaf();
  EXPECT_TRUE(Tunnel(reactive.world).there);
  reactive.world.deliver(reactive.world.fback(reactive.par, reactive.world.updates()[0], fields));
  EXPECT_EQ(reactive.failure(), "status-129");
  EXPECT_FALSE(Tunnel(reactive.world).there);
  reactive.world.answer_rs = true;
  reactive.world.advance(seconds(40));
  EXPECT_EQ(Tunnel(reactive.world).attached, 1U);
  // Accepted, it stays.
  Moving accepted;
  accepted.roam_to_deaf();
  accepted.world.deliver(accepted.world.fback(accepted.par, accepted.world.updates()[0]));
  EXPECT_TRUE(Tunnel(accepted.world).there);
}

TEST(NewCareOfAddress, IsOptimisticFromItsAnnouncementOn) {
  COVERS("FH-4-31");
  const auto link_local = Ipv6Address::literal("fe80::99");
  // The host probes behind the UNA: it is told of the address after that left.
  Moving node;
  World& world = node.world;
  node.prepare_handover();
  world.forget_output();
  bool announced_before = false;
  world.hold_outcome = [&](const machine::ActionKind& action) {
    const auto* adding = std::get_if<machine::AddAddress>(&action);
    if (adding != nullptr && adding->address == node.ncoa)
      announced_before = !world.announced().empty();
    return false;
  };
  node.roam_to_deaf();
  world.hold_outcome = nullptr;
  const auto add = added(world, node.ncoa);
  ASSERT_TRUE(add);
  EXPECT_EQ(add->dad, machine::DadMode::kOptimistic);
  EXPECT_TRUE(announced_before);
  ASSERT_EQ(world.announced().size(), 1U);
  // The next router still answers for it.
  world.deliver(foreign_advertisement(node.nar.link_local, node.ncoa, node.nar.link_address),
                node.nar.link_address);
  EXPECT_EQ(world.announced().size(), 2U);
  EXPECT_EQ(world.announced()[1].source, node.ncoa);
  world.event(machine::AddressChanged{kLink, node.ncoa, machine::AddressChanged::What::kDuplicate});
  world.advance(seconds(1));
  EXPECT_FALSE(removed(world, node.ncoa));
  EXPECT_TRUE(Tunnel(world).there);
  // Another node does.
  Moving robbed;
  robbed.prepare_handover();
  robbed.roam_to_deaf();
  robbed.world.forget_output();
  robbed.world.deliver(foreign_advertisement(link_local, robbed.ncoa, kThirdNode), kThirdNode);
  EXPECT_TRUE(removed(robbed.world, robbed.ncoa));
  robbed.world.advance(seconds(10));
  for (const Announced& una : robbed.world.announced()) EXPECT_NE(una.target, robbed.ncoa);
}

}  // namespace
}  // namespace sendoff::test
