// Hash2 of RFC 3972 2 and 4 step 2 by itself, for verification, search and tests.
#pragma once

#include "cga/cga.h"

namespace sendoff::cga {

using Hash2 = std::array<std::uint8_t, 14>;  // the leftmost 112 bits of SHA-1

[[nodiscard]] Hash2 hash2(const Modifier& modifier, ByteView public_key, ByteView extensions);

// True when the 16*sec leftmost bits are zero: Sec 0 asks for none, Sec 7 for all.
[[nodiscard]] bool leading_zeros(const Hash2& hash, std::uint8_t sec);

}  // namespace sendoff::cga
