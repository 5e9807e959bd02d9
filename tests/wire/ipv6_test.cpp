// IPv6 header, extension headers and the walk over them (RFC 8200; RFC 6275 6.3, 6.4).
#include "wire/ipv6.h"

#include <gtest/gtest.h>

#include "support/covers.h"
#include "wire/codec.h"

namespace sendoff::wire {
namespace {

using test::emitted_hex;
using test::error_of;
using test::expect_truncated_at_every_length;
using test::kept;
using test::octets;
using test::plain;

const Ipv6Address kFrom = Ipv6Address::literal("2001:db8:a::1");
const Ipv6Address kTo = Ipv6Address::literal("2001:db8:b::2");
const Ipv6Address kHome = Ipv6Address::literal("2001:db8:c::3");

Bytes packet_of(std::uint8_t next_header, std::string_view payload) {
  Ipv6Header header;
  header.next_header = next_header;
  header.source = kFrom;
  header.destination = kTo;
  return build_packet(header, {}, octets(payload));
}

ParseError chain_error(std::uint8_t next_header, std::string_view payload) {
  return error_of<PacketView>(packet_of(next_header, payload));
}

// A Destination Options header with the Home Address option kHome, in front of `next`.
std::string home_address_header(const std::string& next) {
  return next + "02 01 02 00 00 c9 10 20010db8000c00000000000000000003";
}
const std::string kFragmentAtomic = "00 00 00 00 00 00 01";  // behind its next header octet
const std::string kRouting2 = "02 02 01 00000000 20010db8000c00000000000000000003";

constexpr std::string_view kHeader =
    "6a5bcdef 1234 3b fe 20010db8000a00000000000000000001 20010db8000b00000000000000000002";

TEST(Ipv6Header, IsReadAndWritten) {
  const Bytes whole = octets(kHeader);
  const auto header = Ipv6Header::parse(whole);
  ASSERT_TRUE(header);
  EXPECT_EQ(header->traffic_class, 0xa5);
  EXPECT_EQ(header->flow_label, 0xbcdefU);
  EXPECT_EQ(header->payload_length, 0x1234);
  EXPECT_EQ(header->next_header, kProtocolNoNext);
  EXPECT_EQ(header->hop_limit, 254);
  EXPECT_EQ(header->source, kFrom);
  EXPECT_EQ(header->destination, kTo);
  EXPECT_EQ(emitted_hex(*header), plain(kHeader));
  expect_truncated_at_every_length<Ipv6Header>(whole);
}

TEST(Ipv6Header, KeepsEveryBitOfItsFirstWord) {
  for (unsigned bit = 0; bit < 28; ++bit) {
    Bytes whole = octets(kHeader);
    whole[0] = 0x60;
    whole[1] = whole[2] = whole[3] = 0;
    whole[3 - bit / 8] = static_cast<std::uint8_t>(whole[3 - bit / 8] | 1U << bit % 8);
    const auto header = Ipv6Header::parse(whole);
    ASSERT_TRUE(header);
    EXPECT_EQ(header->flow_label, bit < 20 ? 1U << bit : 0U);
    EXPECT_EQ(header->traffic_class, bit < 20 ? 0U : 1U << (bit - 20));
    EXPECT_EQ(emitted_hex(*header), to_hex(whole));
  }
}

TEST(Ipv6Header, RefusesEveryVersionButSix) {
  for (unsigned version = 0; version < 16; ++version) {
    Bytes whole = octets(kHeader);
    whole[0] = static_cast<std::uint8_t>(version << 4);
    EXPECT_EQ(error_of<Ipv6Header>(whole),
              version == 6 ? ParseError::kCount : ParseError::kVersion);
  }
}

TEST(FragmentHeader, IsReadAndWrittenWithReservedBitsIgnored) {
  const Bytes whole = octets("3a ff abcf deadbeef");
  const auto fragment = FragmentHeader::parse(whole);
  ASSERT_TRUE(fragment);
  EXPECT_EQ(fragment->next_header, 0x3a);
  EXPECT_EQ(fragment->offset, 0xabcf >> 3);
  EXPECT_TRUE(fragment->more);
  EXPECT_EQ(fragment->identification, 0xdeadbeefU);
  EXPECT_EQ(emitted_hex(*fragment), plain("3a 00 abc9 deadbeef"));
  expect_truncated_at_every_length<FragmentHeader>(whole);
}

TEST(FragmentHeader, IsAtomicOnlyWithoutOffsetAndMore) {
  EXPECT_TRUE(FragmentHeader::parse(kept(octets("3a 00 0000 00000000")))->atomic());
  EXPECT_TRUE(FragmentHeader::parse(kept(octets("3a 00 0006 00000000")))->atomic());
  EXPECT_FALSE(FragmentHeader::parse(kept(octets("3a 00 0001 00000000")))->atomic());
  EXPECT_FALSE(FragmentHeader::parse(kept(octets("3a 00 0008 00000000")))->atomic());
}

TEST(RoutingHeader, TypeTwoIsReadAndWritten) {
  const std::string text = "87" + kRouting2;
  const Bytes whole = octets(text);
  const auto routing = RoutingHeader::parse(whole);
  ASSERT_TRUE(routing);
  EXPECT_EQ(routing->next_header, kProtocolMobility);
  EXPECT_EQ(routing->home_address, kHome);
  EXPECT_EQ(emitted_hex(*routing), plain(text));
  expect_truncated_at_every_length<RoutingHeader>(whole);
  Bytes reserved = whole;
  reserved[4] = reserved[7] = 0xff;
  EXPECT_EQ(emitted_hex(*RoutingHeader::parse(reserved)), plain(text));
}

TEST(RoutingHeader, TypeTwoHasOneLengthAndOneSegment) {
  Bytes whole = octets("87" + kRouting2);
  whole[3] = 0;
  EXPECT_EQ(error_of<RoutingHeader>(whole), ParseError::kValue);
  whole[3] = 2;
  EXPECT_EQ(error_of<RoutingHeader>(whole), ParseError::kValue);
  whole[3] = 1;
  whole[1] = 1;
  EXPECT_EQ(error_of<RoutingHeader>(whole), ParseError::kLength);
  whole[1] = 3;
  whole.resize(32);
  EXPECT_EQ(error_of<RoutingHeader>(whole), ParseError::kLength);
}

TEST(RoutingHeader, OtherTypesAreOnlyNamed) {
  const auto routing = RoutingHeader::parse(kept(octets("3b 00 04 00 ffffffff")));
  ASSERT_TRUE(routing);
  EXPECT_EQ(routing->type, 4);
  EXPECT_EQ(routing->segments_left, 0);
  EXPECT_TRUE(routing->home_address.is_unspecified());
}

TEST(HomeAddressHeader, AlignsItsOptionToSixModuloEight) {
  COVERS("FH-6275-15");
  const HomeAddressHeader header{.next_header = kProtocolMobility, .home_address = kHome};
  EXPECT_EQ(emitted_hex(header), plain(home_address_header("87")));
  const auto view = PacketView::parse(kept(packet_of(60, home_address_header("3b"))));
  ASSERT_TRUE(view);
  EXPECT_EQ(view->home_address, kHome);
  EXPECT_EQ(chain_error(60, "3b02 0102 0000 c90f 20010db8000c000000000000000000 00"),
            ParseError::kExtensionHeaders);
  EXPECT_EQ(chain_error(60, "3b02 0101 00 c911 20010db8000c00000000000000000003 00"),
            ParseError::kExtensionHeaders);
}

TEST(PacketView, CutsLinkPadding) {
  Bytes packet = packet_of(kProtocolNoNext, "010203");
  packet.resize(packet.size() + 5, 0xee);
  const auto view = PacketView::parse(packet);
  ASSERT_TRUE(view);
  EXPECT_EQ(to_hex(view->upper), "010203");
}

TEST(PacketView, WalksAWholeChain) {
  const std::string chain =
      "3c 00 01 04 00000000"  // Hop-by-Hop
      "2b 00 01 04 00000000"  // Destination Options
      "3c" +
      kRouting2 +                                                   // Routing
      home_address_header("2c") + "3a" + kFragmentAtomic + "8000";  // Home Address, Fragment
  const Bytes packet = packet_of(kProtocolHopByHop, chain);
  const auto view = PacketView::parse(packet);
  ASSERT_TRUE(view) << name(view.error());
  EXPECT_TRUE(view->has_hop_by_hop);
  ASSERT_TRUE(view->routing);
  EXPECT_EQ(view->routing->home_address, kHome);
  EXPECT_EQ(view->home_address, kHome);
  ASSERT_TRUE(view->fragment);
  EXPECT_TRUE(view->fragment->atomic());
  EXPECT_EQ(view->upper_protocol, kProtocolIcmpv6);
  EXPECT_EQ(to_hex(view->upper), "8000");
  expect_truncated_at_every_length<PacketView>(packet);
}

// The payload length says less than the chain needs, in every place.
TEST(PacketView, RefusesAChainThatIsCut) {
  const Bytes chain = octets("2b 00 01 04 00000000 3c" + kRouting2 + home_address_header("2c") +
                             "3a" + kFragmentAtomic);
  Ipv6Header header;
  header.next_header = kProtocolHopByHop;
  for (std::size_t size = 0; size < chain.size(); ++size) {
    const Bytes packet = build_packet(header, {}, ByteView(chain).first(size));
    EXPECT_EQ(error_of<PacketView>(packet), ParseError::kTruncated) << size;
  }
}

TEST(PacketView, RefusesMoreThanEightExtensionHeaders) {
  std::string chain;
  for (int i = 0; i < 7; ++i) chain += "3c 00 01 04 00000000";
  EXPECT_EQ(chain_error(60, chain + "3b 00 01 04 00000000"), ParseError::kCount);
  EXPECT_EQ(chain_error(60, chain + "3c 00 01 04 00000000 3b 00 01 04 00000000"),
            ParseError::kExtensionHeaders);
}

TEST(PacketView, RefusesHeadersOutOfOrder) {
  const std::string padding = "00 01 04 00000000";
  EXPECT_EQ(chain_error(60, "00" + padding + "3b" + padding), ParseError::kExtensionHeaders);
  EXPECT_EQ(chain_error(43, "2b" + kRouting2 + "3b" + kRouting2), ParseError::kExtensionHeaders);
  EXPECT_EQ(chain_error(44, "2c" + kFragmentAtomic + "3b" + kFragmentAtomic),
            ParseError::kExtensionHeaders);
  EXPECT_EQ(chain_error(60, home_address_header("2b") + "3b" + kRouting2),
            ParseError::kExtensionHeaders);
  EXPECT_EQ(chain_error(44, "3c" + kFragmentAtomic + home_address_header("3b")),
            ParseError::kExtensionHeaders);
  EXPECT_EQ(chain_error(60, home_address_header("3c") + home_address_header("3b")),
            ParseError::kExtensionHeaders);
  // A Home Address option is a destination option.
  EXPECT_EQ(chain_error(0, home_address_header("3b")), ParseError::kExtensionHeaders);
}

TEST(PacketView, RefusesAnActiveRoutingHeaderOfUnknownType) {
  EXPECT_EQ(chain_error(43, "3b 00 00 00 00000000"), ParseError::kCount);
  EXPECT_EQ(chain_error(43, "3b 00 00 01 00000000"), ParseError::kExtensionHeaders);
  EXPECT_EQ(chain_error(43, "3b 00 fd ff 00000000"), ParseError::kExtensionHeaders);
}

TEST(PacketView, ObeysTheActionBitsOfUnknownOptions) {
  for (const std::uint8_t next : {kProtocolHopByHop, kProtocolDestinationOptions}) {
    EXPECT_EQ(chain_error(next, "3b 00 3f 04 01020304"), ParseError::kCount);
    EXPECT_EQ(chain_error(next, "3b 00 40 04 01020304"), ParseError::kExtensionHeaders);
    EXPECT_EQ(chain_error(next, "3b 00 80 04 01020304"), ParseError::kExtensionHeaders);
    EXPECT_EQ(chain_error(next, "3b 00 c0 04 01020304"), ParseError::kExtensionHeaders);
  }
}

TEST(PacketView, RefusesAnOptionThatOverrunsItsHeader) {
  EXPECT_EQ(chain_error(60, "3b 00 01 05 00000000"), ParseError::kExtensionHeaders);
  EXPECT_EQ(chain_error(60, "3b 00 01 ff 00000000"), ParseError::kExtensionHeaders);
  EXPECT_EQ(chain_error(60, "3b 00 00 00 00 00 00 01"), ParseError::kExtensionHeaders);
}

TEST(PacketView, LeavesALaterFragmentRaw) {
  // What looks like a Destination Options header here is the middle of something.
  const auto view = PacketView::parse(kept(packet_of(44, "3c 00 0008 00000001 ff ff")));
  ASSERT_TRUE(view);
  EXPECT_EQ(view->upper_protocol, kProtocolDestinationOptions);
  EXPECT_EQ(to_hex(view->upper), "ffff");
}

TEST(PacketView, StopsAtUpperLayers) {
  for (const std::uint8_t protocol :
       {kProtocolEsp, kProtocolIpv6, kProtocolMobility, kProtocolNoNext, std::uint8_t{6}}) {
    const auto view = PacketView::parse(kept(packet_of(protocol, "aabb")));
    ASSERT_TRUE(view);
    EXPECT_EQ(view->upper_protocol, protocol);
    EXPECT_EQ(to_hex(view->upper), "aabb");
  }
}

TEST(Checksum, CountsAnOddOctetAsTheHighOneOfItsWord) {
  EXPECT_EQ(checksum({}, {}, 0, octets("")), 0xffff);
  EXPECT_EQ(checksum({}, {}, 0, octets("12")), 0xffff - 0x1200 - 1);
  EXPECT_EQ(checksum({}, {}, 58, octets("1234")), 0xffff - 0x1234 - 2 - 58);
}

TEST(Checksum, FoldsEveryCarryOfTheLargestUpperLayer) {
  const Ipv6Address ones(Ipv6Address::Octets{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                             0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff});
  const Bytes upper(65534, 0xff);
  // In one's complement arithmetic ffff is zero: only length and protocol are left.
  EXPECT_EQ(checksum(ones, ones, 1, upper), 0);
  EXPECT_EQ(checksum(ones, ones, 2, upper), 0xfffe);
}

TEST(BuildPacket, PutsTheExtensionBetween) {
  Ipv6Header header;
  header.next_header = 60;
  header.payload_length = 77;
  const Bytes packet = build_packet(header, octets("0102"), octets("030405"));
  ASSERT_EQ(packet.size(), 45U);
  EXPECT_EQ(Ipv6Header::parse(packet)->payload_length, 5);
  EXPECT_EQ(to_hex(ByteView(packet).subspan(40)), "0102030405");
}

}  // namespace
}  // namespace sendoff::wire
