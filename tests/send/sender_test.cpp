// What the sender refuses to make (RFC 3971 5, RFC 5269 3.1, 4.1, 4.2; W4, W8), and that what it
// makes verifies.
#include "send/sender.h"

#include <gtest/gtest.h>

#include "support/covers.h"
#include "support/fake_random.h"
#include "support/peer.h"

namespace sendoff::test {
namespace {

using send::SendError;
using send::Unsigned;

const UtcTime kUtc{seconds(1'800'000'000)};
const Ipv6Address kAr = Ipv6Address::literal("2001:db8:a:1::1");

Peer node(const std::string& bits) {
  return Peer(signing_key("mn-" + bits), "2001:db8:a:1::/64", "02:00:00:00:01:01");
}

// Without an access point: for any.
Unsigned rtsolpr(const Peer& peer, ByteView hke, const LinkAddress& access_point = {}) {
  using Link = wire::LinkLayerAddressOption;
  Unsigned message;
  message.source = peer.global();
  message.destination = kAr;
  message.parameters = peer.parameters(peer.global());
  message.nonce = Bytes{1, 2, 3, 4, 5, 6};
  append(message.message, wire::RtSolPr{7});
  append(message.message, wire::LinkLayerAddressOption{wire::LinkLayerAddressOption::Code::kSource,
                                                       peer.link_address()});
  append(message.message,
         access_point.empty() ? Link{} : Link{Link::Code::kNewAccessPoint, access_point});
  if (!hke.empty()) append(message.message, wire::HandoverKeyRequest{{2}, hke});
  return message;
}

std::optional<SendError> refusal(Unsigned message, const Peer& peer, std::uint32_t mtu = 1500) {
  const auto job = send::sign(std::move(message), peer.key(), kUtc, mtu);
  if (job) return std::nullopt;
  return job.error();
}

TEST(Sender, WhatItSignsVerifies) {
  for (const std::string bits : {"1024", "2048"}) {
    const Peer peer = node(bits);
    const auto job =
        send::sign(rtsolpr(peer, decryption_key("hke-" + bits)->spki()), peer.key(), kUtc, 1500);
    ASSERT_TRUE(job.has_value());
    const auto made = machine::execute(machine::Job(
        machine::SignMessage{job->key, job->source, job->destination, job->message, std::nullopt}));
    const Bytes packet =
        wire::icmpv6_packet(peer.global(), kAr, std::get<machine::MessageSigned>(*made).message);
    EXPECT_TRUE(signed_properly(packet));
    EXPECT_EQ(option_types(packet), (std::vector<int>{19, 19, 27, 11, 13, 14, 12}));
    EXPECT_EQ(packet.size(),
              send::packet_size(rtsolpr(peer, decryption_key("hke-" + bits)->spki()), *peer.key()));
  }
}

TEST(Sender, RefusesAnAddressThatItsParametersDoNotGive) {
  const Peer peer = node("1024");
  Unsigned message = rtsolpr(peer, {});
  message.parameters.modifier[3] ^= 1;
  EXPECT_EQ(refusal(std::move(message), peer), SendError::kNotMyCga);
  Unsigned other_key = rtsolpr(peer, {});
  EXPECT_EQ(refusal(std::move(other_key), node("2048")), SendError::kNotMyCga);
  EXPECT_EQ(refusal(rtsolpr(peer, {}), peer), std::nullopt);
}

TEST(Sender, RefusesANonceOfAnotherLength) {
  const Peer peer = node("1024");
  for (std::size_t size = 0; size < 32; ++size) {
    Unsigned message = rtsolpr(peer, {});
    message.nonce = Bytes(size);
    const bool legal = size == 6 || size == 14 || size == 22 || size == 30;
    EXPECT_EQ(refusal(std::move(message), peer) == SendError::kNonceLength, !legal) << size;
  }
}

TEST(Sender, RefusesWhatExceedsTheLink) {
  COVERS("ND-4861-11", "ND-6980-1");
  const Peer peer = node("3072");
  const auto hke = decryption_key("hke-3072");
  const LinkAddress access_point = LinkAddress::literal("02:00:00:00:0a:02");
  const auto large = [&] { return rtsolpr(peer, hke->spki(), access_point); };
  const std::size_t size = send::packet_size(large(), *peer.key());
  EXPECT_EQ(size, 1400u);
  EXPECT_EQ(refusal(large(), peer, 1280), SendError::kTooBig);
  const auto exact = static_cast<std::uint32_t>(size);
  EXPECT_EQ(refusal(large(), peer, exact - 1), SendError::kTooBig);
  EXPECT_EQ(refusal(large(), peer, exact), std::nullopt);
  const Peer usual = node("2048");
  Unsigned fits = rtsolpr(usual, decryption_key("hke-2048")->spki(), access_point);
  EXPECT_EQ(send::packet_size(fits, *usual.key()), 1016u);
  EXPECT_EQ(refusal(std::move(fits), usual, 1280), std::nullopt);
  EXPECT_EQ(send::name(SendError::kTooBig), "too-big");
  // Whatever it is: filled to the last octets of the link, and with one option more.
  const auto filled = [&](const Bytes& head, const Ipv6Address& destination, bool one_more) {
    Unsigned message;
    message.source = usual.link_local();
    message.destination = destination;
    message.parameters = usual.parameters(usual.link_local());
    message.nonce = Bytes(6);
    message.message = head;
    while (send::packet_size(message, *usual.key()) + wire::PrefixInformation::kSize <= 1280)
      append(message.message, wire::PrefixInformation{});
    if (one_more) append(message.message, wire::PrefixInformation{});
    return refusal(std::move(message), usual, 1280);
  };
  const std::vector<std::pair<Bytes, Ipv6Address>> messages{
      {octets_of(wire::RouterSolicitation{}), kAllRouters},
      {octets_of(wire::RouterAdvertisement{}), kAllNodes},
      {octets_of(wire::NeighborSolicitation{kAr}), kAr.solicited_node()},
      {octets_of(wire::NeighborAdvertisement{.target = usual.link_local()}), kAllNodes},
      {octets_of(wire::Redirect{kAr, kAr}), kAr},
      {octets_of(wire::PrRtAdv{}), kAr}};
  for (const auto& [head, destination] : messages) {
    EXPECT_EQ(filled(head, destination, false), std::nullopt) << int{head[0]};
    EXPECT_EQ(filled(head, destination, true), SendError::kTooBig) << int{head[0]};
  }
}

TEST(Sender, RefusesHandoverOptionsWhereTheyDoNotBelong) {
  const Peer peer = node("1024");
  const auto hke = decryption_key("hke-1024");
  Unsigned without_nonce = rtsolpr(peer, hke->spki());
  without_nonce.nonce.reset();
  EXPECT_EQ(refusal(std::move(without_nonce), peer), SendError::kHandoverOptions);
  Unsigned twice = rtsolpr(peer, hke->spki());
  append(twice.message, wire::HandoverKeyRequest{{3}, hke->spki()});
  EXPECT_EQ(refusal(std::move(twice), peer), SendError::kHandoverOptions);
  Unsigned elsewhere = rtsolpr(peer, {});
  elsewhere.message.clear();
  append(elsewhere.message, wire::RouterSolicitation{});
  append(elsewhere.message, wire::HandoverKeyRequest{{2}, hke->spki()});
  EXPECT_EQ(refusal(std::move(elsewhere), peer), SendError::kHandoverOptions);
  const Bytes ciphertext(128);
  Unsigned reply = rtsolpr(peer, {});
  append(reply.message, wire::HandoverKeyReply{{2}, 10, ciphertext});
  EXPECT_EQ(refusal(std::move(reply), peer), SendError::kHandoverOptions);
  Unsigned solicited = rtsolpr(peer, {});
  solicited.message.clear();
  append(solicited.message, wire::PrRtAdv{});
  append(solicited.message, wire::HandoverKeyReply{{2}, 10, ciphertext});
  Unsigned unsolicited = rtsolpr(peer, {});
  unsolicited.message = solicited.message;
  unsolicited.nonce.reset();
  EXPECT_EQ(refusal(std::move(unsolicited), peer), SendError::kHandoverOptions);
  EXPECT_EQ(refusal(std::move(solicited), peer), std::nullopt);
}

TEST(Sender, RefusesAnHkeKeyThatDoesNotGoWithTheCgaKey) {
  const Peer peer = node("1024");
  EXPECT_EQ(refusal(rtsolpr(peer, peer.key()->spki()), peer), SendError::kHandoverKey);
  EXPECT_EQ(refusal(rtsolpr(peer, decryption_key("hke-2048")->spki()), peer),
            SendError::kHandoverKey);
  EXPECT_EQ(refusal(rtsolpr(peer, signing_key("weird-1024-e17")->spki()), peer),
            SendError::kHandoverKey);
}

TEST(Sender, DrawsSixOctetsOrNone) {
  FakeRandom random;
  EXPECT_EQ(send::draw_nonce(random).size(), 6u);
  EXPECT_NE(send::draw_nonce(random), send::draw_nonce(random));
  random.set(FakeRandom::Mode::kFails);
  EXPECT_TRUE(send::draw_nonce(random).empty());
}

}  // namespace
}  // namespace sendoff::test
