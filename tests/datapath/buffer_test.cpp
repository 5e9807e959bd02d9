// Packets that wait at the NAR for a node on its way, through every backend.
#include "datapath/world.h"
#include "support/covers.h"

namespace sendoff::test {
namespace {

using datapath::Choice;

class BufferTest : public World, public ::testing::WithParamInterface<Choice> {
 protected:
  // The NAR knows where the node will be, as its machine arranges it before a release.
  void node_is_there() {
    in("nar", "ip -6 neigh replace 2001:db8:b::77 dev access lladdr " + new_link_address() +
                  " nud permanent");
  }
  std::string new_link_address() {
    enter("mn");
    const auto netlink = net::Netlink::open();
    const auto links = netlink ? (*netlink)->links() : net::Attempt<std::vector<net::LinkInfo>>();
    for (const net::LinkInfo& link : links.value_or(std::vector<net::LinkInfo>()))
      if (link.name == "new") return link.address.text();
    return {};
  }
  machine::OpenBuffer held() const { return {kNcoa, kAccess}; }
};

std::vector<std::uint32_t> numbers_up_to(std::uint32_t count) {
  std::vector<std::uint32_t> all(count);
  for (std::uint32_t i = 0; i < count; ++i) all[i] = i;
  return all;
}

TEST_P(BufferTest, NothingReachesTheLinkBeforeTheRelease) {
  COVERS("FH-10-03");
  ASSERT_NE(open_path("nar", GetParam()), nullptr);
  enter("nar");
  Capture link("access");
  ASSERT_TRUE(order("nar", held()));
  const Socket correspondent = socket_of("correspondent", kCorrespondent);
  for (std::uint32_t i = 0; i < 50; ++i) ASSERT_EQ(correspondent.send_number(kNcoa, i), 0);
  ASSERT_TRUE(serve_until([&] { return counter("nar", "held") == 50; })) << state_of("nar");
  for (const Bytes& packet : link.packets()) {
    const auto header = wire::Ipv6Header::parse(packet);
    EXPECT_TRUE(header && header->destination != kNcoa);
  }
  ASSERT_TRUE(order("nar", machine::DiscardBuffer{kNcoa}));
  EXPECT_EQ(counter("nar", "dropped"), 50U);
  EXPECT_EQ(counter("nar", "packets-in-buffers"), 0U);
  EXPECT_EQ(counter("nar", "octets-in-buffers"), 0U);
  // Without the buffer the next one is delivered, and none of the old.
  const Socket node = socket_of("mn", kNcoa);
  node_is_there();
  ASSERT_EQ(correspondent.send_number(kNcoa, 99), 0);
  std::vector<std::uint32_t> came;
  EXPECT_TRUE(serve_until([&] {
    node.read_numbers(came);
    return !came.empty();
  }));
  EXPECT_EQ(came, std::vector<std::uint32_t>{99});
}

TEST_P(BufferTest, FiveThousandHeldPacketsLeaveInOrderWhileTheStreamGoesOn) {
  COVERS("FH-5.4-05");
  ASSERT_NE(open_path("nar", GetParam()), nullptr);
  const Socket node = socket_of("mn", kNcoa);
  const Socket correspondent = socket_of("correspondent", kCorrespondent);
  ASSERT_TRUE(order("nar", held()));
  constexpr std::uint32_t kHeld = 5000;
  std::uint32_t sent = 0;
  const auto send_some = [&](std::uint32_t count) {
    for (std::uint32_t i = 0; i < count; ++i)
      ASSERT_EQ(correspondent.send_number(kNcoa, sent++), 0);
  };
  while (sent < kHeld) {
    send_some(20);
    loop_.run_for(milliseconds(1));
  }
  ASSERT_TRUE(serve_until([&] { return counter("nar", "held") == kHeld; })) << state_of("nar");
  node_is_there();
  ASSERT_TRUE(order("nar", machine::ReleaseBuffer{kNcoa}));
  std::vector<std::uint32_t> came;
  // Until the buffer is gone, and a while longer.
  std::uint32_t after = 0;
  ASSERT_TRUE(serve_until([&] {
    send_some(2);
    node.read_numbers(came);
    if (counter("nar", "buffers") == 0) ++after;
    return after > 50;
  })) << state_of("nar");
  ASSERT_TRUE(serve_until([&] {
    node.read_numbers(came);
    return came.size() >= sent;
  })) << came.size()
      << " of " << sent << state_of("nar");
  EXPECT_EQ(came, numbers_up_to(sent));
  EXPECT_EQ(counter("nar", "overflowed"), 0U);
  EXPECT_GE(counter("nar", "released"), kHeld);
}

TEST_P(BufferTest, TheBoundsHoldAndOneBuffersOverflowIsNotAnothers) {
  COVERS("FH-10-06");
  datapath::BufferLimits limits;
  limits.addresses = 2;
  limits.packets_per_address = 10;
  limits.packets = 15;
  limits.octets_per_address = 10'000;
  limits.octets = 12'000;
  ASSERT_NE(open_path("nar", GetParam(), limits), nullptr);
  const Ipv6Address second = Ipv6Address::literal("2001:db8:b::78");
  const Ipv6Address third = Ipv6Address::literal("2001:db8:b::79");
  ASSERT_TRUE(order("nar", held()));
  ASSERT_TRUE(order("nar", machine::OpenBuffer{second, kAccess}));
  EXPECT_FALSE(order("nar", machine::OpenBuffer{third, kAccess}));
  const Socket correspondent = socket_of("correspondent", kCorrespondent);
  const auto fill = [&](const Ipv6Address& address, std::uint32_t count, std::size_t size) {
    const std::uint64_t before = counter("nar", "held") + counter("nar", "overflowed");
    for (std::uint32_t i = 0; i < count; ++i)
      EXPECT_EQ(correspondent.send_number(address, i, size), 0);
    EXPECT_TRUE(serve_until([&] {
      return counter("nar", "held") + counter("nar", "overflowed") == before + count;
    })) << state_of("nar");
    return counter("nar", "packets-in-buffers");
  };
  EXPECT_EQ(fill(kNcoa, 30, 100), 10U);  // packets of one address
  EXPECT_EQ(fill(second, 4, 100), 14U);  // the other is not affected
  EXPECT_EQ(fill(second, 9, 100), 15U);  // packets in total
  ASSERT_TRUE(order("nar", machine::DiscardBuffer{kNcoa}));
  ASSERT_TRUE(order("nar", machine::DiscardBuffer{second}));
  ASSERT_TRUE(order("nar", held()));
  ASSERT_TRUE(order("nar", machine::OpenBuffer{second, kAccess}));
  EXPECT_EQ(fill(kNcoa, 9, 1400), 6U);   // octets of one address: 1448 each
  EXPECT_EQ(fill(second, 9, 1400), 8U);  // octets in total
  EXPECT_LE(counter("nar", "octets-in-buffers"), limits.octets);
}

TEST_P(BufferTest, ThePARHoldsForTheNodeUntilItsTunnelStandsAndSendsThatFirst) {
  ASSERT_NE(open_path("par", GetParam()), nullptr);
  ASSERT_NE(open_path("mn", GetParam()), nullptr);
  const Socket correspondent = socket_of("correspondent", kCorrespondent);
  ASSERT_TRUE(order("par", machine::OpenBuffer{kPcoa, kAccess}));
  constexpr std::uint32_t kCount = 40;
  for (std::uint32_t i = 0; i < kCount; ++i) ASSERT_EQ(correspondent.send_number(kPcoa, i), 0);
  ASSERT_TRUE(serve_until([&] { return counter("par", "held") == kCount; })) << state_of("par");
  move();
  const Socket node = socket_of("mn", kPcoa);
  ASSERT_TRUE(order("mn", own_end()));
  ASSERT_TRUE(order("par", binding()));
  ASSERT_TRUE(order("par", machine::ReleaseBuffer{kPcoa}));
  ASSERT_EQ(correspondent.send_number(kPcoa, kCount), 0);
  std::vector<std::uint32_t> came;
  EXPECT_TRUE(serve_until([&] {
    node.read_numbers(came);
    return came.size() > kCount && counter("par", "buffers") == 0;
  })) << came.size()
      << state_of("par");
  EXPECT_EQ(came, numbers_up_to(kCount + 1));
  // The tunnel outlives the buffer.
  ASSERT_EQ(correspondent.send_number(kPcoa, kCount + 1), 0);
  EXPECT_TRUE(serve_until([&] {
    node.read_numbers(came);
    return came.size() == kCount + 2;
  })) << state_of("par");
}

TEST_P(BufferTest, ANodeThatKeepsItsPcoaIsServedByTheNarsTunnel) {
  ASSERT_NE(open_path("par", GetParam()), nullptr);
  ASSERT_NE(open_path("nar", GetParam()), nullptr);
  const Socket correspondent = socket_of("correspondent", kCorrespondent);
  move();
  in("nar", "ip -6 neigh replace 2001:db8:a::77 dev access lladdr " + new_link_address() +
                " nud permanent");
  ASSERT_TRUE(order("par", machine::InstallBinding{kPcoa, kNarUpstream, kPar, kAccess}));
  ASSERT_TRUE(order("nar", machine::AttachTunnel{kPcoa, kNarUpstream, kPar, kAccess}));
  const Socket node = socket_of("mn", kPcoa);
  std::vector<std::uint32_t> there;
  std::vector<std::uint32_t> back;
  for (std::uint32_t i = 0; i < 10; ++i) {
    ASSERT_EQ(correspondent.send_number(kPcoa, i), 0);
    ASSERT_EQ(node.send_number(kCorrespondent, i), 0);
    ASSERT_TRUE(serve_until([&] {
      node.read_numbers(there);
      correspondent.read_numbers(back);
      return there.size() == i + 1 && back.size() == i + 1;
    })) << i
        << state_of("par") << state_of("nar") << state_of("mn");
  }
  EXPECT_EQ(counter("nar", "encapsulated"), 10U);
  EXPECT_EQ(counter("nar", "decapsulated"), 10U);
  // What does not fit the tunnel is told to the node.
  const int on = 1;
  ASSERT_EQ(setsockopt(node.fd(), IPPROTO_IPV6, IPV6_DONTFRAG, &on, sizeof on), 0);
  const Bytes full(1500 - 48);
  int error = 0;
  EXPECT_TRUE(serve_until([&] {
    error = node.send(kCorrespondent, full);
    return error != 0;
  })) << state_of("nar");
  EXPECT_EQ(error, EMSGSIZE);
}

INSTANTIATE_TEST_SUITE_P(Every, BufferTest,
                         ::testing::Values(Choice::kBpf, Choice::kTun, Choice::kNfqueue),
                         [](const auto& backend) { return std::string(name(backend.param)); });

}  // namespace
}  // namespace sendoff::test
