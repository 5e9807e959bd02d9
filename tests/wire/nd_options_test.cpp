// The option list, and the options of RFC 4861 4.6, 6275 7.2 and 4191 2.3.
#include "wire/nd_options.h"

#include <gtest/gtest.h>

#include "wire/codec.h"
#include "wire/option_cases.h"

namespace sendoff::wire {
namespace {

using test::emitted_hex;
using test::error_of;
using test::expect_option_frame;
using test::kept;
using test::octets;
using test::plain;

TEST(OptionList, YieldsEachOptionWithItsOffset) {
  const Bytes whole = octets(
      "01 01 02005e10a7c3  fd 02 0000 0000 0000 0000 0000 0000 0000"
      "0c 01 000000000000  05 01 0000 000005dc");
  const auto list = OptionList::parse(whole);
  ASSERT_TRUE(list);
  std::vector<std::size_t> offsets;
  std::vector<unsigned> types;
  for (const RawOption& option : *list) {
    offsets.push_back(option.offset);
    types.push_back(static_cast<unsigned>(option.type));
    EXPECT_EQ(option.octets.data(), whole.data() + option.offset);
    EXPECT_EQ(option.octets.size(), option.octets[1] * 8U);
  }
  EXPECT_EQ(offsets, (std::vector<std::size_t>{0, 8, 24, 32}));
  EXPECT_EQ(types, (std::vector<unsigned>{1, 253, 12, 5}));
  EXPECT_EQ(to_hex(list->octets()), to_hex(whole));
}

TEST(OptionList, FindsAndCounts) {
  const Bytes whole = octets("05 01 0000 00000001  05 01 0000 00000002  01 01 000000000000");
  const auto list = OptionList::parse(whole);
  ASSERT_TRUE(list);
  EXPECT_EQ(list->count(OptionType::kMtu), 2U);
  EXPECT_EQ(list->count(OptionType::kNonce), 0U);
  ASSERT_TRUE(list->first(OptionType::kMtu));
  EXPECT_EQ(list->first(OptionType::kMtu)->offset, 0U);
  EXPECT_EQ(MtuOption::parse(list->first(OptionType::kMtu)->octets)->mtu, 1U);
  EXPECT_FALSE(list->first(OptionType::kNonce));
}

TEST(OptionList, EndsForSignedMessagesBeforeTheFirstSignature) {
  const Bytes whole =
      octets("05 01 0000 00000001  0c 01 000000000000  0c 01 ffffffffffff  0e 01 000000000000");
  const auto list = OptionList::parse(whole);
  ASSERT_TRUE(list);
  EXPECT_EQ(list->before_signature().octets().size(), 8U);
  EXPECT_FALSE(list->before_signature().first(OptionType::kNonce));
  EXPECT_EQ(list->before_signature().before_signature().octets().size(), 8U);
  const Bytes at_once = octets("0c 01 000000000000  05 01 0000 00000001");
  EXPECT_TRUE(OptionList::parse(at_once)->before_signature().octets().empty());
}

TEST(OptionList, MayBeEmpty) {
  const auto list = OptionList::parse({});
  ASSERT_TRUE(list);
  EXPECT_EQ(list->begin(), list->end());
  EXPECT_EQ(OptionList().begin(), OptionList().end());
}

TEST(OptionList, RefusesLengthZeroWhereverItStands) {
  EXPECT_EQ(error_of<OptionList>(octets("0100000000000000")), ParseError::kZeroLengthOption);
  EXPECT_EQ(error_of<OptionList>(octets("0501000000000000 0100000000000000")),
            ParseError::kZeroLengthOption);
  // Behind the signature too (GS10).
  EXPECT_EQ(error_of<OptionList>(octets("0c01000000000000 0100000000000000")),
            ParseError::kZeroLengthOption);
}

TEST(OptionList, RefusesEveryCutThatIsNotAtABoundary) {
  const Bytes whole = octets("01 01 02005e10a7c3 fd 02 0000 0000 0000 0000 0000 0000 0000");
  for (std::size_t size = 0; size <= whole.size(); ++size) {
    const bool boundary = size == 0 || size == 8 || size == 24;
    EXPECT_EQ(error_of<OptionList>(ByteView(whole).first(size)),
              boundary ? ParseError::kCount : ParseError::kOptionOverrun)
        << size;
  }
}

TEST(OptionList, TakesTheLongestOption) {
  Bytes whole(2040);
  whole[0] = 0xfd;
  whole[1] = 255;
  EXPECT_TRUE(OptionList::parse(whole));
  EXPECT_EQ(error_of<OptionList>(ByteView(whole).first(2039)), ParseError::kOptionOverrun);
}

TEST(LinkAddressOption, IsReadAndWritten) {
  for (const std::string_view text : {"01 01 02005e10a7c3", "02 01 ffffffffffff"}) {
    const Bytes whole = octets(text);
    const auto option = LinkAddressOption::parse(whole);
    ASSERT_TRUE(option);
    EXPECT_EQ(static_cast<unsigned>(option->type), whole[0]);
    EXPECT_EQ(to_hex(option->address.view()), to_hex(ByteView(whole).subspan(2)));
    EXPECT_EQ(emitted_hex(*option), to_hex(whole));
    expect_option_frame<LinkAddressOption>(whole);
  }
  EXPECT_EQ(error_of<LinkAddressOption>(octets("01 02 0000000000000000000000000000")),
            ParseError::kLength);
}

constexpr std::string_view kPrefixInformation =
    "03 04 40 e0 89abcdef 01234567 00000000 20010db8000100000000000000000005";

TEST(PrefixInformation, IsReadAndWritten) {
  const Bytes whole = octets(kPrefixInformation);
  const auto option = PrefixInformation::parse(whole);
  ASSERT_TRUE(option);
  EXPECT_EQ(option->prefix_length, 64);
  EXPECT_TRUE(option->on_link);
  EXPECT_TRUE(option->autonomous);
  EXPECT_TRUE(option->router_address);
  EXPECT_EQ(option->valid_lifetime_s, 0x89abcdefU);
  EXPECT_EQ(option->preferred_lifetime_s, 0x01234567U);
  EXPECT_EQ(option->address, Ipv6Address::literal("2001:db8:1::5"));
  EXPECT_EQ(option->prefix(), Prefix::literal("2001:db8:1::/64"));
  EXPECT_EQ(emitted_hex(*option), to_hex(whole));
  expect_option_frame<PrefixInformation>(whole);
}

TEST(PrefixInformation, GivesEachFlagItsBitAndIgnoresTheOthers) {
  for (unsigned flags = 0; flags < 256; ++flags) {
    Bytes whole = octets(kPrefixInformation);
    whole[3] = static_cast<std::uint8_t>(flags);
    whole[12] = whole[15] = 0xff;
    const auto option = PrefixInformation::parse(whole);
    ASSERT_TRUE(option);
    EXPECT_EQ(option->on_link, (flags & 0x80) != 0);
    EXPECT_EQ(option->autonomous, (flags & 0x40) != 0);
    EXPECT_EQ(option->router_address, (flags & 0x20) != 0);
    const Bytes sent = test::emitted(*option);
    EXPECT_EQ(sent[3], flags & 0xe0);
    EXPECT_EQ(to_hex(ByteView(sent).subspan(12, 4)), "00000000");
  }
}

TEST(PrefixInformation, SendsHostBitsOnlyOfARouterAddress) {
  PrefixInformation option;
  option.address = Ipv6Address::literal("2001:db8:1::5");
  EXPECT_EQ(emitted_hex(option).substr(32), plain("20010db8000100000000000000000000"));
  option.router_address = true;
  EXPECT_EQ(emitted_hex(option).substr(32), plain("20010db8000100000000000000000005"));
}

TEST(PrefixInformation, RefusesALengthAbove128) {
  for (unsigned length = 0; length < 256; ++length) {
    Bytes whole = octets(kPrefixInformation);
    whole[2] = static_cast<std::uint8_t>(length);
    EXPECT_EQ(error_of<PrefixInformation>(whole),
              length <= 128 ? ParseError::kCount : ParseError::kValue);
  }
}

TEST(RedirectedHeader, IsReadAndWritten) {
  const Bytes whole = octets("04 02 0000 00000000 6000000000000000");
  const auto option = RedirectedHeader::parse(whole);
  ASSERT_TRUE(option);
  EXPECT_EQ(to_hex(option->packet), "6000000000000000");
  EXPECT_EQ(emitted_hex(*option), to_hex(whole));
  Bytes reserved = whole;
  for (std::size_t at = 2; at < 8; ++at) reserved[at] = 0xff;
  EXPECT_EQ(emitted_hex(*RedirectedHeader::parse(reserved)), to_hex(whole));
  const auto empty = RedirectedHeader::parse(kept(octets("04 01 000000000000")));
  ASSERT_TRUE(empty);
  EXPECT_TRUE(empty->packet.empty());
}

TEST(MtuOption, IsReadAndWritten) {
  const Bytes whole = octets("05 01 0000 89abcdef");
  EXPECT_EQ(MtuOption::parse(whole)->mtu, 0x89abcdefU);
  EXPECT_EQ(emitted_hex(*MtuOption::parse(whole)), to_hex(whole));
  EXPECT_EQ(emitted_hex(*MtuOption::parse(kept(octets("05 01 ffff 89abcdef")))), to_hex(whole));
  expect_option_frame<MtuOption>(whole);
}

TEST(RouteInformation, IsWrittenWithTheShortestLength) {
  for (const std::string_view text :
       {"18 01 00 08 89abcdef", "18 02 01 18 00000001 8000000000000000",
        "18 02 40 00 ffffffff 20010db800010002",
        "18 03 41 10 00000001 20010db8000100028000000000000000",
        "18 03 80 00 00000001 20010db8000100020000000000000001"}) {
    const Bytes whole = octets(text);
    const auto option = RouteInformation::parse(whole);
    ASSERT_TRUE(option) << text;
    EXPECT_EQ(option->prefix.length(), whole[2]);
    EXPECT_EQ(option->preference, whole[3] >> 3);
    EXPECT_EQ(emitted_hex(*option), to_hex(whole));
    Bytes reserved = whole;
    reserved[3] = static_cast<std::uint8_t>(reserved[3] | 0xe7);
    EXPECT_EQ(emitted_hex(*RouteInformation::parse(reserved)), to_hex(whole));
  }
}

TEST(RouteInformation, LengthMustHoldThePrefix) {
  for (unsigned prefix = 0; prefix < 256; ++prefix) {
    for (unsigned length = 1; length <= 5; ++length) {
      Bytes whole(length * 8);
      whole[0] = 24;
      whole[1] = static_cast<std::uint8_t>(length);
      whole[2] = static_cast<std::uint8_t>(prefix);
      const unsigned needed = prefix == 0 ? 1 : prefix <= 64 ? 2 : 3;
      const ParseError wanted = prefix > 128                    ? ParseError::kValue
                                : length < needed || length > 3 ? ParseError::kLength
                                                                : ParseError::kCount;
      EXPECT_EQ(error_of<RouteInformation>(whole), wanted) << prefix << " in " << length;
    }
  }
}

}  // namespace
}  // namespace sendoff::wire
