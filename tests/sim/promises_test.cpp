// Every promise can be broken: what each one is for is shown to it, and it must say so.
#include <gtest/gtest.h>

#include "sim/key_pool.h"
#include "sim/places.h"
#include "sim/world.h"

namespace sendoff::test {

namespace {

sim::Scenario small() {
  sim::Scenario scenario;
  scenario.seed = 1;
  scenario.active = seconds(20);
  scenario.mobiles = 2;
  return scenario;
}

Secret secret(std::uint8_t octet) {
  Secret made(32);
  std::ranges::fill(made.expose_mutable(), octet);
  return made;
}

struct Judged {
  sim::World world{small()};
  sim::RouterNode& router = *world.routers()[0];
  sim::MobileNode& mobile = *world.mobiles()[0];
  Ipv6Address pcoa = sim::mobile_identity(0).address(sim::access_prefix(0));
  Ipv6Address ncoa = sim::mobile_identity(0).address(sim::access_prefix(1));

  void asks(const sim::Node& node, const machine::ActionKind& action) {
    world.context().tell([&](sim::Promise& promise) { promise.asked(node, action); });
  }
  void issues(const Ipv6Address& cga, std::uint8_t octet) {
    machine::IssuedKey record;
    record.cga = cga;
    record.key = secret(octet);
    asks(router, machine::Persist{std::move(record)});
  }
  [[nodiscard]] std::string broken() {
    return world.context().violation ? world.context().violation->promise : "";
  }
};

}  // namespace

TEST(Promise, OnlyTheOwnerMovesNoticesABindingThatNobodyAskedFor) {
  Judged judged;
  judged.asks(judged.router, machine::InstallBinding{judged.pcoa, judged.ncoa, {}, {}});
  EXPECT_EQ(judged.broken(), "only-the-owner-moves");
}

TEST(Promise, OnlyTheOwnerMovesNoticesAnEndThatTheOwnerDidNotOrder) {
  Judged judged;
  judged.asks(judged.router, machine::Report{{machine::EventKind::kBindingRemoved,
                                              {{"pcoa", judged.pcoa.text()},
                                               {"reason", std::string("ended by its owner")}}}});
  EXPECT_EQ(judged.broken(), "only-the-owner-moves");
}

TEST(Promise, KeysAreSecretNoticesAKeyInAPacket) {
  Judged judged;
  judged.issues(judged.pcoa, 0x5a);
  EXPECT_EQ(judged.broken(), "");
  judged.asks(judged.router, machine::Transmit{{}, {}, Bytes(100, 0x5a)});
  EXPECT_EQ(judged.broken(), "keys-are-secret");
}

TEST(Promise, KeysAreSecretNoticesAKeyThatTwoHave) {
  Judged judged;
  judged.issues(judged.pcoa, 0x5a);
  judged.issues(sim::mobile_identity(1).address(sim::access_prefix(0)), 0x5a);
  EXPECT_EQ(judged.broken(), "keys-are-secret");
}

TEST(Promise, KeysAreSecretNoticesAKeySealedForSomebodyElse) {
  Judged judged;
  judged.issues(judged.pcoa, 0x5a);
  const auto seal_for = [&](std::size_t pair) {
    machine::SignMessage sign;
    sign.seal.emplace(
        machine::Seal{sim::decryption_key(pair)->public_key(), secret(0x5a), secret(1), 0});
    judged.asks(judged.router, machine::Start{{}, std::move(sign), machine::JobClass::kSign});
  };
  seal_for(0);
  EXPECT_EQ(judged.broken(), "");
  seal_for(2);
  EXPECT_EQ(judged.broken(), "keys-are-secret");
}

TEST(Promise, KeysAreSecretNoticesAKeyThatSomebodyElseOpens) {
  Judged judged;
  judged.issues(judged.pcoa, 0x5a);
  const auto opens = [&](const sim::Node& node) {
    machine::HandoverKeyOpened opened{secret(0x5a)};
    const machine::JobOutput output(std::move(opened));
    judged.world.context().tell(
        [&](sim::Promise& promise) { promise.job_ended(node, machine::LookUp{}, output); });
  };
  opens(judged.mobile);
  EXPECT_EQ(judged.broken(), "");
  opens(*judged.world.mobiles()[1]);
  EXPECT_EQ(judged.broken(), "keys-are-secret");
}

TEST(Promise, NoStateForTheUnverifiedNoticesAKeyForAnAddressOfNobody) {
  Judged judged;
  judged.issues(Ipv6Address::literal("2001:db8:1::bad"), 0x5a);
  EXPECT_EQ(judged.broken(), "no-state-for-the-unverified");
}

TEST(Promise, RightNodeNoticesADatagramOfAnotherNode) {
  Judged judged;
  const auto deliver = [&](std::uint32_t stream) {
    judged.world.context().tell(
        [&](sim::Promise& promise) { promise.delivered(judged.mobile, {stream, 1, false}); });
  };
  deliver(0);
  EXPECT_EQ(judged.broken(), "");
  deliver(1);
  EXPECT_EQ(judged.broken(), "right-node");
}

TEST(Promise, DeliveredOnceNoticesASecondArrivalThatTheWorldDidNotMake) {
  Judged judged;
  const auto deliver = [&] {
    judged.world.context().tell(
        [&](sim::Promise& promise) { promise.delivered(judged.mobile, {0, 1, false}); });
  };
  deliver();
  judged.world.context().tell([](sim::Promise& promise) { promise.copied({0, 1, false}); });
  deliver();
  EXPECT_EQ(judged.broken(), "");
  deliver();
  EXPECT_EQ(judged.broken(), "delivered-once");
}

TEST(Promise, ReachableAgainAndNothingLostNoticeWhatNeverArrives) {
  for (const bool calm : {true, false}) {
    sim::Scenario scenario = small();
    if (!calm) scenario.faults[0] = 1;
    sim::World world(scenario);
    world.context().tell([](sim::Promise& promise) {
      promise.emitted({0, 1, false}, {});
      promise.emitted({1, 1, false}, {});
    });
    for (const auto& promise : world.context().promises)
      if (promise->name() == (calm ? "nothing-lost" : "reachable-again")) promise->ended();
    ASSERT_TRUE(world.context().violation);
    EXPECT_EQ(world.context().violation->promise, calm ? "nothing-lost" : "reachable-again");
  }
}

}  // namespace sendoff::test
