#include "sim/scenario.h"

#include <algorithm>

#include "sim/dice.h"

namespace sendoff::sim {

namespace {

// In ten runs one is calm: the promises that hold only there need their share.
constexpr std::uint32_t kCalm = 100'000;
constexpr std::uint32_t kCalmKeyLifetime = 300;
// Each fault and attacker is there in so many of a million of the other runs.
constexpr std::uint32_t kPresent = 350'000;

// The most that a run draws for each fault, and the least.
struct Range {
  std::uint32_t least;
  std::uint32_t most;
};
constexpr std::array<Range, kFaults> kFaultRanges = {{
    {1'000, 200'000},     // loss
    {1'000, 300'000},     // jitter
    {1'000, 100'000},     // duplication
    {1'000, 50'000},      // corruption
    {15, 90},             // flap
    {15, 60},             // partition
    {15, 60},             // crash
    {20, 90},             // crash without store
    {15, 60},             // clock step
    {1'000, 500'000},     // slow jobs
    {1'000, 100'000},     // lost jobs
    {1'000, 100'000},     // store failure
    {1'000, 50'000},      // refusal
    {1, 1},               // small tables
    {50'000, 1'000'000},  // abrupt moves
}};
constexpr std::array<Range, kAttacks> kAttackRanges = {{
    {50, 2'000},   // forge
    {50, 2'000},   // replay
    {20, 500},     // flood
    {50, 1'000},   // tamper
    {100, 2'000},  // rogue router
    {100, 2'000},  // rogue mobile
    {100, 2'000},  // squat
}};

std::uint32_t draw(Dice& dice, const Range& range) {
  return range.least + static_cast<std::uint32_t>(dice.below(range.most - range.least + 1));
}

}  // namespace

std::string_view name(Fault fault) {
  static constexpr std::array<std::string_view, kFaults> kNames = {
      "loss",      "jitter",        "duplication", "corruption",   "flap",
      "partition", "crash",         "amnesia",     "clock-step",   "slow-jobs",
      "lost-jobs", "store-failure", "refusal",     "small-tables", "abrupt-moves"};
  return kNames.at(static_cast<std::size_t>(fault));
}

std::string_view name(Attack attack) {
  static constexpr std::array<std::string_view, kAttacks> kNames = {
      "forge", "replay", "flood", "tamper", "rogue-router", "rogue-mobile", "squat"};
  return kNames.at(static_cast<std::size_t>(attack));
}

bool Scenario::calm() const { return undisturbed() && rate(Fault::kAbruptMoves) == 0; }

bool Scenario::undisturbed() const {
  for (std::size_t i = 0; i < kFaults; ++i)
    if (faults[i] != 0 && static_cast<Fault>(i) != Fault::kAbruptMoves) return false;
  return std::ranges::all_of(attacks, [](std::uint32_t rate) { return rate == 0; });
}

std::string Scenario::text() const {
  std::string text = std::to_string(routers) + " routers, " + std::to_string(mobiles) +
                     " mobiles, " + std::to_string(whole_seconds(active)) + " s:";
  for (std::size_t i = 0; i < kFaults; ++i)
    if (faults[i] != 0) text += " " + std::string(name(static_cast<Fault>(i)));
  for (std::size_t i = 0; i < kAttacks; ++i)
    if (attacks[i] != 0) text += " " + std::string(name(static_cast<Attack>(i)));
  return calm() ? text + " calm" : text;
}

// Everything is drawn, whether it is used or not, so that no draw moves another one.
Scenario draw_scenario(std::uint64_t seed) {
  Dice dice(seed, "scenario");
  Scenario scenario;
  scenario.seed = seed;
  scenario.routers = 2 + static_cast<unsigned>(dice.below(kMaxRouters - 1));
  scenario.mobiles = 1 + static_cast<unsigned>(dice.below(kMaxMobiles));
  scenario.active = seconds(30 + static_cast<std::int64_t>(dice.below(91)));
  scenario.link_latency = dice.between(microseconds(500), milliseconds(5));
  scenario.core_latency = dice.between(milliseconds(1), milliseconds(40));
  scenario.packet_interval = dice.between(milliseconds(20), milliseconds(200));
  scenario.dwell = dice.between(seconds(4), seconds(20));
  scenario.key_lifetime_s = 60 + static_cast<std::uint32_t>(dice.below(600));
  const bool calm = dice.chance(kCalm);
  // A key is renewed when 5 % of it are left, and a binding ends with its key (GF31): where nothing
  // may be lost, that lasts until the correspondent knows.
  if (calm) scenario.key_lifetime_s = std::max(scenario.key_lifetime_s, kCalmKeyLifetime);
  const std::uint32_t& abrupt_moves =
      scenario.faults[static_cast<std::size_t>(Fault::kAbruptMoves)];
  const auto fill = [&](auto& rates, const auto& ranges) {
    for (std::size_t i = 0; i < rates.size(); ++i) {
      const bool present = dice.chance(kPresent);
      const std::uint32_t rate = draw(dice, ranges[i]);
      const bool may_be = !calm || &rates[i] == &abrupt_moves;
      rates[i] = present && may_be ? rate : 0;
    }
  };
  fill(scenario.faults, kFaultRanges);
  fill(scenario.attacks, kAttackRanges);
  return scenario;
}

bool Changes::leave_out(std::string_view what) {
  for (std::size_t i = 0; i < kFaults; ++i)
    if (name(static_cast<Fault>(i)) == what) return without_fault[i] = true;
  for (std::size_t i = 0; i < kAttacks; ++i)
    if (name(static_cast<Attack>(i)) == what) return without_attack[i] = true;
  return false;
}

std::string Changes::options() const {
  std::string text;
  if (routers) text += " --routers " + std::to_string(*routers);
  if (mobiles) text += " --mobiles " + std::to_string(*mobiles);
  if (active) text += " --active " + std::to_string(whole_seconds(*active));
  std::string without;
  for (std::size_t i = 0; i < kFaults; ++i)
    if (without_fault[i]) without += "," + std::string(name(static_cast<Fault>(i)));
  for (std::size_t i = 0; i < kAttacks; ++i)
    if (without_attack[i]) without += "," + std::string(name(static_cast<Attack>(i)));
  if (!without.empty()) text += " --without " + without.substr(1);
  return text;
}

Scenario apply(const Changes& changes, Scenario scenario) {
  scenario.routers = changes.routers.value_or(scenario.routers);
  scenario.mobiles = changes.mobiles.value_or(scenario.mobiles);
  scenario.active = changes.active.value_or(scenario.active);
  for (std::size_t i = 0; i < kFaults; ++i)
    if (changes.without_fault[i]) scenario.faults[i] = 0;
  for (std::size_t i = 0; i < kAttacks; ++i)
    if (changes.without_attack[i]) scenario.attacks[i] = 0;
  return scenario;
}

}  // namespace sendoff::sim
