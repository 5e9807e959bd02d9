// The router's advertisements (RFC 4861 6.2, RFC 6275 7.2, GS2, GS3) as an access router sends
// them.
#include "nd/advertiser.h"

#include <set>

#include "router/router_fixture.h"

namespace sendoff::test {
namespace {

class Advertiser : public RouterTest {
 protected:
  [[nodiscard]] std::vector<Bytes> advertisements() const {
    std::vector<Bytes> found;
    for (const auto& transmit : bench.sent)
      if (transmit.packet[40] == 134) found.push_back(transmit.packet);
    return found;
  }
  static Ipv6Address destination(const Bytes& packet) {
    return Ipv6Address::from(ByteView(packet).subspan(24, 16));
  }
  static bool has_nonce(const Bytes& packet) {
    return find_option(packet, wire::OptionType::kNonce).has_value();
  }
  // Past the first, initial advertisement.
  void settle() {
    start();
    bench.advance(seconds(4));
    bench.forget();
  }
};

// Else all who heard it before would refuse it (RFC 3971 5.3.4.2), and it were no router to them.
TEST_F(Advertiser, AfterItsClockWasSetBackItsTimestampsStillGoOn) {
  const auto date = [](const Bytes& packet) {
    const auto option = find_option(packet, wire::OptionType::kTimestamp);
    return wire::TimestampOption::parse(*option)->value;
  };
  start();
  bench.advance(seconds(4));
  ASSERT_FALSE(advertisements().empty());
  const std::uint64_t before = date(advertisements().back());
  bench.forget();
  bench.now.utc -= seconds(90);
  bench.advance(seconds(20));  // the next initial one
  ASSERT_FALSE(advertisements().empty());
  EXPECT_GT(date(advertisements().front()), before);
}

TEST_F(Advertiser, EveryAdvertisementNamesTheRoutersAddressUnderEveryPrefix) {
  COVERS("FH-6275-50");
  config.interfaces[0].prefixes.push_back({Prefix::literal("2001:db8:a:9::/64"), 500, 400});
  start();
  bench.advance(seconds(700));
  ASSERT_GE(advertisements().size(), 2u);
  for (const Bytes& packet : advertisements()) {
    EXPECT_TRUE(signed_properly(packet));
    EXPECT_EQ(destination(packet), kAllNodes);
    EXPECT_FALSE(has_nonce(packet));
    std::vector<Ipv6Address> addresses;
    for (const wire::RawOption& option : options_of(packet)) {
      if (option.type != wire::OptionType::kPrefixInformation) continue;
      EXPECT_EQ(option.octets[3], 0xe0);
      const auto information = wire::PrefixInformation::parse(option.octets);
      addresses.push_back(information->address);
      EXPECT_EQ(information->prefix_length, 64);
      EXPECT_EQ(information->prefix(), config.interfaces[0].prefixes[addresses.size() - 1].prefix);
    }
    const auto& identity = config.interfaces[0].identity;
    EXPECT_EQ(addresses, (std::vector{identity.address(Prefix::literal(kPrefix)),
                                      identity.address(Prefix::literal("2001:db8:a:9::/64"))}));
  }
}

TEST_F(Advertiser, ASecuredSolicitationGetsAUnicastAnswerWithItsNonce) {
  COVERS("SND-5.3.3-4");
  settle();
  const Craft craft = mn.router_solicitation(bench.now);
  receive(craft, mn);
  ASSERT_EQ(advertisements().size(), 1u);
  const Bytes packet = advertisements()[0];
  EXPECT_EQ(destination(packet), mn.link_local());
  EXPECT_EQ(find_option(packet, wire::OptionType::kNonce),
            octets_of(wire::NonceOption{*craft.nonce}));
  EXPECT_TRUE(signed_properly(packet));
}

TEST_F(Advertiser, ACopyOfASecuredSolicitationCausesNothing) {
  settle();
  const Craft craft = mn.router_solicitation(bench.now);
  receive(craft, mn);
  ASSERT_EQ(advertisements().size(), 1u);
  bench.forget();
  receive(craft, mn);
  bench.advance(seconds(4));
  EXPECT_TRUE(advertisements().empty());
  EXPECT_EQ(bench.counter("advertise", "ignored"), 1u);
}

TEST_F(Advertiser, BeyondTheBudgetOneMulticastWithoutNonceServesAll) {
  config.receiver.budget = {100, 100, 100};
  settle();
  for (int i = 0; i < 30; ++i) receive(mn.router_solicitation(bench.now), mn);
  EXPECT_EQ(advertisements().size(), 10u);
  bench.forget();
  bench.advance(seconds(3));
  ASSERT_EQ(advertisements().size(), 1u);
  EXPECT_EQ(destination(advertisements()[0]), kAllNodes);
  EXPECT_FALSE(has_nonce(advertisements()[0]));
}

TEST_F(Advertiser, AMulticastHasANonceOnlyForOneSolicitorFromUnspecified) {
  COVERS("SND-5.3.3-4");
  config.secured_only = true;
  settle();
  const Craft one = from_unspecified();
  receive(one, mn);
  bench.advance(seconds(3));
  ASSERT_EQ(advertisements().size(), 1u);
  EXPECT_EQ(find_option(advertisements()[0], wire::OptionType::kNonce),
            octets_of(wire::NonceOption{*one.nonce}));
  bench.forget();
  receive(from_unspecified(), mn);
  Craft second = from_unspecified();
  second.nonce = Bytes(6, 8);
  receive(second, mn);
  bench.advance(seconds(4));
  ASSERT_EQ(advertisements().size(), 1u);
  EXPECT_FALSE(has_nonce(advertisements()[0]));
  // Neither Nonce nor Timestamp: not in secured-only mode.
  bench.forget();
  Craft bare = from_unspecified();
  bare.nonce.reset();
  bare.timestamp.reset();
  receive(bare, mn);
  bench.advance(seconds(4));
  EXPECT_TRUE(advertisements().empty());
}

TEST_F(Advertiser, MulticastsKeepTheirDistance) {
  start();
  for (int i = 0; i < 50; ++i) {
    bench.host(machine::MtuChanged{{0}, 1500});
    bench.advance(milliseconds(100));
  }
  EXPECT_LE(advertisements().size(), 2u);
}

TEST_F(Advertiser, TheLastAdvertisementOfARouterThatEndsHasNoLifetime) {
  COVERS("ND-4861-51");
  start();
  bench.advance(seconds(4));
  bench.forget();
  bench.host(machine::Ending{});
  ASSERT_EQ(advertisements().size(), 1u);
  const auto last = wire::RouterAdvertisement::parse(ByteView(advertisements()[0]).subspan(40));
  EXPECT_EQ(destination(advertisements()[0]), kAllNodes);
  ASSERT_TRUE(last.has_value());
  EXPECT_EQ(last->router_lifetime_s, 0);
  EXPECT_TRUE(signed_properly(advertisements()[0]));
}

struct Told {
  wire::Ipv6Header ip;
  wire::RouterAdvertisement ra;
  std::vector<wire::PrefixInformation> prefixes;
  std::optional<std::uint32_t> mtu;
  std::optional<LinkAddress> link_address;
};

Told read(const Bytes& packet) {
  Told told;
  const auto view = wire::PacketView::parse(packet);
  told.ip = view->header;
  told.ra = *wire::RouterAdvertisement::parse(view->upper);
  for (const wire::RawOption& option : options_of(packet)) {
    if (const auto prefix = wire::PrefixInformation::parse(option.octets))
      told.prefixes.push_back(*prefix);
    if (const auto mtu = wire::MtuOption::parse(option.octets)) told.mtu = mtu->mtu;
    if (option.type == wire::OptionType::kSourceLinkAddress)
      told.link_address = wire::LinkAddressOption::parse(option.octets)->address;
  }
  return told;
}

TEST_F(Advertiser, AnAdvertisementSaysWhatItIsConfiguredToSay) {
  COVERS("ND-4861-35", "ND-4861-36", "ND-4861-42", "ND-4861-43", "ND-4861-46");
  start();
  bench.advance(seconds(4));
  ASSERT_FALSE(advertisements().empty());
  Told told = read(advertisements()[0]);
  EXPECT_EQ(ByteView(advertisements()[0])[40], 134);
  EXPECT_EQ(ByteView(advertisements()[0])[41], 0);
  EXPECT_EQ(told.ip.hop_limit, 255);
  EXPECT_EQ(told.ip.source, ar_link_local());
  EXPECT_EQ(told.ip.destination, kAllNodes);
  EXPECT_EQ(told.link_address, kRouterLink);
  EXPECT_EQ(told.ra.current_hop_limit, 64);
  EXPECT_EQ(told.ra.router_lifetime_s, 1800);
  EXPECT_FALSE(told.ra.managed || told.ra.other || told.ra.home_agent);
  EXPECT_EQ(told.ra.reachable_time_ms, 0u);
  EXPECT_EQ(told.ra.retransmission_timer_ms, 0u);
  EXPECT_EQ(told.mtu, std::nullopt);
  const Craft question = mn.router_solicitation(bench.now);
  bench.forget();
  receive(question, mn);
  const Told answer = read(advertisements().at(0));
  EXPECT_EQ(answer.ip.source, ar_link_local());
  EXPECT_EQ(answer.ip.destination, mn.link_local());
  EXPECT_EQ(answer.ip.hop_limit, 255);

  router::Interface& interface = config.interfaces[0];
  interface.advertised = {.router_lifetime_s = 1000,
                          .hop_limit = 50,
                          .managed = true,
                          .other = true,
                          .reachable_time_ms = 20'000,
                          .retransmission_timer_ms = 2'000,
                          .mtu = 1400};
  interface.prefixes = {{Prefix::literal(kPrefix)},
                        {.prefix = Prefix::literal("2001:db8:a:9::/64"),
                         .valid_lifetime_s = 500,
                         .preferred_lifetime_s = 400,
                         .on_link = false,
                         .autonomous = false,
                         .tell_router_address = false}};
  start();
  bench.advance(seconds(4));
  ASSERT_FALSE(advertisements().empty());
  told = read(advertisements()[0]);
  EXPECT_EQ(told.ra.current_hop_limit, 50);
  EXPECT_EQ(told.ra.router_lifetime_s, 1000);
  EXPECT_TRUE(told.ra.managed && told.ra.other);
  EXPECT_EQ(told.ra.reachable_time_ms, 20'000u);
  EXPECT_EQ(told.ra.retransmission_timer_ms, 2'000u);
  EXPECT_EQ(told.mtu, 1400u);
  ASSERT_EQ(told.prefixes.size(), 2u);
  EXPECT_TRUE(told.prefixes[0].on_link && told.prefixes[0].autonomous);
  EXPECT_TRUE(told.prefixes[0].router_address);
  EXPECT_EQ(told.prefixes[0].address, ar_global());
  EXPECT_EQ(told.prefixes[0].valid_lifetime_s, 2'592'000u);
  EXPECT_EQ(told.prefixes[0].preferred_lifetime_s, 604'800u);
  EXPECT_FALSE(told.prefixes[1].on_link || told.prefixes[1].autonomous);
  EXPECT_FALSE(told.prefixes[1].router_address);
  EXPECT_EQ(told.prefixes[1].address, Ipv6Address::literal("2001:db8:a:9::"));
  EXPECT_EQ(told.prefixes[1].valid_lifetime_s, 500u);
  EXPECT_EQ(told.prefixes[1].preferred_lifetime_s, 400u);
}

TEST_F(Advertiser, MorePrefixesThanFitALinkAreToldInSeveralMessages) {
  COVERS("ND-4861-48", "ND-6980-6");
  std::set<Prefix> all{Prefix::literal(kPrefix)};
  for (int i = 0; i < 39; ++i)
    config.interfaces[0].prefixes.push_back(
        {Prefix::literal("2001:db8:b:" + std::to_string(i) + "::/64")});
  for (const auto& each : config.interfaces[0].prefixes) all.insert(each.prefix);
  ASSERT_EQ(all.size(), 40u);
  settle();
  const Craft question = mn.router_solicitation(bench.now);
  receive(question, mn);
  ASSERT_GE(advertisements().size(), 2u);
  std::set<Prefix> told;
  for (const Bytes& packet : advertisements()) {
    EXPECT_LE(packet.size(), 1500u);
    EXPECT_TRUE(signed_properly(packet));
    EXPECT_EQ(read(packet).ra.router_lifetime_s, 1800);
    EXPECT_EQ(find_option(packet, wire::OptionType::kNonce),
              octets_of(wire::NonceOption{*question.nonce}));
    for (const auto& each : read(packet).prefixes) EXPECT_TRUE(told.insert(each.prefix()).second);
  }
  EXPECT_EQ(told, all);
}

TEST_F(Advertiser, AnswersAndTheFirstOfAllHaveEveryOption) {
  COVERS("ND-4861-47");
  config.interfaces[0].advertised.mtu = 1400;
  for (const char* prefix : {"2001:db8:a:8::/64", "2001:db8:a:9::/64"})
    config.interfaces[0].prefixes.push_back({Prefix::literal(prefix)});
  const auto told = [](const Bytes& packet) {
    std::vector<Bytes> options;
    for (const wire::RawOption& option : options_of(packet))
      if (static_cast<int>(option.type) <= 5) options.push_back(to_bytes(option.octets));
    return options;
  };
  start();
  bench.advance(seconds(60));
  ASSERT_GE(advertisements().size(), 3u);
  const std::vector<Bytes> first = told(advertisements()[0]);
  ASSERT_EQ(first.size(), 5u);  // link-layer address, MTU, prefixes
  for (std::size_t i = 0; i < config.interfaces[0].prefixes.size(); ++i)
    EXPECT_EQ(wire::PrefixInformation::parse(first[2 + i])->prefix(),
              config.interfaces[0].prefixes[i].prefix);
  for (std::size_t i = 1; i < 3; ++i) EXPECT_EQ(told(advertisements()[i]), first) << i;
  for (const Craft& question : {mn.router_solicitation(bench.now), from_unspecified()}) {
    bench.forget();
    receive(question, mn);
    bench.advance(seconds(4));
    ASSERT_EQ(advertisements().size(), 1u);
    EXPECT_EQ(told(advertisements()[0]), first);
  }
}

TEST_F(Advertiser, CertificatesAreShownWhereItAdvertises) {
  COVERS("SND-6.4.5-3");
  settle();
  Bytes message = octets_of(wire::CertificationPathSolicitation{7});
  append(message, wire::TrustAnchorOption{wire::TrustAnchorOption::NameType::kDerName,
                                          config.certification.anchor.subject_name});
  wire::seal_icmpv6(mn.link_local(), kAllRouters, message);
  const Bytes question = wire::icmpv6_packet(mn.link_local(), kAllRouters, message);
  const auto answers_on = [&](InterfaceId interface) {
    bench.advance(seconds(2));
    bench.forget();
    bench.receive(question, mn.link_address(), interface);
    std::size_t count = 0;
    for (const machine::Transmit& transmit : bench.sent)
      if (transmit.packet[40] == 149) {
        EXPECT_EQ(transmit.interface, interface);
        ++count;
      }
    return count;
  };
  EXPECT_EQ(answers_on({0}), config.certification.path.size());
  // One that it does not serve, though it is up.
  bench.host(machine::InterfaceUp{{1}, kRouterLink, 1500});
  EXPECT_EQ(answers_on({1}), 0u);
  bench.host(machine::InterfaceDown{{0}});
  EXPECT_EQ(answers_on({0}), 0u);
}

// When each advertisement left.
class Times : public Advertiser {
 protected:
  // In steps of 10 ms.
  std::vector<Instant> over(Duration duration, const std::function<void()>& each = [] {}) {
    std::vector<Instant> times;
    const Instant end = bench.now.boot + duration;
    while (bench.now.boot < end) {
      each();
      bench.forget();
      bench.advance(milliseconds(10));
      for (const Bytes& packet : advertisements())
        if (destination(packet) == kAllNodes) times.push_back(bench.now.boot);
    }
    return times;
  }
  static std::vector<Duration> intervals(const std::vector<Instant>& times) {
    std::vector<Duration> found;
    for (std::size_t i = 1; i < times.size(); ++i) found.push_back(times[i] - times[i - 1]);
    return found;
  }
};

TEST_F(Times, IntervalsAreDrawnBetweenTheirBounds) {
  COVERS("ND-4861-49");
  config.interfaces[0].min_ra_interval = seconds(3);
  config.interfaces[0].max_ra_interval = seconds(4);
  start();
  const auto found = intervals(over(seconds(710)));
  ASSERT_GE(found.size(), 200u);
  std::set<Duration> different;
  int below_the_middle = 0;
  for (const Duration interval : found) {
    EXPECT_GE(interval, seconds(3) - milliseconds(10));
    EXPECT_LE(interval, seconds(4) + milliseconds(10));
    different.insert(interval);
    if (interval < milliseconds(3500)) ++below_the_middle;
  }
  EXPECT_GT(different.size(), 30u);
  EXPECT_GT(below_the_middle, 60);
  EXPECT_LT(below_the_middle, 150);
}

TEST_F(Times, TheFirstAreCloseAndAtLeastThreeSecondsApart) {
  COVERS("ND-4861-85", "ND-4861-50");
  static_assert(nd::kMaxInitialAdvertisementInterval == seconds(16));
  static_assert(nd::kMaxInitialAdvertisements == 3);
  static_assert(nd::kMinDelayBetweenAdvertisements == seconds(3));
  static_assert(nd::kMaxAdvertisementDelay == milliseconds(500));
  start();
  const auto found = intervals(over(seconds(1300)));
  ASSERT_GE(found.size(), 5u);
  for (std::size_t i = 0; i < found.size(); ++i) {
    if (i < 3)
      EXPECT_LE(found[i], seconds(16) + milliseconds(10));
    else
      EXPECT_GE(found[i], seconds(198) - milliseconds(10));
  }
  bench.forget();
  bench.host(machine::Ending{});  // MAX_FINAL_RTR_ADVERTISEMENTS is 3
  EXPECT_GE(advertisements().size(), 1u);
  EXPECT_LE(advertisements().size(), 3u);
}

TEST_F(Times, AnswersWaitForARandomPartOfHalfASecond) {
  COVERS("ND-4861-54");
  config.interfaces[0].max_answer_delay = nd::kMaxAdvertisementDelay;
  settle();
  std::set<Duration> delays;
  for (int i = 0; i < 100; ++i) {
    receive(mn.router_solicitation(bench.now), mn);
    EXPECT_TRUE(advertisements().empty());
    const Instant asked = bench.now.boot;
    while (advertisements().empty()) {
      ASSERT_LE(bench.now.boot, asked + milliseconds(510)) << i;
      bench.advance(milliseconds(10));
    }
    EXPECT_EQ(destination(advertisements()[0]), mn.link_local());
    delays.insert(bench.now.boot - asked);
    bench.advance(seconds(1));
    bench.forget();
  }
  EXPECT_LE(*delays.begin(), milliseconds(60));
  EXPECT_GE(*delays.rbegin(), milliseconds(440));
  EXPECT_GT(delays.size(), 25u);
  // One to all as well, from the first that it answers.
  bench.advance(seconds(30));
  std::set<Duration> of_groups;
  for (int i = 0; i < 20; ++i) {
    bench.forget();
    receive(from_unspecified(), mn);
    const Instant asked = bench.now.boot;
    while (advertisements().empty()) {
      ASSERT_LE(bench.now.boot, asked + milliseconds(510));
      bench.advance(milliseconds(10));
    }
    of_groups.insert(bench.now.boot - asked);
    bench.advance(seconds(4));
  }
  EXPECT_GT(of_groups.size(), 8u);
}

TEST_F(Times, AFloodOfQuestionsHastensNoMulticast) {
  COVERS("ND-4861-55");
  config.receiver.budget = {1000, 1000, 100};
  start();
  int calls = 0;
  const auto found = intervals(over(seconds(60), [&] {
    if (calls++ % 10 == 0) receive(from_unspecified(), mn);
  }));
  EXPECT_GE(found.size(), 10u);
  for (const Duration interval : found) EXPECT_GE(interval, seconds(3) - milliseconds(10));
}

TEST_F(Times, AStormOfReloadsHastensNoMulticast) {
  COVERS("ND-4861-56");
  config.interfaces[0].min_ra_interval = seconds(60);
  config.interfaces[0].max_ra_interval = seconds(100);
  start();
  (void)over(seconds(400));
  // Nothing new, again and again.
  auto times = over(seconds(300), [&] { EXPECT_TRUE(router->handle(bench.now, config)); });
  for (const Duration interval : intervals(times))
    EXPECT_GE(interval, seconds(60) - milliseconds(10));
  // Each time something new: three are told soon, as the first ones are, in sixty seconds.
  times = over(seconds(600), [&] {
    config.interfaces[0].advertised.hop_limit ^= 1;
    EXPECT_TRUE(router->handle(bench.now, config));
  });
  for (std::size_t i = 0; i + 4 < times.size(); ++i)
    EXPECT_GE(times[i + 4] - times[i], seconds(60) - milliseconds(10)) << i;
  for (const Duration interval : intervals(times))
    EXPECT_GE(interval, seconds(3) - milliseconds(10));
}

TEST_F(Advertiser, ASolicitationFromUnspecifiedThatNamesALinkIsNotAnswered) {
  COVERS("ND-4861-13");
  settle();
  Craft craft = from_unspecified();
  craft.options.push_back(
      octets_of(wire::LinkAddressOption{wire::OptionType::kSourceLinkAddress, mn.link_address()}));
  receive(craft, mn);
  bench.advance(seconds(4));
  EXPECT_TRUE(advertisements().empty());
  EXPECT_EQ(bench.counter("send", "option-content"), 1u);
  receive(from_unspecified(), mn);
  bench.advance(seconds(4));
  EXPECT_EQ(advertisements().size(), 1u);
}

TEST_F(Advertiser, OnlyInterfacesThatAreNamedAreAdvertisedOn) {
  COVERS("ND-4861-31");
  const auto bring_up = [&] {
    router = std::make_unique<router::Router>(config, machine::Snapshot{}, random, bench.now);
    bench.attach(*router);
    for (const std::uint32_t interface : {0U, 1U})
      bench.host(machine::InterfaceUp{{interface}, kRouterLink, 1500});
    bench.forget();
    bench.advance(seconds(60));
  };
  const std::vector<router::Interface> named = std::exchange(config.interfaces, {});
  bring_up();
  EXPECT_TRUE(bench.sent.empty());
  config.interfaces = named;
  bring_up();
  EXPECT_FALSE(advertisements().empty());
  for (const machine::Transmit& transmit : bench.sent)
    EXPECT_EQ(transmit.interface, InterfaceId{0});
}

TEST_F(Advertiser, WithForwardingOffNothingSaysThatItIsADefaultRouter) {
  settle();
  const auto told_off = [&](bool forwarding) {
    bench.host(machine::ForwardingChanged{{0}, forwarding});
    bench.advance(seconds(4));  // told soon
    receive(mn.router_solicitation(bench.now), mn);
    receive(from_unspecified(), mn);
    bench.advance(seconds(700));
    std::set<std::uint16_t> lifetimes;
    std::set<Ipv6Address> destinations;
    for (const Bytes& packet : advertisements()) {
      EXPECT_TRUE(signed_properly(packet));
      EXPECT_EQ(read(packet).prefixes.size(), 1u);  // it is no less of a prefix
      lifetimes.insert(read(packet).ra.router_lifetime_s);
      destinations.insert(destination(packet));
    }
    EXPECT_EQ(destinations, (std::set{kAllNodes, mn.link_local()}));
    bench.sent.clear();
    return lifetimes;
  };
  EXPECT_EQ(told_off(false), std::set<std::uint16_t>{0});
  ASSERT_EQ(bench.reported(machine::EventKind::kWarning).size(), 1u);
  EXPECT_EQ(bench.reported(machine::EventKind::kWarning)[0]->text("interface"), "access0");
  // Neither a configuration nor the link's return makes one of it.
  config.interfaces[0].max_ra_interval = seconds(500);
  EXPECT_TRUE(router->handle(bench.now, config));
  bench.host(machine::InterfaceDown{{0}});
  bench.host(machine::InterfaceUp{{0}, kRouterLink, 1500});
  EXPECT_EQ(told_off(false), std::set<std::uint16_t>{0});
  EXPECT_EQ(told_off(true), std::set{config.interfaces[0].advertised.router_lifetime_s});
}

TEST_F(Advertiser, NothingIsAdvertisedFromAnAddressThatIsNotReady) {
  COVERS("ND-4861-32", "ND-4861-88");
  bench.hold_outcome = [](const machine::Action& action) {
    return std::holds_alternative<machine::AddAddress>(action.what);
  };
  const auto silent = [&] {
    bench.advance(seconds(30));
    receive(mn.router_solicitation(bench.now), mn);
    receive(from_unspecified(), mn);
    bench.advance(seconds(4));
    return advertisements().empty();
  };
  start();
  ASSERT_EQ(bench.unanswered.size(), 2u);  // DAD goes on
  EXPECT_TRUE(silent());
  const machine::ActionId of_link_local = bench.unanswered[0];
  bench.answer(bench.unanswered[1]);
  bench.answer(of_link_local, fail(machine::ActionError::kDuplicate));
  EXPECT_TRUE(silent());
  bench.answer(bench.unanswered.back());  // the address of the next collision count
  bench.advance(seconds(4));
  ASSERT_FALSE(advertisements().empty());
  EXPECT_EQ(read(advertisements()[0]).ip.source,
            config.interfaces[0].identity.address(send::link_local_prefix(), 1));
  bench.forget();
  bench.host(machine::InterfaceDown{{0}});
  EXPECT_TRUE(silent());
  // Three times in use: none at all.
  start();
  for (int i = 0; i < 3; ++i)
    bench.answer(bench.unanswered[bench.unanswered.size() - 2],
                 fail(machine::ActionError::kDuplicate));
  bench.forget();
  EXPECT_TRUE(silent());
}

}  // namespace
}  // namespace sendoff::test
