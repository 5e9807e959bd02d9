// Where ESP cannot be applied, or is given up on purpose: nothing goes in clear instead, and the
// switch is for one peer alone.
#include "esp/peer_fixture.h"

namespace sendoff::test {
namespace {

using machine::EventKind;

// The HI counts as failed at once, for each cause, and never leaves in clear.
TEST_F(EspPar, WhatCannotBeSealedIsRefusedAtOnce) {
  COVERS("ESP-5568-05");
  const auto refused_with = [&](const std::string& cause) {
    const Instant asked = bench.now.boot;
    receive(predictive());
    EXPECT_TRUE(inside().empty());
    ASSERT_EQ(fbacks().size(), 1u);
    EXPECT_EQ(fbacks()[0].status, 128);
    EXPECT_EQ(bench.now.boot, asked);
    const auto warnings = bench.reported(EventKind::kWarning);
    EXPECT_TRUE(std::ranges::any_of(warnings, [&](const machine::Event* event) {
      return event->text("text").find(cause) != std::string_view::npos;
    })) << cause;
  };
  const auto works = [&](std::uint16_t sequence) {
    bench.forget();
    receive(predictive(sequence));
    EXPECT_EQ(messages<wire::HandoverInitiate>().size(), 1u);
  };
  const auto fresh = [&] { bench = MachineBench(); };

  // The last number is used up, until the key is replaced.
  start(spent());
  refused_with("last sequence number");
  EXPECT_EQ(bench.counter("esp", "not-sent-sequence-overflow"), 1u);
  replace_key(9);
  ASSERT_TRUE(router->handle(bench.now, config));
  bench.advance(milliseconds(1));
  works(2);

  // The store refuses.
  fresh();
  refuse_counters();
  replace_key(10);
  start();
  refused_with("store has not granted");
  bench.outcome_of = nullptr;
  bench.advance(seconds(1));
  works(2);

  // The association is missing.
  fresh();
  const auto pair = config.neighbours[0].esp;
  config.neighbours[0].esp.reset();
  start();
  refused_with("no security association");
  config.neighbours[0].esp = pair;
  replace_key(11);
  ASSERT_TRUE(router->handle(bench.now, config));
  bench.advance(milliseconds(1));
  works(2);

  // Too large for the way to the neighbour.
  fresh();
  config.peer_path_mtu = 100;
  replace_key(12);
  start();
  refused_with("octets, but every path takes only 100");
  EXPECT_EQ(bench.counter("esp", "not-sent-too-large"), 1u);
  config.peer_path_mtu = esp::kPathMtu;
  ASSERT_TRUE(router->handle(bench.now, config));
  works(2);
}

// The other half of the rule: the new router's answer.
TEST_F(EspNar, AHackThatCannotBeSealedIsNotSent) {
  COVERS("ESP-5568-05");
  config.new_router.dad_transmits = 0;
  const auto silent = [&] {
    bench.forget();
    take_packet(sealed(hi(1).initiate()));
    EXPECT_TRUE(inside().empty());
    EXPECT_TRUE(bench.sent.empty());
    EXPECT_FALSE(bench.reported(EventKind::kWarning).empty());
  };
  start(spent());
  silent();
  replace_key(9);
  ASSERT_TRUE(router->handle(bench.now, config));
  bench.host(machine::ClockStepped{});  // the store's answer
  bench.forget();
  take_packet(sealed(hi(2).initiate()));
  EXPECT_EQ(messages<wire::HandoverAcknowledge>().size(), 1u) << "the cause is removed";

  bench = MachineBench();
  refuse_counters();
  replace_key(10);
  start();
  silent();
  bench.outcome_of = nullptr;
  bench.advance(seconds(1));
  bench.forget();
  take_packet(sealed(hi(3).initiate()));
  EXPECT_EQ(messages<wire::HandoverAcknowledge>().size(), 1u);
}

TEST_F(EspPar, APeerWithNeitherGetsAndGivesNothing) {
  COVERS("ESP-5568-04");  // the warning: RouterFile.ReadsWhatItSays
  config.neighbours[0].protection = router::Protection::kNone;
  config.neighbours[0].esp.reset();
  start();
  receive(predictive());
  EXPECT_TRUE(inside().empty());
  ASSERT_EQ(fbacks().size(), 1u);
  EXPECT_EQ(fbacks()[0].status, 128);
  bench.forget();
  CraftPeer craft;
  craft.source = kNar;
  craft.destination = ar_global();
  craft.link_address = mn.link_address();
  craft.ncoa = Ipv6Address::literal("2001:db8:a:1::42");
  take_packet(craft.initiate());
  take_packet(sealed(craft.initiate()));
  EXPECT_TRUE(bench.sent.empty());
  EXPECT_TRUE(router->status(bench.now, 10).arrivals.empty());
  EXPECT_EQ(bench.counter("peer", "unprotected"), 1u);
  EXPECT_EQ(dropped("no-association"), 1u);
}

TEST_F(EspPar, TheSwitchIsForOnePeerAndItsEspIsNothing) {
  router::Neighbour third = config.neighbours[0];
  third.name = "third";
  third.address = Ipv6Address::literal("2001:db8:a:3::1");
  third.prefix = Prefix::literal("2001:db8:a:3::/64");
  third.esp.reset();
  third.protection = router::Protection::kClear;
  config.neighbours.push_back(third);
  start();
  CraftFbu craft = predictive();
  craft.alternate_care_of = Ipv6Address::literal("2001:db8:a:3::5");
  receive(craft);
  ASSERT_EQ(his().size(), 1u) << "in clear, to the one with the switch";
  EXPECT_EQ(his()[0].ip.destination, third.address);
  EXPECT_EQ(bench.counter("peer", "neighbours-in-clear"), 1u);
  bench.forget();
  CraftPeer hi;
  hi.source = third.address;
  hi.destination = ar_global();
  hi.link_address = mn.link_address();
  hi.ncoa = Ipv6Address::literal("2001:db8:a:1::42");
  Bytes packet = sealed(hi.initiate());
  std::ranges::copy(third.address.view(), packet.begin() + 8);
  take_packet(packet);
  EXPECT_TRUE(bench.sent.empty());
  EXPECT_EQ(dropped("selector"), 1u);
  Writer(ByteSpan(packet).subspan(40, 4)).u32(0x7777);
  take_packet(packet);
  EXPECT_EQ(dropped("no-association"), 1u);
  EXPECT_TRUE(bench.sent.empty());
}

}  // namespace
}  // namespace sendoff::test
