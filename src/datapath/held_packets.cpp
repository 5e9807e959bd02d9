#include "datapath/held_packets.h"

namespace sendoff::datapath {

bool HeldPackets::open(const Ipv6Address& address, Kind kind) {
  if (const auto found = queues_.find(address); found != queues_.end()) {
    Queue& queue = found->second;
    if (kind == Kind::kCopies && queue.kind != kind) return false;
    cancel(address, queue);
    queue.drain.reset();
    queue.kind = kind;
    return true;
  }
  if (queues_.size() >= limits_.addresses) return false;
  queues_[address].kind = kind;
  return true;
}

bool HeldPackets::takes(const Ipv6Address& address, Kind kind) const {
  const auto found = queues_.find(address);
  return found != queues_.end() && found->second.kind == kind;
}

// They are the first ones: copying never begins behind an original.
std::size_t HeldPackets::drop_copies(const Ipv6Address& address) {
  const auto found = queues_.find(address);
  if (found == queues_.end()) return 0;
  Queue& queue = found->second;
  std::size_t dropped = 0;
  cancel(address, queue);
  for (; !queue.packets.empty() && queue.packets.front().kind == Kind::kCopies; ++dropped) {
    const std::size_t size = queue.packets.front().octets.size();
    queue.packets.pop_front();
    --packets_;
    octets_ -= size;
    queue.octets -= size;
  }
  appoint(address, queue);
  return dropped;
}

std::size_t HeldPackets::close(const Ipv6Address& address) {
  const auto found = queues_.find(address);
  if (found == queues_.end()) return 0;
  cancel(address, found->second);
  const std::size_t dropped = found->second.packets.size();
  packets_ -= dropped;
  octets_ -= found->second.octets;
  queues_.erase(found);
  return dropped;
}

void HeldPackets::release(const Ipv6Address& address, Instant now) {
  const auto found = queues_.find(address);
  if (found == queues_.end() || found->second.drain) return;
  found->second.drain.emplace(now);
  found->second.since_release = {};
  appoint(address, found->second);
}

bool HeldPackets::is_empty(const Ipv6Address& address) const {
  const auto found = queues_.find(address);
  return found == queues_.end() || found->second.packets.empty();
}

HeldPackets::Held HeldPackets::hold(const Ipv6Address& address, Instant now, Bytes packet) {
  const auto found = queues_.find(address);
  if (found == queues_.end()) return Held::kNoBuffer;
  Queue& queue = found->second;
  // What arrives counts for the pace, whether there is room for it or not.
  queue.entry.arrived(now);
  queue.since_release.arrived(now);
  if (queue.packets.size() >= limits_.packets_per_address || packets_ >= limits_.packets ||
      packet.size() >
          limits_.octets_per_address - std::min(queue.octets, limits_.octets_per_address) ||
      packet.size() > limits_.octets - std::min(octets_, limits_.octets))
    return Held::kOverflow;
  queue.octets += packet.size();
  octets_ += packet.size();
  ++packets_;
  queue.packets.push_back({queue.kind, std::move(packet), queue.entry.gap()});
  if (queue.packets.size() == 1) appoint(address, queue);
  return Held::kHeld;
}

std::optional<HeldPackets::Due> HeldPackets::take_due(Instant now) {
  if (appointments_.empty() || appointments_.begin()->first > now) return std::nullopt;
  const Ipv6Address address = appointments_.begin()->second;
  appointments_.erase(appointments_.begin());
  Queue& queue = queues_.find(address)->second;
  Due due{address, std::move(queue.packets.front().octets)};
  queue.packets.pop_front();
  --packets_;
  octets_ -= due.packet.size();
  queue.octets -= due.packet.size();
  const auto entry_gap =
      queue.packets.empty() ? queue.entry.gap() : queue.packets.front().entry_gap;
  queue.drain->sent(now, entry_gap, queue.since_release.gap_now(now));
  appoint(address, queue);
  return due;
}

Instant HeldPackets::next_due() const {
  return appointments_.empty() ? kNever : appointments_.begin()->first;
}

void HeldPackets::appoint(const Ipv6Address& address, const Queue& queue) {
  if (queue.drain && !queue.packets.empty()) appointments_.emplace(queue.drain->due(), address);
}

void HeldPackets::cancel(const Ipv6Address& address, const Queue& queue) {
  if (queue.drain) appointments_.erase({queue.drain->due(), address});
}

}  // namespace sendoff::datapath
