#include "lab/scheduling.h"

#include <vector>

namespace sendoff::lab {

namespace {

// Those that this process may use.
std::vector<unsigned> processors() {
  std::vector<unsigned> allowed;
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) != 0) return allowed;
  for (unsigned i = 0; i < CPU_SETSIZE; ++i)
    if (CPU_ISSET(i, &set)) allowed.push_back(i);
  return allowed;
}

}  // namespace

std::optional<unsigned> processor_of_mobile() {
  const auto allowed = processors();
  return allowed.size() < 2 ? std::nullopt : std::optional(allowed.back());
}

std::optional<unsigned> processor_of_router(Side side) {
  const auto allowed = processors();
  if (allowed.size() < 2) return std::nullopt;
  return side == Side::kNar && allowed.size() > 2 ? allowed[1] : allowed[0];
}

}  // namespace sendoff::lab
