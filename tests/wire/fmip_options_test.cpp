// The ND options of FMIPv6 (RFC 5568 6.4) and of handover keys (RFC 5269 4).
#include "wire/fmip_options.h"

#include <gtest/gtest.h>

#include "support/covers.h"
#include "support/vectors.h"
#include "wire/codec.h"
#include "wire/option_cases.h"

namespace sendoff::wire {
namespace {

using test::counting;
using test::emitted;
using test::emitted_hex;
using test::error_of;
using test::expect_option_frame;
using test::kept;
using test::octets;
using test::plain;

Bytes spki_of(std::string_view section) {
  return test::load_vector("wire-ndoptions.txt", std::string(section)).hex("public-key");
}

HandoverKeyReply reply_of(std::uint8_t algorithm, std::uint16_t lifetime_s) {
  return {.algorithm = {algorithm}, .lifetime_s = lifetime_s, .encrypted_key = {}};
}

TEST(IpAddressPrefixOption, IsReadAndWritten) {
  const Bytes whole = octets("11 03 02 80 00000000 20010db8000000010000000000000005");
  const auto option = IpAddressPrefixOption::parse(whole);
  ASSERT_TRUE(option);
  EXPECT_EQ(option->code, IpAddressPrefixOption::Code::kNewCareOfAddress);
  EXPECT_EQ(option->prefix_length, 128);
  EXPECT_EQ(option->address, Ipv6Address::literal("2001:db8:0:1::5"));
  EXPECT_EQ(emitted_hex(*option), to_hex(whole));
  Bytes reserved = whole;
  for (std::size_t at = 4; at < 8; ++at) reserved[at] = 0xff;
  EXPECT_EQ(emitted_hex(*IpAddressPrefixOption::parse(reserved)), to_hex(whole));
  expect_option_frame<IpAddressPrefixOption>(whole);
}

TEST(IpAddressPrefixOption, TakesEveryCodeAndRefusesAPrefixLengthAbove128) {
  for (unsigned value = 0; value < 256; ++value) {
    Bytes whole = octets("11 03 00 40 00000000 20010db8000100000000000000000000");
    whole[2] = static_cast<std::uint8_t>(value);
    const auto option = IpAddressPrefixOption::parse(whole);
    ASSERT_TRUE(option);
    EXPECT_EQ(static_cast<unsigned>(option->code), value);
    EXPECT_EQ(emitted_hex(*option), to_hex(whole));
    whole[2] = 3;
    whole[3] = static_cast<std::uint8_t>(value);
    EXPECT_EQ(error_of<IpAddressPrefixOption>(whole),
              value <= 128 ? ParseError::kCount : ParseError::kValue);
  }
}

TEST(IpAddressPrefixOption, RefusesEveryLengthButThree) {
  for (unsigned length = 1; length < 256; ++length) {
    Bytes whole(length * 8);
    whole[0] = 17;
    whole[1] = static_cast<std::uint8_t>(length);
    EXPECT_EQ(error_of<IpAddressPrefixOption>(whole),
              length == 3 ? ParseError::kCount : ParseError::kLength);
  }
}

TEST(IpAddressPrefixOption, NeitherSendsNorReadsBitsBehindAPrefix) {
  COVERS("FH-6.4.1-03", "FH-6.4.1-04");
  const IpAddressPrefixOption sent{.code = IpAddressPrefixOption::Code::kNarPrefix,
                                   .prefix_length = 48,
                                   .address = Ipv6Address::literal("2001:db8:1:ffff::5")};
  EXPECT_EQ(emitted_hex(sent), plain("11 03 04 30 00000000 20010db8000100000000000000000000"));
  const auto read = IpAddressPrefixOption::parse(
      kept(octets("11 03 04 30 00000000 20010db80001ffffffffffffffffffff")));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->address, Ipv6Address::literal("2001:db8:1::"));
  // A NAR's address is an address, whatever its subnet length (GF19).
  const auto nar = IpAddressPrefixOption::parse(
      kept(octets("11 03 03 30 00000000 20010db80001ffffffffffffffffffff")));
  EXPECT_EQ(to_hex(nar->address.view()), plain("20010db80001ffffffffffffffffffff"));
}

TEST(LinkLayerAddressOption, HoldsAMacOrAnEui64) {
  COVERS("FH-6.4.3-01");
  LinkLayerAddressOption option;
  option.code = LinkLayerAddressOption::Code::kNewAccessPoint;
  option.address = LinkAddress::literal("02:00:5e:10:a7:c3");
  EXPECT_EQ(emitted_hex(option), plain("13 02 01 02005e10a7c3 00000000000000"));
  const auto read = LinkLayerAddressOption::parse(kept(emitted(option)));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->code, option.code);
  EXPECT_EQ(read->address, option.address);
  option.address = LinkAddress::literal("02:00:5e:10:a7:c3:12:34");
  const Bytes eui = emitted(option);
  EXPECT_EQ(to_hex(eui), plain("13 02 01 02005e10a7c31234 0000000000"));
  EXPECT_EQ(LinkLayerAddressOption::parse(eui, 8)->address, option.address);
  expect_option_frame<LinkLayerAddressOption>(eui);
}

TEST(LinkLayerAddressOption, TakesEveryCode) {
  for (unsigned code = 1; code < 256; ++code) {
    Bytes whole = octets("13 02 00 02005e10a7c3 00000000000000");
    whole[2] = static_cast<std::uint8_t>(code);
    const auto option = LinkLayerAddressOption::parse(whole);
    ASSERT_TRUE(option);
    EXPECT_EQ(static_cast<unsigned>(option->code), code);
    EXPECT_EQ(emitted_hex(*option), to_hex(whole));
  }
}

TEST(LinkLayerAddressOption, PaddingIsIgnoredAndSentAsZero) {
  COVERS("FH-6.4.3-04");
  const Bytes received = octets("13 02 04 02005e10a7c3 ffffffffffffff");
  const auto option = LinkLayerAddressOption::parse(received);
  ASSERT_TRUE(option);
  EXPECT_EQ(option->address, LinkAddress::literal("02:00:5e:10:a7:c3"));
  EXPECT_EQ(emitted_hex(*option), plain("13 02 04 02005e10a7c3 00000000000000"));
}

TEST(LinkLayerAddressOption, WildcardMayHoldAnything) {
  COVERS("FH-6.4.3-05");
  EXPECT_EQ(emitted_hex(LinkLayerAddressOption{}), plain("13 01 00 0000000000"));
  LinkLayerAddressOption with_address;
  with_address.address = LinkAddress::literal("02:00:5e:10:a7:c3");
  EXPECT_EQ(emitted_hex(with_address), plain("13 01 00 0000000000"));
  for (const std::string_view text : {"13 01 00 ffffffffff", "13 02 00 02005e10a7c3 ffffffffffffff",
                                      "13 03 00 0000000000000000000000000000000000000000ff"}) {
    const auto option = LinkLayerAddressOption::parse(kept(octets(text)));
    ASSERT_TRUE(option);
    EXPECT_EQ(option->code, LinkLayerAddressOption::Code::kWildcard);
    EXPECT_TRUE(option->address.empty());
  }
}

TEST(LinkLayerAddressOption, OnlyTheAnswerThatNothingIsKnownMayBeEmpty) {
  for (unsigned code = 1; code < 256; ++code) {
    Bytes whole = octets("13 01 00 0000000000");
    whole[2] = static_cast<std::uint8_t>(code);
    EXPECT_EQ(error_of<LinkLayerAddressOption>(whole),
              code == 6 ? ParseError::kCount : ParseError::kLength);
  }
  const Bytes empty = octets("13 01 06 0000000000");
  EXPECT_TRUE(LinkLayerAddressOption::parse(empty)->address.empty());
  EXPECT_EQ(emitted_hex(*LinkLayerAddressOption::parse(empty)), to_hex(empty));
}

TEST(NaackOption, IsReadAndWrittenWithAndWithoutAnAddress) {
  for (const std::string_view text :
       {"14 01 00 80 00000000", "14 03 00 02 00000000 20010db8000000010000000000000005"}) {
    const Bytes whole = octets(text);
    const auto option = NaackOption::parse(whole);
    ASSERT_TRUE(option);
    EXPECT_EQ(option->option_code, 0);
    EXPECT_EQ(option->status, whole[3]);
    EXPECT_EQ(option->address.has_value(), whole.size() == 24);
    if (option->address) {
      EXPECT_EQ(*option->address, Ipv6Address::literal("2001:db8:0:1::5"));
    }
    EXPECT_EQ(emitted_hex(*option), to_hex(whole));
    Bytes reserved = whole;
    for (std::size_t at = 4; at < 8; ++at) reserved[at] = 0xff;
    EXPECT_EQ(emitted_hex(*NaackOption::parse(reserved)), to_hex(whole));
    expect_option_frame<NaackOption>(whole);
  }
}

TEST(NaackOption, KeepsEveryBitAndRefusesOtherLengths) {
  for (unsigned value = 0; value < 256; ++value) {
    Bytes whole = octets("14 01 00 00 00000000");
    whole[2] = static_cast<std::uint8_t>(value);
    whole[3] = static_cast<std::uint8_t>(255 - value);
    if (whole[3] == NaackOption::kUseSupplied) {  // there is nothing to use
      EXPECT_EQ(error_of<NaackOption>(whole), ParseError::kValue);
    } else {
      EXPECT_EQ(NaackOption::parse(whole)->option_code, value);
      EXPECT_EQ(NaackOption::parse(whole)->status, 255 - value);
      EXPECT_EQ(emitted_hex(*NaackOption::parse(whole)), to_hex(whole));
    }
    if (value == 0) continue;
    Bytes other(value * 8);
    other[0] = 20;
    other[1] = static_cast<std::uint8_t>(value);
    EXPECT_EQ(error_of<NaackOption>(other),
              value == 1 || value == 3 ? ParseError::kCount : ParseError::kLength);
  }
}

TEST(HandoverKeyOptions, HaveTheNumbersThatIanaGave) {
  EXPECT_EQ(static_cast<unsigned>(OptionType::kHandoverKeyRequest), 27U);
  EXPECT_EQ(static_cast<unsigned>(OptionType::kHandoverKeyReply), 28U);
  EXPECT_EQ(emitted(HandoverKeyRequest{.algorithm = {1}, .public_key = counting(162)})[0], 27);
  EXPECT_EQ(emitted(reply_of(1, 0))[0], 28);
  EXPECT_EQ(error_of<HandoverKeyRequest>(octets("1c 01 00 10 01020304")), ParseError::kType);
  EXPECT_EQ(error_of<HandoverKeyReply>(octets("1b 01 00 10 01020304")), ParseError::kType);
}

TEST(HandoverKeyRequest, IsReadAndWritten) {
  COVERS("HK-4.1-01");
  const Bytes key = spki_of("request-rsa2048-at2");
  ASSERT_EQ(key.size(), 294U);
  const Bytes sent = emitted(HandoverKeyRequest{.algorithm = {2}, .public_key = key});
  ASSERT_EQ(sent.size(), 304U);
  EXPECT_EQ(to_hex(sent), "1b260620" + to_hex(key) + "000000000000");
  const auto read = HandoverKeyRequest::parse(sent);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->algorithm.value, 2);
  EXPECT_EQ(to_hex(read->public_key), to_hex(key));
  expect_option_frame<HandoverKeyRequest>(sent);
}

TEST(HandoverKeyRequest, LengthCountsTheWholeOption) {
  COVERS("HK-4.1-02");
  const struct {
    std::string_view section;
    std::size_t key;
    unsigned length;
    unsigned pad;
  } cases[] = {{"request-rsa1024-at1", 162, 21, 2},
               {"request-rsa2048-at1", 294, 38, 6},
               {"request-rsa3072-at1", 422, 54, 6}};
  for (const auto& c : cases) {
    const Bytes key = spki_of(c.section);
    ASSERT_EQ(key.size(), c.key);
    const Bytes sent = emitted(HandoverKeyRequest{.algorithm = {1}, .public_key = key});
    EXPECT_EQ(sent[1], c.length);
    EXPECT_EQ(sent[2], c.pad);
    EXPECT_EQ(sent.size(), c.length * 8);
  }
}

TEST(HandoverKeyRequest, UsesTheSmallestPaddingAndZeroesIt) {
  COVERS("HK-4.1-04", "HK-4.1-06");
  std::vector<bool> seen(8);
  for (std::size_t size = 160; size <= 168; ++size) {
    const Bytes key = counting(size);
    const Bytes sent = emitted(HandoverKeyRequest{.algorithm = {4}, .public_key = key});
    const std::size_t pad = sent[2];
    ASSERT_LT(pad, 8U);
    seen[pad] = true;
    EXPECT_EQ(sent.size() % 8, 0U);
    EXPECT_EQ(sent.size(), sent[1] * 8U);
    EXPECT_EQ(size, sent[1] * 8U - 4 - pad);
    for (std::size_t at = sent.size() - pad; at < sent.size(); ++at) EXPECT_EQ(sent[at], 0);
    EXPECT_EQ(to_hex(HandoverKeyRequest::parse(sent)->public_key), to_hex(key));
  }
  EXPECT_EQ(std::ranges::count(seen, true), 8);
}

TEST(HandoverKeyRequest, KeepsEveryAlgorithmTypeAndSendsReservedAsZero) {
  COVERS("HK-4.1-09");
  const Bytes key = counting(5);
  for (std::uint8_t value = 0; value < 16; ++value) {
    Bytes whole = emitted(HandoverKeyRequest{.algorithm = {value}, .public_key = key});
    EXPECT_EQ(whole[3], value << 4);
    for (unsigned reserved = 0; reserved < 16; ++reserved) {
      whole[3] = static_cast<std::uint8_t>(value * 16U + reserved);
      const auto read = HandoverKeyRequest::parse(whole);
      ASSERT_TRUE(read);
      EXPECT_EQ(read->algorithm.value, value);
    }
  }
}

TEST(HandoverKeyRequest, EveryPadLengthLeavesAKeyOrIsRefused) {
  for (unsigned pad = 0; pad < 256; ++pad) {
    Bytes whole(304, 0xff);
    whole[0] = 27;
    whole[1] = 38;
    whole[2] = static_cast<std::uint8_t>(pad);
    const auto read = HandoverKeyRequest::parse(whole);
    ASSERT_TRUE(read);
    EXPECT_EQ(read->public_key.size(), 38U * 8 - 4 - pad);
    whole.resize(16);
    whole[1] = 2;
    EXPECT_EQ(error_of<HandoverKeyRequest>(whole),
              pad < 12 ? ParseError::kCount : ParseError::kPadLength);
  }
}

TEST(HandoverKeyRequestDeathTest, DoesNotSendAnAlgorithmBeyondFourBitsNorAnEmptyKey) {
  const Bytes key = counting(5);
  EXPECT_DEATH((void)emitted(HandoverKeyRequest{.algorithm = {16}, .public_key = key}), "");
  EXPECT_DEATH((void)emitted(HandoverKeyRequest{.algorithm = {1}, .public_key = {}}), "");
}

TEST(HandoverKeyReply, IsReadAndWritten) {
  COVERS("HK-4.2-01");
  const Bytes ciphertext = counting(256);
  const Bytes sent =
      emitted(HandoverKeyReply{.algorithm = {1}, .lifetime_s = 43200, .encrypted_key = ciphertext});
  ASSERT_EQ(sent.size(), 264U);
  EXPECT_EQ(to_hex(sent), "1c210210a8c0" + to_hex(ciphertext) + "0000");
  const auto read = HandoverKeyReply::parse(sent);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->algorithm.value, 1);
  EXPECT_EQ(read->lifetime_s, 43200);
  EXPECT_EQ(to_hex(read->encrypted_key), to_hex(ciphertext));
  expect_option_frame<HandoverKeyReply>(sent);
}

TEST(HandoverKeyReply, LengthAndPaddingFollowTheModulus) {
  COVERS("HK-4.2-02", "HK-4.2-04");
  const struct {
    std::size_t modulus;
    unsigned length;
  } cases[] = {{128, 17}, {256, 33}, {384, 49}};
  for (const auto& c : cases) {
    const Bytes ciphertext = counting(c.modulus);
    const Bytes sent =
        emitted(HandoverKeyReply{.algorithm = {3}, .lifetime_s = 1, .encrypted_key = ciphertext});
    EXPECT_EQ(sent.size(), c.length * 8);
    EXPECT_EQ(sent[1], c.length);
    EXPECT_EQ(sent[2], 2);
    EXPECT_EQ(to_hex(ByteView(sent).last(2)), "0000");
    const auto read = HandoverKeyReply::parse(sent);
    ASSERT_TRUE(read);
    EXPECT_EQ(read->encrypted_key.size(), 8 * sent[1] - 6U - sent[2]);
    EXPECT_EQ(to_hex(read->encrypted_key), to_hex(ciphertext));
  }
}

TEST(HandoverKeyReply, KeepsEveryAlgorithmTypeAndSendsReservedAsZero) {
  COVERS("HK-4.2-08");
  for (std::uint8_t value = 0; value < 16; ++value) {
    Bytes whole = emitted(reply_of(value, 7));
    EXPECT_EQ(whole[3], value << 4);
    for (unsigned reserved = 0; reserved < 16; ++reserved) {
      whole[3] = static_cast<std::uint8_t>(value * 16U + reserved);
      EXPECT_EQ(HandoverKeyReply::parse(whole)->algorithm.value, value);
    }
  }
}

TEST(HandoverKeyReply, LifetimeIsSixteenBitsOfSeconds) {
  COVERS("HK-4.2-10");
  static constexpr std::uint16_t kLifetimes[] = {0, 1, 2, 255, 256, 0x8000, 43200, 65535};
  for (const std::uint16_t lifetime : kLifetimes) {
    const Bytes sent = emitted(reply_of(1, lifetime));
    EXPECT_EQ(sent[4] << 8 | sent[5], lifetime);
    EXPECT_EQ(HandoverKeyReply::parse(sent)->lifetime_s, lifetime);
  }
}

TEST(HandoverKeyReply, EveryPadLengthFitsOrIsRefused) {
  for (unsigned pad = 0; pad < 256; ++pad) {
    Bytes whole(24, 0xff);
    whole[0] = 28;
    whole[1] = 3;
    whole[2] = static_cast<std::uint8_t>(pad);
    const auto read = HandoverKeyReply::parse(whole);
    ASSERT_EQ(read.has_value(), pad <= 18) << pad;
    if (read) {
      EXPECT_EQ(read->encrypted_key.size(), 18 - pad);
    } else {
      EXPECT_EQ(read.error(), ParseError::kPadLength);
    }
  }
}

}  // namespace
}  // namespace sendoff::wire
