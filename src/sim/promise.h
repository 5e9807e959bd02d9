// What must hold in every run. A promise sees all that happens and knows what no node knows: who
// owns which address, which key was made for whom, which datagram was meant for whom. The first
// one that is broken ends the run.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "machine/action.h"
#include "machine/input.h"
#include "sim/clock.h"
#include "sim/packet.h"

namespace sendoff::sim {

class Node;
class World;

struct Violation {
  std::string promise;
  std::string text;
  WorldTime at{};
};

class Promise {
 public:
  explicit Promise(World& world) : world_(world) {}
  virtual ~Promise() = default;
  [[nodiscard]] virtual std::string_view name() const = 0;

  // A machine wants this; it is not done yet.
  virtual void asked(const Node&, const machine::ActionKind&) {}
  // A packet is handed to a machine.
  virtual void heard(const Node&, const machine::Received&) {}
  virtual void job_ended(const Node&, const machine::Job&, const machine::JobOutput&) {}
  virtual void crashed(const Node&, bool /*store_lost*/) {}
  // A stream's datagrams. `copied`: the world itself made another one of it.
  virtual void emitted(const Mark&, const Ipv6Address& /*destination*/) {}
  virtual void copied(const Mark&) {}
  virtual void delivered(const Node&, const Mark&) {}
  virtual void echoed(const Mark&) {}
  // A packet between routers, in more than one tunnel.
  virtual void tunnelled(ByteView) {}
  // Once a second of world time; then the nodes' tables are looked at.
  virtual void second() {}
  // The faults have stopped.
  virtual void calmed() {}
  virtual void ended() {}

 protected:
  void broken(const std::string& text);
  World& world_;
};

// All of them, in the order in which they are asked.
[[nodiscard]] std::vector<std::unique_ptr<Promise>> make_promises(World& world);

}  // namespace sendoff::sim
