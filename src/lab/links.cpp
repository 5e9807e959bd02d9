#include "lab/links.h"

#include <libmnl/libmnl.h>
#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <thread>

#include "base/time.h"
#include "net/sysctl.h"

namespace sendoff::lab {

namespace {

constexpr std::uint16_t kIfaFlags = 8;  // IFA_FLAGS

void put_address(nlmsghdr* message, std::uint16_t type, const Ipv6Address& address) {
  mnl_attr_put(message, type, Ipv6Address::kSize, address.octets().data());
}

void put_port(nlmsghdr* message, const Port& port) {
  mnl_attr_put_strz(message, IFLA_IFNAME, port.name.c_str());
  if (!port.address.empty())
    mnl_attr_put(message, IFLA_ADDRESS, port.address.view().size(), port.address.view().data());
}

ifinfomsg link_header(unsigned index) {
  ifinfomsg header{};
  header.ifi_family = AF_UNSPEC;
  header.ifi_index = static_cast<int>(index);
  return header;
}

}  // namespace

struct Links::State {
  using Socket = std::unique_ptr<mnl_socket, decltype([](mnl_socket* s) { mnl_socket_close(s); })>;

  template <typename Header>
  nlmsghdr* request(std::uint16_t type, unsigned flags, const Header& header) {
    nlmsghdr* message = mnl_nlmsg_put_header(buffer.data());
    message->nlmsg_type = type;
    message->nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | NLM_F_ACK | flags);
    message->nlmsg_seq = ++sequence;
    *static_cast<Header*>(mnl_nlmsg_put_extra_header(message, sizeof header)) = header;
    return message;
  }

  // Sends it and waits for the kernel's word; the errno, 0 for success. A link that the answer
  // holds goes to operational_state.
  int exchange(const nlmsghdr* message) {
    if (mnl_socket_sendto(socket.get(), message, message->nlmsg_len) < 0) return errno;
    const unsigned port = mnl_socket_get_portid(socket.get());
    std::array<char, 8192> answer{};
    const auto size = mnl_socket_recvfrom(socket.get(), answer.data(), answer.size());
    if (size < 0) return errno;
    const auto read = [](const nlmsghdr* link, void* state) {
      static_cast<State*>(state)->read_state(link);
      return MNL_CB_OK;
    };
    const int result =
        mnl_cb_run(answer.data(), static_cast<std::size_t>(size), sequence, port, read, this);
    return result < 0 ? errno : 0;
  }
  void read_state(const nlmsghdr* link) {
    const auto look = [](const nlattr* attribute, void* out) {
      if (mnl_attr_get_type(attribute) == IFLA_OPERSTATE)
        *static_cast<std::uint8_t*>(out) = mnl_attr_get_u8(attribute);
      return MNL_CB_OK;
    };
    (void)mnl_attr_parse(link, sizeof(ifinfomsg), look, &operational_state);
  }
  void carry_out(const nlmsghdr* message, std::string what, int tolerated = 0) {
    const int error = exchange(message);
    if (error != 0 && error != tolerated) keep({error, std::move(what)});
  }
  void keep(net::SystemError error) {
    if (!failure) failure = std::move(error);
  }

  const Namespace& space;
  Socket socket;
  alignas(nlmsghdr) std::array<char, 4096> buffer{};
  std::uint32_t sequence = 0;
  std::uint8_t operational_state = 0;
  std::optional<net::SystemError> failure;
};

Links::Links(const Namespace& space) : state_(new State{space, {}, {}, 0, 0, {}}) {
  const Inside inside(space);
  state_->socket.reset(mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC));
  if (!state_->socket || mnl_socket_bind(state_->socket.get(), 0, MNL_SOCKET_AUTOPID) < 0)
    state_->keep(net::last_error("open a netlink socket"));
}

Links::~Links() = default;

void Links::add_bridge(const Port& port) {
  if (state_->failure) return;
  nlmsghdr* message =
      state_->request(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, link_header(port.index));
  put_port(message, port);
  nlattr* info = mnl_attr_nest_start(message, IFLA_LINKINFO);
  mnl_attr_put_strz(message, IFLA_INFO_KIND, "bridge");
  nlattr* data = mnl_attr_nest_start(message, IFLA_INFO_DATA);
  mnl_attr_put_u8(message, IFLA_BR_MCAST_SNOOPING, 0);
  mnl_attr_nest_end(message, data);
  mnl_attr_nest_end(message, info);
  state_->carry_out(message, "make bridge " + port.name);
}

void Links::add_veth(const Port& here, const Port& there, const Namespace& other) {
  if (state_->failure) return;
  nlmsghdr* message =
      state_->request(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, link_header(here.index));
  put_port(message, here);
  nlattr* info = mnl_attr_nest_start(message, IFLA_LINKINFO);
  mnl_attr_put_strz(message, IFLA_INFO_KIND, "veth");
  nlattr* data = mnl_attr_nest_start(message, IFLA_INFO_DATA);
  nlattr* peer = mnl_attr_nest_start(message, VETH_INFO_PEER);
  *static_cast<ifinfomsg*>(mnl_nlmsg_put_extra_header(message, sizeof(ifinfomsg))) =
      link_header(there.index);
  put_port(message, there);
  mnl_attr_put_u32(message, IFLA_NET_NS_FD, static_cast<std::uint32_t>(other.fd()));
  mnl_attr_nest_end(message, peer);
  mnl_attr_nest_end(message, data);
  mnl_attr_nest_end(message, info);
  state_->carry_out(message, "make link " + here.name + " to " + there.name);
}

void Links::set_up(unsigned index, bool up) {
  if (state_->failure) return;
  ifinfomsg header = link_header(index);
  header.ifi_change = IFF_UP;
  header.ifi_flags = up ? IFF_UP : 0;
  state_->carry_out(state_->request(RTM_NEWLINK, 0, header),
                    std::string(up ? "start" : "stop") + " interface " + std::to_string(index));
}

void Links::wait_for_carrier(unsigned index) {
  constexpr int kTurns = 2000;
  for (int turn = 0; turn < kTurns && !state_->failure; ++turn) {
    nlmsghdr* message = state_->request(RTM_GETLINK, 0, link_header(index));
    message->nlmsg_flags = NLM_F_REQUEST;
    if (const int error = state_->exchange(message); error != 0)
      return state_->keep({error, "read interface " + std::to_string(index)});
    if (state_->operational_state == IF_OPER_UP) return;
    std::this_thread::sleep_for(milliseconds(1));
  }
  state_->keep({ETIMEDOUT, "wait for the carrier of interface " + std::to_string(index)});
}

void Links::set_master(unsigned index, unsigned bridge) {
  if (state_->failure) return;
  nlmsghdr* message = state_->request(RTM_NEWLINK, 0, link_header(index));
  mnl_attr_put_u32(message, IFLA_MASTER, bridge);
  state_->carry_out(message, "put interface " + std::to_string(index) + " on a bridge");
}

void Links::set_port_state(unsigned index, PortState state) {
  if (state_->failure) return;
  ifinfomsg header = link_header(index);
  header.ifi_family = PF_BRIDGE;
  nlmsghdr* message = state_->request(RTM_SETLINK, 0, header);
  nlattr* port = mnl_attr_nest_start(message, IFLA_PROTINFO);
  mnl_attr_put_u8(message, IFLA_BRPORT_STATE, static_cast<std::uint8_t>(state));
  mnl_attr_nest_end(message, port);
  state_->carry_out(message, "set the state of bridge port " + std::to_string(index));
}

void Links::add_address(unsigned index, const Ipv6Address& address, std::uint8_t prefix_length) {
  if (state_->failure) return;
  ifaddrmsg header{};
  header.ifa_family = AF_INET6;
  header.ifa_prefixlen = prefix_length;
  header.ifa_index = index;
  nlmsghdr* message = state_->request(RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, header);
  put_address(message, IFA_LOCAL, address);
  put_address(message, IFA_ADDRESS, address);
  mnl_attr_put_u32(message, kIfaFlags, IFA_F_NODAD);
  state_->carry_out(message, "add address " + address.text());
}

void Links::remove_address(unsigned index, const Ipv6Address& address, std::uint8_t prefix_length) {
  if (state_->failure) return;
  ifaddrmsg header{};
  header.ifa_family = AF_INET6;
  header.ifa_prefixlen = prefix_length;
  header.ifa_index = index;
  nlmsghdr* message = state_->request(RTM_DELADDR, 0, header);
  put_address(message, IFA_LOCAL, address);
  state_->carry_out(message, "remove address " + address.text(), EADDRNOTAVAIL);
}

void Links::add_route(const Prefix& destination, const Ipv6Address& gateway, unsigned index) {
  if (state_->failure) return;
  rtmsg header{};
  header.rtm_family = AF_INET6;
  header.rtm_dst_len = destination.length();
  header.rtm_table = RT_TABLE_MAIN;
  header.rtm_protocol = RTPROT_STATIC;
  header.rtm_scope = RT_SCOPE_UNIVERSE;
  header.rtm_type = RTN_UNICAST;
  nlmsghdr* message = state_->request(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, header);
  put_address(message, RTA_DST, destination.address());
  put_address(message, RTA_GATEWAY, gateway);
  mnl_attr_put_u32(message, RTA_OIF, index);
  state_->carry_out(message, "add route to " + destination.text());
}

void Links::remove_default_routes(unsigned index) {
  if (state_->failure) return;
  rtmsg header{};
  header.rtm_family = AF_INET6;
  header.rtm_table = RT_TABLE_MAIN;
  header.rtm_scope = RT_SCOPE_NOWHERE;
  int error = 0;
  // Each request removes one; a list of routers is short.
  for (int i = 0; error == 0 && i < 16; ++i) {
    nlmsghdr* message = state_->request(RTM_DELROUTE, 0, header);
    mnl_attr_put_u32(message, RTA_OIF, index);
    error = state_->exchange(message);
  }
  if (error != 0 && error != ESRCH) state_->keep({error, "remove the default route"});
}

void Links::set(const std::string& setting, const std::string& value) {
  if (state_->failure) return;
  const Inside inside(state_->space);
  if (auto written = net::write_setting({"/proc/sys/" + setting, value}); !written)
    state_->keep(written.error());
}

void Links::set_if_there(const std::string& setting, const std::string& value) {
  if (state_->failure) return;
  const Inside inside(state_->space);
  const auto written = net::write_setting({"/proc/sys/" + setting, value});
  if (!written && written.error().code != ENOENT) state_->keep(written.error());
}

Attempt<> Links::outcome() const {
  if (state_->failure) return failed(*state_->failure);
  return {};
}

}  // namespace sendoff::lab
