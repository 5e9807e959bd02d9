// The file of an embedded store: SQLite with a write-ahead log, every record sealed. Synchronous
// and for one thread at a time; store/sqlite_store.h puts a thread before it. What it holds in
// clear: kinds, names (addresses, SPIs, fingerprints of ESP keys) and expiries. What it cannot
// tell: that somebody who may write to the directory put back an older copy of the whole file.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "crypto/sealer.h"
#include "store/record_codec.h"

namespace sendoff::store {

enum class OpenError : std::uint8_t {
  kDirectory,    // not there, no directory, or writable by everybody
  kPermissions,  // the file is somebody else's, or others may read it
  kForeign,      // not a store of ours
  kNewer,        // of a format that this version does not know
  kDamaged,
  kWrongKey,
  kLocked,    // by another process
  kUnusable,  // the system refuses: read-only, no space, no right
};
[[nodiscard]] std::string_view name(OpenError error);

struct OpenFailure {
  OpenError error = OpenError::kUnusable;
  std::string text;  // what it is, and what to do about it
};

class SqliteFile {
 public:
  // Opens the store at `path`, or makes it (mode 0600, whole or not at all) where nothing is.
  // Locks it for this process until it is closed. A file that is refused stays as it is, octet by
  // octet. `random` is for nonces and outlives the file.
  [[nodiscard]] static Result<std::unique_ptr<SqliteFile>, OpenFailure> open(
      const std::string& path, crypto::Sealer sealer, Random& random);
  // What is committed moves from the log into the file.
  ~SqliteFile();
  SqliteFile(const SqliteFile&) = delete;
  SqliteFile& operator=(const SqliteFile&) = delete;

  // Between begin() and commit() nothing is on disk; after a commit() that is true, everything is,
  // whatever happens to power. After any false the caller rolls back.
  [[nodiscard]] bool begin();
  [[nodiscard]] bool commit();
  void roll_back();
  // Whether the last transaction that was committed changed anything: others prove nothing about
  // the disk.
  [[nodiscard]] bool changed() const;

  // Inside a transaction. Writes a record over one of its name.
  [[nodiscard]] bool put(const machine::Record& record);
  // One that is not there is a success.
  [[nodiscard]] bool erase(const EncodedName& name);
  // At most `limit` of those that expired at `utc`; how many there were, nothing on failure.
  [[nodiscard]] std::optional<std::size_t> erase_expired(UtcTime utc, std::size_t limit);

  // Inside a transaction or not.
  [[nodiscard]] bool contains(const EncodedName& name);
  struct Read {
    bool damaged = false;  // a record did not open: nothing is returned
    bool failed = false;
    std::vector<machine::Record> records;  // in the order of names
  };
  // Of an IssuedKeyName all generations.
  [[nodiscard]] Read find(const machine::RecordName& name);
  // Those that have not expired at `utc`.
  [[nodiscard]] Read all(UtcTime utc);

  [[nodiscard]] std::size_t size() const;  // records, also those not committed
  // Moves the log into the file; `wipe_log` also cuts the log to nothing. Costs fsyncs.
  [[nodiscard]] bool checkpoint(bool wipe_log);
  [[nodiscard]] int log_pages() const;    // committed to the log since the last checkpoint
  [[nodiscard]] std::string why() const;  // the last failure, in words
  [[nodiscard]] const std::string& path() const;

 private:
  struct State;
  explicit SqliteFile(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace sendoff::store
