// The node comes to the new access router: its UNA (RFC 5568 4, 6.3), and the RA with NAACK
// (6.4.6).
#include "router/address_pool.h"
#include "router/handover_fixture.h"

namespace sendoff::test {
namespace {

using machine::ReleaseBuffer;
using machine::SetNeighbour;
using machine::SetProxy;

class Arrival : public NarTest {
 protected:
  void expect_node() {
    start();
    take(hi());
    EXPECT_EQ(code(), 0);
    bench.forget();
  }
  // Proxy and buffer are as the HI left them.
  [[nodiscard]] bool waits() const {
    return bench.asked<SetProxy>().empty() && bench.asked<ReleaseBuffer>().empty() &&
           bench.asked<SetNeighbour>().empty() && arrivals().size() == 1 &&
           arrivals()[0].state == "expected";
  }
};

TEST_F(Arrival, TheUnaFreesTheAddressAndLetsPacketsGo) {
  COVERS("FH-4-34", "FH-4-32", "FH-6.2.1.1-06");
  expect_node();
  bench.hold_outcome = [](const machine::Action&) { return true; };
  EXPECT_TRUE(bench.asked<ReleaseBuffer>().empty());
  arrive(ncoa());
  // The proxy goes first, then the entry; what is held goes when the entry stands.
  ASSERT_EQ(bench.actions.size(), 2u);
  const auto* proxy = std::get_if<SetProxy>(&bench.actions[0].what);
  ASSERT_NE(proxy, nullptr);
  EXPECT_FALSE(proxy->present);
  EXPECT_EQ(proxy->address, ncoa());
  const auto* entry = std::get_if<SetNeighbour>(&bench.actions[1].what);
  ASSERT_NE(entry, nullptr);
  EXPECT_EQ(entry->address, ncoa());
  EXPECT_EQ(entry->link_address, mn.link_address());
  bench.answer(bench.unanswered.at(0));
  EXPECT_TRUE(bench.asked<ReleaseBuffer>().empty());
  bench.answer(bench.unanswered.at(0));
  ASSERT_EQ(bench.asked<ReleaseBuffer>().size(), 1u);
  EXPECT_EQ(bench.asked<ReleaseBuffer>()[0]->address, ncoa());
  EXPECT_TRUE(bench.asked<machine::DiscardBuffer>().empty());
  EXPECT_TRUE(probed().empty());
  EXPECT_TRUE(naacks().empty());
  // Nothing is taken back when the proxy's time would be over.
  bench.hold_outcome = nullptr;
  bench.forget();
  bench.advance(seconds(3));
  EXPECT_TRUE(bench.actions.empty());
  EXPECT_TRUE(arrivals().empty());
}

TEST_F(Arrival, ASecondUnaAndALateHiChangeNothing) {
  expect_node();
  arrive(ncoa());
  bench.forget();
  arrive(ncoa());
  EXPECT_TRUE(bench.actions.empty());
  take(hi(1));
  EXPECT_EQ(code(), 0);
  EXPECT_TRUE(bench.actions.empty());
  take(hi(2));
  EXPECT_TRUE(bench.actions.empty());
}

TEST_F(Arrival, WithoutUNothingIsHeld) {
  COVERS("FH-6.2.1.1-06");
  start();
  CraftPeer craft = hi();
  craft.buffer = false;
  take(craft);
  EXPECT_TRUE(bench.asked<machine::OpenBuffer>().empty());
  EXPECT_TRUE(proxied(ncoa()));
  arrive(ncoa());
  EXPECT_TRUE(bench.asked<ReleaseBuffer>().empty());
  EXPECT_EQ(bench.asked<SetNeighbour>().size(), 1u);
}

TEST_F(Arrival, ADefectiveUnaTouchesNothing) {
  COVERS("FH-6.3-03");
  expect_node();
  const Bytes good = una(ncoa(), mn.link_address());
  const auto defect = [&](const char* what, std::string_view counter, const auto& break_it,
                          bool repair = true) {
    const std::uint64_t before = bench.counter("send", counter);
    Bytes bad = good;
    break_it(bad);
    if (repair) repair_checksum(bad);
    bench.receive(bad, mn.link_address());
    EXPECT_TRUE(waits()) << what;
    EXPECT_EQ(bench.counter("send", counter), before + 1) << what;
    EXPECT_TRUE(bench.sent.empty()) << what;
  };
  defect("hop limit", "hop-limit", [](Bytes& bad) { bad[7] = 254; });
  defect("checksum", "checksum", [](Bytes& bad) { bad[42] ^= 1; }, false);
  defect("code", "code", [](Bytes& bad) { bad[41] = 1; });
  defect("short", "truncated", [](Bytes& bad) {
    bad.resize(40 + 23);
    bad[5] = 23;
  });
  defect("option of length 0", "option-structure", [](Bytes& bad) { bad[40 + 25] = 0; });
  defect("option past the end", "option-structure", [](Bytes& bad) { bad[40 + 25] = 2; });
  // A multicast target is nobody's who is expected: not even judged.
  Bytes multicast = good;
  multicast[40 + 8] = 0xff;
  repair_checksum(multicast);
  bench.receive(multicast, mn.link_address());
  EXPECT_TRUE(waits());
  // An answer to nobody: it goes to all.
  defect("solicited", "destination", [](Bytes& bad) { bad[40 + 4] |= 0x40; });
  // No target link-layer address; from another source.
  for (int kind = 0; kind < 2; ++kind) {
    const std::uint64_t before = counted("una-ignored");
    Craft craft;
    craft.source = kind == 1 ? mn.link_local() : ncoa();
    craft.destination = kAllNodes;
    append(craft.head, wire::NeighborAdvertisement{.target = ncoa()});
    if (kind != 0)
      craft.options.push_back(octets_of(
          wire::LinkAddressOption{wire::OptionType::kTargetLinkAddress, mn.link_address()}));
    bench.receive(craft.packet(), mn.link_address());
    EXPECT_TRUE(waits()) << kind;
    EXPECT_EQ(counted("una-ignored"), before + 1) << kind;
  }
  bench.receive(good, mn.link_address());
  EXPECT_EQ(bench.asked<ReleaseBuffer>().size(), 1u);
}

TEST_F(Arrival, AnotherLinkAddressGetsNothing) {
  COVERS("FH-6.3-10");
  expect_node();
  const LinkAddress other = LinkAddress::literal("02:00:00:00:0e:0e");
  bench.receive(una(ncoa(), other), other);
  EXPECT_TRUE(waits());
  ASSERT_EQ(naacks().size(), 1u);
  EXPECT_EQ(naacks()[0].option.status, 128);
  EXPECT_FALSE(naacks()[0].option.address.has_value());
  EXPECT_EQ(naacks()[0].destination, ncoa());
  EXPECT_EQ(naacks()[0].link_destination, other);
  EXPECT_TRUE(probed().empty());
  for (int i = 0; i < 100; ++i) bench.receive(una(ncoa(), other), other);
  EXPECT_LE(naacks().size(), 10u);
  bench.forget();
  arrive(ncoa());
  EXPECT_EQ(bench.asked<ReleaseBuffer>().size(), 1u);
}

TEST_F(Arrival, TheRouterMayGiveAnotherAddress) {
  COVERS("FH-6.3-09", "FH-4-35");
  config.interfaces[0].pool = Prefix::literal("2001:db8:a:1::a:0/112");
  config.new_router.replace_ncoa = true;
  expect_node();
  bench.hold_outcome = [](const machine::Action&) { return true; };
  arrive(ncoa());
  EXPECT_FALSE(proxied(ncoa()));
  EXPECT_TRUE(naacks().empty());  // before the new proxy stands
  while (!bench.unanswered.empty()) bench.answer(bench.unanswered[0]);
  ASSERT_EQ(naacks().size(), 1u);
  const Naack naack = naacks()[0];
  EXPECT_EQ(naack.option.status, 2);
  ASSERT_TRUE(naack.option.address.has_value());
  EXPECT_TRUE(config.interfaces[0].pool->contains(*naack.option.address));
  EXPECT_TRUE(proxied(*naack.option.address));
  EXPECT_EQ(naack.destination, ncoa());
  EXPECT_EQ(naack.link_destination, mn.link_address());
  EXPECT_EQ(naack.ra.router_lifetime_s, config.interfaces[0].advertised.router_lifetime_s);
  EXPECT_EQ(naack.prefixes, 1u);
  const Bytes octets = *find_option(bench.sent.back().packet, wire::OptionType::kNaack);
  ASSERT_EQ(octets.size(), 24u);
  EXPECT_EQ(octets[1], 3);
  EXPECT_EQ(Bytes(octets.begin() + 4, octets.begin() + 8), Bytes(4));
  // It comes under that address.
  bench.hold_outcome = nullptr;
  bench.forget();
  arrive(*naack.option.address);
  EXPECT_FALSE(proxied(*naack.option.address));
  EXPECT_EQ(bench.asked<SetNeighbour>().size(), 1u);
  EXPECT_TRUE(naacks().empty());
  // By default no RA answers a UNA.
  config.new_router.replace_ncoa = false;
  bench = MachineBench();
  expect_node();
  arrive(ncoa());
  EXPECT_TRUE(naacks().empty());
}

TEST_F(Arrival, WhoMissedTheFbackIsToldWhatItGot) {
  COVERS("FH-6.4.6-08");
  config.interfaces[0].pool = Prefix::literal("2001:db8:a:1::a:0/112");
  start();
  CraftPeer craft = hi(1);
  craft.assigned_addressing = true;
  take(craft);
  const auto given = address_in(hacks().at(0).message.options, AddressCode::kNewCareOfAddress);
  bench.forget();
  arrive(ncoa());
  ASSERT_EQ(naacks().size(), 1u);
  EXPECT_EQ(naacks()[0].option.status, 2);
  EXPECT_EQ(naacks()[0].option.address, given);
  EXPECT_EQ(naacks()[0].destination, ncoa());
  EXPECT_EQ(naacks()[0].link_destination, mn.link_address());
  EXPECT_TRUE(probed().empty());
  bench.forget();
  arrive(*given);
  EXPECT_EQ(bench.asked<ReleaseBuffer>().size(), 1u);
  // The same where it keeps its PCoA.
  config.interfaces[0].pool.reset();
  bench = MachineBench();
  start();
  take(craft);
  EXPECT_EQ(code(), 3);
  bench.forget();
  arrive(ncoa());
  ASSERT_EQ(naacks().size(), 1u);
  EXPECT_EQ(naacks()[0].option.status, 4);
  EXPECT_EQ(naacks()[0].option.address, pcoa);
  EXPECT_EQ(naacks()[0].destination, ncoa());
  EXPECT_EQ(naacks()[0].link_destination, mn.link_address());
  // And where its link-layer address is not known.
  bench.forget();
  const LinkAddress other = LinkAddress::literal("02:00:00:00:0e:0e");
  bench.receive(una(pcoa, other), other);
  ASSERT_EQ(naacks().size(), 1u);
  EXPECT_EQ(naacks()[0].option.status, 128);
  EXPECT_EQ(naacks()[0].destination, pcoa);
  EXPECT_EQ(naacks()[0].link_destination, other);
  EXPECT_TRUE(probed().empty());
}

// It went on, and comes by itself from elsewhere: what it kept then is not what it has now.
TEST_F(Arrival, WhoKeptItsPcoaOnceIsNotToldOfItForEver) {
  start();
  CraftPeer craft = hi(1);
  craft.assigned_addressing = true;
  take(craft);
  EXPECT_EQ(code(), 3);
  arrive(pcoa);
  bench.forget();
  bench.advance(milliseconds(1999));
  arrive(ncoa());  // the UNA that it sent before it knew
  EXPECT_EQ(naacks().size(), 1u);
  bench.forget();
  bench.advance(milliseconds(1));
  arrive(ncoa());
  EXPECT_TRUE(naacks().empty());
  EXPECT_EQ(counted("una-ignored"), 1u);
}

TEST_F(Arrival, ANodeWithItsPcoaIsRouted) {
  config.new_router.host_route_lease = seconds(100);
  start();
  CraftPeer craft = hi(1);
  bench.host(
      machine::NeighbourChanged{{0}, ncoa(), LinkAddress::literal("02:00:00:00:0e:0e"), true});
  take(craft);
  EXPECT_EQ(code(), 3);
  bench.forget();
  arrive(pcoa);
  ASSERT_EQ(bench.asked<SetNeighbour>().size(), 1u);
  EXPECT_EQ(bench.asked<SetNeighbour>()[0]->address, pcoa);
  EXPECT_EQ(bench.asked<ReleaseBuffer>().size(), 1u);
  bench.advance(seconds(99));
  EXPECT_TRUE(bench.asked<machine::DetachTunnel>().empty());
  bench.advance(seconds(1));
  EXPECT_EQ(bench.asked<machine::DetachTunnel>().size(), 1u);
  ASSERT_EQ(bench.asked<machine::SetRoute>().size(), 1u);
  EXPECT_FALSE(bench.asked<machine::SetRoute>()[0]->present);
  EXPECT_TRUE(arrivals().empty());
  // One that the host lost is gone earlier, unless it comes back.
  bench.forget();
  craft.sequence = 2;
  take(craft);
  arrive(pcoa);
  bench.host(machine::NeighbourChanged{{0}, pcoa, std::nullopt, false});
  bench.advance(seconds(59));
  bench.host(machine::NeighbourChanged{{0}, pcoa, mn.link_address(), true});
  bench.advance(seconds(59));
  EXPECT_EQ(arrivals().size(), 1u);
  bench.host(machine::NeighbourChanged{{0}, pcoa, std::nullopt, false});
  bench.advance(seconds(60));
  EXPECT_TRUE(arrivals().empty());
}

TEST_F(Arrival, ARouteThatNobodyUsesIsGoneInTime) {
  COVERS("FH-4-20");
  start();
  take(hi(1));
  bench.advance(milliseconds(1499));
  EXPECT_TRUE(proxied(ncoa()));
  bench.advance(milliseconds(1));
  EXPECT_FALSE(proxied(ncoa()));
  EXPECT_EQ(bench.asked<machine::DiscardBuffer>().size(), 1u);
  EXPECT_TRUE(arrivals().empty());
  EXPECT_EQ(counted("expired"), 1u);
  config.interfaces[0].dhcp = true;
  bench = MachineBench();
  start();
  take(hi(1));
  EXPECT_EQ(code(), 3);
  bench.advance(milliseconds(1500));
  EXPECT_EQ(bench.asked<machine::DetachTunnel>().size(), 1u);
  EXPECT_EQ(bench.asked<machine::DiscardBuffer>().size(), 1u);
  EXPECT_FALSE(bench.asked<machine::SetRoute>().back()->present);
  // 1000 of them leave nothing: NarInitiated.AThousandThatNeverComeLeaveNothing; later packets meet
  // plain Neighbor Discovery, as neither route, proxy nor buffer is left.
}

TEST_F(Arrival, WithTheLinkGoesAllThatWasMade) {
  expect_node();
  bench.host(machine::InterfaceDown{{0}});
  EXPECT_TRUE(arrivals().empty());
  EXPECT_EQ(bench.asked<machine::DiscardBuffer>().size(), 1u);
  EXPECT_FALSE(proxied(ncoa()));
  bench.host(machine::InterfaceUp{{0}, kRouterLink, 1500});
  bench.forget();
  take(hi(1));  // the same HI begins anew
  EXPECT_EQ(code(), 0);
  EXPECT_EQ(arrivals().size(), 1u);
}

TEST_F(Arrival, NeighbourDiscoveryOfOthersIsNotEvenJudged) {
  start();
  const LinkAddress other = LinkAddress::literal("02:00:00:00:0e:0e");
  const Ipv6Address address = Ipv6Address::literal("2001:db8:a:1::99");
  for (int i = 0; i < 100; ++i) bench.receive(una(address, other), other);
  EXPECT_EQ(bench.counter("send", "unsecured"), 0u);
  EXPECT_TRUE(bench.actions.empty());
  EXPECT_TRUE(bench.sent.empty());
}

TEST_F(Arrival, ASignedUnaIsVerifiedAndAnUnsignedOneMayBeRefused) {
  COVERS("FH-6.3-11");
  config.secured_only = true;
  expect_node();
  arrive(ncoa());
  EXPECT_TRUE(waits());
  Craft craft;
  craft.source = ncoa();
  craft.destination = kAllNodes;
  append(craft.head, wire::NeighborAdvertisement{.target = ncoa()});
  craft.options.push_back(
      octets_of(wire::LinkAddressOption{wire::OptionType::kTargetLinkAddress, mn.link_address()}));
  craft.cga_parameters = mn.parameters(ncoa()).octets();
  craft.timestamp = timestamp_at(bench.now.utc);
  craft.signer = mn.key();
  Bytes forged = craft.packet();
  forged[forged.size() - 16] ^= 1;
  repair_checksum(forged);
  bench.receive(forged, mn.link_address());
  EXPECT_TRUE(waits());
  bench.receive(craft.packet(), mn.link_address());
  EXPECT_EQ(bench.asked<ReleaseBuffer>().size(), 1u);
}

TEST_F(Arrival, AnUnsignedUnaTakesNoNodesEntryFromIt) {
  COVERS("FH-6.3-11");
  const LinkAddress other = LinkAddress::literal("02:00:00:00:0e:0e");
  expect_node();
  // Before the node is there, and after.
  bench.receive(una(ncoa(), other), other);
  EXPECT_TRUE(waits());
  arrive(ncoa());
  ASSERT_EQ(bench.asked<machine::SetNeighbour>().size(), 1u);
  EXPECT_EQ(bench.asked<machine::SetNeighbour>()[0]->link_address, mn.link_address());
  bench.receive(una(ncoa(), other), other);
  EXPECT_EQ(bench.asked<machine::SetNeighbour>().size(), 1u);
  EXPECT_GE(counted("other-link-address"), 1u);
}

}  // namespace
}  // namespace sendoff::test
