// Validation of a certification path (RFC 3971 6.3, RFC 5280 6.1, RFC 6487 7, RFC 3779 2.3). Cheap
// checks of our own come first, OpenSSL's path validation with its RSA operations last.
#include <openssl/err.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <optional>

#include "pki/blocks.h"
#include "pki/certificate.h"
#include "pki/decoded.h"
#include "pki/names.h"
#include "pki/profile.h"

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

Result<void, PathError> check_time(const Decoded& certificate, UtcTime at) {
  if (at < certificate.not_before) return fail(PathError::kNotYetValid);
  // The second that notAfter names still belongs to the period (RFC 5280 4.1.2.5).
  if (at > certificate.not_after && !at_last_second(at, certificate.not_after))
    return fail(PathError::kExpired);
  return {};
}

// The addresses that a certificate may speak for; nothing: any (RFC 3971 profile only).
using Authority = std::optional<AddressSet>;

Result<Authority, PathError> anchor_authority(const TrustAnchor& anchor, const Decoded& certificate,
                                              const Policy& policy) {
  if (!anchor.blocks.empty()) return AddressSet::of(anchor.blocks);
  // An extension that yields nothing (inherit, IPv4 only) is not the absence of one.
  if (!policy.accept_rfc3971_profile || certificate.find(oid::kAddressBlocks) != nullptr)
    return fail(PathError::kAddressBlocks);
  return Authority();
}

Result<Authority, PathError> narrowed(Authority issuer, const Decoded& certificate,
                                      const Policy& policy) {
  const Extension* extension = certificate.find(oid::kAddressBlocks);
  if (extension == nullptr) {
    if (!policy.accept_rfc3971_profile) return fail(PathError::kAddressBlocks);
    return issuer;
  }
  const auto blocks = parse_blocks(extension->value);
  if (!extension->critical || !blocks) return fail(PathError::kAddressBlocks);
  if (blocks->inherit || !issuer) return blocks->inherit ? issuer : Authority(blocks->set);
  if (issuer->encompasses(blocks->set)) return blocks->set;
  // GS19: the null prefix once meant "what the issuer has".
  if (policy.accept_rfc3971_profile && blocks->set.is_everything()) return issuer;
  return fail(PathError::kAddressBlocks);
}

// What OpenSSL's callbacks must know.
struct Verification {
  std::vector<Certificate> chain;  // the anchor first
  bool last_second = false;
  bool own_blocks = false;  // nesting of addresses is ours alone to judge
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
  return declared && X509_check_issued(issuer, subject) == X509_V_OK ? 1 : 0;
}

int judge(int ok, X509_STORE_CTX* context) {
  if (ok == 1) return 1;
  switch (X509_STORE_CTX_get_error(context)) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return of(context).last_second ? 1 : 0;  // OpenSSL excludes the last second
    case X509_V_ERR_UNNESTED_RESOURCE:
      return of(context).own_blocks ? 1 : 0;
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
  X509_VERIFY_PARAM_set_depth(parameters, static_cast<int>(kMaxPathLength));
  X509_VERIFY_PARAM_set_auth_level(parameters, 0);  // key sizes and hashes were judged before
  if (X509_verify_cert(context.get()) != 1)
    return fail(meaning(X509_STORE_CTX_get_error(context.get())));
  if (sk_X509_num(X509_STORE_CTX_get0_chain(context.get())) != static_cast<int>(chain.size()))
    return fail(PathError::kSignature);
  if (verification.own_blocks && !as_numbers_nest(context.get()))
    return fail(PathError::kAddressBlocks);
  return {};
}

using Path = std::vector<Decoded>;

Result<CertifiedRouter, PathError> validate_below(const Path& path, const TrustAnchor& anchor,
                                                  UtcTime at, const Policy& policy) {
  const auto top = decode(anchor.certificate);
  if (!top) return fail(top.error());
  if (auto ok = check_anchor(*top); !ok) return fail(ok.error());
  if (auto ok = check_key(top->spki, policy); !ok) return fail(ok.error());
  if (auto ok = check_time(*top, at); !ok) return fail(ok.error());
  auto authority = anchor_authority(anchor, *top, policy);
  if (!authority) return fail(authority.error());

  CertifiedRouter router;
  router.not_after = top->not_after;
  const Decoded* issuer = &*top;
  for (const Decoded& certificate : path) {
    const ByteView issuer_key = subject_key_identifier(*issuer);
    if ((!issuer_key.empty() &&
         !equal(authority_key_identifier(certificate.extensions), issuer_key)) ||
        !names_match(certificate.issuer, issuer->subject))
      return fail(PathError::kSignature);
    authority = narrowed(std::move(*authority), certificate, policy);
    if (!authority) return fail(authority.error());
    router.not_after = std::min(router.not_after, certificate.not_after);
    issuer = &certificate;
  }

  Verification verification;
  verification.chain.push_back(decode_x509(anchor.certificate));
  for (const Decoded& certificate : path)
    verification.chain.push_back(decode_x509(certificate.der));
  for (const Certificate& certificate : verification.chain)
    if (!certificate) return fail(PathError::kMalformed);
  verification.last_second = at_last_second(at, router.not_after);
  const Extension* blocks = top->find(oid::kAddressBlocks);
  const auto anchor_blocks = blocks != nullptr ? parse_blocks(blocks->value) : std::nullopt;
  // The RFC 3971 profile, and addresses configured for an anchor without any, are beyond OpenSSL.
  verification.own_blocks =
      policy.accept_rfc3971_profile || !anchor_blocks || anchor_blocks->inherit;
  if (auto ok = verify_chain(verification, at); !ok) return fail(ok.error());

  router.spki = to_bytes(path.back().spki);
  router.any_prefix = !authority->has_value();
  if (authority->has_value()) router.blocks = (*authority)->prefixes();
  router.subject = name_text(path.back().subject);
  std::vector<Bytes> chain{anchor.certificate};
  for (const Decoded& certificate : path) chain.push_back(to_bytes(certificate.der));
  router.chain = std::make_shared<const std::vector<Bytes>>(std::move(chain));
  router.path = name_text(anchor.subject_name);
  for (const Decoded& certificate : path) router.path += " > " + name_text(certificate.subject);
  return router;
}

// Decodes and checks each certificate by itself.
Result<Path, PathError> decode_path(std::span<const Bytes> path, UtcTime at, const Policy& policy) {
  Path decoded;
  decoded.reserve(path.size());
  for (const Bytes& der : path) {
    auto certificate = decode(der);
    if (!certificate) return fail(certificate.error());
    decoded.push_back(std::move(*certificate));
  }
  for (const Decoded& certificate : decoded) {
    const Place place = &certificate == &decoded.back() ? Place::kRouter : Place::kCa;
    if (auto ok = check_profile(certificate, place, policy); !ok) return fail(ok.error());
    if (auto ok = check_time(certificate, at); !ok) return fail(ok.error());
  }
  return decoded;
}

}  // namespace

Result<CertifiedRouter, PathError> validate_path(const std::vector<Bytes>& path,
                                                 const std::vector<TrustAnchor>& anchors,
                                                 UtcTime at, const Policy& policy) {
  if (path.empty()) return fail(PathError::kEmpty);
  if (path.size() > kMaxPathLength) return fail(PathError::kTooLong);
  for (const Bytes& der : path)
    if (der.size() > kMaxCertificateSize) return fail(PathError::kMalformed);

  std::optional<std::size_t> named;  // the anchor that came first in the path
  for (std::size_t i = 0; i < anchors.size() && !named; ++i)
    if (equal(path[0], anchors[i].certificate)) named = i;
  const auto below = std::span(path).subspan(named ? 1 : 0);
  if (below.empty()) return fail(PathError::kEmpty);

  std::vector<std::size_t> candidates;
  if (named) {
    candidates.push_back(*named);
  } else {
    const auto first = decode(below[0]);
    if (!first) return fail(first.error());
    for (std::size_t i = 0; i < anchors.size(); ++i)
      if (names_match(first->issuer, anchors[i].subject_name)) candidates.push_back(i);
  }
  if (candidates.empty()) return fail(PathError::kNoAnchor);

  const auto decoded = decode_path(below, at, policy);
  if (!decoded) return fail(decoded.error());
  Result<CertifiedRouter, PathError> result = fail(PathError::kNoAnchor);
  for (std::size_t candidate : candidates) {
    result = validate_below(*decoded, anchors[candidate], at, policy);
    ERR_clear_error();
    if (result) {
      result->anchor = candidate;
      break;
    }
  }
  return result;
}

}  // namespace sendoff::pki
