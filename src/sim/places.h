// Where things are in every world: prefixes, link-layer addresses, keys and certificates. Fixed, so
// that a trace reads the same everywhere: router n has the prefix 2001:db8:n::/64.
#pragma once

#include <memory>
#include <vector>

#include "pki/certificate.h"
#include "send/identity.h"
#include "sim/packet.h"

namespace sendoff::sim {

inline constexpr std::size_t kCorrespondents = 100;  // a place of the core, beside the routers' own

[[nodiscard]] Prefix access_prefix(std::size_t router);
[[nodiscard]] Prefix correspondent_prefix();
[[nodiscard]] Ipv6Address correspondent(std::size_t stream);
[[nodiscard]] LinkAddress router_link_address(std::size_t router);
[[nodiscard]] LinkAddress access_point(std::size_t router);
[[nodiscard]] LinkAddress mobile_link_address(std::size_t mobile);
[[nodiscard]] LinkAddress attacker_link_address(std::size_t router);

[[nodiscard]] send::Identity router_identity(std::size_t router);
[[nodiscard]] send::Identity mobile_identity(std::size_t mobile);
inline constexpr std::size_t kStrangers = 2;
inline constexpr std::size_t kStrangerCgas = 32;  // under one prefix, of each
// Nobody's: of attackers that make addresses of their own. `number` below kStrangers, `cga` below
// kStrangerCgas.
[[nodiscard]] send::Identity stranger_identity(std::size_t number, std::size_t cga = 0);

[[nodiscard]] const pki::TrustAnchor& anchor();
[[nodiscard]] const std::vector<Bytes>& certification_path(std::size_t router);
// What nodes of keys as small as these must accept.
[[nodiscard]] pki::Policy policy();

}  // namespace sendoff::sim
