// X.501 Names (RFC 5280 7.1): comparison and text.
#pragma once

#include <string>

#include "base/bytes.h"

namespace sendoff::pki {

// Attribute by attribute, ignoring case, spacing and string type; false where one is no DER Name.
[[nodiscard]] bool names_match(ByteView a, ByteView b);

// RFC 2253 text with controls and non-ASCII escaped, so that a hostile name cannot steer a
// terminal; empty when `name` is no DER Name.
[[nodiscard]] std::string name_text(ByteView name);

}  // namespace sendoff::pki
