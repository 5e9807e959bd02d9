// The subcommands of `sendoff`, a file each; each adds itself to the command line and, when it is
// the one that was asked for, sets the exit code.
#pragma once

namespace CLI {
class App;
}

namespace sendoff::app {

// Exit codes of every subcommand: 0 done, 1 a negative answer, 2 wrong usage or configuration.
inline constexpr int kDone = 0;
inline constexpr int kNegative = 1;
inline constexpr int kWrong = 2;

void add_router_command(CLI::App& app, int& exit_code);
void add_mobile_command(CLI::App& app, int& exit_code);
void add_guard_command(CLI::App& app, int& exit_code);
void add_status_command(CLI::App& app, int& exit_code);
void add_events_command(CLI::App& app, int& exit_code);
// handover, request-key, binding-complete, link-moved
void add_order_commands(CLI::App& app, int& exit_code);
// reload, log-level, stop
void add_manage_commands(CLI::App& app, int& exit_code);
void add_doctor_command(CLI::App& app, int& exit_code);
void add_decode_command(CLI::App& app, int& exit_code);
void add_esp_key_command(CLI::App& app, int& exit_code);
void add_lab_command(CLI::App& app, int& exit_code);
void add_sim_command(CLI::App& app, int& exit_code);

}  // namespace sendoff::app
