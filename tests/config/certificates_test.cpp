// The certificates that a router's configuration names: their profile and their size.
#include "config/fixture.h"
#include "crypto/rsa.h"
#include "pki/issue.h"
#include "support/covers.h"

namespace sendoff::config {
namespace {

class CertificateFiles : public ConfigTest {
 protected:
  static Secret pem(const std::string& key) {
    return Secret::copy_of(test::load_file("keys/" + key + ".pem"));
  }
  static pki::Request request(pki::Role role, const std::string& name) {
    pki::Request made;
    made.role = role;
    made.common_name = name;
    made.blocks = {Prefix::literal("2001:db8:a:1::/64")};
    made.not_before = kToday - hours(24);
    made.not_after = kToday + hours(24 * 100);
    made.serial = {1, 2, 3};
    return made;
  }
  static Bytes issued(const pki::Request& request, const std::string& key, const Bytes& issuer,
                      const std::string& issuer_key) {
    const auto loaded = crypto::SigningKey::from_pem(test::load_file("keys/" + key + ".pem"));
    return pki::issue(request, (*loaded)->spki(), {issuer, pem(issuer_key)}).value();
  }
};

// 40 octets of IPv6, 12 of the CPA, and its two options (RFC 3971 6.4.2).
TEST_F(CertificateFiles, FitAPacketOrThatIsSaid) {
  COVERS("ND-6980-5");
  const Bytes anchor =
      issued(request(pki::Role::kAnchor, "Anchor"), "anchor-2048", {}, "anchor-2048");
  files_.put("etc/anchor.der", anchor);
  const std::size_t name = pki::inspect(anchor)->subject_name.size();
  std::size_t fit = 0;
  std::size_t said = 0;
  for (std::size_t length = 560; length < 660; ++length) {
    pki::Request made = request(pki::Role::kRouter, "ar");
    made.crl_uris = {"http://" + std::string(length, 'x')};
    const Bytes own = issued(made, "ar-2048", anchor, "anchor-2048");
    files_.put("etc/chain.der", own);
    const std::size_t packet = 52 + (4 + name + 7) / 8 * 8 + (4 + own.size() + 7) / 8 * 8;
    const auto loaded = router(kRouterFile);
    ASSERT_TRUE(loaded) << loaded.error()[0].text();
    EXPECT_EQ(warns(loaded->warnings,
                    "travels unfragmented only on links with an MTU of " + std::to_string(packet)),
              packet > 1500)
        << packet;
    ++(packet > 1500 ? said : fit);
  }
  EXPECT_GT(fit, 0U);
  EXPECT_GT(said, 0U);
}

TEST_F(CertificateFiles, AreOfTheProfileOrOfTheOlderOneWhereThatIsOn) {
  COVERS("CRT-6494-1");
  const Bytes anchor =
      issued(request(pki::Role::kAnchor, "Anchor"), "anchor-2048", {}, "anchor-2048");
  const Bytes ca = issued(request(pki::Role::kCa, "CA"), "ca-2048", anchor, "anchor-2048");
  const auto chain_of = [&](pki::Role role) {
    const Bytes own = issued(request(role, "ar"), "ar-2048", ca, "ca-2048");
    files_.put("etc/chain.der", pki::to_pem(ca) + pki::to_pem(own));
  };
  const std::string legacy =
      changed(kRouterFile, "[certificate]", "[certificate]\nrfc3971_profile = true");
  // What is issued here.
  files_.put("etc/anchor.der", anchor);
  chain_of(pki::Role::kRouter);
  EXPECT_TRUE(router(kRouterFile));
  // A host's, which neither profile takes for a router's.
  chain_of(pki::Role::kHost);
  EXPECT_FALSE(router(kRouterFile));
  EXPECT_FALSE(router(legacy));
  // What the older profile alone allows.
  put_certificates("anchor.der", {"anchor"});
  for (const char* own : {"no-eku", "no-rfc3779", "null-prefix"}) {
    put_certificates("chain.der", {"ca", own});
    EXPECT_FALSE(router(kRouterFile)) << own;
    EXPECT_TRUE(router(legacy)) << own;
  }
}

}  // namespace
}  // namespace sendoff::config
