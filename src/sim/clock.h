// A node's two clocks. The world has a time of its own, which no node sees: a node's clocks start
// elsewhere and run a little faster or slower. Integers only, so that every machine counts alike.
#pragma once

#include "base/time.h"

namespace sendoff::sim {

// Since the start of the run.
using WorldTime = Duration;
inline constexpr WorldTime kNoTime = WorldTime::max();

class Clock {
 public:
  Clock(Duration boot, Duration utc, std::int64_t drift_ppm)
      : boot_(boot), utc_(utc), drift_ppm_(drift_ppm) {}

  [[nodiscard]] Now at(WorldTime time) const {
    const Duration passed = run(time);
    return {Instant(boot_ + passed), UtcTime(utc_ + passed)};
  }
  // The earliest time at which the boot clock shows `instant` or more.
  [[nodiscard]] WorldTime when(Instant instant) const {
    if (instant == kNever) return kNoTime;
    const Duration wanted = instant.time_since_epoch() - boot_;
    if (wanted <= Duration{}) return {};
    WorldTime time = wanted - wanted / 1'000'000 * drift_ppm_;
    while (run(time) < wanted) time += microseconds(1);
    return time;
  }
  // UTC jumps; the boot clock never does.
  void step(Duration by) { utc_ += by; }

 private:
  [[nodiscard]] Duration run(WorldTime time) const { return time + time * drift_ppm_ / 1'000'000; }

  Duration boot_;
  Duration utc_;
  std::int64_t drift_ppm_;
};

}  // namespace sendoff::sim
