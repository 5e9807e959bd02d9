// Text for people: times, and octets of strangers that must not steer a terminal.
#pragma once

#include <string>
#include <string_view>

#include "base/time.h"

namespace sendoff {

// "2026-03-01T22:50:47.123Z"
[[nodiscard]] std::string utc_text(UtcTime utc);

// Control characters become '?'.
[[nodiscard]] std::string printable(std::string_view text);

}  // namespace sendoff
