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
  struct Dated {
    std::uint64_t timestamp;
    Instant received;
  };
  struct Record {
    Dated last;
    Dated furthest;  // the one by which the sender's clock is furthest, as accepted so far
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
    return {record.protected_until, record.sec, record.last.received, peer};
  }
  // How far the sender's clock went on since, at the least.
  [[nodiscard]] std::int64_t passed_since(const Dated& last, Instant received) const {
    const std::int64_t elapsed = units(received - last.received);
    return elapsed - elapsed / 100 * std::int64_t{config.drift_percent};
  }
  // TSnew + fuzz > TSlast + (RDnew - RDlast) * (1 - drift) - fuzz
  [[nodiscard]] bool follows(std::uint64_t timestamp, Instant received, const Dated& last) const {
    const std::int64_t fuzz = units(milliseconds(config.fuzz_ms));
    return difference(timestamp, last.timestamp) + fuzz > passed_since(last, received) - fuzz;
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
  const Table::Record& record = found->second;
  // Whatever is not newer may be a copy. What was late made the last timestamp an old one, and the
  // test against that takes copies which the duplicate cache has forgotten.
  const bool newer = timestamp > record.last.timestamp;
  return table_->follows(timestamp, arrived.boot, newer ? record.last : record.furthest);
}

bool Timestamps::known(const Peer& peer) const { return table_->records.contains(peer); }

bool Timestamps::accept(const Peer& peer, std::uint64_t timestamp, Now arrived, std::uint8_t sec) {
  Table& table = *table_;
  const auto found = table.records.find(peer);
  if (found != table.records.end()) {
    Table::Record& record = found->second;
    const Table::Dated accepted{timestamp, arrived.boot};
    if (difference(timestamp, record.furthest.timestamp) >=
        table.passed_since(record.furthest, arrived.boot))
      record.furthest = accepted;
    if (timestamp <= record.last.timestamp) return true;
    table.ranks.erase(Table::rank(peer, record));
    record.last = accepted;
    table.ranks.insert(Table::rank(peer, record));
    return true;
  }
  while (table.records.size() >= table.config.max_peers)
    if (!table.make_room(arrived.boot)) return false;
  const Table::Dated first{timestamp, arrived.boot};
  const Table::Record record{first, first, Instant::min(), sec};
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
