// The store that survives nothing: records in this process's memory, answered at once. A restarted
// daemon begins without keys.
#pragma once

#include <map>

#include "store/store.h"

namespace sendoff::store {

class MemoryStore final : public Store {
 public:
  explicit MemoryStore(std::size_t max_records = 1'000'000) : max_records_(max_records) {}

  void persist(machine::Record record, Stored stored) override;
  void forget(const machine::RecordName& name, Stored stored) override;
  void look_up(const machine::RecordName& name, Found found) override;
  [[nodiscard]] Result<machine::Snapshot, StoreError> snapshot(UtcTime utc) override;
  [[nodiscard]] std::string kind() const override { return "memory"; }
  [[nodiscard]] StoreCounters counters() const override;

  [[nodiscard]] std::size_t size() const { return records_.size(); }

 private:
  std::size_t max_records_;
  StoreCounters counters_;
  std::map<machine::RecordName, machine::Record> records_;
};

}  // namespace sendoff::store
