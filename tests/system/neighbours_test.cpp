// Neighbor Discovery and address configuration of a node as a whole: its kernel, `sendoff guard`
// between that and the link, and a stranger on the link (neighbours.py and duplicates.py say what).
#include <gtest/gtest.h>
#include <unistd.h>

#include "support/covers.h"
#include "support/paths.h"
#include "system/command.h"

namespace sendoff::test {
namespace {

void expect_held(const std::string& script, const std::string& group) {
  const Ran ran =
      run(source_directory() + "/tests/system/" + script + ".py " + program() + " " + group);
  EXPECT_EQ(ran.status, 0) << ran.output;
  EXPECT_NE(ran.output.find(script + " " + group + ": all held"), std::string::npos) << ran.output;
}

class GuardedKernel : public testing::Test {
 protected:
  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "needs root to make namespaces";
  }
};

TEST_F(GuardedKernel, HasTheConstantsAndGroupsOfANode) {
  COVERS("ND-4861-69", "ND-4861-87");
  expect_held("neighbours", "constants");
}

TEST_F(GuardedKernel, AnswersWhoAsksForItAndMakesNoNeighbourOfWhoSaysNoAddress) {
  COVERS("ND-4861-72", "ND-4861-74", "ND-4861-93");
  expect_held("neighbours", "answers");
}

TEST_F(GuardedKernel, ResolvesAddressesAndGivesThemUp) {
  COVERS("ND-4861-70", "ND-4861-71", "ND-4861-77");
  expect_held("neighbours", "resolution");
}

TEST_F(GuardedKernel, HearsOfKnownNeighbours) {
  COVERS("ND-4861-78", "ND-4861-79");
  expect_held("neighbours", "known");
}

TEST_F(GuardedKernel, KnowsItsRouters) {
  COVERS("ND-4861-20", "ND-4861-61", "ND-4861-65", "ND-4861-68", "ND-4861-81");
  expect_held("neighbours", "routers");
}

TEST_F(GuardedKernel, TakesNothingThatCameInFragments) {
  COVERS("ND-6980-3");
  expect_held("neighbours", "fragments");
}

TEST_F(GuardedKernel, IsARouterAndNoneAnyMore) {
  COVERS("ND-4861-57", "ND-4861-58", "ND-4861-75", "ND-4862-5");
  expect_held("neighbours", "router");
}

TEST_F(GuardedKernel, FindsOutWhoIsThereNoMore) {
  COVERS("ND-4861-70", "ND-4861-82");
  expect_held("neighbours", "unreachability");
}

TEST_F(GuardedKernel, TellsOfAnotherLinkAddress) {
  COVERS("ND-4861-80");
  expect_held("neighbours", "announcement");
}

TEST_F(GuardedKernel, AsksForEachAddressBeforeItIsUsed) {
  COVERS("ND-4862-1", "ND-4862-4", "ND-4862-8", "ND-4862-16", "SND-9.1-2");
  expect_held("duplicates", "questions");
}

TEST_F(GuardedKernel, HeedsNothingThatProvesNoDuplicate) {
  COVERS("ND-4862-6", "ND-4862-7", "ND-4862-12");
  expect_held("duplicates", "noise");
}

TEST_F(GuardedKernel, GivesWayToWhoAsksForTheSameAddress) {
  COVERS("ND-4862-11", "ND-4862-13", "ND-4862-14", "ND-4862-17");
  expect_held("duplicates", "collision");
}

TEST_F(GuardedKernel, AddressesOfDaemonsAreDetectedToo) {
  COVERS("ND-4861-33", "ND-4862-3");
  expect_held("duplicates", "daemons");
}

}  // namespace
}  // namespace sendoff::test
