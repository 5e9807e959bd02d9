// The roles of a daemon behind one face: what to load, which machine to build, how it tells its
// status.
#pragma once

#include <memory>
#include <optional>

#include "config/config.h"
#include "control/status.h"
#include "machine/machine.h"
#include "net/linux_host.h"

namespace sendoff::app {

class Role {
 public:
  virtual ~Role() = default;

  // What the command line said of the store, for load().
  void use_store(std::optional<config::Store::Kind> kind) { store_ = kind; }

  [[nodiscard]] virtual std::string name() const = 0;  // "router", "mobile", "guard"
  // The file's problems; empty: it is loaded and can be taken.
  [[nodiscard]] virtual config::Problems load(const std::string& path, UtcTime utc,
                                              Random& random) = 0;
  // Of what load() found last.
  [[nodiscard]] virtual const config::Daemon& daemon() const = 0;
  [[nodiscard]] virtual const config::Problems& warnings() const = 0;
  [[nodiscard]] virtual const config::Settings& settings() const = 0;
  [[nodiscard]] virtual std::vector<net::HostConfig::Interface> interfaces() const = 0;
  // That they need, of what was loaded: certificates are sent unfragmented (W8).
  [[nodiscard]] virtual std::size_t least_mtu() const = 0;
  // The CGA key of what was loaded.
  [[nodiscard]] virtual std::shared_ptr<const crypto::SigningKey> key() const = 0;

  // ESP that the machine takes: of what was loaded.
  [[nodiscard]] virtual net::EspSelection esp() const = 0;

  // HI and HAck that are left to the kernel's IPsec, likewise.
  [[nodiscard]] virtual std::vector<net::ProtectedPair> protection() const = 0;

  // Once, with what was loaded.
  virtual machine::Machine& build(machine::Snapshot snapshot, Random& random, Now now) = 0;
  // Hands what was loaded since to the machine: what needs a restart; empty: it was taken.
  [[nodiscard]] virtual std::vector<std::string> take(Now now) = 0;
  // Forgets what was loaded since, for what is in use.
  virtual void leave() = 0;
  [[nodiscard]] virtual std::string status(control::DaemonStatus daemon, Now now) const = 0;

 protected:
  std::optional<config::Store::Kind> store_;
};

[[nodiscard]] std::unique_ptr<Role> make_router_role();
[[nodiscard]] std::unique_ptr<Role> make_mobile_role();
[[nodiscard]] std::unique_ptr<Role> make_guard_role();

}  // namespace sendoff::app
