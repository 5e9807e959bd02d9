// Drives one machine: hands it packets, results, outcomes, host events, orders and the time, and
// carries out every action that it polls. Every action that has_outcome() gets exactly one
// Outcome; outcomes that come at once are handed in after the call that ordered them.
//
// Use, all on one thread:
//     EventLoop loop;
//     auto host = LinuxHost::open(loop, {...});
//     Workers workers(loop, {});
//     store::MemoryStore store;
//     ControlPlaneOnly datapath;
//     Driver driver(machine, loop, workers, **host, keep_in(store), datapath, {.report = ...});
//     driver.start();
//     loop.run();
#pragma once

#include <functional>
#include <memory>

#include "machine/machine.h"
#include "net/datapath.h"
#include "net/event_loop.h"
#include "net/host.h"
#include "net/workers.h"

namespace sendoff::net {

// A store as the driver needs it; net/ and store/ do not see each other. Each call is answered
// once, at once or later.
struct RecordKeeper {
  using Kept = std::function<void(bool kept)>;
  using Found = std::function<void(std::optional<std::vector<machine::Record>>)>;
  std::function<void(machine::Record, Kept)> persist;
  std::function<void(const machine::RecordName&, Kept)> forget;
  std::function<void(const machine::RecordName&, Found)> look_up;
};

// Any store::Store; it must outlive the driver.
template <typename Store>
[[nodiscard]] RecordKeeper keep_in(Store& store) {
  return {
      [&store](machine::Record record, RecordKeeper::Kept kept) {
        store.persist(std::move(record), [kept](const auto& result) { kept(result.has_value()); });
      },
      [&store](const machine::RecordName& name, RecordKeeper::Kept kept) {
        store.forget(name, [kept](const auto& result) { kept(result.has_value()); });
      },
      [&store](const machine::RecordName& name, RecordKeeper::Found found) {
        store.look_up(name, [found](auto result) {
          if (result)
            found(std::move(*result));
          else
            found(std::nullopt);
        });
      },
  };
}

class Driver {
 public:
  struct Hooks {
    // In its place among the actions, for what must keep step with them.
    std::function<void(const machine::Event&)> follow;
    // When all that its moment asks for is done: packets do not wait for a log.
    std::function<void(const machine::Event&)> report;
    // What a host does in a way of its own; without one the action is kUnsupported.
    std::function<void(const machine::SwitchLink&, Done)> switch_link;
    std::function<void(const machine::RunDhcp&, Done)> run_dhcp;
    std::function<void(const machine::ReadRevocationLists&, Done)> read_lists;
    std::function<Now()> now;  // read_clocks() when there is none
  };

  // All of them outlive the driver.
  Driver(machine::Machine& machine, EventLoop& loop, Workers& workers, Host& host,
         RecordKeeper records, Datapath& datapath, Hooks hooks);
  // What is answered afterwards is dropped.
  ~Driver();
  Driver(const Driver&) = delete;
  Driver& operator=(const Driver&) = delete;

  // Starts the host and carries out what the machine wants from the beginning.
  void start();

  [[nodiscard]] Result<void, machine::OrderError> order(const machine::Order& order);
  // Runs `work` on the machine and carries out what it then wants: for what only a concrete
  // machine has, such as a new configuration.
  void with_machine(const std::function<void(Now)>& work);
  // As if the host had told it: SwitchLink hooks tell ApAttached and ApLost this way.
  void tell(const machine::HostEvent& event);

  struct Counters {
    std::uint64_t packets = 0;
    std::uint64_t actions = 0;
    std::uint64_t outcomes = 0;
    std::uint64_t outcomes_failed = 0;
  };
  [[nodiscard]] Counters counters() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace sendoff::net
