// The new router's part of model/transitions.tsv.
#include "model/table.h"
#include "router/handover_fixture.h"

namespace sendoff::test {
namespace {

struct NarDriver : NarTest {
  NarDriver(std::string state, std::string what)
      : state_(std::move(state)), event(std::move(what)) {
    config.new_router.dad_transmits = 1;
    config.new_router.support_pcoa = false;
    // The router is the node's previous one, too, and forwards its packets.
    returns =
        state_ == "held-back" || event == "forwarding-ended" || event == "neighbour-set-bound";
  }
  void TestBody() override {}

  [[nodiscard]] CraftFbu to_or_from(std::uint16_t sequence, std::uint16_t lifetime_s) const {
    CraftFbu craft = fbu(key, sequence);
    craft.lifetime_s = lifetime_s;
    craft.link_address = mn.link_address();
    if (lifetime_s == 0) craft.alternate_care_of = mn.global();
    return craft;
  }
  void hold(bool on) {
    bench.hold_outcome = [on](const machine::Action& action) {
      const auto* proxy = std::get_if<machine::SetProxy>(&action.what);
      return on && (std::holds_alternative<machine::OpenBuffer>(action.what) ||
                    std::holds_alternative<machine::SetNeighbour>(action.what) ||
                    (proxy != nullptr && proxy->present));
    };
  }
  void outcomes(bool well) {
    for (const machine::ActionId id : std::vector(bench.unanswered)) {
      if (well)
        bench.answer(id);
      else
        bench.answer(id, fail(machine::ActionError::kRefused));
    }
  }
  [[nodiscard]] bool preparing() const { return state_.starts_with("preparing"); }

  void reach() {
    start();
    if (returns) {
      key = provision();
      receive(to_or_from(1, 30));
    }
    hold(true);
    const auto done = [this] { bench.forget(); };
    if (state_ == "none") return done();
    take(hi(1));
    if (state_ == "probing") return done();
    bench.advance(seconds(1));
    if (state_ == "preparing-here") arrive(ncoa());
    if (preparing()) return done();
    outcomes(true);
    if (state_ == "expected") return done();
    arrive(ncoa());
    if (state_ == "settling") return done();
    outcomes(true);
    if (returns && state_ == "arrived") bench.advance(milliseconds(1500));
    done();
  }
  bool apply() {
    const LinkAddress stranger = LinkAddress::literal("02:00:00:00:01:99");
    const bool none = state_ == "none";
    if (event == "hi") return none && (take(hi(1)), true);
    if (event == "hi-repeat") return !none && (take(hi(1)), true);
    if (event == "hi-again") return !none && (take(hi(2)), true);
    if (event == "hi-reactive") {
      CraftPeer craft = hi(3);
      craft.code = router::kHiReactive;
      return take(craft), true;
    }
    if (event == "una") return arrive(ncoa()), true;
    if (event == "una-stranger") return bench.receive(una(ncoa(), stranger), stranger), true;
    if (event == "claim") {
      Craft probe;
      probe.destination = ncoa().solicited_node();
      append(probe.head, wire::NeighborSolicitation{ncoa()});
      return bench.receive(probe.packet(), stranger), true;
    }
    if (event == "timer")
      return bench.advance(state_ == "probing" ? seconds(1) : milliseconds(2100)), true;
    if (event == "prepared" || event == "not-prepared") {
      if (preparing())
        outcomes(event == "prepared");
      else
        bench.answer(machine::ActionId{1'000'000});
      return true;
    }
    if (event == "neighbour-set" || event == "neighbour-set-bound") {
      if (state_ == "settling")
        outcomes(true);
      else
        bench.answer(machine::ActionId{1'000'000});
      return true;
    }
    if (event == "forwarding-ended") return receive(to_or_from(2, 0)), true;
    if (event == "link-down") return bench.host(machine::InterfaceDown{{0}}), true;
    if (event == "restart") {
      bench.unanswered.clear();
      start();
      return true;
    }
    return false;
  }
  std::set<std::string> does() {
    std::set<std::string> done;
    if (!probed().empty()) done.insert("probe");
    for (const auto& hack : hacks()) done.insert(hack.message.code == 0 ? "hack" : "hack-refused");
    if (!naacks().empty()) done.insert("naack");
    for (const machine::Action& action : bench.actions) {
      if (std::holds_alternative<machine::OpenBuffer>(action.what)) done.insert("buffer");
      if (std::holds_alternative<machine::ReleaseBuffer>(action.what)) done.insert("release");
      if (std::holds_alternative<machine::DiscardBuffer>(action.what)) done.insert("discard");
      if (const auto* set = std::get_if<machine::SetNeighbour>(&action.what))
        if (set->link_address) done.insert("neighbour");
      if (const auto* set = std::get_if<machine::SetProxy>(&action.what)) {
        done.insert(set->present ? "proxy" : "unproxy");
        done.erase(set->present ? "unproxy" : "proxy");
      }
    }
    if (event == "forwarding-ended") done.erase("unproxy");  // the previous router's
    return done;
  }
  std::string state() {
    const auto all = arrivals();
    if (all.empty()) return "none";
    const std::string name = all[0].state;
    if (name == "preparing") {
      outcomes(true);
      return arrivals().at(0).state == "here" ? "preparing-here" : "preparing";
    }
    if (name != "here") return name;
    if (!bench.unanswered.empty()) return "settling";
    return all[0].buffered ? "held-back" : "arrived";
  }

  std::string state_;
  std::string event;
  bool returns = false;
  Delivered key;
};

TEST(Model, TheNewRouterMovesAsItsTableSays) { expect_the_table<NarDriver>("nar"); }

}  // namespace
}  // namespace sendoff::test
