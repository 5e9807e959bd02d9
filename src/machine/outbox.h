// The actions that a machine has asked for and nobody has polled yet, and the numbers that it
// gives out. Every part of a machine writes to the one outbox of its machine.
#pragma once

#include <deque>
#include <initializer_list>
#include <optional>

#include "machine/action.h"

namespace sendoff::machine {

class Outbox {
 public:
  ActionId push(ActionKind action);
  // Starts a job under a number of its own.
  JobId start(Job job, JobClass job_class);
  void report(EventKind kind, std::initializer_list<Field> fields = {});
  [[nodiscard]] std::optional<Action> poll();

 private:
  std::deque<Action> actions_;
  std::uint64_t last_action_ = 0;
  std::uint64_t last_job_ = 0;
};

}  // namespace sendoff::machine
