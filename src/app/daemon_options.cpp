// What `sendoff router`, `mobile` and `guard` take on the command line.
#include <CLI/CLI.hpp>
#include <map>

#include "app/daemon.h"

namespace sendoff::app {

std::shared_ptr<Command> add_options(CLI::App& command, const std::string& role) {
  using Kind = config::Store::Kind;
  static const std::map<std::string, Kind> kKinds{{"sqlite", Kind::kSqlite},
                                                  {"memory", Kind::kMemory}};
  const auto given = std::make_shared<Command>();
  given->path = "/etc/sendoff/" + role + ".toml";
  command.add_option("-c,--config", given->path, "Configuration file (examples/" + role + ".toml)")
      ->capture_default_str();
  CLI::Option* check = command.add_flag("--check", given->check_only,
                                        "Only check the configuration, and say all that is wrong");
  command
      .add_flag("--show", given->show,
                "With --check: print each number, time and switch that is in force")
      ->needs(check);
  if (role == "guard") return given;  // it keeps no records
  command
      .add_option("--store", given->store,
                  "Where records are kept, whatever [store] kind says: sqlite or memory")
      ->transform(CLI::CheckedTransformer(kKinds));
  return given;
}

}  // namespace sendoff::app
