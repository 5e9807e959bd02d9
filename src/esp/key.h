// Keys of manual security associations: 32 octets, in a file of 64 hexadecimal digits.
#pragma once

#include <array>
#include <memory>

#include "base/random.h"
#include "base/result.h"
#include "base/secret.h"

namespace sendoff::esp {

// Shared by the copies of a configuration, wiped with the last of them.
using Key = std::shared_ptr<const Secret>;

// What names a key where the key must not stand: the first half of SHA-256 over it.
using Fingerprint = std::array<std::uint8_t, 16>;
[[nodiscard]] Fingerprint fingerprint(const Secret& key);

enum class KeyError : std::uint8_t {
  kNotHex,     // something else than hexadecimal digits
  kSize,       // not 64 of them
  kNotRandom,  // octets that are all equal, or that count up or down
};

// The contents of a key file: 64 digits and perhaps a line end behind them.
[[nodiscard]] Result<Key, KeyError> read_key(ByteView text);
// How many octets the digits of a key file come to, for the error; rounded up.
[[nodiscard]] std::size_t key_octets(ByteView text);

// The contents of a new key file: 64 digits and a line end. Empty when `random` failed.
[[nodiscard]] Secret new_key_text(Random& random);

}  // namespace sendoff::esp
