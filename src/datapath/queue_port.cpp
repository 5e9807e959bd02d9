#include "datapath/queue_port.h"

#include <unistd.h>

#include "net/nf_tables.h"
#include "wire/ipv6.h"

namespace sendoff::datapath {

namespace {

using net::NetlinkSocket;
using net::PacketQueue;

constexpr std::uint16_t kQueue = 5269;
constexpr std::uint32_t kQueueLength = 16384;
constexpr const char* kChain = "diverted";

// The table lives as long as the socket.
Attempt<NetlinkSocket> make_table(unsigned index, bool native) {
  auto socket = NetlinkSocket::open(0, NETLINK_NETFILTER);
  if (!socket) return socket;
  net::NfBatch batch("sendoff-datapath-" + std::to_string(getpid()));
  batch.add_table(net::NfLife::kProcess);
  batch.add_chain(kChain, net::NfHook::kPostRouting);
  batch.begin_rule(kChain);
  batch.if_out(index);
  batch.to_queue({kQueue, false, native});
  batch.end_rule();
  if (auto made = batch.send(*socket, "divert packets by nf_tables"); !made)
    return fail(made.error());
  return socket;
}

}  // namespace

Attempt<std::unique_ptr<QueuePort>> QueuePort::open(Kernel& kernel, bool forwards) {
  auto queue = PacketQueue::open(kQueue, kQueueLength);
  if (!queue) return fail(queue.error());
  auto sender = net::RoutedSender::open();
  if (!sender) return fail(sender.error());
  auto index = kernel.make_wire("sendoffq");
  if (!index) return fail(index.error());
  auto table = make_table(*index, true);
  if (!table) table = make_table(*index, false);
  if (!table) return fail(table.error());
  return std::unique_ptr<QueuePort>(
      new QueuePort(std::move(*table), std::move(*queue), std::move(*sender), *index, forwards));
}

// The verdict comes first: what is delivered may close the queue.
bool QueuePort::receive(std::size_t limit, const std::function<void(ByteView)>& deliver) {
  return queue_.receive(limit, [&](const PacketQueue::Packet& packet) {
    queue_.drop(packet.id);
    deliver(packet.octets);
  });
}

bool QueuePort::send(ByteView packet) {
  const auto header = wire::Ipv6Header::parse(packet);
  if (!header) return false;
  if (!forwards_) return sender_.send_through(0, header->destination, packet).has_value();
  // A raw socket sends as the host's own: nobody else counts the hop.
  constexpr std::size_t kHopLimitAt = 7;
  Bytes forwarded = to_bytes(packet);
  if (header->hop_limit <= 1) return false;
  --forwarded[kHopLimitAt];
  return sender_.send_through(0, header->destination, forwarded).has_value();
}

}  // namespace sendoff::datapath
