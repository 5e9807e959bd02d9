#include "pki/rfc5280.h"

#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "pki/names.h"

namespace sendoff::pki {

namespace {

using Certificate = std::unique_ptr<X509, decltype([](X509* x) { X509_free(x); })>;

Certificate decode_x509(ByteView der) {
  const unsigned char* at = der.data();
  Certificate certificate(d2i_X509(nullptr, &at, static_cast<long>(der.size())));
  if (at != der.data() + der.size()) return {};
  return certificate;
}

bool at_last_second(UtcTime at, UtcTime not_after) {
  return whole_seconds(at.time_since_epoch()) == whole_seconds(not_after.time_since_epoch());
}

// What OpenSSL's callbacks must know.
struct Verification {
  std::vector<Certificate> chain;  // the anchor first
  bool last_second = false;
  Addresses addresses = Addresses::kJudged;
};

Verification& of(X509_STORE_CTX* context) {
  return *static_cast<Verification*>(X509_STORE_CTX_get_app_data(context));
}

// Holds OpenSSL to the order in which the path was given: equal names or key identifiers elsewhere
// must not give it another one (RFC 6495 6).
int is_issuer(X509_STORE_CTX* context, X509* subject, X509* issuer) {
  const auto& chain = of(context).chain;
  const bool anchor_itself = subject == chain[0].get() && issuer == subject;
  bool declared = anchor_itself;
  for (std::size_t i = 1; i < chain.size(); ++i)
    declared = declared || (subject == chain[i].get() && issuer == chain[i - 1].get());
  const int issued = X509_check_issued(issuer, subject);
  // Whether it may issue certificates is asked again, and has an error of its own there.
  return declared && (issued == X509_V_OK || issued == X509_V_ERR_KEYUSAGE_NO_CERTSIGN) ? 1 : 0;
}

int judge(int ok, X509_STORE_CTX* context) {
  if (ok == 1) return 1;
  switch (X509_STORE_CTX_get_error(context)) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return of(context).last_second ? 1 : 0;  // OpenSSL excludes the last second
    case X509_V_ERR_UNNESTED_RESOURCE:
      return of(context).addresses == Addresses::kLeftToCaller ? 1 : 0;
    default:
      return 0;
  }
}

PathError meaning(int error) {
  switch (error) {
    case X509_V_ERR_CERT_SIGNATURE_FAILURE:
    case X509_V_ERR_UNABLE_TO_DECRYPT_CERT_SIGNATURE:
    case X509_V_ERR_UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_SUBJECT_ISSUER_MISMATCH:
    case X509_V_ERR_AKID_SKID_MISMATCH:
      return PathError::kSignature;
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return PathError::kNotYetValid;
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return PathError::kExpired;
    case X509_V_ERR_UNNESTED_RESOURCE:
      return PathError::kAddressBlocks;
    case X509_V_ERR_INVALID_CA:
    case X509_V_ERR_PATH_LENGTH_EXCEEDED:
    case X509_V_ERR_KEYUSAGE_NO_CERTSIGN:
      return PathError::kNotCa;
    default:
      return PathError::kProfile;
  }
}

// OpenSSL reports AS numbers and addresses outside the issuer's by one error; where that was
// overruled for the addresses, the AS numbers are asked for again.
bool as_numbers_nest(X509_STORE_CTX* context) {
  STACK_OF(X509)* chain = X509_STORE_CTX_get0_chain(context);
  const std::unique_ptr<ASIdentifiers, decltype([](ASIdentifiers* a) { ASIdentifiers_free(a); })>
      numbers(static_cast<ASIdentifiers*>(
          X509_get_ext_d2i(sk_X509_value(chain, 0), NID_sbgp_autonomousSysNum, nullptr, nullptr)));
  return !numbers || X509v3_asid_validate_resource_set(chain, numbers.get(), 1) == 1;
}

Result<void, PathError> verify_chain(Verification& verification, UtcTime at) {
  const std::unique_ptr<X509_STORE, decltype([](X509_STORE* s) { X509_STORE_free(s); })> store(
      X509_STORE_new());
  const std::unique_ptr<X509_STORE_CTX, decltype([](X509_STORE_CTX* c) { X509_STORE_CTX_free(c); })>
      context(X509_STORE_CTX_new());
  const std::unique_ptr<STACK_OF(X509), decltype([](STACK_OF(X509) * s) { sk_X509_free(s); })>
      untrusted(sk_X509_new_null());
  const auto& chain = verification.chain;
  if (!store || !context || !untrusted || X509_STORE_add_cert(store.get(), chain[0].get()) != 1)
    return fail(PathError::kProfile);
  for (std::size_t i = 1; i + 1 < chain.size(); ++i)
    if (sk_X509_push(untrusted.get(), chain[i].get()) <= 0) return fail(PathError::kProfile);
  X509_STORE_set_check_issued(store.get(), is_issuer);
  X509_STORE_set_verify_cb(store.get(), judge);
  if (X509_STORE_CTX_init(context.get(), store.get(), chain.back().get(), untrusted.get()) != 1 ||
      X509_STORE_CTX_set_app_data(context.get(), &verification) != 1)
    return fail(PathError::kProfile);
  X509_VERIFY_PARAM* parameters = X509_STORE_CTX_get0_param(context.get());
  X509_VERIFY_PARAM_set_time(parameters, whole_seconds(at.time_since_epoch()));
  X509_VERIFY_PARAM_set_flags(parameters, X509_V_FLAG_POLICY_CHECK);
  // Without a word OpenSSL takes no policy for acceptable, where one is required (6.1.1(c)).
  if (X509_VERIFY_PARAM_add0_policy(parameters, OBJ_nid2obj(NID_any_policy)) != 1)
    return fail(PathError::kProfile);
  X509_VERIFY_PARAM_set_depth(parameters, static_cast<int>(kMaxPathLength));
  X509_VERIFY_PARAM_set_auth_level(parameters, 0);  // key sizes and hashes were judged before
  if (X509_verify_cert(context.get()) != 1)
    return fail(meaning(X509_STORE_CTX_get_error(context.get())));
  if (sk_X509_num(X509_STORE_CTX_get0_chain(context.get())) != static_cast<int>(chain.size()))
    return fail(PathError::kSignature);
  if (verification.addresses == Addresses::kLeftToCaller && !as_numbers_nest(context.get()))
    return fail(PathError::kAddressBlocks);
  return {};
}

}  // namespace

Result<void, PathError> check_time(const Decoded& certificate, UtcTime at) {
  if (at < certificate.not_before) return fail(PathError::kNotYetValid);
  // The second that notAfter names still belongs to the period (RFC 5280 4.1.2.5).
  if (at > certificate.not_after && !at_last_second(at, certificate.not_after))
    return fail(PathError::kExpired);
  return {};
}

Result<void, PathError> check_chaining(const Decoded& issuer, const Decoded& certificate) {
  const ByteView key = subject_key_identifier(issuer);
  const ByteView named = authority_key_identifier(certificate.extensions);
  if (!names_match(certificate.issuer, issuer.subject) ||
      (!key.empty() && !named.empty() && !equal(named, key)))
    return fail(PathError::kSignature);
  return {};
}

Result<void, PathError> validate_rfc5280(const Decoded& anchor, std::span<const Decoded> path,
                                         UtcTime at, Addresses addresses) {
  Verification verification;
  verification.addresses = addresses;
  if (path.empty()) return fail(PathError::kEmpty);
  if (auto ok = check_time(anchor, at); !ok) return ok;
  verification.chain.push_back(decode_x509(anchor.der));
  UtcTime end = anchor.not_after;
  const Decoded* issuer = &anchor;
  for (const Decoded& certificate : path) {
    if (auto ok = check_time(certificate, at); !ok) return ok;
    if (auto ok = check_chaining(*issuer, certificate); !ok) return ok;
    verification.chain.push_back(decode_x509(certificate.der));
    end = std::min(end, certificate.not_after);
    issuer = &certificate;
  }
  for (const Certificate& certificate : verification.chain)
    if (!certificate) return fail(PathError::kMalformed);
  verification.last_second = at_last_second(at, end);
  const auto verified = verify_chain(verification, at);
  ERR_clear_error();
  return verified;
}

}  // namespace sendoff::pki
