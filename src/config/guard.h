// What files say of the guard of the kernel's Neighbor Discovery (nd::Guard), alone or beside a
// role, and of what proves messages.
#pragma once

#include <optional>
#include <string>

#include "config/common.h"
#include "nd/guard_config.h"

namespace sendoff::config {

// [guard] on_stop: what becomes of the host without the daemon is nothing to guess.
void read_on_stop(Section& guard, Daemon& daemon);
void read_guard_mode(Section& section, std::string_view key, nd::GuardMode& mode);
// signatures_per_neighbour, signatures_per_interface, signing, neighbours
void read_guard_limits(Section& section, nd::GuardConfig& config);

// [authorization]: how each kind of message is proven (RFC 3971 5.2.3).
[[nodiscard]] std::string method_key(send::Kind kind);  // "router_advertisement"
void read_method(Section& authorization, send::Kind kind, send::Methods& methods);
// Of a role: RtSolPr and PrRtAdv, too (GS30). A router is one by its certificate (RFC 5269 3.2).
void read_authorization(Section& root, send::Methods& methods);

// [guard] in the file of a role, and `guard` of its interfaces: the guard beside it.
class GuardBeside {
 public:
  // Before the interfaces.
  GuardBeside(Section& root, nd::GuardPlace place, Daemon& daemon);
  void read(Section& interface, InterfaceId id, const std::string& name);
  // When all else is read. Nothing: the file has no [guard].
  [[nodiscard]] std::optional<nd::GuardConfig> config(const send::Identity& identity,
                                                      const send::ReceiverConfig& receiver);

 private:
  std::optional<nd::GuardConfig> config_;
  nd::GuardedInterface all_;  // what counts for interfaces that say nothing else
};

}  // namespace sendoff::config
