// `sendoff guard`.
#include <CLI/CLI.hpp>

#include "app/commands.h"
#include "app/daemon.h"

namespace sendoff::app {

void add_guard_command(CLI::App& app, int& exit_code) {
  CLI::App* command =
      app.add_subcommand("guard", "Protect the kernel's own Neighbor Discovery with SEND");
  command->footer(
      "Signs what the kernel sends, verifies what it receives, and gives the interfaces\n"
      "Cryptographically Generated Addresses. [guard] on_stop says what happens without it.\n"
      "Starts as root, then runs as the user sendoff.\n"
      "Example: sendoff guard -c /etc/sendoff/guard.toml");
  const auto given = add_options(*command, "guard");
  command->callback([=, &exit_code] { exit_code = run_daemon(make_guard_role(), *given); });
}

}  // namespace sendoff::app
