// One simulated internet, from its start to its judgement: access routers with a link each,
// mobile nodes that roam between them, a correspondent for each. Everything that happens follows
// from the scenario.
#pragma once

#include <map>

#include "sim/mobiles.h"
#include "sim/routers.h"

namespace sendoff::sim {

class Calamities;
class Attackers;
class Correspondents;
class User;

class World {
 public:
  explicit World(const Scenario& scenario, Trace::Sink trace = {});
  ~World();

  struct Verdict {
    std::optional<Violation> violation;
    Statistics statistics;
    WorldTime time{};
    std::uint64_t steps = 0;
    std::uint64_t digest = 0;
  };
  // Once.
  [[nodiscard]] Verdict run();

  [[nodiscard]] Context& context() { return context_; }
  [[nodiscard]] std::vector<std::unique_ptr<RouterNode>>& routers() { return routers_; }
  [[nodiscard]] std::vector<std::unique_ptr<MobileNode>>& mobiles() { return mobiles_; }
  [[nodiscard]] std::vector<std::unique_ptr<Link>>& links() { return links_; }
  [[nodiscard]] Core& core() { return core_; }

  // The mobile node whose key made this address; nobody's otherwise.
  [[nodiscard]] const MobileNode* owner_of(const Ipv6Address& address) const;
  [[nodiscard]] const RouterNode* router_at(const Ipv6Address& address) const;

 private:
  void populate();
  [[nodiscard]] bool go_on(WorldTime until);

  Context context_;
  std::vector<std::unique_ptr<Link>> links_;
  Core core_;
  std::vector<std::unique_ptr<RouterNode>> routers_;
  std::vector<std::unique_ptr<MobileNode>> mobiles_;
  std::map<Ipv6Address, const MobileNode*> owners_;
  std::unique_ptr<Correspondents> correspondents_;
  std::vector<std::unique_ptr<User>> users_;
  std::unique_ptr<Calamities> calamities_;
  std::unique_ptr<Attackers> attackers_;
};

}  // namespace sendoff::sim
