// The RSA keys that simulated nodes use: making one costs more than a whole run. They are printed
// here for everybody to read, and must never serve a real node.
#pragma once

#include <memory>

#include "crypto/rsa.h"

namespace sendoff::sim {

inline constexpr std::size_t kSigningKeys = 12;     // the first one is the trust anchor's
inline constexpr std::size_t kDecryptionKeys = 11;  // handover-key-encryption pairs
inline constexpr std::size_t kStrangerPair = 10;    // of an attacker
inline constexpr std::uint32_t kKeyBits = 1024;

[[nodiscard]] const std::shared_ptr<const crypto::SigningKey>& signing_key(std::size_t number);
[[nodiscard]] const std::shared_ptr<const crypto::HandoverDecryptionKey>& decryption_key(
    std::size_t number);
// The number of the pair with this public key; kDecryptionKeys when there is none.
[[nodiscard]] std::size_t decryption_key_of(ByteView spki);

}  // namespace sendoff::sim
