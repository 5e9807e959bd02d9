// tools/soak, for a short time: real daemons under faults and attacks, and that its checks can
// fail.
#include <gtest/gtest.h>
#include <unistd.h>

#include "support/paths.h"
#include "system/command.h"

namespace sendoff::test {
namespace {

std::string soak() { return source_directory() + "/tools/soak --program " + program(); }

TEST(Soak, EachCheckNoticesWhatItIsFor) {
  const Ran ran = run(soak() + " --self-test");
  EXPECT_EQ(ran.status, 0) << ran.output;
  EXPECT_NE(ran.output.find(" passed, 0 failed"), std::string::npos) << ran.output;
}

TEST(Soak, PromisesHoldUnderFaultsAndAttacks) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root to make namespaces";
  const std::string namespaces = run("ip netns list").output;
  const Ran ran = run(soak() + " --minutes 0.35 --seed 7");
  EXPECT_EQ(ran.status, 0) << ran.output;
  EXPECT_NE(ran.output.find("all promises held"), std::string::npos) << ran.output;
  EXPECT_EQ(run("ip netns list").output, namespaces);
}

TEST(Soak, WhatGoesWrongOnPurposeIsNoticed) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root to make namespaces";
  const Ran ran = run(soak() + " --minutes 0.1 --seed 7 --spoil all");
  EXPECT_EQ(ran.status, 1) << ran.output;
  for (const char* promise : {"delivered-once", "right-node", "nothing-lost", "nothing-stays",
                              "no-sanitizer-report", "no-unexpected-end"})
    EXPECT_NE(ran.output.find("BROKEN " + std::string(promise)), std::string::npos)
        << promise << '\n'
        << ran.output;
}

}  // namespace
}  // namespace sendoff::test
