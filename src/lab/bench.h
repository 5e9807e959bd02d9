// One run: the network, the daemons, captures and traffic of one handover scenario, from nothing
// and to nothing.
#pragma once

#include <functional>
#include <string>

#include "lab/credentials.h"
#include "lab/scenario.h"

namespace sendoff::lab {

// Told what is being done, for a person who waits.
using Progress = std::function<void(const std::string&)>;

// `directory` holds the run's files while it lasts: configurations, logs, sockets, captures. The
// captures' names begin with `capture_base` (a path).
[[nodiscard]] Attempt<Run> make_run(Mode mode, unsigned number, const Settings& settings,
                                    const Credentials& credentials, const std::string& directory,
                                    const std::string& capture_base, const Progress& progress);

}  // namespace sendoff::lab
