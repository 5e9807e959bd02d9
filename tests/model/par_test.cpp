// The previous router's part of model/transitions.tsv.
#include "model/table.h"
#include "router/handover_fixture.h"

namespace sendoff::test {
namespace {

using machine::InstallBinding;
using machine::RemoveBinding;

constexpr std::uint16_t kBindingLife_s = 10;

struct ParDriver : ParTest {
  ParDriver(std::string state, std::string what)
      : state_(std::move(state)), event(std::move(what)) {
    // Doubles; the binding of the keyless ends before it is over.
    const bool waits_for_the_nar = event == "timer" || event == "silence";
    timeout = waits_for_the_nar ? milliseconds(100) : seconds(100);
    if (state_ == "asking-keyless" && waits_for_the_nar)
      timeout = event == "timer" ? seconds(8) : seconds(15);
    config.previous_router.hi_timeout = timeout;
    if (event == "silence") config.previous_router.hi_retries = 0;
  }
  void TestBody() override {}

  // --- FBUs ---
  [[nodiscard]] Ipv6Address care_of(std::uint8_t number) const {
    auto octets = ncoa().octets();
    octets[15] = number;
    return Ipv6Address(octets);
  }
  void say(const CraftFbu& craft) {
    last_packet = craft.packet();
    last_sequence = craft.sequence;
    bench.receive(last_packet, mn.link_address());
  }
  void update(const Ipv6Address& where) {
    CraftFbu craft = predictive(++sequence);
    craft.alternate_care_of = where;
    craft.lifetime_s = kBindingLife_s;
    say(craft);
    asked = where;
  }
  void end() {
    CraftFbu craft = predictive(++sequence);
    craft.alternate_care_of = mn.global();
    craft.lifetime_s = 0;
    say(craft);
  }
  // --- what surrounds it ---
  void note() {
    for (const auto& sent : his()) question = sent.message.sequence;
    for (const machine::Action& action : bench.actions) {
      if (const auto* persist = std::get_if<machine::Persist>(&action.what)) {
        std::erase_if(store, [&](const machine::Record& record) {
          return machine::name_of(record) == machine::name_of(persist->record);
        });
        store.push_back(machine::duplicate(persist->record));
      }
      if (const auto* forget = std::get_if<machine::Forget>(&action.what))
        std::erase_if(store, [&](const machine::Record& record) {
          return machine::name_of(record) == forget->name;
        });
    }
    bench.forget();
  }
  void answer(std::uint8_t code) {
    note();
    CraftPeer craft;
    craft.source = kNar;
    craft.destination = ar_global();
    craft.code = code;
    craft.sequence = question;
    take(craft);
  }
  void hold(bool on) {
    bench.hold_outcome = [on](const machine::Action& action) {
      return on && std::holds_alternative<InstallBinding>(action.what);
    };
  }
  void installed(bool well) {
    if (bench.unanswered.empty())
      bench.answer(machine::ActionId{1'000'000});
    else if (well)
      bench.answer(bench.unanswered[0]);
    else
      bench.answer(bench.unanswered[0], fail(machine::ActionError::kRefused));
  }
  void get_key() {
    note();
    receive(request(), mn);
    const auto got = open(reply(), *hke);
    EXPECT_TRUE(got.has_value());
    if (got) delivered = *got;
  }
  [[nodiscard]] bool has_key() const { return router->status(bench.now, 1).key_count > 0; }
  [[nodiscard]] bool is(std::string_view part) const {
    return state_.find(part) != std::string::npos;
  }

  void reach() {
    RouterTest::start();
    if (state_ == "keyless") return;
    get_key();
    hold(false);
    const bool bound = is("bound") || is("renewing") || is("-keyless");
    if (bound) {
      update(care_of(1));
      answer(0);
      note();
      asked.reset();
      bound_to = care_of(1);
    }
    hold(true);
    if (state_ == "idle") {
      update(care_of(1));
      answer(130);
      asked.reset();
    }
    if (state_ == "asking" || is("installing") || state_ == "bound-asking" ||
        state_ == "asking-keyless")
      update(care_of(2));
    if (is("installing")) answer(0);
    if (is("renewing")) update(care_of(1));
    if (is("-other")) {
      const auto first = asked;
      update(care_of(3));
      asked = first;
    }
    if (is("-end")) end();
    if (is("-keyless")) bench.advance(seconds(kBindingLife_s + 1));
    note();
  }
  bool apply() {
    if (event == "provision") return get_key(), note(), true;
    if (event == "fbu-same") {
      if (!asked && !bound_to) return false;
      return update(asked ? *asked : *bound_to), true;
    }
    if (event == "fbu-bound") {
      if (!asked || !bound_to || asked == bound_to) return false;
      return update(*bound_to), true;
    }
    if (event == "fbu-other") return update(care_of(9)), true;
    if (event == "fbu-end") return end(), true;
    if (event == "fbu-repeat") {
      if (last_packet.empty()) return false;
      return bench.receive(last_packet, mn.link_address()), true;
    }
    if (event == "fbu-stale") {
      if (last_packet.empty()) return false;
      CraftFbu craft = predictive(last_sequence);
      craft.lifetime_s = 7;
      return receive(craft), true;
    }
    if (event == "fbu-forged") {
      CraftFbu craft = predictive(static_cast<std::uint16_t>(last_sequence + 1));
      craft.key = Bytes(32, 9);
      return receive(craft), true;
    }
    if (event == "hack") return answer(0), true;
    if (event == "hack-refuses") return answer(130), true;
    if (event == "timer" || event == "silence")
      return bench.advance(is("-keyless") && event == "timer" ? 2 * timeout : timeout), true;
    if (event == "installed" || event == "not-installed")
      return installed(event == "installed"), true;
    if (event == "expiry") return bench.advance(seconds(kBindingLife_s + 1)), true;
    if (event == "restart") {
      hold(false);
      bench.unanswered.clear();
      router = std::make_unique<router::Router>(config, std::move(store), random, bench.now);
      bench.attach(*router);
      bench.host(machine::InterfaceUp{{0}, kRouterLink, 1500});
      return true;
    }
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
      else
        done.insert(fback.lifetime_s == 0 ? "ended" : "accept");
    }
    if (!his().empty()) done.insert("hi");
    if (installed_since()) done.insert("install");
    if (!bench.asked<RemoveBinding>().empty()) done.insert("remove");
    note();
    return done;
  }
  [[nodiscard]] bool installed_since() const { return ParTest::installed() > 0; }

  std::string state() {
    const bool bound = !bindings().empty();
    const auto under_way = router->status(bench.now, 10).handovers;
    if (under_way.empty()) return bound ? "bound" : has_key() ? "idle" : "keyless";
    if (under_way[0].state == "asking the new router")
      return bound ? "bound-asking" : has_key() ? "asking" : "asking-keyless";
    if (!has_key()) return "installing-keyless";
    // What comes after it shows when it is done.
    note();
    installed(true);
    const std::string name = bound ? "renewing" : "installing";
    if (!his().empty()) return name + "-other";
    return bindings().empty() ? name + "-end" : name;
  }

  std::string state_;
  std::string event;
  Duration timeout{};
  std::uint16_t sequence = 0;
  std::uint16_t last_sequence = 0;
  std::uint16_t question = 77;
  Bytes last_packet;
  std::optional<Ipv6Address> asked;
  std::optional<Ipv6Address> bound_to;
  machine::Snapshot store;
};

TEST(Model, ThePreviousRouterMovesAsItsTableSays) { expect_the_table<ParDriver>("par"); }

}  // namespace
}  // namespace sendoff::test
