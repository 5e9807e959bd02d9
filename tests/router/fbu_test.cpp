// Fast Binding Updates at the previous access router (RFC 5269 3.5, 3.6; RFC 5568 6.2.2): whose key
// moves a PCoA, and that nothing else does. Forwarding is seen in the actions asked for.
#include "router/router_fixture.h"

namespace sendoff::test {
namespace {

using machine::InstallBinding;
using machine::RemoveBinding;

class Fbu : public RouterTest {
 protected:
  [[nodiscard]] std::uint64_t counted(std::string_view name) const {
    return bench.counter("fbu", name);
  }
  [[nodiscard]] std::size_t keys() const { return router->status(bench.now, 0).key_count; }
  [[nodiscard]] std::size_t installed() const { return bench.asked<InstallBinding>().size(); }
  [[nodiscard]] bool silent() const {
    return bench.sent.empty() && bench.asked<InstallBinding>().empty() &&
           bench.asked<RemoveBinding>().empty() && bench.asked<machine::Persist>().empty();
  }
  // A key for another mobile node.
  Delivered provision_for(const Peer& peer) {
    bench.forget();
    receive(peer.rtsolpr(ar_global(), bench.now, hke->spki(), 2), peer);
    const auto delivered = open(reply(), *hke);
    EXPECT_TRUE(delivered.has_value());
    bench.forget();
    return delivered.value_or(Delivered{});
  }
  Peer other{signing_key("mn-1024"), kPrefix, "02:00:00:00:01:02", 2};
};

TEST_F(Fbu, OnlyTheOwnersKeyMovesAPcoa) {
  COVERS("HK-1-03");
  start();
  const Delivered victim = provision();
  const Delivered attacker = provision_for(other);
  CraftFbu forged = fbu(attacker);  // names the victim's PCoA
  for (const Ipv6Address& source : {mn.global(), other.global(), mn.address_in(kNarPrefix)}) {
    forged.source = source;
    receive(forged);
  }
  EXPECT_TRUE(silent());
  EXPECT_EQ(counted("mac"), 3u);
  receive(fbu(victim));
  ASSERT_EQ(installed(), 1u);
  EXPECT_EQ(bench.asked<InstallBinding>()[0]->pcoa, mn.global());
  EXPECT_EQ(bench.asked<InstallBinding>()[0]->ncoa, mn.address_in(kNarPrefix));
  bench.forget();
  receive(forged);
  EXPECT_TRUE(silent());
  EXPECT_EQ(router->status(bench.now, 10).binding_count, 1u);
}

TEST_F(Fbu, TheHomeAddressOptionChoosesTheKey) {
  COVERS("HK-3.5-01");
  start();
  const Delivered mine = provision();
  const Delivered theirs = provision_for(other);
  CraftFbu reactive = fbu(mine);
  reactive.source = mn.address_in(kNarPrefix);
  reactive.alternate_care_of.reset();
  receive(reactive);
  EXPECT_EQ(installed(), 1u);
  bench.forget();
  // Source is a keyed CGA, option 201 names another: the latter's key counts.
  CraftFbu crossed = fbu(mine, 2);
  crossed.home_address = other.global();
  receive(crossed);
  EXPECT_TRUE(silent());
  crossed.key = theirs.key;
  receive(crossed);
  ASSERT_EQ(installed(), 1u);
  EXPECT_EQ(bench.asked<InstallBinding>()[0]->pcoa, other.global());
}

TEST_F(Fbu, NothingHappensBeforeTheAuthenticatorVerified) {
  COVERS("HK-3.5-02");
  start();
  const Delivered delivered = provision();
  CraftFbu bad = fbu(delivered, 9);
  bad.flip_tag = true;
  receive(bad);
  EXPECT_TRUE(silent());
  // Had 9 been taken, 5 would be stale now.
  receive(fbu(delivered, 5));
  EXPECT_EQ(installed(), 1u);
  EXPECT_EQ(counted("accepted"), 1u);
  EXPECT_EQ(counted("stale"), 0u);
}

TEST_F(Fbu, WithoutAKeyForwardingDoesNotChange) {
  COVERS("HK-3.5-03");
  config.keys.lifetime_s = 100;
  start();
  Delivered guessed;
  guessed.algorithm = 2;
  guessed.key = Bytes(32, 7);
  receive(fbu(guessed));
  EXPECT_TRUE(silent());
  EXPECT_EQ(counted("no-key"), 1u);
  const Delivered delivered = provision();
  bench.advance(seconds(101));
  bench.forget();
  receive(fbu(delivered));
  EXPECT_TRUE(silent());
  EXPECT_EQ(counted("key-expired"), 1u);
}

TEST_F(Fbu, ABadAuthenticatorChangesNothing) {
  COVERS("HK-3.5-04");
  start();
  const Delivered delivered = provision();
  receive(fbu(delivered, 1));
  ASSERT_EQ(installed(), 1u);
  bench.forget();
  std::vector<CraftFbu> bad(6, fbu(delivered, 2));
  bad[0].key = Bytes(32, 1);
  bad[1].flip_tag = true;
  bad[2].tag_size = 12;
  bad[3].tag_size = 32;
  bad[4].spi = 1;
  bad[5].without_authenticator = true;
  for (CraftFbu& craft : bad) {
    craft.alternate_care_of = Ipv6Address::literal("2001:db8:a:2::bad");
    receive(craft);
  }
  CraftFbu ending = fbu(delivered, 3);
  ending.lifetime_s = 0;
  ending.flip_tag = true;
  receive(ending);
  EXPECT_TRUE(silent());
  const auto bindings = router->status(bench.now, 10).bindings;
  ASSERT_EQ(bindings.size(), 1u);
  EXPECT_EQ(bindings[0].ncoa, mn.address_in(kNarPrefix));
}

TEST_F(Fbu, TheNetworkCannotTellWhichCheckFailed) {
  COVERS("HK-3.5-05");
  config.keys.lifetime_s = 100;
  start();
  const Delivered expired = provision();
  bench.advance(seconds(101));
  bench.forget();
  receive(fbu(expired));
  const Delivered delivered = provision();
  std::vector<CraftFbu> bad(4, fbu(delivered));
  bad[0].home_address = bad[0].source = other.global();  // no key
  bad[1].flip_tag = true;
  bad[2].tag_size = 12;
  bad[3].spi = 5;
  for (const CraftFbu& craft : bad) receive(craft);
  EXPECT_TRUE(silent());
  EXPECT_TRUE(bench.sent.empty());
  for (const char* cause : {"key-expired", "no-key", "mac", "mac-length", "spi"})
    EXPECT_EQ(counted(cause), 1u) << cause;
  bench.forget();
  for (int i = 0; i < 1000; ++i) receive(bad[1]);
  EXPECT_TRUE(silent());
  EXPECT_LE(bench.reported(machine::EventKind::kFbuRefused).size(), 1u);
  EXPECT_EQ(counted("mac"), 1001u);
}

TEST_F(Fbu, AnAuthenticatorHasExactlyTheAlgorithmsLength) {
  COVERS("HK-3.5-07", "HK-3.2-38");
  const std::map<std::uint8_t, std::size_t> sizes = {{1, 12}, {2, 16}, {3, 24}, {4, 12}};
  for (const auto& [code, size] : sizes) {
    config.keys.algorithms = {*crypto::algorithm_of(code)};
    bench = MachineBench();
    start();
    const Delivered delivered = provision(code);
    for (const std::size_t wrong : {std::size_t{4}, std::size_t{12}, std::size_t{16},
                                    std::size_t{20}, std::size_t{24}, std::size_t{32}}) {
      if (wrong == size) continue;
      CraftFbu craft = fbu(delivered);
      craft.tag_size = wrong;
      receive(craft);
      EXPECT_TRUE(silent()) << int{code} << " " << wrong;
    }
    CraftFbu good = fbu(delivered);
    EXPECT_EQ(crypto::tag_size(good.algorithm), size);
    receive(good);
    EXPECT_EQ(installed(), 1u) << int{code};
  }
  // Asked for 2, resolved 3: the record says 3, and so does the FBU's check.
  config.keys.algorithms = {crypto::Algorithm::kHmacSha1_96, crypto::Algorithm::kHmacSha384_192};
  bench = MachineBench();
  start();
  const Delivered stronger = provision(2);
  EXPECT_EQ(stronger.algorithm, 3);
  EXPECT_EQ(router->status(bench.now, 1).keys[0].algorithm, crypto::Algorithm::kHmacSha384_192);
  CraftFbu weaker = fbu(stronger);
  weaker.algorithm = crypto::Algorithm::kHmacSha256_128;
  receive(weaker);
  EXPECT_TRUE(silent());
  EXPECT_EQ(counted("mac-length"), 1u);
  receive(fbu(stronger));
  EXPECT_EQ(installed(), 1u);
}

TEST_F(Fbu, BothLiveKeysOfACgaCount) {
  COVERS("HK-3.5-08", "HK-3.2-18");
  config.keys.lifetime_s = 1000;
  start();
  const Delivered old = provision();
  bench.advance(seconds(899));
  EXPECT_EQ(provision().key, old.key);
  bench.advance(seconds(2));
  Craft forged = request();
  forged.timestamp = 1;
  receive(forged, mn);
  EXPECT_EQ(keys(), 1u);
  const Delivered fresh = provision();
  EXPECT_NE(fresh.key, old.key);
  EXPECT_EQ(fresh.lifetime_s, 1000);
  bench.advance(seconds(49));  // 950 s
  bench.forget();
  receive(fbu(old, 500));
  EXPECT_EQ(installed(), 1u);
  EXPECT_EQ(fbacks().size(), 2u);
  receive(fbu(fresh, 3));  // its own sequence numbers
  EXPECT_EQ(installed(), 2u);
  EXPECT_EQ(counted("stale"), 0u);
  // The FBack is made with the key that verified: its size is the same, its MAC is not.
  const auto last = ByteView(bench.sent.back().packet).subspan(40);
  const auto fback = wire::FastBindingAcknowledgement::parse(last);
  const Secret key = Secret::copy_of(fresh.key);
  EXPECT_TRUE(keys::check(last, fback->options.authorization, crypto::Algorithm::kHmacSha256_128,
                          key, mn.address_in(kNarPrefix), ar_global())
                  .has_value());
  receive(fbu(fresh, 4));  // keeps the binding past the old key's end
  bench.advance(seconds(29));
  receive(fbu(fresh, 5));
  bench.advance(seconds(23));  // 1002 s
  bench.forget();
  receive(fbu(old, 501));
  EXPECT_TRUE(silent());
  receive(fbu(fresh, 6));
  EXPECT_EQ(installed(), 1u);
}

TEST_F(Fbu, AUsedKeyIsKept) {
  COVERS("HK-3.6-04");
  start();
  const Delivered delivered = provision();
  receive(fbu(delivered, 1));
  EXPECT_EQ(keys(), 1u);
  CraftFbu second = fbu(delivered, 2);
  second.alternate_care_of = Ipv6Address::literal("2001:db8:a:2::1234");
  receive(second);
  ASSERT_EQ(installed(), 2u);
  EXPECT_EQ(bench.asked<InstallBinding>()[1]->ncoa, *second.alternate_care_of);
  EXPECT_EQ(counted("accepted"), 2u);
}

TEST_F(Fbu, WhoComesBackGetsTheSameKey) {
  COVERS("HK-3.6-06");
  start();
  const Delivered delivered = provision();
  receive(fbu(delivered, 1));
  CraftFbu back = fbu(delivered, 2);
  back.lifetime_s = 0;
  bench.advance(seconds(10));
  receive(back);
  EXPECT_EQ(provision().key, delivered.key);
  EXPECT_NE(provision_for(other).key, delivered.key);
}

TEST_F(Fbu, TheKeyGoesWhenForwardingTimesOut) {
  COVERS("HK-3.6-10");
  start();
  const Delivered delivered = provision();
  CraftFbu craft = fbu(delivered, 1);
  craft.lifetime_s = 10;
  receive(craft);
  bench.advance(milliseconds(9'900));
  EXPECT_EQ(keys(), 1u);
  bench.advance(milliseconds(200));
  EXPECT_EQ(keys(), 0u);
  EXPECT_EQ(bench.asked<RemoveBinding>().size(), 1u);
  bench.forget();
  receive(fbu(delivered, 2));
  EXPECT_TRUE(silent());
  // Ended by its owner: the key stays.
  const Delivered second = provision();
  EXPECT_NE(second.key, delivered.key);
  receive(fbu(second, 1));
  CraftFbu ending = fbu(second, 2);
  ending.lifetime_s = 0;
  receive(ending);
  EXPECT_EQ(bench.asked<RemoveBinding>().size(), 1u);
  bench.advance(seconds(100));
  EXPECT_EQ(keys(), 1u);
}

TEST_F(Fbu, ABindingThatOutlivedItsKeyIsTakenDown) {
  start();
  const Delivered delivered = provision();
  CraftFbu first = fbu(delivered, 1);
  first.lifetime_s = 10;
  receive(first);
  bench.hold_outcome = [](const machine::Action& action) {
    return std::holds_alternative<InstallBinding>(action.what);
  };
  receive(fbu(delivered, 2));
  ASSERT_EQ(bench.unanswered.size(), 1u);
  bench.advance(seconds(11));  // the first ran out, and its key with it
  bench.forget();
  bench.answer(bench.unanswered[0]);
  EXPECT_EQ(bench.asked<RemoveBinding>().size(), 1u);
  EXPECT_EQ(router->status(bench.now, 1).binding_count, 0u);
  EXPECT_TRUE(fbacks().empty());
}

TEST_F(Fbu, AFailedReplacementLeavesNoTunnelBehind) {
  start();
  const Delivered delivered = provision();
  receive(fbu(delivered, 1));
  bench.outcome_of =
      [](const machine::Action& action) -> Result<machine::Facts, machine::ActionError> {
    if (std::holds_alternative<InstallBinding>(action.what))
      return fail(machine::ActionError::kRefused);
    return machine::Facts{};
  };
  bench.forget();
  receive(fbu(delivered, 2));
  EXPECT_EQ(bench.asked<RemoveBinding>().size(), 1u);
  EXPECT_EQ(router->status(bench.now, 1).binding_count, 0u);
  ASSERT_EQ(fbacks().size(), 1u);
  EXPECT_EQ(fbacks()[0].status, 130);
}

TEST_F(Fbu, TheAnswerGoesBeforeWhatElseTheBindingAsksFor) {
  start();
  const Delivered delivered = provision();
  bench.forget();
  receive(fbu(delivered));
  ASSERT_EQ(fbacks().size(), 2u);
  const auto protocol = [&](std::size_t i) {
    return wire::PacketView::parse(bench.sent.at(i).packet)->upper_protocol;
  };
  ASSERT_EQ(bench.sent.size(), 3u);
  EXPECT_EQ(protocol(0), wire::kProtocolMobility);
  EXPECT_EQ(protocol(1), wire::kProtocolMobility);
  EXPECT_EQ(protocol(2), wire::kProtocolIcmpv6) << "GF25: where the PCoA is from now on";
}

TEST_F(Fbu, NoAcceptingAnswerBeforeTheBindingStands) {
  start();
  const Delivered delivered = provision();
  bench.hold_outcome = [](const machine::Action&) { return true; };
  receive(fbu(delivered, 300));  // the sequence ceiling is stored first
  ASSERT_EQ(bench.unanswered.size(), 1u);
  EXPECT_EQ(installed(), 0u);
  bench.answer(bench.unanswered[0]);
  EXPECT_EQ(installed(), 1u);
  EXPECT_TRUE(bench.sent.empty());
  bench.answer(bench.unanswered[0]);
  EXPECT_EQ(fbacks().size(), 2u);
}

}  // namespace
}  // namespace sendoff::test
