#include "nd/certified_keys.h"

#include <algorithm>

namespace sendoff::nd {

const pki::CertifiedRouter* CertifiedKeys::find(ByteView spki, UtcTime now) const {
  const auto found = routers_.find(crypto::sha256(spki));
  if (found == routers_.end()) return nullptr;
  const pki::CertifiedRouter& router = found->second.router;
  return equal(router.spki, spki) && now <= router.not_after ? &router : nullptr;
}

ByteView CertifiedKeys::key_of(const crypto::KeyHash& hash, UtcTime utc) const {
  for (const auto& [digest, entry] : routers_)
    if (entry.hash == hash && utc <= entry.router.not_after) return entry.router.spki;
  return {};
}

void CertifiedKeys::store(pki::CertifiedRouter router) {
  if (max_entries_ == 0) return;
  const crypto::Sha256Digest digest = crypto::sha256(router.spki);
  if (!routers_.contains(digest) && routers_.size() >= max_entries_)
    routers_.erase(std::ranges::min_element(
        routers_, {}, [](const auto& entry) { return entry.second.router.not_after; }));
  const crypto::KeyHash hash = crypto::key_hash(router.spki);
  routers_.insert_or_assign(digest, Entry{std::move(router), hash});
}

}  // namespace sendoff::nd
