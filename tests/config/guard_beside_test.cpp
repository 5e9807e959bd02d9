// The guard in the file of a router or a mobile node, and what proves messages there.
#include "config/fixture.h"
#include "support/covers.h"

namespace sendoff::config {
namespace {

class GuardBesideFile : public ConfigTest {
 protected:
  // Of which one problem says that.
  template <typename Loaded>
  static bool refuses(const Loaded& loaded, const std::string& says) {
    return !loaded && std::ranges::any_of(loaded.error(), [&](const Problem& problem) {
      return problem.text().find(says) != std::string::npos;
    });
  }
};

const std::string kGuardSection =
    "[guard]\non_stop = \"closed\"\nmode = \"secured-only\"\nsigning = 7\n";

TEST_F(GuardBesideFile, IsThereWhereItsSectionIs) {
  ASSERT_TRUE(router(kRouterFile));
  EXPECT_FALSE(router(kRouterFile)->guard);
  EXPECT_FALSE(router(kRouterFile)->daemon.guard);
  EXPECT_FALSE(mobile(kMobileFile)->guard);

  const auto loaded = router(kRouterFile + kGuardSection);
  ASSERT_TRUE(loaded) << loaded.error()[0].text();
  EXPECT_EQ(loaded->daemon.guard, net::OnStop::kClosed);
  ASSERT_TRUE(loaded->guard);
  EXPECT_EQ(loaded->guard->place, nd::GuardPlace::kBesideRouter);
  EXPECT_EQ(loaded->guard->max_signing, 7U);
  EXPECT_TRUE(send::same(loaded->guard->identity, loaded->machine.interfaces[0].identity));
  ASSERT_EQ(loaded->guard->interfaces.size(), 1U);
  EXPECT_EQ(loaded->guard->interfaces[0].name, "access0");
  EXPECT_EQ(loaded->guard->interfaces[0].id, loaded->machine.interfaces[0].id);
  EXPECT_EQ(loaded->guard->interfaces[0].mode, nd::GuardMode::kSecuredOnly);
  EXPECT_FALSE(loaded->guard->interfaces[0].form_addresses);
}

TEST_F(GuardBesideFile, EachInterfaceMayHaveAModeOfItsOwn) {
  const std::string text =
      changed(kMobileFile, "name = \"access0\"", "name = \"access0\"\nguard = \"off\"") +
      "[[interface]]\nname = \"access1\"\n[send]\nmin_key_bits = 2048\n" + kGuardSection;
  const auto loaded = mobile(text);
  ASSERT_TRUE(loaded) << loaded.error()[0].text();
  ASSERT_TRUE(loaded->guard);
  EXPECT_EQ(loaded->guard->place, nd::GuardPlace::kBesideMobile);
  EXPECT_TRUE(send::same(loaded->guard->identity, loaded->machine.identity));
  ASSERT_EQ(loaded->guard->interfaces.size(), 2U);
  EXPECT_EQ(loaded->guard->interfaces[0].mode, nd::GuardMode::kOff);
  EXPECT_EQ(loaded->guard->interfaces[1].mode, nd::GuardMode::kSecuredOnly);
  EXPECT_EQ(loaded->guard->receiver.key_limits.min_bits, 2048U);
  // Its bounds are its own.
  EXPECT_EQ(loaded->guard->receiver.budget.per_interface_s, 4000U);
  EXPECT_EQ(loaded->machine.receiver.budget.per_interface_s, 500U);
  EXPECT_TRUE(loaded->guard->paths.anchors == nullptr || loaded->guard->paths.anchors->empty());
}

TEST_F(GuardBesideFile, SaysWhatIsWrong) {
  EXPECT_TRUE(refuses(router(kRouterFile + "[guard]\nmode = \"mixed\"\n"), "on_stop"));
  EXPECT_TRUE(refuses(router(kRouterFile + "[guard]\non_stop = \"open\"\nmode = \"strict\"\n"),
                      "mixed, secured-only or off"));
  EXPECT_TRUE(refuses(
      router(changed(kRouterFile, "name = \"access0\"", "name = \"access0\"\nguard = \"mixed\"")),
      "[guard] nowhere"));
  std::string many = kMobileFile + kGuardSection;
  for (int i = 1; i <= 23; ++i) many += "[[interface]]\nname = \"eth" + std::to_string(i) + "\"\n";
  EXPECT_TRUE(mobile(many));
  EXPECT_TRUE(refuses(mobile(many + "[[interface]]\nname = \"eth24\"\n"), "at most 24"));
}

TEST_F(GuardBesideFile, EachKindOfMessageHasItsMethodInARoleToo) {
  COVERS("SND-5.2.3-1");
  using send::Kind;
  using send::Method;
  const std::string authorization =
      "[authorization]\n"
      "neighbor_solicitation = \"cga\"\n"
      "neighbor_advertisement = \"trust-anchor-or-cga\"\n"
      "router_solicitation = \"trust-anchor\"\n"
      "router_advertisement = \"trust-anchor-and-cga\"\n"
      "redirect = \"trust-anchor-or-cga\"\n"
      "rtsolpr = \"trust-anchor-and-cga\"\n"
      "prrtadv = \"trust-anchor\"\n";
  const auto check = [](const send::Methods& methods) {
    EXPECT_EQ(methods.of(Kind::kNeighborSolicitation), Method::kCga);
    EXPECT_EQ(methods.of(Kind::kNeighborAdvertisement), Method::kTrustAnchorOrCga);
    EXPECT_EQ(methods.of(Kind::kRouterSolicitation), Method::kTrustAnchor);
    EXPECT_EQ(methods.of(Kind::kRouterAdvertisement), Method::kTrustAnchorAndCga);
    EXPECT_EQ(methods.of(Kind::kRedirect), Method::kTrustAnchorOrCga);
    EXPECT_EQ(methods.of(Kind::kRtSolPr), Method::kTrustAnchorAndCga);
    EXPECT_EQ(methods.of(Kind::kPrRtAdv), Method::kTrustAnchor);
  };
  const auto as_router = router(kRouterFile + authorization + kGuardSection);
  ASSERT_TRUE(as_router) << as_router.error()[0].text();
  check(as_router->machine.receiver.methods);
  check(as_router->guard->receiver.methods);
  EXPECT_TRUE(warns(as_router->warnings, "rtsolpr is trust-anchor-and-cga: hosts' certificates"));
  const auto as_mobile = mobile(kMobileFile + authorization);
  ASSERT_TRUE(as_mobile) << as_mobile.error()[0].text();
  check(as_mobile->machine.receiver.methods);
  EXPECT_TRUE(warns(as_mobile->warnings, "redirect is trust-anchor-or-cga: a router needs"));
  EXPECT_TRUE(refuses(mobile(kMobileFile + "[authorization]\nprrtadv = \"anybody\"\n"),
                      "trust-anchor-or-cga"));
  EXPECT_TRUE(
      refuses(router(kRouterFile + "[authorization]\nrtsolpr_anchors = []\n"), "rtsolpr_anchors"));
}

}  // namespace
}  // namespace sendoff::config
