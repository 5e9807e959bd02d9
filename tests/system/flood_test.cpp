// Two hosts that `sendoff guard` protects find each other while one of them is flooded (tools/flood
// says with what, and measures it).
#include <gtest/gtest.h>
#include <unistd.h>

#include "support/paths.h"
#include "system/command.h"

namespace sendoff::test {
namespace {

class Flood : public testing::TestWithParam<const char*> {};

TEST_P(Flood, LeavesTheFloodedHostItsNeighbour) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root to make namespaces";
  const Ran ran = run(source_directory() + "/tools/flood " + program() + " " + GetParam() +
                      " --rate 300 --seconds 3 --distinct 50 --check");
  EXPECT_EQ(ran.status, 0) << ran.output;
  EXPECT_NE(ran.output.find("flood: all answered"), std::string::npos) << ran.output;
}

INSTANTIATE_TEST_SUITE_P(OfSolicitations, Flood, testing::Values("repeated", "bad", "good"),
                         [](const auto& each) { return std::string(each.param); });

}  // namespace
}  // namespace sendoff::test
