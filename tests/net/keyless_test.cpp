// Daemons whose key file is not what it must be, on a link that shows whatever leaves them.
#include <filesystem>
#include <fstream>

#include "net/packet_filter.h"
#include "net/sysctl.h"
#include "net/testbed.h"
#include "support/covers.h"
#include "support/paths.h"

namespace sendoff::test {
namespace {

class Keyless : public LinkTest {
 protected:
  void SetUp() override {
    LinkTest::SetUp();
    if (IsSkipped()) return;
    directory_ = testing::TempDir() + "/sendoff-key-XXXXXX";
    ASSERT_NE(mkdtemp(directory_.data()), nullptr);
    // The kernel has nothing to ask of its own accord.
    ASSERT_TRUE(net::write_setting({"/proc/sys/net/ipv6/conf/here/accept_ra", "0"}));
    open_peer({{133, 134, 135, 136, 137, 148, 154, kMarker}, {}, {}});
  }
  void TearDown() override {
    if (!directory_.empty()) std::filesystem::remove_all(directory_);
    LinkTest::TearDown();
  }
  [[nodiscard]] std::string key() const { return directory_ + "/cga.key"; }
  // The file of a daemon that wants nothing but its key.
  [[nodiscard]] std::string file_of(const std::string& role) const {
    std::string text = "[daemon]\nuser = \"\"\nruntime_directory = \"" + directory_ +
                       "/run\"\ncontrol_socket = \"" + directory_ + "/run/socket\"\n" +
                       "[[interface]]\nname = \"here\"\n[cga]\nkey = \"" + key() + "\"\n";
    if (role == "guard") text += "[guard]\non_stop = \"open\"\n";
    if (role == "router")
      text += "[certificate]\nchain = \"" + source_directory() +
              "/tests/vectors/pki/good-router.der\"\nanchor = \"" + source_directory() +
              "/tests/vectors/pki/anchor.der\"\n";
    if (role == "mobile") text += "[keys]\nrequest = false\n";
    if (role != "guard") text += "[datapath]\nbackend = \"none\"\n";
    const std::string path = directory_ + "/" + role + ".toml";
    std::ofstream(path) << text;
    return path;
  }
  [[nodiscard]] static std::string command(const std::string& role, const std::string& file) {
    return program() + " " + role + " -c " + file + (role == "guard" ? "" : " --store memory");
  }
  struct Ended {
    std::string status;
    std::string output;
  };
  [[nodiscard]] static Ended end_of(const std::string& command) {
    const std::string all = output_of("(" + command + ") 2>&1; echo status $?");
    const std::size_t at = all.rfind("status ");
    return {all.substr(at + 7, all.size() - at - 8), all.substr(0, at)};
  }
  // Neighbor Discovery that came from here until now.
  std::vector<Bytes> sent() {
    auto socket = net::PacketSocket::open(if_nametoindex("here"), {});
    EXPECT_TRUE(socket);
    EXPECT_TRUE(socket->send(there_link_, icmp(here_local_, there_local_, kMarker)));
    return receive_until_marker(*peer_);
  }

  std::string directory_;
};

TEST_F(Keyless, DaemonsRefuseToStartAndSendNothing) {
  COVERS("SND-4-2");
  const std::vector<std::pair<const char*, std::string>> states{
      {"missing", "true"},
      {"unreadable", "mkdir " + key()},
      {"no key", "echo nothing > " + key() + " && chmod 600 " + key()},
      {"open to others",
       program() + " cga key --out " + key() + " > /dev/null && chmod 644 " + key()},
  };
  ASSERT_TRUE(sent().empty());
  for (const auto& [state, make] : states) {
    std::filesystem::remove_all(key());
    ASSERT_TRUE(run(make)) << state;
    for (const std::string role : {"guard", "mobile", "router"}) {
      const Ended ended = end_of("timeout 60 " + command(role, file_of(role)));
      EXPECT_EQ(ended.status, "2") << role << ", " << state << ": " << ended.output;
      EXPECT_TRUE(ended.output.contains("[cga] key"))
          << role << ", " << state << ": " << ended.output;
      EXPECT_TRUE(ended.output.contains(key())) << role << ", " << state << ": " << ended.output;
      EXPECT_TRUE(sent().empty()) << role << ", " << state;
    }
  }
  // With a key of its own a node claims the address that goes with it.
  std::filesystem::remove_all(key());
  ASSERT_TRUE(run(program() + " cga key --out " + key()));
  const std::string pid = directory_ + "/pid";
  ASSERT_TRUE(run(command("mobile", file_of("mobile")) + " > " + directory_ +
                  "/log 2>&1 & echo $! > " + pid));
  bool claimed = false;
  const Instant patience = net::read_clocks().boot + kPatience;
  while (!claimed && net::read_clocks().boot < patience) {
    usleep(100'000);
    for (const Bytes& packet : sent())
      claimed = claimed || (packet[40] == 135 &&
                            Ipv6Address::from(ByteView(packet).subspan(8, 16)).is_unspecified());
  }
  EXPECT_TRUE(claimed) << output_of("cat " + directory_ + "/log");
  EXPECT_TRUE(run("kill $(cat " + pid + ") && while kill -0 $(cat " + pid +
                  ") 2> /dev/null; do sleep 0.1; done"));
}

}  // namespace
}  // namespace sendoff::test
