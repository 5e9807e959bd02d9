// `sendoff mobile`.
#include <CLI/CLI.hpp>

#include "app/commands.h"
#include "app/daemon.h"

namespace sendoff::app {

void add_mobile_command(CLI::App& app, int& exit_code) {
  CLI::App* command = app.add_subcommand("mobile", "Run the mobile node's daemon");
  command->footer(
      "It finds certified routers, forms addresses, obtains handover keys and orders handovers.\n"
      "Starts as root, then runs as the user sendoff.\n"
      "Example: sendoff mobile -c /etc/sendoff/mobile.toml");
  const auto given = add_options(*command, "mobile");
  command->callback([=, &exit_code] { exit_code = run_daemon(make_mobile_role(), *given); });
}

}  // namespace sendoff::app
