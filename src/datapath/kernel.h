// What the data path has the kernel do beside its programs: routes, policy rules, tc filters and
// devices, by rtnetlink. All of it is found again after a kill -9: routes and rules by their
// protocol number, filters by their name, the rest by a journal in the runtime directory.
//
// One data path a network namespace: the second is refused, so that cleaning up never meets what
// another process still uses.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/address.h"
#include "net/sysctl.h"
#include "net/system_error.h"

namespace sendoff::datapath {

using net::Attempt;

// Beside net::kOurProtocol, which marks what the machines order.
inline constexpr std::uint8_t kProtocol = 83;
// Before main's, and before net::kOurMetric: a tunnel wins over a route of the machine's.
inline constexpr std::uint32_t kRulePriority = 8200;
inline constexpr std::uint32_t kMetric = 199;
// What is held for a node wins over its tunnel.
inline constexpr std::uint32_t kBufferMetric = 198;
inline constexpr std::uint32_t kMainTable = 254;
// Tables of our own: this one and the next kTables - 1.
inline constexpr std::uint32_t kFirstTable = 0x5E0D00;
inline constexpr std::uint32_t kTables = 256;

struct Device {
  unsigned index = 0;
  std::string name;
  std::uint32_t mtu = 0;
  bool ethernet = false;
  bool loopback = false;
  bool enslaved = false;  // to a bridge or bond, which has the addresses
};

struct NextHop {
  unsigned index = 0;
  std::optional<Ipv6Address> gateway;  // nothing: on-link
  std::uint32_t mtu = 0;               // of the way there; 0: the device's

  friend bool operator==(const NextHop&, const NextHop&) = default;
};

struct TunnelRoute {
  std::uint32_t table = kMainTable;
  Prefix destination;
  NextHop via;
  std::uint32_t metric = kMetric;
};

enum class Hook : std::uint8_t { kIngress, kEgress };

class Kernel {
 public:
  // Removes what an earlier run left. The directory must exist and be ours.
  [[nodiscard]] static Attempt<std::unique_ptr<Kernel>> open(const std::string& directory);
  // Removes all that this run made.
  ~Kernel();
  Kernel(const Kernel&) = delete;
  Kernel& operator=(const Kernel&) = delete;

  [[nodiscard]] Attempt<std::vector<Device>> devices();
  [[nodiscard]] Attempt<Device> device(unsigned index);
  // Where the host's routes lead; those of ours excepted by what they are for (host routes).
  [[nodiscard]] Attempt<NextHop> next_hop(const Ipv6Address& destination);

  // Adds or replaces; an inner packet above via.mtu gets a Packet Too Big from the kernel.
  [[nodiscard]] Attempt<> set_route(const TunnelRoute& route);
  // What is not there is a success, here and below.
  [[nodiscard]] Attempt<> remove_route(const TunnelRoute& route);
  // Packets from `source` look into `table` first.
  [[nodiscard]] Attempt<> add_rule(const Ipv6Address& source, std::uint32_t table);
  [[nodiscard]] Attempt<> remove_rule(const Ipv6Address& source, std::uint32_t table);

  // Hangs a loaded program at a tc hook, with a clsact qdisc that is made where none is.
  [[nodiscard]] Attempt<> attach(const Device& device, Hook hook, int program);
  // Up, with a queue of this many packets, and without addresses of its own.
  [[nodiscard]] Attempt<> set_up(unsigned index, std::uint32_t queue);
  // Two ends of a wire that leads nowhere; the first one's index.
  [[nodiscard]] Attempt<unsigned> make_wire(const std::string& name);

  // Notes a line for undo_of_others(), struck out with the same words.
  [[nodiscard]] net::UndoJournal& journal() { return journal_; }
  // Lines of an earlier run that are not the Kernel's own.
  [[nodiscard]] const std::vector<std::string>& left_over() const { return journal_.left_over(); }

  struct Events {
    std::function<void()> routes;  // somebody else's route changed, or a device
    std::function<void(const Device&)> device;
  };
  // Readable when there are events.
  [[nodiscard]] int event_fd() const;
  void read_events(const Events& events);

 private:
  struct State;
  Kernel(std::unique_ptr<State> state, net::UndoJournal journal);
  void clean_up(const std::vector<std::string>& lines);

  std::unique_ptr<State> state_;
  net::UndoJournal journal_;
};

}  // namespace sendoff::datapath
