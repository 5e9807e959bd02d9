#include "support/covers.h"

#include <gtest/gtest.h>

#include <string>

namespace sendoff::test {

void covers(std::initializer_list<std::string_view> ids) {
  // A second RecordProperty of one name replaces the first, so the ids of a test are gathered.
  static const testing::TestInfo* running = nullptr;
  static std::string gathered;
  const testing::TestInfo* current = testing::UnitTest::GetInstance()->current_test_info();
  if (current != running) {
    running = current;
    gathered.clear();
  }
  for (std::string_view id : ids) {
    if (!gathered.empty()) gathered += ' ';
    gathered += id;
  }
  testing::Test::RecordProperty("covers", gathered);
}

}  // namespace sendoff::test
