// Two router daemons whose HI and HAck are left to the kernel's IPsec, in a user-mode Linux. Each
// scenario of tests/system/ipsec.py prints what it saw and stops at the first thing that it did
// not.
#include <gtest/gtest.h>
#include <unistd.h>

#include <string>

#include "support/covers.h"
#include "support/paths.h"
#include "system/command.h"

namespace sendoff::test {
namespace {

constexpr int kCannot = 77;

class HostIpsec : public testing::Test {
 protected:
  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "needs root, whose files a user-mode Linux has";
  }
  // Whether the scenario went right; skips the test where none can be run.
  static bool saw_all_of(const std::string& scenario) {
    const Ran ran =
        run(source_directory() + "/tests/system/ipsec_uml.py " + plain_program() + " " + scenario);
    if (ran.status == kCannot) return false;
    EXPECT_EQ(ran.status, 0) << ran.output;
    return ran.status == 0;
  }
};

// By hand (the example for `ip xfrm`), after handovers that are refused because there is no policy;
// then by strongSwan with a shared secret, where a neighbour wants another's address.
TEST_F(HostIpsec, ByHandAndByIkev2ItCarriesHandoversAndNothingPassesIt) {
  const bool all = saw_all_of("manual") && saw_all_of("ikev2");
  if (!all && !HasFailure()) GTEST_SKIP() << "NOT TESTED: no user-mode Linux with strongSwan here";
  if (!all) return;
  COVERS("FH-10-07", "FH-10-08", "FH-10-09", "FH-10-10", "FH-10-11");
  COVERS("FH-10.1-01", "FH-10.2-01", "FH-10.2-02");
  COVERS("ESP-5568-06");
}

TEST_F(HostIpsec, AKernelWithoutEspIsRefusedWithASentence) {
  const Ran ran = run(source_directory() + "/tests/system/ipsec.py " + program() + " without");
  if (ran.status == kCannot) GTEST_SKIP() << "this kernel has ESP for IPv6";
  EXPECT_EQ(ran.status, 0) << ran.output;
}

TEST_F(HostIpsec, InstalledPoliciesStandWhileTheDaemonRunsAndGoWithIt) {
  if (!saw_all_of("installed") && !HasFailure())
    GTEST_SKIP() << "NOT TESTED: no user-mode Linux with strongSwan here";
}

}  // namespace
}  // namespace sendoff::test
