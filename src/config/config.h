// From a TOML file to a checked configuration of a daemon. Loading reads files through an interface
// and is told the time: a pure function. Either everything is right, or every error of the file is
// listed, each with its line. docs: examples/*.toml.
#pragma once

#include <optional>

#include "base/random.h"
#include "config/files.h"
#include "config/problem.h"
#include "datapath/settings.h"
#include "mobile/config.h"
#include "nd/guard_config.h"
#include "net/on_stop.h"
#include "router/config.h"

namespace sendoff::config {

// Where records that outlive a restart are kept.
struct Store {
  enum class Kind : std::uint8_t { kSqlite, kMemory };
  Kind kind = Kind::kSqlite;
  std::string directory = "/var/lib/sendoff";
  std::string key_file;  // empty: the service manager's credential, or a file in the directory
  bool make_key = true;  // at the first start, where there is none

  friend bool operator==(const Store&, const Store&) = default;
};

// Who manages the radio of an interface: the control socket of wpa_supplicant (MN) or hostapd (AR).
struct RadioControl {
  InterfaceId interface;
  std::string name;  // of the interface
  std::string socket;

  friend bool operator==(const RadioControl&, const RadioControl&) = default;
};

// What concerns the process and not the protocol. Changes need a restart, but for the log level.
struct Daemon {
  std::string user = "sendoff";  // to become once all is open; empty: stay
  std::string runtime_directory;
  std::string control_socket;
  std::string control_group = "sendoff";  // may use the control socket, beside root
  std::string log_level = "info";
  unsigned workers = 0;  // 0: one a core
  bool guard_icmp = true;
  bool home_addresses = true;                      // router: refuse those that no binding covers
  std::vector<std::uint8_t> other_mobility_types;  // that another program of the host handles
  Store store;
  datapath::Settings datapath;
  std::vector<std::string> switch_command;      // MN: run for a SwitchLink; empty: only reported
  std::string switch_socket;                    // MN: asked instead of running something
  std::vector<RadioControl> radios;             // interfaces whose radio tells of the link
  std::vector<std::string> dhcp_command;        // MN: run for a RunDhcp; empty: there is no DHCP
  std::string revocation_lists;                 // a directory; empty: no list is read
  std::vector<std::string> revocation_command;  // fetches them; empty: somebody else does
  std::optional<net::OnStop> guard;  // the kernel's Neighbor Discovery waits for verdicts

  friend bool operator==(const Daemon&, const Daemon&) = default;
};

template <typename Config>
struct Loaded {
  Config machine;
  Daemon daemon;
  std::optional<nd::GuardConfig> guard;  // beside a role, if there is to be one
  Problems warnings;
  Settings settings;
};

struct Context {
  const Files& files;
  UtcTime utc;     // certificates are judged at
  Random& random;  // the MN's modifier, where none is configured
  // Of the running daemon: a modifier that was drawn at start stays over a reload.
  const send::Identity* running = nullptr;
  std::optional<Store::Kind> store =
      std::nullopt;  // of the command line, in the place of the file's
};

[[nodiscard]] Result<Loaded<router::Config>, Problems> load_router(const std::string& path,
                                                                   const Context& context);
[[nodiscard]] Result<Loaded<mobile::Config>, Problems> load_mobile(const std::string& path,
                                                                   const Context& context);
[[nodiscard]] Result<Loaded<nd::GuardConfig>, Problems> load_guard(const std::string& path,
                                                                   const Context& context);

}  // namespace sendoff::config
