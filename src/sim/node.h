// One node: a machine on a virtual host, with a clock, a store and workers of its own. It is what a
// daemon's driver is to the same machine, and it can crash.
#pragma once

#include <functional>
#include <map>
#include <memory>

#include "sim/host.h"
#include "sim/store.h"

namespace sendoff::sim {

class Node {
 public:
  struct Parts {
    std::string name;
    LinkAddress link_address;
    Clock clock;
    Plane::Limits limits = {};
    std::function<void(const Packet&)> uplink = {};  // of a router
    std::function<void(ByteView)> datagram = {};     // for the node's programs
    std::size_t first_pair = 0;                      // its share of the decryption keys
    std::size_t pairs = 0;
  };
  Node(Context& context, Parts parts);
  virtual ~Node() = default;
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  [[nodiscard]] const std::string& name() const { return parts_.name; }
  [[nodiscard]] Now now() const { return parts_.clock.at(context_.queue.now()); }
  // How far its UTC clock was set, there and back: so wrong a restart may be about lifetimes.
  [[nodiscard]] Duration stepped() const { return stepped_; }
  [[nodiscard]] Host& host() { return host_; }
  [[nodiscard]] const Host& host() const { return host_; }
  [[nodiscard]] bool running() const { return machine_ != nullptr; }
  [[nodiscard]] const Store& store() const { return store_; }
  // Which decryption keys are this node's: [first, first + count).
  [[nodiscard]] bool owns_pair(std::size_t number) const {
    return number >= parts_.first_pair && number < parts_.first_pair + parts_.pairs;
  }

  void start();
  void crash(bool lose_store);
  void step_clock(Duration by);

  void receive(const machine::Received& received);
  void tell(const machine::HostEvent& event);
  [[nodiscard]] Result<void, machine::OrderError> order(const machine::Order& order);

  // What happened to it, for whoever drives it: the user of a mobile node, an attacker.
  std::function<void(const machine::Event&)> on_report;

 protected:
  [[nodiscard]] virtual std::unique_ptr<machine::Machine> build(machine::Snapshot snapshot,
                                                                Random& random, Now now) = 0;
  virtual void switch_link(const LinkAddress& access_point, Host::Done done);
  // The host knows its interface when the program starts.
  virtual void tell_interfaces() = 0;

  Context& context_;
  Dice dice_;

 private:
  void pump();
  void wake();
  void carry_out(machine::ActionId id, machine::ActionKind& what);
  void answer(machine::ActionId id, Host::Answer result);
  [[nodiscard]] Host::Done owe(machine::ActionId id);
  void start_job(machine::Start start);
  void end_job(machine::JobId id);
  [[nodiscard]] Result<machine::JobOutput, machine::JobError> run(const machine::Job& job);
  void write(Queue::Deed deed);
  void persist(machine::ActionId id, const machine::Record& record);
  [[nodiscard]] bool may_be_refused(const machine::ActionKind& what) const;
  void later(Duration delay, Queue::Deed deed);

  Parts parts_;
  Octets random_;
  Store store_;
  Host host_;
  std::unique_ptr<machine::Machine> machine_;
  std::map<machine::JobId, machine::Start> jobs_;
  std::uint64_t life_ = 0;  // another one after each crash
  WorldTime wakes_ = kNoTime;
  WorldTime store_busy_until_{};
  Duration stepped_{};
  std::size_t pairs_made_ = 0;
  bool pumping_ = false;
};

}  // namespace sendoff::sim
