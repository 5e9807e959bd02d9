// The PrRtAdv that the access router sends (RFC 5269 3.2, 4.2; RFC 5568 6.1.2): its options, its
// signature, its size.
#include "router/router_fixture.h"

namespace sendoff::test {
namespace {

class Answer : public RouterTest {
 protected:
  Bytes answer_to(const Craft& craft) {
    bench.forget();
    receive(craft, mn);
    return reply();
  }
};

TEST_F(Answer, TheNonceIsEchoedUnchanged) {
  COVERS("HK-3.2-28");
  start();
  for (const std::size_t size : {6u, 14u, 30u}) {
    Craft craft = request();
    craft.nonce = Bytes(size, static_cast<std::uint8_t>(size));
    const Bytes packet = answer_to(craft);
    EXPECT_TRUE(has_key(packet));
    EXPECT_EQ(find_option(packet, wire::OptionType::kNonce),
              octets_of(wire::NonceOption{*craft.nonce}));
  }
  Craft plain = request();
  plain.cga_parameters.reset();
  plain.signer.reset();
  plain.nonce.reset();
  EXPECT_FALSE(find_option(answer_to(plain), wire::OptionType::kNonce).has_value());
}

TEST_F(Answer, TheOrderOfOptionsAndTheFixedBits) {
  COVERS("HK-3.2-21", "HK-4.2-08");
  start();
  for (const std::uint8_t code : std::initializer_list<std::uint8_t>{1, 4, 2, 3}) {
    const Bytes packet = answer_to(request(code));
    EXPECT_EQ(option_types(packet), (std::vector<int>{19, 19, 19, 17, 28, 11, 13, 14, 12}));
    const Bytes option = *find_option(packet, wire::OptionType::kHandoverKeyReply);
    EXPECT_EQ(option[3] >> 4, code);
    EXPECT_EQ(option[3] & 0x0f, 0);
    bench.advance(seconds(3));
  }
  // Nobody else gets one.
  const Peer other(signing_key("mn-1024"), kPrefix, "02:00:00:00:01:02", 2);
  bench.forget();
  receive(other.rtsolpr(ar_global(), bench.now), other);
  EXPECT_FALSE(has_key(reply()));
  bench.forget();
  bench.advance(seconds(700));
  for (const auto& transmit : bench.sent) EXPECT_FALSE(has_key(transmit.packet));
}

TEST_F(Answer, PaddingOfTheReplyIsZero) {
  COVERS("HK-4.2-04");
  start();
  for (const std::string bits : {"1024", "2048", "3072"}) {
    const Peer peer(signing_key("mn-" + bits), kPrefix, "02:00:00:00:01:04");
    bench.forget();
    receive(peer.rtsolpr(ar_global(), bench.now, decryption_key("hke-" + bits)->spki()), peer);
    const auto option = find_option(reply(), wire::OptionType::kHandoverKeyReply);
    ASSERT_TRUE(option.has_value());
    ASSERT_EQ((*option)[2], 2);
    EXPECT_EQ(option->end()[-1], 0);
    EXPECT_EQ(option->end()[-2], 0);
  }
}

TEST_F(Answer, ChangesOnTheWayBreakTheSignature) {
  COVERS("HK-3.2-32");
  start();
  const Bytes packet = answer_to(request());
  ASSERT_TRUE(signed_properly(packet));
  const Bytes option = *find_option(packet, wire::OptionType::kCga);
  const auto cga = wire::CgaOption::parse(option);
  EXPECT_TRUE(equal(cga::ParametersView::parse(cga->parameters)->public_key,
                    config.interfaces[0].identity.key->spki()));
  EXPECT_EQ(option_types(packet).back(), 12);
  const auto found =
      std::ranges::search(packet, *find_option(packet, wire::OptionType::kHandoverKeyReply));
  const auto at = static_cast<std::size_t>(found.begin() - packet.begin());
  for (const std::size_t octet : {3u, 4u, 5u, 6u, 70u, 133u}) {
    Bytes changed = packet;
    changed[at + octet] ^= 0x10;
    repair_checksum(changed);
    EXPECT_FALSE(signed_properly(changed)) << octet;
  }
}

TEST_F(Answer, ItCarriesTheTimeAndGoesToTheAskerAlone) {
  COVERS("HK-3.2-34", "HK-3.2-35");
  start();
  bench.now.utc += milliseconds(500);
  const Bytes packet = answer_to(request());
  const Bytes option = *find_option(packet, wire::OptionType::kTimestamp);
  EXPECT_EQ(option.size(), 16u);
  EXPECT_EQ(wire::TimestampOption::parse(option)->value, timestamp_at(bench.now.utc));
  ASSERT_EQ(bench.sent.size(), 1u);
  EXPECT_EQ(bench.sent[0].link_destination, mn.link_address());
  EXPECT_EQ(Ipv6Address::from(ByteView(packet).subspan(24, 16)), mn.global());
  const auto source = Ipv6Address::from(ByteView(packet).subspan(8, 16));
  EXPECT_TRUE(source.is_link_local());
  EXPECT_EQ(source, ar_link_local());
  EXPECT_FALSE(source.octets()[11] == 0xff && source.octets()[12] == 0xfe);
  EXPECT_TRUE(signed_properly(packet));
}

TEST_F(Answer, AccessPointsAreLeftOutBeforeTheKey) {
  COVERS("HK-3.2-44");
  config.neighbours[0].access_points.clear();
  for (std::uint8_t i = 0; i < 40; ++i)
    config.neighbours[0].access_points.push_back(*LinkAddress::from(Bytes{2, 0, 0, 0, 10, i}));
  start();
  const Peer big(signing_key("mn-2048"), kPrefix, "02:00:00:00:01:04");
  const auto opener = decryption_key("hke-2048");
  bench.forget();
  receive(big.rtsolpr(ar_global(), bench.now, opener->spki()), big);
  const Bytes packet = reply();
  EXPECT_TRUE(has_key(packet));
  EXPECT_LE(packet.size(), 1500u);
  EXPECT_EQ(packet[6], wire::kProtocolIcmpv6);
  EXPECT_TRUE(signed_properly(packet));
  const auto types = option_types(packet);
  const auto tuples = std::ranges::count(types, 17);
  EXPECT_GT(tuples, 0);
  EXPECT_LT(tuples, 40);
  // Not even alone: without key, and it is said.
  bench.host(machine::MtuChanged{{0}, 900});
  bench.forget();
  const Peer next(signing_key("mn-2048"), kPrefix, "02:00:00:00:01:05", 7);
  receive(next.rtsolpr(ar_global(), bench.now, opener->spki()), next);
  const Bytes without = reply();
  EXPECT_FALSE(has_key(without));
  EXPECT_LE(without.size(), 900u);
  EXPECT_EQ(without[6], wire::kProtocolIcmpv6);
  ASSERT_EQ(bench.reported(machine::EventKind::kWarning).size(), 1u);
  EXPECT_NE(bench.reported(machine::EventKind::kWarning)[0]->text("text").find("900"),
            std::string_view::npos);
}

}  // namespace
}  // namespace sendoff::test
