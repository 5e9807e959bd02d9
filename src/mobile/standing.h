// Where the node stands: what an FBU leaves from.
#pragma once

#include <optional>

#include "base/address.h"
#include "base/ids.h"

namespace sendoff::mobile {

struct Standing {
  InterfaceId interface;
  LinkAddress link_address;              // ours
  Ipv6Address address;                   // care-of address in use on this link
  std::optional<LinkAddress> first_hop;  // the router's, when it is known already
  std::optional<Ipv6Address> ar;         // global address of the router
  std::optional<Prefix> prefix;          // of its link

  // Whether a care-of address that was asked for belongs here.
  [[nodiscard]] bool on_link_of(const Ipv6Address& care_of,
                                const std::optional<Ipv6Address>& router) const {
    return (prefix && prefix->contains(care_of)) || (ar && router == ar);
  }
};

}  // namespace sendoff::mobile
