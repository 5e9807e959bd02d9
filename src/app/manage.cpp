// `sendoff reload`, `log-level` and `stop`: managing a running daemon.
#include <CLI/CLI.hpp>

#include "app/ask.h"
#include "app/commands.h"

namespace sendoff::app {

void add_manage_commands(CLI::App& app, int& exit_code) {
  CLI::App* reload = app.add_subcommand("reload", "Let a daemon read its configuration again");
  reload->footer(
      "The new configuration is taken as a whole or not at all; what needs a restart is named.\n"
      "SIGHUP does the same. Example: sendoff reload");
  const auto reload_socket = add_socket_option(*reload);
  reload->callback([=, &exit_code] {
    exit_code = ask_daemon(*reload_socket, control::Reload{}, "the new configuration is in use");
  });

  CLI::App* level = app.add_subcommand("log-level", "Change how much a running daemon logs");
  level->footer("Until its next start or reload. Example: sendoff log-level debug");
  const auto level_socket = add_socket_option(*level);
  const auto wanted = std::make_shared<std::string>();
  level->add_option("LEVEL", *wanted, "debug, info, warning or error")
      ->required()
      ->check(CLI::IsMember({"debug", "info", "warning", "error"}));
  level->callback([=, &exit_code] {
    exit_code = ask_daemon(*level_socket, control::SetLogLevel{*wanted}, "");
  });

  CLI::App* stop = app.add_subcommand("stop", "Stop a running daemon");
  stop->footer(
      "It takes its addresses and routes out of the kernel and wipes its keys. SIGTERM does the\n"
      "same. Example: sendoff stop --socket /run/sendoff/mobile.sock");
  const auto stop_socket = add_socket_option(*stop);
  stop->callback(
      [=, &exit_code] { exit_code = ask_daemon(*stop_socket, control::Stop{}, "stopping"); });
}

}  // namespace sendoff::app
