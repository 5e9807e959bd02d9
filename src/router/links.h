// The interfaces that the router serves, as they are at the moment: link state and which of its
// addresses are ready.
#pragma once

#include <optional>
#include <vector>

#include "base/address.h"
#include "base/time.h"
#include "router/config.h"

namespace sendoff::router {

// One of our CGAs: DAD may move it to another collision count (RFC 3972 4).
struct OwnAddress {
  Prefix prefix;
  std::uint8_t collision_count = 0;
  Ipv6Address address;
  bool ready = false;
  std::uint8_t collisions = 0;  // since the link came up
  bool given_up = false;        // three of them (RFC 3972 4 step 7)
  Instant try_again = kNever;   // for all that
};

struct ServedLink {
  Interface config;
  bool up = false;
  LinkAddress link_address;
  std::uint32_t mtu = 1500;
  bool forwarding = true;  // else it is nobody's default router
  OwnAddress link_local;
  std::vector<OwnAddress> global;  // in the order of config.prefixes

  [[nodiscard]] bool ready() const { return up && link_local.ready; }
  // Ours and ready.
  [[nodiscard]] bool holds(const Ipv6Address& address) const;
  [[nodiscard]] bool on_link(const Ipv6Address& address) const;
};

// Stands for the vector of all of them, in the order of the configuration.
[[nodiscard]] const ServedLink* find_link(const std::vector<ServedLink>& links, InterfaceId id);
// The link that holds this global address of ours.
[[nodiscard]] const ServedLink* find_holder(const std::vector<ServedLink>& links,
                                            const Ipv6Address& address);

}  // namespace sendoff::router
