// A program that the daemon runs beside itself: in a process group of its own, with an environment
// of one variable (PATH), its input from nowhere, its errors where the daemon's go, and for as long
// as it is given. What it starts stays in its group and ends with it.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "net/event_loop.h"
#include "net/system_error.h"

namespace sendoff::net {

// How it ended: with status 0 of its own accord, or in words why not.
struct ChildEnd {
  bool good = false;
  std::string how;  // "exit status 2", "signal 9", "no answer within 30 s"
};

struct ChildSpec {
  std::vector<std::string> words;  // its absolute path, then its arguments
  bool low_ports = false;          // it may bind ports below 1024, if the daemon may (privileges.h)
  // For its first line where lines are read, else for its end; then it is killed.
  Duration patience{};
  // Called for each line of its output, cut at 255 octets. None: its output goes where the
  // daemon's goes.
  std::function<void(std::string_view)> line = nullptr;
  std::function<void(const ChildEnd&)> ended = nullptr;  // called once
};

// Calls back from the loop only, never after its destruction, which it survives in a callback.
class Child {
 public:
  // Errors: what the kernel says to the first word, or to a pipe.
  [[nodiscard]] static Attempt<std::unique_ptr<Child>> start(EventLoop& loop, ChildSpec spec);
  // Kills the whole group.
  ~Child();
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

 private:
  struct State;
  explicit Child(std::shared_ptr<State> state) : state_(std::move(state)) {}

  std::shared_ptr<State> state_;
};

}  // namespace sendoff::net
