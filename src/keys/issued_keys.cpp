#include "keys/issued_keys.h"

#include <absl/container/flat_hash_map.h>
#include <absl/container/flat_hash_set.h>

#include <algorithm>
#include <array>
#include <tuple>
#include <utility>

#include "crypto/digest.h"
#include "keys/expiry_queue.h"
#include "keys/keyed_hash.h"
#include "keys/recent_addresses.h"

namespace sendoff::keys {

namespace {

constexpr int kDraws = 4;  // one, and three more when the generator failed or repeated itself
constexpr std::size_t kRecentlyExpired = 1024;
// The wire's Key Lifetime has 16 bits: a stored record that claims more life is not ours, or the
// wall clock went back since it was written.
constexpr seconds kMaxLifetime{65535};
// A generation beyond this comes from a damaged store; taken over, it would soon wrap.
constexpr std::uint32_t kMaxRestoredGeneration = 0x7fff'ffff;

// The keys of one CGA, newest first. They stand on the heap one by one, so that pointers to them
// outlive growth of the table.
struct Slot {
  std::array<std::unique_ptr<IssuedKey>, 2> keys;

  [[nodiscard]] bool empty() const { return keys[0] == nullptr; }
  [[nodiscard]] bool full() const { return keys[1] != nullptr; }
  [[nodiscard]] IssuedKey* of_generation(std::uint32_t generation) const {
    for (const auto& key : keys)
      if (key && key->generation == generation) return key.get();
    return nullptr;
  }
  [[nodiscard]] IssuedKey* newest_live(Instant now) const {
    for (const auto& key : keys)
      if (key && key->remaining_s(now) > 0) return key.get();
    return nullptr;
  }
  void put(std::unique_ptr<IssuedKey> key) {
    invariant(!full());
    keys[1] = std::move(key);
    if (!keys[0] || keys[0]->generation < keys[1]->generation) std::swap(keys[0], keys[1]);
  }
  std::unique_ptr<IssuedKey> take(std::uint32_t generation) {
    invariant(of_generation(generation) != nullptr);
    if (keys[0]->generation == generation) std::swap(keys[0], keys[1]);
    std::unique_ptr<IssuedKey> taken = std::move(keys[1]);
    return taken;
  }
};

using KeyDigest = std::uint64_t;

FbuRefusal refusal_of(AuthenticationError error) {
  switch (error) {
    case AuthenticationError::kMissing:
      return FbuRefusal::kNoAuthorization;
    case AuthenticationError::kSpi:
      return FbuRefusal::kSpi;
    case AuthenticationError::kLength:
      return FbuRefusal::kMacLength;
    case AuthenticationError::kMac:
      return FbuRefusal::kMac;
  }
  std::unreachable();
}

}  // namespace

std::string_view name(IssueRefusal refusal) {
  constexpr std::array<std::string_view, static_cast<std::size_t>(IssueRefusal::kCount)> kNames = {
      "no-algorithm", "table-full", "share-full", "random"};
  return kNames[static_cast<std::size_t>(refusal)];
}

std::string_view name(FbuRefusal refusal) {
  constexpr std::array<std::string_view, static_cast<std::size_t>(FbuRefusal::kCount)> kNames = {
      "no-key", "key-expired", "no-authorization", "spi", "mac-length", "mac"};
  return kNames[static_cast<std::size_t>(refusal)];
}

std::uint32_t IssuedKey::remaining_s(Instant now) const {
  if (now >= expires) return 0;
  return static_cast<std::uint32_t>(
      std::min<std::int64_t>(whole_seconds(expires - now), UINT32_MAX));
}

struct IssuedKeys::Table {
  Table(const IssuedKeyConfig& with, Random& source) : config(with), random(source) { salt(); }

  using Name = machine::IssuedKeyName;
  using Slots = absl::flat_hash_map<Ipv6Address, Slot, KeyedHash>;
  using Shares = absl::flat_hash_map<LinkAddress, std::vector<Name>, KeyedHash>;

  // Keys the hashes. Done at the start; a source that failed then is asked again before the first
  // key enters, and until it answers none does.
  bool salt() {
    if (salted) return true;
    SipKey key;
    if (!key.draw(random)) return false;
    slots = Slots(0, KeyedHash(key));
    shares = Shares(0, KeyedHash(key));
    recent = RecentAddresses(kRecentlyExpired, KeyedHash(key));
    salted = true;
    return true;
  }

  [[nodiscard]] KeyDigest digest_of(const Secret& key) const {
    const crypto::Sha256Digest digest = crypto::sha256(key.expose());
    return Reader(digest).u64();
  }

  [[nodiscard]] std::optional<crypto::Algorithm> strongest() const {
    std::optional<crypto::Algorithm> best;
    for (crypto::Algorithm candidate : config.algorithms)
      if (!best || crypto::strength(candidate) > crypto::strength(*best)) best = candidate;
    return best;
  }
  [[nodiscard]] std::optional<crypto::Algorithm> fallback() const {
    return config.fallback ? config.fallback : strongest();
  }
  [[nodiscard]] bool supported(crypto::Algorithm algorithm) const {
    return std::ranges::find(config.algorithms, algorithm) != config.algorithms.end();
  }
  // The weakest supported one that is at least as strong.
  [[nodiscard]] std::optional<crypto::Algorithm> at_least(crypto::Algorithm wanted) const {
    std::optional<crypto::Algorithm> nearest;
    for (crypto::Algorithm candidate : config.algorithms) {
      if (crypto::strength(candidate) < crypto::strength(wanted)) continue;
      if (!nearest || crypto::strength(candidate) < crypto::strength(*nearest)) nearest = candidate;
    }
    return nearest;
  }

  // True while the key need not make way for a new one (W10).
  [[nodiscard]] bool lasts(const IssuedKey& key, Instant now) const {
    return (key.expires - now) * 100 >= (key.expires - key.created) * config.renewal_percent;
  }

  [[nodiscard]] std::size_t share_of(const LinkAddress& link_address) const {
    const auto found = shares.find(link_address);
    return found == shares.end() ? 0 : found->second.size();
  }

  // Room for one more key, were `leaving` (or nothing) to go first.
  [[nodiscard]] std::optional<IssueRefusal> no_room(const LinkAddress& link_address,
                                                    const IssuedKey* leaving) const {
    const std::size_t left = leaving != nullptr ? 1 : 0;
    if (count - left >= config.max_keys) return IssueRefusal::kTableFull;
    const bool same_share = leaving != nullptr && leaving->link_address == link_address;
    if (share_of(link_address) - (same_share ? 1 : 0) >= config.max_per_link_address)
      return IssueRefusal::kShareFull;
    return std::nullopt;
  }

  // A key that no live record has, nor the last one that was drawn: a generator that is stuck
  // would otherwise show only while its first key lives.
  [[nodiscard]] std::optional<Secret> draw(crypto::Algorithm algorithm) {
    for (int i = 0; i < kDraws; ++i) {
      Secret key(crypto::key_size(algorithm));
      if (!random.fill(key.expose_mutable())) continue;
      const KeyDigest digest = digest_of(key);
      if (digests.contains(digest) || last_drawn == digest) continue;
      last_drawn = digest;
      return key;
    }
    return std::nullopt;
  }

  IssuedKey* add(std::unique_ptr<IssuedKey> key) {
    IssuedKey* const added = key.get();
    digests.insert(digest_of(key->key));
    shares[key->link_address].push_back(key->name());
    expiries.push(key->expires, key->name());
    slots[key->cga].put(std::move(key));
    ++count;
    return added;
  }

  void remove(const Name& name) {
    const auto found = slots.find(name.cga);
    invariant(found != slots.end());
    const std::unique_ptr<IssuedKey> key = found->second.take(name.generation);
    if (found->second.empty()) slots.erase(found);
    digests.erase(digest_of(key->key));
    const auto share = shares.find(key->link_address);
    std::erase(share->second, name);
    if (share->second.empty()) shares.erase(share);
    --count;
    tidy();
  }

  [[nodiscard]] IssuedKey* find(const Name& name) const {
    const auto found = slots.find(name.cga);
    return found == slots.end() ? nullptr : found->second.of_generation(name.generation);
  }

  // Entries of removed keys leave the queue when they come to its top, or all at once when they
  // outnumber the others.
  void tidy() {
    while (!expiries.empty() && find(expiries.top().name) == nullptr) expiries.pop();
    if (expiries.size() <= 2 * count + 64) return;
    expiries.keep_if([this](const Name& name) { return find(name) != nullptr; });
  }

  // Higher than any of the CGA's, and used for no other key of this process: what a late outcome of
  // the store names is not a younger key.
  [[nodiscard]] std::uint32_t next_generation(const Slot* slot) {
    ++last_generation;
    if (slot == nullptr) return last_generation;
    return std::max(last_generation, slot->keys[0]->generation + 1);
  }

  IssuedKeyConfig config;
  Random& random;
  bool salted = false;
  Slots slots{0, KeyedHash(SipKey{})};
  Shares shares{0, KeyedHash(SipKey{})};
  RecentAddresses recent{kRecentlyExpired, KeyedHash(SipKey{})};
  // The first 64 bits of SHA-256 of every key in the table: enough to tell keys apart, no use to
  // find one. Attackers do not choose them, so their hash needs no key.
  absl::flat_hash_set<KeyDigest> digests;
  std::optional<KeyDigest> last_drawn;
  ExpiryQueue<Name> expiries;
  std::size_t count = 0;
  std::uint32_t last_generation = 0;
};

IssuedKeys::IssuedKeys(const IssuedKeyConfig& config, Random& random)
    : table_(std::make_unique<Table>(config, random)) {}

IssuedKeys::~IssuedKeys() = default;

void IssuedKeys::configure(const IssuedKeyConfig& config) { table_->config = config; }

std::size_t IssuedKeys::size() const { return table_->count; }

std::vector<const IssuedKey*> IssuedKeys::list(std::size_t limit) const {
  std::vector<const IssuedKey*> keys;
  keys.reserve(table_->count);
  for (const auto& [cga, slot] : table_->slots)
    for (const auto& key : slot.keys)
      if (key) keys.push_back(key.get());
  const std::size_t shown = std::min(limit, keys.size());
  std::ranges::partial_sort(keys, keys.begin() + static_cast<std::ptrdiff_t>(shown), {},
                            [](const IssuedKey* key) { return key->name(); });
  keys.resize(shown);
  return keys;
}

std::optional<crypto::Algorithm> IssuedKeys::negotiate(std::uint8_t code) const {
  const auto wanted = crypto::algorithm_of(code);
  return wanted ? table_->at_least(*wanted) : table_->fallback();
}

Result<IssuedKeys::Issued, IssueRefusal> IssuedKeys::find_or_create(Instant now,
                                                                    const Ipv6Address& cga,
                                                                    const LinkAddress& link_address,
                                                                    std::uint8_t algorithm_code) {
  const auto found = table_->slots.find(cga);
  Slot* const slot = found == table_->slots.end() ? nullptr : &found->second;
  const auto asked = crypto::algorithm_of(algorithm_code);
  const auto enough = asked ? asked : table_->fallback();
  IssuedKey* const existing = slot != nullptr ? slot->newest_live(now) : nullptr;
  if (existing != nullptr && enough && table_->lasts(*existing, now) &&
      crypto::strength(existing->algorithm) >= crypto::strength(*enough))
    return Issued{.key = existing, .fresh = false, .dropped = std::nullopt};

  const auto algorithm = negotiate(algorithm_code);
  if (!algorithm) return fail(IssueRefusal::kNoAlgorithm);
  // A third key takes the place of the oldest. So does a second one when the table or the share is
  // full: who has a key may renew it, and only new CGAs are turned away (HK-5-02).
  const IssuedKey* leaving = slot != nullptr && slot->full() ? slot->keys[1].get() : nullptr;
  auto refusal = table_->no_room(link_address, leaving);
  if (refusal && slot != nullptr && leaving == nullptr) {
    leaving = slot->keys[0].get();
    refusal = table_->no_room(link_address, leaving);
  }
  if (refusal) return fail(*refusal);
  if (!table_->salt()) return fail(IssueRefusal::kRandom);
  auto key = table_->draw(*algorithm);
  if (!key) return fail(IssueRefusal::kRandom);

  auto issued = std::make_unique<IssuedKey>();
  issued->cga = cga;
  issued->generation = table_->next_generation(slot);
  issued->algorithm = *algorithm;
  issued->key = std::move(*key);
  issued->created = now;
  issued->expires = now + seconds(table_->config.lifetime_s);
  issued->link_address = link_address;
  // The first block is reserved with the record, so that no FBU of a node that begins with small
  // numbers has to wait for the store.
  issued->sequence_ceiling = machine::kSequenceBlock;
  std::optional<machine::IssuedKeyName> dropped;
  if (leaving != nullptr) {
    dropped = leaving->name();
    table_->remove(*dropped);
  }
  return Issued{.key = table_->add(std::move(issued)), .fresh = true, .dropped = dropped};
}

std::vector<const IssuedKey*> IssuedKeys::find(Instant now, const Ipv6Address& cga) const {
  std::vector<const IssuedKey*> live;
  const auto found = table_->slots.find(cga);
  if (found == table_->slots.end()) return live;
  for (const auto& key : found->second.keys)
    if (key && key->remaining_s(now) > 0) live.push_back(key.get());
  return live;
}

IssuedKey* IssuedKeys::find(const machine::IssuedKeyName& name) { return table_->find(name); }

Result<IssuedKey*, FbuRefusal> IssuedKeys::authenticate(Instant now, const Ipv6Address& pcoa,
                                                        const Ipv6Address& care_of,
                                                        const Ipv6Address& par, ByteView header,
                                                        const wire::FastBindingUpdate& fbu) {
  const auto& authorization = fbu.options.authorization;
  if (!authorization) return fail(FbuRefusal::kNoAuthorization);
  if (authorization->spi != kHandoverKeySpi) return fail(FbuRefusal::kSpi);
  const auto found = table_->slots.find(pcoa);
  if (found == table_->slots.end())
    return fail(table_->recent.contains(pcoa) ? FbuRefusal::kKeyExpired : FbuRefusal::kNoKey);
  FbuRefusal refusal = FbuRefusal::kKeyExpired;
  for (const auto& key : found->second.keys) {
    if (!key || key->remaining_s(now) == 0) continue;
    const auto checked = check(header, authorization, key->algorithm, key->key, care_of, par);
    if (checked) return key.get();
    // A MAC of the right length that failed says more than that another key wants another length.
    if (refusal != FbuRefusal::kMac) refusal = refusal_of(checked.error());
  }
  return fail(refusal);
}

bool newer_sequence(std::uint16_t sequence, std::uint16_t last) {
  const auto ahead = static_cast<std::uint16_t>(sequence - last);
  return ahead != 0 && ahead < 0x8000;
}

bool IssuedKeys::accept_sequence(IssuedKey& key, std::uint16_t sequence) {
  key.last_sequence = sequence;
  if (key.sequence_ceiling && !newer_sequence(sequence, *key.sequence_ceiling)) return false;
  key.sequence_ceiling = static_cast<std::uint16_t>(sequence + machine::kSequenceBlock);
  return true;
}

std::vector<machine::IssuedKeyName> IssuedKeys::discard(const Ipv6Address& cga) {
  std::vector<machine::IssuedKeyName> names;
  const auto found = table_->slots.find(cga);
  if (found == table_->slots.end()) return names;
  for (const auto& key : found->second.keys)
    if (key) names.push_back(key->name());
  for (const machine::IssuedKeyName& name : names) table_->remove(name);
  return names;
}

void IssuedKeys::discard(const machine::IssuedKeyName& name) {
  if (table_->find(name) != nullptr) table_->remove(name);
}

machine::IssuedKey IssuedKeys::record_of(const IssuedKey& key, Now now) const {
  return {.cga = key.cga,
          .generation = key.generation,
          .algorithm = key.algorithm,
          .key = key.key.duplicate(),
          .expires = now.utc + (key.expires - now.boot),
          .sequence_ceiling = key.sequence_ceiling,
          .link_address = key.link_address};
}

std::optional<Ipv6Address> IssuedKeys::cga_of(Instant now, const LinkAddress& link_address) const {
  const auto share = table_->shares.find(link_address);
  if (share == table_->shares.end()) return std::nullopt;
  const IssuedKey* newest = nullptr;
  for (const machine::IssuedKeyName& name : share->second) {
    const IssuedKey* const key = table_->find(name);
    const bool newer = newest == nullptr || std::tie(key->created, key->generation) >
                                                std::tie(newest->created, newest->generation);
    if (key->remaining_s(now) > 0 && newer) newest = key;
  }
  if (newest == nullptr) return std::nullopt;
  return newest->cga;
}

bool IssuedKeys::restore(Now now, const machine::IssuedKey& record) {
  const auto algorithm = crypto::algorithm_of(std::to_underlying(record.algorithm));
  if (algorithm != record.algorithm || record.key.size() != crypto::key_size(*algorithm))
    return false;
  if (!record.cga.is_unicast_routable() || record.generation > kMaxRestoredGeneration) return false;
  if (record.expires < now.utc + seconds(1) || record.expires > now.utc + kMaxLifetime)
    return false;
  if (!table_->salt() || table_->digests.contains(table_->digest_of(record.key))) return false;
  const auto found = table_->slots.find(record.cga);
  Slot* const slot = found == table_->slots.end() ? nullptr : &found->second;
  const IssuedKey* leaving = nullptr;
  if (slot != nullptr) {
    if (slot->of_generation(record.generation) != nullptr) return false;
    if (slot->full()) leaving = slot->keys[1].get();
    if (leaving != nullptr && leaving->generation > record.generation) return false;
  }
  if (table_->no_room(record.link_address, leaving)) return false;
  if (leaving != nullptr) table_->remove(leaving->name());

  auto key = std::make_unique<IssuedKey>();
  key->cga = record.cga;
  key->generation = record.generation;
  key->algorithm = record.algorithm;
  key->key = record.key.duplicate();
  key->expires = now.boot + (record.expires - now.utc);
  key->created = std::min(now.boot, key->expires - seconds(table_->config.lifetime_s));
  key->link_address = record.link_address;
  key->persisted = true;
  key->last_sequence = record.sequence_ceiling;
  key->sequence_ceiling = record.sequence_ceiling;
  table_->add(std::move(key));
  // No key that this run makes has the name of one from before, whose expiry is still noted.
  table_->last_generation = std::max(table_->last_generation, record.generation);
  return true;
}

Instant IssuedKeys::next_expiry() const {
  return table_->expiries.empty() ? kNever : table_->expiries.top().expires;
}

std::vector<machine::IssuedKeyName> IssuedKeys::expire(Instant now) {
  std::vector<machine::IssuedKeyName> names;
  while (!table_->expiries.empty() && table_->expiries.top().expires <= now) {
    const machine::IssuedKeyName name = table_->expiries.top().name;
    table_->recent.add(name.cga);
    table_->remove(name);
    names.push_back(name);
  }
  return names;
}

}  // namespace sendoff::keys
