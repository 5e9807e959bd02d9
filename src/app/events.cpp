// `sendoff events`.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "app/ask.h"
#include "app/commands.h"
#include "control/event_text.h"

namespace sendoff::app {

namespace {

// How many past events the answer announces.
std::size_t count_in(const std::string& answer) {
  const auto json = nlohmann::json::parse(answer, nullptr, false);
  if (!json.is_object() || !json.contains("count") || !json["count"].is_number_unsigned()) return 0;
  return json["count"].get<std::size_t>();
}

int show_events(const std::string& socket, bool json, bool follow) {
  auto client = connect_to_daemon(socket);
  if (!client) return kWrong;
  const auto answer = client->ask(control::AskEvents{follow});
  if (!answer) {
    std::fprintf(stderr, "sendoff: %s\n", answer.error().message.c_str());
    return kNegative;
  }
  std::size_t left = count_in(*answer);
  while (left > 0 || follow) {
    const auto line = client->next_line(follow);
    if (!line) {
      std::fputs("sendoff: the daemon ended the connection\n", stderr);
      return kNegative;
    }
    if (left > 0) --left;
    std::puts(json ? line->c_str() : control::human_event(*line).c_str());
    std::fflush(stdout);
    if (std::ferror(stdout)) return kNegative;
  }
  return kDone;
}

}  // namespace

void add_events_command(CLI::App& app, int& exit_code) {
  CLI::App* command = app.add_subcommand("events", "Show what happened in a running daemon");
  command->footer(
      "The last thousand events, oldest first; with --follow also the coming ones.\n"
      "Example: sendoff events --follow");
  const auto socket = add_socket_option(*command);
  const auto json = std::make_shared<bool>(false);
  const auto follow = std::make_shared<bool>(false);
  command->add_flag("--json", *json, "One JSON object a line, as docs/control.md describes it");
  command->add_flag("-f,--follow", *follow, "Go on until interrupted");
  command->callback([=, &exit_code] { exit_code = show_events(*socket, *json, *follow); });
}

}  // namespace sendoff::app
