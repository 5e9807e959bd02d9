// Hashes. The algorithms are fetched from OpenSSL once, contexts live as long as their thread.
#pragma once

#include <array>

#include "base/bytes.h"

namespace sendoff::crypto {

using Sha1Digest = std::array<std::uint8_t, 20>;
using Sha256Digest = std::array<std::uint8_t, 32>;

[[nodiscard]] Sha1Digest sha1(ByteView octets);
// Over the concatenation of the pieces.
[[nodiscard]] Sha1Digest sha1(std::initializer_list<ByteView> pieces);
[[nodiscard]] Sha256Digest sha256(ByteView octets);
[[nodiscard]] Sha256Digest sha256(std::initializer_list<ByteView> pieces);

// For the SKI name types 4 to 7 of RFC 6495.
[[nodiscard]] Bytes sha224(ByteView octets);
[[nodiscard]] Bytes sha384(ByteView octets);
[[nodiscard]] Bytes sha512(ByteView octets);

}  // namespace sendoff::crypto
