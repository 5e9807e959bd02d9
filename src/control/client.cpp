#include "control/client.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace sendoff::control {

namespace {

std::string explain(const std::string& path, int error) {
  const std::string where = "control socket " + path + ": ";
  if (error == ENOENT || error == ECONNREFUSED)
    return where + "no daemon serves it; is sendoff running, and is --socket right?";
  if (error == EACCES || error == EPERM)
    return where + "permission denied; run as root or as a member of the group sendoff";
  return where + std::strerror(error);
}

}  // namespace

Result<Client, std::string> Client::connect(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path)
    return fail("control socket " + path + ": the path is too long or empty");
  std::memcpy(address.sun_path, path.data(), path.size());
  net::FileDescriptor fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd.ok() ||
      ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return fail(explain(path, errno));
  return Client(std::move(fd));
}

void Client::set_patience(bool patient) {
  const timeval limit{patient ? 0 : 10, 0};
  (void)setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
}

Result<std::string, Refusal> Client::ask(const Request& request) {
  const std::string line = text_of(request) + "\n";
  // A daemon that is too busy for more clients says so and closes: read its word in any case.
  (void)send(fd_.get(), line.data(), line.size(), MSG_NOSIGNAL);
  const auto answer = next_line(false);
  if (!answer)
    return fail(Refusal{"no-answer", "the daemon closed the connection or did not answer"});
  return parse_answer(*answer);
}

std::optional<std::string> Client::next_line(bool patient) {
  set_patience(patient);
  std::array<char, 16'384> octets;
  std::size_t searched = 0;
  for (;;) {
    if (const std::size_t end = buffer_.find('\n', searched); end != std::string::npos) {
      std::string line = buffer_.substr(0, end);
      buffer_.erase(0, end + 1);
      return line;
    }
    searched = buffer_.size();
    const ssize_t got = recv(fd_.get(), octets.data(), octets.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return std::nullopt;
    buffer_.append(octets.data(), static_cast<std::size_t>(got));
  }
}

}  // namespace sendoff::control
