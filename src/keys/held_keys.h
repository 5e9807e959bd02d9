// The mobile node's handover keys (RFC 5269 3.3, 3.4, 3.6), by (AR's global address, own CGA).
#pragma once

#include <map>
#include <optional>
#include <vector>

#include "base/time.h"
#include "crypto/mac.h"
#include "crypto/rsa.h"
#include "machine/record.h"

namespace sendoff::keys {

struct HeldKey {
  Ipv6Address ar;             // global address: where FBUs go (W7)
  Ipv6Address ar_link_local;  // the CGA that signed the PrRtAdv
  Ipv6Address cga;
  crypto::KeyHash signer{};  // of the AR's public key; none: restored, and not delivered since
  crypto::Algorithm algorithm = crypto::Algorithm::kHmacSha1_96;
  Secret key;
  Instant received_for;  // when the matched RtSolPr was first sent: lifetimes count from there
  Instant expires;
  std::uint16_t last_sequence = 0;     // of the last FBU sent under this key
  std::uint16_t sequence_ceiling = 0;  // what the stored record promises
  bool delivered = true;  // false after the MN left: only the lifetime-0 FBU may use it (GF7)

  // When to ask for a new one: 5 % of the lifetime are left (GF6).
  [[nodiscard]] Instant renewal_due() const;
};

class HeldKeys {
 public:
  explicit HeldKeys(std::size_t max_keys = 64) : max_keys_(max_keys) {}

  enum class Stored : std::uint8_t { kNew, kReplaced, kSame };
  // Stores a delivered key. The same octets again keep their sequence counter (GF23); another key
  // replaces the old one, which stays as `previous` while an FBU under it is outstanding. A full
  // table drops the key that expires first: next_expiry() is then a time gone by and expire() tells
  // its name.
  Stored store(HeldKey key);

  // Whether it is the current key, delivered once more.
  [[nodiscard]] bool holds(const HeldKey& key) const;

  // The live key for FBUs to `ar` from `cga`; nothing when there is none or it expired.
  [[nodiscard]] HeldKey* find(Instant now, const Ipv6Address& ar, const Ipv6Address& cga);
  // The key that a replaced one gave way to, while retain_previous is on.
  [[nodiscard]] HeldKey* previous(const Ipv6Address& ar, const Ipv6Address& cga);

  // While an FBU under the current key is outstanding its key survives a replacement
  // (HK-3.3-14).
  void retain_previous(const Ipv6Address& ar, const Ipv6Address& cga, bool outstanding);

  // The next FBU's number. True in `persist` when the stored ceiling must be moved first.
  [[nodiscard]] std::uint16_t next_sequence(HeldKey& key, bool& persist);
  // After FBack 135 (GF23): the next number follows `last`. A `last` behind the key's own is an old
  // FBack sent again, and changes nothing.
  void resynchronise(HeldKey& key, std::uint16_t last);

  // The MN left the AR's link (HK-3.6-08) and came back or not: every key of that AR needs to be
  // delivered again before a new handover.
  void mark_left(const Ipv6Address& ar);

  // Wiped; true when there was one.
  bool discard(const Ipv6Address& ar, const Ipv6Address& cga);
  // RFC 5269 3.6: bindings are updated, so keys of all ARs but `current` go. The names to Forget.
  std::vector<machine::HeldKeyName> discard_all_but(const Ipv6Address& current);
  // The address is none of ours any more. The names to Forget.
  std::vector<machine::HeldKeyName> discard_of(const Ipv6Address& cga);

  // That AR's certificate counts no more. The names to Forget.
  std::vector<machine::HeldKeyName> discard_from(const crypto::KeyHash& signer);

  [[nodiscard]] machine::HeldKey record_of(const HeldKey& key, Now now) const;
  bool restore(Now now, const machine::HeldKey& record);  // as delivered = false

  [[nodiscard]] Instant next_expiry() const;
  std::vector<machine::HeldKeyName> expire(Instant now);

  [[nodiscard]] std::size_t size() const { return keys_.size(); }
  // For status and events, in order of (ar, cga).
  template <typename Visitor>
  void for_each(Visitor&& visit) const {
    for (const auto& [name, slot] : keys_) visit(slot.current);
  }

 private:
  struct Slot {
    HeldKey current;
    std::optional<HeldKey> previous;
    bool outstanding = false;  // an FBU under `current` is
  };
  using Name = std::pair<Ipv6Address, Ipv6Address>;
  void make_room();
  template <typename Condition>
  std::vector<machine::HeldKeyName> discard_where(const Condition& condition);

  std::map<Name, Slot> keys_;
  std::vector<machine::HeldKeyName> dropped_;  // to make room; expire() tells their names
  std::size_t max_keys_;
};

}  // namespace sendoff::keys
