// A router daemon whose neighbour speaks ESP with it: what a restart leaves of its numbers, what it
// says of its keys, and to what it says nothing.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <string>

#include "support/covers.h"
#include "support/paths.h"

namespace sendoff::test {
namespace {

class EspDaemon : public testing::Test {
 protected:
  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "needs root to make namespaces";
  }
  // The exit code of a script of tests/system, which prints what it saw.
  static int run(const std::string& script, std::string& output) {
    const std::string command = source_directory() + "/tests/system/" + script + " 2>&1";
    std::FILE* pipe = popen(command.c_str(), "r");
    if (pipe == nullptr) return -1;
    std::array<char, 4096> buffer{};
    for (std::size_t got = 0; (got = std::fread(buffer.data(), 1, buffer.size(), pipe)) > 0;)
      output.append(buffer.data(), got);
    const int status = pclose(pipe);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }
  static void expect_right(const std::string& scenario) {
    std::string output;
    EXPECT_EQ(run("esp.py " + program() + " " + scenario, output), 0) << output;
  }
};

TEST_F(EspDaemon, KilledAnywhereItGoesOnAboveTheNumbersOnTheWire) {
  COVERS("ESP-4303-14");  // a store that refuses: Seal.NothingBeyondTheReservedBlockLeaves…
  expect_right("restart");
}

TEST_F(EspDaemon, KilledItStillRefusesWhatItHadAccepted) {
  COVERS("ESP-4303-20");  // not waiting for the store: Restart.TheHighestNumberIsStored…
  expect_right("floor");
}

TEST_F(EspDaemon, NeitherItNorTheKernelAnswersWhatIsDropped) {
  COVERS("ESP-4303-25", "ESP-4303-28");  // fragments that reach us: Open.FragmentsAreDropped…
  expect_right("silence");
}

TEST_F(EspDaemon, NoKeyIsInWhatItWrites) {
  COVERS("ESP-4303-30");  // memory: EspWiping; modes: EspFile.KeyFilesAreNotForOthers
  COVERS("ESP-4303-16");  // a new key begins at 1: Restart.CountersGoOnThroughRemovalAndReturn
  expect_right("secrets");
}

TEST_F(EspDaemon, TheCommandMakesKeysThatTheConfigurationTakes) {
  COVERS("ESP-4868-03");  // what is not random: EspFile.KeysThatAreNotRandomAreRefused
  std::string output;
  EXPECT_EQ(run("esp.py " + program() + " keys", output), 0) << output;
}

TEST_F(EspDaemon, GivesProtectionUpForOneNeighbourOnlyAndSaysSo) {
  COVERS("ESP-5568-03");
  expect_right("switch");
}

// The ESP of Linux as the neighbour, in a kernel of its own.
TEST_F(EspDaemon, ExchangesHiAndHackWithTheEspOfLinux) {
  std::string output;
  const int status = run("esp_uml.py " + program(), output);
  if (status == 77) GTEST_SKIP() << "NOT TESTED against Linux: " << output;
  EXPECT_EQ(status, 0) << output;
  if (status == 0) COVERS("ESP-4303-01");  // octets, truncations: EspPacket; tshark: Tshark
}

}  // namespace
}  // namespace sendoff::test
