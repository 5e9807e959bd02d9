// What we issue passes our own validation and OpenSSL's, and has the RFC 6494 profile's fields.
#include "pki/issue.h"

#include <gtest/gtest.h>

#include <set>

#include "pki/forge.h"
#include "support/covers.h"

namespace sendoff::pki {
namespace {

using test::days;
using test::kNow;

Secret pem(const std::string& key) {
  return Secret::copy_of(test::load_file("keys/" + key + ".pem"));
}
Bytes spki(const std::string& key) { return test::spki_of(test::test_key(key).get()); }

Request request(Role role, const std::string& name, const std::vector<const char*>& blocks) {
  Request made;
  made.role = role;
  made.common_name = name;
  for (const char* block : blocks) made.blocks.push_back(Prefix::literal(block));
  made.not_before = days(-1);
  made.not_after = days(30);
  made.serial = {0xff, 1, 2, 3};
  return made;
}

struct Issued {
  Bytes anchor = issue(request(Role::kAnchor, "Test Anchor", {"2001:db8::/32"}),
                       spki("anchor-2048"), {{}, pem("anchor-2048")})
                     .value();
  Bytes ca = issue(request(Role::kCa, "Test CA", {"2001:db8:a::/47"}), spki("ca-2048"),
                   {anchor, pem("anchor-2048")})
                 .value();
  Bytes router = issue(request(Role::kRouter, "ar1", {"2001:db8:a:1::/64", "2001:db8:a:2::/64"}),
                       spki("ar-2048"), {ca, pem("ca-2048")})
                     .value();
};

TEST(Issue, AChainOfOursIsValid) {
  const Issued issued;
  const auto anchor = TrustAnchor::parse(issued.anchor);
  ASSERT_TRUE(anchor.has_value());
  const auto router = validate_path({issued.ca, issued.router}, {*anchor}, kNow);
  ASSERT_EQ(test::verdict(router), "accepted");
  EXPECT_EQ(router->spki, spki("ar-2048"));
  EXPECT_EQ(router->subject, "CN=ar1");
  EXPECT_EQ(router->blocks, (std::vector{Prefix::literal("2001:db8:a:1::/64"),
                                         Prefix::literal("2001:db8:a:2::/64")}));
}

using X509Ptr = std::unique_ptr<X509, decltype(&X509_free)>;

X509Ptr x509(const Bytes& der) {
  const unsigned char* at = der.data();
  return {d2i_X509(nullptr, &at, static_cast<long>(der.size())), X509_free};
}

TEST(Issue, OpenSslAloneAgreesOnTheChain) {
  const Issued issued;
  const X509Ptr anchor = x509(issued.anchor);
  const X509Ptr ca = x509(issued.ca);
  const X509Ptr router = x509(issued.router);
  X509_STORE* store = X509_STORE_new();
  X509_STORE_add_cert(store, anchor.get());
  STACK_OF(X509)* untrusted = sk_X509_new_null();
  sk_X509_push(untrusted, ca.get());
  X509_STORE_CTX* context = X509_STORE_CTX_new();
  X509_STORE_CTX_init(context, store, router.get(), untrusted);
  X509_VERIFY_PARAM* parameters = X509_STORE_CTX_get0_param(context);
  X509_VERIFY_PARAM_set_time(parameters, whole_seconds(kNow.time_since_epoch()));
  X509_VERIFY_PARAM_set_flags(parameters, X509_V_FLAG_X509_STRICT);
  EXPECT_EQ(X509_verify_cert(context), 1)
      << X509_verify_cert_error_string(X509_STORE_CTX_get_error(context));
  X509_STORE_CTX_free(context);
  sk_X509_free(untrusted);
  X509_STORE_free(store);
}

bool critical(X509* certificate, int nid) {
  const int at = X509_get_ext_by_NID(certificate, nid, -1);
  return at >= 0 && X509_EXTENSION_get_critical(X509_get_ext(certificate, at)) == 1;
}
bool present(X509* certificate, int nid) { return X509_get_ext_by_NID(certificate, nid, -1) >= 0; }

TEST(Issue, FieldsAreThoseOfTheProfile) {
  COVERS("CRT-6487-4");
  const Issued issued;
  const X509Ptr anchor = x509(issued.anchor);
  const X509Ptr ca = x509(issued.ca);
  const X509Ptr router = x509(issued.router);
  for (X509* each : {anchor.get(), ca.get(), router.get()}) {
    EXPECT_EQ(X509_get_version(each), X509_VERSION_3);
    EXPECT_EQ(X509_get_signature_nid(each), NID_sha256WithRSAEncryption);
    EXPECT_TRUE(critical(each, NID_key_usage));
    EXPECT_TRUE(critical(each, NID_sbgp_ipAddrBlock));
    EXPECT_TRUE(present(each, NID_subject_key_identifier));
    EXPECT_FALSE(critical(each, NID_subject_key_identifier));
    for (X509_NAME* name : {X509_get_subject_name(each), X509_get_issuer_name(each)}) {
      ASSERT_EQ(X509_NAME_entry_count(name), 1);
      const X509_NAME_ENTRY* entry = X509_NAME_get_entry(name, 0);
      EXPECT_EQ(OBJ_obj2nid(X509_NAME_ENTRY_get_object(entry)), NID_commonName);
      EXPECT_EQ(ASN1_STRING_type(X509_NAME_ENTRY_get_data(entry)), V_ASN1_PRINTABLESTRING);
    }
  }
  for (X509* each : {anchor.get(), ca.get()}) {
    EXPECT_TRUE(critical(each, NID_basic_constraints));
    EXPECT_EQ(X509_get_key_usage(each), static_cast<std::uint32_t>(KU_KEY_CERT_SIGN | KU_CRL_SIGN));
    EXPECT_FALSE(present(each, NID_ext_key_usage));
    EXPECT_EQ(X509_get_pathlen(each), -1);
  }
  EXPECT_FALSE(present(anchor.get(), NID_authority_key_identifier));
  EXPECT_TRUE(present(ca.get(), NID_authority_key_identifier));
  EXPECT_TRUE(present(router.get(), NID_authority_key_identifier));
  EXPECT_FALSE(present(router.get(), NID_basic_constraints));
  EXPECT_TRUE(present(router.get(), NID_ext_key_usage));
  EXPECT_FALSE(critical(router.get(), NID_ext_key_usage));
  EXPECT_EQ(X509_get_key_usage(router.get()), static_cast<std::uint32_t>(KU_DIGITAL_SIGNATURE));
  const auto info = inspect(issued.router);
  EXPECT_EQ(info->serial, "00ff010203");
  EXPECT_EQ(info->not_before, days(-1));
  EXPECT_EQ(info->not_after, days(30));
  EXPECT_TRUE(info->send_router);
}

TEST(Issue, SendRouterHasTheOidOfRfc6494) {
  COVERS("CRT-6494-12", "CRT-3779-1");
  const Issued issued;
  const auto holds = [](const Bytes& der, const Bytes& part) {
    return std::search(der.begin(), der.end(), part.begin(), part.end()) != der.end();
  };
  EXPECT_TRUE(holds(issued.router, {0x06, 8, 0x2b, 6, 1, 5, 5, 7, 3, 0x17}));
  EXPECT_TRUE(holds(issued.router, {0x06, 8, 0x2b, 6, 1, 5, 5, 7, 1, 7}));
  EXPECT_FALSE(holds(issued.ca, {0x06, 8, 0x2b, 6, 1, 5, 5, 7, 3, 0x17}));
}

TEST(Issue, TheNullPrefixIsForSendAlone) {
  COVERS("SND-6.1-2");
  const Bytes anchor =
      issue(request(Role::kAnchor, "a", {"::/0"}), spki("anchor-2048"), {{}, pem("anchor-2048")})
          .value();
  const Bytes der =
      issue(request(Role::kRouter, "r", {"::/0"}), spki("ar-2048"), {anchor, pem("anchor-2048")})
          .value();
  ASSERT_EQ(inspect(der)->blocks, std::vector{Prefix()});
  const X509Ptr router = x509(der);
  EXPECT_EQ(X509_get_key_usage(router.get()), static_cast<std::uint32_t>(KU_DIGITAL_SIGNATURE));
  const std::unique_ptr<EXTENDED_KEY_USAGE, decltype(&EXTENDED_KEY_USAGE_free)> purposes(
      static_cast<EXTENDED_KEY_USAGE*>(
          X509_get_ext_d2i(router.get(), NID_ext_key_usage, nullptr, nullptr)),
      EXTENDED_KEY_USAGE_free);
  ASSERT_TRUE(purposes);
  ASSERT_EQ(sk_ASN1_OBJECT_num(purposes.get()), 1);
  std::array<char, 64> oid{};
  OBJ_obj2txt(oid.data(), oid.size(), sk_ASN1_OBJECT_value(purposes.get(), 0), 1);
  EXPECT_STREQ(oid.data(), "1.3.6.1.5.5.7.3.23");
}

TEST(Issue, KeyIdentifiersAreSha1OfTheKeyAsInTheVectors) {
  COVERS("CRT-6487-9");
  for (const test::Vector& vector : test::load_vectors("ski-and-eku.txt")) {
    for (const std::string rfc : {"rfc6494-a", "rfc6487-a"}) {
      if (!vector.has(rfc + "-spki")) continue;
      const auto der = issue(request(Role::kRouter, "r", {"2001:db8:a::/48"}),
                             vector.hex(rfc + "-spki"), {Issued().ca, pem("ca-2048")});
      ASSERT_TRUE(der.has_value());
      EXPECT_EQ(inspect(*der)->key_identifier, vector.hex(rfc + "-ski"));
    }
  }
  EXPECT_EQ(to_hex(inspect(Issued().router)->key_identifier),
            test::load_vector("pki.txt", "good-router").text("router-ski"));
}

TEST(Issue, BlocksAreJoinedAndInheritanceIsWritten) {
  const Issued issued;
  const auto joined = issue(
      request(Role::kRouter, "r", {"2001:db8:a::/48", "2001:db8:b::/48", "2001:db8:a:1::/64"}),
      spki("ar-2048"), {issued.ca, pem("ca-2048")});
  ASSERT_TRUE(joined.has_value());
  EXPECT_EQ(inspect(*joined)->blocks, std::vector{Prefix::literal("2001:db8:a::/47")});
  Request inherit = request(Role::kRouter, "r", {});
  inherit.inherit_blocks = true;
  const auto inherits = issue(inherit, spki("ar-2048"), {issued.ca, pem("ca-2048")});
  ASSERT_TRUE(inherits.has_value());
  EXPECT_TRUE(inspect(*inherits)->inherits);
  EXPECT_EQ(
      validate_path({issued.ca, *inherits}, {*TrustAnchor::parse(issued.anchor)}, kNow)->blocks,
      std::vector{Prefix::literal("2001:db8:a::/47")});
}

TEST(Issue, EachErrorIsNamed) {
  const Issued issued;
  const auto error_of = [](const Request& asked, const Bytes& subject, const Issuer& issuer) {
    const auto made = issue(asked, subject, issuer);
    return made ? std::string("issued") : std::string(name(made.error()));
  };
  const Request good = request(Role::kRouter, "r", {"2001:db8:a::/48"});
  const Bytes key = spki("ar-2048");
  const auto issuer = [&issued] { return Issuer{issued.ca, pem("ca-2048")}; };
  EXPECT_EQ(error_of(good, key, issuer()), "issued");
  EXPECT_EQ(error_of(good, key, {issued.ca, Secret::copy_of(Bytes{1, 2})}), "key");
  EXPECT_EQ(error_of(good, Bytes{1, 2}, issuer()), "key");
  EXPECT_EQ(error_of(good, key, {issued.ca, pem("ca2-2048")}), "issuer");
  EXPECT_EQ(error_of(good, key, {issued.router, pem("ar-2048")}), "issuer");
  EXPECT_EQ(error_of(good, key, {{}, pem("ca-2048")}), "issuer");
  EXPECT_EQ(error_of(request(Role::kAnchor, "a", {"::/0"}), key, {{}, pem("ca-2048")}), "issuer");
  EXPECT_EQ(error_of(request(Role::kRouter, "r", {}), key, issuer()), "blocks");
  EXPECT_EQ(error_of(request(Role::kRouter, "r", {"2001:db8:c::/48"}), key, issuer()), "blocks");
  Request both = good;
  both.inherit_blocks = true;
  EXPECT_EQ(error_of(both, key, issuer()), "blocks");
  Request backwards = good;
  backwards.not_after = backwards.not_before;
  EXPECT_EQ(error_of(backwards, key, issuer()), "validity");
  Request late = good;
  late.not_after = days(31);
  EXPECT_EQ(error_of(late, key, issuer()), "validity");
  for (const Bytes& serial : {Bytes{}, Bytes{0, 0}, Bytes(21, 1)}) {
    Request numbered = good;
    numbered.serial = serial;
    EXPECT_EQ(error_of(numbered, key, issuer()), "openssl");
  }
  Request longest = good;
  longest.serial = Bytes(20, 0xff);
  const auto made = issue(longest, key, issuer());
  ASSERT_TRUE(made.has_value());
  EXPECT_EQ(
      test::verdict(validate_path({issued.ca, *made}, {*TrustAnchor::parse(issued.anchor)}, kNow)),
      "accepted");
  Request nameless = good;
  nameless.common_name = "";
  EXPECT_EQ(error_of(nameless, key, issuer()), "openssl");
}

TEST(IssueError, EachHasAWordAndASentence) {
  std::set<std::string_view> seen;
  for (IssueError error : {IssueError::kKey, IssueError::kIssuer, IssueError::kBlocks,
                           IssueError::kValidity, IssueError::kOpenSsl}) {
    seen.insert(name(error));
    seen.insert(explain(error));
  }
  EXPECT_EQ(seen.size(), 10U);
}

}  // namespace
}  // namespace sendoff::pki
