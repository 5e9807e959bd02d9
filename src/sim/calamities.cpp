#include "sim/calamities.h"

namespace sendoff::sim {

namespace {

constexpr std::array kStriking = {Fault::kFlap, Fault::kPartition, Fault::kCrash,
                                  Fault::kCrashWithoutStore, Fault::kClockStep};
// Most are small. Whom a peer has heard from the future it hears again when that is past (RFC 3971
// 5.3.4.2), and that must be within the recovery.
constexpr Duration kSmallStep = seconds(2);
constexpr Duration kBigStep = seconds(100);

}  // namespace

Calamities::Calamities(Context& context, Core& core,
                       std::vector<std::unique_ptr<RouterNode>>& routers,
                       std::vector<std::unique_ptr<MobileNode>>& mobiles)
    : context_(context), core_(core), routers_(routers), mobiles_(mobiles) {
  for (const Fault fault : kStriking)
    dice_.emplace(fault, Dice(context.scenario.seed, name(fault)));
}

void Calamities::start() {
  for (const Fault fault : kStriking)
    if (context_.scenario.rate(fault) != 0) plan(fault);
}

void Calamities::plan(Fault fault) {
  const Duration mean = seconds(context_.scenario.rate(fault));
  context_.queue.after(dice_.at(fault).between(mean / 4, mean * 7 / 4), [this, fault] {
    if (context_.calm) return;
    context_.count(fault);
    strike(fault);
    plan(fault);
  });
}

void Calamities::strike(Fault fault) {
  Dice& dice = dice_.at(fault);
  const std::size_t router = dice.below(routers_.size());
  const std::size_t number = dice.below(routers_.size() + mobiles_.size());
  Node& node = number < routers_.size() ? static_cast<Node&>(*routers_[number])
                                        : *mobiles_[number - routers_.size()];
  switch (fault) {
    case Fault::kFlap:
      routers_[router]->set_link_up(false);
      return context_.queue.after(dice.between(milliseconds(100), seconds(5)),
                                  [this, router] { routers_[router]->set_link_up(true); });
    case Fault::kPartition: {
      const std::size_t other = (router + 1 + dice.below(routers_.size() - 1)) % routers_.size();
      context_.trace.note("core", "parts",
                          routers_[router]->name() + " " + routers_[other]->name());
      core_.part(router, other, true);
      return context_.queue.after(dice.between(seconds(1), seconds(20)),
                                  [this, router, other] { core_.part(router, other, false); });
    }
    case Fault::kCrash:
      return crash(node, false);
    case Fault::kCrashWithoutStore:
      return crash(node, true);
    case Fault::kClockStep: {
      const Duration most = dice.chance(200'000) ? kBigStep : kSmallStep;
      const Duration step = dice.between(-most, most);
      stepped_[&node] += step;
      return node.step_clock(step);
    }
    default:
      return;
  }
}

void Calamities::crash(Node& node, bool lose_store) {
  if (!node.running()) return;
  node.crash(lose_store);
  Dice& dice = dice_.at(lose_store ? Fault::kCrashWithoutStore : Fault::kCrash);
  context_.queue.after(dice.between(milliseconds(50), seconds(10)), [&node] {
    if (!node.running()) node.start();
  });
}

void Calamities::end() {
  for (std::size_t a = 0; a < routers_.size(); ++a) {
    for (std::size_t b = 0; b < a; ++b) core_.part(a, b, false);
    if (!routers_[a]->running()) routers_[a]->start();
    routers_[a]->set_link_up(true);
  }
  for (const auto& mobile : mobiles_)
    if (!mobile->running()) mobile->start();
  // Somebody sets the clocks right.
  for (const auto& router : routers_) router->step_clock(-stepped_[router.get()]);
  for (const auto& mobile : mobiles_) mobile->step_clock(-stepped_[mobile.get()]);
}

}  // namespace sendoff::sim
