// One access router of a capacity run: the real machine, workers for its RSA with the model's
// prices and a queue before them, a store that takes its time, and tables instead of a data path.
#pragma once

#include <absl/container/flat_hash_map.h>
#include <absl/container/flat_hash_set.h>

#include "router/router.h"
#include "sim/capacity_region.h"

namespace sendoff::sim::capacity {

class RouterSite {
 public:
  RouterSite(Region& region, std::size_t number, const router::Config& config);

  void start();
  // `waking`: of a node that would not have sent it, had it not slept.
  void receive(const Packet& packet, const LinkAddress& source, bool waking);
  void sent(bool waking);

  [[nodiscard]] bool owns(const Ipv6Address& address) const {
    return address == link_local_ || address == global_;
  }
  [[nodiscard]] std::optional<Ipv6Address> far_end(const Ipv6Address& pcoa) const;
  // Whether packets for this address wait for their node.
  [[nodiscard]] bool buffers(const Ipv6Address& address) const {
    return buffers_.contains(address);
  }
  void hold(const Ipv6Address& address, const Packet& packet);

  void enter(std::uint32_t traveller) { members_.push_back(traveller); }
  void leave(std::uint32_t traveller) { std::erase(members_, traveller); }
  // Who is on the link, and awake.
  [[nodiscard]] const std::vector<std::uint32_t>& members() const { return members_; }

  void sample();
  [[nodiscard]] const Load& load() const { return load_; }

 private:
  void pump();
  void wake();
  void carry_out(machine::Action action);
  [[nodiscard]] bool carry_out_on_plane(const machine::ActionKind& what);
  void release(const Ipv6Address& address);
  void start_job(machine::Start start);
  void account(const machine::Job& job, Duration price);
  void answer(machine::ActionId id);
  void answer_later(Duration delay, machine::ActionId id);

  Region& region_;
  std::size_t number_;
  Ipv6Address link_local_;
  Ipv6Address global_;
  Octets random_;
  router::Router machine_;
  std::vector<WorldTime> workers_;  // busy until
  absl::flat_hash_set<machine::JobId> cancelled_;
  absl::flat_hash_map<Ipv6Address, Ipv6Address> tunnels_;
  absl::flat_hash_map<Ipv6Address, std::vector<Packet>> buffers_;
  std::vector<std::uint32_t> members_;
  WorldTime wakes_ = kNoTime;
  bool pumping_ = false;
  Load load_;
  std::int64_t second_ = -1;
  std::uint64_t signatures_in_second_ = 0;
};

}  // namespace sendoff::sim::capacity
