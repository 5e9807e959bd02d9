#include "wire/error.h"

namespace sendoff::wire {

std::string_view name(ParseError error) {
  switch (error) {
    case ParseError::kTruncated:
      return "truncated";
    case ParseError::kVersion:
      return "version";
    case ParseError::kExtensionHeaders:
      return "extension_headers";
    case ParseError::kType:
      return "type";
    case ParseError::kLength:
      return "length";
    case ParseError::kZeroLengthOption:
      return "zero_length_option";
    case ParseError::kOptionOverrun:
      return "option_overrun";
    case ParseError::kPadLength:
      return "pad_length";
    case ParseError::kValue:
      return "value";
    case ParseError::kCount:
      break;
  }
  return "unknown";
}

}  // namespace sendoff::wire
