// What [cga] makes of a node: the modifier that is drawn, and Sec.
#include <set>

#include "config/fixture.h"
#include "crypto/random.h"
#include "support/covers.h"

namespace sendoff::config {
namespace {

class IdentityOfAFile : public ConfigTest {
 protected:
  // As the daemon loads it at its start.
  send::Identity started(Random& random) {
    files_.put("etc/mobile.toml", kMobileFile);
    const auto loaded = load_mobile("etc/mobile.toml", {files_, today_, random, nullptr});
    EXPECT_TRUE(loaded);
    return loaded ? loaded->machine.identity : send::Identity{};
  }
};

TEST_F(IdentityOfAFile, IsUnlinkableByAModifierOfEachStart) {
  COVERS("CGA-4-2");
  put_key("mn-1024", "mn.pem");  // which is read faster
  crypto::SystemRandom random;
  const Prefix prefix = Prefix::literal("2001:db8:a:1::/64");
  std::set<cga::Modifier> modifiers;
  std::set<Ipv6Address> addresses;
  cga::Modifier ones{};
  cga::Modifier zeros{};
  zeros.fill(0xff);
  Bytes key;
  for (int i = 0; i < 1000; ++i) {
    const send::Identity identity = started(random);
    ASSERT_TRUE(identity.key);
    if (key.empty()) key = to_bytes(identity.key->spki());
    ASSERT_TRUE(equal(identity.key->spki(), key));
    ASSERT_EQ(identity.sec, 0);
    modifiers.insert(identity.modifier);
    addresses.insert(identity.address(prefix));
    for (std::size_t at = 0; at < ones.size(); ++at) {
      ones[at] |= identity.modifier[at];
      zeros[at] &= identity.modifier[at];
    }
  }
  EXPECT_EQ(modifiers.size(), 1000U);
  EXPECT_EQ(addresses.size(), 1000U);
  // Each of the 128 bits is drawn.
  EXPECT_EQ(to_hex(ones), std::string(32, 'f'));
  EXPECT_EQ(to_hex(zeros), std::string(32, '0'));
}

TEST_F(IdentityOfAFile, HasSecZeroUnlessAnotherIsWanted) {
  COVERS("CGA-4-12");
  const auto node = mobile(kMobileFile);
  const auto access_router = router(changed(kRouterFile, "sec = 0\n", ""));
  const auto host = guard(changed(kGuardFile, "sec = 0\n", ""));
  ASSERT_TRUE(node && access_router && host);
  EXPECT_EQ(node->machine.identity.sec, 0);
  EXPECT_EQ(access_router->machine.interfaces[0].identity.sec, 0);
  EXPECT_EQ(host->machine.identity.sec, 0);

  const Bytes spki = to_bytes(node->machine.identity.key->spki());
  const auto first = cga::find_modifier({}, spki, {}, {.sec = 1, .threads = 1});
  ASSERT_TRUE(first);
  const test::Vector second = test::load_vector("cga-sec2.txt", "sec2-mn-2048");
  ASSERT_EQ(second.hex("public-key"), spki);
  const std::array modifiers{to_hex(cga::Modifier{}), to_hex(*first),
                             to_hex(second.hex("modifier"))};
  for (std::uint8_t sec = 0; sec <= 2; ++sec) {
    const std::string lines = "key = \"mn.pem\"\nmodifier = \"" + modifiers[sec] +
                              "\"\nsec = " + std::to_string(sec) + "\n";
    const auto chosen = mobile(changed(kMobileFile, "key = \"mn.pem\"\n", lines));
    ASSERT_TRUE(chosen) << chosen.error()[0].text();
    const send::Identity& identity = chosen->machine.identity;
    EXPECT_EQ(identity.sec, sec);
    const Prefix prefix = Prefix::literal("2001:db8:a:1::/64");
    const Bytes parameters = identity.parameters(prefix).octets();
    const Ipv6Address address = identity.address(prefix);
    EXPECT_EQ(cga::sec_of(address), sec);
    EXPECT_TRUE(cga::verify(address, *cga::ParametersView::parse(parameters)));
  }
}

}  // namespace
}  // namespace sendoff::config
