// The lab's own hand on rtnetlink: it makes links, and puts addresses and routes that are nobody's
// but the lab's. (net::Netlink marks what it adds as the daemons' own, who remove that.)
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/address.h"
#include "lab/namespace.h"

namespace sendoff::lab {

// An interface to be. The lab gives every interface a number of its own: the kernel delays carrier
// events, up to a second, of a veth whose peer in another namespace has the same number.
struct Port {
  unsigned index = 0;
  std::string name;
  LinkAddress address;
};

// Bridge port states (IEEE 802.1D, linux/if_bridge.h).
enum class PortState : std::uint8_t { kDisabled = 0, kForwarding = 3 };

// Changes one namespace. The first failure is kept and makes every later call a no-op, so that a
// whole set-up is asked once.
class Links {
 public:
  explicit Links(const Namespace& space);
  ~Links();
  Links(const Links&) = delete;
  Links& operator=(const Links&) = delete;

  void add_bridge(const Port& port);
  // `here` in this namespace, `there` in the other one.
  void add_veth(const Port& here, const Port& there, const Namespace& other);
  void set_up(unsigned index, bool up);
  // Returns when the kernel has done all that a carrier's coming brings about.
  void wait_for_carrier(unsigned index);
  void set_master(unsigned index, unsigned bridge);
  void set_port_state(unsigned index, PortState state);
  // Without duplicate address detection.
  void add_address(unsigned index, const Ipv6Address& address, std::uint8_t prefix_length);
  // One that is not there is no failure, here and below.
  void remove_address(unsigned index, const Ipv6Address& address, std::uint8_t prefix_length);
  void add_route(const Prefix& destination, const Ipv6Address& gateway, unsigned index);
  void remove_default_routes(unsigned index);
  // "net/ipv6/conf/all/forwarding"
  void set(const std::string& setting, const std::string& value);
  // As set(), where this kernel has the setting.
  void set_if_there(const std::string& setting, const std::string& value);

  [[nodiscard]] Attempt<> outcome() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace sendoff::lab
