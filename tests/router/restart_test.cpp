// An access router that starts from what an earlier run persisted: keys, sequence numbers and the
// forwarding that was in force (GF42, GF8).
#include "router/router_fixture.h"

namespace sendoff::test {
namespace {

using machine::Forget;
using machine::InstallBinding;
using machine::LiveBinding;
using machine::LiveBindingName;
using machine::Persist;

class Restart : public RouterTest {
 protected:
  // The last record of each name that was persisted and not forgotten: what a store would hold.
  machine::Snapshot stored() const {
    std::map<machine::RecordName, const machine::Record*> records;
    for (const machine::Action& action : bench.actions) {
      if (const auto* persist = std::get_if<Persist>(&action.what))
        records[machine::name_of(persist->record)] = &persist->record;
      if (const auto* forget = std::get_if<Forget>(&action.what)) records.erase(forget->name);
    }
    machine::Snapshot snapshot;
    for (const auto& [name, record] : records) snapshot.push_back(machine::duplicate(*record));
    return snapshot;
  }
  static std::optional<LiveBinding> binding_in(const machine::Snapshot& snapshot) {
    for (const machine::Record& record : snapshot)
      if (const auto* binding = std::get_if<LiveBinding>(&record)) return *binding;
    return std::nullopt;
  }
  // A binding, installed; what the store would hold then.
  machine::Snapshot with_binding() {
    start();
    bench.forget();
    receive(request(), mn);
    key_ = open(reply(), *hke).value_or(Delivered{});
    receive(fbu(key_));
    machine::Snapshot snapshot = stored();
    bench.forget();
    return snapshot;
  }
  // Another process on the same store, `later` on both clocks.
  void restart(machine::Snapshot snapshot, Duration later) {
    bench.now.boot += later;
    bench.now.utc += later;
    router = std::make_unique<router::Router>(config, std::move(snapshot), random, bench.now);
    bench.attach(*router);
    bench.host(machine::InterfaceUp{{0}, kRouterLink, 1500});
  }
  [[nodiscard]] bool forgotten(const machine::RecordName& name) const {
    return std::ranges::any_of(bench.asked<Forget>(),
                               [&](const Forget* each) { return each->name == name; });
  }

  Delivered key_;
};

TEST_F(Restart, ABindingIsStoredWhenItBeginsAndForgottenWhenItEnds) {
  const machine::Snapshot snapshot = with_binding();
  const auto binding = binding_in(snapshot);
  ASSERT_TRUE(binding);
  EXPECT_EQ(binding->pcoa, mn.global());
  EXPECT_EQ(binding->far_end, mn.address_in(kNarPrefix));
  EXPECT_EQ(binding->par, ar_global());
  EXPECT_GT(binding->expires, bench.now.utc);
  EXPECT_LE(binding->expires, bench.now.utc + seconds(config.max_tunnel_lifetime_s));
  const auto* issued = std::get_if<machine::IssuedKey>(&snapshot.front());
  ASSERT_NE(issued, nullptr);
  EXPECT_EQ(binding->generation, issued->generation);

  bench.advance(seconds(5));
  receive(fbu(key_, 2));
  const auto renewed = binding_in(stored());
  ASSERT_TRUE(renewed);
  EXPECT_EQ(renewed->expires, binding->expires + seconds(5));
  bench.forget();
  bench.advance(seconds(config.max_tunnel_lifetime_s));
  EXPECT_TRUE(forgotten(LiveBindingName{mn.global()}));
}

TEST_F(Restart, ForwardingInForceIsTakenUpOnceTheAddressIsThere) {
  machine::Snapshot snapshot = with_binding();
  const UtcTime expires = binding_in(snapshot)->expires;
  bench.now.boot += seconds(2);
  bench.now.utc += seconds(2);
  router = std::make_unique<router::Router>(config, std::move(snapshot), random, bench.now);
  bench.attach(*router);
  EXPECT_TRUE(bench.asked<InstallBinding>().empty());
  bench.host(machine::InterfaceUp{{0}, kRouterLink, 1500});
  const auto installed = bench.asked<InstallBinding>();
  ASSERT_EQ(installed.size(), 1U);
  EXPECT_EQ(installed[0]->pcoa, mn.global());
  EXPECT_EQ(installed[0]->ncoa, mn.address_in(kNarPrefix));
  EXPECT_EQ(installed[0]->tunnel_source, ar_global());
  ASSERT_EQ(router->status(bench.now, 10).binding_count, 1U);
  const auto stays = binding_in(stored());
  ASSERT_TRUE(stays);
  EXPECT_EQ(stays->expires, expires);
  // It ends when it would have ended, and its key with it (GF8).
  bench.forget();
  bench.advance(expires - bench.now.utc - seconds(1));
  EXPECT_EQ(router->status(bench.now, 10).binding_count, 1U);
  EXPECT_EQ(router->status(bench.now, 10).key_count, 1U);
  bench.advance(seconds(1));
  EXPECT_EQ(router->status(bench.now, 10).binding_count, 0U);
  EXPECT_EQ(router->status(bench.now, 10).key_count, 0U);
}

TEST_F(Restart, AnFbuAcceptedBeforeIsStaleAndTheNextOnesAreInStepAfterOneAnswer) {
  machine::Snapshot snapshot = with_binding();
  restart(std::move(snapshot), seconds(2));
  bench.forget();
  receive(fbu(key_));
  EXPECT_EQ(bench.counter("fbu", "accepted"), 0U);
  ASSERT_EQ(fbacks().size(), 1U);
  EXPECT_EQ(fbacks()[0].status, 135);
  const std::uint16_t last = fbacks()[0].sequence;
  bench.forget();
  receive(fbu(key_, static_cast<std::uint16_t>(last + 1)));
  EXPECT_EQ(bench.counter("fbu", "accepted"), 1U);
}

TEST_F(Restart, ABindingThatRanOutMeanwhileTakesItsKeysWithIt) {
  machine::Snapshot snapshot = with_binding();
  const auto name = machine::name_of(snapshot.front());
  restart(std::move(snapshot), seconds(config.max_tunnel_lifetime_s + 1));
  EXPECT_TRUE(bench.asked<InstallBinding>().empty());
  EXPECT_EQ(router->status(bench.now, 10).key_count, 0U);
  EXPECT_TRUE(forgotten(LiveBindingName{mn.global()}));
  EXPECT_TRUE(forgotten(name));
}

TEST_F(Restart, ABindingThatRunsOutBeforeTheLinkIsUpTakesItsKeysWithIt) {
  machine::Snapshot snapshot = with_binding();
  router = std::make_unique<router::Router>(config, std::move(snapshot), random, bench.now);
  bench.attach(*router);
  bench.forget();
  bench.advance(seconds(config.max_tunnel_lifetime_s + 1));
  EXPECT_TRUE(forgotten(LiveBindingName{mn.global()}));
  EXPECT_EQ(router->status(bench.now, 10).key_count, 0U);
  bench.host(machine::InterfaceUp{{0}, kRouterLink, 1500});
  EXPECT_TRUE(bench.asked<InstallBinding>().empty());
}

TEST_F(Restart, ABindingThatCannotBeInstalledAgainIsForgotten) {
  machine::Snapshot snapshot = with_binding();
  bench.outcome_of =
      [](const machine::Action& action) -> Result<machine::Facts, machine::ActionError> {
    if (std::holds_alternative<InstallBinding>(action.what))
      return fail(machine::ActionError::kRefused);
    return machine::Facts{};
  };
  restart(std::move(snapshot), seconds(1));
  EXPECT_EQ(bench.asked<InstallBinding>().size(), 1U);
  EXPECT_EQ(router->status(bench.now, 10).binding_count, 0U);
  EXPECT_TRUE(forgotten(LiveBindingName{mn.global()}));
}

TEST_F(Restart, ABindingWithoutItsKeyOrOnNoLinkOfOursIsNotTakenUp) {
  machine::Snapshot snapshot = with_binding();
  LiveBinding other = *binding_in(snapshot);
  other.generation += 1;
  machine::Snapshot keyless;
  keyless.push_back(machine::duplicate(snapshot.front()));
  keyless.emplace_back(other);
  restart(std::move(keyless), seconds(1));
  EXPECT_TRUE(bench.asked<InstallBinding>().empty());
  EXPECT_TRUE(forgotten(LiveBindingName{mn.global()}));

  bench.forget();
  config.interfaces[0].prefixes[0].prefix = Prefix::literal("2001:db8:a:9::/64");
  restart(std::move(snapshot), seconds(1));
  EXPECT_TRUE(bench.asked<InstallBinding>().empty());
}

}  // namespace
}  // namespace sendoff::test
