// Each rule of path validation with one defect at a time, on chains that OpenSSL's generator makes.
#include "pki/certificate.h"

#include <gtest/gtest.h>
#include <openssl/err.h>

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

constexpr Policy kStrict{.strict_rfc6487 = true};

// RFC 6487 section 4 to the letter.
Chain strict_chain() {
  Chain chain;
  for (test::Forgery* each : {&chain.ca, &chain.router}) {
    each->extensions["certificatePolicies"] = "critical,1.3.6.1.5.5.7.14.2";
    each->extensions["crlDistributionPoints"] = "URI:rsync://repository.example/a.crl";
    each->extensions["authorityInfoAccess"] = "caIssuers;URI:rsync://repository.example/a.cer";
    each->extensions["subjectInfoAccess"] =
        "1.3.6.1.5.5.7.48.11;URI:rsync://repository.example/a.roa";
  }
  return chain;
}

TEST(CertificationPath, TheOrdinaryChainIsAcceptedInEveryMode) {
  for (const Policy& policy : {Policy{}, kLegacy, kStrict}) {
    const Chain chain = strict_chain();
    const auto router = chain.validate(policy);
    ASSERT_EQ(verdict(router), "accepted");
    EXPECT_EQ(router->spki, test::spki_of(chain.router.key.get()));
    EXPECT_EQ(router->subject, "CN=router");
    EXPECT_EQ(router->blocks, std::vector{Prefix::literal("2001:db8:a:1::/64")});
    EXPECT_EQ(router->not_after, days(100));
    EXPECT_FALSE(router->any_prefix);
  }
}

struct Defect {
  const char* about;
  bool in_ca;
  const char* extension;
  const char* value;  // "" removes it
  const char* normal;
  const char* strict = nullptr;  // as `normal` where not given
  const char* legacy = nullptr;
};

const Defect kDefects[] = {
    {"CA without basicConstraints", true, "basicConstraints", "", "not-ca"},
    {"CA with cA FALSE", true, "basicConstraints", "critical,CA:FALSE", "not-ca"},
    {"basicConstraints not critical", true, "basicConstraints", "CA:TRUE", "profile"},
    {"path length 0 above a router", true, "basicConstraints", "critical,CA:TRUE,pathlen:0",
     "accepted", "profile"},
    {"router with cA FALSE", false, "basicConstraints", "critical,CA:FALSE", "accepted", "profile"},
    {"router with cA TRUE", false, "basicConstraints", "critical,CA:TRUE", "not-ca"},
    {"CA without SKI", true, "subjectKeyIdentifier", "", "profile"},
    {"SKI of another key", false, "subjectKeyIdentifier", "0102030405060708", "profile"},
    {"critical SKI", false, "subjectKeyIdentifier", "critical,hash", "profile"},
    {"router without AKI", false, "authorityKeyIdentifier", "", "profile"},
    {"critical AKI", false, "authorityKeyIdentifier", "critical,keyid:always", "profile"},
    {"AKI of another key", false, "authorityKeyIdentifier", "DER:30:06:80:04:01:02:03:04",
     "signature"},
    {"AKI with issuer and serial", false, "authorityKeyIdentifier",
     "DER:30:2d:80:14:89:34:6e:fb:7b:ec:23:92:db:b4:77:77:8a:f1:30:8a:3a:29:f9:e2"
     ":a1:11:a4:0f:30:0d:31:0b:30:09:06:03:55:04:03:13:02:63:61:82:02:03:ec",
     "signature", "profile"},
    {"AKI without a key identifier", false, "authorityKeyIdentifier", "DER:30:00", "profile"},
    {"CA may not sign", true, "keyUsage", "critical,cRLSign", "not-ca"},
    {"CA with digitalSignature", true, "keyUsage", "critical,keyCertSign,cRLSign,digitalSignature",
     "profile"},
    {"CA without cRLSign", true, "keyUsage", "critical,keyCertSign", "profile"},
    {"keyUsage not critical", false, "keyUsage", "digitalSignature", "profile"},
    {"router without digitalSignature", false, "keyUsage", "critical,keyAgreement", "not-ca"},
    {"router with keyCertSign too", false, "keyUsage", "critical,digitalSignature,keyCertSign",
     "profile"},
    {"keyUsage without a bit", false, "keyUsage", "critical,DER:03:01:00", "profile"},
    {"no EKU", false, "extendedKeyUsage", "", "extended-key-usage", nullptr, "accepted"},
    {"critical EKU", false, "extendedKeyUsage", "critical,1.3.6.1.5.5.7.3.23",
     "extended-key-usage"},
    {"anyExtendedKeyUsage only", false, "extendedKeyUsage", "2.5.29.37.0", "extended-key-usage"},
    {"anyExtendedKeyUsage and sendRouter", false, "extendedKeyUsage",
     "2.5.29.37.0,1.3.6.1.5.5.7.3.23", "accepted"},
    {"many purposes", false, "extendedKeyUsage", "serverAuth,1.3.6.1.5.5.7.3.23,1.2.3.4",
     "accepted"},
    {"sendOwner only", false, "extendedKeyUsage", "1.3.6.1.5.5.7.3.25", "extended-key-usage"},
    {"sendProxiedRouter only", false, "extendedKeyUsage", "1.3.6.1.5.5.7.3.24",
     "extended-key-usage"},
    {"empty EKU", false, "extendedKeyUsage", "DER:30:00", "extended-key-usage"},
    {"CA with EKU", true, "extendedKeyUsage", "1.3.6.1.5.5.7.3.23", "extended-key-usage"},
    {"router without blocks", false, "sbgp-ipAddrBlock", "", "address-blocks", nullptr, "accepted"},
    {"CA without blocks", true, "sbgp-ipAddrBlock", "", "address-blocks", nullptr, "accepted"},
    {"blocks not critical", false, "sbgp-ipAddrBlock", "IPv6:2001:db8:a:1::/64", "address-blocks"},
    {"blocks with a SAFI", false, "sbgp-ipAddrBlock", "critical,IPv6-SAFI:1:2001:db8:a:1::/64",
     "address-blocks"},
    {"blocks outside the CA's", false, "sbgp-ipAddrBlock", "critical,IPv6:2001:db9::/64",
     "address-blocks"},
    {"CA's blocks outside the anchor's", true, "sbgp-ipAddrBlock", "critical,IPv6:2001:db8::/31",
     "address-blocks"},
    {"::/0 below a constrained CA", false, "sbgp-ipAddrBlock", "critical,IPv6:::/0",
     "address-blocks", nullptr, "accepted"},
    {"one inside, one outside", false, "sbgp-ipAddrBlock",
     "critical,IPv6:2001:db8:a::/48,IPv6:fd00::/48", "address-blocks"},
    {"IPv4 that the CA lacks", false, "sbgp-ipAddrBlock",
     "critical,IPv4:10.0.0.0/8,IPv6:2001:db8:a:1::/64", "address-blocks", nullptr, "accepted"},
    {"unknown critical extension", false, "1.2.3.4", "critical,DER:05:00", "profile"},
    {"unknown critical extension of the CA", true, "1.2.3.4", "critical,DER:05:00", "profile"},
    {"unknown extension", false, "1.2.3.4", "DER:05:00", "accepted", "profile"},
    {"two policies", false, "certificatePolicies", "critical,1.3.6.1.5.5.7.14.2,1.2.3.4",
     "accepted", "profile"},
    {"no policy", false, "certificatePolicies", "", "accepted", "profile"},
    {"policy not critical", false, "certificatePolicies", "1.3.6.1.5.5.7.14.2", "accepted",
     "profile"},
    {"a policy is required, none is there", true, "policyConstraints",
     "critical,requireExplicitPolicy:0", "profile"},
    {"two distribution points", false, "crlDistributionPoints",
     "URI:rsync://a.example/a,URI:rsync://b.example/b", "profile"},
    {"distribution point with an issuer", false, "crlDistributionPoints",
     "DER:30:17:30:15:a0:04:a0:02:86:00:a2:0d:a4:0b:30:09:31:07:30:05:06:03:55:04:03", "profile"},
    {"no distribution point", false, "crlDistributionPoints", "", "accepted", "profile"},
    {"distribution point by http", false, "crlDistributionPoints", "URI:http://a.example/a",
     "accepted", "profile"},
    {"no authority access", false, "authorityInfoAccess", "", "accepted", "profile"},
    {"OCSP address", false, "authorityInfoAccess", "OCSP;URI:http://a.example/", "accepted",
     "profile"},
    {"no subject access", false, "subjectInfoAccess", "", "accepted", "profile"},
    {"AS numbers that the CA lacks", false, "sbgp-autonomousSysNum", "critical,AS:64500",
     "address-blocks"},
    {"routing domain identifiers", false, "sbgp-autonomousSysNum", "critical,AS:64500,RDI:1",
     "profile"},
    {"alternative name", false, "subjectAltName", "critical,DNS:router.example", "accepted",
     "profile"},
};

TEST(CertificationPath, OneDefectAtATimeGetsItsVerdictInEveryMode) {
  COVERS("CRT-6487-25", "CRT-6487-7", "CRT-6487-8", "CRT-6487-10", "CRT-6487-11", "CRT-6487-12",
         "CRT-6487-13", "CRT-6487-15", "CRT-6487-16", "CRT-6487-17", "CRT-6487-30", "CRT-6487-6",
         "CRT-5280-18", "CRT-5280-17", "CRT-6494-14", "CRT-6494-16", "CRT-6494-17", "CRT-3971-17",
         "CRT-5280-2", "CRT-3971-12", "CRT-3971-13", "CRT-6494-19", "CRT-3779-19");
  for (const Defect& defect : kDefects) {
    SCOPED_TRACE(defect.about);
    Chain chain = strict_chain();
    if (defect.in_ca && std::string_view(defect.extension) == "policyConstraints")
      chain.router.extensions["certificatePolicies"] = "";
    (defect.in_ca ? chain.ca : chain.router).extensions[defect.extension] = defect.value;
    EXPECT_EQ(verdict(chain.validate()), defect.normal);
    EXPECT_EQ(verdict(chain.validate(kStrict)), defect.strict ? defect.strict : defect.normal);
    EXPECT_EQ(verdict(chain.validate(kLegacy)), defect.legacy ? defect.legacy : defect.normal);
    EXPECT_EQ(ERR_peek_error(), 0U);
  }
}

TEST(CertificationPath, ValidityIncludesBothEnds) {
  COVERS("CRT-5280-6");
  Chain chain;
  chain.router.not_before = kNow;
  chain.router.not_after = kNow + std::chrono::seconds(60);
  const auto at = [&chain](Duration after) { return verdict(chain.validate({}, kNow + after)); };
  EXPECT_EQ(at(std::chrono::seconds(-1)), "not-yet-valid");
  EXPECT_EQ(at(std::chrono::nanoseconds(-1)), "not-yet-valid");
  EXPECT_EQ(at(std::chrono::seconds(0)), "accepted");
  EXPECT_EQ(at(std::chrono::seconds(59)), "accepted");
  EXPECT_EQ(at(std::chrono::seconds(60)), "accepted");
  EXPECT_EQ(at(std::chrono::milliseconds(60999)), "accepted");
  EXPECT_EQ(at(std::chrono::seconds(61)), "expired");
}

TEST(CertificationPath, EveryCertificateIsJudgedByTheTimeGiven) {
  COVERS("CRT-6487-5");
  for (test::Forgery Chain::* part : {&Chain::anchor, &Chain::ca, &Chain::router}) {
    Chain chain;
    (chain.*part).not_after = days(10);
    EXPECT_EQ(chain.validate()->not_after, days(10));
    EXPECT_EQ(verdict(chain.validate({}, days(11))), "expired");
    (chain.*part).not_before = days(5);
    EXPECT_EQ(verdict(chain.validate()), "not-yet-valid");
    EXPECT_EQ(verdict(chain.validate({}, days(5))), "accepted");
  }
}

TEST(CertificationPath, DatesFarAwayAreUnderstood) {
  COVERS("CRT-5280-15");
  Chain chain;
  const auto end_of = [&chain](UtcTime not_after) {
    chain.router.not_after = not_after;
    return inspect(forge(chain.router))->not_after;
  };
  const UtcTime end_2049{std::chrono::seconds(2524607999)};
  EXPECT_EQ(end_of(end_2049), end_2049);  // UTCTime
  EXPECT_EQ(end_of(end_2049 + std::chrono::seconds(1)), end_2049 + std::chrono::seconds(1));
  const UtcTime in_1950{std::chrono::seconds(-631152000)};
  EXPECT_EQ(end_of(in_1950), in_1950);

  chain.router.not_after = end_2049 + std::chrono::seconds(1);
  Bytes never = forge(chain.router);
  const std::string_view text = "20500101000000Z";
  const auto found = std::search(never.begin(), never.end(), text.begin(), text.end());
  ASSERT_NE(found, never.end());
  std::ranges::copy(std::string_view("99991231235959Z"), found);
  EXPECT_EQ(inspect(never)->not_after, UtcTime::max());
  for (const char* bad :
       {"20501301000000Z", "20500230000000Z", "20500101240000Z", "20500101006000Z",
        "20500101000060Z", "205001010000000", "2050010100000Z0", "2050 101000000Z"}) {
    std::ranges::copy(std::string_view(bad), found);
    EXPECT_FALSE(inspect(never).has_value()) << bad;
  }
}

TEST(CertificationPath, EmptyAndLongPathsAreRefusedAtOnce) {
  const Chain chain;
  const TrustAnchor anchor = chain.trust_anchor();
  EXPECT_EQ(verdict(validate_path({}, {anchor}, kNow)), "empty");
  EXPECT_EQ(verdict(validate_path({anchor.certificate}, {anchor}, kNow)), "empty");
  const std::vector<Bytes> eleven(kMaxPathLength + 1, Bytes{0});
  EXPECT_EQ(verdict(validate_path(eleven, {anchor}, kNow)), "too-long");
  Bytes large(kMaxCertificateSize + 1, 0);
  EXPECT_EQ(verdict(validate_path({large}, {anchor}, kNow)), "malformed");
}

TEST(CertificationPath, TheAnchorMayComeFirst) {
  const Chain chain;
  const TrustAnchor anchor = chain.trust_anchor();
  std::vector<Bytes> path = chain.path();
  path.insert(path.begin(), anchor.certificate);
  EXPECT_EQ(verdict(validate_path(path, {anchor}, kNow)), "accepted");
  EXPECT_EQ(verdict(validate_path(path, {}, kNow)), "no-anchor");
  path.insert(path.begin(), anchor.certificate);
  // The second time it is a CA of the path, and has no authority key identifier.
  EXPECT_EQ(verdict(validate_path(path, {anchor}, kNow)), "profile");
}

TEST(CertificationPath, OnlyConfiguredAnchorsCount) {
  COVERS("CRT-3971-2", "CRT-6487-22");
  Chain chain;
  const TrustAnchor anchor = chain.trust_anchor();
  Chain foreign;
  foreign.anchor.key = foreign.anchor.issuer_key = foreign.ca.issuer_key =
      test::test_key("anchor2-2048");
  // Same names, other root key: with and without the foreign root in the path.
  EXPECT_EQ(verdict(validate_path(foreign.path(), {anchor}, kNow)), "signature");
  std::vector<Bytes> with_root = foreign.path();
  with_root.insert(with_root.begin(), forge(foreign.anchor));
  EXPECT_FALSE(validate_path(with_root, {anchor}, kNow).has_value());
  // With an authority key identifier that lies, only the signature tells.
  foreign.ca.extensions["authorityKeyIdentifier"] = "DER:30:16:80:14" + [&anchor] {
    std::string text;
    for (std::uint8_t octet : anchor.key_identifier) text += ":" + to_hex(ByteView(&octet, 1));
    return text;
  }();
  EXPECT_EQ(verdict(validate_path(foreign.path(), {anchor}, kNow)), "signature");
  // Two anchors of one name: the one that signed is found.
  Chain right;
  right.anchor.key = right.anchor.issuer_key = right.ca.issuer_key = test::test_key("anchor2-2048");
  const auto router = validate_path(right.path(), {anchor, right.trust_anchor()}, kNow);
  ASSERT_EQ(verdict(router), "accepted");
  EXPECT_EQ(router->anchor, 1U);
  // fd00::/8 needs no registry.
  Chain local;
  local.anchor.extensions = test::ca_extensions("IPv6:fd00::/8");
  local.anchor.extensions["authorityKeyIdentifier"] = "";
  local.ca.extensions = test::ca_extensions("IPv6:fd00::/8");
  local.router.extensions = test::router_extensions("IPv6:fd00:1::/64");
  EXPECT_EQ(verdict(local.validate()), "accepted");
}

TEST(CertificationPath, TheOrderGivenIsTheOrderJudged) {
  COVERS("CRT-6487-22", "CRT-5280-3");
  const Chain chain;
  const TrustAnchor anchor = chain.trust_anchor();
  const Bytes ca = forge(chain.ca);
  const Bytes router = forge(chain.router);
  EXPECT_FALSE(validate_path({router, ca}, {anchor}, kNow).has_value());
  EXPECT_FALSE(validate_path({router}, {anchor}, kNow).has_value());
  EXPECT_FALSE(validate_path({ca}, {anchor}, kNow).has_value());
  EXPECT_EQ(verdict(validate_path({ca, ca, router}, {anchor}, kNow)), "signature");
  EXPECT_FALSE(validate_path({ca, router, router}, {anchor}, kNow).has_value());
}

TEST(CertificationPath, EqualKeysAndNamesInOnePathDoNotMisleadIt) {
  COVERS("CRT-5280-19");
  // The CA has the anchor's key, so that both have one key identifier.
  Chain same_key;
  same_key.ca.key = same_key.router.issuer_key = test::test_key("anchor-2048");
  EXPECT_EQ(verdict(same_key.validate()), "accepted");
  // The anchor certifies its next key under its own name, and that key the CA.
  Chain rollover;
  test::Forgery next = rollover.ca;
  next.name = "anchor";
  next.key = test::test_key("anchor2-2048");
  next.extensions["basicConstraints"] = "critical,CA:TRUE,pathlen:0";
  rollover.router.issuer_name = "anchor";
  rollover.router.issuer_key = next.key;
  EXPECT_EQ(verdict(validate_path({forge(next), forge(rollover.router)}, {rollover.trust_anchor()},
                                  kNow)),
            "accepted");
  // A self-issued certificate between does not count for the path length.
  test::Forgery limited = rollover.ca;
  limited.extensions["basicConstraints"] = "critical,CA:TRUE,pathlen:0";
  test::Forgery renewed = rollover.ca;
  renewed.issuer_name = "ca";
  renewed.issuer_key = limited.key;
  renewed.key = test::test_key("ca2-2048");
  rollover.router.issuer_name = "ca";
  rollover.router.issuer_key = renewed.key;
  EXPECT_EQ(verdict(validate_path({forge(limited), forge(renewed), forge(rollover.router)},
                                  {rollover.trust_anchor()}, kNow)),
            "accepted");
}

TEST(CertificationPath, ThePathIsNotCutShortWhereAnotherWouldDo) {
  // ca (by the anchor), middle (by ca), ca again with the same key (by middle), router: the first
  // would do for the router too, but its addresses are wider than what the path hands down.
  Chain chain;
  test::Forgery middle = chain.ca;
  middle.name = "middle";
  middle.issuer_name = "ca";
  middle.issuer_key = chain.ca.key;
  middle.key = test::test_key("ca2-2048");
  test::Forgery again = chain.ca;
  again.issuer_name = "middle";
  again.issuer_key = middle.key;
  again.extensions = test::ca_extensions("IPv6:2001:db8:a::/48");
  chain.router.extensions = test::router_extensions("IPv6:inherit");
  const auto router =
      validate_path({forge(chain.ca), forge(middle), forge(again), forge(chain.router)},
                    {chain.trust_anchor()}, kNow);
  ASSERT_EQ(verdict(router), "accepted");
  EXPECT_EQ(router->blocks, std::vector{Prefix::literal("2001:db8:a::/48")});
}

TEST(CertificationPath, ASelfSignedCertificateBelowTheAnchorIsRefused) {
  COVERS("CRT-5280-3");
  // The anchor's key and name again, in another certificate: it could follow itself for ever.
  Chain chain;
  test::Forgery reissued = chain.ca;
  reissued.name = "anchor";
  reissued.key = chain.anchor.key;
  chain.router.issuer_name = "anchor";
  chain.router.issuer_key = chain.anchor.key;
  const std::vector<TrustAnchor> anchors = {chain.trust_anchor()};
  const Bytes once = forge(reissued);
  const Bytes router = forge(chain.router);
  EXPECT_EQ(verdict(validate_path({router}, anchors, kNow)), "accepted");
  EXPECT_EQ(verdict(validate_path({once, router}, anchors, kNow)), "signature");
  EXPECT_EQ(verdict(validate_path({once, once, router}, anchors, kNow)), "signature");
}

TEST(CertificationPath, PathLengthConstraintHolds) {
  COVERS("CRT-5280-10");
  Chain chain;
  test::Forgery below = chain.ca;
  below.name = "below";
  below.issuer_name = "ca";
  below.issuer_key = chain.ca.key;
  below.key = test::test_key("ca2-2048");
  chain.router.issuer_name = "below";
  chain.router.issuer_key = below.key;
  const auto validate = [&] {
    return validate_path({forge(chain.ca), forge(below), forge(chain.router)},
                         {chain.trust_anchor()}, kNow);
  };
  EXPECT_EQ(verdict(validate()), "accepted");
  chain.ca.extensions["basicConstraints"] = "critical,CA:TRUE,pathlen:0";
  EXPECT_EQ(verdict(validate()), "not-ca");
}

TEST(CertificationPath, EightCertificatesAreTheMost) {
  COVERS("CRT-6487-29");
  static_assert(kMaxPathLength == 8);
  const auto path_of = [](std::size_t length) {
    Chain chain;
    std::vector<Bytes> path;
    chain.router.issuer_name = "anchor";
    chain.router.issuer_key = chain.anchor.key;
    while (path.size() + 1 < length) {
      test::Forgery ca = chain.ca;
      ca.name = "ca" + std::to_string(path.size());
      ca.issuer_name = chain.router.issuer_name;
      ca.issuer_key = chain.router.issuer_key;
      ca.serial = static_cast<long>(path.size() + 1);
      path.push_back(forge(ca));
      chain.router.issuer_name = ca.name;
      chain.router.issuer_key = ca.key;
    }
    path.push_back(forge(chain.router));
    return path;
  };
  const auto anchor = Chain().trust_anchor();
  EXPECT_EQ(verdict(validate_path(path_of(8), {anchor}, kNow)), "accepted");
  EXPECT_EQ(verdict(validate_path(path_of(9), {anchor}, kNow)), "too-long");
  // None is looked at then: these are no certificates.
  EXPECT_EQ(verdict(validate_path(std::vector<Bytes>(9, Bytes{0}), {anchor}, kNow)), "too-long");
  std::vector<Bytes> twice = path_of(3);
  twice.insert(twice.begin() + 1, twice.front());
  EXPECT_NE(verdict(validate_path(twice, {anchor}, kNow)), "accepted");
}

TEST(CertificationPath, NamesAreComparedWithoutCaseAndStringType) {
  Chain chain;
  chain.anchor.name = chain.anchor.issuer_name = "Test Anchor";
  chain.ca.issuer_name = "test  anchor";
  chain.ca.name_type = V_ASN1_UTF8STRING;
  EXPECT_EQ(verdict(chain.validate()), "accepted");
  chain.ca.issuer_name = "test anchors";
  EXPECT_EQ(verdict(chain.validate()), "no-anchor");
}

TEST(CertificationPath, KeysAndAlgorithmsAreThoseOfTheProfile) {
  COVERS("CRT-6487-3", "CRT-3971-19");
  const auto with_key = [](const char* key, const Policy& policy) {
    Chain chain = strict_chain();
    chain.router.key = test::test_key(key);
    return verdict(chain.validate(policy));
  };
  EXPECT_EQ(with_key("ar-1024", {}), "key-policy");
  EXPECT_EQ(with_key("ar-1024", kLegacy), "accepted");
  EXPECT_EQ(with_key("ar-3072", {}), "accepted");
  EXPECT_EQ(with_key("ar-3072", kStrict), "key-policy");
  EXPECT_EQ(with_key("mn-2048-e3", {}), "key-policy");
  EXPECT_EQ(with_key("mn-2048-e3", kLegacy), "accepted");
  EXPECT_EQ(with_key("small-512", kLegacy), "key-policy");
  EXPECT_EQ(with_key("weird-1024-big-e", kLegacy), "key-policy");

  Chain weak_ca;
  weak_ca.ca.key = weak_ca.router.issuer_key = test::test_key("ar-1024");
  EXPECT_EQ(verdict(weak_ca.validate()), "key-policy");
  Chain weak_anchor;
  weak_anchor.anchor.key = weak_anchor.anchor.issuer_key = weak_anchor.ca.issuer_key =
      test::test_key("ar-1024");
  EXPECT_EQ(verdict(weak_anchor.validate()), "key-policy");

  for (const EVP_MD* digest : {EVP_sha1(), EVP_md5(), EVP_sha384()}) {
    Chain chain;
    chain.router.digest = digest;
    EXPECT_EQ(verdict(chain.validate()), "key-policy");
    EXPECT_EQ(verdict(chain.validate(kLegacy)), "key-policy");
  }
  Chain elliptic;
  elliptic.router.key = {EVP_EC_gen("P-256"), EVP_PKEY_free};
  EXPECT_EQ(verdict(elliptic.validate()), "key-policy");
  EXPECT_EQ(verdict(elliptic.validate(kLegacy)), "key-policy");
}

TEST(CertificationPath, OnlyStrictModeMindsFurtherNameAttributes) {
  COVERS("CRT-6487-4");
  Chain chain = strict_chain();
  chain.router.organization = "Example";
  EXPECT_EQ(verdict(chain.validate()), "accepted");
  EXPECT_EQ(verdict(chain.validate(kStrict)), "profile");
}

TEST(CertificationPath, SerialNumbersArePositive) {
  for (long serial : {0L, -1L}) {
    Chain chain;
    chain.router.serial = serial;
    EXPECT_EQ(verdict(chain.validate()), "profile") << serial;
  }
}

TEST(CertificationPath, InnerAndOuterAlgorithmMustAgree) {
  COVERS("CRT-5280-13");
  const Chain chain;
  Bytes router = forge(chain.router);
  // sha256WithRSAEncryption; the last one stands beside the signature.
  const Bytes oid = {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b};
  const auto found = std::find_end(router.begin(), router.end(), oid.begin(), oid.end());
  ASSERT_NE(found, router.end());
  *(found + 8) = 0x0c;
  EXPECT_EQ(verdict(validate_path({forge(chain.ca), router}, {chain.trust_anchor()}, kNow)),
            "profile");
}

TEST(CertificationPath, NameConstraintsHold) {
  COVERS("CRT-5280-16");
  Chain chain;
  // permitted: DNS a.example
  chain.ca.extensions["nameConstraints"] = "critical,permitted;DNS:a.example";
  chain.router.extensions["subjectAltName"] = "DNS:router.a.example";
  EXPECT_EQ(verdict(chain.validate()), "accepted");
  chain.router.extensions["subjectAltName"] = "DNS:router.b.example";
  EXPECT_EQ(verdict(chain.validate()), "profile");
  // excluded: directoryName CN=router
  chain.router.extensions["subjectAltName"] = "";
  const auto excluding = [](const std::string& last_octet) {
    return "critical,DER:30:19:a1:17:30:15:a4:13:30:11:31:0f:30:0d:06:03:55:04:03:13:06"
           ":72:6f:75:74:65:" +
           last_octet;
  };
  chain.ca.extensions["nameConstraints"] = excluding("72");
  EXPECT_EQ(verdict(chain.validate()), "profile");
  chain.ca.extensions["nameConstraints"] = excluding("73");
  EXPECT_EQ(verdict(chain.validate()), "accepted");
}

TEST(CertificationPath, CheapChecksComeBeforeTheSignature) {
  Chain chain;
  // Signed by a stranger who names the CA's key: nothing but the signature is wrong.
  chain.router.issuer_key = test::test_key("other-2048");
  std::string ca_key;
  const Bytes identifier = inspect(forge(chain.ca))->key_identifier;
  for (std::uint8_t octet : identifier) ca_key += ":" + to_hex(ByteView(&octet, 1));
  chain.router.extensions["authorityKeyIdentifier"] = "DER:30:16:80:14" + ca_key;
  EXPECT_EQ(verdict(chain.validate()), "signature");
  Chain purposeless = chain;
  purposeless.router.extensions["extendedKeyUsage"] = "";
  EXPECT_EQ(verdict(purposeless.validate()), "extended-key-usage");
  Chain outside = chain;
  outside.router.extensions["sbgp-ipAddrBlock"] = "critical,IPv6:2001:db9::/32";
  EXPECT_EQ(verdict(outside.validate()), "address-blocks");
  EXPECT_EQ(verdict(chain.validate({}, days(200))), "expired");
}

}  // namespace
}  // namespace sendoff::pki
