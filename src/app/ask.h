// What the subcommands share that talk to a running daemon.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "control/client.h"

namespace CLI {
class App;
}

namespace sendoff::app {

// Adds --socket to a subcommand; the returned text holds it, empty when not given.
[[nodiscard]] std::shared_ptr<std::string> add_socket_option(CLI::App& command);

// Connects to `socket`, or to the one daemon of this host when it is empty. Says on standard error
// why not.
[[nodiscard]] std::optional<control::Client> connect_to_daemon(const std::string& socket);

// Sends one request; prints `done` when it was granted, the reason when it was not. The exit code.
[[nodiscard]] int ask_daemon(const std::string& socket, const control::Request& request,
                             const std::string& done);

}  // namespace sendoff::app
