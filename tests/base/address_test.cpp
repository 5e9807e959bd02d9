// IPv6 addresses, prefixes and link-layer addresses.
#include "base/address.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>

namespace sendoff {
namespace {

// Every pattern of zero groups, and groups of every length.
TEST(Ipv6Address, IsWrittenAsTheSystemDoes) {
  for (unsigned zeros = 0; zeros < 256; ++zeros) {
    Ipv6Address::Octets octets{};
    for (unsigned group = 0; group < 8; ++group) {
      if ((zeros >> group & 1) != 0) continue;
      octets[2 * group] = static_cast<std::uint8_t>(group % 3 == 0 ? 0xfe >> group : 0);
      octets[2 * group + 1] = static_cast<std::uint8_t>(0xf0 | group);
    }
    // "::a.b.c.d" (RFC 4291 2.5.5.1) went out of use; here it is written like any other.
    if ((zeros & 0x3f) == 0x3f && (zeros & 0xc0) != 0xc0) continue;
    char system[INET6_ADDRSTRLEN] = "";
    inet_ntop(AF_INET6, octets.data(), system, sizeof system);
    EXPECT_EQ(Ipv6Address(octets).text(), system);
  }
  EXPECT_EQ(Ipv6Address::literal("::ffff:192.0.2.1").text(), "::ffff:192.0.2.1");
}

TEST(Ipv6Address, IsReadAndWrittenAsText) {
  for (const std::string_view text : {"::", "::1", "2001:db8::1", "fe80::5eff:fe10:a7c3", "ff02::2",
                                      "2001:db8:1:2:3:4:5:6", "2001:db8:0:1::"}) {
    const auto address = Ipv6Address::parse(text);
    ASSERT_TRUE(address) << text;
    EXPECT_EQ(address->text(), text);
  }
  EXPECT_EQ(Ipv6Address::literal("2001:DB8:0:0:0:0:0:1").text(), "2001:db8::1");
}

TEST(Ipv6Address, RefusesOtherText) {
  for (const std::string_view text : {"", "1", "fe80::1%eth0", "2001:db8::/32", "192.0.2.1",
                                      ":::", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "g::"})
    EXPECT_FALSE(Ipv6Address::parse(text)) << text;
  EXPECT_FALSE(Ipv6Address::parse(std::string_view("::1\0x", 5)));
}

TEST(Ipv6Address, HasTwoHalves) {
  const auto address = Ipv6Address::literal("2001:db8:1:2:3:4:5:6");
  EXPECT_EQ(address.subnet_prefix(), 0x20010db800010002U);
  EXPECT_EQ(address.interface_identifier(), 0x0003000400050006U);
  EXPECT_EQ(Ipv6Address::from(address.view()), address);
  EXPECT_EQ(to_hex(address.view()), "20010db8000100020003000400050006");
}

TEST(Ipv6AddressDeathTest, IsMadeOfSixteenOctetsAndOfGoodLiterals) {
  EXPECT_DEATH((void)Ipv6Address::from(Bytes(15)), "");
  EXPECT_DEATH((void)Ipv6Address::from(Bytes(17)), "");
  EXPECT_DEATH((void)Ipv6Address::literal("no address"), "");
}

TEST(Ipv6Address, KnowsItsScope) {
  struct Expected {
    const char* text;
    bool loopback, multicast, link_local, routable;
  };
  static constexpr Expected kExpected[] = {
      {"::", false, false, false, false},
      {"::1", true, false, false, false},
      {"::2", false, false, false, true},
      {"ff02::1", false, true, false, false},
      {"ff0e::1", false, true, false, false},
      {"fe80::1", false, false, true, false},
      {"febf::1", false, false, true, false},
      {"fec0::1", false, false, false, true},
      {"fe7f::1", false, false, false, true},
      {"fd00::1", false, false, false, true},
      {"2001:db8::1", false, false, false, true},
      {"::ffff:192.0.2.1", false, false, false, false},
      {"::fffe:192.0.2.1", false, false, false, true},
      {"2001:db8::ffff:c000:201", false, false, false, true},
  };
  for (const Expected& expected : kExpected) {
    const auto address = Ipv6Address::literal(expected.text);
    EXPECT_EQ(address.is_loopback(), expected.loopback) << expected.text;
    EXPECT_EQ(address.is_multicast(), expected.multicast) << expected.text;
    EXPECT_EQ(address.is_link_local(), expected.link_local) << expected.text;
    EXPECT_EQ(address.is_unicast_routable(), expected.routable) << expected.text;
  }
  EXPECT_TRUE(Ipv6Address().is_unspecified());
  EXPECT_FALSE(Ipv6Address::literal("::1").is_unspecified());
}

TEST(Ipv6Address, NamesItsSolicitedNodeGroup) {
  EXPECT_EQ(Ipv6Address::literal("fe80::aa:bb:ccdd").solicited_node().text(), "ff02::1:ffbb:ccdd");
  EXPECT_EQ(kAllNodes.text(), "ff02::1");
  EXPECT_EQ(kAllRouters.text(), "ff02::2");
}

TEST(Prefix, ClearsEveryBitBehindItsLength) {
  const Ipv6Address ones = Ipv6Address::literal("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
  for (unsigned length = 0; length <= 128; ++length) {
    const Prefix prefix(ones, static_cast<std::uint8_t>(length));
    EXPECT_EQ(prefix.length(), length);
    for (unsigned bit = 0; bit < 128; ++bit) {
      const bool set = (prefix.address().octets()[bit / 8] >> (7 - bit % 8) & 1) != 0;
      EXPECT_EQ(set, bit < length) << length << " " << bit;
    }
  }
}

TEST(PrefixDeathTest, HasAtMost128Bits) {
  EXPECT_DEATH((void)Prefix({}, 129), "");
  EXPECT_DEATH((void)Prefix::literal("2001:db8::1/32"), "");
}

TEST(Prefix, IsReadAndWrittenAsText) {
  for (const std::string_view text : {"::/0", "2001:db8::/32", "2001:db8::1/128", "8000::/1"}) {
    const auto prefix = Prefix::parse(text);
    ASSERT_TRUE(prefix) << text;
    EXPECT_EQ(prefix->text(), text);
  }
  for (const std::string_view text : {"", "::", "::/", "/0", "::/129", "::/-1", "::/ 1", "::/1x",
                                      "2001:db8::1/32", "2001:db8::/99999999999"})
    EXPECT_FALSE(Prefix::parse(text)) << text;
}

TEST(Prefix, ContainsAddressesAndLongerPrefixes) {
  const Prefix prefix = Prefix::literal("2001:db8:8000::/33");
  EXPECT_TRUE(prefix.contains(Ipv6Address::literal("2001:db8:8000::1")));
  EXPECT_TRUE(prefix.contains(Ipv6Address::literal("2001:db8:ffff::1")));
  EXPECT_FALSE(prefix.contains(Ipv6Address::literal("2001:db8:7fff::1")));
  EXPECT_TRUE(prefix.contains(prefix));
  EXPECT_TRUE(prefix.contains(Prefix::literal("2001:db8:8000::/34")));
  EXPECT_FALSE(prefix.contains(Prefix::literal("2001:db8::/32")));
  EXPECT_FALSE(prefix.contains(Prefix::literal("2001:db8::/34")));
  EXPECT_TRUE(Prefix().contains(Ipv6Address::literal("ff02::1")));
}

TEST(LinkAddress, HasUpToEightOctets) {
  for (std::size_t size = 0; size <= LinkAddress::kMaxSize; ++size) {
    const Bytes octets(size, 0x5a);
    const auto address = LinkAddress::from(octets);
    ASSERT_TRUE(address);
    EXPECT_EQ(to_hex(address->view()), to_hex(octets));
    EXPECT_EQ(address->empty(), size == 0);
  }
  EXPECT_FALSE(LinkAddress::from(Bytes(9)));
}

TEST(LinkAddress, IsReadAndWrittenAsText) {
  for (const std::string_view text : {"02:00:5e:00:53:01", "02:00:5e:00:53:01:02:03", "ff"})
    EXPECT_EQ(LinkAddress::literal(text).text(), text);
  for (const std::string_view text :
       {"", ":", "0", "02:", "02:0", "02-00", "0200", "02:00:5g", "00:00:00:00:00:00:00:00:00"})
    EXPECT_FALSE(LinkAddress::parse(text)) << text;
}

TEST(LinkAddress, DiffersFromALongerOneWithTheSameOctets) {
  EXPECT_NE(LinkAddress::literal("00"), LinkAddress::literal("00:00"));
  EXPECT_NE(LinkAddress::literal("00"), LinkAddress());
}

}  // namespace
}  // namespace sendoff
