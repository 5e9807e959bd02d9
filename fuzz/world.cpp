#include "world.h"

#include "sim/places.h"
#include "target.h"
#include "wire/ipv6.h"

namespace sendoff::fuzz {

namespace {

constexpr std::size_t kMostFlights = 256;
constexpr std::size_t kMostHeard = 64;
constexpr std::size_t kMostTicks = 50'000;
constexpr std::size_t kMostTicksAtOnce = 200;
constexpr InterfaceId kAccess{0};
// Longer than anything that was agreed on.
constexpr Duration kLongest = hours(3);

esp::Key esp_key(std::uint8_t first) {
  Secret key(esp::kKeySize);
  std::uint8_t value = first;
  for (std::uint8_t& octet : key.expose_mutable())
    octet = value = static_cast<std::uint8_t>(value * 5 + 7);
  return std::make_shared<const Secret>(std::move(key));
}

std::size_t number(Who router) { return static_cast<std::size_t>(router); }

Ipv6Address address_of(Who router) {
  return sim::router_identity(number(router)).address(sim::access_prefix(number(router)));
}

// Room for a handful of each.
void shrink(router::Config& config) {
  config.keys.max_keys = 4;
  config.keys.max_per_link_address = 2;
  config.max_bindings = 2;
  config.max_replies = 2;
  config.max_exchanges = 2;
  config.previous_router.max_handovers = 2;
  config.new_router.max_arrivals = 3;
  config.new_router.max_arrivals_per_peer = 2;
  config.receiver.max_pending = 3;
  config.receiver.max_duplicates = 4;
  config.receiver.timestamps.max_peers = 3;
}

router::Neighbour neighbour(Who us, Who other, bool esp) {
  router::Neighbour made;
  made.name = "ar" + std::to_string(number(other));
  made.prefix = sim::access_prefix(number(other));
  made.address = address_of(other);
  made.link_address = sim::router_link_address(number(other));
  made.access_points = {sim::access_point(number(other))};
  made.protection = esp ? router::Protection::kEsp : router::Protection::kClear;
  if (!esp) return made;
  const auto spi = [](Who from) { return static_cast<std::uint32_t>(0x1000 + number(from)); };
  const auto key = [](Who from) { return esp_key(static_cast<std::uint8_t>(number(from) + 1)); };
  made.esp = esp::Pair{.local = address_of(us),
                       .peer = made.address,
                       .outbound = {spi(us), key(us)},
                       .inbound = {{spi(other), key(other), true}}};
  return made;
}

router::Config router_config(Who us, std::uint16_t flags) {
  const std::size_t me = number(us);
  const bool esp = (flags & 1) != 0;
  router::Config config;
  router::Interface interface;
  interface.id = kAccess;
  interface.name = "access0";
  interface.identity = sim::router_identity(me);
  interface.prefixes = {{sim::access_prefix(me)}};
  interface.access_points = {sim::access_point(me)};
  interface.max_ra_interval = seconds(1800);
  interface.min_ra_interval = seconds(1350);
  if ((flags & 2) != 0) {
    Ipv6Address::Octets octets = sim::access_prefix(me).address().octets();
    octets[8] = 0x02;
    interface.pool = Prefix(Ipv6Address(octets), 126);
  }
  interface.dhcp = (flags & 0x4000) != 0;
  config.interfaces = {std::move(interface)};
  config.neighbours = {neighbour(us, us == Who::kPrevious ? Who::kNext : Who::kPrevious, esp)};
  config.certification.path = sim::certification_path(me);
  config.certification.anchor = sim::anchor();
  config.keys.lifetime_s = 3600;
  config.look_up_records = (flags & 4) != 0;
  config.secured_only = (flags & 8) != 0;
  config.previous_router.copy_packets = (flags & 0x10) != 0;
  config.previous_router.early_fback = (flags & 0x20) != 0;
  config.previous_router.request_address = (flags & 0x40) != 0;
  config.new_router.dad_transmits = (flags & 0x80) != 0 ? 1 : 0;
  config.new_router.dad_interval = milliseconds(200);
  config.new_router.replace_ncoa = (flags & 0x100) != 0;
  config.new_router.assign_proposed = (flags & 0x200) != 0;
  config.new_router.in_use = static_cast<router::InUseAnswer>((flags >> 10) % 3);
  config.new_router.pool_lease = seconds(300);
  config.new_router.host_route_lease = seconds(900);
  if ((flags & 0x1000) != 0) shrink(config);
  return config;
}

mobile::Config mobile_config(std::uint16_t flags) {
  mobile::Config config;
  config.interfaces = {{kAccess, "wlan0"}};
  config.identity = sim::mobile_identity(0);
  static const auto anchors =
      std::make_shared<const std::vector<pki::TrustAnchor>>(std::vector{sim::anchor()});
  config.paths.anchors = anchors;
  config.paths.policy = sim::policy();
  config.discovery.first_delay_max = Duration{};
  config.dad = (flags & 0x2000) != 0 ? machine::DadMode::kOptimistic : machine::DadMode::kNormal;
  config.una_unicast = (flags & 0x8000) != 0;
  if ((flags & 0x1000) != 0) {
    config.max_keys = 2;
    config.max_held_replies = 1;
    config.receiver.max_pending = 2;
    config.receiver.timestamps.max_peers = 2;
    config.discovery.max_held = 1;
  }
  return config;
}

}  // namespace

World::World(Input& input, Who victim) : input_(input), victim_(victim) {
  configure(input_.u16());
  for (const Who who : {Who::kPrevious, Who::kNext}) {
    crypto_.count_as_router(sim::router_identity(number(who)).key->public_key().modulus());
    build(who, [this, who](machine::Snapshot snapshot, Random& random, Now now) {
      return std::make_unique<router::Router>(router_configs_[number(who)], std::move(snapshot),
                                              random, now);
    });
  }
  build(Who::kMobile, [this](machine::Snapshot snapshot, Random& random, Now now) {
    return std::make_unique<mobile::Mobile>(mobile_config_, std::move(snapshot), random, now);
  });
  prelude(input_.u8());
}

void World::build(Who who, Station::Build build) {
  static constexpr std::string_view kNames[] = {"previous", "next", "mobile"};
  auto& station = stations_[static_cast<std::size_t>(who)];
  station =
      std::make_unique<Station>(crypto_, kNames[static_cast<std::size_t>(who)], std::move(build));
  station->restart();
}

void World::configure(std::uint16_t flags) {
  flags_ = flags;
  esp_ = (flags & 1) != 0;
  for (const Who who : {Who::kPrevious, Who::kNext})
    router_configs_[number(who)] = router_config(who, flags);
  mobile_config_ = mobile_config(flags);
}

// What needs a restart is refused, and taken with the next one.
void World::reconfigure(std::uint16_t flags) {
  configure(flags);
  for (const Who who : {Who::kPrevious, Who::kNext})
    at(who).change([&](machine::Machine& machine) {
      (void)static_cast<router::Router&>(machine).handle(at(who).now, router_configs_[number(who)]);
    });
  at(Who::kMobile).change([&](machine::Machine& machine) {
    (void)static_cast<mobile::Mobile&>(machine).handle(at(Who::kMobile).now, mobile_config_);
  });
}

// 0: nobody is up; 1: the routers are; 2: the node has a key; 3: it has left for the next router;
// 4: it left without a word.
void World::prelude(std::uint8_t how_far) {
  how_far %= 5;
  if (how_far == 0) return;
  for (const Who who : {Who::kPrevious, Who::kNext})
    at(who).tell(machine::InterfaceUp{kAccess, sim::router_link_address(number(who)), 1500});
  advance(seconds(1));
  if (how_far == 1) return;
  enter(Who::kPrevious);
  advance(seconds(3));
  if (how_far == 2) return;
  if (how_far == 3)
    at(Who::kMobile).order(machine::HandOver{sim::access_point(number(Who::kNext))});
  else
    enter(Who::kNext);
  carry(kMostFlights);
}

// --- the network

void World::collect() {
  for (const Who who : {Who::kPrevious, Who::kNext, Who::kMobile}) {
    for (machine::Transmit& transmit : at(who).sent) {
      const LinkAddress from =
          who == Who::kMobile ? sim::mobile_link_address(0) : sim::router_link_address(number(who));
      heard_.push_back({transmit.packet, from});
      if (heard_.size() > kMostHeard) heard_.pop_front();
      flights_.push_back({who, std::move(transmit)});
      if (flights_.size() > kMostFlights) flights_.pop_front();
    }
    at(who).sent.clear();
  }
  follow_orders();
}

// A change of the link that the node asked for.
void World::follow_orders() {
  const auto wanted = std::exchange(at(Who::kMobile).link_wanted, std::nullopt);
  if (!wanted || ended_) return;
  for (const Who who : {Who::kPrevious, Who::kNext})
    if (sim::access_point(number(who)) == *wanted) return enter(who);
}

std::optional<World::Flight> World::next_flight() {
  if (flights_.empty()) return std::nullopt;
  Flight flight = std::move(flights_.front());
  flights_.pop_front();
  return flight;
}

std::optional<Who> World::receiver_of(const Flight& flight) const {
  const auto header = wire::Ipv6Header::parse(flight.transmit.packet);
  if (!header) return std::nullopt;
  for (const Who who : {Who::kPrevious, Who::kNext})
    if (who != flight.from && header->destination == address_of(who)) return who;
  if (flight.from == Who::kMobile) return link_;
  // To the link, or by routes to the link of the prefix.
  for (const Who who : {Who::kPrevious, Who::kNext})
    if (sim::access_prefix(number(who)).contains(header->destination) && link_ != who)
      return std::nullopt;
  const bool on_link = header->destination.is_link_local() || header->destination.is_multicast();
  if (!link_ || (on_link && link_ != flight.from)) return std::nullopt;
  return Who::kMobile;
}

void World::carry(std::size_t most) {
  collect();
  for (std::size_t i = 0; i < most; ++i, collect()) {
    const auto flight = next_flight();
    if (!flight) return;
    const auto to = receiver_of(*flight);
    const LinkAddress from = flight->from == Who::kMobile
                                 ? sim::mobile_link_address(0)
                                 : sim::router_link_address(number(flight->from));
    if (to) deliver(*to, flight->transmit.packet, from);
  }
}

void World::deliver(Who to, const Bytes& packet, const LinkAddress& from, bool fragment) {
  machine::Received received;
  received.interface = kAccess;
  received.frame_source = from;
  received.packet = packet;
  received.arrived_as_fragment = fragment;
  at(to).receive(received);
}

void World::enter(std::optional<Who> link) {
  Station& node = at(Who::kMobile);
  if (std::exchange(link_, std::nullopt)) node.tell(machine::InterfaceDown{kAccess});
  link_ = link;
  if (!link_) return;
  node.tell(machine::InterfaceUp{kAccess, sim::mobile_link_address(0), 1500});
  node.tell(machine::ApAttached{kAccess, sim::access_point(number(*link_))});
}

// What is in flight arrives, and every deadline on the way is met.
void World::advance(Duration duration) {
  const auto move_to = [this](Instant boot) {
    for (const auto& station : stations_) {
      station->now.utc += boot - station->now.boot;
      station->now.boot = boot;
    }
  };
  const Instant end = stations_[0]->now.boot + duration;
  std::size_t ticks = 0;
  std::size_t at_once = 0;
  while (true) {
    carry(kMostFlights);
    Station* first = nullptr;
    for (const auto& station : stations_)
      if (first == nullptr || station->machine().next_deadline() < first->machine().next_deadline())
        first = station.get();
    const Instant next = first->machine().next_deadline();
    if (next > end) break;
    at_once = next > first->now.boot ? 0 : at_once + 1;
    require(at_once < kMostTicksAtOnce, "a deadline that was met is over");
    require(++ticks < kMostTicks, "deadlines do not come without end");
    if (next > first->now.boot) move_to(next);
    first->tick();
  }
  move_to(end);
}

// --- the end

void World::check_bounds() {
  for (const Who who : {Who::kPrevious, Who::kNext}) {
    const router::Config& config = router_configs_[number(who)];
    const auto status = router(who).status(at(who).now);
    require(status.key_count <= config.keys.max_keys, "keys have a bound");
    require(status.binding_count <= config.max_bindings, "bindings have a bound");
    require(status.handover_count <= config.previous_router.max_handovers,
            "handovers have a bound");
    require(status.arrival_count <= config.new_router.max_arrivals, "arrivals have a bound");
    require(at(who).jobs.size() <= 256, "jobs under way have a bound");
  }
  const auto status = mobile().status(at(Who::kMobile).now);
  require(status.keys.size() <= mobile_config_.max_keys, "held keys have a bound");
  require(status.requests.size() <= 64, "requests have a bound");
  require(status.movements.size() <= 16, "movements have a bound");
}

void World::wind_down() {
  for (const auto& station : stations_) {
    station->hold = false;
    station->settle();
  }
  flights_.clear();
  ended_ = true;
  enter(std::nullopt);
  advance(kLongest);
  for (const Who who : {Who::kPrevious, Who::kNext}) {
    const auto status = router(who).status(at(who).now);
    require(status.key_count == 0, "keys end");
    require(status.binding_count == 0, "bindings end");
    require(status.handover_count == 0, "handovers end");
    require(status.arrival_count == 0, "arrivals end");
    require(at(who).records.empty() || esp_ || !flawless_, "records end");
  }
  const auto status = mobile().status(at(Who::kMobile).now);
  require(status.keys.empty(), "held keys end");
  require(status.requests.empty(), "requests end");
  require(status.movements.empty(), "movements end");
}

void World::run() {
  // An input of a few thousand octets has no more deeds than that.
  for (std::size_t deeds = 0; !input_.empty() && deeds < 512; ++deeds) {
    deed();
    check_bounds();
  }
  wind_down();
}

}  // namespace sendoff::fuzz
