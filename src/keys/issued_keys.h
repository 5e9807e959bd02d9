// The access router's handover keys (RFC 5269 3.2, 3.5, 3.6): by CGA, at most two live ones a CGA
// (GF36), bounded, each with the algorithm that was negotiated and its expiry on the boot clock.
// Says what to persist and forget; writes nothing itself. The hash is keyed: addresses are chosen
// by attackers.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "base/counters.h"
#include "base/random.h"
#include "base/time.h"
#include "keys/authenticator.h"
#include "machine/record.h"

namespace sendoff::keys {

struct IssuedKeyConfig {
  std::uint32_t lifetime_s = 43200;    // HK-LIFETIME, 1..65535
  std::uint32_t renewal_percent = 10;  // W10: less than this left gives a new key
  std::size_t max_keys = 100'000;      // records in the table
  std::size_t max_per_link_address = 64;
  std::vector<crypto::Algorithm> algorithms{crypto::kAlgorithms.begin(), crypto::kAlgorithms.end()};
  // GF37: nothing means the strongest supported.
  std::optional<crypto::Algorithm> fallback = std::nullopt;
};

enum class IssueRefusal : std::uint8_t {
  kNoAlgorithm,  // nothing supported is as strong as what was asked for (GF3)
  kTableFull,
  kShareFull,  // of the link-layer address
  kRandom,     // the generator failed, or repeated itself
  kCount,
};
[[nodiscard]] std::string_view name(IssueRefusal refusal);

enum class FbuRefusal : std::uint8_t {
  kNoKey,
  kKeyExpired,
  kNoAuthorization,
  kSpi,
  kMacLength,
  kMac,
  kCount,
};
[[nodiscard]] std::string_view name(FbuRefusal refusal);

// One live key of a CGA. Sequence numbers are kept per key (HK-3.5-08).
struct IssuedKey {
  Ipv6Address cga;
  std::uint32_t generation = 0;
  crypto::Algorithm algorithm = crypto::Algorithm::kHmacSha1_96;
  Secret key;
  Instant created;
  Instant expires;
  LinkAddress link_address;
  bool persisted = false;
  std::optional<std::uint16_t> last_sequence;     // of the last accepted FBU
  std::optional<std::uint16_t> sequence_ceiling;  // what the stored record promises (GF42)

  // Whole seconds left, rounded down; 0 means expired (GF6).
  [[nodiscard]] std::uint32_t remaining_s(Instant now) const;
  [[nodiscard]] machine::IssuedKeyName name() const { return {cga, generation}; }
};

class IssuedKeys {
 public:
  IssuedKeys(const IssuedKeyConfig& config, Random& random);
  ~IssuedKeys();

  // Later changes of the configuration touch new keys only.
  void configure(const IssuedKeyConfig& config);

  // The algorithm for a requested AT code (W13, GF37): as asked, else the nearest supported one at
  // least as strong; the fallback for an unknown code; nothing when none is strong enough.
  [[nodiscard]] std::optional<crypto::Algorithm> negotiate(std::uint8_t code) const;

  struct Issued {
    IssuedKey* key;  // owned by the table; valid until the next non-const call
    bool fresh;      // made by this call, not yet persisted: persist record_of() first
    // A key of the CGA that made way: Forget it. The oldest of two, or, when the table or the share
    // is full, the only one.
    std::optional<machine::IssuedKeyName> dropped;
  };
  // The key for a validated request (HK-3.2-15 … 3.2-27): the live one, or a new one when there is
  // none, too little of its life is left, or its algorithm is too weak. Only for validated
  // requests: nothing else may call it.
  [[nodiscard]] Result<Issued, IssueRefusal> find_or_create(Instant now, const Ipv6Address& cga,
                                                            const LinkAddress& link_address,
                                                            std::uint8_t algorithm_code);

  // Live keys of a CGA, newest first; at most two.
  [[nodiscard]] std::vector<const IssuedKey*> find(Instant now, const Ipv6Address& cga) const;
  [[nodiscard]] IssuedKey* find(const machine::IssuedKeyName& name);

  // The key that authenticates an FBU for `pcoa`, newest tried first, at most two MACs
  // (HK-3.5-01 … -08). No effect on any record.
  [[nodiscard]] Result<IssuedKey*, FbuRefusal> authenticate(Instant now, const Ipv6Address& pcoa,
                                                            const Ipv6Address& care_of,
                                                            const Ipv6Address& par, ByteView header,
                                                            const wire::FastBindingUpdate& fbu);

  // Remembers an accepted sequence number. True when the stored ceiling must be moved first:
  // persist record_of() (the ceiling in it is already the new one).
  [[nodiscard]] bool accept_sequence(IssuedKey& key, std::uint16_t sequence);

  // RFC 5269 3.6, GF8: forwarding for the CGA timed out, or the operator wants it gone.
  // Returns the names to Forget.
  std::vector<machine::IssuedKeyName> discard(const Ipv6Address& cga);
  void discard(const machine::IssuedKeyName& name);

  [[nodiscard]] machine::IssuedKey record_of(const IssuedKey& key, Now now) const;
  // The CGA of the newest live key that a node with this link-layer address obtained.
  [[nodiscard]] std::optional<Ipv6Address> cga_of(Instant now,
                                                  const LinkAddress& link_address) const;

  // From a Snapshot or a LookUp. Expired, oversized or malformed records are left out; the last
  // sequence number becomes the stored ceiling (GF42). False when it was left out.
  bool restore(Now now, const machine::IssuedKey& record);

  // The earliest expiry; kNever for an empty table.
  [[nodiscard]] Instant next_expiry() const;
  // Wipes what expired; the names to Forget.
  std::vector<machine::IssuedKeyName> expire(Instant now);

  [[nodiscard]] std::size_t size() const;
  // For status: the keys of the lowest `limit` CGAs, in order of (CGA, generation).
  [[nodiscard]] std::vector<const IssuedKey*> list(std::size_t limit) const;

 private:
  struct Table;
  std::unique_ptr<Table> table_;
};

// True when `sequence` is newer than `last`, modulo 2^16 (RFC 6275 9.5.1).
[[nodiscard]] bool newer_sequence(std::uint16_t sequence, std::uint16_t last);

}  // namespace sendoff::keys
