// The attacks of RFC 3756 and RFC 3971 9 between namespaces (threats.py says what).
#include <gtest/gtest.h>
#include <unistd.h>

#include "support/covers.h"
#include "support/paths.h"
#include "system/command.h"

namespace sendoff::test {
namespace {

class GuardedHost : public testing::Test {
 protected:
  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "needs root to make namespaces";
  }

  static void expect_safe_from(const std::string& threat) {
    const Ran ran =
        run(source_directory() + "/tests/system/threats.py " + program() + " " + threat);
    EXPECT_EQ(ran.status, 0) << ran.output;
    EXPECT_NE(ran.output.find("threats " + threat + ": all held"), std::string::npos) << ran.output;
  }
};

TEST_F(GuardedHost, KeepsItsNeighboursLinkAddresses) { expect_safe_from("neighbours"); }

TEST_F(GuardedHost, IsNotMadeBelieveThatSomebodyIsThere) {
  COVERS("SND-9.2.2-1");
  expect_safe_from("unreachability");
}

TEST_F(GuardedHost, HasItsAddressesWhoeverClaimsThem) { expect_safe_from("addresses"); }

TEST_F(GuardedHost, KeepsItsRouterItsPrefixesAndItsParameters) { expect_safe_from("routers"); }

TEST_F(GuardedHost, HeedsNothingThatIsSaidAgain) { expect_safe_from("replay"); }

TEST_F(GuardedHost, SpendsNoMoreOnBadSignaturesThanItMay) {
  COVERS("SND-9.3-1");
  expect_safe_from("exhaustion");
}

}  // namespace
}  // namespace sendoff::test
