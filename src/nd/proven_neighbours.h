// The neighbours of whom a secured message was accepted. What strangers send or ask must not take
// their place: what they send waits in a line of its own (machine::SetProven), and so does what
// the kernel says to them (KernelSigner). Bounded, and whoever was here first stays while he is
// heard, so that no flood of good messages by thousands of keys drives a neighbour out; a half of
// the places is for those who answered a question of ours, which nobody can do unasked.
#pragma once

#include <map>
#include <set>

#include "base/address.h"
#include "base/ids.h"
#include "base/time.h"
#include "machine/outbox.h"

namespace sendoff::nd {

struct Neighbour {
  InterfaceId interface;
  Ipv6Address address;
  friend auto operator<=>(const Neighbour&, const Neighbour&) = default;
};

class ProvenNeighbours {
 public:
  // After which silence he gives way to another, should there be no place else.
  static constexpr Duration kPatience = seconds(600);

  ProvenNeighbours(std::size_t max_entries, machine::Outbox& outbox)
      : max_entries_(max_entries), outbox_(outbox) {}

  [[nodiscard]] bool contains(const Neighbour& neighbour) const {
    return heard_.contains(neighbour);
  }
  // A secured message of his was accepted, an answer or not. Without a place for him he stays a
  // stranger.
  void proved(const Neighbour& neighbour, bool answered, Instant now);
  void drop(InterfaceId interface);
  [[nodiscard]] std::size_t size() const { return heard_.size(); }

 private:
  using Entry = std::map<Neighbour, Instant>::iterator;
  Entry forget(Entry entry);

  std::size_t max_entries_;
  machine::Outbox& outbox_;
  std::map<Neighbour, Instant> heard_;  // when last
  std::set<std::pair<Instant, Neighbour>> order_;
};

}  // namespace sendoff::nd
