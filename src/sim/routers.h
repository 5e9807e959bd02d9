// An access router of the simulated world.
#pragma once

#include "router/router.h"
#include "sim/node.h"

namespace sendoff::sim {

// Some time since boot, UTC within seconds of everybody else's, and a drift of its own.
[[nodiscard]] Clock draw_clock(const Scenario& scenario, const std::string& name);

class RouterNode final : public Node {
 public:
  RouterNode(Context& context, std::size_t number, Link& link, Core& core);

  [[nodiscard]] std::size_t number() const { return number_; }
  [[nodiscard]] Ipv6Address address() const;
  [[nodiscard]] Link& access_link() { return link_; }
  [[nodiscard]] const router::Config& config() const { return config_; }
  // Nothing while it is down.
  [[nodiscard]] std::optional<router::Router::Status> status() const;

  void set_link_up(bool up);

 private:
  [[nodiscard]] std::unique_ptr<machine::Machine> build(machine::Snapshot snapshot, Random& random,
                                                        Now now) override;
  void tell_interfaces() override;

  std::size_t number_;
  Link& link_;
  router::Config config_;
  const router::Router* router_ = nullptr;
};

}  // namespace sendoff::sim
