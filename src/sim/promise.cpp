#include "sim/promise.h"

#include "sim/promises.h"
#include "sim/world.h"

namespace sendoff::sim {

void Promise::broken(const std::string& text) {
  Context& context = world_.context();
  context.trace.note("BROKEN", name(), text);
  if (!context.violation)
    context.violation = Violation{std::string(name()), text, context.queue.now()};
}

std::vector<std::unique_ptr<Promise>> make_promises(World& world) {
  std::vector<std::unique_ptr<Promise>> all;
  all.push_back(std::make_unique<OwnerMoves>(world));
  all.push_back(std::make_unique<KeySecrecy>(world));
  all.push_back(std::make_unique<VerifiedState>(world));
  all.push_back(std::make_unique<KeyLifetime>(world));
  all.push_back(std::make_unique<StoredFirst>(world));
  all.push_back(std::make_unique<CountsOnce>(world));
  all.push_back(std::make_unique<BindingLifetime>(world));
  all.push_back(std::make_unique<TrueAnswers>(world));
  all.push_back(std::make_unique<CertifiedRouters>(world));
  all.push_back(std::make_unique<FreshNonces>(world));
  all.push_back(std::make_unique<AnsweredOnce>(world));
  all.push_back(std::make_unique<InUse>(world));
  all.push_back(std::make_unique<NothingLeft>(world));
  all.push_back(std::make_unique<Bounds>(world));
  all.push_back(std::make_unique<RightNode>(world));
  all.push_back(std::make_unique<DeliveredOnce>(world));
  all.push_back(std::make_unique<NoLoops>(world));
  all.push_back(std::make_unique<Reachable>(world));
  all.push_back(std::make_unique<KeysAgree>(world));
  const Scenario& scenario = world.context().scenario;
  if (scenario.undisturbed()) all.push_back(std::make_unique<HeldMeanwhile>(world));
  if (!scenario.calm()) return all;
  all.push_back(std::make_unique<NothingLost>(world));
  all.push_back(std::make_unique<InOrder>(world));
  return all;
}

}  // namespace sendoff::sim
