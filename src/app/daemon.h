// A daemon from its start to its end: configuration, privileges, loop, reload, clean stop. The same
// for every role.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "app/role.h"

namespace CLI {
class App;
}

namespace sendoff::app {

struct Command {
  std::string path;  // of the configuration
  bool check_only = false;
  bool show = false;                         // with it: print what is in force
  std::optional<config::Store::Kind> store;  // in the place of [store] kind
};

// The options of `sendoff router`, `mobile` and `guard`; what was given is in the result.
[[nodiscard]] std::shared_ptr<Command> add_options(CLI::App& command, const std::string& role);

// Runs until SIGTERM, SIGINT or `sendoff stop`. With `check_only` it reads the configuration, says
// what is wrong with it, and ends. The exit code.
[[nodiscard]] int run_daemon(std::unique_ptr<Role> role, const Command& command);

}  // namespace sendoff::app
