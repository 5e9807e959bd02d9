// ESP (src/esp) as a part of the router machine: what the associations want stored becomes Persist
// actions, what they have to tell becomes events.
#pragma once

#include <map>

#include "esp/associations.h"
#include "machine/input.h"
#include "machine/outbox.h"
#include "machine/rate.h"
#include "router/config.h"

namespace sendoff::router {

class EspPeers {
 public:
  explicit EspPeers(machine::Outbox& outbox) : outbox_(outbox) {}

  // What the last run stored, before the first configure().
  void restore(const machine::EspCounter& counter) { associations_.restore(counter); }
  void configure(Now now, const Config& config);

  // As esp::Associations. A refusal is reported as an event that says why, at a bounded rate.
  [[nodiscard]] Result<Bytes, esp::Refusal> seal(Now now, const Neighbour& peer,
                                                 ByteView mobility_header);
  [[nodiscard]] Result<esp::Associations::Opened, esp::Drop> open(Now now,
                                                                  const wire::PacketView& packet);

  [[nodiscard]] bool owns(machine::ActionId action) const { return writes_.contains(action); }
  void outcome(Now now, const machine::Outcome& outcome);
  [[nodiscard]] Instant next_deadline() const { return associations_.next_deadline(); }
  void tick(Now now);
  // Before the end of the process: what would be stored soon is stored now.
  void flush(Now now);

  [[nodiscard]] const Counters<esp::Count>& counters() const { return associations_.counters(); }
  [[nodiscard]] std::vector<esp::Associations::PairStatus> status() const {
    return associations_.status();
  }

 private:
  // Carries out what the associations wish; after every call of theirs.
  void serve();
  void carry_out(const esp::Associations::Store& store);
  void carry_out(const esp::Associations::SequenceWarning& warning);
  void carry_out(const esp::AuditLog::Line& line);

  machine::Outbox& outbox_;
  esp::Associations associations_;
  std::size_t path_mtu_ = esp::kPathMtu;
  std::map<machine::ActionId, esp::SequenceName> writes_;  // that the store has not answered
  machine::TokenBucket refusal_reports_{1, 5};
};

}  // namespace sendoff::router
