// The whole of `sendoff lab`: runs of each mode, one after another, and their results.
#pragma once

#include <string>
#include <vector>

#include "lab/bench.h"

namespace sendoff::lab {

struct Results {
  std::vector<Run> runs;
  std::string failure;  // why the lab ended early; empty: it did not
};

// Modes take turns, so that all of them see the machine's moods. Ends at the first failure.
[[nodiscard]] Results run_lab(const Settings& settings, const Progress& progress);

}  // namespace sendoff::lab
