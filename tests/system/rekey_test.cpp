// A guarded host whose key is replaced (rekey.py says what).
#include <gtest/gtest.h>
#include <unistd.h>

#include "support/covers.h"
#include "support/paths.h"
#include "system/command.h"

namespace sendoff::test {
namespace {

TEST(RekeyedHost, HasOtherAddressesThatItsPeerAccepts) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root to make namespaces";
  COVERS("CGA-7.1-1", "CGA-7.1-2");
  const Ran ran = run(source_directory() + "/tests/system/rekey.py " + program());
  EXPECT_EQ(ran.status, 0) << ran.output;
  EXPECT_NE(ran.output.find("rekey: all held"), std::string::npos) << ran.output;
}

}  // namespace
}  // namespace sendoff::test
