// Five network namespaces with real links, for tests of data paths:
//
//   correspondent -- core -- PAR -- (access) -- MN's old interface "old"
//                        \-- NAR -- (access) -- MN's new interface "new"
//
// They belong to this process and vanish with it. Data paths of several nodes share one loop: their
// descriptors stay in the namespaces in which they were opened.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <linux/if_ether.h>
#include <linux/udp.h>
#include <netinet/in.h>
#include <netpacket/packet.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <map>
#include <thread>

#include "datapath/backend.h"
#include "net/testbed.h"

namespace sendoff::test {

inline const Ipv6Address kCorrespondent = Ipv6Address::literal("2001:db8:1::2");
inline const Ipv6Address kParUpstream = Ipv6Address::literal("2001:db8:2::2");
inline const Ipv6Address kNarUpstream = Ipv6Address::literal("2001:db8:3::2");
inline const Ipv6Address kPar = Ipv6Address::literal("2001:db8:a::1");  // on the MN's old link
inline const Ipv6Address kNar = Ipv6Address::literal("2001:db8:b::1");
inline const Ipv6Address kPcoa = Ipv6Address::literal("2001:db8:a::77");
inline const Ipv6Address kNcoa = Ipv6Address::literal("2001:db8:b::77");
inline const Ipv6Address kOther = Ipv6Address::literal("2001:db8:a::99");  // another host there
inline constexpr InterfaceId kAccess{3};

inline sockaddr_in6 socket_address(const Ipv6Address& address, std::uint16_t port) {
  sockaddr_in6 out{};
  out.sin6_family = AF_INET6;
  out.sin6_port = htons(port);
  std::memcpy(&out.sin6_addr, address.octets().data(), Ipv6Address::kSize);
  return out;
}

// A UDP socket, or a raw one of a protocol, of the namespace that the thread stands in.
class Socket {
 public:
  explicit Socket(const Ipv6Address& address, std::uint16_t port = 7000, int type = SOCK_DGRAM,
                  int protocol = 0)
      : fd_(socket(AF_INET6, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol)) {
    const int size = 32 << 20;
    const int on = 1;
    (void)setsockopt(fd_.get(), SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size);
    (void)setsockopt(fd_.get(), SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size);
    (void)setsockopt(fd_.get(), IPPROTO_IPV6, IPV6_FREEBIND, &on, sizeof on);
    if (type == SOCK_RAW) port = 0;
    const sockaddr_in6 name = socket_address(address, port);
    EXPECT_EQ(bind(fd_.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name), 0);
  }
  [[nodiscard]] int fd() const { return fd_.get(); }

  // 0 or errno.
  int send(const Ipv6Address& to, ByteView octets, std::uint16_t port = 7000) const {
    const sockaddr_in6 name = socket_address(to, port);
    const ssize_t sent = sendto(fd_.get(), octets.data(), octets.size(), 0,
                                reinterpret_cast<const sockaddr*>(&name), sizeof name);
    return sent < 0 ? errno : 0;
  }
  int send_number(const Ipv6Address& to, std::uint32_t number, std::size_t size = 100) const {
    Bytes octets(size);
    std::memcpy(octets.data(), &number, sizeof number);
    return send(to, octets);
  }

  struct Datagram {
    Ipv6Address from;
    Bytes octets;
  };
  [[nodiscard]] std::optional<Datagram> receive() const {
    Bytes octets(70'000);
    sockaddr_in6 from{};
    socklen_t length = sizeof from;
    const ssize_t size = recvfrom(fd_.get(), octets.data(), octets.size(), 0,
                                  reinterpret_cast<sockaddr*>(&from), &length);
    if (size < 0) return std::nullopt;
    octets.resize(static_cast<std::size_t>(size));
    return Datagram{Ipv6Address::from({from.sin6_addr.s6_addr, 16}), std::move(octets)};
  }
  // The numbers of all datagrams that have come.
  void read_numbers(std::vector<std::uint32_t>& into) const {
    while (const auto datagram = receive()) {
      std::uint32_t number = 0;
      if (datagram->octets.size() < sizeof number) continue;
      std::memcpy(&number, datagram->octets.data(), sizeof number);
      into.push_back(number);
    }
  }

 private:
  net::FileDescriptor fd_;
};

// IPv6 packets that pass an interface of the namespace in which it was opened.
class Capture {
 public:
  explicit Capture(const std::string& interface)
      : fd_(socket(AF_PACKET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) {
    const int size = 32 << 20;
    (void)setsockopt(fd_.get(), SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size);
    sockaddr_ll name{};
    name.sll_family = AF_PACKET;
    name.sll_protocol = htons(ETH_P_ALL);  // of one protocol, only what comes in is shown
    name.sll_ifindex = static_cast<int>(if_nametoindex(interface.c_str()));
    EXPECT_EQ(bind(fd_.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name), 0);
  }
  std::vector<Bytes> packets() {
    std::vector<Bytes> all;
    Bytes octets(70'000);
    while (true) {
      sockaddr_ll from{};
      socklen_t length = sizeof from;
      const ssize_t size = recvfrom(fd_.get(), octets.data(), octets.size(), 0,
                                    reinterpret_cast<sockaddr*>(&from), &length);
      if (size < 0) return all;
      if (from.sll_protocol != htons(ETH_P_IPV6)) continue;
      all.emplace_back(octets.begin(), octets.begin() + size);
    }
  }

 private:
  net::FileDescriptor fd_;
};

class World : public ::testing::Test {
 protected:
  static constexpr const char* kNodes[] = {"correspondent", "core", "par", "nar", "mn"};

  void SetUp() override {
    origin_ = Namespace::current();
    for (const char* node : kNodes) {
      ASSERT_TRUE(spaces_[node].ok()) << "no network namespace can be made";
      std::string directory = ::testing::TempDir() + "so-XXXXXX";
      ASSERT_NE(mkdtemp(directory.data()), nullptr);
      directories_[node] = directory;
      enter(node);
      ASSERT_TRUE(run("ip link set lo up"));
    }
    wire("core", "to-corr", "2001:db8:1::1/64", "correspondent", "upstream", "2001:db8:1::2/64");
    wire("core", "to-par", "2001:db8:2::1/64", "par", "upstream", "2001:db8:2::2/64");
    wire("core", "to-nar", "2001:db8:3::1/64", "nar", "upstream", "2001:db8:3::2/64");
    wire("par", "access", "2001:db8:a::1/64", "mn", "old", "2001:db8:a::77/64");
    wire("nar", "access", "2001:db8:b::1/64", "mn", "new", "2001:db8:b::77/64");
    for (const char* router : {"core", "par", "nar"})
      in(router, "echo 1 > /proc/sys/net/ipv6/conf/all/forwarding");
    in("core",
       "ip -6 route add 2001:db8:a::/64 via 2001:db8:2::2 &&"
       " ip -6 route add 2001:db8:b::/64 via 2001:db8:3::2");
    in("correspondent", "ip -6 route add default via 2001:db8:1::1");
    in("par", "ip -6 route add default via 2001:db8:2::1");
    in("nar", "ip -6 route add default via 2001:db8:3::1");
    in("mn", "ip -6 route add default via 2001:db8:a::1 dev old");
    // What is sent before a carrier is noticed on both sides is lost.
    for (const char* node : kNodes) wait_for_carriers(node);
    // Another host on the old link.
    in("mn", "ip -6 addr add 2001:db8:a::99/128 dev old nodad");
  }
  void TearDown() override {
    for (const auto& [node, path] : paths_) enter(node);
    paths_.clear();
    EXPECT_EQ(setns(origin_.get(), CLONE_NEWNET), 0);
    for (const auto& [node, directory] : directories_) std::filesystem::remove_all(directory);
  }

  void enter(const std::string& node) { spaces_.at(node).enter(); }
  void in(const std::string& node, const std::string& command) {
    enter(node);
    ASSERT_TRUE(run(command)) << node << ": " << command;
  }
  std::string output_in(const std::string& node, const std::string& command) {
    enter(node);
    return output_of(command);
  }
  void wire(const std::string& a, const std::string& a_name, const std::string& a_address,
            const std::string& b, const std::string& b_name, const std::string& b_address) {
    in(a, "ip link add " + a_name + " type veth peer name " + b_name + " netns " +
              spaces_.at(b).path());
    for (const auto& [node, name, address, local] :
         {std::tuple{a, a_name, a_address, "fe80::1"}, std::tuple{b, b_name, b_address, "fe80::2"}})
      in(node, "ip link set dev " + name + " addrgenmode none && ip addr add " + address + " dev " +
                   name + " nodad && ip addr add " + local + "/64 dev " + name +
                   " nodad && ip link set dev " + name + " up");
  }

  void wait_for_carriers(const std::string& node) {
    enter(node);
    const auto netlink = net::Netlink::open();
    ASSERT_TRUE(netlink);
    const auto up = [&] {
      const auto links = (*netlink)->links();
      return links && std::ranges::all_of(*links, &net::LinkInfo::up);
    };
    for (int i = 0; i < 2000 && !up(); ++i) usleep(10'000);
    ASSERT_TRUE(up()) << node;
  }

  // A data path of this node; its access interface is kAccess.
  datapath::Backend* open_path(const std::string& node, datapath::Choice choice,
                               datapath::BufferLimits limits = {}) {
    enter(node);
    datapath::Config config;
    config.backend = choice;
    config.router = node != "mn";
    config.interfaces = {{kAccess, node == "mn" ? "new" : "access"}};
    config.runtime_directory = directories_.at(node);
    config.buffers = limits;
    auto opened = datapath::open(loop_, config);
    if (!opened) {
      ADD_FAILURE() << opened.error().text();
      return nullptr;
    }
    (*opened)->start([this](const std::string& text) { warnings_.push_back(text); });
    return (paths_[node] = std::move(*opened)).get();
  }
  void close_path(const std::string& node) {
    enter(node);
    paths_.erase(node);
  }

  template <typename Action>
  bool order(const std::string& node, const Action& action) {
    enter(node);
    return order_here(node, action);
  }
  // From the node's own namespace.
  template <typename Action>
  bool order_here(const std::string& node, const Action& action) {
    std::optional<bool> answer;
    paths_.at(node)->carry_out(action, [&](const auto& result) {
      EXPECT_FALSE(answer) << "answered twice";
      answer = result.has_value();
    });
    EXPECT_TRUE(answer);
    return answer.value_or(false);
  }
  std::uint64_t counter(const std::string& node, std::string_view wanted) {
    std::uint64_t found = 0;
    paths_.at(node)->counters([&](std::string_view, std::string_view name, std::uint64_t value) {
      if (name == wanted) found = value;
    });
    return found;
  }
  // What a node's kernel and data path were about, for failures.
  std::string state_of(const std::string& node) {
    std::string text = node + "\n" +
                       output_in(node,
                                 "ip -6 rule; ip -6 route show table all | grep -v"
                                 " '^local\\|multicast'; ip -6 neigh; ip -s link;"
                                 " for i in $(ls /sys/class/net); do tc filter show"
                                 " dev $i ingress; tc filter show dev $i egress; done;"
                                 " nstat -a 2>/dev/null | grep -i 'drop\\|err\\|noroute'");
    if (paths_.contains(node))
      paths_.at(node)->counters([&](std::string_view, std::string_view name, std::uint64_t value) {
        if (value != 0) text += std::string(name) + "=" + std::to_string(value) + "\n";
      });
    return text;
  }
  bool serve_until(const std::function<bool()>& done) {
    const Instant deadline = net::read_clocks().boot + kPatience;
    while (!done()) {
      if (net::read_clocks().boot > deadline) return false;
      loop_.run_for(milliseconds(2));
    }
    return true;
  }

  // The MN leaves the old link for the new one; its PCoA stays an address of it.
  void move() {
    in("mn",
       "ip link set old down && ip -6 route add default via 2001:db8:b::1 dev new &&"
       " ip -6 addr add 2001:db8:a::77/128 dev new nodad");
    wait_for_pcoa();
  }
  // The kernel adds an address first, and takes packets for it a moment later.
  void wait_for_pcoa() {
    in("mn",
       "for i in $(seq 1000); do ip -6 route get 2001:db8:a::77 | grep -q '^local' &&"
       " exit 0; sleep 0.01; done; ip -6 route get 2001:db8:a::77; exit 1");
  }
  machine::InstallBinding binding() const { return {kPcoa, kNcoa, kPar, kAccess}; }
  machine::AttachTunnel own_end() const { return {kPcoa, kNcoa, kPar, kAccess}; }

  Socket socket_of(const std::string& node, const Ipv6Address& address, std::uint16_t port = 7000) {
    enter(node);
    return Socket(address, port);
  }

  net::EventLoop loop_;
  net::FileDescriptor origin_;
  std::map<std::string, Namespace> spaces_;
  std::map<std::string, std::string> directories_;
  std::map<std::string, std::unique_ptr<datapath::Backend>> paths_;
  std::vector<std::string> warnings_;
};

}  // namespace sendoff::test
