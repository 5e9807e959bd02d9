// The command line: what there is, and which file does it.
#include <CLI/CLI.hpp>
#include <cstdio>

#include "app/cert.h"
#include "app/cga.h"
#include "app/commands.h"

namespace {

constexpr const char* kDescription =
    "Sendoff distributes Fast Mobile IPv6 handover keys with SEND (RFC 5269) and performs the\n"
    "handovers that those keys protect (RFC 5568).";

constexpr const char* kFooter =
    "First steps:\n"
    "  sendoff doctor                                 what this host can do\n"
    "  sendoff cga key --out ar.key                   a key; sendoff cert makes certificates\n"
    "  sendoff router -c /etc/sendoff/router.toml     the access router's daemon\n"
    "  sendoff mobile -c /etc/sendoff/mobile.toml     the mobile node's daemon\n"
    "  sendoff guard -c /etc/sendoff/guard.toml       SEND for the kernel's Neighbor Discovery\n"
    "  sendoff status; sendoff events --follow        what a daemon does\n"
    "Exit codes: 0 done, 1 a negative answer, 2 wrong usage or configuration.";

void add_version(CLI::App& app) {
  app.add_subcommand("version", "Print the version")->callback([] {
    std::puts("sendoff " SENDOFF_VERSION);
  });
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app(kDescription, "sendoff");
  app.footer(kFooter);
  app.require_subcommand(1);
  app.set_version_flag("--version", "sendoff " SENDOFF_VERSION);
  app.set_help_all_flag("--help-all", "The help of every subcommand");

  int exit_code = sendoff::app::kDone;
  sendoff::app::add_router_command(app, exit_code);
  sendoff::app::add_mobile_command(app, exit_code);
  sendoff::app::add_guard_command(app, exit_code);
  sendoff::app::add_status_command(app, exit_code);
  sendoff::app::add_events_command(app, exit_code);
  sendoff::app::add_order_commands(app, exit_code);
  sendoff::app::add_manage_commands(app, exit_code);
  sendoff::app::add_doctor_command(app, exit_code);
  sendoff::app::add_cert_command(app, exit_code);
  sendoff::app::add_cga_command(app, exit_code);
  sendoff::app::add_decode_command(app, exit_code);
  sendoff::app::add_esp_key_command(app, exit_code);
  sendoff::app::add_lab_command(app, exit_code);
  sendoff::app::add_sim_command(app, exit_code);
  add_version(app);

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    // Asking for help is no error; CLI11's own numbers for errors are nobody's business.
    return app.exit(error) == 0 ? sendoff::app::kDone : sendoff::app::kWrong;
  }
  return exit_code;
}
