// The virtual Linux under one machine: addresses with DAD, groups, neighbours, routes, proxies and
// the data path, on one link and, for a router, the net behind it. It does what a daemon's host
// does with the same actions, at once, and answers them; what it tells of itself is told later,
// as netlink would.
#pragma once

#include <map>
#include <set>
#include <string>

#include "machine/machine.h"
#include "sim/neighbours.h"
#include "sim/plane.h"
#include "sim/wire.h"

namespace sendoff::sim {

inline constexpr InterfaceId kAccess{0};

class Host final : public Station {
 public:
  using Answer = Result<machine::Facts, machine::ActionError>;
  using Done = std::move_only_function<void(Answer)>;

  struct Hooks {
    std::function<Now()> now;
    std::function<WorldTime(Instant)> when;
    std::function<void(const machine::Received&)> packet;
    std::function<void(const machine::HostEvent&)> event;
    std::function<void(ByteView)> datagram;     // a whole packet for an address of ours
    std::function<void(const Packet&)> uplink;  // a router's way to the net; none: no router
  };
  Host(Context& context, std::string name, const LinkAddress& link_address,
       const Plane::Limits& limits, Hooks hooks);

  [[nodiscard]] const LinkAddress& link_address() const override { return link_address_; }
  [[nodiscard]] bool hears(const LinkAddress& destination) const override {
    return is_group(destination);
  }
  void receive(const Frame& frame) override;

  // The carrier. A host that leaves a link keeps its addresses and routes.
  void plug(Link& link);
  void unplug();
  [[nodiscard]] Link* link() const { return link_; }
  void carrier_lost();

  // From the net behind a router.
  void receive_from_net(const Packet& packet);
  // A packet of the host's own programs.
  void send(Bytes packet);

  void transmit(const machine::Transmit& action);
  void carry_out(const machine::AddAddress& action, Done done);
  [[nodiscard]] Answer carry_out(const machine::RemoveAddress& action);
  [[nodiscard]] Answer carry_out(const machine::SetRoute& action);
  [[nodiscard]] Answer carry_out(const machine::SetNeighbour& action);
  [[nodiscard]] Answer carry_out(const machine::SetProxy& action);
  [[nodiscard]] Answer carry_out(const machine::JoinGroup& action);
  template <typename A>
  [[nodiscard]] Answer carry_out_on_plane(const A& action);

  // The program is gone: what it asked for goes with it.
  void withdraw();

  [[nodiscard]] bool owns(const Ipv6Address& address) const;
  [[nodiscard]] const Plane& plane() const { return plane_; }
  [[nodiscard]] const std::set<Ipv6Address>& proxies() const { return proxies_; }
  // To single nodes, on the link.
  [[nodiscard]] std::vector<Ipv6Address> host_routes() const;

 private:
  enum class State : std::uint8_t { kTentative, kOptimistic, kReady };
  struct Address {
    State state = State::kTentative;
    std::uint8_t prefix_length = 128;
    std::uint64_t detection = 0;
    std::vector<Done> waiting;
  };
  struct Route {
    Prefix destination;
    std::optional<Ipv6Address> gateway;
  };

  [[nodiscard]] bool is_router() const { return hooks_.uplink != nullptr; }
  [[nodiscard]] bool member_of(const Ipv6Address& group) const;
  [[nodiscard]] bool on_link(const Ipv6Address& address) const;
  [[nodiscard]] const Route* route_to(const Ipv6Address& destination) const;
  void put(const LinkAddress& destination, const Packet& packet);
  void send_on_link(const Ipv6Address& next_hop, const Packet& packet);
  void forward(Bytes packet, bool from_link);
  void route(Bytes packet);
  void take(ByteView packet, const LinkAddress& frame_source);
  void wake_plane();

  // host_discovery.cpp: the kernel's part of Neighbor Discovery.
  void discover(const Frame& frame);
  void solicited(const Frame& frame, const Ipv6Address& source, ByteView message);
  void advertised(const Frame& frame, ByteView message);
  void solicit(const Ipv6Address& target, const std::optional<LinkAddress>& known);
  void advertise(const Ipv6Address& target, const Ipv6Address& to, const LinkAddress& link_to,
                 bool overrides);
  void detect(const Ipv6Address& address);
  void detected(const Ipv6Address& address, std::uint64_t detection);
  void duplicate(const Ipv6Address& address);
  void tell(machine::HostEvent event);

  Context& context_;
  std::string name_;
  LinkAddress link_address_;
  Hooks hooks_;
  Plane plane_;
  Neighbours neighbours_;
  Link* link_ = nullptr;
  std::map<Ipv6Address, Address> addresses_;
  std::set<Ipv6Address> proxies_;
  std::map<Ipv6Address, int> groups_;
  std::vector<Route> routes_;
  std::uint64_t last_detection_ = 0;
  WorldTime plane_wakes_ = kNoTime;
};

template <typename A>
Host::Answer Host::carry_out_on_plane(const A& action) {
  bool done = true;
  if constexpr (std::is_same_v<A, machine::ReleaseBuffer>)
    done = plane_.carry_out(action, hooks_.now().boot);
  else if constexpr (requires { bool(plane_.carry_out(action)); })
    done = plane_.carry_out(action);
  else
    plane_.carry_out(action);
  wake_plane();
  if (!done) return fail(machine::ActionError::kRefused);
  return machine::Facts{};
}

}  // namespace sendoff::sim
