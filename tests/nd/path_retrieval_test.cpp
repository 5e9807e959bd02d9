// When a host asks for a certification path, for how long, and what it keeps (RFC 3971 6.4.6).
#include "nd/path_messages.h"

namespace sendoff::test {
namespace {

// Octets of a machine that sometimes draws nothing but zeros.
class Zeros final : public Random {
 public:
  [[nodiscard]] bool fill(ByteSpan octets) override {
    if (++calls_ % 3 != 0) {
      std::ranges::fill(octets, std::uint8_t{0});
      return true;
    }
    return random_.fill(octets);
  }

 private:
  std::uint64_t calls_ = 0;
  FakeRandom random_{3};
};

TEST_F(PathMessages, TheIdentifierOfARetrievalIsNeverZeroAndStays) {
  COVERS("SND-6.4.1-4", "SND-6.4.1-5");
  Zeros zeros;
  machine::Outbox outbox;
  nd::CertifiedKeys keys;
  nd::PathFetcher fetcher(config.paths, zeros, outbox, keys);
  Now now = bench.now;
  std::set<std::uint16_t> identifiers;
  for (int i = 0; i < 100'000; ++i) {
    fetcher.fetch(now, kGuarded, Ipv6Address{}, kAllRouters);
    std::optional<std::uint16_t> first;
    for (int copy = 0; copy < (i < 100 ? 3 : 1); ++copy) {
      const auto action = outbox.poll();
      ASSERT_TRUE(action);
      const std::uint16_t drawn = head(std::get<machine::Transmit>(action->what).packet).identifier;
      ASSERT_NE(drawn, 0);
      ASSERT_EQ(first.value_or(drawn), drawn);
      first = drawn;
      now.boot += seconds(copy == 0 ? 1 : 2);
      fetcher.tick(now);
    }
    identifiers.insert(*first);
    fetcher.drop(kGuarded);
    while (outbox.poll()) {
    }
  }
  EXPECT_GT(identifiers.size(), 40'000u);
  start();
  EXPECT_TRUE(answers_to(cps({our_anchor()}, 0)).empty());
  EXPECT_EQ(bench.counter("certifier", "malformed"), 1u);
}

TEST_F(PathMessages, OfAPathWithAHoleTheMissingPartIsAskedFor) {
  COVERS("SND-6.4.1-6", "SND-6.4.6-11", "SND-6.4.6-12", "SND-10.1-2");
  const std::vector<Bytes> path{certificate("ca"), certificate("ca2"), certificate("good-deep")};
  const auto give = [&](const Bytes& question, std::uint16_t component) {
    Cpa cpa;
    cpa.identifier = head(question).identifier;
    cpa.components = 3;
    cpa.component = component;
    cpa.certificate = path[2u - component];
    deliver(packet(cpa));
  };
  // When and for which component the host asked, in hundredths of seconds since it began.
  struct Asked {
    std::int64_t at;
    std::uint16_t component;
    auto operator<=>(const Asked&) const = default;
  };
  const auto questions = [&](Duration span) {
    std::vector<Asked> found;
    for (std::int64_t at = 0; at * milliseconds(10) < span; ++at) {
      bench.sent.clear();
      bench.advance(milliseconds(10));
      for (const Bytes& sent : sent_of(148)) found.push_back({at + 1, head(sent).component});
    }
    return found;
  };
  start();
  Bytes first = ask_for_path();
  EXPECT_EQ(head(first).component, 0xffff);
  give(first, 2);
  give(first, 0);
  std::vector<Asked> parts;
  for (const Asked& asked : questions(seconds(7)))
    if (asked.component != 0xffff) parts.push_back(asked);
  EXPECT_EQ(parts, (std::vector<Asked>{{200, 1}, {600, 1}}));
  EXPECT_FALSE(router_heard());
  give(first, 1);
  EXPECT_TRUE(router_heard());

  // Two are missing: the second one is asked for once the first one is there.
  start();
  first = ask_for_path();
  give(first, 2);
  EXPECT_EQ(questions(seconds(2)).back(), (Asked{200, 1}));
  give(first, 1);
  parts.clear();
  for (const Asked& asked : questions(seconds(5)))
    if (asked.component != 0xffff) parts.push_back(asked);
  EXPECT_EQ(parts, (std::vector<Asked>{{400, 0}}));
  give(first, 0);
  EXPECT_TRUE(router_heard());
}

TEST_F(PathMessages, WhoIsCertifiedByNobodyDoesNotKeepUsAsking) {
  start();
  const FakeRouter rogue("ar2-2048", {}, {Prefix::literal(kOnLink)}, 3);
  // Its RA waits for a path; what comes is the path of another one, each time at once.
  Seal seal;
  seal.utc = bench.now.utc;
  bench.sent.clear();
  (void)from_wire(rogue.router_advertisement(kAllNodes, seal, {}), rogue.link_address);
  const machine::HoldId waiting = last_hold();
  std::size_t asked = 0;
  for (int tenth = 0; tenth < 100; ++tenth) {
    const std::vector<Bytes> questions = sent_of(148);
    bench.sent.clear();
    asked += questions.size();
    for (const Bytes& question : questions) answer(question);
    bench.advance(milliseconds(100));
  }
  EXPECT_EQ(asked, 11u);  // the first path was new, the others CPS_RETRY apart
  bench.advance(seconds(6));
  EXPECT_TRUE(dropped(verdict(waiting)));
  // A new link knows nothing of that.
  bench.host(machine::InterfaceDown{kGuarded});
  bench.host(machine::InterfaceUp{kGuarded, kOwnLink, 1500});
  seal.utc = bench.now.utc;
  bench.sent.clear();
  (void)from_wire(rogue.router_advertisement(kAllNodes, seal, {}), rogue.link_address);
  EXPECT_EQ(sent_of(148).size(), 1u);
}

TEST_F(PathMessages, NothingIsStoredOfAPathThatDoesNotVerify) {
  COVERS("SND-6.4.6-4");
  for (const std::string& last : {std::string("bad-signature"), std::string("expired"),
                                  std::string("outside-parent"), std::string("no-eku")}) {
    EXPECT_FALSE(usable([&](Cpa& cpa) {
      if (cpa.component == 0) cpa.certificate = certificate(last);
    })) << last;
    EXPECT_EQ(bench.counter("path", "refused"), 1u) << last;
    EXPECT_EQ(bench.counter("path", "validated"), 0u) << last;
    EXPECT_TRUE(guard->status(bench.now).links[0].routers.empty());
    // The key is as unknown as before.
    bench.advance(seconds(16));
    EXPECT_TRUE(dropped(verdict(held)));
    (void)ask_for_path();
  }
}

TEST_F(PathMessages, SelfMadeCertificatesFillNothing) {
  COVERS("SND-6.4.6-5");
  start();
  const Bytes question = ask_for_path();
  const Authority rogue{"other-2048", "Rogue"};
  const Bytes self_made = rogue.path_to("ar-2048").front();
  for (std::uint16_t i = 0; i < 10'000; ++i) {
    Cpa cpa;
    cpa.identifier = head(question).identifier;
    cpa.components = static_cast<std::uint16_t>(1 + i % 3);
    cpa.component = 0;
    cpa.certificate = self_made;
    std::array<std::uint8_t, 16> source{0xfe, 0x80};
    source[14] = static_cast<std::uint8_t>(i >> 8);
    source[15] = static_cast<std::uint8_t>(i);
    cpa.source = Ipv6Address(source);
    deliver(packet(cpa));
  }
  EXPECT_LE(bench.jobs["validate"], 16);
  EXPECT_EQ(bench.counter("path", "validated"), 0u);
  // The flood over, the path comes by the next question at the latest.
  bench.advance(seconds(16));
  answer(ask_for_path());
  EXPECT_TRUE(router_heard());
}

TEST_F(PathMessages, ARetrievalEndsAndAnotherMayBegin) {
  COVERS("SND-6.4.6-10", "SND-10.1-1", "SND-10.1-3");
  EXPECT_EQ(nd::PathFetcherConfig{}.retry, seconds(1));
  EXPECT_EQ(nd::PathFetcherConfig{}.give_up, seconds(15));
  start();
  const Bytes question = ask_for_path();
  Cpa cpa;
  cpa.identifier = head(question).identifier;
  cpa.component = 1;
  cpa.certificate = certificate("ca");
  deliver(packet(cpa));
  bench.sent.clear();
  bench.advance(milliseconds(999));
  EXPECT_TRUE(sent_of(148).empty());
  bench.advance(milliseconds(1));
  EXPECT_EQ(sent_of(148).size(), 1u);
  bench.advance(milliseconds(13'999));
  EXPECT_FALSE(verdict(held).has_value());
  bench.advance(milliseconds(1));
  EXPECT_TRUE(dropped(verdict(held)));
  EXPECT_EQ(bench.counter("path", "timed-out"), 1u);
  bench.sent.clear();
  bench.advance(seconds(60));
  EXPECT_TRUE(sent_of(148).empty());
  const Bytes again = ask_for_path();
  EXPECT_NE(head(again).identifier, head(question).identifier);
  answer(again);
  EXPECT_TRUE(router_heard());
}

TEST_F(PathMessages, AHostHasSeveralAnchors) {
  COVERS("SND-6.2-1");
  const std::vector<Authority> authorities{
      {"anchor-2048", "First"}, {"anchor2-2048", "Second"}, {"ca-2048", "Third"}};
  auto list = std::make_shared<std::vector<pki::TrustAnchor>>();
  for (const Authority& each : authorities) list->push_back(each.trusted());
  config.paths.anchors = list;
  secured_only();
  start();
  const std::vector<std::string> keys{"ar-2048", "ar2-2048", "mn-2048"};
  std::vector<Ipv6Address> wanted;
  for (std::size_t i = 0; i < 3; ++i) {
    router = FakeRouter(keys[i], authorities[i].path_to(keys[i]), {Prefix::literal(kOnLink)},
                        static_cast<std::uint8_t>(i + 1));
    const Bytes question = ask_for_path();
    EXPECT_EQ(option_types(question), (std::vector<int>{15, 15, 15}));
    give_path();
    EXPECT_TRUE(router_heard()) << i;
    wanted.push_back(router.link_local);
    // While it is reachable nobody else's path is asked for.
    bench.host(machine::NeighbourChanged{kGuarded, router.link_local, std::nullopt, false});
  }
  auto routers = guard->status(bench.now).links[0].routers;
  std::ranges::sort(routers);
  std::ranges::sort(wanted);
  EXPECT_EQ(routers, wanted);
}

TEST_F(PathMessages, APathThatWasFetchedOnceServesAgain) {
  COVERS("SND-6.4.6-3", "SND-6.4.6-7");
  start();
  const Bytes question = ask_for_path();  // at once
  EXPECT_EQ(option_types(question), std::vector<int>{15});
  answer(question);
  ASSERT_TRUE(router_heard());
  bench.host(machine::InterfaceDown{kGuarded});
  bench.advance(seconds(60));
  bench.host(machine::InterfaceUp{kGuarded, kOwnLink, 1500});
  EXPECT_TRUE(guard->status(bench.now).links[0].routers.empty());
  bench.sent.clear();
  EXPECT_TRUE(taken(from_wire(certified_advertisement(), router.link_address)));
  EXPECT_TRUE(sent_of(148).empty());
  EXPECT_EQ(guard->status(bench.now).links[0].routers, std::vector{router.link_local});
  // Where the CGA is enough nobody is asked.
  config.receiver.methods.set(send::Kind::kRouterAdvertisement, send::Method::kCga);
  start();
  bench.sent.clear();
  EXPECT_TRUE(taken(from_wire(certified_advertisement(), router.link_address)));
  EXPECT_TRUE(sent_of(148).empty());
}

TEST_F(PathMessages, TheRouterThatIsChosenIsAskedItself) {
  COVERS("SND-6.4.6-14");
  const Authority authority{"anchor-2048", "Anchor"};
  auto list = std::make_shared<std::vector<pki::TrustAnchor>>();
  list->push_back(authority.trusted());
  config.paths.anchors = list;
  start();
  const UtcTime ends = bench.now.utc + seconds(100);
  router = FakeRouter("ar-2048",
                      authority.path_to("ar-2048", Prefix::literal("2001:db8:a:1::/64"), ends),
                      {Prefix::literal(kOnLink)}, 1);
  const auto destination = [](const Bytes& packet) {
    return Ipv6Address::from(ByteView(packet).subspan(24, 16));
  };
  EXPECT_EQ(destination(ask_for_path()), kAllRouters);
  give_path();
  ASSERT_TRUE(router_heard());
  // Its certificate has ended, it has not: the next one is to be had from it.
  bench.advance(seconds(200));
  EXPECT_EQ(destination(ask_for_path()), router.link_local);
  bench.advance(seconds(16));
  // Of another router none is chosen.
  router = FakeRouter("ar2-2048", authority.path_to("ar2-2048"), {Prefix::literal(kOnLink)}, 2);
  EXPECT_EQ(destination(ask_for_path()), kAllRouters);
}

TEST_F(PathMessages, OthersAnswersDoNotCrowdOutOurs) {
  COVERS("SND-6.4.6-15");
  start();
  const Bytes question = ask_for_path();
  const Instant asked = bench.now.boot;
  const Authority rogue{"other-2048", "Rogue"};
  Cpa other;
  other.components = 1;
  other.certificate = rogue.path_to("ar-2048").front();
  std::uint16_t serial = 0;
  // Ten times what may be validated, to the same address, from ever other sources.
  const auto flood = [&](Duration duration) {
    const std::uint32_t count = 10 * config.paths.validations_s;
    for (const Instant end = bench.now.boot + duration; bench.now.boot < end;) {
      other.identifier = ++serial;
      if (other.identifier == head(question).identifier) continue;
      std::array<std::uint8_t, 16> source{0xfe, 0x80};
      source[14] = static_cast<std::uint8_t>(serial >> 8);
      source[15] = static_cast<std::uint8_t>(serial);
      other.source = Ipv6Address(source);
      deliver(packet(other));
      bench.advance(Duration(seconds(1)) / count);
    }
  };
  answer(question, [&](Cpa&) { flood(milliseconds(300)); });
  flood(milliseconds(300));
  EXPECT_TRUE(router_heard());
  EXPECT_LE(bench.now.boot, asked + seconds(1));
  EXPECT_EQ(bench.jobs["validate"], 1);
}

}  // namespace
}  // namespace sendoff::test
