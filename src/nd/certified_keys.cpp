#include "nd/certified_keys.h"

#include <algorithm>

namespace sendoff::nd {

const pki::CertifiedRouter* CertifiedKeys::find(ByteView spki, UtcTime now) const {
  const auto found = routers_.find(crypto::sha256(spki));
  if (found == routers_.end() || !equal(found->second.spki, spki)) return nullptr;
  return now <= found->second.not_after ? &found->second : nullptr;
}

ByteView CertifiedKeys::key_of(const crypto::KeyHash& hash, UtcTime utc) const {
  for (const auto& [digest, router] : routers_)
    if (utc <= router.not_after && crypto::key_hash(router.spki) == hash) return router.spki;
  return {};
}

void CertifiedKeys::store(pki::CertifiedRouter router) {
  if (max_entries_ == 0) return;
  const crypto::Sha256Digest digest = crypto::sha256(router.spki);
  if (!routers_.contains(digest) && routers_.size() >= max_entries_)
    routers_.erase(std::ranges::min_element(
        routers_, {}, [](const auto& entry) { return entry.second.not_after; }));
  routers_.insert_or_assign(digest, std::move(router));
}

}  // namespace sendoff::nd
