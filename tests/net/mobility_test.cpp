// Which Mobility Headers a host hands to its machine, and what the kernel says to the others
// (RFC 6275 9.2): whatever nobody else here handles is the machine's to answer.
#include <sys/socket.h>

#include <filesystem>

#include "net/linux_host.h"
#include "net/sysctl.h"
#include "net/testbed.h"
#include "support/covers.h"

namespace sendoff::net {
namespace {

class MobilityTest : public test::LinkTest {
 protected:
  void SetUp() override {
    LinkTest::SetUp();
    if (IsSkipped()) return;
    directory_ = ::testing::TempDir() + "so-XXXXXX";
    ASSERT_NE(mkdtemp(directory_.data()), nullptr);
    open_peer({{1, 2, 3, 4, 129}, {}, {}});  // echo replies and ICMPv6 errors
    ASSERT_TRUE(test::run("ip neigh replace 2001:db8::2 lladdr 02:00:00:00:00:02 dev here"));
  }
  void TearDown() override {
    host_.reset();
    std::filesystem::remove_all(directory_);
    LinkTest::TearDown();
  }
  void open(const std::vector<std::uint8_t>& other_types) {
    HostConfig config;
    config.interfaces = {{InterfaceId{7}, "here"}};
    config.runtime_directory = directory_;
    config.other_mobility_types = other_types;
    auto opened = LinuxHost::open(loop_, config);
    ASSERT_TRUE(opened) << opened.error().text();
    host_ = std::move(*opened);
    ASSERT_TRUE(host_->shortcomings().empty()) << host_->shortcomings()[0];
    ASSERT_TRUE(write_setting({"/proc/sys/net/ipv6/icmp/ratelimit", "0"}));
    host_->start({[this](const machine::Received& received) {
                    if (wire::PacketView::parse(received.packet)->upper_protocol ==
                        wire::kProtocolMobility)
                      delivered_.push_back(to_bytes(received.packet));
                  },
                  [this](const machine::HostEvent&) { up_ = true; }, [](const std::string&) {}});
    ASSERT_TRUE(test::serve(loop_, [this] { return up_; }));
  }
  // Sends it and an echo request behind it; the errors that came before the reply to that.
  std::size_t errors_for(const Bytes& packet) {
    EXPECT_TRUE(peer_->send(here_link_, packet));
    EXPECT_TRUE(peer_->send(here_link_, test::icmp(there_global_, here_global_, 128)));
    std::size_t errors = 0;
    bool answered = false;
    EXPECT_TRUE(test::serve(loop_, [&] {
      peer_->receive(100, [&](const PacketSocket::Frame& frame) {
        if (frame.packet[40] == 129)
          answered = true;
        else
          ++errors;
      });
      return answered;
    }));
    return errors;
  }
  // Until it is; for one that never is, behind another that is.
  bool is_delivered(const Bytes& packet) {
    return test::serve(loop_, [&] { return was_delivered(packet); });
  }
  bool was_delivered(const Bytes& packet) const {
    return std::ranges::find(delivered_, packet) != delivered_.end();
  }
  // `packet` with another octet in its Mobility Header, and the checksum right again.
  [[nodiscard]] Bytes changed(Bytes packet, std::size_t offset, std::uint8_t value,
                              std::size_t size = 16) const {
    Bytes header(packet.end() - 16, packet.end());
    packet.resize(packet.size() - 16);
    header.resize(size);
    header[offset] = value;
    wire::seal_mobility(there_global_, here_global_, header);
    packet[5] = static_cast<std::uint8_t>(packet[5] - (16 - size));
    packet.insert(packet.end(), header.begin(), header.end());
    return packet;
  }
  [[nodiscard]] Bytes of_type(std::uint8_t type, bool home = false) const {
    return test::mobility(there_global_, here_global_, type, home);
  }

  EventLoop loop_;
  std::string directory_;
  std::unique_ptr<LinuxHost> host_;
  std::vector<Bytes> delivered_;
  bool up_ = false;
};

TEST_F(MobilityTest, WhatNobodyKnowsReachesTheMachineAndNotTheKernel) {
  open({});
  for (const Bytes& packet :
       {of_type(200), of_type(200, true), of_type(10), of_type(13), of_type(7), of_type(8),
        changed(of_type(8), 0, 6), changed(of_type(9), 0, 6), changed(of_type(9), 1, 0, 8)}) {
    EXPECT_EQ(errors_for(packet), 0U) << to_hex(packet);
    EXPECT_TRUE(is_delivered(packet)) << to_hex(packet);
  }
}

TEST_F(MobilityTest, WhatOthersHandleIsLeftToThem) {
  open({13, 200});
  for (const std::uint8_t type : std::initializer_list<std::uint8_t>{0, 1, 5, 6, 13, 200}) {
    const Bytes packet = of_type(type);
    // Nobody does here, and the kernel is right to say so.
    EXPECT_EQ(errors_for(packet), 1U) << int{type};
  }
  EXPECT_EQ(errors_for(of_type(199)), 0U);
  EXPECT_TRUE(is_delivered(of_type(199)));
  EXPECT_EQ(delivered_.size(), 1U);
  // With somebody who does, the kernel is silent and he has it.
  FileDescriptor other(
      socket(AF_INET6, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, wire::kProtocolMobility));
  ASSERT_TRUE(other.ok());
  EXPECT_EQ(errors_for(of_type(13)), 0U);
  std::array<std::uint8_t, 64> buffer{};
  EXPECT_EQ(recv(other.get(), buffer.data(), buffer.size(), 0), 16);
  EXPECT_EQ(buffer[2], 13);
}

TEST_F(MobilityTest, ABindingErrorIsForBothWhereAnotherWantsIt) {
  FileDescriptor other(
      socket(AF_INET6, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, wire::kProtocolMobility));
  ASSERT_TRUE(other.ok());
  std::array<std::uint8_t, 64> buffer{};
  const Bytes packet = of_type(7);
  for (const bool wanted : {false, true}) {
    host_.reset();
    delivered_.clear();
    up_ = false;
    open(wanted ? std::vector<std::uint8_t>{7} : std::vector<std::uint8_t>{});
    EXPECT_EQ(errors_for(packet), 0U);
    EXPECT_TRUE(is_delivered(packet));
    EXPECT_EQ(recv(other.get(), buffer.data(), buffer.size(), 0), wanted ? 16 : -1);
  }
}

TEST_F(MobilityTest, AnOptimisticAddressIsAnsweredAsOneUnderDetection) {
  open({});
  for (const auto mode : {machine::DadMode::kOptimistic, machine::DadMode::kNormal}) {
    const Ipv6Address address = Ipv6Address::literal(
        mode == machine::DadMode::kOptimistic ? "2001:db8::42" : "2001:db8::43");
    std::optional<Result<machine::Facts, machine::ActionError>> ending;
    host_->carry_out(machine::AddAddress{InterfaceId{7}, address, 64, mode, {}, {}},
                     [&](const auto& result) { ending = result; });
    ASSERT_TRUE(test::serve(loop_, [&] { return ending.has_value(); }));
    ASSERT_TRUE(*ending);
    EXPECT_EQ((*ending)->detecting, mode == machine::DadMode::kOptimistic);
  }
}

}  // namespace
}  // namespace sendoff::net
