// SEND's options in each kind of message that a guarded kernel sends, and what the guard makes of
// each kind that comes without some of them (RFC 3971 5.1 and 5.2).
#include "nd/guard_messages.h"

namespace sendoff::test {
namespace {

using wire::OptionType;

TEST_F(GuardMessages, OfEachKindLeaveWithTheProofOfTheirAddress) {
  COVERS("SND-5.1.1-2", "SND-5.1.1-6", "SND-5.2.1-1", "SND-5.2.1-2", "SND-5.3.3-1", "SND-8-5");
  start();
  for (const Sent& sent : every_kind()) {
    const auto left = from_kernel(sent.packet);
    ASSERT_TRUE(taken(left)) << sent.what;
    const Bytes& packet = left->packet;
    EXPECT_TRUE(signed_properly(packet, sent.claimed)) << sent.what;
    EXPECT_EQ(count_of(packet, OptionType::kCga), 1) << sent.what;
    EXPECT_EQ(count_of(packet, OptionType::kRsaSignature), 1) << sent.what;
    EXPECT_EQ(count_of(packet, OptionType::kTimestamp), 1) << sent.what;
    EXPECT_EQ(count_of(packet, OptionType::kNonce), sent.asks ? 1 : 0) << sent.what;
    EXPECT_EQ(wire::TimestampOption::parse(*find_option(packet, OptionType::kTimestamp))->value,
              timestamp_at(bench.now.utc));
    // Nothing else of it was changed.
    const std::size_t fixed = *wire::options_offset(ByteView(packet).subspan(40));
    const std::size_t claim = sent.packet.size() - 40 - fixed;
    EXPECT_TRUE(equal(ByteView(packet).subspan(44, fixed - 4),
                      ByteView(sent.packet).subspan(44, fixed - 4)));
    EXPECT_TRUE(
        equal(ByteView(packet).subspan(40 + fixed, claim), ByteView(sent.packet).last(claim)))
        << sent.what;
  }
  // From :: nobody's address is claimed.
  const auto left =
      from_kernel(plain(Ipv6Address{}, kAllRouters, octets_of(wire::RouterSolicitation{})));
  EXPECT_EQ(option_types(left->packet), (std::vector<int>{13, 14}));
}

TEST_F(GuardMessages, AreCompleteBeforeTheyAreSigned) {
  COVERS("SND-5.2.1-3", "SND-5.2.1-4");
  start();
  for (const Sent& sent : every_kind()) {
    const Bytes packet = from_kernel(sent.packet)->packet;
    const auto options = options_of(packet);
    ASSERT_FALSE(options.empty());
    EXPECT_EQ(options.back().type, OptionType::kRsaSignature) << sent.what;
    const ByteView option = options.back().octets;
    const std::size_t size = packet.size() - 40;
    EXPECT_EQ(packet[4] * 256u + packet[5], size) << sent.what;
    const auto source = Ipv6Address::from(ByteView(packet).subspan(8, 16));
    const auto destination = Ipv6Address::from(ByteView(packet).subspan(24, 16));
    EXPECT_TRUE(wire::icmpv6_checksum_ok(source, destination, ByteView(packet).subspan(40)));
    // Without the option it is the message that was signed.
    Bytes stripped(packet.begin(), packet.end() - static_cast<std::ptrdiff_t>(option.size()));
    stripped[4] = static_cast<std::uint8_t>((stripped.size() - 40) >> 8);
    stripped[5] = static_cast<std::uint8_t>(stripped.size() - 40);
    repair_checksum(stripped);
    Bytes input;
    ASSERT_TRUE(from_hex("086fca5e10b200c99c8ce00164277c08", input));
    input.insert(input.end(), stripped.begin() + 8, stripped.begin() + 40);
    input.insert(input.end(), stripped.begin() + 40, stripped.end());
    EXPECT_TRUE(crypto::verify_sha1(config.identity.key->public_key(), crypto::sha1(input),
                                    option.subspan(20, 256)))
        << sent.what;
  }
}

TEST_F(GuardMessages, HaveACgaOptionUnlessSendIsOff) {
  COVERS("SND-5.1.1-1", "SND-8-3");
  start();
  for (const Sent& sent : every_kind()) {
    const int type = sent.packet[40];
    if (type != 135 && type != 136) continue;
    EXPECT_EQ(count_of(from_kernel(sent.packet)->packet, OptionType::kCga), 1) << sent.what;
  }
  config.interfaces[0].mode = nd::GuardMode::kOff;
  start();
  EXPECT_TRUE(guard->status(bench.now).links[0].addresses.empty());
  for (const Sent& sent : every_kind()) {
    EXPECT_EQ(from_kernel(sent.packet)->kind, Kind::kPass) << sent.what;
    EXPECT_EQ(count_of(sent.packet, OptionType::kCga), 0) << sent.what;
  }
  for (const Craft& craft : from_peer()) EXPECT_EQ(from_wire(craft.packet())->kind, Kind::kPass);
  EXPECT_TRUE(traceless());
  EXPECT_EQ(bench.jobs["verify"] + bench.jobs["sign"], 0);
}

// Whatever the address: of the node's several ones, each has its own parameters.
TEST_F(GuardMessages, ProveTheirOwnAddressAndNoOther) {
  COVERS("SND-5.1.1-5");
  config.interfaces[0].prefixes = {Prefix::literal("2001:db8:a:1::/64"),
                                   Prefix::literal("2001:db8:a:2::/64")};
  start();
  const auto addresses = guard->status(bench.now).links[0].addresses;
  ASSERT_EQ(addresses.size(), 3u);
  for (const Ipv6Address& source : addresses) {
    const auto left = from_kernel(
        solicitation(source, peer.link_local().solicited_node(), peer.link_local(), kOwnLink));
    ASSERT_TRUE(taken(left));
    for (const Ipv6Address& claimed : addresses)
      EXPECT_EQ(signed_properly(left->packet, claimed), claimed == source);
    const Bytes option = *find_option(left->packet, OptionType::kCga);
    const auto parameters = cga::ParametersView::parse(wire::CgaOption::parse(option)->parameters);
    EXPECT_EQ(parameters->modifier, config.identity.modifier);
    EXPECT_TRUE(equal(parameters->subnet_prefix, source.view().first(8)));
    EXPECT_EQ(parameters->collision_count, 0);
  }
}

TEST_F(GuardMessages, HaveParametersThatEndWithTheKey) {
  COVERS("CGA-4581-5");
  start();
  for (const Sent& sent : every_kind()) {
    const Bytes packet = from_kernel(sent.packet)->packet;
    const Bytes option = *find_option(packet, OptionType::kCga);
    const ByteView parameters = wire::CgaOption::parse(option)->parameters;
    const ByteView key = config.identity.key->spki();
    EXPECT_EQ(parameters.size(), 25 + key.size()) << sent.what;
    EXPECT_TRUE(equal(parameters.last(key.size()), key)) << sent.what;
  }
}

TEST_F(GuardMessages, AreProvenBySourceInWhicheverDirection) {
  COVERS("SND-5.1.1-7", "SND-5.1.1-10", "SND-5.1.1-12");
  start();
  for (const Sent& sent : every_kind())
    EXPECT_TRUE(signed_properly(from_kernel(sent.packet)->packet, sent.claimed)) << sent.what;
  // Of the neighbour's, parameters that fit what the message is about, or another address of the
  // same key, and not its source.
  const Ipv6Address other = peer.global();
  std::vector<Craft> crafts;
  Craft redirect =
      secured(peer.link_local(), own(), octets_of(wire::Redirect{other, other}), std::nullopt);
  redirect.cga_parameters = peer.parameters(other).octets();
  crafts.push_back(redirect);
  Craft answer = secured_advertisement(std::nullopt);
  answer.head = octets_of(wire::NeighborAdvertisement{.override_flag = true, .target = other});
  answer.cga_parameters = peer.parameters(other).octets();
  crafts.push_back(answer);
  Craft advertised =
      secured(peer.link_local(), kAllNodes, octets_of(wire::RouterAdvertisement{}), std::nullopt);
  advertised.cga_parameters = peer.parameters(other).octets();
  crafts.push_back(advertised);
  for (const Craft& craft : crafts) EXPECT_TRUE(dropped(from_wire(craft.packet())));
  EXPECT_EQ(bench.counter("send", "cga"), 3u);
  EXPECT_EQ(bench.jobs["verify"], 0);
}

TEST_F(GuardMessages, OfANeighbourAreBelievedAsTheyAreSent) {
  COVERS("SND-5-1");
  start();
  for (const Sent& sent : every_kind()) {
    const auto types = option_types(from_kernel(sent.packet)->packet);
    for (const int type : {11, 13, 12}) EXPECT_EQ(std::ranges::count(types, type), 1) << sent.what;
    EXPECT_EQ(std::ranges::count(types, 14), sent.asks ? 1 : 0) << sent.what;
  }
  std::uint64_t secured = 0;
  for (const Craft& craft : from_peer()) {
    const auto given = from_wire(craft.packet());
    EXPECT_TRUE(taken(given));
    EXPECT_EQ(counted("taken-secured"), ++secured);
    EXPECT_TRUE(std::ranges::count(option_types(given->packet), 12) == 0);
  }
  const Bytes nonce = ask_for_peer();
  const auto given = from_wire(secured_advertisement(nonce).packet());
  EXPECT_EQ(nonce_of(given->packet), nonce);
  // What a guard sends, another one believes.
  Bytes sent = from_kernel(every_kind().front().packet)->packet;
  config.identity.modifier[0] ^= 1;
  config.identity.key = signing_key("ar2-2048");
  start();
  EXPECT_TRUE(taken(from_wire(sent, kOwnLink)));
  EXPECT_EQ(counted("taken-secured"), 1u);
}

TEST_F(GuardMessages, OfTwoKeysAreDiscardedInEitherMode) {
  COVERS("SND-5.1-7");
  // Both keys are known: the second one by its certificate.
  trust();
  for (const nd::GuardMode mode : {nd::GuardMode::kMixed, nd::GuardMode::kSecuredOnly}) {
    config.interfaces[0].mode = mode;
    start();
    have_router();
    bench.forget();
    Craft craft = secured_solicitation();
    craft.signer = router.key;
    EXPECT_TRUE(dropped(from_wire(craft.packet())));
    EXPECT_EQ(bench.counter("send", "two-keys"), 1u);
    EXPECT_EQ(counted("taken-unsecured"), 0u);
    EXPECT_EQ(guard->status(bench.now).secured_neighbours, 1u);  // the router alone
    EXPECT_TRUE(bench.sent.empty() && bench.actions.empty());
  }
}

TEST_F(GuardMessages, WithoutACgaOptionAreNotSecured) {
  COVERS("SND-5.1.2-1", "SND-5.1.2-3", "SND-5.2.2-1", "SND-5.2.2-2");
  for (const nd::GuardMode mode : {nd::GuardMode::kMixed, nd::GuardMode::kSecuredOnly}) {
    const bool mixed = mode == nd::GuardMode::kMixed;
    config.interfaces[0].mode = mode;
    start();
    std::uint64_t unsecured = 0;
    for (const Craft& good : from_peer()) {
      const int type = good.head[0];
      // Signed all the same: refused (GS5).
      Craft craft = good;
      craft.cga_parameters.reset();
      EXPECT_TRUE(dropped(from_wire(craft.packet()))) << type;
      EXPECT_EQ(bench.counter("send", "no-cga"), unsecured / 2 + 1);
      // Not signed, with all else or with nothing.
      for (const bool with_cga : {true, false}) {
        craft = good;
        craft.signer.reset();
        if (!with_cga) craft.cga_parameters.reset();
        EXPECT_EQ(taken(from_wire(craft.packet())), mixed) << type;
        ++unsecured;
        EXPECT_EQ(counted(mixed ? "taken-unsecured" : "secured-only"), unsecured) << type;
      }
    }
    EXPECT_EQ(counted("taken-secured"), 0u);
    EXPECT_EQ(guard->status(bench.now).secured_neighbours, 0u);
  }
}

TEST_F(GuardMessages, FromNowhereTouchNoNeighbourWhateverTheyCarry) {
  COVERS("SND-5.1.2-4", "SND-5.3.4-1");
  for (const nd::GuardMode mode : {nd::GuardMode::kMixed, nd::GuardMode::kSecuredOnly}) {
    config.interfaces[0].mode = mode;
    start();
    bench.forget();
    Craft craft = peer.router_solicitation(bench.now);
    craft.source = {};
    craft.options.clear();
    craft.cga_parameters.reset();
    craft.signer.reset();
    EXPECT_TRUE(taken(from_wire(craft.packet())));
    Craft with_nonce = craft;
    with_nonce.timestamp.reset();
    EXPECT_TRUE(taken(from_wire(with_nonce.packet())));
    Craft with_timestamp = craft;
    with_timestamp.nonce.reset();
    EXPECT_TRUE(taken(from_wire(with_timestamp.packet())));
    Craft bare = with_nonce;
    bare.nonce.reset();
    EXPECT_EQ(taken(from_wire(bare.packet())), mode == nd::GuardMode::kMixed);
    EXPECT_TRUE(traceless());
    // Its answer has no Nonce: it is for all.
    const auto answer =
        from_kernel(plain(own(), kAllNodes, octets_of(wire::RouterAdvertisement{})));
    EXPECT_TRUE(signed_properly(answer->packet));
    EXPECT_EQ(nonce_of(answer->packet), std::nullopt);
  }
}

TEST_F(GuardMessages, ThatProveAnAddressAloneChangeNothing) {
  COVERS("SND-5.1.2-8");
  start();
  bench.forget();
  Bytes packet = secured_advertisement(std::nullopt).packet();
  packet[packet.size() - 8] ^= 1;
  repair_checksum(packet);
  EXPECT_TRUE(dropped(from_wire(packet)));
  EXPECT_EQ(bench.jobs["verify"], 1);
  EXPECT_TRUE(traceless());
  // Nor is its time remembered: one from before it is still new.
  bench.advance(seconds(100));
  Craft earlier = secured_advertisement(std::nullopt);
  *earlier.timestamp -= std::uint64_t{90} << 16;
  EXPECT_TRUE(taken(from_wire(earlier.packet())));
}

// Every way to fail, where nothing unsecured is taken.
TEST_F(GuardMessages, ThatFailAreDiscardedInSilence) {
  COVERS("SND-5.2.2-11");
  secured_only();
  const std::vector<std::pair<const char*, std::function<void(Craft&)>>> defects = {
      {"no-cga", [](Craft& craft) { craft.cga_parameters.reset(); }},
      {"no-timestamp", [](Craft& craft) { craft.timestamp.reset(); }},
      {"two-keys", [](Craft& craft) { craft.signer = signing_key("ar2-2048"); }},
      {"key-limits",
       [](Craft& craft) {
         const Peer small(signing_key("small-512"), kOnLink, "02:00:5e:00:53:21");
         craft.source = small.link_local();
         craft.cga_parameters = small.parameters(small.link_local()).octets();
         craft.signer = small.key();
       }},
      {"send-options",
       [](Craft& craft) {
         craft.more_options.push_back(octets_of(wire::TimestampOption{*craft.timestamp}));
       }},
      {"cga", [](Craft& craft) { (*craft.cga_parameters)[0] ^= 1; }},
      {"stale", [](Craft& craft) { *craft.timestamp -= std::uint64_t{301} << 16; }},
      {"hop-limit", [](Craft& craft) { craft.hop_limit = 254; }},
      {"option-structure",
       [](Craft& craft) { craft.trailing_options.push_back(Bytes{200, 0, 0, 0, 0, 0, 0, 0}); }},
  };
  for (const auto& [counter, bend] : defects) {
    start();
    bench.forget();
    std::uint64_t count = 0;
    for (Craft craft : from_peer()) {
      // A stale question for a neighbour is verified, for it may be answered.
      if (counter == std::string_view("stale") && craft.head[0] == 135) continue;
      bend(craft);
      EXPECT_TRUE(dropped(from_wire(craft.packet()))) << counter;
      EXPECT_EQ(bench.counter("send", counter), ++count) << counter;
      EXPECT_TRUE(traceless()) << counter;
    }
    EXPECT_EQ(bench.jobs["verify"], 0) << counter;
  }
  start();
  bench.forget();
  std::uint64_t count = 0;
  for (const Craft& craft : from_peer()) {
    Bytes packet = craft.packet();
    packet[packet.size() - 8] ^= 1;
    repair_checksum(packet);
    EXPECT_TRUE(dropped(from_wire(packet)));
    EXPECT_EQ(bench.counter("send", "signature"), ++count);
    EXPECT_TRUE(traceless());
  }
}

TEST_F(GuardMessages, OfFailedSignaturesAreWorthLessThanUnsignedOnes) {
  COVERS("SND-5.2.2-12");
  start();
  (void)ask_for_peer();
  Craft craft = secured_advertisement(std::nullopt);
  Bytes packet = craft.packet();
  packet[packet.size() - 8] ^= 1;
  repair_checksum(packet);
  EXPECT_TRUE(dropped(from_wire(packet)));
  EXPECT_TRUE(taken(from_wire(
      advertisement(peer.link_local(), own(), peer.link_local(), true, peer.link_address()))));
  EXPECT_EQ(counted("taken-unsecured"), 1u);
  EXPECT_EQ(guard->status(bench.now).secured_neighbours, 0u);
}

TEST_F(GuardMessages, OfARouterNeedNoAnchorWhereTheyClaimAnAddressOnly) {
  COVERS("SND-5.2.2-10");
  start();
  Seal seal;
  seal.utc = bench.now.utc;
  seal.nonce = Bytes(6, 2);
  Bytes message = octets_of(wire::NeighborSolicitation{own()});
  append(message, wire::LinkAddressOption{OptionType::kSourceLinkAddress, router.link_address});
  EXPECT_TRUE(taken(from_wire(router.secured(std::move(message), own().solicited_node(), seal),
                              router.link_address)));
  EXPECT_EQ(counted("taken-secured"), 1u);
  EXPECT_TRUE(bench.sent.empty());  // nobody asks for a certificate
}

TEST_F(GuardMessages, WhatTheKernelDoesNotHoldIsNoAffairOfOurs) {
  start();
  for (const Bytes& packet :
       {detection(), secured_solicitation().packet(), certified_advertisement()}) {
    bench.receive(packet, peer_link(), kGuarded);
    EXPECT_TRUE(bench.asked<machine::Verdict>().empty());
  }
  EXPECT_TRUE(bench.jobs.empty());
  EXPECT_EQ(counted("taken-unsecured") + counted("own-address") + counted("taken-secured"), 0u);
}

TEST_F(GuardMessages, AnAnswerConfirmsANeighbourOnce) {
  start();
  const Bytes answer = secured_advertisement(ask_for_peer()).packet();
  EXPECT_TRUE(taken(from_wire(answer)));
  EXPECT_TRUE(dropped(from_wire(answer)));
  bench.advance(seconds(3));  // no copy is remembered any more, and its Nonce is 3 s old
  EXPECT_TRUE(dropped(from_wire(answer)));
  EXPECT_EQ(bench.counter("send", "unknown-nonce"), 1u);
  EXPECT_TRUE(taken(from_wire(secured_advertisement(ask_for_peer()).packet())));
}

}  // namespace
}  // namespace sendoff::test
