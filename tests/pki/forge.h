// Certificates with any defect, made with OpenSSL's own generator and the test keys: what
// pki/issue.h would never issue.
#pragma once

#include <gtest/gtest.h>
#include <openssl/bio.h>
#include <openssl/conf.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <map>
#include <memory>
#include <string>

#include "pki/certificate.h"
#include "support/vectors.h"

namespace sendoff::test {

// 2026-06-01T00:00:00Z, the "now" of the vectors.
inline constexpr UtcTime kNow{std::chrono::seconds(1780272000)};

inline constexpr pki::Policy kLegacy{.accept_rfc3971_profile = true};

inline UtcTime days(int count) { return kNow + std::chrono::hours(24 * count); }

inline std::shared_ptr<EVP_PKEY> test_key(const std::string& name) {
  const Bytes pem = load_file("keys/" + name + ".pem");
  BIO* in = BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()));
  std::shared_ptr<EVP_PKEY> key(PEM_read_bio_PrivateKey(in, nullptr, nullptr, nullptr),
                                EVP_PKEY_free);
  BIO_free(in);
  invariant(key != nullptr);
  return key;
}

inline Bytes spki_of(EVP_PKEY* key) {
  unsigned char* data = nullptr;
  const int size = i2d_PUBKEY(key, &data);
  invariant(size > 0);
  Bytes spki(data, data + size);
  OPENSSL_free(data);
  return spki;
}

// Extension name (or OID) to value in OpenSSL's configuration syntax.
using Extensions = std::map<std::string, std::string>;

struct Forgery {
  std::string name;
  std::string issuer_name;
  std::shared_ptr<EVP_PKEY> key;
  std::shared_ptr<EVP_PKEY> issuer_key;
  Extensions extensions = {};
  UtcTime not_before = days(-100);
  UtcTime not_after = days(100);
  long serial = 7;
  int version = 3;
  const EVP_MD* digest = EVP_sha256();
  std::string organization = {};  // of the subject, before its common name
  int name_type = V_ASN1_PRINTABLESTRING;
};

inline Bytes forge(const Forgery& forgery) {
  std::unique_ptr<X509, decltype(&X509_free)> certificate(X509_new(), X509_free);
  // Stands in for the issuer's certificate: extensions need its name and key only.
  std::unique_ptr<X509, decltype(&X509_free)> above(X509_new(), X509_free);
  const auto set_name = [&](X509_NAME* out, const std::string& text, int type) {
    invariant(X509_NAME_add_entry_by_txt(out, "CN", type,
                                         reinterpret_cast<const unsigned char*>(text.data()),
                                         static_cast<int>(text.size()), -1, 0) == 1);
  };
  X509* x = certificate.get();
  X509_set_version(x, forgery.version - 1);
  ASN1_INTEGER_set(X509_get_serialNumber(x), forgery.serial);
  if (!forgery.organization.empty())
    X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "O", V_ASN1_PRINTABLESTRING,
                               reinterpret_cast<const unsigned char*>(forgery.organization.data()),
                               static_cast<int>(forgery.organization.size()), -1, 0);
  set_name(X509_get_subject_name(x), forgery.name, V_ASN1_PRINTABLESTRING);
  set_name(X509_get_issuer_name(x), forgery.issuer_name, forgery.name_type);
  ASN1_TIME_set(X509_getm_notBefore(x), whole_seconds(forgery.not_before.time_since_epoch()));
  ASN1_TIME_set(X509_getm_notAfter(x), whole_seconds(forgery.not_after.time_since_epoch()));
  X509_set_pubkey(x, forgery.key.get());
  set_name(X509_get_subject_name(above.get()), forgery.issuer_name, V_ASN1_PRINTABLESTRING);
  X509_set_pubkey(above.get(), forgery.issuer_key.get());
  X509V3_CTX context;
  X509V3_set_ctx(&context, above.get(), above.get(), nullptr, nullptr, 0);
  std::unique_ptr<X509_EXTENSION, decltype(&X509_EXTENSION_free)> issuer_id(
      X509V3_EXT_nconf(nullptr, &context, "subjectKeyIdentifier", "hash"), X509_EXTENSION_free);
  X509_add_ext(above.get(), issuer_id.get(), -1);
  // Some extensions want a configuration file, if an empty one.
  std::unique_ptr<CONF, decltype(&NCONF_free)> configuration(NCONF_new(nullptr), NCONF_free);
  for (const auto& [key, value] : forgery.extensions) {
    if (value.empty()) continue;
    X509V3_set_ctx(&context, above.get(), x, nullptr, nullptr, 0);
    X509V3_set_nconf(&context, configuration.get());
    std::unique_ptr<X509_EXTENSION, decltype(&X509_EXTENSION_free)> extension(
        X509V3_EXT_nconf(configuration.get(), &context, key.c_str(), value.c_str()),
        X509_EXTENSION_free);
    if (!extension) ADD_FAILURE() << "OpenSSL does not take " << key << " = " << value;
    invariant(extension != nullptr);
    X509_add_ext(x, extension.get(), -1);
  }
  invariant(X509_sign(x, forgery.issuer_key.get(), forgery.digest) > 0);
  unsigned char* data = nullptr;
  const int size = i2d_X509(x, &data);
  invariant(size > 0);
  Bytes der(data, data + size);
  OPENSSL_free(data);
  return der;
}

inline Extensions ca_extensions(const std::string& blocks = "IPv6:2001:db8::/32") {
  return {{"basicConstraints", "critical,CA:TRUE"},
          {"subjectKeyIdentifier", "hash"},
          {"authorityKeyIdentifier", "keyid:always"},
          {"keyUsage", "critical,keyCertSign,cRLSign"},
          {"sbgp-ipAddrBlock", "critical," + blocks}};
}

inline Extensions router_extensions(const std::string& blocks = "IPv6:2001:db8:a:1::/64") {
  return {{"subjectKeyIdentifier", "hash"},
          {"authorityKeyIdentifier", "keyid:always"},
          {"keyUsage", "critical,digitalSignature"},
          {"extendedKeyUsage", "1.3.6.1.5.5.7.3.23"},
          {"sbgp-ipAddrBlock", "critical," + blocks}};
}

// anchor -> ca -> router, each part of which a test may spoil before it is made.
struct Chain {
  Forgery anchor{.name = "anchor",
                 .issuer_name = "anchor",
                 .key = test_key("anchor-2048"),
                 .issuer_key = test_key("anchor-2048"),
                 .extensions = ca_extensions()};
  Forgery ca{.name = "ca",
             .issuer_name = "anchor",
             .key = test_key("ca-2048"),
             .issuer_key = test_key("anchor-2048"),
             .extensions = ca_extensions()};
  Forgery router{.name = "router",
                 .issuer_name = "ca",
                 .key = test_key("ar-2048"),
                 .issuer_key = test_key("ca-2048"),
                 .extensions = router_extensions()};

  Chain() { anchor.extensions["authorityKeyIdentifier"] = ""; }

  [[nodiscard]] pki::TrustAnchor trust_anchor() const {
    auto parsed = pki::TrustAnchor::parse(forge(anchor));
    invariant(parsed.has_value());
    return std::move(*parsed);
  }
  [[nodiscard]] std::vector<Bytes> path() const { return {forge(ca), forge(router)}; }
  [[nodiscard]] Result<pki::CertifiedRouter, pki::PathError> validate(
      const pki::Policy& policy = {}, UtcTime at = kNow) const {
    return pki::validate_path(path(), {trust_anchor()}, at, policy);
  }
};

// The name of the error, or "accepted".
inline std::string verdict(const Result<pki::CertifiedRouter, pki::PathError>& result) {
  return result ? "accepted" : std::string(name(result.error()));
}

// anchor > ca > middle > router: a certificate at the beginning, in the middle and at the end.
struct LongChain {
  Chain chain;
  Forgery middle = chain.ca;

  LongChain() {
    middle.name = chain.router.issuer_name = "middle";
    middle.issuer_name = "ca";
    middle.key = chain.router.issuer_key = test_key("ca2-2048");
    middle.issuer_key = chain.ca.key;
  }
  [[nodiscard]] std::vector<Forgery*> places() { return {&chain.ca, &middle, &chain.router}; }
  [[nodiscard]] std::vector<Bytes> path() const {
    return {forge(chain.ca), forge(middle), forge(chain.router)};
  }
  [[nodiscard]] std::string judged(const pki::Policy& policy = {}) const {
    return verdict(pki::validate_path(path(), {chain.trust_anchor()}, kNow, policy));
  }
};

}  // namespace sendoff::test
