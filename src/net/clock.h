// The only clocks of the program: CLOCK_BOOTTIME and CLOCK_REALTIME, read together, and the alarm
// for a UTC that somebody set.
#pragma once

#include <functional>
#include <memory>

#include "base/time.h"
#include "net/event_loop.h"

namespace sendoff::net {

[[nodiscard]] Now read_clocks();

// Calls back when UTC jumped against the boot clock by more than kThreshold at once.
class ClockWatch {
 public:
  static constexpr Duration kThreshold = milliseconds(250);

  ClockWatch(EventLoop& loop, std::function<void(Duration by)> stepped);
  ~ClockWatch();
  ClockWatch(const ClockWatch&) = delete;
  ClockWatch& operator=(const ClockWatch&) = delete;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace sendoff::net
