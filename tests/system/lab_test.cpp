// `sendoff lab` as a whole, on this kernel: what it measures, and that nothing of it stays.
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "support/paths.h"
#include "system/command.h"

namespace sendoff::test {
namespace {

using Json = nlohmann::json;

const std::string kLab = program() + " lab ";
constexpr const char* kFewAndShort = "--rate 200 --gap 60 --dwell 400 ";

class Lab : public testing::Test {
 protected:
  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "needs root to make namespaces";
    const std::string pattern = testing::TempDir() + "/sendoff-test-XXXXXX";
    directory_.assign(pattern.begin(), pattern.end());
    directory_.push_back('\0');
    ASSERT_NE(mkdtemp(directory_.data()), nullptr);
  }
  void TearDown() override {
    if (!directory_.empty()) std::filesystem::remove_all(directory_.data());
  }
  [[nodiscard]] std::string path(const std::string& name) const {
    return std::string(directory_.data()) + "/" + name;
  }
  [[nodiscard]] Json json() const {
    std::ifstream file(path("lab.json"));
    return Json::parse(file, nullptr, false);
  }
  // What `sendoff decode` says of a capture: message, verdict and check of each line.
  [[nodiscard]] std::string decoded(const std::string& capture) const {
    const Ran ran =
        run("{ " + program() + " decode " + path("captures/" + capture) + " --json 2>/dev/null; }");
    EXPECT_EQ(ran.status, 0) << ran.output;
    std::string told;
    std::istringstream lines(ran.output);
    for (std::string line; std::getline(lines, line);) {
      const Json message = Json::parse(line);
      for (const Json& check : message["checks"])
        told += message["message"].get<std::string>() + " " + check["verdict"].get<std::string>() +
                " " + check["check"].get<std::string>() + "\n";
    }
    return told;
  }
  // Everything outside that a run could leave: links and directories, and processes.
  static std::string surroundings() {
    return run("ip -o link | cut -d' ' -f2; ip netns list; ls -d /tmp/sendoff-lab-* 2>/dev/null;"
               " pgrep -af '/proc/self/exe (router|mobile)'")
        .output;
  }

 private:
  std::vector<char> directory_;
};

TEST_F(Lab, PlainHandoversLoseWhatTheLinkDidNotCarry) {
  const std::string before = surroundings();
  const Ran ran = run(kLab + "--mode plain --tcp " + kFewAndShort + "--json " + path("lab.json") +
                      " --report " + path("lab.html") + " --pcap " + path("captures"));
  ASSERT_EQ(ran.status, 0) << ran.output;
  const Json results = json();
  ASSERT_EQ(results["runs"].size(), 1U) << results;
  const Json& only = results["runs"][0];
  EXPECT_EQ(only["mode"], "plain");
  EXPECT_GT(only["sent"], 100);
  EXPECT_EQ(only["sent"], only["received"].get<int>() + only["lost"].get<int>());
  // 60 ms at 200 a second, and the link had none of it.
  EXPECT_GE(only["lost"], 11);
  EXPECT_EQ(only["duplicated"], 0);
  EXPECT_GE(only["link_gap_ms"], 60.0);
  EXPECT_GE(only["longest_silence_ms"], only["link_gap_ms"]);
  EXPECT_GT(only["silence_after_link_up_ms"], 0.0);
  EXPECT_LE(only["phases"]["link-up"], only["phases"]["first-packet"]);
  EXPECT_GT(only["tcp"]["octets"], 100'000);
  EXPECT_EQ(only["tcp"]["connections"], 2);
  EXPECT_GT(std::filesystem::file_size(path("lab.html")), 10'000U);
  for (const char* node : {"correspondent", "par", "nar", "mn"})
    EXPECT_GT(std::filesystem::file_size(path("captures/plain-1-" + std::string(node) + ".pcap")),
              1000U);
  EXPECT_EQ(surroundings(), before);
}

TEST_F(Lab, PredictiveHandoversLoseNothingAndKeepTheOrder) {
  const Ran ran = run(kLab + "--mode predictive --anticipation 10000 " + kFewAndShort + "--json " +
                      path("lab.json") + " --pcap " + path("captures"));
  ASSERT_EQ(ran.status, 0) << ran.output;
  const Json only = json()["runs"][0];
  EXPECT_GT(only["sent"], 100);
  for (const char* harm : {"lost", "undelivered", "duplicated", "reordered"})
    EXPECT_EQ(only[harm], 0) << harm << only;
  EXPECT_GT(only["held"], 0);
  // FBU, HI, HAck, FBack on the old link, the announcement on the new one, as captured.
  const Json& phases = only["phases"];
  EXPECT_LT(phases["fbu"], phases["hi"]);
  EXPECT_LT(phases["hi"], phases["hack"]);
  EXPECT_LT(phases["hack"], phases["fback"]);
  EXPECT_LT(phases["fback"], phases["link-down"]);
  EXPECT_LT(phases["link-down"], phases["una"]);
  EXPECT_LT(phases["una"], phases["first-packet"]);
  // What the captures have of HI and HAck is inside ESP.
  EXPECT_EQ(only["protection"], "esp");
  EXPECT_GT(only["backlog_gone_ms"], 0.0);
  const std::string told = decoded("predictive-1-mn.pcap") + decoded("predictive-1-par.pcap");
  for (const char* message :
       {"RtSolPr good cga", "RtSolPr good signature", "RtSolPr good timestamp",
        "PrRtAdv good nonce", "PrRtAdv good signature", "CPA good form", "FBU good form",
        "FBack good form", "HI in ESP not made esp", "HAck in ESP not made esp"})
    EXPECT_NE(told.find(message), std::string::npos) << message << "\n" << told;
  EXPECT_EQ(told.find(" bad "), std::string::npos) << told;
}

TEST_F(Lab, UnderGuardAHandoverLosesNothingAndTheKernelsMessagesAreSigned) {
  const Ran ran = run(kLab + "--mode predictive --guard --anticipation 10000 " + kFewAndShort +
                      "--json " + path("lab.json") + " --pcap " + path("captures"));
  ASSERT_EQ(ran.status, 0) << ran.output;
  const Json results = json();
  ASSERT_EQ(results["runs"].size(), 1U) << results;
  const Json& only = results["runs"][0];
  EXPECT_TRUE(results["settings"]["guard"]);
  EXPECT_GT(only["sent"], 100);
  EXPECT_EQ(only["lost"], 0);
  EXPECT_EQ(only["duplicated"], 0);
  const std::string told = "\n" + decoded("predictive-1-mn.pcap");
  for (const char* message : {"\nNS good cga", "\nNS good signature", "\nNS good timestamp",
                              "\nNA good cga", "\nNA good signature", "\nFBack good form"})
    EXPECT_NE(told.find(message), std::string::npos) << message << "\n" << told;
  EXPECT_EQ(told.find(" bad "), std::string::npos) << told;
  // But what a router says in a guest's name as his proxy (GS39).
  for (const char* unsigned_one : {"\nNS not made", "\nNA not made"})
    EXPECT_EQ(told.find(unsigned_one), std::string::npos) << told;
}

TEST_F(Lab, EveryOtherModeMovesTheNodeAndTellsWhatBecameOfTheStream) {
  const Ran ran =
      run(kLab + "--mode reactive,network,ping-pong --clear --anticipation 10000 " + kFewAndShort +
          "--json " + path("lab.json") + " --report " + path("lab.html"));
  ASSERT_EQ(ran.status, 0) << ran.output;
  const Json results = json();
  ASSERT_EQ(results["runs"].size(), 3U) << results;
  for (const Json& each : results["runs"]) {
    EXPECT_EQ(each["sent"], each["received"].get<int>() + each["lost"].get<int>()) << each;
    EXPECT_EQ(each["protection"], "clear") << each;
    EXPECT_EQ(each["per_move"].size(), each["moves"].get<std::size_t>());
    EXPECT_GT(each["silence_after_link_up_ms"], 0.0) << each;
  }
  const Json& reactive = results["runs"][0];
  // The node says nothing before it goes; what the link did not carry is lost.
  EXPECT_GE(reactive["lost"], 11);
  EXPECT_GT(reactive["phases"]["fbu"], reactive["phases"]["link-up"]);
  EXPECT_LT(reactive["phases"]["fbu"], reactive["phases"]["hi"]);
  const Json& network = results["runs"][1];
  EXPECT_LT(network["phases"]["prrtadv"], network["phases"]["fbu"]);
  EXPECT_LT(network["phases"]["fback"], network["phases"]["link-down"]);
  EXPECT_EQ(network["lost"], 0) << network;
  const Json& ping_pong = results["runs"][2];
  EXPECT_EQ(ping_pong["moves"], 2);
  EXPECT_EQ(ping_pong["per_move"][0]["to"], "nar");
  EXPECT_EQ(ping_pong["per_move"][1]["to"], "par");
}

TEST_F(Lab, ATransferOutlivesHandoversThereAndBack) {
  const Ran ran = run(kLab + "--mode predictive --moves 3 --tcp --anticipation 10000 " +
                      kFewAndShort + "--json " + path("lab.json"));
  ASSERT_EQ(ran.status, 0) << ran.output;
  const Json only = json()["runs"][0];
  EXPECT_EQ(only["moves"], 3);
  EXPECT_EQ(only["tcp"]["connections"], 1);
  ASSERT_EQ(only["per_move"].size(), 3U);
  int timeouts = 0;
  for (const Json& move : only["per_move"]) {
    // Nothing arrives while there is no link.
    EXPECT_GT(move["tcp"]["longest_stall_ms"], move["link_gap_ms"]) << move;
    timeouts += move["tcp"]["timeouts"].get<int>();
  }
  EXPECT_EQ(only["tcp"]["timeouts"], timeouts);
}

TEST_F(Lab, AnInterruptedRunSaysSoAndLeavesNothing) {
  const std::string before = surroundings();
  const Ran ran =
      run("timeout -s INT 3 " + kLab + "--mode plain --dwell 60000 --json " + path("lab.json"));
  EXPECT_NE(ran.output.find("sendoff lab: plain-1: interrupted"), std::string::npos) << ran.output;
  EXPECT_EQ(json()["failure"], "plain-1: interrupted");
  EXPECT_EQ(surroundings(), before);
}

TEST_F(Lab, WithoutRootItRunsInAUserNamespace) {
  if (run("setpriv --reuid=65534 --clear-groups unshare -Urnm true").status != 0)
    GTEST_SKIP() << "this host makes no user namespaces for ordinary users";
  std::filesystem::permissions(path(""), std::filesystem::perms::all);
  const Ran ran = run("cd / && setpriv --reuid=65534 --clear-groups unshare -Urnm " + kLab +
                      "--mode plain " + kFewAndShort + "--json " + path("lab.json"));
  ASSERT_EQ(ran.status, 0) << ran.output;
  EXPECT_EQ(json()["runs"].size(), 1U);
}

TEST_F(Lab, AModeThatDoesNotExistIsRefusedByItsName) {
  const Ran ran = run(kLab + "--mode plain,plane");
  EXPECT_EQ(ran.status, 2);
  EXPECT_NE(ran.output.find("there is no mode plane"), std::string::npos) << ran.output;
}

}  // namespace
}  // namespace sendoff::test
