#include "sim/neighbours.h"

#include <utility>

namespace sendoff::sim {

namespace {

constexpr Duration kReachable = seconds(30);
constexpr Duration kRetransmit = seconds(1);
constexpr unsigned kProbes = 3;
constexpr std::size_t kMostWaiting = 64;
constexpr std::size_t kMostEntries = 1024;

}  // namespace

void Neighbours::send_to(const Ipv6Address& neighbour, const Packet& packet) {
  const auto found = entries_.find(neighbour);
  if (found == entries_.end() && entries_.size() >= kMostEntries) return;
  Entry& entry = found == entries_.end() ? entries_[neighbour] : found->second;
  if (!entry.link_address) {
    if (entry.waiting.size() >= kMostWaiting) entry.waiting.erase(entry.waiting.begin());
    entry.waiting.push_back(packet);
    if (entry.probing == 0) probe(neighbour, entry);
    return;
  }
  hooks_.send(*entry.link_address, packet);
  if (entry.probing == 0 && queue_.now() - entry.confirmed > kReachable) probe(neighbour, entry);
}

void Neighbours::probe(const Ipv6Address& neighbour, Entry& entry) {
  entry.probing = ++last_probe_;
  ++entry.probes;
  hooks_.solicit(neighbour, entry.link_address);
  queue_.after(kRetransmit, [this, neighbour, number = entry.probing] {
    const auto found = entries_.find(neighbour);
    if (found == entries_.end() || found->second.probing != number) return;
    if (found->second.probes < kProbes) return probe(neighbour, found->second);
    remove(neighbour);
  });
}

void Neighbours::settle(const Ipv6Address& neighbour, Entry& entry,
                        const LinkAddress& link_address) {
  const bool news = entry.link_address != link_address;
  entry.link_address = link_address;
  const std::vector<Packet> waiting = std::exchange(entry.waiting, {});
  if (news) hooks_.changed(neighbour, link_address);
  for (const Packet& packet : waiting) hooks_.send(link_address, packet);
}

void Neighbours::set(const Ipv6Address& neighbour, const LinkAddress& link_address) {
  Entry& entry = entries_[neighbour];
  entry.confirmed = queue_.now();
  entry.probes = 0;
  entry.probing = 0;
  settle(neighbour, entry, link_address);
}

void Neighbours::remove(const Ipv6Address& neighbour) {
  if (entries_.erase(neighbour) > 0) hooks_.changed(neighbour, std::nullopt);
}

void Neighbours::hear(const Ipv6Address& neighbour, const Heard& heard) {
  const auto found = entries_.find(neighbour);
  if (found == entries_.end()) {
    if (heard.solicitation && entries_.size() < kMostEntries)
      settle(neighbour, entries_[neighbour], heard.link_address);
    return;
  }
  Entry& entry = found->second;
  const bool same = entry.link_address == heard.link_address;
  if (entry.link_address && !same && !heard.overrides && !heard.solicitation) return;
  if (heard.solicited) {
    entry.confirmed = queue_.now();
    entry.probes = 0;
    entry.probing = 0;
  } else if (!same) {
    entry.confirmed = queue_.now() - kReachable - seconds(1);
    entry.probes = 0;
    entry.probing = 0;
  }
  settle(neighbour, entry, heard.link_address);
}

void Neighbours::flush() { entries_.clear(); }

}  // namespace sendoff::sim
