// Names, critical extensions, keys and signatures of a path (RFC 5280 4.1.2.4, 4.2, 6.1, 7.1; RFC
// 6487 7): one fault at each of its places.
#include <gtest/gtest.h>
#include <openssl/err.h>

#include <functional>

#include "pki/certificate.h"
#include "pki/forge.h"
#include "pki/names.h"
#include "pki/rfc5280.h"
#include "support/covers.h"

namespace sendoff::pki {
namespace {

using test::Chain;
using test::days;
using test::forge;
using test::kLegacy;
using test::kNow;
using test::LongChain;
using test::verdict;

TEST(CertificateFaults, NoPlaceOfAPathMayExceedItsIssuersAddresses) {
  COVERS("CRT-6487-21");
  ASSERT_EQ(LongChain().judged(), "accepted");
  const char* const within[] = {"IPv6:2001:db8::/32", "IPv6:2001:db8:a::/48",
                                "IPv6:2001:db8:a:1::/64"};
  const char* const beyond[] = {"IPv6:2001:db8::/31", "IPv6:2001:db8::/32,IPv6:2001:db9::/64",
                                "IPv6:2001:db8:b:1::/64"};
  for (std::size_t wrong = 0; wrong < 4; ++wrong) {
    LongChain path;
    for (std::size_t i = 0; i < 3; ++i)
      path.places()[i]->extensions["sbgp-ipAddrBlock"] =
          std::string("critical,") + (i == wrong ? beyond[i] : within[i]);
    EXPECT_EQ(path.judged(), wrong < 3 ? "address-blocks" : "accepted") << wrong;
  }
}

TEST(CertificateFaults, EachCertificateIsSignedByItsIssuersKey) {
  COVERS("CRT-6487-23");
  for (std::size_t wrong = 0; wrong < 3; ++wrong) {
    // Another key of the same name.
    LongChain other;
    other.places()[wrong]->issuer_key = test::test_key("other-2048");
    EXPECT_EQ(other.judged(), "signature") << wrong;
    EXPECT_EQ(other.judged(kLegacy), "signature") << wrong;
    // By a hash that the profile does not know.
    LongChain hash;
    hash.places()[wrong]->digest = EVP_sha512();
    EXPECT_EQ(hash.judged(), "key-policy") << wrong;
    LongChain flipped;
    std::vector<Bytes> path = flipped.path();
    path[wrong].back() ^= 1;
    EXPECT_EQ(verdict(validate_path(path, {flipped.chain.trust_anchor()}, kNow)), "signature");
  }
}

TEST(CertificateFaults, AnIssuerMaySignCertificates) {
  COVERS("CRT-5280-11");
  for (std::size_t place = 0; place < 2; ++place)
    for (const Policy& policy : {Policy{}, kLegacy}) {
      LongChain path;
      path.places()[place]->extensions["keyUsage"] = "critical,cRLSign";
      EXPECT_EQ(path.judged(policy), "not-ca") << place;
      // Nor is its list one, without cRLSign.
      path.places()[place]->extensions["keyUsage"] = "critical,keyCertSign";
      EXPECT_NE(path.judged(policy), "accepted") << place;
    }
  Chain anchor;
  anchor.anchor.extensions["keyUsage"] = "critical,cRLSign";
  const auto parsed = TrustAnchor::parse(forge(anchor.anchor));
  ASSERT_FALSE(parsed);
  EXPECT_EQ(parsed.error(), PathError::kNotCa);
}

TEST(CertificateFaults, ACriticalExtensionThatNobodyProcessesIsRefused) {
  COVERS("CRT-5280-12");
  for (std::size_t place = 0; place < 3; ++place) {
    LongChain unknown;
    unknown.places()[place]->extensions["1.2.3.4"] = "critical,DER:05:00";
    EXPECT_EQ(unknown.judged(), "profile") << place;
    EXPECT_EQ(unknown.judged(kLegacy), "profile") << place;
    unknown.places()[place]->extensions["1.2.3.4"] = "DER:05:00";
    EXPECT_EQ(unknown.judged(), "accepted") << place;
  }
  // Names of a form that nobody compares: permitted, registeredID 1.2.3.4; the router has such a
  // one.
  for (std::size_t place = 0; place < 2; ++place) {
    LongChain constrained;
    constrained.places()[place]->extensions["nameConstraints"] =
        "critical,DER:30:09:a0:07:30:05:88:03:2a:03:04";
    constrained.chain.router.extensions["subjectAltName"] = "RID:1.2.3.4";
    EXPECT_EQ(constrained.judged(), "profile") << place;
  }
}

// A critical extension with content that the path satisfies, and with content that it violates.
struct CriticalExtension {
  const char* name;
  ByteView oid;
  std::function<void(LongChain&)> satisfied;
  std::function<void(LongChain&)> violated;
  const char* refusal;
};

std::string by_rfc5280_alone(const LongChain& made) {
  const Bytes anchor = forge(made.chain.anchor);
  const std::vector<Bytes> path = made.path();
  std::vector<Decoded> decoded;
  for (const Bytes& der : path) decoded.push_back(*decode(der));
  const auto valid = validate_rfc5280(*decode(anchor), decoded, kNow, Addresses::kJudged);
  return valid ? "accepted" : std::string(name(valid.error()));
}

TEST(CertificateFaults, EachExtensionThatRfc5280WantsKnownIsProcessedWhenCritical) {
  COVERS("CRT-5280-25");
  const auto extend = [](LongChain& made, std::size_t place, const std::string& extension,
                         const std::string& value) {
    made.places()[place]->extensions[extension] = "critical," + value;
  };
  // A policy is required from the first certificate on, and these are the certificates' policies.
  const auto policies = [=](LongChain& made, const std::vector<std::string>& values) {
    extend(made, 0, "policyConstraints", "requireExplicitPolicy:0");
    for (std::size_t i = 0; i < values.size(); ++i)
      extend(made, i, "certificatePolicies", values[i]);
  };
  const std::string any = "2.5.29.32.0";
  const CriticalExtension extensions[] = {
      {"keyUsage", oid::kKeyUsage, [](LongChain&) {},
       [=](LongChain& made) { extend(made, 1, "keyUsage", "cRLSign"); }, "not-ca"},
      {"certificatePolicies", oid::kCertificatePolicies,
       [=](LongChain& made) { policies(made, {"1.2.3.4", "1.2.3.4", "1.2.3.4"}); },
       [=](LongChain& made) { policies(made, {"1.2.3.4", "1.2.3.4", "1.2.3.5"}); }, "profile"},
      {"subjectAltName", oid::kSubjectAltName,
       [=](LongChain& made) {
         extend(made, 0, "nameConstraints", "permitted;DNS:a.example");
         extend(made, 2, "subjectAltName", "DNS:router.a.example");
       },
       [=](LongChain& made) {
         extend(made, 0, "nameConstraints", "permitted;DNS:a.example");
         extend(made, 2, "subjectAltName", "DNS:router.b.example");
       },
       "profile"},
      {"basicConstraints", oid::kBasicConstraints,
       [=](LongChain& made) { extend(made, 1, "basicConstraints", "CA:TRUE,pathlen:0"); },
       [=](LongChain& made) { extend(made, 0, "basicConstraints", "CA:TRUE,pathlen:0"); },
       "not-ca"},
      {"nameConstraints", oid::kNameConstraints,
       [=](LongChain& made) {
         extend(made, 1, "nameConstraints", "excluded;DNS:b.example");
         made.chain.router.extensions["subjectAltName"] = "DNS:router.a.example";
       },
       [=](LongChain& made) {
         extend(made, 1, "nameConstraints", "excluded;DNS:b.example");
         made.chain.router.extensions["subjectAltName"] = "DNS:router.b.example";
       },
       "profile"},
      {"policyConstraints", oid::kPolicyConstraints,
       [=](LongChain& made) { policies(made, {any, any, any}); },
       [=](LongChain& made) { policies(made, {any, any}); }, "profile"},
      {"inhibitAnyPolicy", oid::kInhibitAnyPolicy,
       [=](LongChain& made) {
         policies(made, {"1.2.3.4", "1.2.3.4", "1.2.3.4"});
         extend(made, 0, "inhibitAnyPolicy", "0");
       },
       [=](LongChain& made) {
         policies(made, {"1.2.3.4", any, "1.2.3.4"});
         extend(made, 0, "inhibitAnyPolicy", "0");
       },
       "profile"},
  };
  for (const CriticalExtension& each : extensions) {
    SCOPED_TRACE(each.name);
    LongChain good;
    each.satisfied(good);
    const std::vector<Bytes> path = good.path();
    EXPECT_TRUE(std::ranges::any_of(path, [&](const Bytes& der) {
      const auto decoded = decode(der);
      const Extension* extension = decoded->find(each.oid);
      return extension != nullptr && extension->critical;
    }));
    EXPECT_EQ(good.judged(), "accepted");
    EXPECT_EQ(good.judged(kLegacy), "accepted");
    LongChain bad;
    each.violated(bad);
    EXPECT_EQ(bad.judged(), each.refusal);
    EXPECT_EQ(bad.judged(kLegacy), each.refusal);
    EXPECT_EQ(by_rfc5280_alone(bad), each.refusal);
  }
  // Key purposes are known too: for RFC 5280 a critical extension is as good. It is RFC 6494 7 that
  // wants it otherwise, and what is refused for that is not called unknown.
  LongChain purposes;
  extend(purposes, 2, "extendedKeyUsage", "1.3.6.1.5.5.7.3.23");
  EXPECT_EQ(by_rfc5280_alone(purposes), "accepted");
  EXPECT_EQ(purposes.judged(), "extended-key-usage");
  extend(purposes, 2, "extendedKeyUsage", "1.3.6.1.5.5.7.3.25");
  EXPECT_EQ(purposes.judged(), "extended-key-usage");
  extend(purposes, 2, "1.2.3.4", "DER:05:00");
  EXPECT_EQ(by_rfc5280_alone(purposes), "profile");
}

TEST(CertificateFaults, AddressBlocksAreOneCriticalNonEmptyExtension) {
  COVERS("CRT-6494-5", "CRT-6487-18");
  const auto with = [](std::size_t place, const std::string& value) {
    LongChain path;
    path.places()[place]->extensions["sbgp-ipAddrBlock"] = value;
    return path.judged();
  };
  for (std::size_t place = 0; place < 3; ++place) {
    EXPECT_EQ(with(place, "critical,IPv6:inherit"), "accepted") << place;
    EXPECT_EQ(with(place, "IPv6:inherit"), "address-blocks") << place;
    EXPECT_EQ(with(place, "critical,DER:30:00"), "address-blocks") << place;
    EXPECT_EQ(with(place, "critical,DER:30:08:30:06:04:02:00:02:30:00"), "address-blocks") << place;
    EXPECT_EQ(with(place, ""), "address-blocks") << place;
    // A second one, under its OID: the first in the map is the named one.
    LongChain twice;
    twice.places()[place]->extensions["1.3.6.1.5.5.7.1.7"] =
        "critical,DER:30:08:30:06:04:02:00:02:05:00";
    EXPECT_EQ(twice.judged(), "profile") << place;
    EXPECT_EQ(twice.judged(kLegacy), "profile") << place;
  }
}

// --- names

using Attributes = std::vector<std::pair<std::string, std::string>>;

Bytes name_of(const Attributes& attributes, int type = V_ASN1_PRINTABLESTRING) {
  const std::unique_ptr<X509_NAME, decltype(&X509_NAME_free)> name(X509_NAME_new(), X509_NAME_free);
  for (const auto& [attribute, value] : attributes)
    invariant(X509_NAME_add_entry_by_txt(name.get(), attribute.c_str(),
                                         attribute == "DC" ? V_ASN1_IA5STRING : type,
                                         reinterpret_cast<const unsigned char*>(value.data()),
                                         static_cast<int>(value.size()), -1, 0) == 1);
  unsigned char* data = nullptr;
  const int size = i2d_X509_NAME(name.get(), &data);
  Bytes der(data, data + size);
  OPENSSL_free(data);
  return der;
}

TEST(Names, AreComparedByAttributesInTheirOrder) {
  COVERS("CRT-5280-8");
  const Bytes name = name_of({{"O", "Example"}, {"CN", "Test CA"}});
  const auto equal_to = [&](const Attributes& attributes, int type = V_ASN1_PRINTABLESTRING) {
    return names_match(name, name_of(attributes, type));
  };
  EXPECT_TRUE(equal_to({{"O", "Example"}, {"CN", "test ca"}}));
  EXPECT_TRUE(equal_to({{"O", "EXAMPLE"}, {"CN", "  Test   CA "}}));
  EXPECT_TRUE(equal_to({{"O", "example"}, {"CN", "TEST CA"}}, V_ASN1_UTF8STRING));
  EXPECT_FALSE(equal_to({{"CN", "Test CA"}, {"O", "Example"}}));
  EXPECT_FALSE(equal_to({{"O", "Example"}}));
  EXPECT_FALSE(equal_to({{"O", "Example"}, {"CN", "Test CA"}, {"CN", "Test CA"}}));
  EXPECT_FALSE(equal_to({{"O", "Example"}, {"OU", "Test CA"}}));
  EXPECT_FALSE(equal_to({{"O", "Example"}, {"CN", "TestCA"}}));
}

}  // namespace
}  // namespace sendoff::pki
