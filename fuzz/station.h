// One machine on a host that does what it is told: keeps its records, runs its jobs, collects what
// it sends. What the host does late, or not at all, an input decides.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>

#include "fast_crypto.h"
#include "machine/machine.h"
#include "sim/dice.h"

namespace sendoff::fuzz {

class Station {
 public:
  using Build = std::function<std::unique_ptr<machine::Machine>(machine::Snapshot, Random&, Now)>;

  Station(FastCrypto& crypto, std::string_view name, Build build);

  [[nodiscard]] machine::Machine& machine() { return *machine_; }
  [[nodiscard]] const machine::Machine& machine() const { return *machine_; }

  // A new machine from what was stored; its jobs and outcomes are gone.
  void restart();

  void receive(const machine::Received& received);
  void tell(const machine::HostEvent& event);
  void order(const machine::Order& order);
  void change(const std::function<void(machine::Machine&)>& what);
  void tick();

  // While held, jobs and outcomes wait in `jobs` and `owed`.
  bool hold = false;
  // Ends one that waits, counted from the oldest modulo their number; nothing without any.
  void end_job(std::size_t index, bool well);
  void give_outcome(std::size_t index, bool well);
  void settle();

  Now now{Instant(seconds(1000)), UtcTime(seconds(1'800'000'000))};
  std::deque<machine::Transmit> sent;
  std::deque<machine::Start> jobs;
  std::deque<machine::Action> owed;
  std::map<machine::RecordName, machine::Record> records;
  // Of the last SwitchLink.
  std::optional<LinkAddress> link_wanted;

 private:
  void pump();
  void carry_out(machine::Action action);
  void run(const machine::Start& start);
  void answer(const machine::Action& action, bool well);
  [[nodiscard]] std::vector<machine::Record> find(const machine::RecordName& name) const;

  FastCrypto& crypto_;
  Build build_;
  sim::Octets random_;
  std::unique_ptr<machine::Machine> machine_;
  bool pumping_ = false;
};

}  // namespace sendoff::fuzz
