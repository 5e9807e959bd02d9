// Address blocks down a path: inheritance, containment, configured anchors, the RFC 3971 profile.
#include <gtest/gtest.h>

#include "pki/forge.h"
#include "support/covers.h"

namespace sendoff::pki {
namespace {

using test::Chain;
using test::kLegacy;
using test::kNow;
using test::verdict;

TEST(CertificationPath, InheritanceTakesTheIssuersAddresses) {
  COVERS("CRT-6494-7", "CRT-3779-7", "CRT-6494-6", "CRT-6494-10", "CRT-3971-9", "CRT-6494-21");
  Chain chain;
  chain.ca.extensions = test::ca_extensions("IPv6:inherit");
  chain.router.extensions = test::router_extensions("IPv6:inherit");
  auto router = chain.validate();
  ASSERT_EQ(verdict(router), "accepted");
  EXPECT_EQ(router->blocks, std::vector{Prefix::literal("2001:db8::/32")});
  // An anchor that inherits gives nothing, whatever the mode.
  chain.anchor.extensions = test::ca_extensions("IPv6:inherit");
  chain.anchor.extensions["authorityKeyIdentifier"] = "";
  EXPECT_EQ(verdict(chain.validate()), "address-blocks");
  EXPECT_EQ(verdict(chain.validate(kLegacy)), "address-blocks");
  // An anchor for everything.
  chain.anchor.extensions = test::ca_extensions("IPv6:::/0");
  chain.anchor.extensions["authorityKeyIdentifier"] = "";
  chain.ca.extensions = test::ca_extensions("IPv6:::/0");
  router = chain.validate();
  ASSERT_EQ(verdict(router), "accepted");
  EXPECT_TRUE(router->may_advertise(Prefix()));
  EXPECT_FALSE(router->any_prefix);
  for (const char* inside : {"IPv6:2001:db8:a:1::/64", "IPv6:fd00::/8"}) {
    chain.router.extensions = test::router_extensions(inside);
    EXPECT_EQ(verdict(chain.validate()), "accepted") << inside;
  }
  chain.ca.extensions = test::ca_extensions("IPv6:2001:db8::/32");
  chain.router.extensions = test::router_extensions("IPv6:::/0");
  EXPECT_EQ(verdict(chain.validate()), "address-blocks");
}

TEST(CertificationPath, WhereARouterInheritsTheIssuersRangeIsItsOwn) {
  COVERS("SND-7.3-5");
  Chain chain;
  chain.ca.extensions = test::ca_extensions("IPv6:2001:db8::/32");
  chain.router.extensions = test::router_extensions("IPv6:inherit");
  const auto router = chain.validate();
  ASSERT_EQ(verdict(router), "accepted");
  EXPECT_TRUE(router->may_advertise(Prefix::literal("2001:db8:5::/64")));
  EXPECT_FALSE(router->may_advertise(Prefix::literal("2001:db9::/64")));
  EXPECT_FALSE(router->may_advertise(Prefix::literal("2001:db8::/31")));
}

TEST(CertificationPath, APrefixAndARangeCertifyWhatLiesInsideEach) {
  COVERS("CRT-3971-8");
  Chain chain;
  chain.router.extensions = test::router_extensions(
      "IPv6:2001:db8:a:1::/64,IPv6:2001:db8:b::-2001:db8:b:2:ffff:ffff:ffff:ffff");
  const auto router = chain.validate();
  ASSERT_EQ(verdict(router), "accepted");
  for (const char* inside : {"2001:db8:a:1::/64", "2001:db8:b::/63", "2001:db8:b:2::/64"})
    EXPECT_TRUE(router->may_advertise(Prefix::literal(inside))) << inside;
  for (const char* between : {"2001:db8:a:2::/64", "2001:db8:b::/62", "2001:db8:b:3::/64"})
    EXPECT_FALSE(router->may_advertise(Prefix::literal(between))) << between;
}

TEST(CertificationPath, ContainmentHoldsAtEachLevel) {
  COVERS("CRT-3971-11", "CRT-3971-25");
  // The middle one exceeds its issuer while the last is inside both.
  Chain middle;
  middle.ca.extensions = test::ca_extensions("IPv6:2001:db8::/31");
  EXPECT_EQ(verdict(middle.validate()), "address-blocks");
  EXPECT_EQ(verdict(middle.validate(kLegacy)), "address-blocks");
  Chain last;
  last.ca.extensions = test::ca_extensions("IPv6:2001:db8:a::/48");
  last.router.extensions = test::router_extensions("IPv6:2001:db8:b::/48");
  EXPECT_EQ(verdict(last.validate()), "address-blocks");
  EXPECT_EQ(verdict(last.validate(kLegacy)), "address-blocks");
  // Across two separate ranges of the issuer.
  Chain across;
  across.ca.extensions = test::ca_extensions("IPv6:2001:db8::/48,IPv6:2001:db8:2::/48");
  across.router.extensions = test::router_extensions("IPv6:2001:db8::/46");
  EXPECT_EQ(verdict(across.validate()), "address-blocks");
}

TEST(CertificationPath, ConfiguredAddressesNarrowAndReplaceTheAnchors) {
  COVERS("CRT-3779-17", "CRT-5280-20");
  Chain chain;
  TrustAnchor narrow = chain.trust_anchor();
  narrow.blocks = {Prefix::literal("2001:db8:ffff::/48")};
  EXPECT_EQ(verdict(validate_path(chain.path(), {narrow}, kNow)), "address-blocks");

  chain.anchor.extensions["sbgp-ipAddrBlock"] = "";
  TrustAnchor bare = chain.trust_anchor();
  EXPECT_TRUE(bare.blocks.empty());
  EXPECT_EQ(verdict(validate_path(chain.path(), {bare}, kNow)), "address-blocks");
  bare.blocks = {Prefix::literal("2001:db8::/32")};
  EXPECT_EQ(verdict(validate_path(chain.path(), {bare}, kNow)), "accepted");
  bare.blocks = {Prefix::literal("2001:db9::/32")};
  EXPECT_EQ(verdict(validate_path(chain.path(), {bare}, kNow)), "address-blocks");
}

TEST(CertificationPath, TheOldProfileTakesTheIssuersAddressesWhereNoneAreNamed) {
  COVERS("CRT-3971-5", "CRT-3971-15", "CRT-3971-16");
  Chain chain;
  chain.router.extensions = test::router_extensions("IPv6:::/0");
  EXPECT_EQ(verdict(chain.validate()), "address-blocks");
  auto router = chain.validate(kLegacy);
  ASSERT_EQ(verdict(router), "accepted");
  EXPECT_TRUE(router->may_advertise(Prefix::literal("2001:db8:1::/64")));
  EXPECT_FALSE(router->may_advertise(Prefix::literal("2001:db9::/64")));

  for (test::Forgery Chain::* part : {&Chain::anchor, &Chain::ca, &Chain::router})
    (chain.*part).extensions["sbgp-ipAddrBlock"] = "";
  chain.router.extensions["extendedKeyUsage"] = "";
  EXPECT_FALSE(chain.validate().has_value());
  router = chain.validate(kLegacy);
  ASSERT_EQ(verdict(router), "accepted");
  EXPECT_TRUE(router->any_prefix);
  EXPECT_TRUE(router->may_advertise(Prefix::literal("fd00::/8")));
  EXPECT_FALSE(Policy{}.accept_rfc3971_profile);
}

TEST(CertificationPath, TheOldProfileStillNestsAsNumbers) {
  COVERS("CRT-3779-19", "CRT-6487-19");
  Chain chain;
  const auto with = [&chain](const std::string& anchor, const std::string& ca,
                             const std::string& router, const Policy& policy) {
    chain.anchor.extensions["sbgp-autonomousSysNum"] = anchor;
    chain.ca.extensions["sbgp-autonomousSysNum"] = ca;
    chain.router.extensions["sbgp-autonomousSysNum"] = router;
    return verdict(chain.validate(policy));
  };
  for (const Policy& policy : {Policy{}, kLegacy}) {
    EXPECT_EQ(with("critical,AS:64500-64510", "critical,AS:inherit", "critical,AS:64500", policy),
              "accepted");
    EXPECT_EQ(with("critical,AS:64500-64510", "critical,AS:64501", "critical,AS:64500", policy),
              "address-blocks");
    EXPECT_EQ(with("", "", "critical,AS:64500", policy), "address-blocks");
  }
}

}  // namespace
}  // namespace sendoff::pki
