// RFC 3779 address blocks: the RFC's own encodings and each rule of section 2.2.3.
#include "pki/blocks.h"

#include <gtest/gtest.h>

#include <random>

#include "pki/forge.h"
#include "support/covers.h"

namespace sendoff::pki {
namespace {

Bytes hex(const std::string& text) {
  Bytes octets;
  invariant(from_hex(text, octets));
  return octets;
}

Bytes der(std::uint8_t tag, const Bytes& content) {
  invariant(content.size() < 128);
  Bytes out = {tag, static_cast<std::uint8_t>(content.size())};
  out.insert(out.end(), content.begin(), content.end());
  return out;
}

// IPAddrBlocks with the IPv6 family holding `entries` (hexadecimal).
std::optional<AddressBlocks> parse_entries(const std::string& entries) {
  Bytes family = hex("04020002");
  const Bytes list = der(0x30, hex(entries));
  family.insert(family.end(), list.begin(), list.end());
  return parse_blocks(der(0x30, der(0x30, family)));
}

std::vector<std::string> prefixes_of(const std::string& entries) {
  std::vector<std::string> texts;
  const auto blocks = parse_entries(entries);
  if (!blocks) return {"refused"};
  for (const Prefix& prefix : blocks->set.prefixes()) texts.push_back(prefix.text());
  return texts;
}

using Texts = std::vector<std::string>;

TEST(AddressBlocks, PrefixesAreBitStringsOfTheirLeadingBits) {
  COVERS("CRT-3779-12", "CRT-3779-13");
  EXPECT_EQ(prefixes_of("0306012001000002"), Texts{"2001:0:200::/39"});
  EXPECT_EQ(prefixes_of("03110020010000020000030000000000000001"), Texts{"2001:0:200:3::1/128"});
  EXPECT_EQ(prefixes_of("030100"), Texts{"::/0"});
  EXPECT_EQ(prefixes_of("030101"), Texts{"refused"});
  EXPECT_EQ(prefixes_of("03020000"), Texts{"::/8"});
  EXPECT_EQ(prefixes_of("0306012001000003"), Texts{"refused"}) << "an unused bit is set";
  EXPECT_EQ(prefixes_of("0306082001000002"), Texts{"refused"}) << "eight unused bits";
  EXPECT_EQ(prefixes_of("0300"), Texts{"refused"});
  EXPECT_EQ(prefixes_of("0312002001000002000003000000000000000100"), Texts{"refused"});
}

TEST(AddressBlocks, RangesAreFilledWithZerosAndOnes) {
  COVERS("CRT-3779-14");
  const auto blocks = parse_entries(
      "30120306012001000002"
      "0308002001000004"
      "0000");
  ASSERT_TRUE(blocks.has_value());
  ASSERT_EQ(blocks->set.ranges().size(), 1U);
  EXPECT_EQ(blocks->set.ranges()[0].first, Ipv6Address::literal("2001:0:200::"));
  EXPECT_EQ(blocks->set.ranges()[0].last,
            Ipv6Address::literal("2001:0:400:ff:ffff:ffff:ffff:ffff"));
}

TEST(AddressBlocks, ARangeThatIsAPrefixIsRefused) {
  COVERS("CRT-3779-11");
  EXPECT_EQ(prefixes_of("3010"
                        "0306012001000002"
                        "0306022001000000"),
            Texts{"refused"});
  // 2001:db8:: to 2001:db8:ffff:...
  EXPECT_EQ(prefixes_of("300e"
                        "0305032001"
                        "0db8"
                        "0305002001"
                        "0db8"),
            Texts{"refused"});
}

TEST(AddressBlocks, AMaximumWithoutASetBitIsRefused) {
  COVERS("CRT-3779-15");
  EXPECT_EQ(prefixes_of("3008"
                        "0303002001"
                        "030100"),
            Texts{"refused"});
  EXPECT_EQ(prefixes_of("3009"
                        "0303002001"
                        "03020000"),
            Texts{"refused"});
}

TEST(AddressBlocks, RangeEndsAreTrimmed) {
  EXPECT_EQ(prefixes_of("300c"
                        "0304002001"
                        "00"
                        "0304002001"
                        "02"),
            Texts{"refused"})
      << "minimum ends in a zero";
  EXPECT_EQ(prefixes_of("300a"
                        "0303002001"
                        "0303002003"),
            Texts{"refused"})
      << "maximum ends in a one";
  EXPECT_EQ(prefixes_of("300a"
                        "0303002003"
                        "0303002002"),
            Texts{"refused"})
      << "reversed";
  EXPECT_EQ(prefixes_of("300a"
                        "0303002001"
                        "0303002002"),
            (Texts{"2001::/16", "2002::/16"}));
}

TEST(AddressBlocks, EntriesAreSortedApartAndMerged) {
  COVERS("CRT-3779-8", "CRT-3779-9", "CRT-3779-10", "CRT-3779-4");
  const std::string one = "03070020010db80001";    // 2001:db8:1::/48
  const std::string two = "03070020010db80002";    // 2001:db8:2::/48
  const std::string three = "03070020010db80003";  // 2001:db8:3::/48
  const std::string all = "03050020010db8";        // 2001:db8::/32
  EXPECT_EQ(prefixes_of(one + three), (Texts{"2001:db8:1::/48", "2001:db8:3::/48"}));
  EXPECT_EQ(prefixes_of(three + one), Texts{"refused"});
  EXPECT_EQ(prefixes_of(one + one), Texts{"refused"});
  EXPECT_EQ(prefixes_of(all + one), Texts{"refused"});
  EXPECT_EQ(prefixes_of(two + three), Texts{"refused"}) << "touching";
  EXPECT_EQ(prefixes_of("03070120010db80002"), Texts{"2001:db8:2::/47"});
  EXPECT_EQ(prefixes_of(""), Texts{"refused"});
}

TEST(AddressBlocks, FamiliesAreAscendingUniqueAndWithoutSafi) {
  COVERS("CRT-3779-5", "CRT-3779-6", "CRT-3971-7", "CRT-3971-6");
  const std::string ipv4 = "300c0402000130060304000a0101";
  const std::string ipv6 = "300d04020002300703050020010db8";
  const auto families = [](const std::string& text) {
    return parse_blocks(der(0x30, hex(text))).has_value();
  };
  EXPECT_TRUE(families(ipv6));
  EXPECT_TRUE(families(ipv4 + ipv6));
  EXPECT_FALSE(families(ipv6 + ipv4));
  EXPECT_FALSE(families(ipv6 + ipv6));
  EXPECT_FALSE(families(ipv4));
  EXPECT_FALSE(families(""));
  EXPECT_FALSE(families("300e0403000201300703050020010db8")) << "SAFI";
  EXPECT_FALSE(families("300c040102300703050020010db8")) << "one octet";
  EXPECT_FALSE(families("300f040400020101300703050020010db8")) << "four octets";
  EXPECT_FALSE(families("300d04020003300703050020010db8")) << "AFI 3";
}

TEST(AddressBlocks, InheritIsAnEmptyNull) {
  const auto inherit = parse_blocks(hex("30083006040200020500"));
  ASSERT_TRUE(inherit.has_value());
  EXPECT_TRUE(inherit->inherit);
  EXPECT_TRUE(inherit->set.empty());
  EXPECT_FALSE(parse_blocks(hex("3009300704020002050100")).has_value());
}

TEST(AddressBlocks, TheRfcsOwnExtensionsAreRead) {
  for (const test::Vector& vector : test::load_vectors("rfc3779-encodings.txt")) {
    if (!vector.has("extension-b2-corrected")) continue;
    // Extension: SEQUENCE { OID, TRUE, OCTET STRING }; the value begins behind 17 octets. Both have
    // an IPv4 family with SAFI, which RFC 6487 bars; their IPv6 family is the last.
    const Bytes b1 = vector.hex("extension-b1");
    const Bytes b2 = vector.hex("extension-b2-corrected");
    EXPECT_FALSE(parse_blocks(ByteView(b1).subspan(17)).has_value());
    EXPECT_FALSE(parse_blocks(ByteView(b2).subspan(17)).has_value());
    const auto inherit = parse_blocks(der(0x30, Bytes(b1.end() - 8, b1.end())));
    ASSERT_TRUE(inherit.has_value());
    EXPECT_TRUE(inherit->inherit);
    const auto blocks = parse_blocks(der(0x30, Bytes(b2.end() - 17, b2.end())));
    ASSERT_TRUE(blocks.has_value());
    ASSERT_EQ(blocks->set.prefixes().size(), 1U);
    EXPECT_EQ(blocks->set.prefixes()[0].text(), "2001:0:2::/48");
    return;
  }
  FAIL() << "no extensions in the vectors";
}

// Writes ranges with OpenSSL's encoder.
Bytes encoded_by_openssl(const std::vector<AddressRange>& ranges) {
  IPAddrBlocks* blocks = sk_IPAddressFamily_new_null();
  for (const AddressRange& range : ranges) {
    Ipv6Address::Octets first = range.first.octets();
    Ipv6Address::Octets last = range.last.octets();
    invariant(X509v3_addr_add_range(blocks, IANA_AFI_IPV6, nullptr, first.data(), last.data()) ==
              1);
  }
  invariant(X509v3_addr_canonize(blocks) == 1);
  X509_EXTENSION* extension = X509V3_EXT_i2d(NID_sbgp_ipAddrBlock, 1, blocks);
  const ASN1_OCTET_STRING* value = X509_EXTENSION_get_data(extension);
  Bytes der(ASN1_STRING_get0_data(value), ASN1_STRING_get0_data(value) + ASN1_STRING_length(value));
  X509_EXTENSION_free(extension);
  sk_IPAddressFamily_pop_free(blocks, IPAddressFamily_free);
  return der;
}

TEST(AddressBlocks, RandomRangesThatOpenSslEncodesAreReadBack) {
  std::mt19937_64 random(20260601);
  for (int round = 0; round < 300; ++round) {
    Ipv6Address::Octets low{};
    Ipv6Address::Octets high{};
    const std::size_t common = random() % 14;
    for (std::size_t i = 0; i < low.size(); ++i) {
      low[i] = static_cast<std::uint8_t>(i == 0 ? 0x20 : random());
      high[i] = i < common ? low[i] : static_cast<std::uint8_t>(i == 0 ? 0x30 : random());
      if (random() % 3 == 0 && i > common) low[i] = 0;
      if (random() % 3 == 0 && i > common) high[i] = 0xff;
    }
    AddressRange range{Ipv6Address(low), Ipv6Address(high)};
    if (range.last < range.first) std::swap(range.first, range.last);
    const auto blocks = parse_blocks(encoded_by_openssl({range}));
    ASSERT_TRUE(blocks.has_value()) << range.first.text() << " to " << range.last.text();
    ASSERT_EQ(blocks->set.ranges(), std::vector{range});
    // Its prefixes make it up again.
    EXPECT_EQ(AddressSet::of(blocks->set.prefixes()), blocks->set);
  }
}

// RFC 3779 2.1.1, 2.2.3.8 and 2.2.3.9 (tests/vectors/rfc3779-encodings.txt), as IPAddrBlocks.
TEST(AddressBlocks, WhatTheRfcEncodesIsReadAndWrittenAgain) {
  COVERS("CRT-3779-3");
  const auto family = [](const std::string& entries) {
    Bytes octets = hex("04020002");
    const Bytes list = der(0x30, hex(entries));
    octets.insert(octets.end(), list.begin(), list.end());
    return der(0x30, der(0x30, octets));
  };
  const std::pair<const char*, const char*> prefixes[] = {
      {"03110020010000020000030000000000000001", "2001:0:200:3:0:0:0:1/128"},
      {"0306012001000002", "2001:0:200::/39"},
      {"030100", "::/0"}};
  std::vector<Bytes> all;
  for (const auto& [entry, text] : prefixes) {
    all.push_back(family(entry));
    const auto blocks = parse_blocks(all.back());
    ASSERT_TRUE(blocks) << text;
    EXPECT_EQ(blocks->set.prefixes(), std::vector{Prefix::literal(text)});
    EXPECT_EQ(encoded_by_openssl(blocks->set.ranges()), all.back()) << text;
  }
  // A minimum and a maximum: 2001:0:200:: to 2001:0:400:ff:ffff:ffff:ffff:ffff.
  all.push_back(
      family("3012"
             "0306012001000002"
             "03080020010000040000"));
  const auto range = parse_blocks(all.back());
  ASSERT_TRUE(range);
  EXPECT_EQ(encoded_by_openssl(range->set.ranges()), all.back());
  const Bytes inherit = hex("30083006040200020500");
  ASSERT_TRUE(parse_blocks(inherit));
  EXPECT_TRUE(parse_blocks(inherit)->inherit);
  all.push_back(inherit);
  for (const Bytes& whole : all) {
    for (std::size_t size = 0; size < whole.size(); ++size)
      EXPECT_FALSE(parse_blocks(ByteView(whole).first(size))) << size;
    Bytes longer = whole;
    longer.push_back(0);
    EXPECT_FALSE(parse_blocks(longer));
    longer[1] = static_cast<std::uint8_t>(longer[1] + 1);
    EXPECT_FALSE(parse_blocks(longer));
  }
}

TEST(AddressBlocks, EveryTruncationAndFlippedOctetIsRefusedOrRead) {
  const Bytes good = hex("3020301e040200023018301603090020010db8000a000103090220010db8000a0000");
  ASSERT_TRUE(parse_blocks(good).has_value());
  for (std::size_t size = 0; size < good.size(); ++size)
    EXPECT_FALSE(parse_blocks(ByteView(good).first(size)).has_value()) << size;
  for (std::size_t at = 0; at < good.size(); ++at) {
    for (int value = 0; value < 256; ++value) {
      Bytes spoiled = good;
      spoiled[at] = static_cast<std::uint8_t>(value);
      const auto blocks = parse_blocks(spoiled);
      if (!blocks) continue;
      // Whatever is accepted is canonical: OpenSSL writes it with the same octets.
      EXPECT_EQ(encoded_by_openssl(blocks->set.ranges()), spoiled) << at << ' ' << value;
    }
  }
}

TEST(AddressSet, EncompassesNeedsOneRangeAroundEach) {
  COVERS("CRT-6487-20", "CRT-3779-16");
  const AddressSet apart =
      AddressSet::of({Prefix::literal("2001:db8::/48"), Prefix::literal("2001:db8:2::/48")});
  const AddressSet across = AddressSet::of({Prefix::literal("2001:db8::/46")});
  EXPECT_FALSE(apart.encompasses(across));
  EXPECT_TRUE(across.encompasses(apart));
  EXPECT_TRUE(apart.encompasses(apart));
  // 2001:db8:: to 2001:db8:bfff:..., as three quarters.
  const AddressSet quarters =
      AddressSet::of({Prefix::literal("2001:db8::/33"), Prefix::literal("2001:db8:8000::/34")});
  ASSERT_EQ(quarters.ranges().size(), 1U);
  const auto inside = [&quarters](const char* prefix) {
    return quarters.encompasses(AddressSet::of({Prefix::literal(prefix)}));
  };
  EXPECT_TRUE(inside("2001:db8:8000::/34"));
  EXPECT_FALSE(inside("2001:db8::/32"));
  EXPECT_FALSE(inside("2001:db8:c000::/64"));
}

TEST(AddressSet, OverlappingPrefixesBecomeOneRange) {
  const AddressSet set =
      AddressSet::of({Prefix::literal("2001:db8:1::/48"), Prefix::literal("2001:db8::/32"),
                      Prefix::literal("2001:db9::/32"), Prefix::literal("2001:db8:1::/48")});
  EXPECT_EQ(set.prefixes(), std::vector{Prefix::literal("2001:db8::/31")});
  const AddressSet end =
      AddressSet::of({Prefix::literal("ff00::/8"), Prefix::literal("ff02::/16")});
  EXPECT_EQ(end.prefixes(), std::vector{Prefix::literal("ff00::/8")});
  EXPECT_TRUE(AddressSet::of({Prefix()}).is_everything());
  EXPECT_FALSE(end.is_everything());
}

}  // namespace
}  // namespace sendoff::pki
