#include "world.h"

namespace sendoff::test {
namespace {

using machine::EventKind;

TEST(Attach, FindsACertifiedRouterFormsAnAddressAndGetsAKey) {
  Attached node;
  World& world = node.world;
  const auto status = world.status();
  ASSERT_EQ(status.links.size(), 1U);
  EXPECT_EQ(status.links[0].router, node.par.link_local);
  EXPECT_EQ(status.links[0].router_global, node.par.global[0]);
  ASSERT_EQ(status.keys.size(), 1U) << world.account();
  EXPECT_EQ(status.keys[0].ar, node.par.global[0]);
  EXPECT_EQ(status.keys[0].ar_link_local, node.par.link_local);
  EXPECT_EQ(status.keys[0].cga, world.care_of());
  ASSERT_TRUE(world.order(machine::HandOver{kApNext}));
  ASSERT_EQ(world.updates().size(), 1U);
  const Update update = std::move(world.updates()[0]);
  world.deliver(world.fback(node.par, update));
  ASSERT_NE(world.last(EventKind::kHandoverDone), nullptr);
}

}  // namespace
}  // namespace sendoff::test
