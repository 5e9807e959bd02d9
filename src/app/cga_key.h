// Keys of CGAs at a terminal: a first one, and another one in its place (RFC 3972 7.1).
#pragma once

namespace CLI {
class App;
}

namespace sendoff::app {

// `sendoff cga key`
void add_cga_key(CLI::App& cga, int& exit_code);
// `sendoff cga rekey`
void add_cga_rekey(CLI::App& cga, int& exit_code);

}  // namespace sendoff::app
