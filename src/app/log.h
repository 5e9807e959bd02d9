// The daemon's log: to standard error, which systemd keeps in the journal. One logger a process.
// Lines are printable text; no secret has a way here.
#pragma once

#include <string>
#include <string_view>

#include "base/time.h"
#include "machine/event.h"

namespace sendoff::app::log {

// Once, before the first line. `level` as [daemon] log_level has it.
void open(std::string_view level);
// False: there is no such level.
[[nodiscard]] bool set_level(std::string_view level);

void error(std::string_view text);
void warning(std::string_view text);
void info(std::string_view text);

// One line for an event. Kinds that somebody on the link can trigger at will are limited; how many
// lines were left out is said later.
void event(Instant now, const machine::Event& event);

}  // namespace sendoff::app::log
