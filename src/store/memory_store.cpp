#include "store/memory_store.h"

namespace sendoff::store {

using machine::Record;
using machine::RecordName;

std::string_view name(StoreError error) {
  switch (error) {
    case StoreError::kFull:
      return "full";
    case StoreError::kUnavailable:
      return "unavailable";
    case StoreError::kDamaged:
      return "damaged";
  }
  return "unknown";
}

void MemoryStore::persist(Record record, Stored stored) {
  const RecordName name = machine::name_of(record);
  const auto found = records_.find(name);
  if (found == records_.end() && records_.size() >= max_records_) {
    ++counters_.failures;
    return stored(fail(StoreError::kFull));
  }
  ++counters_.writes;
  records_.insert_or_assign(name, std::move(record));
  stored({});
}

void MemoryStore::forget(const RecordName& name, Stored stored) {
  records_.erase(name);
  ++counters_.writes;
  stored({});
}

void MemoryStore::look_up(const RecordName& name, Found found) {
  std::vector<Record> records;
  if (const auto* issued = std::get_if<machine::IssuedKeyName>(&name)) {
    for (auto each = records_.lower_bound(machine::IssuedKeyName{issued->cga, 0});
         each != records_.end(); ++each) {
      const auto* other = std::get_if<machine::IssuedKeyName>(&each->first);
      if (!other || other->cga != issued->cga) break;
      records.push_back(machine::duplicate(each->second));
    }
  } else if (const auto each = records_.find(name); each != records_.end()) {
    records.push_back(machine::duplicate(each->second));
  }
  found(std::move(records));
}

Result<machine::Snapshot, StoreError> MemoryStore::snapshot(UtcTime utc) {
  std::erase_if(records_, [utc](const auto& each) {
    const auto expiry = machine::expiry_of(each.second);
    return expiry && *expiry <= utc;
  });
  machine::Snapshot snapshot;
  for (const auto& [name, record] : records_) snapshot.push_back(machine::duplicate(record));
  return snapshot;
}

StoreCounters MemoryStore::counters() const {
  StoreCounters counters = counters_;
  counters.records = records_.size();
  return counters;
}

}  // namespace sendoff::store
