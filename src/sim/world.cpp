#include "sim/world.h"

#include "sim/attackers.h"
#include "sim/calamities.h"
#include "sim/correspondents.h"
#include "sim/places.h"
#include "sim/user.h"

namespace sendoff::sim {

namespace {

// When the faults have stopped every node must be back at work by then.
constexpr Duration kRecovery = seconds(150);
// The last datagrams are on their way.
constexpr Duration kLast = seconds(10);
constexpr unsigned kCollisions = 3;

}  // namespace

World::World(const Scenario& scenario, Trace::Sink trace)
    : context_(scenario, std::move(trace)), core_(context_) {
  populate();
}

World::~World() = default;

void World::populate() {
  for (std::size_t i = 0; i < context_.scenario.routers; ++i)
    links_.push_back(std::make_unique<Link>(context_, "link" + std::to_string(i + 1)));
  for (std::size_t i = 0; i < context_.scenario.routers; ++i)
    routers_.push_back(std::make_unique<RouterNode>(context_, i, *links_[i], core_));
  for (std::size_t i = 0; i < context_.scenario.mobiles; ++i) {
    mobiles_.push_back(std::make_unique<MobileNode>(context_, i, links_));
    for (std::size_t router = 0; router < context_.scenario.routers; ++router)
      for (std::uint8_t collision = 0; collision < kCollisions; ++collision)
        owners_.emplace(mobile_identity(i).address(access_prefix(router), collision),
                        mobiles_.back().get());
  }
  correspondents_ = std::make_unique<Correspondents>(context_, core_, mobiles_);
  for (const auto& mobile : mobiles_)
    users_.push_back(std::make_unique<User>(context_, *mobile, routers_, *correspondents_));
  calamities_ = std::make_unique<Calamities>(context_, core_, routers_, mobiles_);
  attackers_ = std::make_unique<Attackers>(*this);
  context_.promises = make_promises(*this);
}

const MobileNode* World::owner_of(const Ipv6Address& address) const {
  const auto found = owners_.find(address);
  return found == owners_.end() ? nullptr : found->second;
}

const RouterNode* World::router_at(const Ipv6Address& address) const {
  for (const auto& router : routers_)
    if (router->address() == address) return router.get();
  return nullptr;
}

// False: a promise was broken.
bool World::go_on(WorldTime until) {
  Queue& queue = context_.queue;
  WorldTime second = queue.now() + seconds(1);
  while (!context_.violation && std::min(queue.next(), second) <= until) {
    if (queue.next() <= second) {
      queue.step();
      continue;
    }
    queue.run_until(second);
    context_.tell([](Promise& promise) { promise.second(); });
    second += seconds(1);
  }
  queue.run_until(std::max(queue.now(), context_.violation ? queue.now() : until));
  return !context_.violation;
}

World::Verdict World::run() {
  Queue& queue = context_.queue;
  for (const auto& router : routers_) queue.after(Duration{}, [&node = *router] { node.start(); });
  for (const auto& user : users_) user->start();
  correspondents_->start();
  calamities_->start();
  attackers_->start();
  bool kept = go_on(context_.scenario.active);
  if (kept) {
    context_.trace.note("world", "calms down");
    context_.calm = true;
    attackers_->end();
    calamities_->end();
    correspondents_->slow_down();
    kept = go_on(queue.now() + kRecovery);
  }
  if (kept) {
    correspondents_->stop();
    context_.tell([](Promise& promise) { promise.calmed(); });
    kept = go_on(queue.now() + kLast);
  }
  if (kept) context_.tell([](Promise& promise) { promise.ended(); });
  return {context_.violation, context_.statistics, queue.now(), queue.steps(),
          context_.trace.digest()};
}

}  // namespace sendoff::sim
