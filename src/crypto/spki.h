// Building the SubjectPublicKeyInfo of an RSA key; reading one is RsaPublicKey::parse (rsa.h).
#pragma once

#include "base/bytes.h"

namespace sendoff::crypto {

// DER, rsaEncryption with NULL parameters. Both numbers big endian and not empty.
[[nodiscard]] Bytes emit_spki(ByteView modulus, ByteView exponent);

}  // namespace sendoff::crypto
