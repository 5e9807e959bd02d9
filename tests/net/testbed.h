// Two network namespaces with a veth link between them, for tests of net/. They belong to this
// process and vanish with it. The process stands in one of them at a time; sockets stay where they
// were opened.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/address.h"
#include "net/clock.h"
#include "net/event_loop.h"
#include "net/file_descriptor.h"
#include "net/netlink.h"
#include "net/packet_socket.h"
#include "wire/icmpv6.h"
#include "wire/ipv6.h"
#include "wire/mobility.h"

namespace sendoff::test {

// How long a test waits for what must come, on a machine that others use too.
inline constexpr Duration kPatience = seconds(20);

class Namespace {
 public:
  static net::FileDescriptor current() {
    return net::FileDescriptor(open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
  }

  // Makes a new one; the process stays where it is.
  Namespace() {
    const net::FileDescriptor before = current();
    if (unshare(CLONE_NEWNET) != 0) return;
    fd_ = current();
    EXPECT_EQ(setns(before.get(), CLONE_NEWNET), 0);
  }
  [[nodiscard]] bool ok() const { return fd_.ok(); }
  void enter() const { ASSERT_EQ(setns(fd_.get(), CLONE_NEWNET), 0); }
  // A name that other processes can open.
  [[nodiscard]] std::string path() const {
    return "/proc/" + std::to_string(getpid()) + "/fd/" + std::to_string(fd_.get());
  }

 private:
  net::FileDescriptor fd_;
};

// In a shell, in the namespace that the process stands in.
inline bool run(const std::string& command) { return std::system(command.c_str()) == 0; }

inline std::string output_of(const std::string& command) {
  std::string text;
  FILE* pipe = popen(command.c_str(), "r");
  if (!pipe) return text;
  std::array<char, 512> chunk{};
  while (const std::size_t size = fread(chunk.data(), 1, chunk.size(), pipe))
    text.append(chunk.data(), size);
  pclose(pipe);
  return text;
}

// Serves the loop until `done` or the patience ends; whether it was done.
inline bool serve(net::EventLoop& loop, const std::function<bool()>& done) {
  const Instant deadline = net::read_clocks().boot + kPatience;
  while (!done()) {
    if (net::read_clocks().boot > deadline) return false;
    loop.run_for(milliseconds(50));
  }
  return true;
}

// The daemon's side is `here` with the interface "here", the peer's is `there`. Both are up, with
// a link-local and a global address each, without DAD.
class LinkTest : public ::testing::Test {
 protected:
  void SetUp() override {
    origin_ = Namespace::current();
    here_ = std::make_unique<Namespace>();
    there_ = std::make_unique<Namespace>();
    if (!here_->ok() || !there_->ok()) GTEST_SKIP() << "no network namespace can be made";
    there_->enter();
    ASSERT_TRUE(
        run("ip link add there address 02:00:00:00:00:02 type veth"
            " peer name here address 02:00:00:00:00:01 netns " +
            here_->path()));
    configure("there", "2");
    here_->enter();
    configure("here", "1");
    // What is sent before the carrier is noticed on both sides is lost.
    there_->enter();
    wait_for_carrier("there");
    here_->enter();
    wait_for_carrier("here");
  }
  void TearDown() override { EXPECT_EQ(setns(origin_.get(), CLONE_NEWNET), 0); }

  static void configure(const std::string& interface, const std::string& host) {
    const std::string device = " dev " + interface + " ";
    ASSERT_TRUE(run("ip link set" + device + "addrgenmode none && ip link set lo up" +
                    " && ip addr add fe80::" + host + "/64" + device + "nodad" +
                    " && ip addr add 2001:db8::" + host + "/64" + device + "nodad" +
                    " && ip link set" + device + "up"));
  }

  // A packet socket on "there", and the process stands `here` afterwards.
  void open_peer(const net::PacketSelection& selection = {}) {
    there_->enter();
    auto opened = net::PacketSocket::open(if_nametoindex("there"), selection);
    ASSERT_TRUE(opened) << opened.error().text();
    peer_.emplace(std::move(*opened));
    here_->enter();
  }

  static void wait_for_carrier(const std::string& interface) {
    const auto netlink = net::Netlink::open();
    ASSERT_TRUE(netlink);
    const auto up = [&] {
      const auto links = (*netlink)->links();
      if (!links) return false;
      const auto found = std::ranges::find(*links, interface, &net::LinkInfo::name);
      return found != links->end() && found->up;
    };
    for (int i = 0; i < 2000 && !up(); ++i) usleep(10'000);
    ASSERT_TRUE(up());
  }

  // Packets that the socket lets through, in their order, until the marker that a test sends last
  // or the patience ends.
  static std::vector<Bytes> receive_until_marker(net::PacketSocket& socket) {
    std::vector<Bytes> packets;
    const Instant deadline = net::read_clocks().boot + kPatience;
    bool marked = false;
    while (!marked && net::read_clocks().boot < deadline) {
      pollfd waiting{socket.fd(), POLLIN, 0};
      (void)poll(&waiting, 1, 100);
      socket.receive(100, [&](const net::PacketSocket::Frame& frame) {
        marked = marked ||
                 (frame.packet.size() > 40 && frame.packet[6] == 58 && frame.packet[40] == kMarker);
        if (!marked) packets.push_back(to_bytes(frame.packet));
      });
    }
    EXPECT_TRUE(marked) << "the last packet did not arrive";
    return packets;
  }

  static constexpr std::uint8_t kMarker = 200;
  net::FileDescriptor origin_;
  std::unique_ptr<Namespace> here_;
  std::unique_ptr<Namespace> there_;
  std::optional<net::PacketSocket> peer_;  // after open_peer()
  const LinkAddress here_link_ = LinkAddress::literal("02:00:00:00:00:01");
  const LinkAddress there_link_ = LinkAddress::literal("02:00:00:00:00:02");
  const Ipv6Address here_local_ = Ipv6Address::literal("fe80::1");
  const Ipv6Address there_local_ = Ipv6Address::literal("fe80::2");
  const Ipv6Address here_global_ = Ipv6Address::literal("2001:db8::1");
  const Ipv6Address there_global_ = Ipv6Address::literal("2001:db8::2");
};

// A message of this type with zeros behind its header, its checksum right.
inline Bytes icmp(const Ipv6Address& source, const Ipv6Address& destination, std::uint8_t type,
                  std::size_t size = 16) {
  Bytes message(size);
  message[0] = type;
  wire::seal_icmpv6(source, destination, message);
  return wire::icmpv6_packet(source, destination, message);
}

inline const Ipv6Address kHome = Ipv6Address::literal("2001:db8::77");

// A Mobility Header of this type, with a Home Address option or without.
inline Bytes mobility(const Ipv6Address& source, const Ipv6Address& destination, std::uint8_t type,
                      bool home_address) {
  Bytes header(16);
  header[0] = wire::kProtocolNoNext;
  header[1] = 1;
  header[2] = type;
  wire::seal_mobility(home_address ? kHome : source, destination, header);
  Bytes extension;
  if (home_address) append(extension, wire::HomeAddressHeader{wire::kProtocolMobility, kHome});
  wire::Ipv6Header ip;
  ip.next_header = home_address ? wire::kProtocolDestinationOptions : wire::kProtocolMobility;
  ip.source = source;
  ip.destination = destination;
  return wire::build_packet(ip, extension, header);
}

}  // namespace sendoff::test
