// Link-layer addresses that do not fit the frame that they came in (RFC 3971 9.1).
#include "nd/guard_messages.h"

namespace sendoff::test {
namespace {

using FrameSource = GuardMessages;

TEST_F(FrameSource, IsComparedWhereThatIsSwitchedOn) {
  COVERS("SND-9.1-1");
  const LinkAddress other = LinkAddress::literal("02:00:5e:00:53:99");
  EXPECT_FALSE(nd::GuardConfig{}.receiver.compare_frame_source);
  for (const bool compared : {false, true}) {
    config.receiver.compare_frame_source = compared;
    start();
    const std::vector<std::pair<const char*, Bytes>> cases{
        {"signed answer", secured_advertisement(ask_for_peer()).packet()},
        {"signed question", secured_solicitation().packet()},
        {"answer", advertisement(Ipv6Address::literal("fe80::31"), kAllNodes,
                                 Ipv6Address::literal("fe80::31"), false, peer_link())},
        {"question", solicitation(Ipv6Address::literal("fe80::32"), own().solicited_node(), own(),
                                  peer_link())},
        {"router", router_advertisement(Ipv6Address::literal("fe80::33"), peer_link(), 0)},
    };
    for (const auto& [what, packet] : cases) {
      const std::uint64_t before = bench.counter("send", "frame-source");
      const auto elsewhere = from_wire(packet, other);
      EXPECT_EQ(dropped(elsewhere), compared) << what;
      EXPECT_EQ(bench.counter("send", "frame-source") - before, compared ? 1u : 0u) << what;
      if (compared) {
        EXPECT_TRUE(taken(from_wire(packet, peer_link()))) << what;
      }
    }
    // One that gives no address has nothing to compare.
    EXPECT_TRUE(taken(from_wire(
        solicitation(Ipv6Address::literal("fe80::34"), own().solicited_node(), own()), other)));
  }
}

}  // namespace
}  // namespace sendoff::test
