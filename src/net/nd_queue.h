// Stops the kernel's own Neighbor Discovery messages (RFC 4861 4: types 133 to 137) where they
// leave and where they come in, until a verdict lets them go on: a netfilter queue each way, so
// that no flood from outside takes the place of what this host says, and a table of rules on the
// hooks postrouting and input. Messages of packet sockets do not meet it. Fragments but the first
// do not either: the kernel itself has to drop them (suppress_frag_ndisc, RFC 6980).
//
// One a network namespace. What becomes of the messages when the process ends, however it ends, is
// OnStop: where it is kClosed the table stays, and all of them are dropped until the next open() or
// until somebody deletes the table `kTable`.
#pragma once

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
  // CAP_NET_ADMIN.
  [[nodiscard]] static Attempt<NdQueue> open(const std::vector<std::string>& interfaces,
                                             OnStop on_stop);

  [[nodiscard]] PacketQueue& incoming() { return incoming_; }
  [[nodiscard]] PacketQueue& outgoing() { return outgoing_; }

 private:
  NdQueue(PacketQueue incoming, PacketQueue outgoing, NetlinkSocket table)
      : incoming_(std::move(incoming)), outgoing_(std::move(outgoing)), table_(std::move(table)) {}

  PacketQueue incoming_;
  PacketQueue outgoing_;
  NetlinkSocket table_;  // whose rules they are, when they end with the process
};

}  // namespace sendoff::net
