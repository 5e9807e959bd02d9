#include "lab/plain_node.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <thread>

#include "lab/interrupt.h"
#include "net/clock.h"
#include "net/netlink.h"
#include "wire/icmpv6.h"

namespace sendoff::lab {

namespace {

constexpr int kTurnMs = 20;

// The kernel fills in source and checksum.
Attempt<> solicit_routers(const Namespace& space) {
  const Inside inside(space);
  const net::FileDescriptor fd(socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMPV6));
  const int hop_limit = 255;
  const int interface = static_cast<int>(kMobileIndex);
  Bytes message;
  append(message, wire::RouterSolicitation{});
  sockaddr_in6 to{};
  to.sin6_family = AF_INET6;
  to.sin6_scope_id = kMobileIndex;
  std::memcpy(&to.sin6_addr, kAllRouters.octets().data(), Ipv6Address::kSize);
  if (!fd.ok() ||
      setsockopt(fd.get(), IPPROTO_IPV6, IPV6_MULTICAST_HOPS, &hop_limit, sizeof hop_limit) != 0 ||
      setsockopt(fd.get(), IPPROTO_IPV6, IPV6_MULTICAST_IF, &interface, sizeof interface) != 0 ||
      sendto(fd.get(), message.data(), message.size(), 0, reinterpret_cast<const sockaddr*>(&to),
             sizeof to) < 0)
    return failed_call("send a Router Solicitation");
  return {};
}

Attempt<std::unique_ptr<net::Netlink>> open_netlink(const Namespace& space) {
  const Inside inside(space);
  auto netlink = net::Netlink::open();
  if (!netlink) return failed(netlink.error());
  return std::move(*netlink);
}

}  // namespace

struct PlainNode::State {
  const Network& network;
  Links links;
  std::unique_ptr<net::Netlink> netlink;
};

PlainNode::PlainNode(std::unique_ptr<State> state) : state_(std::move(state)) {}
PlainNode::~PlainNode() = default;

Attempt<std::unique_ptr<PlainNode>> PlainNode::start(const Network& network) {
  auto state = std::unique_ptr<State>(new State{network, Links(network.mobile()), {}});
  auto netlink = open_netlink(network.mobile());
  if (!netlink) return fail(netlink.error());
  state->netlink = std::move(*netlink);
  const std::string conf = std::string("net/ipv6/conf/") + kAccessInterface;
  for (const char* setting : {"/optimistic_dad", "/use_optimistic", "/autoconf", "/accept_ra"})
    state->links.set(conf + setting, "1");
  state->links.set(conf + "/addr_gen_mode", "0");
  if (auto done = state->links.outcome(); !done) return fail(done.error());
  return std::unique_ptr<PlainNode>(new PlainNode(std::move(state)));
}

Attempt<Ipv6Address> PlainNode::wait_for_address(Side side, Duration patience) {
  const Instant deadline = net::read_clocks().boot + patience;
  // The kernel tells of an address when the node can be reached by it, which is a little after a
  // list of the addresses has it.
  std::optional<Ipv6Address> found;
  const auto look = [&](const net::AddressInfo& each, bool gone) {
    if (!gone && each.index == kMobileIndex && !each.tentative &&
        place(side).prefix.contains(each.address))
      found = each.address;
  };
  const net::Netlink::Events events{[](const auto&, bool) {}, look, [](const auto&, bool) {},
                                    [](const net::ForwardingInfo&) {}, [] {}};
  while (net::read_clocks().boot < deadline && !interrupted()) {
    if (found) return *found;
    pollfd waiting{state_->netlink->event_fd(), POLLIN, 0};
    (void)poll(&waiting, 1, kTurnMs);
    state_->netlink->read_events(events);
  }
  return failed(interrupted() ? "interrupted"
                              : "the plain node got no address in " + place(side).prefix.text());
}

Attempt<> wait_for_settled_addresses(const Network& network, Duration patience) {
  auto netlink = open_netlink(network.mobile());
  if (!netlink) return fail(netlink.error());
  const Instant deadline = net::read_clocks().boot + patience;
  while (net::read_clocks().boot < deadline && !interrupted()) {
    const auto addresses = (*netlink)->addresses();
    if (!addresses) return failed(addresses.error());
    if (std::ranges::none_of(*addresses, [](const net::AddressInfo& each) {
          return each.tentative || each.optimistic;
        }))
      return {};
    std::this_thread::sleep_for(milliseconds(kTurnMs));
  }
  return failed("the mobile node's addresses do not become ready");
}

Attempt<> PlainNode::arrive(Side side) {
  const auto addresses = state_->netlink->addresses();
  if (!addresses) return failed(addresses.error());
  for (const net::AddressInfo& each : *addresses)
    if (each.index == kMobileIndex && place(other(side)).prefix.contains(each.address))
      state_->links.remove_address(kMobileIndex, each.address, each.prefix_length);
  state_->links.remove_default_routes(kMobileIndex);
  if (auto done = state_->links.outcome(); !done) return done;
  return solicit_routers(state_->network.mobile());
}

}  // namespace sendoff::lab
