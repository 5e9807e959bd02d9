#include "net/netlink_parse.h"

#include <linux/fib_rules.h>
#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/netconf.h>
#include <linux/rtnetlink.h>

#include "net/netlink_attributes.h"

namespace sendoff::net {

namespace {

constexpr std::uint16_t kIfaProto = 11;  // IFA_PROTO, Linux 5.18

}  // namespace

std::optional<LinkInfo> parse_link(const nlmsghdr* message) {
  const auto* header = header_of<ifinfomsg>(message);
  if (!header || header->ifi_index <= 0) return std::nullopt;
  const Attributes attributes(message, sizeof *header);
  LinkInfo link;
  link.index = static_cast<unsigned>(header->ifi_index);
  link.name = attributes.text(IFLA_IFNAME);
  link.address = LinkAddress::from(attributes.octets(IFLA_ADDRESS)).value_or(LinkAddress{});
  link.mtu = attributes.u32(IFLA_MTU).value_or(0);
  constexpr unsigned kUp = IFF_UP | IFF_RUNNING;
  link.up = (header->ifi_flags & kUp) == kUp;
  return link;
}

std::optional<AddressInfo> parse_address(const nlmsghdr* message) {
  const auto* header = header_of<ifaddrmsg>(message);
  if (!header || header->ifa_family != AF_INET6) return std::nullopt;
  const Attributes attributes(message, sizeof *header);
  // IFA_ADDRESS is the peer's where there is one, IFA_LOCAL then ours.
  auto address = attributes.address(IFA_LOCAL);
  if (!address) address = attributes.address(IFA_ADDRESS);
  if (!address) return std::nullopt;
  const std::uint32_t flags = attributes.u32(IFA_FLAGS).value_or(header->ifa_flags);
  AddressInfo info;
  info.index = header->ifa_index;
  info.address = *address;
  info.prefix_length = header->ifa_prefixlen;
  info.duplicate = (flags & IFA_F_DADFAILED) != 0;
  info.optimistic = (flags & IFA_F_OPTIMISTIC) != 0 && !info.duplicate;
  info.tentative = (flags & IFA_F_TENTATIVE) != 0 && !info.optimistic && !info.duplicate;
  const ByteView protocol = attributes.octets(kIfaProto);
  info.ours = protocol.size() == 1 && protocol[0] == kOurProtocol;
  info.by_kernel = protocol.size() == 1 &&
                   (protocol[0] == IFAPROT_KERNEL_LL || protocol[0] == IFAPROT_KERNEL_RA);
  return info;
}

std::optional<RouteInfo> parse_our_route(const nlmsghdr* message) {
  const auto* header = header_of<rtmsg>(message);
  if (!header || header->rtm_family != AF_INET6 || header->rtm_protocol != kOurProtocol ||
      header->rtm_table != RT_TABLE_MAIN || header->rtm_dst_len > 128)
    return std::nullopt;
  const Attributes attributes(message, sizeof *header);
  RouteInfo route;
  route.destination =
      Prefix(attributes.address(RTA_DST).value_or(Ipv6Address{}), header->rtm_dst_len);
  route.gateway = attributes.address(RTA_GATEWAY);
  const auto index = attributes.u32(RTA_OIF);
  if (!index) return std::nullopt;
  route.index = *index;
  return route;
}

std::optional<Ipv6Address> parse_our_refusal(const nlmsghdr* message) {
  const auto* header = header_of<fib_rule_hdr>(message);
  if (!header || header->family != AF_INET6 || header->src_len != 128 ||
      header->action != FR_ACT_PROHIBIT)
    return std::nullopt;
  const Attributes attributes(message, sizeof *header);
  const ByteView protocol = attributes.octets(FRA_PROTOCOL);
  if (protocol.size() != 1 || protocol[0] != kOurProtocol) return std::nullopt;
  return attributes.address(FRA_SRC);
}

std::optional<ForwardingInfo> parse_forwarding(const nlmsghdr* message) {
  const auto* header = header_of<netconfmsg>(message);
  if (!header || header->ncm_family != AF_INET6) return std::nullopt;
  const Attributes attributes(message, sizeof *header);
  const auto index = attributes.u32(NETCONFA_IFINDEX);
  const auto forwarding = attributes.u32(NETCONFA_FORWARDING);
  if (!index || !forwarding) return std::nullopt;
  return ForwardingInfo{*index, *forwarding != 0};
}

std::optional<NeighbourInfo> parse_neighbour(const nlmsghdr* message) {
  const auto* header = header_of<ndmsg>(message);
  if (!header || header->ndm_family != AF_INET6) return std::nullopt;
  const Attributes attributes(message, sizeof *header);
  const auto address = attributes.address(NDA_DST);
  if (!address) return std::nullopt;
  NeighbourInfo neighbour;
  neighbour.index = static_cast<unsigned>(header->ndm_ifindex);
  neighbour.address = *address;
  const auto link_address = LinkAddress::from(attributes.octets(NDA_LLADDR));
  if (link_address && !link_address->empty()) neighbour.link_address = link_address;
  constexpr unsigned kReachable = NUD_REACHABLE | NUD_PERMANENT;
  neighbour.reachable = (header->ndm_state & kReachable) != 0;
  neighbour.unresolved = (header->ndm_state & NUD_INCOMPLETE) != 0;
  neighbour.proxy = (header->ndm_flags & NTF_PROXY) != 0;
  neighbour.permanent = (header->ndm_state & NUD_PERMANENT) != 0;
  return neighbour;
}

}  // namespace sendoff::net
