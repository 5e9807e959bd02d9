// The configuration of `sendoff guard`.
#include "config/fixture.h"
#include "support/covers.h"

namespace sendoff::config {
namespace {

using GuardFile = ConfigTest;

TEST_F(GuardFile, ReadsWhatItSays) {
  const auto loaded = guard(kGuardFile);
  ASSERT_TRUE(loaded) << loaded.error()[0].text();
  const nd::GuardConfig& config = loaded->machine;
  ASSERT_EQ(config.interfaces.size(), 1U);
  EXPECT_EQ(config.interfaces[0].name, "eth0");
  EXPECT_EQ(config.interfaces[0].mode, nd::GuardMode::kSecuredOnly);
  EXPECT_EQ(config.interfaces[0].prefixes, std::vector{Prefix::literal("2001:db8:a:1::/64")});
  EXPECT_EQ(config.paths.anchors->size(), 1U);
  EXPECT_FALSE(config.certifier);
  EXPECT_EQ(loaded->daemon.guard, net::OnStop::kClosed);
  EXPECT_EQ(loaded->daemon.control_socket, "/run/sendoff/guard.sock");
  EXPECT_EQ(loaded->daemon.store.kind, Store::Kind::kMemory);
  EXPECT_EQ(loaded->daemon.datapath.backend, datapath::Choice::kNone);
  EXPECT_FALSE(loaded->daemon.guard_icmp);
  // The same key gives the same addresses at each start.
  EXPECT_TRUE(send::same(config.identity, guard(kGuardFile)->machine.identity));
  const auto open = guard(changed(kGuardFile, "closed", "open"));
  EXPECT_EQ(open->daemon.guard, net::OnStop::kOpen);
}

TEST_F(GuardFile, DefaultsAreThoseOfTheRfcs) {
  COVERS("SND-8-2");
  const auto loaded = guard(changed(kGuardFile, "mode = \"secured-only\"\n", ""));
  ASSERT_TRUE(loaded) << loaded.error()[0].text();
  EXPECT_EQ(loaded->machine.interfaces[0].mode, nd::GuardMode::kMixed);
  EXPECT_EQ(loaded->machine.receiver.timestamps.delta_s, 300U);
  EXPECT_EQ(loaded->machine.receiver.timestamps.fuzz_ms, 1000U);
  EXPECT_EQ(loaded->machine.receiver.timestamps.drift_percent, 1U);
  EXPECT_EQ(loaded->machine.receiver.key_limits.min_bits, 1024U);
  EXPECT_EQ(loaded->machine.receiver.key_limits.max_bits, 3072U);
}

TEST_F(GuardFile, UnsecuredEvidenceAgainstTheFirstAddressCountsUnlessItSaysOtherwise) {
  COVERS("SND-8-13");
  EXPECT_FALSE(guard(kGuardFile)->machine.interfaces[0].ignore_unsecured_dad);
  const auto loaded =
      guard(changed(kGuardFile, "name = \"eth0\"", "name = \"eth0\"\nignore_unsecured_dad = true"));
  ASSERT_TRUE(loaded) << loaded.error()[0].text();
  EXPECT_TRUE(loaded->machine.interfaces[0].ignore_unsecured_dad);
}

TEST_F(GuardFile, EachKindOfMessageHasItsMethodAndItsAnchors) {
  COVERS("SND-5.2.3-9");
  using send::Kind;
  using send::Method;
  const auto fresh = guard(kGuardFile);
  ASSERT_TRUE(fresh) << fresh.error()[0].text();
  for (const Kind kind :
       {Kind::kNeighborSolicitation, Kind::kNeighborAdvertisement, Kind::kRouterSolicitation})
    EXPECT_EQ(fresh->machine.receiver.methods.of(kind), Method::kCga);
  for (const Kind kind : {Kind::kRouterAdvertisement, Kind::kRedirect})
    EXPECT_EQ(fresh->machine.receiver.methods.of(kind), Method::kTrustAnchorAndCga);
  EXPECT_EQ(send::Methods().of(Kind::kRtSolPr), Method::kCga);
  EXPECT_EQ(send::Methods().of(Kind::kPrRtAdv), Method::kTrustAnchorAndCga);
  EXPECT_TRUE(fresh->machine.anchors_of.empty());
  EXPECT_TRUE(fresh->machine.interfaces[0].cga);

  put_certificates("anchor2.der", {"anchor2"});
  const std::string text = changed(kGuardFile, "anchors = [\"anchor.der\"]",
                                   "anchors = [\"anchor.der\", \"anchor2.der\"]") +
                           "[authorization]\n"
                           "neighbor_solicitation = \"trust-anchor-or-cga\"\n"
                           "neighbor_advertisement = \"cga\"\n"
                           "router_solicitation = \"trust-anchor-and-cga\"\n"
                           "router_advertisement = \"trust-anchor\"\n"
                           "router_advertisement_anchors = [\"anchor.der\"]\n"
                           "redirect = \"trust-anchor-or-cga\"\n"
                           "redirect_anchors = [\"anchor2.der\"]\n";
  for (int load = 0; load < 2; ++load) {
    const auto loaded = guard(text);
    ASSERT_TRUE(loaded) << loaded.error()[0].text();
    const send::Methods& methods = loaded->machine.receiver.methods;
    EXPECT_EQ(methods.of(Kind::kNeighborSolicitation), Method::kTrustAnchorOrCga);
    EXPECT_EQ(methods.of(Kind::kNeighborAdvertisement), Method::kCga);
    EXPECT_EQ(methods.of(Kind::kRouterSolicitation), Method::kTrustAnchorAndCga);
    EXPECT_EQ(methods.of(Kind::kRouterAdvertisement), Method::kTrustAnchor);
    EXPECT_EQ(methods.of(Kind::kRedirect), Method::kTrustAnchorOrCga);
    EXPECT_EQ(loaded->machine.anchors_of,
              (std::map<Kind, std::set<std::size_t>>{{Kind::kRouterAdvertisement, {0}},
                                                     {Kind::kRedirect, {1}}}));
    EXPECT_TRUE(warns(loaded->warnings, "hosts' certificates are not asked for"));
  }
  guard_error("[trust]", "[authorization]\nredirect = \"anybody\"\n[trust]", "trust-anchor-or-cga",
              "redirect = ");
  guard_error("[trust]", "[authorization]\nredirect_anchors = [\"anchor2.der\"]\n[trust]",
              "[trust] anchors does not", "redirect_anchors");
}

TEST_F(GuardFile, AnInterfaceMayDoWithoutCgas) {
  const auto loaded = guard(changed(kGuardFile, "name = \"eth0\"", "name = \"eth0\"\ncga = false"));
  ASSERT_TRUE(loaded) << loaded.error()[0].text();
  EXPECT_FALSE(loaded->machine.interfaces[0].cga);
}

TEST_F(GuardFile, WhatHappensWithoutItMustBeSaid) {
  guard_error("[guard]\non_stop = \"closed\"\n", "", "[guard] is missing");
  guard_error("on_stop = \"closed\"\n", "", "on_stop");
  guard_error("\"closed\"", "\"maybe\"", "open or closed");
}

TEST_F(GuardFile, EachErrorIsToldWithItsLine) {
  guard_error("name = \"eth0\"", "name = \"a/b\"", "no interface can have that name");
  guard_error("\"secured-only\"", "\"strict\"", "mixed, secured-only or off");
  guard_error("2001:db8:a:1::/64", "2001:db8:a::/48", "a /64");
  guard_error("2001:db8:a:1::/64", "fe80::/64", "a /64");
  guard_error("[cga]\nkey = \"mn.pem\"\nsec = 0\n", "", "[cga] is missing");
  guard_error("mn.pem", "none.pem", "none.pem");
  guard_error("[trust]", "[store]\nkind = \"memory\"\n[trust]", "[store]");
  guard_error("[trust]", "[datapath]\nbackend = \"tun\"\n[trust]", "[datapath]");
  guard_error(
      "[[interface]]\nname = \"eth0\"\nmode = \"secured-only\"\nprefixes = "
      "[\"2001:db8:a:1::/64\"]\n",
      "", "[[interface]] is missing");
}

TEST_F(GuardFile, InterfacesAreDifferentAndNotTooMany) {
  EXPECT_FALSE(guard(kGuardFile + "[[interface]]\nname = \"eth0\"\n"));
  std::string text = kGuardFile;
  for (int i = 1; i <= 23; ++i) text += "[[interface]]\nname = \"eth" + std::to_string(i) + "\"\n";
  EXPECT_TRUE(guard(text));
  EXPECT_FALSE(guard(text + "[[interface]]\nname = \"eth24\"\n"));
}

TEST_F(GuardFile, WithoutAnAnchorItSaysWhomItBelieves) {
  COVERS("SND-6.5-2");
  const std::string without = changed(kGuardFile, "anchors = [\"anchor.der\"]\n", "");
  EXPECT_TRUE(warns(guard(without)->warnings, "no Router Advertisement is taken"));
  EXPECT_TRUE(warns(guard(changed(without, "secured-only", "mixed"))->warnings,
                    "any Router Advertisement is taken"));
  EXPECT_TRUE(guard(kGuardFile)->warnings.empty());
}

TEST_F(GuardFile, ACertificateIsOfItsKey) {
  const std::string certificate = "[certificate]\nchain = \"chain.der\"\nanchor = \"anchor.der\"\n";
  EXPECT_FALSE(guard(kGuardFile + certificate));
  const auto loaded = guard(changed(kGuardFile, "mn.pem", "ar.pem") + certificate);
  ASSERT_TRUE(loaded) << loaded.error()[0].text();
  ASSERT_TRUE(loaded->machine.certifier);
  EXPECT_EQ(loaded->machine.certifier->path.size(), 2U);
}

}  // namespace
}  // namespace sendoff::config
