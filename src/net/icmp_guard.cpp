#include "net/icmp_guard.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "net/clock.h"

namespace sendoff::net {

namespace {

constexpr Duration kPatience = seconds(5);

// One command a line: nft acts on each line by itself. The final listing ends in a line "}" when
// all before it was done.
std::string commands_for(const std::string& table) {
  return "add table ip6 " + table + " { flags owner; }\n" + "add chain ip6 " + table +
         " input { type filter hook input priority -300; policy accept; }\n";
}

// Whatever Mobility Header nobody else handles. The rules in one line, so that there is no time
// without them. Of a Home Address option its type is matched where its alignment puts it (RFC
// 6275 6.3); nft has no word for it. Mobility Headers are judged above.
std::string rules_for(const std::string& table, const IcmpGuard::Rules& rules,
                      const std::vector<IcmpGuard::Pair>& let_pass) {
  std::string others = "0-6";  // Mobile IPv6; its Binding Error is the daemon's, too
  for (const std::uint8_t type : rules.other_types) others += ", " + std::to_string(type);
  const std::string chain = " ip6 " + table + " input";
  const std::string rule = "; add rule" + chain;
  std::string text = "flush chain" + chain;
  for (const IcmpGuard::Pair& pair : let_pass)
    text += rule + " ip6 saddr " + pair.source.text() + " ip6 daddr " + pair.destination.text() +
            " mh type { 14, 15 } accept";
  text += rule + " mh type != { " + others + " } drop";
  if (rules.home_addresses) text += rule + " meta l4proto != 135 ip6 nexthdr 60 @nh,368,8 201 drop";
  return text + "\nlist table ip6 " + table + "\n";
}

struct Pipe {
  FileDescriptor read_end;
  FileDescriptor write_end;
};

Attempt<Pipe> make_pipe() {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) < 0) return fail(last_error("make pipe"));
  return Pipe{FileDescriptor(ends[0]), FileDescriptor(ends[1])};
}

Attempt<pid_t> spawn_nft(const std::string& program, const Pipe& commands, const Pipe& answers) {
  posix_spawn_file_actions_t files;
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_init(&files);
  posix_spawnattr_init(&attributes);
  posix_spawn_file_actions_adddup2(&files, commands.read_end.get(), STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&files, answers.write_end.get(), STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&files, answers.write_end.get(), STDERR_FILENO);
  // A group of its own: Ctrl-C at the daemon's terminal is not for it.
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
  std::string name = "nft";
  std::string interactive = "-i";
  std::array<char*, 3> arguments{name.data(), interactive.data(), nullptr};
  std::array<char*, 1> environment{nullptr};
  pid_t child = -1;
  const int error = posix_spawn(&child, program.c_str(), &files, &attributes, arguments.data(),
                                environment.data());
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&files);
  if (error != 0) return fail(SystemError{error, "start " + program});
  return child;
}

// Until the listing is complete, or something else than one was said.
Attempt<> wait_for_listing(int fd) {
  const Instant deadline = read_clocks().boot + kPatience;
  std::string text;
  while (true) {
    if (text.ends_with("\n}\n")) return {};
    const auto left = std::chrono::ceil<milliseconds>(deadline - read_clocks().boot);
    pollfd waiting{fd, POLLIN, 0};
    if (left.count() <= 0 || poll(&waiting, 1, static_cast<int>(left.count())) == 0)
      return fail(SystemError{ETIMEDOUT, "wait for nft"});
    std::array<char, 1024> chunk{};
    const ssize_t size = read(fd, chunk.data(), chunk.size());
    if (size < 0 && errno == EINTR) continue;
    if (size > 0) text.append(chunk.data(), static_cast<std::size_t>(size));
    const std::size_t error = text.find("Error");
    const std::size_t end = text.find('\n', error);
    if (error != std::string::npos && (end != std::string::npos || size <= 0))
      return fail(SystemError{0, "nft: " + text.substr(error, end - error)});
    if (size <= 0) return fail(SystemError{0, "nft ended"});
  }
}

}  // namespace

std::string find_nft() {
  for (const char* path :
       {"/usr/sbin/nft", "/sbin/nft", "/usr/local/sbin/nft", "/usr/bin/nft", "/bin/nft"})
    if (access(path, X_OK) == 0) return path;
  return {};
}

Attempt<IcmpGuard> IcmpGuard::open(const Rules& rules) {
  const std::string program = find_nft();
  if (program.empty())
    return fail(SystemError{
        0,
        "nft is not installed: the kernel will answer Fast Mobile IPv6 messages with ICMPv6 "
        "errors of its own"});
  auto commands = make_pipe();
  if (!commands) return fail(commands.error());
  auto answers = make_pipe();
  if (!answers) return fail(answers.error());
  const auto child = spawn_nft(program, *commands, *answers);
  if (!child) return fail(child.error());
  commands->read_end.reset();
  answers->write_end.reset();
  IcmpGuard guard(std::move(commands->write_end), std::move(answers->read_end), *child);
  guard.rules_ = rules;
  guard.table_ = "sendoff-" + std::to_string(getpid());
  if (auto ruled = guard.command(commands_for(guard.table_) + rules_for(guard.table_, rules, {}));
      !ruled)
    return fail(ruled.error());
  return guard;
}

Attempt<> IcmpGuard::let_pass(const std::vector<Pair>& pairs) {
  return command(rules_for(table_, rules_, pairs));
}

Attempt<> IcmpGuard::command(const std::string& text) {
  if (write(commands_.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()))
    return fail(last_error("write to nft"));
  return wait_for_listing(answers_.get());
}

IcmpGuard::~IcmpGuard() {
  if (child_ < 0) return;
  commands_.reset();  // the end of its input is its end
  while (waitpid(child_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

}  // namespace sendoff::net
