// A PAR and a NAR, both real, and the octets that they exchange.
#include "router/handover_fixture.h"

namespace sendoff::test {
namespace {

using machine::InstallBinding;

class Pair : public ParTest {
 protected:
  router::Config nar_config = router_config();
  FakeRandom nar_random{11};
  MachineBench nar_bench;
  std::unique_ptr<router::Router> nar;
  std::vector<Bytes> captured;  // all that went between the routers
  // Nothing: delivered as it is. An empty packet: lost.
  std::function<Bytes(const Bytes&)> on_the_way;

  Pair() {
    router::Interface& interface = nar_config.interfaces[0];
    interface.identity.key = signing_key("other-2048");
    interface.prefixes = {{Prefix::literal(kNarPrefix), 86'400, 14'400}};
    nar_config.new_router.dad_transmits = 0;
    router::Neighbour& previous = nar_config.neighbours[0];
    previous.name = "par";
    previous.address = ar_global();
    previous.prefix = Prefix::literal(kPrefix);
    previous.protection = router::Protection::kClear;
    previous.handover_initiate = true;
    config.neighbours[0].address = nar_global();
  }
  [[nodiscard]] Ipv6Address nar_global() const {
    return nar_config.interfaces[0].identity.address(Prefix::literal(kNarPrefix));
  }
  void start() {
    nar_bench.now = bench.now;
    nar = std::make_unique<router::Router>(nar_config, machine::Snapshot{}, nar_random,
                                           nar_bench.now);
    nar_bench.attach(*nar);
    nar_bench.host(machine::InterfaceUp{{0}, kNarLink, 1500});
    ParTest::start();
    nar_bench.forget();
    par_seen_ = nar_seen_ = 0;
  }
  // Carries what either router sent to the other, until both are silent.
  void exchange() {
    for (bool moved = true; moved;) {
      moved = carry(bench, nar_bench, nar_global(), kRouterLink);
      moved = carry(nar_bench, bench, ar_global(), kNarLink) || moved;
    }
  }
  void pass(Duration duration) {
    for (Duration step = milliseconds(10); duration > Duration::zero(); duration -= step) {
      bench.advance(step);
      nar_bench.advance(step);
      exchange();
    }
  }
  void arrive(const Ipv6Address& address, const LinkAddress& link_address) {
    Craft craft;
    craft.source = address;
    craft.destination = kAllNodes;
    append(craft.head, wire::NeighborAdvertisement{.target = address});
    craft.options.push_back(
        octets_of(wire::LinkAddressOption{wire::OptionType::kTargetLinkAddress, link_address}));
    nar_bench.receive(craft.packet(), link_address);
    exchange();
  }
  // The same octets, that of the Mobility Header at `offset` changed, its checksum right.
  [[nodiscard]] static Bytes changed(Bytes packet, std::size_t offset, std::uint8_t value) {
    packet[40 + offset] = value;
    const auto ip = wire::Ipv6Header::parse(packet);
    wire::seal_mobility(ip->source, ip->destination, ByteSpan(packet).subspan(40));
    return packet;
  }

 private:
  bool carry(MachineBench& from, MachineBench& to, const Ipv6Address& destination,
             const LinkAddress& link) {
    std::size_t& seen = &from == &bench ? par_seen_ : nar_seen_;
    seen = std::min(seen, from.sent.size());
    bool moved = false;
    while (seen < from.sent.size()) {
      const Bytes packet = from.sent[seen++].packet;
      if (wire::Ipv6Header::parse(packet)->destination != destination) continue;
      captured.push_back(packet);
      const Bytes delivered_packet = on_the_way ? on_the_way(packet) : packet;
      if (!delivered_packet.empty()) to.receive(delivered_packet, link);
      moved = true;
    }
    return moved;
  }
  std::size_t par_seen_ = 0;
  std::size_t nar_seen_ = 0;
};

TEST_F(Pair, APredictiveHandoverFromFbuToUna) {
  start();
  receive(predictive(1));
  exchange();
  ASSERT_EQ(captured.size(), 2u);
  EXPECT_EQ(nar_bench.asked<machine::OpenBuffer>().size(), 1u);
  EXPECT_EQ(nar_bench.asked<machine::SetProxy>().size(), 1u);
  ASSERT_EQ(installed(), 1u);
  EXPECT_EQ(bench.asked<InstallBinding>()[0]->ncoa, ncoa());
  ASSERT_EQ(fbacks().size(), 2u);
  EXPECT_EQ(fbacks()[0].status, 0);
  arrive(ncoa(), mn.link_address());
  EXPECT_EQ(nar_bench.asked<machine::ReleaseBuffer>().size(), 1u);
  pass(seconds(2));
  EXPECT_TRUE(nar->status(nar_bench.now, 10).arrivals.empty());
  EXPECT_EQ(bindings().size(), 1u);
}

TEST_F(Pair, AReactiveHandoverMakesNothingAtTheNar) {
  start();
  receive(reactive(1));
  exchange();
  EXPECT_TRUE(nar_bench.actions.empty());
  ASSERT_EQ(fbacks().size(), 1u);
  EXPECT_EQ(fbacks()[0].status, 0);
  EXPECT_EQ(bindings().at(0).ncoa, ncoa());
}

TEST_F(Pair, LostMessagesAreSentAgain) {
  start();
  int to_lose = 3;  // HI, then the HAck, then another HI
  on_the_way = [&](const Bytes& packet) { return to_lose-- > 0 ? Bytes{} : packet; };
  receive(predictive(1));
  exchange();
  pass(seconds(1));
  EXPECT_EQ(bindings().size(), 1u);
  EXPECT_EQ(nar_bench.asked<machine::OpenBuffer>().size(), 1u);
  EXPECT_EQ(fbacks().size(), 2u);
}

TEST_F(Pair, AnAddressInUseIsReplacedByOneOfThePool) {
  COVERS("FH-6.2.1.2-08");
  nar_config.interfaces[0].pool = Prefix::literal("2001:db8:a:2::a:0/112");
  start();
  nar_bench.host(
      machine::NeighbourChanged{{0}, ncoa(), LinkAddress::literal("02:00:00:00:0e:0e"), true});
  receive(predictive(1));
  EXPECT_FALSE(his().at(0).message.assigned_addressing);
  exchange();
  const auto hacks = sent_by<wire::HandoverAcknowledge>(nar_bench);
  ASSERT_EQ(hacks.size(), 1u);
  EXPECT_EQ(hacks[0].message.code, 2);
  const auto given = address_in(hacks[0].message.options, AddressCode::kNewCareOfAddress);
  ASSERT_TRUE(given.has_value());
  EXPECT_EQ(bindings().at(0).ncoa, *given);
  EXPECT_EQ(fbacks().at(0).status, 1);
  EXPECT_EQ(fbacks().at(0).options.alternate_care_of, given);
}

TEST_F(Pair, ThePcoaIsKeptBetweenTunnelEndsThatAgree) {
  nar_config.interfaces[0].dhcp = true;
  config.neighbours[0].dhcp = true;
  start();
  receive(predictive(1));
  exchange();
  ASSERT_EQ(installed(), 1u);
  ASSERT_EQ(nar_bench.asked<machine::AttachTunnel>().size(), 1u);
  const InstallBinding near = *bench.asked<InstallBinding>()[0];
  const machine::AttachTunnel far = *nar_bench.asked<machine::AttachTunnel>()[0];
  EXPECT_EQ(near.pcoa, far.pcoa);
  EXPECT_EQ(near.ncoa, far.local);
  EXPECT_EQ(near.tunnel_source, far.remote);
  arrive(mn.global(), mn.link_address());
  ASSERT_EQ(nar_bench.asked<machine::SetNeighbour>().size(), 1u);
  EXPECT_EQ(nar_bench.asked<machine::SetNeighbour>()[0]->address, mn.global());
}

TEST_F(Pair, ANodeGetsAnAddressUnderAPrefixOfItsOwn) {
  COVERS("FH-5.3-01");
  const Prefix aggregate = Prefix::literal("2001:db8:b::/48");
  const Prefix range = Prefix::literal("2001:db8:b:100::/56");
  nar_config.interfaces[0].prefixes.push_back({Prefix::literal("2001:db8:b::/64"), 86'400, 14'400});
  nar_config.interfaces[0].mobile_prefixes = range;
  config.neighbours[0].prefix = aggregate;
  start();
  // What nodes are told is the aggregate.
  receive(request(), mn);
  const Bytes told = reply();
  const auto options = options_of(told);
  EXPECT_TRUE(std::ranges::any_of(options, [&](const wire::RawOption& raw) {
    if (raw.type != wire::OptionType::kIpAddressPrefix) return false;
    const auto prefix = wire::IpAddressPrefixOption::parse(raw.octets);
    return prefix && prefix->prefix_length == aggregate.length();
  }));
  bench.forget();
  CraftFbu craft = predictive(1);
  craft.alternate_care_of = mn.address_in("2001:db8:b::/64");
  receive(craft);
  exchange();
  const auto hacks = sent_by<wire::HandoverAcknowledge>(nar_bench);
  ASSERT_EQ(hacks.size(), 1u);
  EXPECT_EQ(hacks[0].message.code, 2);
  const auto given = address_in(hacks[0].message.options, AddressCode::kNewCareOfAddress);
  ASSERT_TRUE(given.has_value());
  EXPECT_TRUE(range.contains(*given));
  ASSERT_EQ(bindings().size(), 1u);
  EXPECT_EQ(bindings()[0].ncoa, *given);
  ASSERT_EQ(fbacks().size(), 2u);
  EXPECT_EQ(fbacks()[0].status, 1);
  EXPECT_EQ(fbacks()[0].options.alternate_care_of, given);
  // The prefix leads to the link before that is promised, and stays with the node.
  ASSERT_EQ(nar_bench.asked<machine::SetRoute>().size(), 1u);
  EXPECT_EQ(nar_bench.asked<machine::SetRoute>()[0]->destination, Prefix(*given, 64));
  EXPECT_TRUE(nar_bench.asked<machine::SetRoute>()[0]->present);
  arrive(*given, mn.link_address());
  EXPECT_EQ(nar_bench.asked<machine::ReleaseBuffer>().size(), 1u);
  pass(seconds(3));
  EXPECT_EQ(nar_bench.asked<machine::SetRoute>().size(), 1u);
  EXPECT_EQ(nar->status(nar_bench.now, 10).arrivals.size(), 1u);
}

TEST_F(Pair, ARouterThatLostANodeIsToldOfItAgain) {
  nar_config.interfaces[0].dhcp = true;
  config.neighbours[0].dhcp = true;
  start();
  receive(predictive(1));
  exchange();
  arrive(mn.global(), mn.link_address());
  ASSERT_EQ(bindings().at(0).ncoa, nar_global());
  // Its NAR starts anew, and the node announces itself again.
  nar_bench.host(machine::InterfaceDown{{0}});
  nar_bench.host(machine::InterfaceUp{{0}, kNarLink, 1500});
  EXPECT_TRUE(nar->status(nar_bench.now, 10).arrivals.empty());
  nar_bench.forget();
  captured.clear();
  pass(milliseconds(10));
  arrive(mn.global(), mn.link_address());
  ASSERT_EQ(captured.size(), 3u);  // HAck 4, HI, HAck 3
  EXPECT_EQ(bench.counter("initiate", "not-asked"), 0u);
  EXPECT_EQ(nar->status(nar_bench.now, 10).arrivals.at(0).state, "here");
  EXPECT_EQ(nar_bench.asked<machine::AttachTunnel>().size(), 1u);
  EXPECT_EQ(nar_bench.asked<machine::SetNeighbour>().size(), 1u);
  EXPECT_EQ(bindings().at(0).ncoa, nar_global());
}

TEST_F(Pair, ReservedBitsOfHiAndHackAreZeroAndIgnored) {
  COVERS("FH-6.2.1.1-09", "FH-6.2.1.2-06");
  start();
  on_the_way = [](const Bytes& packet) {
    return packet[42] == 14 ? changed(packet, 8, 0x3f) : changed(packet, 8, 0xff);
  };
  receive(predictive(1));
  exchange();
  ASSERT_EQ(captured.size(), 2u);
  EXPECT_EQ(captured[0][48] & 0x3f, 0);
  EXPECT_EQ(captured[1][48], 0);
  // 3f: S = 0, U = 0.
  EXPECT_TRUE(nar_bench.asked<machine::OpenBuffer>().empty());
  const auto hacks = sent_by<wire::HandoverAcknowledge>(nar_bench);
  ASSERT_EQ(hacks.size(), 1u);
  EXPECT_EQ(hacks[0].message.code, 0);
  EXPECT_EQ(bindings().size(), 1u);
}

TEST_F(Pair, ARefusedReactiveHiIsNoBinding) {
  COVERS("FH-6.2.1.2-13");
  start();
  receive(reactive(1));
  exchange();
  EXPECT_EQ(sent_by<wire::HandoverAcknowledge>(nar_bench).at(0).message.code, 0);
  // Codes 1, 2 and 4 in answer to Code 1 are as if lost: asked again, until a good one comes.
  for (const std::uint8_t code : {std::uint8_t{1}, std::uint8_t{2}, std::uint8_t{4}}) {
    bench = MachineBench();
    nar_bench = MachineBench();
    bool first = true;
    on_the_way = [&](const Bytes& packet) {
      const bool bent = packet[42] == 15 && std::exchange(first, packet[42] != 15 && first);
      return bent ? changed(packet, 9, code) : packet;
    };
    start();
    receive(reactive(1));
    exchange();
    EXPECT_TRUE(bindings().empty()) << int{code};
    EXPECT_TRUE(fbacks().empty());
    pass(milliseconds(110));
    EXPECT_EQ(bindings().size(), 1u) << int{code};
  }
}

TEST_F(Pair, NeitherSpeaksIcmpv6ForHiAndHack) {
  COVERS("FH-1-02");
  start();
  for (const std::uint8_t subtype : {std::uint8_t{4}, std::uint8_t{5}}) {
    Craft craft;
    craft.source = nar_global();
    craft.destination = ar_global();
    craft.head = {154, 0, 0, 0, subtype, 0, 0, 1};
    bench.receive(craft.packet(), kNarLink);
    craft.source = ar_global();
    craft.destination = nar_global();
    nar_bench.receive(craft.packet(), kRouterLink);
  }
  for (const MachineBench* each : {&bench, &nar_bench}) {
    EXPECT_TRUE(each->sent.empty());
    EXPECT_TRUE(each->actions.empty());
    EXPECT_EQ(each->counter("send", "subtype"), 2u);
  }
}

}  // namespace
}  // namespace sendoff::test
