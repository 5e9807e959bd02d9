// A role's machine with the guard of the kernel's Neighbor Discovery beside it, as one machine of
// one daemon. The guard is given the packets that the host holds, the role all others and all
// orders; both hear of the host. The addresses are the role's: the guard learns them from what the
// role asks for, so that the kernel's messages about them are signed.
//
// Numbers of actions and jobs are each machine's own; outwards they are told apart by their last
// bit.
#pragma once

#include <map>
#include <utility>

#include "machine/machine.h"
#include "nd/guard.h"

namespace sendoff::nd {

class GuardedMachine final : public machine::Machine {
 public:
  // Both outlive it; `guard` is not alone (GuardPlace).
  GuardedMachine(machine::Machine& role, Guard& guard) : role_(role), guard_(guard) {}

  void handle(Now now, const machine::Received& received) override;
  void handle(Now now, machine::JobResult result) override;
  void handle(Now now, const machine::Outcome& outcome) override;
  void handle(Now now, const machine::HostEvent& event) override;
  [[nodiscard]] Result<void, machine::OrderError> handle(Now now,
                                                         const machine::Order& order) override;
  [[nodiscard]] Instant next_deadline() const override;
  void tick(Now now) override;
  [[nodiscard]] std::optional<machine::Action> poll() override;
  // The guard's groups after the role's: "guard", and "guard-send" for its part of what both count.
  void counters(const CounterVisitor& visit) const override;

 private:
  void note_address(const machine::Action& action);

  machine::Machine& role_;
  Guard& guard_;
  std::map<machine::ActionId, std::pair<InterfaceId, Ipv6Address>> adding_;  // by the role's number
};

}  // namespace sendoff::nd
