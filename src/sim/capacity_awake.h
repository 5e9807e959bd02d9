// What a mobile node of a capacity run has while it is awake.
#pragma once

#include "sim/capacity_mobile.h"
#include "sim/capacity_places.h"

namespace sendoff::sim::capacity {

struct Traveller::Awake {
  // From the order, or from leaving a link without one, until the bindings are updated.
  struct Move {
    WorldTime left = kNoTime;
    bool acknowledged = false;  // by an FBack
    bool predictive = false;    // … before the link was left
    bool bound = false;         // a router forwards
    bool reached = false;       // packets for the old address arrive again
  };
  struct Address {
    Ipv6Address address;
    WorldTime ready;
    bool tentative = false;
  };

  Awake(const mobile::Config& config, Region& region, const std::string& name,
        machine::Snapshot snapshot)
      : random(region.plan().seed, name),
        machine(config, std::move(snapshot), random, region.now()) {}

  Octets random;
  mobile::Mobile machine;
  std::vector<Address> addresses;
  std::vector<machine::JobId> cancelled;
  std::optional<Move> move;
  std::optional<std::size_t> target;
  WorldTime wakes = kNoTime;
  unsigned orders = 0;
  bool plugged = false;
  bool keyed = false;  // since it came to this link
  bool pumping = false;
};

template <typename Deed>
void Traveller::later(Duration delay, Deed deed) {
  region_.queue().after(delay, [this, life = life_, deed = std::move(deed)]() mutable {
    if (life == life_) deed();
  });
}

}  // namespace sendoff::sim::capacity
