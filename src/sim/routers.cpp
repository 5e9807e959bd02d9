#include "sim/routers.h"

#include "sim/places.h"

namespace sendoff::sim {

namespace {

constexpr Duration kMostOffset = seconds(2);  // between the UTC clocks of two nodes
constexpr std::int64_t kMostDrift = 200;      // ppm

// Room for the mobile nodes that there are, and hardly for anybody else.
void shrink(router::Config& config, unsigned mobiles) {
  const std::size_t few = mobiles + 1;
  config.keys.max_keys = 2 * few;
  config.keys.max_per_link_address = 4;
  config.max_bindings = few;
  config.max_replies = few;
  config.max_exchanges = few;
  config.previous_router.max_handovers = few;
  config.new_router.max_arrivals = few;
  config.new_router.max_arrivals_per_peer = few;
  config.receiver.max_pending = 4;
  config.receiver.max_duplicates = 16;
  config.receiver.timestamps.max_peers = 3 * few;
}

router::Config router_config(const Scenario& scenario, std::size_t number) {
  Dice dice(scenario.seed, "router config " + std::to_string(number));
  router::Config config;
  router::Interface interface;
  interface.id = kAccess;
  interface.name = "access0";
  interface.identity = router_identity(number);
  interface.prefixes = {{access_prefix(number)}};
  interface.access_points = {access_point(number)};
  interface.max_ra_interval = seconds(30);
  interface.min_ra_interval = seconds(10);
  interface.max_answer_delay = Duration{};
  config.interfaces = {std::move(interface)};
  for (std::size_t i = 0; i < scenario.routers; ++i) {
    if (i == number) continue;
    router::Neighbour neighbour;
    neighbour.name = "ar" + std::to_string(i + 1);
    neighbour.prefix = access_prefix(i);
    neighbour.address = router_identity(i).address(neighbour.prefix);
    neighbour.link_address = router_link_address(i);
    neighbour.access_points = {access_point(i)};
    neighbour.protection = router::Protection::kClear;
    config.neighbours.push_back(std::move(neighbour));
  }
  config.certification.path = certification_path(number);
  config.certification.anchor = anchor();
  config.keys.lifetime_s = scenario.key_lifetime_s;
  config.new_router.dad_transmits = static_cast<std::uint32_t>(dice.below(2));
  config.new_router.dad_interval = milliseconds(200);
  config.new_router.assign_proposed = dice.chance(300'000);
  config.previous_router.request_address = dice.chance(200'000);
  const bool pool = dice.chance(300'000);
  if (pool) {
    Ipv6Address::Octets octets = access_prefix(number).address().octets();
    octets[8] = 0x02;
    octets[14] = 0x10;
    config.interfaces[0].pool = Prefix(Ipv6Address(octets), 122);
  }
  if (scenario.rate(Fault::kSmallTables) != 0) shrink(config, scenario.mobiles);
  return config;
}

Plane::Limits limits_of(const Scenario& scenario) {
  Plane::Limits limits;
  if (scenario.rate(Fault::kSmallTables) == 0) return limits;
  limits.tunnels = scenario.mobiles + 1;
  limits.buffers.addresses = scenario.mobiles + 1;
  limits.buffers.packets_per_address = 16;
  limits.buffers.packets = 32;
  return limits;
}

Node::Parts parts(Context& context, std::size_t number, Core& core) {
  Node::Parts made{.name = "ar" + std::to_string(number + 1),
                   .link_address = router_link_address(number),
                   .clock = draw_clock(context.scenario, "ar" + std::to_string(number + 1)),
                   .limits = limits_of(context.scenario),
                   .uplink = [&core, number](const Packet& packet) { core.send(number, packet); }};
  return made;
}

}  // namespace

Clock draw_clock(const Scenario& scenario, const std::string& name) {
  Dice dice(scenario.seed, name + " clock");
  const Duration boot = dice.between(seconds(100), seconds(1'000'000));
  const Duration utc = seconds(1'800'000'000) + dice.between(Duration{}, kMostOffset);
  const auto drift = static_cast<std::int64_t>(dice.below(2 * kMostDrift + 1)) - kMostDrift;
  return Clock(boot, utc, drift);
}

RouterNode::RouterNode(Context& context, std::size_t number, Link& link, Core& core)
    : Node(context, parts(context, number, core)),
      number_(number),
      link_(link),
      config_(router_config(context.scenario, number)) {
  host().plug(link);
  core.connect(number, access_prefix(number),
               [this](const Packet& packet) { host().receive_from_net(packet); });
}

Ipv6Address RouterNode::address() const {
  return router_identity(number_).address(access_prefix(number_));
}

std::unique_ptr<machine::Machine> RouterNode::build(machine::Snapshot snapshot, Random& random,
                                                    Now now) {
  auto made = std::make_unique<router::Router>(config_, std::move(snapshot), random, now);
  router_ = made.get();
  return made;
}

void RouterNode::tell_interfaces() {
  if (link_.up()) tell(machine::InterfaceUp{kAccess, router_link_address(number_), 1500});
}

std::optional<router::Router::Status> RouterNode::status() const {
  if (!running()) return std::nullopt;
  return router_->status(now());
}

void RouterNode::set_link_up(bool up) {
  if (link_.up() == up) return;
  context_.trace.note(link_.name(), up ? "comes up" : "goes down");
  link_.set_up(up);
  if (up) return tell_interfaces();
  host().carrier_lost();
  tell(machine::InterfaceDown{kAccess});
}

}  // namespace sendoff::sim
