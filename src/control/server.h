// The control socket of a daemon: a Unix socket on which few local clients ask and are answered,
// each line a JSON object. Bounded in clients, request size and unread answers: a client that
// breaks a bound is dropped, the daemon goes on.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "control/requests.h"
#include "machine/event.h"
#include "net/event_loop.h"
#include "net/system_error.h"

namespace sendoff::control {

struct ServerConfig {
  std::string path;
  std::string group;  // may connect, beside the owner; empty or unknown: the owner only
  std::size_t max_clients = 16;
  std::size_t max_request = 4096;                 // octets of a line
  std::size_t max_unread = std::size_t{4} << 20;  // octets that wait for a client
  std::size_t max_events = 1000;                  // that are kept
};

class Server {
 public:
  // A JSON object, or why not. AskEvents is answered by the server itself.
  using Handler = std::function<Result<std::string, Refusal>(const Request&)>;

  // A socket that nobody serves any more is replaced; one that is served is an error.
  [[nodiscard]] static net::Attempt<std::unique_ptr<Server>> open(net::EventLoop& loop,
                                                                  const ServerConfig& config,
                                                                  Handler handler);
  // Closes all and removes the socket, if it still may.
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Keeps the event and tells it to whoever follows.
  void publish(Now at, const machine::Event& event);

  struct Counters {
    std::uint64_t connections = 0;
    std::uint64_t requests = 0;
    std::uint64_t refused_connections = 0;
    std::uint64_t dropped_clients = 0;  // too slow, or a line too long
  };
  [[nodiscard]] const Counters& counters() const;
  [[nodiscard]] std::size_t clients() const;

 private:
  struct State;
  explicit Server(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace sendoff::control
