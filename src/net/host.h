// The host as the driver sees it: sends packets, keeps addresses, routes and neighbours, and tells
// what arrives. LinuxHost (net/linux_host.h) is the real one; tests have theirs.
#pragma once

#include <functional>

#include "machine/machine.h"
#include "net/datapath.h"

namespace sendoff::net {

class Host {
 public:
  virtual ~Host() = default;

  // From then on packets and events are delivered, on the loop's thread and never from within a
  // call into the host. The first events tell the interfaces that are up.
  struct Sink {
    std::function<void(const machine::Received&)> packet;
    std::function<void(const machine::HostEvent&)> event;
    // Something an operator should know: "add 2001:db8::1 to eth0: No space left on device".
    std::function<void(const std::string&)> warning;
  };
  virtual void start(Sink sink) = 0;

  virtual void carry_out(const machine::Transmit& action) = 0;
  // On a packet that was delivered with a HoldId. A packet that is gone is nobody's loss.
  virtual void carry_out(const machine::Verdict& action) = 0;
  virtual void carry_out(const machine::SetProven& action) = 0;
  // Answered when DAD has ended (kNone and kOptimistic: when the address can be used).
  virtual void carry_out(const machine::AddAddress& action, Done done) = 0;
  virtual void carry_out(const machine::RemoveAddress& action, Done done) = 0;
  virtual void carry_out(const machine::SetRoute& action, Done done) = 0;
  virtual void carry_out(const machine::SetNeighbour& action, Done done) = 0;
  virtual void carry_out(const machine::SetProxy& action, Done done) = 0;
  virtual void carry_out(const machine::JoinGroup& action, Done done) = 0;

  using CounterVisitor = machine::Machine::CounterVisitor;
  virtual void counters(const CounterVisitor& visit) const = 0;
};

}  // namespace sendoff::net
