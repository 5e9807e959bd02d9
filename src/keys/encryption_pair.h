// The MN's handover-key-encryption (HKE) key pair and when it is replaced (RFC 5269 3.1, 3.7, GF9).
#pragma once

#include <memory>
#include <optional>

#include "base/time.h"
#include "crypto/rsa.h"
#include "machine/job.h"

namespace sendoff::keys {

struct EncryptionPairConfig {
  std::uint32_t lifetime_s = 43200;  // HKEPK-LIFETIME
  std::uint32_t handovers = 10;      // HKEPK-HANDOVERS
};

using DecryptionKey = std::shared_ptr<const crypto::HandoverDecryptionKey>;

// Whoever sent a request under a pair holds a DecryptionKey of his own until the attempt ends;
// the private key is wiped when the last holder lets go (HK-3.1-07).
class EncryptionPair {
 public:
  explicit EncryptionPair(const EncryptionPairConfig& config) : config_(config) {}
  void configure(const EncryptionPairConfig& config) { config_ = config; }

  // The pair to use at `now`; nothing while none fits `cga_key` or a limit was reached.
  [[nodiscard]] DecryptionKey current(Instant now, const crypto::RsaPublicKey& cga_key) const;

  // The job that makes the next pair, when one is wanted and none is under way: there is none, it
  // has other parameters than `cga_key`, or it reaches a limit within `ahead` or at the next
  // handover. At most one is made ahead.
  [[nodiscard]] std::optional<machine::GenerateDecryptionKey> wanted(
      Instant now, const crypto::RsaPublicKey& cga_key, Duration ahead);
  void generated(Instant now, DecryptionKey key);
  void generation_failed();

  // The MN began to use a new access router after an FBU or UNA (GF9).
  void count_handover() { ++handovers_; }
  [[nodiscard]] std::uint32_t handovers() const { return handovers_; }

  // When a limit of age comes up, or a time gone by once the limit of handovers was reached; kNever
  // without a pair.
  [[nodiscard]] Instant next_deadline() const;
  // Lets go of a pair that is due and puts the next one in its place.
  void tick(Instant now);

 private:
  [[nodiscard]] bool too_old(Instant generated_at, Instant now) const;
  [[nodiscard]] bool due(Instant now) const;

  EncryptionPairConfig config_;
  DecryptionKey current_;
  DecryptionKey next_;
  Instant generated_at_{};
  Instant next_generated_at_{};
  std::uint32_t handovers_ = 0;
  bool under_way_ = false;
};

}  // namespace sendoff::keys
