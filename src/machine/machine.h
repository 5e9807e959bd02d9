// The contract of every state machine: no socket, thread, clock or random source of its own. It
// is told (`handle`, `tick`) and polled (`poll`) for what it wants done. Single-threaded.
//
// 1. Every action that can fail (has_outcome) gets exactly one Outcome from the driver.
// 2. Jobs end in any order, or never; a machine re-checks on completion what may have changed.
// 3. All randomness comes from the Random it was made with.
// 4. Output never depends on the order of a hash table.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "machine/action.h"
#include "machine/input.h"

namespace sendoff::machine {

// Why a new configuration was refused as a whole: these settings count from the next start on.
struct NeedsRestart {
  std::vector<std::string> settings;
};

class Machine {
 public:
  virtual ~Machine() = default;

  virtual void handle(Now now, const Received& received) = 0;
  virtual void handle(Now now, JobResult result) = 0;
  virtual void handle(Now now, const Outcome& outcome) = 0;
  virtual void handle(Now now, const HostEvent& event) = 0;
  [[nodiscard]] virtual Result<void, OrderError> handle(Now now, const Order& order) = 0;

  // When `tick` wants to be called next; kNever when nothing is timed. May be in the past.
  [[nodiscard]] virtual Instant next_deadline() const = 0;
  virtual void tick(Now now) = 0;
  // The next action, oldest first.
  [[nodiscard]] virtual std::optional<Action> poll() = 0;

  using CounterVisitor =
      std::function<void(std::string_view group, std::string_view counter, std::uint64_t value)>;
  virtual void counters(const CounterVisitor& visit) const = 0;
};

}  // namespace sendoff::machine
