// The host's side of router discovery (RFC 4861 6.3) and of address configuration (RFC 4862 5.5):
// what an accepted Router Advertisement changes, what it leaves, and when the node asks for one.
#include "wire/nd_options.h"
#include "world.h"

namespace sendoff::test {
namespace {

using machine::EventKind;
using wire::OptionType;

const Prefix kFirst = Prefix::literal("2001:db8:a:1::/64");
const Prefix kSecond = Prefix::literal("2001:db8:b:7::/64");

// A node on the link of a router that is certified for kFirst and 2001:db8:b::/56, and that says
// what a test has it say.
struct Listening {
  explicit Listening(const mobile::Config& config = mobile_config(),
                     const std::function<void(World&)>& prepare = {})
      : world(config) {
    world.answer_rs = false;
    if (prepare) prepare(world);
    world.routers = {&par};
    world.up();
    world.advance(milliseconds(5));
  }
  [[nodiscard]] Bytes information(
      const Prefix& prefix, std::uint32_t valid_s = 86'400,
      const std::function<void(wire::PrefixInformation&)>& bend = [](wire::PrefixInformation&) {
      }) const {
    wire::PrefixInformation option =
        par.information(prefix.length() == 64 ? prefix : Prefix(prefix.address(), 64));
    option.prefix_length = prefix.length();
    option.router_address = prefix.length() == 64;
    option.valid_lifetime_s = valid_s;
    option.preferred_lifetime_s = std::min(valid_s, option.preferred_lifetime_s);
    bend(option);
    return octets_of(option);
  }
  [[nodiscard]] Bytes link_address() const {
    return octets_of(wire::LinkAddressOption{OptionType::kSourceLinkAddress, par.link_address});
  }
  [[nodiscard]] Bytes advertisement(const std::vector<Bytes>& options,
                                    std::uint16_t lifetime_s = 1800) const {
    Bytes message = octets_of(wire::RouterAdvertisement{.router_lifetime_s = lifetime_s});
    for (const Bytes& option : options) message.insert(message.end(), option.begin(), option.end());
    return message;
  }
  void tell(const std::vector<Bytes>& options, std::uint16_t lifetime_s = 1800) {
    world.advance(milliseconds(100));
    world.deliver(par.secured(advertisement(options, lifetime_s), kAllNodes, world.seal()));
    world.advance(milliseconds(5));
  }
  // On-link prefixes, as the host was told by now.
  [[nodiscard]] std::set<Prefix> on_link() const {
    std::set<Prefix> prefixes;
    for (const auto& route : world.asked<machine::SetRoute>()) {
      if (route.gateway) continue;
      if (route.present)
        prefixes.insert(route.destination);
      else
        prefixes.erase(route.destination);
    }
    return prefixes;
  }
  [[nodiscard]] std::vector<machine::AddAddress> formed() const {
    std::vector<machine::AddAddress> found;
    for (const auto& add : world.asked<machine::AddAddress>())
      if (!add.address.is_link_local()) found.push_back(add);
    return found;
  }

  FakeRouter par{"ar-2048", {certificate("ca"), certificate("good-two-prefixes")}, {kFirst}, 1};
  World world;
};

const auto kNotAutonomous = [](wire::PrefixInformation& option) { option.autonomous = false; };
const auto kNotOnLink = [](wire::PrefixInformation& option) { option.on_link = false; };

TEST(RouterDiscovery, OptionsMayComeInWhateverOrder) {
  COVERS("ND-4861-9");
  std::vector<std::size_t> order{0, 1, 2, 3};
  do {
    Listening node;
    const std::vector<Bytes> options{octets_of(wire::MtuOption{1300}), node.link_address(),
                                     node.information(kFirst),
                                     node.information(kSecond, 86'400, kNotAutonomous)};
    std::vector<Bytes> shuffled;
    for (const std::size_t i : order) shuffled.push_back(options[i]);
    node.tell(shuffled);
    EXPECT_EQ(node.on_link(), (std::set{kFirst, kSecond}));
    EXPECT_TRUE(kFirst.contains(node.world.care_of()));
    const auto neighbours = node.world.asked<machine::SetNeighbour>();
    ASSERT_EQ(neighbours.size(), 1U);
    EXPECT_EQ(neighbours[0].link_address, node.par.link_address);
    EXPECT_EQ(node.world.status().keys.size(), 1U);
  } while (std::ranges::next_permutation(order).found);
}

TEST(RouterDiscovery, WhatAnAdvertisementDoesNotSayStaysUntilItsTimerEnds) {
  COVERS("ND-4861-10");
  Listening node;
  World& world = node.world;
  node.tell({node.link_address(), node.information(kFirst, 600), node.information(kSecond, 900)});
  ASSERT_EQ(node.on_link(), (std::set{kFirst, kSecond}));
  const Ipv6Address address = world.care_of();
  ASSERT_TRUE(kFirst.contains(address));
  ASSERT_EQ(world.status().keys.size(), 1U);
  world.advance(seconds(300));
  node.tell({});
  EXPECT_EQ(node.on_link(), (std::set{kFirst, kSecond}));
  EXPECT_EQ(world.care_of(), address);
  EXPECT_EQ(world.status().keys.size(), 1U);
  EXPECT_EQ(world.asked<machine::SetNeighbour>().size(), 1U);
  EXPECT_EQ(world.status().links[0].router_global, node.par.global[0]);
  world.advance(seconds(299));
  EXPECT_EQ(node.on_link(), (std::set{kFirst, kSecond}));
  world.advance(seconds(1));
  EXPECT_EQ(node.on_link(), std::set{kSecond});
  EXPECT_TRUE(world.status().links[0].router);
  world.advance(seconds(300));
  EXPECT_EQ(node.on_link(), std::set<Prefix>{});
}

TEST(RouterDiscovery, AnAddressWhoseLifetimeEndsGoesWithItsKeys) {
  COVERS("ND-4862-27");
  for (const bool host_is_first : {false, true}) {
    Listening node;
    World& world = node.world;
    node.tell({node.link_address(), node.information(kFirst, 600)});
    const Ipv6Address address = world.care_of();
    ASSERT_TRUE(kFirst.contains(address));
    ASSERT_EQ(world.status().keys.size(), 1U);
    world.advance(seconds(599));
    node.tell({});
    ASSERT_EQ(world.care_of(), address);
    world.forget_output();
    if (host_is_first) {
      world.now.boot += milliseconds(900);
      world.event(machine::AddressChanged{kLink, address, machine::AddressChanged::What::kRemoved});
      EXPECT_TRUE(node.formed().empty()) << "it must not be put back";
    }
    world.advance(seconds(1));
    EXPECT_TRUE(world.care_of().is_unspecified());
    EXPECT_TRUE(node.formed().empty());
    const auto removed = world.asked<machine::RemoveAddress>();
    ASSERT_EQ(removed.size(), 1U);
    EXPECT_EQ(removed[0].address, address);
    EXPECT_TRUE(world.status().keys.empty());
    EXPECT_EQ(world.events_of(EventKind::kKeyDiscarded), 1U);
    EXPECT_EQ(world.forgotten.size(), 1U);
    EXPECT_TRUE(world.order(machine::RequestKey{}).error() == machine::OrderError::kNoAddress);
    for (const auto& transmit : world.sent)
      EXPECT_NE(wire::PacketView::parse(transmit.packet)->header.source, address);
    // Told again, it is formed again, with a key.
    node.tell({node.information(kFirst, 600)});
    EXPECT_EQ(world.care_of(), address);
    EXPECT_EQ(world.status().keys.size(), 1U);
  }
}

TEST(RouterDiscovery, ARouterHasSixteenPrefixesAtMost) {
  Listening node;
  for (int i = 0; i < 20; ++i) {
    const std::string prefix = "2001:db8:b:" + std::to_string(i) + "::/64";
    node.tell({node.information(Prefix::literal(prefix), 1000, kNotAutonomous)});
    node.world.advance(seconds(1));
    EXPECT_EQ(node.on_link().size(), static_cast<std::size_t>(std::min(i + 1, 16))) << prefix;
  }
}

TEST(RouterDiscovery, AnOnLinkPrefixIsAddedExtendedAndRemovedAsItsOptionSays) {
  COVERS("ND-4861-67");
  const auto on_link = [](const Prefix& prefix, std::uint32_t valid_s) {
    return [=](Listening& node) { node.tell({node.information(prefix, valid_s, kNotAutonomous)}); };
  };
  const auto silent = [](const Prefix& prefix, std::uint32_t valid_s) {
    return [=](Listening& node) {
      node.tell({node.information(prefix, valid_s, [](wire::PrefixInformation& option) {
        option.autonomous = option.on_link = false;
      })});
    };
  };
  const auto wait = [](std::int64_t time_s) {
    return [=](Listening& node) { node.world.advance(seconds(time_s)); };
  };
  using Step = std::function<void(Listening&)>;
  struct Case {
    const char* what;
    std::vector<Step> steps;
    bool there;
  };
  const std::vector<Case> cases{
      {"new", {on_link(kFirst, 100)}, true},
      {"new and unlimited", {on_link(kFirst, 0xffffffff), wait(1799)}, true},
      {"unknown and without lifetime", {on_link(kFirst, 0)}, false},
      {"not said to be on-link", {silent(kFirst, 100)}, false},
      {"over", {on_link(kFirst, 100), wait(100)}, false},
      {"extended", {on_link(kFirst, 100), wait(50), on_link(kFirst, 100), wait(99)}, true},
      {"shortened", {on_link(kFirst, 1000), on_link(kFirst, 10), wait(10)}, false},
      {"taken back", {on_link(kFirst, 1000), on_link(kFirst, 0)}, false},
      {"said without L", {on_link(kFirst, 1000), silent(kFirst, 1000)}, true},
      {"said without L and lifetime", {on_link(kFirst, 1000), silent(kFirst, 0)}, true},
      {"said without L, its own time",
       {on_link(kFirst, 100), silent(kFirst, 900), wait(100)},
       false},
  };
  for (const Case& each : cases) {
    Listening node;
    for (const Step& step : each.steps) step(node);
    EXPECT_EQ(node.on_link().contains(kFirst), each.there) << each.what;
    EXPECT_TRUE(node.world.status().links[0].router) << each.what;
  }
  Listening node;
  node.tell({node.information(send::link_local_prefix(), 1000, kNotAutonomous)});
  EXPECT_TRUE(node.on_link().empty());
}

TEST(RouterDiscovery, OfWhichPrefixesAddressesAreFormed) {
  COVERS("ND-4862-20", "ND-4862-21");
  const auto told = [](const std::function<Bytes(const Listening&)>& option) {
    Listening node;
    node.tell({option(node)});
    EXPECT_TRUE(node.world.status().links[0].router);
    return std::pair(node.formed().size(), node.on_link().size());
  };
  using Pair = std::pair<std::size_t, std::size_t>;
  const auto plain = [](const Prefix& prefix) {
    return [=](const Listening& node) { return node.information(prefix); };
  };
  EXPECT_EQ(told(plain(kFirst)), Pair(1, 1));
  EXPECT_EQ(told([](const auto& node) { return node.information(kFirst, 1000, kNotAutonomous); }),
            Pair(0, 1));
  EXPECT_EQ(told(plain(send::link_local_prefix())), Pair(0, 0));
  EXPECT_EQ(told([](const auto& node) {
              return node.information(kFirst, 1000, [](wire::PrefixInformation& option) {
                option.preferred_lifetime_s = 1001;
              });
            }),
            Pair(0, 0));
  EXPECT_EQ(told(plain(Prefix::literal("2001:db8:b::/56"))), Pair(0, 1));
  EXPECT_EQ(told(plain(Prefix::literal("2001:db8:b:7::/65"))), Pair(0, 1));
}

TEST(RouterDiscovery, AnAddressIsFormedWithTheAdvertisedLifetimes) {
  COVERS("ND-4862-22", "ND-4862-2");
  Listening node;
  World& world = node.world;
  const auto link_local = world.asked<machine::AddAddress>();
  ASSERT_EQ(link_local.size(), 1U);
  EXPECT_EQ(link_local[0].address, world.config.identity.address(Prefix::literal("fe80::/64")));
  const Bytes parameters = world.config.identity.parameters(Prefix::literal("fe80::/64")).octets();
  EXPECT_TRUE(cga::verify(link_local[0].address, *cga::ParametersView::parse(parameters)));
  EXPECT_FALSE(link_local[0].valid || link_local[0].preferred);  // for ever

  world.hold_outcome = [](const machine::ActionKind& action) {
    return std::holds_alternative<machine::AddAddress>(action);
  };
  node.tell({node.information(kFirst, 900, [](wire::PrefixInformation& option) {
    option.preferred_lifetime_s = 700;
    EXPECT_TRUE(option.router_address);  // the address in it is the router's
  })});
  ASSERT_EQ(node.formed().size(), 1U);
  EXPECT_EQ(node.formed()[0].address, world.config.identity.address(kFirst));
  EXPECT_EQ(node.formed()[0].dad, machine::DadMode::kNormal);
  EXPECT_EQ(node.formed()[0].valid, seconds(900));
  EXPECT_EQ(node.formed()[0].preferred, seconds(700));
  EXPECT_TRUE(world.care_of().is_unspecified());
  EXPECT_TRUE(world.solicitations().empty());
  world.give_outcomes();  // DAD has ended
  EXPECT_EQ(world.care_of(), node.formed()[0].address);

  Listening none;
  none.tell({none.information(kFirst, 0)});
  EXPECT_TRUE(none.formed().empty());
}

TEST(RouterDiscovery, APreferredLifetimeOfNothingDeprecatesAtOnce) {
  COVERS("ND-4862-23");
  Listening node;
  node.tell({node.information(kFirst, 9000)});
  ASSERT_EQ(node.formed().back().preferred, seconds(9000));
  const auto prefer = [&](std::uint32_t preferred_s) {
    node.tell({node.information(kFirst, 9000, [&](wire::PrefixInformation& option) {
      option.preferred_lifetime_s = preferred_s;
    })});
    EXPECT_EQ(node.formed().back().valid, seconds(9000));
    return node.formed().back().preferred;
  };
  EXPECT_EQ(prefer(0), Duration{});
  EXPECT_EQ(prefer(5000), seconds(5000));
  EXPECT_EQ(prefer(100), seconds(100));
}

TEST(RouterDiscovery, FormsAddressesUnlessToldNotTo) {
  COVERS("ND-4862-19");
  Listening fresh;
  fresh.tell({fresh.information(kFirst)});
  EXPECT_EQ(fresh.formed().size(), 1U);
  mobile::Config config = mobile_config();
  config.form_addresses = false;
  Listening off(config);
  off.tell({off.information(kFirst)});
  EXPECT_TRUE(off.formed().empty());
  EXPECT_EQ(off.on_link(), std::set{kFirst});
  EXPECT_TRUE(off.world.status().links[0].router);
}

TEST(RouterDiscovery, ALifetimeMakesKeepsAndEndsARouter) {
  COVERS("ND-4861-62");
  Listening node;
  World& world = node.world;
  const auto router = [&] { return world.status().links[0].router; };
  node.tell({}, 0);
  EXPECT_FALSE(router());
  node.tell({}, 100);
  EXPECT_EQ(router(), node.par.link_local);
  world.advance(seconds(60));
  node.tell({}, 100);
  world.advance(seconds(99));
  EXPECT_TRUE(router());
  // Nobody else's word, and none that is not signed, ends it.
  Seal plain = world.seal();
  plain.signature = plain.cga = plain.timestamp = false;
  world.deliver(node.par.secured(node.advertisement({}, 0), kAllNodes, plain));
  EXPECT_TRUE(router());
  node.tell({}, 100);
  node.tell({}, 0);
  EXPECT_FALSE(router());
  node.tell({}, 100);
  world.advance(seconds(100));
  EXPECT_FALSE(router());
}

TEST(RouterDiscovery, RoutersBesideTheFirstAreKept) {
  COVERS("ND-4861-63");
  Listening node;
  World& world = node.world;
  const std::vector<Bytes> path{certificate("ca"), certificate("good-two-prefixes")};
  const FakeRouter second("ar-2048", path, {kFirst}, 8);
  const FakeRouter third("ar-2048", path, {kFirst}, 9);
  node.tell({node.information(kFirst)});
  for (const FakeRouter* other : {&second, &third}) {
    world.advance(milliseconds(100));
    world.deliver(other->secured(node.advertisement({}), kAllNodes, world.seal()));
  }
  const auto defaults = [&] {
    std::vector<Ipv6Address> found;
    for (const auto& route : world.asked<machine::SetRoute>())
      if (route.gateway && route.present) found.push_back(*route.gateway);
    return found;
  };
  EXPECT_EQ(world.status().links[0].router, node.par.link_local);
  world.answer_rs = false;
  node.tell({}, 0);
  EXPECT_EQ(world.status().links[0].router, second.link_local);
  world.advance(milliseconds(100));
  world.deliver(second.secured(node.advertisement({}, 0), kAllNodes, world.seal()));
  EXPECT_EQ(world.status().links[0].router, third.link_local);
  EXPECT_EQ(defaults(), (std::vector{node.par.link_local, second.link_local, third.link_local}));
}

TEST(RouterDiscovery, ARouterWithACertifiedPrefixIsPreferred) {
  COVERS("SND-7.3-8");
  const Prefix uncertified = Prefix::literal("2001:db8:c::/64");
  for (const bool bare :
       {false, true}) {  // it advertises none at all, or one that is not certified
    Listening node;
    World& world = node.world;
    world.answer_rs = false;
    const FakeRouter other("ar-2048", {certificate("ca"), certificate("good-two-prefixes")},
                           {kFirst}, 8);
    const auto router = [&] { return world.status().links.at(0).router; };
    const auto tell_other = [&](const std::vector<Bytes>& options) {
      world.advance(milliseconds(100));
      world.deliver(other.secured(node.advertisement(options), kAllNodes, world.seal()));
      world.advance(milliseconds(5));
    };
    node.tell(bare ? std::vector<Bytes>{} : std::vector<Bytes>{node.information(uncertified)});
    EXPECT_EQ(router(), node.par.link_local);  // better than none
    EXPECT_TRUE(world.care_of().is_unspecified());
    tell_other({node.information(uncertified)});
    EXPECT_EQ(router(), node.par.link_local);  // no better
    wire::PrefixInformation information = other.information(kFirst);
    information.router_address = true;
    tell_other({octets_of(information)});
    EXPECT_EQ(router(), other.link_local);
    EXPECT_TRUE(kFirst.contains(world.care_of()));
    node.tell({});
    EXPECT_EQ(router(), other.link_local);
    // Both have one: the node stays.
    node.tell({node.information(kSecond)});
    EXPECT_EQ(router(), other.link_local);
  }
}

TEST(RouterDiscovery, WithoutALinkLayerAddressNoNeighbourIsMade) {
  Listening node;
  node.tell({node.information(kFirst)});
  EXPECT_TRUE(node.world.status().links[0].router);
  EXPECT_TRUE(node.world.asked<machine::SetNeighbour>().empty());
  node.tell(
      {octets_of(wire::LinkAddressOption{OptionType::kTargetLinkAddress, node.par.link_address})});
  EXPECT_TRUE(node.world.asked<machine::SetNeighbour>().empty());
  node.tell({node.link_address()});
  EXPECT_EQ(node.world.asked<machine::SetNeighbour>().size(), 1U);
}

// --- questions

struct Asking {
  explicit Asking(const mobile::Config& config = mobile_config()) : world(config) {
    world.answer_rs = false;
    world.routers = {&par};
    world.up();
    world.advance(Duration{});
  }
  [[nodiscard]] std::vector<Duration> times() const {
    std::vector<Duration> found;
    for (std::size_t i = 0; i < world.sent.size(); ++i)
      if (world.sent[i].packet[40] == 133) found.push_back(world.sent_at[i] - begin);
    return found;
  }
  FakeRouter par = previous_router();
  World world;
  Instant begin = world.now.boot;
};

TEST(RouterSolicitation, GoesToAllRoutersAndNamesNoLinkFromTheUnspecifiedAddress) {
  COVERS("ND-4861-22", "ND-4861-23", "ND-4861-24");
  Asking node;
  node.world.advance(seconds(80));
  std::size_t from_nobody = 0;
  ASSERT_EQ(node.world.sent.size(), 5U);
  for (const auto& transmit : node.world.sent) {
    const auto packet = wire::PacketView::parse(transmit.packet);
    EXPECT_EQ(packet->header.hop_limit, 255);
    EXPECT_EQ(packet->header.destination, kAllRouters);
    EXPECT_EQ(packet->upper[0], 133);
    EXPECT_EQ(packet->upper[1], 0);
    EXPECT_TRUE(equal(packet->upper.subspan(4, 4), Bytes(4)));
    EXPECT_TRUE(wire::icmpv6_checksum_ok(packet->header.source, kAllRouters, packet->upper));
    const auto link = find_option(transmit.packet, OptionType::kSourceLinkAddress);
    if (packet->header.source.is_unspecified()) {
      ++from_nobody;
      EXPECT_FALSE(link);
      continue;
    }
    EXPECT_EQ(packet->header.source,
              node.world.config.identity.address(Prefix::literal("fe80::/64")));
    EXPECT_TRUE(link);
    EXPECT_TRUE(signed_properly(transmit.packet));
  }
  EXPECT_EQ(from_nobody, 2U);
}

TEST(RouterSolicitation, ItsTimesAreThoseOfRfc4861) {
  COVERS("ND-4861-86", "ND-4861-26");
  mobile::Config config = mobile_config();
  config.discovery = {};
  std::set<Duration> first;
  for (int i = 0; i < 50; ++i) {
    Asking node(config);
    for (int skipped = 0; skipped < i; ++skipped) {  // the random source goes on
      node.world.down();
      node.world.forget_output();
      node.world.up();
    }
    node.world.advance(seconds(12));
    const auto times = node.times();
    ASSERT_GE(times.size(), 3U);
    first.insert(times[0]);
    EXPECT_LE(times[0], seconds(1));
    EXPECT_EQ(times[1] - times[0], seconds(4));
    EXPECT_EQ(times[2] - times[1], seconds(4));
  }
  EXPECT_GT(first.size(), 40U);
  EXPECT_LT(*first.begin(), milliseconds(200));
  EXPECT_GT(*first.rbegin(), milliseconds(800));
  EXPECT_EQ(config.discovery.max_solicitations, 3U);
}

TEST(RouterSolicitation, EndsWithAValidAdvertisementAndNoOther) {
  COVERS("ND-4861-28");
  Asking node;
  World& world = node.world;
  ASSERT_EQ(node.times().size(), 1U);
  Seal plain = world.seal();
  plain.signature = plain.cga = plain.timestamp = false;
  world.deliver(node.par.router_advertisement(kAllNodes, plain, {}));
  Seal bad = world.seal();
  bad.on_the_wire = [](Bytes& packet) {
    packet[packet.size() - 8] ^= 1;
    repair_checksum(packet);
  };
  world.deliver(node.par.router_advertisement(kAllNodes, bad, {}));
  world.advance(seconds(4));
  EXPECT_EQ(node.times().size(), 2U);
  world.deliver(node.par.router_advertisement(kAllNodes, world.seal(), {}));
  ASSERT_TRUE(world.status().links[0].router);
  world.advance(seconds(1799));
  EXPECT_EQ(node.times().size(), 2U);
  world.advance(seconds(1));  // the router's lifetime has ended
  EXPECT_EQ(node.times().size(), 3U);
}

TEST(RouterSolicitation, OneIsSentThoughARouterWasHeardBefore) {
  COVERS("ND-4861-29");
  mobile::Config config = mobile_config();
  config.discovery.first_delay_max = seconds(1);
  Listening node(config);
  World& world = node.world;
  ASSERT_EQ(world.sent_of_type(133), 0U);
  world.deliver(
      node.par.secured(node.advertisement({node.information(kFirst)}), kAllNodes, world.seal()));
  world.advance(milliseconds(1));
  ASSERT_EQ(world.status().links.at(0).router, node.par.link_local);
  ASSERT_EQ(world.sent_of_type(133), 0U);
  world.advance(seconds(1));
  EXPECT_EQ(world.sent_of_type(133), 1U);
  for (int i = 0; i < 3; ++i) node.tell({node.information(kFirst)});
  world.advance(seconds(600));
  EXPECT_EQ(world.sent_of_type(133), 1U);
}

TEST(RouterSolicitation, UnansweredThereIsNoRouterUntilOneComes) {
  COVERS("ND-4861-30");
  Asking node;
  World& world = node.world;
  world.advance(seconds(9));
  ASSERT_EQ(node.times().size(), 3U);
  EXPECT_FALSE(world.status().links[0].router);
  EXPECT_EQ(world.order(machine::RequestKey{}).error(), machine::OrderError::kNoRouter);
  world.advance(seconds(51));
  world.deliver(node.par.router_advertisement(kAllNodes, world.seal(), {}));
  EXPECT_EQ(world.status().links[0].router, node.par.link_local);
}

TEST(RouterDiscovery, WithoutAnAnchorNoAdvertisementIsSecured) {
  COVERS("CRT-6494-9");
  for (const bool anchored : {true, false}) {
    mobile::Config config = mobile_config();
    config.request_keys = anchored;
    if (!anchored) config.paths.anchors = anchors({});
    Attached node(config);
    World& world = node.world;
    // Signed by a certified router, whose path it would tell whoever asked for it.
    for (int i = 0; i < 3; ++i) {
      world.deliver(node.par.router_advertisement(kAllNodes, world.seal(), {}));
      world.advance(seconds(16));
    }
    const auto link = world.status().links[0];
    EXPECT_EQ(link.certified_as.empty(), !anchored);
    EXPECT_EQ(link.router.has_value(), anchored);
    EXPECT_EQ(world.care_of().is_unspecified(), !anchored);
    EXPECT_EQ(world.sent_of_type(148) > 0, anchored);
    if (anchored) continue;
    const auto* warning = world.last(EventKind::kWarning);
    ASSERT_NE(warning, nullptr);
    EXPECT_NE(warning->text("text").find("no router will be believed"), std::string_view::npos);
  }
}

TEST(RouterSolicitation, OfOthersSaysNothingToAHost) {
  COVERS("ND-4861-14");
  Attached node;
  World& world = node.world;
  world.forget_output();
  const Peer other(signing_key("mn-2048"), "2001:db8:a:1::/64", "02:00:5e:00:53:42");
  Craft craft = other.router_solicitation(world.now);
  world.deliver(craft.packet(), other.link_address());
  craft.signer.reset();
  craft.cga_parameters.reset();
  world.deliver(craft.packet(), other.link_address());
  world.advance(seconds(10));
  EXPECT_TRUE(world.trace.empty()) << world.trace.front();
}

TEST(RouterSolicitation, AHostSendsNeitherAdvertisementsNorRedirects) {
  COVERS("ND-4861-34");
  Attached node;
  World& world = node.world;
  world.answer_fbu = true;
  ASSERT_TRUE(world.order(machine::HandOver{kApNext}));
  world.advance(seconds(2));
  world.roam({&node.nar}, kApNext);
  world.advance(seconds(30));
  EXPECT_EQ(world.status().links[0].router, node.nar.link_local) << world.account();
  world.move({&node.par});
  world.answer_rs = false;
  world.advance(seconds(4000));
  ASSERT_GT(world.sent.size(), 10U);
  EXPECT_GT(world.sent_of_type(133), 0U);
  EXPECT_EQ(world.sent_of_type(134), 0U);
  EXPECT_EQ(world.sent_of_type(137), 0U);
}

}  // namespace
}  // namespace sendoff::test
