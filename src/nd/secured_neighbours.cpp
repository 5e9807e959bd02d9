#include "nd/secured_neighbours.h"

namespace sendoff::nd {

// How late the kernel's news of an entry may come.
static constexpr Duration kNewsDelay = seconds(1);

std::optional<Neighbour> SecuredNeighbours::note(const Neighbour& neighbour, bool proven,
                                                 Instant now) {
  if (const auto known = noted_.find(neighbour); known != noted_.end()) erase(known);
  std::optional<Neighbour> evicted;
  if (noted_.size() >= max_entries_ && !order_.empty()) {
    evicted = std::get<Neighbour>(*order_.begin());
    erase(noted_.find(*evicted));
  }
  const auto entry = noted_.emplace(neighbour, Noted{proven, now}).first;
  order_.insert(order_of(*entry));
  return evicted;
}

void SecuredNeighbours::gone(const Neighbour& neighbour, Instant now) {
  const auto known = noted_.find(neighbour);
  if (known == noted_.end() || now - known->second.heard <= kNewsDelay) return;
  erase(known);
}

void SecuredNeighbours::drop(InterfaceId interface) {
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

void SecuredNeighbours::erase(Entry entry) {
  order_.erase(order_of(*entry));
  noted_.erase(entry);
}

}  // namespace sendoff::nd
