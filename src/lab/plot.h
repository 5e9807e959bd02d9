// The stream around a handover: how long each datagram took, which were lost, which the new router
// held; and, below, when they arrived.
#pragma once

#include <string>

#include "lab/scenario.h"

namespace sendoff::lab {

// As SVG; empty when there is nothing to draw.
[[nodiscard]] std::string plot_svg(const Run& run);

}  // namespace sendoff::lab
