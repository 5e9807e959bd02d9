// A child process in a namespace, with its output in a file. It ends with this object: asked first,
// killed when it does not follow; and with the lab, should the lab be killed.
#pragma once

#include <sys/types.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "lab/namespace.h"

namespace sendoff::lab {

class Process {
 public:
  // `words[0]` is a path. Standard output and error go to the file `log`. Start it from the thread
  // that outlives it: the kernel ends it with that thread. It keeps to `processor`, if any is
  // named.
  [[nodiscard]] static Attempt<Process> start(const Namespace& space,
                                              const std::vector<std::string>& words,
                                              const std::string& log,
                                              std::optional<unsigned> processor = {});
  Process(Process&& other) noexcept;
  Process& operator=(Process&&) = delete;
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;
  ~Process() { stop(); }

  [[nodiscard]] bool running();
  [[nodiscard]] pid_t pid() const { return pid_; }
  // SIGTERM; SIGKILL after ten seconds. Returns when it has ended.
  void stop();

 private:
  explicit Process(pid_t pid) : pid_(pid) {}
  pid_t pid_;  // 0: it has ended
};

// The last lines of a log, for the message about what went wrong; empty when there is none.
[[nodiscard]] std::string last_lines(const std::string& path, std::size_t lines);

}  // namespace sendoff::lab
