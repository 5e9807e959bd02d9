// The region of a capacity run: its routers, its mobile nodes, and how packets travel between them.
// A host's own Neighbor Discovery is left out but for Duplicate Address Detection's solicitations:
// who has an address is known here. A multicast is heard by the link's router and, when it is an
// RA, by the nodes that are awake; what other nodes would ignore is not brought to them.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <memory>
#include <optional>

#include "machine/action.h"
#include "sim/capacity.h"
#include "sim/dice.h"
#include "sim/packet.h"
#include "sim/queue.h"

namespace sendoff::sim::capacity {

class RouterSite;
class Traveller;

class Region {
 public:
  explicit Region(const Plan& plan);
  ~Region();
  // Once.
  [[nodiscard]] Figures run(const Progress& progress);

  [[nodiscard]] const Plan& plan() const { return plan_; }
  [[nodiscard]] Queue& queue() { return queue_; }
  [[nodiscard]] CostModel& model() { return model_; }
  [[nodiscard]] Figures& figures() { return figures_; }
  [[nodiscard]] RouterSite& router(std::size_t number) { return *routers_[number]; }
  [[nodiscard]] const std::shared_ptr<const crypto::SigningKey>& mobile_key(
      std::size_t mobile) const {
    return mobile_keys_[mobile % mobile_keys_.size()];
  }
  // All clocks agree.
  [[nodiscard]] Now now() const;
  // In the half of the run that rates are of.
  [[nodiscard]] bool counts() const;
  // Nobody moves any more.
  [[nodiscard]] bool closing() const { return queue_.now() >= plan_.time; }

  void claim(const Ipv6Address& address, std::uint32_t traveller);
  void disclaim(const Ipv6Address& address, std::uint32_t traveller);
  [[nodiscard]] Traveller* owner_of(const Ipv6Address& address);
  // Whether that is an address of a node that wakes.
  [[nodiscard]] bool is_waking(const Ipv6Address& address);
  void awake(int more);
  // Calls this traveller then. Cheaper than the queue for what is far away.
  void remind(WorldTime when, std::uint32_t traveller);

  void send(const Traveller& from, Bytes packet);
  void send(std::size_t from, const machine::Transmit& transmit);
  // Over the link of this router, to a node that may have left by then.
  void hand(std::size_t router, std::uint32_t traveller, const Packet& packet);

 private:
  void populate();
  void begin();
  void keep_appointments();
  void sample();
  void note(const Packet& packet, bool waking);
  [[nodiscard]] bool lost();
  [[nodiscard]] std::optional<std::size_t> place_of(const Ipv6Address& address) const;
  void heard(std::size_t router, std::uint32_t traveller, const Packet& packet);
  void forward(std::size_t router, const Packet& packet);
  void arrive(std::size_t router, const Packet& packet);
  void deliver(std::size_t router, const Packet& packet);
  void emerge(std::size_t router, const Ipv6Address& far_end, const Packet& packet);
  void advertise(std::size_t router, const Packet& packet);
  [[nodiscard]] Traveller* member_of(std::size_t router, const Ipv6Address& group);

  Plan plan_;
  Queue queue_;
  CostModel model_;
  Figures figures_;
  Dice loss_;
  std::vector<std::shared_ptr<const crypto::SigningKey>> mobile_keys_;
  std::vector<std::unique_ptr<RouterSite>> routers_;
  std::vector<Traveller> travellers_;
  absl::flat_hash_map<Ipv6Address, std::uint32_t> owners_;
  std::size_t awake_ = 0;
  // By the second. A million events that wait would make each step of the queue slow.
  struct Appointment {
    WorldTime when;
    std::uint32_t traveller;
  };
  std::vector<std::vector<Appointment>> agenda_;
};

}  // namespace sendoff::sim::capacity
