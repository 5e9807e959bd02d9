// The router's advertisements (RFC 4861 6.2, RFC 6275 7.2, GS2, GS3) as an access router sends
// them.
#include "nd/advertiser.h"

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
  [[nodiscard]] Craft from_unspecified() const {
    Craft craft = mn.router_solicitation(bench.now);
    craft.source = Ipv6Address{};
    craft.options.clear();
    craft.cga_parameters.reset();
    craft.signer.reset();
    return craft;
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
  start();
  bench.advance(seconds(4));
  bench.forget();
  bench.host(machine::Ending{});
  ASSERT_EQ(advertisements().size(), 1u);
  const auto last = wire::RouterAdvertisement::parse(ByteView(advertisements()[0]).subspan(40));
  ASSERT_TRUE(last.has_value());
  EXPECT_EQ(last->router_lifetime_s, 0);
  EXPECT_TRUE(signed_properly(advertisements()[0]));
}

}  // namespace
}  // namespace sendoff::test
