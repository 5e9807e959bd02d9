// The router's own addresses (RFC 3972 4): which collision counts they have, and when.
#include "router/router_fixture.h"

namespace sendoff::test {
namespace {

class OwnAddresses : public RouterTest {
 protected:
  OwnAddresses() {
    bench.outcome_of =
        [this](const machine::Action& action) -> Result<machine::Facts, machine::ActionError> {
      const auto* adding = std::get_if<machine::AddAddress>(&action.what);
      if (adding != nullptr && taken.contains(adding->address))
        return fail(machine::ActionError::kDuplicate);
      return machine::Facts{};
    };
  }
  [[nodiscard]] Ipv6Address counted(std::uint8_t collisions) const {
    return config.interfaces[0].identity.address(send::link_local_prefix(), collisions);
  }
  [[nodiscard]] Ipv6Address link_local() const {
    return router->status(bench.now, 0).interfaces.at(0).link_local;
  }
  void come_up_again() {
    bench.host(machine::InterfaceDown{{0}});
    bench.host(machine::InterfaceUp{{0}, kRouterLink, 1500});
  }
  std::set<Ipv6Address> taken;
};

TEST_F(OwnAddresses, AreTheSameWhenTheLinkComesUpAgain) {
  taken = {counted(0)};
  start();
  EXPECT_EQ(link_local(), counted(1));
  taken.clear();
  come_up_again();
  EXPECT_EQ(link_local(), counted(1));
  taken = {counted(1)};
  come_up_again();
  EXPECT_EQ(link_local(), counted(2));
  taken = {counted(2), counted(0)};
  come_up_again();
  EXPECT_EQ(link_local(), counted(1));
}

TEST_F(OwnAddresses, AreThreeToTryWheneverTheLinkComesUp) {
  taken = {counted(0), counted(1), counted(2)};
  start();
  EXPECT_TRUE(bench.asked<machine::AddAddress>().empty());
  EXPECT_FALSE(router->status(bench.now, 0).interfaces.at(0).addresses.empty());
  taken = {counted(0), counted(1)};
  come_up_again();
  EXPECT_EQ(link_local(), counted(2));
}

TEST_F(OwnAddresses, AreTriedAgainAfterAMinute) {
  taken = {counted(0), counted(1), counted(2)};
  start();
  taken.clear();
  bench.forget();
  bench.advance(milliseconds(59'999));
  EXPECT_TRUE(bench.asked<machine::AddAddress>().empty());
  bench.advance(milliseconds(1));
  ASSERT_EQ(bench.asked<machine::AddAddress>().size(), 1u);
  EXPECT_EQ(bench.asked<machine::AddAddress>()[0]->address, link_local());
  EXPECT_EQ(bench.reported(machine::EventKind::kRouterReady).size(), 1u);
}

TEST_F(OwnAddresses, AnswerNobodyBeforeTheyAreReady) {
  bench.hold_outcome = [](const machine::Action& action) {
    return std::holds_alternative<machine::AddAddress>(action.what);
  };
  start();
  Craft question;
  question.source = mn.link_local();
  question.destination = kAllRouters;
  question.options = {octets_of(wire::TrustAnchorOption{wire::TrustAnchorOption::NameType::kDerName,
                                                        config.certification.anchor.subject_name})};
  std::uint16_t identifier = 0;
  const auto is_answered = [&] {
    question.head = octets_of(wire::CertificationPathSolicitation{++identifier, 0xffff});
    receive(question, mn);
    bench.advance(seconds(2));
    return std::ranges::any_of(bench.sent, [](const auto& each) { return each.packet[40] == 149; });
  };
  const auto has_key = [&] {
    bench.forget();
    receive(request(), mn);
    return std::ranges::any_of(bench.sent, [](const auto& each) { return each.packet[40] == 154; });
  };
  EXPECT_FALSE(is_answered());
  EXPECT_FALSE(has_key());
  while (!bench.unanswered.empty()) bench.answer(bench.unanswered.front());
  EXPECT_TRUE(is_answered());
  EXPECT_TRUE(has_key());
}

TEST_F(OwnAddresses, AreOfOneKeyAndModifierUntilARestart) {
  start();
  router::Config changed = config;
  EXPECT_TRUE(router->handle(bench.now, changed));
  changed.interfaces[0].identity.modifier[0] ^= 1;
  EXPECT_FALSE(router->handle(bench.now, changed));
  changed = config;
  changed.interfaces[0].identity.key = signing_key("ar2-2048");
  EXPECT_FALSE(router->handle(bench.now, changed));
}

}  // namespace
}  // namespace sendoff::test
