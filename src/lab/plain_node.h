// The MN of mode plain: the kernel's IPv6, and what a good connection manager does when the link is
// back: flush what belongs to the old link, ask for routers, tell the new address.
#pragma once

#include <memory>

#include "lab/network.h"

namespace sendoff::lab {

// Waits until duplicate address detection is over for all of the MN's addresses, as it is at a node
// that has been on its link for a while.
[[nodiscard]] Attempt<> wait_for_settled_addresses(const Network& network, Duration patience);

class PlainNode {
 public:
  [[nodiscard]] static Attempt<std::unique_ptr<PlainNode>> start(const Network& network);
  ~PlainNode();
  PlainNode(const PlainNode&) = delete;
  PlainNode& operator=(const PlainNode&) = delete;

  // Waits for an address in the prefix of `side` that can be used, optimistic or not.
  [[nodiscard]] Attempt<Ipv6Address> wait_for_address(Side side, Duration patience);
  // The link is up at `side`: flushes the rest, solicits.
  [[nodiscard]] Attempt<> arrive(Side side);

 private:
  struct State;
  explicit PlainNode(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace sendoff::lab
