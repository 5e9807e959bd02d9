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
  const auto given = add_options(*command, "router");
  command->callback([=, &exit_code] { exit_code = run_daemon(make_router_role(), *given); });
}

}  // namespace sendoff::app
