#include "net/nd_queue.h"

#include "machine/action.h"
#include "wire/icmpv6.h"
#include "wire/ipv6.h"

namespace sendoff::net {

namespace {

constexpr std::uint16_t kFirstQueue = 3971;
// Most of a flood costs the daemon some 10 us a message: so many are what comes while it waits for
// a processor.
constexpr std::uint32_t kNdQueueLength = 8192;
constexpr const char* kIn = "in";
constexpr const char* kOut = "out";
constexpr const char* kProven = "proven";
// A neighbour resolves addresses, advertises and is asked whether he is still there; as many
// as may be proven by default stay below what the daemon can judge.
constexpr std::uint64_t kProvenRate = 20;
constexpr std::uint32_t kProvenBurst = 100;

struct Variant {
  bool native = true;   // nft_queue
  bool limited = true;  // nft_limit
};

constexpr std::uint16_t number_of(NdQueue::Line line) {
  return static_cast<std::uint16_t>(kFirstQueue + static_cast<std::uint16_t>(line));
}

// Of one interface, or of those in the set, whose neighbours are of one each.
void add_rule(NfBatch& batch, NdQueue::Line line, std::string_view interface,
              NfQueueTarget target) {
  batch.begin_rule(line == NdQueue::Line::kOutgoing ? kOut : kIn);
  if (line == NdQueue::Line::kOutgoing) batch.if_out(interface);
  if (line == NdQueue::Line::kStrangers) batch.if_in(interface);
  batch.if_protocol(wire::kProtocolIcmpv6);
  batch.if_octet_within(0, static_cast<std::uint8_t>(wire::Icmpv6Type::kRouterSolicitation),
                        static_cast<std::uint8_t>(wire::Icmpv6Type::kRedirect));
  if (line == NdQueue::Line::kProven) batch.if_neighbour_in(kProven);
  target.number = number_of(line);
  batch.to_queue(target);
  batch.end_rule();
}

// In one batch: there is no moment without rules.
Attempt<NetlinkSocket> make_table(const std::vector<std::string>& interfaces, OnStop on_stop,
                                  const Variant& variant) {
  auto socket = NetlinkSocket::open(0, NETLINK_NETFILTER);
  if (!socket) return socket;
  const bool open = on_stop == OnStop::kOpen;
  NfBatch batch(NdQueue::kTable);
  batch.add_table(NfLife::kKernel);  // so that there is one to remove
  batch.remove_table();
  batch.add_table(open ? NfLife::kProcess : NfLife::kKernel);
  batch.add_chain(kIn, NfHook::kInput);
  batch.add_chain(kOut, NfHook::kPostRouting);
  batch.add_set(
      {kProven, machine::SetProven::kMost, variant.limited ? kProvenRate : 0, kProvenBurst});
  const NfQueueTarget target{.bypass = open, .native = variant.native};
  add_rule(batch, NdQueue::Line::kProven, {}, target);
  for (const std::string& interface : interfaces)
    for (const auto line : {NdQueue::Line::kStrangers, NdQueue::Line::kOutgoing})
      add_rule(batch, line, interface, target);
  if (auto made = batch.send(*socket, "guard Neighbor Discovery by nf_tables"); !made)
    return fail(made.error());
  return socket;
}

}  // namespace

Attempt<NdQueue> NdQueue::open(const std::vector<std::string>& interfaces, OnStop on_stop) {
  invariant(interfaces.size() <= kMaxInterfaces);
  // Readers first: no message is to be lost to rules without one.
  std::vector<PacketQueue> queues;
  for (const Line line : kLines) {
    auto queue = PacketQueue::open(number_of(line), kNdQueueLength);
    if (!queue) return fail(queue.error());
    queues.push_back(std::move(*queue));
  }
  auto table = make_table(interfaces, on_stop, {});
  for (const Variant& variant : {Variant{false, true}, Variant{true, false}, Variant{false, false}})
    if (!table) table = make_table(interfaces, on_stop, variant);
  if (!table) return fail(table.error());
  return NdQueue(std::move(queues), std::move(*table));
}

Attempt<> NdQueue::set_proven(const std::string& interface, const Ipv6Address& neighbour,
                              bool proven) {
  NfBatch batch(kTable);
  if (proven)
    batch.add_to_set(kProven, neighbour, interface);
  else
    batch.remove_from_set(kProven, neighbour, interface);
  auto set = batch.send(table_, (proven ? "add " : "remove ") + neighbour.text() +
                                    (proven ? " to" : " from") +
                                    " the nf_tables set of proven neighbours");
  if (!set && !proven && set.error().code == ENOENT) return {};
  return set;
}

}  // namespace sendoff::net
