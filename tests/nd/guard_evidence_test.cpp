// Nonces, dates and addresses of a guarded host, and what its tables hold of whom (RFC 3971 5.3, 8,
// 9).
#include "nd/guard_messages.h"

namespace sendoff::test {
namespace {

using wire::OptionType;

TEST_F(GuardMessages, SolicitationsWithoutANonceAreDiscardedInEitherMode) {
  COVERS("SND-5.3.4-3");
  bench.hold_outcome = [](const machine::Action& action) {
    return std::holds_alternative<machine::AddAddress>(action.what);
  };
  for (const nd::GuardMode mode : {nd::GuardMode::kMixed, nd::GuardMode::kSecuredOnly}) {
    config.interfaces[0].mode = mode;
    start();  // its address is being detected
    bench.forget();
    std::vector<Craft> crafts{secured_solicitation(), peer.router_solicitation(bench.now)};
    Craft dad = secured(Ipv6Address{}, own().solicited_node(),
                        octets_of(wire::NeighborSolicitation{peer.link_local()}), Bytes(6, 1));
    dad.cga_parameters = peer.parameters(peer.link_local()).octets();
    crafts.push_back(dad);
    for (Craft& craft : crafts) {
      craft.nonce.reset();
      EXPECT_TRUE(dropped(from_wire(craft.packet())));
    }
    EXPECT_EQ(bench.counter("send", "no-nonce"), 3u);
    EXPECT_EQ(bench.jobs["verify"], 0);
    EXPECT_TRUE(traceless());
  }
}

TEST_F(GuardMessages, NoncesAreEachDrawnForOneTransmission) {
  COVERS("SND-2-1");
  const auto draw = [&] {
    start();
    std::set<Bytes> nonces;
    std::size_t sent = 0;
    for (std::uint16_t i = 0; i < 1000; ++i) {
      std::array<std::uint8_t, 16> octets{0xfe, 0x80};
      octets[14] = static_cast<std::uint8_t>(i >> 8);
      octets[15] = static_cast<std::uint8_t>(i);
      const Ipv6Address target(octets);
      const bool for_neighbour = i % 2 == 0;
      for (int copy = 0; copy < 3; ++copy, ++sent) {
        const auto left =
            for_neighbour
                ? from_kernel(solicitation(own(), target.solicited_node(), target, kOwnLink))
                : from_kernel(plain(own(), kAllRouters, octets_of(wire::RouterSolicitation{})));
        if (taken(left)) nonces.insert(*nonce_of(left->packet));
      }
    }
    EXPECT_EQ(sent, 3000u);
    return nonces.size();
  };
  config.signatures = {10'000, 10'000, 2000};
  config.identity.key = signing_key("ar-1024");
  EXPECT_EQ(draw(), 3000u);
  // That is what the test would say of a source that repeats itself.
  random.set(FakeRandom::Mode::kRepeats);
  EXPECT_LT(draw(), 3000u);
}

TEST_F(GuardMessages, AnAnswerIsKnownWhileItsQuestionIsRecent) {
  COVERS("SND-5.3.3-2");
  start();
  const auto answered = [&](const Bytes& nonce) {
    const auto given = from_wire(secured_advertisement(nonce).packet());
    return taken(given) && wire::NeighborAdvertisement::parse(icmp_of(given))->solicited;
  };
  const Bytes first = ask_for_peer();
  bench.advance(seconds(14));
  EXPECT_TRUE(answered(first));
  const Bytes second = ask_for_peer();
  bench.advance(seconds(16));
  EXPECT_FALSE(answered(second));
  EXPECT_EQ(bench.counter("send", "unknown-nonce"), 1u);
  const Bytes third = ask_for_peer();
  start();
  EXPECT_FALSE(answered(third));
  EXPECT_EQ(bench.counter("send", "unknown-nonce"), 1u);
}

TEST_F(GuardMessages, AnAnswerHasTheWholeNonceWhateverItsLength) {
  COVERS("SND-5.3.2-3");
  start();
  const auto answer_to = [&](std::size_t nonce_size) {
    Craft craft = secured_solicitation();
    craft.nonce->resize(nonce_size, 0x77);
    EXPECT_TRUE(taken(from_wire(craft.packet())));
    const auto left = from_kernel(advertisement(own(), peer.link_local(), own(), true, kOwnLink));
    if (taken(left)) {
      EXPECT_EQ(nonce_of(left->packet), craft.nonce);
      EXPECT_TRUE(signed_properly(left->packet));
    }
    return taken(left);
  };
  for (const std::size_t size : {6u, 14u, 62u}) EXPECT_TRUE(answer_to(size)) << size;
  EXPECT_FALSE(answer_to(998));
  EXPECT_EQ(counted("too-big"), 1u);
}

TEST_F(GuardMessages, OfAStrangerWhoseClockIsOffAreAnsweredAndForgotten) {
  COVERS("SND-5.3.4.2-7", "SND-5.3.4.2-8");
  start();
  const auto ask = [&](std::int64_t offset_s, const Ipv6Address& target) {
    Craft craft = secured_solicitation();
    craft.head = octets_of(wire::NeighborSolicitation{target});
    *craft.timestamp += static_cast<std::uint64_t>(offset_s * 65536);
    EXPECT_TRUE(dropped(from_wire(craft.packet())));  // the kernel would make an entry of it
    return craft;
  };
  for (const std::int64_t offset : {-3600, 86'400}) {
    bench.forget();
    const Craft craft = ask(offset, own());
    ASSERT_EQ(bench.sent.size(), 1u);
    const machine::Transmit& answer = bench.sent[0];
    EXPECT_EQ(answer.link_destination, peer_link());
    EXPECT_TRUE(signed_properly(answer.packet));
    EXPECT_EQ(nonce_of(answer.packet), craft.nonce);
    EXPECT_EQ(option_types(answer.packet), (std::vector<int>{2, 11, 13, 14, 12}));
    const auto head = wire::NeighborAdvertisement::parse(ByteView(answer.packet).subspan(40));
    ASSERT_TRUE(head);
    EXPECT_EQ(head->target, own());
    EXPECT_TRUE(head->solicited && head->override_flag);
    EXPECT_FALSE(head->router);
    EXPECT_EQ(Ipv6Address::from(ByteView(answer.packet).subspan(24, 16)), peer.link_local());
    EXPECT_EQ(
        wire::LinkAddressOption::parse(*find_option(answer.packet, OptionType::kTargetLinkAddress))
            ->address,
        kOwnLink);
    // Neither the neighbour nor its clock is known.
    EXPECT_TRUE(bench.actions.empty());
    EXPECT_EQ(guard->status(bench.now).secured_neighbours, 0u);
  }
  EXPECT_EQ(counted("answered"), 2u);
  EXPECT_EQ(bench.counter("send", "stale"), 2u);
  bench.forget();
  (void)ask(-3600, Ipv6Address::literal("fe80::1234"));  // nobody here
  EXPECT_TRUE(bench.sent.empty());
  EXPECT_TRUE(taken(from_wire(secured_solicitation().packet())));
  (void)ask(-3600, own());  // its clock is known: a replay
  EXPECT_TRUE(bench.sent.empty());
  // As often as signatures may be caused, no more.
  config.signatures = {2, 2, 100};
  start();
  for (int i = 0; i < 10; ++i) (void)ask(-3600 - i, own());
  EXPECT_EQ(bench.sent.size(), 2u);
  EXPECT_EQ(counted("sign-budget"), 8u);
}

TEST_F(GuardMessages, HaveTheSameParametersAfterARestart) {
  COVERS("SND-5.1.3-6");
  start();
  const auto parameters = [&] {
    const auto left = from_kernel(detection());
    EXPECT_TRUE(signed_properly(left->packet, own()));
    return *find_option(left->packet, OptionType::kCga);
  };
  const Ipv6Address address = own();
  const Bytes before = parameters();
  start();
  EXPECT_EQ(parameters(), before);
  EXPECT_EQ(guard->status(bench.now).links[0].addresses, std::vector{address});
  // Another modifier is another address, and never an option that does not fit.
  config.identity.modifier[5] ^= 1;
  start();
  EXPECT_NE(own(), address);
  EXPECT_NE(parameters(), before);
}

TEST_F(GuardMessages, AgainstAnAddressUnderDetectionProveTheirOwn) {
  COVERS("SND-9.2.3-1");
  bench.hold_outcome = [](const machine::Action& action) {
    return std::holds_alternative<machine::AddAddress>(action.what);
  };
  guard = std::make_unique<nd::Guard>(config, machine::Snapshot{}, random, bench.now);
  bench.attach(*guard);
  bench.host(machine::InterfaceUp{kGuarded, kOwnLink, 1500});
  for (std::uint8_t attempt = 0; attempt < 3; ++attempt) {
    const Ipv6Address mine = own(attempt);
    const auto claim = [&](const std::optional<Bytes>& parameters) {
      Craft craft = secured_advertisement(std::nullopt);
      craft.source = mine;
      craft.destination = kAllNodes;
      craft.head = octets_of(wire::NeighborAdvertisement{.override_flag = true, .target = mine});
      if (parameters) craft.cga_parameters = *parameters;
      return from_wire(craft.packet());
    };
    EXPECT_TRUE(dropped(claim(std::nullopt))) << int{attempt};  // its CGA is not that address
    // Our own parameters, by another's signature.
    EXPECT_TRUE(
        dropped(claim(config.identity.parameters(send::link_local_prefix(), attempt).octets())));
    Craft broken = secured_advertisement(std::nullopt);
    broken.source = mine;
    broken.cga_parameters = config.identity.parameters(send::link_local_prefix(), attempt).octets();
    broken.signer = config.identity.key;
    Bytes packet = broken.packet();
    packet[packet.size() - 8] ^= 1;
    repair_checksum(packet);
    EXPECT_TRUE(dropped(from_wire(packet)));
    ASSERT_EQ(bench.unanswered.size(), 1u);
    if (attempt < 2) bench.answer(bench.unanswered[0], fail(machine::ActionError::kDuplicate));
  }
  EXPECT_EQ(bench.counter("send", "cga"), 3u);
  EXPECT_EQ(bench.counter("send", "two-keys"), 3u);
  EXPECT_EQ(bench.counter("send", "signature"), 3u);
}

TEST_F(GuardMessages, ThatAreSecuredTakeTheEntryOver) {
  COVERS("SND-8-17");
  start();
  const LinkAddress before = LinkAddress::literal("02:00:00:00:66:66");
  const Bytes unsecured =
      advertisement(peer.link_local(), kAllNodes, peer.link_local(), false, before);
  EXPECT_TRUE(taken(from_wire(unsecured)));
  EXPECT_EQ(guard->status(bench.now).secured_neighbours, 0u);
  const Bytes given = icmp_of(from_wire(secured_advertisement(std::nullopt).packet()));
  ASSERT_FALSE(given.empty());
  EXPECT_TRUE(wire::NeighborAdvertisement::parse(given)->override_flag);
  const auto options =
      wire::OptionList::parse(ByteView(given).subspan(wire::NeighborAdvertisement::kSize));
  EXPECT_EQ(wire::LinkAddressOption::parse(options->first(OptionType::kTargetLinkAddress)->octets)
                ->address,
            peer.link_address());
  EXPECT_EQ(guard->status(bench.now).secured_neighbours, 1u);
  EXPECT_TRUE(dropped(from_wire(unsecured)));
}

TEST_F(GuardMessages, EachEntryHasAFlagOfWhatToldItLast) {
  COVERS("SND-8-15");
  trust();
  config.interfaces[0].prefixes = {};
  start();
  const auto link = [&] { return guard->status(bench.now).links[0]; };
  const LinkAddress thief = LinkAddress::literal("02:00:00:00:66:66");
  const Ipv6Address stranger = Ipv6Address::literal("fe80::66");
  const Prefix prefix = Prefix::literal(kOnLink);
  using Addresses = std::vector<Ipv6Address>;
  using Prefixes = std::vector<Prefix>;
  EXPECT_EQ(link().secured_prefixes, Prefixes{send::link_local_prefix()});
  // Unsecured.
  ASSERT_TRUE(taken(from_wire(router_advertisement(stranger, thief, 1800), thief)));
  ASSERT_TRUE(taken(from_wire(
      advertisement(peer.link_local(), kAllNodes, peer.link_local(), false, peer.link_address()))));
  EXPECT_EQ(link().unsecured_routers, Addresses{stranger});
  EXPECT_EQ(link().unsecured_prefixes, Prefixes{prefix});
  EXPECT_TRUE(link().routers.empty());
  EXPECT_TRUE(link().secured_neighbours.empty());
  // The same neighbour and the same prefix, secured.
  ASSERT_TRUE(taken(from_wire(secured_advertisement(std::nullopt).packet())));
  have_router();
  EXPECT_EQ(link().routers, Addresses{router.link_local});
  EXPECT_EQ(link().unsecured_routers, Addresses{stranger});
  EXPECT_EQ(link().secured_prefixes, (Prefixes{send::link_local_prefix(), prefix}));
  EXPECT_TRUE(link().unsecured_prefixes.empty());
  auto neighbours = link().secured_neighbours;
  std::ranges::sort(neighbours);
  Addresses wanted{peer.link_local(), router.link_local};
  std::ranges::sort(wanted);
  EXPECT_EQ(neighbours, wanted);
  // A router that had none says who it is.
  bench.advance(seconds(1801));
  EXPECT_TRUE(link().routers.empty() && link().unsecured_routers.empty());
}

TEST_F(GuardMessages, OnlyASecuredAnswerConfirmsASecuredNeighbour) {
  start();
  ASSERT_TRUE(taken(from_wire(secured_solicitation().packet())));
  // The kernel probes; it deletes an entry that nothing confirms.
  const Bytes nonce = ask_for_peer();
  EXPECT_TRUE(dropped(from_wire(
      advertisement(peer.link_local(), own(), peer.link_local(), true, peer.link_address()))));
  const Bytes without = icmp_of(from_wire(secured_advertisement(std::nullopt).packet()));
  EXPECT_FALSE(wire::NeighborAdvertisement::parse(without)->solicited);
  const Bytes with = icmp_of(from_wire(secured_advertisement(nonce).packet()));
  EXPECT_TRUE(wire::NeighborAdvertisement::parse(with)->solicited);
}

TEST_F(GuardMessages, OfARouterCountByAnAnchorThatIsOurs) {
  COVERS("SND-4-1");
  secured_only();
  auto other = std::make_shared<std::vector<pki::TrustAnchor>>();
  other->push_back(*pki::TrustAnchor::parse(certificate("anchor2")));
  config.paths.anchors = other;
  start();
  const auto heard = [&] {
    bench.sent.clear();
    (void)from_wire(certified_advertisement(), router.link_address);
    const machine::HoldId hold = last_hold();
    if (!bench.sent.empty()) give_path();
    bench.advance(seconds(16));
    return taken(verdict(hold));
  };
  EXPECT_FALSE(heard());
  EXPECT_EQ(bench.counter("path", "refused"), 1u);
  EXPECT_TRUE(guard->status(bench.now).links[0].routers.empty());
  auto both = std::make_shared<std::vector<pki::TrustAnchor>>(*other);
  both->push_back(*pki::TrustAnchor::parse(certificate("anchor")));
  nd::GuardConfig changed = config;
  changed.paths.anchors = both;
  ASSERT_TRUE(guard->handle(bench.now, changed));
  EXPECT_TRUE(heard());
  EXPECT_EQ(guard->status(bench.now).links[0].routers, std::vector{router.link_local});
}

TEST_F(GuardMessages, OfTheUnsecuredAreAnsweredWhereTheyAreTaken) {
  COVERS("SND-5.1.2-2");
  const Ipv6Address stranger = Ipv6Address::literal("fe80::66");
  const Bytes question = solicitation(stranger, own().solicited_node(), own(), peer_link());
  start();
  EXPECT_TRUE(taken(from_wire(question)));
  const auto answer = from_kernel(advertisement(own(), stranger, own(), true, kOwnLink));
  EXPECT_TRUE(signed_properly(answer->packet));
  EXPECT_EQ(nonce_of(answer->packet), std::nullopt);
  secured_only();
  start();
  EXPECT_TRUE(dropped(from_wire(question)));
}

TEST_F(GuardMessages, AllAddressesThatANodeGivesItselfAreProven) {
  COVERS("SND-7.1-1");
  trust();
  router = FakeRouter("ar-2048", {certificate("ca"), certificate("good-two-prefixes")},
                      {Prefix::literal(kOnLink), Prefix::literal("2001:db8:b:7::/64")}, 1);
  start();
  have_router();
  const auto addresses = guard->status(bench.now).links[0].addresses;
  EXPECT_EQ(addresses.size(), 3u);
  for (const Ipv6Address& address : addresses) {
    const auto left = from_kernel(
        solicitation(address, peer.link_local().solicited_node(), peer.link_local(), kOwnLink));
    EXPECT_TRUE(signed_properly(left->packet, address));
    EXPECT_NE(to_hex(address.view().subspan(11, 2)), "fffe");
  }
}

TEST_F(GuardMessages, AreDatedInPartsOfASecond) {
  COVERS("SND-5.3.1-3");
  start();
  const auto date = [&] {
    const auto left = from_kernel(every_kind().front().packet);
    return wire::TimestampOption::parse(*find_option(left->packet, OptionType::kTimestamp))->value;
  };
  EXPECT_EQ(date(), std::uint64_t{1'800'000'000} << 16);
  bench.advance(milliseconds(500));
  EXPECT_EQ(date(), (std::uint64_t{1'800'000'000} << 16) + 0x8000);
  bench.advance(milliseconds(250));
  EXPECT_EQ(date(), (std::uint64_t{1'800'000'000} << 16) + 0xc000);
  // By the clock of this host.
  const auto real =
      std::chrono::duration_cast<Duration>(std::chrono::system_clock::now().time_since_epoch());
  start();
  bench.now.utc = UtcTime(real);
  guard = std::make_unique<nd::Guard>(config, machine::Snapshot{}, random, bench.now);
  bench.attach(*guard);
  bench.host(machine::InterfaceUp{kGuarded, kOwnLink, 1500});
  const double apart =
      static_cast<double>(date()) / 65536.0 - std::chrono::duration<double>(real).count();
  EXPECT_LT(std::abs(apart), 0.1);
}

TEST_F(GuardMessages, OfAHostNeedNoCertificate) {
  COVERS("SND-6.1-1");
  trust();
  secured_only();
  start();
  // A host has none, and is heard in all that hosts say.
  EXPECT_TRUE(taken(from_wire(secured_solicitation().packet())));
  EXPECT_TRUE(taken(from_wire(secured_advertisement(std::nullopt).packet())));
  EXPECT_TRUE(taken(from_wire(peer.router_solicitation(bench.now).packet())));
  EXPECT_EQ(counted("taken-secured"), 3u);
  EXPECT_TRUE(bench.sent.empty());
  // Nor has this one, and is no router.
  Craft as_router =
      secured(peer.link_local(), kAllNodes,
              octets_of(wire::RouterAdvertisement{.router_lifetime_s = 1800}), std::nullopt);
  (void)from_wire(as_router.packet());
  const machine::HoldId hold = last_hold();
  bench.advance(seconds(16));
  EXPECT_TRUE(dropped(verdict(hold)));
  EXPECT_TRUE(guard->status(bench.now).links[0].routers.empty());
}

}  // namespace
}  // namespace sendoff::test
