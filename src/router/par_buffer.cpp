// The previous access router: packets that wait for a binding (RFC 5568 4, 5.4; GF51, GF56).
#include "router/par.h"

namespace sendoff::router {

// A node that speaks from elsewhere is not reached where its packets go by now.
void Par::hold(const Update& update) {
  if (update.predictive() || update.fbu.lifetime_s == 0) return;
  const auto bound = bindings_.find(update.pcoa);
  const bool led_there = bound != bindings_.end() &&
                         (renewed_by(update) != nullptr || bound->second.ncoa == update.care_of);
  if (led_there || objection(update)) return;
  const auto buffer = buffers_.find(update.pcoa);
  const bool holds = buffer != buffers_.end() && !buffer->second.copies;
  const bool room =
      buffer != buffers_.end() || buffers_.size() < config_.previous_router.max_handovers;
  if (!holds && room) open_buffer(update.pcoa, update.holder, false);
}

void Par::open_buffer(const Ipv6Address& pcoa, InterfaceId interface, bool copies) {
  const auto [buffer, fresh] = buffers_.try_emplace(pcoa);
  buffer->second.copies = copies;
  buffer->second.reopened = !fresh;
  buffer->second.opening = outbox_.push(machine::OpenBuffer{pcoa, interface, copies});
  steps_.emplace(buffer->second.opening, Step{Step::Kind::kBuffering, pcoa, std::nullopt});
}

// Without a buffer the handover goes on, and loses what it would have held.
void Par::buffering(const Ipv6Address& pcoa, machine::ActionId opening, bool succeeded) {
  const auto buffer = buffers_.find(pcoa);
  if (succeeded || buffer == buffers_.end() || buffer->second.opening != opening) return;
  if (buffer->second.reopened) outbox_.push(machine::DiscardBuffer{pcoa});
  buffers_.erase(buffer);
}

// What waited goes where packets for the PCoA go by now, copies first; mere copies for nothing are
// dropped, as their originals went there.
void Par::settle_buffer(const Ipv6Address& pcoa) {
  const auto buffer = buffers_.find(pcoa);
  if (buffer == buffers_.end() || storing_.contains(pcoa)) return;
  const auto handover = handovers_.find(pcoa);
  if (handover != handovers_.end() && !handover->second.early) return;
  if (buffer->second.copies)
    outbox_.push(machine::DiscardBuffer{pcoa});
  else
    outbox_.push(machine::ReleaseBuffer{pcoa});
  buffers_.erase(buffer);
}

}  // namespace sendoff::router
