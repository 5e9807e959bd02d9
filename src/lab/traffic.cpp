#include "lab/traffic.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <time.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <set>
#include <string_view>
#include <thread>

#include "lab/datagram.h"
#include "lab/interrupt.h"
#include "lab/network.h"
#include "lab/scheduling.h"
#include "net/clock.h"

namespace sendoff::lab {

namespace {

constexpr std::string_view kMoved = "moved";
constexpr Duration kRoutePatience = seconds(10);
constexpr Duration kRouteTurn = milliseconds(20);

sockaddr_in6 socket_address(const Ipv6Address& address, std::uint16_t port) {
  sockaddr_in6 out{};
  out.sin6_family = AF_INET6;
  out.sin6_port = htons(port);
  std::memcpy(&out.sin6_addr, address.octets().data(), Ipv6Address::kSize);
  return out;
}

Attempt<net::FileDescriptor> bound_socket(const Ipv6Address& address, std::uint16_t port) {
  net::FileDescriptor fd(socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const sockaddr_in6 name = socket_address(address, port);
  if (!fd.ok() || bind(fd.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name) != 0)
    return failed_call("open the UDP socket of the traffic");
  const int buffer = 8 << 20;
  (void)setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
  return fd;
}

}  // namespace

struct Sender::State {
  void send_at_rate();
  void send_one();
  void look_for_moves();

  net::FileDescriptor fd;
  sockaddr_in6 destination{};
  unsigned rate_per_s = 0;
  std::atomic<std::uint64_t> made = 0;
  std::atomic<bool> stopping = false;
  std::thread thread;
};

void Sender::State::send_one() {
  const auto octets = Datagram{made, net::read_clocks().utc}.octets();
  // What the link does not take is lost, and counts as never sent: no capture shows it.
  (void)sendto(fd.get(), octets.data(), octets.size(), MSG_DONTWAIT,
               reinterpret_cast<const sockaddr*>(&destination), sizeof destination);
  ++made;
}

void Sender::State::look_for_moves() {
  std::array<char, 64> text{};
  sockaddr_in6 source{};
  socklen_t size = sizeof source;
  const ssize_t got = recvfrom(fd.get(), text.data(), text.size(), MSG_DONTWAIT,
                               reinterpret_cast<sockaddr*>(&source), &size);
  if (got < 0 || std::string_view(text.data(), static_cast<std::size_t>(got)) != kMoved) return;
  destination.sin6_addr = source.sin6_addr;
}

void Sender::State::send_at_rate() {
  const Hurry hurry;  // a late sender would look like silence on the link
  timespec due{};
  clock_gettime(CLOCK_MONOTONIC, &due);
  const long step_ns = 1'000'000'000L / static_cast<long>(rate_per_s);
  while (!stopping) {
    look_for_moves();
    send_one();
    due.tv_nsec += step_ns;
    if (due.tv_nsec >= 1'000'000'000L) {
      due.tv_nsec -= 1'000'000'000L;
      ++due.tv_sec;
    }
    (void)clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, nullptr);
  }
}

Sender::Sender(std::unique_ptr<State> state) : state_(std::move(state)) {}
Sender::~Sender() { stop(); }

Attempt<std::unique_ptr<Sender>> Sender::start(const Namespace& space,
                                               const Ipv6Address& destination,
                                               unsigned rate_per_s) {
  const Inside inside(space);
  auto fd = bound_socket(correspondent_place().address, kSenderPort);
  if (!fd) return fail(fd.error());
  auto state = std::make_unique<State>();
  state->fd = std::move(*fd);
  state->destination = socket_address(destination, kReceiverPort);
  state->rate_per_s = rate_per_s;
  state->thread = std::thread([raw = state.get()] { raw->send_at_rate(); });
  return std::unique_ptr<Sender>(new Sender(std::move(state)));
}

void Sender::stop() {
  state_->stopping = true;
  if (state_->thread.joinable()) state_->thread.join();
}

std::uint64_t Sender::made() const { return state_->made; }

struct Receiver::State {
  void receive();

  net::FileDescriptor fd;
  std::set<std::uint64_t> seen;  // of the thread
  std::atomic<std::uint64_t> received = 0;
  std::atomic<bool> stopping = false;
  std::thread thread;
};

void Receiver::State::receive() {
  const timeval turn{0, 50'000};
  (void)setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &turn, sizeof turn);
  std::array<std::uint8_t, 2048> payload{};
  for (;;) {
    const ssize_t got = recv(fd.get(), payload.data(), payload.size(), 0);
    if (got < 0 && stopping) return;
    if (got < 0) continue;
    const auto datagram = Datagram::parse(ByteView(payload).first(static_cast<std::size_t>(got)));
    if (datagram && seen.insert(datagram->sequence).second) ++received;
  }
}

Receiver::Receiver(std::unique_ptr<State> state) : state_(std::move(state)) {}
Receiver::~Receiver() { stop(); }

Attempt<std::unique_ptr<Receiver>> Receiver::start(const Namespace& space) {
  const Inside inside(space);
  auto fd = bound_socket({}, kReceiverPort);
  if (!fd) return fail(fd.error());
  auto state = std::make_unique<State>();
  state->fd = std::move(*fd);
  state->thread = std::thread([raw = state.get()] { raw->receive(); });
  return std::unique_ptr<Receiver>(new Receiver(std::move(state)));
}

void Receiver::stop() {
  state_->stopping = true;
  if (state_->thread.joinable()) state_->thread.join();
}

std::uint64_t Receiver::received() const { return state_->received; }

bool Receiver::got(std::uint64_t sequence) const { return state_->seen.contains(sequence); }

Attempt<> tell_moved(const Ipv6Address& source) {
  const net::FileDescriptor fd(socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const sockaddr_in6 from = socket_address(source, 0);
  const sockaddr_in6 to = socket_address(correspondent_place().address, kSenderPort);
  const auto send = [&] {
    return sendto(fd.get(), kMoved.data(), kMoved.size(), 0, reinterpret_cast<const sockaddr*>(&to),
                  sizeof to) >= 0;
  };
  if (fd.ok() && bind(fd.get(), reinterpret_cast<const sockaddr*>(&from), sizeof from) == 0) {
    // An advertisement that came before the node let go of its old router brought the address, and
    // its route went with the old one's: the next brings it again.
    const Instant deadline = net::read_clocks().boot + kRoutePatience;
    for (;;) {
      if (send()) return {};
      if (errno != ENETUNREACH || net::read_clocks().boot >= deadline || interrupted()) break;
      std::this_thread::sleep_for(kRouteTurn);
    }
  }
  return failed_call("tell the correspondent the address " + source.text());
}

}  // namespace sendoff::lab
