#include "config/fixture.h"
#include "keys/encryption_pair.h"
#include "support/covers.h"

namespace sendoff::config {
namespace {

using MobileFile = ConfigTest;

TEST_F(MobileFile, ReadsWhatItSays) {
  const auto loaded =
      mobile(changed(kMobileFile, "fbu_retries = 3",
                     "fbu_retries = 5\nfbu_timeout_ms = 250\ntunnel_lifetime = 20"));
  ASSERT_TRUE(loaded) << loaded.error()[0].text();
  const mobile::Config& config = loaded->machine;
  EXPECT_EQ(config.interfaces[0].name, "access0");
  ASSERT_TRUE(config.identity.key);
  ASSERT_TRUE(config.paths.anchors);
  EXPECT_EQ(config.paths.anchors->size(), 1U);
  EXPECT_EQ(config.algorithm, crypto::Algorithm::kHmacSha256_128);
  EXPECT_EQ(config.fbu_retries, 5U);
  EXPECT_EQ(config.fbu_timeout, milliseconds(250));
  EXPECT_EQ(config.tunnel_lifetime_s, 20U);
}

TEST_F(MobileFile, DefaultsAreTheOnesOfTheDocuments) {
  const auto loaded = mobile(changed(kMobileFile, "fbu_retries = 3\n", ""));
  ASSERT_TRUE(loaded) << loaded.error()[0].text();
  const mobile::Config& config = loaded->machine;
  EXPECT_EQ(config.rtsolpr_retries, 3U);
  EXPECT_EQ(config.rtsolpr_timeout, milliseconds(100));
  EXPECT_EQ(config.fbu_retries, 3U);
  EXPECT_EQ(config.fbu_timeout, seconds(1));
  EXPECT_EQ(config.tunnel_lifetime_s, 30U);
  EXPECT_EQ(config.rtsolpr_rate, 3U);
  EXPECT_EQ(config.fback_wait, seconds(1));
  EXPECT_EQ(config.handover_interval, seconds(2));
  EXPECT_EQ(config.keep_forwarding_s, 0U);
  EXPECT_TRUE(config.fbu_link_address);
  EXPECT_EQ(config.una_retries, 2U);
  EXPECT_EQ(config.una_interval, milliseconds(200));
  EXPECT_FALSE(config.una_unicast);
  EXPECT_EQ(config.request_interval_s, 900U);
  EXPECT_FALSE(config.accept_weaker);
  EXPECT_EQ(config.receiver.timestamps.delta_s, 300U);
  EXPECT_EQ(config.receiver.timestamps.fuzz_ms, 1000U);
  EXPECT_EQ(config.receiver.timestamps.drift_percent, 1U);
  EXPECT_EQ(config.receiver.key_limits.min_bits, 1024U);
  EXPECT_EQ(config.receiver.key_limits.max_bits, 3072U);
}

TEST_F(MobileFile, ReadsHowToMove) {
  const auto loaded = mobile(changed(
      kMobileFile, "fbu_retries = 3",
      "fback_wait_ms = 150\nmin_interval_ms = 500\nkeep_forwarding = 90\nuna_retries = 1\n"
      "una_interval_ms = 50\nuna_unicast = true\nfbu_link_address = false\nrtsolpr_rate = 2"));
  ASSERT_TRUE(loaded) << loaded.error()[0].text();
  const mobile::Config& config = loaded->machine;
  EXPECT_EQ(config.fback_wait, milliseconds(150));
  EXPECT_EQ(config.handover_interval, milliseconds(500));
  EXPECT_EQ(config.keep_forwarding_s, 90U);
  EXPECT_EQ(config.una_retries, 1U);
  EXPECT_EQ(config.una_interval, milliseconds(50));
  EXPECT_TRUE(config.una_unicast);
  EXPECT_FALSE(config.fbu_link_address);
  EXPECT_EQ(config.rtsolpr_rate, 2U);
  mobile_error("fbu_retries = 3", "una_retries = 3", "una_retries is 3;");
  mobile_error("fbu_retries = 3", "fbu_retries = -1", "fbu_retries is -1;");
  mobile_error("fbu_retries = 3", "rtsolpr_rate = 0", "rtsolpr_rate is 0;");
}

TEST_F(MobileFile, TheEncryptionPairIsReplacedByAge) {
  COVERS("HK-3.7-01");
  const auto fresh = mobile(kMobileFile);
  ASSERT_TRUE(fresh);
  EXPECT_EQ(fresh->machine.encryption_pair.lifetime_s, 43200U);
  mobile_error("[handover]", "encryption_key_lifetime = 0\n[handover]",
               "encryption_key_lifetime is 0;");
  mobile_error("[handover]", "encryption_key_lifetime = -5\n[handover]",
               "encryption_key_lifetime is -5;");

  const auto shorter =
      mobile(changed(kMobileFile, "[handover]", "encryption_key_lifetime = 100\n[handover]"));
  ASSERT_TRUE(shorter);
  const crypto::RsaPublicKey& cga_key = fresh->machine.identity.key->public_key();
  const auto pair = crypto::HandoverDecryptionKey::from_pem(test::load_file("keys/hke-2048.pem"));
  ASSERT_TRUE(pair);
  keys::EncryptionPair held(fresh->machine.encryption_pair);
  ASSERT_TRUE(held.wanted(Instant{}, cga_key, seconds(0)));
  held.generated(Instant{}, *pair);
  const Instant later{seconds(101)};
  EXPECT_TRUE(held.current(later, cga_key));
  held.configure(shorter->machine.encryption_pair);
  EXPECT_FALSE(held.current(later, cga_key));
}

TEST_F(MobileFile, TheEncryptionPairIsReplacedByHandovers) {
  COVERS("HK-3.7-02");
  const auto fresh = mobile(kMobileFile);
  ASSERT_TRUE(fresh);
  EXPECT_EQ(fresh->machine.encryption_pair.handovers, 10U);
  mobile_error("[handover]", "encryption_key_handovers = 0\n[handover]", "it must be 1 to");

  const auto each =
      mobile(changed(kMobileFile, "[handover]", "encryption_key_handovers = 1\n[handover]"));
  ASSERT_TRUE(each);
  const crypto::RsaPublicKey& cga_key = fresh->machine.identity.key->public_key();
  const auto first = crypto::HandoverDecryptionKey::from_pem(test::load_file("keys/hke-2048.pem"));
  const auto second =
      crypto::HandoverDecryptionKey::from_pem(test::load_file("keys/other-2048.pem"));
  ASSERT_TRUE(first && second);
  keys::EncryptionPair held(each->machine.encryption_pair);
  ASSERT_TRUE(held.wanted(Instant{}, cga_key, seconds(0)));
  held.generated(Instant{}, *first);
  ASSERT_TRUE(held.wanted(Instant{}, cga_key, seconds(0)));
  held.generated(Instant{}, *second);
  EXPECT_EQ(held.current(Instant{}, cga_key), *first);
  held.count_handover();
  held.tick(Instant{});
  EXPECT_EQ(held.current(Instant{}, cga_key), *second);
}

// [keys] request is what tells a node that believes certified routers alone, and has to find one,
// from one that only moves: RAs without a certificate are believed by neither.
TEST_F(MobileFile, WithoutAnAnchorItDoesNotStartUnlessItWantsNoKeys) {
  COVERS("CRT-6494-9");
  for (const char* trust :
       {"anchors = [\"anchor.der\"]\n", "[trust]\nanchors = [\"anchor.der\"]\n"}) {
    const std::string without = changed(kMobileFile, trust, "");
    const auto refused = mobile(without);
    ASSERT_FALSE(refused);
    ASSERT_EQ(refused.error().size(), 1U);
    const std::string text = refused.error()[0].text();
    EXPECT_NE(text.find("[trust] anchors is missing"), std::string::npos) << text;
    EXPECT_NE(text.find("or set [keys] request = false"), std::string::npos) << text;

    const auto warned = mobile(changed(without, "[keys]", "[keys]\nrequest = false"));
    ASSERT_TRUE(warned) << warned.error()[0].text();
    EXPECT_TRUE(warns(warned->warnings, "[trust] anchors is missing"));
    EXPECT_TRUE(warns(warned->warnings, "no router is believed"));
    EXPECT_TRUE(warned->machine.paths.anchors->empty());
  }
  const auto with = mobile(kMobileFile);
  ASSERT_TRUE(with);
  EXPECT_FALSE(warns(with->warnings, "anchors"));
}

TEST_F(MobileFile, WithoutAnAnchorThereIsNoKeyExchange) {
  COVERS("HK-3.2-36", "FH-10-05");
  mobile_error("anchors = [\"anchor.der\"]\n", "", "anchors is missing");
  mobile_error("[trust]\nanchors = [\"anchor.der\"]\n", "", "anchors is missing");
  mobile_error("anchors = [\"anchor.der\"]", "anchors = [\"gone.der\"]", "there is no such file");
  const auto without = mobile(changed(changed(kMobileFile, "anchors = [\"anchor.der\"]\n", ""),
                                      "[keys]", "[keys]\nrequest = false"));
  ASSERT_TRUE(without) << without.error()[0].text();
  EXPECT_FALSE(without->machine.request_keys);
  EXPECT_TRUE(warns(without->warnings, "anchors is missing"));
  const auto with = mobile(kMobileFile);
  ASSERT_TRUE(with);
  EXPECT_TRUE(with->machine.request_keys);
}

TEST_F(MobileFile, AnAnchorIsACaCertificateThatIsValidNow) {
  put_certificates("anchor.der", {"good-router"});
  mobile_error("anchors = [\"anchor.der\"]", "anchors = [\"anchor.der\"]", "no trust anchor");
  put_certificates("anchor.der", {"anchor"});
  today_ = UtcTime{};
  mobile_error("anchors = [\"anchor.der\"]", "anchors = [\"anchor.der\"]",
               "which is valid from 2020-01-01");
}

TEST_F(MobileFile, AnAnchorIsUsedUntilItEndsWhateverItsOwnSignature) {
  COVERS("CRT-5280-4");
  Bytes der = test::load_file("pki/anchor.der");
  ASSERT_TRUE(pki::issued_by(der, der));
  der.back() ^= 1;
  ASSERT_FALSE(pki::issued_by(der, der));
  files_.put("etc/anchor.der", pki::to_pem(der));
  const auto loaded = mobile(kMobileFile);
  ASSERT_TRUE(loaded) << loaded.error()[0].text();
  EXPECT_EQ(loaded->machine.paths.anchors->at(0).certificate, der);
  EXPECT_TRUE(warns(loaded->warnings, "whose own signature does not fit its key"));
  today_ = pki::inspect(der)->not_after + seconds(1);
  mobile_error("anchors = [\"anchor.der\"]", "anchors = [\"anchor.der\"]",
               "CN=anchor, which is valid from 2020-01-01");
}

TEST_F(MobileFile, TheAlgorithmIsOneOfFour) {
  const std::map<std::string, crypto::Algorithm> good{
      {"1", crypto::Algorithm::kHmacSha1_96},
      {"2", crypto::Algorithm::kHmacSha256_128},
      {"3", crypto::Algorithm::kHmacSha384_192},
      {"4", crypto::Algorithm::kAes128Cmac_96},
      {"\"hmac-sha1-96\"", crypto::Algorithm::kHmacSha1_96},
      {"\"aes128-cmac-96\"", crypto::Algorithm::kAes128Cmac_96}};
  for (const auto& [text, algorithm] : good) {
    const auto loaded = mobile(changed(kMobileFile, "\"hmac-sha256-128\"", text));
    ASSERT_TRUE(loaded) << text;
    EXPECT_EQ(loaded->machine.algorithm, algorithm) << text;
  }
  for (const char* wrong : {"0", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14", "15", "16",
                            "-1", "258", "\"md5\"", "true"})
    mobile_error("algorithm = \"hmac-sha256-128\"", std::string("algorithm = ") + wrong,
                 "[keys] algorithm names no algorithm");
}

TEST_F(MobileFile, TheTwoKeyPairsAreTwo) {
  mobile_error("[handover]", "encryption_key = \"mn.pem\"\n[handover]",
               "[keys] encryption_key and [cga] key name the same file");
  mobile_error("[handover]", "encryption_key = \"other.pem\"\n[handover]", "cannot be configured");
}

TEST_F(MobileFile, ItsModifierIsDrawnAtStartAndStaysOverAReload) {
  const auto first = mobile(kMobileFile);
  const auto second = mobile(kMobileFile);
  ASSERT_TRUE(first && second);
  EXPECT_NE(first->machine.identity.modifier, second->machine.identity.modifier);
  running_ = &first->machine.identity;
  const auto again = mobile(kMobileFile);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->machine.identity.modifier, first->machine.identity.modifier);
}

TEST_F(MobileFile, TakesTheParametersThatWereSearchedForItsKey) {
  const auto key = crypto::SigningKey::from_pem(test::load_file("keys/mn-2048.pem"));
  ASSERT_TRUE(key);
  const auto modifier = cga::find_modifier({}, (*key)->spki(), {}, {.sec = 1, .threads = 1});
  ASSERT_TRUE(modifier);
  const auto parameters = [&](ByteView spki, const cga::Modifier& its_modifier) {
    return "address = \"2001:db8::1\"\nsec = 1\nmodifier = \"" + to_hex(its_modifier) +
           "\"\npublic-key = \"" + to_hex(spki) + "\"\n";
  };
  const std::string text =
      changed(kMobileFile, "key = \"mn.pem\"", "key = \"mn.pem\"\nparameters = \"mn.cga\"");
  files_.put("etc/mn.cga", parameters((*key)->spki(), *modifier));
  const auto loaded = mobile(text);
  ASSERT_TRUE(loaded) << loaded.error()[0].text();
  EXPECT_EQ(loaded->machine.identity.modifier, *modifier);
  EXPECT_EQ(loaded->machine.identity.sec, 1);

  cga::Modifier other = *modifier;
  other[0] ^= 0xff;
  files_.put("etc/mn.cga", parameters((*key)->spki(), other));
  const auto unfit = mobile(text);
  ASSERT_FALSE(unfit);
  EXPECT_TRUE(warns(unfit.error(), "does not fit the key at sec = 1"));
  const auto foreign = crypto::SigningKey::from_pem(test::load_file("keys/other-2048.pem"));
  files_.put("etc/mn.cga", parameters((*foreign)->spki(), *modifier));
  const auto wrong_key = mobile(text);
  ASSERT_FALSE(wrong_key);
  EXPECT_TRUE(warns(wrong_key.error(), "belongs to another key"));
}

TEST_F(MobileFile, RetriesAndTimesAreNumbersInTheirRange) {
  mobile_error("fbu_retries = 3", "fbu_retries = -1", "[handover] fbu_retries is -1");
  mobile_error("fbu_retries = 3", "fbu_retries = \"many\"", "[handover] fbu_retries is a text");
  mobile_error("fbu_retries = 3", "rtsolpr_retries = -1", "[handover] rtsolpr_retries is -1");
  mobile_error("fbu_retries = 3", "fbu_timeout_ms = 0", "[handover] fbu_timeout_ms is 0");
  mobile_error("fbu_retries = 3", "switch_command = [\"roam\"]", "absolute path");
  mobile_error("fbu_retries = 3", "switch_socket = \"roam.sock\"", "absolute path");
  mobile_error("fbu_retries = 3", "dhcp_command = [\"lease\"]", "absolute path");
  mobile_error("fbu_retries = 3",
               "switch_socket = \"/run/roam.sock\"\nswitch_command = [\"/bin/roam\"]",
               "switch_socket stands beside switch_command");
}

TEST_F(MobileFile, RevocationListsHaveAPlaceAndMayBeFetched) {
  const std::string anchors = "anchors = [\"anchor.der\"]";
  const auto with = [&](const std::string& more) {
    return changed(kMobileFile, anchors, anchors + "\n" + more);
  };
  const auto none = mobile(kMobileFile);
  ASSERT_TRUE(none);
  EXPECT_FALSE(none->machine.paths.revocation.lists);
  const auto loaded =
      mobile(with("revocation_lists = \"crl\"\nrevocation_command = [\"/bin/fetch\", \"-q\"]\n"
                  "revocation_interval = 60\nrevocation_patience = 20"));
  ASSERT_TRUE(loaded) << loaded.error()[0].text();
  EXPECT_EQ(loaded->machine.paths.revocation,
            (nd::RevocationConfig{true, seconds(60), seconds(20)}));
  EXPECT_EQ(loaded->daemon.revocation_lists, "etc/crl");
  EXPECT_EQ(loaded->daemon.revocation_command, (std::vector<std::string>{"/bin/fetch", "-q"}));
  mobile_error(anchors, anchors + "\nrevocation_command = [\"/bin/fetch\"]", "has no place",
               "revocation_command");
  mobile_error(anchors, anchors + "\nrevocation_lists = \"crl\"\nrevocation_command = [\"fetch\"]",
               "absolute path", "revocation_command");
}

TEST_F(MobileFile, ARadioMovesItsInterface) {
  const std::string with_radio = changed(kMobileFile, "name = \"access0\"",
                                         "name = \"access0\"\nwpa_supplicant = \"/run/w/access0\"");
  const auto loaded = mobile(with_radio);
  ASSERT_TRUE(loaded) << loaded.error()[0].text();
  const std::vector<RadioControl> radios{{{0}, "access0", "/run/w/access0"}};
  EXPECT_EQ(loaded->daemon.radios, radios);
  mobile_error("name = \"access0\"", "name = \"access0\"\nwpa_supplicant = \"access0\"",
               "wpa_supplicant must be the absolute path of its control socket",
               "wpa_supplicant = ");
  const auto two =
      mobile(changed(with_radio, "fbu_retries = 3", "switch_socket = \"/run/roam.sock\"\n"));
  ASSERT_FALSE(two);
  EXPECT_TRUE(warns(two.error(), "switch_socket moves nothing"));
}

}  // namespace
}  // namespace sendoff::config
