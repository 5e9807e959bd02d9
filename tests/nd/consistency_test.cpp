// Other routers of a link that say otherwise than the access router (RFC 4861 6.2.7).
#include "nd/consistency.h"

#include "router/router_fixture.h"

namespace sendoff::test {
namespace {

// As the router of the fixture says it, until a test bends it.
struct SaidByAnother {
  wire::RouterAdvertisement ra{.current_hop_limit = 50,
                               .managed = true,
                               .router_lifetime_s = 30,  // its own affair
                               .reachable_time_ms = 20'000,
                               .retransmission_timer_ms = 2'000};
  std::optional<std::uint32_t> mtu = 1400;
  wire::PrefixInformation prefix{.valid_lifetime_s = 86'400,
                                 .preferred_lifetime_s = 14'400,
                                 .address = Ipv6Address::literal("2001:db8:a:1::")};
};

class Consistency : public RouterTest {
 protected:
  Consistency() {
    config.interfaces[0].advertised = {.hop_limit = 50,
                                       .managed = true,
                                       .reachable_time_ms = 20'000,
                                       .retransmission_timer_ms = 2'000,
                                       .mtu = 1400};
  }
  // Secured.
  [[nodiscard]] Craft craft(const SaidByAnother& said, const Peer& by) const {
    Craft craft = by.router_solicitation(bench.now);
    craft.destination = kAllNodes;
    craft.head = octets_of(said.ra);
    craft.nonce.reset();
    if (said.mtu) craft.options.push_back(octets_of(wire::MtuOption{*said.mtu}));
    craft.options.push_back(octets_of(said.prefix));
    return craft;
  }
  static Craft unsecured(Craft craft) {
    craft.cga_parameters.reset();
    craft.timestamp.reset();
    craft.signer.reset();
    return craft;
  }
  std::vector<std::string> reported() const {
    std::vector<std::string> texts;
    for (const machine::Event* event : bench.reported(machine::EventKind::kRouterContradicts)) {
      EXPECT_EQ(event->text("interface"), "access0");
      texts.emplace_back(event->text("text"));
    }
    return texts;
  }
  using Bend = std::function<void(SaidByAnother&)>;
  // What is reported of a router that says this, from the beginning.
  std::vector<std::string> reported_of(const Bend& bend) {
    start();
    SaidByAnother said;
    bend(said);
    receive(craft(said, other), other);
    return reported();
  }

  Peer other{signing_key("ar2-2048"), kPrefix, "02:00:00:00:00:09"};
};

TEST_F(Consistency, WhatAnotherRouterContradictsIsReported) {
  COVERS("ND-4861-59");
  const std::map<std::string, Bend> bends = {
      {"hop limit 64 for 50", [](auto& said) { said.ra.current_hop_limit = 64; }},
      {"M 0 for 1", [](auto& said) { said.ra.managed = false; }},
      {"O 1 for 0", [](auto& said) { said.ra.other = true; }},
      {"reachable time 20001 for 20000", [](auto& said) { said.ra.reachable_time_ms = 20'001; }},
      {"retransmission timer 1 for 2000", [](auto& said) { said.ra.retransmission_timer_ms = 1; }},
      {"MTU 1500 for 1400", [](auto& said) { said.mtu = 1500; }},
      {"valid lifetime of 2001:db8:a:1::/64 86401 for 86400",
       [](auto& said) { said.prefix.valid_lifetime_s = 86'401; }},
      {"preferred lifetime of 2001:db8:a:1::/64 0 for 14400",
       [](auto& said) { said.prefix.preferred_lifetime_s = 0; }},
  };
  for (const auto& [text, bend] : bends) EXPECT_EQ(reported_of(bend), std::vector{text});
  EXPECT_EQ(reported_of([](auto& said) {
              said.ra.managed = false;
              said.mtu = 1280;
            }),
            std::vector<std::string>{"M 0 for 1, MTU 1280 for 1400"});
  ASSERT_EQ(bench.reported(machine::EventKind::kRouterContradicts).size(), 1u);
  EXPECT_EQ(bench.reported(machine::EventKind::kRouterContradicts)[0]->text("router"),
            other.link_local().text());
  EXPECT_EQ(bench.counter("advertise", "contradictions"), 1u);
}

TEST_F(Consistency, WhatEitherLeavesOpenIsNoContradiction) {
  COVERS("ND-4861-59");
  const std::vector<Bend> bends = {
      [](auto&) {},
      [](auto& said) { said.ra.current_hop_limit = 0; },
      [](auto& said) { said.ra.reachable_time_ms = 0; },
      [](auto& said) { said.ra.retransmission_timer_ms = 0; },
      [](auto& said) { said.mtu.reset(); },
      [](auto& said) { said.ra.router_lifetime_s = 9000; },
      [](auto& said) {
        said.prefix = {.valid_lifetime_s = 1, .address = Ipv6Address::literal("2001:db8:a:7::")};
      },
  };
  for (const Bend& bend : bends) EXPECT_TRUE(reported_of(bend).empty());
  config.interfaces[0].advertised = {.hop_limit = 0, .managed = true};
  EXPECT_TRUE(reported_of([](auto&) {}).empty());
  // Nothing of this was worth a verification.
  EXPECT_EQ(bench.jobs["verify"], 0);
}

TEST_F(Consistency, ARouterIsReportedEveryTenMinutesAndEightOfALink) {
  COVERS("ND-4861-59");
  config.interfaces[0].advertised.mtu = 1500;
  config.receiver.budget = {100'000, 100'000, 100};
  start();
  for (int second = 0; second <= 1200; ++second) {
    if (second > 0) bench.advance(seconds(1));
    receive(craft({}, other), other);
  }
  EXPECT_EQ(reported().size(), 3u);
  EXPECT_EQ(bench.jobs["verify"], 3);
  start();
  for (std::uint8_t i = 1; i <= 20; ++i) {
    const Peer each{signing_key("ar2-2048"), kPrefix, "02:00:00:00:00:09", i};
    receive(craft({}, each), each);
  }
  EXPECT_EQ(reported().size(), nd::Consistency::kMaxRouters);
  bench.advance(seconds(600));
  receive(craft({}, other), other);
  EXPECT_EQ(reported().size(), nd::Consistency::kMaxRouters + 1);
}

TEST_F(Consistency, OnlyWhatIsBelievedIsReported) {
  COVERS("ND-4861-59");
  config.interfaces[0].advertised.mtu = 1500;
  for (const bool secured_only : {false, true}) {
    config.secured_only = secured_only;
    start();
    Craft forged = craft({}, other);
    forged.signer = signing_key("other-2048");
    forged.key_hash = crypto::key_hash(other.key()->spki());
    receive(forged, other);
    Craft from_afar = unsecured(craft({}, other));
    from_afar.hop_limit = 254;
    receive(from_afar, other);
    EXPECT_TRUE(reported().empty());
    EXPECT_EQ(bench.counter("send", "signature"), 1u);
    receive(unsecured(craft({}, other)), other);
    EXPECT_EQ(reported().size(), secured_only ? 0u : 1u);
    bench.advance(seconds(600));
    bench.forget();
    receive(craft({}, other), other);
    EXPECT_EQ(reported().size(), 1u);
  }
}

TEST_F(Consistency, ItsOwnWordsAreNotAnothers) {
  start();
  bench.advance(seconds(4));
  Bytes own;
  for (const machine::Transmit& transmit : bench.sent)
    if (transmit.packet[40] == 134) own = transmit.packet;
  ASSERT_FALSE(own.empty());
  config.interfaces[0].advertised.mtu = 1500;
  EXPECT_TRUE(router->handle(bench.now, config));
  bench.receive(own, kRouterLink);
  EXPECT_TRUE(reported().empty());
}

}  // namespace
}  // namespace sendoff::test
