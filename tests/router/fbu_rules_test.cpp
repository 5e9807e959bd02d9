// The rules of RFC 6275 and RFC 5568 that an FBU meets at the previous access router, beyond those
// about keys (fbu_test.cpp).
#include "router/handover_fixture.h"

namespace sendoff::test {
namespace {

using machine::InstallBinding;

class FbuRules : public RouterTest {
 protected:
  void begin() {
    start();
    delivered = provision();
  }
  [[nodiscard]] CraftFbu good(std::uint16_t sequence = 1) const { return fbu(delivered, sequence); }
  [[nodiscard]] Ipv6Address ncoa() const { return mn.address_in(kNarPrefix); }
  [[nodiscard]] std::vector<router::Router::BindingStatus> bindings() const {
    return router->status(bench.now, 100).bindings;
  }
  [[nodiscard]] bool silent() const {
    return bench.sent.empty() && bench.asked<InstallBinding>().empty() &&
           bench.asked<machine::RemoveBinding>().empty();
  }
  // The status of the FBack to `craft`; -1: silence.
  int status_of(const CraftFbu& craft) {
    bench.forget();
    receive(craft);
    return fbacks().empty() ? -1 : int{fbacks()[0].status};
  }
  // To the router, with a Home Address option.
  [[nodiscard]] Bytes with_home_address(const Ipv6Address& source, const Ipv6Address& home,
                                        std::uint8_t protocol, ByteView upper) const {
    wire::Ipv6Header ip;
    ip.source = source;
    ip.destination = ar_global();
    ip.next_header = wire::kProtocolDestinationOptions;
    return wire::build_packet(ip, octets_of(wire::HomeAddressHeader{protocol, home}), upper);
  }
  Delivered delivered;
};

TEST_F(FbuRules, FlagsAAndHMustStand) {
  COVERS("FH-6.2.2-08");
  begin();
  CraftFbu craft = good(1);
  craft.acknowledge = false;
  receive(craft);
  craft = good(2);
  craft.home_registration = false;
  receive(craft);
  EXPECT_TRUE(silent());
  EXPECT_EQ(bench.counter("fbu", "flags"), 2u);
  EXPECT_EQ(status_of(good(3)), 0);
}

TEST_F(FbuRules, ReservedFlagBitsAreIgnoredButCovered) {
  COVERS("FH-6.2.2-03");
  begin();
  CraftFbu craft = good(1);
  craft.reserved_flags = 0x0fff;
  EXPECT_EQ(status_of(craft), 0);
  Bytes bent = good(2).packet();
  bent[64 + 9] |= 1;  // behind IPv6 header and Destination Options
  wire::seal_mobility(mn.global(), ar_global(), ByteSpan(bent).subspan(64));
  bench.forget();
  bench.receive(bent, mn.link_address());
  EXPECT_TRUE(silent());
}

TEST_F(FbuRules, TheCareOfAddressIsTheOptionElseTheSource) {
  COVERS("FH-6.2.2-15", "FH-6275-24");
  begin();
  EXPECT_EQ(status_of(good(1)), 0);
  EXPECT_EQ(bindings().at(0).ncoa, ncoa());
  CraftFbu craft = good(2);
  craft.source = Ipv6Address::literal("2001:db8:a:2::1:2");
  craft.alternate_care_of.reset();
  EXPECT_EQ(status_of(craft), 0);
  EXPECT_EQ(bindings().at(0).ncoa, craft.source);
  craft = good(3);
  craft.source = Ipv6Address::literal("2001:db8:a:2::1:2");
  EXPECT_EQ(status_of(craft), 0);
  EXPECT_EQ(bindings().at(0).ncoa, ncoa());
  craft = good(4);
  craft.alternate_care_of = mn.global();
  EXPECT_EQ(status_of(craft), -1);
  EXPECT_EQ(bindings().at(0).ncoa, ncoa());
}

TEST_F(FbuRules, CareOfAddressesAreUnicastAndRoutable) {
  COVERS("FH-6275-25");
  begin();
  std::uint16_t sequence = 0;
  for (const char* address : {"::", "::1", "ff0e::1", "fe80::2"}) {
    CraftFbu craft = good(++sequence);
    craft.alternate_care_of = Ipv6Address::literal(address);
    EXPECT_EQ(status_of(craft), -1) << address;
    EXPECT_TRUE(bindings().empty());
  }
  EXPECT_EQ(bench.counter("fbu", "care-of-address"), 4u);
}

TEST_F(FbuRules, TheSourceIsUnicast) {
  COVERS("FH-6275-26");
  begin();
  std::uint16_t sequence = 0;
  for (const char* address : {"ff02::1", "::"}) {
    CraftFbu craft = good(++sequence);
    craft.source = Ipv6Address::literal(address);
    receive(craft);
    EXPECT_TRUE(silent()) << address;
  }
  EXPECT_TRUE(bindings().empty());
  EXPECT_EQ(bench.counter("fbu", "care-of-address"), 2u);
}

TEST_F(FbuRules, TheChecksumIsOverThePcoa) {
  COVERS("FH-6275-06");
  begin();
  CraftFbu craft = good(1);
  craft.source = ncoa();
  craft.alternate_care_of.reset();
  Bytes wrong = craft.packet();
  wire::seal_mobility(craft.source, craft.destination, ByteSpan(wrong).subspan(64));
  bench.receive(wrong, mn.link_address());
  EXPECT_TRUE(silent());
  EXPECT_EQ(bench.counter("mobility", "checksum"), 1u);
  EXPECT_EQ(status_of(craft), 0);
}

TEST_F(FbuRules, HomeAddressesAreGlobalOrUniqueLocal) {
  COVERS("FH-6275-16");
  const std::string local_prefix = "fd00:1::/64";
  config.interfaces[0].prefixes.push_back({Prefix::literal(local_prefix), 86'400, 14'400});
  begin();
  std::uint16_t sequence = 0;
  for (const char* address : {"::", "ff02::1", "fe80::1", "::1"}) {
    CraftFbu craft = good(++sequence);
    craft.home_address = Ipv6Address::literal(address);
    EXPECT_EQ(status_of(craft), -1) << address;
    EXPECT_TRUE(silent()) << address;
  }
  Peer local(signing_key("mn-1024"), local_prefix, "02:00:00:00:01:07", 3);
  const Ipv6Address par = config.interfaces[0].identity.address(Prefix::literal(local_prefix));
  bench.forget();
  receive(local.rtsolpr(par, bench.now, hke->spki(), 2), local);
  const auto key = open(reply(), *hke);
  ASSERT_TRUE(key.has_value());
  CraftFbu craft = fbu(*key);
  craft.destination = par;
  craft.source = *(craft.home_address = local.global());
  EXPECT_EQ(status_of(craft), 0);
}

TEST_F(FbuRules, ThePcoaIsOnTheLinkOfTheAddressedRouter) {
  COVERS("FH-6275-27", "FH-4-38");
  const std::string second_prefix = "2001:db8:a:5::/64";
  router::Interface second = config.interfaces[0];
  second.id = {1};
  second.name = "access1";
  second.prefixes = {{Prefix::literal(second_prefix), 86'400, 14'400}};
  second.access_points.clear();
  config.interfaces.push_back(second);
  start();
  bench.host(machine::InterfaceUp{{1}, kRouterLink, 1500});
  const Ipv6Address second_address = second.identity.address(Prefix::literal(second_prefix));
  delivered = provision();
  Peer there(signing_key("mn-1024"), second_prefix, "02:00:00:00:01:08", 4);
  bench.receive(there.rtsolpr(second_address, bench.now, hke->spki(), 2).packet(),
                there.link_address(), {1});
  const auto key = open(reply(), *hke);
  ASSERT_TRUE(key.has_value());
  CraftFbu craft = fbu(*key);
  craft.source = *(craft.home_address = there.global());
  EXPECT_EQ(status_of(craft), -1);  // to the first interface's address
  craft.home_address = Ipv6Address::literal("2001:db8:c::5");
  EXPECT_EQ(status_of(craft), -1);
  EXPECT_TRUE(silent());
  EXPECT_EQ(bench.counter("fbu", "not-on-link"), 2u);
  craft.home_address = craft.source;
  craft.destination = second_address;
  EXPECT_EQ(status_of(craft), 0);
  ASSERT_EQ(bench.asked<InstallBinding>().size(), 1u);
  EXPECT_EQ(bench.asked<InstallBinding>()[0]->tunnel_source, second_address);
  EXPECT_EQ(bench.asked<InstallBinding>()[0]->interface, InterfaceId{1});
  // That is the address of the R flag on that link.
  bench.forget();
  bench.advance(seconds(700));
  std::size_t advertised = 0;
  for (const machine::Transmit& transmit : bench.sent) {
    if (transmit.interface != InterfaceId{1} || transmit.packet[40] != 134) continue;
    const auto option = find_option(transmit.packet, wire::OptionType::kPrefixInformation);
    EXPECT_EQ(wire::PrefixInformation::parse(*option)->address, second_address);
    ++advertised;
  }
  EXPECT_GE(advertised, 1u);
}

TEST_F(FbuRules, SequenceNumbersAreComparedModulo) {
  COVERS("FH-6275-28");
  const auto after_15 = [&](std::uint16_t sequence) {
    bench = MachineBench();
    begin();
    EXPECT_EQ(status_of(good(15)), 0);
    CraftFbu craft = good(sequence);
    craft.lifetime_s = 29;  // not a copy of the first
    return status_of(craft);
  };
  EXPECT_EQ(after_15(16), 0);
  EXPECT_EQ(after_15(32782), 0);
  for (const int refused : {15, 0, 32783, 65535})
    EXPECT_EQ(after_15(static_cast<std::uint16_t>(refused)), 135) << refused;
}

TEST_F(FbuRules, AnyNumberMayBeTheFirst) {
  COVERS("FH-6275-29");
  for (const int first : {0, 1, 65535}) {
    bench = MachineBench();
    begin();
    EXPECT_EQ(status_of(good(static_cast<std::uint16_t>(first))), 0) << first;
  }
}

TEST_F(FbuRules, TheNumberOutlivesTheBinding) {
  COVERS("FH-6275-30");
  begin();
  const CraftFbu created = good(1);
  EXPECT_EQ(status_of(created), 0);
  CraftFbu back = good(2);
  back.lifetime_s = 0;
  EXPECT_EQ(status_of(back), 0);
  EXPECT_EQ(router->status(bench.now, 1).key_count, 1u);
  EXPECT_EQ(status_of(created), 135);
  EXPECT_TRUE(bindings().empty());
  EXPECT_TRUE(bench.asked<InstallBinding>().empty());
}

TEST_F(FbuRules, AForgedNumberIsNotStored) {
  COVERS("FH-6275-31");
  begin();
  EXPECT_EQ(status_of(good(1)), 0);
  CraftFbu forged = good(30'000);
  forged.flip_tag = true;
  EXPECT_EQ(status_of(forged), -1);
  EXPECT_EQ(status_of(good(2)), 0);
}

TEST_F(FbuRules, AStaleNumberIsAnsweredWithTheLast) {
  COVERS("FH-6275-32");
  begin();
  EXPECT_EQ(status_of(good(20)), 0);
  const auto before = bindings();
  EXPECT_EQ(status_of(good(10)), 135);
  ASSERT_EQ(fbacks().size(), 1u);
  EXPECT_EQ(fbacks()[0].sequence, 20);
  const Secret key = Secret::copy_of(delivered.key);
  const auto sent = sent_by<wire::FastBindingAcknowledgement>(bench);
  EXPECT_TRUE(keys::check(ByteView(sent.at(0).packet).subspan(40),
                          sent[0].message.options.authorization, crypto::Algorithm::kHmacSha256_128,
                          key, ncoa(), ar_global())
                  .has_value());
  EXPECT_EQ(bindings().at(0).remaining_s, before.at(0).remaining_s);
  CraftFbu forged = good(10);
  forged.flip_tag = true;
  EXPECT_EQ(status_of(forged), -1);
  bench.forget();
  for (int i = 0; i < 100; ++i) receive(good(10));
  EXPECT_LE(fbacks().size(), 10u);
}

TEST_F(FbuRules, AtLifetimeZeroThePcoaIsTheCareOfTerm) {
  COVERS("FH-6275-36");
  begin();
  EXPECT_EQ(status_of(good(1)), 0);
  CraftFbu back = good(2);
  back.lifetime_s = 0;
  back.care_of_term = ncoa();
  EXPECT_EQ(status_of(back), -1);
  EXPECT_EQ(bindings().size(), 1u);
  back.care_of_term.reset();  // the PCoA, by an independent MAC
  EXPECT_EQ(status_of(back), 0);
  EXPECT_TRUE(bindings().empty());
  // The FBack likewise, again by OpenSSL's own MAC.
  const auto sent = sent_by<wire::FastBindingAcknowledgement>(bench);
  ASSERT_EQ(sent.size(), 1u);
  const ByteView header = ByteView(sent[0].packet).subspan(40);
  Bytes input = to_bytes(mn.global().view());
  const Bytes par = to_bytes(ar_global().view());
  input.insert(input.end(), par.begin(), par.end());
  Bytes covered = to_bytes(header.first(header.size() - 16));
  covered[4] = covered[5] = 0;
  input.insert(input.end(), covered.begin(), covered.end());
  Bytes tag = independent_mac(crypto::Algorithm::kHmacSha256_128, delivered.key, input);
  tag.resize(16);
  EXPECT_EQ(to_bytes(header.last(16)), tag);
}

TEST_F(FbuRules, WhatFailsATestIsSilentAndChangesNothing) {
  COVERS("FH-6275-39");
  begin();
  EXPECT_EQ(status_of(good(1)), 0);
  std::vector<CraftFbu> bad(11, good(2));
  bad[0].home_address.reset();
  bad[1].acknowledge = false;
  bad[2].home_registration = false;
  bad[3].alternate_care_of = Ipv6Address::literal("fe80::1");
  bad[4].alternate_care_of = mn.global();
  bad[5].source = Ipv6Address::literal("ff02::1");
  bad[6].home_address = Ipv6Address::literal("2001:db8:a:1::dead");  // no key
  bad[7].flip_tag = true;
  bad[8].spi = 1;
  bad[9].without_authenticator = true;
  bad[10].tag_size = 12;
  for (std::size_t i = 0; i < bad.size(); ++i) {
    bench.forget();
    receive(bad[i]);
    EXPECT_TRUE(silent()) << i;
    EXPECT_EQ(bindings().at(0).ncoa, ncoa());
  }
  EXPECT_EQ(status_of(good(2)), 0);
}

TEST_F(FbuRules, EachProcessedFbuGetsItsFback) {
  COVERS("FH-6.2.3-03");
  begin();
  EXPECT_EQ(status_of(good(1)), 0);
  CraftFbu refused = good(2);
  refused.alternate_care_of = Ipv6Address::literal("2001:db8:b::1");
  EXPECT_EQ(status_of(refused), 129);
  EXPECT_EQ(fbacks().size(), 1u);
  CraftFbu forged = good(3);
  forged.flip_tag = true;
  EXPECT_EQ(status_of(forged), -1);
}

TEST_F(FbuRules, ThePcoasCopyStaysOnTheOldLink) {
  COVERS("FH-6.2.3-06", "FH-6.2.3-09");
  begin();
  for (const std::uint16_t sequence : {std::uint16_t{1}, std::uint16_t{2}}) {  // new, and bound
    bench.forget();
    receive(good(sequence));
    const auto sent = sent_by<wire::FastBindingAcknowledgement>(bench);
    ASSERT_EQ(sent.size(), 2u);
    EXPECT_EQ(sent[0].ip.destination, mn.global());
    EXPECT_EQ(sent[1].ip.destination, ncoa());
    Bytes first = to_bytes(ByteView(sent[0].packet).subspan(40));
    Bytes second = to_bytes(ByteView(sent[1].packet).subspan(40));
    for (Bytes* each : {&first, &second}) (*each)[4] = (*each)[5] = 0;
    EXPECT_EQ(first, second);
    for (const machine::Transmit& transmit : bench.sent) {
      const auto ip = wire::Ipv6Header::parse(transmit.packet);
      if (ip->destination != mn.global()) continue;
      EXPECT_EQ(transmit.link_destination, mn.link_address());
      EXPECT_FALSE(transmit.routed);
      EXPECT_EQ(transmit.interface, InterfaceId{0});
      EXPECT_EQ(ip->next_header, wire::kProtocolMobility);
    }
  }
  bench.forget();
  CraftFbu reactive = good(3);
  reactive.source = ncoa();
  receive(reactive);
  ASSERT_EQ(fbacks().size(), 1u);
  EXPECT_EQ(sent_by<wire::FastBindingAcknowledgement>(bench)[0].ip.destination, ncoa());
}

TEST_F(FbuRules, AFullTableRefusesTheNext) {
  COVERS("FH-6275-41");
  config.max_bindings = 1;
  begin();
  Peer other(signing_key("mn-1024"), kPrefix, "02:00:00:00:01:02", 2);
  receive(other.rtsolpr(ar_global(), bench.now, hke->spki(), 2), other);
  const auto key = open(reply(), *hke);
  EXPECT_EQ(status_of(good(1)), 0);
  CraftFbu second = fbu(*key);
  second.source = *(second.home_address = other.global());
  EXPECT_EQ(status_of(second), 130);
  ASSERT_EQ(bindings().size(), 1u);
  EXPECT_EQ(bindings()[0].pcoa, mn.global());
  EXPECT_EQ(status_of(good(2)), 0);
}

TEST_F(FbuRules, TheRouterIsNoHomeAgent) {
  COVERS("FH-6275-45");
  begin();
  EXPECT_EQ(status_of(good(1)), 0);
  bench.advance(seconds(5));
  for (const machine::Transmit& transmit : bench.sent)
    if (transmit.packet[6] == wire::kProtocolIcmpv6) {
      EXPECT_NE(transmit.packet[40], 135);
    }
  for (const auto& fback : fbacks())
    for (const int status : {132, 133, 134, 139}) EXPECT_NE(fback.status, status);
}

TEST_F(FbuRules, AHomeAddressAloneMovesNothing) {
  COVERS("FH-6275-19");
  begin();
  EXPECT_EQ(status_of(good(1)), 0);
  bench.forget();
  Bytes echo = {128, 0, 0, 0, 0, 1, 0, 1};
  wire::seal_icmpv6(mn.global(), ar_global(), echo);
  const Ipv6Address stranger = Ipv6Address::literal("2001:db8:a:2::bad");
  bench.receive(with_home_address(stranger, mn.global(), wire::kProtocolIcmpv6, echo),
                mn.link_address());
  EXPECT_EQ(sent_by<wire::BindingError>(bench).size(), bench.sent.size());  // no echo reply
  EXPECT_TRUE(bench.actions.empty());
  EXPECT_EQ(bindings().at(0).ncoa, ncoa());
}

TEST_F(FbuRules, APacketThatIsNoFbuMayNameABoundPcoaOnly) {
  COVERS("FH-6275-20");
  begin();
  const Bytes datagram = {0x1b, 0x58, 0x1b, 0x58, 0, 8, 0, 0};
  const auto send = [&](const Ipv6Address& source, const Ipv6Address& home) {
    bench.forget();
    bench.receive(with_home_address(source, home, 17, datagram), mn.link_address());
    return sent_by<wire::BindingError>(bench);
  };
  auto errors = send(ncoa(), mn.global());
  ASSERT_EQ(errors.size(), 1u);
  EXPECT_EQ(errors[0].message.status, 1);
  EXPECT_EQ(errors[0].message.home_address, mn.global());
  EXPECT_EQ(errors[0].ip.source, ar_global());
  EXPECT_EQ(errors[0].ip.destination, ncoa());
  EXPECT_EQ(bench.sent.size(), 1u);
  EXPECT_TRUE(bench.actions.empty());
  EXPECT_EQ(bench.counter("mobility", "no-binding"), 1u);
  // The first FBU has no binding either, and is followed.
  EXPECT_EQ(status_of(good(1)), 0);
  ASSERT_EQ(bindings().size(), 1u);
  // Bound: the host may have it; from another source it may not.
  EXPECT_TRUE(send(ncoa(), mn.global()).empty());
  const Ipv6Address stranger = Ipv6Address::literal("2001:db8:a:2::bad");
  EXPECT_EQ(send(stranger, mn.global()).size(), 1u);
  // Nobody to answer, nothing worth an answer, not for us.
  for (const char* source : {"::", "ff02::1", "::1"})
    EXPECT_TRUE(send(Ipv6Address::literal(source), mn.global()).empty()) << source;
  for (const char* home : {"::", "ff02::1", "fe80::1"})
    EXPECT_TRUE(send(stranger, Ipv6Address::literal(home)).empty()) << home;
  Bytes passing = with_home_address(stranger, mn.global(), 17, datagram);
  passing[39] ^= 1;
  bench.receive(passing, mn.link_address());
  EXPECT_TRUE(bench.sent.empty());
  // A flood gets few answers.
  bench.advance(seconds(10));
  std::size_t answered = 0;
  for (int i = 0; i < 1000; ++i) answered += send(stranger, mn.global()).size();
  EXPECT_GE(answered, 1u);
  EXPECT_LE(answered, 10u);
  EXPECT_EQ(bindings().at(0).ncoa, ncoa());
}

}  // namespace
}  // namespace sendoff::test
