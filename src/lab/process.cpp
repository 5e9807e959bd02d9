#include "lab/process.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <deque>
#include <fstream>
#include <thread>
#include <utility>

namespace sendoff::lab {

namespace {

// Between fork and exec, in a process that has threads: system calls only.
[[noreturn]] void become(char* const* words, int log, pid_t parent, const cpu_set_t* processors) {
  (void)setpgid(0, 0);  // ^C is for the lab; it ends its children in their order
  (void)prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (getppid() != parent) _exit(127);
  if (processors != nullptr) (void)sched_setaffinity(0, sizeof *processors, processors);
  sigset_t none;
  sigemptyset(&none);
  (void)sigprocmask(SIG_SETMASK, &none, nullptr);
  const int nothing = open("/dev/null", O_RDONLY);
  // Sockets of the lab's captures and traffic are nothing to a daemon.
  if (nothing < 0 || dup2(nothing, STDIN_FILENO) < 0 || dup2(log, STDOUT_FILENO) < 0 ||
      dup2(log, STDERR_FILENO) < 0 || close_range(STDERR_FILENO + 1, ~0U, 0) != 0)
    _exit(127);
  execv(words[0], words);
  _exit(127);
}

}  // namespace

Attempt<Process> Process::start(const Namespace& space, const std::vector<std::string>& words,
                                const std::string& log, std::optional<unsigned> processor) {
  const net::FileDescriptor out(open(log.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!out.ok()) return failed_call("write " + log);
  std::vector<std::string> copy = words;
  std::vector<char*> arguments;
  for (std::string& word : copy) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  cpu_set_t processors;
  CPU_ZERO(&processors);
  if (processor) CPU_SET(*processor, &processors);
  const Inside inside(space);
  const pid_t parent = getpid();
  const pid_t pid = fork();
  if (pid < 0) return failed_call("start " + words[0]);
  if (pid == 0) become(arguments.data(), out.get(), parent, processor ? &processors : nullptr);
  return Process(pid);
}

Process::Process(Process&& other) noexcept : pid_(std::exchange(other.pid_, 0)) {}

bool Process::running() {
  if (pid_ != 0 && waitpid(pid_, nullptr, WNOHANG) == pid_) pid_ = 0;
  return pid_ != 0;
}

void Process::stop() {
  constexpr int kTurns = 1000;
  for (int turn = 0; turn < kTurns && running(); ++turn) {
    if (turn == 0) (void)kill(pid_, SIGTERM);
    std::this_thread::sleep_for(milliseconds(10));
  }
  if (!running()) return;
  (void)kill(pid_, SIGKILL);
  while (waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) continue;
  pid_ = 0;
}

std::string last_lines(const std::string& path, std::size_t lines) {
  std::ifstream file(path);
  std::deque<std::string> kept;
  for (std::string line; std::getline(file, line);) {
    kept.push_back(line);
    if (kept.size() > lines) kept.pop_front();
  }
  std::string text;
  for (const std::string& line : kept) text += "  " + line + "\n";
  return text;
}

}  // namespace sendoff::lab
