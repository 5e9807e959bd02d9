// Which care-of address the node would have behind an access point (RFC 5568 3.3, 5.2, 5.3), and
// how an address of its own was made.
#pragma once

#include <optional>

#include "mobile/neighbourhood.h"
#include "send/identity.h"

namespace sendoff::mobile {

// What the router supplied, else our CGA under the told prefix (GF21), two SHA-1 blocks; nothing
// without a prefix, or when it is longer than 64 bits (FH-5.3-02).
[[nodiscard]] std::optional<Ipv6Address> prospective_care_of(const AccessPoint& access_point,
                                                             const send::Identity& identity);

// The parameters that made `address`, with collision count 0, 1 or 2; nothing when it is not a CGA
// of this identity.
[[nodiscard]] std::optional<cga::Parameters> own_parameters(const send::Identity& identity,
                                                            const Ipv6Address& address);

}  // namespace sendoff::mobile
