// The options of RFC 5568 6.4 beside each other: their heads, and the two units in which their
// lengths count.
#include <gtest/gtest.h>

#include "support/covers.h"
#include "support/vectors.h"
#include "wire/codec.h"
#include "wire/fmip_options.h"
#include "wire/mobility.h"

namespace sendoff::wire {
namespace {

using test::kept;
using test::load_vector;
using test::octets;
using test::Vector;

// A Mobility Header of an HI with these options, padded to its end.
Bytes initiate_with(const Bytes& options) {
  Bytes header{59, 0, 14, 0, 0, 0, 0, 1, 0, 0};
  header.insert(header.end(), options.begin(), options.end());
  while (header.size() % 8 != 0) header.push_back(0);
  header[1] = static_cast<std::uint8_t>(header.size() / 8 - 1);
  return header;
}

TEST(FmipOptions, BeginWithTypeLengthAndOptionCode) {
  COVERS("FH-6.4-01");
  const auto head = [](const char* file, const char* section) {
    const Vector vector = load_vector(file, section);
    const Bytes whole = vector.hex("octets");
    EXPECT_EQ(whole[2], vector.number("option-code")) << section;
    return whole;
  };
  // 6.4.1, 6.4.3, 6.4.6: ND options.
  for (const char* section :
       {"ip-old-care-of", "ip-new-care-of", "ip-nar-address", "ip-nar-prefix"}) {
    const Bytes whole = head("wire-ndoptions.txt", section);
    EXPECT_EQ(whole[0], 17);
    EXPECT_EQ(std::size_t{whole[1]} * 8, whole.size());
    EXPECT_EQ(static_cast<int>(IpAddressPrefixOption::parse(whole)->code), whole[2]);
  }
  for (const char* section : {"lla-code-1", "lla-code-2", "lla-code-3", "lla-code-4", "lla-code-5",
                              "lla-code-6", "lla-code-7"}) {
    const Bytes whole = head("wire-ndoptions.txt", section);
    EXPECT_EQ(whole[0], 19);
    EXPECT_EQ(std::size_t{whole[1]} * 8, whole.size());
    EXPECT_EQ(static_cast<int>(LinkLayerAddressOption::parse(whole)->code), whole[2]);
  }
  for (const char* section : {"naack-1", "naack-2", "naack-128"}) {
    const Bytes whole = head("wire-ndoptions.txt", section);
    EXPECT_EQ(whole[0], 20);
    EXPECT_EQ(std::size_t{whole[1]} * 8, whole.size());
    EXPECT_EQ(NaackOption::parse(whole)->option_code, whole[2]);
  }
  // 6.4.2, 6.4.4: Mobility options.
  for (const char* section :
       {"option-ip-old", "option-ip-new", "option-ip-nar", "option-ip-prefix"}) {
    const Bytes whole = head("wire-mobility.txt", section);
    EXPECT_EQ(whole[0], 34);
    EXPECT_EQ(std::size_t{whole[1]} + 2, whole.size());
    const auto read = HandoverInitiate::parse(kept(initiate_with(whole)));
    ASSERT_EQ(read->options.addresses.size(), 1u);
    EXPECT_EQ(static_cast<int>(read->options.addresses[0].code), whole[2]);
  }
  {
    const Bytes whole = head("wire-mobility.txt", "option-mh-lla");
    EXPECT_EQ(whole[0], 7);
    EXPECT_EQ(std::size_t{whole[1]} + 2, whole.size());
    EXPECT_EQ(
        HandoverInitiate::parse(kept(initiate_with(whole)))->options.link_address->option_code,
        whole[2]);
  }
  // 6.4.5: the SPI stands where the others have their Option-Code.
  Bytes update = octets("3b 03 08 00 0000 0001 c000 001e 0100");
  const Vector badf = load_vector("wire-mobility.txt", "option-badf-spi");
  const Bytes whole = badf.hex("octets");
  update.insert(update.end(), whole.begin(), whole.end());
  ASSERT_EQ(update.size(), 32u);
  const auto read = FastBindingUpdate::parse(update);
  ASSERT_TRUE(read && read->options.authorization);
  EXPECT_EQ(whole[0], 21);
  EXPECT_EQ(read->options.authorization->spi, badf.number("spi"));
  EXPECT_EQ(read->options.authorization->spi >> 24, whole[2]);
  EXPECT_EQ(to_hex(read->options.authorization->authenticator), badf.text("authenticator"));
}

TEST(FmipOptions, CountTheirLengthInTheUnitOfTheirKind) {
  COVERS("FH-6.4-02");
  const IpAddressPrefixOption discovery{.code = IpAddressPrefixOption::Code::kNarAddress,
                                        .prefix_length = 64,
                                        .address = Ipv6Address::literal("2001:db8:b::1")};
  Bytes nd = test::emitted(discovery);
  EXPECT_EQ(nd.size(), 24u);
  EXPECT_EQ(nd[1], 3);
  HandoverInitiate initiate;
  initiate.options.addresses.push_back({.code = MobilityAddressPrefix::Code::kNarAddress,
                                        .prefix_length = 64,
                                        .address = discovery.address});
  Bytes mobility = test::emitted(initiate);
  const std::size_t at = 12;  // 8n+4
  EXPECT_EQ(mobility[at], 34);
  EXPECT_EQ(mobility[at + 1], 18);
  EXPECT_EQ(mobility.size(), at + 20);

  // Octets where units are meant overrun the list, or end nowhere near the next option.
  Bytes list = nd;
  list.insert(list.end(), nd.begin(), nd.end());
  EXPECT_EQ(OptionList::parse(list)->count(OptionType::kIpAddressPrefix), 2u);
  for (const unsigned octets_instead : {22U, 24U}) {
    Bytes wrong = list;
    wrong[1] = static_cast<std::uint8_t>(octets_instead);
    ASSERT_FALSE(OptionList::parse(wrong));
    EXPECT_EQ(OptionList::parse(wrong).error(), ParseError::kOptionOverrun);
    EXPECT_FALSE(IpAddressPrefixOption::parse(wrong));
  }
  // Units where octets are meant: an option of five octets that holds no address.
  ASSERT_EQ(HandoverInitiate::parse(mobility)->options.addresses.size(), 1u);
  for (const unsigned units_instead : {2U, 3U}) {
    Bytes wrong = mobility;
    wrong[at + 1] = static_cast<std::uint8_t>(units_instead);
    // What follows it reads as padding, so that only the option itself is judged.
    std::fill(wrong.begin() + static_cast<std::ptrdiff_t>(at + 2 + units_instead), wrong.end(),
              std::uint8_t{0});
    const auto read = HandoverInitiate::parse(wrong);
    ASSERT_TRUE(read);
    EXPECT_TRUE(read->options.addresses.empty());
  }
}

}  // namespace
}  // namespace sendoff::wire
