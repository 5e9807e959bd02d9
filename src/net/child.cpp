#include "net/child.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <optional>

#include "net/clock.h"
#include "net/file_descriptor.h"
#include "net/privileges.h"

namespace sendoff::net {

namespace {

constexpr std::size_t kMaxLine = 255;
// More than a pipe holds: all that there is when nobody writes any more.
constexpr int kReadsAtEnd = 160;

std::string describe(int status) {
  if (WIFSIGNALED(status)) return "signal " + std::to_string(WTERMSIG(status));
  return "exit status " + std::to_string(WEXITSTATUS(status));
}

// What the new process begins with, beside its words.
class Beginning {
 public:
  explicit Beginning(int output) {
    posix_spawn_file_actions_init(&files_);
    posix_spawn_file_actions_addopen(&files_, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    if (output >= 0) posix_spawn_file_actions_adddup2(&files_, output, STDOUT_FILENO);
    posix_spawnattr_init(&attributes_);
    sigset_t signals;
    sigemptyset(&signals);
    posix_spawnattr_setsigmask(&attributes_, &signals);
    sigfillset(&signals);
    posix_spawnattr_setsigdefault(&attributes_, &signals);
    posix_spawnattr_setpgroup(&attributes_, 0);
    posix_spawnattr_setflags(
        &attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
  }
  ~Beginning() {
    posix_spawnattr_destroy(&attributes_);
    posix_spawn_file_actions_destroy(&files_);
  }
  Beginning(const Beginning&) = delete;
  Beginning& operator=(const Beginning&) = delete;

  // 0, or an error number.
  [[nodiscard]] int spawn(std::vector<std::string>& words, pid_t& child) {
    std::vector<char*> arguments;
    for (std::string& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    std::string path = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
    std::array<char*, 2> environment{path.data(), nullptr};
    return posix_spawn(&child, words[0].c_str(), &files_, &attributes_, arguments.data(),
                       environment.data());
  }

 private:
  posix_spawn_file_actions_t files_{};
  posix_spawnattr_t attributes_{};
};

}  // namespace

struct Child::State : std::enable_shared_from_this<State> {
  State(EventLoop& loop, ChildSpec its_spec)
      : spec(std::move(its_spec)), timer(loop, [this] { late(); }) {}

  [[nodiscard]] Attempt<> spawn(EventLoop& loop);
  void read_output(int reads);
  void take(std::string_view octets);
  void has_ended();
  void late();
  void finish(const ChildEnd& end);
  int stop();

  ChildSpec spec;
  Timer timer;
  pid_t pid = 0;
  bool over = false;       // nothing is called back any more
  FileDescriptor process;  // readable when it has ended
  FileDescriptor output;
  EventLoop::Watch process_watch;
  EventLoop::Watch output_watch;
  std::string text;  // the line that is being read
};

Attempt<> Child::State::spawn(EventLoop& loop) {
  std::array<int, 2> pipe{-1, -1};
  if (spec.line && pipe2(pipe.data(), O_CLOEXEC) != 0) return fail(last_error("make a pipe"));
  output = FileDescriptor(pipe[0]);
  const FileDescriptor input(pipe[1]);
  if (output.ok() && fcntl(output.get(), F_SETFL, O_NONBLOCK) != 0)
    return fail(last_error("set up a pipe"));
  {
    std::optional<LentPorts> lent;
    if (spec.low_ports) lent.emplace();
    if (const int error = Beginning(input.get()).spawn(spec.words, pid); error != 0)
      return fail(SystemError{error, "run " + spec.words[0]});
  }
  process = FileDescriptor(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
  if (!process.ok()) {
    const SystemError error = last_error("watch " + spec.words[0]);
    (void)stop();
    return fail(error);
  }
  process_watch =
      loop.watch(process.get(), EventLoop::Interest::kReadable, [this] { has_ended(); });
  if (output.ok())
    output_watch =
        loop.watch(output.get(), EventLoop::Interest::kReadable, [this] { read_output(1); });
  timer.at(read_clocks().boot + spec.patience);
  return {};
}

// A callback may destroy the Child; the state lives until this returns.
void Child::State::read_output(int reads) {
  const auto self = shared_from_this();
  std::array<char, 512> octets{};
  for (; reads > 0 && !over; --reads) {
    const ssize_t got = read(output.get(), octets.data(), octets.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) {
      output_watch = {};
      return;
    }
    take({octets.data(), static_cast<std::size_t>(got)});
  }
}

void Child::State::take(std::string_view octets) {
  for (const char octet : octets) {
    if (octet != '\n') {
      if (text.size() < kMaxLine) text.push_back(octet);
      continue;
    }
    timer.at(kNever);
    spec.line(std::exchange(text, {}));
    if (over) return;
  }
}

void Child::State::has_ended() {
  const auto self = shared_from_this();
  const int status = stop();
  if (output.ok()) read_output(kReadsAtEnd);
  if (!over && !text.empty()) spec.line(std::exchange(text, {}));
  if (over) return;
  finish({WIFEXITED(status) && WEXITSTATUS(status) == 0, describe(status)});
}

void Child::State::late() {
  const auto self = shared_from_this();
  (void)stop();
  finish({false, "no answer within " + std::to_string(whole_seconds(spec.patience)) + " s"});
}

void Child::State::finish(const ChildEnd& end) {
  over = true;
  process_watch = {};
  output_watch = {};
  timer.at(kNever);
  if (const auto ended = std::exchange(spec.ended, nullptr)) ended(end);
}

// Its status. What it left in its group goes first: its number is taken as long as nobody asks for
// the status.
int Child::State::stop() {
  int status = 0;
  if (pid == 0) return status;
  (void)kill(-pid, SIGKILL);
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) continue;
  pid = 0;
  return status;
}

Attempt<std::unique_ptr<Child>> Child::start(EventLoop& loop, ChildSpec spec) {
  auto state = std::make_shared<State>(loop, std::move(spec));
  if (auto spawned = state->spawn(loop); !spawned) return fail(spawned.error());
  return std::unique_ptr<Child>(new Child(std::move(state)));
}

Child::~Child() {
  state_->over = true;
  state_->process_watch = {};
  state_->output_watch = {};
  state_->timer.at(kNever);
  (void)state_->stop();
}

}  // namespace sendoff::net
