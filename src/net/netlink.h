// rtnetlink through libmnl: links, addresses, routes, neighbours and proxies of this network
// namespace, changed by synchronous requests and watched through a second socket.
//
// What we add carries kOurs as its protocol (IFA_PROTO, RTA_PROTOCOL, NDA_PROTOCOL), so that it
// can be found again after a kill -9. Kernels before 5.18 do not keep it for addresses.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/address.h"
#include "base/time.h"
#include "net/system_error.h"

struct nlmsghdr;

namespace sendoff::net {

// Free in the kernel's list of routing protocols and in iproute2's rt_protos.
inline constexpr std::uint8_t kOurProtocol = 82;
// Of our routes: preferred to the kernel's own (256) and to what the operator set (1024), and
// beside them, so that no route of somebody else's is replaced.
inline constexpr std::uint32_t kOurMetric = 200;

struct LinkInfo {
  unsigned index = 0;
  std::string name;
  LinkAddress address;
  std::uint32_t mtu = 0;
  bool up = false;  // administratively, and with a carrier
};

struct ForwardingInfo {
  unsigned index = 0;
  bool forwarding = false;
};

struct AddressInfo {
  unsigned index = 0;
  Ipv6Address address;
  std::uint8_t prefix_length = 64;
  bool tentative = false;   // DAD runs and the address is not optimistic
  bool optimistic = false;  // DAD runs, usable
  bool duplicate = false;
  bool ours = false;
  bool by_kernel = false;  // made by itself, of the link's address or a router's prefix
};

struct RouteInfo {
  unsigned index = 0;
  Prefix destination;
  std::optional<Ipv6Address> gateway;
};

struct NeighbourInfo {
  unsigned index = 0;
  Ipv6Address address;
  std::optional<LinkAddress> link_address;
  bool reachable = false;
  bool unresolved = false;  // asked for, not answered: packets may wait for the answer
  bool proxy = false;
  bool permanent = false;  // no kernel learnt it
};

enum class AddressDad : std::uint8_t { kNormal, kOptimistic, kNone };

struct AddressSpec {
  unsigned index = 0;
  Ipv6Address address;
  std::uint8_t prefix_length = 64;
  AddressDad dad = AddressDad::kNormal;
  std::optional<Duration> valid;
  std::optional<Duration> preferred;
};

class Netlink {
 public:
  [[nodiscard]] static Attempt<std::unique_ptr<Netlink>> open();
  ~Netlink();
  Netlink(const Netlink&) = delete;
  Netlink& operator=(const Netlink&) = delete;

  [[nodiscard]] Attempt<std::vector<LinkInfo>> links();
  [[nodiscard]] Attempt<std::vector<AddressInfo>> addresses();
  // Of the main table, with our protocol.
  [[nodiscard]] Attempt<std::vector<RouteInfo>> our_routes();
  [[nodiscard]] Attempt<std::vector<NeighbourInfo>> neighbours(unsigned index);

  // Adds it, or updates the lifetimes of one that is there.
  [[nodiscard]] Attempt<> set_address(const AddressSpec& spec);
  // One that is not there is a success, here and below.
  [[nodiscard]] Attempt<> remove_address(unsigned index, const Ipv6Address& address,
                                         std::uint8_t prefix_length);
  [[nodiscard]] Attempt<> set_route(const RouteInfo& route);
  [[nodiscard]] Attempt<> remove_route(const RouteInfo& route);
  enum class Trust : std::uint8_t {
    kCertain,      // permanent: the kernel asks nobody for it, and nobody changes it
    kUnconfirmed,  // STALE: used at once, and confirmed by the kernel as usual (RFC 4861 7.3)
  };
  [[nodiscard]] Attempt<> set_neighbour(unsigned index, const Ipv6Address& address,
                                        const LinkAddress& link_address, Trust trust);
  [[nodiscard]] Attempt<> remove_neighbour(unsigned index, const Ipv6Address& address);
  // What waits on this interface for the answer of a neighbour is dropped.
  [[nodiscard]] Attempt<> drop_waiting(unsigned index);
  [[nodiscard]] Attempt<> set_proxy(unsigned index, const Ipv6Address& address);
  [[nodiscard]] Attempt<> remove_proxy(unsigned index, const Ipv6Address& address);
  // What sockets that are bound to an address go on sending when it is gone, leaves no more; or may
  // again. A policy rule with our protocol.
  [[nodiscard]] Attempt<> refuse_source(const Ipv6Address& address);
  [[nodiscard]] Attempt<> admit_source(const Ipv6Address& address);
  [[nodiscard]] Attempt<std::vector<Ipv6Address>> refused_sources();

  struct Events {
    std::function<void(const LinkInfo&, bool gone)> link;
    std::function<void(const AddressInfo&, bool gone)> address;
    std::function<void(const NeighbourInfo&, bool gone)> neighbour;
    std::function<void(const ForwardingInfo&)> forwarding;  // of IPv6
    std::function<void()> lost;  // the kernel dropped events: read everything anew
  };
  // Readable when there are events.
  [[nodiscard]] int event_fd() const;
  // Hands out what is there, without waiting.
  void read_events(const Events& events);

 private:
  struct State;
  explicit Netlink(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace sendoff::net
