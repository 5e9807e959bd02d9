// Packets by NFQUEUE, for hosts on which neither bpf() nor /dev/net/tun opens (a user namespace):
// routes lead to one end of a wire that leads nowhere, and an nftables rule hands to a queue what
// is about to leave by it. The table belongs to a socket of ours (flags owner): when the process
// ends, however it ends, it is gone. The wire is noted in the kernel's journal.
#pragma once

#include "datapath/kernel.h"
#include "datapath/port.h"
#include "net/packet_queue.h"
#include "net/raw_socket.h"

namespace sendoff::datapath {

class QueuePort final : public Port {
 public:
  // Needs veth, nf_tables with nft_queue or the xtables target NFQUEUE, and CAP_NET_ADMIN.
  // `forwards`: what goes back into the host is forwarded, its hop limit less by one.
  [[nodiscard]] static Attempt<std::unique_ptr<QueuePort>> open(Kernel& kernel, bool forwards);

  [[nodiscard]] int fd() const override { return queue_.fd(); }
  [[nodiscard]] unsigned index() const override { return index_; }
  bool receive(std::size_t limit, const std::function<void(ByteView)>& deliver) override;
  [[nodiscard]] bool send(ByteView packet) override;

 private:
  QueuePort(net::NetlinkSocket table, net::PacketQueue queue, net::RoutedSender sender,
            unsigned index, bool forwards)
      : table_(std::move(table)),
        queue_(std::move(queue)),
        sender_(std::move(sender)),
        index_(index),
        forwards_(forwards) {}

  net::NetlinkSocket table_;
  net::PacketQueue queue_;
  net::RoutedSender sender_;
  unsigned index_;
  bool forwards_;
};

}  // namespace sendoff::datapath
