// Where things are in a capacity run, and how its nodes are configured: router n has the prefix
// 2001:db8:n::/64 and one access point, and knows its neighbours on a ring.
#pragma once

#include "mobile/config.h"
#include "router/config.h"
#include "sim/capacity.h"

namespace sendoff::sim::capacity {

enum class Station : std::uint8_t { kNet, kRouter, kAccessPoint, kMobile };

// 02:kind:number.
[[nodiscard]] LinkAddress station(Station kind, std::uint32_t number);
[[nodiscard]] std::uint32_t number_of(const LinkAddress& address);

[[nodiscard]] send::Identity router_identity(std::size_t router);
// Its neighbours on the ring, each once.
[[nodiscard]] std::vector<std::size_t> neighbours_of(const Plan& plan, std::size_t router);

// With `addresses` of all routers, in their order.
[[nodiscard]] router::Config router_config(const Plan& plan, std::size_t router,
                                           const std::vector<Ipv6Address>& addresses);
// The key is one of a pool; the modifier, and so every address, is the node's own.
[[nodiscard]] mobile::Config mobile_config(const std::shared_ptr<const crypto::SigningKey>& key,
                                           std::uint32_t mobile);

}  // namespace sendoff::sim::capacity
