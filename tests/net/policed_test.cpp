// HI and HAck that are left to the kernel's IPsec, on the way between wire and daemon: who sees
// them, and whose policies stand.
#include "net/icmp_guard.h"
#include "net/kernel_ipsec.h"
#include "net/packet_socket.h"
#include "net/raw_socket.h"
#include "net/testbed.h"

namespace sendoff::net {
namespace {

using test::mobility;

class PolicedTest : public test::LinkTest {
 protected:
  void SetUp() override {
    LinkTest::SetUp();
    if (IsSkipped()) return;
    open_peer();
  }
  void send(const Bytes& packet) { ASSERT_TRUE(peer_->send(here_link_, packet)); }
  // Up to the one of type 15 from `there`, which the test sends last.
  static std::vector<Bytes> receive_until_last(PolicedSocket& socket) {
    std::vector<Bytes> packets;
    const Instant deadline = read_clocks().boot + test::kPatience;
    bool last = false;
    while (!last && read_clocks().boot < deadline) {
      pollfd waiting{socket.fd(), POLLIN, 0};
      (void)poll(&waiting, 1, 100);
      socket.receive(100, [&](const PolicedSocket::Message& message) {
        last = last || message.packet[42] == 15;
        packets.push_back(to_bytes(message.packet));
      });
    }
    EXPECT_TRUE(last) << "the last packet did not arrive";
    return packets;
  }

  const Ipv6Address other_ = Ipv6Address::literal("2001:db8::3");
};

TEST_F(PolicedTest, APacketSocketLeavesAPolicedPeersHiAndHackAlone) {
  PacketSelection selection;
  selection.icmp_types = {kMarker};
  selection.mobility_types = {8, 9, 14, 15};
  selection.destinations = {here_global_};
  selection.policed = {Ipv6Address::literal("2001:db8::9"), there_global_};
  auto socket = PacketSocket::open(0, selection);
  ASSERT_TRUE(socket);
  const std::vector<Bytes> wanted{mobility(other_, here_global_, 14, false),
                                  mobility(other_, here_global_, 15, false),
                                  mobility(there_global_, here_global_, 8, true),
                                  mobility(there_global_, here_global_, 9, false)};
  for (const Bytes& packet : wanted) {
    for (const std::uint8_t type : std::initializer_list<std::uint8_t>{14, 15}) {
      send(mobility(there_global_, here_global_, type, false));
      send(mobility(there_global_, here_global_, type, true));
    }
    send(mobility(other_, there_global_, 14, false));
    send(packet);
  }
  send(test::icmp(there_local_, here_local_, kMarker));
  EXPECT_EQ(receive_until_marker(*socket), wanted);
}

TEST_F(PolicedTest, ThePolicedSocketHasHiAndHackWithTheirAddresses) {
  auto socket = PolicedSocket::open();
  ASSERT_TRUE(socket) << socket.error().text();
  for (const std::uint8_t type : std::initializer_list<std::uint8_t>{5, 7, 9, 16, 200})
    send(mobility(there_global_, here_global_, type, false));
  const std::vector<Bytes> wanted{mobility(there_global_, here_global_, 14, false),
                                  mobility(there_global_, here_global_, 15, false)};
  for (const Bytes& packet : wanted) send(packet);
  EXPECT_EQ(receive_until_last(*socket), wanted);
}

TEST_F(PolicedTest, TheGuardLetsPassWhatItIsToldTo) {
  auto guard = IcmpGuard::open({});
  ASSERT_TRUE(guard) << guard.error().text();
  auto socket = PolicedSocket::open();
  ASSERT_TRUE(socket);
  send(mobility(there_global_, here_global_, 14, false));
  ASSERT_TRUE(guard->let_pass({{other_, here_global_}}));
  send(mobility(there_global_, here_global_, 14, false));
  ASSERT_TRUE(guard->let_pass({{other_, here_global_}, {there_global_, here_global_}}));
  const Bytes passes = mobility(there_global_, here_global_, 14, false);
  send(mobility(there_local_, here_global_, 14, false));
  send(passes);
  const Bytes last = mobility(there_global_, here_global_, 15, false);
  send(last);
  EXPECT_EQ(receive_until_last(*socket), (std::vector<Bytes>{passes, last}));
  EXPECT_NE(test::output_of("nft list tables").find("sendoff"), std::string::npos);
}

TEST_F(PolicedTest, SendsFromTheAddressThatItIsTold) {
  ASSERT_TRUE(test::run("ip addr add 2001:db8::3/64 dev here nodad"));
  there_->enter();
  auto seen = PacketSocket::open(0, {{kMarker}, {14}, {there_global_}});
  ASSERT_TRUE(seen);
  here_->enter();
  auto socket = PolicedSocket::open();
  ASSERT_TRUE(socket);
  for (const Ipv6Address& source : {other_, here_global_}) {
    const Bytes packet = mobility(source, there_global_, 14, false);
    ASSERT_TRUE(socket->send(source, there_global_, ByteView(packet).subspan(40)));
  }
  auto sender = RoutedSender::open();
  ASSERT_TRUE(sender);
  // To the same neighbour: what waits for its link-layer address keeps its order.
  ASSERT_TRUE(sender->send(if_nametoindex("here"), there_global_,
                           test::icmp(here_global_, there_global_, kMarker)));
  const auto got = receive_until_marker(*seen);
  ASSERT_EQ(got.size(), 2u);
  EXPECT_EQ(wire::Ipv6Header::parse(got[0])->source, other_);
  EXPECT_EQ(wire::Ipv6Header::parse(got[1])->source, here_global_);
  for (const Bytes& packet : got) {
    const Ipv6Address source = wire::Ipv6Header::parse(packet)->source;
    EXPECT_TRUE(wire::mobility_checksum_ok(source, there_global_, ByteView(packet).subspan(40)));
  }
}

// Whichever of the two this kernel is; the other one is tried in tests/system.
TEST_F(PolicedTest, AKernelWithoutEspIsNamedOneWithItKeepsNothingOfTheTrial) {
  const auto opened = KernelIpsec::open();
  if (opened) {
    EXPECT_EQ(test::output_of("ip xfrm state"), "");
    EXPECT_EQ(test::output_of("ip xfrm policy"), "");
  } else {
    EXPECT_TRUE(opened.error().text().starts_with("this kernel")) << opened.error().text();
  }
}

}  // namespace
}  // namespace sendoff::net
