// The radio's manager: its texts, a real wpa_supplicant on a wired link, and a scripted one for
// what only a radio can do.
#include "net/wireless_control.h"

#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <fstream>

#include "net/testbed.h"

extern char** environ;

namespace sendoff::test {
namespace {

using net::WirelessControl;
using net::WirelessEvent;

const LinkAddress kAccessPoint = LinkAddress::literal("02:00:00:00:0a:02");
const LinkAddress kStation = LinkAddress::literal("02:00:00:00:01:01");
// Where a wired supplicant says that it is attached: the group that authenticators listen to.
const LinkAddress kWired = LinkAddress::literal("01:80:c2:00:00:03");

TEST(WirelessEvent, SaysWhereTheInterfaceIsAttached) {
  const auto event = net::parse_wireless_event(
      "<3>CTRL-EVENT-CONNECTED - Connection to 02:00:00:00:0a:02 completed [id=0 id_str=]");
  ASSERT_TRUE(event);
  EXPECT_EQ(std::get<net::Associated>(*event).access_point, kAccessPoint);
  const auto left =
      net::parse_wireless_event("<3>CTRL-EVENT-DISCONNECTED bssid=02:00:00:00:0a:02 reason=3");
  ASSERT_TRUE(left);
  EXPECT_TRUE(std::holds_alternative<net::Dissociated>(*left));
}

TEST(WirelessEvent, SaysWhichStationMoves) {
  const auto agreed = net::parse_wireless_event(
      "<3>BSS-TM-RESP 02:00:00:00:01:01 status_code=0 bss_termination_delay=0"
      " target_bssid=02:00:00:00:0a:02");
  ASSERT_TRUE(agreed);
  EXPECT_EQ(std::get<net::StationLeaves>(*agreed).station, kStation);
  EXPECT_EQ(std::get<net::StationLeaves>(*agreed).access_point, kAccessPoint);
  const auto asks = net::parse_wireless_event("<3>BSS-TM-QUERY 02:00:00:00:01:01 reason=16");
  ASSERT_TRUE(asks);
  EXPECT_EQ(std::get<net::StationAsks>(*asks).station, kStation);
}

TEST(WirelessEvent, IsNothingWhereNothingIsSaidThatMatters) {
  for (const char* text :
       {"", "<", "<3", "<3>", "OK\n", "PONG\n", "<3>CTRL-EVENT-SCAN-RESULTS ",
        "<3>CTRL-EVENT-CONNECTED - Connection to nowhere completed",
        "<3>CTRL-EVENT-CONNECTED - Connection to ", "CTRL-EVENT-DISCONNECTED bssid=",
        "<3>BSS-TM-RESP 02:00:00:00:01:01 status_code=1 bss_termination_delay=0",
        "<3>BSS-TM-RESP 02:00:00:00:01:01 status_code=1 target_bssid=02:00:00:00:0a:02",
        "<3>BSS-TM-RESP  status_code=0 target_bssid=02:00:00:00:0a:02", "<3>BSS-TM-QUERY "})
    EXPECT_FALSE(net::parse_wireless_event(text)) << text;
}

TEST(WirelessStatus, NamesTheAccessPointOnceAllKeysAreInPlace) {
  EXPECT_EQ(net::associated_with("bssid=02:00:00:00:0a:02\nfreq=2412\nwpa_state=COMPLETED\n"),
            kAccessPoint);
  EXPECT_EQ(net::associated_with("wpa_state=COMPLETED\nap_mld_bssid=x\nbssid=02:00:00:00:0a:02\n"),
            kAccessPoint);
  EXPECT_FALSE(net::associated_with("bssid=02:00:00:00:0a:02\nwpa_state=4WAY_HANDSHAKE\n"));
  EXPECT_FALSE(net::associated_with("wpa_state=COMPLETED\n"));
  EXPECT_FALSE(net::associated_with("state=ENABLED\nbssid[0]=02:00:00:00:0a:02\n"));  // hostapd
  EXPECT_FALSE(net::associated_with(""));
}

// What a control is told, and what it tells.
struct Follower {
  explicit Follower(net::EventLoop& loop, const std::string& path)
      : control(loop, path,
                {.event = [this](const WirelessEvent& event) { events.push_back(event); },
                 .remark =
                     [this](bool good, const std::string& text) {
                       remarks.push_back((good ? "+ " : "- ") + text);
                     }}) {}
  std::vector<WirelessEvent> events;
  std::vector<std::string> remarks;
  WirelessControl control;
};

class Directory {
 public:
  Directory() {
    path_ = testing::TempDir() + "/sendoff-test-XXXXXX";
    EXPECT_NE(mkdtemp(path_.data()), nullptr);
  }
  ~Directory() { (void)run("rm -rf " + path_); }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

class Supplicant : public LinkTest {
 protected:
  void SetUp() override {
    LinkTest::SetUp();
    if (IsSkipped()) return;
    std::ofstream(directory_.path() + "/wpa.conf") << "ctrl_interface=" << directory_.path()
                                                   << "/control\nap_scan=0\n"
                                                      "network={\n  key_mgmt=NONE\n}\n";
  }
  void TearDown() override {
    stop();
    LinkTest::TearDown();
  }
  void start() {
    std::string configuration = directory_.path() + "/wpa.conf";
    std::vector<std::string> words{"wpa_supplicant", "-qq", "-i",         "here", "-D",
                                   "wired",          "-c",  configuration};
    std::vector<char*> arguments;
    for (std::string& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    ASSERT_EQ(posix_spawnp(&child_, "wpa_supplicant", nullptr, nullptr, arguments.data(), environ),
              0);
  }
  void stop() {
    if (child_ == 0) return;
    kill(child_, SIGTERM);
    (void)waitpid(child_, nullptr, 0);
    child_ = 0;
  }
  [[nodiscard]] std::string socket() const { return directory_.path() + "/control/here"; }

  net::EventLoop loop;

 private:
  Directory directory_;
  pid_t child_ = 0;
};

TEST_F(Supplicant, TellsOfTheLinkThroughItsRestart) {
  // Before anybody serves the socket, it is waited for.
  Follower follower(loop, socket());
  EXPECT_FALSE(follower.control.attached());
  EXPECT_EQ(follower.remarks, std::vector<std::string>{"- No such file or directory"});

  start();
  ASSERT_TRUE(serve(loop, [&] { return !follower.events.empty(); }));
  EXPECT_TRUE(follower.control.attached());
  EXPECT_EQ(std::get<net::Associated>(follower.events[0]).access_point, kWired);

  // It says that it goes: the link is gone, and its end is no surprise.
  follower.events.clear();
  stop();
  ASSERT_TRUE(serve(loop, [&] { return !follower.control.attached(); }));
  ASSERT_FALSE(follower.events.empty());
  EXPECT_TRUE(std::holds_alternative<net::Dissociated>(follower.events[0]));
  EXPECT_EQ(follower.remarks.back(), "- it ended");

  follower.events.clear();
  start();
  ASSERT_TRUE(serve(loop, [&] { return !follower.events.empty(); }));
  EXPECT_EQ(std::get<net::Associated>(follower.events[0]).access_point, kWired);
  EXPECT_EQ(follower.remarks.size(), 4u);
}

TEST_F(Supplicant, RefusesToRoamWhereThereIsNoRadio) {
  start();
  Follower follower(loop, socket());
  ASSERT_TRUE(serve(loop, [&] { return follower.control.attached(); }));
  std::optional<bool> moved;
  follower.control.roam(kAccessPoint, [&](auto result) { moved = result.has_value(); });
  ASSERT_TRUE(serve(loop, [&] { return moved.has_value(); }));
  EXPECT_EQ(moved, false);
  EXPECT_TRUE(follower.control.attached());
}

// Answers as it is told to, in the order of commands.
class ScriptedRadio {
 public:
  explicit ScriptedRadio(const std::string& path) : fd_(::socket(AF_UNIX, SOCK_DGRAM, 0)) {
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    path.copy(name.sun_path, sizeof name.sun_path - 1);
    EXPECT_EQ(bind(fd_.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name), 0);
  }
  // The next command; `answer` to it, unless empty.
  std::string serve(const std::string& answer) {
    std::array<char, 256> octets{};
    size_ = sizeof peer_;
    const ssize_t got = recvfrom(fd_.get(), octets.data(), octets.size(), MSG_DONTWAIT,
                                 reinterpret_cast<sockaddr*>(&peer_), &size_);
    if (got < 0) return {};
    if (!answer.empty()) say(answer);
    return {octets.data(), static_cast<std::size_t>(got)};
  }
  void say(const std::string& text) {
    (void)sendto(fd_.get(), text.data(), text.size(), 0, reinterpret_cast<const sockaddr*>(&peer_),
                 size_);
  }

 private:
  net::FileDescriptor fd_;
  sockaddr_un peer_{};
  socklen_t size_ = 0;
};

TEST(WirelessControl, HasTheInterfaceRoamAndHearsWhereItCame) {
  const Directory directory;
  net::EventLoop loop;
  ScriptedRadio radio(directory.path() + "/radio");
  Follower follower(loop, directory.path() + "/radio");
  EXPECT_EQ(radio.serve("OK\n"), "ATTACH");
  EXPECT_EQ(radio.serve("wpa_state=SCANNING\n"), "STATUS");
  ASSERT_TRUE(serve(loop, [&] { return follower.control.attached(); }));
  std::optional<bool> moved;
  follower.control.roam(kAccessPoint, [&](auto result) { moved = result.has_value(); });
  // An event between a command and its answer is an event.
  radio.say("<3>CTRL-EVENT-DISCONNECTED bssid=02:00:00:00:0a:01 reason=3");
  EXPECT_EQ(radio.serve("OK\n"), "ROAM 02:00:00:00:0a:02");
  radio.say("<3>CTRL-EVENT-CONNECTED - Connection to 02:00:00:00:0a:02 completed [id=0 id_str=]");
  ASSERT_TRUE(serve(loop, [&] { return follower.events.size() == 2; }));
  EXPECT_EQ(moved, true);
  EXPECT_TRUE(std::holds_alternative<net::Dissociated>(follower.events[0]));
  EXPECT_EQ(std::get<net::Associated>(follower.events[1]).access_point, kAccessPoint);
}

TEST(WirelessControl, AnswersEveryRoamThoughTheRadioIsGone) {
  const Directory directory;
  net::EventLoop loop;
  Follower follower(loop, directory.path() + "/radio");
  std::optional<bool> moved;
  follower.control.roam(kAccessPoint, [&](auto result) { moved = result.has_value(); });
  EXPECT_EQ(moved, false);
  moved.reset();
  {
    ScriptedRadio radio(directory.path() + "/radio");
    ASSERT_TRUE(serve(loop, [&] { return radio.serve("OK\n") == "STATUS"; }));
    follower.control.roam(kAccessPoint, [&](auto result) { moved = result.has_value(); });
  }
  // It never answers: that is found out by itself.
  ASSERT_TRUE(serve(loop, [&] { return moved.has_value(); }));
  EXPECT_EQ(moved, false);
  EXPECT_FALSE(follower.control.attached());
}

}  // namespace
}  // namespace sendoff::test
