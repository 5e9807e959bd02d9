// `sendoff sim` alone, for tools/mutants: what does not change with a defect is not linked again.
#include <CLI/CLI.hpp>

#include "app/commands.h"

int main(int argc, char** argv) {
  CLI::App app("The simulator of sendoff", "simulator");
  app.require_subcommand(1);
  int exit_code = sendoff::app::kDone;
  sendoff::app::add_sim_command(app, exit_code);
  CLI11_PARSE(app, argc, argv);
  return exit_code;
}
