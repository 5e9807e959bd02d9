// A `sendoff router` or `sendoff mobile` of a run, as a user would start it, and what it reports on
// its control socket.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "control/requests.h"
#include "lab/process.h"

namespace sendoff::lab {

// An event as the daemon told it (docs/control.md).
struct DaemonEvent {
  std::string node;  // "mn", "par", "nar"
  std::string name;  // "key-issued" …
  Instant at;        // the daemon's boot clock
  std::string json;  // the whole line

  // The value of a text field of the line; empty where there is none.
  [[nodiscard]] std::string text(const std::string& field) const;
};

class Daemon {
 public:
  struct Setup {
    std::string node;
    std::string role;           // "router", "mobile"
    std::string configuration;  // TOML, without [daemon] and the paths in it
    std::string directory;      // for its files
    std::string log_level = "info";
    std::string program = "/proc/self/exe";  // sendoff
    std::optional<unsigned> processor = {};  // that it keeps to
  };
  // Returns when its control socket answers. Failures say what its log ends with.
  [[nodiscard]] static Attempt<std::unique_ptr<Daemon>> start(const Namespace& space,
                                                              const Setup& setup);
  ~Daemon();
  Daemon(const Daemon&) = delete;
  Daemon& operator=(const Daemon&) = delete;

  using Condition = std::function<bool(const DaemonEvent&)>;
  // The first event of this name that satisfies `condition` and happened at `since` or later; waits
  // `patience` for it. Fails with what was waited for and the end of the log.
  [[nodiscard]] Attempt<DaemonEvent> wait_for(const std::string& event, Duration patience,
                                              Instant since = {},
                                              const Condition& condition = nullptr);
  [[nodiscard]] std::vector<DaemonEvent> events() const;

  // Sends a request on a connection that stands already. The refusal's sentence on failure.
  [[nodiscard]] Attempt<std::string> ask(const control::Request& request);

  [[nodiscard]] const std::string& node() const;
  [[nodiscard]] pid_t process() const;
  // "…: the router daemon's log ends with: …"
  [[nodiscard]] std::string with_log(const std::string& text) const;

 private:
  struct State;
  explicit Daemon(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace sendoff::lab
