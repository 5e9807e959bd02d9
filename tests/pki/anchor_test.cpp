// Trust anchors: which certificates can be one, and what of it counts (RFC 5280 6.1, 6.2; RFC 3971
// 6.5).
#include <gtest/gtest.h>

#include <functional>

#include "pki/certificate.h"
#include "pki/forge.h"
#include "support/covers.h"

namespace sendoff::pki {
namespace {

using test::Chain;
using test::days;
using test::forge;
using test::kLegacy;
using test::kNow;
using test::verdict;

TEST(TrustAnchor, ParseRefusesWhatIsNoAnchor) {
  const auto error_of = [](const Chain& chain) {
    const auto anchor = TrustAnchor::parse(forge(chain.anchor));
    return anchor ? std::string("accepted") : std::string(name(anchor.error()));
  };
  const auto spoiled = [&](const std::function<void(Chain&)>& spoil) {
    Chain chain;
    spoil(chain);
    return error_of(chain);
  };
  EXPECT_EQ(error_of(Chain()), "accepted");
  EXPECT_EQ(spoiled([](Chain& c) { c.anchor.issuer_name = "else"; }), "signature");
  EXPECT_EQ(spoiled([](Chain& c) { c.anchor.extensions["basicConstraints"] = ""; }), "not-ca");
  EXPECT_EQ(spoiled([](Chain& c) { c.anchor.extensions["keyUsage"] = "critical,cRLSign"; }),
            "not-ca");
  EXPECT_EQ(spoiled([](Chain& c) { c.anchor.extensions["keyUsage"] = ""; }), "accepted");
  EXPECT_EQ(
      spoiled([](Chain& c) { c.anchor.key = c.anchor.issuer_key = test::test_key("small-512"); }),
      "key-policy");
  EXPECT_EQ(spoiled([](Chain& c) {
              c.anchor.extensions["sbgp-ipAddrBlock"] = "critical,IPv6-SAFI:1:2001:db8::/32";
            }),
            "address-blocks");
  EXPECT_FALSE(TrustAnchor::parse({}).has_value());
}

TEST(TrustAnchor, IsWhatSomebodyConfiguredWhateverItsOwnSignature) {
  COVERS("CRT-5280-4");
  const Chain chain;
  const Bytes good = forge(chain.anchor);
  Bytes flipped = good;
  flipped.back() ^= 1;
  Chain by_another;
  by_another.anchor.issuer_key = test::test_key("other-2048");
  for (const Bytes& der : {good, flipped, forge(by_another.anchor)}) {
    EXPECT_EQ(issued_by(der, der), der == good);
    const auto anchor = TrustAnchor::parse(der);
    ASSERT_TRUE(anchor);
    for (const Policy& policy : {Policy{}, kLegacy}) {
      EXPECT_EQ(verdict(validate_path(chain.path(), {*anchor}, kNow, policy)), "accepted");
      // It is no element of the path, though it may be sent along.
      std::vector<Bytes> path = chain.path();
      path.insert(path.begin(), der);
      EXPECT_EQ(verdict(validate_path(path, {*anchor}, kNow, policy)), "accepted");
    }
  }
  // It is the key that counts: by the same name another one proves nothing.
  Chain other_key;
  other_key.anchor.key = test::test_key("other-2048");
  const auto other = TrustAnchor::parse(forge(other_key.anchor));
  ASSERT_TRUE(other);
  EXPECT_EQ(verdict(validate_path(chain.path(), {*other}, kNow)), "signature");
}

TEST(TrustAnchor, IsUsedWithinItsTime) {
  COVERS("CRT-5280-4");
  Chain chain;
  chain.anchor.not_after = days(10);
  EXPECT_EQ(verdict(chain.validate({}, days(10))), "accepted");
  for (const Policy& policy : {Policy{}, kLegacy})
    EXPECT_EQ(verdict(chain.validate(policy, days(10) + std::chrono::seconds(1))), "expired");
  // One of the same name and key that goes on, beside it.
  const Chain renewed;
  EXPECT_EQ(verdict(validate_path(chain.path(), {chain.trust_anchor(), renewed.trust_anchor()},
                                  days(11))),
            "accepted");
  chain.anchor.not_before = days(5);
  EXPECT_EQ(verdict(chain.validate()), "not-yet-valid");
}

}  // namespace
}  // namespace sendoff::pki
