// Router keys with a validated certification path: what "trust anchor" authorisation asks
// (RFC 3971 5.2.3, 6). Bounded; entries end with the earliest certificate of their path.
#pragma once

#include <map>
#include <optional>

#include "base/time.h"
#include "crypto/digest.h"
#include "pki/certificate.h"
#include "send/receiver.h"

namespace sendoff::nd {

class CertifiedKeys final : public send::KnownKeys {
 public:
  explicit CertifiedKeys(std::size_t max_entries = 256) : max_entries_(max_entries) {}

  // The validated router whose certified key is byte-identical to `spki` (W25).
  [[nodiscard]] const pki::CertifiedRouter* find(ByteView spki, UtcTime now) const;
  [[nodiscard]] ByteView key_of(const crypto::KeyHash& hash, UtcTime utc) const override;
  // The entry that ends first gives way when the table is full.
  void store(pki::CertifiedRouter router);
  void clear() { routers_.clear(); }
  [[nodiscard]] std::size_t size() const { return routers_.size(); }

 private:
  std::size_t max_entries_;
  struct Entry {
    pki::CertifiedRouter router;
    crypto::KeyHash hash{};
  };
  std::map<crypto::Sha256Digest, Entry> routers_;
};

}  // namespace sendoff::nd
