#include "send/timestamps.h"

#include <absl/container/flat_hash_map.h>

#include <set>
#include <tuple>

namespace sendoff::send {

namespace {

constexpr std::int64_t kUnitsPerSecond = 65'536;
constexpr std::int64_t kSlowestPercent = 1;    // TIMESTAMP_DRIFT
constexpr Duration kMostAhead = seconds(150);  // TIMESTAMP_DELTA / 2

std::int64_t units(Duration duration) {
  const std::int64_t whole = whole_seconds(duration);
  const std::int64_t rest = (duration - seconds(whole)).count();
  return whole * kUnitsPerSecond + rest * kUnitsPerSecond / Duration(seconds(1)).count();
}

// a - b for values of which one was chosen by a stranger: clamped instead of wrapped.
std::int64_t difference(std::uint64_t a, std::uint64_t b) {
  constexpr std::uint64_t kLimit = std::uint64_t{1} << 62;
  if (a >= b) return static_cast<std::int64_t>(std::min(a - b, kLimit));
  return -static_cast<std::int64_t>(std::min(b - a, kLimit));
}

struct PeerHash {
  std::size_t operator()(const Peer& peer) const {
    return absl::HashOf(peer.interface, peer.address, peer.key_hash);
  }
};

}  // namespace

std::uint64_t timestamp_of(UtcTime utc) {
  const std::int64_t value = units(utc.time_since_epoch());
  return value < 0 ? 0 : static_cast<std::uint64_t>(value);
}

UtcTime Stamps::next(Now now) {
  UtcTime date = now.utc;
  if (last_) {
    const Duration elapsed = now.boot - last_->boot;
    const UtcTime steady = last_->utc + elapsed - elapsed / 100 * kSlowestPercent;
    if (steady > date && steady - date < kMostAhead) date = steady;
  }
  last_ = Now{now.boot, date};
  return date;
}

struct Timestamps::Table {
  struct Record {
    std::uint64_t last_timestamp;
    Instant last_received;
    Instant protected_until;
    std::uint8_t sec;
  };
  // In the order in which entries give way: those whose protection ends first (none: never had
  // any), of low Sec, longest silent.
  using Rank = std::tuple<Instant, std::uint8_t, Instant, Peer>;

  TimestampConfig config;
  absl::flat_hash_map<Peer, Record, PeerHash> records;
  std::set<Rank> ranks;

  static Rank rank(const Peer& peer, const Record& record) {
    return {record.protected_until, record.sec, record.last_received, peer};
  }
  bool make_room(Instant now) {
    if (ranks.empty()) return false;
    const Rank& first = *ranks.begin();
    if (std::get<0>(first) > now) return false;
    records.erase(std::get<Peer>(first));
    ranks.erase(ranks.begin());
    return true;
  }
};

Timestamps::Timestamps(const TimestampConfig& config) : table_(std::make_unique<Table>()) {
  table_->config = config;
}
Timestamps::~Timestamps() = default;
void Timestamps::configure(const TimestampConfig& config) { table_->config = config; }

bool Timestamps::fresh(const Peer& peer, std::uint64_t timestamp, Now arrived) const {
  const TimestampConfig& config = table_->config;
  const auto found = table_->records.find(peer);
  if (found == table_->records.end()) {
    const std::int64_t delta = std::int64_t{config.delta_s} * kUnitsPerSecond;
    const std::int64_t apart = difference(timestamp_of(arrived.utc), timestamp);
    return apart < delta && apart > -delta;
  }
  // TSnew + fuzz > TSlast + (RDnew - RDlast) * (1 - drift) - fuzz
  const std::int64_t fuzz = units(milliseconds(config.fuzz_ms));
  const std::int64_t elapsed = units(arrived.boot - found->second.last_received);
  const std::int64_t expected = elapsed - elapsed / 100 * std::int64_t{config.drift_percent};
  return difference(timestamp, found->second.last_timestamp) + fuzz > expected - fuzz;
}

bool Timestamps::known(const Peer& peer) const { return table_->records.contains(peer); }

bool Timestamps::accept(const Peer& peer, std::uint64_t timestamp, Now arrived, std::uint8_t sec) {
  Table& table = *table_;
  const auto found = table.records.find(peer);
  if (found != table.records.end()) {
    if (timestamp <= found->second.last_timestamp) return true;
    table.ranks.erase(Table::rank(peer, found->second));
    found->second.last_timestamp = timestamp;
    found->second.last_received = arrived.boot;
    table.ranks.insert(Table::rank(peer, found->second));
    return true;
  }
  while (table.records.size() >= table.config.max_peers)
    if (!table.make_room(arrived.boot)) return false;
  const Table::Record record{timestamp, arrived.boot, Instant::min(), sec};
  table.records.emplace(peer, record);
  table.ranks.insert(Table::rank(peer, record));
  return true;
}

void Timestamps::protect(const Peer& peer, Instant until) {
  const auto found = table_->records.find(peer);
  if (found == table_->records.end() || found->second.protected_until >= until) return;
  table_->ranks.erase(Table::rank(peer, found->second));
  found->second.protected_until = until;
  table_->ranks.insert(Table::rank(peer, found->second));
}

std::size_t Timestamps::size() const { return table_->records.size(); }

}  // namespace sendoff::send
