#include "app/ask.h"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>

#include "app/commands.h"
#include "control/event_text.h"

namespace sendoff::app {

namespace {

constexpr const char* kRouterSocket = "/run/sendoff/router.sock";
constexpr const char* kMobileSocket = "/run/sendoff/mobile.sock";

void complain(const std::string& text) {
  std::fprintf(stderr, "sendoff: %s\n", control::printable(text).c_str());
}

}  // namespace

std::shared_ptr<std::string> add_socket_option(CLI::App& command) {
  auto socket = std::make_shared<std::string>();
  command.add_option("--socket", *socket,
                     "Control socket of the daemon (default: /run/sendoff/router.sock or "
                     "mobile.sock, whichever is there)");
  return socket;
}

std::optional<control::Client> connect_to_daemon(const std::string& socket) {
  std::string path = socket;
  if (path.empty()) {
    const bool router = access(kRouterSocket, F_OK) == 0;
    const bool mobile = access(kMobileSocket, F_OK) == 0;
    if (router && mobile) {
      complain(std::string("both daemons run here; say which: --socket ") + kRouterSocket +
               " or --socket " + kMobileSocket);
      return std::nullopt;
    }
    path = mobile ? kMobileSocket : kRouterSocket;
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
