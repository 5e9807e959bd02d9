// Keeps the kernel from answering Fast Mobile IPv6 messages: without Mobile IPv6 it sends an
// ICMPv6 Parameter Problem for the Home Address option of every FBU and for every Mobility Header
// that no socket takes, which would tell the sender what the daemon keeps quiet (W23).
//
// An nftables table on the input hook drops the Mobility Headers that the daemon takes from its
// packet sockets (which see them before): all but those of Mobile IPv6 (types 0 to 6) and of other
// programs. A Binding Error (7) passes only where it is one of theirs. It belongs to a child
// process `nft` (flags owner) that reads from a pipe of ours: when the daemon ends, however it
// ends, the table goes with it. Packets that are only forwarded do not meet it.
#pragma once

#include <sys/types.h>

#include <string>
#include <utility>
#include <vector>

#include "base/address.h"
#include "net/file_descriptor.h"
#include "net/system_error.h"

namespace sendoff::net {

class IcmpGuard {
 public:
  struct Rules {
    bool home_addresses = false;            // also drop what else has a Home Address option (9.3.1)
    std::vector<std::uint8_t> other_types;  // Mobility Headers of other programs here
  };
  // Needs nft and CAP_NET_ADMIN. Waits until the table stands.
  [[nodiscard]] static Attempt<IcmpGuard> open(const Rules& rules);
  IcmpGuard(IcmpGuard&& other) noexcept
      : commands_(std::move(other.commands_)),
        answers_(std::move(other.answers_)),
        child_(std::exchange(other.child_, -1)),
        table_(std::move(other.table_)),
        rules_(std::move(other.rules_)) {}
  IcmpGuard& operator=(IcmpGuard&&) = delete;
  IcmpGuard(const IcmpGuard&) = delete;
  IcmpGuard& operator=(const IcmpGuard&) = delete;
  // The table is gone when it returns.
  ~IcmpGuard();

  struct Pair {
    Ipv6Address source;
    Ipv6Address destination;
  };
  // HI and HAck between these, and no others, go on to the sockets of the host: to those that its
  // IPsec policies guard.
  [[nodiscard]] Attempt<> let_pass(const std::vector<Pair>& pairs);

 private:
  IcmpGuard(FileDescriptor commands, FileDescriptor answers, pid_t child)
      : commands_(std::move(commands)), answers_(std::move(answers)), child_(child) {}
  // Waits until it is done.
  [[nodiscard]] Attempt<> command(const std::string& text);

  FileDescriptor commands_;
  FileDescriptor answers_;
  pid_t child_;
  std::string table_;
  Rules rules_;
};

// The program, or nothing: PATH of a daemon may lack the sbin directories.
[[nodiscard]] std::string find_nft();

}  // namespace sendoff::net
