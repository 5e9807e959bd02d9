#include "net/netlink.h"

#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <linux/fib_rules.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <limits>

#include "net/netlink_parse.h"
#include "net/netlink_socket.h"

namespace sendoff::net {

namespace {

constexpr std::uint16_t kIfaProto = 11;  // IFA_PROTO, Linux 5.18
constexpr std::uint16_t kIfaFlags = 8;   // IFA_FLAGS
// Before the rules of the data path, which lead packets of a node into its tunnel.
constexpr std::uint32_t kRefusalPriority = 8100;

std::uint32_t lifetime(const std::optional<Duration>& duration) {
  constexpr std::uint32_t kInfinite = std::numeric_limits<std::uint32_t>::max();
  if (!duration) return kInfinite;
  const std::int64_t whole = std::max<std::int64_t>(whole_seconds(*duration), 0);
  return whole >= kInfinite ? kInfinite - 1 : static_cast<std::uint32_t>(whole);
}

}  // namespace

struct Netlink::State {
  Attempt<> neighbour(std::uint16_t type, unsigned index, const Ipv6Address& address,
                      const LinkAddress* link_address, bool proxy, const std::string& what,
                      std::uint16_t state = NUD_PERMANENT) {
    ndmsg header{};
    header.ndm_family = AF_INET6;
    header.ndm_ifindex = static_cast<int>(index);
    header.ndm_state = state;
    header.ndm_flags = proxy ? NTF_PROXY : 0;
    const unsigned create = type == RTM_NEWNEIGH ? NLM_F_CREATE | NLM_F_REPLACE : 0;
    nlmsghdr* message = requests.request(type, NLM_F_ACK | create, header);
    put_address(message, NDA_DST, address);
    if (link_address)
      mnl_attr_put(message, NDA_LLADDR, link_address->view().size(), link_address->view().data());
    if (type == RTM_NEWNEIGH) mnl_attr_put_u8(message, NDA_PROTOCOL, kOurProtocol);
    return requests.acknowledge(message, what, type == RTM_DELNEIGH ? ENOENT : 0);
  }

  Attempt<> refusal(std::uint16_t type, unsigned flags, const Ipv6Address& source, int tolerated) {
    fib_rule_hdr header{};
    header.family = AF_INET6;
    header.src_len = 128;
    header.action = FR_ACT_PROHIBIT;
    nlmsghdr* message = requests.request(type, NLM_F_ACK | flags, header);
    put_address(message, FRA_SRC, source);
    mnl_attr_put_u32(message, FRA_PRIORITY, kRefusalPriority);
    mnl_attr_put_u8(message, FRA_PROTOCOL, kOurProtocol);
    return requests.acknowledge(message, "rule against packets from " + source.text(), tolerated);
  }

  nlmsghdr* route(std::uint16_t type, unsigned flags, const RouteInfo& route) {
    rtmsg header{};
    header.rtm_family = AF_INET6;
    header.rtm_dst_len = route.destination.length();
    header.rtm_table = RT_TABLE_MAIN;
    header.rtm_protocol = kOurProtocol;
    header.rtm_scope = RT_SCOPE_UNIVERSE;
    header.rtm_type = RTN_UNICAST;
    nlmsghdr* message = requests.request(type, NLM_F_ACK | flags, header);
    put_address(message, RTA_DST, route.destination.address());
    if (route.gateway) put_address(message, RTA_GATEWAY, *route.gateway);
    mnl_attr_put_u32(message, RTA_OIF, route.index);
    mnl_attr_put_u32(message, RTA_PRIORITY, kOurMetric);
    return message;
  }

  State(NetlinkSocket for_requests, NetlinkSocket for_events)
      : requests(std::move(for_requests)), events(std::move(for_events)) {}

  NetlinkSocket requests;
  NetlinkSocket events;
};

Netlink::Netlink(std::unique_ptr<State> state) : state_(std::move(state)) {}
Netlink::~Netlink() = default;

Attempt<std::unique_ptr<Netlink>> Netlink::open() {
  auto requests = NetlinkSocket::open(0);
  if (!requests) return fail(requests.error());
  auto events = NetlinkSocket::open(RTMGRP_LINK | RTMGRP_IPV6_IFADDR | RTMGRP_NEIGH |
                                    1U << (RTNLGRP_IPV6_NETCONF - 1));
  if (!events) return fail(events.error());
  if (fcntl(events->fd(), F_SETFL, O_NONBLOCK) < 0) return fail(last_error("netlink socket"));
  auto state = std::make_unique<State>(std::move(*requests), std::move(*events));
  return std::unique_ptr<Netlink>(new Netlink(std::move(state)));
}

Attempt<std::vector<LinkInfo>> Netlink::links() {
  ifinfomsg header{};
  header.ifi_family = AF_UNSPEC;
  return state_->requests.dump(state_->requests.request(RTM_GETLINK, NLM_F_DUMP, header),
                               "list links", parse_link);
}

Attempt<std::vector<AddressInfo>> Netlink::addresses() {
  ifaddrmsg header{};
  header.ifa_family = AF_INET6;
  return state_->requests.dump(state_->requests.request(RTM_GETADDR, NLM_F_DUMP, header),
                               "list addresses", parse_address);
}

Attempt<std::vector<RouteInfo>> Netlink::our_routes() {
  rtmsg header{};
  header.rtm_family = AF_INET6;
  return state_->requests.dump(state_->requests.request(RTM_GETROUTE, NLM_F_DUMP, header),
                               "list routes", parse_our_route);
}

Attempt<std::vector<NeighbourInfo>> Netlink::neighbours(unsigned index) {
  std::vector<NeighbourInfo> found;
  for (const std::uint8_t flags : {std::uint8_t{0}, std::uint8_t{NTF_PROXY}}) {
    ndmsg header{};
    header.ndm_family = AF_INET6;
    header.ndm_flags = flags;
    auto part = state_->requests.dump(state_->requests.request(RTM_GETNEIGH, NLM_F_DUMP, header),
                                      "list neighbours", parse_neighbour);
    if (!part) return part;
    for (NeighbourInfo& each : *part)
      if (each.index == index) found.push_back(std::move(each));
  }
  return found;
}

Attempt<> Netlink::set_address(const AddressSpec& spec) {
  ifaddrmsg header{};
  header.ifa_family = AF_INET6;
  header.ifa_prefixlen = spec.prefix_length;
  header.ifa_index = spec.index;
  std::uint32_t flags = 0;
  if (spec.dad == AddressDad::kOptimistic) flags = IFA_F_OPTIMISTIC;
  if (spec.dad == AddressDad::kNone) flags = IFA_F_NODAD;
  // The route to a prefix of one address leads nowhere, and the kernel leaves it behind when an
  // address that has got lifetimes goes.
  if (spec.prefix_length == 128) flags |= IFA_F_NOPREFIXROUTE;
  nlmsghdr* message =
      state_->requests.request(RTM_NEWADDR, NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE, header);
  put_address(message, IFA_LOCAL, spec.address);
  put_address(message, IFA_ADDRESS, spec.address);
  mnl_attr_put_u32(message, kIfaFlags, flags);
  mnl_attr_put_u8(message, kIfaProto, kOurProtocol);
  ifa_cacheinfo lifetimes{};
  lifetimes.ifa_valid = lifetime(spec.valid);
  lifetimes.ifa_prefered = std::min(lifetime(spec.preferred), lifetimes.ifa_valid);
  mnl_attr_put(message, IFA_CACHEINFO, sizeof lifetimes, &lifetimes);
  return state_->requests.acknowledge(message, "add address " + spec.address.text());
}

Attempt<> Netlink::remove_address(unsigned index, const Ipv6Address& address,
                                  std::uint8_t prefix_length) {
  ifaddrmsg header{};
  header.ifa_family = AF_INET6;
  header.ifa_prefixlen = prefix_length;
  header.ifa_index = index;
  nlmsghdr* message = state_->requests.request(RTM_DELADDR, NLM_F_ACK, header);
  put_address(message, IFA_LOCAL, address);
  return state_->requests.acknowledge(message, "remove address " + address.text(), EADDRNOTAVAIL);
}

Attempt<> Netlink::set_route(const RouteInfo& route) {
  return state_->requests.acknowledge(
      state_->route(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, route),
      "set route " + route.destination.text());
}

Attempt<> Netlink::remove_route(const RouteInfo& route) {
  return state_->requests.acknowledge(state_->route(RTM_DELROUTE, 0, route),
                                      "remove route " + route.destination.text(), ESRCH);
}

Attempt<> Netlink::set_neighbour(unsigned index, const Ipv6Address& address,
                                 const LinkAddress& link_address, Trust trust) {
  return state_->neighbour(RTM_NEWNEIGH, index, address, &link_address, false,
                           "set neighbour " + address.text(),
                           trust == Trust::kCertain ? NUD_PERMANENT : NUD_STALE);
}

Attempt<> Netlink::remove_neighbour(unsigned index, const Ipv6Address& address) {
  return state_->neighbour(RTM_DELNEIGH, index, address, nullptr, false,
                           "remove neighbour " + address.text());
}

Attempt<> Netlink::drop_waiting(unsigned index) {
  const auto all = neighbours(index);
  if (!all) return fail(all.error());
  for (const NeighbourInfo& each : *all) {
    if (!each.unresolved) continue;
    if (auto removed = remove_neighbour(index, each.address); !removed) return removed;
  }
  return {};
}

Attempt<> Netlink::set_proxy(unsigned index, const Ipv6Address& address) {
  return state_->neighbour(RTM_NEWNEIGH, index, address, nullptr, true,
                           "set proxy " + address.text());
}

Attempt<> Netlink::remove_proxy(unsigned index, const Ipv6Address& address) {
  return state_->neighbour(RTM_DELNEIGH, index, address, nullptr, true,
                           "remove proxy " + address.text());
}

Attempt<> Netlink::refuse_source(const Ipv6Address& address) {
  return state_->refusal(RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL, address, EEXIST);
}

Attempt<> Netlink::admit_source(const Ipv6Address& address) {
  return state_->refusal(RTM_DELRULE, 0, address, ENOENT);
}

Attempt<std::vector<Ipv6Address>> Netlink::refused_sources() {
  fib_rule_hdr header{};
  header.family = AF_INET6;
  return state_->requests.dump(state_->requests.request(RTM_GETRULE, NLM_F_DUMP, header),
                               "list rules", parse_our_refusal);
}

int Netlink::event_fd() const { return state_->events.fd(); }

void Netlink::read_events(const Events& events) {
  const auto visit = [](const nlmsghdr* message, void* data) {
    const Events& told = *static_cast<const Events*>(data);
    const auto type = message->nlmsg_type;
    if (type == RTM_NEWLINK || type == RTM_DELLINK) {
      if (const auto link = parse_link(message)) told.link(*link, type == RTM_DELLINK);
    } else if (type == RTM_NEWADDR || type == RTM_DELADDR) {
      if (const auto address = parse_address(message)) told.address(*address, type == RTM_DELADDR);
    } else if (type == RTM_NEWNEIGH || type == RTM_DELNEIGH) {
      const auto neighbour = parse_neighbour(message);
      if (neighbour) told.neighbour(*neighbour, type == RTM_DELNEIGH);
    } else if (type == RTM_NEWNETCONF) {
      if (const auto change = parse_forwarding(message)) told.forwarding(*change);
    }
    return MNL_CB_OK;
  };
  NetlinkSocket::Buffer buffer;
  while (true) {
    const auto size = state_->events.receive(buffer);
    if (size < 0) {
      if (errno == EINTR) continue;
      if (errno == ENOBUFS || errno == ENOSPC) {
        events.lost();
        continue;
      }
      return;
    }
    Events copy = events;
    (void)mnl_cb_run(buffer.data(), static_cast<std::size_t>(size), 0, 0, visit, &copy);
  }
}

}  // namespace sendoff::net
