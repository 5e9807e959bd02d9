// Duplicate Address Detection under the guard (RFC 4862 5.4): what of a neighbour's the kernel
// gets to hear against an address, and what becomes of one that is in use.
#include "nd/guard_messages.h"

namespace sendoff::test {
namespace {

using wire::OptionType;

// Its first address is being detected, until a test answers for the kernel.
class GuardDetection : public GuardMessages {
 protected:
  GuardDetection() {
    bench.hold_outcome = [](const machine::Action& action) {
      return std::holds_alternative<machine::AddAddress>(action.what);
    };
  }
  void collide() {
    ASSERT_EQ(bench.unanswered.size(), 1u);
    bench.answer(bench.unanswered[0], fail(machine::ActionError::kDuplicate));
  }
  [[nodiscard]] std::vector<Ipv6Address> addresses() const {
    return guard->status(bench.now).links[0].addresses;
  }
};

TEST_F(GuardDetection, AgainstAnAddressCountsWhatRfc4861Allows) {
  COVERS("ND-4862-7");
  start();
  const Bytes answer = advertisement(own(), kAllNodes, own(), false, peer_link());
  const Bytes question = detection();
  const auto with = [](Bytes packet, std::size_t octet, std::uint8_t value) {
    packet[octet] = value;
    repair_checksum(packet);
    return packet;
  };
  Bytes checksum = question;
  checksum[42] ^= 1;
  Bytes solicited = answer;
  solicited[44] |= 0x40;
  repair_checksum(solicited);
  const auto plain_question = [&](const Ipv6Address& destination, const Bytes& options) {
    Bytes message = octets_of(wire::NeighborSolicitation{own()});
    message.insert(message.end(), options.begin(), options.end());
    return plain(Ipv6Address{}, destination, std::move(message));
  };
  const std::vector<std::pair<const char*, Bytes>> cases{
      {"hop-limit", with(answer, 7, 254)},
      {"hop-limit", with(question, 7, 254)},
      {"code", with(answer, 41, 1)},
      {"code", with(question, 41, 1)},
      {"checksum", checksum},
      {"option-structure", with(answer, 65, 0)},
      {"destination", solicited},
      {"destination", plain_question(kAllNodes, {})},
      {"option-content",
       plain_question(own().solicited_node(), octets_of(wire::LinkAddressOption{
                                                  OptionType::kSourceLinkAddress, peer_link()}))},
      {"truncated", plain(own(), kAllNodes, Bytes{136, 0, 0, 0, 0x20, 0, 0, 0, 0xfe, 0x80})},
  };
  for (const auto& [counter, packet] : cases) {
    const std::uint64_t before = bench.counter("send", counter);
    EXPECT_TRUE(dropped(from_wire(packet))) << counter;
    EXPECT_EQ(bench.counter("send", counter), before + 1) << counter;
  }
  // As they should be, the kernel hears both.
  EXPECT_TRUE(taken(from_wire(answer)));
  EXPECT_TRUE(taken(from_wire(question)));
}

TEST_F(GuardDetection, OfOurOwnThatComesBackIsNoDuplicate) {
  COVERS("ND-4862-14");
  start();
  for (std::uint8_t attempt = 0; attempt < 3; ++attempt) {
    const auto left = from_kernel(detection(attempt));
    ASSERT_TRUE(signed_properly(left->packet, own(attempt)));
    EXPECT_TRUE(dropped(from_wire(left->packet, kOwnLink))) << int{attempt};
    EXPECT_EQ(counted("own-key"), attempt + 1u);
    // One that is not signed is not ours, and counts in the first attempt.
    EXPECT_EQ(taken(from_wire(detection(attempt))), attempt == 0);
    if (attempt < 2) collide();
  }
}

TEST_F(GuardDetection, AnAddressInUseIsNotOursAndSaidToBeSo) {
  COVERS("ND-4862-17");
  start();
  for (std::uint8_t attempt = 0; attempt < 3; ++attempt) {
    bench.forget();
    collide();
    EXPECT_TRUE(addresses().empty());
    // Nothing from it is ours to prove.
    EXPECT_EQ(from_kernel(solicitation(own(attempt), peer.link_local().solicited_node(),
                                       peer.link_local(), kOwnLink))
                  ->kind,
              Kind::kPass);
    for (const auto* add : bench.asked<machine::AddAddress>())
      EXPECT_NE(add->address, own(attempt));
    const auto lost = bench.reported(machine::EventKind::kAddressLost);
    const auto warned = bench.reported(machine::EventKind::kWarning);
    ASSERT_EQ(lost.size(), attempt < 2 ? 1u : 0u);
    ASSERT_EQ(warned.size(), attempt < 2 ? 1u : 2u);  // the last one: it is not protected
    if (attempt == 2) {
      EXPECT_NE(warned[0]->text("text").find("in use by others"), std::string::npos);
      continue;
    }
    EXPECT_EQ(lost[0]->text("address"), own(attempt).text());
    EXPECT_EQ(lost[0]->text("reason"), "duplicate");
  }
  EXPECT_EQ(counted("sent-unsigned"), 3u);
  EXPECT_TRUE(bench.unanswered.empty());
}

TEST_F(GuardDetection, WhereOneIsInUseThreeTimesTheOthersGoOn) {
  COVERS("ND-4862-18");
  config.interfaces[0].prefixes = {Prefix::literal(kOnLink)};
  start();
  ASSERT_EQ(bench.unanswered.size(), 2u);
  bench.answer(bench.unanswered[0]);
  for (int attempt = 0; attempt < 3; ++attempt) {
    EXPECT_EQ(addresses(), std::vector{own()});
    collide();
  }
  EXPECT_TRUE(bench.unanswered.empty());
  EXPECT_EQ(bench.asked<machine::AddAddress>().size(), 2u);  // a second and a third global one
  EXPECT_EQ(bench.reported(machine::EventKind::kWarning).size(), 1u);
  EXPECT_TRUE(bench.asked<machine::RemoveAddress>().empty());
  EXPECT_EQ(addresses(), std::vector{own()});
  EXPECT_TRUE(taken(from_wire(secured_solicitation().packet())));
  const auto left = from_kernel(advertisement(own(), peer.link_local(), own(), true, kOwnLink));
  EXPECT_TRUE(signed_properly(left->packet));
}

}  // namespace
}  // namespace sendoff::test
