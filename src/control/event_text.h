// Events as people and programs read them: one JSON object a line (docs/control.md), one line of
// words. Whatever came from the network is text that cannot steer a terminal.
#pragma once

#include <string>
#include <string_view>

#include "base/time.h"
#include "machine/event.h"

namespace sendoff::control {

// {"time": ..., "boot_ns": ..., "event": "key-issued", fields...}
[[nodiscard]] std::string event_json(Now at, const machine::Event& event);

// "key-issued cga=2001:db8::1 algorithm=hmac-sha256-128"; texts with blanks stand in quotes.
[[nodiscard]] std::string event_words(const machine::Event& event);

// The words of an event_json() line, after its time of day: "22:50:47.123 key-issued ...". The line
// itself where it is no event.
[[nodiscard]] std::string human_event(std::string_view json_line);

}  // namespace sendoff::control
