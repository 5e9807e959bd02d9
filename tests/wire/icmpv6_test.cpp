// The fixed parts of ICMPv6 messages (RFC 4443, 4861, 4191, 3971 6.4, 5568 6.1).
#include "wire/icmpv6.h"

#include <gtest/gtest.h>

#include "support/covers.h"
#include "wire/codec.h"
#include "wire/ipv6.h"
#include "wire/nd_options.h"

namespace sendoff::wire {
namespace {

using test::emitted_hex;
using test::error_of;
using test::kept;
using test::octets;
using test::plain;

const Ipv6Address kSource = Ipv6Address::literal("fe80::1");
const Ipv6Address kDestination = Ipv6Address::literal("ff02::2");

// What every message has in common: it is written as it was read, cut nowhere, and knows its type
// and its code. Gives the message back for its fields.
template <typename T>
T both_ways(const Bytes& whole, bool code_must_be_zero = true) {
  const auto message = T::parse(whole);
  EXPECT_TRUE(message);
  if (!message) return {};
  EXPECT_EQ(emitted_hex(*message), to_hex(whole));
  for (std::size_t size = 0; size < message->size(); ++size)
    EXPECT_EQ(error_of<T>(ByteView(whole).first(size)), ParseError::kTruncated) << size;
  Bytes other = whole;
  other[0] = 200;
  EXPECT_EQ(error_of<T>(other), ParseError::kType);
  for (const unsigned code : {1U, 128U, 255U}) {
    other = whole;
    other[1] = static_cast<std::uint8_t>(code);
    EXPECT_EQ(error_of<T>(other), code_must_be_zero ? ParseError::kValue : ParseError::kCount);
  }
  // Options behind the fixed part, and the checksum, are not looked at.
  other = whole;
  other[2] = other[3] = 0xff;
  other.resize(whole.size() + 8, 0xff);
  EXPECT_EQ(error_of<T>(other), ParseError::kCount);
  return *message;
}

// Every octet in `reserved` may come with any bit, and is sent as zero.
template <typename T>
void expect_reserved(const Bytes& whole, std::initializer_list<std::size_t> reserved,
                     std::uint8_t bits = 0xff) {
  Bytes received = whole;
  for (const std::size_t at : reserved)
    received[at] = static_cast<std::uint8_t>(received[at] | bits);
  const auto message = T::parse(received);
  ASSERT_TRUE(message);
  EXPECT_EQ(emitted_hex(*message), to_hex(whole));
}

TEST(Icmpv6Header, IsReadAndWritten) {
  const auto header = Icmpv6Header::parse(kept(octets("86 a5 1234 99")));
  ASSERT_TRUE(header);
  EXPECT_EQ(header->type, 0x86);
  EXPECT_EQ(header->code, 0xa5);
  EXPECT_EQ(header->checksum, 0x1234);
  EXPECT_EQ(emitted_hex(*header), plain("86a51234"));
  EXPECT_EQ(error_of<Icmpv6Header>(octets("86a512")), ParseError::kTruncated);
}

TEST(RouterSolicitation, IsReadAndWritten) {
  const Bytes whole = octets("85 00 0000 00000000");
  both_ways<RouterSolicitation>(whole);
  expect_reserved<RouterSolicitation>(whole, {4, 5, 6, 7});
}

TEST(RouterAdvertisement, IsReadAndWritten) {
  const Bytes whole = octets("86 00 0000 40 e8 0708 00007530 000003e8");
  const auto message = both_ways<RouterAdvertisement>(whole);
  EXPECT_EQ(message.current_hop_limit, 64);
  EXPECT_TRUE(message.managed);
  EXPECT_TRUE(message.other);
  EXPECT_TRUE(message.home_agent);
  EXPECT_EQ(message.preference, 1);
  EXPECT_EQ(message.router_lifetime_s, 1800);
  EXPECT_EQ(message.reachable_time_ms, 30000U);
  EXPECT_EQ(message.retransmission_timer_ms, 1000U);
  expect_reserved<RouterAdvertisement>(whole, {5}, 0x07);
}

TEST(RouterAdvertisement, GivesEachFlagItsBit) {
  for (unsigned flags = 0; flags < 32; ++flags) {
    Bytes whole = octets("86 00 0000 00 00 0000 00000000 00000000");
    whole[5] = static_cast<std::uint8_t>(flags << 3);
    const auto message = RouterAdvertisement::parse(whole);
    ASSERT_TRUE(message);
    EXPECT_EQ(message->managed, (whole[5] & 0x80) != 0);
    EXPECT_EQ(message->other, (whole[5] & 0x40) != 0);
    EXPECT_EQ(message->home_agent, (whole[5] & 0x20) != 0);
    EXPECT_EQ(message->preference, flags & 3);
    EXPECT_EQ(emitted_hex(*message), to_hex(whole));
  }
}

TEST(NeighborSolicitation, IsReadAndWritten) {
  const Bytes whole = octets("87 00 0000 00000000 20010db8000000000000000000000001");
  EXPECT_EQ(both_ways<NeighborSolicitation>(whole).target, Ipv6Address::literal("2001:db8::1"));
  expect_reserved<NeighborSolicitation>(whole, {4, 5, 6, 7});
}

TEST(NeighborAdvertisement, IsReadAndWritten) {
  for (unsigned flags = 0; flags < 8; ++flags) {
    Bytes whole = octets("88 00 0000 00000000 20010db8000000000000000000000001");
    whole[4] = static_cast<std::uint8_t>(flags << 5);
    const auto message = both_ways<NeighborAdvertisement>(whole);
    EXPECT_EQ(message.router, (whole[4] & 0x80) != 0);
    EXPECT_EQ(message.solicited, (whole[4] & 0x40) != 0);
    EXPECT_EQ(message.override_flag, (whole[4] & 0x20) != 0);
    EXPECT_EQ(message.target, Ipv6Address::literal("2001:db8::1"));
    expect_reserved<NeighborAdvertisement>(whole, {5, 6, 7});
    expect_reserved<NeighborAdvertisement>(whole, {4}, 0x1f);
  }
}

TEST(Redirect, IsReadAndWritten) {
  const Bytes whole = octets(
      "89 00 0000 00000000 fe800000000000000000000000000001 20010db8000000000000000000000002");
  const auto message = both_ways<Redirect>(whole);
  EXPECT_EQ(message.target, Ipv6Address::literal("fe80::1"));
  EXPECT_EQ(message.destination, Ipv6Address::literal("2001:db8::2"));
  expect_reserved<Redirect>(whole, {4, 5, 6, 7});
}

TEST(PacketTooBig, IsReadAndWrittenWhateverItsCode) {
  const Bytes whole = octets("02 00 0000 89abcdef 600000");
  const auto message = PacketTooBig::parse(whole);
  ASSERT_TRUE(message);
  EXPECT_EQ(message->mtu, 0x89abcdefU);
  EXPECT_EQ(to_hex(message->invoking), "600000");
  EXPECT_EQ(emitted_hex(*message), to_hex(whole));
  EXPECT_EQ(error_of<PacketTooBig>(octets("02 07 0000 00000500")), ParseError::kCount);
  EXPECT_EQ(error_of<PacketTooBig>(octets("02 00 0000 000005")), ParseError::kTruncated);
  EXPECT_EQ(error_of<PacketTooBig>(octets("04 00 0000 00000500")), ParseError::kType);
}

TEST(ParameterProblem, IsReadAndWritten) {
  const Bytes whole = octets("04 02 0000 89abcdef 6000");
  const auto message = ParameterProblem::parse(whole);
  ASSERT_TRUE(message);
  EXPECT_EQ(message->code, 2);
  EXPECT_EQ(message->pointer, 0x89abcdefU);
  EXPECT_EQ(to_hex(message->invoking), "6000");
  EXPECT_EQ(emitted_hex(*message), to_hex(whole));
  EXPECT_EQ(error_of<ParameterProblem>(octets("04 02 0000 000000")), ParseError::kTruncated);
  EXPECT_EQ(error_of<ParameterProblem>(octets("02 02 0000 00000000")), ParseError::kType);
}

TEST(CertificationPathSolicitation, IsReadAndWritten) {
  const auto message = both_ways<CertificationPathSolicitation>(octets("94 00 0000 89ab cdef"));
  EXPECT_EQ(message.identifier, 0x89ab);
  EXPECT_EQ(message.component, 0xcdef);
}

TEST(CertificationPathAdvertisement, HasTwelveOctetsAtLeast) {
  const Bytes whole = octets("95 00 0000 89ab cdef 0123 0000");
  const auto message = both_ways<CertificationPathAdvertisement>(whole);
  EXPECT_EQ(message.identifier, 0x89ab);
  EXPECT_EQ(message.all_components, 0xcdef);
  EXPECT_EQ(message.component, 0x0123);
  expect_reserved<CertificationPathAdvertisement>(whole, {10, 11});
}

TEST(RtSolPr, IsReadAndWritten) {
  COVERS("FH-6.1.1-01");
  const Bytes whole = octets("9a 00 0000 02 00 89ab");
  EXPECT_EQ(both_ways<RtSolPr>(whole).identifier, 0x89ab);
  expect_reserved<RtSolPr>(whole, {5});
  EXPECT_EQ(options_offset(whole), 8U);
}

TEST(PrRtAdv, IsReadAndWritten) {
  COVERS("FH-6.1.2-01");
  for (unsigned code = 0; code < 256; ++code) {
    Bytes whole = octets("9a 00 0000 03 00 89ab");
    whole[1] = static_cast<std::uint8_t>(code);
    const auto message = both_ways<PrRtAdv>(whole, false);
    EXPECT_EQ(message.code, code);
    EXPECT_EQ(message.identifier, 0x89ab);
  }
  expect_reserved<PrRtAdv>(octets("9a 00 0000 03 00 89ab"), {5});
  const Bytes with_option = octets("9a 00 0000 03 00 89ab 13 01 00 0000000000");
  const ByteView options = ByteView(with_option).subspan(options_offset(with_option).value());
  EXPECT_TRUE(OptionList::parse(options));
  for (std::size_t size = 1; size < options.size(); ++size)
    EXPECT_FALSE(OptionList::parse(options.first(size)));
}

TEST(FastMobility, IsToldApartByItsSubtype) {
  for (unsigned subtype = 0; subtype < 256; ++subtype) {
    Bytes whole = octets("9a 00 0000 00 00 0001");
    whole[4] = static_cast<std::uint8_t>(subtype);
    EXPECT_EQ(error_of<RtSolPr>(whole), subtype == 2 ? ParseError::kCount : ParseError::kType);
    EXPECT_EQ(error_of<PrRtAdv>(whole), subtype == 3 ? ParseError::kCount : ParseError::kType);
    EXPECT_EQ(options_offset(whole).has_value(), subtype == 2 || subtype == 3);
  }
}

TEST(OptionsOffset, IsTheFixedPartOfMessagesThatCarryOptions) {
  const std::map<unsigned, std::size_t> sizes = {{133, 8},  {134, 16}, {135, 24}, {136, 24},
                                                 {137, 40}, {148, 8},  {149, 12}, {154, 8}};
  for (unsigned type = 0; type < 256; ++type) {
    Bytes whole(64);
    whole[0] = static_cast<std::uint8_t>(type);
    whole[4] = kSubtypeRtSolPr;
    const auto size = sizes.find(type);
    if (size == sizes.end()) {
      EXPECT_FALSE(options_offset(whole)) << type;
      continue;
    }
    EXPECT_EQ(options_offset(whole), size->second);
    EXPECT_EQ(options_offset(ByteView(whole).first(size->second)), size->second);
    for (std::size_t cut = 0; cut < size->second; ++cut)
      EXPECT_FALSE(options_offset(to_bytes(ByteView(whole).first(cut))));
  }
}

TEST(Icmpv6Checksum, IsSealedWhateverStoodThere) {
  Bytes message = octets("85 00 aaaa 00000000 01 01 02005e10a7c3");
  seal_icmpv6(kSource, kDestination, message);
  EXPECT_TRUE(icmpv6_checksum_ok(kSource, kDestination, message));
  Bytes again = message;
  seal_icmpv6(kSource, kDestination, again);
  EXPECT_EQ(again, message);
}

TEST(Icmpv6Checksum, FailsForEveryFlippedBitAndForOtherAddresses) {
  Bytes message = octets("85 00 0000 00000000 01 01 02005e10a7c3");
  seal_icmpv6(kSource, kDestination, message);
  for (std::size_t bit = 0; bit < message.size() * 8; ++bit) {
    Bytes flipped = message;
    flipped[bit / 8] = static_cast<std::uint8_t>(flipped[bit / 8] ^ 1U << bit % 8);
    EXPECT_FALSE(icmpv6_checksum_ok(kSource, kDestination, flipped)) << bit;
  }
  EXPECT_FALSE(icmpv6_checksum_ok(Ipv6Address::literal("fe80::2"), kDestination, message));
  EXPECT_FALSE(icmpv6_checksum_ok(kSource, kAllNodes, message));
  EXPECT_FALSE(icmpv6_checksum_ok(kSource, kDestination, ByteView(message).first(3)));
}

TEST(Icmpv6Packet, HasHopLimit255AndNoExtensionHeader) {
  const Bytes message = octets("85 00 0000 00000000");
  const auto view = PacketView::parse(kept(icmpv6_packet(kSource, kDestination, message)));
  ASSERT_TRUE(view);
  EXPECT_EQ(view->header.hop_limit, 255);
  EXPECT_EQ(view->header.next_header, kProtocolIcmpv6);
  EXPECT_EQ(view->header.source, kSource);
  EXPECT_EQ(view->header.destination, kDestination);
}

}  // namespace
}  // namespace sendoff::wire
