// What the host's neighbour cache holds on the links that we serve, as it is told of it: whose
// link-layer address an address has. Bounded; what does not fit is not known.
#pragma once

#include <map>
#include <optional>

#include "base/address.h"
#include "base/ids.h"
#include "machine/input.h"

namespace sendoff::router {

class NeighbourTable {
 public:
  static constexpr std::size_t kMaxEntries = 65'536;

  void observe(const machine::NeighbourChanged& change) {
    const Key key{change.interface, change.address};
    if (!change.link_address || change.link_address->empty())
      entries_.erase(key);
    else if (entries_.size() < kMaxEntries || entries_.contains(key))
      entries_[key] = *change.link_address;
  }
  void forget(InterfaceId interface) {
    std::erase_if(entries_, [&](const auto& entry) { return entry.first.first == interface; });
  }
  [[nodiscard]] std::optional<LinkAddress> find(InterfaceId interface,
                                                const Ipv6Address& address) const {
    const auto found = entries_.find({interface, address});
    if (found == entries_.end()) return std::nullopt;
    return found->second;
  }

 private:
  using Key = std::pair<InterfaceId, Ipv6Address>;
  std::map<Key, LinkAddress> entries_;
};

}  // namespace sendoff::router
