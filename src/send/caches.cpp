#include "send/caches.h"

#include <absl/container/flat_hash_map.h>
#include <absl/container/flat_hash_set.h>

#include <array>
#include <utility>

namespace sendoff::send {

namespace {

constexpr Duration kSuspicion = seconds(60);

}  // namespace

struct Duplicates::Table {
  Duration window;
  std::size_t max_entries;
  absl::flat_hash_map<crypto::Sha256Digest, Instant> seen_at;
  std::deque<std::pair<Instant, crypto::Sha256Digest>> order;

  void drop_oldest() {
    seen_at.erase(order.front().second);
    order.pop_front();
  }
};

Duplicates::Duplicates(Duration window, std::size_t max_entries)
    : table_(std::make_unique<Table>(Table{window, max_entries, {}, {}})) {}
Duplicates::~Duplicates() = default;

void Duplicates::configure(Duration window, std::size_t max_entries) {
  table_->window = window;
  table_->max_entries = max_entries;
  while (table_->order.size() > max_entries) table_->drop_oldest();
}

bool Duplicates::seen(const crypto::Sha256Digest& digest, Instant now) const {
  const auto found = table_->seen_at.find(digest);
  return found != table_->seen_at.end() && now - found->second <= table_->window;
}

void Duplicates::remember(const crypto::Sha256Digest& digest, Instant now) {
  Table& table = *table_;
  while (!table.order.empty() && now - table.order.front().first > table.window)
    table.drop_oldest();
  if (table.max_entries == 0 || !table.seen_at.emplace(digest, now).second) return;
  table.order.emplace_back(now, digest);
  if (table.order.size() > table.max_entries) table.drop_oldest();
}

std::size_t Duplicates::size() const { return table_->order.size(); }

void Nonces::remember(const Question& question, Bytes nonce, Instant until) {
  if (entries_.size() >= max_entries_) entries_.pop_front();
  entries_.push_back({question, std::move(nonce), until});
}

void Nonces::forget(ByteView nonce) {
  std::erase_if(entries_, [&](const Entry& entry) { return equal(entry.nonce, nonce); });
}

bool Nonces::sent(const Question& question, ByteView nonce, Instant now) const {
  return std::ranges::any_of(entries_, [&](const Entry& entry) {
    return entry.question == question && entry.until > now && equal(entry.nonce, nonce);
  });
}

struct Budget::Table {
  using Source = std::pair<InterfaceId, LinkAddress>;
  struct Shared {
    using Buckets = std::array<machine::TokenBucket, 4>;
    static_assert(std::tuple_size_v<Buckets> == static_cast<std::size_t>(Share::kCount));
    Buckets buckets;

    machine::TokenBucket& of(Share share) { return buckets[static_cast<std::size_t>(share)]; }
  };
  struct Own {
    machine::TokenBucket bucket;
    Instant suspect_until{};

    [[nodiscard]] bool idle(Instant now) const { return suspect_until <= now && bucket.idle(now); }
  };
  BudgetConfig config;
  absl::flat_hash_map<Source, Own> sources;
  std::map<InterfaceId, Shared> interfaces;
  Instant last_sweep{};

  // What is kept of a source. When the table is full, sources of which nothing has to be kept are
  // forgotten, at most once a second; null where that does not help.
  Own* own(const Source& source, Instant now) {
    const auto found = sources.find(source);
    if (found != sources.end()) return &found->second;
    if (sources.size() >= config.max_sources) {
      if (now - last_sweep < seconds(1)) return nullptr;
      last_sweep = now;
      absl::erase_if(sources, [&](const auto& entry) { return entry.second.idle(now); });
      if (sources.size() >= config.max_sources) return nullptr;
    }
    const machine::TokenBucket full(config.per_source_s, config.per_source_s);
    return &sources.emplace(source, Own{full}).first->second;
  }
  // What a stranger leaves of the strangers' share.
  [[nodiscard]] std::uint32_t reserve(const Own* source, Instant now) const {
    const bool suspect = source == nullptr || source->suspect_until > now;
    return suspect ? config.per_interface_s / 2 : 0;
  }
};

Budget::Budget(const BudgetConfig& config) : table_(std::make_unique<Table>()) {
  table_->config = config;
}
Budget::~Budget() = default;

void Budget::configure(const BudgetConfig& config) {
  table_->config = config;
  table_->sources.clear();
  table_->interfaces.clear();
}

bool Budget::take(InterfaceId interface, const LinkAddress& source, Share share, Instant now) {
  Table& table = *table_;
  const std::uint32_t rate = table.config.per_interface_s;
  const machine::TokenBucket full(rate, rate);
  const auto [shared, added] =
      table.interfaces.try_emplace(interface, Table::Shared{{full, full, full, full}});
  machine::TokenBucket& common = shared->second.of(share);
  if (share == Share::kAsked || share == Share::kProven) return common.take(now);
  Table::Own* own = table.own({interface, source}, now);
  if (own != nullptr && !own->bucket.take(now)) return false;
  return common.take(now, share == Share::kStrangers ? table.reserve(own, now) : 0);
}

bool Budget::spent(InterfaceId interface, const LinkAddress& source, Share share,
                   Instant now) const {
  const auto shared = table_->interfaces.find(interface);
  if (shared == table_->interfaces.end()) return false;
  std::uint32_t reserve = 0;
  if (share == Share::kStrangers) {
    const auto own = table_->sources.find({interface, source});
    const bool listed = own != table_->sources.end();
    if (listed || table_->sources.size() >= table_->config.max_sources)
      reserve = table_->reserve(listed ? &own->second : nullptr, now);
  }
  return shared->second.of(share).spent(now, reserve);
}

void Budget::wasted(InterfaceId interface, const LinkAddress& source, Instant now) {
  const auto own = table_->sources.find({interface, source});
  if (own != table_->sources.end()) own->second.suspect_until = now + kSuspicion;
}

std::size_t Budget::sources() const { return table_->sources.size(); }

}  // namespace sendoff::send
