// What a HAck means at the previous access router (RFC 5568 5.2, 6.2.1.2, GF15, GF16, GF27).
#include "router/handover_fixture.h"

namespace sendoff::test {
namespace {

using machine::InstallBinding;

class Hack : public ParTest {
 protected:
  const Ipv6Address other = Ipv6Address::literal("2001:db8:a:2::9");

  // A fresh PAR that has asked, and the HAck's code with or without an address.
  CraftPeer ask_and_answer(std::uint8_t code, std::optional<Ipv6Address> address,
                           bool assigned = false, bool predictive_fbu = true) {
    config.previous_router.request_address = assigned;
    bench = MachineBench();
    start();
    receive(predictive_fbu ? predictive(1) : reactive(1));
    CraftPeer craft = hack(code);
    craft.ncoa = address;
    bench.forget();
    take(craft);
    return craft;
  }
  struct Expected {
    int status;
    std::optional<Ipv6Address> far_end;  // nothing: no binding
    std::optional<Ipv6Address> alternate;
  };
  void expect(const Expected& expected, const std::string& what) {
    const auto answers = fbacks();
    ASSERT_FALSE(answers.empty()) << what;
    for (const auto& fback : answers) {
      EXPECT_EQ(fback.status, expected.status) << what;
      EXPECT_EQ(fback.options.alternate_care_of, expected.alternate) << what;
      EXPECT_EQ(fback.lifetime_s, expected.far_end ? 30 : 0) << what;
    }
    ASSERT_EQ(bindings().size(), expected.far_end ? 1u : 0u) << what;
    ASSERT_EQ(installed(), expected.far_end ? 1u : 0u) << what;
    if (!expected.far_end) return;
    EXPECT_EQ(bindings()[0].ncoa, *expected.far_end) << what;
    EXPECT_EQ(bench.asked<InstallBinding>()[0]->ncoa, *expected.far_end) << what;
  }
};

TEST_F(Hack, EveryCodeHasItsFback) {
  COVERS("FH-6.2.1.2-12", "FH-6.2.1.2-05", "FH-3.1-03");
  start();
  const Ipv6Address proposed = ncoa();
  const std::vector<std::tuple<std::uint8_t, std::optional<Ipv6Address>, Expected>> cases = {
      {0, std::nullopt, {0, proposed, std::nullopt}},
      {0, other, {1, other, other}},
      {1, std::nullopt, {128, std::nullopt, std::nullopt}},
      {1, other, {1, other, other}},
      {2, other, {1, other, other}},
      {2, proposed, {0, proposed, proposed}},
      {2, std::nullopt, {128, std::nullopt, std::nullopt}},
      {3, std::nullopt, {1, kNar, mn.global()}},
      {5, std::nullopt, {128, std::nullopt, std::nullopt}},
      {127, other, {128, std::nullopt, std::nullopt}},
      {128, std::nullopt, {128, std::nullopt, std::nullopt}},
      {129, std::nullopt, {129, std::nullopt, std::nullopt}},
      {130, std::nullopt, {130, std::nullopt, std::nullopt}},
      {200, other, {128, std::nullopt, std::nullopt}},
  };
  for (const auto& [code, address, expected] : cases) {
    ask_and_answer(code, address);
    expect(expected, "HAck " + std::to_string(code) + (address ? " with address" : ""));
  }
}

TEST_F(Hack, AnAssignedAddressIsTheTunnelsEndAndInTheFback) {
  COVERS("FH-5.2-01", "FH-6275-38");
  ask_and_answer(2, other);
  expect({1, other, other}, "assigned");
  EXPECT_EQ(fback_destinations(), (std::vector{mn.global(), other}));
  // The MAC is over the address that the MN proposed.
  for (const auto& sent : sent_by<wire::FastBindingAcknowledgement>(bench)) {
    const Secret key = Secret::copy_of(delivered.key);
    const auto verifies = [&](const Ipv6Address& term) {
      return keys::check(ByteView(sent.packet).subspan(40), sent.message.options.authorization,
                         crypto::Algorithm::kHmacSha256_128, key, term, ar_global())
          .has_value();
    };
    EXPECT_TRUE(verifies(ncoa()));
    EXPECT_FALSE(verifies(other));
  }
  ask_and_answer(0, ncoa());
  expect({0, ncoa(), ncoa()}, "as proposed");
  ask_and_answer(0, std::nullopt);
  expect({0, ncoa(), std::nullopt}, "none");
}

TEST_F(Hack, CodeThreeIsAnAssignmentWhereOneWasAskedFor) {
  COVERS("FH-6.2.1.2-10", "FH-6.2.1.2-07");
  ask_and_answer(3, other, true);
  expect({1, other, other}, "S=1, Code 3, address");
  ask_and_answer(3, other, false);
  expect({1, kNar, mn.global()}, "S=0, Code 3");
  ask_and_answer(3, std::nullopt, true);
  expect({1, kNar, mn.global()}, "S=1, Code 3, no address");
  ask_and_answer(2, std::nullopt, true);
  expect({128, std::nullopt, std::nullopt}, "S=1, Code 2, no address");
}

TEST_F(Hack, UsePcoaTunnelsToTheNar) {
  COVERS("FH-6.2.3-08");
  ask_and_answer(3, std::nullopt);
  expect({1, kNar, mn.global()}, "use PCoA");
  EXPECT_EQ(fback_destinations(), std::vector{mn.global()});  // the FBU's source
  ask_and_answer(3, std::nullopt, false, false);
  EXPECT_EQ(fback_destinations(), std::vector{ncoa()});
  ask_and_answer(0, std::nullopt);
  EXPECT_EQ(fback_destinations(), (std::vector{mn.global(), ncoa()}));
  ask_and_answer(0, std::nullopt, false, false);
  EXPECT_EQ(fback_destinations(), std::vector{ncoa()});
  ask_and_answer(128, std::nullopt);
  EXPECT_EQ(fback_destinations(), std::vector{mn.global()});
  ask_and_answer(130, std::nullopt, false, false);
  EXPECT_EQ(fback_destinations(), std::vector{ncoa()});
  // A renewal under the NCoA that was proposed gets the same answer without HI.
  ask_and_answer(3, std::nullopt);
  bench.forget();
  receive(predictive(2));
  EXPECT_TRUE(his().empty());
  expect({1, kNar, mn.global()}, "renewed");
  // Ended: to the PCoA.
  bench.forget();
  CraftFbu back = predictive(3);
  back.lifetime_s = 0;
  receive(back);
  EXPECT_EQ(fback_destinations(), std::vector{mn.global()});
}

TEST_F(Hack, WhereAddressesComeFromDhcpThePcoaIsKept) {
  COVERS("FH-6.1.2-29");
  config.neighbours[0].dhcp = true;
  config.previous_router.request_address = true;
  start();
  receive(predictive(1));
  ASSERT_EQ(his().size(), 1u);
  EXPECT_FALSE(his()[0].message.assigned_addressing);
  take(hack(3));
  ASSERT_EQ(installed(), 1u);
  EXPECT_EQ(bench.asked<InstallBinding>()[0]->ncoa, kNar);
  EXPECT_EQ(fbacks().at(0).options.alternate_care_of, mn.global());
}

TEST_F(Hack, OnlyTheAskedNarAnswers) {
  COVERS("FH-6.2.1.2-04");
  router::Neighbour second = config.neighbours[0];
  second.name = "second";
  second.address = Ipv6Address::literal("2001:db8:a:3::1");
  second.prefix = Prefix::literal("2001:db8:a:3::/64");
  second.access_points.clear();
  config.neighbours.push_back(second);
  start();
  receive(predictive(1));
  CraftPeer wrong = hack(0);
  ++wrong.sequence;
  take(wrong);
  wrong = hack(0);
  wrong.source = second.address;
  take(wrong);
  EXPECT_EQ(counted("initiate", "unmatched"), 2u);
  wrong.source = Ipv6Address::literal("2001:db8:c::1");
  take(wrong);
  EXPECT_EQ(counted("peer", "unknown-peer"), 1u);
  EXPECT_EQ(installed(), 0u);
  EXPECT_TRUE(fbacks().empty());
  take(hack(0));
  EXPECT_EQ(installed(), 1u);
}

TEST_F(Hack, CodesThatAnswerNoReactiveHiAreAsIfLost) {
  for (const std::uint8_t code : {std::uint8_t{1}, std::uint8_t{2}, std::uint8_t{4}}) {
    ask_and_answer(code, other, false, false);
    EXPECT_TRUE(fbacks().empty()) << int{code};
    EXPECT_EQ(installed(), 0u);
    bench.advance(milliseconds(100));
    EXPECT_EQ(his().size(), 1u);  // asked again
    take(hack(0));
    EXPECT_EQ(installed(), 1u);
  }
}

TEST_F(Hack, ReservedBitsAreIgnored) {
  start();
  receive(predictive(1));
  CraftPeer craft = hack(0);
  craft.reserved = 0xff;
  take(craft);
  EXPECT_EQ(installed(), 1u);
}

TEST_F(Hack, ANarAssignsAddressesOfItsOwnOnly) {
  for (const char* address : {"2001:db8:c::1", "2001:db8:a:1::5", "ff0e::1", "fe80::1", "::"}) {
    ask_and_answer(2, Ipv6Address::literal(address));
    expect({128, std::nullopt, std::nullopt}, address);
  }
  ask_and_answer(2, kNar);  // its own address (GF28)
  expect({1, kNar, kNar}, "the NAR itself");
}

TEST_F(Hack, ANarInvitesUsToTellItAgain) {
  COVERS("FH-6.2.1.2-15");
  start();
  CraftPeer invitation;
  invitation.source = kNar;
  invitation.destination = ar_global();
  invitation.code = 4;
  invitation.sequence = 99;
  invitation.pcoa = mn.global();
  take(invitation);  // nothing is known of that node
  EXPECT_TRUE(bench.sent.empty());
  receive(predictive(1));
  take(hack(0));
  bench.forget();
  invitation.source = Ipv6Address::literal("2001:db8:c::1");
  take(invitation);
  EXPECT_TRUE(bench.sent.empty());
  invitation.source = kNar;
  take(invitation);
  ASSERT_EQ(his().size(), 1u);
  EXPECT_EQ(address_in(his()[0].message.options, AddressCode::kOldCareOfAddress), mn.global());
  EXPECT_EQ(address_in(his()[0].message.options, AddressCode::kNewCareOfAddress), ncoa());
  const auto left = bindings().at(0).remaining_s;
  take(hack(0));
  EXPECT_EQ(bindings().at(0).remaining_s, left);
  EXPECT_TRUE(fbacks().empty());
  EXPECT_EQ(router->status(bench.now, 10).handover_count, 0u);
}

// Else an invitation (HAck Code 4) for a binding that stands would keep its packets for good.
TEST_F(Hack, WhatIsHeldForAnInvitationIsLetGoThoughNothingChanges) {
  config.previous_router.copy_packets = true;
  start();
  receive(predictive(1));
  take(hack(0));
  bench.forget();
  CraftPeer invitation;
  invitation.source = kNar;
  invitation.destination = ar_global();
  invitation.code = 4;
  invitation.pcoa = mn.global();
  take(invitation);
  ASSERT_EQ(bench.asked<machine::OpenBuffer>().size(), 1u);
  take(hack(0));
  ASSERT_EQ(bench.asked<machine::DiscardBuffer>().size(), 1u);
  EXPECT_EQ(bench.asked<machine::DiscardBuffer>()[0]->address, mn.global());
}

TEST_F(Hack, TheBindingTableAgreesWithTheStatus) {
  COVERS("FH-6275-40");
  start();
  for (const int code : {0, 1, 2, 3, 5, 128, 129, 130}) {
    for (const bool with_address : {false, true}) {
      ask_and_answer(static_cast<std::uint8_t>(code),
                     with_address ? std::optional(other) : std::nullopt);
      EXPECT_FALSE(fbacks().empty());
      for (const auto& fback : fbacks())
        EXPECT_EQ(fback.status < 128, bindings().size() == 1) << code;
    }
  }
  // The data path refuses: nothing is bound, and the FBack says so.
  bench = MachineBench();
  start();
  bench.outcome_of =
      [](const machine::Action& action) -> Result<machine::Facts, machine::ActionError> {
    if (std::holds_alternative<InstallBinding>(action.what))
      return fail(machine::ActionError::kRefused);
    return machine::Facts{};
  };
  receive(predictive(1));
  take(hack(0));
  ASSERT_EQ(fbacks().size(), 1u);
  EXPECT_EQ(fbacks()[0].status, 130);
  EXPECT_TRUE(bindings().empty());
}

TEST_F(Hack, LifetimesAreTheLeastOfWishMaximumAndKey) {
  COVERS("FH-5.6-03", "FH-5.6-05", "FH-3.1-04");
  config.keys.lifetime_s = 100;
  start();
  const auto granted = [&](std::uint16_t wish, std::uint16_t sequence) {
    bench.forget();
    CraftFbu craft = predictive(sequence);
    craft.lifetime_s = wish;
    receive(craft);
    if (!his().empty()) take(hack(0));
    return fbacks().empty() ? -1 : int{fbacks()[0].lifetime_s};
  };
  EXPECT_EQ(granted(25, 1), 25);
  EXPECT_EQ(granted(600, 2), 60);
  bench.advance(seconds(50));
  EXPECT_EQ(granted(600, 3), 50);
  bench.advance(seconds(30));  // 20 s of the key are left
  EXPECT_EQ(granted(30, 4), 20);
  bench.advance(seconds(19));
  EXPECT_EQ(bindings().size(), 1u);
  CraftFbu back = predictive(5);
  back.lifetime_s = 0;
  bench.forget();
  receive(back);
  ASSERT_EQ(fbacks().size(), 1u);
  EXPECT_EQ(fbacks()[0].status, 0);
  // 25 s means 25 s, with or without traffic.
  bench = MachineBench();
  start();
  EXPECT_EQ(granted(25, 1), 25);
  bench.advance(milliseconds(24'900));
  EXPECT_EQ(bindings().size(), 1u);
  bench.advance(milliseconds(200));
  EXPECT_TRUE(bindings().empty());
  EXPECT_EQ(bench.asked<machine::RemoveBinding>().size(), 1u);
}

TEST_F(Hack, OnLinkNeighboursFindThePcoaAtTheRouter) {
  COVERS("FH-6275-46");
  start();
  receive(predictive(1));
  EXPECT_TRUE(bench.asked<machine::SetProxy>().empty());
  bench.forget();
  CraftPeer answer;
  answer.source = kNar;
  receive(predictive(2));
  bench.advance(milliseconds(100));
  take(hack(0));
  ASSERT_EQ(bench.asked<machine::SetProxy>().size(), 1u);
  EXPECT_EQ(bench.asked<machine::SetProxy>()[0]->address, mn.global());
  EXPECT_TRUE(bench.asked<machine::SetProxy>()[0]->present);
  std::vector<wire::NeighborAdvertisement> told;
  for (const machine::Transmit& transmit : bench.sent) {
    if (transmit.packet[6] != wire::kProtocolIcmpv6 || transmit.packet[40] != 136) continue;
    told.push_back(*wire::NeighborAdvertisement::parse(ByteView(transmit.packet).subspan(40)));
    EXPECT_EQ(wire::Ipv6Header::parse(transmit.packet)->destination, kAllNodes);
    EXPECT_EQ(transmit.packet[7], 255);
    const auto option = find_option(transmit.packet, wire::OptionType::kTargetLinkAddress);
    ASSERT_TRUE(option.has_value());
    EXPECT_EQ(wire::LinkAddressOption::parse(*option)->address, kRouterLink);
  }
  ASSERT_EQ(told.size(), 1u);
  EXPECT_TRUE(told[0].override_flag);
  EXPECT_FALSE(told[0].router);
  EXPECT_FALSE(told[0].solicited);
  EXPECT_EQ(told[0].target, mn.global());
  // A renewal tells nobody again; the end takes the proxy back.
  bench.forget();
  receive(predictive(3));
  EXPECT_TRUE(bench.asked<machine::SetProxy>().empty());
  CraftFbu back = predictive(4);
  back.lifetime_s = 0;
  receive(back);
  ASSERT_EQ(bench.asked<machine::SetProxy>().size(), 1u);
  EXPECT_FALSE(bench.asked<machine::SetProxy>()[0]->present);
}

}  // namespace
}  // namespace sendoff::test
