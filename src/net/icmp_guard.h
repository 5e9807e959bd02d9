// Keeps the kernel from answering Fast Mobile IPv6 messages: without Mobile IPv6 it sends an
// ICMPv6 Parameter Problem for the Home Address option of every FBU and for every Mobility Header
// that no socket takes, which would tell the sender what the daemon keeps quiet (W23).
//
// An nftables table on the input hook drops the Mobility Headers that the daemon takes from its
// packet sockets (which see them before): all but those of Mobile IPv6 (types 0 to 7) and of other
// programs. It belongs to a child process `nft` (flags owner) that
// reads from a pipe of ours: when the daemon ends, however it ends, the table goes with it.
// Packets that are only forwarded do not meet it.
#pragma once

#include <sys/types.h>

#include <vector>

#include "net/file_descriptor.h"
#include "net/system_error.h"

namespace sendoff::net {

class IcmpGuard {
 public:
  // Needs nft and CAP_NET_ADMIN. Waits until the table stands. `other_types`: of other programs.
  [[nodiscard]] static Attempt<IcmpGuard> open(const std::vector<std::uint8_t>& other_types = {});
  IcmpGuard(IcmpGuard&& other) noexcept
      : commands_(std::move(other.commands_)), child_(std::exchange(other.child_, -1)) {}
  IcmpGuard& operator=(IcmpGuard&&) = delete;
  IcmpGuard(const IcmpGuard&) = delete;
  IcmpGuard& operator=(const IcmpGuard&) = delete;
  // The table is gone when it returns.
  ~IcmpGuard();

 private:
  IcmpGuard(FileDescriptor commands, pid_t child) : commands_(std::move(commands)), child_(child) {}

  FileDescriptor commands_;
  pid_t child_;
};

// The program, or nothing: PATH of a daemon may lack the sbin directories.
[[nodiscard]] std::string find_nft();

}  // namespace sendoff::net
