// The piece of DER (X.690) that a SubjectPublicKeyInfo needs: definite lengths in their shortest
// form. Strict, since two encodings of one key would have two key hashes and two CGAs.
#pragma once

#include <optional>

#include "base/bytes.h"

namespace sendoff::crypto::der {

inline constexpr std::uint8_t kInteger = 0x02;
inline constexpr std::uint8_t kBitString = 0x03;
inline constexpr std::uint8_t kSequence = 0x30;

enum class Verdict : std::uint8_t {
  kOk,
  kTruncated,  // header or content goes on behind the last octet
  kMalformed,  // another tag, an indefinite length or one not in its shortest form
};

struct Element {
  Verdict verdict = Verdict::kMalformed;
  ByteView content;      // borrowed; empty unless verdict is kOk
  std::size_t size = 0;  // header and content
};

// Reads the element with this one-octet tag that `octets` start with.
[[nodiscard]] Element read(ByteView octets, std::uint8_t tag);

// The content of a non-negative INTEGER in its shortest form, without the leading zero octet that
// carries the sign; nothing when it is not one. Zero is one zero octet.
[[nodiscard]] std::optional<ByteView> unsigned_integer(ByteView content);

// Appends tag and shortest length, for `size` octets of content to follow.
void append_header(Bytes& out, std::uint8_t tag, std::size_t size);

// Appends `magnitude` (big endian, not empty) as an INTEGER.
void append_unsigned(Bytes& out, ByteView magnitude);

}  // namespace sendoff::crypto::der
