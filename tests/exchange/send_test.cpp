// SEND's options in what a mobile node and an access router say to each other (RFC 3971 5.2, 5.3).
#include "exchange/nodes.h"

namespace sendoff::test {
namespace {

using wire::OptionType;

// Every kind that the two send, each as it left.
struct Conversation {
  std::vector<Bytes> solicitations;  // signed ones
  std::vector<Bytes> anonymous;      // from ::
  std::vector<Bytes> router_advertisements;
  std::vector<Bytes> requests;
  std::vector<Bytes> replies;
  UtcTime utc;
};

Conversation conversation() {
  Conversation heard;
  // A node whose router is silent for a while asks from :: at last.
  Attached alone(mobile_config(), [](World& made) { made.answer_rs = false; });
  alone.world.advance(seconds(20));
  Both both;
  both.advance(seconds(10));
  both.bench.host(machine::Ending{});
  both.carry();
  for (const World* world : {&alone.world, &both.world})
    for (const machine::Transmit& transmit : world->sent) {
      const Bytes& packet = transmit.packet;
      if (packet[6] != wire::kProtocolIcmpv6) continue;
      if (packet[40] == 133) {
        const bool anonymous = Ipv6Address::from(ByteView(packet).subspan(8, 16)).is_unspecified();
        (anonymous ? heard.anonymous : heard.solicitations).push_back(packet);
      }
      if (packet[40] == 154) heard.requests.push_back(packet);
    }
  for (const machine::Transmit& transmit : both.bench.sent) {
    if (transmit.packet[6] != wire::kProtocolIcmpv6) continue;
    if (transmit.packet[40] == 134) heard.router_advertisements.push_back(transmit.packet);
    if (transmit.packet[40] == 154) heard.replies.push_back(transmit.packet);
  }
  return heard;
}

std::ptrdiff_t count_of(ByteView packet, OptionType type) {
  return std::ranges::count(option_types(packet), static_cast<int>(type));
}

TEST(SecuredConversation, HasATimestampInEachMessageAndANonceInEachQuestion) {
  COVERS("SND-5.3.3-1", "SND-5.3.3-5");
  const Conversation heard = conversation();
  ASSERT_FALSE(heard.solicitations.empty());
  ASSERT_FALSE(heard.anonymous.empty());
  ASSERT_FALSE(heard.requests.empty());
  ASSERT_FALSE(heard.replies.empty());
  for (const auto* questions : {&heard.solicitations, &heard.anonymous, &heard.requests})
    for (const Bytes& packet : *questions) {
      EXPECT_EQ(count_of(packet, OptionType::kTimestamp), 1);
      EXPECT_EQ(count_of(packet, OptionType::kNonce), 1);
    }
  // Solicited, periodic, and the last one of a router that ends.
  bool solicited = false;
  bool periodic = false;
  bool last = false;
  for (const Bytes& packet : heard.router_advertisements) {
    EXPECT_EQ(count_of(packet, OptionType::kTimestamp), 1);
    const bool named = count_of(packet, OptionType::kNonce) == 1;
    const auto head = wire::RouterAdvertisement::parse(ByteView(packet).subspan(40));
    (named ? solicited : head->router_lifetime_s == 0 ? last : periodic) = true;
  }
  EXPECT_TRUE(solicited && periodic && last);
  for (const Bytes& packet : heard.replies) {
    EXPECT_EQ(count_of(packet, OptionType::kTimestamp), 1);
    EXPECT_EQ(count_of(packet, OptionType::kNonce), 1);
  }
}

TEST(SecuredConversation, HasParametersThatEndWithTheKey) {
  COVERS("CGA-4581-5");
  const Conversation heard = conversation();
  std::size_t seen = 0;
  for (const auto* messages :
       {&heard.solicitations, &heard.router_advertisements, &heard.requests, &heard.replies}) {
    ASSERT_FALSE(messages->empty());
    for (const Bytes& packet : *messages) {
      const Bytes option = *find_option(packet, OptionType::kCga);
      const auto parameters =
          cga::ParametersView::parse(wire::CgaOption::parse(option)->parameters);
      ASSERT_TRUE(parameters);
      EXPECT_TRUE(parameters->extensions.empty());
      EXPECT_TRUE(crypto::RsaPublicKey::parse(parameters->octets.subspan(25)));
      ++seen;
    }
  }
  EXPECT_GT(seen, 4u);
}

TEST(SecuredConversation, EndsEachHandoverMessageWithSendsOptionsInTheirOrder) {
  COVERS("SND-5.2.1-6");
  const Conversation heard = conversation();
  const auto ends_with = [](const Bytes& packet, const std::vector<int>& wanted) {
    const auto types = option_types(packet);
    return types.size() > wanted.size() &&
           std::ranges::equal(std::span(types).last(wanted.size()), wanted);
  };
  ASSERT_FALSE(heard.requests.empty());
  for (const Bytes& packet : heard.requests) {
    EXPECT_TRUE(ends_with(packet, {27, 11, 13, 14, 12}));
    EXPECT_TRUE(signed_properly(packet));
    EXPECT_FALSE(Ipv6Address::from(ByteView(packet).subspan(8, 16)).is_link_local());
  }
  ASSERT_FALSE(heard.replies.empty());
  for (const Bytes& packet : heard.replies) {
    EXPECT_TRUE(ends_with(packet, {28, 11, 13, 14, 12}));
    EXPECT_TRUE(signed_properly(packet));
    EXPECT_TRUE(Ipv6Address::from(ByteView(packet).subspan(8, 16)).is_link_local());
  }
}

}  // namespace
}  // namespace sendoff::test
