// Stores that must not be used: each is refused with words that help, and stays as it is.
#include <sqlite3.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <random>

#include "store/sqlite_fixture.h"

namespace sendoff::test {
namespace {

class SqliteRefusal : public SqliteTest {
 protected:
  // 60 records, closed.
  void fill() {
    const auto store = open();
    for (std::uint32_t i = 0; i < 60; ++i) {
      records_.emplace_back(issued(kCga, i, static_cast<std::uint8_t>(i)));
      store->persist(machine::duplicate(records_.back()), [](auto kept) { EXPECT_TRUE(kept); });
    }
    ASSERT_TRUE(forget(*store, machine::IssuedKeyName{kOther, 0}));
  }
  // As somebody does it who has the file but not the key.
  void tamper(const char* sql) {
    sqlite3* database = nullptr;
    ASSERT_EQ(sqlite3_open(path().c_str(), &database), SQLITE_OK);
    EXPECT_EQ(sqlite3_exec(database, sql, nullptr, nullptr, nullptr), SQLITE_OK) << sql;
    EXPECT_GT(sqlite3_total_changes(database), 0) << sql;
    sqlite3_close(database);
  }
  void expect_refused(OpenError error, std::string_view words) {
    const auto before = state();
    const auto refused = refusal();
    ASSERT_TRUE(refused);
    EXPECT_EQ(refused->error, error) << name(refused->error) << ": " << refused->text;
    EXPECT_NE(refused->text.find(words), std::string::npos) << refused->text;
    EXPECT_NE(refused->text.find(directory()), std::string::npos) << refused->text;
    EXPECT_EQ(state(), before);
  }

  std::vector<machine::Record> records_;
};

TEST_F(SqliteRefusal, AnotherKey) {
  fill();
  auto wrong = options();
  wrong.key = Secret::copy_of(Bytes(32, 0x5b));
  const auto before = state();
  const auto refused = refusal(std::move(wrong));
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->error, OpenError::kWrongKey) << refused->text;
  EXPECT_NE(refused->text.find("key_file"), std::string::npos) << refused->text;
  EXPECT_EQ(state(), before);
  const auto store = open();
  EXPECT_EQ(kept(*store), words(records_));
}

TEST_F(SqliteRefusal, AFileThatOthersMayRead) {
  fill();
  for (const mode_t mode : {0640U, 0604U, 0660U, 0602U}) {
    chmod(path().c_str(), mode);
    expect_refused(OpenError::kPermissions, "chmod 600");
  }
  chmod(path().c_str(), 0600);
  EXPECT_FALSE(refusal());
}

TEST_F(SqliteRefusal, AFileOfAnotherUser) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root to give a file away";
  fill();
  ASSERT_EQ(chown(path().c_str(), 65534, 65534), 0);
  expect_refused(OpenError::kPermissions, "chown");
}

TEST_F(SqliteRefusal, ADirectoryThatEverybodyMayWriteToOrThatIsNotThere) {
  chmod(directory().c_str(), 0777);
  expect_refused(OpenError::kDirectory, "chmod o-w");
  auto nowhere = options();
  nowhere.path = directory() + "/missing/router.db";
  const auto refused = refusal(std::move(nowhere));
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->error, OpenError::kDirectory);
}

TEST_F(SqliteRefusal, WhatIsNoStore) {
  for (const std::string& content :
       {std::string(), std::string("not a database"), std::string(4096, '\0'),
        std::string("SQLite format 3\0", 16)}) {
    write(path(), content);
    expect_refused(OpenError::kForeign, "no Sendoff store");
  }
  std::filesystem::remove(path());
  tamper("CREATE TABLE record (a); INSERT INTO record VALUES (1)");
  chmod(path().c_str(), 0600);
  expect_refused(OpenError::kForeign, "no Sendoff store");
  std::filesystem::remove(path());
  std::filesystem::create_directory(path());
  expect_refused(OpenError::kForeign, "no regular file");
}

TEST_F(SqliteRefusal, ASymbolicLink) {
  fill();
  std::filesystem::rename(path(), directory() + "/elsewhere.db");
  std::filesystem::create_symlink(directory() + "/elsewhere.db", path());
  expect_refused(OpenError::kForeign, "symbolic link");
}

TEST_F(SqliteRefusal, AFormatOfALaterVersion) {
  fill();
  std::string content = read(path());
  content[63] = 2;  // user_version, in SQLite's header
  write(path(), content);
  expect_refused(OpenError::kNewer, "newer Sendoff");
}

TEST_F(SqliteRefusal, ARecordThatWasMovedGivenAnotherLifeOrTakenFromAnotherRow) {
  const std::string first = "(SELECT min(name) FROM record WHERE kind = 1)";
  const std::string last = "(SELECT max(name) FROM record WHERE kind = 1)";
  for (const std::string& sql :
       {"UPDATE record SET expires = expires + 1000000000 WHERE name = " + first,
        "UPDATE record SET expires = NULL WHERE name = " + first,
        "UPDATE record SET kind = 2 WHERE name = " + first,
        "UPDATE record SET kind = 257 WHERE name = " + first,
        "UPDATE record SET name = x'20010db8000000000000000000000009ffffffff' WHERE name = " +
            first,
        "UPDATE record SET sealed = (SELECT sealed FROM record WHERE name = " + last +
            ") WHERE name = " + first,
        "UPDATE record SET sealed = x'00' WHERE name = " + first,
        "UPDATE record SET sealed = x'' WHERE name = " + first}) {
    fill();
    tamper(sql.c_str());
    const std::string before = read(path());
    {
      const auto store = open();
      ASSERT_TRUE(store);
      const auto snapshot = store->snapshot(at(1));
      ASSERT_FALSE(snapshot) << sql;
      EXPECT_EQ(snapshot.error(), StoreError::kDamaged);
    }
    EXPECT_EQ(read(path()), before) << sql;
    std::filesystem::remove(path());
    records_.clear();
  }
}

// Either the damage is noticed, and nothing touched, or it hit octets that mean nothing.
TEST_F(SqliteRefusal, DamageAtRandomOctetsNeverGivesOtherRecords) {
  fill();
  const std::string whole = read(path());
  const auto expected = words(records_);
  std::minstd_rand draw(7);
  int refused = 0;
  for (int round = 0; round < 400; ++round) {
    std::string content = whole;
    if (round % 10 == 0)
      content.resize(draw() % whole.size());
    else
      for (std::size_t i = 0; i < 1U + draw() % 8; ++i)
        content[draw() % whole.size()] ^= static_cast<char>(1 + draw() % 255);
    write(path(), content);
    const auto before = state();
    auto opened = SqliteStore::open(options());
    auto snapshot = opened ? (*opened)->snapshot(at(1)) : fail(StoreError::kDamaged);
    if (snapshot) {
      EXPECT_EQ(words(*snapshot), expected) << "round " << round;
    } else {
      ++refused;
      if (opened) opened->reset();
      EXPECT_EQ(state(), before) << "round " << round;
    }
    if (opened) opened->reset();
    std::filesystem::remove(path() + "-wal");
    std::filesystem::remove(path() + "-journal");
  }
  EXPECT_GT(refused, 100);
}

// A process of its own that holds the store until it is killed.
pid_t hold(store::SqliteOptions options) {
  int ready[2];
  if (pipe(ready) != 0) return -1;
  const pid_t child = fork();
  if (child == 0) {
    auto opened = SqliteStore::open(std::move(options));
    const char word = opened ? 'y' : 'n';
    (void)!::write(ready[1], &word, 1);
    for (;;) pause();
  }
  close(ready[1]);
  char word = 0;
  EXPECT_EQ(::read(ready[0], &word, 1), 1);
  EXPECT_EQ(word, 'y');
  close(ready[0]);
  return child;
}

TEST_F(SqliteRefusal, AStoreThatAnotherProcessHolds) {
  fill();
  const pid_t holder = hold(options());
  expect_refused(OpenError::kLocked, "another process");
  kill(holder, SIGKILL);
  waitpid(holder, nullptr, 0);
  const auto store = open();
  EXPECT_EQ(kept(*store), words(records_));
}

TEST_F(SqliteRefusal, AFileOfWhichTheMakingWasInterruptedIsMadeAnew) {
  write(path() + ".new", "half a store");
  write(path() + ".new-journal", "and its journal");
  const auto store = open();
  EXPECT_EQ(kept(*store), std::vector<std::string>());
  EXPECT_FALSE(files().contains("router.db.new"));
}

}  // namespace
}  // namespace sendoff::test
