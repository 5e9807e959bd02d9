// `sendoff cga`: keys of Cryptographically Generated Addresses (RFC 3972) and the addresses.
#pragma once

namespace CLI {
class App;
}

namespace sendoff::app {

// Adds the subcommand to `app`. A run of it sets `exit_code`: 0 good, 1 negative verdict, 2 usage
// or files, 130 interrupted.
void add_cga_command(CLI::App& app, int& exit_code);

}  // namespace sendoff::app
