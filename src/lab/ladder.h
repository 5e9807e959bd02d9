// The ladder diagram of a run: who said what to whom, as the captures have it.
#pragma once

#include <string>

#include "lab/scenario.h"

namespace sendoff::lab {

// One line of the ladder: a message, or a moment of the node's alone.
struct Rung {
  double ms = 0;  // after the link went
  Node from = Node::kMobile;
  Node to = Node::kMobile;  // the same as `from`: a moment
  std::string label;
  std::string style;  // "discovery", "keys", "mobility", "data" or "link"
  unsigned times = 1;
};

// The run's first move with what led to it. Repeated advertisements and address resolution, which
// say nothing of a handover, are left out.
[[nodiscard]] std::vector<Rung> rungs_of(const Run& run);
// As SVG; empty when there is nothing to draw.
[[nodiscard]] std::string ladder_svg(const Run& run);

}  // namespace sendoff::lab
