#include "app/link_switch.h"

#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>

#include <cstring>

#include "app/log.h"

namespace sendoff::app {

LinkSwitch::LinkSwitch(net::EventLoop& loop, std::vector<std::string> command)
    : command_(std::move(command)) {
  if (!command_.empty()) loop.on_signals({SIGCHLD}, [this](int) { reap(); });
}

void LinkSwitch::run(const std::string& interface, const LinkAddress& access_point,
                     net::Done done) {
  if (command_.empty()) {
    log::info("interface " + interface + " should move to access point " + access_point.text() +
              "; no [handover] switch_command does it");
    return done(machine::Facts{});
  }
  std::vector<std::string> words = command_;
  words.push_back(interface);
  words.push_back(access_point.text());
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  std::string path = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
  std::array<char*, 2> environment{path.data(), nullptr};
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none;
  sigemptyset(&none);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
  pid_t child = 0;
  const int error = posix_spawn(&child, words[0].c_str(), nullptr, &attributes, arguments.data(),
                                environment.data());
  posix_spawnattr_destroy(&attributes);
  if (error != 0) {
    log::warning("run " + words[0] + ": " + std::strerror(error));
    return done(fail(machine::ActionError::kRefused));
  }
  running_.emplace(child, std::move(done));
}

void LinkSwitch::reap() {
  for (auto it = running_.begin(); it != running_.end();) {
    int status = 0;
    if (waitpid(it->first, &status, WNOHANG) != it->first) {
      ++it;
      continue;
    }
    const net::Done done = std::move(it->second);
    it = running_.erase(it);
    const bool good = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    if (!good) log::warning("the switch_command failed");
    if (good)
      done(machine::Facts{});
    else
      done(fail(machine::ActionError::kRefused));
  }
}

}  // namespace sendoff::app
