// Tunnels of a predictive handover through every backend, with the kernels' own senders and
// receivers at both ends.
#include <netinet/tcp.h>
#include <poll.h>

#include <atomic>

#include "datapath/encapsulation.h"
#include "datapath/world.h"
#include "net/raw_socket.h"
#include "support/covers.h"

namespace sendoff::test {
namespace {

using datapath::Choice;

class TunnelTest : public World, public ::testing::WithParamInterface<Choice> {
 protected:
  void hand_over() {
    ASSERT_NE(open_path("par", GetParam()), nullptr);
    ASSERT_NE(open_path("mn", GetParam()), nullptr);
    move();
    ASSERT_TRUE(order("par", binding()));
    ASSERT_TRUE(order("mn", own_end()));
  }
};

// The number of the datagram that is sent last.
constexpr std::uint32_t kLast = 0xffffffff;

TEST_P(TunnelTest, PacketsForThePcoaReachTheMovedNodeAndItsPacketsGoBackThroughTheParAlike) {
  ASSERT_NO_FATAL_FAILURE(hand_over());
  const Socket correspondent = socket_of("correspondent", kCorrespondent);
  const Socket node = socket_of("mn", kPcoa);
  enter("nar");
  Capture link("access");
  enter("core");
  Capture upstream("to-par");
  std::vector<std::uint32_t> there;
  std::vector<std::uint32_t> back;
  for (std::uint32_t i = 0; i < 20; ++i) {
    ASSERT_EQ(correspondent.send_number(kPcoa, i), 0);
    ASSERT_EQ(node.send_number(kCorrespondent, i), 0);
    ASSERT_TRUE(serve_until([&] {
      node.read_numbers(there);
      correspondent.read_numbers(back);
      return there.size() == i + 1 && back.size() == i + 1;
    })) << i
        << state_of("par") << state_of("mn");
  }
  std::size_t outward = 0;
  std::size_t homeward = 0;
  for (const Bytes& packet : link.packets()) {
    const auto header = wire::Ipv6Header::parse(packet);
    ASSERT_TRUE(header);
    if (datapath::is_signalling(packet) || header->destination.is_multicast()) continue;
    ASSERT_EQ(header->next_header, wire::kProtocolIpv6);
    const auto inner = wire::Ipv6Header::parse(ByteView(packet).subspan(wire::Ipv6Header::kSize));
    ASSERT_TRUE(inner);
    const bool to_node = header->destination == kNcoa;
    (to_node ? outward : homeward) += 1;
    EXPECT_EQ(header->source, to_node ? kPar : kNcoa);
    EXPECT_EQ(header->destination, to_node ? kNcoa : kPar);
    EXPECT_EQ(inner->source, to_node ? kCorrespondent : kPcoa);
    EXPECT_EQ(inner->destination, to_node ? kPcoa : kCorrespondent);
    // The core took one hop, the PAR one at encapsulation; nobody touches it within the tunnel.
    EXPECT_EQ(inner->hop_limit, to_node ? 62 : 64);
  }
  EXPECT_EQ(outward, 20U);
  EXPECT_EQ(homeward, 20U);
  std::size_t bare = 0;
  for (const Bytes& packet : upstream.packets()) {
    const auto header = wire::Ipv6Header::parse(packet);
    if (header && header->source == kPcoa && header->next_header == IPPROTO_UDP) {
      ++bare;
      EXPECT_EQ(header->destination, kCorrespondent);
      EXPECT_EQ(header->hop_limit, 63);
    }
  }
  EXPECT_EQ(bare, 20U);
  for (const char* path : {"par", "mn"}) {
    EXPECT_EQ(counter(path, "encapsulated"), 20U);
    EXPECT_EQ(counter(path, "decapsulated"), 20U);
    EXPECT_EQ(counter(path, "refused-by-the-reverse-check"), 0U);
  }
}

TEST_P(TunnelTest, WithoutABindingAndAfterItsEndPacketsAreDeliveredOnTheLink) {
  ASSERT_NE(open_path("par", GetParam()), nullptr);
  const Socket correspondent = socket_of("correspondent", kCorrespondent);
  const Socket node = socket_of("mn", kPcoa);
  const Socket other = socket_of("mn", kOther, 7001);
  const auto reaches = [&](const Socket& socket, const Ipv6Address& address, std::uint16_t port) {
    Bytes octets(64);
    EXPECT_EQ(correspondent.send(address, octets, port), 0);
    return serve_until([&] { return socket.receive().has_value(); });
  };
  EXPECT_TRUE(reaches(node, kPcoa, 7000));
  enter("nar");
  Capture new_link("access");
  ASSERT_TRUE(order("par", binding()));
  Bytes octets(64);
  ASSERT_EQ(correspondent.send(kPcoa, octets), 0);
  // The neighbour's packet was sent later, and took the old way.
  EXPECT_TRUE(reaches(other, kOther, 7001));
  std::size_t tunnelled = 0;
  EXPECT_TRUE(serve_until([&] {
    for (const Bytes& packet : new_link.packets())
      if (const auto header = wire::Ipv6Header::parse(packet);
          header && header->next_header == wire::kProtocolIpv6)
        ++tunnelled;
    return tunnelled == 1;
  })) << state_of("par")
      << state_of("nar");
  EXPECT_FALSE(node.receive());
  ASSERT_TRUE(order("par", machine::RemoveBinding{kPcoa}));
  EXPECT_TRUE(reaches(node, kPcoa, 7000));
  EXPECT_EQ(counter("par", "encapsulated"), 1U);
  EXPECT_EQ(counter("par", "bindings"), 0U);
}

TEST_P(TunnelTest, ASecondBindingMovesTheTunnel) {
  ASSERT_NE(open_path("par", GetParam()), nullptr);
  const Socket correspondent = socket_of("correspondent", kCorrespondent);
  ASSERT_TRUE(order("par", binding()));
  machine::InstallBinding moved = binding();
  moved.ncoa = Ipv6Address::literal("2001:db8:b::78");
  ASSERT_TRUE(order("par", moved));
  enter("par");
  Capture upstream("upstream");
  ASSERT_EQ(correspondent.send_number(kPcoa, 1), 0);
  std::vector<Ipv6Address> ends;
  EXPECT_TRUE(serve_until([&] {
    for (const Bytes& packet : upstream.packets())
      if (const auto header = wire::Ipv6Header::parse(packet);
          header && header->next_header == wire::kProtocolIpv6)
        ends.push_back(header->destination);
    return !ends.empty();
  }));
  EXPECT_EQ(ends, std::vector{moved.ncoa});
  EXPECT_EQ(counter("par", "bindings"), 1U);
}

class ForgeryTest : public TunnelTest {
 protected:
  // An inner UDP packet in an outer one, from the namespace `at`, then a valid one with a marker.
  static Bytes tunnelled(const Ipv6Address& outer_source, const Ipv6Address& outer_destination,
                         const Ipv6Address& inner_source, const Ipv6Address& inner_destination,
                         std::uint32_t number) {
    Bytes udp(8 + sizeof number);
    udp[0] = udp[2] = 7000 >> 8;
    udp[1] = udp[3] = 7000 & 0xff;
    udp[5] = static_cast<std::uint8_t>(udp.size());
    std::memcpy(&udp[8], &number, sizeof number);
    const std::uint16_t sum = wire::checksum(inner_source, inner_destination, IPPROTO_UDP, udp);
    udp[6] = static_cast<std::uint8_t>(sum >> 8);
    udp[7] = static_cast<std::uint8_t>(sum);
    wire::Ipv6Header header;
    header.next_header = IPPROTO_UDP;
    header.source = inner_source;
    header.destination = inner_destination;
    const Bytes inner = wire::build_packet(header, {}, udp);
    header.next_header = wire::kProtocolIpv6;
    header.source = outer_source;
    header.destination = outer_destination;
    return wire::build_packet(header, {}, inner);
  }
  void inject(const std::string& node, const Bytes& packet, const Ipv6Address& destination) {
    enter(node);
    auto sender = net::RoutedSender::open();
    ASSERT_TRUE(sender);
    const auto sent = sender->send(0, destination, packet);
    ASSERT_TRUE(sent) << sent.error().text();
  }
};

TEST_P(ForgeryTest, ThePARLetsOutOfTheTunnelOnlyWhatTheBoundNodeSends) {
  COVERS("FH-3.1-06");
  ASSERT_NO_FATAL_FAILURE(hand_over());
  const Socket correspondent = socket_of("correspondent", kCorrespondent);
  const Ipv6Address stranger = Ipv6Address::literal("2001:db8:b::66");
  // The source of the outer header, of the inner one, where it goes.
  const std::vector<std::array<Ipv6Address, 3>> forgeries{
      {stranger, kPcoa, kCorrespondent},  // the NCoA alone may speak for the PCoA
      {kNcoa, kOther, kCorrespondent},    // and for nobody else
      {kNcoa, stranger, kCorrespondent},
      {kNcoa, kPcoa, Ipv6Address::literal("fe80::1")},  // nor on the PAR's own links
  };
  for (const auto& [outer, inner, destination] : forgeries)
    inject("nar", tunnelled(outer, kPar, inner, destination, 1), kPar);
  enter("core");
  Capture upstream("to-par");
  const Bytes good = tunnelled(kNcoa, kPar, kPcoa, kCorrespondent, kLast);
  inject("nar", good, kPar);
  std::vector<std::uint32_t> came;
  ASSERT_TRUE(serve_until([&] {
    correspondent.read_numbers(came);
    return !came.empty();
  })) << state_of("par");
  EXPECT_EQ(came, std::vector{kLast});
  EXPECT_EQ(counter("par", "refused-by-the-reverse-check"), forgeries.size());
  // Unchanged but for one hop.
  Bytes inner(good.begin() + wire::Ipv6Header::kSize, good.end());
  --inner[7];
  const std::vector<Bytes> seen = upstream.packets();
  EXPECT_NE(std::ranges::find(seen, inner), seen.end());
  EXPECT_EQ(counter("par", "decapsulated"), 1U);
  // After its end the binding vouches for nobody.
  ASSERT_TRUE(order("par", machine::RemoveBinding{kPcoa}));
  enter("par");
  inject("nar", tunnelled(kNcoa, kPar, kPcoa, kCorrespondent, 2), kPar);
  in("mn", "ip -6 rule del from 2001:db8:a::77 priority 8200");
  const Socket plain = socket_of("core", Ipv6Address::literal("2001:db8:2::1"));
  ASSERT_EQ(plain.send_number(kCorrespondent, kLast), 0);
  came.clear();
  ASSERT_TRUE(serve_until([&] {
    correspondent.read_numbers(came);
    return !came.empty();
  }));
  EXPECT_EQ(came, std::vector{kLast});
  EXPECT_EQ(counter("par", "decapsulated"), 1U);
  EXPECT_TRUE(serve_until(
      [&] { return counter("par", "refused-by-the-reverse-check") == forgeries.size() + 1; }));
}

TEST_P(ForgeryTest, TheNodeTakesFromTheTunnelOnlyWhatThePARSendsForItsPcoa) {
  ASSERT_NO_FATAL_FAILURE(hand_over());
  const Socket node = socket_of("mn", kPcoa);
  const Socket new_address = socket_of("mn", kNcoa, 7002);
  const Ipv6Address stranger = Ipv6Address::literal("2001:db8:3::66");
  inject("core", tunnelled(stranger, kNcoa, kCorrespondent, kPcoa, 1), kNcoa);
  inject("core", tunnelled(kPar, kNcoa, kCorrespondent, kNcoa, 2), kNcoa);
  inject("core", tunnelled(kPar, kNcoa, Ipv6Address::literal("fe80::1"), kPcoa, 3), kNcoa);
  inject("core", tunnelled(kPar, kNcoa, kCorrespondent, kPcoa, kLast), kNcoa);
  std::vector<std::uint32_t> came;
  ASSERT_TRUE(serve_until([&] {
    node.read_numbers(came);
    return !came.empty();
  })) << state_of("mn");
  EXPECT_EQ(came, std::vector{kLast});
  EXPECT_FALSE(new_address.receive());
  EXPECT_EQ(counter("mn", "refused-by-the-reverse-check"), 3U);
}

TEST_P(ForgeryTest, OtherTunnelsOfTheHostAreNotOurs) {
  ASSERT_NO_FATAL_FAILURE(hand_over());
  enter("par");
  // Somebody else's end of a tunnel on this host.
  const Socket other(kParUpstream, 0, SOCK_RAW, IPPROTO_IPV6);
  inject("core",
         tunnelled(kCorrespondent, kParUpstream, Ipv6Address::literal("2001:db8:9::1"), kPcoa, 1),
         kParUpstream);
  EXPECT_TRUE(serve_until([&] { return other.receive().has_value(); }));
  EXPECT_EQ(counter("par", "refused-by-the-reverse-check"), 0U);
}

// The PAR's own packet, which the next router wrapped in turn.
TEST_P(ForgeryTest, WhatComesRoundDoesNotEnterTheTunnelAgain) {
  ASSERT_NO_FATAL_FAILURE(hand_over());
  const Socket correspondent = socket_of("correspondent", kCorrespondent);
  const Socket node = socket_of("mn", kPcoa);
  wire::Ipv6Header header;
  header.next_header = wire::kProtocolIpv6;
  header.source = kNar;
  header.destination = kPcoa;
  inject("core", wire::build_packet(header, {}, tunnelled(kPar, kNcoa, kCorrespondent, kPcoa, 1)),
         kPcoa);
  ASSERT_EQ(correspondent.send_number(kPcoa, kLast), 0);
  std::vector<std::uint32_t> came;
  EXPECT_TRUE(serve_until([&] {
    node.read_numbers(came);
    return !came.empty();
  })) << state_of("par");
  EXPECT_EQ(came, std::vector{kLast});
  EXPECT_EQ(counter("par", "encapsulated"), 1U);
  EXPECT_EQ(counter("par", "packets-failed"), 1U);
}

TEST_P(TunnelTest, OwnSignallingIsNotTunnelled) {
  COVERS("FH-6275-23");
  ASSERT_NO_FATAL_FAILURE(hand_over());
  enter("par");
  Capture par_upstream("upstream");
  Capture par_access("access");
  enter("nar");
  Capture new_link("access");
  // Whoever takes Mobility Headers there: the kernel has nothing to complain about.
  enter("par");
  const Socket listener(kPar, 0, SOCK_RAW, wire::kProtocolMobility);
  // An FBack of the PAR's to the PCoA on the old link, past its routes, and an FBU of the node's.
  in("mn", "ip link set old up");
  wait_for_carriers("mn");
  enter("par");
  auto packets = net::PacketSocket::open(if_nametoindex("access"), {});
  ASSERT_TRUE(packets);
  ASSERT_TRUE(
      packets->send(LinkAddress::literal("02:00:00:00:00:99"), mobility(kPar, kPcoa, 9, false)));
  enter("mn");
  auto sender = net::RoutedSender::open();
  ASSERT_TRUE(sender);
  ASSERT_TRUE(sender->send(if_nametoindex("new"), kPar, mobility(kPcoa, kPar, 8, false)));
  const auto bare = [](Capture& capture, const Ipv6Address& source) {
    std::size_t found = 0;
    for (const Bytes& packet : capture.packets())
      if (const auto header = wire::Ipv6Header::parse(packet);
          header && header->next_header == wire::kProtocolMobility && header->source == source)
        ++found;
    return found;
  };
  EXPECT_TRUE(serve_until([&] { return bare(new_link, kPcoa) == 1; }));
  EXPECT_TRUE(serve_until([&] { return bare(par_access, kPar) == 1; }));
  EXPECT_EQ(counter("par", "encapsulated"), 0U);
  EXPECT_EQ(counter("mn", "encapsulated"), 0U);
}

// --- what fills whole packets

class StreamTest : public ForgeryTest {
 protected:
  struct Stream {
    std::uint64_t sent = 0;
    std::uint64_t received = 0;
    std::uint64_t wrong = 0;
    int error = 0;  // that ended it
  };

  // TCP from `from` to `to`, this many octets of a known pattern; both ends are threads that stay
  // in their namespaces.
  // A child that ends interrupts a call on a socket with a time limit.
  Stream transfer(const std::string& from, const Ipv6Address& source, const std::string& to,
                  const Ipv6Address& destination, std::uint64_t octets) {
    Stream stream;
    std::atomic<bool> listening = false;
    std::atomic<bool> done = false;
    std::thread receiver([&] {
      enter(to);
      const net::FileDescriptor listener(socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
      limit(listener.get());
      const sockaddr_in6 name = socket_address(destination, 7100);
      EXPECT_EQ(bind(listener.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name), 0);
      EXPECT_EQ(listen(listener.get(), 1), 0);
      listening = true;
      pollfd waiting{listener.get(), POLLIN, 0};
      if (TEMP_FAILURE_RETRY(poll(&waiting, 1, 20'000)) == 1) {
        const net::FileDescriptor fd(accept(listener.get(), nullptr, nullptr));
        limit(fd.get());
        Bytes chunk(65536);
        ssize_t size = 0;
        while ((size = TEMP_FAILURE_RETRY(read(fd.get(), chunk.data(), chunk.size()))) > 0)
          for (ssize_t i = 0; i < size; ++i, ++stream.received)
            if (chunk[static_cast<std::size_t>(i)] != pattern(stream.received)) ++stream.wrong;
        EXPECT_EQ(size, 0) << std::strerror(errno);
      }
      done = true;
    });
    std::thread sender([&] {
      while (!listening) usleep(1000);
      enter(from);
      const net::FileDescriptor fd(socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
      limit(fd.get());
      const sockaddr_in6 own = socket_address(source, 0);
      EXPECT_EQ(bind(fd.get(), reinterpret_cast<const sockaddr*>(&own), sizeof own), 0);
      const sockaddr_in6 name = socket_address(destination, 7100);
      EXPECT_EQ(connect(fd.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name), 0);
      Bytes chunk(65536);
      while (stream.sent < octets) {
        for (std::size_t i = 0; i < chunk.size(); ++i) chunk[i] = pattern(stream.sent + i);
        const ssize_t size =
            TEMP_FAILURE_RETRY(send(fd.get(), chunk.data(), chunk.size(), MSG_NOSIGNAL));
        if (size <= 0) {
          stream.error = errno;
          break;
        }
        stream.sent += static_cast<std::uint64_t>(size);
      }
    });
    (void)serve_until([&] { return done.load(); });
    sender.join();
    receiver.join();
    return stream;
  }
  static void limit(int fd) {
    const timeval longest{20, 0};
    EXPECT_EQ(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &longest, sizeof longest), 0);
    EXPECT_EQ(setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &longest, sizeof longest), 0);
  }
  static std::uint8_t pattern(std::uint64_t at) { return static_cast<std::uint8_t>(at ^ at >> 8); }
};

TEST_P(StreamTest, TcpFlowsBothWaysInSegmentsOfTheStacksChoice) {
  ASSERT_NO_FATAL_FAILURE(hand_over());
  constexpr std::uint64_t kOctets = 4U << 20;
  for (const bool outward : {true, false}) {
    const Stream stream = outward ? transfer("correspondent", kCorrespondent, "mn", kPcoa, kOctets)
                                  : transfer("mn", kPcoa, "correspondent", kCorrespondent, kOctets);
    EXPECT_GE(stream.sent, kOctets) << outward << state_of("par") << state_of("mn");
    EXPECT_EQ(stream.received, stream.sent);
    EXPECT_EQ(stream.wrong, 0U);
  }
  EXPECT_EQ(counter("par", "packets-failed"), 0U);
  EXPECT_EQ(counter("mn", "packets-failed"), 0U);
}

TEST_P(StreamTest, AStreamThatBeganOnTheOldLinkGoesOnThroughTheTunnel) {
  ASSERT_NE(open_path("par", GetParam()), nullptr);
  ASSERT_NE(open_path("mn", GetParam()), nullptr);
  // The full segments of the old link do not fit the tunnel: only Packet Too Big tells.
  bool moved = false;
  constexpr std::uint64_t kOctets = 8U << 20;
  net::Timer timer(loop_, [&] {
    // Without a gap between the links: what a gap loses TCP makes up for in its own time.
    in("mn",
       "ip -6 addr add 2001:db8:a::77/128 dev new nodad &&"
       " ip -6 route replace default via 2001:db8:b::1 dev new");
    moved = order("mn", own_end()) && order("par", binding());
  });
  timer.at(net::read_clocks().boot + milliseconds(100));
  const Stream stream = transfer("correspondent", kCorrespondent, "mn", kPcoa, kOctets);
  EXPECT_TRUE(moved);
  EXPECT_EQ(stream.error, 0) << std::strerror(stream.error);
  EXPECT_GE(stream.sent, kOctets);
  EXPECT_EQ(stream.received, stream.sent);
  EXPECT_EQ(stream.wrong, 0U);
}

TEST_P(StreamTest, AnInnerPacketThatIsTooLargeIsToldToItsSource) {
  COVERS("FH-4-41");
  ASSERT_NO_FATAL_FAILURE(hand_over());
  const Socket correspondent = socket_of("correspondent", kCorrespondent);
  const Socket node = socket_of("mn", kPcoa);
  enter("nar");
  Capture new_link("access");
  enter("correspondent");
  Capture told("upstream");
  // 1500 octets of IPv6: fits every link, but no link within a tunnel.
  const Bytes full(1500 - 48);
  const int on = 1;
  ASSERT_EQ(setsockopt(correspondent.fd(), IPPROTO_IPV6, IPV6_DONTFRAG, &on, sizeof on), 0);
  ASSERT_EQ(correspondent.send(kPcoa, full), 0);
  std::uint32_t mtu = 0;
  EXPECT_TRUE(serve_until([&] {
    for (const Bytes& packet : told.packets()) {
      const auto header = wire::Ipv6Header::parse(packet);
      if (!header || header->next_header != IPPROTO_ICMPV6 || packet[40] != 2) continue;
      mtu = static_cast<std::uint32_t>(packet[46] << 8 | packet[47]);
    }
    return mtu != 0;
  })) << state_of("par");
  EXPECT_EQ(mtu, 1460U);
  EXPECT_EQ(correspondent.send(kPcoa, full), EMSGSIZE);
  // What fits arrives, whole.
  const Bytes fitting(1460 - 48);
  ASSERT_EQ(correspondent.send(kPcoa, fitting), 0);
  std::optional<Socket::Datagram> came;
  EXPECT_TRUE(serve_until([&] {
    came = node.receive();
    return came.has_value();
  }));
  EXPECT_EQ(came ? came->octets.size() : 0, fitting.size());
  // The same on the new link: its hop limit is one less than what the core handed to the PAR.
  std::size_t tunnelled_there = 0;
  for (const Bytes& packet : new_link.packets()) {
    const auto header = wire::Ipv6Header::parse(packet);
    if (!header || header->next_header != wire::kProtocolIpv6) continue;
    ++tunnelled_there;
    EXPECT_EQ(wire::Ipv6Header::parse(ByteView(packet).subspan(40))->hop_limit, 62);
  }
  EXPECT_EQ(tunnelled_there, 1U);
  // Neither end takes packets of another than its peer.
  const Ipv6Address stranger = Ipv6Address::literal("2001:db8:3::66");
  inject("core", tunnelled(stranger, kPar, kPcoa, kCorrespondent, 1), kPar);
  inject("core", tunnelled(stranger, kNcoa, kCorrespondent, kPcoa, 1), kNcoa);
  EXPECT_TRUE(serve_until([&] {
    return counter("par", "refused-by-the-reverse-check") == 1 &&
           counter("mn", "refused-by-the-reverse-check") == 1;
  }));
  EXPECT_FALSE(node.receive());
  EXPECT_FALSE(correspondent.receive());
}

TEST_P(StreamTest, ASmallerLinkWithinTheTunnelsWayIsToldToTheInnerSource) {
  ASSERT_NO_FATAL_FAILURE(hand_over());
  in("core", "ip link set to-nar mtu 1400");
  const Socket correspondent = socket_of("correspondent", kCorrespondent);
  const Socket node = socket_of("mn", kPcoa);
  const int on = 1;
  ASSERT_EQ(setsockopt(correspondent.fd(), IPPROTO_IPV6, IPV6_DONTFRAG, &on, sizeof on), 0);
  const Bytes full(1460 - 48);
  int error = 0;
  // The core tells the PAR, and the PAR, of the next one, the correspondent.
  EXPECT_TRUE(serve_until([&] {
    error = correspondent.send(kPcoa, full);
    loop_.run_for(milliseconds(5));
    return error != 0;
  })) << state_of("par");
  EXPECT_EQ(error, EMSGSIZE);
  ASSERT_EQ(correspondent.send(kPcoa, Bytes(1360 - 48)), 0);
  EXPECT_TRUE(serve_until([&] { return node.receive().has_value(); }));
}

TEST_P(StreamTest, UdpInOffloadedSegmentsArrivesAsSent) {
  ASSERT_NO_FATAL_FAILURE(hand_over());
  const Socket correspondent = socket_of("correspondent", kCorrespondent);
  const Socket node = socket_of("mn", kPcoa);
  constexpr int kSegment = 1000;
  constexpr std::size_t kSegments = 20;
  for (const bool outward : {true, false}) {
    const Socket& from = outward ? correspondent : node;
    const Socket& to = outward ? node : correspondent;
    ASSERT_EQ(setsockopt(from.fd(), IPPROTO_UDP, UDP_SEGMENT, &kSegment, sizeof kSegment), 0);
    Bytes octets(kSegment * kSegments);
    for (std::size_t i = 0; i < octets.size(); ++i)
      octets[i] = static_cast<std::uint8_t>(i / kSegment);
    ASSERT_EQ(from.send(outward ? kPcoa : kCorrespondent, octets), 0);
    std::vector<Bytes> came;
    EXPECT_TRUE(serve_until([&] {
      while (auto datagram = to.receive()) came.push_back(std::move(datagram->octets));
      return came.size() >= kSegments;
    })) << outward
        << " " << came.size() << state_of("par") << state_of("mn");
    ASSERT_EQ(came.size(), kSegments);
    for (std::size_t i = 0; i < came.size(); ++i)
      EXPECT_EQ(came[i], Bytes(kSegment, static_cast<std::uint8_t>(i)));
  }
}

const auto kEvery = ::testing::Values(Choice::kBpf, Choice::kTun, Choice::kNfqueue);
const auto kNames = [](const auto& backend) { return std::string(name(backend.param)); };
INSTANTIATE_TEST_SUITE_P(Every, TunnelTest, kEvery, kNames);
INSTANTIATE_TEST_SUITE_P(Every, ForgeryTest, kEvery, kNames);
INSTANTIATE_TEST_SUITE_P(Every, StreamTest, kEvery, kNames);

}  // namespace
}  // namespace sendoff::test
