#include "datapath/kernel.h"

#include <fcntl.h>
#include <linux/fib_rules.h>
#include <linux/if.h>
#include <linux/if_arp.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "net/netlink_attributes.h"
#include "net/netlink_socket.h"

namespace sendoff::datapath {

namespace {

using net::Attributes;
using net::FileDescriptor;
using net::header_of;
using net::last_error;
using net::NetlinkSocket;
using net::put_address;
using net::SystemError;

// The kernel's name for the only filters that are ours, whatever their handle.
constexpr const char* kFilterName = "sendoff";
constexpr std::uint32_t kFilterPriority = 82;
constexpr std::string_view kQdiscLine = "clsact ";
constexpr std::string_view kWireLine = "wire ";

struct Filter {
  int index = 0;
  std::uint32_t parent = 0;
  std::uint32_t info = 0;
  std::uint32_t handle = 0;
  bool ours = false;
};

struct Rule {
  Ipv6Address source;
  std::uint32_t table = 0;
};

std::optional<Device> parse_device(const nlmsghdr* message) {
  const auto* header = header_of<ifinfomsg>(message);
  if (!header || header->ifi_index <= 0) return std::nullopt;
  const Attributes attributes(message, sizeof *header);
  Device device;
  device.index = static_cast<unsigned>(header->ifi_index);
  device.name = attributes.text(IFLA_IFNAME);
  device.mtu = attributes.u32(IFLA_MTU).value_or(0);
  device.ethernet = header->ifi_type == ARPHRD_ETHER;
  device.loopback = (header->ifi_flags & IFF_LOOPBACK) != 0;
  device.enslaved = attributes.u32(IFLA_MASTER).has_value();
  return device;
}

std::optional<std::pair<NextHop, bool>> parse_next_hop(const nlmsghdr* message) {
  const auto* header = header_of<rtmsg>(message);
  if (!header || header->rtm_family != AF_INET6) return std::nullopt;
  const Attributes attributes(message, sizeof *header);
  NextHop hop;
  hop.gateway = attributes.address(RTA_GATEWAY);
  hop.index = attributes.u32(RTA_OIF).value_or(0);
  hop.mtu = Attributes(attributes.nest(RTA_METRICS)).u32(RTAX_MTU).value_or(0);
  return std::pair{hop, header->rtm_type == RTN_UNICAST && hop.index != 0};
}

std::optional<TunnelRoute> parse_our_route(const nlmsghdr* message) {
  const auto* header = header_of<rtmsg>(message);
  if (!header || header->rtm_family != AF_INET6 || header->rtm_protocol != kProtocol ||
      header->rtm_dst_len > 128)
    return std::nullopt;
  const Attributes attributes(message, sizeof *header);
  TunnelRoute route;
  route.table = attributes.u32(RTA_TABLE).value_or(header->rtm_table);
  route.destination =
      Prefix(attributes.address(RTA_DST).value_or(Ipv6Address{}), header->rtm_dst_len);
  route.via.index = attributes.u32(RTA_OIF).value_or(0);
  route.via.gateway = attributes.address(RTA_GATEWAY);
  route.metric = attributes.u32(RTA_PRIORITY).value_or(kMetric);
  return route;
}

std::optional<Rule> parse_our_rule(const nlmsghdr* message) {
  const auto* header = header_of<fib_rule_hdr>(message);
  if (!header || header->family != AF_INET6 || header->src_len != 128) return std::nullopt;
  const Attributes attributes(message, sizeof *header);
  const ByteView protocol = attributes.octets(FRA_PROTOCOL);
  const auto source = attributes.address(FRA_SRC);
  if (protocol.size() != 1 || protocol[0] != kProtocol || !source) return std::nullopt;
  return Rule{*source, attributes.u32(FRA_TABLE).value_or(header->table)};
}

std::optional<Filter> parse_filter(const nlmsghdr* message) {
  const auto* header = header_of<tcmsg>(message);
  if (!header) return std::nullopt;
  const Attributes attributes(message, sizeof *header);
  // A filter without a handle is the head of a chain.
  if (header->tcm_handle == 0) return std::nullopt;
  const Attributes options(attributes.nest(TCA_OPTIONS));
  return Filter{header->tcm_ifindex, header->tcm_parent, header->tcm_info, header->tcm_handle,
                attributes.text(TCA_KIND) == "bpf" && options.text(TCA_BPF_NAME) == kFilterName};
}

std::uint32_t parent_of(Hook hook) {
  return TC_H_MAKE(TC_H_CLSACT, hook == Hook::kIngress ? TC_H_MIN_INGRESS : TC_H_MIN_EGRESS);
}

tcmsg qdisc_header(unsigned index) {
  tcmsg header{};
  header.tcm_ifindex = static_cast<int>(index);
  header.tcm_handle = TC_H_MAKE(TC_H_CLSACT, 0);
  header.tcm_parent = TC_H_CLSACT;
  return header;
}

// An abstract name belongs to the namespace and vanishes with its owner.
Attempt<FileDescriptor> claim_namespace() {
  FileDescriptor fd(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!fd.ok()) return fail(last_error("open socket"));
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  constexpr std::string_view kName = "sendoff-datapath";
  std::memcpy(&name.sun_path[1], kName.data(), kName.size());
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + kName.size());
  if (bind(fd.get(), reinterpret_cast<const sockaddr*>(&name), size) < 0)
    return fail(last_error(errno == EADDRINUSE
                               ? "another sendoff moves packets in this network namespace; "
                                 "[datapath] backend = \"none\" is for the second one"
                               : "claim the network namespace"));
  return fd;
}

}  // namespace

struct Kernel::State {
  State(FileDescriptor name, NetlinkSocket for_requests, NetlinkSocket for_events)
      : claim(std::move(name)), requests(std::move(for_requests)), events(std::move(for_events)) {}

  nlmsghdr* route(std::uint16_t type, unsigned flags, const TunnelRoute& route) {
    rtmsg header{};
    header.rtm_family = AF_INET6;
    header.rtm_dst_len = route.destination.length();
    header.rtm_protocol = kProtocol;
    header.rtm_scope = RT_SCOPE_UNIVERSE;
    header.rtm_type = RTN_UNICAST;
    // A far end on the link is its own gateway.
    if (route.via.gateway) header.rtm_flags = RTNH_F_ONLINK;
    nlmsghdr* message = requests.request(type, NLM_F_ACK | flags, header);
    mnl_attr_put_u32(message, RTA_TABLE, route.table);
    put_address(message, RTA_DST, route.destination.address());
    if (route.via.gateway) put_address(message, RTA_GATEWAY, *route.via.gateway);
    mnl_attr_put_u32(message, RTA_OIF, route.via.index);
    mnl_attr_put_u32(message, RTA_PRIORITY, route.metric);
    if (route.via.mtu != 0 && type == RTM_NEWROUTE) {
      nlattr* metrics = mnl_attr_nest_start(message, RTA_METRICS);
      mnl_attr_put_u32(message, RTAX_MTU, route.via.mtu);
      // Unlocked, forwarding looks at the device's, and fragmentation finds out too late.
      mnl_attr_put_u32(message, RTAX_LOCK, 1U << RTAX_MTU);
      mnl_attr_nest_end(message, metrics);
    }
    return message;
  }

  Attempt<> rule(std::uint16_t type, unsigned flags, const Rule& rule, int tolerated) {
    fib_rule_hdr header{};
    header.family = AF_INET6;
    header.src_len = 128;
    header.action = FR_ACT_TO_TBL;
    nlmsghdr* message = requests.request(type, NLM_F_ACK | flags, header);
    put_address(message, FRA_SRC, rule.source);
    mnl_attr_put_u32(message, FRA_TABLE, rule.table);
    mnl_attr_put_u32(message, FRA_PRIORITY, kRulePriority);
    mnl_attr_put_u8(message, FRA_PROTOCOL, kProtocol);
    return requests.acknowledge(message, "rule for packets from " + rule.source.text(), tolerated);
  }

  std::vector<Filter> filters(unsigned index) {
    std::vector<Filter> all;
    for (const Hook hook : {Hook::kIngress, Hook::kEgress}) {
      tcmsg header{};
      header.tcm_ifindex = static_cast<int>(index);
      header.tcm_parent = parent_of(hook);
      auto some = requests.dump(requests.request(RTM_GETTFILTER, NLM_F_DUMP, header),
                                "list filters", parse_filter);
      if (some) all.insert(all.end(), some->begin(), some->end());
    }
    return all;
  }

  void remove_filters(unsigned index, bool with_qdisc) {
    bool others = false;
    for (const Filter& filter : filters(index)) {
      if (!filter.ours) {
        others = true;
        continue;
      }
      tcmsg header{};
      header.tcm_ifindex = filter.index;
      header.tcm_parent = filter.parent;
      header.tcm_info = filter.info;
      header.tcm_handle = filter.handle;
      nlmsghdr* message = requests.request(RTM_DELTFILTER, NLM_F_ACK, header);
      mnl_attr_put_strz(message, TCA_KIND, "bpf");
      (void)requests.acknowledge(message, "remove filter", ENOENT);
    }
    if (!with_qdisc || others) return;
    (void)requests.acknowledge(requests.request(RTM_DELQDISC, NLM_F_ACK, qdisc_header(index)),
                               "remove qdisc", ENOENT);
  }

  FileDescriptor claim;
  NetlinkSocket requests;
  NetlinkSocket events;
};

Kernel::Kernel(std::unique_ptr<State> state, net::UndoJournal journal)
    : state_(std::move(state)), journal_(std::move(journal)) {}

Kernel::~Kernel() {
  clean_up(journal_.lines());
  journal_.clear();
}

Attempt<std::unique_ptr<Kernel>> Kernel::open(const std::string& directory) {
  auto claim = claim_namespace();
  if (!claim) return fail(claim.error());
  auto requests = NetlinkSocket::open(0);
  if (!requests) return fail(requests.error());
  auto events = NetlinkSocket::open(RTMGRP_LINK | RTMGRP_IPV6_ROUTE);
  if (!events) return fail(events.error());
  if (fcntl(events->fd(), F_SETFL, O_NONBLOCK) < 0) return fail(last_error("netlink socket"));
  auto journal = net::UndoJournal::open(directory, "undo-datapath");
  if (!journal) return fail(journal.error());
  std::unique_ptr<Kernel> kernel(new Kernel(
      std::make_unique<State>(std::move(*claim), std::move(*requests), std::move(*events)),
      std::move(*journal)));
  kernel->clean_up(kernel->journal_.left_over());
  kernel->journal_.clear();
  return kernel;
}

void Kernel::clean_up(const std::vector<std::string>& lines) {
  rtmsg of_routes{};
  of_routes.rtm_family = AF_INET6;
  NetlinkSocket& requests = state_->requests;
  if (const auto routes = requests.dump(requests.request(RTM_GETROUTE, NLM_F_DUMP, of_routes),
                                        "list routes", parse_our_route))
    for (const TunnelRoute& route : *routes) (void)remove_route(route);
  fib_rule_hdr of_rules{};
  of_rules.family = AF_INET6;
  if (const auto rules = requests.dump(requests.request(RTM_GETRULE, NLM_F_DUMP, of_rules),
                                       "list rules", parse_our_rule))
    for (const Rule& rule : *rules) (void)remove_rule(rule.source, rule.table);
  const auto all = devices();
  if (!all) return;
  for (const Device& device : *all) {
    const auto noted = [&](std::string_view kind) {
      return std::ranges::find(lines, std::string(kind) + device.name) != lines.end();
    };
    state_->remove_filters(device.index, noted(kQdiscLine));
    if (!noted(kWireLine)) continue;
    ifinfomsg header{};
    header.ifi_index = static_cast<int>(device.index);
    (void)requests.acknowledge(requests.request(RTM_DELLINK, NLM_F_ACK, header), "remove device",
                               ENODEV);
  }
}

Attempt<std::vector<Device>> Kernel::devices() {
  ifinfomsg header{};
  return state_->requests.dump(state_->requests.request(RTM_GETLINK, NLM_F_DUMP, header),
                               "list devices", parse_device);
}

Attempt<Device> Kernel::device(unsigned index) {
  ifinfomsg header{};
  header.ifi_index = static_cast<int>(index);
  auto found = state_->requests.dump(state_->requests.request(RTM_GETLINK, NLM_F_ACK, header),
                                     "ask for device", parse_device);
  if (!found) return fail(found.error());
  if (found->empty()) return fail(SystemError{ENODEV, "ask for device"});
  return found->front();
}

Attempt<NextHop> Kernel::next_hop(const Ipv6Address& destination) {
  const std::string what = "find the way to " + destination.text();
  rtmsg header{};
  header.rtm_family = AF_INET6;
  header.rtm_dst_len = 128;
  nlmsghdr* message = state_->requests.request(RTM_GETROUTE, NLM_F_ACK, header);
  put_address(message, RTA_DST, destination);
  const auto found = state_->requests.dump(message, what, parse_next_hop);
  if (!found) return fail(found.error());
  if (found->empty() || !found->front().second) return fail(SystemError{ENETUNREACH, what});
  NextHop hop = found->front().first;
  if (hop.mtu == 0) {
    const auto out = device(hop.index);
    if (!out) return fail(out.error());
    hop.mtu = out->mtu;
  }
  return hop;
}

Attempt<> Kernel::set_route(const TunnelRoute& route) {
  return state_->requests.acknowledge(
      state_->route(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, route),
      "set route " + route.destination.text());
}

Attempt<> Kernel::remove_route(const TunnelRoute& route) {
  return state_->requests.acknowledge(state_->route(RTM_DELROUTE, 0, route),
                                      "remove route " + route.destination.text(), ESRCH);
}

Attempt<> Kernel::add_rule(const Ipv6Address& source, std::uint32_t table) {
  return state_->rule(RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL, {source, table}, EEXIST);
}

Attempt<> Kernel::remove_rule(const Ipv6Address& source, std::uint32_t table) {
  return state_->rule(RTM_DELRULE, 0, {source, table}, ENOENT);
}

Attempt<> Kernel::attach(const Device& device, Hook hook, int program) {
  NetlinkSocket& requests = state_->requests;
  const std::string line = std::string(kQdiscLine) + device.name;
  nlmsghdr* qdisc = requests.request(RTM_NEWQDISC, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL,
                                     qdisc_header(device.index));
  mnl_attr_put_strz(qdisc, TCA_KIND, "clsact");
  // The note comes first: a qdisc of somebody else's is told by EEXIST, and the note taken back.
  const bool noted_before = std::ranges::find(journal_.lines(), line) != journal_.lines().end();
  if (auto noted = journal_.note(line); !noted) return noted;
  const auto made = requests.acknowledge(qdisc, "add clsact to " + device.name);
  if (!made && !noted_before) journal_.strike(line);
  if (!made && made.error().code != EEXIST) return made;

  tcmsg header{};
  header.tcm_ifindex = static_cast<int>(device.index);
  header.tcm_handle = 1;
  header.tcm_parent = parent_of(hook);
  header.tcm_info = TC_H_MAKE(kFilterPriority << 16, htons(ETH_P_ALL));
  nlmsghdr* filter =
      requests.request(RTM_NEWTFILTER, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, header);
  mnl_attr_put_strz(filter, TCA_KIND, "bpf");
  nlattr* options = mnl_attr_nest_start(filter, TCA_OPTIONS);
  mnl_attr_put_u32(filter, TCA_BPF_FD, static_cast<std::uint32_t>(program));
  mnl_attr_put_strz(filter, TCA_BPF_NAME, kFilterName);
  mnl_attr_put_u32(filter, TCA_BPF_FLAGS, TCA_BPF_FLAG_ACT_DIRECT);
  mnl_attr_nest_end(filter, options);
  return requests.acknowledge(filter, "add filter to " + device.name);
}

Attempt<> Kernel::set_up(unsigned index, std::uint32_t queue) {
  ifinfomsg header{};
  header.ifi_index = static_cast<int>(index);
  nlmsghdr* message = state_->requests.request(RTM_NEWLINK, NLM_F_ACK, header);
  mnl_attr_put_u32(message, IFLA_TXQLEN, queue);
  nlattr* families = mnl_attr_nest_start(message, IFLA_AF_SPEC);
  nlattr* family = mnl_attr_nest_start(message, AF_INET6);
  mnl_attr_put_u8(message, IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE);
  mnl_attr_nest_end(message, family);
  mnl_attr_nest_end(message, families);
  if (auto set = state_->requests.acknowledge(message, "set up device"); !set) return set;
  // On the way up it would take an address at once, before it heard that it shall not.
  header.ifi_flags = IFF_UP;
  header.ifi_change = IFF_UP;
  return state_->requests.acknowledge(state_->requests.request(RTM_NEWLINK, NLM_F_ACK, header),
                                      "set up device");
}

Attempt<unsigned> Kernel::make_wire(const std::string& name) {
  if (auto noted = journal_.note(std::string(kWireLine) + name); !noted) return fail(noted.error());
  NetlinkSocket& requests = state_->requests;
  nlmsghdr* message =
      requests.request(RTM_NEWLINK, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, ifinfomsg{});
  mnl_attr_put_strz(message, IFLA_IFNAME, name.c_str());
  nlattr* link = mnl_attr_nest_start(message, IFLA_LINKINFO);
  mnl_attr_put_strz(message, IFLA_INFO_KIND, "veth");
  nlattr* data = mnl_attr_nest_start(message, IFLA_INFO_DATA);
  nlattr* peer = mnl_attr_nest_start(message, VETH_INFO_PEER);
  mnl_nlmsg_put_extra_header(message, sizeof(ifinfomsg));
  mnl_attr_put_strz(message, IFLA_IFNAME, (name + "-").c_str());
  mnl_attr_nest_end(message, peer);
  mnl_attr_nest_end(message, data);
  mnl_attr_nest_end(message, link);
  if (auto made = requests.acknowledge(message, "make device " + name); !made)
    return fail(made.error());
  const auto all = devices();
  if (!all) return fail(all.error());
  unsigned first = 0;
  for (const Device& device : *all) {
    if (device.name != name && device.name != name + "-") continue;
    if (auto up = set_up(device.index, 1000); !up) return fail(up.error());
    if (device.name == name) first = device.index;
  }
  return first;
}

int Kernel::event_fd() const { return state_->events.fd(); }

void Kernel::read_events(const Events& events) {
  const auto visit = [](const nlmsghdr* message, void* data) {
    const Events& told = *static_cast<const Events*>(data);
    const auto type = message->nlmsg_type;
    if (type == RTM_NEWLINK || type == RTM_DELLINK) {
      if (const auto device = parse_device(message); device && type == RTM_NEWLINK)
        told.device(*device);
      told.routes();
    } else if ((type == RTM_NEWROUTE || type == RTM_DELROUTE) && !parse_our_route(message)) {
      told.routes();
    }
    return MNL_CB_OK;
  };
  NetlinkSocket::Buffer buffer;
  while (true) {
    const auto size = state_->events.receive(buffer);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0 && errno != ENOBUFS && errno != ENOSPC) return;
    if (size < 0) {
      // What was lost may have been anything.
      events.routes();
      if (const auto all = devices())
        for (const Device& device : *all) events.device(device);
      continue;
    }
    Events copy = events;
    (void)mnl_cb_run(buffer.data(), static_cast<std::size_t>(size), 0, 0, visit, &copy);
  }
}

}  // namespace sendoff::datapath
