// Answers of routers whose certification path is unknown when they come (RFC 5269 3.3).
#include "support/authority.h"
#include "world.h"

namespace sendoff::test {
namespace {

// A node that asks all routers of a link, of which it knows one: the others' paths are unknown.
struct Strangers : Attached {
  Strangers() : Attached(configured(), [](World& made) { made.answer_rtsolpr = false; }) {
    world.answer_cps = false;
  }
  static mobile::Config configured() {
    mobile::Config config = mobile_config();
    config.max_held_replies = 1;
    config.paths.anchors = std::make_shared<const std::vector<pki::TrustAnchor>>(
        std::vector{anchors({"anchor"})->front(), authority().trusted()});
    return config;
  }
  static const Authority& authority() {
    static const Authority made{"anchor-2048", "Other network"};
    return made;
  }
  static FakeRouter stranger(const std::string& key, std::uint8_t number) {
    const Prefix prefix = Prefix::literal("2001:db8:a:1::/64");
    return FakeRouter(key, authority().path_to(key, prefix), {prefix}, number);
  }
  void ask() {
    world.show(par);
    world.advance(seconds(3));
    world.forget_output();
    ASSERT_TRUE(world.order(machine::RequestKey{{}, kAllRouters}));
    request = world.solicitations().back();
  }
  void answer(const FakeRouter& router, std::uint16_t lifetime_s) {
    world.deliver(world.answer(router, request,
                               {FakeRouter::reply_option(*request.encryption_key, 2, lifetime_s,
                                                         world.issued(router))}),
                  router.link_address);
  }
  // The CPS that was sent last is answered.
  void give_path(const FakeRouter& router) {
    const auto cps = wire::PacketView::parse(world.sent.back().packet);
    const auto head = wire::CertificationPathSolicitation::parse(cps->upper);
    world.advance(seconds(2));
    for (const Bytes& cpa : router.path_advertisements(cps->header.source, head->identifier))
      world.deliver(cpa);
  }
  Solicitation request;
};

TEST(KeyAnswer, WaitsForTheCertificationPath) {
  COVERS("HK-3.3-03");
  Strangers node;
  World& world = node.world;
  const FakeRouter second = Strangers::stranger("ar2-2048", 6);
  const FakeRouter third = Strangers::stranger("other-2048", 7);
  world.deliver(second.router_advertisement(kAllNodes, world.seal(), {}), second.link_address);
  node.ask();
  node.answer(second, 1000);
  EXPECT_EQ(world.sent_of_type(148), 1U);
  EXPECT_FALSE(world.key_of(second.global[0]));
  // The answer of another one finds no room.
  node.answer(third, 1000);
  EXPECT_EQ(world.count("held-dropped"), 1U);
  node.give_path(second);
  EXPECT_TRUE(world.key_of(second.global[0])) << world.account();

  // Cached: no CPS.
  node.ask();
  node.answer(second, 2000);
  EXPECT_EQ(world.sent_of_type(148), 0U);
  EXPECT_EQ(world.count("keys-received"), 2U);

  // No path in time.
  node.ask();
  node.answer(third, 3000);
  world.advance(seconds(16));
  EXPECT_EQ(world.count("keys-received"), 2U);
  EXPECT_EQ(world.count("uncertified") + world.count("held-dropped"), 2U) << world.account();
}

}  // namespace
}  // namespace sendoff::test
