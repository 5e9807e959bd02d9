// What a certificate of a path must look like by itself (RFC 6494 on RFC 6487 section 4; GS18 to
// GS22). Signatures, names and nesting are the path's business.
#pragma once

#include "base/result.h"
#include "pki/decoded.h"

namespace sendoff::pki {

enum class Place : std::uint8_t { kCa, kRouter };

// Everything but the address blocks' contents. Does no cryptography beyond one SHA-1 over the key.
[[nodiscard]] Result<void, PathError> check_profile(const Decoded& certificate, Place place,
                                                    const Policy& policy);

// Algorithm, size and exponent of the key (GS21): kKeyPolicy.
[[nodiscard]] Result<void, PathError> check_key(ByteView spki, const Policy& policy);

// What can be asked of a configured anchor: v3 and marked as a CA (kProfile, kNotCa).
[[nodiscard]] Result<void, PathError> check_anchor(const Decoded& certificate);

}  // namespace sendoff::pki
