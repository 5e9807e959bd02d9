#include "nd/proven_neighbours.h"

namespace sendoff::nd {

void ProvenNeighbours::proved(const Neighbour& neighbour, bool answered, Instant now) {
  if (const auto known = heard_.find(neighbour); known != heard_.end()) {
    order_.erase({known->second, neighbour});
    order_.emplace(now, neighbour);
    known->second = now;
    return;
  }
  if (heard_.size() >= (answered ? max_entries_ : max_entries_ / 2)) {
    if (order_.empty() || now - order_.begin()->first < kPatience) return;
    forget(heard_.find(order_.begin()->second));
  }
  heard_.emplace(neighbour, now);
  order_.emplace(now, neighbour);
  outbox_.push(machine::SetProven{neighbour.interface, neighbour.address, true});
}

void ProvenNeighbours::drop(InterfaceId interface) {
  for (auto entry = heard_.begin(); entry != heard_.end();)
    entry = entry->first.interface == interface ? forget(entry) : std::next(entry);
}

ProvenNeighbours::Entry ProvenNeighbours::forget(Entry entry) {
  outbox_.push(machine::SetProven{entry->first.interface, entry->first.address, false});
  order_.erase({entry->second, entry->first});
  return heard_.erase(entry);
}

}  // namespace sendoff::nd
