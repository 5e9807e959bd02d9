// Revocation lists with any defect, made with OpenSSL's own generator and the test keys.
#pragma once

#include "pki/forge.h"

namespace sendoff::test {

struct ListForgery {
  std::string issuer_name = "ca";
  std::shared_ptr<EVP_PKEY> issuer_key = test_key("ca-2048");
  std::shared_ptr<EVP_PKEY> signing_key = issuer_key;
  std::vector<Bytes> serials = {};  // big endian
  // Name to value in OpenSSL's configuration syntax; an empty value leaves one out.
  Extensions extensions = {{"authorityKeyIdentifier", "keyid:always"}};
  Bytes number = {1};  // big endian; empty: no CRL Number
  bool entry_extension = false;
  int version = 2;
  UtcTime this_update = days(-1);
  UtcTime next_update = days(30);
};

inline ASN1_INTEGER* integer(const Bytes& magnitude) {
  BIGNUM* number = BN_bin2bn(magnitude.data(), static_cast<int>(magnitude.size()), nullptr);
  ASN1_INTEGER* made = BN_to_ASN1_INTEGER(number, nullptr);
  BN_free(number);
  return made;
}

inline Bytes forge_list(const ListForgery& forgery) {
  std::unique_ptr<X509_CRL, decltype(&X509_CRL_free)> crl(X509_CRL_new(), X509_CRL_free);
  std::unique_ptr<X509, decltype(&X509_free)> above(X509_new(), X509_free);
  X509_NAME* name = X509_get_subject_name(above.get());
  invariant(
      X509_NAME_add_entry_by_txt(name, "CN", V_ASN1_PRINTABLESTRING,
                                 reinterpret_cast<const unsigned char*>(forgery.issuer_name.data()),
                                 static_cast<int>(forgery.issuer_name.size()), -1, 0) == 1);
  X509_set_pubkey(above.get(), forgery.issuer_key.get());
  X509V3_CTX context;
  X509V3_set_ctx(&context, above.get(), above.get(), nullptr, nullptr, 0);
  std::unique_ptr<X509_EXTENSION, decltype(&X509_EXTENSION_free)> key_identifier(
      X509V3_EXT_nconf(nullptr, &context, "subjectKeyIdentifier", "hash"), X509_EXTENSION_free);
  X509_add_ext(above.get(), key_identifier.get(), -1);

  X509_CRL_set_version(crl.get(), forgery.version - 1);
  X509_CRL_set_issuer_name(crl.get(), name);
  const auto time = [](UtcTime at) {
    return std::unique_ptr<ASN1_TIME, decltype(&ASN1_TIME_free)>(
        ASN1_TIME_set(nullptr, whole_seconds(at.time_since_epoch())), ASN1_TIME_free);
  };
  X509_CRL_set1_lastUpdate(crl.get(), time(forgery.this_update).get());
  X509_CRL_set1_nextUpdate(crl.get(), time(forgery.next_update).get());
  for (const Bytes& serial : forgery.serials) {
    X509_REVOKED* entry = X509_REVOKED_new();
    ASN1_INTEGER* number = integer(serial);
    X509_REVOKED_set_serialNumber(entry, number);
    ASN1_INTEGER_free(number);
    X509_REVOKED_set_revocationDate(entry, time(days(-2)).get());
    if (forgery.entry_extension) {
      ASN1_ENUMERATED* reason = ASN1_ENUMERATED_new();
      ASN1_ENUMERATED_set(reason, 1);
      X509_REVOKED_add1_ext_i2d(entry, NID_crl_reason, reason, 0, 0);
      ASN1_ENUMERATED_free(reason);
    }
    X509_CRL_add0_revoked(crl.get(), entry);
  }
  std::unique_ptr<CONF, decltype(&NCONF_free)> configuration(NCONF_new(nullptr), NCONF_free);
  X509V3_set_ctx(&context, above.get(), nullptr, nullptr, crl.get(), 0);
  X509V3_set_nconf(&context, configuration.get());
  for (const auto& [key, value] : forgery.extensions) {
    if (value.empty()) continue;
    std::unique_ptr<X509_EXTENSION, decltype(&X509_EXTENSION_free)> extension(
        X509V3_EXT_nconf(configuration.get(), &context, key.c_str(), value.c_str()),
        X509_EXTENSION_free);
    if (!extension) ADD_FAILURE() << "OpenSSL does not take " << key << " = " << value;
    invariant(extension != nullptr);
    X509_CRL_add_ext(crl.get(), extension.get(), -1);
  }
  if (!forgery.number.empty()) {
    ASN1_INTEGER* number = integer(forgery.number);
    X509_CRL_add1_ext_i2d(crl.get(), NID_crl_number, number, 0, 0);
    ASN1_INTEGER_free(number);
  }
  invariant(X509_CRL_sign(crl.get(), forgery.signing_key.get(), EVP_sha256()) > 0);
  unsigned char* data = nullptr;
  const int size = i2d_X509_CRL(crl.get(), &data);
  invariant(size > 0);
  Bytes der(data, data + size);
  OPENSSL_free(data);
  return der;
}

}  // namespace sendoff::test
