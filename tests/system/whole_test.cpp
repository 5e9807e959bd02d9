// Whole daemons on a real link: tools/demo, its self-test, and the hunt for a key where none must
// be. The programs that run there are the ones that a person would run.
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <string>

#include "support/covers.h"
#include "support/paths.h"
#include "system/command.h"

namespace sendoff::test {
namespace {

const std::string kSource = source_directory();
const std::string kProgram = program();

class Whole : public testing::Test {
 protected:
  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "needs root to make namespaces";
    const std::string pattern = "/tmp/sendoff-test-XXXXXX";
    std::copy(pattern.begin(), pattern.end(), directory_.begin());
    ASSERT_NE(mkdtemp(directory_.data()), nullptr);
  }
  void TearDown() override {
    if (directory_[0] != '\0') (void)run("rm -rf " + directory());
  }
  [[nodiscard]] std::string directory() const { return directory_.data(); }

 private:
  std::array<char, 64> directory_{};
};

TEST_F(Whole, TwoDaemonsAgreeAKeyAndAForgedFbuIsRefused) {
  const Ran demo = run(kSource + "/tools/demo --no-build --program " + kProgram + " --pcap " +
                       directory() + "/demo.pcap");
  EXPECT_EQ(demo.status, 0) << demo.output;
  EXPECT_NE(demo.output.find("hold the same key"), std::string::npos) << demo.output;
  EXPECT_NE(demo.output.find("forged FBU is refused"), std::string::npos) << demo.output;
  EXPECT_NE(demo.output.find("report: "), std::string::npos) << demo.output;
  const Ran judged = run(kSource + "/tools/pcap-check " + directory() + "/demo.pcap");
  EXPECT_EQ(judged.status, 0) << judged.output;
}

TEST_F(Whole, EachSpoiledRunFailsWhereItShould) {
  const Ran demo = run(kSource + "/tools/demo --self-test --no-build --program " + kProgram);
  EXPECT_EQ(demo.status, 0) << demo.output;
  EXPECT_NE(demo.output.find("3 passed, 0 failed"), std::string::npos) << demo.output;
}

TEST_F(Whole, AHandoverKeyIsNowhereButInTheTwoDaemons) {
  const Ran hunt = run(kSource + "/tests/system/secrets.py " + kProgram);
  EXPECT_EQ(hunt.status, 0) << hunt.output;
  EXPECT_NE(hunt.output.find("the key is in none of them"), std::string::npos) << hunt.output;
}

TEST_F(Whole, DaemonsThatWereKilledGoOnWithTheKeysThatTheyHad) {
  const Ran restarts = run(kSource + "/tests/system/restart.py " + kProgram);
  EXPECT_EQ(restarts.status, 0) << restarts.output;
  EXPECT_NE(restarts.output.find("all held"), std::string::npos) << restarts.output;
}

TEST_F(Whole, AStoreThatMustNotBeUsedKeepsTheDaemonFromStarting) {
  const Ran refusals = run(kSource + "/tests/system/stores.py " + kProgram);
  EXPECT_EQ(refusals.status, 0) << refusals.output;
  EXPECT_NE(refusals.output.find("all held"), std::string::npos) << refusals.output;
}

TEST_F(Whole, TwoRunsSideBySideDoNotCollide) {
  const std::string one =
      kSource + "/tools/demo --no-lab --no-build --program " + kProgram + " --pcap " + directory();
  const Ran both = run("(" + one + "/a.pcap > " + directory() + "/a.out 2>&1 & first=$!; " + one +
                       "/b.pcap > " + directory() + "/b.out 2>&1; b=$?; wait $first; a=$?; cat " +
                       directory() + "/*.out; exit $((a + b)))");
  EXPECT_EQ(both.status, 0) << both.output;
}

TEST_F(Whole, NothingIsLeftOfARun) {
  const std::string temporary = directory() + "/temporary";
  const std::string namespaces = run("ip netns list").output;
  const Ran demo = run("mkdir " + temporary + " && TMPDIR=" + temporary + " " + kSource +
                       "/tools/demo --no-lab --no-build --program " + kProgram + " --pcap " +
                       directory() + "/demo.pcap");
  EXPECT_EQ(demo.status, 0) << demo.output;
  EXPECT_EQ(run("ls -A " + temporary).output, "");
  EXPECT_EQ(run("ip netns list").output, namespaces);
}

}  // namespace
}  // namespace sendoff::test
