// Revocation lists in a real node (revoked.py says what).
#include <gtest/gtest.h>
#include <unistd.h>

#include "support/covers.h"
#include "support/paths.h"
#include "system/command.h"

namespace sendoff::test {
namespace {

TEST(RevokedRouter, IsNoRouterAnyMore) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root to make namespaces";
  COVERS("CRT-3971-21", "CRT-3971-22");
  COVERS("SND-6.4.6-6");
  const Ran ran = run(source_directory() + "/tests/system/revoked.py " + program());
  EXPECT_EQ(ran.status, 0) << ran.output;
  EXPECT_NE(ran.output.find("revoked: all held"), std::string::npos) << ran.output;
}

}  // namespace
}  // namespace sendoff::test
