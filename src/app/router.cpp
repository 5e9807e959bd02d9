// `sendoff router`.
#include <CLI/CLI.hpp>

#include "app/commands.h"
#include "app/daemon.h"

namespace sendoff::app {

void add_router_command(CLI::App& app, int& exit_code) {
  CLI::App* command = app.add_subcommand("router", "Run the access router's daemon");
  command->footer(
      "It advertises with SEND on the interfaces of its configuration, issues handover keys and\n"
      "follows authenticated Fast Binding Updates. Starts as root, then runs as the user sendoff.\n"
      "Example: sendoff router -c /etc/sendoff/router.toml --check");
  const auto path = std::make_shared<std::string>("/etc/sendoff/router.toml");
  const auto check = std::make_shared<bool>(false);
  command->add_option("-c,--config", *path, "Configuration file (examples/router.toml)")
      ->capture_default_str();
  command->add_flag("--check", *check, "Only check the configuration, and say all that is wrong");
  command->callback([=, &exit_code] { exit_code = run_daemon(make_router_role(), *path, *check); });
}

}  // namespace sendoff::app
