// The journal of what is to be undone, as the next run reads it after a kill.
#include <gtest/gtest.h>

#include <filesystem>

#include "net/sysctl.h"

namespace sendoff::net {
namespace {

using Lines = std::vector<std::string>;

class Journal : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_NE(mkdtemp(directory_.data()), nullptr); }
  void TearDown() override { std::filesystem::remove_all(directory_); }
  UndoJournal open() { return std::move(UndoJournal::open(directory_)).value(); }
  [[nodiscard]] std::uintmax_t size() const {
    return std::filesystem::file_size(directory_ + "/undo");
  }

 private:
  std::string directory_ = "/tmp/sendoff-journal-XXXXXX";
};

TEST_F(Journal, WhatIsStruckOutIsNotLeftOver) {
  {
    UndoJournal journal = open();
    EXPECT_TRUE(journal.left_over().empty());
    for (const char* line : {"a", "b", "b", "c"}) ASSERT_TRUE(journal.note(line));
    journal.strike("b");
    journal.strike("never noted");
    journal.strike("a");
    ASSERT_TRUE(journal.note("a"));
    EXPECT_EQ(journal.lines(), (Lines{"c", "a"}));
  }
  UndoJournal again = open();
  EXPECT_EQ(again.left_over(), (Lines{"c", "a"}));
  again.clear();
  EXPECT_TRUE(open().left_over().empty());
}

TEST_F(Journal, AnEntryThatComesAndGoesDoesNotFillTheDisk) {
  UndoJournal journal = open();
  ASSERT_TRUE(journal.note("stays"));
  std::uintmax_t largest = 0;
  for (int i = 0; i < 10'000; ++i) {
    ASSERT_TRUE(journal.note("proxy access0 2001:db8::1"));
    journal.strike("proxy access0 2001:db8::1");
    largest = std::max(largest, size());
  }
  EXPECT_LT(largest, 32'000U);
  EXPECT_EQ(open().left_over(), Lines{"stays"});
}

}  // namespace
}  // namespace sendoff::net
