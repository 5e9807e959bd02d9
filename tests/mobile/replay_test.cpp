// Answers that come without Nonce, too late, or a second time (RFC 5269 5, GF43).
#include "asked.h"

namespace sendoff::test {
namespace {

TEST(KeyAnswer, WithoutNonceNeverEndsARequest) {
  Asked node;
  World& world = node.world;
  world.deliver(node.par.proxy_advertisement(node.request.source, 0, node.request.identifier,
                                             world.tuples, {}, world.seal()));
  EXPECT_EQ(world.status().neighbours.size(), 1U);  // of the current router: believed
  world.advance(milliseconds(150));
  EXPECT_EQ(world.solicitations().size(), 2U);  // and still asked
  node.answer({node.reply(2, 1000, world.issued(node.par))});
  EXPECT_TRUE(node.has_key());
}

TEST(KeyAnswer, ThatEndsAfterTheLinkWasLeftIsDropped) {
  Asked node;
  World& world = node.world;
  world.hold = [](const machine::Start& start) {
    return std::holds_alternative<machine::OpenHandoverKey>(start.job);
  };
  node.answer({node.reply(2, 1000, world.issued(node.par))});
  ASSERT_EQ(world.held_jobs.size(), 1U);
  machine::Start job = std::move(world.held_jobs.front());
  world.down();
  world.held_jobs.push_back(std::move(job));
  world.run_held();  // a worker that the Cancel came too late for
  EXPECT_TRUE(world.status().keys.empty());
  EXPECT_EQ(world.count("link-left"), 1U);
}

TEST(KeyAnswer, CannotBeReplayed) {
  Asked node;
  World& world = node.world;
  const Bytes recorded =
      world.answer(node.par, node.request, {node.reply(2, 1000, world.issued(node.par))});
  world.deliver(recorded);
  ASSERT_TRUE(node.has_key());
  world.forget_output();
  world.deliver(recorded);
  world.advance(seconds(10));
  world.deliver(recorded);
  EXPECT_EQ(node.decryptions(), 0U);

  const Bytes unsolicited = node.par.proxy_advertisement(
      node.request.source, wire::PrRtAdv::kUnsolicited, 0, world.tuples, {}, world.seal());
  world.advance(seconds(301));
  const auto stale = world.count("send", "stale");
  world.deliver(unsolicited);
  EXPECT_EQ(world.count("send", "stale"), stale + 1);
}

struct Misled : Attached {
  Misled() {
    world.answer_rs = false;
    world.move({&nar});
    world.deliver(par.router_advertisement(kAllNodes, world.seal(), {}), nar.link_address);
    world.advance(milliseconds(100));
    world.answer_rs = true;
  }
  [[nodiscard]] std::optional<Ipv6Address> router() const {
    return world.status().links.at(0).router;
  }
};

TEST(RouterAdvertisement, ReplayedOnAnotherLinkGivesWayToTheRouterThatAnswersThere) {
  Misled node;
  ASSERT_EQ(node.router(), node.par.link_local);
  node.world.advance(seconds(30));
  EXPECT_EQ(node.router(), node.nar.link_local) << node.world.account();
  EXPECT_EQ(node.world.count("discovery", "replaced"), 1U);
  EXPECT_TRUE(node.world.key_of(node.nar.global.front()));
}

TEST(RouterAdvertisement, StandsThoughItsRouterGivesNoKeys) {
  Misled node;
  node.world.routers = {&node.par, &node.nar};
  node.world.answer_rtsolpr = false;
  node.world.advance(seconds(200));
  EXPECT_GE(node.world.count("unanswered"), 1U);
  EXPECT_EQ(node.router(), node.par.link_local);
  EXPECT_EQ(node.world.count("discovery", "replaced"), 0U);
}

}  // namespace
}  // namespace sendoff::test
