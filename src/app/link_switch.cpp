#include "app/link_switch.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "app/log.h"

namespace sendoff::app {

namespace {

constexpr std::string_view kGranted = "ok\n";
constexpr std::size_t kMaxRunning = 8;
// A link that is changed later is of no use to the handover.
constexpr Duration kPatience = seconds(30);

// Connected, or not valid with errno set. A local connection is made or refused at once.
net::FileDescriptor connect_to(const std::string& path) {
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  if (path.size() >= sizeof name.sun_path) {
    errno = ENAMETOOLONG;
    return {};
  }
  std::memcpy(name.sun_path, path.data(), path.size());
  net::FileDescriptor fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (fd.ok() && connect(fd.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name) != 0)
    return {};
  return fd;
}

}  // namespace

LinkSwitch::LinkSwitch(net::EventLoop& loop, std::vector<std::string> command, std::string socket)
    : loop_(loop), command_(std::move(command)), socket_(std::move(socket)) {}

void LinkSwitch::run(const std::string& interface, const LinkAddress& access_point,
                     net::Done done) {
  if (!socket_.empty()) return ask(interface, access_point, std::move(done));
  if (!command_.empty()) return spawn(interface, access_point, std::move(done));
  log::info("interface " + interface + " should move to access point " + access_point.text() +
            "; no [handover] switch_command or switch_socket does it");
  done(machine::Facts{});
}

void LinkSwitch::ask(const std::string& interface, const LinkAddress& access_point,
                     net::Done done) {
  net::FileDescriptor fd = connect_to(socket_);
  const std::string line = interface + " " + access_point.text() + "\n";
  if (!fd.ok() ||
      send(fd.get(), line.data(), line.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(line.size())) {
    log::warning("switch_socket " + socket_ + ": " + std::strerror(errno));
    return done(fail(machine::ActionError::kRefused));
  }
  const auto asked = asked_.insert(asked_.end(), Asked{std::move(fd), {}, {}, std::move(done)});
  asked->watch = loop_.watch(asked->fd.get(), net::EventLoop::Interest::kReadable,
                             [this, asked] { read_answer(asked); });
}

void LinkSwitch::read_answer(std::list<Asked>::iterator asked) {
  std::array<char, 64> octets{};
  const ssize_t got = recv(asked->fd.get(), octets.data(), octets.size(), 0);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (got > 0) asked->answer.append(octets.data(), static_cast<std::size_t>(got));
  // Anything that cannot become "ok" any more is a refusal.
  const bool granted = asked->answer == kGranted;
  if (!granted && got > 0 && kGranted.starts_with(asked->answer)) return;
  const net::Done done = std::move(asked->done);
  asked_.erase(asked);
  if (granted) return done(machine::Facts{});
  log::warning("switch_socket " + socket_ + " did not move the link");
  done(fail(machine::ActionError::kRefused));
}

void LinkSwitch::spawn(const std::string& interface, const LinkAddress& access_point,
                       net::Done done) {
  if (running_.size() >= kMaxRunning) {
    log::warning("the switch_command is not run: " + std::to_string(kMaxRunning) + " still run");
    return done(fail(machine::ActionError::kRefused));
  }
  const auto running = running_.insert(running_.end(), Running{nullptr, std::move(done)});
  net::ChildSpec spec{.words = command_, .patience = kPatience};
  spec.words.push_back(interface);
  spec.words.push_back(access_point.text());
  spec.ended = [this, running](const net::ChildEnd& end) { ended(running, end); };
  auto child = net::Child::start(loop_, std::move(spec));
  if (child) {
    running->child = std::move(*child);
    return;
  }
  const net::Done answer = std::move(running->done);
  running_.erase(running);
  log::warning("switch_command: " + child.error().text());
  answer(fail(machine::ActionError::kRefused));
}

void LinkSwitch::ended(std::list<Running>::iterator running, const net::ChildEnd& end) {
  const net::Done done = std::move(running->done);
  running_.erase(running);
  if (end.good) return done(machine::Facts{});
  log::warning("the switch_command failed: " + end.how);
  done(fail(machine::ActionError::kRefused));
}

}  // namespace sendoff::app
