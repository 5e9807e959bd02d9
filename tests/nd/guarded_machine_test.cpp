// The guard beside a role's machine: who hears what, whose the numbers are, and that the kernel's
// messages about the role's addresses are signed.
#include "nd/guarded_machine.h"

#include "nd/guard_fixture.h"

namespace sendoff::test {
namespace {

// Wants what a test says, and remembers what it was told.
class FakeRole final : public machine::Machine {
 public:
  void handle(Now, const machine::Received& received) override {
    packets.push_back(to_bytes(received.packet));
  }
  void handle(Now, machine::JobResult result) override { results.push_back(result.job_id); }
  void handle(Now, const machine::Outcome& outcome) override { outcomes.push_back(outcome); }
  void handle(Now, const machine::HostEvent&) override { ++events; }
  [[nodiscard]] Result<void, machine::OrderError> handle(Now, const machine::Order&) override {
    ++orders;
    return {};
  }
  [[nodiscard]] Instant next_deadline() const override { return due; }
  void tick(Now) override {
    ++ticks;
    due = kNever;
  }
  [[nodiscard]] std::optional<machine::Action> poll() override { return outbox.poll(); }
  void counters(const CounterVisitor& visit) const override { visit("send", "kept", 1); }

  machine::Outbox outbox;
  std::vector<Bytes> packets;
  std::vector<machine::JobId> results;
  std::vector<machine::Outcome> outcomes;
  int events = 0;
  int orders = 0;
  int ticks = 0;
  Instant due = kNever;
};

class GuardBeside : public GuardTest {
 protected:
  ~GuardBeside() override { bench.attach(*guard); }

  void begin(nd::GuardPlace place = nd::GuardPlace::kBesideRouter) {
    config.place = place;
    guard = std::make_unique<nd::Guard>(config, machine::Snapshot{}, random, bench.now);
    both.emplace(role, *guard);
    bench.attach(*both);
    bench.host(machine::InterfaceUp{kGuarded, kOwnLink, 1500});
  }
  // The role gives the interface the address; its outcome is the bench's.
  machine::ActionId add(const Ipv6Address& address) {
    machine::AddAddress action;
    action.interface = kGuarded;
    action.address = address;
    const machine::ActionId id = role.outbox.push(std::move(action));
    bench.host(machine::MtuChanged{kGuarded, 1500});  // something for the driver to poll after
    return id;
  }

  FakeRole role;
  std::optional<nd::GuardedMachine> both;
};

TEST_F(GuardBeside, HasNoAddressesOfItsOwnAndSignsForTheRoles) {
  begin();
  EXPECT_TRUE(bench.asked<machine::AddAddress>().empty());
  // Nobody's yet: mixed mode lets it go as it is.
  auto verdict = from_kernel(detection());
  ASSERT_TRUE(taken(verdict));
  EXPECT_EQ(verdict->kind, Kind::kPass);
  bench.hold_outcome = [](const machine::Action&) { return true; };
  for (std::uint8_t count = 0; count <= 2; ++count) {
    add(own(count));
    verdict = from_kernel(detection(count));
    ASSERT_EQ(verdict->kind, Kind::kReplace) << int(count);
    EXPECT_TRUE(find_option(verdict->packet, wire::OptionType::kRsaSignature));
  }
  EXPECT_TRUE(guard->status(bench.now).links[0].addresses.empty());
  while (!bench.unanswered.empty()) bench.answer(bench.unanswered.front());
  EXPECT_EQ(guard->status(bench.now).links[0].addresses.size(), 3U);
  // The role knows its outcomes by its own numbers.
  ASSERT_EQ(role.outcomes.size(), 3U);
  EXPECT_EQ(role.outcomes[0].action_id.value, 1U);
  EXPECT_EQ(role.outcomes[2].action_id.value, 3U);
}

TEST_F(GuardBeside, AnAddressThatIsNotTakenOrGivenUpIsTheRolesNoMore) {
  begin();
  bench.outcome_of = [](const machine::Action&) -> Result<machine::Facts, machine::ActionError> {
    return fail(machine::ActionError::kDuplicate);
  };
  add(own());
  EXPECT_EQ(from_kernel(detection())->kind, Kind::kPass);
  // The role tries the next one by itself: the guard adds none.
  EXPECT_EQ(bench.asked<machine::AddAddress>().size(), 1U);
  bench.outcome_of = nullptr;
  add(own(1));
  EXPECT_EQ(from_kernel(detection(1))->kind, Kind::kReplace);
  bench.host(machine::AddressChanged{kGuarded, own(1), machine::AddressChanged::What::kDuplicate});
  EXPECT_EQ(from_kernel(detection(1))->kind, Kind::kPass);
  EXPECT_EQ(bench.asked<machine::AddAddress>().size(), 2U);
  add(own(2));
  role.outbox.push(machine::RemoveAddress{kGuarded, own(2)});
  bench.host(machine::MtuChanged{kGuarded, 1500});
  EXPECT_EQ(from_kernel(detection(2))->kind, Kind::kPass);
}

TEST_F(GuardBeside, AnAddressOfAnotherMakingStaysUnsigned) {
  begin();
  const Ipv6Address fixed = Ipv6Address::literal("2001:db8:a:1::1");
  add(fixed);
  const auto verdict = from_kernel(solicitation(Ipv6Address{}, fixed.solicited_node(), fixed));
  EXPECT_EQ(verdict->kind, Kind::kPass);
  EXPECT_EQ(counted("sent-unsigned"), 1U);
}

TEST_F(GuardBeside, NewLifetimesLeaveAnAddressReady) {
  begin();
  add(own());
  bench.outcome_of = [](const machine::Action&) -> Result<machine::Facts, machine::ActionError> {
    return fail(machine::ActionError::kRefused);
  };
  add(own());
  EXPECT_EQ(guard->status(bench.now).links[0].addresses, std::vector{own()});
}

TEST_F(GuardBeside, EachHearsWhatIsForIt) {
  begin();
  add(own());
  // Held ones are the guard's, which verifies; the role has its copy from its own socket.
  EXPECT_TRUE(taken(from_wire(secured_solicitation().packet())));
  EXPECT_TRUE(role.packets.empty());
  const Bytes packet = secured_solicitation().packet();
  bench.receive(packet, peer_link());
  ASSERT_EQ(role.packets.size(), 1U);
  EXPECT_EQ(role.packets[0], packet);
  const int events = role.events;
  bench.host(machine::ClockStepped{});
  EXPECT_EQ(role.events, events + 1);
  ASSERT_TRUE(bench.order(machine::BindingComplete{}));
  EXPECT_EQ(role.orders, 1);
  // Jobs come back to who started them, by that one's number.
  EXPECT_TRUE(role.results.empty());
  const auto job = role.outbox.start(
      machine::SignMessage{config.identity.key, {}, {}, Bytes(24), {}}, machine::JobClass::kSign);
  bench.host(machine::ClockStepped{});
  ASSERT_EQ(role.results.size(), 1U);
  EXPECT_EQ(role.results[0], job);
}

TEST_F(GuardBeside, EachIsCalledWhenItWantsToBe) {
  begin();
  role.due = bench.now.boot + seconds(3);
  EXPECT_EQ(both->next_deadline(), role.due);
  bench.advance(seconds(2));
  EXPECT_EQ(role.ticks, 0);
  bench.advance(seconds(2));
  EXPECT_EQ(role.ticks, 1);
}

TEST_F(GuardBeside, WhatRoutersSayIsLeftToTheRole) {
  trust();
  begin(nd::GuardPlace::kBesideMobile);
  add(own());
  EXPECT_TRUE(dropped(from_wire(certified_advertisement(), router.link_address)));
  const Bytes redirect = octets_of(
      wire::Redirect{Ipv6Address::literal("fe80::5"), Ipv6Address::literal("2001:db8:f::5")});
  EXPECT_TRUE(dropped(from_wire(plain(peer.link_local(), own(), redirect))));
  EXPECT_EQ(counted("left-to-role"), 2U);
  EXPECT_TRUE(bench.sent.empty());  // no path is asked for
  bench.forget();
  bench.receive(certified_advertisement(), router.link_address);
  EXPECT_EQ(role.packets.size(), 1U);
}

TEST_F(GuardBeside, NobodyElseSpeaksForTheRolesAddressOrASecuredNeighbour) {
  begin();
  add(own());
  EXPECT_TRUE(taken(from_wire(secured_solicitation().packet())));
  const LinkAddress thief = LinkAddress::literal("02:00:5e:00:66:66");
  for (const Ipv6Address& stolen : {own(), peer.link_local()})
    EXPECT_TRUE(dropped(from_wire(advertisement(stolen, kAllNodes, stolen, false, thief), thief)));
  EXPECT_EQ(counted("own-address"), 1U);
  EXPECT_EQ(counted("secured-entry"), 1U);
}

TEST_F(GuardBeside, ARoutersAnswerSaysThatItIsOne) {
  for (const auto place : {nd::GuardPlace::kBesideRouter, nd::GuardPlace::kBesideMobile}) {
    begin(place);
    add(own());
    bench.forget();
    Craft craft = secured_solicitation();
    craft.timestamp = timestamp_at(bench.now.utc - seconds(4000));  // a stranger's wrong clock
    EXPECT_TRUE(dropped(from_wire(craft.packet())));
    ASSERT_EQ(bench.sent.size(), 1U);
    const auto answer =
        wire::NeighborAdvertisement::parse(ByteView(bench.sent[0].packet).subspan(40));
    EXPECT_EQ(answer->router, place == nd::GuardPlace::kBesideRouter);
    bench.host(machine::InterfaceDown{kGuarded});
  }
}

TEST_F(GuardBeside, BothTellTheirCounters) {
  begin();
  EXPECT_EQ(bench.counter("send", "kept"), 1U);
  EXPECT_EQ(bench.counter("guard-send", "secured"), 0U);
  EXPECT_EQ(counted("signed"), 0U);
}

}  // namespace
}  // namespace sendoff::test
