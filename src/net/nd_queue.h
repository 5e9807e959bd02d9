// Stops the kernel's own Neighbor Discovery messages (RFC 4861 4: types 133 to 137) where they
// leave and where they come in, until a verdict lets them go on: netfilter queues, and a table of
// rules on the hooks postrouting and input. What leaves has a queue of its own, and so has what
// comes from neighbours who have proved themselves, as many packets of each a second as a neighbour
// has to say: no flood by others takes their place. Messages of packet sockets do not meet it.
// Fragments but the first do not either: the kernel itself has to drop them (suppress_frag_ndisc,
// RFC 6980).
//
// One a network namespace. What becomes of the messages when the process ends, however it ends, is
// OnStop: where it is kClosed the table stays, and all of them are dropped until the next open() or
// until somebody deletes the table `kTable`.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "net/nf_tables.h"
#include "net/on_stop.h"
#include "net/packet_queue.h"

namespace sendoff::net {

class NdQueue {
 public:
  static constexpr const char* kTable = "sendoff-guard";
  static constexpr std::size_t kMaxInterfaces = 24;

  // At most kMaxInterfaces names; the rules know interfaces by them. Takes the place of a table
  // that an earlier run left. Needs nf_tables, nft_queue or the xtables target NFQUEUE, and
  // CAP_NET_ADMIN; without nft_limit no neighbour's part is bounded.
  [[nodiscard]] static Attempt<NdQueue> open(const std::vector<std::string>& interfaces,
                                             OnStop on_stop);

  enum class Line : std::uint8_t { kStrangers, kProven, kOutgoing };
  static constexpr std::array kLines{Line::kStrangers, Line::kProven, Line::kOutgoing};
  [[nodiscard]] PacketQueue& queue(Line line) { return queues_.at(static_cast<std::size_t>(line)); }

  // Whether the packets of a neighbour wait in Line::kProven; at most machine::SetProven::kMost
  // (ENFILE). To forget one that is not known is
  // no error.
  [[nodiscard]] Attempt<> set_proven(const std::string& interface, const Ipv6Address& neighbour,
                                     bool proven);

 private:
  NdQueue(std::vector<PacketQueue> queues, NetlinkSocket table)
      : queues_(std::move(queues)), table_(std::move(table)) {}

  std::vector<PacketQueue> queues_;  // by Line
  NetlinkSocket table_;              // whose rules they are, when they end with the process
};

}  // namespace sendoff::net
