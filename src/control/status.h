// The answer to `status`: what a daemon is and does, as JSON (docs/control.md). Keys appear by
// fingerprint only; there is no way for a secret into it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "mobile/mobile.h"
#include "nd/guard.h"
#include "router/router.h"

namespace sendoff::control {

struct Counter {
  std::string group;
  std::string name;
  std::uint64_t value = 0;
};

struct StoreStatus {
  std::string kind;                 // "sqlite", "memory"
  std::optional<std::string> file;  // of a kind that has one
};

// What every role tells.
struct DaemonStatus {
  std::string version;
  std::string role;
  std::string configuration;  // path of the file
  UtcTime started;
  Duration uptime{};
  std::vector<std::string> warnings;
  StoreStatus store;
  std::string datapath;  // the backend that moves packets: "bpf", "none"
  std::vector<Counter> counters;
  send::Methods methods{};                   // that prove each kind of message
  std::optional<nd::Guard::Status> guard{};  // beside the role
};

[[nodiscard]] std::string status_json(const DaemonStatus& daemon,
                                      const router::Router::Status& status,
                                      const std::vector<router::Neighbour>& neighbours);
[[nodiscard]] std::string status_json(const DaemonStatus& daemon,
                                      const mobile::Mobile::Status& status);

[[nodiscard]] std::string status_json(const DaemonStatus& daemon, const nd::Guard::Status& status);

// The same for a person: sections and tables. Empty for what is no status.
[[nodiscard]] std::string human_status(std::string_view json);

}  // namespace sendoff::control
