// Records persisted, from the call to the answer on the caller's thread, against bare writes with
// fdatasync of as many octets as one such record adds to the store's log, taking turns in the same
// run. "waiting" calls are under way at a time: those share an fsync. "of_sync" is how many bare
// syncs one record costs, "p99_us" the latency that 99 of 100 answers keep. TMPDIR chooses the
// disk.
#include <benchmark/benchmark.h>
#include <fcntl.h>
#include <unistd.h>

#include <condition_variable>
#include <deque>
#include <filesystem>
#include <mutex>

#include "crypto/random.h"
#include "store/sqlite_store.h"

namespace sendoff {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr std::size_t kBatch = 64;

class Directory {
 public:
  Directory() {
    std::string pattern = std::filesystem::temp_directory_path() / "sendoff-bench-XXXXXX";
    invariant(mkdtemp(pattern.data()) != nullptr);
    path_ = pattern;
  }
  ~Directory() { std::filesystem::remove_all(path_); }
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

struct Posted {
  std::mutex mutex;
  std::condition_variable wake;
  std::deque<std::function<void()>> work;

  void run_one() {
    std::unique_lock lock(mutex);
    wake.wait(lock, [this] { return !work.empty(); });
    const auto next = std::move(work.front());
    work.pop_front();
    lock.unlock();
    next();
  }
};

machine::IssuedKey record(std::uint32_t number) {
  auto octets = Ipv6Address::literal("2001:db8::").octets();
  for (std::size_t i = 0; i < 4; ++i) octets[15 - i] = static_cast<std::uint8_t>(number >> (8 * i));
  machine::IssuedKey key;
  key.cga = Ipv6Address(octets);
  key.algorithm = crypto::Algorithm::kHmacSha256_128;
  key.key = Secret(32);
  key.expires = UtcTime(hours(24 * 365 * 100));
  return key;
}

class Persisting {
 public:
  explicit Persisting(const std::string& path) {
    store::SqliteOptions options;
    options.path = path;
    options.key = Secret(crypto::Sealer::kKeySize);
    options.random = std::make_unique<crypto::SystemRandom>();
    options.post = [posted = posted_](std::function<void()> work) {
      const std::scoped_lock lock(posted->mutex);
      posted->work.push_back(std::move(work));
      posted->wake.notify_one();
    };
    options.utc = [] { return UtcTime{}; };
    auto opened = store::SqliteStore::open(std::move(options));
    invariant(opened.has_value());
    store_ = std::move(*opened);
  }

  // `count` records over `names` names, `waiting` at a time; the latencies go to `latencies`.
  void run(std::size_t count, std::uint32_t names, std::size_t waiting,
           std::vector<double>& latencies) {
    std::size_t answered = 0;
    std::size_t asked = 0;
    while (answered < count) {
      for (; asked < count && asked - answered < waiting; ++asked)
        store_->persist(record(next_++ % names), [&answered, &latencies,
                                                  begin = SteadyClock::now()](auto result) {
          invariant(result.has_value());
          ++answered;
          latencies.push_back(
              std::chrono::duration<double, std::micro>(SteadyClock::now() - begin).count());
        });
      posted_->run_one();
    }
  }

 private:
  std::shared_ptr<Posted> posted_ = std::make_shared<Posted>();
  std::unique_ptr<store::SqliteStore> store_;
  std::uint32_t next_ = 0;
};

// A file written to in a circle, as the log is.
class BareFile {
 public:
  BareFile(const std::string& path, std::size_t size)
      : octets_(size), fd_(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)) {
    invariant(fd_ >= 0);
  }
  ~BareFile() { close(fd_); }
  BareFile(const BareFile&) = delete;
  BareFile& operator=(const BareFile&) = delete;

  void write() {
    invariant(pwrite(fd_, octets_.data(), octets_.size(), at_) ==
                  static_cast<ssize_t>(octets_.size()) &&
              fdatasync(fd_) == 0);
    at_ = (at_ + static_cast<off_t>(octets_.size())) % (4 << 20);
  }

 private:
  Bytes octets_;
  int fd_;
  off_t at_ = 0;
};

void persist(benchmark::State& state) {
  const auto waiting = static_cast<std::size_t>(state.range(0));
  const auto names = static_cast<std::uint32_t>(state.range(1));
  const Directory directory;
  const std::string path = directory.path() / "router.db";
  Persisting persisting(path);
  std::vector<double> latencies;
  persisting.run(names, names, 1024, latencies);
  const auto log_before = std::filesystem::file_size(path + "-wal");
  persisting.run(1, names, 1, latencies);
  const auto log_after = std::filesystem::file_size(path + "-wal");
  const std::size_t size = log_after > log_before ? log_after - log_before : 3 * 4120;
  BareFile bare(directory.path() / "bare", size);
  latencies.clear();

  SteadyClock::duration whole{};
  SteadyClock::duration least{};
  for (auto _ : state) {
    const auto begin = SteadyClock::now();
    persisting.run(kBatch, names, waiting, latencies);
    const auto middle = SteadyClock::now();
    for (std::size_t i = 0; i < kBatch; ++i) bare.write();
    const auto end = SteadyClock::now();
    whole += middle - begin;
    least += end - middle;
    state.SetIterationTime(std::chrono::duration<double>(middle - begin).count() / kBatch);
  }
  const auto count = static_cast<double>(state.iterations()) * kBatch;
  std::ranges::sort(latencies);
  state.counters["records_s"] = count / std::chrono::duration<double>(whole).count();
  state.counters["p99_us"] = latencies[latencies.size() * 99 / 100];
  state.counters["sync_us"] = std::chrono::duration<double, std::micro>(least).count() / count;
  state.counters["of_sync"] =
      static_cast<double>(whole.count()) / static_cast<double>(least.count());
}
BENCHMARK(persist)
    ->ArgNames({"waiting", "names"})
    ->ArgsProduct({{1, 8, 64}, {1000, 100'000}})
    ->UseManualTime()
    ->Unit(benchmark::kMicrosecond)
    ->Iterations(50);

}  // namespace
}  // namespace sendoff
