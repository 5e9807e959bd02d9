#include "send/caches.h"

#include <absl/container/flat_hash_map.h>
#include <absl/container/flat_hash_set.h>

#include <utility>

namespace sendoff::send {

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
    machine::TokenBucket strangers;
    machine::TokenBucket known;
    machine::TokenBucket asked;
  };
  BudgetConfig config;
  absl::flat_hash_map<Source, machine::TokenBucket> sources;
  std::map<InterfaceId, Shared> interfaces;
  Instant last_sweep{};

  // The bucket of a source. When the table is full, buckets that are full again are forgotten, at
  // most once a second; a stranger beyond that gets none.
  machine::TokenBucket* bucket(const Source& source, Instant now) {
    const auto found = sources.find(source);
    if (found != sources.end()) return &found->second;
    if (sources.size() >= config.max_sources) {
      if (now - last_sweep < seconds(1)) return nullptr;
      last_sweep = now;
      absl::erase_if(sources, [&](const auto& entry) { return entry.second.idle(now); });
      if (sources.size() >= config.max_sources) return nullptr;
    }
    return &sources.emplace(source, machine::TokenBucket(config.per_source_s, config.per_source_s))
                .first->second;
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
      table.interfaces.try_emplace(interface, Table::Shared{full, full, full});
  if (share == Share::kAsked) return shared->second.asked.take(now);
  machine::TokenBucket* own = table.bucket({interface, source}, now);
  // Without a bucket of its own only a known peer draws: it cannot be told from a flood else.
  if (own == nullptr && share != Share::kKnown) return false;
  if (own != nullptr && !own->take(now)) return false;
  return share == Share::kKnown ? shared->second.known.take(now)
                                : shared->second.strangers.take(now);
}

std::size_t Budget::sources() const { return table_->sources.size(); }

}  // namespace sendoff::send
