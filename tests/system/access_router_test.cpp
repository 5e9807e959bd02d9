// An access router as a whole: its kernel, its daemon, and a stranger on its link
// (access_router.py says what).
#include <gtest/gtest.h>
#include <unistd.h>

#include "support/covers.h"
#include "support/paths.h"
#include "system/command.h"

namespace sendoff::test {
namespace {

class AccessRouter : public testing::Test {
 protected:
  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "needs root to make namespaces";
  }
  static void expect_group_held(const std::string& group) {
    const Ran ran =
        run(source_directory() + "/tests/system/access_router.py " + program() + " " + group);
    EXPECT_EQ(ran.status, 0) << ran.output;
    EXPECT_NE(ran.output.find("access_router " + group + ": all held"), std::string::npos)
        << ran.output;
  }
};

TEST_F(AccessRouter, IsAHostAgainWithoutItsDaemon) {
  COVERS("ND-4861-91");
  expect_group_held("stop");
}

TEST_F(AccessRouter, LogsWhatAnotherRouterContradicts) {
  COVERS("ND-4861-59");
  expect_group_held("contradiction");
}

TEST_F(AccessRouter, ShowsItsCertificatesInOnePacketEachOrDoesNotStart) {
  COVERS("ND-6980-2");
  expect_group_held("mtu");
}

}  // namespace
}  // namespace sendoff::test
