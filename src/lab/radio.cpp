#include "lab/radio.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <thread>

#include "lab/interrupt.h"
#include "lab/scheduling.h"
#include "net/clock.h"

namespace sendoff::lab {

namespace {

constexpr Duration kTurn = milliseconds(50);
constexpr std::string_view kGranted = "ok\n";

Attempt<sockaddr_un> unix_name(const std::string& path) {
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  if (path.size() >= sizeof name.sun_path)
    return failed("socket " + path + ": the path is too long");
  std::memcpy(name.sun_path, path.data(), path.size());
  return name;
}

net::FileDescriptor unix_socket() {
  return net::FileDescriptor(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
}

void sleep_until(Instant deadline) {
  const Duration left = deadline - net::read_clocks().boot;
  if (left > Duration{}) std::this_thread::sleep_for(left);
}

// "access0 02:00:00:00:0a:01\n", at once: the other end is ours.
std::optional<Side> read_wish(int client) {
  const timeval limit{1, 0};
  (void)setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  std::array<char, 64> text{};
  const ssize_t got = recv(client, text.data(), text.size(), 0);
  std::string_view line(text.data(), static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
  if (!line.ends_with('\n')) return std::nullopt;
  line.remove_suffix(1);
  for (const Side side : {Side::kPar, Side::kNar})
    if (line == kAccessInterface + (" " + place(side).access_point.text())) return side;
  return std::nullopt;
}

}  // namespace

struct Radio::State {
  Network& network;
  Duration gap;
  Listener listener;
  net::FileDescriptor server;
  Side at = Side::kPar;
};

Radio::Radio(std::unique_ptr<State> state) : state_(std::move(state)) {}
Radio::~Radio() = default;

Attempt<std::unique_ptr<Radio>> Radio::open(Network& network, const std::string& socket,
                                            Duration gap, Listener listener) {
  auto state = std::unique_ptr<State>(
      new State{network, gap, std::move(listener), unix_socket(), Side::kPar});
  const auto name = unix_name(socket);
  if (!name) return fail(name.error());
  (void)unlink(socket.c_str());  // of an earlier lab in the same directory
  if (bind(state->server.get(), reinterpret_cast<const sockaddr*>(&*name), sizeof *name) != 0 ||
      listen(state->server.get(), 8) != 0)
    return failed_call("serve " + socket);
  return std::unique_ptr<Radio>(new Radio(std::move(state)));
}

Attempt<Move> Radio::move(Side to) {
  const Hurry hurry;
  Move move;
  move.to = to;
  const Now down = net::read_clocks();
  move.begin = move.link_down = down.utc;
  if (auto left = state_->network.leave(); !left) return fail(left.error());
  if (auto told = state_->listener(std::nullopt); !told) return fail(told.error());
  sleep_until(down.boot + state_->gap);
  if (auto entered = state_->network.enter(to); !entered) return fail(entered.error());
  move.link_up = net::read_clocks().utc;
  state_->at = to;
  if (auto told = state_->listener(to); !told) return fail(told.error());
  return move;
}

Attempt<std::optional<Move>> Radio::serve(Instant deadline) {
  const Hurry hurry;
  while (!interrupted()) {
    const Duration left = deadline - net::read_clocks().boot;
    if (left <= Duration{}) return std::nullopt;
    const auto turn = std::chrono::ceil<milliseconds>(std::min(left, kTurn));
    pollfd waiting{state_->server.get(), POLLIN, 0};
    if (poll(&waiting, 1, static_cast<int>(turn.count())) <= 0) continue;
    const net::FileDescriptor client(accept4(state_->server.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!client.ok()) continue;
    const auto to = read_wish(client.get());
    if (!to) continue;
    std::optional<Move> made;
    if (*to != state_->at) {
      auto move = this->move(*to);
      if (!move) return fail(move.error());
      made = *move;
    }
    (void)send(client.get(), kGranted.data(), kGranted.size(), MSG_NOSIGNAL);
    if (made) return made;
  }
  return failed("interrupted");
}

}  // namespace sendoff::lab
