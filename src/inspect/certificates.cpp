#include "inspect/certificates.h"

#include <algorithm>

#include "pki/names.h"

namespace sendoff::inspect {

namespace {

constexpr std::string_view kName = "certificate";
constexpr unsigned kMaxTries = 16;  // paths validated for one message: forged ones cost RSA

}  // namespace

void Certificates::add(ByteView der) {
  if (entries_.size() >= kMaxCertificates) return;
  auto info = pki::inspect(der);
  if (!info || !known_.insert(crypto::sha256(der)).second) return;
  entries_.push_back({to_bytes(der), std::move(*info)});
}

Certificates::Validated Certificates::validate(std::vector<Bytes>& below, const Bytes& issuer_name,
                                               UtcTime at, unsigned& tries) const {
  Validated result = fail(pki::PathError::kNoAnchor);
  const bool under_anchor = std::ranges::any_of(anchors_, [&](const pki::TrustAnchor& anchor) {
    return pki::names_match(anchor.subject_name, issuer_name);
  });
  if (under_anchor && tries > 0) {
    --tries;
    result = pki::validate_path({below.rbegin(), below.rend()}, anchors_, at, policy_);
    if (result) return result;
  }
  if (below.size() >= pki::kMaxPathLength) return result;
  for (const Entry& entry : entries_) {
    if (tries == 0) break;
    if (!entry.info.is_ca || !pki::names_match(entry.info.subject_name, issuer_name) ||
        std::ranges::find(below, entry.der) != below.end())
      continue;
    below.push_back(entry.der);
    auto longer = validate(below, entry.info.issuer_name, at, tries);
    below.pop_back();
    if (longer || longer.error() != pki::PathError::kNoAnchor) result = std::move(longer);
    if (result) break;
  }
  return result;
}

Check Certificates::check(ByteView spki, const std::vector<Prefix>& advertised, UtcTime at) const {
  if (anchors_.empty()) return {kName, Verdict::kNotMade, "no trust anchor given"};
  Validated result = fail(pki::PathError::kEmpty);
  unsigned tries = kMaxTries;
  for (const Entry& entry : entries_) {
    if (!equal(entry.info.spki, spki)) continue;
    std::vector<Bytes> below{entry.der};
    result = validate(below, entry.info.issuer_name, at, tries);
    if (result) break;
  }
  if (!result && result.error() == pki::PathError::kEmpty)
    return {kName, Verdict::kNotMade, "no certificate of this key is in the capture"};
  if (!result) return {kName, Verdict::kBad, std::string(explain(result.error()))};
  for (const Prefix& prefix : advertised)
    if (!result->may_advertise(prefix))
      return {kName, Verdict::kBad, result->path + " does not cover " + prefix.text()};
  return {kName, Verdict::kGood, result->path};
}

}  // namespace sendoff::inspect
