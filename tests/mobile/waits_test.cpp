// What the node does not do before something else has ended: Duplicate Address Detection, a group
// membership, a record in the store, a pause.
#include "moving.h"

namespace sendoff::test {
namespace {

using machine::EventKind;
using machine::HandOver;
using machine::OrderError;
using wire::PrRtAdv;

// A node whose care-of address is optimistic, and whose router gave it a key already.
struct Optimistic : Moving {
  Optimistic() : Moving(configured(), [](World& made) { made.detection_goes_on = true; }) {}
  static mobile::Config configured() {
    mobile::Config config = mobile_config();
    config.dad = machine::DadMode::kOptimistic;
    return config;
  }
  void detection_ends() {
    world.event(machine::AddressChanged{kLink, pcoa, machine::AddressChanged::What::kReady});
  }
};

TEST(Waits, NoHandoverIsOrderedFromAnAddressUnderDetection) {
  Optimistic node;
  World& world = node.world;
  ASSERT_TRUE(world.key_of(node.par.global[0])) << "nothing else is missing";
  const auto early = world.order(HandOver{kApNext});
  ASSERT_FALSE(early);
  EXPECT_EQ(early.error(), OrderError::kTentativeAddress);
  EXPECT_NE(machine::explain(early.error()).find("Duplicate Address Detection"),
            std::string_view::npos);
  EXPECT_TRUE(world.updates().empty());
  // New lifetimes change nothing of it.
  world.hold_outcome = [](const machine::ActionKind& action) {
    return std::holds_alternative<machine::AddAddress>(action);
  };
  world.deliver(node.par.router_advertisement(kAllNodes, world.seal(), world.advertised),
                node.par.link_address);
  ASSERT_EQ(world.held_outcomes.size(), 1U);
  world.held_outcomes[0].result->detecting = true;
  world.hold_outcome = nullptr;
  world.give_outcomes();
  EXPECT_EQ(world.order(HandOver{kApNext}).error(), OrderError::kTentativeAddress);
  node.detection_ends();
  world.detection_goes_on = false;
  ASSERT_TRUE(world.order(HandOver{kApNext}));
  ASSERT_EQ(world.updates().size(), 1U);
  EXPECT_EQ(world.updates()[0].source, node.pcoa);
}

TEST(Waits, AnAddressThatIsOnlyGivenNewLifetimesWasDetectedBefore) {
  Optimistic node;
  World& world = node.world;
  world.detection_goes_on = false;
  world.deliver(node.par.router_advertisement(kAllNodes, world.seal(), world.advertised),
                node.par.link_address);
  EXPECT_TRUE(world.order(HandOver{kApNext}));
}

TEST(Waits, TheNetworkIsFollowedAtOnceAndThePreviousRouterToldFromTheNextLink) {
  Optimistic node;
  World& world = node.world;
  world.deliver(node.unsolicited(PrRtAdv::kNetworkInitiated, {world.tuple_of_next()}));
  EXPECT_TRUE(world.updates().empty());
  EXPECT_EQ(node.failure(), "address-tentative");
  ASSERT_EQ(world.asked<machine::SwitchLink>().size(), 1U);
  node.roam_to_deaf();
  ASSERT_EQ(world.updates().size(), 1U);
  EXPECT_EQ(world.updates()[0].source, node.ncoa);
}

TEST(Waits, ACertificationPathIsAskedForOnceItsGroupIsJoined) {
  Attached node(mobile_config(), [](World& made) {
    made.hold_outcome = [](const machine::ActionKind& action) {
      return std::holds_alternative<machine::JoinGroup>(action);
    };
  });
  World& world = node.world;
  const auto groups = world.asked<machine::JoinGroup>();
  ASSERT_EQ(groups.size(), 1U);
  const Ipv6Address link_local = world.config.identity.address(send::link_local_prefix());
  EXPECT_EQ(groups[0].group, link_local.solicited_node());
  EXPECT_TRUE(groups[0].member);
  EXPECT_EQ(world.sent_of_type(148), 0U);
  world.hold_outcome = nullptr;
  world.give_outcomes();
  EXPECT_EQ(world.sent_of_type(148), 1U);
  EXPECT_TRUE(world.status().links.at(0).router) << world.account();
  ASSERT_EQ(world.asked<machine::JoinGroup>().size(), 2U);
  EXPECT_EQ(world.asked<machine::JoinGroup>()[1].group, groups[0].group);
  EXPECT_FALSE(world.asked<machine::JoinGroup>()[1].member) << "no longer needed";
}

TEST(Waits, ACertificationPathIsAskedForWhereNoGroupCanBeJoined) {
  Attached node(mobile_config(), [](World& made) {
    made.refuse = [](const machine::ActionKind& action) -> std::optional<machine::ActionError> {
      if (!std::holds_alternative<machine::JoinGroup>(action)) return std::nullopt;
      return machine::ActionError::kRefused;
    };
  });
  EXPECT_TRUE(node.world.status().links.at(0).router) << node.world.account();
}

// Stores nothing until a test says so.
bool is_persist(const machine::ActionKind& action) {
  return std::holds_alternative<machine::Persist>(action);
}

TEST(Waits, AKeyIsUsedOnceItsRecordIsStored) {
  for (const bool stored : {true, false}) {
    Attached node(mobile_config(), [](World& made) { made.hold_outcome = is_persist; });
    World& world = node.world;
    ASSERT_EQ(world.persisted.size(), 1U);
    EXPECT_FALSE(world.key_of(node.par.global[0]));
    EXPECT_EQ(world.last(EventKind::kKeyReceived), nullptr);
    EXPECT_EQ(world.order(HandOver{kApNext}).error(), OrderError::kNoKey);
    EXPECT_TRUE(world.updates().empty());
    // A store that fails is told of; the key serves until the node ends.
    if (!stored) world.held_outcomes.at(0).result = fail(machine::ActionError::kStore);
    world.hold_outcome = nullptr;
    world.give_outcomes();
    EXPECT_EQ(world.count("store-failed"), stored ? 0U : 1U);
    EXPECT_TRUE(world.key_of(node.par.global[0]));
    ASSERT_TRUE(world.order(HandOver{kApNext}));
    EXPECT_EQ(world.updates().size(), 1U);
  }
}

TEST(Waits, TheKeyBeforeServesUntilTheNextOneIsStored) {
  Moving node;
  World& world = node.world;
  const Bytes before = world.issued(node.par);
  ++world.key_version;
  world.hold_outcome = is_persist;
  world.advance(seconds(3));
  ASSERT_TRUE(world.order(machine::RequestKey{}));
  world.advance(milliseconds(5));
  ASSERT_EQ(world.held_outcomes.size(), 1U);
  ASSERT_TRUE(world.order(HandOver{kApNext}));
  ASSERT_EQ(world.updates().size(), 1U);
  EXPECT_TRUE(world.updates()[0].made_by(world.issued_algorithm, before, node.ncoa));
  world.give_outcomes();
  world.advance(seconds(1));
  ASSERT_EQ(world.updates().size(), 2U);
  EXPECT_TRUE(
      world.updates()[1].made_by(world.issued_algorithm, world.issued(node.par), node.ncoa));
}

TEST(Waits, AKeyThatIsStoredAfterItsLinkWasLeftIsForgotten) {
  Attached node(mobile_config(), [](World& made) { made.hold_outcome = is_persist; });
  World& world = node.world;
  world.down();
  world.hold_outcome = nullptr;
  world.give_outcomes();
  EXPECT_FALSE(world.key_of(node.par.global[0]));
  ASSERT_EQ(world.forgotten.size(), 1U);
  EXPECT_EQ(std::get<machine::HeldKeyName>(world.forgotten[0]).ar, node.par.global[0]);
}

TEST(Waits, ASilentRouterIsAskedAgainWhenTheIntervalIsOver) {
  Attached node(mobile_config(), [](World& made) {
    made.answer_rtsolpr = false;
    made.advertised.lifetime_s = 9000;
  });
  World& world = node.world;
  world.advance(seconds(10));
  ASSERT_EQ(world.solicitations().size(), 4U);
  for (const int round : {1, 2}) {
    world.forget_output();
    world.advance(seconds(880));
    EXPECT_TRUE(world.solicitations().empty()) << round;
    EXPECT_EQ(world.order(machine::RequestKey{}).error(), OrderError::kNoFastHandover);
    EXPECT_TRUE(world.solicitations().empty()) << round;
    world.advance(seconds(25));
    EXPECT_EQ(world.solicitations().size(), 4U) << round;
  }
  // It was out of order, and is not any more.
  world.answer_rtsolpr = true;
  world.advance(seconds(905));
  EXPECT_TRUE(world.key_of(node.par.global[0])) << world.account();
  world.forget_output();
  EXPECT_TRUE(world.order(HandOver{kApNext}));
}

// An FBU that stays unanswered has a key asked for; here there is nobody to ask yet.
TEST(Waits, AKeyIsAskedForWhenThereIsARouter) {
  Moving node;
  World& world = node.world;
  ASSERT_TRUE(world.order(machine::HandOver{kApNext}));
  node.roam_to_deaf();
  world.forget_output();
  world.advance(seconds(20));
  EXPECT_EQ(node.failure(), "unanswered") << world.account();
  EXPECT_TRUE(world.solicitations().empty());
  world.deliver(node.nar.router_advertisement(kAllNodes, world.seal(), {}), node.nar.link_address);
  world.advance(seconds(1));
  EXPECT_FALSE(world.solicitations().empty()) << world.account();
}

}  // namespace
}  // namespace sendoff::test
