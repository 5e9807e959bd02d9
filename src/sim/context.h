// What every part of a simulated world shares.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <vector>

#include "sim/dice.h"
#include "sim/promise.h"
#include "sim/queue.h"
#include "sim/scenario.h"
#include "sim/trace.h"

namespace sendoff::sim {

struct Statistics {
  std::uint64_t packets = 0;  // sent on links and between routers
  std::uint64_t delivered = 0;
  std::uint64_t jobs = 0;
  std::uint64_t handovers = 0;  // that a mobile node was told to make, and did
  std::uint64_t bindings = 0;
  std::uint64_t keys = 0;
  std::uint64_t attacks = 0;
  std::array<std::uint64_t, kFaults> faults{};

  [[nodiscard]] std::uint64_t all_faults() const {
    std::uint64_t sum = 0;
    for (const std::uint64_t each : faults) sum += each;
    return sum;
  }
};

struct Context {
  Context(Scenario its_scenario, Trace::Sink sink)
      : scenario(std::move(its_scenario)), trace(queue, std::move(sink)) {}

  Scenario scenario;
  Queue queue;
  Trace trace;
  Statistics statistics;
  std::vector<std::unique_ptr<Promise>> promises;
  std::optional<Violation> violation;
  bool calm = false;  // the faults and attacks are over

  // Whether this fault strikes now. Counts it.
  [[nodiscard]] bool strikes(Dice& dice, Fault fault) {
    const bool struck = dice.chance(scenario.rate(fault)) && !calm;
    if (struck) ++statistics.faults[static_cast<std::size_t>(fault)];
    return struck;
  }
  void count(Fault fault) { ++statistics.faults[static_cast<std::size_t>(fault)]; }

  template <typename Tell>
  void tell(const Tell& what) {
    for (const auto& promise : promises) what(*promise);
  }
};

}  // namespace sendoff::sim
