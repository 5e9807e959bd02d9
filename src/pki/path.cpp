// Validation of a certification path (RFC 3971 6.3, RFC 6487 7, RFC 3779 2.3). Cheap checks come
// first, what costs RSA operations last.
#include <openssl/err.h>

#include <optional>

#include "pki/blocks.h"
#include "pki/certificate.h"
#include "pki/decoded.h"
#include "pki/names.h"
#include "pki/profile.h"
#include "pki/rfc5280.h"

namespace sendoff::pki {

namespace {

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
    if (auto ok = check_chaining(*issuer, certificate); !ok) return fail(ok.error());
    authority = narrowed(std::move(*authority), certificate, policy);
    if (!authority) return fail(authority.error());
    router.not_after = std::min(router.not_after, certificate.not_after);
    issuer = &certificate;
  }

  const Extension* blocks = top->find(oid::kAddressBlocks);
  const auto anchor_blocks = blocks != nullptr ? parse_blocks(blocks->value) : std::nullopt;
  // The RFC 3971 profile, and addresses configured for an anchor without any, are beyond OpenSSL.
  const bool own_blocks = policy.accept_rfc3971_profile || !anchor_blocks || anchor_blocks->inherit;
  if (auto ok = validate_rfc5280(*top, path, at,
                                 own_blocks ? Addresses::kLeftToCaller : Addresses::kJudged);
      !ok)
    return fail(ok.error());

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
