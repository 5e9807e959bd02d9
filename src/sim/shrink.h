// Making a failing scenario small: fewer nodes, less time, without faults and attackers that are
// not needed for the same promise to break.
#pragma once

#include <functional>

#include "sim/promise.h"
#include "sim/scenario.h"

namespace sendoff::sim {

struct Shrunk {
  Changes changes;
  Violation violation;
  unsigned runs = 0;
};

struct Shrinking {
  // What a run of this scenario breaks.
  std::function<std::optional<Violation>(const Scenario&)> run;
  // Hears of each one that breaks the same promise.
  std::function<void(const Scenario&)> progress;
};

// `broken` is what the scenario with `changes` broke.
[[nodiscard]] Shrunk shrink(std::uint64_t seed, const Changes& changes, const Violation& broken,
                            const Shrinking& how);

}  // namespace sendoff::sim
