// Drives a machine as the daemons do, on virtual time: carries out its actions, runs its jobs
// (at once, or when the test says so) and keeps what it sent and reported.
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <vector>

#include "machine/machine.h"
#include "support/fake_random.h"

namespace sendoff::test {

class MachineBench {
 public:
  explicit MachineBench(machine::Machine* machine = nullptr) : machine_(machine) {}
  void attach(machine::Machine& machine) { machine_ = &machine; }

  Now now{Instant(seconds(1000)), UtcTime(seconds(1'800'000'000))};
  bool hold_jobs = false;  // jobs wait in `held` for run()
  std::function<Result<machine::Facts, machine::ActionError>(const machine::Action&)> outcome_of;
  // Null: the outcome is given at once. Else actions for which it is true wait in `unanswered`.
  std::function<bool(const machine::Action&)> hold_outcome;

  std::vector<machine::Transmit> sent;
  std::vector<machine::Event> events;
  std::vector<machine::Action> actions;  // all others, as asked for
  std::vector<machine::Start> held;
  std::vector<machine::ActionId> unanswered;
  std::map<std::string, int> jobs;  // started, by kind: "verify", "sign", "seal", "open", …

  void receive(ByteView packet, const LinkAddress& from, InterfaceId interface = {0},
               bool fragment = false) {
    machine::Received received;
    received.interface = interface;
    received.frame_source = from;
    received.packet = packet;
    received.arrived_as_fragment = fragment;
    receive(received);
  }
  void receive(const machine::Received& received) {
    machine_->handle(now, received);
    pump();
  }
  void host(const machine::HostEvent& event) {
    machine_->handle(now, event);
    pump();
  }
  [[nodiscard]] Result<void, machine::OrderError> order(const machine::Order& order) {
    auto result = machine_->handle(now, order);
    pump();
    return result;
  }
  void answer(machine::ActionId id,
              Result<machine::Facts, machine::ActionError> result = machine::Facts{}) {
    std::erase(unanswered, id);
    machine_->handle(now, machine::Outcome{id, std::move(result)});
    pump();
  }
  // Runs held job `index` and hands its result over.
  void run(std::size_t index = 0) {
    machine::Start start = std::move(held.at(index));
    held.erase(held.begin() + static_cast<std::ptrdiff_t>(index));
    machine_->handle(now, machine::JobResult{start.job_id, machine::execute(start.job)});
    pump();
  }
  void fail_job(std::size_t index, machine::JobError error) {
    const machine::JobId id = held.at(index).job_id;
    held.erase(held.begin() + static_cast<std::ptrdiff_t>(index));
    machine_->handle(now, machine::JobResult{id, fail(error)});
    pump();
  }
  // Time passes; deadlines on the way are met.
  void advance(Duration duration) {
    const Instant until = now.boot + duration;
    while (machine_->next_deadline() <= until) {
      step_to(std::max(now.boot, machine_->next_deadline()));
      machine_->tick(now);
      pump();
    }
    step_to(until);
  }

  template <typename T>
  [[nodiscard]] std::vector<const T*> asked() const {
    std::vector<const T*> found;
    for (const machine::Action& action : actions)
      if (const T* kind = std::get_if<T>(&action.what)) found.push_back(kind);
    return found;
  }
  [[nodiscard]] std::vector<const machine::Event*> reported(machine::EventKind kind) const {
    std::vector<const machine::Event*> found;
    for (const machine::Event& event : events)
      if (event.kind == kind) found.push_back(&event);
    return found;
  }
  [[nodiscard]] std::uint64_t counter(std::string_view group, std::string_view name) const {
    std::optional<std::uint64_t> found;
    machine_->counters([&](std::string_view g, std::string_view n, std::uint64_t value) {
      if (g == group && n == name) found = value;
    });
    invariant(found.has_value());  // a misspelt counter must not read as 0
    return *found;
  }
  void forget() {
    sent.clear();
    events.clear();
    actions.clear();
  }

 private:
  void step_to(Instant instant) {
    now.utc += instant - now.boot;
    now.boot = instant;
  }
  void count(const machine::Job& job) {
    static constexpr const char* kNames[] = {"verify", "sign",     "open",  "generate",
                                             "search", "validate", "judge", "lookup"};
    ++jobs[kNames[job.index()]];
    if (const auto* sign = std::get_if<machine::SignMessage>(&job); sign && sign->seal)
      ++jobs["seal"];
  }
  void pump() {
    while (auto action = machine_->poll()) {
      if (auto* transmit = std::get_if<machine::Transmit>(&action->what)) {
        sent.push_back(std::move(*transmit));
      } else if (auto* report = std::get_if<machine::Report>(&action->what)) {
        events.push_back(std::move(report->event));
      } else if (auto* start = std::get_if<machine::Start>(&action->what)) {
        count(start->job);
        if (hold_jobs)
          held.push_back(std::move(*start));
        else
          machine_->handle(now, machine::JobResult{start->job_id, machine::execute(start->job)});
      } else {
        const machine::ActionId id = action->id;
        const bool owed = machine::has_outcome(action->what);
        const bool hold = owed && hold_outcome && hold_outcome(*action);
        Result<machine::Facts, machine::ActionError> result = machine::Facts{};
        if (owed && outcome_of) result = outcome_of(*action);
        actions.push_back(std::move(*action));
        if (hold)
          unanswered.push_back(id);
        else if (owed)
          machine_->handle(now, machine::Outcome{id, std::move(result)});
      }
    }
  }

  machine::Machine* machine_;
};

}  // namespace sendoff::test
