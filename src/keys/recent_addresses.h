// The last few addresses that something happened to, for the operator's counters: the oldest leaves
// when a new one comes. Decides nothing.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <vector>

#include "keys/keyed_hash.h"

namespace sendoff::keys {

class RecentAddresses {
 public:
  RecentAddresses(std::size_t max, const KeyedHash& hash) : max_(max), places_(0, hash) {}

  void add(const Ipv6Address& address) {
    if (ring_.size() < max_) ring_.resize(ring_.size() + 1);
    // An address that came again since has a later place, and stays.
    const auto old = places_.find(ring_[next_]);
    if (old != places_.end() && old->second == next_) places_.erase(old);
    ring_[next_] = address;
    places_[address] = next_;
    next_ = (next_ + 1) % max_;
  }
  [[nodiscard]] bool contains(const Ipv6Address& address) const {
    return places_.contains(address);
  }

 private:
  std::size_t max_;
  std::size_t next_ = 0;
  std::vector<Ipv6Address> ring_;
  absl::flat_hash_map<Ipv6Address, std::size_t, KeyedHash> places_;
};

}  // namespace sendoff::keys
