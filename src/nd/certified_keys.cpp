#include "nd/certified_keys.h"

#include <algorithm>
#include <utility>

namespace sendoff::nd {

namespace {

using pki::Standing;

constexpr std::string_view kRevoked = "revoked";
constexpr std::string_view kNoList = "no-revocation-list";

bool same_path(const pki::CertificateChain& a, const pki::CertificateChain& b) {
  return a == b || (a && b && *a == *b);
}

}  // namespace

const pki::CertifiedRouter* CertifiedKeys::find(ByteView spki, UtcTime now) const {
  const auto found = routers_.find(crypto::sha256(spki));
  if (found == routers_.end()) return nullptr;
  const Entry& entry = found->second;
  return equal(entry.router.spki, spki) && entry.counts(now) ? &entry.router : nullptr;
}

ByteView CertifiedKeys::key_of(const crypto::KeyHash& hash, UtcTime utc) const {
  for (const auto& [digest, entry] : routers_)
    if (entry.hash == hash && entry.counts(utc)) return entry.router.spki;
  return {};
}

std::optional<Standing> CertifiedKeys::standing(ByteView spki, UtcTime now) const {
  const auto found = routers_.find(crypto::sha256(spki));
  if (found == routers_.end() || find(spki, now) == nullptr) return std::nullopt;
  return found->second.standing;
}

void CertifiedKeys::store(pki::CertifiedRouter router, Standing standing, Instant deadline) {
  if (max_entries_ == 0) return;
  const crypto::Sha256Digest digest = crypto::sha256(router.spki);
  const auto known = routers_.find(digest);
  if (known != routers_.end() && same_path(known->second.router.chain, router.chain)) {
    stand(known->second, standing, deadline);
    return;
  }
  if (known == routers_.end() && routers_.size() >= max_entries_)
    routers_.erase(std::ranges::min_element(
        routers_, {}, [](const auto& entry) { return entry.second.router.not_after; }));
  const crypto::KeyHash hash = crypto::key_hash(router.spki);
  Entry entry{std::move(router), hash, standing, kNever};
  if (standing == Standing::kUndetermined) entry.deadline = deadline;
  routers_.insert_or_assign(digest, std::move(entry));
}

// One that was undetermined before keeps its deadline. What was revoked stays so until a current
// list says that it is good: that lists run out must not bring it back.
void CertifiedKeys::stand(Entry& entry, Standing standing, Instant deadline) {
  if (entry.standing == Standing::kRevoked && standing != Standing::kGood) return;
  const bool counted = !entry.over && entry.standing != Standing::kRevoked;
  const bool waits = standing == Standing::kUndetermined;
  if (!waits || entry.standing != Standing::kUndetermined) {
    entry.deadline = waits ? deadline : kNever;
    entry.over = false;
  }
  entry.standing = standing;
  if (counted && standing == Standing::kRevoked) withdraw(entry, kRevoked);
}

void CertifiedKeys::withdraw(const Entry& entry, std::string_view reason) {
  withdrawn_.push_back({entry.router.subject, entry.hash, reason});
}

std::string_view CertifiedKeys::objection(ByteView spki, UtcTime now) const {
  const auto found = routers_.find(crypto::sha256(spki));
  if (found == routers_.end()) return "unknown";
  if (find(spki, now) != nullptr) return {};
  if (found->second.standing == Standing::kRevoked) return kRevoked;
  return found->second.over ? kNoList : "expired";
}

void CertifiedKeys::withdraw_all(std::string_view reason) {
  for (const auto& [digest, entry] : routers_)
    if (!entry.over && entry.standing != Standing::kRevoked) withdraw(entry, reason);
  routers_.clear();
}

void CertifiedKeys::move_anchors(const std::vector<std::optional<std::size_t>>& places) {
  for (auto each = routers_.begin(); each != routers_.end();) {
    Entry& entry = each->second;
    if (const auto place = places.at(entry.router.anchor)) {
      entry.router.anchor = *place;
      ++each;
      continue;
    }
    if (!entry.over && entry.standing != Standing::kRevoked) withdraw(entry, "anchor-removed");
    each = routers_.erase(each);
  }
}

std::vector<pki::CertificateChain> CertifiedKeys::chains() const {
  std::vector<pki::CertificateChain> chains;
  for (const auto& [digest, entry] : routers_)
    if (entry.router.chain) chains.push_back(entry.router.chain);
  return chains;
}

void CertifiedKeys::judged(const pki::CertificateChain& chain, Standing standing,
                           Instant deadline) {
  for (auto& [digest, entry] : routers_)
    if (entry.router.chain == chain) stand(entry, standing, deadline);
}

bool CertifiedKeys::waits() const {
  return std::ranges::any_of(
      routers_, [](const auto& entry) { return entry.second.standing == Standing::kUndetermined; });
}

Instant CertifiedKeys::next_deadline() const {
  Instant earliest = kNever;
  for (const auto& [digest, entry] : routers_)
    if (!entry.over) earliest = std::min(earliest, entry.deadline);
  return earliest;
}

void CertifiedKeys::expire(Instant now) {
  for (auto& [digest, entry] : routers_) {
    if (entry.over || now < entry.deadline) continue;
    entry.over = true;
    withdraw(entry, kNoList);
  }
}

std::vector<CertifiedKeys::Withdrawn> CertifiedKeys::take_withdrawn() {
  return std::exchange(withdrawn_, {});
}

}  // namespace sendoff::nd
