#include "control/server.h"

#include <grp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <deque>
#include <map>

#include "control/event_text.h"
#include "net/file_descriptor.h"

namespace sendoff::control {

using net::Attempt;
using net::EventLoop;
using net::FileDescriptor;
using net::last_error;
using net::SystemError;

namespace {

constexpr std::size_t kReadAtOnce = 4096;

Attempt<sockaddr_un> address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path)
    return fail(SystemError{0, "control socket " + path + ": the path is too long or empty"});
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

FileDescriptor new_socket() {
  return FileDescriptor(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
}

const sockaddr* generic(const sockaddr_un& address) {
  return reinterpret_cast<const sockaddr*>(&address);
}

// Removes the socket of a daemon that is gone.
Attempt<> make_way(const std::string& path, const sockaddr_un& address) {
  struct stat status{};
  if (lstat(path.c_str(), &status) != 0) return {};
  if (!S_ISSOCK(status.st_mode))
    return fail(SystemError{0, "control socket " + path + ": something else is there"});
  const FileDescriptor probe = new_socket();
  if (!probe.ok()) return fail(last_error("make a socket"));
  if (connect(probe.get(), generic(address), sizeof address) == 0 || errno != ECONNREFUSED)
    return fail(SystemError{EADDRINUSE, "control socket " + path + ": another daemon serves it"});
  if (unlink(path.c_str()) != 0) return fail(last_error("remove old control socket " + path));
  return {};
}

// The socket gets its name when it listens and has its mode: nobody can come too early.
Attempt<FileDescriptor> listen_at(const ServerConfig& config) {
  const auto address = address_of(config.path);
  if (!address) return fail(address.error());
  const std::string unfinished = config.path + ".new";
  const auto first_address = address_of(unfinished);
  if (!first_address) return fail(first_address.error());
  if (auto way = make_way(config.path, *address); !way) return fail(way.error());
  if (auto way = make_way(unfinished, *first_address); !way) return fail(way.error());
  FileDescriptor fd = new_socket();
  if (!fd.ok()) return fail(last_error("make a socket"));
  const mode_t before = umask(0177);
  const bool bound = bind(fd.get(), generic(*first_address), sizeof *first_address) == 0;
  const int error = errno;
  umask(before);
  if (!bound) return fail(SystemError{error, "bind control socket " + config.path});
  const group* found = config.group.empty() ? nullptr : getgrnam(config.group.c_str());
  // Where the group cannot be set (not root), the owner alone keeps the access.
  if (found && chown(unfinished.c_str(), static_cast<uid_t>(-1), found->gr_gid) == 0 &&
      chmod(unfinished.c_str(), 0660) != 0)
    return fail(last_error("set the mode of control socket " + config.path));
  if (listen(fd.get(), 16) != 0 || rename(unfinished.c_str(), config.path.c_str()) != 0)
    return fail(last_error("listen at " + config.path));
  return fd;
}

}  // namespace

struct Server::State {
  struct Client {
    FileDescriptor fd;
    std::string request;  // as much of a line as came
    std::string unread;
    bool follows = false;
    bool waits = false;  // for the socket to take more
    EventLoop::Watch readable;
    EventLoop::Watch writable;
  };

  State(EventLoop& event_loop, const ServerConfig& server_config, Handler request_handler)
      : loop(event_loop), config(server_config), handler(std::move(request_handler)) {}
  ~State() {
    if (listener.ok()) (void)unlink(config.path.c_str());
  }

  void accept_clients() {
    for (;;) {
      FileDescriptor fd(accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
      if (!fd.ok()) return;
      ++counters.connections;
      if (clients.size() >= config.max_clients) {
        ++counters.refused_connections;
        const std::string busy =
            answer_line(fail(Refusal{"busy", "too many clients are connected"})) + "\n";
        (void)send(fd.get(), busy.data(), busy.size(), MSG_NOSIGNAL);
        continue;
      }
      const std::uint64_t id = ++last_client;
      Client& client = clients[id];
      client.fd = std::move(fd);
      client.readable =
          loop.watch(client.fd.get(), EventLoop::Interest::kReadable, [this, id] { receive(id); });
    }
  }

  void receive(std::uint64_t id) {
    const auto found = clients.find(id);
    if (found == clients.end()) return;
    std::array<char, kReadAtOnce> octets;
    const ssize_t got = recv(found->second.fd.get(), octets.data(), octets.size(), 0);
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) return;
    if (got <= 0) {
      clients.erase(found);
      return;
    }
    found->second.request.append(octets.data(), static_cast<std::size_t>(got));
    serve_lines(id);
  }

  void serve_lines(std::uint64_t id) {
    for (;;) {
      const auto found = clients.find(id);
      if (found == clients.end()) return;
      std::string& buffer = found->second.request;
      const std::size_t end = buffer.find('\n');
      if ((end == std::string::npos ? buffer.size() : end) > config.max_request) return drop(id);
      if (end == std::string::npos) return;
      const std::string line = buffer.substr(0, end);
      buffer.erase(0, end + 1);
      ++counters.requests;
      serve(id, line);
    }
  }

  void serve(std::uint64_t id, const std::string& line) {
    const auto request = parse_request(line);
    if (!request) return write(id, answer_line(fail(request.error())));
    const auto* events = std::get_if<AskEvents>(&*request);
    if (!events) return write(id, answer_line(handler(*request)));
    std::string text = answer_line("{\"count\":" + std::to_string(log.size()) + "}");
    for (const std::string& event : log) text += "\n" + event;
    if (events->follow) clients.at(id).follows = true;
    write(id, text);
  }

  // Sends what the client takes at once, keeps the rest.
  void write(std::uint64_t id, const std::string& line) {
    const auto found = clients.find(id);
    if (found == clients.end()) return;
    found->second.unread += line;
    found->second.unread += '\n';
    flush(id);
  }

  void flush(std::uint64_t id) {
    const auto found = clients.find(id);
    if (found == clients.end()) return;
    Client& client = found->second;
    while (!client.unread.empty()) {
      const ssize_t sent =
          send(client.fd.get(), client.unread.data(), client.unread.size(), MSG_NOSIGNAL);
      if (sent < 0 && errno == EINTR) continue;
      if (sent < 0 && errno != EAGAIN && errno != EWOULDBLOCK) {
        clients.erase(found);
        return;
      }
      if (sent <= 0) break;
      client.unread.erase(0, static_cast<std::size_t>(sent));
    }
    if (client.unread.size() > config.max_unread) return drop(id);
    if (client.unread.empty()) {
      client.writable = {};
      client.waits = false;
    } else if (!client.waits) {
      client.waits = true;
      client.writable =
          loop.watch(client.fd.get(), EventLoop::Interest::kWritable, [this, id] { flush(id); });
    }
  }

  void drop(std::uint64_t id) {
    ++counters.dropped_clients;
    clients.erase(id);
  }

  void publish(Now at, const machine::Event& event) {
    log.push_back(event_json(at, event));
    if (log.size() > config.max_events) log.pop_front();
    std::vector<std::uint64_t> following;
    for (const auto& [id, client] : clients)
      if (client.follows) following.push_back(id);
    for (const std::uint64_t id : following) write(id, log.back());
  }

  EventLoop& loop;
  ServerConfig config;
  Handler handler;
  FileDescriptor listener;
  EventLoop::Watch listening;
  std::map<std::uint64_t, Client> clients;
  std::uint64_t last_client = 0;
  std::deque<std::string> log;
  Counters counters;
};

Attempt<std::unique_ptr<Server>> Server::open(EventLoop& loop, const ServerConfig& config,
                                              Handler handler) {
  auto listener = listen_at(config);
  if (!listener) return fail(listener.error());
  auto state = std::make_unique<State>(loop, config, std::move(handler));
  state->listener = std::move(*listener);
  state->listening = loop.watch(state->listener.get(), EventLoop::Interest::kReadable,
                                [served = state.get()] { served->accept_clients(); });
  return std::unique_ptr<Server>(new Server(std::move(state)));
}

Server::Server(std::unique_ptr<State> state) : state_(std::move(state)) {}
Server::~Server() = default;

void Server::publish(Now at, const machine::Event& event) { state_->publish(at, event); }
const Server::Counters& Server::counters() const { return state_->counters; }
std::size_t Server::clients() const { return state_->clients.size(); }

}  // namespace sendoff::control
