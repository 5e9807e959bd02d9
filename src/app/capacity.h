// `sendoff sim` with more nodes than a world of promises has: a capacity run and its table.
#pragma once

#include "sim/capacity.h"

namespace sendoff::app {

// Runs it, with a line of progress on standard error now and then, and prints what came of it.
[[nodiscard]] int run_capacity(const sim::capacity::Plan& plan, bool json);

}  // namespace sendoff::app
