// Which handover key a validated request gets (RFC 5269 3.2, 3.6): one for each CGA, the same one
// while it lasts, of the algorithm that was negotiated; and what is kept of it.
#include "router/router_fixture.h"

namespace sendoff::test {
namespace {

using crypto::Algorithm;

class Keys : public RouterTest {
 protected:
  [[nodiscard]] std::size_t keys() const { return router->status(bench.now, 0).key_count; }
  [[nodiscard]] std::uint64_t counted(std::string_view name) const {
    return bench.counter("provision", name);
  }
  std::optional<Delivered> ask(const Peer& peer, std::uint8_t algorithm = 2) {
    bench.forget();
    receive(peer.rtsolpr(ar_global(), bench.now, hke->spki(), algorithm), peer);
    return open(reply(), *hke);
  }
  std::optional<Delivered> ask(std::uint8_t algorithm = 2) { return ask(mn, algorithm); }
  [[nodiscard]] static Peer peer(std::uint8_t modifier,
                                 const std::string& link = "02:00:00:00:01:09") {
    return Peer(signing_key("mn-1024"), kPrefix, link, modifier);
  }
  void restart(std::vector<Algorithm> algorithms) {
    config.keys.algorithms = std::move(algorithms);
    bench = MachineBench();
    start();
  }
};

TEST_F(Keys, ACgaHasAKeyOfItsOwn) {
  COVERS("HK-3.2-14", "HK-3.2-37");
  config.interfaces[0].prefixes.push_back({Prefix::literal("2001:db8:a:9::/64")});
  start();
  const auto first = ask();
  const auto second = ask(peer(2));
  ASSERT_TRUE(first && second);
  EXPECT_NE(first->key, second->key);
  EXPECT_EQ(keys(), 2u);
  // The same interface identifier can come under another prefix only by another modifier; what the
  // table is asked for is the whole address.
  keys::IssuedKeys table({}, random);
  const auto at = bench.now.boot;
  ASSERT_TRUE(table.find_or_create(at, mn.global(), mn.link_address(), 2).has_value());
  auto octets = mn.global().octets();
  octets[7] ^= 1;
  EXPECT_TRUE(table.find(at, Ipv6Address(octets)).empty());
  EXPECT_EQ(table.find(at, mn.global()).size(), 1u);
  EXPECT_EQ(ask()->key, first->key);
}

TEST_F(Keys, ALiveKeyIsReturnedSealedAfresh) {
  COVERS("HK-3.2-15", "HK-3.2-16");
  config.keys.lifetime_s = 1000;
  start();
  const auto first = ask();
  const Bytes sealed = *find_option(reply(), wire::OptionType::kHandoverKeyReply);
  bench.advance(seconds(60));
  EXPECT_EQ(ask()->key, first->key);
  EXPECT_NE(*find_option(reply(), wire::OptionType::kHandoverKeyReply), sealed);
  EXPECT_EQ(counted("keys-made"), 1u);
  EXPECT_EQ(counted("keys-returned"), 1u);
  // To another pair: not the old one opens it, but the new one.
  const auto another = *crypto::HandoverDecryptionKey::generate(1024);
  bench.forget();
  receive(mn.rtsolpr(ar_global(), bench.now, another->spki()), mn);
  EXPECT_EQ(open(reply(), *another)->key, first->key);
  EXPECT_TRUE(open(reply(), *hke)->key.empty());
  bench.advance(seconds(941));
  EXPECT_NE(ask()->key, first->key);
}

TEST_F(Keys, RemainingLifetimeIsSentAndAnsweringExtendsNothing) {
  COVERS("HK-3.2-17", "HK-3.2-22");
  start();
  const auto first = ask();
  EXPECT_EQ(first->lifetime_s, 43'200);
  bench.advance(milliseconds(1'000'400));
  const auto second = ask();
  EXPECT_EQ(second->lifetime_s, 42'199);
  EXPECT_EQ(second->key, first->key);
  config.keys.renewal_percent = 0;
  config.keys.lifetime_s = 1000;
  start();
  const auto third = ask();
  bench.advance(milliseconds(998'900));
  EXPECT_EQ(ask()->lifetime_s, 1);
  EXPECT_EQ(ask()->key, third->key);
  bench.advance(milliseconds(200));  // 0.9 s are left
  const auto fourth = ask();
  EXPECT_NE(fourth->key, third->key);
  EXPECT_EQ(fourth->lifetime_s, 1000);
}

TEST_F(Keys, OneValidatedRequestMakesOneRecord) {
  COVERS("HK-3.2-19");
  start();
  EXPECT_TRUE(ask().has_value());
  EXPECT_EQ(keys(), 1u);
  EXPECT_EQ(bench.asked<machine::Persist>().size(), 1u);
  // Failures later on leave none.
  const Peer second = peer(2);
  bench.hold_jobs = true;
  receive(second.rtsolpr(ar_global(), bench.now, hke->spki()), second);
  bench.run();
  bench.forget();
  bench.fail_job(0, machine::JobError::kCrypto);
  EXPECT_EQ(keys(), 1u);
  EXPECT_EQ(bench.asked<machine::Forget>().size(), 1u);
  EXPECT_TRUE(bench.sent.empty());
  bench.hold_jobs = false;
  const Peer big(signing_key("mn-3072"), kPrefix, "02:00:00:00:01:04");
  bench.host(machine::MtuChanged{{0}, 1280});
  bench.forget();
  receive(big.rtsolpr(ar_global(), bench.now, decryption_key("hke-3072")->spki()), big);
  EXPECT_TRUE(has_key(reply()));  // the AR's key has 2048 bits: it fits
  bench.host(machine::MtuChanged{{0}, 1000});
  bench.forget();
  const Peer another(signing_key("mn-3072"), kPrefix, "02:00:00:00:01:04", 5);
  receive(another.rtsolpr(ar_global(), bench.now, decryption_key("hke-3072")->spki()), another);
  EXPECT_FALSE(has_key(reply()));
  EXPECT_EQ(counted("too-big"), 1u);
  EXPECT_EQ(keys(), 2u);
}

TEST_F(Keys, AStoreThatFailsGivesNoKey) {
  start();
  bench.outcome_of = [](const machine::Action&) -> Result<machine::Facts, machine::ActionError> {
    return fail(machine::ActionError::kStore);
  };
  EXPECT_FALSE(ask().has_value());
  EXPECT_EQ(keys(), 0u);
  EXPECT_EQ(counted("store-failed"), 1u);
}

TEST_F(Keys, AKeyThatReachedItsOwnerSurvivesALostTwinOfItsAnswer) {
  start();
  bench.hold_jobs = true;
  receive(request(), mn);
  receive(request(), mn);
  bench.run();
  bench.run();
  ASSERT_EQ(bench.held.size(), 2u);  // two answers to sign, the first with the fresh key
  bench.forget();
  bench.run(1);
  const auto delivered = open(reply(), *hke);
  bench.fail_job(0, machine::JobError::kCrypto);
  ASSERT_EQ(keys(), 1u);
  EXPECT_EQ(router->status(bench.now, 1).keys[0].fingerprint,
            keys::fingerprint(Secret::copy_of(delivered->key)));
}

TEST_F(Keys, AKeyWhoseAnswersAreAllLostIsNotKept) {
  start();
  bench.hold_jobs = true;
  receive(request(), mn);
  receive(request(), mn);
  bench.run();
  bench.run();
  bench.host(machine::InterfaceDown{{0}});
  EXPECT_EQ(keys(), 0u);
}

TEST_F(Keys, TheAlgorithmAskedForIsUsedWhereSupported) {
  COVERS("HK-3.2-23");
  for (const std::uint8_t code : std::initializer_list<std::uint8_t>{1, 2, 3, 4}) {
    restart({crypto::kAlgorithms.begin(), crypto::kAlgorithms.end()});
    EXPECT_EQ(ask(code)->algorithm, code);
  }
  restart({crypto::kAlgorithms.begin(), crypto::kAlgorithms.end()});
  EXPECT_EQ(ask(0)->algorithm, 1);
}

TEST_F(Keys, TheNearestAlgorithmAtLeastAsStrongIsChosen) {
  COVERS("HK-3.2-24");
  for (const std::uint8_t code : std::initializer_list<std::uint8_t>{2, 4}) {
    restart({Algorithm::kHmacSha1_96, Algorithm::kHmacSha384_192});
    EXPECT_EQ(ask(code)->algorithm, 3);
  }
  restart({Algorithm::kHmacSha256_128, Algorithm::kHmacSha384_192});
  EXPECT_EQ(ask(4)->algorithm, 2);
  restart({Algorithm::kHmacSha1_96, Algorithm::kAes128Cmac_96});
  EXPECT_FALSE(ask(2).has_value());
}

TEST_F(Keys, NothingStrongEnoughMeansNoKey) {
  COVERS("HK-3.2-25");
  restart({Algorithm::kHmacSha1_96});
  EXPECT_FALSE(ask(3).has_value());
  EXPECT_EQ(keys(), 0u);
  EXPECT_EQ(counted("no-algorithm"), 1u);
}

TEST_F(Keys, AnUnknownAlgorithmGetsTheFallback) {
  for (const std::uint8_t code : std::initializer_list<std::uint8_t>{5, 9, 15}) {
    restart({Algorithm::kHmacSha1_96, Algorithm::kHmacSha256_128});
    EXPECT_EQ(ask(code)->algorithm, 2);
    restart({Algorithm::kHmacSha1_96, Algorithm::kHmacSha384_192});
    EXPECT_EQ(ask(code)->algorithm, 3);
  }
  config.keys.fallback = Algorithm::kHmacSha1_96;
  restart({Algorithm::kHmacSha1_96, Algorithm::kHmacSha256_128});
  EXPECT_EQ(ask(9)->algorithm, 1);
}

TEST_F(Keys, AStrongerAlgorithmMakesANewKeyBesideTheOld) {
  COVERS("HK-3.2-27", "HK-4.2-07");
  start();
  const auto strong = ask(2);
  const auto again = ask(1);
  EXPECT_EQ(again->key, strong->key);
  EXPECT_EQ(again->algorithm, 2);
  restart({crypto::kAlgorithms.begin(), crypto::kAlgorithms.end()});
  const auto weak = ask(1);
  EXPECT_EQ(weak->algorithm, 1);
  EXPECT_EQ(router->status(bench.now, 1).keys[0].algorithm, Algorithm::kHmacSha1_96);
  const auto fresh = ask(3);
  EXPECT_EQ(fresh->algorithm, 3);
  EXPECT_EQ(fresh->key.size(), 48u);
  EXPECT_EQ(keys(), 2u);
  bench.forget();
  receive(fbu(*weak));
  EXPECT_EQ(bench.asked<machine::InstallBinding>().size(), 1u);
}

TEST_F(Keys, ExpiryDoesNotFollowTheWallClock) {
  COVERS("HK-3.2-39", "HK-3.6-11");
  for (const int hour : {1, -1}) {
    config.keys.lifetime_s = 3000;
    bench = MachineBench();
    start();
    const auto first = ask();
    bench.now.utc += hours(hour);
    bench.host(machine::ClockStepped{});
    bench.advance(seconds(2999));
    EXPECT_EQ(keys(), 1u);
    bench.advance(seconds(1));
    EXPECT_EQ(keys(), 0u);
    bench.forget();
    receive(fbu(*first));
    EXPECT_TRUE(bench.sent.empty());
    EXPECT_TRUE(bench.asked<machine::InstallBinding>().empty());
    EXPECT_NE(ask(peer(1)).value_or(Delivered{}).key, first->key);
  }
}

TEST_F(Keys, KeysAreAsLongAsTheirAlgorithmDemandsAndFailWithTheGenerator) {
  COVERS("HK-3.6-01");
  const std::map<std::uint8_t, std::size_t> sizes = {{1, 20}, {2, 32}, {3, 48}, {4, 16}};
  for (const auto& [code, size] : sizes) {
    restart({crypto::kAlgorithms.begin(), crypto::kAlgorithms.end()});
    EXPECT_EQ(ask(code)->key.size(), size);
  }
  start();
  random.set(FakeRandom::Mode::kFails);
  EXPECT_FALSE(ask().has_value());
  EXPECT_EQ(keys(), 0u);
  EXPECT_EQ(counted("random-failed"), 1u);
  EXPECT_EQ(bench.reported(machine::EventKind::kRequestRefused).size(), 1u);
  random.set(FakeRandom::Mode::kWorks);
  EXPECT_TRUE(ask().has_value());
  // It fails for the padding of a key that exists: no key leaves either.
  bench.advance(seconds(3));
  random.set(FakeRandom::Mode::kFails);
  EXPECT_FALSE(ask().has_value());
  EXPECT_EQ(counted("random-failed"), 2u);
  EXPECT_EQ(bench.reported(machine::EventKind::kWarning).size(), 1u);
  EXPECT_EQ(keys(), 1u);
}

TEST_F(Keys, NoTwoRecordsShareAKey) {
  COVERS("HK-3.6-02", "HK-3.6-03");
  keys::IssuedKeyConfig wide;
  wide.max_per_link_address = 100'000;
  keys::IssuedKeys table(wide, random);
  std::set<Bytes> values;
  std::size_t equal_bits = 0;
  Bytes last;
  for (std::uint32_t i = 0; i < 10'000; ++i) {
    auto octets = mn.global().octets();
    octets[14] = static_cast<std::uint8_t>(i >> 8);
    octets[15] = static_cast<std::uint8_t>(i);
    const auto issued =
        table.find_or_create(bench.now.boot, Ipv6Address(octets), mn.link_address(), 2);
    ASSERT_TRUE(issued.has_value());
    const Bytes key = to_bytes(issued->key->key.expose());
    values.insert(key);
    for (std::size_t octet = 0; octet < last.size(); ++octet)
      equal_bits += 8u - static_cast<unsigned>(
                             std::popcount(static_cast<unsigned>(key[octet] ^ last[octet])));
    last = key;
  }
  EXPECT_EQ(values.size(), 10'000u);
  const double half = 256.0 * 9'999 / 2;
  EXPECT_NEAR(static_cast<double>(equal_bits), half, half / 100);

  // The same CGA again and again: keys unrelated from one life to the next.
  config.keys.lifetime_s = 10;
  start();
  std::size_t differing = 0;
  Bytes before = ask()->key;
  for (int life = 0; life < 50; ++life) {
    bench.advance(seconds(11));
    const Bytes now = ask()->key;
    for (std::size_t octet = 0; octet < now.size(); ++octet)
      differing +=
          static_cast<unsigned>(std::popcount(static_cast<unsigned>(now[octet] ^ before[octet])));
    before = now;
  }
  EXPECT_NEAR(static_cast<double>(differing), 256.0 * 50 / 2, 400);
  // A generator that repeats itself is found out.
  random.set(FakeRandom::Mode::kRepeats);
  const auto first = ask(peer(3));
  const auto second = ask(peer(4));
  EXPECT_FALSE(first && second && first->key == second->key);
  EXPECT_FALSE(second.has_value());
}

TEST_F(Keys, ADiscardedKeyLeavesTheReplyCache) {
  config.reply_window = seconds(20);
  config.receiver.timestamps.fuzz_ms = 10'000;
  config.keys.lifetime_s = 5;
  start();
  const Bytes packet = request().packet();
  bench.receive(packet, mn.link_address());
  EXPECT_TRUE(has_key(reply()));
  bench.advance(seconds(6));
  bench.forget();
  bench.receive(packet, mn.link_address());
  EXPECT_TRUE(bench.sent.empty());
}

TEST_F(Keys, OneLinkAddressHasItsShareOfABoundedTable) {
  COVERS("HK-5-02");
  config.receiver.budget = {10'000, 10'000, 100};
  config.keys.max_keys = 100;
  config.keys.max_per_link_address = 60;
  config.max_tunnel_lifetime_s = 60;
  start();
  const Delivered bound = provision();
  receive(fbu(bound));
  const auto many = [&](int first_modifier, const std::string& link, int count) {
    int refused = 0;
    for (int i = 0; i < count; ++i) {
      const Peer guest(signing_key("mn-1024"), kPrefix, link,
                       static_cast<std::uint8_t>(first_modifier + i));
      if (!ask(guest)) ++refused;
      bench.advance(milliseconds(1));
    }
    return refused;
  };
  EXPECT_EQ(many(2, "02:00:00:00:02:01", 200), 140);
  EXPECT_EQ(keys(), 61u);
  EXPECT_EQ(counted("share-full"), 140u);
  EXPECT_EQ(many(202, "02:00:00:00:02:02", 50), 11);
  EXPECT_EQ(keys(), 100u);
  EXPECT_EQ(counted("table-full"), 11u);
  bench.forget();
  receive(fbu(bound, 2));
  EXPECT_EQ(bench.asked<machine::InstallBinding>().size(), 1u);
}

TEST_F(Keys, ACgaOfAnotherLinkGetsNone) {
  start();
  const Peer stray(signing_key("mn-1024"), "2001:db8:a:7::/64", "02:00:00:00:02:01");
  EXPECT_FALSE(ask(stray));
  EXPECT_EQ(keys(), 0u);
  EXPECT_EQ(counted("not-on-link"), 1u);
}

}  // namespace
}  // namespace sendoff::test
