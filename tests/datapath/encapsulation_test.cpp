#include "datapath/encapsulation.h"

#include <gtest/gtest.h>

#include "wire/icmpv6.h"
#include "wire/ipv6.h"

namespace sendoff::datapath {
namespace {

const Tunnel kTunnel{Ipv6Address::literal("2001:db8:a::1"), Ipv6Address::literal("2001:db8:b::77")};
const Ipv6Address kSource = Ipv6Address::literal("2001:db8:1::2");
const Ipv6Address kPcoa = Ipv6Address::literal("2001:db8:a::77");

Bytes inner_packet(std::uint8_t traffic_class = 0, std::uint8_t hop_limit = 61,
                   std::size_t payload = 24) {
  wire::Ipv6Header header;
  header.traffic_class = traffic_class;
  header.flow_label = 0xabcde;
  header.next_header = 17;
  header.hop_limit = hop_limit;
  header.source = kSource;
  header.destination = kPcoa;
  return wire::build_packet(header, {}, Bytes(payload, 0x5a));
}

TEST(Encapsulation, TheOuterHeaderIsOursAndTheInnerPacketIsUntouched) {
  const Bytes inner = inner_packet(0xb9);
  const Bytes outer = encapsulate(kTunnel, inner);
  ASSERT_EQ(outer.size(), inner.size() + kOuterSize);
  const auto header = wire::Ipv6Header::parse(outer);
  ASSERT_TRUE(header);
  EXPECT_EQ(header->source, kTunnel.near);
  EXPECT_EQ(header->destination, kTunnel.far);
  EXPECT_EQ(header->next_header, 41);
  EXPECT_EQ(header->payload_length, inner.size());
  EXPECT_EQ(header->traffic_class, 0xb9);
  EXPECT_EQ(header->flow_label, 0xabcdeU);
  EXPECT_TRUE(equal(ByteView(outer).subspan(kOuterSize), inner));
}

TEST(Encapsulation, WhatIsNoWholeIpv6PacketGoesIntoNoTunnel) {
  const Bytes inner = inner_packet();
  for (std::size_t size = 0; size < inner.size(); ++size)
    EXPECT_TRUE(encapsulate(kTunnel, ByteView(inner).first(size)).empty()) << size;
  Bytes other = inner;
  other[0] = 0x45;
  EXPECT_TRUE(encapsulate(kTunnel, other).empty());
  // An inner packet above 65535 octets does not fit the outer payload length.
  EXPECT_TRUE(encapsulate(kTunnel, inner_packet(0, 61, 65535)).empty());
  EXPECT_FALSE(encapsulate(kTunnel, inner_packet(0, 61, 65495)).empty());
}

// Two routers with a binding towards each other would wrap a packet for ever.
TEST(Encapsulation, WhatWasInATunnelDoesNotEnterItAgain) {
  const Tunnel other{kTunnel.far, kTunnel.near};
  const Bytes once = encapsulate(kTunnel, inner_packet());
  const Bytes back = encapsulate(other, once);
  ASSERT_FALSE(back.empty());
  EXPECT_TRUE(encapsulate(kTunnel, once).empty());
  EXPECT_TRUE(encapsulate(kTunnel, back).empty());
  EXPECT_FALSE(encapsulate({kTunnel.near, kSource}, back).empty());
}

TEST(Encapsulation, CongestionIsCarriedOverOrEndsThePacket) {
  // Inner ECN 0 cannot say it; 1 and 2 become 3 (RFC 6040 4.2).
  EXPECT_FALSE(decapsulate(3, inner_packet(0)));
  for (const std::uint8_t ecn : {std::uint8_t{1}, std::uint8_t{2}, std::uint8_t{3}}) {
    const auto packet = decapsulate(3, inner_packet(0xb8 | ecn));
    ASSERT_TRUE(packet);
    EXPECT_EQ(wire::Ipv6Header::parse(*packet)->traffic_class, 0xbb);
    EXPECT_EQ(wire::Ipv6Header::parse(*packet)->flow_label, 0xabcdeU);
  }
  for (const std::uint8_t outer : {std::uint8_t{0}, std::uint8_t{1}, std::uint8_t{0xfe}})
    EXPECT_EQ(decapsulate(outer, inner_packet(0)), inner_packet(0));
}

TEST(Encapsulation, NothingOutOfATunnelLooksAsIfItWereFromTheLink) {
  const auto packet = decapsulate(0, inner_packet(0, 255));
  ASSERT_TRUE(packet);
  EXPECT_EQ(wire::Ipv6Header::parse(*packet)->hop_limit, 254);
}

TEST(Encapsulation, EveryTruncationOfAnInnerPacketIsRefused) {
  const Bytes inner = inner_packet();
  for (std::size_t size = 0; size < inner.size(); ++size)
    EXPECT_FALSE(decapsulate(0, ByteView(inner).first(size))) << size;
}

TEST(Encapsulation, SignallingIsKnownAlsoBehindOneExtensionHeader) {
  const auto with = [](std::uint8_t next, ByteView extension, std::uint8_t first) {
    wire::Ipv6Header header;
    header.next_header = next;
    header.source = kSource;
    header.destination = kPcoa;
    Bytes upper(16);
    upper[0] = first;
    return wire::build_packet(header, extension, upper);
  };
  for (const int type : {133, 134, 135, 136, 137, 148, 149, 154})
    EXPECT_TRUE(is_signalling(with(58, {}, static_cast<std::uint8_t>(type)))) << type;
  for (const int type : {1, 2, 3, 4, 128, 129, 132, 138, 143, 150})
    EXPECT_FALSE(is_signalling(with(58, {}, static_cast<std::uint8_t>(type)))) << type;
  EXPECT_TRUE(is_signalling(with(135, {}, 0)));
  EXPECT_FALSE(is_signalling(with(17, {}, 0)));
  Bytes options(24);
  options[0] = 135;
  options[1] = 2;
  EXPECT_TRUE(is_signalling(with(60, options, 0)));
  options[0] = 17;
  EXPECT_FALSE(is_signalling(with(60, options, 0)));
  options[1] = 255;  // overruns the packet
  EXPECT_FALSE(is_signalling(with(60, options, 0)));
  EXPECT_FALSE(is_signalling({}));
}

TEST(Encapsulation, PacketTooBigQuotesWhatFitsTheMinimumMtu) {
  const Bytes inner = inner_packet(0, 61, 1460);
  const auto told = packet_too_big(kTunnel.near, inner, 1460);
  ASSERT_TRUE(told);
  EXPECT_EQ(told->size(), kMinimumMtu);
  const ByteView message = ByteView(*told).subspan(wire::Ipv6Header::kSize);
  EXPECT_TRUE(wire::icmpv6_checksum_ok(kTunnel.near, kSource, message));
  EXPECT_EQ(message[0], 2);
  EXPECT_EQ(message[6] << 8 | message[7], 1460);
  EXPECT_TRUE(equal(message.subspan(8), ByteView(inner).first(message.size() - 8)));
  // Nobody is told of less than what every link carries.
  const auto least = packet_too_big(kTunnel.near, inner, 1000);
  ASSERT_TRUE(least);
  EXPECT_EQ((*least)[46] << 8 | (*least)[47], 1280);
}

TEST(Encapsulation, ErrorsAndPacketsOfNobodyAreNotAnswered) {
  Bytes message(16);
  message[0] = 1;
  EXPECT_FALSE(packet_too_big(kTunnel.near, wire::icmpv6_packet(kSource, kPcoa, message), 1460));
  message[0] = 128;
  EXPECT_TRUE(packet_too_big(kTunnel.near, wire::icmpv6_packet(kSource, kPcoa, message), 1460));
  for (const char* source : {"::", "::1", "ff02::1", "fe80::1"})
    EXPECT_FALSE(packet_too_big(
        kTunnel.near, wire::icmpv6_packet(Ipv6Address::literal(source), kPcoa, message), 1460))
        << source;
}

TEST(Encapsulation, APacketTooBigIsReadOnlyAboutATunnelPacket) {
  const Bytes outer = encapsulate(kTunnel, inner_packet());
  Bytes message(8);
  message[0] = 2;
  message[6] = 0x05;
  message[7] = 0x78;
  message.insert(message.end(), outer.begin(), outer.end());
  const auto told = parse_too_big(message);
  ASSERT_TRUE(told);
  EXPECT_EQ(told->tunnel, kTunnel);
  EXPECT_EQ(told->inner_source, kSource);
  EXPECT_EQ(told->inner_destination, kPcoa);
  EXPECT_EQ(told->mtu, 1400U);
  for (std::size_t size = 0; size < 8 + 80; ++size)
    EXPECT_FALSE(parse_too_big(ByteView(message).first(size))) << size;
  message[8 + 6] = 17;
  EXPECT_FALSE(parse_too_big(message));
  message[8 + 6] = 41;
  message[0] = 1;
  EXPECT_FALSE(parse_too_big(message));
}

}  // namespace
}  // namespace sendoff::datapath
