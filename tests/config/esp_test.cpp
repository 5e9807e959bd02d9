// [neighbour.esp]: every error says file, line, neighbour and what to do, and no key.
#include "config/fixture.h"
#include "support/covers.h"

namespace sendoff::config {
namespace {

using router::Protection;

const std::string kFirstKey = "8d7c5f5e2c7b09b6e0c9a53bb1d3a4477be40b1f2f6f0c4ad4ff1a51c1b60e93";
const std::string kSecondKey = "1f0e9ab4c3c85be8b3a1d1fd9e2ba7707cdd06f3ab2c0fbd7d1ef1c7a90b4d25";
const std::string kThirdKey = "c94bb2f0771e4fa0baf2aa9d3b8465d0e19ae2c31a9bd09ff0a6c2b03a4c11d7";
const std::string kFourthKey = "5a2c31e07fd94b86a0d1b3b44a6ec7f29b830d6e50e1cb7a2df7c4b09e8f1364";

class EspFile : public ConfigTest {
 protected:
  EspFile() {
    put("out.key", kFirstKey);
    put("in.key", kSecondKey);
    put("out2.key", kThirdKey);
    put("in2.key", kFourthKey);
    const auto plain = router(kRouterFile);
    EXPECT_TRUE(plain);
    local_ = own_addresses_of(plain->machine).text();
    good_ = kRouterFile + "protection = \"esp\"\n[neighbour.esp]\nlocal = \"" + local_ +
            "\"\nsuite = \"hmac-sha-256-128\"\n"
            "outbound = {spi = 0x1000, key_file = \"out.key\"}\n"
            "inbound = [{spi = 0x2000, key_file = \"in.key\"}]\n"
            "anti_replay = true\n";
  }
  static Ipv6Address own_addresses_of(const router::Config& config) {
    return config.interfaces[0].identity.address(config.interfaces[0].prefixes[0].prefix);
  }
  void put(const std::string& path, const std::string& text, unsigned mode = 0600) {
    files_.put("etc/" + path, text, mode);
  }
  void esp_error(const std::string& from, const std::string& to, const std::string& says,
                 const std::string& where = "") {
    expect_error(good_, from, to, says, [this](const auto& text) { return router(text); }, where);
    expect_no_key(changed(good_, from, to));
  }
  void expect_no_key(const std::string& text) {
    const auto loaded = router(text);
    ASSERT_FALSE(loaded);
    for (const Problem& problem : loaded.error())
      for (const std::string& key : {kFirstKey, kSecondKey, kThirdKey, kFourthKey})
        EXPECT_EQ(problem.text().find(key.substr(0, 8)), std::string::npos) << problem.text();
  }
  // A second neighbour with associations of its own.
  [[nodiscard]] std::string second(const std::string& inbound_spi, const std::string& out_key,
                                   const std::string& in_key) const {
    return "[[neighbour]]\nname = \"far\"\naddress = \"2001:db8:a:3::1\"\n"
           "link_address = \"02:00:00:00:00:03\"\nprefix = \"2001:db8:a:3::/64\"\n"
           "access_points = [\"02:00:00:00:0a:03\"]\nprotection = \"esp\"\n[neighbour.esp]\n"
           "local = \"" +
           local_ + "\"\noutbound = {spi = 0x1000, key_file = \"" + out_key +
           "\"}\ninbound = {spi = " + inbound_spi + ", key_file = \"" + in_key + "\"}\n";
  }

  std::string local_;
  std::string good_;
};

TEST_F(EspFile, IsReadWhole) {
  const auto loaded = router(good_);
  ASSERT_TRUE(loaded) << loaded.error()[0].text();
  EXPECT_TRUE(loaded->warnings.empty()) << loaded->warnings[0].text();
  const router::Neighbour& neighbour = loaded->machine.neighbours[0];
  EXPECT_EQ(neighbour.protection, Protection::kEsp);
  ASSERT_TRUE(neighbour.esp);
  EXPECT_EQ(neighbour.esp->local.text(), local_);
  EXPECT_EQ(neighbour.esp->peer, neighbour.address);
  EXPECT_EQ(neighbour.esp->outbound.spi, 0x1000U);
  EXPECT_EQ(to_hex(neighbour.esp->outbound.key->expose()), kFirstKey);
  ASSERT_EQ(neighbour.esp->inbound.size(), 1U);
  EXPECT_EQ(neighbour.esp->inbound[0].spi, 0x2000U);
  EXPECT_EQ(to_hex(neighbour.esp->inbound[0].key->expose()), kSecondKey);
  EXPECT_TRUE(neighbour.esp->inbound[0].anti_replay);
  EXPECT_TRUE(loaded->machine.esp_audit);
}

TEST_F(EspFile, TakesTwoInboundAssociationsAndTheSwitches) {
  const auto loaded =
      router(changed(changed(good_, "anti_replay = true\n", "[esp]\naudit = false\n"),
                     "inbound = [{spi = 0x2000, key_file = \"in.key\"}]",
                     "inbound = [{spi = 0x2000, key_file = \"in.key\", anti_replay = false},\n"
                     "           {spi = 0x2001, key_file = \"in2.key\"}]"));
  ASSERT_TRUE(loaded) << loaded.error()[0].text();
  const auto& inbound = loaded->machine.neighbours[0].esp->inbound;
  ASSERT_EQ(inbound.size(), 2U);
  EXPECT_FALSE(inbound[0].anti_replay);
  EXPECT_TRUE(inbound[1].anti_replay);
  EXPECT_EQ(inbound[1].spi, 0x2001U);
  EXPECT_FALSE(loaded->machine.esp_audit);
  ASSERT_EQ(loaded->warnings.size(), 1U);
  EXPECT_NE(loaded->warnings[0].what.find("anti_replay is false"), std::string::npos);
  EXPECT_NE(loaded->warnings[0].what.find("nar"), std::string::npos);
  esp_error("inbound = [{spi = 0x2000, key_file = \"in.key\"}]", "inbound = []",
            "inbound holds 0 associations");
}

TEST_F(EspFile, SpisAreNotReservedOnesAndEachInboundOneOnce) {
  COVERS("ESP-4303-05");
  for (const std::string spi : {"0", "1", "255"}) {
    for (const std::string old : {"spi = 0x1000", "spi = 0x2000"})
      esp_error(old, "spi = " + spi, "spi is " + spi + "; it must be 256 to 4294967295",
                old == "spi = 0x1000" ? "outbound =" : "inbound =");
  }
  for (const std::string spi : {"256", "0xffffffff"})
    for (const std::string old : {"spi = 0x1000", "spi = 0x2000"})
      EXPECT_TRUE(router(changed(good_, old, "spi = " + spi))) << spi;
  const std::string twice = good_ + second("0x2000", "out2.key", "in2.key");
  const auto refused = router(twice);
  ASSERT_FALSE(refused);
  ASSERT_EQ(refused.error().size(), 1U);
  EXPECT_EQ(refused.error()[0].line, line_of(twice, "inbound = {spi = 0x2000"));
  EXPECT_EQ(refused.error()[0].file, "etc/router.toml");
  EXPECT_NE(refused.error()[0].what.find("0x00002000, which is inbound of nar too (line " +
                                         std::to_string(line_of(twice, "inbound = [{spi")) + ")"),
            std::string::npos)
      << refused.error()[0].text();
  EXPECT_NE(refused.error()[0].what.find("of far:"), std::string::npos);
  // The outbound SPI is the receiver's choice: two may be equal.
  EXPECT_TRUE(router(good_ + second("0x2001", "out2.key", "in2.key")));
}

TEST_F(EspFile, OnlyTheOneSuiteIsTaken) {
  COVERS("ESP-4303-29", "ESP-4543-01");
  for (const std::string suite :
       {"none", "null", "hmac-sha1-96", "aes-cbc", "hmac-sha256-128", "aes-128-cmac"})
    esp_error("suite = \"hmac-sha-256-128\"", "suite = \"" + suite + "\"",
              "suite is \"" + suite + "\"; the one suite is \"hmac-sha-256-128\"");
  esp_error("suite = \"hmac-sha-256-128\"", "suite = \"aes-128-gmac\"", "RFC 4543");
  esp_error("suite = \"hmac-sha-256-128\"", "suite = \"aes-128-gmac\"",
            "the one suite is \"hmac-sha-256-128\"");
  esp_error("suite = \"hmac-sha-256-128\"", "suite = [\"aes-128-gmac\", \"hmac-sha1-96\"]",
            "suite is a list");
  EXPECT_TRUE(router(changed(good_, "suite = \"hmac-sha-256-128\"\n", "")));
}

TEST_F(EspFile, HasNoSettingBeyondItsOwn) {
  for (const std::string option :
       {"encryption_key = \"00\"", "encryption = \"aes-cbc\"", "esn = true",
        "extended_sequence_numbers = true", "allow_gmac = true"})
    esp_error(
        "anti_replay = true", option,
        "[neighbour.esp] of nar: " + option.substr(0, option.find(' ')) + " is not an option");
}

TEST_F(EspFile, KeysHaveThirtyTwoOctets) {
  COVERS("ESP-4868-01");
  for (const std::size_t octets : {0U, 16U, 31U, 33U, 64U}) {
    std::string text = kThirdKey + kFourthKey;
    text.resize(2 * octets);
    put("other.key", text);
    esp_error("\"out.key\"", "\"other.key\"",
              "holds a key of " + std::to_string(octets) + " octets, but RFC 4868 wants 32");
  }
  put("other.key", kThirdKey.substr(1));
  esp_error("\"out.key\"", "\"other.key\"", "octets, but RFC 4868 wants 32");
  put("other.key", "correct horse battery staple");
  esp_error("\"out.key\"", "\"other.key\"", "something else than hexadecimal digits");
  put("other.key", kThirdKey + "\n");
  EXPECT_TRUE(router(changed(good_, "\"out.key\"", "\"other.key\"")));
}

TEST_F(EspFile, KeysThatAreNotRandomAreRefused) {
  for (const std::string octet : {"00", "ff", "a5"}) {
    std::string text;
    for (int i = 0; i < 32; ++i) text += octet;
    put("other.key", text);
    esp_error("\"in.key\"", "\"other.key\"", "plainly not random; make one: sendoff esp-key");
  }
  put("other.key", "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f");
  esp_error("\"in.key\"", "\"other.key\"", "plainly not random; make one: sendoff esp-key");
}

TEST_F(EspFile, EachAssociationHasAKeyOfItsOwn) {
  esp_error("\"in.key\"", "\"out.key\"", "holds the key of outbound of nar too (line ",
            "inbound = [");
  // The same octets in another file, in capitals.
  std::string capitals = kFirstKey;
  for (char& each : capitals) each = static_cast<char>(std::toupper(each));
  put("copy.key", capitals);
  esp_error("\"in.key\"", "\"copy.key\"", "holds the key of outbound of nar too");
  const auto shared = router(good_ + second("0x2001", "out2.key", "in.key"));
  ASSERT_FALSE(shared);
  ASSERT_EQ(shared.error().size(), 1U);
  EXPECT_NE(shared.error()[0].what.find("holds the key of inbound of nar too"), std::string::npos);
  EXPECT_NE(shared.error()[0].what.find("of far:"), std::string::npos);
  expect_no_key(good_ + second("0x2001", "out2.key", "in.key"));
}

TEST_F(EspFile, KeyFilesAreNotForOthers) {
  for (const unsigned mode : {0644U, 0604U, 0660U, 0777U, 0602U}) {
    put("other.key", kThirdKey, mode);
    std::array<char, 8> text{};
    std::snprintf(text.data(), text.size(), "%04o", mode);
    esp_error("\"out.key\"", "\"other.key\"",
              "names other.key, which others can use (mode " + std::string(text.data()) + ")");
  }
  for (const unsigned mode : {0640U, 0600U, 0400U}) {
    put("other.key", kThirdKey, mode);
    EXPECT_TRUE(router(changed(good_, "\"out.key\"", "\"other.key\""))) << mode;
  }
  esp_error("\"out.key\"", "\"absent.key\"", "there is no such file");
}

TEST_F(EspFile, WhatIsMissingOrMalformedIsNamed) {
  COVERS("ESP-5568-10");  // complete: Examples, EspFile.IsReadWhole; a peer: EspDaemon
  const std::string of_nar = "[neighbour.esp] of nar: ";
  const auto without = [&](const std::string& line, const std::string& says) {
    esp_error(line, "", of_nar + says);
  };
  without("local = \"" + local_ + "\"\n", "local is missing");
  without("outbound = {spi = 0x1000, key_file = \"out.key\"}\n", "outbound is missing");
  without("inbound = [{spi = 0x2000, key_file = \"in.key\"}]\n", "inbound is missing");
  without("spi = 0x1000, ", "outbound spi is missing");
  without("spi = 0x2000, ", "inbound spi is missing");
  without(", key_file = \"out.key\"", "outbound key_file is missing");
  without(", key_file = \"in.key\"", "inbound key_file is missing");
  esp_error("\"" + local_ + "\"", "\"2001:db8::zz\"", of_nar + "local is \"2001:db8::zz\"");
  esp_error("\"" + local_ + "\"", "\"2001:db8:a:1::1\"", "which this router never has");
  esp_error("spi = 0x1000", "spi = \"0x1000\"", "outbound spi is a text");
  esp_error("spi = 0x1000", "spi = 4294967296", "it must be 256 to 4294967295");
  esp_error("anti_replay = true", "anti_replay = 1", "anti_replay is");
  esp_error("outbound = {spi = 0x1000, key_file = \"out.key\"}", "outbound = 0x1000",
            of_nar + "outbound is");
}

TEST_F(EspFile, ItsCountersNeedAStoreThatSurvivesARestart) {
  COVERS("ESP-4303-15");
  const std::string memory = "[store]\nkind = \"memory\"\n";
  const std::string text = memory + good_;
  const auto refused = router(text);
  ASSERT_FALSE(refused);
  ASSERT_EQ(refused.error().size(), 1U);
  EXPECT_EQ(refused.error()[0].line, line_of(text, "protection = \"esp\""));
  for (const std::string word : {"nar", "the store is \"memory\"", "[store] kind"})
    EXPECT_NE(refused.error()[0].what.find(word), std::string::npos) << word;
  EXPECT_TRUE(router("[store]\nkind = \"sqlite\"\n" + good_));
  EXPECT_TRUE(router(memory + kRouterFile));
  EXPECT_TRUE(router(memory + kRouterFile + "protection = \"clear\"\n"));
  // The command line's word counts, not the file's.
  files_.put("etc/router.toml", good_);
  EXPECT_FALSE(
      load_router("etc/router.toml", {files_, today_, random_, nullptr, Store::Kind::kMemory}));
  files_.put("etc/router.toml", text);
  EXPECT_TRUE(
      load_router("etc/router.toml", {files_, today_, random_, nullptr, Store::Kind::kSqlite}));
}

TEST_F(EspFile, TheSwitchAndAssociationsExcludeEachOther) {
  const std::string switched = "protection = \"esp\"";
  esp_error(switched, "protection = \"clear\"", "esp is given, but protection is \"clear\" for nar",
            "[neighbour.esp]");
  esp_error(switched, "protection = \"host\"", "esp is given, but protection is \"host\" for nar",
            "[neighbour.esp]");
  esp_error(switched + "\n", "", "esp is given, but protection is not set for nar");
  esp_error(switched, "protection = \"none\"", "it must be \"esp\", \"host\" or \"clear\"");
  const std::string alone = kRouterFile + "protection = \"esp\"\n";
  const auto refused = router(alone);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error()[0].what.find("nar has no [neighbour.esp]"), std::string::npos);
}

TEST_F(EspFile, AProtectedPeerHasAnAddressOfItsOwn) {
  const std::string twice = good_ + changed(second("0x2001", "out2.key", "in2.key"),
                                            "2001:db8:a:3::1", "2001:db8:a:2::1");
  const auto refused = router(twice);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error()[0].what.find("address is that of nar too"), std::string::npos);
}

TEST_F(EspFile, HostLeavesHiAndHackToTheKernel) {
  const std::string host = kRouterFile + "protection = \"host\"\n[neighbour.ipsec]\nlocal = \"" +
                           local_ + "\"\ninstall = true\nreqid = 135\n";
  const auto loaded = router(host);
  ASSERT_TRUE(loaded) << loaded.error()[0].text();
  EXPECT_TRUE(loaded->warnings.empty());
  const router::Neighbour& neighbour = loaded->machine.neighbours[0];
  EXPECT_EQ(neighbour.protection, Protection::kHost);
  ASSERT_TRUE(neighbour.ipsec);
  EXPECT_EQ(neighbour.ipsec->local.text(), local_);
  EXPECT_TRUE(neighbour.ipsec->install);
  EXPECT_EQ(neighbour.ipsec->reqid, 135u);
  EXPECT_FALSE(neighbour.esp);
  const auto wrong = [&](const std::string& from, const std::string& to, const std::string& says,
                         const std::string& where = "") {
    expect_error(host, from, to, says, [this](const auto& text) { return router(text); }, where);
  };
  wrong("local = \"" + local_ + "\"", "local = \"2001:db8:9::1\"", "which this router never has");
  wrong("local = \"" + local_ + "\"\n", "", "local is missing", "[neighbour.ipsec]");
  wrong("install = true\n", "", "set install = true", "reqid");
  wrong("reqid = 135", "reqid = 0", "it must be 1 to 4294967295");
  wrong("protection = \"host\"\n", "protection = \"clear\"\n", "ipsec is given, but protection is",
        "[neighbour.ipsec]");
  wrong("reqid = 135", "reqit = 135", "reqit");
  const auto bare = router(kRouterFile + "protection = \"host\"\n");
  ASSERT_FALSE(bare);
  EXPECT_NE(bare.error()[0].what.find("has no [neighbour.ipsec]"), std::string::npos);
}

}  // namespace
}  // namespace sendoff::config
