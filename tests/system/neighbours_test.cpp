// Neighbor Discovery and address configuration of a node as a whole: its kernel, `sendoff guard`
// between that and the link, and a stranger on the link (neighbours.py says what).
#include <gtest/gtest.h>
#include <unistd.h>

#include "support/covers.h"
#include "support/paths.h"
#include "system/command.h"

namespace sendoff::test {
namespace {

TEST(GuardedKernel, KeepsItsNeighboursAndAddressesAsRfc4861And4862Say) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root to make namespaces";
  COVERS("ND-4861-20", "ND-4861-33", "ND-4861-57", "ND-4861-58", "ND-4861-61", "ND-4861-65",
         "ND-4861-68", "ND-4861-69", "ND-4861-70", "ND-4861-71", "ND-4861-72", "ND-4861-74",
         "ND-4861-75", "ND-4861-77", "ND-4861-78", "ND-4861-79", "ND-4861-80", "ND-4861-81",
         "ND-4861-82", "ND-4861-87", "ND-4861-93", "ND-4862-1", "ND-4862-3", "ND-4862-4",
         "ND-4862-5", "ND-4862-6", "ND-4862-7", "ND-4862-8", "ND-4862-11", "ND-4862-12",
         "ND-4862-13", "ND-4862-14", "ND-4862-16", "ND-4862-17", "ND-6980-3");
  const Ran ran = run(source_directory() + "/tests/system/neighbours.py " + program());
  EXPECT_EQ(ran.status, 0) << ran.output;
  EXPECT_NE(ran.output.find("neighbours: all held"), std::string::npos) << ran.output;
}

}  // namespace
}  // namespace sendoff::test
