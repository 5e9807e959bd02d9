// What the guard gives the kernel of what comes in (RFC 3971 5, 7 and 8): on virtual time, each
// refusal counted under its name.
#include "nd/guard_fixture.h"

namespace sendoff::test {
namespace {

using Guard = GuardTest;
using wire::OptionType;

TEST_F(Guard, TheKernelIsGivenWhatTheSignatureCovers) {
  COVERS("SND-5.2.2-3");
  start();
  const Bytes nonce = ask_for_peer();
  Craft craft = secured_advertisement(nonce);
  const Bytes wanted = icmp_of(from_wire(craft.packet()));
  ASSERT_FALSE(wanted.empty());
  const auto head = wire::NeighborAdvertisement::parse(wanted);
  EXPECT_EQ(head->target, peer.link_local());
  EXPECT_TRUE(head->solicited);
  EXPECT_EQ(counted("taken-secured"), 1u);
  // The same with a link-layer address behind its signature, which nobody signed.
  const Bytes again = ask_for_peer();
  craft = secured_advertisement(again);
  craft.options.clear();
  craft.trailing_options.push_back(octets_of(wire::LinkAddressOption{
      OptionType::kTargetLinkAddress, LinkAddress::literal("02:00:00:00:66:66")}));
  const Bytes given = icmp_of(from_wire(craft.packet()));
  ASSERT_FALSE(given.empty());
  const auto options =
      wire::OptionList::parse(ByteView(given).subspan(wire::NeighborAdvertisement::kSize));
  EXPECT_FALSE(options->first(OptionType::kTargetLinkAddress));
  EXPECT_FALSE(options->first(OptionType::kRsaSignature));
}

TEST_F(Guard, WhatIsHeldOnAnInterfaceOfNobodysIsDroppedToo) {
  start();
  const InterfaceId elsewhere{7};
  for (const auto origin : {machine::Received::Origin::kWire, machine::Received::Origin::kHost})
    EXPECT_TRUE(dropped(hand(origin, secured_solicitation().packet(), peer_link(), elsewhere)));
}

TEST_F(Guard, AnAdvertisementForAnotherAddressThanItsSourceIsRefused) {
  COVERS("SND-7.4-1");
  start();
  Craft craft = secured_advertisement(std::nullopt);
  wire::NeighborAdvertisement head;
  head.target = Ipv6Address::literal("2001:db8:a:1::99");
  head.override_flag = true;
  craft.head = octets_of(head);
  EXPECT_TRUE(dropped(from_wire(craft.packet())));
  EXPECT_EQ(counted("target"), 1u);
}

TEST_F(Guard, ABrokenSignatureIsRefusedInEitherMode) {
  for (const nd::GuardMode mode : {nd::GuardMode::kMixed, nd::GuardMode::kSecuredOnly}) {
    config.interfaces[0].mode = mode;
    start();
    Bytes packet = secured_solicitation().packet();
    packet[packet.size() - 8] ^= 1;  // in the signature, not in its padding
    repair_checksum(packet);
    EXPECT_TRUE(dropped(from_wire(packet)));
    EXPECT_EQ(bench.counter("send", "signature"), 1u);
  }
}

TEST_F(Guard, AnAnswerWithoutOurNonceConfirmsNothing) {
  COVERS("SND-5.3.4-4");
  start();
  (void)ask_for_peer();
  const Bytes given = icmp_of(from_wire(secured_advertisement(std::nullopt).packet()));
  ASSERT_FALSE(given.empty());
  const auto head = wire::NeighborAdvertisement::parse(given);
  EXPECT_FALSE(head->solicited);
  EXPECT_TRUE(head->override_flag);
  EXPECT_EQ(counted("not-solicited"), 1u);
  // With a Nonce that nobody drew here.
  EXPECT_TRUE(dropped(from_wire(secured_advertisement(Bytes(6, 7)).packet())));
  EXPECT_EQ(bench.counter("send", "unknown-nonce"), 1u);
}

TEST_F(Guard, ACopyIsRefused) {
  start();
  const Bytes packet = secured_solicitation().packet();
  EXPECT_TRUE(taken(from_wire(packet)));
  EXPECT_TRUE(dropped(from_wire(packet)));
  EXPECT_EQ(bench.counter("send", "repeat"), 1u);
}

TEST_F(Guard, OurOwnMessagesProveNothing) {
  COVERS("SND-8-14");
  bench.hold_outcome = [](const machine::Action& action) {
    return std::holds_alternative<machine::AddAddress>(action.what);
  };
  start();
  const Bytes of_this_run = from_kernel(detection())->packet;
  EXPECT_TRUE(dropped(from_wire(of_this_run, kOwnLink)));
  start();
  EXPECT_TRUE(dropped(from_wire(of_this_run, kOwnLink)));
  EXPECT_EQ(counted("own-key"), 1u);
}

TEST_F(Guard, SecuredOnlyTakesNoUnsecuredMessageButTheQuestionOfANewcomer) {
  COVERS("SND-8-2");
  const Ipv6Address stranger = Ipv6Address::literal("fe80::66");
  const LinkAddress link = LinkAddress::literal("02:00:00:00:66:66");
  const Bytes redirect = plain(
      stranger, own(), octets_of(wire::Redirect{stranger, Ipv6Address::literal("2001:db8:f::1")}));
  Bytes question = octets_of(wire::RouterSolicitation{});
  append(question, wire::LinkAddressOption{OptionType::kSourceLinkAddress, link});
  const std::vector<Bytes> plain_messages{
      solicitation(stranger, own().solicited_node(), own(), link),
      advertisement(stranger, kAllNodes, stranger, false, link),
      plain(stranger, kAllRouters, question), router_advertisement(stranger, link, 1800), redirect};
  start();
  for (const Bytes& packet : plain_messages) EXPECT_TRUE(taken(from_wire(packet, link)));
  EXPECT_EQ(counted("taken-unsecured"), 5u);

  secured_only();
  start();
  for (const Bytes& packet : plain_messages) EXPECT_TRUE(dropped(from_wire(packet, link)));
  EXPECT_EQ(counted("secured-only"), 5u);
  const Bytes bare = octets_of(wire::RouterSolicitation{});
  EXPECT_TRUE(dropped(from_wire(plain(Ipv6Address{}, kAllRouters, bare), link)));
  Bytes with_nonce = bare;
  const Bytes nonce(6, 4);
  append(with_nonce, wire::NonceOption{nonce});
  EXPECT_TRUE(taken(from_wire(plain(Ipv6Address{}, kAllRouters, with_nonce), link)));
}

TEST_F(Guard, AnUnsecuredMessageChangesNothingThatASecuredOneTold) {
  COVERS("SND-8-16");
  trust();
  start();
  have_router();
  ASSERT_TRUE(taken(from_wire(secured_solicitation().packet())));
  const LinkAddress thief = LinkAddress::literal("02:00:00:00:66:66");
  EXPECT_TRUE(dropped(from_wire(
      advertisement(peer.link_local(), kAllNodes, peer.link_local(), false, thief), thief)));
  EXPECT_TRUE(dropped(
      from_wire(solicitation(peer.link_local(), own().solicited_node(), own(), thief), thief)));
  Bytes question = octets_of(wire::RouterSolicitation{});
  append(question, wire::LinkAddressOption{OptionType::kSourceLinkAddress, thief});
  EXPECT_TRUE(dropped(from_wire(plain(peer.link_local(), kAllRouters, question), thief)));
  EXPECT_EQ(counted("secured-entry"), 3u);
  // The router and its prefix, in its own name and in another's.
  EXPECT_TRUE(dropped(from_wire(router_advertisement(router.link_local, thief, 0, 0), thief)));
  EXPECT_TRUE(dropped(
      from_wire(router_advertisement(Ipv6Address::literal("fe80::66"), thief, 1800, 0), thief)));
  EXPECT_EQ(counted("secured-router"), 2u);
  // Another neighbour is free to come and go.
  const Ipv6Address other = Ipv6Address::literal("fe80::77");
  EXPECT_TRUE(taken(from_wire(advertisement(other, kAllNodes, other, false, thief), thief)));
}

TEST_F(Guard, WhatTheKernelForgotIsFreeAgain) {
  start();
  ASSERT_TRUE(taken(from_wire(secured_solicitation().packet())));
  const Bytes claim =
      advertisement(peer.link_local(), kAllNodes, peer.link_local(), false, peer_link());
  // Old news of an entry that was not there before.
  bench.host(machine::NeighbourChanged{kGuarded, peer.link_local(), std::nullopt, false});
  EXPECT_TRUE(dropped(from_wire(claim)));
  bench.advance(seconds(2));
  bench.host(machine::NeighbourChanged{kGuarded, peer.link_local(), std::nullopt, false});
  EXPECT_TRUE(taken(from_wire(claim)));
}

TEST_F(Guard, NobodyElseSpeaksForAnAddressOfOurs) {
  start();
  EXPECT_TRUE(dropped(from_wire(advertisement(own(), kAllNodes, own(), false, peer_link()))));
  EXPECT_TRUE(dropped(from_wire(
      solicitation(own(), peer.link_local().solicited_node(), peer.link_local(), peer_link()))));
  EXPECT_EQ(counted("own-address"), 2u);
  const auto told = bench.reported(machine::EventKind::kAddressClaimed);
  ASSERT_EQ(told.size(), 1u) << "for ten minutes";
  EXPECT_EQ(told[0]->text("address"), own().text());
  EXPECT_EQ(told[0]->text("link_address"), peer_link().text());
  bench.advance(seconds(601));
  EXPECT_TRUE(dropped(from_wire(advertisement(own(), kAllNodes, own(), false, peer_link()))));
  EXPECT_EQ(bench.reported(machine::EventKind::kAddressClaimed).size(), 2u);
  // Its owner answers who wants to take it: that is the kernel's affair.
  EXPECT_TRUE(taken(from_wire(detection())));
}

TEST_F(Guard, AStepOfTheClockIsToldOnceAndNoPeerIsAStrangerForIt) {
  COVERS("SND-9.2.5-1");
  start();
  ASSERT_TRUE(taken(from_wire(secured_solicitation().packet())));
  bench.advance(seconds(5));
  const Bytes before_the_step = secured_solicitation().packet();
  const auto told = [&] { return bench.reported(machine::EventKind::kWarning); };
  bench.host(machine::ClockStepped{seconds(250)});  // within TIMESTAMP_DELTA
  EXPECT_TRUE(told().empty());
  const Duration step = -hours(1);
  bench.now.utc += step;
  bench.host(machine::ClockStepped{step});
  ASSERT_EQ(told().size(), 1u);
  EXPECT_NE(told()[0]->text("text").find("3600 s back"), std::string_view::npos);
  // The peer's clock is right as before, an hour ahead of ours.
  EXPECT_TRUE(taken(from_wire(before_the_step)));
  bench.advance(seconds(100));
  EXPECT_TRUE(dropped(from_wire(before_the_step))) << "an old one, by what is remembered of it";
  EXPECT_EQ(told().size(), 1u);
}

TEST_F(Guard, ANewNeighbourIsForgottenWithItsEntryWhenThereAreTooMany) {
  config.max_neighbours = 1;
  start();
  ASSERT_TRUE(taken(from_wire(secured_solicitation().packet())));
  const Peer second(signing_key("ar2-2048"), kOnLink, "02:00:5e:00:53:22");
  Craft craft = secured_solicitation();
  craft.source = second.link_local();
  craft.cga_parameters = second.parameters(second.link_local()).octets();
  craft.signer = second.key();
  ASSERT_TRUE(taken(from_wire(craft.packet(), second.link_address())));
  const auto removed = bench.asked<machine::SetNeighbour>();
  ASSERT_EQ(removed.size(), 1u);
  EXPECT_EQ(removed[0]->address, peer.link_local());
  EXPECT_FALSE(removed[0]->link_address);
  EXPECT_EQ(counted("neighbour-evicted"), 1u);
}

TEST_F(Guard, ARouterIsHeardWhenItsPathIsKnown) {
  COVERS("SND-5.3.4.1-3");  // without a Nonce
  COVERS("SND-4-3");
  COVERS("SND-5.2.2-6");
  trust();
  secured_only();
  start();
  EXPECT_FALSE(from_wire(certified_advertisement(), router.link_address).has_value());
  const machine::HoldId first = last_hold();
  EXPECT_EQ(counted("path-awaited"), 1u);
  give_path();
  const Bytes given = icmp_of(verdict(first));
  ASSERT_FALSE(given.empty());
  EXPECT_EQ(wire::RouterAdvertisement::parse(given)->router_lifetime_s, 1800);
  EXPECT_EQ(guard->status(bench.now).links[0].routers, std::vector{router.link_local});
  // The host has an address there.
  const auto added = bench.asked<machine::AddAddress>();
  ASSERT_EQ(added.size(), 1u);
  EXPECT_EQ(added[0]->address, config.identity.address(Prefix::literal(kOnLink)));
  EXPECT_EQ(added[0]->valid, seconds(86'400));
}

TEST_F(Guard, ARouterWithoutAPathIsNotHeard) {
  trust();
  start();
  EXPECT_FALSE(from_wire(certified_advertisement(), router.link_address).has_value());
  const machine::HoldId first = last_hold();
  bench.advance(seconds(16));
  EXPECT_TRUE(dropped(verdict(first)));
  EXPECT_EQ(counted("no-path"), 1u);
  EXPECT_TRUE(bench.asked<machine::AddAddress>().empty());
}

TEST_F(Guard, ABrokenAdvertisementStartsNoRetrieval) {
  COVERS("SND-4-3");
  trust();
  start();
  Bytes packet = certified_advertisement();
  packet[packet.size() - 8] ^= 1;
  repair_checksum(packet);
  EXPECT_TRUE(dropped(from_wire(packet, router.link_address)));
  EXPECT_TRUE(bench.sent.empty());
}

TEST_F(Guard, OfARoutersAdvertisementsOneWaitsAndOfALinkEight) {
  COVERS("SND-5.2.2-6");
  trust();
  start();
  for (int i = 0; i < 2; ++i) {
    EXPECT_FALSE(from_wire(certified_advertisement(), router.link_address).has_value());
    bench.advance(milliseconds(10));
  }
  EXPECT_TRUE(dropped(verdict(machine::HoldId{last_hold().value - 1})));
  for (std::uint8_t number = 2; number <= 8; ++number) {
    const FakeRouter another("ar-2048", {}, {}, number);
    Seal seal;
    seal.utc = bench.now.utc;
    EXPECT_FALSE(from_wire(another.router_advertisement(kAllNodes, seal, {}), another.link_address)
                     .has_value());
  }
  const FakeRouter last("ar-2048", {}, {}, 9);
  Seal seal;
  seal.utc = bench.now.utc;
  EXPECT_TRUE(
      dropped(from_wire(last.router_advertisement(kAllNodes, seal, {}), last.link_address)));
}

TEST_F(Guard, APrefixThatItsRouterIsNotCertifiedForIsTakenOut) {
  COVERS("SND-7.3-2", "SND-7.3-3");
  COVERS("SND-7.3-7");
  trust();
  const Prefix foreign = Prefix::literal("2001:db8:dead:1::/64");
  const Prefix certified = Prefix::literal(kOnLink);
  for (const nd::GuardMode mode : {nd::GuardMode::kMixed, nd::GuardMode::kSecuredOnly}) {
    config.interfaces[0].mode = mode;
    start();
    FakeRouter::Advertised advertised;
    advertised.prefixes = {router.information(foreign), router.information(certified)};
    (void)from_wire(certified_advertisement(advertised), router.link_address);
    const machine::HoldId first = last_hold();
    give_path();
    const Bytes given = icmp_of(verdict(first));
    ASSERT_FALSE(given.empty());
    const auto options =
        wire::OptionList::parse(ByteView(given).subspan(wire::RouterAdvertisement::kSize));
    ASSERT_EQ(options->count(OptionType::kPrefixInformation), 1u);
    EXPECT_EQ(wire::PrefixInformation::parse(options->first(OptionType::kPrefixInformation)->octets)
                  ->prefix(),
              certified);
    EXPECT_EQ(counted("prefix-removed"), 1u);
    const auto added = bench.asked<machine::AddAddress>();
    ASSERT_EQ(added.size(), 1u);
    EXPECT_TRUE(certified.contains(added[0]->address));
  }
}

// "good-two-prefixes" is certified for 2001:db8:a:1::/64 and 2001:db8:b::/56.
TEST_F(Guard, EachPrefixIsComparedWithWhatIsCertified) {
  COVERS("SND-7.3-6");
  trust();
  router = FakeRouter("ar-2048", {certificate("ca"), certificate("good-two-prefixes")}, {}, 1);
  start();
  const auto advertised = [](const std::string& address, std::uint8_t length, bool whole_address) {
    wire::PrefixInformation option;
    option.prefix_length = length;
    option.on_link = true;
    option.router_address = whole_address;
    option.valid_lifetime_s = option.preferred_lifetime_s = 3600;
    option.address = Ipv6Address::literal(address);
    return option;
  };
  struct Case {
    const char* what;
    wire::PrefixInformation option;
    bool certified;
  };
  const std::vector<Case> cases{
      {"equal", advertised("2001:db8:a:1::", 64, false), true},
      {"longer", advertised("2001:db8:b:7::", 64, false), true},
      {"shorter", advertised("2001:db8:b::", 55, false), false},
      {"apart", advertised("2001:db8:c::", 64, false), false},
      {"equal, with an address", advertised("2001:db8:b::9", 56, true), true},
      {"shorter, with an address inside", advertised("2001:db8:b:7::9", 55, true), false},
  };
  FakeRouter::Advertised all;
  all.prefixes.emplace();
  std::vector<Bytes> wanted;
  for (const Case& each : cases) {
    all.prefixes->push_back(each.option);
    if (each.certified) wanted.push_back(octets_of(each.option));
  }
  (void)from_wire(certified_advertisement(all), router.link_address);
  const machine::HoldId first = last_hold();
  give_path();
  const Bytes given = icmp_of(verdict(first));
  ASSERT_FALSE(given.empty());
  std::vector<Bytes> left;
  const auto options =
      wire::OptionList::parse(ByteView(given).subspan(wire::RouterAdvertisement::kSize));
  for (const wire::RawOption& option : *options)
    if (option.type == OptionType::kPrefixInformation) left.push_back(to_bytes(option.octets));
  EXPECT_EQ(left, wanted);
  EXPECT_EQ(counted("prefix-removed"), 3u);
}

TEST_F(Guard, WithoutAnAnchorNoRouterIsSecured) {
  COVERS("SND-6.5-2");
  for (const nd::GuardMode mode : {nd::GuardMode::kMixed, nd::GuardMode::kSecuredOnly}) {
    const bool mixed = mode == nd::GuardMode::kMixed;
    config.interfaces[0].mode = mode;
    start();
    (void)from_wire(certified_advertisement(), router.link_address);
    const machine::HoldId hold = last_hold();
    bench.advance(seconds(16));
    EXPECT_EQ(taken(verdict(hold)), mixed);
    const auto link = guard->status(bench.now).links[0];
    EXPECT_TRUE(link.routers.empty());
    EXPECT_EQ(link.unsecured_routers.size(), mixed ? 1u : 0u);
    EXPECT_TRUE(bench.sent.empty());  // nobody is asked for certificates
  }
}

TEST_F(Guard, AnUnsecuredRouterIsTheLastChoice) {
  trust();
  start();
  const LinkAddress link = LinkAddress::literal("02:00:00:00:66:66");
  const Ipv6Address stranger = Ipv6Address::literal("fe80::66");
  const Bytes given = icmp_of(from_wire(router_advertisement(stranger, link, 1800), link));
  ASSERT_FALSE(given.empty());
  EXPECT_EQ(wire::RouterAdvertisement::parse(given)->preference, 3);  // low, RFC 4191 2.1
  have_router();
  EXPECT_TRUE(dropped(from_wire(router_advertisement(stranger, link, 1800), link)));
  // When the certified one is gone, there is no other.
  bench.advance(seconds(1801));
  EXPECT_TRUE(taken(from_wire(router_advertisement(stranger, link, 1800), link)));
}

TEST_F(Guard, AmongAsManyUnsecuredRoutersAsItTakesEachIsHeardAgain) {
  start();
  const LinkAddress link = LinkAddress::literal("02:00:00:00:66:66");
  const auto advertise = [&](int number, std::uint16_t lifetime_s) {
    const auto source = Ipv6Address::literal("fe80::" + std::to_string(number));
    EXPECT_TRUE(taken(from_wire(router_advertisement(source, link, lifetime_s), link)));
    return source;
  };
  const auto known = [&] { return guard->status(bench.now).links[0].unsecured_routers; };
  for (int i = 1; i <= 9; ++i) advertise(i, 10);
  EXPECT_EQ(known().size(), 8u);
  const Ipv6Address again = advertise(3, 1800);
  bench.advance(seconds(11));
  EXPECT_EQ(known(), std::vector{again});
}

TEST_F(Guard, ARedirectIsARoutersOfThisLinkAndWithinItsCertificate) {
  COVERS("SND-7.2-1");
  trust();
  start();
  have_router();
  const auto redirect = [&](const Ipv6Address& target, const Ipv6Address& destination) {
    bench.advance(milliseconds(100));
    Seal seal;
    seal.utc = bench.now.utc;
    return from_wire(router.secured(octets_of(wire::Redirect{target, destination}), own(), seal),
                     router.link_address);
  };
  const Ipv6Address inside = Ipv6Address::literal("2001:db8:a:1::5");
  const Ipv6Address outside = Ipv6Address::literal("2001:db8:dead::5");
  EXPECT_TRUE(taken(redirect(inside, inside)));
  EXPECT_TRUE(dropped(redirect(outside, outside)));
  EXPECT_TRUE(taken(redirect(Ipv6Address::literal("fe80::5"), outside)));
  const Bytes of_peer =
      secured(peer.link_local(), own(), octets_of(wire::Redirect{inside, inside}), std::nullopt)
          .packet();
  EXPECT_TRUE(dropped(from_wire(of_peer)));
  EXPECT_EQ(counted("redirector"), 2u);
}

TEST_F(Guard, ARedirectOfNobodyCertifiedIsAsOneThatIsNotSigned) {
  COVERS("SND-7.2-2");
  trust();
  const Ipv6Address target = Ipv6Address::literal("fe80::5");
  const auto redirect = [&](const Ipv6Address& to) {
    bench.advance(milliseconds(100));
    return from_wire(secured(peer.link_local(), own(),
                             octets_of(wire::Redirect{to, Ipv6Address::literal("2001:db8:f::1")}),
                             std::nullopt)
                         .packet());
  };
  start();
  EXPECT_TRUE(taken(redirect(target)));
  EXPECT_EQ(counted("taken-unsecured"), 1u);
  EXPECT_EQ(counted("taken-secured"), 0u);
  EXPECT_EQ(guard->status(bench.now).secured_neighbours, 0u);
  // What a secured message told stays.
  ASSERT_TRUE(taken(from_wire(secured_solicitation().packet())));
  EXPECT_TRUE(dropped(redirect(peer.link_local())));
  EXPECT_TRUE(taken(redirect(target)));
  have_router();
  EXPECT_TRUE(dropped(redirect(target)));
  EXPECT_EQ(counted("redirector"), 2u);
  secured_only();
  start();
  EXPECT_TRUE(dropped(redirect(target)));
}

TEST_F(Guard, AnUnsecuredRouterServesWhileTheSecuredOneIsSilent) {
  COVERS("SND-8-20", "SND-8-22", "SND-8-24");
  trust();
  const LinkAddress link = LinkAddress::literal("02:00:00:00:66:66");
  const Bytes unsecured = router_advertisement(Ipv6Address::literal("fe80::66"), link, 1800);
  const auto low = [](const Bytes& icmp) {
    return !icmp.empty() && wire::RouterAdvertisement::parse(icmp)->preference == 3;
  };
  start();
  have_router();
  EXPECT_TRUE(dropped(from_wire(unsecured, link)));
  bench.host(machine::NeighbourChanged{kGuarded, router.link_local, router.link_address, false});
  EXPECT_TRUE(dropped(from_wire(unsecured, link)));
  // The kernel's probes were not answered.
  bench.host(machine::NeighbourChanged{kGuarded, router.link_local, std::nullopt, false});
  EXPECT_TRUE(low(icmp_of(from_wire(unsecured, link))));
  // Nobody else is the secured one meanwhile.
  EXPECT_TRUE(dropped(from_wire(router_advertisement(router.link_local, link, 0), link)));
  bench.advance(seconds(1));
  const Bytes given = icmp_of(from_wire(certified_advertisement(), router.link_address));
  ASSERT_FALSE(given.empty());
  EXPECT_EQ(wire::RouterAdvertisement::parse(given)->preference, 0);
  EXPECT_TRUE(dropped(from_wire(unsecured, link)));
  bench.host(machine::NeighbourChanged{kGuarded, router.link_local, std::nullopt, false});
  bench.host(machine::NeighbourChanged{kGuarded, router.link_local, router.link_address, true});
  EXPECT_TRUE(dropped(from_wire(unsecured, link)));
  // Where nothing unsecured is taken there is no other.
  secured_only();
  start();
  have_router();
  bench.host(machine::NeighbourChanged{kGuarded, router.link_local, std::nullopt, false});
  EXPECT_TRUE(dropped(from_wire(unsecured, link)));
}

TEST_F(Guard, UnsecuredWordShortensNoLifetimeBelowTwoHours) {
  COVERS("ND-4862-24");
  start();
  const LinkAddress link = LinkAddress::literal("02:00:00:00:66:66");
  const Ipv6Address stranger = Ipv6Address::literal("fe80::66");
  const auto valid = [&](std::uint32_t advertised_s) {
    bench.forget();
    (void)from_wire(router_advertisement(stranger, link, 1800, advertised_s), link);
    const auto added = bench.asked<machine::AddAddress>();
    return added.empty() ? Duration{} : *added.back()->valid;
  };
  EXPECT_EQ(valid(5 * 3600), hours(5));
  EXPECT_EQ(valid(3 * 3600), hours(3));
  EXPECT_EQ(valid(10), hours(2));
  EXPECT_EQ(valid(0), hours(2));
  bench.advance(hours(1));
  EXPECT_EQ(valid(0), hours(1));  // what is left of it
  EXPECT_EQ(valid(6 * 3600), hours(6));
}

TEST_F(Guard, ACertifiedRouterCutsTheLastTwoHoursShort) {
  COVERS("ND-4862-25");
  trust();
  start();
  have_router();
  const auto advertise = [&](std::uint32_t valid_s) {
    bench.advance(seconds(1));
    FakeRouter::Advertised advertised;
    wire::PrefixInformation prefix = router.information(Prefix::literal(kOnLink));
    prefix.valid_lifetime_s = prefix.preferred_lifetime_s = valid_s;
    advertised.prefixes = {prefix};
    bench.forget();
    EXPECT_TRUE(taken(from_wire(certified_advertisement(advertised), router.link_address)));
  };
  const auto valid = [&] {
    const auto added = bench.asked<machine::AddAddress>();
    return added.size() == 1 ? added[0]->valid : std::nullopt;
  };
  advertise(5 * 3600);  // there is more left
  EXPECT_EQ(valid(), hours(5));
  advertise(0);
  EXPECT_EQ(valid(), hours(2));
  advertise(3600);
  EXPECT_EQ(valid(), hours(1));
  advertise(0);
  const auto removed = bench.asked<machine::RemoveAddress>();
  ASSERT_EQ(removed.size(), 1u);
  EXPECT_EQ(removed[0]->address, config.identity.address(Prefix::literal(kOnLink)));
  EXPECT_EQ(guard->status(bench.now).links[0].addresses, std::vector{own()});
}

}  // namespace
}  // namespace sendoff::test
