// Bindings that no movement of the node follows any more, at a router that it comes back to (GF57),
// and orders that came to nothing.
#include "moving.h"

namespace sendoff::test {
namespace {

using machine::BindingComplete;
using machine::HandOver;

std::vector<Update> updates_to(const World& world, const FakeRouter& router) {
  std::vector<Update> found = world.updates();
  std::erase_if(found,
                [&](const Update& update) { return update.destination != router.global[0]; });
  return found;
}

// Handed over, and Mobile IPv6 has caught up.
struct Completed : Attached {
  Completed() : pcoa(world.care_of()) {
    EXPECT_TRUE(world.order(HandOver{kApNext}));
    world.deliver(world.fback(par, world.updates()[0]));
    world.move({&nar});
    EXPECT_TRUE(world.order(BindingComplete{}));
    EXPECT_FALSE(world.key_of(par.global[0]));
    world.forget_output();
  }
  Ipv6Address pcoa;
};

TEST(LeftBehind, IsEndedUnderTheKeyThatIsDeliveredAgain) {
  COVERS("FH-5.6-01", "HK-3.6-08");
  Completed node;
  World& world = node.world;
  world.answer_rtsolpr = false;
  world.advance(seconds(1));
  world.move({&node.par});
  EXPECT_TRUE(updates_to(world, node.par).empty()) << "no key";
  world.deliver(world.answer(node.par, world.solicitations().back()));
  const auto updates = updates_to(world, node.par);
  ASSERT_EQ(updates.size(), 1U) << world.account();
  EXPECT_EQ(updates[0].fbu.lifetime_s, 0);
  EXPECT_EQ(updates[0].home, node.pcoa);
  EXPECT_EQ(updates[0].source, node.pcoa);
  EXPECT_TRUE(updates[0].made_by(world.issued_algorithm, world.issued(node.par), node.pcoa));
  // Once.
  world.deliver(world.fback(node.par, updates[0]));
  world.advance(seconds(20));
  EXPECT_EQ(updates_to(world, node.par).size(), 1U);
  EXPECT_TRUE(world.order(HandOver{kApNext}));
}

// The key that is delivered again counts anew, and the router's last number may be just that one.
TEST(LeftBehind, IsEndedAtOnceThoughTheNumbersMeet) {
  Completed node;
  World& world = node.world;
  world.move({&node.par});
  const auto first = updates_to(world, node.par);
  ASSERT_EQ(first.size(), 1U) << world.account();
  ASSERT_EQ(first[0].fbu.sequence, 1);
  FakeRouter::Fback stale;
  stale.status = 135;
  stale.sequence = 1;
  world.deliver(world.fback(node.par, first[0], stale));
  const auto both = updates_to(world, node.par);
  ASSERT_EQ(both.size(), 2U);
  EXPECT_EQ(both[1].fbu.sequence, 2);
  EXPECT_EQ(both[1].fbu.lifetime_s, 0);
}

TEST(LeftBehind, WhatItsRouterDefendedIsNotDetectedAgain) {
  Completed node;
  World& world = node.world;
  Tuple back = world.tuple_of_next();
  back.access_point = kApHere;
  back.router = node.par.global[0];
  back.router_link_address = node.par.link_address;
  back.prefix = Prefix(node.pcoa, 64);
  world.tuples = {back};
  world.advance(seconds(3));
  ASSERT_TRUE(world.order(machine::RequestKey{{kApHere}}));
  world.advance(milliseconds(10));
  ASSERT_TRUE(world.order(HandOver{kApHere})) << world.account();
  world.deliver(world.fback(node.nar, world.updates().back()));
  world.forget_output();
  world.roam({&node.par}, kApHere);
  const auto add = added(world, node.pcoa);
  ASSERT_TRUE(add) << world.account();
  EXPECT_EQ(add->dad, machine::DadMode::kNone);
}

TEST(LeftBehind, IsNotEndedElsewhereNorWhenItHasLapsed) {
  Completed node;
  World& world = node.world;
  world.advance(seconds(29));
  EXPECT_TRUE(updates_to(world, node.par).empty());
  world.advance(seconds(2));
  world.move({&node.par});
  world.advance(seconds(1));
  EXPECT_TRUE(world.key_of(node.par.global[0]));
  EXPECT_TRUE(updates_to(world, node.par).empty());
}

TEST(LeftBehind, IsEndedByANodeThatWasRestartedWhileAway) {
  COVERS("HK-3.6-08");
  for (const Duration later : {Duration(seconds(5)), Duration(seconds(31))}) {
    Attached node;
    World& world = node.world;
    const Ipv6Address pcoa = world.care_of();
    const machine::Record stored = machine::duplicate(world.persisted.back());
    EXPECT_TRUE(world.order(HandOver{kApNext}));
    world.deliver(world.fback(node.par, world.updates()[0]));
    world.move({&node.nar});
    machine::Snapshot snapshot;
    snapshot.push_back(machine::duplicate(stored));
    world.down();
    world.restart(std::move(snapshot));
    world.up();
    world.advance(later);
    EXPECT_EQ(world.care_of(), mobile_config().identity.address(kNextPrefix));
    world.forget_output();
    world.answer_rtsolpr = false;  // the stored key is enough
    world.move({&node.par});
    const auto updates = updates_to(world, node.par);
    if (later > seconds(30)) {
      EXPECT_TRUE(updates.empty());
      continue;
    }
    ASSERT_EQ(updates.size(), 1U) << world.account();
    EXPECT_EQ(updates[0].fbu.lifetime_s, 0);
    EXPECT_EQ(updates[0].source, pcoa);
    EXPECT_TRUE(updates[0].made_by(world.issued_algorithm, world.issued(node.par), pcoa));
    EXPECT_FALSE(world.key_of(node.par.global[0])->delivered);
  }
}

// The router that forwards for it defends its address: a detection would find that.
TEST(LeftBehind, KeepsItsAddressFromDetection) {
  for (const Duration away : {Duration(seconds(1)), Duration(seconds(31))}) {
    Completed node;
    World& world = node.world;
    world.advance(away);
    world.forget_output();
    world.move({&node.par});
    const auto address = added(world, node.pcoa);
    ASSERT_TRUE(address);
    EXPECT_EQ(address->dad == machine::DadMode::kNone, away < seconds(30));
  }
}

// What an earlier run left behind, without a store, lapses too.
TEST(LeftBehind, LeavesNoNodeWithoutAnAddressForGood) {
  Attached node(mobile_config(), [](World& world) {
    world.refuse = [](const machine::ActionKind& what) -> std::optional<machine::ActionError> {
      const auto* adding = std::get_if<machine::AddAddress>(&what);
      if (adding == nullptr || adding->address.is_link_local()) return std::nullopt;
      return machine::ActionError::kDuplicate;
    };
  });
  World& world = node.world;
  EXPECT_EQ(world.asked<machine::AddAddress>().size(), 4U);
  EXPECT_EQ(world.order(HandOver{kApNext}).error(), machine::OrderError::kNoAddress);
  world.refuse = nullptr;
  world.advance(seconds(59));
  EXPECT_TRUE(world.care_of().is_unspecified());
  world.advance(seconds(1));
  EXPECT_EQ(world.care_of(),
            mobile_config().identity.address(Prefix::literal("2001:db8:a:1::/64")));
  EXPECT_TRUE(world.key_of(node.par.global[0]));
}

TEST(LeftBehind, MayBeWhatWasNeverAnswered) {
  Attached node;
  World& world = node.world;
  world.move({&node.nar});
  world.advance(seconds(20));  // all FBUs
  EXPECT_EQ(world.count("fbu-unanswered"), 1U);
  world.forget_output();
  world.move({&node.par});
  const auto updates = updates_to(world, node.par);
  ASSERT_FALSE(updates.empty()) << world.account();
  EXPECT_EQ(updates[0].fbu.lifetime_s, 0);
}

TEST(LeftBehind, MayBeWhatItsKeyDidNotOutlive) {
  Attached node(mobile_config(), [](World& world) { world.issued_lifetime_s = 40; });
  World& world = node.world;
  world.advance(seconds(20));
  ASSERT_TRUE(world.order(HandOver{kApNext}));
  world.deliver(world.fback(node.par, world.updates().back()));
  world.answer_rtsolpr = false;  // the other router has no keys
  world.move({&node.nar});
  world.advance(seconds(20));
  EXPECT_FALSE(world.key_of(node.par.global[0]));
  world.forget_output();
  world.answer_rtsolpr = true;
  world.key_version = 1;
  world.move({&node.par});
  const auto updates = updates_to(world, node.par);
  ASSERT_FALSE(updates.empty()) << world.account();
  EXPECT_EQ(updates[0].fbu.lifetime_s, 0);
}

TEST(LeftBehind, IsNothingOfWhatWasRefused) {
  Attached node;
  World& world = node.world;
  world.move({&node.nar});
  FakeRouter::Fback refusal;
  refusal.status = 129;
  world.deliver(world.fback(node.par, updates_to(world, node.par).back(), refusal));
  world.forget_output();
  world.move({&node.par});
  EXPECT_TRUE(updates_to(world, node.par).empty()) << world.account();
}

// GF46.
TEST(LeftBehind, ARefusedOrderChangesNoLinkLaterEither) {
  Moving node;
  FakeRouter::Fback refusal;
  refusal.status = 129;
  node.prepare_handover(refusal);
  EXPECT_EQ(node.failure(), "status-129");
  node.world.advance(seconds(10));
  EXPECT_TRUE(node.world.asked<machine::SwitchLink>().empty());
}

}  // namespace
}  // namespace sendoff::test
