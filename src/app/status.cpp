// `sendoff status`.
#include <CLI/CLI.hpp>
#include <cstdio>

#include "app/ask.h"
#include "app/commands.h"
#include "control/status.h"

namespace sendoff::app {

void add_status_command(CLI::App& app, int& exit_code) {
  CLI::App* command = app.add_subcommand("status", "Show what a running daemon is and holds");
  command->footer(
      "Interfaces, keys (by fingerprint), bindings, neighbours, counters, warnings.\n"
      "Example: sendoff status --json | jq .counters");
  const auto socket = add_socket_option(*command);
  const auto json = std::make_shared<bool>(false);
  command->add_flag("--json", *json, "As JSON, as docs/control.md describes it");
  command->callback([=, &exit_code] {
    auto client = connect_to_daemon(*socket);
    if (!client) {
      exit_code = kWrong;
      return;
    }
    const auto answer = client->ask(control::AskStatus{});
    if (!answer) {
      std::fprintf(stderr, "sendoff: %s\n", answer.error().message.c_str());
      exit_code = kNegative;
      return;
    }
    const std::string text = *json ? *answer + "\n" : control::human_status(*answer);
    std::fputs(text.c_str(), stdout);
  });
}

}  // namespace sendoff::app
