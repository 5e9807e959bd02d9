// The embedded store: a SqliteFile behind a thread of its own, so that no machine waits for a disk.
// What waits is written in one transaction, in the order of the calls; an answer follows the
// transaction's fsync and comes on the caller's thread. A disk that refuses (full, broken) makes
// every answer of that transaction kUnavailable, and nothing of it is kept; the next one is tried
// again.
#pragma once

#include "base/random.h"
#include "store/sqlite_file.h"
#include "store/store.h"

namespace sendoff::store {

struct SqliteOptions {
  std::string path;
  Secret key;                      // crypto::Sealer::kKeySize octets
  std::unique_ptr<Random> random;  // for nonces, on the store's thread
  std::size_t max_records = 1'000'000;
  std::size_t max_pending = 65'536;  // calls that wait for the disk; more are refused at once
  // Runs a callable on the thread that calls the store; from any thread, also after the store.
  std::function<void(std::function<void()>)> post;
  std::function<UtcTime()> utc;  // from any thread: when to remove what expired
  // On the caller's thread: writing began to fail (why), or works again (empty). May be none.
  std::function<void(std::string)> trouble;
};

class SqliteStore final : public Store {
 public:
  // Blocks while the whole file is checked.
  [[nodiscard]] static Result<std::unique_ptr<SqliteStore>, OpenFailure> open(
      SqliteOptions options);
  // Writes what waits, then closes the file. Of these calls no answer comes any more.
  ~SqliteStore() override;

  void persist(machine::Record record, Stored stored) override;
  void forget(const machine::RecordName& name, Stored stored) override;
  void look_up(const machine::RecordName& name, Found found) override;
  // kDamaged: a record was changed, moved or sealed with another key; the file stays as it is.
  [[nodiscard]] Result<machine::Snapshot, StoreError> snapshot(UtcTime utc) override;

  [[nodiscard]] std::string kind() const override { return "sqlite"; }
  [[nodiscard]] StoreCounters counters() const override;

 private:
  struct State;
  explicit SqliteStore(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace sendoff::store
