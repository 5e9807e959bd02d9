// The previous access router and its HI (RFC 5568 4, 6.2.1.1): to whom, with what, when, and how
// often.
#include "router/handover_fixture.h"

namespace sendoff::test {
namespace {

using machine::InstallBinding;

class Initiate : public ParTest {
 protected:
  [[nodiscard]] std::vector<wire::FastBindingAcknowledgement> quiet_until(Duration duration) {
    bench.advance(duration);
    return fbacks();
  }
};

TEST_F(Initiate, TheBindingComesAfterTheHackOnly) {
  COVERS("FH-6.2.3-04");
  start();
  receive(predictive());
  EXPECT_EQ(his().size(), 1u);
  EXPECT_EQ(installed(), 0u);
  EXPECT_TRUE(bindings().empty());
  EXPECT_TRUE(quiet_until(milliseconds(500)).empty());
  take(hack(0));
  EXPECT_EQ(installed(), 1u);
  EXPECT_EQ(bindings().size(), 1u);
  EXPECT_EQ(fbacks().size(), 2u);
}

TEST_F(Initiate, ASilentNarMeansNoBinding) {
  COVERS("FH-4-14", "FH-9-06");
  start();
  receive(predictive());
  bench.advance(seconds(2));
  EXPECT_EQ(his().size(), 4u);  // HI_RETRIES is 3
  EXPECT_EQ(installed(), 0u);
  ASSERT_EQ(fbacks().size(), 1u);
  EXPECT_EQ(fbacks()[0].status, 128);
  EXPECT_EQ(fback_destinations()[0], mn.global());
  // A HAck after that is late.
  take(hack(0));
  EXPECT_EQ(installed(), 0u);
  EXPECT_EQ(fbacks().size(), 1u);
  EXPECT_EQ(counted("initiate", "unmatched"), 1u);
  // The setting counts.
  config.previous_router.hi_retries = 1;
  bench = MachineBench();
  start();
  receive(predictive());
  bench.advance(seconds(2));
  EXPECT_EQ(his().size(), 2u);
  // Without HI only where the configuration says so (warned: RouterFile tests).
  config.neighbours[0].handover_initiate = false;
  bench = MachineBench();
  start();
  receive(predictive());
  EXPECT_TRUE(his().empty());
  EXPECT_EQ(installed(), 1u);
}

TEST_F(Initiate, TheLongestPrefixNamesTheNar) {
  COVERS("FH-4-15");
  router::Neighbour wide = config.neighbours[0];
  wide.name = "wide";
  wide.address = Ipv6Address::literal("2001:db8:a:ffff::1");
  wide.prefix = Prefix::literal("2001:db8:a::/48");
  wide.access_points.clear();
  config.neighbours.insert(config.neighbours.begin(), wide);
  start();
  receive(predictive(1));
  ASSERT_EQ(his().size(), 1u);
  EXPECT_EQ(his()[0].ip.destination, kNar);
  bench.forget();
  CraftFbu elsewhere = predictive(2);
  elsewhere.alternate_care_of = Ipv6Address::literal("2001:db8:a:3::5");
  receive(elsewhere);
  ASSERT_EQ(his().size(), 1u);
  EXPECT_EQ(his()[0].ip.destination, wide.address);
  bench.forget();
  CraftFbu nowhere = predictive(3);
  nowhere.alternate_care_of = Ipv6Address::literal("2001:db8:b::5");
  receive(nowhere);
  EXPECT_TRUE(his().empty());
  ASSERT_EQ(fbacks().size(), 1u);
  EXPECT_EQ(fbacks()[0].status, 129);
}

TEST_F(Initiate, TheCodeIsOfTheSourceOnTheWire) {
  COVERS("FH-4-16", "FH-4-17", "FH-6.2.1.1-05", "FH-6.2.1.1-07");
  config.previous_router.request_address = true;
  start();
  receive(predictive(1));
  ASSERT_EQ(his().size(), 1u);
  EXPECT_EQ(his()[0].message.code, 0);
  EXPECT_TRUE(his()[0].message.assigned_addressing);
  EXPECT_TRUE(his()[0].message.buffer);
  bench.advance(seconds(2));
  bench.forget();
  receive(reactive(2));
  ASSERT_EQ(his().size(), 1u);
  EXPECT_EQ(his()[0].message.code, 1);
  EXPECT_FALSE(his()[0].message.assigned_addressing);
  EXPECT_FALSE(his()[0].message.buffer);
}

TEST_F(Initiate, AnHiSaysWhoWhenceAndWhither) {
  COVERS("FH-6.2.1.1-02", "FH-6.2.1.1-12", "FH-6.2.1.1-13");
  start();
  for (const bool from_old_link : {true, false}) {
    bench.forget();
    receive(from_old_link ? predictive(1) : reactive(2));
    ASSERT_EQ(his().size(), 1u);
    const auto sent = his()[0];
    EXPECT_EQ(sent.ip.source, ar_global());
    EXPECT_EQ(sent.ip.destination, kNar);
    EXPECT_EQ(address_in(sent.message.options, AddressCode::kOldCareOfAddress), mn.global());
    EXPECT_EQ(address_in(sent.message.options, AddressCode::kNewCareOfAddress), ncoa());
    ASSERT_TRUE(sent.message.options.link_address.has_value());
    EXPECT_EQ(sent.message.options.link_address->address, mn.link_address());
    // No Home Address option, no routing header, reserved bits zero (FH-6.2.1.1-09, FH-6275-21).
    EXPECT_EQ(sent.packet[6], wire::kProtocolMobility);
    EXPECT_EQ(sent.packet[40 + 8] & 0x3f, 0);
    bench.advance(seconds(2));
  }
}

TEST_F(Initiate, TheLinkAddressIsOfTheFbuOrOfTheNeighbourCache) {
  COVERS("FH-6.2.1.1-10");
  // A key from a store, whose record knows no link-layer address.
  machine::IssuedKey record;
  record.cga = mn.global();
  record.algorithm = crypto::Algorithm::kHmacSha256_128;
  record.key = Secret::copy_of(Bytes(32, 9));
  record.expires = bench.now.utc + hours(1);
  machine::Snapshot snapshot;
  snapshot.push_back(std::move(record));
  RouterTest::start(std::move(snapshot));
  delivered = {2, 3600, Bytes(32, 9)};
  CraftFbu craft = predictive(1);
  craft.link_address = LinkAddress::literal("02:00:00:00:0f:0f");
  receive(craft);
  ASSERT_EQ(his().size(), 1u);
  EXPECT_EQ(his()[0].message.options.link_address->address, *craft.link_address);
  bench.advance(seconds(2));
  bench.forget();
  craft = predictive(2);
  craft.link_address.reset();
  receive(craft);  // neither known
  EXPECT_TRUE(his().empty());
  ASSERT_EQ(fbacks().size(), 1u);
  EXPECT_EQ(fbacks()[0].status, 128);
  EXPECT_EQ(counted("fbu", "no-link-address"), 1u);
  const LinkAddress cached = LinkAddress::literal("02:00:00:00:0c:0c");
  bench.host(machine::NeighbourChanged{{0}, mn.global(), cached, true});
  craft.sequence = 3;
  receive(craft);
  ASSERT_EQ(his().size(), 1u);
  EXPECT_EQ(his()[0].message.options.link_address->address, cached);
}

TEST_F(Initiate, WithoutACacheEntryTheKeysOwnerIsKnown) {
  start();
  CraftFbu craft = predictive(1);
  craft.link_address.reset();
  receive(craft);
  ASSERT_EQ(his().size(), 1u);
  EXPECT_EQ(his()[0].message.options.link_address->address, mn.link_address());
}

TEST_F(Initiate, SAndUFollowTheSettings) {
  COVERS("FH-6.2.1.1-04");
  start();
  receive(predictive(1));
  EXPECT_FALSE(his().at(0).message.assigned_addressing);
  config.previous_router.request_address = true;
  config.previous_router.request_buffering = false;
  bench = MachineBench();
  start();
  receive(predictive(1));
  ASSERT_EQ(his().size(), 1u);
  EXPECT_TRUE(his()[0].message.assigned_addressing);
  EXPECT_FALSE(his()[0].message.buffer);
  CraftPeer answer = hack(2);
  answer.ncoa = Ipv6Address::literal("2001:db8:a:2::9");
  take(answer);
  ASSERT_EQ(installed(), 1u);
  EXPECT_EQ(bench.asked<InstallBinding>()[0]->ncoa, *answer.ncoa);
}

TEST_F(Initiate, ManyHisAtOnceHaveNumbersOfTheirOwn) {
  COVERS("FH-6.2.1.1-03");
  start();
  std::vector<Peer> nodes;
  for (std::uint8_t i = 0; i < 100; ++i) {
    const std::string link = "02:00:00:00:02:" + to_hex(ByteView(&i, 1));
    nodes.emplace_back(signing_key("mn-1024"), kPrefix, link, static_cast<std::uint8_t>(10 + i));
  }
  config.receiver.budget = {};
  std::set<std::uint16_t> numbers;
  std::size_t asked = 0;
  for (const Peer& node : nodes) {
    bench.forget();
    RouterTest::receive(node.rtsolpr(ar_global(), bench.now, hke->spki(), 2), node);
    const auto key = open(reply(), *hke);
    ASSERT_TRUE(key.has_value());
    CraftFbu craft = fbu(*key);
    craft.source = node.global();
    craft.home_address = node.global();
    craft.alternate_care_of = node.address_in(kNarPrefix);
    craft.link_address = node.link_address();
    bench.forget();
    bench.receive(craft.packet(), node.link_address());
    ASSERT_EQ(his().size(), 1u);
    numbers.insert(his()[0].message.sequence);
    ++asked;
  }
  EXPECT_EQ(numbers.size(), asked);
  EXPECT_EQ(router->status(bench.now, 1000).handover_count, asked);
  bench.forget();
  bench.advance(milliseconds(100));
  std::set<std::uint16_t> again;
  for (const auto& sent : his()) again.insert(sent.message.sequence);
  EXPECT_EQ(again, numbers);
}

TEST_F(Initiate, RepetitionsBackOff) {
  COVERS("FH-6.2.1.1-15", "FH-6.2.1.1-16");
  start();
  const Instant begun = bench.now.boot;
  std::vector<Duration> sent_at;
  const auto watch = [&](Duration until) {
    std::size_t before = his().size();
    while (bench.now.boot - begun < until) {
      bench.advance(milliseconds(10));
      for (; before < his().size(); ++before) sent_at.push_back(bench.now.boot - begun);
    }
  };
  receive(predictive(1));
  sent_at.push_back({});
  watch(milliseconds(1490));
  EXPECT_EQ(sent_at,
            (std::vector<Duration>{{}, milliseconds(100), milliseconds(300), milliseconds(700)}));
  EXPECT_TRUE(fbacks().empty());
  watch(milliseconds(1500));
  EXPECT_EQ(fbacks().size(), 1u);
  EXPECT_EQ(his().size(), 4u);
  for (const auto& hi : his()) EXPECT_EQ(hi.packet, his()[0].packet);
  take(hack(0));
  EXPECT_EQ(installed(), 0u);
  EXPECT_TRUE(bindings().empty());
}

TEST_F(Initiate, AKnownRoundTripTimesTheFirstRepetition) {
  COVERS("FH-6.2.1.1-15");
  config.neighbours[0].round_trip = milliseconds(80);
  start();
  receive(predictive(1));
  bench.advance(milliseconds(159));
  EXPECT_EQ(his().size(), 1u);
  bench.advance(milliseconds(1));
  EXPECT_EQ(his().size(), 2u);
  take(hack(0));
  bench.advance(seconds(5));
  EXPECT_EQ(his().size(), 2u);  // none after the HAck
}

TEST_F(Initiate, ARepeatedFbuJoinsTheHiUnderWay) {
  COVERS("FH-6.2.2-18");
  config.previous_router.hi_timeout = milliseconds(500);
  start();
  receive(predictive(7));
  bench.advance(milliseconds(400));
  receive(predictive(8));
  EXPECT_EQ(his().size(), 1u);
  EXPECT_TRUE(fbacks().empty());
  bench.advance(milliseconds(1100));
  const auto outstanding = hack(0);
  bench.forget();
  take(outstanding);
  EXPECT_EQ(installed(), 1u);
  ASSERT_EQ(fbacks().size(), 4u);  // each to the PCoA and the NCoA
  EXPECT_EQ(fbacks()[0].sequence, 8);
  EXPECT_EQ(fbacks()[2].sequence, 7);
  // A later one for the same NCoA restarts the lifetime without HI.
  const auto before = bindings().at(0).remaining_s;
  bench.advance(seconds(10));
  bench.forget();
  receive(predictive(9));
  EXPECT_TRUE(his().empty());
  ASSERT_EQ(fbacks().size(), 2u);
  EXPECT_EQ(fbacks()[0].status, 0);
  EXPECT_EQ(bindings().at(0).remaining_s, before);
}

TEST_F(Initiate, AnIdenticalFbuWaitsWithTheFirst) {
  COVERS("FH-6275-33");
  config.previous_router.hi_timeout = seconds(1);
  start();
  const CraftFbu craft = predictive(1);
  receive(craft);
  receive(craft);
  EXPECT_EQ(his().size(), 1u);
  EXPECT_TRUE(fbacks().empty());
  take(hack(0));
  const auto first = sent_by<wire::FastBindingAcknowledgement>(bench);
  ASSERT_EQ(first.size(), 2u);
  bench.advance(seconds(10));
  const auto left = bindings().at(0).remaining_s;
  bench.forget();
  receive(craft);
  const auto again = sent_by<wire::FastBindingAcknowledgement>(bench);
  ASSERT_EQ(again.size(), 2u);
  EXPECT_EQ(again[0].packet, first[0].packet);
  EXPECT_EQ(again[1].packet, first[1].packet);
  EXPECT_EQ(bindings().at(0).remaining_s, left);
  EXPECT_TRUE(his().empty());
  EXPECT_EQ(installed(), 0u);
  bench.forget();
  for (int i = 0; i < 100; ++i) receive(craft);
  EXPECT_LE(fbacks().size(), 6u);  // three answers of two packets
}

TEST_F(Initiate, ANewNcoaIsAskedForAnew) {
  COVERS("FH-5.6-08");
  router::Neighbour second = config.neighbours[0];
  second.name = "second";
  second.address = Ipv6Address::literal("2001:db8:a:3::1");
  second.prefix = Prefix::literal("2001:db8:a:3::/64");
  second.access_points.clear();
  config.neighbours.push_back(second);
  start();
  receive(predictive(1));
  take(hack(0));
  CraftFbu moved = predictive(2);
  moved.alternate_care_of = mn.address_in("2001:db8:a:3::/64");
  bench.forget();
  receive(moved);
  ASSERT_EQ(his().size(), 1u);
  EXPECT_EQ(his()[0].ip.destination, second.address);
  // Until the second NAR agrees, what stands stands.
  EXPECT_EQ(bindings().at(0).ncoa, ncoa());
  CraftPeer answer = hack(0);
  answer.source = second.address;
  take(answer);
  ASSERT_EQ(installed(), 1u);
  EXPECT_EQ(bench.asked<InstallBinding>()[0]->ncoa, *moved.alternate_care_of);
  ASSERT_EQ(bindings().size(), 1u);
  EXPECT_EQ(bindings()[0].ncoa, *moved.alternate_care_of);
}

TEST_F(Initiate, AnotherNcoaWhileAskingDropsTheFirstQuestion) {
  start();
  receive(predictive(1));
  const CraftPeer late = hack(0);
  CraftFbu other = predictive(2);
  other.alternate_care_of = Ipv6Address::literal("2001:db8:a:2::1234");
  receive(other);
  EXPECT_EQ(his().size(), 2u);
  const CraftPeer good = hack(0);
  take(late);
  EXPECT_EQ(installed(), 0u);
  take(good);
  ASSERT_EQ(installed(), 1u);
  EXPECT_EQ(bindings().at(0).ncoa, *other.alternate_care_of);
  for (const auto& fback : fbacks()) EXPECT_EQ(fback.sequence, 2);
}

TEST_F(Initiate, WhoComesBackWhileWeAskIsLeftAlone) {
  COVERS("FH-5.6-02");
  start();
  receive(predictive(1));
  const CraftPeer late = hack(0);
  CraftFbu back = predictive(2);
  back.lifetime_s = 0;
  bench.forget();
  receive(back);
  EXPECT_TRUE(his().empty());
  ASSERT_EQ(fbacks().size(), 1u);
  EXPECT_EQ(fbacks()[0].status, 0);
  EXPECT_EQ(fbacks()[0].lifetime_s, 0);
  take(late);
  EXPECT_EQ(installed(), 0u);
  EXPECT_TRUE(bindings().empty());
  // And from a binding that stands: it is removed before the answer.
  receive(predictive(3));
  take(hack(0));
  bench.forget();
  back.sequence = 4;
  bench.hold_outcome = [](const machine::Action& action) {
    return std::holds_alternative<machine::RemoveBinding>(action.what);
  };
  receive(back);
  EXPECT_EQ(bench.asked<machine::RemoveBinding>().size(), 1u);
  EXPECT_TRUE(bindings().empty());
  EXPECT_TRUE(fbacks().empty());
  bench.answer(bench.unanswered.at(0));
  ASSERT_EQ(fbacks().size(), 1u);
  EXPECT_EQ(fbacks()[0].status, 0);
  EXPECT_EQ(fbacks()[0].lifetime_s, 0);
  EXPECT_TRUE(his().empty());
  // Unauthenticated: nothing.
  receive(predictive(5));
  take(hack(0));
  bench.forget();
  back.sequence = 6;
  back.flip_tag = true;
  receive(back);
  EXPECT_TRUE(bench.sent.empty());
  EXPECT_EQ(bindings().size(), 1u);
}

TEST_F(Initiate, AChangeOfMindWhileTheBindingIsInstalledComesAfterIt) {
  start();
  bench.hold_outcome = [](const machine::Action& action) {
    return std::holds_alternative<InstallBinding>(action.what);
  };
  receive(predictive(1));
  take(hack(0));
  ASSERT_EQ(bench.unanswered.size(), 1u);
  CraftFbu back = predictive(2);
  back.lifetime_s = 0;
  receive(back);
  EXPECT_TRUE(fbacks().empty());
  bench.answer(bench.unanswered[0]);
  EXPECT_TRUE(bindings().empty());
  EXPECT_EQ(bench.asked<machine::RemoveBinding>().size(), 1u);
  EXPECT_EQ(fbacks().back().sequence, 2);
}

TEST_F(Initiate, HandoversUnderWayAreBounded) {
  config.previous_router.max_handovers = 1;
  start();
  Peer other(signing_key("mn-1024"), kPrefix, "02:00:00:00:01:02", 2);
  RouterTest::receive(other.rtsolpr(ar_global(), bench.now, hke->spki(), 2), other);
  const auto key = open(reply(), *hke);
  bench.forget();
  receive(predictive(1));
  CraftFbu second = fbu(*key);
  second.source = *(second.home_address = other.global());
  second.alternate_care_of = other.address_in(kNarPrefix);
  second.link_address = other.link_address();
  receive(second);
  EXPECT_EQ(his().size(), 1u);
  ASSERT_EQ(fbacks().size(), 1u);
  EXPECT_EQ(fbacks()[0].status, 130);
}

TEST_F(Initiate, CopiesAreKeptFromTheHiToTheBindingAndGoFirst) {
  COVERS("FH-4-09", "FH-5.4-01");
  config.previous_router.copy_packets = true;
  start();
  receive(predictive(1));
  ASSERT_TRUE(his().at(0).message.buffer);
  ASSERT_EQ(bench.asked<machine::OpenBuffer>().size(), 1u);
  EXPECT_EQ(bench.asked<machine::OpenBuffer>()[0]->address, mn.global());
  EXPECT_TRUE(bench.asked<machine::OpenBuffer>()[0]->copies);
  EXPECT_TRUE(bench.asked<machine::ReleaseBuffer>().empty());
  // Packets wait behind the copies before any can enter the tunnel; the copies leave when it
  // stands.
  const CraftPeer agreed = hack(0);
  bench.forget();
  take(agreed);
  const auto& asked = bench.actions;
  ASSERT_GE(asked.size(), 3u);
  const auto* waiting = std::get_if<machine::OpenBuffer>(&asked[0].what);
  ASSERT_NE(waiting, nullptr);
  EXPECT_FALSE(waiting->copies);
  EXPECT_TRUE(std::holds_alternative<machine::InstallBinding>(asked[1].what));
  ASSERT_EQ(bench.asked<machine::ReleaseBuffer>().size(), 1u);
  EXPECT_EQ(bench.asked<machine::ReleaseBuffer>()[0]->address, mn.global());
  EXPECT_TRUE(bench.asked<machine::DiscardBuffer>().empty());
  EXPECT_EQ(bench.asked<machine::OpenBuffer>().size(), 1u);  // no copies any more
  // By default none are kept, nor without U, nor of a node that has gone already.
  for (const int without : {0, 1, 2}) {
    config.previous_router.copy_packets = without != 0;
    config.previous_router.request_buffering = without != 1;
    bench = MachineBench();
    start();
    receive(without == 2 ? reactive(1) : predictive(1));
    EXPECT_EQ(his().size(), 1u);
    take(hack(0));
    for (const machine::OpenBuffer* opened : bench.asked<machine::OpenBuffer>())
      EXPECT_FALSE(opened->copies) << without;
    // What waits of a node that has gone is not a copy (GF56).
    EXPECT_EQ(bench.asked<machine::OpenBuffer>().size(), without == 2 ? 1u : 0u);
    EXPECT_EQ(bench.asked<machine::ReleaseBuffer>().size(), without == 2 ? 1u : 0u);
  }
}

TEST_F(Initiate, CopiesForNothingAreForgotten) {
  config.previous_router.copy_packets = true;
  start();
  // Refused: their originals were delivered.
  receive(predictive(1));
  take(hack(128));
  EXPECT_EQ(bench.asked<machine::DiscardBuffer>().size(), 1u);
  EXPECT_TRUE(bench.asked<machine::ReleaseBuffer>().empty());
  // Another wish of the node begins anew.
  bench.forget();
  receive(predictive(2));
  CraftFbu other = predictive(3);
  other.alternate_care_of = Ipv6Address::literal("2001:db8:a:2::1234");
  receive(other);
  EXPECT_EQ(bench.asked<machine::OpenBuffer>().size(), 2u);
  EXPECT_EQ(bench.asked<machine::DiscardBuffer>().size(), 1u);
  take(hack(128));
  // Where the data path keeps none, nothing is released or forgotten.
  bench.forget();
  bench.outcome_of =
      [](const machine::Action& action) -> Result<machine::Facts, machine::ActionError> {
    if (std::holds_alternative<machine::OpenBuffer>(action.what))
      return fail(machine::ActionError::kRefused);
    return machine::Facts{};
  };
  receive(predictive(4));
  take(hack(0));
  EXPECT_EQ(bindings().size(), 1u);
  EXPECT_EQ(bench.asked<machine::OpenBuffer>().size(), 1u);
  EXPECT_TRUE(bench.asked<machine::ReleaseBuffer>().empty());
  EXPECT_TRUE(bench.asked<machine::DiscardBuffer>().empty());
}

TEST_F(Initiate, WhatWaitedGoesOnWhenTheBindingFails) {
  config.previous_router.copy_packets = true;
  start();
  bench.outcome_of =
      [](const machine::Action& action) -> Result<machine::Facts, machine::ActionError> {
    if (std::holds_alternative<machine::InstallBinding>(action.what))
      return fail(machine::ActionError::kRefused);
    return machine::Facts{};
  };
  receive(predictive(1));
  take(hack(0));
  EXPECT_EQ(fbacks().at(0).status, 130);
  EXPECT_EQ(bench.asked<machine::ReleaseBuffer>().size(), 1u);
}

TEST_F(Initiate, ABlockedNodeIsNotHandedOver) {
  COVERS("FH-10-04");
  start();
  receive(predictive(1));
  take(hack(0));
  const auto told = bench.reported(machine::EventKind::kBindingInstalled);
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0]->text("pcoa"), mn.global().text());
  EXPECT_EQ(told[0]->text("ncoa"), ncoa().text());
  EXPECT_EQ(told[0]->text("link_address"), mn.link_address().text());
  config.previous_router.blocked = {mn.global()};
  bench = MachineBench();
  start();
  receive(predictive(1));
  EXPECT_TRUE(his().empty());
  EXPECT_EQ(installed(), 0u);
  ASSERT_EQ(fbacks().size(), 1u);
  EXPECT_EQ(fbacks()[0].status, 129);
}

TEST_F(Initiate, UnusableCareOfAddressesAskNobody) {
  COVERS("FH-10-02");
  start();
  std::uint16_t sequence = 0;
  for (const char* address : {"2001:db8:b::5", "2001:db8:a:1::5"}) {
    bench.forget();
    CraftFbu craft = predictive(++sequence);
    craft.alternate_care_of = Ipv6Address::literal(address);
    receive(craft);
    ASSERT_EQ(fbacks().size(), 1u) << address;
    EXPECT_EQ(fbacks()[0].status, 129);
    EXPECT_EQ(bench.sent.size(), 1u);
    EXPECT_TRUE(bindings().empty());
  }
  for (const char* address : {"fe80::2", "ff0e::1", "::", "::1"}) {
    bench.forget();
    CraftFbu craft = predictive(++sequence);
    craft.alternate_care_of = Ipv6Address::literal(address);
    receive(craft);
    EXPECT_TRUE(bench.sent.empty()) << address;
    EXPECT_TRUE(bindings().empty());
  }
}

}  // namespace
}  // namespace sendoff::test
