// Why octets are not the message that they claim to be. One counter each.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/result.h"

namespace sendoff::wire {

enum class ParseError : std::uint8_t {
  kTruncated,         // fewer octets than the fixed part, or than a length field announces
  kVersion,           // IP version is not 6
  kExtensionHeaders,  // a chain that cannot be walked: too long, out of order, broken option
  kType,              // not the type, subtype or next header that was asked for
  kLength,            // a length field that the format forbids
  kZeroLengthOption,  // ND option of length 0 (RFC 4861 4.6)
  kOptionOverrun,     // an option that runs past the end of the message
  kPadLength,         // Pad Length beyond the option (GS9, GF5)
  kValue,             // a field value that the format forbids
  kCount,
};

[[nodiscard]] std::string_view name(ParseError error);

template <typename T>
using Parsed = Result<T, ParseError>;

}  // namespace sendoff::wire
