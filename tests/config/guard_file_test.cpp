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

TEST_F(GuardFile, WhatHappensWithoutItMustBeSaid) {
  guard_error("[guard]\non_stop = \"closed\"\n", "", "[guard] is missing");
  guard_error("on_stop = \"closed\"\n", "", "on_stop");
  guard_error("\"closed\"", "\"maybe\"", "open or closed");
}

TEST_F(GuardFile, EachErrorIsToldWithItsLine) {
  guard_error("name = \"eth0\"", "name = \"a/b\"", "no interface can have that name");
  guard_error("\"secured-only\"", "\"strict\"", "mixed or secured-only");
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
