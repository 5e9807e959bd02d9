// Routers whose certificates are revoked, and those of which nobody says anything (RFC 3971 6.3.1,
// 6.4.6; GS24).
#include "nd/guard_fixture.h"
#include "nd/path_messages.h"

namespace sendoff::test {
namespace {

using machine::EventKind;

constexpr const char* kListAddress = "rsync://pki.example/ca.crl";

class Revocation : public GuardTest {
 protected:
  Revocation() {
    bench.outcome_of =
        [this](const machine::Action& action) -> Result<machine::Facts, machine::ActionError> {
      if (!std::holds_alternative<machine::ReadRevocationLists>(action.what))
        return machine::Facts{};
      if (unreadable) return fail(machine::ActionError::kRefused);
      machine::Facts facts;
      facts.lists = lists;
      return facts;
    };
    config.paths.revocation.lists = true;
    authority = std::make_unique<Authority>(Authority{"anchor-2048", "Network"});
    trust_path({});
  }
  // A router below an anchor of the test's; its certificate names `addresses` for lists.
  void trust_path(const std::vector<std::string>& addresses) {
    pki::Request request;
    request.role = pki::Role::kRouter;
    request.common_name = "router";
    request.blocks = {Prefix::literal(kOnLink)};
    request.not_before = UtcTime(seconds(1'700'000'000));
    request.not_after = UtcTime(seconds(1'900'000'000));
    request.serial = kSerial;
    request.crl_uris = addresses;
    const Bytes made = pki::issue(request, signing_key("ar-2048")->spki(), issuer()).value();
    router = FakeRouter("ar-2048", {made}, {Prefix::literal(kOnLink)}, 1);
    config.paths.anchors =
        std::make_shared<const std::vector<pki::TrustAnchor>>(1, authority->trusted());
  }
  [[nodiscard]] pki::Issuer issuer() const {
    return {authority->anchor, Authority::pem(authority->key)};
  }
  // A list of the anchor's, good for `span` from now.
  void publish(const std::vector<Bytes>& serials, Duration span = seconds(86'400)) {
    pki::ListRequest request;
    request.number = {++number_};
    request.this_update = bench.now.utc;
    request.next_update = bench.now.utc + span;
    for (const Bytes& serial : serials) request.revoked.push_back({serial, bench.now.utc});
    const Bytes der = pki::issue_list(request, issuer()).value();
    lists = std::make_shared<const std::vector<pki::RevocationList>>(
        1, *pki::RevocationList::parse(der));
  }
  [[nodiscard]] std::vector<const machine::ReadRevocationLists*> readings() const {
    return bench.asked<machine::ReadRevocationLists>();
  }
  [[nodiscard]] nd::Guard::LinkStatus link() const { return guard->status(bench.now).links.at(0); }
  [[nodiscard]] std::string withdrawn() const {
    const auto events = bench.reported(EventKind::kPathWithdrawn);
    return events.empty() ? "" : std::string(events.back()->text("reason"));
  }
  [[nodiscard]] bool refused_for(std::string_view reason) const {
    return std::ranges::any_of(bench.reported(EventKind::kPathRefused),
                               [&](const auto* event) { return event->text("reason") == reason; });
  }
  bool heard() {
    bench.sent.clear();
    const auto told = from_wire(certified_advertisement(), router.link_address);
    if (told) return taken(told);
    const machine::HoldId waiting = last_hold();
    give_path();
    bench.advance(seconds(16));
    return taken(verdict(waiting));
  }

  const Bytes kSerial{4, 5, 6};
  std::unique_ptr<Authority> authority;
  pki::RevocationListsPtr lists = std::make_shared<const std::vector<pki::RevocationList>>();
  bool unreadable = false;

 private:
  std::uint8_t number_ = 0;
};

TEST_F(Revocation, ARouterWithoutAnySourceOfListsIsFinal) {
  start();
  have_router();
  EXPECT_TRUE(link().provisional_routers.empty());
  bench.advance(seconds(3500));  // nobody withdraws it in its lifetime
  EXPECT_EQ(withdrawn(), "");
}

TEST_F(Revocation, ListsAreReadAtTheStartAndBeforeAnyPath) {
  publish({kSerial});
  start();
  bench.advance(Duration{});
  EXPECT_EQ(readings().size(), 1U);
  EXPECT_FALSE(heard());
  EXPECT_TRUE(refused_for("revoked"));
  EXPECT_TRUE(link().routers.empty());
}

TEST_F(Revocation, UntilAListSpeaksOfItARouterIsProvisional) {
  COVERS("CRT-3971-21", "CRT-3971-22");
  trust_path({kListAddress});
  start();
  bench.advance(Duration{});
  bench.forget();
  have_router();
  EXPECT_EQ(link().routers, std::vector{router.link_local});
  EXPECT_EQ(link().provisional_routers, std::vector{router.link_local});
  EXPECT_EQ(bench.reported(EventKind::kPathFetched).at(0)->text("revocation"), "provisional");
  // Its lists are asked for at once, where its certificate says that they are.
  ASSERT_EQ(readings().size(), 1U);
  EXPECT_EQ(readings()[0]->uris, std::vector<std::string>{kListAddress});
  publish({});
  bench.advance(seconds(60));  // a fifth of the patience: they are looked for more often
  EXPECT_EQ(link().routers, std::vector{router.link_local});
  EXPECT_TRUE(link().provisional_routers.empty());
  EXPECT_EQ(readings().size(), 2U);
  bench.advance(config.paths.revocation.interval - seconds(1));
  EXPECT_EQ(readings().size(), 2U);
}

TEST_F(Revocation, WithoutAListARouterCountsForItsPatienceAndNoLonger) {
  trust_path({kListAddress});
  config.paths.revocation.patience = seconds(300);
  start();
  have_router();
  bench.advance(seconds(299));
  EXPECT_EQ(link().routers.size(), 1U);
  bench.advance(seconds(1));
  EXPECT_TRUE(link().routers.empty());
  EXPECT_EQ(withdrawn(), "no-revocation-list");
  EXPECT_EQ(bench.reported(EventKind::kRouterLost).size(), 1U);
  // The same path again gives it no other five minutes.
  const std::uint64_t asked = bench.counter("path", "solicitations");
  EXPECT_FALSE(heard());
  EXPECT_TRUE(refused_for("no-revocation-list"));
  EXPECT_LE(bench.counter("path", "solicitations") - asked, 8U);
  // A list does.
  publish({});
  bench.advance(config.paths.revocation.interval);
  EXPECT_TRUE(heard());
  EXPECT_EQ(link().routers.size(), 1U);
}

TEST_F(Revocation, ACachedPathIsJudgedAgainAndWithdrawnWhenItIsRevoked) {
  COVERS("SND-6.4.6-6", "CRT-6487-26");
  for (const bool names_lists : {false, true}) {
    trust_path(names_lists ? std::vector<std::string>{kListAddress} : std::vector<std::string>{});
    publish({{9}});
    start();
    bench.advance(Duration{});
    have_router();
    EXPECT_TRUE(link().provisional_routers.empty());
    publish({{9}, kSerial});
    bench.advance(config.paths.revocation.interval - seconds(20));
    EXPECT_EQ(link().routers.size(), 1U);
    bench.advance(seconds(20));
    EXPECT_TRUE(link().routers.empty());
    EXPECT_EQ(withdrawn(), "revoked");
    EXPECT_FALSE(heard());
    // It is not only forgotten: what it signs is not believed either.
    EXPECT_TRUE(link().routers.empty());
  }
}

TEST_F(Revocation, AListThatEndsMakesARouterProvisionalAgain) {
  publish({}, seconds(1000));
  trust_path({kListAddress});
  start();
  bench.advance(Duration{});
  have_router();
  EXPECT_TRUE(link().provisional_routers.empty());
  bench.advance(seconds(1195));  // the reading after 1200 s finds it out of date
  EXPECT_TRUE(link().provisional_routers.empty());
  bench.advance(seconds(10));
  EXPECT_EQ(link().provisional_routers.size(), 1U);
  bench.advance(seconds(290));
  EXPECT_EQ(link().routers.size(), 1U);
  bench.advance(seconds(10));
  EXPECT_TRUE(link().routers.empty());
}

TEST_F(Revocation, WhatWasRevokedStaysSoWhenItsListRunsOut) {
  publish({});
  trust_path({kListAddress});
  start();
  bench.advance(Duration{});
  have_router();
  publish({kSerial}, seconds(700));
  bench.advance(config.paths.revocation.interval);
  ASSERT_TRUE(link().routers.empty());
  bench.advance(seconds(650));  // nobody makes another list, as a reading finds
  EXPECT_FALSE(heard());
  EXPECT_TRUE(link().routers.empty());
  publish({});
  bench.advance(config.paths.revocation.interval);
  EXPECT_TRUE(heard());
}

TEST_F(Revocation, AReadingThatFailsLeavesTheListsThatThereWere) {
  publish({kSerial});
  start();
  bench.advance(Duration{});
  unreadable = true;
  bench.advance(config.paths.revocation.interval);
  EXPECT_EQ(readings().size(), 2U);
  EXPECT_FALSE(heard());
  EXPECT_TRUE(refused_for("revoked"));
}

TEST_F(Revocation, ListsOfAnotherKeyOfThatNameSayNothing) {
  COVERS("CRT-6487-26");
  trust_path({kListAddress});
  const auto real = std::move(authority);
  authority = std::make_unique<Authority>(Authority{"other-2048", "Network"});
  publish({kSerial});
  authority->anchor = real->anchor;
  authority->key = real->key;
  start();
  bench.advance(Duration{});
  have_router();
  EXPECT_EQ(link().provisional_routers.size(), 1U);
}

TEST_F(Revocation, OfAnAnchorIsItsEndInTheConfiguration) {
  const pki::TrustAnchor other = Authority{"other-2048", "Other network"}.trusted();
  const auto configure = [&](std::vector<pki::TrustAnchor> anchors) {
    config.paths.anchors = std::make_shared<const std::vector<pki::TrustAnchor>>(anchors);
    EXPECT_TRUE(guard->handle(bench.now, config));
    bench.advance(seconds(1));
  };
  start();
  have_router();
  // Another one before it: it is the second now, by which the router counts as before.
  config.anchors_of[send::Kind::kRouterAdvertisement] = {1};
  configure({other, authority->trusted()});
  EXPECT_EQ(withdrawn(), "");
  EXPECT_EQ(link().routers, std::vector{router.link_local});
  bench.advance(seconds(10));
  EXPECT_TRUE(taken(from_wire(certified_advertisement(), router.link_address)));
  configure({other});
  EXPECT_EQ(withdrawn(), "anchor-removed");
  EXPECT_TRUE(link().routers.empty());
  EXPECT_FALSE(heard());
  // Under other rules it is to be shown again.
  config.anchors_of.clear();
  configure({authority->trusted()});
  EXPECT_TRUE(heard());
  config.paths.policy.accept_rfc3971_profile = !config.paths.policy.accept_rfc3971_profile;
  configure({authority->trusted()});
  EXPECT_EQ(withdrawn(), "rules-changed");
  EXPECT_TRUE(link().routers.empty());
  EXPECT_TRUE(heard());
}

TEST_F(Revocation, WithoutAPlaceForListsNoneIsAskedFor) {
  config.paths.revocation.lists = false;
  trust_path({kListAddress});
  start();
  have_router();
  bench.advance(seconds(3000));
  EXPECT_TRUE(readings().empty());
  EXPECT_EQ(withdrawn(), "no-revocation-list");
}

}  // namespace
}  // namespace sendoff::test
