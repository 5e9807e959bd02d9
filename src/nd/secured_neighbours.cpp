#include "nd/secured_neighbours.h"

namespace sendoff::nd {

// How late the kernel's news of an entry may come.
static constexpr Duration kNewsDelay = seconds(1);

std::optional<SecuredNeighbours::Neighbour> SecuredNeighbours::note(const Neighbour& neighbour,
                                                                    Instant now) {
  if (const auto known = noted_.find(neighbour); known != noted_.end()) erase(known);
  std::optional<Neighbour> evicted;
  if (noted_.size() >= max_entries_ && !order_.empty()) {
    evicted = order_.begin()->second;
    erase(noted_.find(*evicted));
  }
  noted_.emplace(neighbour, now);
  order_.emplace(now, neighbour);
  return evicted;
}

void SecuredNeighbours::gone(const Neighbour& neighbour, Instant now) {
  const auto known = noted_.find(neighbour);
  if (known == noted_.end() || now - known->second <= kNewsDelay) return;
  erase(known);
  // Bounded; whoever is forgotten so is but asked for among strangers.
  if (former_.size() >= max_entries_) former_.clear();
  former_.insert(neighbour);
}

void SecuredNeighbours::drop(InterfaceId interface) {
  std::erase_if(former_, [&](const Neighbour& each) { return each.interface == interface; });
  for (auto entry = noted_.begin(); entry != noted_.end();) {
    const auto next = std::next(entry);
    if (entry->first.interface == interface) erase(entry);
    entry = next;
  }
}

std::vector<Ipv6Address> SecuredNeighbours::of(InterfaceId interface, std::size_t most) const {
  std::vector<Ipv6Address> addresses;
  for (auto entry = noted_.lower_bound({interface, Ipv6Address{}});
       entry != noted_.end() && entry->first.interface == interface && addresses.size() < most;
       ++entry)
    addresses.push_back(entry->first.address);
  return addresses;
}

void SecuredNeighbours::erase(std::map<Neighbour, Instant>::iterator entry) {
  order_.erase({entry->second, entry->first});
  noted_.erase(entry);
}

}  // namespace sendoff::nd
