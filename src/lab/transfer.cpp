#include "lab/transfer.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>

#include "lab/datagram.h"
#include "lab/network.h"

namespace sendoff::lab {

namespace {

constexpr int kTurnMs = 20;

sockaddr_in6 server_name() {
  sockaddr_in6 out{};
  out.sin6_family = AF_INET6;
  out.sin6_port = htons(kTransferPort);
  std::memcpy(&out.sin6_addr, correspondent_place().address.octets().data(), Ipv6Address::kSize);
  return out;
}

bool ready(int fd, short what) {
  pollfd waiting{fd, what, 0};
  return poll(&waiting, 1, kTurnMs) > 0;
}

net::FileDescriptor tcp_socket() {
  return net::FileDescriptor(socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
}

}  // namespace

struct TransferTraffic::State {
  void serve();
  void read();
  [[nodiscard]] net::FileDescriptor connect_anew() const;

  const Namespace& mobile;
  net::FileDescriptor listener;
  std::atomic<bool> stopping = false;
  std::atomic<bool> reconnecting = false;
  std::thread server;
  std::thread reader;
};

// The newest connection gets the data; one before it is of an address that is gone.
void TransferTraffic::State::serve() {
  const std::array<char, 65'536> data{};
  net::FileDescriptor client;
  while (!stopping) {
    if (net::FileDescriptor fresh(
            accept4(listener.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
        fresh.ok()) {
      const auto pace = static_cast<unsigned>(kOctetsPerSecond);
      (void)setsockopt(fresh.get(), SOL_SOCKET, SO_MAX_PACING_RATE, &pace, sizeof pace);
      client = std::move(fresh);
    }
    if (!client.ok()) {
      (void)ready(listener.get(), POLLIN);
    } else if (ready(client.get(), POLLOUT) &&
               send(client.get(), data.data(), data.size(), MSG_NOSIGNAL) < 0 && errno != EAGAIN) {
      client.reset();
    }
  }
}

net::FileDescriptor TransferTraffic::State::connect_anew() const {
  const Inside inside(mobile);
  net::FileDescriptor fd = tcp_socket();
  const sockaddr_in6 name = server_name();
  if (connect(fd.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name) != 0 &&
      errno != EINPROGRESS)
    fd.reset();
  return fd;
}

void TransferTraffic::State::read() {
  std::array<char, 65'536> data{};
  net::FileDescriptor connection;
  while (!stopping) {
    if (reconnecting.exchange(false)) connection.reset();
    if (!connection.ok()) connection = connect_anew();
    if (!connection.ok()) {
      std::this_thread::sleep_for(milliseconds(1));
    } else if (ready(connection.get(), POLLIN)) {
      const ssize_t got = recv(connection.get(), data.data(), data.size(), 0);
      if (got == 0 || (got < 0 && errno != EAGAIN)) connection.reset();
    }
  }
}

TransferTraffic::TransferTraffic(std::unique_ptr<State> state) : state_(std::move(state)) {}
TransferTraffic::~TransferTraffic() { stop(); }

Attempt<std::unique_ptr<TransferTraffic>> TransferTraffic::start(const Namespace& correspondent,
                                                                 const Namespace& mobile) {
  auto state = std::unique_ptr<State>(new State{mobile, {}, {}, {}, {}, {}});
  {
    const Inside inside(correspondent);
    state->listener = tcp_socket();
    const sockaddr_in6 name = server_name();
    if (bind(state->listener.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name) != 0 ||
        listen(state->listener.get(), 4) != 0)
      return failed_call("serve the TCP transfer");
  }
  state->server = std::thread([raw = state.get()] { raw->serve(); });
  state->reader = std::thread([raw = state.get()] { raw->read(); });
  return std::unique_ptr<TransferTraffic>(new TransferTraffic(std::move(state)));
}

void TransferTraffic::reconnect() { state_->reconnecting = true; }

void TransferTraffic::stop() {
  state_->stopping = true;
  for (std::thread* thread : {&state_->server, &state_->reader})
    if (thread->joinable()) thread->join();
}

// Two lines of the file belong together: names, and their values.
Attempt<std::uint64_t> tcp_timeouts(const Namespace& space) {
  const Inside inside(space);
  std::ifstream file("/proc/thread-self/net/netstat");
  for (std::string names, values; std::getline(file, names) && std::getline(file, values);) {
    std::istringstream name_words(names);
    std::istringstream value_words(values);
    for (std::string name, value; name_words >> name && value_words >> value;)
      if (name == "TCPTimeouts") return std::stoull(value);
  }
  return failed("the kernel tells no number of TCP time-outs");
}

}  // namespace sendoff::lab
