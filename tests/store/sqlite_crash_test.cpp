// What was answered is kept: when the process is killed at any moment, when power fails after the
// answer, when the disk is full.
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <random>
#include <ranges>
#include <set>

#include "store/sqlite_fixture.h"
#include "store/synced_files.h"

namespace sendoff::test {
namespace {

class SqliteCrash : public SqliteTest {};

constexpr std::uint32_t kNames = 16;

struct Word {  // of a writer that will be killed, about one answered call
  std::uint32_t spi = 0;
  std::uint32_t value = 0;  // 0: forgotten
};

// Writes, and forgets now and then, for ever; says on `pipe` what was answered. Values only grow.
[[noreturn]] void write_for_ever(store::SqliteOptions options, Caller& caller, int pipe,
                                 std::uint32_t value) {
  auto opened = SqliteStore::open(std::move(options));
  if (!opened || !(*opened)->snapshot(at(1))) _exit(3);
  std::size_t waiting = 0;
  for (;; ++value) {
    const std::uint32_t spi = value % kNames;
    const bool forgets = value % 7 == 0;
    const auto answered = [&waiting, pipe, word = Word{spi, forgets ? 0 : value}](auto result) {
      --waiting;
      if (!result || ::write(pipe, &word, sizeof word) != sizeof word) _exit(4);
    };
    ++waiting;
    if (forgets)
      (*opened)->forget(machine::name_of(counter(spi, 0)), answered);
    else
      (*opened)->persist(counter(spi, value), answered);
    caller.run_until([&] { return waiting < 8; });
  }
}

TEST_F(SqliteCrash, WhatWasAnsweredOutlivesAKillAtAnyMoment) {
  std::minstd_rand draw(11);
  std::map<std::uint32_t, std::uint32_t> answered;
  std::uint32_t value = 1;
  for (int round = 0; round < 40; ++round) {
    int channel[2];
    ASSERT_EQ(pipe(channel), 0);
    const pid_t writer = fork();
    if (writer == 0) write_for_ever(options(), caller_, channel[1], value);
    close(channel[1]);
    Word word;
    for (std::size_t left = 1 + draw() % 200; left > 0; --left) {
      ASSERT_EQ(::read(channel[0], &word, sizeof word), static_cast<ssize_t>(sizeof word));
      answered[word.spi] = word.value;
      value = std::max(value, word.value);
    }
    kill(writer, SIGKILL);
    waitpid(writer, nullptr, 0);
    while (::read(channel[0], &word, sizeof word) == sizeof word) {
      answered[word.spi] = word.value;
      value = std::max(value, word.value);
    }
    close(channel[0]);

    // Up to eight calls were under way: each may have come to the disk or not.
    const std::uint32_t last = value + 16;
    auto opened = SqliteStore::open(options());
    ASSERT_TRUE(opened) << opened.error().text;
    const auto snapshot = (*opened)->snapshot(at(1));
    ASSERT_TRUE(snapshot);
    std::map<std::uint32_t, std::uint32_t> stored;
    for (const machine::Record& record : *snapshot) {
      const auto& each = std::get<machine::EspCounter>(record);
      stored[each.spi] = each.value;
    }
    for (const auto& [spi, wanted] : answered) {
      const auto found = stored.find(spi);
      const std::uint32_t kept = found == stored.end() ? 0 : found->second;
      const bool under_way = kept > value && kept <= last;
      const bool forgotten_under_way =
          kept == 0 &&
          std::ranges::any_of(std::views::iota(value + 1, last + 1), [spi](std::uint32_t next) {
            return next % 7 == 0 && next % kNames == spi;
          });
      EXPECT_TRUE(kept == wanted || under_way || forgotten_under_way)
          << "round " << round << ", spi " << spi << ": " << kept << " for " << wanted;
    }
    answered = stored;
    for (std::uint32_t spi = 0; spi < kNames; ++spi) answered.try_emplace(spi, 0);
    value = last + 1;
  }
}

// Only what was synced to the disk survives: a copy of each file as it was at its last fsync.
TEST_F(SqliteCrash, WhatWasAnsweredIsSyncedBeforeTheAnswer) {
  const std::string synced = directory() + "/synced";
  std::filesystem::create_directory(synced);
  open().reset();
  std::filesystem::copy(path(), synced);
  const SyncedFiles disk(synced);
  const auto store = open();
  std::vector<machine::Record> records;
  for (std::uint32_t i = 0; i < 40; ++i) {
    records.emplace_back(issued(kCga, i, static_cast<std::uint8_t>(i)));
    ASSERT_TRUE(persist(*store, machine::duplicate(records.back())));
    if (i % 4 == 3) {
      ASSERT_TRUE(forget(*store, machine::name_of(records[i - 3])));
      records[i - 3] = issued(kCga, i, static_cast<std::uint8_t>(i));
    }
    const std::string image = directory() + "/image";
    disk.copy_to(image);
    auto after_power_cut = options();
    after_power_cut.path = image + "/router.db";
    const auto again = open(std::move(after_power_cut));
    ASSERT_TRUE(again) << i;
    std::set<std::string> expected;
    for (const auto& record : records) expected.insert(words(record));
    const auto found = kept(*again);
    EXPECT_EQ(std::set<std::string>(found.begin(), found.end()), expected) << i;
  }
  EXPECT_GE(disk.syncs(), 50);
}

class SmallDisk {
 public:
  // In a mount namespace of this process alone.
  explicit SmallDisk(std::string directory) : directory_(std::move(directory)) {
    usable_ = unshare(CLONE_NEWNS) == 0 &&
              mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
              mount("tmpfs", directory_.c_str(), "tmpfs", 0, "size=512k,mode=0700") == 0;
  }
  [[nodiscard]] bool usable() const { return usable_; }
  void fill() const {
    const int file = ::open((directory_ + "/ballast").c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    const std::array<char, 512> octets{};
    while (::write(file, octets.data(), octets.size()) > 0) {
    }
    close(file);
  }
  void empty() const { std::filesystem::remove(directory_ + "/ballast"); }

 private:
  std::string directory_;
  bool usable_ = false;
};

class SqliteFullDisk : public SqliteTest {
 protected:
  // In a child, since a mount namespace is for a process's whole life.
  template <typename Story>
  void on_a_small_disk(const Story& story) {
    if (geteuid() != 0) GTEST_SKIP() << "needs root to mount a small disk";
    const pid_t child = fork();
    if (child == 0) {
      const SmallDisk disk(directory());
      EXPECT_TRUE(disk.usable());
      if (disk.usable()) story(disk);
      std::fflush(nullptr);
      _exit(HasFailure() ? 1 : 0);
    }
    int status = -1;
    waitpid(child, &status, 0);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  }
};

TEST_F(SqliteFullDisk, RefusesKeepsWhatItHasAndGoesOnWhenThereIsSpace) {
  on_a_small_disk([this](const SmallDisk& disk) {
    std::vector<std::string> trouble;
    auto told = options();
    told.trouble = [&](const std::string& why) { trouble.push_back(why); };
    const auto store = open(std::move(told));
    const machine::Record first = issued(kCga, 1, 1);
    ASSERT_TRUE(persist(*store, machine::duplicate(first)));
    ASSERT_TRUE(persist(*store, issued(kCga, 2, 2)));
    disk.fill();

    std::uint32_t refused = 0;
    for (std::uint32_t i = 0; refused == 0 && i < 1000; ++i) {
      const auto result = persist(*store, issued(kOther, i, 3));
      if (result) continue;  // the last octets of the log
      EXPECT_EQ(result.error(), StoreError::kUnavailable);
      refused = i + 1;
    }
    ASSERT_GT(refused, 0U);
    const auto forgotten = forget(*store, machine::IssuedKeyName{kCga, 2});
    ASSERT_FALSE(forgotten);
    ASSERT_EQ(trouble.size(), 1U);
    EXPECT_NE(trouble[0].find("full"), std::string::npos) << trouble[0];
    const auto found = look_up(*store, machine::IssuedKeyName{kCga, 1});
    ASSERT_TRUE(found);
    EXPECT_EQ(found->front(), words(first));
    EXPECT_EQ(trouble.size(), 1U);  // reading does not pass for writing
    EXPECT_GE(store->counters().failures, 2U);

    disk.empty();
    ASSERT_TRUE(persist(*store, issued(kRouter, 1, 4)));
    EXPECT_EQ(trouble.size(), 2U);
    EXPECT_EQ(trouble[1], "");
    // What could not be forgotten is forgotten now, what was refused is not there.
    const auto records = kept(*store);
    EXPECT_EQ(records.size(), 2U + refused - 1);
    EXPECT_EQ(std::ranges::count(records, words(machine::Record(issued(kCga, 2, 2)))), 0);
    EXPECT_EQ(std::ranges::count(records, words(machine::Record(issued(kOther, refused - 1, 3)))),
              0);
  });
}

TEST_F(SqliteFullDisk, ANewStoreOnAFullDiskIsRefusedAndLeavesNothing) {
  on_a_small_disk([this](const SmallDisk& disk) {
    disk.fill();
    const auto refused = refusal();
    ASSERT_TRUE(refused);
    EXPECT_EQ(refused->error, OpenError::kUnusable) << refused->text;
    EXPECT_NE(refused->text.find("space"), std::string::npos) << refused->text;
    EXPECT_EQ(files().size(), 1U);  // the ballast
    disk.empty();
    EXPECT_FALSE(refusal());
  });
}

}  // namespace
}  // namespace sendoff::test
