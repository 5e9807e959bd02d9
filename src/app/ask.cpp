#include "app/ask.h"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <array>
#include <cstdio>

#include "app/commands.h"
#include "base/text.h"

namespace sendoff::app {

namespace {

constexpr std::array<const char*, 3> kSockets{
    "/run/sendoff/router.sock", "/run/sendoff/mobile.sock", "/run/sendoff/guard.sock"};

void complain(const std::string& text) {
  std::fprintf(stderr, "sendoff: %s\n", printable(text).c_str());
}

}  // namespace

std::shared_ptr<std::string> add_socket_option(CLI::App& command) {
  auto socket = std::make_shared<std::string>();
  command.add_option("--socket", *socket,
                     "Control socket of the daemon (default: /run/sendoff/router.sock, "
                     "mobile.sock or guard.sock, whichever is there)");
  return socket;
}

std::optional<control::Client> connect_to_daemon(const std::string& socket) {
  std::string path = socket;
  if (path.empty()) {
    std::vector<std::string> there;
    for (const char* known : kSockets)
      if (access(known, F_OK) == 0) there.emplace_back(known);
    if (there.size() > 1) {
      complain("several daemons run here; say which: --socket " + there[0] + " or --socket " +
               there[1]);
      return std::nullopt;
    }
    path = there.empty() ? kSockets.front() : there.front();
  }
  auto client = control::Client::connect(path);
  if (client) return std::move(*client);
  complain(client.error());
  return std::nullopt;
}

int ask_daemon(const std::string& socket, const control::Request& request,
               const std::string& done) {
  auto client = connect_to_daemon(socket);
  if (!client) return kWrong;
  const auto answer = client->ask(request);
  if (!answer) {
    complain(answer.error().message);
    return kNegative;
  }
  if (!done.empty()) std::puts(done.c_str());
  return kDone;
}

}  // namespace sendoff::app
