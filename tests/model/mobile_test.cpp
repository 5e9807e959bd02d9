// The mobile node's part of model/transitions.tsv: a movement, and a handover key.
#include "mobile/moving.h"
#include "model/table.h"

namespace sendoff::test {
namespace {

using machine::HandOver;

// Waits that do not belong to the event stay away.
mobile::Config movement_config(const std::string& state, const std::string& event) {
  mobile::Config config = mobile_config();
  const bool times_out = event == "timer" || event == "silence";
  config.fbu_timeout = times_out ? seconds(1) : seconds(100);
  if (event == "silence") config.fbu_retries = 0;
  config.fback_wait = event == "wait-over" ? seconds(1) : seconds(200);
  config.handover_interval = milliseconds(1);
  const bool renewed = state.find("renewing") != std::string::npos || event == "renewal";
  config.keep_forwarding_s = renewed ? 0 : 1;
  return config;
}

// --- the movement away from the first router ---

enum class Where : std::uint8_t { kHome, kBetween, kElsewhere };

struct NodeDriver : Moving {
  NodeDriver(std::string name, std::string what)
      : Moving(movement_config(name, what)), state_(std::move(name)), event(std::move(what)) {}

  [[nodiscard]] bool is(std::string_view part) const {
    return state_.find(part) != std::string::npos;
  }
  void leave() {
    world.down();
    where = Where::kBetween;
  }
  void come(FakeRouter& router, const LinkAddress& access_point, Where there) {
    world.routers = {&router};
    world.event(machine::ApAttached{kLink, access_point});
    world.up();
    world.advance(milliseconds(10));
    where = there;
  }
  void arrive() { come(nar, kApNext, Where::kElsewhere); }
  void come_back() { come(par, kApHere, Where::kHome); }
  void order() { (void)world.order(HandOver{kApNext}); }
  // FBUs to the first router.
  [[nodiscard]] std::vector<Update> updates() const {
    std::vector<Update> own;
    for (Update& update : world.updates())
      if (update.destination == par.global[0]) own.push_back(std::move(update));
    return own;
  }
  void note() {
    if (auto all = updates(); !all.empty()) last = std::move(all.back());
    world.forget_output();
    world.forgotten.clear();
  }
  void fback(std::uint8_t status) {
    note();
    if (!last) return;
    FakeRouter::Fback fields;
    fields.status = status;
    if (status == 135) fields.sequence = static_cast<std::uint16_t>(last->fbu.sequence + 1);
    world.deliver(world.fback(par, *last, fields));
  }
  // At half of what was granted.
  void wait_half() { world.advance(milliseconds(15'100)); }

  void reach() {
    note();
    if (state_ == "none") return;
    if (state_ == "left") return leave(), note();
    order();
    if (state_ == "waiting") return note();
    if (state_ == "stopped" && event == "complete") {  // the router there is another one
      leave();
      arrive();
    }
    if (state_ == "stopped") {
      fback(129);
      if (event == "arrive" || event == "return") leave();
      return note();
    }
    if (state_ == "left-waiting") return leave(), note();
    if (state_ == "asking") return leave(), arrive(), note();
    fback(0);
    if (state_ == "granted") return note();
    leave();
    if (state_ == "left-granted") return note();
    if (state_ == "ending" || state_ == "left-sent") {
      come_back();
      note();
      if (state_ == "left-sent") leave();
      return note();
    }
    arrive();
    if (is("renewing")) wait_half();
    if (state_ == "left-renewing") leave();
    note();
  }
  bool apply() {
    if (event == "order") {
      if (where != Where::kHome) return false;
      return order(), true;
    }
    // Nothing comes without a link.
    if (event.starts_with("fback") && where == Where::kBetween) return false;
    if (event == "fback") return last && (fback(0), true);
    if (event == "fback-refuses") return last && (fback(129), true);
    if (event == "fback-stale") return last && (fback(135), true);
    if (event == "fback-forged") {
      ++world.key_version;
      if (last) fback(0);
      --world.key_version;
      return last.has_value();
    }
    if (event == "timer" || event == "silence" || event == "wait-over")
      return world.advance(milliseconds(1001)), true;
    if (event == "leave") return where != Where::kBetween && (leave(), true);
    if (event == "arrive") return where == Where::kBetween && (arrive(), true);
    if (event == "return") return where == Where::kBetween && (come_back(), true);
    if (event == "renewal") return !is("renewing") && (wait_half(), true);
    if (event == "lapse") return world.advance(seconds(31)), true;
    if (event == "complete")
      return where == Where::kElsewhere && world.order(machine::BindingComplete{}).has_value();
    return false;
  }
  std::set<std::string> does() {
    std::set<std::string> done;
    for (const Update& update : updates())
      done.insert(update.fbu.lifetime_s == 0 ? "end" : "update");
    if (!world.asked<machine::SwitchLink>().empty()) done.insert("switch");
    if (!world.asked<machine::AttachTunnel>().empty()) done.insert("attach");
    if (!world.asked<machine::DetachTunnel>().empty()) done.insert("detach");
    for (const machine::RecordName& name : world.forgotten)
      if (const auto* key = std::get_if<machine::HeldKeyName>(&name); key && key->cga == pcoa)
        done.insert("forget");
    note();
    return done;
  }
  std::string state() {
    const auto status = world.status();
    const auto movement =
        std::ranges::find(status.movements, par.global[0], &mobile::Mobile::MovementStatus::par);
    if (movement == status.movements.end()) return "none";
    if (movement->state == "stopped") return "stopped";
    const bool waits = movement->state == "waiting for FBack";
    const bool forwards = movement->state == "forwarding";
    switch (where) {
      case Where::kHome:
        if (waits) return last->fbu.lifetime_s == 0 ? "ending" : "waiting";
        return forwards ? "granted" : "none";
      case Where::kElsewhere:
        if (waits) return movement->ncoa ? "renewing" : "asking";
        return forwards ? "forwarding" : "idle";
      case Where::kBetween:
        break;
    }
    if (waits) return movement->ncoa ? "left-renewing" : "left-waiting";
    if (forwards) return "left-granted";
    come_back();  // was there anything to end?
    return updates().empty() ? "left" : "left-sent";
  }

  std::string state_;
  std::string event;
  Where where = Where::kHome;
  std::optional<Update> last;
};

// --- its key of the first router ---

constexpr std::uint16_t kKeyLife_s = 100;

mobile::Config key_config(const std::string& state, const std::string& event) {
  mobile::Config config = mobile_config();
  config.rtsolpr_timeout = event == "expiry" && state != "live" ? seconds(20) : seconds(1);
  if (event == "silence" || (state == "live" && event == "expiry")) config.rtsolpr_retries = 0;
  return config;
}

struct HeldDriver : Attached {
  HeldDriver(std::string name, std::string what)
      : Attached(key_config(name, what),
                 [](World& made) {
                   made.answer_rtsolpr = false;
                   made.issued_lifetime_s = kKeyLife_s;
                 }),
        state_(std::move(name)),
        event(std::move(what)) {}

  [[nodiscard]] bool is(std::string_view part) const {
    return state_.find(part) != std::string::npos;
  }
  void hold(bool on) {
    world.hold_outcome = [on](const machine::ActionKind& action) {
      const auto* persist = std::get_if<machine::Persist>(&action);
      return on && persist != nullptr && std::holds_alternative<machine::HeldKey>(persist->record);
    };
  }
  void note() {
    const auto all = world.solicitations();
    if (!all.empty()) asked = all.back();
    for (machine::RecordName& name : world.forgotten)
      std::erase_if(world.persisted,
                    [&](const machine::Record& each) { return machine::name_of(each) == name; });
    world.forgotten.clear();
    world.forget_output();
  }
  void answer() {
    note();
    world.deliver(world.answer(par, asked));
  }
  void leave() {
    world.down();
    here = false;
  }
  void come() {
    world.up();
    world.advance(milliseconds(10));
    here = true;
  }
  void ask() {
    if (!here) return come();
    world.advance(seconds(3));
    world.order(machine::RequestKey{}).value();
  }
  void age_until(int left_s) {
    const auto key = world.key_of(par.global[0]);
    if (key) world.advance(seconds(static_cast<int>(key->remaining_s) - left_s));
  }

  // A node that asked its router when it came.
  void reach() {
    hold(false);
    cga = world.care_of();
    note();
    if (state_ == "storing") hold(true);
    if (state_ == "asking") return;
    if (state_ == "none") {
      world.show(par);
      world.advance(seconds(20));
      return note();
    }
    answer();
    if (state_ == "storing" || state_ == "live") return finish();
    if (is("kept")) {
      leave();
      if (event == "expiry") age_until(4);
      if (state_ != "kept") come();
    } else if (event == "expiry") {
      age_until(4);
    } else {
      ask();
    }
    hold(true);
    if (state_ == "restoring" || state_ == "kept-storing") {
      ++world.key_version;
      if (event == "stored-late") world.issued_lifetime_s = 10;
      answer();
    }
    finish();
  }
  void finish() {
    if (event == "expiry") {
      if (state_ == "live") age_until(2);
    }
    note();
  }
  bool apply() {
    hold(true);
    if (event == "ask") return (here || state_ == "kept") && (ask(), true);
    if (event == "answer") return here && (answer(), true);
    if (event == "answer-forged") {
      Bytes packet = world.answer(par, asked);
      packet[packet.size() - 8] ^= 1;
      return world.deliver(packet), true;
    }
    if (event == "answer-old") {
      Solicitation old = asked;
      old.nonce.at(0) ^= 1;
      return world.deliver(world.answer(par, old)), true;
    }
    if (event == "silence") return world.advance(milliseconds(1010)), true;
    if (event == "stored" || event == "not-stored") {
      if (world.held_outcomes.empty()) return false;
      if (event == "not-stored")
        world.held_outcomes.front().result = fail(machine::ActionError::kRefused);
      return world.give_outcomes(), true;
    }
    if (event == "stored-late") return here && stored_late();
    if (event == "expiry") {
      const auto key = world.key_of(par.global[0]);
      if (!key) return false;
      return world.advance(seconds(static_cast<int>(key->remaining_s) + 1)), true;
    }
    if (event == "leave") {
      if (!here) return false;
      leave();
      world.give_outcomes();
      return true;
    }
    if (event == "restart" || event == "restart-before") {
      machine::Snapshot store;
      const bool lost = event == "restart-before";
      if (lost && world.held_outcomes.empty()) return false;
      const std::size_t kept = world.persisted.size() - (lost ? 1 : 0);
      for (std::size_t i = 0; i < kept; ++i) {
        std::erase_if(store, [&](const machine::Record& each) {
          return machine::name_of(each) == machine::name_of(world.persisted[i]);
        });
        store.push_back(machine::duplicate(world.persisted[i]));
      }
      world.held_outcomes.clear();
      world.restart(std::move(store));
      here = false;
      return true;
    }
    return false;
  }
  // The store takes longer than the key lives.
  bool stored_late() {
    if (world.held_outcomes.empty()) return false;
    note();
    const machine::Record record = machine::duplicate(world.persisted.back());
    world.advance(std::get<machine::HeldKey>(record).expires - world.now.utc + seconds(1));
    world.forget_output();
    world.give_outcomes();
    return true;
  }
  std::set<std::string> does() {
    std::set<std::string> done;
    if (!world.solicitations().empty()) done.insert("request");
    for (const machine::ActionKind& action : world.actions)
      if (const auto* each = std::get_if<machine::Persist>(&action))
        if (std::holds_alternative<machine::HeldKey>(each->record)) done.insert("persist");
    for (const machine::RecordName& name : world.forgotten)
      if (std::holds_alternative<machine::HeldKeyName>(name)) done.insert("forget");
    note();
    return done;
  }
  std::string state() {
    const auto key = world.key_of(par.global[0]);
    const bool stores = !world.held_outcomes.empty();
    bool asks = false;
    if (here && !stores) {
      note();
      world.advance(world.config.rtsolpr_timeout + milliseconds(10));
      asks = !world.solicitations().empty();
    }
    if (!key) return stores ? "storing" : asks ? "asking" : "none";
    if (key->delivered) return stores ? "restoring" : asks ? "renewing" : "live";
    return stores ? "kept-storing" : asks ? "kept-asking" : "kept";
  }

  std::string state_;
  std::string event;
  bool here = true;
  Ipv6Address cga;
  Solicitation asked;
};

TEST(Model, AMovementGoesAsItsTableSays) { expect_the_table<NodeDriver>("node"); }
TEST(Model, AHeldKeyMovesAsItsTableSays) { expect_the_table<HeldDriver>("held"); }

}  // namespace
}  // namespace sendoff::test
