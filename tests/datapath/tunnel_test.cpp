// Tunnels of a predictive handover through every backend, with the kernels' own senders and
// receivers at both ends.
#include "datapath/encapsulation.h"
#include "datapath/world.h"
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

TEST_P(TunnelTest, PacketsForThePcoaReachTheMovedNodeAndItsPacketsGoBackThroughTheParAlike) {
  COVERS("FH-3.1-06");
  ASSERT_NO_FATAL_FAILURE(hand_over());
  const Socket correspondent = socket_of("correspondent", kCorrespondent);
  const Socket node = socket_of("mn", kPcoa);
  enter("nar");
  Capture link("access");
  enter("correspondent");
  Capture upstream("upstream");
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
        << " there " << there.size() << " back " << back.size() << state_of("core")
        << state_of("nar") << state_of("correspondent");
  }
  for (const Bytes& packet : link.packets()) {
    const auto header = wire::Ipv6Header::parse(packet);
    ASSERT_TRUE(header);
    EXPECT_TRUE(header->source != kPcoa || datapath::is_signalling(packet));
    EXPECT_NE(header->destination, kPcoa);
  }
  EXPECT_EQ(counter("par", "encapsulated"), 20U);
  EXPECT_EQ(counter("par", "decapsulated"), 20U);
  EXPECT_EQ(counter("mn", "encapsulated"), 20U);
  EXPECT_EQ(counter("mn", "decapsulated"), 20U);
  EXPECT_EQ(counter("par", "refused-by-the-reverse-check"), 0U);
}

INSTANTIATE_TEST_SUITE_P(Every, TunnelTest,
                         ::testing::Values(Choice::kBpf, Choice::kTun, Choice::kNfqueue),
                         [](const auto& backend) { return std::string(name(backend.param)); });

}  // namespace
}  // namespace sendoff::test
