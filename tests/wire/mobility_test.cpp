// Mobility Header messages and options (RFC 6275 6.1, 6.2; RFC 5568 6.2, 6.4; W15 to W20).
#include "wire/mobility.h"

#include <gtest/gtest.h>

#include "support/covers.h"
#include "wire/codec.h"
#include "wire/option_cases.h"

namespace sendoff::wire {
namespace {

using test::counting;
using test::emitted;
using test::emitted_hex;
using test::error_of;
using test::expect_truncated_at_every_length;
using test::kept;
using test::octets;
using test::plain;

const Ipv6Address kPcoa = Ipv6Address::literal("2001:db8:a::1");
const Ipv6Address kNcoa = Ipv6Address::literal("2001:db8:b::2");
const Ipv6Address kPar = Ipv6Address::literal("2001:db8:a::f");
const std::string kNcoaHex = "20010db8000b00000000000000000002";
const std::string kMac12 = "0102030405060708090a0b0c";

// An FBU of the options in `text`, which begin at octet 12.
Bytes update_with(std::string_view text) {
  Bytes header = octets("3b 00 08 00 0000 0001 c000 001e");
  const Bytes options = octets(text);
  header.insert(header.end(), options.begin(), options.end());
  invariant(header.size() % 8 == 0);
  header[1] = static_cast<std::uint8_t>(header.size() / 8 - 1);
  return header;
}

ParseError update_error(std::string_view options) {
  return error_of<FastBindingUpdate>(update_with(options));
}

// What all messages have in common. Gives the message back for its fields.
template <typename T>
T header_both_ways(const Bytes& whole) {
  const auto message = T::parse(whole);
  EXPECT_TRUE(message);
  if (!message) return {};
  EXPECT_EQ(emitted_hex(*message), to_hex(whole));
  expect_truncated_at_every_length<T>(whole);
  Bytes other = whole;
  other[0] = kProtocolIcmpv6;
  EXPECT_EQ(error_of<T>(other), ParseError::kValue);
  for (unsigned type = 0; type < 256; ++type) {
    other = whole;
    other[2] = static_cast<std::uint8_t>(type);
    EXPECT_EQ(error_of<T>(other), type == whole[2] ? ParseError::kCount : ParseError::kType);
  }
  other = whole;
  other[1] = 0;
  EXPECT_EQ(error_of<T>(ByteView(other).first(8)), ParseError::kLength);
  // Reserved, checksum, and octets behind the header's end.
  other = whole;
  other[3] = other[4] = other[5] = 0xff;
  other.resize(whole.size() + 3, 0xff);
  EXPECT_EQ(emitted_hex(*T::parse(other)), to_hex(whole));
  return *message;
}

TEST(MobilityHeader, IsReadAndKnowsItsSize) {
  COVERS("FH-6275-01");
  const Bytes whole = octets("3b 01 c8 ff 1234 000000000000000000 00");
  const auto header = MobilityHeader::parse(whole);
  ASSERT_TRUE(header);
  EXPECT_EQ(header->payload_protocol, kProtocolNoNext);
  EXPECT_EQ(header->length_units, 1);
  EXPECT_EQ(static_cast<unsigned>(header->type), 200U);
  EXPECT_EQ(header->checksum, 0x1234);
  EXPECT_EQ(header->octets(), 16U);
  expect_truncated_at_every_length<MobilityHeader>(whole);
  for (const unsigned type : {8U, 9U, 14U, 15U}) {
    Bytes message = whole;
    message[2] = static_cast<std::uint8_t>(type);
    Ipv6Header ip;
    ip.next_header = kProtocolDestinationOptions;
    const HomeAddressHeader home{.next_header = kProtocolMobility, .home_address = kPcoa};
    const auto view = PacketView::parse(kept(build_packet(ip, emitted(home), message)));
    ASSERT_TRUE(view);
    EXPECT_EQ(view->upper_protocol, kProtocolMobility);
    EXPECT_EQ(static_cast<unsigned>(MobilityHeader::parse(view->upper)->type), type);
  }
}

TEST(FastBindingUpdate, IsReadAndWritten) {
  COVERS("FH-6.2.2-01");
  const Bytes whole = octets("3b 01 08 00 0000 0001 c000 001e 01020000");
  const auto message = header_both_ways<FastBindingUpdate>(whole);
  EXPECT_EQ(message.sequence, 1);
  EXPECT_TRUE(message.acknowledge);
  EXPECT_TRUE(message.home_registration);
  EXPECT_FALSE(message.link_local);
  EXPECT_FALSE(message.key_management);
  EXPECT_EQ(message.lifetime_s, 30);
}

TEST(FastBindingUpdate, GivesEachFlagItsBitAndIgnoresTheOthers) {
  for (unsigned bit = 0; bit < 16; ++bit) {
    Bytes whole = octets("3b 01 08 00 0000 89ab 0000 cdef 01020000");
    whole[9 - bit / 8] = static_cast<std::uint8_t>(1U << bit % 8);
    const auto message = FastBindingUpdate::parse(whole);
    ASSERT_TRUE(message);
    EXPECT_EQ(message->acknowledge, bit == 15);
    EXPECT_EQ(message->home_registration, bit == 14);
    EXPECT_EQ(message->link_local, bit == 13);
    EXPECT_EQ(message->key_management, bit == 12);
    EXPECT_EQ(message->sequence, 0x89ab);
    EXPECT_EQ(message->lifetime_s, 0xcdef);
    const Bytes sent = emitted(*message);
    EXPECT_EQ(sent[8], bit >= 12 ? 1U << (bit - 8) : 0U);
    EXPECT_EQ(sent[9], 0);
  }
}

TEST(FastBindingUpdate, HasTheSizeThatItsOptionsNeed) {
  COVERS("FH-6275-03");
  const Bytes mac = counting(12);
  FastBindingUpdate message;
  message.options.authorization = AuthorizationData{.authenticator = mac};
  EXPECT_EQ(message.size(), 32U);
  EXPECT_EQ(emitted(message)[1], 3);
  message.options.alternate_care_of = kNcoa;
  EXPECT_EQ(message.size(), 56U);
  EXPECT_EQ(emitted(message)[1], 6);
  Bytes longer = emitted(message);
  longer[1] = 7;
  EXPECT_EQ(error_of<FastBindingUpdate>(longer), ParseError::kTruncated);
}

TEST(FastBindingAcknowledgement, IsReadAndWritten) {
  COVERS("FH-6.2.3-01");
  const Bytes whole = octets("3b 01 09 00 0000 00 00 0001 0014 01020000");
  const auto message = header_both_ways<FastBindingAcknowledgement>(whole);
  EXPECT_EQ(message.status, 0);
  EXPECT_FALSE(message.key_management);
  EXPECT_EQ(message.sequence, 1);
  EXPECT_EQ(message.lifetime_s, 20);
}

TEST(FastBindingAcknowledgement, KeepsEveryBitButTheReservedOnes) {
  for (unsigned value = 0; value < 256; ++value) {
    Bytes whole = octets("3b 01 09 00 0000 00 00 89ab cdef 01020000");
    whole[6] = static_cast<std::uint8_t>(value);
    whole[7] = static_cast<std::uint8_t>(value);
    const auto message = FastBindingAcknowledgement::parse(whole);
    ASSERT_TRUE(message);
    EXPECT_EQ(message->status, value);
    EXPECT_EQ(message->key_management, value >= 0x80);
    EXPECT_EQ(message->sequence, 0x89ab);
    EXPECT_EQ(message->lifetime_s, 0xcdef);
    whole[7] = value >= 0x80 ? 0x80 : 0;
    EXPECT_EQ(emitted_hex(*message), to_hex(whole));
  }
}

TEST(HandoverInitiate, IsReadAndWritten) {
  COVERS("FH-6.2.1.1-01");
  const Bytes both = octets("3b 01 0e 00 0000 1234 c0 00 010400000000");
  auto message = header_both_ways<HandoverInitiate>(both);
  EXPECT_EQ(message.sequence, 0x1234);
  EXPECT_TRUE(message.assigned_addressing);
  EXPECT_TRUE(message.buffer);
  EXPECT_EQ(message.code, 0);
  message = header_both_ways<HandoverInitiate>(octets("3b 01 0e 00 0000 1234 00 01 010400000000"));
  EXPECT_FALSE(message.assigned_addressing);
  EXPECT_FALSE(message.buffer);
  EXPECT_EQ(message.code, 1);
}

TEST(HandoverInitiate, KeepsEveryBitButTheReservedOnes) {
  for (unsigned value = 0; value < 256; ++value) {
    Bytes whole = octets("3b 01 0e 00 0000 89ab 00 00 010400000000");
    whole[8] = static_cast<std::uint8_t>(value);
    whole[9] = static_cast<std::uint8_t>(value);
    const auto message = HandoverInitiate::parse(whole);
    ASSERT_TRUE(message);
    EXPECT_EQ(message->assigned_addressing, (value & 0x80) != 0);
    EXPECT_EQ(message->buffer, (value & 0x40) != 0);
    EXPECT_EQ(message->code, value);
    whole[8] = static_cast<std::uint8_t>(value & 0xc0);
    EXPECT_EQ(emitted_hex(*message), to_hex(whole));
  }
}

TEST(HandoverAcknowledge, IsReadAndWritten) {
  COVERS("FH-6.2.1.2-01");
  const auto message =
      header_both_ways<HandoverAcknowledge>(octets("3b 01 0f 00 0000 1234 00 02 010400000000"));
  EXPECT_EQ(message.sequence, 0x1234);
  EXPECT_EQ(message.code, 2);
  for (unsigned value = 0; value < 256; ++value) {
    Bytes whole = octets("3b 01 0f 00 0000 89ab 00 00 010400000000");
    whole[8] = 0xff;
    whole[9] = static_cast<std::uint8_t>(value);
    const auto read = HandoverAcknowledge::parse(whole);
    ASSERT_TRUE(read);
    EXPECT_EQ(read->code, value);
    EXPECT_EQ(emitted(*read)[8], 0);
  }
}

TEST(BindingError, IsReadAndWritten) {
  const Bytes whole = octets("3b 02 07 00 0000 a5 00 20010db8000a00000000000000000001");
  const auto message = header_both_ways<BindingError>(whole);
  EXPECT_EQ(message.status, 0xa5);
  EXPECT_EQ(message.home_address, kPcoa);
  Bytes longer = whole;
  longer[7] = 0xff;
  longer[1] = 3;
  longer.resize(32);
  EXPECT_EQ(error_of<BindingError>(longer), ParseError::kCount);
  longer[24] = 200;
  longer[25] = 7;
  EXPECT_EQ(error_of<BindingError>(longer), ParseError::kOptionOverrun);
}

TEST(MobilityOptions, PaddingFillsEveryGap) {
  COVERS("FH-6275-13");
  const std::string_view paddings[] = {"",         "00",         "0100",         "010100",
                                       "01020000", "0103000000", "010400000000", "01050000000000"};
  for (std::size_t octets_of_link = 1; octets_of_link <= 8; ++octets_of_link) {
    // An MH-LLA option of 3 + n octets stands at octet 10; what follows fills up to a multiple
    // of 8.
    HandoverInitiate message;
    const Bytes link = counting(octets_of_link);
    message.options.link_address = MobilityLinkAddress{.address = LinkAddress::from(link).value()};
    const Bytes sent = emitted(message);
    const std::size_t end = 10 + 3 + octets_of_link;
    EXPECT_EQ(to_hex(ByteView(sent).subspan(end)), paddings[(8 - end % 8) % 8]);
    EXPECT_TRUE(HandoverInitiate::parse(sent));
  }
  const Bytes not_zero = update_with("01 02 ffff");
  EXPECT_TRUE(FastBindingUpdate::parse(not_zero));
  EXPECT_TRUE(FastBindingUpdate::parse(kept(update_with("00 00 00 00"))));
}

TEST(MobilityOptions, AlternateCareOfAddressStandsAtSixModuloEight) {
  COVERS("FH-6275-14");
  FastBindingUpdate message;
  message.options.alternate_care_of = kNcoa;
  const Bytes sent = emitted(message);
  EXPECT_EQ(to_hex(ByteView(sent).subspan(12)), plain("0100 0310" + kNcoaHex));
  EXPECT_EQ(FastBindingUpdate::parse(sent)->options.alternate_care_of, kNcoa);
  HandoverInitiate other;
  other.options.alternate_care_of = kNcoa;
  EXPECT_EQ(to_hex(ByteView(emitted(other)).subspan(10, 6)), plain("01020000 0310"));
  EXPECT_EQ(update_error("030f" + kNcoaHex.substr(2) + "000000"), ParseError::kLength);
  EXPECT_EQ(update_error("0311" + kNcoaHex + "00 00"), ParseError::kLength);
  EXPECT_EQ(update_error("0300 0000"), ParseError::kLength);
}

TEST(MobilityOptions, LinkLayerAddressHasNoAlignment) {
  COVERS("FH-6.4.4-01");
  FastBindingUpdate message;
  message.options.link_address =
      MobilityLinkAddress{.address = LinkAddress::literal("02:00:5e:10:a7:c3")};
  const Bytes sent = emitted(message);
  EXPECT_EQ(to_hex(ByteView(sent).subspan(12)), plain("07 07 02 02005e10a7c3 010100"));
  const auto read = FastBindingUpdate::parse(sent);
  ASSERT_TRUE(read->options.link_address);
  EXPECT_EQ(read->options.link_address->option_code, 2);
  EXPECT_EQ(read->options.link_address->address, message.options.link_address->address);
  for (unsigned code = 0; code < 256; ++code) {
    Bytes other = sent;
    other[14] = static_cast<std::uint8_t>(code);
    const auto parsed = FastBindingUpdate::parse(other);
    ASSERT_TRUE(parsed);
    EXPECT_EQ(parsed->options.link_address.has_value(), code == 2);
  }
  for (const std::string_view useless : {"0701 02 00", "0700 0100",
                                         "070a 02 010203040506070809"
                                         "00 0102 0000"}) {
    const auto parsed = FastBindingUpdate::parse(kept(update_with(
        std::string(useless) + std::string((8 - (12 + octets(useless).size()) % 8) % 8 * 2, '0'))));
    ASSERT_TRUE(parsed) << useless;
    EXPECT_FALSE(parsed->options.link_address);
  }
}

TEST(MobilityOptions, AddressPrefixIsType34AtFourModuloEight) {
  COVERS("FH-6.4.2-01");
  HandoverInitiate message;
  message.options.link_address =
      MobilityLinkAddress{.address = LinkAddress::literal("02:00:5e:10:a7:c3")};
  message.options.addresses.push_back(
      {.code = MobilityAddressPrefix::Code::kOldCareOfAddress, .address = kPcoa});
  message.options.addresses.push_back(
      {.code = MobilityAddressPrefix::Code::kNewCareOfAddress, .address = kNcoa});
  const Bytes sent = emitted(message);
  EXPECT_EQ(to_hex(ByteView(sent).subspan(19)),
            plain("00 22 12 01 80 20010db8000a00000000000000000001"
                  "01020000 22 12 02 80" +
                  kNcoaHex));
  const auto read = HandoverInitiate::parse(sent);
  ASSERT_TRUE(read);
  ASSERT_EQ(read->options.addresses.size(), 2U);
  EXPECT_EQ(read->options.addresses[0].address, kPcoa);
  EXPECT_EQ(read->options.addresses[1].address, kNcoa);
  EXPECT_EQ(read->options.addresses[1].code, MobilityAddressPrefix::Code::kNewCareOfAddress);
  // The figure's type 17 is not this option.
  Bytes other = sent;
  other[20] = 17;
  ASSERT_TRUE(HandoverInitiate::parse(other));
  EXPECT_EQ(HandoverInitiate::parse(other)->options.addresses.size(), 1U);
}

TEST(MobilityOptions, AddressPrefixIsSkippedWhenItMakesNoSense) {
  for (unsigned value = 0; value < 256; ++value) {
    Bytes code = update_with("22 12 00 40" + kNcoaHex);
    code[14] = static_cast<std::uint8_t>(value);
    const auto by_code = FastBindingUpdate::parse(code);
    ASSERT_TRUE(by_code);
    EXPECT_EQ(by_code->options.addresses.size(), value >= 1 && value <= 4 ? 1U : 0U);
    Bytes length = update_with("22 12 03 00" + kNcoaHex);
    length[15] = static_cast<std::uint8_t>(value);
    const auto by_length = FastBindingUpdate::parse(length);
    ASSERT_TRUE(by_length);
    EXPECT_EQ(by_length->options.addresses.size(), value <= 128 ? 1U : 0U);
    if (value <= 128) {
      EXPECT_EQ(by_length->options.addresses[0].prefix_length, value);
    }
  }
  const auto shorter =
      FastBindingUpdate::parse(kept(update_with("22 10 01 80" + kNcoaHex.substr(4) + "0100")));
  ASSERT_TRUE(shorter);
  EXPECT_TRUE(shorter->options.addresses.empty());
}

TEST(MobilityOptions, BitsBehindAPrefixAreNeitherSentNorRead) {
  HandoverAcknowledge message;
  message.options.addresses.push_back(
      {.code = MobilityAddressPrefix::Code::kNarPrefix, .prefix_length = 47, .address = kNcoa});
  Bytes sent = emitted(message);
  EXPECT_EQ(to_hex(ByteView(sent).subspan(12)),
            plain("22 12 04 2f 20010db8000a00000000000000000000"));
  sent[31] = 0xff;
  EXPECT_EQ(HandoverAcknowledge::parse(sent)->options.addresses[0].address,
            Ipv6Address::literal("2001:db8:a::"));
}

TEST(MobilityOptions, KeepTheFirstOfEachKind) {
  std::string text = "0100 0310" + kNcoaHex + "0310" + std::string(32, '1');
  text += "07 02 02 aa 07 02 02 bb";
  for (int round = 0; round < 3; ++round)
    for (const std::string code : {"01", "02", "03", "04"})
      text += "22 12" + code + "80" + std::string(30, '0') + (round == 0 ? code : "ff");
  while ((12 + octets(text).size()) % 8 != 0) text += "00";
  const auto message = FastBindingUpdate::parse(kept(update_with(text)));
  ASSERT_TRUE(message) << name(message.error());
  EXPECT_EQ(message->options.alternate_care_of, kNcoa);
  EXPECT_EQ(message->options.link_address->address.text(), "aa");
  ASSERT_EQ(message->options.addresses.size(), MobilityOptions::kMaxAddresses);
  for (const MobilityAddressPrefix& item : message->options.addresses)
    EXPECT_EQ(item.address.octets()[15], static_cast<unsigned>(item.code));
}

TEST(MobilityOptions, UnknownTypesAreSkipped) {
  for (unsigned type = 0; type < 256; ++type) {
    if (type == 0 || type == 1 || type == 3 || type == 7 || type == 21 || type == 34) continue;
    Bytes header = update_with("c8 00 15 0c 00000000" + kMac12);
    header[12] = static_cast<std::uint8_t>(type);
    const auto message = FastBindingUpdate::parse(header);
    ASSERT_TRUE(message) << type;
    ASSERT_TRUE(message->options.authorization);
    EXPECT_EQ(message->options.authorization->offset, 20U);
  }
}

TEST(MobilityOptions, RefuseWhatOverrunsTheHeader) {
  COVERS("FH-6275-12");
  for (const unsigned type : {1U, 3U, 7U, 21U, 34U, 200U}) {
    for (unsigned length = 3; length < 256; ++length) {
      Bytes header = update_with("00 00 0000");
      header[12] = static_cast<std::uint8_t>(type);
      header[13] = static_cast<std::uint8_t>(length);
      EXPECT_EQ(error_of<FastBindingUpdate>(header), ParseError::kOptionOverrun) << type;
    }
  }
  // A type without room for its length.
  EXPECT_EQ(update_error("00 00 00 01"), ParseError::kOptionOverrun);
  EXPECT_EQ(update_error("00 00 00 15"), ParseError::kOptionOverrun);
}

TEST(AuthorizationOption, IsAlignedByItsSizeAndEndsTheHeader) {
  COVERS("FH-6.4.5-03", "FH-6.4.5-09");
  for (const std::size_t size : {12U, 16U, 24U, 12U}) {
    const Bytes mac = counting(size);
    for (const bool alternate : {false, true}) {
      for (const bool link : {false, true}) {
        FastBindingUpdate message;
        if (alternate) message.options.alternate_care_of = kNcoa;
        if (link)
          message.options.link_address =
              MobilityLinkAddress{.address = LinkAddress::literal("02:00:5e:10:a7:c3")};
        message.options.authorization = AuthorizationData{.authenticator = mac};
        const Bytes sent = emitted(message);
        ASSERT_EQ(sent.size() % 8, 0U);
        const std::size_t at = sent.size() - 6 - size;
        EXPECT_EQ(at % 8, size == 12 ? 6U : 2U);
        EXPECT_EQ(sent[at], 21);
        EXPECT_EQ(sent[at + 1], size);
        const auto read = FastBindingUpdate::parse(sent);
        ASSERT_TRUE(read);
        ASSERT_TRUE(read->options.authorization);
        EXPECT_EQ(read->options.authorization->spi, 0U);
        EXPECT_EQ(read->options.authorization->offset, at + 6);
        EXPECT_EQ(to_hex(read->options.authorization->authenticator), to_hex(mac));
      }
    }
  }
}

TEST(AuthorizationOption, IsReadWithEitherMeaningOfItsLength) {
  for (const std::string_view text : {"0100 15 0c 89abcdef", "0100 15 10 89abcdef"}) {
    const Bytes header = update_with(std::string(text) + kMac12);
    const auto message = FastBindingUpdate::parse(header);
    ASSERT_TRUE(message) << text;
    EXPECT_EQ(message->options.authorization->spi, 0x89abcdefU);
    EXPECT_EQ(to_hex(message->options.authorization->authenticator), kMac12);
    EXPECT_EQ(message->options.authorization->offset, 20U);
  }
}

TEST(AuthorizationOption, EveryOtherLengthIsRefused) {
  COVERS("FH-6.4.5-02");
  Bytes good = update_with("0100 15 0c 00000000" + kMac12);
  EXPECT_EQ(to_hex(ByteView(emitted(*FastBindingUpdate::parse(good))).subspan(14)),
            "150c00000000" + kMac12);
  for (unsigned length = 0; length < 256; ++length) {
    good[15] = static_cast<std::uint8_t>(length);
    const ParseError wanted = length == 12 || length == 16 ? ParseError::kCount
                              : length > 16                ? ParseError::kOptionOverrun
                                                           : ParseError::kLength;
    EXPECT_EQ(error_of<FastBindingUpdate>(good), wanted) << length;
  }
  // An SPI without authenticator, and less than that, at the header's end.
  EXPECT_EQ(update_error("01 04 00000000 15 00 00000000"), ParseError::kLength);
  EXPECT_EQ(update_error("01 04 00000000 15 04 00000000"), ParseError::kLength);
  EXPECT_EQ(update_error("00 00 15 00"), ParseError::kLength);
}

TEST(AuthorizationOption, MustBeTheLast) {
  EXPECT_EQ(update_error("0100 15 0c 00000000" + kMac12 + "0106 000000000000"),
            ParseError::kLength);
  // Nor can there be two of them.
  EXPECT_EQ(update_error("0100 15 0c 00000000" + kMac12 + "01040000 0000 15 0c 00000000" + kMac12),
            ParseError::kLength);
}

TEST(AuthorizationInput, IsTheHeaderUpToTheAuthenticatorWithoutItsChecksum) {
  const Bytes header = update_with("0100 15 0c 00000000" + kMac12);
  Bytes sealed = header;
  seal_mobility(kPcoa, kPar, sealed);
  ASSERT_NE(sealed, header);
  Bytes input(20, 0xaa);
  Writer out(input);
  emit_authorization_input(sealed, 20, out);
  EXPECT_EQ(out.remaining(), 0U);
  EXPECT_EQ(to_hex(input), to_hex(ByteView(header).first(20)));
}

TEST(MobilityChecksum, IsOverProtocol135AndTheWholeHeader) {
  COVERS("FH-6275-05");
  for (const unsigned type : {9U, 14U, 15U}) {
    Bytes header = update_with("0100 15 0c 00000000" + kMac12);
    header[2] = static_cast<std::uint8_t>(type);
    header[4] = 0xaa;
    seal_mobility(kPcoa, kPar, header);
    EXPECT_TRUE(mobility_checksum_ok(kPcoa, kPar, header));
    EXPECT_EQ(checksum(kPcoa, kPar, 135, header), 0);
    EXPECT_NE(checksum(kPcoa, kPar, 41, header), 0);
    EXPECT_NE(checksum(kPcoa, kPar, 60, header), 0);
    EXPECT_FALSE(mobility_checksum_ok(kNcoa, kPar, header));
    EXPECT_FALSE(mobility_checksum_ok(kPcoa, kNcoa, header));
    // Octets behind the header are not part of it.
    Bytes longer = header;
    longer.push_back(0x77);
    EXPECT_TRUE(mobility_checksum_ok(kPcoa, kPar, longer));
    EXPECT_FALSE(mobility_checksum_ok(kPcoa, kPar, ByteView(header).first(header.size() - 1)));
    for (std::size_t bit = 0; bit < header.size() * 8; ++bit) {
      Bytes flipped = header;
      flipped[bit / 8] = static_cast<std::uint8_t>(flipped[bit / 8] ^ 1U << bit % 8);
      EXPECT_FALSE(mobility_checksum_ok(kPcoa, kPar, flipped)) << bit;
    }
  }
}

TEST(FixedListDeathTest, DoesNotGrowBeyondItsCapacity) {
  FixedList<int, 2> list = {1, 2};
  EXPECT_EQ(list.size(), 2U);
  EXPECT_EQ(list[1], 2);
  EXPECT_DEATH(list.push_back(3), "");
  EXPECT_DEATH((void)list[2], "");
  list.clear();
  EXPECT_TRUE(list.empty());
}

}  // namespace
}  // namespace sendoff::wire
