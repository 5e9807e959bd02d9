// Router keys with a validated certification path: what "trust anchor" authorisation asks
// (RFC 3971 5.2.3, 6), and how those paths stand with revocation lists (GS24). Bounded; entries end
// with the earliest certificate of their path.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "crypto/digest.h"
#include "pki/revocation.h"
#include "send/receiver.h"

namespace sendoff::nd {

class CertifiedKeys final : public send::KnownKeys {
 public:
  explicit CertifiedKeys(std::size_t max_entries = 256) : max_entries_(max_entries) {}

  // The validated router whose certified key is byte-identical to `spki` (W25). None whose path is
  // revoked, or has waited too long for a list.
  [[nodiscard]] const pki::CertifiedRouter* find(ByteView spki, UtcTime now) const;
  [[nodiscard]] ByteView key_of(const crypto::KeyHash& hash, UtcTime utc) const override;

  // What lists say of its path. While they do not tell (kUndetermined) the router counts until
  // `deadline`, provisionally (RFC 3971 6.3.1); another retrieval of the same path gives no other
  // one. The entry that ends first gives way when the table is full.
  void store(pki::CertifiedRouter router, pki::Standing standing = pki::Standing::kNoSource,
             Instant deadline = kNever);

  // The paths of all entries; and what lists say of one of them now.
  [[nodiscard]] std::vector<pki::CertificateChain> chains() const;
  void judged(const pki::CertificateChain& chain, pki::Standing standing, Instant deadline);
  // Whether one of them waits for a list, in time or not.
  [[nodiscard]] bool waits() const;
  // When the next provisional entry ends, and ends those whose time is over.
  [[nodiscard]] Instant next_deadline() const;
  void expire(Instant now);
  // Routers that count no more since the last call.
  struct Withdrawn {
    std::string subject;
    crypto::KeyHash key{};
    std::string_view reason;  // a literal
  };
  [[nodiscard]] std::vector<Withdrawn> take_withdrawn();
  // Of the key's path; nothing: it has none that is valid.
  [[nodiscard]] std::optional<pki::Standing> standing(ByteView spki, UtcTime now) const;

  // Why the router of this key does not count: a literal; empty: it does.
  [[nodiscard]] std::string_view objection(ByteView spki, UtcTime now) const;

  // Paths are judged by other rules now: no router counts until its path is judged again.
  void withdraw_all(std::string_view reason);
  // The list of anchors is another one: where those of the one before are in it (nothing: gone). A
  // router below one that is gone counts no more.
  void move_anchors(const std::vector<std::optional<std::size_t>>& places);

  [[nodiscard]] std::size_t size() const { return routers_.size(); }

 private:
  struct Entry {
    pki::CertifiedRouter router;
    crypto::KeyHash hash{};
    pki::Standing standing = pki::Standing::kNoSource;
    Instant deadline = kNever;  // kUndetermined: until when it counts; over once it is past
    bool over = false;

    [[nodiscard]] bool counts(UtcTime now) const {
      return !over && standing != pki::Standing::kRevoked && now <= router.not_after;
    }
  };
  void stand(Entry& entry, pki::Standing standing, Instant deadline);
  void withdraw(const Entry& entry, std::string_view reason);

  std::size_t max_entries_;
  std::map<crypto::Sha256Digest, Entry> routers_;
  std::vector<Withdrawn> withdrawn_;
};

}  // namespace sendoff::nd
