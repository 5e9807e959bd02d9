// What a configuration says of others: access points and their routers, Mobility Headers of other
// programs.
#include "config/fixture.h"

namespace sendoff::config {
namespace {

using Known = ConfigTest;

const std::string kPoint = R"([[access_point]]
address = "02:00:5e:00:53:02"
router = "2001:db8:b:1::1"
router_link_address = "02:00:5e:00:53:12"
)";

TEST_F(Known, AccessPointsHaveTheirRouterAndItsPrefix) {
  EXPECT_TRUE(mobile(kMobileFile)->machine.access_points.empty());
  const auto loaded = mobile(kPoint + kMobileFile);
  ASSERT_TRUE(loaded) << loaded.error()[0].text();
  ASSERT_EQ(loaded->machine.access_points.size(), 1U);
  const mobile::AccessPoint& point = loaded->machine.access_points[0];
  EXPECT_EQ(point.address, LinkAddress::literal("02:00:5e:00:53:02"));
  EXPECT_EQ(point.router, Ipv6Address::literal("2001:db8:b:1::1"));
  EXPECT_EQ(point.router_link_address, LinkAddress::literal("02:00:5e:00:53:12"));
  EXPECT_EQ(point.prefix, Prefix::literal("2001:db8:b:1::/64"));
  EXPECT_EQ(point.state, mobile::AccessPoint::State::kPossible);
  EXPECT_FALSE(point.dhcp);
  const auto other = mobile(kPoint + "prefix = \"2001:db8:c::/64\"\ndhcp = true\n" + kMobileFile);
  ASSERT_TRUE(other) << other.error()[0].text();
  EXPECT_EQ(other->machine.access_points[0].prefix, Prefix::literal("2001:db8:c::/64"));
  EXPECT_TRUE(other->machine.access_points[0].dhcp);
}

TEST_F(Known, AccessPointsAreCompleteAndDifferent) {
  const auto wrong = [&](const std::string& from, const std::string& to, const std::string& says) {
    const auto loaded = mobile(changed(kPoint, from, to) + kMobileFile);
    ASSERT_FALSE(loaded) << to;
    ASSERT_EQ(loaded.error().size(), 1U) << to;
    EXPECT_NE(loaded.error()[0].what.find(says), std::string::npos) << loaded.error()[0].text();
  };
  wrong("address = \"02:00:5e:00:53:02\"\n", "", "address");
  wrong("02:00:5e:00:53:02", "nearby", "address is \"nearby\"");
  wrong("router = \"2001:db8:b:1::1\"\n", "", "router");
  wrong("2001:db8:b:1::1", "fe80::1", "router is \"fe80::1\"");
  wrong("router_link_address = \"02:00:5e:00:53:12\"\n", "", "router_link_address");
  wrong("53:12\"\n", "53:12\"\nprefix = \"2001:db8:b::/48\"\n", "must be a /64");
  wrong("53:12\"\n", "53:12\"\n" + kPoint, "a second time");
}

TEST_F(Known, MobilityHeaderTypesOfOthersAreNotOurs) {
  EXPECT_TRUE(mobile(kMobileFile)->daemon.other_mobility_types.empty());
  const auto loaded = mobile("[daemon]\nother_mobility_types = [12, 255, 7]\n" + kMobileFile);
  ASSERT_TRUE(loaded) << loaded.error()[0].text();
  EXPECT_EQ(loaded->daemon.other_mobility_types, (std::vector<std::uint8_t>{12, 255, 7}));
  EXPECT_TRUE(router("[daemon]\nother_mobility_types = []\n" + kRouterFile));
  for (const char* value :
       {"9", "\"12\"", "[6]", "[8]", "[9]", "[256]", "[-1]", "[\"12\"]", "[14]", "[12, 15]"}) {
    const auto refused =
        mobile(std::string("[daemon]\nother_mobility_types = ") + value + "\n" + kMobileFile);
    ASSERT_FALSE(refused) << value;
    EXPECT_NE(refused.error()[0].what.find("other_mobility_types"), std::string::npos);
  }
}

}  // namespace
}  // namespace sendoff::config
