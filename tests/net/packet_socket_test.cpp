#include "net/packet_socket.h"

#include "net/icmp_guard.h"
#include "net/raw_socket.h"
#include "net/sysctl.h"
#include "net/testbed.h"

namespace sendoff::net {
namespace {

using test::icmp;
using test::mobility;

class PacketSocketTest : public test::LinkTest {
 protected:
  // Sends from `there` to `here`, as frames of the peer.
  void SetUp() override {
    LinkTest::SetUp();
    if (IsSkipped()) return;
    open_peer();
  }
  void send(const Bytes& packet) { send_to(here_link_, packet); }
  void send_to(const LinkAddress& link, const Bytes& packet) {
    const auto sent = peer_->send(link, packet);
    ASSERT_TRUE(sent) << sent.error().text();
  }
  void send_marker() { send(icmp(there_local_, here_local_, kMarker)); }
  static PacketSocket open_or_die(unsigned index, const PacketSelection& selection) {
    auto opened = PacketSocket::open(index, selection);
    EXPECT_TRUE(opened) << opened.error().text();
    return std::move(*opened);
  }
};

// The next header of the last of these, and a fragment header of 8 octets in front of the rest.
Bytes as_fragment(const Bytes& packet, std::uint16_t offset_and_more) {
  Bytes out(packet.begin(), packet.begin() + 40);
  out.insert(out.end(), {packet[6], 0, static_cast<std::uint8_t>(offset_and_more >> 8),
                         static_cast<std::uint8_t>(offset_and_more), 0, 0, 0, 1});
  out.insert(out.end(), packet.begin() + 40, packet.end());
  out[6] = wire::kProtocolFragment;
  out[5] = static_cast<std::uint8_t>(out[5] + 8);
  return out;
}

Bytes behind_options(const Bytes& packet, std::uint8_t header, int times) {
  Bytes out = packet;
  for (int i = 0; i < times; ++i) {
    const std::array<std::uint8_t, 8> options{out[6], 0, 1, 4, 0, 0, 0, 0};
    out.insert(out.begin() + 40, options.begin(), options.end());
    out[6] = header;
    out[5] = static_cast<std::uint8_t>(out[5] + 8);
  }
  return out;
}

TEST_F(PacketSocketTest, LetsThroughTheChosenIcmpTypesAndNothingElse) {
  PacketSelection selection;
  selection.icmp_types = {kMarker, 134, 148, 154};
  PacketSocket socket = open_or_die(if_nametoindex("here"), selection);
  const auto message = [&](std::uint8_t type) { return icmp(there_local_, here_local_, type); };
  const std::vector<Bytes> wanted{
      message(134),
      message(148),
      message(154),
      behind_options(message(154), 60, 1),
      behind_options(message(154), 0, 1),
      behind_options(message(154), 60, 4),
      as_fragment(message(154), 1),
  };
  for (const Bytes& packet : wanted) send(packet);
  for (int type : {128, 135, 136, 137, 149, 153, 155, 1, 0})
    send(message(static_cast<std::uint8_t>(type)));
  send(behind_options(message(154), 60, 5));
  send(as_fragment(message(154), 8));
  send(as_fragment(message(135), 1));
  send(mobility(there_local_, here_local_, 8, true));
  send_to(LinkAddress::literal("02:00:00:00:00:99"), message(154));
  send_marker();
  EXPECT_EQ(receive_until_marker(socket), wanted);
  EXPECT_EQ(socket.dropped(), 0U);
}

TEST_F(PacketSocketTest, LetsThroughMobilityHeadersToOurAddressesOnly) {
  PacketSelection selection;
  selection.icmp_types = {kMarker};
  selection.mobility_types = {8, 9};
  selection.destinations = {Ipv6Address::literal("2001:db8::5"), here_global_};
  PacketSocket socket = open_or_die(0, selection);
  const std::vector<Bytes> wanted{mobility(there_global_, here_global_, 8, true),
                                  mobility(there_global_, here_global_, 8, false),
                                  mobility(there_global_, selection.destinations[0], 9, false)};
  for (const Bytes& packet : wanted) send(packet);
  send(mobility(there_global_, Ipv6Address::literal("2001:db8::6"), 8, true));
  send(mobility(there_global_, Ipv6Address::literal("2001:db8:1::1"), 8, true));
  send(mobility(there_global_, here_global_, 5, true));
  send(mobility(there_global_, here_global_, 14, true));
  send_marker();
  EXPECT_EQ(receive_until_marker(socket), wanted);
}

TEST_F(PacketSocketTest, LetsThroughRunsOfTypesToTheirEnds) {
  PacketSelection selection = mobility_headers({here_global_}, {7, 13, 200, 201});
  selection.icmp_types = {kMarker};
  PacketSocket socket = open_or_die(0, selection);
  std::vector<Bytes> wanted;
  for (const int type : {0, 6, 7, 8, 12, 13, 14, 15, 199, 200, 201, 202, 254, 255}) {
    const Bytes packet =
        mobility(there_global_, here_global_, static_cast<std::uint8_t>(type), false);
    send(packet);
    if (type > 6 && type != 13 && type != 200 && type != 201) wanted.push_back(packet);
  }
  send_marker();
  EXPECT_EQ(receive_until_marker(socket), wanted);
  // In any order, one by one, twice.
  selection.mobility_types = {255, 9, 0, 8, 9};
  ASSERT_TRUE(socket.select(selection));
  wanted.clear();
  for (const int type : {0, 1, 7, 8, 9, 10, 254, 255}) {
    const Bytes packet =
        mobility(there_global_, here_global_, static_cast<std::uint8_t>(type), false);
    send(packet);
    if (type == 0 || type == 8 || type == 9 || type == 255) wanted.push_back(packet);
  }
  send_marker();
  EXPECT_EQ(receive_until_marker(socket), wanted);
  // Two comparisons a run.
  EXPECT_LT(compile_filter(mobility_headers({here_global_})).size(), 128U);
}

TEST_F(PacketSocketTest, LetsThroughWhatHasDestinationOptionsWhenAskedTo) {
  PacketSelection selection;
  selection.icmp_types = {kMarker};
  selection.mobility_types = {8};
  selection.destinations = {here_global_};
  selection.destination_options = true;
  PacketSocket socket = open_or_die(0, selection);
  const Bytes echo = icmp(there_global_, here_global_, 128);
  Bytes datagram = echo;
  datagram[6] = 17;
  const std::vector<Bytes> wanted{
      behind_options(datagram, 60, 1),
      behind_options(datagram, 60, 3),
      behind_options(behind_options(datagram, 60, 1), 43, 1),
      mobility(there_global_, here_global_, 8, true),
  };
  for (const Bytes& packet : wanted) send(packet);
  send(datagram);
  send(behind_options(datagram, 0, 1));
  send(behind_options(datagram, 43, 1));
  send(behind_options(icmp(there_global_, Ipv6Address::literal("2001:db8::6"), 128), 60, 1));
  send(mobility(there_global_, here_global_, 5, true));
  send_marker();
  EXPECT_EQ(receive_until_marker(socket), wanted);
  // By default it does not matter.
  selection.destination_options = false;
  ASSERT_TRUE(socket.select(selection));
  send(wanted[0]);
  send_marker();
  EXPECT_TRUE(receive_until_marker(socket).empty());
}

TEST_F(PacketSocketTest, TakesAnyNumberOfDestinations) {
  PacketSelection selection;
  selection.icmp_types = {kMarker};
  selection.mobility_types = {8};
  for (std::size_t count :
       {PacketSelection::kMaxDestinations, PacketSelection::kMaxDestinations + 9}) {
    selection.destinations.assign(count - 1, Ipv6Address::literal("2001:db8::5"));
    selection.destinations.push_back(here_global_);
    PacketSocket socket = open_or_die(0, selection);
    send(mobility(there_global_, here_global_, 8, true));
    send_marker();
    EXPECT_EQ(receive_until_marker(socket).size(), 1U) << count;
  }
}

TEST_F(PacketSocketTest, TellsTheFrameSourceAndTheInterface) {
  PacketSocket socket = open_or_die(0, {{154}, {}, {}});
  send(icmp(there_local_, here_local_, 154));
  pollfd waiting{socket.fd(), POLLIN, 0};
  ASSERT_EQ(poll(&waiting, 1, 10'000), 1);
  int frames = 0;
  socket.receive(1, [&](const PacketSocket::Frame& frame) {
    ++frames;
    EXPECT_EQ(frame.source, there_link_);
    EXPECT_EQ(frame.index, if_nametoindex("here"));
  });
  EXPECT_EQ(frames, 1);
}

TEST_F(PacketSocketTest, DoesNotSeeWhatTheHostItselfSends) {
  PacketSocket socket = open_or_die(if_nametoindex("here"), {{kMarker, 154}, {}, {}});
  ASSERT_TRUE(socket.send(there_link_, icmp(here_local_, there_local_, 154)));
  send_marker();
  EXPECT_TRUE(receive_until_marker(socket).empty());
}

TEST(LinkAddressOfGroup, IsTheMappingOfRfc2464) {
  EXPECT_EQ(link_address_of_group(kAllRouters), LinkAddress::literal("33:33:00:00:00:02"));
  EXPECT_EQ(link_address_of_group(Ipv6Address::literal("ff02::1:ff12:3456")),
            LinkAddress::literal("33:33:ff:12:34:56"));
}

class GuardTest : public PacketSocketTest {
 protected:
  // ICMPv6 errors that `here` sends for an FBU and an FBack, each with and without Home Address.
  std::vector<Bytes> errors_for_mobility() {
    std::vector<Bytes> packets;
    for (int type : {8, 9, 14, 15})
      for (bool home : {true, false})
        packets.push_back(
            mobility(there_global_, here_global_, static_cast<std::uint8_t>(type), home));
    return errors_for(packets);
  }
  // A datagram whose source an option says to be elsewhere.
  [[nodiscard]] Bytes from_elsewhere() const {
    wire::Ipv6Header ip;
    ip.next_header = wire::kProtocolDestinationOptions;
    ip.source = there_global_;
    ip.destination = here_global_;
    Bytes extension;
    append(extension, wire::HomeAddressHeader{17, test::kHome});
    return wire::build_packet(ip, extension, Bytes{0x1b, 0x58, 0x1b, 0x58, 0, 8, 0, 0});
  }
  std::vector<Bytes> errors_for(const std::vector<Bytes>& packets) {
    EXPECT_TRUE(write_setting({"/proc/sys/net/ipv6/icmp/ratelimit", "0"}));
    EXPECT_TRUE(peer_->select({{1, 2, 3, 4, 129}, {}, {}}));
    // The answer goes through neighbour resolution: give it the entry.
    EXPECT_TRUE(test::run("ip neigh replace 2001:db8::2 lladdr 02:00:00:00:00:02 dev here"));
    for (const Bytes& packet : packets) send(packet);
    // A packet behind them that the kernel answers on the same way.
    send(icmp(there_global_, here_global_, 128));
    std::vector<Bytes> errors;
    const Instant deadline = read_clocks().boot + test::kPatience;
    bool answered = false;
    while (!answered && read_clocks().boot < deadline) {
      pollfd waiting{peer_->fd(), POLLIN, 0};
      (void)poll(&waiting, 1, 100);
      peer_->receive(100, [&](const PacketSocket::Frame& frame) {
        if (frame.packet[40] == 129)
          answered = true;
        else
          errors.push_back(to_bytes(frame.packet));
      });
    }
    EXPECT_TRUE(answered);
    return errors;
  }
};

TEST_F(GuardTest, WithoutItTheKernelAnswersFastBindingUpdates) {
  EXPECT_GT(errors_for_mobility().size(), 0U);
}

TEST_F(GuardTest, KeepsTheKernelFromAnsweringWhilePacketSocketsStillReceive) {
  const auto guard = IcmpGuard::open({});
  ASSERT_TRUE(guard) << guard.error().text();
  PacketSelection selection;
  selection.mobility_types = {8, 9, 14, 15};
  selection.destinations = {here_global_};
  PacketSocket socket = open_or_die(0, selection);
  EXPECT_TRUE(errors_for_mobility().empty());
  int received = 0;
  socket.receive(100, [&](const PacketSocket::Frame&) { ++received; });
  EXPECT_EQ(received, 8);
}

TEST_F(GuardTest, KeepsTheKernelFromAnsweringHomeAddressesWhenAskedTo) {
  const auto guard = IcmpGuard::open({.home_addresses = true, .other_types = {}});
  ASSERT_TRUE(guard) << guard.error().text();
  EXPECT_TRUE(errors_for({from_elsewhere()}).empty());
  EXPECT_TRUE(errors_for_mobility().empty());
  // Other Destination Options are the kernel's affair.
  Bytes other = from_elsewhere();
  other[46] = 0xc8;
  EXPECT_EQ(errors_for({other}).size(), 1U);
}

TEST_F(GuardTest, LeavesNoTableBehind) {
  {
    const auto guard = IcmpGuard::open({});
    ASSERT_TRUE(guard) << guard.error().text();
    EXPECT_NE(test::output_of("nft list tables").find("sendoff"), std::string::npos);
  }
  EXPECT_EQ(test::output_of("nft list tables"), "");
}

class RawSocketTest : public PacketSocketTest {};

TEST_F(RawSocketTest, RoutedSenderResolvesTheNeighbourAndLeavesTheOctetsAlone) {
  there_->enter();
  PacketSocket socket = open_or_die(0, {{kMarker}, {8}, {there_global_}});
  here_->enter();
  auto sender = RoutedSender::open();
  ASSERT_TRUE(sender);
  // Its source is no address of this host.
  const Bytes packet = mobility(Ipv6Address::literal("2001:db8::1234"), there_global_, 8, true);
  ASSERT_TRUE(sender->send(if_nametoindex("here"), there_global_, packet));
  ASSERT_TRUE(
      sender->send(if_nametoindex("here"), there_local_, icmp(here_local_, there_local_, kMarker)));
  EXPECT_EQ(receive_until_marker(socket), std::vector<Bytes>{packet});
}

TEST_F(RawSocketTest, RoutedSenderFollowsTheRoutesWhereTheInterfaceHasNone) {
  ASSERT_TRUE(test::run("ip link add other type veth peer name rehto && ip link set other up"));
  auto sender = RoutedSender::open();
  ASSERT_TRUE(sender);
  there_->enter();
  PacketSocket socket = open_or_die(0, {{kMarker}, {8}, {there_global_}});
  here_->enter();
  const Bytes packet = mobility(here_global_, there_global_, 8, false);
  const auto sent = sender->send(if_nametoindex("other"), there_global_, packet);
  ASSERT_TRUE(sent) << sent.error().text();
  ASSERT_TRUE(
      sender->send(if_nametoindex("here"), there_local_, icmp(here_local_, there_local_, kMarker)));
  EXPECT_EQ(receive_until_marker(socket), std::vector<Bytes>{packet});
  EXPECT_FALSE(sender->send(if_nametoindex("here"), Ipv6Address::literal("2001:db8:9::1"), packet));
}

TEST_F(RawSocketTest, RoutedSenderRefusesWhatTheLinkCannotCarry) {
  auto sender = RoutedSender::open();
  ASSERT_TRUE(sender);
  const Bytes packet = icmp(here_global_, there_global_, 154, 1600);
  EXPECT_FALSE(sender->send(if_nametoindex("here"), there_global_, packet));
}

TEST_F(RawSocketTest, AdvertisementsAreReassembledAndSayThatTheyWereFragments) {
  auto socket = AdvertisementSocket::open(if_nametoindex("here"), "here");
  ASSERT_TRUE(socket) << socket.error().text();
  const Bytes whole = icmp(there_local_, here_local_, 149, 72);
  Bytes first = as_fragment(Bytes(whole.begin(), whole.begin() + 40 + 40), 1);
  first[5] = 48;
  Bytes second = as_fragment(whole, 40);
  second.erase(second.begin() + 48, second.begin() + 48 + 40);
  second[5] = 40;
  Bytes spoiled = whole;
  spoiled.back() ^= 1;
  send(icmp(there_local_, here_local_, 148));
  send(spoiled);
  send(whole);
  send(first);
  send(second);
  send(as_fragment(whole, 0));  // atomic
  std::vector<std::pair<Bytes, bool>> received;
  const Instant deadline = read_clocks().boot + test::kPatience;
  while (received.size() < 3 && read_clocks().boot < deadline) {
    pollfd waiting{socket->fd(), POLLIN, 0};
    (void)poll(&waiting, 1, 100);
    socket->receive(10, [&](const AdvertisementSocket::Message& message) {
      received.emplace_back(to_bytes(message.packet), message.fragmented);
    });
  }
  const std::vector<std::pair<Bytes, bool>> expected{{whole, false}, {whole, true}, {whole, true}};
  EXPECT_EQ(received, expected);
}

TEST_F(RawSocketTest, JoinsAndLeavesGroups) {
  auto socket = AdvertisementSocket::open(if_nametoindex("here"), "here");
  ASSERT_TRUE(socket);
  const Ipv6Address group = Ipv6Address::literal("ff02::1:ff00:4242");
  const auto listed = [] { return test::output_of("ip -6 maddr show dev here"); };
  ASSERT_TRUE(socket->join(group));
  ASSERT_TRUE(socket->join(group));
  EXPECT_NE(listed().find(group.text()), std::string::npos);
  ASSERT_TRUE(socket->leave(group));
  ASSERT_TRUE(socket->leave(group));
  EXPECT_EQ(listed().find(group.text()), std::string::npos);
}

}  // namespace
}  // namespace sendoff::net
