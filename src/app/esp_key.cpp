// `sendoff esp-key`: a new key for a security association between access routers.
#include <unistd.h>

#include <CLI/CLI.hpp>

#include "app/commands.h"
#include "app/key_files.h"
#include "crypto/random.h"
#include "esp/key.h"

namespace sendoff::app {

namespace {

struct Options {
  std::string out;
  bool force = false;
};

Attempt<> make_key(const Options& options) {
  crypto::SystemRandom random;
  const Secret text = esp::new_key_text(random);
  if (text.empty()) return failed("the system's random source does not answer");
  if (options.out.empty()) {
    // Not through stdio, which would keep a copy.
    if (write(STDOUT_FILENO, text.expose().data(), text.size()) !=
        static_cast<ssize_t>(text.size()))
      return failed("the key could not be written to standard output");
    return {};
  }
  auto file = NewFile::stage(options.out, text.expose(), kKeyMode, options.force);
  if (!file) return fail(file.error());
  return file->commit();
}

}  // namespace

void add_esp_key_command(CLI::App& app, int& exit_code) {
  CLI::App* command =
      app.add_subcommand("esp-key", "Make a key that protects HI and HAck between two routers");
  command->footer(
      "Each security association has a key of its own, so two routers share two: one a direction.\n"
      "Bring the file to the other router by a way that nobody reads along.\n"
      "Example: sendoff esp-key --out /etc/sendoff/to-nar.key");
  const auto options = std::make_shared<Options>();
  command->add_option("--out", options->out, "File for the key, mode 0600; without it: print it");
  command->add_flag("--force", options->force, "Replace the file if it is there");
  command->callback([=, &exit_code] { exit_code = report("esp-key", make_key(*options)); });
}

}  // namespace sendoff::app
