// Two access routers and a mobile node of which one is killed at moments drawn by lot: what was
// answered holds, nothing is taken twice, and nothing stays in the kernel. Ten times as many by
// `tests/system/kill.py PROGRAM --kills 100`.
#include <gtest/gtest.h>
#include <unistd.h>

#include "support/paths.h"
#include "system/command.h"

namespace sendoff::test {
namespace {

TEST(KillSeries, WhatWasAnsweredHoldsAndNothingStays) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root to make namespaces";
  const Ran ran =
      run(source_directory() + "/tests/system/kill.py " + program() + " --kills 4 --seed 3");
  EXPECT_EQ(ran.status, 0) << ran.output;
  EXPECT_NE(ran.output.find("kill series: 4 kills"), std::string::npos) << ran.output;
}

}  // namespace
}  // namespace sendoff::test
