// From rtnetlink messages to values. Nothing where the message is of another family, or lacks what
// the value needs. For netlink.cpp.
#pragma once

#include <optional>

#include "net/netlink.h"

namespace sendoff::net {

[[nodiscard]] std::optional<LinkInfo> parse_link(const nlmsghdr* message);
[[nodiscard]] std::optional<AddressInfo> parse_address(const nlmsghdr* message);
// Routes with our protocol in the main table only.
[[nodiscard]] std::optional<RouteInfo> parse_our_route(const nlmsghdr* message);
// Rules with our protocol that refuse packets from one address.
[[nodiscard]] std::optional<Ipv6Address> parse_our_refusal(const nlmsghdr* message);
[[nodiscard]] std::optional<ForwardingInfo> parse_forwarding(const nlmsghdr* message);
[[nodiscard]] std::optional<NeighbourInfo> parse_neighbour(const nlmsghdr* message);

}  // namespace sendoff::net
