// Another prefix, the same modifier (RFC 3972 4).
#include "moving.h"

namespace sendoff::test {
namespace {

TEST(Modifier, ServesTheNextPrefixWithoutASearch) {
  COVERS("CGA-4-15");
  mobile::Config config = mobile_config();
  config.identity.sec = 1;
  config.identity.modifier =
      *cga::find_modifier({7, 7, 7}, config.identity.key->spki(), {}, {.sec = 1, .threads = 1});
  Moving node(config);
  World& world = node.world;
  node.prepare_handover();
  ASSERT_EQ(world.updates().size(), 1U);
  EXPECT_EQ(world.updates()[0].fbu.options.alternate_care_of, node.ncoa);
  node.roam();
  world.advance(seconds(1));
  EXPECT_TRUE(node.has_address(node.ncoa));

  std::set<Ipv6Address> shown;
  for (const machine::Transmit& transmit : world.sent) {
    const auto packet = wire::PacketView::parse(transmit.packet);
    if (packet->upper_protocol != wire::kProtocolIcmpv6) continue;
    const auto option = find_option(transmit.packet, wire::OptionType::kCga);
    if (!option) continue;
    const auto parameters = cga::ParametersView::parse(wire::CgaOption::parse(*option)->parameters);
    ASSERT_TRUE(parameters);
    EXPECT_EQ(parameters->modifier, config.identity.modifier);
    EXPECT_EQ(parameters->collision_count, 0);
    EXPECT_TRUE(cga::verify(packet->header.source, *parameters));
    EXPECT_EQ(cga::sec_of(packet->header.source), 1);
    shown.insert(packet->header.source);
  }
  EXPECT_TRUE(shown.contains(node.ncoa));
  EXPECT_EQ(
      std::ranges::count(world.jobs_seen, IndexOf<machine::SearchModifier, machine::Job>::kValue),
      0);
}

}  // namespace
}  // namespace sendoff::test
