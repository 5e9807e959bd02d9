// A store in a directory of its own, and somebody who calls it and waits for its answers.
#pragma once

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <condition_variable>
#include <deque>
#include <filesystem>
#include <fstream>
#include <map>
#include <mutex>

#include "crypto/random.h"
#include "store/sqlite_store.h"

namespace sendoff::test {

using store::OpenError;
using store::SqliteStore;
using store::StoreError;

inline const Ipv6Address kCga = Ipv6Address::literal("2001:db8::1");
inline const Ipv6Address kOther = Ipv6Address::literal("2001:db8::2");
inline const Ipv6Address kRouter = Ipv6Address::literal("2001:db8::a");
inline const Secret kSealingKey = Secret::copy_of(Bytes(32, 0x5a));

inline UtcTime at(std::int64_t s) { return UtcTime(seconds(s)); }

inline machine::IssuedKey issued(const Ipv6Address& cga, std::uint32_t generation,
                                 std::uint8_t octet, std::int64_t expires_s = 100'000) {
  machine::IssuedKey key;
  key.cga = cga;
  key.generation = generation;
  key.algorithm = crypto::Algorithm::kHmacSha256_128;
  key.key = Secret::copy_of(Bytes(32, octet));
  key.expires = at(expires_s);
  key.link_address = LinkAddress::literal("02:00:00:00:00:01");
  return key;
}

inline machine::EspCounter counter(std::uint32_t spi, std::uint32_t value) {
  return {machine::EspDirection::kOutbound, spi, {7}, value};
}

// What a record says, for comparisons; its secret by its octets.
inline std::string words(const machine::Record& record) {
  const store::EncodedName name = store::encode(machine::name_of(record));
  const auto expires = machine::expiry_of(record);
  return to_hex(store::associated_with(name, expires)) + " " +
         to_hex(store::encode_body(record).expose());
}
inline std::vector<std::string> words(const machine::Snapshot& records) {
  std::vector<std::string> out;
  for (const machine::Record& record : records) out.push_back(words(record));
  return out;
}

// The thread that calls a store: runs what the store posts when it is told to.
class Caller {
 public:
  [[nodiscard]] std::function<void(std::function<void()>)> post() {
    return [queue = queue_](std::function<void()> work) {
      const std::scoped_lock lock(queue->mutex);
      queue->posted.push_back(std::move(work));
      queue->wake.notify_all();
    };
  }
  // Runs what comes until `done`.
  template <typename Done>
  void run_until(const Done& done) {
    while (!done()) {
      std::unique_lock lock(queue_->mutex);
      queue_->wake.wait_for(lock, seconds(1), [this] { return !queue_->posted.empty(); });
      while (!queue_->posted.empty()) {
        const auto work = std::move(queue_->posted.front());
        queue_->posted.pop_front();
        lock.unlock();
        work();
        lock.lock();
      }
    }
  }

 private:
  struct Queue {
    std::mutex mutex;
    std::condition_variable wake;
    std::deque<std::function<void()>> posted;
  };
  std::shared_ptr<Queue> queue_ = std::make_shared<Queue>();
};

class SqliteTest : public testing::Test {
 protected:
  SqliteTest() {
    std::string pattern = "/tmp/sendoff-store-XXXXXX";
    directory_ = mkdtemp(pattern.data());
  }
  ~SqliteTest() override { std::filesystem::remove_all(directory_); }

  [[nodiscard]] std::string directory() const { return directory_; }
  [[nodiscard]] std::string path() const { return directory_ + "/router.db"; }

  [[nodiscard]] store::SqliteOptions options() {
    store::SqliteOptions options;
    options.path = path();
    options.key = kSealingKey.duplicate();
    options.random = std::make_unique<crypto::SystemRandom>();
    options.post = caller_.post();
    options.utc = [] { return at(1); };
    return options;
  }
  [[nodiscard]] std::unique_ptr<SqliteStore> open(store::SqliteOptions options) {
    auto opened = SqliteStore::open(std::move(options));
    EXPECT_TRUE(opened) << opened.error().text;
    return opened ? std::move(*opened) : nullptr;
  }
  [[nodiscard]] std::unique_ptr<SqliteStore> open() { return open(options()); }
  // Nothing: it was opened.
  [[nodiscard]] std::optional<store::OpenFailure> refusal(store::SqliteOptions options) {
    auto opened = SqliteStore::open(std::move(options));
    return opened ? std::nullopt : std::optional(opened.error());
  }
  [[nodiscard]] std::optional<store::OpenFailure> refusal() { return refusal(options()); }

  Result<void, StoreError> persist(SqliteStore& store, machine::Record record) {
    std::optional<Result<void, StoreError>> result;
    store.persist(std::move(record), [&](auto answer) { result = answer; });
    caller_.run_until([&] { return result.has_value(); });
    return *result;
  }
  Result<void, StoreError> forget(SqliteStore& store, const machine::RecordName& name) {
    std::optional<Result<void, StoreError>> result;
    store.forget(name, [&](auto answer) { result = answer; });
    caller_.run_until([&] { return result.has_value(); });
    return *result;
  }
  Result<std::vector<std::string>, StoreError> look_up(SqliteStore& store,
                                                       const machine::RecordName& name) {
    std::optional<Result<std::vector<std::string>, StoreError>> result;
    store.look_up(name, [&](auto found) {
      if (found)
        result = words(*found);
      else
        result = fail(found.error());
    });
    caller_.run_until([&] { return result.has_value(); });
    return *result;
  }
  std::vector<std::string> kept(SqliteStore& store) {
    const auto snapshot = store.snapshot(at(1));
    EXPECT_TRUE(snapshot);
    return snapshot ? words(*snapshot) : std::vector<std::string>();
  }

  static std::string read(const std::filesystem::path& file) {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  static void write(const std::filesystem::path& file, const std::string& octets) {
    std::ofstream out(file, std::ios::binary | std::ios::trunc);
    out << octets;
    out.close();
    chmod(file.c_str(), 0600);
  }
  // Each file's size and hash: what must not change.
  [[nodiscard]] std::map<std::string, std::string> state() const {
    std::map<std::string, std::string> all;
    for (const auto& [name, content] : files())
      all[name] =
          std::to_string(content.size()) + " " + std::to_string(std::hash<std::string>{}(content));
    return all;
  }
  // Every file of the directory, octet by octet.
  [[nodiscard]] std::map<std::string, std::string> files() const {
    std::map<std::string, std::string> all;
    for (const auto& entry : std::filesystem::directory_iterator(directory_))
      if (entry.is_regular_file()) all[entry.path().filename()] = read(entry.path());
    return all;
  }

  Caller caller_;

 private:
  std::string directory_;
};

}  // namespace sendoff::test
