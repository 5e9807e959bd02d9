// A daemon from its start to its end: configuration, privileges, loop, reload, clean stop. The same
// for both roles.
#pragma once

#include <memory>
#include <string>

#include "app/role.h"

namespace sendoff::app {

// Runs until SIGTERM, SIGINT or `sendoff stop`. With `check_only` it reads the configuration, says
// what is wrong with it, and ends. The exit code.
[[nodiscard]] int run_daemon(std::unique_ptr<Role> role, const std::string& path, bool check_only);

}  // namespace sendoff::app
