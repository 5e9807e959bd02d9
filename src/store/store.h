// Where records outlive the machine's table (machine/record.h): the interface of every key store.
// A store is driven on one thread; it answers each call exactly once, before the call returns or
// later on the same thread, so that the memory store answers at once and a remote one need not.
// What it drops it wipes: records are made of Secrets.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "machine/record.h"

namespace sendoff::store {

enum class StoreError : std::uint8_t {
  kFull,         // the bound on the number of records is reached
  kUnavailable,  // the file or the server did not answer
  kDamaged,      // what is stored is not what was stored
};
[[nodiscard]] std::string_view name(StoreError error);

struct StoreCounters {
  std::uint64_t records = 0;       // kept now
  std::uint64_t writes = 0;        // records written and forgotten
  std::uint64_t transactions = 0;  // that carried them
  std::uint64_t failures = 0;      // calls answered by an error
  std::uint64_t expired = 0;       // records removed because their time was over
  std::uint64_t pending = 0;       // calls that wait for an answer
};

class Store {
 public:
  using Stored = std::function<void(Result<void, StoreError>)>;
  using Found = std::function<void(Result<std::vector<machine::Record>, StoreError>)>;

  virtual ~Store() = default;

  // Keeps `record`, replacing one of the same name.
  virtual void persist(machine::Record record, Stored stored) = 0;
  // Wipes the record of this name; one that is not there is a success.
  virtual void forget(const machine::RecordName& name, Stored stored) = 0;
  // Copies of the records of this name: of an IssuedKeyName all generations of the CGA, oldest
  // first. None is a success.
  virtual void look_up(const machine::RecordName& name, Found found) = 0;
  // Everything that has not expired at `utc`, in the order of names: what a machine starts from.
  // What has expired is wiped. Blocks; called once, before the machine is made.
  [[nodiscard]] virtual Result<machine::Snapshot, StoreError> snapshot(UtcTime utc) = 0;

  // For `sendoff status`.
  [[nodiscard]] virtual std::string kind() const = 0;
  [[nodiscard]] virtual StoreCounters counters() const = 0;
};

}  // namespace sendoff::store
