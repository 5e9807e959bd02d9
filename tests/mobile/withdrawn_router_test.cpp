// A router that its certificate speaks for no more (RFC 3971 6.3.1, GS24): another one of the link
// takes its place at once, and what it could order with handover keys is over.
#include "support/authority.h"
#include "world.h"

namespace sendoff::test {
namespace {

using machine::EventKind;

const Prefix kFirstPrefix = Prefix::literal("2001:db8:a:1::/64");
const Prefix kSecondPrefix = Prefix::literal("2001:db8:b:1::/64");

// Two routers of one link, each with an authority of its own, whose lists come from a directory.
class WithdrawnRouter : public testing::Test {
 protected:
  WithdrawnRouter() {
    mobile::Config config = mobile_config();
    config.paths.anchors = std::make_shared<const std::vector<pki::TrustAnchor>>(
        std::vector{authority.trusted(), other.trusted()});
    config.paths.revocation.lists = true;
    publish({});
    world.emplace(config);
    world->lists = lists;
    world->routers = {&first, &second};
    world->up();
    world->advance(seconds(3));
  }
  static Bytes certified(const Authority& by, const std::string& key, const Prefix& prefix,
                         const Bytes& serial, const std::vector<std::string>& list_addresses) {
    pki::Request request;
    request.role = pki::Role::kRouter;
    request.common_name = "router";
    request.blocks = {prefix};
    request.not_before = UtcTime(seconds(1'700'000'000));
    request.not_after = UtcTime(seconds(1'900'000'000));
    request.serial = serial;
    request.crl_uris = list_addresses;
    return pki::issue(request, signing_key(key)->spki(), {by.anchor, Authority::pem(by.key)})
        .value();
  }
  // A list of the first authority's.
  void publish(const std::vector<Bytes>& serials) {
    pki::ListRequest request;
    request.number = {++number_};
    request.this_update = UtcTime(seconds(1'780'000'000));
    request.next_update = UtcTime(seconds(1'880'000'000));
    for (const Bytes& serial : serials) request.revoked.push_back({serial, request.this_update});
    const Bytes der =
        pki::issue_list(request, {authority.anchor, Authority::pem(authority.key)}).value();
    lists = std::make_shared<const std::vector<pki::RevocationList>>(
        1, *pki::RevocationList::parse(der));
    if (world) world->lists = lists;
  }
  [[nodiscard]] std::optional<Ipv6Address> router() const {
    const auto status = world->status();
    const auto& link = status.links.at(0);
    return link.router;
  }

  const Bytes kSerial{4, 5, 6};
  Authority authority{"anchor-2048", "Network"};
  Authority other{"other-2048", "Other network"};
  FakeRouter first{
      "ar-2048", {certified(authority, "ar-2048", kFirstPrefix, kSerial, {})}, {kFirstPrefix}, 1};
  FakeRouter second{
      "ar2-2048", {certified(other, "ar2-2048", kSecondPrefix, {7}, {})}, {kSecondPrefix}, 2};
  pki::RevocationListsPtr lists;
  std::optional<World> world;

 private:
  std::uint8_t number_ = 0;
};

TEST_F(WithdrawnRouter, GivesWayToAnotherOfItsLinkAndItsKeysAreGone) {
  COVERS("CRT-3971-23");
  ASSERT_EQ(router(), first.link_local) << world->account();
  ASSERT_TRUE(world->key_of(first.global[0]));
  publish({kSerial});
  world->forget_output();
  world->advance(world->config.paths.revocation.interval);
  EXPECT_EQ(world->last(EventKind::kPathWithdrawn)->text("reason"), "revoked");
  EXPECT_EQ(router(), second.link_local);
  EXPECT_FALSE(world->key_of(first.global[0]));
  ASSERT_NE(world->last(EventKind::kKeyDiscarded), nullptr) << world->account();
  EXPECT_EQ(world->last(EventKind::kKeyDiscarded)->text("ar"), first.global[0].text());
  EXPECT_EQ(world->last(EventKind::kKeyDiscarded)->text("reason"), "router-withdrawn");
  ASSERT_EQ(world->forgotten.size(), 1U);
  EXPECT_EQ(std::get<machine::HeldKeyName>(world->forgotten[0]).ar, first.global[0]);
  EXPECT_TRUE(world->key_of(second.global[0])) << "the other one's key is asked for";
}

TEST_F(WithdrawnRouter, OfALinkThatWasLeftOrdersNothingEither) {
  COVERS("CRT-3971-23");
  world->move({&second});
  ASSERT_TRUE(world->key_of(first.global[0]));
  publish({kSerial});
  world->advance(world->config.paths.revocation.interval);
  EXPECT_FALSE(world->key_of(first.global[0])) << world->account();
  EXPECT_TRUE(world->key_of(second.global[0]));
}

TEST_F(WithdrawnRouter, IsOneWhoseListDoesNotComeInTime) {
  COVERS("CRT-3971-23");
  first = FakeRouter(
      "ar-2048",
      {certified(authority, "ar-2048", kFirstPrefix, kSerial, {"rsync://pki.example/ca.crl"})},
      {kFirstPrefix}, 1);
  mobile::Config config = world->config;
  config.paths.revocation.patience = seconds(300);
  world.emplace(config);
  world->routers = {&first, &second};
  world->up();
  world->advance(seconds(290));
  ASSERT_EQ(router(), first.link_local) << world->account();
  ASSERT_TRUE(world->key_of(first.global[0]));
  world->advance(seconds(30));
  EXPECT_EQ(world->last(EventKind::kPathWithdrawn)->text("reason"), "no-revocation-list");
  EXPECT_EQ(router(), second.link_local);
  EXPECT_FALSE(world->key_of(first.global[0]));
}

}  // namespace
}  // namespace sendoff::test
