// Provisioning at the access router (RFC 5269 3.2) on packets, in virtual time.
#include "router/router_fixture.h"

namespace sendoff::test {
namespace {

class Provision : public RouterTest {};

TEST_F(Provision, AValidatedRequestGetsItsKeySealedAndSigned) {
  COVERS("HK-3.2-20", "HK-3.2-21", "HK-3.2-34", "HK-3.2-35", "HK-3.2-32");
  start();
  receive(request(), mn);
  const Bytes packet = reply();
  EXPECT_TRUE(signed_properly(packet));
  EXPECT_EQ(Ipv6Address::from(ByteView(packet).subspan(8, 16)), ar_link_local());
  EXPECT_EQ(Ipv6Address::from(ByteView(packet).subspan(24, 16)), mn.global());
  const auto delivered = open(packet, *hke);
  ASSERT_TRUE(delivered.has_value());
  EXPECT_EQ(delivered->algorithm, 2);
  EXPECT_EQ(delivered->lifetime_s, 43200);
  EXPECT_EQ(delivered->key.size(), 32u);
}

TEST_F(Provision, AKeyThatEndsWhileItIsStoredIsNotGiven) {
  config.keys.lifetime_s = 100;
  start();
  bench.hold_outcome = [](const machine::Action& action) {
    return std::holds_alternative<machine::Persist>(action.what);
  };
  bench.forget();
  receive(request(), mn);
  ASSERT_EQ(bench.unanswered.size(), 1u);
  bench.advance(seconds(101));
  bench.answer(bench.unanswered.at(0));
  EXPECT_FALSE(has_key(reply()));
  EXPECT_TRUE(router->status(bench.now, 100).keys.empty());
}

TEST_F(Provision, AnAcceptedFbuInstallsABindingAndIsAcknowledged) {
  start();
  const Delivered delivered = provision();
  receive(fbu(delivered));
  ASSERT_EQ(bench.asked<machine::InstallBinding>().size(), 1u);
  ASSERT_EQ(fbacks().size(), 2u);
  EXPECT_EQ(fbacks()[0].status, 0);
}

}  // namespace
}  // namespace sendoff::test
