// The key store of one simulated node: records as their encoded octets, so that what comes back is
// what the codec makes of it. What was not answered yet is not there after a crash.
#pragma once

#include <map>
#include <optional>

#include "machine/record.h"
#include "store/record_codec.h"

namespace sendoff::sim {

class Store {
 public:
  struct Sealed {
    std::optional<UtcTime> expires;
    Bytes body;
  };
  using Entry = std::pair<store::EncodedName, Sealed>;

  [[nodiscard]] static Entry encode(const machine::Record& record);
  void put(Entry entry) {
    records_.insert_or_assign(std::move(entry.first), std::move(entry.second));
  }
  void erase(const machine::RecordName& name) { records_.erase(store::encode(name)); }
  void clear() { records_.clear(); }
  [[nodiscard]] machine::Snapshot snapshot(UtcTime utc);
  [[nodiscard]] std::vector<machine::Record> find(const machine::RecordName& name) const;
  [[nodiscard]] std::size_t size() const { return records_.size(); }

 private:
  std::map<store::EncodedName, Sealed> records_;
};

}  // namespace sendoff::sim
