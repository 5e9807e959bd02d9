#include "sim/attackers.h"

#include "sim/forgery.h"
#include "sim/places.h"
#include "sim/world.h"

namespace sendoff::sim {

namespace {

constexpr std::size_t kRemembered = 128;

std::unique_ptr<Attacker> make(Attack attack, Attacker::Parts parts) {
  switch (attack) {
    case Attack::kForge:
      return make_forger(std::move(parts));
    case Attack::kReplay:
      return make_replayer(std::move(parts));
    case Attack::kFlood:
      return make_flooder(std::move(parts));
    case Attack::kTamper:
      return make_tamperer(std::move(parts));
    case Attack::kRogueRouter:
      return make_rogue_router(std::move(parts));
    case Attack::kSquat:
      return make_squatter(std::move(parts));
    case Attack::kRogueMobile:
    case Attack::kCount:
      break;
  }
  return make_rogue_mobile(std::move(parts));
}

}  // namespace

void Spy::receive(const Frame& frame) {
  const auto listener = on_frame;  // which may take itself away
  if (listener) listener(frame);
  if (!is_signal(*frame.packet)) return;
  heard_.push_back(frame);
  if (heard_.size() > kRemembered) heard_.pop_front();
}

std::size_t Attacker::some_place() { return parts_.dice.below(parts_.spies.size()); }

RouterNode& Attacker::router(std::size_t place) { return *parts_.world.routers()[place]; }

MobileNode& Attacker::some_mobile() {
  auto& mobiles = parts_.world.mobiles();
  return *mobiles[parts_.dice.below(mobiles.size())];
}

Ipv6Address Attacker::address_of(const MobileNode& mobile, std::size_t place) const {
  return mobile_identity(mobile.number()).address(access_prefix(place));
}

void Attacker::note(std::string_view what, ByteView packet) {
  parts_.world.context().trace.packet("attacker", what, packet);
}

void Attacker::send(std::size_t place, const LinkAddress& to, Bytes packet) {
  if (packet.empty()) return;
  note("sends", packet);
  Spy& spy = *parts_.spies[place];
  spy.send({spy.link_address(), to, share(std::move(packet))});
}

Attackers::Attackers(World& world) : world_(world) {
  const Scenario& scenario = world.context().scenario;
  for (std::size_t i = 0; i < kAttacks; ++i) {
    const auto attack = static_cast<Attack>(i);
    if (scenario.rate(attack) == 0) continue;
    const std::string purpose = "attack " + std::string(name(attack));
    kinds_.push_back({attack, make(attack, {world, spies_, Dice(scenario.seed, purpose)}),
                      Dice(scenario.seed, purpose + " times")});
  }
  if (kinds_.empty()) return;
  for (std::size_t i = 0; i < world.links().size(); ++i)
    spies_.push_back(std::make_unique<Spy>(*world.links()[i], attacker_link_address(i)));
}

void Attackers::start() {
  for (std::size_t i = 0; i < kinds_.size(); ++i) plan(i);
}

void Attackers::plan(std::size_t number) {
  Context& context = world_.context();
  const Duration mean = milliseconds(context.scenario.rate(kinds_[number].attack));
  context.queue.after(kinds_[number].dice.between(mean / 2, mean * 3 / 2), [this, number] {
    if (world_.context().calm) return;
    ++world_.context().statistics.attacks;
    kinds_[number].attacker->strike();
    plan(number);
  });
}

void Attackers::end() {
  for (const auto& link : world_.links()) link->tamper = nullptr;
  for (const auto& spy : spies_) spy->on_frame = nullptr;
}

}  // namespace sendoff::sim
