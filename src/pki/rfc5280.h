// What RFC 5280 6.1 alone demands of a certification path: times, names, signatures, path lengths,
// name constraints, policies, critical extensions. What SEND demands besides, of a certificate by
// itself and of its addresses, is in profile.h and path.cpp; revocation (6.3) in revocation.h.
#pragma once

#include <span>

#include "base/result.h"
#include "pki/decoded.h"

namespace sendoff::pki {

// Whether `at` is within the period of validity, whose last second belongs to it (4.1.2.5):
// kNotYetValid, kExpired.
[[nodiscard]] Result<void, PathError> check_time(const Decoded& certificate, UtcTime at);

// Whether `certificate` names `issuer`, by name (6.1.3(a)(4)) and by the identifier of its key
// where both say one: kSignature. Proves nothing.
[[nodiscard]] Result<void, PathError> check_chaining(const Decoded& issuer,
                                                     const Decoded& certificate);

// Whether addresses within the issuer's (RFC 3779 2.3) are judged here as well. AS numbers always
// are.
enum class Addresses : std::uint8_t { kJudged, kLeftToCaller };

// `path` goes from what `anchor` issued to the certificate in question, in this order and no other,
// and is judged with any policy acceptable. Of the anchor name, key, CA marks and time count; its
// own signature proves nothing, and is not looked at. Cheap checks come first, RSA last. All errors
// that say what is wrong with a path; what has no name of its own is kProfile.
[[nodiscard]] Result<void, PathError> validate_rfc5280(const Decoded& anchor,
                                                       std::span<const Decoded> path, UtcTime at,
                                                       Addresses addresses);

}  // namespace sendoff::pki
