#include "keys/held_keys.h"

#include <algorithm>
#include <utility>

#include "keys/issued_keys.h"

namespace sendoff::keys {

namespace {

constexpr int kRenewalPercent = 5;      // GF6
constexpr seconds kMaxLifetime{65535};  // of the wire's Key Lifetime

machine::HeldKeyName name_of(const HeldKey& key) { return {key.ar, key.cga}; }

}  // namespace

Instant HeldKey::renewal_due() const {
  return expires - (expires - received_for) / 100 * kRenewalPercent;
}

HeldKeys::Stored HeldKeys::store(HeldKey key) {
  const Name name{key.ar, key.cga};
  const auto found = keys_.find(name);
  if (found == keys_.end()) {
    make_room();
    keys_.emplace(name, Slot{.current = std::move(key), .previous = std::nullopt});
    return Stored::kNew;
  }
  const bool same = holds(key);
  Slot& slot = found->second;
  if (same) {
    key.last_sequence = slot.current.last_sequence;
    key.sequence_ceiling = slot.current.sequence_ceiling;
    slot.current = std::move(key);
    return Stored::kSame;
  }
  // An FBU may be outstanding under an earlier key while none is under this one: that key stays.
  if (slot.outstanding) slot.previous = std::move(slot.current);
  slot.outstanding = false;
  slot.current = std::move(key);
  return Stored::kReplaced;
}

bool HeldKeys::holds(const HeldKey& key) const {
  const auto found = keys_.find({key.ar, key.cga});
  return found != keys_.end() && found->second.current.algorithm == key.algorithm &&
         found->second.current.key.equals(key.key);
}

void HeldKeys::make_room() {
  while (!keys_.empty() && keys_.size() >= max_keys_) {
    const auto first = std::ranges::min_element(
        keys_, {}, [](const auto& entry) { return entry.second.current.expires; });
    dropped_.push_back(name_of(first->second.current));
    keys_.erase(first);
  }
}

HeldKey* HeldKeys::find(Instant now, const Ipv6Address& ar, const Ipv6Address& cga) {
  const auto found = keys_.find({ar, cga});
  if (found == keys_.end() || now >= found->second.current.expires) return nullptr;
  return &found->second.current;
}

HeldKey* HeldKeys::previous(const Ipv6Address& ar, const Ipv6Address& cga) {
  const auto found = keys_.find({ar, cga});
  if (found == keys_.end() || !found->second.previous) return nullptr;
  return &*found->second.previous;
}

void HeldKeys::retain_previous(const Ipv6Address& ar, const Ipv6Address& cga, bool outstanding) {
  const auto found = keys_.find({ar, cga});
  if (found == keys_.end()) return;
  found->second.outstanding = outstanding;
  if (!outstanding) found->second.previous.reset();
}

std::uint16_t HeldKeys::next_sequence(HeldKey& key, bool& persist) {
  key.last_sequence = static_cast<std::uint16_t>(key.last_sequence + 1);
  persist = newer_sequence(key.last_sequence, key.sequence_ceiling);
  if (persist)
    key.sequence_ceiling = static_cast<std::uint16_t>(key.last_sequence + machine::kSequenceBlock);
  return key.last_sequence;
}

void HeldKeys::resynchronise(HeldKey& key, std::uint16_t last) {
  // An AR calls a number stale only when its own last one is at or ahead of it, so a last one
  // behind ours is an old FBack that somebody sent again.
  if (newer_sequence(key.last_sequence, last)) return;
  key.last_sequence = last;
  // What the record promised may now lie anywhere: the next number reserves a new block.
  key.sequence_ceiling = last;
}

void HeldKeys::mark_left(const Ipv6Address& ar) {
  for (auto& [name, slot] : keys_)
    if (name.first == ar) slot.current.delivered = false;
}

bool HeldKeys::discard(const Ipv6Address& ar, const Ipv6Address& cga) {
  return keys_.erase({ar, cga}) > 0;
}

template <typename Condition>
std::vector<machine::HeldKeyName> HeldKeys::discard_where(const Condition& condition) {
  std::vector<machine::HeldKeyName> names;
  for (const auto& [name, slot] : keys_)
    if (condition(slot.current)) names.push_back(name_of(slot.current));
  for (const machine::HeldKeyName& name : names) discard(name.ar, name.cga);
  return names;
}

std::vector<machine::HeldKeyName> HeldKeys::discard_all_but(const Ipv6Address& current) {
  return discard_where([&](const HeldKey& key) { return key.ar != current; });
}

std::vector<machine::HeldKeyName> HeldKeys::discard_of(const Ipv6Address& cga) {
  return discard_where([&](const HeldKey& key) { return key.cga == cga; });
}

std::vector<machine::HeldKeyName> HeldKeys::discard_from(const crypto::KeyHash& signer) {
  return discard_where([&](const HeldKey& key) { return key.signer == signer; });
}

machine::HeldKey HeldKeys::record_of(const HeldKey& key, Now now) const {
  return {.ar = key.ar,
          .cga = key.cga,
          .ar_link_local = key.ar_link_local,
          .algorithm = key.algorithm,
          .key = key.key.duplicate(),
          .expires = now.utc + (key.expires - now.boot),
          .sequence_ceiling = key.sequence_ceiling};
}

bool HeldKeys::restore(Now now, const machine::HeldKey& record) {
  const auto algorithm = crypto::algorithm_of(std::to_underlying(record.algorithm));
  if (algorithm != record.algorithm || record.key.size() != crypto::key_size(*algorithm))
    return false;
  if (!record.ar.is_unicast_routable() || !record.cga.is_unicast_routable()) return false;
  if (record.expires <= now.utc || record.expires > now.utc + kMaxLifetime) return false;
  if (keys_.size() >= max_keys_ || keys_.contains({record.ar, record.cga})) return false;
  HeldKey key;
  key.ar = record.ar;
  key.ar_link_local = record.ar_link_local;
  key.cga = record.cga;
  key.algorithm = record.algorithm;
  key.key = record.key.duplicate();
  key.received_for = now.boot;
  key.expires = now.boot + (record.expires - now.utc);
  key.last_sequence = record.sequence_ceiling;
  key.sequence_ceiling = record.sequence_ceiling;
  key.delivered = false;
  (void)store(std::move(key));
  return true;
}

Instant HeldKeys::next_expiry() const {
  if (!dropped_.empty()) return Instant::min();
  Instant earliest = kNever;
  for (const auto& [name, slot] : keys_) {
    earliest = std::min(earliest, slot.current.expires);
    if (slot.previous) earliest = std::min(earliest, slot.previous->expires);
  }
  return earliest;
}

std::vector<machine::HeldKeyName> HeldKeys::expire(Instant now) {
  std::vector<machine::HeldKeyName> names = std::exchange(dropped_, {});
  // A dropped name that came back meanwhile has a record that must stay.
  std::erase_if(names, [this](const auto& name) { return keys_.contains({name.ar, name.cga}); });
  for (auto entry = keys_.begin(); entry != keys_.end();) {
    Slot& slot = entry->second;
    if (slot.previous && now >= slot.previous->expires) slot.previous.reset();
    if (now < slot.current.expires) {
      ++entry;
      continue;
    }
    names.push_back(name_of(slot.current));
    entry = keys_.erase(entry);
  }
  return names;
}

}  // namespace sendoff::keys
