#include "config/fixture.h"
#include "crypto/rsa.h"
#include "pki/issue.h"
#include "support/covers.h"

namespace sendoff::config {
namespace {

using RouterFile = ConfigTest;

TEST_F(RouterFile, ReadsWhatItSays) {
  const auto loaded = router(kRouterFile);
  ASSERT_TRUE(loaded) << loaded.error()[0].text();
  const router::Config& config = loaded->machine;
  ASSERT_EQ(config.interfaces.size(), 1U);
  const router::Interface& interface = config.interfaces[0];
  EXPECT_EQ(interface.name, "access0");
  ASSERT_EQ(interface.prefixes.size(), 1U);
  EXPECT_EQ(interface.prefixes[0].prefix, Prefix::literal("2001:db8:a:1::/64"));
  EXPECT_EQ(interface.access_points[0], LinkAddress::literal("02:00:00:00:0a:01"));
  EXPECT_EQ(interface.max_ra_interval, seconds(10));
  EXPECT_EQ(interface.advertised.router_lifetime_s, 30);
  ASSERT_TRUE(interface.identity.key);
  EXPECT_EQ(config.keys.lifetime_s, 3600U);
  ASSERT_EQ(config.neighbours.size(), 1U);
  EXPECT_EQ(config.neighbours[0].address, Ipv6Address::literal("2001:db8:a:2::1"));
  EXPECT_EQ(config.neighbours[0].prefix, Prefix::literal("2001:db8:a:2::/64"));
  ASSERT_EQ(config.certification.path.size(), 2U);
  EXPECT_EQ(config.certification.path[1], test::load_file("pki/good-router.der"));
  EXPECT_EQ(config.certification.anchor.certificate, test::load_file("pki/anchor.der"));
  // The neighbour has no protection yet, which is said; nothing else is.
  ASSERT_EQ(loaded->warnings.size(), 1U);
  EXPECT_TRUE(warns(loaded->warnings, "protection is not set"));
  EXPECT_EQ(config.neighbours[0].protection, router::Protection::kNone);
  EXPECT_EQ(loaded->daemon.control_socket, "/run/sendoff/router.sock");
}

TEST_F(RouterFile, HandoverKeysLiveTwelveHoursUnlessSetWithinTheirField) {
  COVERS("HK-3.7-03");
  const auto loaded = router(changed(kRouterFile, "lifetime = 3600\n", ""));
  ASSERT_TRUE(loaded);
  EXPECT_EQ(loaded->machine.keys.lifetime_s, 43200U);
  router_error("lifetime = 3600", "lifetime = 65536",
               "[keys] lifetime is 65536; it must be 1 to 65535");
  router_error("lifetime = 3600", "lifetime = 0", "[keys] lifetime is 0;");
  router_error("lifetime = 3600", "lifetime = -1", "[keys] lifetime is -1;");
  EXPECT_TRUE(router(changed(kRouterFile, "3600", "65535")));
  EXPECT_TRUE(router(changed(kRouterFile, "3600", "1")));
}

TEST_F(RouterFile, RecordsAreKeptOnDiskUnlessTheFileSaysOtherwise) {
  const auto with = [this](const std::string& section) {
    const auto loaded = router(std::string(kRouterFile) + "[store]\n" + section);
    EXPECT_TRUE(loaded) << section;
    return loaded ? loaded->daemon.store : Store();
  };
  const Store fresh = with("");
  EXPECT_EQ(fresh.kind, Store::Kind::kSqlite);
  EXPECT_EQ(fresh.directory, "/var/lib/sendoff");
  EXPECT_EQ(fresh.key_file, "");
  EXPECT_TRUE(fresh.make_key);
  EXPECT_EQ(with("directory = \"/srv/keys\"").directory, "/srv/keys");
  // A key that was named is there, or its maker wants to know.
  EXPECT_EQ(with("key_file = \"a.key\"").key_file, "etc/a.key");
  EXPECT_FALSE(with("key_file = \"/srv/a.key\"").make_key);
  EXPECT_TRUE(with("key_file = \"a.key\"\nmake_key = true").make_key);

  const auto memory = router(std::string(kRouterFile) + "[store]\nkind = \"memory\"");
  ASSERT_TRUE(memory);
  EXPECT_EQ(memory->daemon.store.kind, Store::Kind::kMemory);
  EXPECT_TRUE(warns(memory->warnings, "do not outlive a restart"));
  EXPECT_FALSE(warns(router(kRouterFile)->warnings, "do not outlive a restart"));
  router_error("lifetime = 3600", "lifetime = 3600\n[store]\nkind = \"files\"", "sqlite or memory",
               "kind =");
  router_error("lifetime = 3600", "lifetime = 3600\n[store]\ndirectory = \"state\"",
               "absolute path", "directory =");
  router_error("lifetime = 3600", "lifetime = 3600\n[store]\npath = \"/a\"", "path", "path =");
}

TEST_F(RouterFile, TheDataPathHasABackendAndBounds) {
  const auto with = [&](const std::string& section) {
    return router(kRouterFile + "\n[datapath]\n" + section);
  };
  const auto fresh = router(kRouterFile);
  ASSERT_TRUE(fresh);
  EXPECT_EQ(fresh->daemon.datapath, datapath::Settings{});
  const auto set = with(
      "backend = \"tun\"\ntunnels = 7\nbuffers = 1\npackets_per_buffer = 2\n"
      "octets_per_buffer = 3000\npackets = 4\noctets = 5000\n");
  ASSERT_TRUE(set) << set.error()[0].text();
  EXPECT_EQ(set->daemon.datapath,
            (datapath::Settings{datapath::Choice::kTun, 7, {1, 2, 3000, 4, 5000}}));
  for (const char* wrong : {"backend = \"fast\"", "tunnels = 0", "buffers = 0", "octets = 1279",
                            "packets_per_buffer = -1", "speed = 1"})
    EXPECT_FALSE(with(wrong)) << wrong;
  const auto none = with("backend = \"none\"");
  ASSERT_TRUE(none);
  EXPECT_TRUE(warns(none->warnings, "no packet"));
  EXPECT_FALSE(warns(fresh->warnings, "no packet"));
}

TEST_F(RouterFile, AdvertisementIntervalsStayWithinRfc4861) {
  COVERS("ND-4861-38");
  router_error("max_ra_interval = 10", "max_ra_interval = 3", "it must be 4 to 1800");
  router_error("max_ra_interval = 10", "max_ra_interval = 1801", "it must be 4 to 1800");
  const auto fresh = router(changed(kRouterFile, "max_ra_interval = 10\n", ""));
  ASSERT_TRUE(fresh);
  EXPECT_EQ(fresh->machine.interfaces[0].max_ra_interval, seconds(600));
  const auto fast = router(changed(kRouterFile, "max_ra_interval = 10",
                                   "max_ra_interval = 0.07\nfast_advertisements = true"));
  ASSERT_TRUE(fast) << fast.error()[0].text();
  EXPECT_EQ(fast->machine.interfaces[0].max_ra_interval, milliseconds(70));
}

TEST_F(RouterFile, TheLeastIntervalFollowsTheGreatest) {
  COVERS("ND-4861-39");
  const auto least = [&](const std::string& intervals) {
    const auto loaded = router(changed(kRouterFile, "max_ra_interval = 10", intervals));
    EXPECT_TRUE(loaded) << intervals;
    return loaded ? loaded->machine.interfaces[0].min_ra_interval : Duration{};
  };
  EXPECT_EQ(least("max_ra_interval = 600"), seconds(198));
  EXPECT_EQ(least("max_ra_interval = 9"), milliseconds(2970));
  EXPECT_EQ(least("max_ra_interval = 4"), seconds(3));
  EXPECT_EQ(least("max_ra_interval = 600\nmin_ra_interval = 450"), seconds(450));
  EXPECT_EQ(least("max_ra_interval = 600\nmin_ra_interval = 3"), seconds(3));
  for (const char* wrong : {"451", "2"})
    router_error("max_ra_interval = 10",
                 std::string("max_ra_interval = 600\nmin_ra_interval = ") + wrong,
                 "it must be 3 to 450", "min_ra");
}

TEST_F(RouterFile, WhatAdvertisementsSayStaysWithinRfc4861) {
  COVERS("ND-4861-40");
  const auto with = [&](const std::string& lines) {
    return router(changed(kRouterFile, "max_ra_interval = 10", lines));
  };
  const auto fresh = router(kRouterFile);
  ASSERT_TRUE(fresh);
  EXPECT_EQ(fresh->machine.interfaces[0].advertised,
            nd::AdvertisedParameters{.router_lifetime_s = 30});
  EXPECT_EQ(fresh->machine.interfaces[0].max_answer_delay, milliseconds(500));
  const auto set = with(
      "hop_limit = 50\nmanaged = true\nother_config = true\nreachable_time_ms = 3600000\n"
      "retrans_timer_ms = 7\nmtu = 1400\nanswer_delay_ms = 0\nrouter_lifetime = 9000");
  ASSERT_TRUE(set) << set.error()[0].text();
  EXPECT_EQ(set->machine.interfaces[0].advertised,
            (nd::AdvertisedParameters{9000, 50, true, true, 3'600'000, 7, 1400}));
  EXPECT_EQ(set->machine.interfaces[0].max_answer_delay, Duration{});
  router_error("max_ra_interval = 10", "reachable_time_ms = 3600001", "it must be 0 to 3600000");
  router_error("max_ra_interval = 10", "hop_limit = 256", "it must be 0 to 255");
  router_error("max_ra_interval = 10", "mtu = 1279", "less than 1280");
  router_error("max_ra_interval = 10", "answer_delay_ms = 501", "it must be 0 to 500");
}

TEST_F(RouterFile, APrefixHasFlagsOfItsOwn) {
  const auto with = [&](const std::string& flags) {
    return router(changed(kRouterFile, "[\"2001:db8:a:1::/64\"]",
                          "[{prefix = \"2001:db8:a:1::/64\"" + flags + "}]"));
  };
  const auto fresh = with("");
  ASSERT_TRUE(fresh);
  const router::Advertised& advertised = fresh->machine.interfaces[0].prefixes[0];
  EXPECT_TRUE(advertised.on_link && advertised.autonomous && advertised.tell_router_address);
  EXPECT_EQ(advertised.valid_lifetime_s, 2'592'000U);
  EXPECT_EQ(advertised.preferred_lifetime_s, 604'800U);
  const auto off = with(", on_link = false, autonomous = false, router_address = false");
  ASSERT_TRUE(off);
  const router::Advertised& bare = off->machine.interfaces[0].prefixes[0];
  EXPECT_FALSE(bare.on_link || bare.autonomous || bare.tell_router_address);
  EXPECT_TRUE(warns(off->warnings, "no handover keys"));
}

TEST_F(RouterFile, RouterLifetimeIsZeroOrCoversTheInterval) {
  COVERS("ND-4861-37");
  router_error("max_ra_interval = 10", "router_lifetime = 1",
               "shorter than max_ra_interval (600 s)");
  router_error("max_ra_interval = 10", "router_lifetime = 9001", "it must be 0 to 9000");
  const auto fresh = router(changed(kRouterFile, "max_ra_interval = 10", "max_ra_interval = 600"));
  ASSERT_TRUE(fresh);
  EXPECT_EQ(fresh->machine.interfaces[0].advertised.router_lifetime_s, 1800);
  EXPECT_TRUE(router(changed(kRouterFile, "max_ra_interval = 10", "router_lifetime = 0")));
}

TEST_F(RouterFile, PreferredLifetimeIsNotLongerThanValid) {
  COVERS("ND-4861-44");
  router_error("prefixes = [\"2001:db8:a:1::/64\"]",
               "prefixes = [{prefix = \"2001:db8:a:1::/64\", valid = 10, preferred = 11}]",
               "preferred is longer than valid");
  EXPECT_TRUE(router(changed(kRouterFile, "[\"2001:db8:a:1::/64\"]",
                             "[{prefix = \"2001:db8:a:1::/64\", valid = 11, preferred = 11}]")));
}

TEST_F(RouterFile, TheLinkLocalPrefixIsNotAdvertised) {
  COVERS("ND-4861-45");
  for (const char* prefix : {"fe80::/64", "fe80:0:0:1::/64"})
    router_error("[\"2001:db8:a:1::/64\"]\na", "[\"" + std::string(prefix) + "\"]\na",
                 "it must be a global /64");
  EXPECT_TRUE(router(kRouterFile));
}

TEST_F(RouterFile, NoLimitOnKeysIsBelowThoseInUse) {
  COVERS("SND-5.1.3-5");
  const auto with = [&](const std::string& lines) {
    return router(changed(kRouterFile, "[keys]", "[send]\n" + lines + "\n[keys]"));
  };
  const auto fresh = router(kRouterFile);
  ASSERT_TRUE(fresh);
  EXPECT_EQ(fresh->machine.receiver.key_limits.max_bits, 3072U);
  router_error("[keys]", "[send]\nmax_key_bits = 1024\n[keys]", "it must be 2048 to 3072",
               "max_key_bits");
  router_error("[keys]", "[send]\nmax_key_bits = 2047\n[keys]", "it must be 2048 to 3072",
               "max_key_bits");
  for (const std::uint32_t bits : {2048U, 3072U}) {
    const auto loaded = with("max_key_bits = " + std::to_string(bits));
    ASSERT_TRUE(loaded) << loaded.error()[0].text();
    const auto& limits = loaded->machine.receiver.key_limits;
    EXPECT_EQ(limits.max_bits, bits);
    const auto key =
        crypto::SigningKey::from_pem(test::load_file("keys/mn-" + std::to_string(bits) + ".pem"));
    EXPECT_TRUE(crypto::RsaPublicKey::parse((*key)->spki(), limits)) << bits;
  }
}

TEST_F(RouterFile, NamesWhatIsWrongAndWhere) {
  router_error("lifetime = 3600", "lifetme = 3600",
               "lifetme is not an option; did you mean lifetime?");
  router_error("[[neighbour]]", "[[neighbor]]",
               "[neighbor] is not an option; did you mean neighbour?");
  router_error("lifetime = 3600", "lifetime = \"long\"", "is a text; it must be a whole number");
  router_error("name = \"access0\"", "name = \"a/b\"", "no interface can have that name");
  router_error("2001:db8:a:1::/64\"]\na", "2001:db8:a:1::1/64\"]\na", "it must be a global /64");
  router_error("\"2001:db8:a:2::/64\"", "\"2001:db8:a:2::/48\"",
               "it must be a global prefix of at most 64 bits");
  router_error("\"2001:db8:a:2::1\"", "\"fe80::1\"", "it must be a global address");
  router_error("\"02:00:00:00:00:02\"", "\"02:00:00\"", "it must be a link-layer address");
  router_error("access_points = [\"02:00:00:00:0a:02\"", "access_points = [ \"02:00:00:00:0a:01\"",
               "a second time (first in line 4)");
  router_error("sec = 0", "sec = -1", "it must be 0 to 2");
  router_error("sec = 0", "modifier = \"abc\"", "32 hexadecimal digits");
  router_error("lifetime = 3600", "algorithms = []", "is empty");
  router_error("lifetime = 3600", "algorithms = [\"md5\"]", "must be hmac-sha1-96");
  router_error("lifetime = 3600", "fallback = 5", "names no algorithm");
  router_error("lifetime = 3600", "algorithms = [1]\nfallback = 2",
               "fallback is not one of algorithms", "fallback");
  router_error("prefix = \"2001:db8:a:2::/64\"", "prefix = \"2001:db8:a:1::/64\"",
               "advertises itself");
}

TEST_F(RouterFile, ListsEveryErrorAtOnceInTheOrderOfLines) {
  std::string text = changed(kRouterFile, "lifetime = 3600", "lifetime = 0");
  text = changed(text, "max_ra_interval = 10", "max_ra_interval = 1");
  text = changed(text, "ar.pem", "gone.pem");
  const auto result = router(text);
  ASSERT_FALSE(result);
  ASSERT_EQ(result.error().size(), 3U);
  EXPECT_EQ(result.error()[0].text().substr(0, 18), "etc/router.toml:5:");
  EXPECT_EQ(result.error()[1].line, 7U);
  EXPECT_EQ(result.error()[2].line, 13U);
}

TEST_F(RouterFile, WhatIsMissingIsNamed) {
  const auto empty = router("");
  ASSERT_FALSE(empty);
  EXPECT_EQ(empty.error().size(), 3U);
  EXPECT_TRUE(warns(empty.error(), "[cga] is missing"));
  EXPECT_TRUE(warns(empty.error(), "[certificate] is missing"));
  EXPECT_TRUE(warns(empty.error(), "[[interface]] is missing"));
  router_error("name = \"access0\"\n", "", "name is missing");
  router_error("link_address = \"02:00:00:00:00:02\"\n", "", "link_address is missing");
  router_error("chain = \"chain.der\"\n", "", "chain is missing");
}

TEST_F(RouterFile, ABrokenFileIsOneError) {
  router_error("lifetime = 3600", "lifetime = 3600 s", "not TOML");
  files_.fail_with("etc/router.toml", FileError::kDenied);
  const auto denied = load_router("etc/router.toml", {files_, today_, random_, nullptr});
  ASSERT_FALSE(denied);
  EXPECT_NE(denied.error()[0].what.find("no permission"), std::string::npos);
}

TEST_F(RouterFile, APrivateKeyIsARegularFileOfItsOwnerOnly) {
  const auto key_error = [this](const std::string& says) {
    router_error("key = \"ar.pem\"", "key = \"ar.pem\"", says);
  };
  for (const unsigned mode : {0640U, 0604U, 0620U, 0602U, 0610U, 0601U}) {
    put_key("ar-2048", "ar.pem", mode);
    key_error("chmod 600 ar.pem");
  }
  put_key("ar-2048", "ar.pem", 0400);
  EXPECT_TRUE(router(kRouterFile));
  put_key("small-512", "ar.pem");
  key_error("1024 to 3072 bits");
  files_.put("etc/ar.pem", "not a key", 0600);
  key_error("private key in PEM; make one: sendoff cga key");
  files_.fail_with("etc/ar.pem", FileError::kNotRegular);
  key_error("not a regular file");
  files_.fail_with("etc/ar.pem", FileError::kMissing);
  key_error("there is no such file");
}

TEST_F(RouterFile, ItsCertificateIsValidNowForItsKeyAndItsPrefixes) {
  COVERS("CRT-3971-20", "SND-7.3-4");
  const auto chain_error = [this](const std::string& says) {
    router_error("chain = \"chain.der\"", "chain = \"chain.der\"", says);
  };
  put_certificates("chain.der", {"ca", "other-key"});
  chain_error("certifies another key than [cga] key");
  put_certificates("chain.der", {"ca", "expired"});
  chain_error("which expired on");
  put_certificates("chain.der", {"ca", "not-yet-valid"});
  chain_error("which is valid only from");
  put_certificates("chain.der", {"good-router"});
  chain_error("is not a valid certification path");
  put_certificates("chain.der", {"ca", "no-eku"});
  chain_error("is not a valid certification path");
  put_certificates("chain.der", {"ca", "good-router"});
  router_error("prefixes = [\"2001:db8:a:1::/64\"]", "prefixes = [\"2001:db8:a:9::/64\"]",
               "outside the address blocks");
  files_.put("etc/chain.der", "nothing");
  chain_error("holds no certificate");
}

TEST_F(RouterFile, TheChainMayStandInEitherOrderAndWithItsAnchor) {
  const Bytes own = test::load_file("pki/good-router.der");
  for (const std::vector<std::string>& order :
       std::vector<std::vector<std::string>>{{"anchor", "ca", "good-router"},
                                             {"good-router", "ca"},
                                             {"good-router", "ca", "anchor"}}) {
    put_certificates("chain.der", order);
    const auto loaded = router(kRouterFile);
    ASSERT_TRUE(loaded) << loaded.error()[0].text();
    ASSERT_EQ(loaded->machine.certification.path.size(), 2U);
    EXPECT_EQ(loaded->machine.certification.path.back(), own);
  }
}

// RFC 3971 6.4.4: the 8-bit length of the option.
TEST_F(RouterFile, ACertificateFitsItsOption) {
  COVERS("SND-6.4.4-4");
  const auto pem = [](const std::string& key) {
    return Secret::copy_of(test::load_file("keys/" + key + ".pem"));
  };
  const auto request = [](pki::Role role, const std::string& name) {
    pki::Request made;
    made.role = role;
    made.common_name = name;
    made.blocks = {Prefix::literal("2001:db8:a:1::/64")};
    made.not_before = kToday - hours(24);
    made.not_after = kToday + hours(24);
    made.serial = {1, 2, 3};
    return made;
  };
  const auto spki = [](const std::string& key) {
    const auto loaded = crypto::SigningKey::from_pem(test::load_file("keys/" + key + ".pem"));
    return to_bytes((*loaded)->spki());
  };
  const Bytes anchor = pki::issue(request(pki::Role::kAnchor, "Anchor"), spki("anchor-2048"),
                                  {{}, pem("anchor-2048")})
                           .value();
  // Its size grows with the address of its revocation list, octet by octet.
  const auto of_size = [&](std::size_t size) {
    constexpr std::size_t kSome = 1000;
    pki::Request made = request(pki::Role::kRouter, "ar");
    const auto issued = [&](std::size_t length) {
      made.crl_uris = {"http://" + std::string(length, 'x')};
      return pki::issue(made, spki("ar-2048"), {anchor, pem("anchor-2048")}).value();
    };
    return issued(kSome + size - issued(kSome).size());
  };
  files_.put("etc/anchor.der", anchor);
  const Bytes largest = of_size(2036);
  ASSERT_EQ(largest.size(), 2036U);
  files_.put("etc/chain.der", largest);
  const auto loaded = router(kRouterFile);
  ASSERT_TRUE(loaded) << loaded.error()[0].text();
  EXPECT_TRUE(warns(loaded->warnings, "travels unfragmented only on links with an MTU of"));
  for (const std::size_t size : {2037U, 2100U}) {
    const Bytes larger = of_size(size);
    ASSERT_EQ(larger.size(), size);
    files_.put("etc/chain.der", larger);
    router_error("chain = \"chain.der\"", "chain = \"chain.der\"", "SEND carries at most 2036");
  }
}

TEST_F(RouterFile, OlderProfilesAreOffUnlessSwitchedOn) {
  COVERS("CRT-3971-18");
  put_certificates("chain.der", {"ca", "no-eku"});
  EXPECT_FALSE(router(kRouterFile));
  EXPECT_TRUE(
      router(changed(kRouterFile, "[certificate]", "[certificate]\nrfc3971_profile = true")));
  const auto node = mobile(kMobileFile);
  ASSERT_TRUE(node);
  EXPECT_FALSE(node->machine.paths.policy.accept_rfc3971_profile);
}

TEST_F(RouterFile, AnchorNamesAreAscii) {
  COVERS("SND-6.4.3-6");
  router_error("anchor = \"anchor.der\"",
               "anchor = \"anchor.der\"\nanchor_fqdns = [\"b\u00fccher.example\"]",
               "write the name in ASCII", "anchor_fqdns");
  EXPECT_TRUE(
      router(changed(kRouterFile, "anchor = \"anchor.der\"",
                     "anchor = \"anchor.der\"\nanchor_fqdns = [\"xn--bcher-kva.example\"]")));
}

TEST_F(RouterFile, SecIsOneThatTheRegistryKnows) {
  COVERS("CGA-4982-2");
  for (const char* sec : {"3", "4", "5", "6", "7"})
    router_error("sec = 0", std::string("sec = ") + sec, "registry of RFC 4982");
  router_error("sec = 0", "sec = 1", "sec = 1 needs one that was searched for", "[cga]");
  router_error("sec = 0", "sec = 2", "sec = 2 needs one that was searched for", "[cga]");
}

TEST_F(RouterFile, NothingPrefersAddressesBySec) {
  COVERS("CGA-5-10");
  router_error("[keys]", "[send]\nmin_sec = 1\n[keys]", "[send] min_sec is not an option",
               "min_sec");
}

TEST_F(RouterFile, WithoutAModifierItsAddressesOutliveARestart) {
  const auto first = router(kRouterFile);
  const auto second = router(kRouterFile);
  ASSERT_TRUE(first && second);
  EXPECT_EQ(first->machine.interfaces[0].identity.modifier,
            second->machine.interfaces[0].identity.modifier);
}

TEST_F(RouterFile, WarnsOfWhatIsAllowedButUnwise) {
  const auto loaded = router(changed(changed(kRouterFile, "prefix = \"2001:db8:a:2",
                                             "handover_initiate = false\nprefix = \"2001:db8:a:2"),
                                     "lifetime = 3600", "fallback = \"hmac-sha1-96\""));
  ASSERT_TRUE(loaded) << loaded.error()[0].text();
  EXPECT_TRUE(warns(loaded->warnings, "handover_initiate is false"));
  EXPECT_TRUE(warns(loaded->warnings, "weaker than hmac-sha384-192"));
  EXPECT_EQ(loaded->machine.keys.fallback, crypto::Algorithm::kHmacSha1_96);
}

TEST_F(RouterFile, ProtectionIsClearByAnExplicitWordOnly) {
  const auto loaded = router(changed(kRouterFile, "prefix = \"2001:db8:a:2",
                                     "protection = \"clear\"\nprefix = \"2001:db8:a:2"));
  ASSERT_TRUE(loaded) << loaded.error()[0].text();
  EXPECT_EQ(loaded->machine.neighbours[0].protection, router::Protection::kClear);
  EXPECT_TRUE(warns(loaded->warnings, "HI and HAck to and from"));
  router_error("prefix = \"2001:db8:a:2", "protection = \"none\"\nprefix = \"2001:db8:a:2",
               "protection is \"none\"");
}

TEST_F(RouterFile, TheParAndTheNarAreSetUpByTheirSections) {
  COVERS("FH-5.5-01");
  const auto fresh = router(kRouterFile);
  ASSERT_TRUE(fresh);
  EXPECT_EQ(fresh->machine.new_router.dad_transmits, 1U);
  EXPECT_EQ(fresh->machine.new_router.proxy_lifetime, milliseconds(1500));
  EXPECT_EQ(fresh->machine.previous_router.hi_retries, 3U);
  EXPECT_EQ(fresh->machine.previous_router.hi_timeout, milliseconds(100));
  const auto changed_file =
      changed(changed(kRouterFile, "access_points = [\"02:00:00:00:0a:01\"]",
                      "access_points = [\"02:00:00:00:0a:01\"]\npool = \"2001:db8:a:1::a:0/112\""),
              "[keys]",
              "[handover]\nhi_retries = 1\nblocked = [\"2001:db8:a:1::5\"]\n"
              "[arrival]\ndad_transmits = 0\nproxy_lifetime_ms = 400\n[keys]");
  const auto loaded = router(changed_file);
  ASSERT_TRUE(loaded) << loaded.error()[0].text();
  EXPECT_EQ(loaded->machine.previous_router.hi_retries, 1U);
  EXPECT_EQ(loaded->machine.previous_router.blocked.size(), 1U);
  EXPECT_EQ(loaded->machine.new_router.dad_transmits, 0U);
  EXPECT_EQ(loaded->machine.new_router.proxy_lifetime, milliseconds(400));
  EXPECT_EQ(loaded->machine.interfaces[0].pool, Prefix::literal("2001:db8:a:1::a:0/112"));
  EXPECT_TRUE(warns(loaded->warnings, "dad_transmits is 0"));
  router_error("max_ra_interval = 10", "pool = \"2001:db8:f::/112\"",
               "must be a part of one of the interface's prefixes");
  router_error("[keys]", "[handover]\nhi_timeout_ms = 99\n[keys]", "it must be 100 to 10000",
               "hi_timeout_ms = 99");
}

TEST_F(RouterFile, SettingsOfHandoversThatAreOffByDefault) {
  const auto plain = router(kRouterFile);
  ASSERT_TRUE(plain) << plain.error()[0].text();
  EXPECT_FALSE(plain->machine.previous_router.copy_packets);
  EXPECT_FALSE(plain->machine.previous_router.early_fback);
  EXPECT_EQ(plain->machine.new_router.in_use, router::InUseAnswer::kNone);
  EXPECT_TRUE(plain->machine.new_router.invite);
  EXPECT_TRUE(plain->daemon.home_addresses);
  const auto with = [](const std::string& handover, const std::string& arrival) {
    return changed(kRouterFile, "[keys]",
                   "[handover]\n" + handover + "\n[arrival]\n" + arrival + "\n[keys]");
  };
  const auto loaded = router(
      with("copy_packets = true\nearly_fback = true", "in_use = \"configure\"\ninvite = false"));
  ASSERT_TRUE(loaded) << loaded.error()[0].text();
  EXPECT_TRUE(loaded->machine.previous_router.copy_packets);
  EXPECT_TRUE(loaded->machine.previous_router.early_fback);
  EXPECT_EQ(loaded->machine.new_router.in_use, router::InUseAnswer::kConfigure);
  EXPECT_FALSE(loaded->machine.new_router.invite);
  const auto told = router(with("", "in_use = \"router\""));
  ASSERT_TRUE(told) << told.error()[0].text();
  EXPECT_EQ(told->machine.new_router.in_use, router::InUseAnswer::kRouterAddress);
  router_error("[keys]", "[arrival]\nin_use = \"no\"\n[keys]",
               "it must be none, configure or router", "in_use");
  router_error("[keys]", "[arrival]\nsupport_pcoa = false\nin_use = \"router\"\n[keys]",
               "and support_pcoa is false", "in_use");
}

TEST_F(RouterFile, PrefixesOfNodesOfTheirOwnAreNobodyElses) {
  const auto loaded =
      router(changed(changed(kRouterFile, "max_ra_interval = 10",
                             "max_ra_interval = 10\nmobile_prefixes = \"2001:db8:a:100::/56\""),
                     "prefix = \"2001:db8:a:2::/64\"", "prefix = \"2001:db8:b::/48\""));
  ASSERT_TRUE(loaded) << loaded.error()[0].text();
  EXPECT_EQ(loaded->machine.interfaces[0].mobile_prefixes, Prefix::literal("2001:db8:a:100::/56"));
  EXPECT_EQ(loaded->machine.neighbours[0].prefix, Prefix::literal("2001:db8:b::/48"));
  router_error("max_ra_interval = 10", "mobile_prefixes = \"2001:db8:a::/48\"",
               "which all nodes of the interface share");
  for (const char* range : {"2001:db8:a:100::/64", "fe80::/56", "2000::/3"})
    router_error("max_ra_interval = 10", "mobile_prefixes = \"" + std::string(range) + "\"",
                 "must be global, of /16 to /63");
  for (const char* prefix : {"2001:db8:b::/65", "fe80::/64", "2001:db8:b::1/64"})
    router_error("prefix = \"2001:db8:a:2::/64\"", "prefix = \"" + std::string(prefix) + "\"",
                 "a global prefix of at most 64 bits");
}

TEST_F(RouterFile, WarnsBeforeItsCertificateExpires) {
  const auto leaf = pki::inspect(test::load_file("pki/good-router.der"));
  ASSERT_TRUE(leaf);
  today_ = leaf->not_after - hours(24);
  const auto loaded = router(kRouterFile);
  ASSERT_TRUE(loaded) << loaded.error()[0].text();
  EXPECT_TRUE(warns(loaded->warnings, "valid only until"));
}

}  // namespace
}  // namespace sendoff::config
