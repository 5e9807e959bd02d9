// ESP in the whole router machine: what leaves is inside ESP, what does not come that way is
// nothing, and nothing ever goes in clear instead.
#include "esp/peer_fixture.h"

namespace sendoff::test {
namespace {

using machine::ActionError;
using machine::EventKind;
using machine::Facts;

TEST_F(EspPar, APredictiveHandoverIsInsideEsp) {
  start();
  receive(predictive());
  const auto asked = messages<wire::HandoverInitiate>();
  ASSERT_EQ(asked.size(), 1u);
  EXPECT_EQ(asked[0].code, 0);
  take_packet(sealed(answer(asked[0]).acknowledge()));
  EXPECT_EQ(installed(), 1u);
  ASSERT_FALSE(fbacks().empty());
  EXPECT_EQ(fbacks()[0].status, 0);
  EXPECT_EQ(dropped("opened"), 1u);
}

TEST_F(EspPar, AReactiveAndARefusedOneAreToo) {
  start();
  receive(reactive(1));
  auto asked = messages<wire::HandoverInitiate>();
  ASSERT_EQ(asked.size(), 1u);
  EXPECT_EQ(asked[0].code, 1);
  take_packet(sealed(answer(asked[0], 128).acknowledge()));
  EXPECT_EQ(installed(), 0u);
}

TEST_F(EspPar, EveryHiAndHackOfBothRolesIsInsideEsp) {
  COVERS("ESP-5568-01");
  config.new_router.dad_transmits = 0;
  start();
  // Of each exchange: its HIs, the first of them sent again, all from the association's address.
  std::uint16_t sequence = 0;
  const auto asks = [&](const CraftFbu& fbu, std::uint8_t code, std::uint8_t answer_code) {
    bench.forget();
    receive(fbu);
    bench.advance(milliseconds(150));
    const auto asked = messages<wire::HandoverInitiate>();
    ASSERT_EQ(asked.size(), 2u);
    EXPECT_EQ(asked[0].code, code);
    EXPECT_EQ(asked[1].sequence, asked[0].sequence);
    take_packet(sealed(answer(asked[0], answer_code).acknowledge()));
    CraftFbu ending = predictive(++sequence);
    ending.lifetime_s = 0;
    receive(ending);
  };
  asks(predictive(++sequence), 0, 0);
  asks(predictive(++sequence), 0, 129);
  asks(reactive(++sequence), 1, 0);
  // As the new router: accepted and repeated, refused, unsolicited.
  const auto answers = [&](std::size_t count) {
    const auto found = messages<wire::HandoverAcknowledge>();
    EXPECT_EQ(found.size(), count);
    bench.forget();
    return found.empty() ? wire::HandoverAcknowledge{} : found.back();
  };
  bench.forget();
  CraftPeer hi;
  hi.source = kNar;
  hi.destination = ar_global();
  hi.link_address = LinkAddress::literal("02:00:00:00:01:09");
  hi.pcoa = Ipv6Address::literal("2001:db8:a:2::9");
  hi.ncoa = Ipv6Address::literal("2001:db8:a:1::9");
  for (int i = 0; i < 2; ++i) take_packet(sealed(hi.initiate()));
  EXPECT_EQ(answers(2).code, 0);
  hi.sequence = 2;
  hi.link_address.reset();
  take_packet(sealed(hi.initiate()));
  EXPECT_EQ(answers(1).code, 128);
  Craft una;
  una.source = Ipv6Address::literal("2001:db8:a:2::8");
  una.destination = kAllNodes;
  append(una.head, wire::NeighborAdvertisement{.target = una.source});
  una.options.push_back(
      octets_of(wire::LinkAddressOption{wire::OptionType::kTargetLinkAddress, mn.link_address()}));
  RouterTest::receive(una, mn);
  EXPECT_EQ(answers(1).code, 4);
}

TEST_F(EspPar, RepeatsOfAnHiAreNewPackets) {
  start();
  receive(predictive());
  bench.advance(seconds(2));
  const auto headers = inside();
  ASSERT_EQ(headers.size(), 4u);
  std::vector<Bytes> packets;
  for (const machine::Transmit& transmit : bench.sent)
    if (transmit.packet[6] == wire::kProtocolEsp) packets.push_back(transmit.packet);
  ASSERT_EQ(packets.size(), 4u);
  for (std::size_t i = 0; i < packets.size(); ++i) {
    EXPECT_EQ(headers[i], headers[0]);
    Reader in(ByteView(packets[i]).subspan(44));
    EXPECT_EQ(in.u32(), i + 1);
    for (std::size_t j = 0; j < i; ++j)
      EXPECT_FALSE(equal(ByteView(packets[i]).last(16), ByteView(packets[j]).last(16)));
  }
  EXPECT_EQ(far.open(bench.now, packets[0]), esp::Drop::kReplay);
}

TEST_F(EspNar, EachRepeatedHiGetsAHackOfItsOwn) {
  COVERS("ESP-5568-09");  // with EspPar.RepeatsOfAnHiAreNewPackets
  start();
  const Bytes clear = hi().initiate();
  std::vector<Bytes> copies;
  for (int i = 0; i < 4; ++i) {
    copies.push_back(sealed(clear));
    take_packet(copies.back());
  }
  EXPECT_EQ(messages<wire::HandoverAcknowledge>().size(), 4u);
  bench.forget();
  take_packet(copies[0]);
  EXPECT_TRUE(bench.sent.empty());
  EXPECT_EQ(dropped("replay"), 1u);
}

TEST_F(EspNar, HacksAreInsideEsp) {
  start();
  take_packet(sealed(hi(1).initiate()));
  auto hacks = messages<wire::HandoverAcknowledge>();
  ASSERT_EQ(hacks.size(), 1u);
  EXPECT_LT(hacks[0].code, 128);
  bench.forget();
  config.new_router.accept = false;
  ASSERT_TRUE(router->handle(bench.now, config));
  CraftPeer refused = hi(2);
  refused.ncoa = Ipv6Address::literal("2001:db8:a:1::99");
  take_packet(sealed(refused.initiate()));
  hacks = messages<wire::HandoverAcknowledge>();
  ASSERT_EQ(hacks.size(), 1u);
  EXPECT_GE(hacks[0].code, 128);
}

TEST_F(EspNar, WhatComesInClearFromAProtectedPeerIsNothing) {
  COVERS("ESP-5568-02");
  start();
  const auto before = bench.counter("peer", "clear-from-protected");
  const Bytes good = hi().initiate();
  CraftPeer bad_checksum = hi();
  bad_checksum.flip_checksum = true;
  Bytes bad_protocol = good;
  bad_protocol[40] = 6;
  Bytes cut(good.begin(), good.begin() + 43);
  cut[5] = 3;
  Bytes elsewhere = good;
  elsewhere[39] ^= 1;  // to another address
  const std::vector<Bytes> packets{good, hi().acknowledge(), bad_checksum.initiate(), bad_protocol,
                                   cut,  elsewhere};
  for (const Bytes& packet : packets) take_packet(packet);
  EXPECT_TRUE(bench.sent.empty());
  EXPECT_TRUE(bench.actions.empty());
  EXPECT_TRUE(bench.events.empty());
  EXPECT_TRUE(arrivals().empty());
  EXPECT_EQ(bench.counter("peer", "clear-from-protected") - before, packets.size());
  EXPECT_EQ(bench.counter("mobility", "checksum"), 0u);
  EXPECT_EQ(bench.counter("mobility", "payload-protocol"), 0u);
}

// One after the other, with the octets of a node that has the keys.
TEST_F(EspNar, WhatComesOutOfEspIsHiOrHackWithItsOwnChecksum) {
  COVERS("ESP-5568-07", "ESP-5568-08");
  start();
  const Bytes clear = hi().initiate();
  const Bytes good(clear.begin() + 40, clear.end());
  ASSERT_TRUE(wire::mobility_checksum_ok(peer_, ar_global(), good));
  std::uint32_t sequence = 0;
  const auto send = [&](Bytes header, std::uint8_t next_header = wire::kProtocolMobility) {
    esp::Envelope envelope{kFromPeer, ++sequence, next_header, header};
    Bytes packet(40 + envelope.size());
    wire::Ipv6Header ip;
    ip.next_header = wire::kProtocolEsp;
    ip.source = peer_;
    ip.destination = ar_global();
    ip.payload_length = static_cast<std::uint16_t>(envelope.size());
    Writer out(packet);
    ip.emit(out);
    envelope.emit(ByteSpan(packet).subspan(40), *esp::key_numbered(2));
    take_packet(packet);
  };
  std::uint64_t selected = 0;
  for (const std::uint8_t protocol : std::array<std::uint8_t, 5>{4, 6, 41, 50, 60}) {
    send(good, protocol);
    EXPECT_EQ(dropped("selector"), ++selected) << int{protocol};
  }
  for (const std::uint8_t type : std::array<std::uint8_t, 4>{5, 8, 9, 200}) {
    Bytes other = good;
    other[2] = type;
    wire::seal_mobility(peer_, ar_global(), other);
    send(other);
    EXPECT_EQ(dropped("selector"), ++selected) << int{type};
  }
  // An FBU with a right authenticator, as a node would send it.
  const Delivered delivered = provision();
  bench.forget();
  const Bytes fbu_packet = fbu(delivered).packet();
  const auto view = wire::PacketView::parse(fbu_packet);
  send(to_bytes(view->upper));
  EXPECT_EQ(dropped("selector"), ++selected);

  Bytes blank = good;
  esp::set_checksum(blank, 0);
  Bytes long_one = blank;
  long_one.resize(blank.size() + 28);
  Reader right(ByteView(good).subspan(4));
  std::uint64_t checksums = 0;
  for (const std::uint16_t wrong :
       {wire::checksum(peer_, ar_global(), wire::kProtocolEsp, blank),
        wire::checksum(peer_, ar_global(), wire::kProtocolMobility, long_one),
        static_cast<std::uint16_t>(right.u16() ^ 1)}) {
    Bytes header = good;
    esp::set_checksum(header, wrong);
    send(header);
    EXPECT_EQ(dropped("checksum"), ++checksums);
  }
  EXPECT_TRUE(bench.sent.empty());
  EXPECT_TRUE(arrivals().empty());
  EXPECT_TRUE(router->status(bench.now, 10).bindings.empty());
  send(good);
  EXPECT_EQ(messages<wire::HandoverAcknowledge>().size(), 1u);
}

TEST_F(EspNar, AForgedPacketLeavesNoTrace) {
  COVERS("ESP-4303-11");
  start();
  const Bytes genuine = sealed(hi().initiate());
  Bytes forged = genuine;
  Writer(ByteSpan(forged).subspan(44, 4)).u32(0xffffffff);
  const auto before = router->status(bench.now, 10);
  take_packet(forged);
  EXPECT_EQ(dropped("integrity"), 1u);
  const auto after = router->status(bench.now, 10);
  ASSERT_EQ(after.associations.size(), 1u);
  EXPECT_EQ(after.associations[0].inbound[0].highest, before.associations[0].inbound[0].highest);
  EXPECT_EQ(after.associations[0].last_sent, before.associations[0].last_sent);
  EXPECT_EQ(after.arrival_count, 0u);
  EXPECT_TRUE(bench.sent.empty());
  bench.advance(seconds(2));
  EXPECT_TRUE(bench.asked<machine::Persist>().empty());
  take_packet(genuine);
  EXPECT_EQ(messages<wire::HandoverAcknowledge>().size(), 1u);
}

TEST_F(EspPar, OnesOwnHiSentBackIsRefused) {
  COVERS("ESP-4868-04");  // equal keys in a file: EspFile.EachAssociationHasAKeyOfItsOwn
  start();
  receive(predictive());
  const auto sent = std::ranges::find_if(bench.sent, [](const machine::Transmit& transmit) {
    return transmit.packet[6] == wire::kProtocolEsp;
  });
  ASSERT_NE(sent, bench.sent.end());
  Bytes reflected = sent->packet;
  std::copy_n(sent->packet.begin() + 24, 16, reflected.begin() + 8);
  std::copy_n(sent->packet.begin() + 8, 16, reflected.begin() + 24);
  Writer(ByteSpan(reflected).subspan(40, 4)).u32(kFromPeer);
  bench.forget();
  take_packet(reflected);
  EXPECT_EQ(dropped("integrity"), 1u);
  EXPECT_TRUE(bench.sent.empty());
}

// In one step with its reception, whatever else the router computes.
TEST_F(EspNar, AnHiIsAnsweredWhileAllRsaWorkIsStuck) {
  COVERS("ESP-4303-09");  // the order: Open.ChecksComeInOrderOfCost
  start();
  bench.hold_jobs = true;
  receive(request(), mn);
  ASSERT_FALSE(bench.held.empty()) << "a signature that waits to be verified";
  bench.forget();
  take_packet(sealed(hi(1).initiate()));
  EXPECT_EQ(messages<wire::HandoverAcknowledge>().size(), 1u);
}

TEST_F(EspNar, NumbersSurviveARestartOfTheMachine) {
  start();
  const Bytes first = sealed(hi(1).initiate());
  take_packet(first);
  bench.advance(seconds(1));
  machine::Snapshot snapshot;
  std::map<machine::RecordName, std::size_t> places;
  for (const machine::Persist* persist : bench.asked<machine::Persist>()) {
    const auto [place, fresh] = places.emplace(name_of(persist->record), snapshot.size());
    if (fresh)
      snapshot.push_back(machine::duplicate(persist->record));
    else
      snapshot[place->second] = machine::duplicate(persist->record);
  }
  bench = MachineBench();
  start(std::move(snapshot));
  take_packet(first);
  EXPECT_TRUE(bench.sent.empty());
  EXPECT_EQ(dropped("replay"), 1u);
  take_packet(sealed(hi(2).initiate()));
  ASSERT_EQ(messages<wire::HandoverAcknowledge>().size(), 1u);
  EXPECT_EQ(router->status(bench.now, 10).associations[0].last_sent, 513u) << "512 were reserved";
}

TEST_F(EspNar, TheEndStoresTheHighestNumberAtOnce) {
  start();
  take_packet(sealed(hi(1).initiate()));
  take_packet(sealed(hi(2).initiate()));
  bench.actions.clear();  // the first number is stored; the HAcks have had further ones reserved
  bench.host(machine::Ending{});
  const auto stored = bench.asked<machine::Persist>();
  ASSERT_EQ(stored.size(), 1u);
  const auto& counter = std::get<machine::EspCounter>(stored[0]->record);
  EXPECT_EQ(counter.direction, esp::Direction::kInbound);
  EXPECT_EQ(counter.value, 2u);
}

TEST_F(EspNar, WithoutAntiReplayRepeatsGetTheSameAnswer) {
  COVERS("ESP-4303-18");  // the warning: EspFile.TakesTwoInboundAssociationsAndTheSwitches
  start();
  const Bytes packet = sealed(hi(1).initiate());
  take_packet(packet);
  take_packet(packet);
  EXPECT_EQ(messages<wire::HandoverAcknowledge>().size(), 1u) << "on by default";
  EXPECT_EQ(dropped("replay"), 1u);
  bench.forget();
  config.neighbours[0].esp->inbound[0].anti_replay = false;
  ASSERT_TRUE(router->handle(bench.now, config));
  EXPECT_FALSE(router->status(bench.now, 10).associations[0].inbound[0].anti_replay);
  take_packet(packet);
  take_packet(packet);
  esp::Envelope zero{kFromPeer, 0, wire::kProtocolMobility,
                     ByteView(packet).subspan(48, packet.size() - 48 - 20)};
  Bytes numbered_zero(packet.begin(), packet.begin() + 40);
  numbered_zero.resize(40 + zero.size());
  zero.emit(ByteSpan(numbered_zero).subspan(40), *esp::key_numbered(2));
  take_packet(numbered_zero);
  EXPECT_EQ(messages<wire::HandoverAcknowledge>().size(), 3u) << "GF27: each repeat is answered";
  EXPECT_EQ(router->status(bench.now, 10).arrival_count, 1u);
  EXPECT_EQ(router->status(bench.now, 10).associations[0].last_sent, 4u);
}

TEST_F(EspNar, AuditEntriesNameThePacketAndAreFew) {
  COVERS("ESP-4303-26", "ESP-4303-27");
  start();
  const Bytes good = sealed(hi(1).initiate());
  const auto with = [&](std::uint32_t spi, std::uint32_t sequence) {
    Bytes packet = good;
    Writer out(ByteSpan(packet).subspan(40, 8));
    out.u32(spi);
    out.u32(sequence);
    packet[1] = 0x05;
    packet[2] = 0x43;
    packet[3] = 0x21;
    return packet;
  };
  Bytes fragment = with(kFromPeer, 3);
  const std::array<std::uint8_t, 8> header{wire::kProtocolEsp, 0, 0, 1, 0, 0, 0, 9};
  fragment.insert(fragment.begin() + 40, header.begin(), header.end());
  fragment[6] = wire::kProtocolFragment;
  fragment[5] = static_cast<std::uint8_t>(fragment[5] + 8);
  struct Case {
    std::string cause;
    Bytes packet;
    std::int64_t spi;
    std::int64_t sequence;
  };
  const std::vector<Case> cases{{"no-association", with(0x7777, 1), 0x7777, 1},
                                {"fragment", fragment, kFromPeer, 3},
                                {"replay", with(kFromPeer, 0), kFromPeer, 0},
                                {"integrity", with(kFromPeer, 5), kFromPeer, 5}};
  for (const bool on : {true, false}) {
    config.esp_audit = on;
    ASSERT_TRUE(router->handle(bench.now, config));
    for (const Case& each : cases) {
      bench.forget();
      const std::uint64_t before = dropped(each.cause);
      take_packet(each.packet);
      EXPECT_EQ(dropped(each.cause), before + 1);
      EXPECT_TRUE(bench.sent.empty());
      const auto entries = bench.reported(EventKind::kEspAudit);
      ASSERT_EQ(entries.size(), on ? 1u : 0u);
      if (!on) continue;
      const machine::Event& entry = *entries[0];
      EXPECT_EQ(entry.text("cause"), each.cause);
      EXPECT_EQ(entry.number("spi"), each.spi);
      EXPECT_EQ(entry.number("sequence"), each.sequence);
      EXPECT_EQ(entry.number("flow_label"), 0x54321);
      EXPECT_EQ(entry.number("utc_ns"), bench.now.utc.time_since_epoch().count());
      EXPECT_EQ(entry.text("source"), peer_.text());
      EXPECT_EQ(entry.text("destination"), ar_global().text());
    }
  }
  // A rush of them: what is left out is counted.
  config.esp_audit = true;
  ASSERT_TRUE(router->handle(bench.now, config));
  bench.forget();
  for (int i = 0; i < 10'000; ++i) {
    take_packet(cases[3].packet);
    if (i % 10 == 9) bench.advance(microseconds(1000));
  }
  bench.advance(seconds(2));
  std::int64_t counted_entries = 0;
  std::int64_t entries = 0;
  for (const machine::Event* event : bench.reported(EventKind::kEspAudit)) {
    entries += event->text("cause").empty() ? 0 : 1;
    counted_entries += event->number("left_out") + (event->text("cause").empty() ? 0 : 1);
  }
  EXPECT_LE(entries, 40);
  EXPECT_EQ(counted_entries, 10'000);
}

// The fifth event is the sender's.
TEST_F(EspPar, AuditEntriesNameAnOverflow) {
  COVERS("ESP-4303-13");  // the warning at f0000000: Seal.OneWarningComesWhenTheNumbersRunLow
  machine::Snapshot snapshot;
  snapshot.emplace_back(machine::EspCounter{esp::Direction::kOutbound, kToPeer,
                                            esp::fingerprint(*esp::key_numbered(1)), 0xfffffffe});
  start(std::move(snapshot));
  receive(predictive());
  ASSERT_EQ(inside().size(), 1u);
  EXPECT_EQ(router->status(bench.now, 10).associations[0].last_sent, 0xffffffffu);
  bench.forget();
  bench.advance(milliseconds(150));  // its repetition
  EXPECT_TRUE(inside().empty());
  ASSERT_EQ(fbacks().size(), 1u);
  EXPECT_EQ(fbacks()[0].status, 128);
  EXPECT_EQ(dropped("not-sent-sequence-overflow"), 1u);
  const auto entries = bench.reported(EventKind::kEspAudit);
  ASSERT_EQ(entries.size(), 1u);
  EXPECT_EQ(entries[0]->text("cause"), "sequence-overflow");
  EXPECT_EQ(entries[0]->number("spi"), kToPeer);
  EXPECT_EQ(entries[0]->number("sequence"), 0xffffffff);
  EXPECT_EQ(entries[0]->text("source"), ar_global().text());
  EXPECT_EQ(entries[0]->text("destination"), kNar.text());
}

}  // namespace
}  // namespace sendoff::test
