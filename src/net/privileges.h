// Giving up what the daemon does not need, and keeping keys out of core files and swap.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "net/system_error.h"

namespace sendoff::net {

// No core file, no ptrace by the same user, no new privileges; memory is locked where the limit
// allows it. To be called first in main(), before any key is read. Returns what could not be had.
[[nodiscard]] std::vector<std::string> harden_process();

struct Dropped {
  bool user_changed = false;
  std::string remark;        // why not, when not
  bool lends_ports = false;  // as asked
};
// Whether programs that the daemon runs may bind ports below 1024, as a DHCP client must.
enum class Lends : std::uint8_t { kNothing, kLowPorts };
// Becomes `user` (its uid, gid and no other group) and keeps exactly CAP_NET_ADMIN and CAP_NET_RAW,
// permitted and effective, nothing inheritable, ambient or in the bounding set; and, to lend it,
// CAP_NET_BIND_SERVICE, permitted and inheritable, where the process has it. An empty user, or
// a user namespace that does not map the user, drops capabilities only and says so. Before any
// other thread is started: threads keep their own.
[[nodiscard]] Attempt<Dropped> drop_privileges(const std::string& user,
                                               Lends lends = Lends::kNothing);

// As long as it lives, programs that this thread starts have CAP_NET_BIND_SERVICE and no other
// capability; without Lends::kLowPorts they have none.
class LentPorts {
 public:
  LentPorts();
  ~LentPorts();
  LentPorts(const LentPorts&) = delete;
  LentPorts& operator=(const LentPorts&) = delete;
};

// Makes `user` the owner of a file or directory, where drop_privileges() would become that user.
[[nodiscard]] Attempt<> give_to(const std::string& path, const std::string& user);

}  // namespace sendoff::net
