// What the guard makes of the kernel's own messages before they leave, and of its addresses: on
// virtual time, each refusal counted under its name.
#include "nd/guard_fixture.h"

namespace sendoff::test {
namespace {

using GuardSending = GuardTest;
using wire::OptionType;

TEST_F(GuardSending, ASolicitationLeavesSecured) {
  COVERS("SND-5.1.1-9");
  COVERS("SND-5.3.3-6");
  start();
  const auto left = from_kernel(
      solicitation(own(), peer.link_local().solicited_node(), peer.link_local(), kOwnLink));
  ASSERT_FALSE(icmp_of(left).empty());
  EXPECT_TRUE(signed_properly(left->packet));
  EXPECT_EQ(option_types(left->packet), (std::vector<int>{1, 11, 13, 14, 12}));
  EXPECT_EQ(wire::TimestampOption::parse(*find_option(left->packet, OptionType::kTimestamp))->value,
            timestamp_at(bench.now.utc));
  EXPECT_EQ(nonce_of(left->packet)->size(), 6u);
  const Bytes other = ask_for_peer();
  EXPECT_NE(nonce_of(left->packet), other);
  EXPECT_EQ(counted("signed"), 2u);
  // A neighbour's whose CGA is its target's proves nothing of its source.
  Craft craft = secured(peer.global(), own().solicited_node(),
                        octets_of(wire::NeighborSolicitation{peer.link_local()}), Bytes(6, 3));
  craft.cga_parameters = peer.parameters(peer.link_local()).octets();
  EXPECT_TRUE(dropped(from_wire(craft.packet())));
  EXPECT_EQ(bench.counter("send", "cga"), 1u);
}

// Its Nonce of RFC 7527 gives way to SEND's.
TEST_F(GuardSending, ADetectionOfDuplicatesProvesItsTarget) {
  COVERS("SND-5.1.1-8");
  COVERS("ND-4862-9");
  start();
  Bytes message = octets_of(wire::NeighborSolicitation{own()});
  const Bytes of_kernel(6, 0xee);
  append(message, wire::NonceOption{of_kernel});
  const auto left = from_kernel(plain(Ipv6Address{}, own().solicited_node(), message));
  ASSERT_FALSE(icmp_of(left).empty());
  EXPECT_TRUE(signed_properly(left->packet, own()));
  EXPECT_EQ(option_types(left->packet), (std::vector<int>{11, 13, 14, 12}));
  EXPECT_NE(nonce_of(left->packet), of_kernel);
  const auto packet = wire::PacketView::parse(left->packet);
  EXPECT_TRUE(packet->header.source.is_unspecified());
  EXPECT_EQ(packet->header.destination, own().solicited_node());
  // A neighbour's for our address, by a CGA of its own, is no detection of it.
  Craft craft = secured(Ipv6Address{}, own().solicited_node(),
                        octets_of(wire::NeighborSolicitation{own()}), Bytes(6, 3));
  craft.cga_parameters = peer.parameters(peer.link_local()).octets();
  EXPECT_TRUE(dropped(from_wire(craft.packet())));
  EXPECT_EQ(bench.counter("send", "cga"), 1u);
}

TEST_F(GuardSending, AQuestionForRoutersFromNowhereHasANonceAlone) {
  COVERS("SND-5.1.1-3");
  start();
  const auto left =
      from_kernel(plain(Ipv6Address{}, kAllRouters, octets_of(wire::RouterSolicitation{})));
  ASSERT_FALSE(icmp_of(left).empty());
  EXPECT_EQ(option_types(left->packet), (std::vector<int>{13, 14}));
  EXPECT_EQ(counted("from-unspecified"), 1u);
}

TEST_F(GuardSending, AnAnswerHasTheNonceOfASecuredQuestion) {
  COVERS("SND-5.3.3-3");
  COVERS("SND-8-6");
  COVERS("SND-8-7");
  COVERS("SND-8-8");
  start();
  const Bytes answer = advertisement(own(), peer.link_local(), own(), true, kOwnLink);
  const Craft question = secured_solicitation();
  ASSERT_TRUE(taken(from_wire(question.packet())));
  const auto left = from_kernel(answer);
  EXPECT_TRUE(signed_properly(left->packet));
  EXPECT_EQ(nonce_of(left->packet), question.nonce);
  // Once.
  EXPECT_EQ(nonce_of(from_kernel(answer)->packet), std::nullopt);

  const Ipv6Address stranger = Ipv6Address::literal("fe80::66");
  Bytes plain_question = octets_of(wire::NeighborSolicitation{own()});
  append(plain_question, wire::LinkAddressOption{OptionType::kSourceLinkAddress, peer_link()});
  const Bytes bare(6, 5);
  append(plain_question, wire::NonceOption{bare});
  ASSERT_TRUE(taken(from_wire(plain(stranger, own().solicited_node(), plain_question))));
  const auto to_stranger = from_kernel(advertisement(own(), stranger, own(), true, kOwnLink));
  EXPECT_TRUE(signed_properly(to_stranger->packet));
  EXPECT_EQ(nonce_of(to_stranger->packet), std::nullopt);
}

TEST_F(GuardSending, AnAdvertisementOfARouterAnswersByNameWhomItIsFor) {
  COVERS("SND-8-6");
  COVERS("SND-8-8");
  start();
  const auto answer_to = [&](const Ipv6Address& host) {
    const auto left = from_kernel(plain(own(), host, octets_of(wire::RouterAdvertisement{})));
    EXPECT_TRUE(signed_properly(left->packet));
    return nonce_of(left->packet);
  };
  const Craft question = peer.router_solicitation(bench.now);
  ASSERT_TRUE(taken(from_wire(question.packet())));
  EXPECT_EQ(answer_to(kAllNodes), std::nullopt);
  EXPECT_EQ(answer_to(peer.link_local()), question.nonce);
  Bytes bare = octets_of(wire::RouterSolicitation{});
  const Bytes nonce(6, 5);
  append(bare, wire::NonceOption{nonce});
  const Ipv6Address stranger = Ipv6Address::literal("fe80::66");
  ASSERT_TRUE(taken(from_wire(plain(stranger, kAllRouters, bare))));
  EXPECT_EQ(answer_to(stranger), std::nullopt);
}

TEST_F(GuardSending, AnOldQuestionIsNotAnsweredByName) {
  start();
  ASSERT_TRUE(taken(from_wire(secured_solicitation().packet())));
  bench.advance(seconds(4));
  const auto left = from_kernel(advertisement(own(), peer.link_local(), own(), true, kOwnLink));
  EXPECT_EQ(nonce_of(left->packet), std::nullopt);
}

TEST_F(GuardSending, AnAddressThatIsNoCgaIsNotProtected) {
  const Ipv6Address fixed = Ipv6Address::literal("2001:db8:a:1::1");
  const Bytes from_fixed =
      solicitation(fixed, peer.link_local().solicited_node(), peer.link_local(), kOwnLink);
  // An answer for an address of somebody else's: proxies are not secured (GS16).
  const Bytes for_other = advertisement(own(), peer.link_local(), fixed, true, kOwnLink);
  start();
  for (const Bytes& packet : {from_fixed, for_other})
    EXPECT_EQ(from_kernel(packet)->kind, Kind::kPass);
  EXPECT_EQ(counted("sent-unsigned"), 2u);
  secured_only();
  start();
  for (const Bytes& packet : {from_fixed, for_other}) EXPECT_TRUE(dropped(from_kernel(packet)));
  EXPECT_EQ(counted("not-our-address"), 2u);
}

TEST_F(GuardSending, WhatIsSignedAlreadyPasses) {
  start();
  const Bytes packet = secured_solicitation().packet();
  EXPECT_EQ(from_kernel(packet)->kind, Kind::kPass);
  EXPECT_EQ(counted("signed-already"), 1u);
}

TEST_F(GuardSending, ANeighbourThatIsNotSecuredIsAskedByItsGroup) {
  COVERS("SND-8-18");
  start();
  const Bytes probe = solicitation(own(), peer.link_local(), peer.link_local(), kOwnLink);
  const auto destination = [](const std::optional<machine::Verdict>& verdict) {
    EXPECT_TRUE(signed_properly(verdict->packet));
    return Ipv6Address::from(ByteView(verdict->packet).subspan(24, 16));
  };
  EXPECT_EQ(destination(from_kernel(probe)), peer.link_local().solicited_node());
  ASSERT_TRUE(taken(from_wire(secured_solicitation().packet())));
  EXPECT_EQ(destination(from_kernel(probe)), peer.link_local());
}

TEST_F(GuardSending, ARedirectFitsTheMinimumMtu) {
  start();
  Bytes message = octets_of(
      wire::Redirect{Ipv6Address::literal("fe80::5"), Ipv6Address::literal("2001:db8:f::5")});
  const Bytes redirected(1160, 0x42);
  append(message, wire::RedirectedHeader{redirected});
  const auto left = from_kernel(plain(own(), peer.link_local(), message));
  ASSERT_FALSE(icmp_of(left).empty());
  EXPECT_LE(left->packet.size(), 1280u);
  EXPECT_GT(left->packet.size(), 1272u);
  EXPECT_TRUE(signed_properly(left->packet));
}

TEST_F(GuardSending, WhatDoesNotFitTheLinkDoesNotLeave) {
  start();
  Bytes message = octets_of(wire::RouterAdvertisement{});
  for (int i = 0; i < 30; ++i) append(message, wire::PrefixInformation{});
  EXPECT_TRUE(dropped(from_kernel(plain(own(), kAllNodes, message))));
  EXPECT_EQ(counted("too-big"), 1u);
}

TEST_F(GuardSending, SignaturesAreRationed) {
  config.signatures = {2, 3, 16};
  config.max_signing = 2;
  start();
  const auto ask = [&](const std::string& text) {
    const Ipv6Address target = Ipv6Address::literal(text);
    return from_kernel(solicitation(own(), target.solicited_node(), target, kOwnLink));
  };
  EXPECT_TRUE(taken(ask("fe80::1")));
  EXPECT_TRUE(taken(ask("fe80::1")));
  EXPECT_TRUE(dropped(ask("fe80::1")));  // that neighbour's share
  EXPECT_TRUE(taken(ask("fe80::2")));
  EXPECT_TRUE(dropped(ask("fe80::3")));  // the interface's
  EXPECT_EQ(counted("sign-budget"), 2u);
  bench.advance(seconds(2));
  bench.hold_jobs = true;
  EXPECT_FALSE(ask("fe80::4").has_value());
  EXPECT_FALSE(ask("fe80::5").has_value());
  EXPECT_TRUE(dropped(ask("fe80::6")));
  EXPECT_EQ(counted("sign-queue-full"), 1u);
  bench.fail_job(0, machine::JobError::kCrypto);
  EXPECT_EQ(counted("sign-failed"), 1u);
}

TEST_F(GuardSending, PacketsToAddressesThatNobodyHasTakeNoNeighbourAway) {
  config.signatures = {20, 10, 4096};
  config.max_signing = 8;
  start();
  const auto ask = [&](const Ipv6Address& target) {
    return from_kernel(solicitation(own(), target.solicited_node(), target, kOwnLink));
  };
  EXPECT_TRUE(taken(from_wire(secured_solicitation().packet())));
  bench.advance(seconds(2));
  // The kernel's table is full: it gives the neighbour up.
  bench.host(machine::NeighbourChanged{kGuarded, peer.link_local(), std::nullopt, false});
  ASSERT_EQ(guard->status(bench.now).secured_neighbours, 0u);
  int asked = 0;
  for (int i = 1; i <= 200; ++i)
    asked += taken(ask(Ipv6Address::literal("2001:db8:a:1::" + std::to_string(i)))) ? 1 : 0;
  EXPECT_EQ(asked, 10);
  EXPECT_TRUE(taken(ask(peer.link_local())));
  // Nor do those that wait for their signature.
  bench.advance(seconds(2));
  bench.hold_jobs = true;
  for (int i = 1; i <= 6; ++i)
    EXPECT_FALSE(ask(Ipv6Address::literal("2001:db8:a:2::" + std::to_string(i))));
  EXPECT_TRUE(dropped(ask(Ipv6Address::literal("2001:db8:a:2::7"))));
  EXPECT_FALSE(ask(peer.link_local()));
  EXPECT_EQ(counted("sign-queue-full"), 1u);
  // Of another link he is a stranger.
  bench.host(machine::InterfaceDown{kGuarded});
  bench.hold_jobs = false;
  bench.host(machine::InterfaceUp{kGuarded, kOwnLink, 1500});
  for (int i = 1; i <= 20; ++i)
    (void)ask(Ipv6Address::literal("2001:db8:a:3::" + std::to_string(i)));
  EXPECT_TRUE(dropped(ask(peer.link_local())));
}

TEST_F(GuardSending, WhatStrangersAskLeavesPlacesForWhatWeAskThem) {
  config.signatures = {20, 10, 4096};
  config.max_signing = 8;
  start();
  bench.hold_jobs = true;
  const auto answer = [&](int stranger) {
    const auto to = Ipv6Address::literal("2001:db8:a:1::" + std::to_string(stranger));
    return from_kernel(advertisement(own(), to, own(), true, kOwnLink));
  };
  for (int i = 1; i <= 4; ++i) EXPECT_FALSE(answer(i)) << i;
  EXPECT_TRUE(dropped(answer(5)));
  EXPECT_EQ(counted("sign-queue-full"), 1u);
  const Ipv6Address asked = Ipv6Address::literal("2001:db8:a:2::1");
  EXPECT_FALSE(from_kernel(solicitation(own(), asked.solicited_node(), asked, kOwnLink)));
  // Nor is their budget one.
  start();
  bench.hold_jobs = false;
  for (int i = 1; i <= 10; ++i) EXPECT_TRUE(taken(answer(i))) << i;
  EXPECT_TRUE(dropped(answer(11)));
  EXPECT_EQ(counted("sign-budget"), 1u);
  EXPECT_TRUE(taken(from_kernel(solicitation(own(), asked.solicited_node(), asked, kOwnLink))));
}

TEST_F(GuardSending, ALinkThatGoesTakesNoMessageOfAnotherAlong) {
  const InterfaceId second{1};
  nd::GuardedInterface other;
  other.id = second;
  other.name = "eth1";
  config.interfaces.push_back(other);
  start();
  bench.host(machine::InterfaceUp{second, LinkAddress::literal("02:00:5e:00:53:02"), 1500});
  bench.hold_jobs = true;
  EXPECT_FALSE(from_kernel(
      solicitation(own(), peer.link_local().solicited_node(), peer.link_local(), kOwnLink)));
  bench.host(machine::InterfaceDown{second});
  bench.hold_jobs = false;
  while (!bench.held.empty()) bench.run();
  EXPECT_TRUE(taken(verdict(last_hold())));
}

TEST_F(GuardSending, WithoutARandomSourceNothingIsAsked) {
  start();
  random.set(FakeRandom::Mode::kFails);
  EXPECT_TRUE(dropped(from_kernel(detection())));
  EXPECT_EQ(counted("sign-failed"), 1u);
}

TEST_F(GuardSending, WhatIsNoMessageDoesNotLeave) {
  start();
  Bytes short_one = octets_of(wire::NeighborSolicitation{own()});
  short_one.resize(20);
  EXPECT_TRUE(dropped(from_kernel(plain(own(), peer.link_local(), short_one))));
  EXPECT_TRUE(dropped(from_kernel(Bytes(3))));
  EXPECT_EQ(counted("out-malformed"), 2u);
}

// --- addresses

TEST_F(GuardSending, AnAddressInUseGivesWayToTheNextTwice) {
  COVERS("SND-8-9");
  COVERS("SND-8-10");
  COVERS("CGA-4-8");
  COVERS("CGA-4-9");
  std::vector<Ipv6Address> tried;
  bench.outcome_of =
      [&](const machine::Action& action) -> Result<machine::Facts, machine::ActionError> {
    if (const auto* add = std::get_if<machine::AddAddress>(&action.what)) {
      tried.push_back(add->address);
      return fail(machine::ActionError::kDuplicate);
    }
    return machine::Facts{};
  };
  guard = std::make_unique<nd::Guard>(config, machine::Snapshot{}, random, bench.now);
  bench.attach(*guard);
  bench.host(machine::InterfaceUp{kGuarded, kOwnLink, 1500});
  EXPECT_EQ(tried, (std::vector{own(0), own(1), own(2)}));
  EXPECT_EQ(bench.reported(machine::EventKind::kWarning).size(), 1u);
  EXPECT_TRUE(guard->status(bench.now).links[0].addresses.empty());
}

TEST_F(GuardSending, OnlyTheFirstAddressYieldsToUnsecuredWord) {
  COVERS("SND-8-11");
  COVERS("SND-8-12");
  bench.hold_outcome = [](const machine::Action& action) {
    return std::holds_alternative<machine::AddAddress>(action.what);
  };
  guard = std::make_unique<nd::Guard>(config, machine::Snapshot{}, random, bench.now);
  bench.attach(*guard);
  bench.host(machine::InterfaceUp{kGuarded, kOwnLink, 1500});
  const auto claim = [&](std::uint8_t count) {
    return from_wire(advertisement(own(count), kAllNodes, own(count), false, peer_link()));
  };
  EXPECT_TRUE(taken(claim(0)));
  EXPECT_TRUE(taken(from_wire(detection(0))));
  ASSERT_EQ(bench.unanswered.size(), 1u);
  bench.answer(bench.unanswered[0], fail(machine::ActionError::kDuplicate));
  EXPECT_TRUE(dropped(claim(1)));
  EXPECT_TRUE(dropped(from_wire(detection(1))));
  EXPECT_EQ(counted("later-dad"), 2u);
  ASSERT_EQ(bench.unanswered.size(), 1u);
  bench.answer(bench.unanswered[0]);
  EXPECT_EQ(guard->status(bench.now).links[0].addresses, std::vector{own(1)});
  // It is that one which messages prove from now on.
  const auto left = from_kernel(
      solicitation(own(1), peer.link_local().solicited_node(), peer.link_local(), kOwnLink));
  EXPECT_TRUE(signed_properly(left->packet));
}

TEST_F(GuardSending, TheFirstAddressYieldsToNobodyUnsecuredWhereThatIsSaid) {
  COVERS("SND-8-13");
  for (const bool ignore : {false, true}) {
    if (ignore) config.interfaces[0].ignore_unsecured_dad = true;
    bench.hold_outcome = [](const machine::Action& action) {
      return std::holds_alternative<machine::AddAddress>(action.what);
    };
    start();
    for (const Bytes& packet :
         {advertisement(own(), kAllNodes, own(), false, peer_link()), detection()})
      EXPECT_EQ(dropped(from_wire(packet)), ignore);
    EXPECT_EQ(counted("later-dad"), ignore ? 2u : 0u);
  }
}

TEST_F(GuardSending, ConfiguredPrefixesHaveAnAddressEach) {
  config.interfaces[0].prefixes = {Prefix::literal("2001:db8:a:1::/64"),
                                   Prefix::literal("2001:db8:a:2::/64")};
  start();
  const auto addresses = guard->status(bench.now).links[0].addresses;
  ASSERT_EQ(addresses.size(), 3u);
  EXPECT_EQ(addresses[0], own());
  EXPECT_EQ(addresses[1], config.identity.address(Prefix::literal("2001:db8:a:1::/64")));
  EXPECT_EQ(addresses[2], config.identity.address(Prefix::literal("2001:db8:a:2::/64")));
}

TEST_F(GuardSending, OneModifierServesEveryPrefixWithoutASearch) {
  COVERS("CGA-4-15");
  config.identity.sec = 1;
  config.identity.modifier = *cga::find_modifier(
      config.identity.modifier, config.identity.key->spki(), {}, {.sec = 1, .threads = 1});
  config.interfaces[0].prefixes = {Prefix::literal("2001:db8:a:2::/64")};
  start();
  const LinkAddress link = LinkAddress::literal("02:00:00:00:66:66");
  EXPECT_TRUE(
      taken(from_wire(router_advertisement(Ipv6Address::literal("fe80::66"), link, 1800), link)));
  const auto addresses = guard->status(bench.now).links[0].addresses;
  ASSERT_EQ(addresses.size(), 3u);
  for (const Ipv6Address& address : addresses) {
    EXPECT_EQ(cga::sec_of(address), 1) << address.text();
    const auto left = from_kernel(
        solicitation(address, peer.link_local().solicited_node(), peer.link_local(), kOwnLink));
    ASSERT_TRUE(taken(left));
    EXPECT_TRUE(signed_properly(left->packet));
    const auto option = find_option(left->packet, wire::OptionType::kCga);
    const auto parameters = cga::ParametersView::parse(wire::CgaOption::parse(*option)->parameters);
    EXPECT_EQ(parameters->modifier, config.identity.modifier);
    EXPECT_EQ(parameters->collision_count, 0);
  }
  EXPECT_FALSE(bench.jobs.contains("search"));
}

TEST_F(GuardSending, AdvertisedPrefixesHaveAnAddressUnlessNoneIsToBeFormed) {
  const LinkAddress link = LinkAddress::literal("02:00:00:00:66:66");
  for (const bool form : {true, false}) {
    config.interfaces[0].form_addresses = form;
    start();
    EXPECT_TRUE(
        taken(from_wire(router_advertisement(Ipv6Address::literal("fe80::66"), link, 1800), link)));
    EXPECT_EQ(bench.asked<machine::AddAddress>().size(), form ? 1u : 0u);
  }
}

TEST_F(GuardSending, NoAddressIsFormedOfAGroup) {
  start();
  const LinkAddress link = LinkAddress::literal("02:00:00:00:66:66");
  for (const char* address : {"ff08:0:0:1::", "2001:db8:a:1::"}) {
    wire::RouterAdvertisement head;
    head.router_lifetime_s = 1800;
    Bytes message = octets_of(head);
    wire::PrefixInformation prefix;
    prefix.on_link = prefix.autonomous = true;
    prefix.address = Ipv6Address::literal(address);
    prefix.valid_lifetime_s = prefix.preferred_lifetime_s = 3600;
    append(message, prefix);
    bench.forget();
    EXPECT_TRUE(
        taken(from_wire(plain(Ipv6Address::literal("fe80::66"), kAllNodes, message), link)));
    EXPECT_EQ(bench.asked<machine::AddAddress>().size(), address[0] == 'f' ? 0u : 1u) << address;
  }
}

TEST_F(GuardSending, AConfigurationIsTakenWholeOrNotAtAll) {
  start();
  nd::GuardConfig changed = config;
  changed.interfaces[0].mode = nd::GuardMode::kSecuredOnly;
  ASSERT_TRUE(guard->handle(bench.now, changed).has_value());
  EXPECT_TRUE(dropped(from_wire(detection())));
  changed.identity.modifier[0] ^= 1;
  changed.interfaces[0].mode = nd::GuardMode::kMixed;
  EXPECT_FALSE(guard->handle(bench.now, changed).has_value());
  EXPECT_TRUE(dropped(from_wire(detection())));
}

TEST_F(GuardSending, AHostAnswersForItsCertificateWhenItHasOne) {
  COVERS("SND-6.4-2");
  nd::CertifierConfig certifier;
  certifier.path = {certificate("ca"), certificate("good-router")};
  certifier.anchor = *pki::TrustAnchor::parse(certificate("anchor"));
  const auto ask = [&] {
    Bytes cps = octets_of(wire::CertificationPathSolicitation{7});
    append(cps, wire::TrustAnchorOption{wire::TrustAnchorOption::NameType::kDerName,
                                        certifier.anchor.subject_name});
    machine::Received received;
    received.interface = kGuarded;
    const Bytes packet = plain(peer.link_local(), own(), cps);
    received.packet = packet;
    bench.sent.clear();
    bench.receive(received);
    return bench.sent.size();
  };
  start();
  EXPECT_EQ(ask(), 0u);
  config.certifier = certifier;
  start();
  EXPECT_EQ(ask(), 2u);
}

}  // namespace
}  // namespace sendoff::test
