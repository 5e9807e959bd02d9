#include "net/nd_queue.h"

#include "wire/icmpv6.h"
#include "wire/ipv6.h"

namespace sendoff::net {

namespace {

constexpr std::uint16_t kIncomingQueue = 3971;
constexpr std::uint16_t kOutgoingQueue = 3972;
// Most of a flood costs the daemon some 10 us a message: so many are what comes while it waits for
// a processor.
constexpr std::uint32_t kNdQueueLength = 8192;
constexpr const char* kIn = "in";
constexpr const char* kOut = "out";

void add_rules(NfBatch& batch, const std::string& interface, bool bypass, bool native) {
  for (const char* chain : {kIn, kOut}) {
    const bool outgoing = chain == kOut;
    batch.begin_rule(chain);
    if (outgoing)
      batch.if_out(interface);
    else
      batch.if_in(interface);
    batch.if_protocol(wire::kProtocolIcmpv6);
    batch.if_octet_within(0, static_cast<std::uint8_t>(wire::Icmpv6Type::kRouterSolicitation),
                          static_cast<std::uint8_t>(wire::Icmpv6Type::kRedirect));
    batch.to_queue({outgoing ? kOutgoingQueue : kIncomingQueue, bypass, native});
    batch.end_rule();
  }
}

// In one batch: there is no moment without rules.
Attempt<NetlinkSocket> make_table(const std::vector<std::string>& interfaces, OnStop on_stop,
                                  bool native) {
  auto socket = NetlinkSocket::open(0, NETLINK_NETFILTER);
  if (!socket) return socket;
  const NfLife life = on_stop == OnStop::kOpen ? NfLife::kProcess : NfLife::kKernel;
  NfBatch batch(NdQueue::kTable);
  batch.add_table(NfLife::kKernel);  // so that there is one to remove
  batch.remove_table();
  batch.add_table(life);
  batch.add_chain(kIn, NfHook::kInput);
  batch.add_chain(kOut, NfHook::kPostRouting);
  for (const std::string& interface : interfaces)
    add_rules(batch, interface, on_stop == OnStop::kOpen, native);
  if (auto made = batch.send(*socket, "guard Neighbor Discovery by nf_tables"); !made)
    return fail(made.error());
  return socket;
}

}  // namespace

Attempt<NdQueue> NdQueue::open(const std::vector<std::string>& interfaces, OnStop on_stop) {
  invariant(interfaces.size() <= kMaxInterfaces);
  // A reader first: no message is to be lost to rules without one.
  auto incoming = PacketQueue::open(kIncomingQueue, kNdQueueLength);
  if (!incoming) return fail(incoming.error());
  auto outgoing = PacketQueue::open(kOutgoingQueue, kNdQueueLength);
  if (!outgoing) return fail(outgoing.error());
  auto table = make_table(interfaces, on_stop, true);
  if (!table) table = make_table(interfaces, on_stop, false);
  if (!table) return fail(table.error());
  return NdQueue(std::move(*incoming), std::move(*outgoing), std::move(*table));
}

}  // namespace sendoff::net
