#include "app/dhcp_command.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "app/log.h"

namespace sendoff::app {

namespace {

// The first line of what was printed. More than a pipe holds is no address.
std::string first_line(int fd) {
  std::array<char, 256> text{};
  const ssize_t got = read(fd, text.data(), text.size());
  const std::string all(text.data(), static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
  return all.substr(0, all.find('\n'));
}

}  // namespace

DhcpCommand::DhcpCommand(net::EventLoop& loop, std::vector<std::string> command)
    : loop_(loop), command_(std::move(command)) {}

DhcpCommand::~DhcpCommand() { end(); }

void DhcpCommand::run(const std::string& interface, net::Done done) {
  if (command_.empty()) return done(fail(machine::ActionError::kUnsupported));
  end();
  if (!spawn(interface)) {
    log::warning("run " + command_[0] + ": " + std::strerror(errno));
    return done(fail(machine::ActionError::kRefused));
  }
  done_ = std::move(done);
  watch_ = loop_.watch(process_.get(), net::EventLoop::Interest::kReadable, [this] { ended(); });
}

bool DhcpCommand::spawn(const std::string& interface) {
  std::array<int, 2> pipe{};
  if (pipe2(pipe.data(), O_CLOEXEC | O_NONBLOCK) != 0) return false;
  net::FileDescriptor output(pipe[0]);
  const net::FileDescriptor input(pipe[1]);
  std::vector<std::string> words = command_;
  words.push_back(interface);
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  std::string path = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
  std::array<char*, 2> environment{path.data(), nullptr};
  posix_spawn_file_actions_t files;
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_adddup2(&files, input.get(), STDOUT_FILENO);
  posix_spawnattr_init(&attributes);
  sigset_t none;
  sigemptyset(&none);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
  pid_t child = 0;
  const int error = posix_spawn(&child, words[0].c_str(), &files, &attributes, arguments.data(),
                                environment.data());
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&files);
  errno = error;
  if (error != 0) return false;
  child_ = child;
  output_ = std::move(output);
  process_ = net::FileDescriptor(static_cast<int>(syscall(SYS_pidfd_open, child, 0)));
  return process_.ok();
}

void DhcpCommand::ended() {
  int status = 0;
  if (waitpid(child_, &status, WNOHANG) != child_) return;
  child_ = 0;
  watch_ = {};
  const std::string line = first_line(output_.get());
  const auto address = Ipv6Address::parse(line);
  const bool good = WIFEXITED(status) && WEXITSTATUS(status) == 0 && address;
  if (!good) log::warning("the dhcp_command gave no address");
  const net::Done done = std::exchange(done_, nullptr);
  if (good)
    done(machine::Facts{address});
  else
    done(fail(machine::ActionError::kRefused));
}

// The answer is owed all the same.
void DhcpCommand::end() {
  watch_ = {};
  if (child_ != 0) {
    (void)kill(child_, SIGKILL);
    while (waitpid(child_, nullptr, 0) < 0 && errno == EINTR) continue;
    child_ = 0;
  }
  if (const net::Done done = std::exchange(done_, nullptr))
    done(fail(machine::ActionError::kRefused));
}

}  // namespace sendoff::app
