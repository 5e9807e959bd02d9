// A data path that moves packets, as the daemon holds it. Which one it is, the machines never know.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "datapath/config.h"
#include "machine/machine.h"
#include "net/datapath.h"
#include "net/doctor.h"
#include "net/event_loop.h"

namespace sendoff::datapath {

class Backend : public net::Datapath {
 public:
  [[nodiscard]] virtual std::string_view name() const = 0;  // "bpf"

  // Something an operator should know; called on the loop's thread.
  using Warning = std::function<void(const std::string&)>;
  // Serves from then on. Nothing is carried out before.
  virtual void start(Warning warning) = 0;

  using CounterVisitor = machine::Machine::CounterVisitor;
  virtual void counters(const CounterVisitor& visit) const = 0;
};

// Opens the backend that is chosen: the fastest that this host offers where the choice is left. To
// be called as root, before privileges are dropped. An error names all that did not open, and why.
[[nodiscard]] net::Attempt<std::unique_ptr<Backend>> open(net::EventLoop& loop,
                                                          const Config& config);

// Which backend open() would take and why not a faster one, for `sendoff doctor`. Nothing of it
// stays.
[[nodiscard]] std::vector<net::Finding> examine();

}  // namespace sendoff::datapath
