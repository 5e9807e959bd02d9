// A message as a person reads it and as a program does (docs/decode.md).
#pragma once

#include <string>

#include "inspect/message.h"

namespace sendoff::inspect {

// Several lines, the last one ended.
[[nodiscard]] std::string text_of(const Message& message);
// One line of JSON, not ended.
[[nodiscard]] std::string json_of(const Message& message);

}  // namespace sendoff::inspect
