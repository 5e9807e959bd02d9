// The new access router and HIs (RFC 5568 4, 6.2.1): whose it takes, what it tests, what stands
// before its HAck, and what that says.
#include "router/address_pool.h"
#include "router/handover_fixture.h"

namespace sendoff::test {
namespace {

using machine::OpenBuffer;
using machine::SetProxy;

class NarInitiated : public NarTest {
 protected:
  [[nodiscard]] bool untouched() const {
    return bench.asked<SetProxy>().empty() && bench.asked<OpenBuffer>().empty() &&
           bench.asked<machine::SetRoute>().empty() &&
           bench.asked<machine::AttachTunnel>().empty() && probed().empty() && arrivals().empty();
  }
  // Another node's neighbour advertisement for `address`.
  void defend(const Ipv6Address& address) {
    const LinkAddress owner = LinkAddress::literal("02:00:00:00:0e:0e");
    bench.receive(una(address, owner), owner);
  }
  void known_as(const Ipv6Address& address, const char* link_address) {
    bench.host(machine::NeighbourChanged{{0}, address, LinkAddress::literal(link_address), true});
  }
};

TEST_F(NarInitiated, OnlyAKnownPeerMovesAnything) {
  COVERS("FH-3.1-10", "FH-6.2.1.2-02", "FH-6.2.1.1-02");
  start();
  CraftPeer stranger = hi();
  stranger.source = Ipv6Address::literal("2001:db8:c::1");
  take(stranger);
  EXPECT_TRUE(untouched());
  EXPECT_TRUE(bench.sent.empty());
  EXPECT_EQ(bench.counter("peer", "unknown-peer"), 1u);
  CraftPeer broken = hi();
  broken.flip_checksum = true;
  take(broken);
  EXPECT_TRUE(untouched());
  EXPECT_TRUE(bench.sent.empty());
  EXPECT_EQ(bench.counter("mobility", "checksum"), 1u);
  take(hi());
  EXPECT_EQ(code(), 0);
  EXPECT_TRUE(proxied(ncoa()));
  EXPECT_EQ(arrivals().size(), 1u);
}

TEST_F(NarInitiated, AHackGoesBackTheWayTheHiCame) {
  COVERS("FH-6.2.1.2-03");
  const Prefix second = Prefix::literal("2001:db8:a:7::/64");
  config.interfaces[0].prefixes.push_back({second, 86'400, 14'400});
  start();
  std::uint16_t sequence = 0x1234;
  for (const Ipv6Address& ours : {config.interfaces[0].identity.address(second), ar_global()}) {
    bench.forget();
    CraftPeer craft = hi(++sequence);
    craft.destination = ours;
    take(craft);
    const auto sent = hacks();
    ASSERT_EQ(sent.size(), 1u);
    EXPECT_EQ(sent[0].ip.source, craft.destination);
    EXPECT_EQ(sent[0].ip.destination, craft.source);
    EXPECT_EQ(sent[0].message.sequence, sequence);
    EXPECT_EQ(sent[0].packet[6], wire::kProtocolMobility);
    EXPECT_EQ(sent[0].packet[40 + 8], 0);
  }
}

TEST_F(NarInitiated, NothingIsPromisedBeforeItStands) {
  COVERS("FH-10-03");
  start();
  bench.hold_outcome = [](const machine::Action&) { return true; };
  take(hi());
  ASSERT_EQ(bench.unanswered.size(), 2u);
  EXPECT_EQ(bench.asked<OpenBuffer>().size(), 1u);
  EXPECT_EQ(bench.asked<SetProxy>().size(), 1u);
  EXPECT_TRUE(hacks().empty());
  bench.answer(bench.unanswered[0]);
  EXPECT_TRUE(hacks().empty());
  bench.answer(bench.unanswered[0]);
  EXPECT_EQ(code(), 0);
}

TEST_F(NarInitiated, TheProbeSendsAsManySolicitationsAsItIsTold) {
  COVERS("FH-4-18");
  for (const std::uint32_t transmits : {1U, 2U, 0U}) {
    config.new_router.dad_transmits = transmits;
    bench = MachineBench();
    start();
    take(hi());
    for (std::uint32_t i = 0; i < transmits; ++i) {
      EXPECT_EQ(probed(), std::vector<Ipv6Address>(i + 1, ncoa()));
      EXPECT_TRUE(hacks().empty());
      bench.advance(milliseconds(999));
      EXPECT_TRUE(hacks().empty());
      bench.advance(milliseconds(1));
    }
    EXPECT_EQ(probed().size(), transmits);
    EXPECT_EQ(code(), 0);
    if (transmits == 0) continue;
    const Bytes probe = bench.sent.at(0).packet;
    const auto header = wire::Ipv6Header::parse(probe);
    EXPECT_TRUE(header->source.is_unspecified());
    EXPECT_EQ(header->destination, ncoa().solicited_node());
    EXPECT_EQ(header->hop_limit, 255);
    const auto groups = bench.asked<machine::JoinGroup>();
    ASSERT_EQ(groups.size(), 2u);
    EXPECT_EQ(groups[0]->group, ncoa().solicited_node());
    EXPECT_TRUE(groups[0]->member);
    EXPECT_FALSE(groups[1]->member);
  }
  config.new_router.dad_transmits = 1;
  // Another node answers.
  bench = MachineBench();
  start();
  take(hi());
  defend(ncoa());
  EXPECT_NE(code(), 0);
  EXPECT_FALSE(proxied(ncoa()));
  // Another node probes, too.
  bench = MachineBench();
  start();
  take(hi());
  Craft dad;
  dad.destination = ncoa().solicited_node();
  append(dad.head, wire::NeighborSolicitation{ncoa()});
  bench.receive(dad.packet(), LinkAddress::literal("02:00:00:00:0e:0e"));
  EXPECT_NE(code(), 0);
  EXPECT_FALSE(proxied(ncoa()));
}

TEST_F(NarInitiated, WhatSomebodyElseHasIsNotPromisedWhileItIsMadeReady) {
  start();
  bench.hold_outcome = [](const machine::Action&) { return true; };
  take(hi());
  EXPECT_TRUE(hacks().empty());
  defend(ncoa());
  bench.hold_outcome = nullptr;
  while (!bench.unanswered.empty()) bench.answer(bench.unanswered[0]);
  EXPECT_EQ(code(), 3);
  EXPECT_FALSE(proxied(ncoa()));
  EXPECT_EQ(bench.asked<machine::DiscardBuffer>().size(), 1u);
  EXPECT_EQ(counted("in-use"), 1u);
}

TEST_F(NarInitiated, ANodeThatComesDuringTheProbeIsNoCollision) {
  config.new_router.dad_transmits = 1;
  start();
  take(hi());
  EXPECT_TRUE(hacks().empty());
  arrive(ncoa());
  EXPECT_EQ(code(), 0);
  EXPECT_TRUE(bench.asked<SetProxy>().empty());
  ASSERT_EQ(bench.asked<machine::SetNeighbour>().size(), 1u);
  EXPECT_EQ(bench.asked<machine::SetNeighbour>()[0]->link_address, mn.link_address());
}

TEST_F(NarInitiated, AKnownNeighbourIsComparedByItsLinkAddress) {
  COVERS("FH-4-21");
  config.new_router.dad_transmits = 1;
  config.neighbours[0].prefix = Prefix::literal("2001:db8:a:9::/64");  // no PCoA of that peer here
  start();
  known_as(ncoa(), "02:00:00:00:01:01");  // the node itself
  take(hi(1));
  EXPECT_EQ(code(), 0);
  bench.forget();
  take(hi(2));  // again, under another number
  EXPECT_EQ(code(), 0);
  bench = MachineBench();
  start();
  known_as(ncoa(), "02:00:00:00:00:01");  // ourselves
  take(hi(1));
  bench.advance(seconds(1));
  EXPECT_EQ(code(), 0);
  bench = MachineBench();
  start();
  known_as(ncoa(), "02:00:00:00:0e:0e");
  take(hi(1));
  EXPECT_EQ(code(), 1);
  EXPECT_TRUE(untouched());
}

TEST_F(NarInitiated, AnAddressIsAssignedFromThePool) {
  COVERS("FH-4-22", "FH-5.5-02", "FH-6.2.1.2-09", "FH-6.2.1.2-07");
  config.interfaces[0].pool = Prefix::literal("2001:db8:a:1::a:0/126");  // three addresses
  config.new_router.dad_transmits = 1;
  start();
  const auto pool_left = [&] { return *router->status(bench.now, 1).interfaces[0].pool_free; };
  EXPECT_EQ(pool_left(), 3u);
  std::set<Ipv6Address> assigned;
  for (std::uint16_t i = 1; i <= 3; ++i) {
    bench.forget();
    CraftPeer craft = hi(i);
    craft.assigned_addressing = true;
    craft.link_address = LinkAddress::literal("02:00:00:00:03:0" + std::to_string(i));
    craft.ncoa.reset();
    take(craft);
    EXPECT_EQ(code(), 2);
    EXPECT_TRUE(probed().empty());
    const auto given = address_in(hacks()[0].message.options, AddressCode::kNewCareOfAddress);
    ASSERT_TRUE(given.has_value());
    EXPECT_TRUE(config.interfaces[0].pool->contains(*given));
    EXPECT_TRUE(proxied(*given));
    EXPECT_TRUE(assigned.insert(*given).second);
    EXPECT_EQ(pool_left(), 3u - i);
  }
  bench.forget();
  CraftPeer craft = hi(4);
  craft.assigned_addressing = true;
  craft.pcoa.reset();
  take(craft);
  EXPECT_EQ(code(), 130);
  bench.forget();
  craft.sequence = 5;
  craft.pcoa = pcoa;
  take(craft);
  EXPECT_EQ(code(), 3);
  EXPECT_FALSE(address_in(hacks()[0].message.options, AddressCode::kNewCareOfAddress).has_value());
  // What nobody came for is free again.
  bench.advance(seconds(2));
  EXPECT_EQ(pool_left(), 3u);
}

TEST_F(NarInitiated, TheProposalMayBeWhatIsAssigned) {
  COVERS("FH-6.2.1.1-14");
  config.interfaces[0].pool = Prefix::literal("2001:db8:a:1::a:0/112");
  config.new_router.assign_proposed = true;
  start();
  CraftPeer craft = hi(1);
  craft.assigned_addressing = true;
  take(craft);
  EXPECT_EQ(code(), 2);
  EXPECT_EQ(address_in(hacks()[0].message.options, AddressCode::kNewCareOfAddress), ncoa());
  bench = MachineBench();
  start();
  known_as(ncoa(), "02:00:00:00:0e:0e");
  take(craft);
  EXPECT_EQ(code(), 2);
  const auto given = address_in(hacks()[0].message.options, AddressCode::kNewCareOfAddress);
  ASSERT_TRUE(given.has_value());
  EXPECT_TRUE(config.interfaces[0].pool->contains(*given));
}

TEST_F(NarInitiated, AnAddressComesUnaskedWhenTheProposalIsTaken) {
  config.interfaces[0].pool = Prefix::literal("2001:db8:a:1::a:0/112");
  start();
  known_as(ncoa(), "02:00:00:00:0e:0e");
  take(hi());
  EXPECT_EQ(code(), 2);
  EXPECT_TRUE(address_in(hacks()[0].message.options, AddressCode::kNewCareOfAddress).has_value());
}

TEST_F(NarInitiated, EachNodeHasAPrefixOfItsOwnWhileItIsKnown) {
  config.interfaces[0].mobile_prefixes = Prefix::literal("2001:db8:a:10::/63");
  config.new_router.support_pcoa = false;
  start();
  const auto free = [&] { return router->status(bench.now, 10).interfaces.at(0).prefixes_free; };
  EXPECT_EQ(free(), 2u);
  const auto given = [&](std::uint16_t sequence, const Ipv6Address& proposed) {
    CraftPeer craft = hi(sequence);
    craft.ncoa = proposed;
    bench.forget();
    take(craft);
    const auto all = hacks();
    EXPECT_EQ(all.size(), 1u);
    return all.empty() ? std::nullopt
                       : address_in(all[0].message.options, AddressCode::kNewCareOfAddress);
  };
  const Ipv6Address zero = Ipv6Address::literal("2001:db8:a:1::");
  const auto first = given(1, ncoa());
  const auto second = given(2, zero);
  ASSERT_TRUE(first && second);
  EXPECT_NE(Prefix(*first, 64), Prefix(*second, 64));
  EXPECT_TRUE(equal(first->view().subspan(8), ncoa().view().subspan(8)));
  EXPECT_EQ(second->octets()[15], 1);
  EXPECT_EQ(free(), 0u);
  // None left: a refusal that says so.
  EXPECT_EQ(given(3, Ipv6Address::literal("2001:db8:a:1::3")), std::nullopt);
  EXPECT_EQ(hacks().at(0).message.code, 130);
  // Who does not come gives it back; who comes keeps it as long as the host knows it.
  bench.forget();
  arrive(*first);
  bench.advance(config.new_router.proxy_lifetime);
  EXPECT_EQ(free(), 1u);
  ASSERT_EQ(bench.asked<machine::SetRoute>().size(), 1u);
  EXPECT_EQ(bench.asked<machine::SetRoute>()[0]->destination, Prefix(*second, 64));
  EXPECT_FALSE(bench.asked<machine::SetRoute>()[0]->present);
  bench.host(machine::NeighbourChanged{{0}, *first, mn.link_address(), true});
  bench.advance(hours(1));
  EXPECT_EQ(free(), 1u);
  bench.host(machine::NeighbourChanged{{0}, *first, std::nullopt, false});
  bench.advance(seconds(60));
  EXPECT_EQ(free(), 2u);
  EXPECT_TRUE(arrivals().empty());
  // A node that comes under what it proposed is told what it got instead.
  const auto third = given(4, ncoa());
  bench.forget();
  arrive(ncoa());
  ASSERT_EQ(naacks().size(), 1u);
  EXPECT_EQ(naacks()[0].option.status, 2);
  EXPECT_EQ(naacks()[0].option.address, third);
}

TEST_F(NarInitiated, WithoutAnNcoaThePcoaGetsARoute) {
  COVERS("FH-4-23", "FH-4-24", "FH-4-25");
  start();
  known_as(ncoa(), "02:00:00:00:0e:0e");
  bench.hold_outcome = [](const machine::Action&) { return true; };
  take(hi());
  EXPECT_TRUE(hacks().empty());
  while (!bench.unanswered.empty()) bench.answer(bench.unanswered[0]);
  EXPECT_EQ(code(), 3);
  ASSERT_EQ(bench.asked<machine::SetRoute>().size(), 1u);
  EXPECT_EQ(bench.asked<machine::SetRoute>()[0]->destination, Prefix(pcoa, 128));
  EXPECT_TRUE(bench.asked<machine::SetRoute>()[0]->present);
  ASSERT_EQ(bench.asked<machine::AttachTunnel>().size(), 1u);
  const machine::AttachTunnel tunnel = *bench.asked<machine::AttachTunnel>()[0];
  EXPECT_EQ(tunnel.pcoa, pcoa);
  EXPECT_EQ(tunnel.local, ar_global());
  EXPECT_EQ(tunnel.remote, par);
  // Packets wait without being solicited for.
  ASSERT_EQ(bench.asked<OpenBuffer>().size(), 1u);
  EXPECT_EQ(bench.asked<OpenBuffer>()[0]->address, pcoa);
  EXPECT_TRUE(bench.asked<SetProxy>().empty());
  // Switched off: Code 1.
  config.new_router.support_pcoa = false;
  bench = MachineBench();
  start();
  known_as(ncoa(), "02:00:00:00:0e:0e");
  take(hi());
  EXPECT_EQ(code(), 1);
  EXPECT_TRUE(untouched());
}

TEST_F(NarInitiated, APeerSpeaksForItsOwnPcoasOnly) {
  COVERS("FH-6.2.1.1-12");
  start();
  known_as(ncoa(), "02:00:00:00:0e:0e");
  std::uint16_t sequence = 0;
  for (const std::optional<Ipv6Address>& claimed :
       {std::optional<Ipv6Address>(), std::optional(Ipv6Address::literal("2001:db8:c::1")),
        std::optional(Ipv6Address::literal("2001:db8:a:1::99")), std::optional(par)}) {
    bench.forget();
    CraftPeer craft = hi(++sequence);
    craft.pcoa = claimed;
    take(craft);
    EXPECT_EQ(code(), 1);
    EXPECT_TRUE(untouched());
  }
}

TEST_F(NarInitiated, WhereDhcpGivesAddressesThePcoaStays) {
  config.interfaces[0].dhcp = true;
  start();
  take(hi());
  EXPECT_EQ(code(), 3);
  EXPECT_EQ(bench.asked<machine::AttachTunnel>().size(), 1u);
}

TEST_F(NarInitiated, AReactiveHiMakesNothing) {
  COVERS("FH-4-26", "FH-6.2.1.2-13", "FH-6.2.1.1-05");
  config.new_router.dad_transmits = 1;
  config.interfaces[0].pool = Prefix::literal("2001:db8:a:1::a:0/112");
  start();
  CraftPeer craft = hi(1);
  craft.code = 1;
  craft.assigned_addressing = true;  // ignored
  craft.buffer = true;
  take(craft);
  EXPECT_EQ(code(), 0);
  EXPECT_TRUE(untouched());
  EXPECT_EQ(*router->status(bench.now, 1).interfaces[0].pool_free, router::AddressPool::kMaxSize);
}

TEST_F(NarInitiated, AReactiveHiConfirmsTheNeighbour) {
  COVERS("FH-4-27");
  start();
  CraftPeer craft = hi(1);
  craft.code = 1;
  known_as(ncoa(), "02:00:00:00:01:01");
  take(craft);
  EXPECT_EQ(code(), 0);
  EXPECT_TRUE(bench.asked<machine::SetNeighbour>().empty());
  bench.forget();
  craft.sequence = 2;
  craft.link_address = LinkAddress::literal("02:00:00:00:0e:0e");
  take(craft);
  EXPECT_GE(code(), 128);
  ASSERT_EQ(bench.asked<machine::SetNeighbour>().size(), 1u);
  EXPECT_FALSE(bench.asked<machine::SetNeighbour>()[0]->link_address.has_value());
  bench.forget();
  take(craft);  // repeated: the same answer, nothing done
  EXPECT_GE(code(), 128);
  EXPECT_TRUE(bench.asked<machine::SetNeighbour>().empty());
}

TEST_F(NarInitiated, WhatIsMissingIsRefused) {
  COVERS("FH-6.2.1.1-11", "FH-6.2.1.1-08");
  start();
  std::vector<CraftPeer> bad(5, hi());
  bad[0].link_address.reset();
  bad[1].ncoa.reset();  // Code 0, S = 0
  bad[2].code = 2;
  bad[3].code = 255;
  bad[4].code = 1;
  bad[4].link_address.reset();
  std::uint16_t sequence = 0;
  for (CraftPeer& craft : bad) {
    bench.forget();
    craft.sequence = ++sequence;
    take(craft);
    EXPECT_EQ(code(), 128);
    EXPECT_TRUE(untouched());
  }
  for (const std::uint8_t good : {std::uint8_t{0}, std::uint8_t{1}}) {
    bench.forget();
    CraftPeer craft = hi(++sequence);
    craft.code = good;
    take(craft);
    EXPECT_EQ(code(), 0);
  }
}

TEST_F(NarInitiated, AHiWhoseOptionsOverrunItIsNotAnswered) {
  start();
  const CraftPeer craft = hi();
  Bytes packet = craft.initiate();
  const ByteSpan header = ByteSpan(packet).subspan(wire::Ipv6Header::kSize);
  header[11] = 255;  // the length of its first option
  wire::seal_mobility(craft.source, craft.destination, header);
  bench.receive(packet, kNarLink);
  EXPECT_EQ(bench.counter("peer", "taken"), 1u);
  EXPECT_EQ(counted("malformed"), 1u);
  EXPECT_TRUE(hacks().empty());
  EXPECT_TRUE(untouched());
}

TEST_F(NarInitiated, RefusalsSayWhy) {
  COVERS("FH-6.2.1.2-14");
  start();
  CraftPeer craft = hi(1);
  craft.ncoa = Ipv6Address::literal("2001:db8:f::1");  // no prefix of ours
  take(craft);
  EXPECT_EQ(code(), 129);
  config.new_router.accept = false;
  bench = MachineBench();
  start();
  take(hi(1));
  EXPECT_EQ(code(), 129);
  config.new_router.accept = true;
  config.new_router.max_arrivals = 0;
  bench = MachineBench();
  start();
  take(hi(1));
  EXPECT_EQ(code(), 130);
  config.new_router.max_arrivals = 10;
  config.new_router.max_arrivals_per_peer = 1;
  bench = MachineBench();
  start();
  take(hi(1));
  EXPECT_EQ(code(), 0);
  bench.forget();
  craft = hi(2);
  craft.ncoa = Ipv6Address::literal("2001:db8:a:1::2");
  take(craft);
  EXPECT_EQ(code(), 130);
  // The data path refuses: 130, and nothing is left.
  for (const bool buffer : {true, false}) {
    bench = MachineBench();
    start();
    bench.outcome_of =
        [&](const machine::Action& action) -> Result<machine::Facts, machine::ActionError> {
      const auto* proxy = std::get_if<SetProxy>(&action.what);
      if (buffer ? std::holds_alternative<OpenBuffer>(action.what) : proxy && proxy->present)
        return fail(machine::ActionError::kRefused);
      return machine::Facts{};
    };
    take(hi(1));
    EXPECT_EQ(code(), 130);
    EXPECT_TRUE(arrivals().empty());
    EXPECT_FALSE(proxied(ncoa()));
    EXPECT_EQ(bench.asked<machine::DiscardBuffer>().size(), 1u);
  }
  // Any other: 128.
  bench = MachineBench();
  start();
  craft = hi(1);
  craft.ncoa = Ipv6Address::literal("fe80::1");
  take(craft);
  EXPECT_EQ(code(), 128);
}

TEST_F(NarInitiated, ARepeatedHiIsTheSameRequest) {
  COVERS("FH-6.2.1.1-17");
  config.new_router.dad_transmits = 1;
  start();
  for (int i = 0; i < 3; ++i) take(hi(7));
  EXPECT_EQ(probed().size(), 1u);
  EXPECT_TRUE(hacks().empty());
  bench.advance(seconds(1));
  ASSERT_EQ(hacks().size(), 3u);
  for (const auto& hack : hacks()) EXPECT_EQ(hack.packet, hacks()[0].packet);
  bench.forget();
  take(hi(7));
  EXPECT_EQ(hacks().size(), 1u);
  EXPECT_TRUE(probed().empty());
  EXPECT_TRUE(bench.asked<SetProxy>().empty());
  config.interfaces[0].pool = Prefix::literal("2001:db8:a:1::a:0/112");
  bench = MachineBench();
  start();
  CraftPeer craft = hi(8);
  craft.assigned_addressing = true;
  for (int i = 0; i < 3; ++i) take(craft);
  ASSERT_EQ(hacks().size(), 3u);
  for (const auto& hack : hacks()) EXPECT_EQ(hack.packet, hacks()[0].packet);
  EXPECT_EQ(*router->status(bench.now, 1).interfaces[0].pool_free,
            router::AddressPool::kMaxSize - 1);
}

TEST_F(NarInitiated, ReservedBitsAreIgnored) {
  start();
  CraftPeer craft = hi(1);
  craft.buffer = false;
  craft.reserved = 0x3f;
  take(craft);
  EXPECT_EQ(code(), 0);  // S = 0: no address
  EXPECT_TRUE(bench.asked<OpenBuffer>().empty());
}

TEST_F(NarInitiated, TheProxyEndsWithoutTheNode) {
  COVERS("FH-9-05", "FH-4-19");
  for (const int lifetime_ms : {1500, 400}) {
    config.new_router.proxy_lifetime = milliseconds(lifetime_ms);
    bench = MachineBench();
    start();
    take(hi(1));
    EXPECT_TRUE(proxied(ncoa()));
    bench.advance(milliseconds(lifetime_ms - 1));
    EXPECT_TRUE(proxied(ncoa()));
    EXPECT_TRUE(bench.asked<machine::DiscardBuffer>().empty());
    bench.advance(milliseconds(1));
    EXPECT_FALSE(proxied(ncoa()));
    EXPECT_EQ(bench.asked<machine::DiscardBuffer>().size(), 1u);
    EXPECT_TRUE(arrivals().empty());
    EXPECT_EQ(counted("expired"), 1u);
  }
  EXPECT_EQ(router::NewRouterConfig{}.proxy_lifetime, milliseconds(1500));
}

TEST_F(NarInitiated, AThousandThatNeverComeLeaveNothing) {
  start();
  for (std::uint16_t i = 1; i <= 1000; ++i) {
    CraftPeer craft = hi(i);
    Ipv6Address::Octets octets = ncoa().octets();
    octets[14] = static_cast<std::uint8_t>(i >> 8);
    octets[15] = static_cast<std::uint8_t>(i);
    craft.ncoa = Ipv6Address(octets);
    take(craft);
  }
  EXPECT_EQ(arrivals().size(), 1000u);
  bench.advance(milliseconds(1500));
  EXPECT_TRUE(arrivals().empty());
  EXPECT_EQ(counted("expired"), 1000u);
  std::set<Ipv6Address> there;
  for (const SetProxy* action : bench.asked<SetProxy>())
    action->present ? (void)there.insert(action->address) : (void)there.erase(action->address);
  EXPECT_TRUE(there.empty());
  EXPECT_EQ(bench.asked<machine::DiscardBuffer>().size(), bench.asked<OpenBuffer>().size());
}

TEST_F(NarInitiated, AnNcoaOfTheRouterItselfMeansThePcoa) {
  start();
  for (const std::uint8_t kind : {std::uint8_t{0}, std::uint8_t{1}}) {
    bench.forget();
    CraftPeer craft = hi(static_cast<std::uint16_t>(kind + 1));
    craft.code = kind;
    craft.ncoa = ar_global();
    take(craft);
    EXPECT_EQ(code(), 3) << int{kind};
  }
}

}  // namespace
}  // namespace sendoff::test
