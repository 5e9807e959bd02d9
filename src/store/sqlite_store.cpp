#include "store/sqlite_store.h"

#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

#include <condition_variable>
#include <csignal>
#include <deque>
#include <mutex>
#include <set>
#include <thread>
#include <utility>

#include "base/overloaded.h"

namespace sendoff::store {

namespace {

constexpr std::size_t kMaxBatch = 1024;         // calls a transaction
constexpr std::size_t kMaxExpired = 256;        // removed a transaction
constexpr int kMaxLogPages = 1000;              // then the log moves into the file: 4 MB
constexpr seconds kIdle{2};                     // then it does so however short it is
constexpr seconds kBetweenSweeps{60};           // for what expired and nobody forgot
constexpr std::size_t kMaxOwedErasures = 4096;  // that failed and are tried again

struct Persist {
  machine::Record record;
  Store::Stored stored;
};
struct Forget {
  machine::RecordName name;
  Store::Stored stored;
};
struct LookUp {
  machine::RecordName name;
  Store::Found found;
};
struct TakeSnapshot {
  UtcTime utc;
  Result<machine::Snapshot, StoreError>* result;
  bool* done;
};
using Call = std::variant<Persist, Forget, LookUp, TakeSnapshot>;

// With every signal blocked: they are the loop's.
std::thread start_deaf(std::function<void()> body) {
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  std::thread thread(std::move(body));
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return thread;
}

// No packet waits for a disk, but where the cores are few the disk's thread can keep packets
// waiting.
void step_behind_the_loop() {
  constexpr int kNiceness = 5;
  (void)setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), kNiceness);
}

}  // namespace

struct SqliteStore::State {
  // What one call is to be answered with; made on the store's thread, called on the caller's.
  using Answer = std::function<void()>;
  using Answers = std::vector<Answer>;
  using Results = std::vector<Result<void, StoreError>>;

  explicit State(SqliteOptions given) : options(std::move(given)) {}

  bool enqueue(Call call);
  void work();
  void carry_out(std::deque<Call>& batch);
  [[nodiscard]] bool try_batch(const std::deque<Call>& batch, Results& results);
  [[nodiscard]] Result<void, StoreError> write(const Call& call, bool& failed);
  [[nodiscard]] Result<void, StoreError> look_up(const LookUp& call,
                                                 std::vector<machine::Record>& records);
  void fail_batch(const std::deque<Call>& batch, Results& results);
  void answer(std::deque<Call>& batch, const Results& results);
  void owe(const std::deque<Call>& batch);
  [[nodiscard]] bool pay();
  void take_snapshot(const TakeSnapshot& call);
  void sweep_when_due();
  void sweep();
  void rest();
  void tell(bool works);

  SqliteOptions options;
  std::unique_ptr<SqliteFile> file;  // the thread's, once it runs

  mutable std::mutex mutex;
  std::condition_variable wake;
  std::condition_variable answered;  // a snapshot
  std::deque<Call> calls;
  StoreCounters counters;
  bool ending = false;

  // The thread's own.
  std::set<EncodedName> owed;  // erasures that the disk refused
  std::vector<std::vector<machine::Record>> found;
  bool works = true;
  bool more_expired = false;
  UtcTime next_sweep{};
  std::thread thread;
};

// False: too much waits already.
bool SqliteStore::State::enqueue(Call call) {
  {
    const std::scoped_lock lock(mutex);
    if (calls.size() >= options.max_pending) {
      ++counters.failures;
      return false;
    }
    calls.push_back(std::move(call));
    ++counters.pending;
  }
  wake.notify_one();
  return true;
}

void SqliteStore::State::work() {
  step_behind_the_loop();
  std::unique_lock lock(mutex);
  while (!ending || !calls.empty()) {
    const bool called =
        wake.wait_for(lock, more_expired ? Duration(milliseconds(100)) : Duration(kIdle),
                      [this] { return ending || !calls.empty(); });
    std::deque<Call> batch;
    while (!calls.empty() && batch.size() < kMaxBatch) {
      batch.push_back(std::move(calls.front()));
      calls.pop_front();
    }
    lock.unlock();
    if (!batch.empty()) carry_out(batch);
    sweep_when_due();
    if (!called) rest();
    lock.lock();
  }
  lock.unlock();
  if (!owed.empty()) sweep();
}

void SqliteStore::State::carry_out(std::deque<Call>& batch) {
  Results results;
  const bool kept = try_batch(batch, results);
  if (!kept) {
    file->roll_back();
    fail_batch(batch, results);
  }
  {
    const std::scoped_lock lock(mutex);
    counters.pending -= batch.size();
    counters.records = file->size();
    if (kept) ++counters.transactions;
    for (std::size_t i = 0; i < batch.size(); ++i) {
      if (!results[i])
        ++counters.failures;
      else if (batch[i].index() < 2)
        ++counters.writes;
    }
  }
  if (!kept || file->changed()) tell(kept);
  answer(batch, results);
  if (file->log_pages() >= kMaxLogPages) (void)file->checkpoint(false);
}

bool SqliteStore::State::try_batch(const std::deque<Call>& batch, Results& results) {
  found.clear();
  found.resize(batch.size());
  if (!file->begin() || !pay()) return false;
  for (std::size_t i = 0; i < batch.size(); ++i) {
    bool failed = false;
    const auto* const question = std::get_if<LookUp>(&batch[i]);
    results.push_back(question != nullptr ? look_up(*question, found[i]) : write(batch[i], failed));
    if (failed) return false;
  }
  if (!file->commit()) return false;
  owed.clear();
  return true;
}

// What the disk refuses to write it may still let read.
void SqliteStore::State::fail_batch(const std::deque<Call>& batch, Results& results) {
  results.assign(batch.size(), fail(StoreError::kUnavailable));
  for (std::size_t i = 0; i < batch.size(); ++i)
    if (const auto* const question = std::get_if<LookUp>(&batch[i]))
      results[i] = look_up(*question, found[i]);
  owe(batch);
}

Result<void, StoreError> SqliteStore::State::look_up(const LookUp& call,
                                                     std::vector<machine::Record>& records) {
  auto read = file->find(call.name);
  records = std::move(read.records);
  if (read.damaged) return fail(StoreError::kDamaged);
  if (read.failed) return fail(StoreError::kUnavailable);
  return {};
}

Result<void, StoreError> SqliteStore::State::write(const Call& call, bool& failed) {
  if (const auto* persist = std::get_if<Persist>(&call)) {
    if (file->size() >= options.max_records &&
        !file->contains(encode(machine::name_of(persist->record))))
      return fail(StoreError::kFull);
    failed = !file->put(persist->record);
  } else if (const auto* forget = std::get_if<Forget>(&call)) {
    failed = !file->erase(encode(forget->name));
  }
  return {};
}

// A key that was to be forgotten must not come back with a restart because the disk was full for a
// while; nor may a later record of that name be erased.
void SqliteStore::State::owe(const std::deque<Call>& batch) {
  for (const Call& call : batch)
    if (const auto* forget = std::get_if<Forget>(&call);
        forget != nullptr && owed.size() < kMaxOwedErasures)
      owed.insert(encode(forget->name));
}

bool SqliteStore::State::pay() {
  for (const EncodedName& name : owed)
    if (!file->erase(name)) return false;
  return true;
}

void SqliteStore::State::answer(std::deque<Call>& batch, const Results& results) {
  auto answers = std::make_shared<Answers>();
  for (std::size_t i = 0; i < batch.size(); ++i) {
    std::visit(
        Overloaded{
            [&](LookUp& call) {
              // A record can only be moved, and a std::function only be copied.
              auto records = std::make_shared<std::vector<machine::Record>>(std::move(found[i]));
              answers->push_back([found_by = std::move(call.found), records, result = results[i]] {
                if (result)
                  found_by(std::move(*records));
                else
                  found_by(fail(result.error()));
              });
            },
            [&](TakeSnapshot& call) { take_snapshot(call); },
            [&](auto& call) {
              answers->push_back([stored = std::move(call.stored), result = results[i]] {
                if (stored) stored(result);
              });
            },
        },
        batch[i]);
  }
  if (!answers->empty())
    options.post([answers = std::move(answers)] {
      for (const Answer& each : *answers) each();
    });
}

void SqliteStore::State::take_snapshot(const TakeSnapshot& call) {
  auto read = file->all(call.utc);
  const bool erased = !read.failed && [&] {
    std::optional<std::size_t> count;
    do {
      if (!file->begin()) return false;
      count = file->erase_expired(call.utc, 10'000);
      if (!count || !file->commit()) return false;
    } while (*count == 10'000);
    return true;
  }();
  if (!read.failed && !erased) file->roll_back();
  const std::scoped_lock lock(mutex);
  if (read.failed)
    *call.result = fail(read.damaged ? StoreError::kDamaged : StoreError::kUnavailable);
  else
    *call.result = std::move(read.records);
  counters.records = file->size();
  *call.done = true;
  answered.notify_all();
}

void SqliteStore::State::sweep_when_due() {
  const UtcTime now = options.utc();
  // A clock that was set back must not put it off.
  if (!more_expired && now < next_sweep && next_sweep <= now + kBetweenSweeps) return;
  next_sweep = now + kBetweenSweeps;
  sweep();
}

// Bounded, so that a call that comes meanwhile does not wait long.
void SqliteStore::State::sweep() {
  const bool begun = file->begin();
  const auto erased = begun && pay() ? file->erase_expired(options.utc(), kMaxExpired)
                                     : std::optional<std::size_t>();
  const bool kept = erased && file->commit();
  if (!kept) file->roll_back();
  if (kept) owed.clear();
  more_expired = kept && *erased == kMaxExpired;
  if (!kept || file->changed()) tell(kept);
  const std::scoped_lock lock(mutex);
  if (kept) counters.expired += *erased;
  counters.records = file->size();
}

// Nobody waits: erasures are made good, and what was overwritten leaves the log, too.
void SqliteStore::State::rest() {
  if (!owed.empty()) sweep();
  if (file->log_pages() > 0) (void)file->checkpoint(true);
}

void SqliteStore::State::tell(bool does_work) {
  if (std::exchange(works, does_work) == does_work || !options.trouble) return;
  options.post(
      [trouble = options.trouble, why = does_work ? std::string() : file->why()] { trouble(why); });
}

Result<std::unique_ptr<SqliteStore>, OpenFailure> SqliteStore::open(SqliteOptions options) {
  invariant(options.post && options.utc && options.random);
  auto state = std::make_unique<State>(std::move(options));
  auto file = SqliteFile::open(state->options.path, crypto::Sealer(state->options.key),
                               *state->options.random);
  state->options.key = Secret();
  if (!file) return fail(file.error());
  state->file = std::move(*file);
  state->counters.records = state->file->size();
  return std::unique_ptr<SqliteStore>(new SqliteStore(std::move(state)));
}

SqliteStore::SqliteStore(std::unique_ptr<State> state) : state_(std::move(state)) {
  state_->thread = start_deaf([state = state_.get()] { state->work(); });
}

SqliteStore::~SqliteStore() {
  {
    const std::scoped_lock lock(state_->mutex);
    state_->ending = true;
  }
  state_->wake.notify_one();
  state_->thread.join();
}

void SqliteStore::persist(machine::Record record, Stored stored) {
  if (!state_->enqueue(Persist{std::move(record), stored})) stored(fail(StoreError::kUnavailable));
}

void SqliteStore::forget(const machine::RecordName& name, Stored stored) {
  if (!state_->enqueue(Forget{name, stored})) stored(fail(StoreError::kUnavailable));
}

void SqliteStore::look_up(const machine::RecordName& name, Found found) {
  if (!state_->enqueue(LookUp{name, found})) found(fail(StoreError::kUnavailable));
}

Result<machine::Snapshot, StoreError> SqliteStore::snapshot(UtcTime utc) {
  Result<machine::Snapshot, StoreError> result = fail(StoreError::kUnavailable);
  bool done = false;
  if (!state_->enqueue(TakeSnapshot{utc, &result, &done})) return result;
  std::unique_lock lock(state_->mutex);
  state_->answered.wait(lock, [&] { return done; });
  return result;
}

StoreCounters SqliteStore::counters() const {
  const std::scoped_lock lock(state_->mutex);
  return state_->counters;
}

}  // namespace sendoff::store
