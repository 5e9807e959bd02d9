// The access router's keys in model/transitions.tsv: the keys of a CGA, and the FBU sequence
// numbers of one of them.
#include "model/table.h"
#include "router/router_fixture.h"

namespace sendoff::test {
namespace {

constexpr std::uint32_t kLife_s = 100;

// What a store holds that did all it was asked to do; `but_the_last`: and then the power failed.
machine::Snapshot stored(const MachineBench& bench, bool but_the_last = false) {
  machine::Snapshot store;
  std::size_t left = bench.asked<machine::Persist>().size() - (but_the_last ? 1 : 0);
  for (const machine::Action& action : bench.actions) {
    const auto drop = [&](const machine::RecordName& name) {
      std::erase_if(store, [&](const auto& record) { return machine::name_of(record) == name; });
    };
    if (const auto* persist = std::get_if<machine::Persist>(&action.what); persist && left-- > 0) {
      drop(machine::name_of(persist->record));
      store.push_back(machine::duplicate(persist->record));
    }
    if (const auto* forget = std::get_if<machine::Forget>(&action.what)) drop(forget->name);
  }
  return store;
}

// A router whose store answers when the test says so.
struct KeyDriver : RouterTest {
  KeyDriver(std::string state, std::string what)
      : state_(std::move(state)), event(std::move(what)) {
    config.keys.lifetime_s = kLife_s;
  }
  void TestBody() override {}

  void hold(bool on) {
    bench.hold_outcome = [on](const machine::Action& action) {
      const auto* persist = std::get_if<machine::Persist>(&action.what);
      return on && persist != nullptr &&
             std::holds_alternative<machine::IssuedKey>(persist->record);
    };
  }
  void outcome(bool well) {
    if (bench.unanswered.empty())
      bench.answer(machine::ActionId{1'000'000});
    else if (well)
      bench.answer(bench.unanswered[0]);
    else
      bench.answer(bench.unanswered[0], fail(machine::ActionError::kRefused));
  }
  void restart(machine::Snapshot snapshot) {
    bench.unanswered.clear();
    hold(false);
    mark();
    router = std::make_unique<router::Router>(config, std::move(snapshot), random, bench.now);
    bench.attach(*router);
    bench.host(machine::InterfaceUp{{0}, kRouterLink, 1500});
  }
  // What was done before is no effect of what comes now; the store remembers all of it.
  void mark() {
    bench.sent.clear();
    actions_before = bench.actions.size();
  }
  template <typename T>
  [[nodiscard]] std::vector<const T*> asked() const {
    std::vector<const T*> found;
    for (std::size_t i = actions_before; i < bench.actions.size(); ++i)
      if (const T* kind = std::get_if<T>(&bench.actions[i].what)) found.push_back(kind);
    return found;
  }
  [[nodiscard]] bool persists() const {
    return std::ranges::any_of(asked<machine::Persist>(), [](const machine::Persist* each) {
      return std::holds_alternative<machine::IssuedKey>(each->record);
    });
  }

  std::string state_;
  std::string event;
  std::size_t actions_before = 0;
};

struct RecordDriver : KeyDriver {
  using KeyDriver::KeyDriver;

  void ask() {
    bench.advance(milliseconds(200));
    last_request = request().packet();
    bench.receive(last_request, mn.link_address());
    for (const machine::Transmit& transmit : bench.sent)
      if (auto got = open(transmit.packet, *hke)) delivered = std::move(got);
  }
  void grow_old() { bench.advance(seconds(kLife_s - 9)); }

  void reach() {
    RouterTest::start();
    hold(false);
    if (state_ == "none") return mark();
    hold(state_ == "storing");
    ask();
    if (state_ == "storing" || state_ == "live") return mark();
    grow_old();
    hold(state_ == "renewing");
    if (state_ != "due") ask();
    mark();
  }
  bool apply() {
    if (event == "request") return hold(true), ask(), true;
    if (event == "request-repeat") {
      if (last_request.empty()) return false;
      return bench.receive(last_request, mn.link_address()), true;
    }
    if (event == "request-forged") {
      bench.advance(milliseconds(200));
      Bytes packet = request().packet();
      packet[packet.size() - 8] ^= 1;
      repair_checksum(packet);
      return bench.receive(packet, mn.link_address()), true;
    }
    if (event == "stored" || event == "not-stored") return outcome(event == "stored"), true;
    if (event == "ageing") return state_ == "live" && (grow_old(), true);
    if (event == "expiry") return state_ != "none" && (bench.advance(seconds(10)), true);
    if (event == "lapse") return lapse();
    if (event == "restart") return restart(stored(bench)), true;
    if (event == "restart-before")
      return !bench.unanswered.empty() && (restart(stored(bench, true)), true);
    if (event == "restart-empty") return restart({}), true;
    return false;
  }
  // Forwarding for the CGA runs out.
  bool lapse() {
    if (state_ == "none" || !delivered) return false;
    CraftFbu craft = fbu(*delivered);
    craft.lifetime_s = 1;
    receive(craft);
    mark();
    bench.advance(seconds(2));
    return true;
  }
  std::set<std::string> does() {
    std::set<std::string> done;
    for (const machine::Transmit& transmit : bench.sent)
      if (transmit.packet[6] == wire::kProtocolIcmpv6 && transmit.packet[40] == 154)
        done.insert(has_key(transmit.packet) ? "answer" : "refuse");
    if (persists()) done.insert("persist");
    for (const machine::Forget* each : asked<machine::Forget>())
      if (std::holds_alternative<machine::IssuedKeyName>(each->name)) done.insert("forget");
    return done;
  }
  std::string state() {
    const std::size_t keys = router->status(bench.now, 0).key_count;
    if (keys == 0) return "none";
    if (!bench.unanswered.empty()) return keys == 1 ? "storing" : "renewing";
    if (keys == 2) return "two";
    hold(true);
    mark();
    ask();
    return persists() ? "due" : "live";
  }

  Bytes last_request;
  std::optional<Delivered> delivered;
};

struct NumberDriver : KeyDriver {
  using KeyDriver::KeyDriver;

  void say(const CraftFbu& craft) {
    last_packet = craft.packet();
    bench.receive(last_packet, mn.link_address());
  }
  void say(int ahead) { say(fbu(key, sequence = static_cast<std::uint16_t>(sequence + ahead))); }

  // The first block of numbers is stored with the key.
  void reach() {
    RouterTest::start();
    hold(false);
    receive(request(), mn);
    key = open(reply(), *hke).value_or(Delivered{});
    hold(true);
    say(1);
    if (state_ != "open") say(300);
    if (state_ == "spent") outcome(false);
    mark();
  }
  bool apply() {
    if (event == "fbu") return say(1), true;
    if (event == "fbu-beyond") return say(300), true;
    if (event == "fbu-repeat") return bench.receive(last_packet, mn.link_address()), true;
    if (event == "fbu-stale") {
      CraftFbu craft = fbu(key, sequence);
      craft.lifetime_s = 7;
      return receive(craft), true;
    }
    if (event == "fbu-forged") {
      CraftFbu craft = fbu(key, static_cast<std::uint16_t>(sequence + 1));
      craft.flip_tag = true;
      return receive(craft), true;
    }
    if (event == "stored" || event == "not-stored") return outcome(event == "stored"), true;
    if (event == "restart") return restart(stored(bench)), true;
    if (event == "restart-before")
      return !bench.unanswered.empty() && (restart(stored(bench, true)), true);
    return false;
  }
  std::set<std::string> does() {
    std::set<std::string> done;
    for (const auto& fback : fbacks()) {
      if (event == "fbu-repeat")
        done.insert("repeat");
      else if (fback.status == 135)
        done.insert("stale");
      else if (fback.status >= 128)
        done.insert("refuse");
    }
    const bool restored = event.starts_with("restart");
    if (!restored && !asked<machine::InstallBinding>().empty()) done.insert("follow");
    if (persists()) done.insert("persist");
    return done;
  }
  std::string state() {
    if (!bench.unanswered.empty()) return "reserving";
    hold(true);
    mark();
    say(1);
    if (!fbacks().empty() && fbacks()[0].status == 135) {
      sequence = fbacks()[0].sequence;
      mark();
      say(1);
    }
    return persists() ? "spent" : "open";
  }

  Delivered key;
  std::uint16_t sequence = 0;
  Bytes last_packet;
};

TEST(Model, TheKeysOfACgaMoveAsTheirTableSays) { expect_the_table<RecordDriver>("record"); }
TEST(Model, TheNumbersOfAKeyMoveAsTheirTableSays) { expect_the_table<NumberDriver>("number"); }

}  // namespace
}  // namespace sendoff::test
