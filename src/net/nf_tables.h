// Tables of netfilter, through nf_tables' netlink: what goes into one batch is taken whole or not
// at all. Knows the expressions that sendoff's rules are made of; nothing here knows what a rule is
// for.
#pragma once

#include <string>
#include <string_view>

#include "base/address.h"
#include "base/bytes.h"
#include "net/netlink_socket.h"
#include "net/system_error.h"

namespace sendoff::net {

enum class NfHook : std::uint8_t { kInput, kPostRouting };

// Whose rules those of a table are, once the process has ended.
enum class NfLife : std::uint8_t {
  kProcess,  // gone with the socket that made it
  kKernel,   // stay until somebody removes them
};

// Where a rule sends its packets: a netfilter queue. With `bypass` they go on while nobody reads
// it, else they are dropped then. `native`: by nft_queue; else by the target of xtables, for
// kernels without.
struct NfQueueTarget {
  std::uint16_t number = 0;
  bool bypass = false;
  bool native = true;
};

// A set of neighbours: the source address of a packet, and the name of the interface that it comes
// in by. With a `rate`, so many packets a second of each are found in it, and `burst` at once.
struct NfNeighbourSet {
  std::string name;
  std::uint32_t max_entries = 0;
  std::uint64_t rate = 0;  // 0: all; else the kernel needs nft_limit
  std::uint32_t burst = 0;
};

class NfBatch {
 public:
  // All that is added belongs to this table of the family IPv6.
  explicit NfBatch(std::string table);

  void add_table(NfLife life);
  // One that must be there.
  void remove_table();
  // Hangs at `hook`, at the priority of mangle; what no rule takes is accepted.
  void add_chain(const std::string& chain, NfHook hook);
  void add_set(const NfNeighbourSet& set);
  // To add what is there is no error; to remove what is not there is one (ENOENT).
  void add_to_set(const std::string& set, const Ipv6Address& source, std::string_view interface);
  void remove_from_set(const std::string& set, const Ipv6Address& source,
                       std::string_view interface);

  // A rule at the end of a chain: conditions, then its target, in the order of the calls.
  void begin_rule(const std::string& chain);
  void if_in(std::string_view interface);   // by name, at most 15 octets
  void if_out(std::string_view interface);  // likewise
  void if_out(unsigned index);
  void if_protocol(std::uint8_t protocol);  // behind extension headers, too
  // An octet of the upper header, from its start; never true of a later fragment.
  void if_neighbour_in(const std::string& set);
  void if_octet_within(std::uint32_t offset, std::uint8_t first, std::uint8_t last);
  void to_queue(const NfQueueTarget& target);
  void end_rule();

  // Waits until all of it is done. `what` is for the error. The rules of a table that is to end
  // with the process live as long as `socket`.
  [[nodiscard]] Attempt<> send(NetlinkSocket& socket, const std::string& what);

 private:
  nlmsghdr* add(std::uint8_t type, std::uint16_t flags, std::uint16_t table_attribute);
  nlmsghdr* put(std::uint16_t type, std::uint16_t flags, std::uint16_t resource,
                std::uint8_t family);
  void change_set(std::uint8_t type, const std::string& set, const Ipv6Address& source,
                  std::string_view interface);
  void read(std::uint32_t header, std::uint32_t offset, std::uint32_t size);
  void load(std::uint32_t key, std::uint32_t where);
  void compare(std::uint32_t operation, ByteView value);
  void finish();

  std::string table_;
  NetlinkSocket::Buffer buffer_;
  std::size_t used_ = 0;
  nlmsghdr* current_ = nullptr;
  nlattr* expressions_ = nullptr;
  std::uint32_t sequence_ = 0;
  int answers_ = 0;
};

}  // namespace sendoff::net
