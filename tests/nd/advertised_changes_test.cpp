// What becomes of a router's advertisements when it is asked, or when what it has to say changes
// (RFC 4861 6.2.4, 6.2.6, 6.2.8).
#include "nd/advertiser.h"
#include "router/router_fixture.h"

namespace sendoff::test {
namespace {

class AdvertisedChanges : public RouterTest {
 protected:
  struct Seen {
    Instant at;
    Bytes packet;

    [[nodiscard]] bool to_all() const {
      return Ipv6Address::from(ByteView(packet).subspan(24, 16)) == kAllNodes;
    }
    [[nodiscard]] Ipv6Address source() const {
      return Ipv6Address::from(ByteView(packet).subspan(8, 16));
    }
    [[nodiscard]] std::uint16_t lifetime_s() const {
      return wire::RouterAdvertisement::parse(ByteView(packet).subspan(40))->router_lifetime_s;
    }
    [[nodiscard]] std::size_t prefixes() const {
      return static_cast<std::size_t>(std::ranges::count(
          options_of(packet), wire::OptionType::kPrefixInformation, &wire::RawOption::type));
    }
  };
  static constexpr Duration kStep = milliseconds(1);

  // What was sent since the last call.
  std::vector<Seen> seen() {
    std::vector<Seen> found;
    for (const machine::Transmit& transmit : bench.sent)
      if (transmit.packet[40] == 134) found.push_back({bench.now.boot, transmit.packet});
    bench.forget();
    return found;
  }
  // To all, each at the instant at which it left.
  std::vector<Seen> over(Duration duration) {
    std::vector<Seen> all;
    const Instant end = bench.now.boot + duration;
    while (bench.now.boot < end) {
      const Duration left = end - bench.now.boot;
      bench.advance(std::min(left, std::max(router->next_deadline() - bench.now.boot, kStep)));
      for (Seen& each : seen())
        if (each.to_all()) all.push_back(std::move(each));
    }
    return all;
  }
  // Past the first advertisements, at the moment of a later one.
  void settle() {
    start();
    (void)over(seconds(60));
    while (over(seconds(1)).empty()) continue;
  }
};

TEST_F(AdvertisedChanges, AnAnswerToAllTakesThePlaceOfTheNextOneAndOneToANodeDoesNot) {
  COVERS("ND-4861-53");
  for (int i = 0; i < 5; ++i) {
    settle();
    const router::Interface& interface = config.interfaces[0];
    bench.advance(router->next_deadline() - bench.now.boot - seconds(5));
    ASSERT_TRUE(seen().empty());
    receive(from_unspecified(), mn);
    const auto answer_to_all = over(seconds(4));
    ASSERT_EQ(answer_to_all.size(), 1u);
    const auto next = over(interface.max_ra_interval);
    ASSERT_GE(next.size(), 1u);
    EXPECT_GE(next[0].at, answer_to_all[0].at + interface.min_ra_interval);

    settle();
    const Instant due = router->next_deadline();
    bench.advance(seconds(10));
    receive(mn.router_solicitation(bench.now), mn);
    const auto answer = seen();
    ASSERT_EQ(answer.size(), 1u);
    EXPECT_EQ(Ipv6Address::from(ByteView(answer[0].packet).subspan(24, 16)), mn.link_local());
    EXPECT_EQ(router->next_deadline(), due);
    const auto periodic = over(due - bench.now.boot);
    ASSERT_EQ(periodic.size(), 1u);
    EXPECT_EQ(periodic[0].at, due);
  }
}

TEST_F(AdvertisedChanges, AMorePrefixIsToldSoonThreeTimes) {
  COVERS("ND-4861-90");
  settle();
  bench.advance(seconds(20));
  ASSERT_TRUE(seen().empty());
  bench.hold_outcome = [](const machine::Action& action) {
    return std::holds_alternative<machine::AddAddress>(action.what);
  };
  config.interfaces[0].prefixes.push_back({Prefix::literal("2001:db8:a:9::/64")});
  const Instant reloaded = bench.now.boot;
  ASSERT_TRUE(router->handle(bench.now, config));
  bench.host(machine::MtuChanged{{0}, 1500});  // nothing new
  EXPECT_TRUE(over(seconds(1)).empty());       // DAD goes on
  ASSERT_EQ(bench.unanswered.size(), 1u);
  bench.answer(bench.unanswered[0]);
  const auto told = over(seconds(1200));
  ASSERT_GE(told.size(), 5u);
  EXPECT_LE(told[0].at, reloaded + seconds(16));
  for (std::size_t i = 0; i < told.size(); ++i) {
    EXPECT_EQ(told[i].prefixes(), 2u);
    EXPECT_TRUE(signed_properly(told[i].packet));
    if (i == 0) continue;
    const Duration interval = told[i].at - told[i - 1].at;
    if (i <= 3)
      EXPECT_LE(interval, seconds(16)) << i;
    else
      EXPECT_GE(interval, config.interfaces[0].min_ra_interval) << i;
  }
  EXPECT_EQ(router->status(bench.now).interfaces[0].addresses.size(), 2u);
}

TEST_F(AdvertisedChanges, OtherChangesOfPrefixesAreRefusedWhole) {
  settle();
  const router::Config as_it_was = config;
  auto& prefixes = config.interfaces[0].prefixes;
  prefixes.insert(prefixes.begin(), {Prefix::literal("2001:db8:a:9::/64")});
  EXPECT_FALSE(router->handle(bench.now, config));
  prefixes.clear();
  EXPECT_FALSE(router->handle(bench.now, config));
  EXPECT_TRUE(router->handle(bench.now, as_it_was));
  for (const Seen& each : over(seconds(600))) EXPECT_EQ(each.prefixes(), 1u);
}

TEST_F(AdvertisedChanges, TheLinkLayerAddressIsLeftOutWhereThatIsConfigured) {
  COVERS("ND-4861-41");
  const auto told = [&] {
    std::vector<std::optional<Bytes>> options;
    bench.advance(seconds(4));
    receive(mn.router_solicitation(bench.now), mn);
    for (const Seen& each : seen()) {
      EXPECT_TRUE(signed_properly(each.packet));
      options.push_back(find_option(each.packet, wire::OptionType::kSourceLinkAddress));
    }
    EXPECT_EQ(options.size(), 2u);  // to all and to the node
    return options;
  };
  start();
  for (const auto& option : told())
    EXPECT_EQ(option, octets_of(wire::LinkAddressOption{wire::OptionType::kSourceLinkAddress,
                                                        kRouterLink}));
  config.interfaces[0].tell_link_address = false;
  ASSERT_TRUE(router->handle(bench.now, config));
  for (const auto& option : told()) EXPECT_EQ(option, std::nullopt);
}

TEST_F(AdvertisedChanges, WithAnotherKeyTheOldAddressIsWithdrawnAndTheNewOneAdvertised) {
  COVERS("ND-4861-60");
  settle();
  const Ipv6Address old = ar_link_local();
  config.interfaces[0].identity.key = signing_key("ar2-2048");
  ASSERT_NE(ar_link_local(), old);
  EXPECT_FALSE(router->handle(bench.now, config));  // a restart
  bench.host(machine::Ending{});
  const auto last = seen();
  ASSERT_GE(last.size(), 1u);
  for (const Seen& each : last) {
    EXPECT_EQ(each.source(), old);
    EXPECT_TRUE(each.to_all());
    EXPECT_EQ(each.lifetime_s(), 0);
    EXPECT_TRUE(signed_properly(each.packet));
  }
  start();
  const auto first = over(seconds(40));
  ASSERT_GE(first.size(), 3u);
  for (const Seen& each : first) {
    EXPECT_EQ(each.source(), ar_link_local());
    EXPECT_EQ(each.lifetime_s(), config.interfaces[0].advertised.router_lifetime_s);
    EXPECT_TRUE(signed_properly(each.packet));
  }
}

}  // namespace
}  // namespace sendoff::test
