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
  const auto path = std::make_shared<std::string>("/etc/sendoff/mobile.toml");
  const auto check = std::make_shared<bool>(false);
  command->add_option("-c,--config", *path, "Configuration file (examples/mobile.toml)")
      ->capture_default_str();
  command->add_flag("--check", *check, "Only check the configuration, and say all that is wrong");
  command->callback([=, &exit_code] { exit_code = run_daemon(make_mobile_role(), *path, *check); });
}

}  // namespace sendoff::app
