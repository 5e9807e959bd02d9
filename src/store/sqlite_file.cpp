#include "store/sqlite_file.h"

#include <sqlite3.h>

#include <array>
#include <filesystem>
#include <limits>

#include "store/sqlite_check.h"

namespace sendoff::store {

namespace {

using Database = std::unique_ptr<sqlite3, decltype([](sqlite3* each) { sqlite3_close_v2(each); })>;
using Prepared =
    std::unique_ptr<sqlite3_stmt, decltype([](sqlite3_stmt* each) { sqlite3_finalize(each); })>;

// Of kind 0, and nameless: sealed under the key of all others, so that a wrong key shows at once.
const EncodedName kCheck{};
constexpr std::string_view kCheckText = "sendoff store 1";

constexpr const char* kSchema =
    "CREATE TABLE record (kind INTEGER NOT NULL, name BLOB NOT NULL, expires INTEGER,"
    " sealed BLOB NOT NULL, PRIMARY KEY (kind, name)) WITHOUT ROWID;"
    "CREATE INDEX record_by_expiry ON record (expires) WHERE expires IS NOT NULL;";

// EXCLUSIVE before anything else: then the log's index stays in memory and nobody else gets in.
constexpr const char* kSession =
    "PRAGMA locking_mode = EXCLUSIVE; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON;"
    "PRAGMA cell_size_check = ON; PRAGMA trusted_schema = OFF; PRAGMA temp_store = MEMORY;"
    "PRAGMA cache_size = -8192; PRAGMA wal_autocheckpoint = 0;";

std::int64_t ticks(UtcTime utc) { return utc.time_since_epoch().count(); }
ByteView octets_of(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

// One run of a prepared statement; reset, and rid of what was bound, at its end.
class Query {
 public:
  explicit Query(const Prepared& statement) : statement_(statement.get()) {}
  ~Query() {
    sqlite3_reset(statement_);
    sqlite3_clear_bindings(statement_);
  }
  Query(const Query&) = delete;
  Query& operator=(const Query&) = delete;

  Query& bind(std::int64_t value) {
    sqlite3_bind_int64(statement_, ++bound_, value);
    return *this;
  }
  Query& bind(std::optional<UtcTime> utc) {
    if (utc) return bind(ticks(*utc));
    sqlite3_bind_null(statement_, ++bound_);
    return *this;
  }
  // Borrowed until the query ends.
  Query& bind(ByteView octets) {
    static constexpr std::uint8_t kEmpty = 0;  // a null pointer would bind NULL
    sqlite3_bind_blob64(statement_, ++bound_, octets.empty() ? &kEmpty : octets.data(),
                        octets.size(), SQLITE_STATIC);
    return *this;
  }
  Query& bind(const EncodedName& name) {
    return bind(std::int64_t{name.kind}).bind(ByteView(name.name));
  }

  [[nodiscard]] int step() { return sqlite3_step(statement_); }
  [[nodiscard]] bool run() { return step() == SQLITE_DONE; }
  [[nodiscard]] std::int64_t number(int column) const {
    return sqlite3_column_int64(statement_, column);
  }
  [[nodiscard]] bool is(int column, int type) const {
    return sqlite3_column_type(statement_, column) == type;
  }
  [[nodiscard]] ByteView blob(int column) const {
    const void* const octets = sqlite3_column_blob(statement_, column);
    return {static_cast<const std::uint8_t*>(octets),
            static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
  }

 private:
  sqlite3_stmt* statement_;
  int bound_ = 0;
};

bool execute(sqlite3* database, const std::string& sql) {
  return sqlite3_exec(database, sql.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK;
}

Prepared prepare(sqlite3* database, const char* sql) {
  sqlite3_stmt* statement = nullptr;
  sqlite3_prepare_v3(database, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  return Prepared(statement);
}

// The single value that a pragma answers, as text.
std::string ask(sqlite3* database, const char* sql) {
  const Prepared statement = prepare(database, sql);
  if (!statement || sqlite3_step(statement.get()) != SQLITE_ROW) return {};
  const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement.get(), 0));
  return text != nullptr ? text : "";
}

Result<Database, OpenFailure> connect(const std::string& file) {
  sqlite3* raw = nullptr;
  const int code =
      sqlite3_open_v2(file.c_str(), &raw,
                      SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW, nullptr);
  Database database(raw);
  if (code != SQLITE_OK)
    return fail(unusable(file, raw != nullptr ? sqlite3_errmsg(raw) : "no memory"));
  // Refused files stay as they are: only a store that was taken moves its log when it closes.
  for (const auto& [option, on] :
       {std::pair{SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1}, std::pair{SQLITE_DBCONFIG_DEFENSIVE, 1},
        std::pair{SQLITE_DBCONFIG_ENABLE_TRIGGER, 0}, std::pair{SQLITE_DBCONFIG_ENABLE_VIEW, 0}})
    sqlite3_db_config(raw, option, on, nullptr);
  sqlite3_extended_result_codes(raw, 1);
  (void)execute(raw, kSession);
  return database;
}

std::string words(sqlite3* database) {
  const int system = sqlite3_system_errno(database);
  std::string text = sqlite3_errmsg(database);
  if (system != 0) text += std::string(" (") + std::strerror(system) + ")";
  return text;
}

OpenFailure failure_of(sqlite3* database, const std::string& path) {
  const int code = sqlite3_errcode(database) & 0xff;
  if (code == SQLITE_BUSY || code == SQLITE_LOCKED)
    return {OpenError::kLocked,
            path +
                " is in use by another process; stop that one, or give this one a [store] "
                "directory of its own"};
  if (code == SQLITE_CORRUPT || code == SQLITE_NOTADB || code == SQLITE_ERROR)
    return damaged(path, sqlite3_errmsg(database));
  return unusable(path, words(database));
}

}  // namespace

std::string_view name(OpenError error) {
  constexpr std::array<std::string_view, 8> kNames = {
      "directory", "permissions", "foreign", "newer", "damaged", "wrong-key", "locked", "unusable"};
  return kNames[static_cast<std::size_t>(error)];
}

namespace {

// SQLite makes the log of a file before it knows whether the file is any good.
class EmptyLog {
 public:
  explicit EmptyLog(const std::string& path) : log_(path + "-wal"), ours_(!exists()) {}
  ~EmptyLog() {
    if (ours_ && std::filesystem::is_empty(log_, ignored_)) std::filesystem::remove(log_, ignored_);
  }
  EmptyLog(const EmptyLog&) = delete;
  EmptyLog& operator=(const EmptyLog&) = delete;
  void keep() { ours_ = false; }

 private:
  [[nodiscard]] bool exists() { return std::filesystem::exists(log_, ignored_); }

  std::error_code ignored_;
  std::filesystem::path log_;
  bool ours_;
};

}  // namespace

struct SqliteFile::State {
  State(std::string file, crypto::Sealer its_sealer, Random& its_random)
      : path(std::move(file)), sealer(std::move(its_sealer)), random(its_random) {}
  ~State() {
    if (taken) sqlite3_db_config(database.get(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, nullptr);
  }

  [[nodiscard]] Result<void, OpenFailure> make();
  [[nodiscard]] Result<void, OpenFailure> take();
  [[nodiscard]] bool prepare_all();
  [[nodiscard]] bool write(const EncodedName& name, std::optional<UtcTime> expires, ByteView body);
  [[nodiscard]] Read read(Query& query);
  // False, and the words of it kept.
  [[nodiscard]] bool done(bool ok) {
    if (!ok) trouble = words(database.get());
    return ok;
  }

  std::string path;
  crypto::Sealer sealer;
  Random& random;
  // In the order in which one needs the other: statements end first, then the file is closed.
  std::optional<EmptyLog> empty_log;
  Database database;
  Prepared begin, commit, roll_back, put, erase, erase_expired, contains, find, all;
  bool taken = false;
  std::size_t size = 0;
  std::size_t size_committed = 0;
  std::int64_t changes_before = 0;
  bool changed = false;
  int log_pages = 0;
  std::string trouble;
};

bool SqliteFile::State::prepare_all() {
  const auto set = [&](Prepared& statement, const char* sql) {
    statement = prepare(database.get(), sql);
    return statement != nullptr;
  };
  return set(begin, "BEGIN IMMEDIATE") && set(commit, "COMMIT") && set(roll_back, "ROLLBACK") &&
         set(put,
             "INSERT INTO record (kind, name, expires, sealed) VALUES (?1, ?2, ?3, ?4) ON CONFLICT "
             "(kind, name) DO UPDATE SET expires = excluded.expires, sealed = excluded.sealed") &&
         set(erase, "DELETE FROM record WHERE kind = ?1 AND name = ?2") &&
         set(erase_expired,
             "DELETE FROM record WHERE (kind, name) IN (SELECT kind, name FROM record WHERE "
             "expires <= ?1 ORDER BY expires LIMIT ?2)") &&
         set(contains, "SELECT 1 FROM record WHERE kind = ?1 AND name = ?2") &&
         set(find,
             "SELECT kind, name, expires, sealed FROM record WHERE kind = ?1 AND name >= ?2 AND "
             "name <= ?3 ORDER BY name") &&
         set(all,
             "SELECT kind, name, expires, sealed FROM record WHERE kind > 0 AND (expires IS NULL "
             "OR expires > ?1) ORDER BY kind, name");
}

// Whole or not at all: made under another name, and renamed when it is on disk.
Result<void, OpenFailure> SqliteFile::State::make() {
  auto fresh = NewStore::stage(path);
  if (!fresh) return fail(fresh.error());
  if (fresh->taken()) return {};
  auto connected = connect(fresh->staged());
  if (!connected) return fail(connected.error());
  database = std::move(*connected);
  const bool made =
      execute(database.get(), "PRAGMA application_id = " + std::to_string(kApplicationId) +
                                  "; PRAGMA user_version = " + std::to_string(kFormat)) &&
      execute(database.get(), kSchema) && prepare_all() &&
      write(kCheck, std::nullopt, octets_of(kCheckText)) &&
      ask(database.get(), "PRAGMA journal_mode = WAL") == "wal";
  if (!made) return fail(unusable(path, words(database.get())));
  for (Prepared* each :
       {&begin, &commit, &roll_back, &put, &erase, &erase_expired, &contains, &find, &all})
    each->reset();
  sqlite3_db_config(database.get(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, nullptr);
  database = nullptr;
  return fresh->commit();
}

Result<void, OpenFailure> SqliteFile::State::take() {
  empty_log.emplace(path);
  auto connected = connect(path);
  if (!connected) return fail(connected.error());
  database = std::move(*connected);
  sqlite3* const raw = database.get();
  const std::string format = ask(raw, "PRAGMA user_version");
  if (format.empty()) {
    const OpenFailure failure = failure_of(raw, path);
    if (failure.error == OpenError::kLocked) empty_log->keep();  // the other's
    return fail(failure);
  }
  if (format != std::to_string(kFormat))
    return fail(
        newer_format(path, static_cast<std::uint32_t>(std::strtoul(format.c_str(), nullptr, 10))));
  const std::string intact = ask(raw, "PRAGMA integrity_check(1)");
  if (intact.empty()) return fail(failure_of(raw, path));
  if (intact != "ok") return fail(damaged(path, intact.substr(0, 200)));
  if (!prepare_all()) return fail(failure_of(raw, path));

  Query query(find);
  query.bind(kCheck).bind(ByteView(kCheck.name));
  if (query.step() != SQLITE_ROW) return fail(damaged(path, "its first record is missing"));
  const auto check = sealer.open(query.blob(3), associated_with(kCheck, std::nullopt));
  if (!check || !equal(check->expose(), octets_of(kCheckText)))
    return fail(OpenFailure{
        OpenError::kWrongKey,
        path + " was written with another key (or its first record is damaged); it is left as it "
               "is. Name the right [store] key_file, or move the store away to start without "
               "keys"});
  if (sqlite3_db_readonly(raw, "main") != 0)
    return fail(unusable(path, "this user may only read it"));
  if (ask(raw, "PRAGMA journal_mode = WAL") != "wal") return fail(failure_of(raw, path));
  const std::string rows = ask(raw, "SELECT count(*) - 1 FROM record");
  size = size_committed = std::strtoull(rows.c_str(), nullptr, 10);
  sqlite3_wal_hook(
      raw,
      [](void* pages, sqlite3*, const char*, int count) {
        *static_cast<int*>(pages) = count;
        return SQLITE_OK;
      },
      &log_pages);
  taken = true;
  return {};
}

Result<std::unique_ptr<SqliteFile>, OpenFailure> SqliteFile::open(const std::string& path,
                                                                  crypto::Sealer sealer,
                                                                  Random& random) {
  const auto exists = look_at(path);
  if (!exists) return fail(exists.error());
  auto state = std::make_unique<State>(path, std::move(sealer), random);
  if (!*exists)
    if (const auto made = state->make(); !made) return fail(made.error());
  if (const auto taken = state->take(); !taken) return fail(taken.error());
  return std::unique_ptr<SqliteFile>(new SqliteFile(std::move(state)));
}

SqliteFile::SqliteFile(std::unique_ptr<State> state) : state_(std::move(state)) {}
SqliteFile::~SqliteFile() = default;

bool SqliteFile::begin() {
  state_->changes_before = sqlite3_total_changes64(state_->database.get());
  return state_->done(Query(state_->begin).run());
}

bool SqliteFile::commit() {
  if (!state_->done(Query(state_->commit).run())) return false;
  state_->size_committed = state_->size;
  state_->changed = sqlite3_total_changes64(state_->database.get()) != state_->changes_before;
  return true;
}

bool SqliteFile::changed() const { return state_->changed; }

void SqliteFile::roll_back() {
  // Where SQLite did it already, doing it again fails.
  if (sqlite3_get_autocommit(state_->database.get()) == 0) (void)Query(state_->roll_back).run();
  state_->size = state_->size_committed;
}

bool SqliteFile::State::write(const EncodedName& name, std::optional<UtcTime> expires,
                              ByteView body) {
  const auto sealed = sealer.seal(body, associated_with(name, expires), random);
  if (!sealed) {
    trouble = "the random source failed";
    return false;
  }
  return done(Query(put).bind(name).bind(expires).bind(ByteView(*sealed)).run());
}

bool SqliteFile::put(const machine::Record& record) {
  const EncodedName name = encode(machine::name_of(record));
  const bool is_new = !contains(name);
  if (!state_->write(name, machine::expiry_of(record), encode_body(record).expose())) return false;
  if (is_new) ++state_->size;
  return true;
}

bool SqliteFile::erase(const EncodedName& name) {
  if (!state_->done(Query(state_->erase).bind(name).run())) return false;
  state_->size -= static_cast<std::size_t>(sqlite3_changes(state_->database.get()));
  return true;
}

std::optional<std::size_t> SqliteFile::erase_expired(UtcTime utc, std::size_t limit) {
  Query query(state_->erase_expired);
  query.bind(ticks(utc)).bind(static_cast<std::int64_t>(limit));
  if (!state_->done(query.run())) return std::nullopt;
  const auto erased = static_cast<std::size_t>(sqlite3_changes(state_->database.get()));
  state_->size -= erased;
  return erased;
}

bool SqliteFile::contains(const EncodedName& name) {
  return Query(state_->contains).bind(name).step() == SQLITE_ROW;
}

SqliteFile::Read SqliteFile::State::read(Query& query) {
  Read out;
  int code = 0;
  while ((code = query.step()) == SQLITE_ROW) {
    EncodedName row{0, to_bytes(query.blob(1))};
    const std::int64_t kind = query.number(0);
    std::optional<UtcTime> expires;
    if (!query.is(2, SQLITE_NULL)) expires = UtcTime(Duration(query.number(2)));
    std::optional<machine::Record> record;
    if (kind > 0 && kind <= std::numeric_limits<std::uint8_t>::max()) {
      row.kind = static_cast<std::uint8_t>(kind);
      if (const auto body = sealer.open(query.blob(3), associated_with(row, expires)))
        record = decode(row, expires, body->expose());
    }
    if (!record) {
      trouble = "a record does not open";
      taken = false;  // it stays as it is when it is closed
      return {.damaged = true, .failed = true, .records = {}};
    }
    out.records.push_back(std::move(*record));
  }
  if (!done(code == SQLITE_DONE))
    return {.damaged = (code & 0xff) == SQLITE_CORRUPT, .failed = true, .records = {}};
  return out;
}

SqliteFile::Read SqliteFile::find(const machine::RecordName& name) {
  const EncodedName wanted = encode(name);
  Bytes first = wanted.name;
  Bytes last = wanted.name;
  if (const auto* issued = std::get_if<machine::IssuedKeyName>(&name)) {
    first = last = generations_of(*issued);
    last.insert(last.end(), sizeof issued->generation, 0xff);
  }
  Query query(state_->find);
  query.bind(std::int64_t{wanted.kind}).bind(ByteView(first)).bind(ByteView(last));
  return state_->read(query);
}

SqliteFile::Read SqliteFile::all(UtcTime utc) {
  Query query(state_->all);
  query.bind(ticks(utc));
  return state_->read(query);
}

std::size_t SqliteFile::size() const { return state_->size; }

bool SqliteFile::checkpoint(bool wipe_log) {
  const int mode = wipe_log ? SQLITE_CHECKPOINT_TRUNCATE : SQLITE_CHECKPOINT_PASSIVE;
  const bool ok = state_->done(sqlite3_wal_checkpoint_v2(state_->database.get(), "main", mode,
                                                         nullptr, nullptr) == SQLITE_OK);
  if (ok) state_->log_pages = 0;
  return ok;
}

int SqliteFile::log_pages() const { return state_->log_pages; }
std::string SqliteFile::why() const { return state_->trouble; }
const std::string& SqliteFile::path() const { return state_->path; }

}  // namespace sendoff::store
