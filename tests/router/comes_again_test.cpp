// A node that came here by an HI, left, and is announced to come again (RFC 5568 4, 6.2.1): it is
// expected as the first time.
#include "router/handover_fixture.h"

namespace sendoff::test {
namespace {

class ComesAgain : public NarTest {
 protected:
  // Here, with an address of the pool; what its PAR says next has this number.
  Ipv6Address come() {
    config.interfaces[0].pool = Prefix::literal("2001:db8:a:1::a:0/112");
    start();
    take(announcement(1));
    const auto given = address_in(hacks().at(0).message.options, AddressCode::kNewCareOfAddress);
    EXPECT_TRUE(given.has_value());
    arrive(given.value_or(Ipv6Address{}));
    EXPECT_EQ(state(), "here");
    bench.forget();
    return given.value_or(Ipv6Address{});
  }
  [[nodiscard]] CraftPeer announcement(std::uint16_t sequence) const {
    CraftPeer craft = hi(sequence);
    craft.assigned_addressing = true;
    return craft;
  }
  [[nodiscard]] std::string state() const {
    const auto all = arrivals();
    return all.size() == 1 ? all[0].state : "";
  }
  [[nodiscard]] std::size_t released() const {
    return bench.asked<machine::ReleaseBuffer>().size();
  }
};

TEST_F(ComesAgain, ItsPacketsWaitAndItsAddressIsTheSame) {
  COVERS("FH-6.2.1.1-17");
  const Ipv6Address given = come();
  bench.advance(seconds(60));
  take(announcement(2));
  EXPECT_EQ(code(), 2);
  EXPECT_EQ(address_in(hacks()[0].message.options, AddressCode::kNewCareOfAddress), given);
  ASSERT_EQ(bench.asked<machine::OpenBuffer>().size(), 1u);
  EXPECT_EQ(bench.asked<machine::OpenBuffer>()[0]->address, given);
  EXPECT_TRUE(proxied(given));
  EXPECT_EQ(state(), "expected");
  EXPECT_EQ(released(), 0u);
  arrive(given);
  EXPECT_EQ(released(), 1u);
  EXPECT_FALSE(proxied(given));
  EXPECT_EQ(state(), "here");
  // As often as it likes.
  for (std::uint16_t sequence = 3; sequence < 30; ++sequence) {
    bench.advance(seconds(2));
    bench.forget();
    take(announcement(sequence));
    EXPECT_EQ(code(), 2);
    arrive(given);
    EXPECT_EQ(released(), 1u);
  }
}

TEST_F(ComesAgain, ByAnotherRouterToo) {
  router::Neighbour third = config.neighbours[0];
  third.name = "third";
  third.address = Ipv6Address::literal("2001:db8:a:3::1");
  third.prefix = Prefix::literal("2001:db8:a:3::/64");
  third.access_points.clear();
  config.neighbours.push_back(third);
  const Ipv6Address given = come();
  const auto from_third = [&](std::uint16_t sequence) {
    CraftPeer craft = announcement(sequence);
    craft.source = third.address;
    craft.pcoa = Ipv6Address::literal("2001:db8:a:3::77");
    return craft;
  };
  bench.advance(seconds(2));
  CraftPeer stranger = from_third(1);
  stranger.link_address = LinkAddress::literal("02:00:00:00:0e:0e");
  take(stranger);
  EXPECT_NE(address_in(hacks().at(0).message.options, AddressCode::kNewCareOfAddress), given);
  bench.forget();
  take(from_third(2));
  EXPECT_EQ(code(), 2);
  EXPECT_EQ(address_in(hacks()[0].message.options, AddressCode::kNewCareOfAddress), given);
  EXPECT_EQ(hacks()[0].ip.destination, third.address);
  arrive(given);
  EXPECT_EQ(released(), 1u);
  // One that came without a word of it is told of by Code 1.
  bench.forget();
  CraftPeer reactive = hi(3);
  reactive.code = 1;
  reactive.ncoa = given;
  take(reactive);
  EXPECT_EQ(code(), 0);
}

TEST_F(ComesAgain, AnHiThatIsLateAnnouncesNobody) {
  (void)come();
  bench.advance(milliseconds(1999));
  take(announcement(2));
  EXPECT_EQ(code(), 2);
  EXPECT_EQ(state(), "here");
  EXPECT_TRUE(bench.actions.empty());
}

TEST_F(ComesAgain, WhoDoesNotKeepsWhatItHad) {
  const Ipv6Address given = come();
  bench.advance(seconds(60));
  take(announcement(2));
  EXPECT_TRUE(proxied(given));
  bench.advance(config.new_router.proxy_lifetime);
  // It may be here all the time: what waited goes to the link.
  EXPECT_EQ(released(), 1u);
  EXPECT_TRUE(bench.asked<machine::DiscardBuffer>().empty());
  EXPECT_FALSE(proxied(given));
  EXPECT_EQ(state(), "here");
  EXPECT_EQ(counted("expired"), 1u);
  // No longer than it would have been.
  bench.advance(config.new_router.pool_lease - seconds(60) - config.new_router.proxy_lifetime -
                milliseconds(1));
  EXPECT_EQ(state(), "here");
  bench.advance(milliseconds(1));
  EXPECT_EQ(state(), "");
}

TEST_F(ComesAgain, AHostRouteEndsWithTheWait) {
  COVERS("FH-4-20");
  config.interfaces[0].dhcp = true;
  start();
  take(hi(1));
  arrive(pcoa);
  bench.advance(seconds(2));
  bench.forget();
  take(hi(2));
  EXPECT_EQ(code(), 3);
  EXPECT_EQ(state(), "expected");
  bench.advance(config.new_router.proxy_lifetime);
  EXPECT_EQ(state(), "");
  EXPECT_EQ(bench.asked<machine::DiscardBuffer>().size(), 1u);
  EXPECT_FALSE(bench.asked<machine::SetRoute>().back()->present);
}

TEST_F(ComesAgain, ADataPathThatRefusesTakesNothingAway) {
  (void)come();
  bench.advance(seconds(2));
  bench.outcome_of =
      [](const machine::Action& action) -> Result<machine::Facts, machine::ActionError> {
    if (std::holds_alternative<machine::OpenBuffer>(action.what))
      return fail(machine::ActionError::kRefused);
    return machine::Facts{};
  };
  take(announcement(2));
  EXPECT_EQ(code(), 130);
  EXPECT_EQ(state(), "here");
}

TEST_F(ComesAgain, WhatItsLastComingWaitedForIsOver) {
  bench.hold_outcome = [](const machine::Action& action) {
    return std::holds_alternative<machine::SetNeighbour>(action.what);
  };
  const Ipv6Address given = come();
  ASSERT_EQ(bench.unanswered.size(), 1u);
  bench.advance(seconds(2));
  take(announcement(2));
  bench.answer(bench.unanswered[0]);
  EXPECT_EQ(released(), 0u);
  arrive(given);
  bench.answer(bench.unanswered.at(0));
  EXPECT_EQ(released(), 1u);
}

}  // namespace
}  // namespace sendoff::test
