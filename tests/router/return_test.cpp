// A node comes back to its previous router while that still forwards its packets (RFC 5568 5.6):
// the router holds them as the new one, and releases them where the node is. And the router that it
// comes from, if it had its PCoA there.
#include "router/handover_fixture.h"

namespace sendoff::test {
namespace {

using machine::ReleaseBuffer;
using machine::RemoveBinding;

class Return : public ParTest {
 protected:
  Return() { config.new_router.dad_transmits = 0; }

  // The node is away with a binding, and the router that it is at announces its return.
  void expect_it_back() {
    start();
    receive(predictive(1));
    take(hack(0));
    ASSERT_EQ(bindings().size(), 1u);
    CraftPeer hi;
    hi.source = kNar;
    hi.destination = ar_global();
    hi.buffer = true;
    hi.link_address = mn.link_address();
    hi.pcoa = ncoa();
    hi.ncoa = mn.global();
    bench.receive(hi.initiate(), kNarLink);
    ASSERT_EQ(bench.asked<machine::OpenBuffer>().size(), 1u);
    ASSERT_EQ(bench.asked<machine::OpenBuffer>()[0]->address, mn.global());
    bench.forget();
  }
  void announce() {
    Craft una;
    una.source = mn.global();
    una.destination = kAllNodes;
    append(una.head, wire::NeighborAdvertisement{.target = mn.global()});
    una.options.push_back(octets_of(
        wire::LinkAddressOption{wire::OptionType::kTargetLinkAddress, mn.link_address()}));
    receive(una, mn);
  }
  void end_forwarding(std::uint16_t sequence = 2) {
    CraftFbu ending = predictive(sequence);
    ending.alternate_care_of = mn.global();
    ending.lifetime_s = 0;
    receive(ending);
  }
  [[nodiscard]] std::size_t released() const { return bench.asked<ReleaseBuffer>().size(); }
  // Of the actions since the last forget(), which came first.
  [[nodiscard]] bool removed_before_released() const {
    const auto is = [](auto kind) {
      return [=](const machine::Action& action) {
        return std::holds_alternative<decltype(kind)>(action.what);
      };
    };
    const auto removed = std::ranges::find_if(bench.actions, is(RemoveBinding{}));
    const auto let_go = std::ranges::find_if(bench.actions, is(ReleaseBuffer{}));
    return removed != bench.actions.end() && let_go != bench.actions.end() && removed < let_go;
  }
  [[nodiscard]] bool proxied() const {
    bool there = true;  // by the binding
    for (const machine::SetProxy* action : bench.asked<machine::SetProxy>())
      if (action->address == mn.global()) there = action->present;
    return there;
  }
};

TEST_F(Return, WhatIsHeldWaitsForTheEndOfForwarding) {
  expect_it_back();
  announce();
  EXPECT_EQ(bench.asked<machine::SetNeighbour>().size(), 1u);
  EXPECT_EQ(released(), 0u);
  EXPECT_EQ(counted("arrival", "held-back"), 1u);
  end_forwarding();
  EXPECT_TRUE(removed_before_released());
  EXPECT_EQ(released(), 1u);
  EXPECT_TRUE(bindings().empty());
  ASSERT_EQ(fbacks().size(), 1u);
  EXPECT_EQ(fbacks()[0].status, 0);
  // Nothing comes of it later.
  bench.forget();
  bench.advance(seconds(5));
  EXPECT_TRUE(bench.actions.empty());
  EXPECT_EQ(counted("arrival", "not-ended"), 0u);
}

// A router that was killed in between would forward again, and the node would know nothing of it.
TEST_F(Return, IsAnsweredWhenTheStoreHasForgottenTheBinding) {
  expect_it_back();
  announce();
  bench.hold_outcome = [](const machine::Action& action) {
    const auto* forget = std::get_if<machine::Forget>(&action.what);
    return forget != nullptr && std::holds_alternative<machine::LiveBindingName>(forget->name);
  };
  end_forwarding(2);
  end_forwarding(3);  // the node says it again
  EXPECT_EQ(released(), 1u);
  ASSERT_EQ(bench.unanswered.size(), 1u);
  EXPECT_TRUE(fbacks().empty());
  bench.answer(bench.unanswered[0]);
  ASSERT_EQ(fbacks().size(), 2u);
  EXPECT_EQ(fbacks()[0].status, 0);
  EXPECT_EQ(fbacks()[1].sequence, 3);
}

TEST_F(Return, ItsWordMayComeBeforeItsAnnouncement) {
  expect_it_back();
  end_forwarding();
  EXPECT_EQ(released(), 0u);
  EXPECT_TRUE(proxied());  // until it is here, as any node that is expected
  announce();
  EXPECT_EQ(released(), 1u);
  EXPECT_FALSE(proxied());
  EXPECT_EQ(counted("arrival", "held-back"), 0u);
}

TEST_F(Return, WhatNobodyEndsIsWaitedForNoLongerThanForANode) {
  expect_it_back();
  announce();
  bench.advance(config.new_router.proxy_lifetime - milliseconds(1));
  EXPECT_EQ(released(), 0u);
  bench.advance(milliseconds(1));
  EXPECT_EQ(released(), 1u);
  EXPECT_EQ(counted("arrival", "not-ended"), 1u);
  EXPECT_EQ(bindings().size(), 1u);
  EXPECT_TRUE(bench.asked<machine::DiscardBuffer>().empty());
  end_forwarding();
  EXPECT_EQ(released(), 1u);
}

TEST_F(Return, TheEndOfItsLifetimeReleasesToo) {
  config.new_router.proxy_lifetime = seconds(60);
  expect_it_back();
  announce();
  bench.advance(seconds(29));
  EXPECT_EQ(released(), 0u);
  bench.advance(seconds(1));
  EXPECT_TRUE(removed_before_released());
  EXPECT_EQ(released(), 1u);
}

TEST_F(Return, AForgedWordReleasesNothing) {
  expect_it_back();
  announce();
  CraftFbu forged = predictive(2);
  forged.alternate_care_of = mn.global();
  forged.lifetime_s = 0;
  forged.flip_tag = true;
  receive(forged);
  EXPECT_EQ(released(), 0u);
  EXPECT_EQ(bindings().size(), 1u);
}

TEST_F(Return, WhoDoesNotComeBackStaysForwardedAndProxied) {
  expect_it_back();
  bench.advance(config.new_router.proxy_lifetime);
  EXPECT_EQ(bench.asked<machine::DiscardBuffer>().size(), 1u);
  EXPECT_EQ(bindings().size(), 1u);
  EXPECT_TRUE(proxied());
}

// A node that had its PCoA here, and goes back to the link that it belongs to.
class Visitor : public ParTest {
 protected:
  void visit() {
    config.new_router.dad_transmits = 0;
    config.interfaces[0].dhcp = true;
    start();
    CraftPeer hi;
    hi.source = kNar;
    hi.destination = ar_global();
    hi.buffer = true;
    hi.link_address = mn.link_address();
    hi.pcoa = ncoa();
    hi.ncoa = mn.global();
    bench.receive(hi.initiate(), kNarLink);
    Craft una;
    una.source = ncoa();
    una.destination = kAllNodes;
    append(una.head, wire::NeighborAdvertisement{.target = ncoa()});
    una.options.push_back(octets_of(
        wire::LinkAddressOption{wire::OptionType::kTargetLinkAddress, mn.link_address()}));
    RouterTest::receive(una, mn);
    EXPECT_EQ(arrivals(), 1u);
    bench.forget();
  }
  [[nodiscard]] std::size_t arrivals() const { return router->status(bench.now, 10).arrival_count; }
};

TEST_F(Visitor, LeavesNoRouteThatItsTunnelWouldFollow) {
  visit();
  receive(predictive(1));
  EXPECT_EQ(arrivals(), 1u);  // not before it is sure to leave
  take(hack(0));
  EXPECT_EQ(bindings().at(0).ncoa, ncoa());
  EXPECT_EQ(arrivals(), 0u);
  ASSERT_EQ(bench.asked<machine::SetRoute>().size(), 1u);
  EXPECT_EQ(bench.asked<machine::SetRoute>()[0]->destination, Prefix(ncoa(), 128));
  EXPECT_FALSE(bench.asked<machine::SetRoute>()[0]->present);
  EXPECT_EQ(bench.asked<machine::DetachTunnel>().size(), 1u);
  // Nor a neighbour.
  ASSERT_EQ(bench.asked<machine::SetNeighbour>().size(), 1u);
  EXPECT_EQ(bench.asked<machine::SetNeighbour>()[0]->address, ncoa());
  EXPECT_FALSE(bench.asked<machine::SetNeighbour>()[0]->link_address);
}

TEST_F(Visitor, LeavesNoRouteForWhatWaitsForItsBinding) {
  visit();
  bench.hold_outcome = [](const machine::Action& action) {
    return std::holds_alternative<machine::InstallBinding>(action.what);
  };
  receive(predictive(1));
  take(hack(0));
  ASSERT_EQ(bench.unanswered.size(), 1u);
  ASSERT_EQ(bench.asked<machine::SetRoute>().size(), 1u);
  EXPECT_FALSE(bench.asked<machine::SetRoute>()[0]->present);
  EXPECT_TRUE(bindings().empty());
}

TEST_F(Visitor, MayComeAgainThoughItIsStillANeighbour) {
  visit();
  receive(predictive(1));
  take(hack(0));
  ASSERT_EQ(arrivals(), 0u);
  CraftPeer hi;
  hi.source = kNar;
  hi.destination = ar_global();
  hi.buffer = true;
  hi.pcoa = ncoa();
  hi.ncoa = mn.global();
  std::uint16_t sequence = 100;
  const auto code_for = [&](const LinkAddress& link_address) {
    bench.forget();
    hi.link_address = link_address;
    hi.sequence = ++sequence;
    bench.host(machine::NeighbourChanged{{0}, ncoa(), mn.link_address(), true});
    bench.receive(hi.initiate(), kNarLink);
    const auto answers = sent_by<wire::HandoverAcknowledge>(bench);
    return answers.empty() ? -1 : int{answers[0].message.code};
  };
  EXPECT_EQ(code_for(LinkAddress::literal("02:00:00:00:0e:0e")), 128);
  EXPECT_EQ(code_for(mn.link_address()), 3);
}

TEST_F(Visitor, IsNotSentAwayByAnotherNode) {
  visit();
  const Peer other{signing_key("mn-1024"), kPrefix, "02:00:00:00:01:02", 2};
  RouterTest::receive(other.rtsolpr(ar_global(), bench.now, hke->spki(), 2), other);
  const auto key = open(reply(), *hke);
  ASSERT_TRUE(key.has_value());
  CraftFbu craft = fbu(*key);
  craft.source = *(craft.home_address = other.global());
  craft.alternate_care_of = ncoa();
  craft.link_address = mn.link_address();
  bench.forget();
  bench.receive(craft.packet(), other.link_address());
  take(hack(0));
  EXPECT_EQ(bindings().at(0).ncoa, ncoa());
  EXPECT_EQ(arrivals(), 1u);
  EXPECT_TRUE(bench.asked<machine::SetRoute>().empty());
}

TEST_F(Return, OfTwoChangesOfMindTheLastOneCounts) {
  start();
  bench.hold_outcome = [](const machine::Action& action) {
    return std::holds_alternative<machine::InstallBinding>(action.what);
  };
  receive(predictive(1));
  take(hack(0));
  ASSERT_EQ(bench.unanswered.size(), 1u);
  CraftFbu back = predictive(2);
  back.alternate_care_of = mn.global();
  back.lifetime_s = 0;
  receive(back);
  receive(reactive(3));
  bench.answer(bench.unanswered[0]);
  EXPECT_EQ(bindings().size(), 1u);
  EXPECT_TRUE(bench.asked<RemoveBinding>().empty());
}

}  // namespace
}  // namespace sendoff::test
