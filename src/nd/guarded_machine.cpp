#include "nd/guarded_machine.h"

#include <algorithm>
#include <string>

namespace sendoff::nd {

namespace {

using machine::Action;
using machine::ActionId;
using machine::JobId;

constexpr std::uint64_t kGuardBit = 1;

template <typename Number>
Number outward(Number inner, std::uint64_t bit) {
  return Number{inner.value << 1 | bit};
}
template <typename Number>
Number inward(Number outer) {
  return Number{outer.value >> 1};
}
template <typename Number>
bool of_guard(Number outer) {
  return (outer.value & kGuardBit) != 0;
}

Action numbered(Action action, std::uint64_t bit) {
  action.id = outward(action.id, bit);
  if (auto* start = std::get_if<machine::Start>(&action.what))
    start->job_id = outward(start->job_id, bit);
  if (auto* cancel = std::get_if<machine::Cancel>(&action.what))
    cancel->job_id = outward(cancel->job_id, bit);
  return action;
}

}  // namespace

void GuardedMachine::handle(Now now, const machine::Received& received) {
  if (received.hold)
    guard_.handle(now, received);
  else
    role_.handle(now, received);
}

void GuardedMachine::handle(Now now, machine::JobResult result) {
  machine::Machine& owner = of_guard(result.job_id) ? guard_ : role_;
  result.job_id = inward(result.job_id);
  owner.handle(now, std::move(result));
}

void GuardedMachine::handle(Now now, const machine::Outcome& outcome) {
  const machine::Outcome inner{inward(outcome.action_id), outcome.result};
  if (of_guard(outcome.action_id)) return guard_.handle(now, inner);
  if (const auto added = adding_.extract(inner.action_id)) {
    const auto& [interface, address] = added.mapped();
    if (outcome.result)
      guard_.adopted(interface, address);
    else
      guard_.abandon(interface, address);
  }
  role_.handle(now, inner);
}

void GuardedMachine::handle(Now now, const machine::HostEvent& event) {
  guard_.handle(now, event);
  role_.handle(now, event);
}

Result<void, machine::OrderError> GuardedMachine::handle(Now now, const machine::Order& order) {
  return role_.handle(now, order);
}

Instant GuardedMachine::next_deadline() const {
  return std::min(role_.next_deadline(), guard_.next_deadline());
}

void GuardedMachine::tick(Now now) {
  if (role_.next_deadline() <= now.boot) role_.tick(now);
  if (guard_.next_deadline() <= now.boot) guard_.tick(now);
}

std::optional<Action> GuardedMachine::poll() {
  if (auto action = role_.poll()) {
    note_address(*action);
    return numbered(std::move(*action), 0);
  }
  if (auto action = guard_.poll()) return numbered(std::move(*action), kGuardBit);
  return std::nullopt;
}

// One that is added again only gets other lifetimes: it stays as ready as it was.
void GuardedMachine::note_address(const Action& action) {
  if (const auto* add = std::get_if<machine::AddAddress>(&action.what)) {
    if (guard_.adopt(add->interface, add->address))
      adding_.emplace(action.id, std::pair{add->interface, add->address});
  } else if (const auto* remove = std::get_if<machine::RemoveAddress>(&action.what)) {
    guard_.abandon(remove->interface, remove->address);
  }
}

void GuardedMachine::counters(const CounterVisitor& visit) const {
  role_.counters(visit);
  guard_.counters([&](std::string_view group, std::string_view counter, std::uint64_t value) {
    if (group == "guard")
      visit(group, counter, value);
    else if (group == "send")
      visit("guard-send", counter, value);
  });
}

}  // namespace sendoff::nd
