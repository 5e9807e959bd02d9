// Who a node is on its links: the CGA key pair and the modifier found for it once, from which the
// address of any prefix follows (RFC 3972 4; one modifier for all prefixes, GS27).
#pragma once

#include <memory>

#include "base/address.h"
#include "cga/cga.h"
#include "crypto/rsa.h"

namespace sendoff::send {

struct Identity {
  std::shared_ptr<const crypto::SigningKey> key;
  cga::Modifier modifier{};
  std::uint8_t sec = 0;
  Bytes extensions;

  // Parameters of this node's CGA under the /64 that starts `prefix`. Prefixes longer than 64 bits
  // have none (RFC 3972 3).
  [[nodiscard]] cga::Parameters parameters(const Prefix& prefix,
                                           std::uint8_t collision_count = 0) const;
  [[nodiscard]] Ipv6Address address(const Prefix& prefix, std::uint8_t collision_count = 0) const;
};

// Whether both give the same addresses, by the same key.
[[nodiscard]] bool same(const Identity& a, const Identity& b);

// fe80::/64
[[nodiscard]] const Prefix& link_local_prefix();

// Whether `address` is a CGA of the key and modifier in `parameters` under its own /64, with
// collision count 0, 1 or 2 (GS27).
[[nodiscard]] bool is_sibling(const Ipv6Address& address, const cga::ParametersView& parameters);

}  // namespace sendoff::send
