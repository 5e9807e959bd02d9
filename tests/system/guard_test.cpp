// The guard on real kernels: two hosts with it, one without and a stranger (guard.py says what);
// beside a router and a mobile node (guarded_roles.py).
#include <gtest/gtest.h>
#include <unistd.h>

#include "support/covers.h"
#include "support/paths.h"
#include "system/command.h"

namespace sendoff::test {
namespace {

TEST(GuardedHosts, ReachEachOtherAndNobodySpeaksForThem) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root to make namespaces";
  COVERS("SND-8-1");
  COVERS("SND-8-4");
  COVERS("SND-8-11");
  COVERS("ND-4862-15");
  const Ran ran = run(source_directory() + "/tests/system/guard.py " + program());
  EXPECT_EQ(ran.status, 0) << ran.output;
  EXPECT_NE(ran.output.find("guard: all held"), std::string::npos) << ran.output;
}

TEST(GuardedRoles, ExchangeKeysAndNobodySpeaksForThem) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root to make namespaces";
  COVERS("SND-9.2.6-1");
  const Ran ran = run(source_directory() + "/tests/system/guarded_roles.py " + program());
  EXPECT_EQ(ran.status, 0) << ran.output;
  EXPECT_NE(ran.output.find("guarded roles: all held"), std::string::npos) << ran.output;
}

}  // namespace
}  // namespace sendoff::test
