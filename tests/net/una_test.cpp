// A UNA that a new access router does not wait for is the kernel's alone (RFC 5568 6.3, RFC 4861
// 7.2.5): the real kernel's neighbour cache beside the machine that hears the same packets.
#include <filesystem>

#include "net/linux_host.h"
#include "net/testbed.h"
#include "router/handover_fixture.h"

namespace sendoff::net {
namespace {

using test::output_of;
using test::run;

struct Nar : test::NarTest {
  void TestBody() override {}
  using NarTest::arrivals;
  using NarTest::bench;
  using NarTest::start;
  using NarTest::una;
};

class UnaTest : public test::LinkTest {
 protected:
  void SetUp() override {
    LinkTest::SetUp();
    if (IsSkipped()) return;
    directory_ = ::testing::TempDir() + "so-XXXXXX";
    ASSERT_NE(mkdtemp(directory_.data()), nullptr);
    auto opened = LinuxHost::open(loop_, {{{InterfaceId{0}, "here"}}, true, directory_, false});
    ASSERT_TRUE(opened) << opened.error().text();
    host_ = std::move(*opened);
    nar_.start();
    host_->start({[this](const machine::Received& received) {
                    if (received.packet.size() < 41 || received.packet[40] != 136) return;
                    ++heard_;
                    nar_.bench.receive(received.packet, received.frame_source);
                  },
                  [](const machine::HostEvent&) {}, [](const std::string&) {}});
  }
  void TearDown() override {
    host_.reset();
    if (!directory_.empty()) std::filesystem::remove_all(directory_);
    LinkTest::TearDown();
  }
  void send_from_there(const Bytes& packet) {
    there_->enter();
    auto socket = PacketSocket::open(if_nametoindex("there"), {});
    ASSERT_TRUE(socket);
    EXPECT_TRUE(socket->send(link_address_of_group(kAllNodes), packet));
    here_->enter();
  }
  static std::string entry(const Ipv6Address& address) {
    return output_of("ip -6 neigh show " + address.text() + " dev here");
  }

  std::string directory_;
  EventLoop loop_;
  std::unique_ptr<LinuxHost> host_;
  Nar nar_;
  int heard_ = 0;
};

TEST_F(UnaTest, ThatNobodyWaitsForIsTheKernelsAlone) {
  COVERS("FH-6.3-02");
  const Ipv6Address unknown = Ipv6Address::literal("2001:db8:a:1::77");
  const Ipv6Address known = Ipv6Address::literal("2001:db8:a:1::78");
  const LinkAddress of_cache = LinkAddress::literal("02:00:00:00:0c:0c");
  const LinkAddress of_una = LinkAddress::literal("02:00:00:00:0e:0e");
  // It stays reachable for ten hours unless it is told otherwise.
  ASSERT_TRUE(run("echo 36000000 > /proc/sys/net/ipv6/neigh/here/base_reachable_time_ms"));
  ASSERT_TRUE(run("ip -6 neigh add " + known.text() + " lladdr " + of_cache.text() +
                  " dev here nud reachable"));
  ASSERT_NE(entry(known).find("REACHABLE"), std::string::npos) << entry(known);
  // Override is 0 in a UNA. The second is sent after the first, so its effect says that both came.
  send_from_there(nar_.una(unknown, of_una));
  send_from_there(nar_.una(known, of_una));
  EXPECT_TRUE(test::serve(
      loop_, [&] { return heard_ >= 2 && entry(known).find("STALE") != std::string::npos; }))
      << heard_ << entry(known);
  EXPECT_NE(entry(known).find(of_cache.text()), std::string::npos) << entry(known);
  EXPECT_EQ(entry(unknown), "");
  // The machine asked for nothing: no entry, no proxy, no answer.
  EXPECT_TRUE(nar_.bench.actions.empty());
  EXPECT_TRUE(nar_.bench.sent.empty());
  EXPECT_TRUE(nar_.arrivals().empty());
}

}  // namespace
}  // namespace sendoff::net
