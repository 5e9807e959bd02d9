// ESP for the daemon: which packets the socket gives, as they were sent, and the kernel's silence.
#include "net/packet_socket.h"
#include "net/raw_socket.h"
#include "net/testbed.h"
#include "support/covers.h"

namespace sendoff::net {
namespace {

constexpr std::uint32_t kOurs = 0x00001000;
const Ipv6Address kForeign = Ipv6Address::literal("2001:db8::3");

class EspSocketTest : public test::LinkTest {
 protected:
  void SetUp() override {
    LinkTest::SetUp();
    if (IsSkipped()) return;
    PacketSelection errors;
    errors.icmp_types = {1, 2, 3, 4, kEchoReply};
    open_peer(errors);
  }
  void send(const Bytes& packet) { ASSERT_TRUE(peer_->send(here_link_, packet)); }

  // An ESP packet of `size` octets behind SPI and sequence number.
  [[nodiscard]] Bytes esp(std::uint32_t spi, const Ipv6Address& source, std::uint32_t sequence = 1,
                          std::size_t size = 32) const {
    Bytes body(8 + size);
    Writer out(body);
    out.u32(spi);
    out.u32(sequence);
    for (std::size_t i = 8; i < body.size(); ++i) body[i] = static_cast<std::uint8_t>(i);
    wire::Ipv6Header header;
    header.next_header = wire::kProtocolEsp;
    header.hop_limit = 61;
    header.traffic_class = 0x5a;
    header.flow_label = 0x54321;
    header.source = source;
    header.destination = here_global_;
    return wire::build_packet(header, {}, body);
  }
  // Its payload from `offset` to `end` as a fragment.
  [[nodiscard]] static Bytes fragment_of(const Bytes& whole, std::size_t offset, std::size_t end) {
    auto header = wire::Ipv6Header::parse(whole).value();
    header.next_header = wire::kProtocolFragment;
    const wire::FragmentHeader fragment{wire::kProtocolEsp, static_cast<std::uint16_t>(offset / 8),
                                        end < whole.size() - 40, 4711};
    Bytes extension;
    append(extension, fragment);
    return wire::build_packet(header, extension,
                              ByteView(whole).subspan(40 + offset, end - offset));
  }
  struct Arrived {
    Bytes packet;
    bool fragmented = false;
    unsigned index = 0;
  };
  // Up to the packet with sequence number `last`, which the test sends last.
  static std::vector<Arrived> receive_until(EspSocket& socket, std::uint32_t last) {
    std::vector<Arrived> out;
    const Instant deadline = read_clocks().boot + test::kPatience;
    bool done = false;
    while (!done && read_clocks().boot < deadline) {
      pollfd waiting{socket.fd(), POLLIN, 0};
      (void)poll(&waiting, 1, 100);
      socket.receive(100, [&](const EspSocket::Message& message) {
        Reader in(message.packet.subspan(44));
        done = done || in.u32() == last;
        if (!done) out.push_back({to_bytes(message.packet), message.fragmented, message.index});
      });
    }
    EXPECT_TRUE(done) << "the last packet did not arrive";
    return out;
  }
  // ICMPv6 errors that came back before the answer to an echo request, sent now, did.
  std::size_t errors_until_echo() {
    send(test::icmp(there_global_, here_global_, kEchoRequest));
    std::size_t errors = 0;
    bool answered = false;
    const Instant deadline = read_clocks().boot + test::kPatience;
    while (!answered && read_clocks().boot < deadline) {
      pollfd waiting{peer_->fd(), POLLIN, 0};
      (void)poll(&waiting, 1, 100);
      peer_->receive(1000, [&](const PacketSocket::Frame& frame) {
        const bool echo = frame.packet[40] == kEchoReply;
        answered = answered || echo;
        errors += echo ? 0U : 1U;
      });
    }
    EXPECT_TRUE(answered);
    return errors;
  }

  static constexpr std::uint8_t kEchoRequest = 128;
  static constexpr std::uint8_t kEchoReply = 129;
  static constexpr std::uint32_t kLast = 0xffffff;
};

TEST_F(EspSocketTest, GivesOurSpisAndOurNeighboursPacketsAsTheyWereSent) {
  auto socket = EspSocket::open({{kOurs, 0xffffffff}, {there_global_}});
  ASSERT_TRUE(socket) << socket.error().text();
  const std::vector<Bytes> wanted{esp(kOurs, kForeign), esp(0xffffffff, kForeign),
                                  esp(0x7777, there_global_), esp(0, there_global_)};
  for (const Bytes& packet : wanted) {
    send(packet);
    send(esp(0x7777, kForeign));
    send(esp(0x10000000, kForeign));
  }
  send(esp(kOurs, there_global_, kLast));
  const auto got = receive_until(*socket, kLast);
  ASSERT_EQ(got.size(), wanted.size());
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    EXPECT_EQ(got[i].packet, wanted[i]) << "with flow label, traffic class and hop limit";
    EXPECT_FALSE(got[i].fragmented);
    EXPECT_EQ(got[i].index, if_nametoindex("here"));
  }
}

TEST_F(EspSocketTest, AnotherSelectionTakesItsPlaceAtOnce) {
  auto socket = EspSocket::open({{kOurs}, {}});
  ASSERT_TRUE(socket);
  ASSERT_TRUE(socket->select({{0x2000}, {}}));
  send(esp(kOurs, there_global_));
  send(esp(0x2000, there_global_, 5));
  ASSERT_TRUE(socket->select({{0x2000, kOurs}, {}}));
  send(esp(kOurs, there_global_, kLast));
  const auto got = receive_until(*socket, kLast);
  ASSERT_EQ(got.size(), 1U);
  EXPECT_EQ(got[0].packet, esp(0x2000, there_global_, 5));
}

TEST_F(EspSocketTest, ManySpisAndNeighboursAllPass) {
  EspSelection selection;
  for (std::uint32_t i = 0; i < EspSelection::kMax / 2; ++i) {
    selection.spis.push_back(0x100 + i);
    auto octets = kForeign.octets();
    octets[14] = static_cast<std::uint8_t>(i);
    selection.neighbours.emplace_back(octets);
  }
  auto socket = EspSocket::open(selection);
  ASSERT_TRUE(socket) << socket.error().text();
  send(esp(selection.spis.back(), there_global_, 1));
  send(esp(9, selection.neighbours.back(), 2));
  send(esp(9, there_global_, 3));
  send(esp(0x100, there_global_, kLast));
  EXPECT_EQ(receive_until(*socket, kLast).size(), 2U);
}

TEST_F(EspSocketTest, FragmentsComeAsTheHostReassembledThem) {
  auto socket = EspSocket::open({{kOurs}, {}});
  ASSERT_TRUE(socket);
  const Bytes whole = esp(kOurs, there_global_, 7, 200);
  send(fragment_of(whole, 0, 104));
  send(fragment_of(whole, 104, whole.size() - 40));
  send(fragment_of(esp(kOurs, there_global_, 8, 200), 0, 104));  // its second half never comes
  send(esp(kOurs, there_global_, kLast));
  const auto got = receive_until(*socket, kLast);
  ASSERT_EQ(got.size(), 1U);
  EXPECT_EQ(got[0].packet, whole);
  EXPECT_TRUE(got[0].fragmented);
}

TEST_F(EspSocketTest, TheKernelAnswersNoEsp) {
  // The control: without the socket it does answer.
  send(esp(kOurs, there_global_));
  const std::size_t without = errors_until_echo();
  auto socket = EspSocket::open({{kOurs}, {there_global_}});
  ASSERT_TRUE(socket);
  for (int i = 0; i < 3; ++i) {
    send(esp(kOurs, there_global_));
    send(esp(0x7777, there_global_));
    send(esp(0x7777, kForeign));
    send(esp(kOurs, there_global_, 1, 0));
    send(fragment_of(esp(kOurs, there_global_, 8, 200), 104, 208));
  }
  EXPECT_EQ(errors_until_echo(), 0U);
  if (without == 0) GTEST_SKIP() << "this kernel has ESP of its own and answers none anyway";
}

}  // namespace
}  // namespace sendoff::net
