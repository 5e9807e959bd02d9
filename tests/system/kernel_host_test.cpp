// A host's kernel, its routers' kernels, and `sendoff guard` between them (kernel_host.py says
// what).
#include <gtest/gtest.h>
#include <unistd.h>

#include <future>
#include <map>

#include "support/covers.h"
#include "support/paths.h"
#include "system/command.h"

namespace sendoff::test {
namespace {

// The groups wait for most of their time, each on a link of its own: all run at once.
class KernelHost : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    if (geteuid() != 0) return;
    for (const char* group : {"router", "asked", "addresses", "redirects"})
      running_[group] = std::async(std::launch::async, [group] {
        return run(source_directory() + "/tests/system/kernel_host.py " + program() + " " + group);
      });
  }
  static void TearDownTestSuite() { running_.clear(); }
  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "needs root to make namespaces";
  }
  static void holds(const std::string& group) {
    const Ran ran = running_.at(group).get();
    EXPECT_EQ(ran.status, 0) << ran.output;
    EXPECT_NE(ran.output.find("kernel_host " + group + ": all held"), std::string::npos)
        << ran.output;
  }

 private:
  static inline std::map<std::string, std::future<Ran>> running_;
};

TEST_F(KernelHost, HeedsWhatACertifiedRouterSays) {
  COVERS("ND-4861-64", "ND-4861-66", "ND-4861-73", "ND-4861-83", "ND-4862-28", "SND-7.1-2");
  holds("router");
}

TEST_F(KernelHost, KnowsWhoAsksForItAndNobodyElse) {
  COVERS("ND-4861-73", "ND-4861-76");
  holds("asked");
}

TEST_F(KernelHost, DetectsAtADelayOfItsOwnAndLetsAddressesAge) {
  COVERS("ND-4862-10", "ND-4862-26");
  holds("addresses");
}

TEST_F(KernelHost, TellsOfBetterWaysAndHeedsNoneAsARouter) {
  COVERS("ND-4861-84");
  holds("redirects");
}

}  // namespace
}  // namespace sendoff::test
