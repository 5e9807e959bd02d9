// The other end of the control socket: what the command line uses. Blocking, with a time limit.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "control/requests.h"
#include "net/file_descriptor.h"

namespace sendoff::control {

class Client {
 public:
  // Fails with a sentence for a person: is the daemon running, may this user talk to it?
  [[nodiscard]] static Result<Client, std::string> connect(const std::string& path);

  // The result of a request as JSON text. Waits at most ten seconds for it.
  [[nodiscard]] Result<std::string, Refusal> ask(const Request& request);

  // The next line, of events; nothing at the end of the connection. `patient` waits for ever.
  [[nodiscard]] std::optional<std::string> next_line(bool patient);

 private:
  explicit Client(net::FileDescriptor fd) : fd_(std::move(fd)) {}
  void set_patience(bool patient);

  net::FileDescriptor fd_;
  std::string buffer_;
};

}  // namespace sendoff::control
