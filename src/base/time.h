// The two time lines. Neither clock has a `now()`: protocol code is handed the time, so it cannot
// read a clock, and a test or a simulator decides what time it is.
#pragma once

#include <chrono>
#include <cstdint>

namespace sendoff {

using Duration = std::chrono::nanoseconds;
using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

// CLOCK_BOOTTIME: lifetimes, time-outs, receive times. Never steps, counts through suspend.
struct BootClock {
  using rep = Duration::rep;
  using period = Duration::period;
  using duration = Duration;
  using time_point = std::chrono::time_point<BootClock>;
  static constexpr bool is_steady = true;
};
using Instant = BootClock::time_point;

// UTC since 1970: SEND timestamps, certificates, stored expiries. May step.
struct UtcClock {
  using rep = Duration::rep;
  using period = Duration::period;
  using duration = Duration;
  using time_point = std::chrono::time_point<UtcClock>;
  static constexpr bool is_steady = false;
};
using UtcTime = UtcClock::time_point;

struct Now {
  Instant boot;
  UtcTime utc;
};

inline constexpr Instant kNever = Instant::max();

// Whole seconds, rounded towards minus infinity.
[[nodiscard]] constexpr std::int64_t whole_seconds(Duration duration) {
  return std::chrono::floor<seconds>(duration).count();
}

}  // namespace sendoff
