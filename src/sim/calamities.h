// Faults that strike nodes and links, not packets: they come at random times and are over after a
// while, at the latest when the world calms down.
#pragma once

#include "sim/mobiles.h"
#include "sim/routers.h"

namespace sendoff::sim {

class Calamities {
 public:
  Calamities(Context& context, Core& core, std::vector<std::unique_ptr<RouterNode>>& routers,
             std::vector<std::unique_ptr<MobileNode>>& mobiles);
  void start();
  void end();

 private:
  void plan(Fault fault);
  void strike(Fault fault);
  void crash(Node& node, bool lose_store);

  Context& context_;
  Core& core_;
  std::vector<std::unique_ptr<RouterNode>>& routers_;
  std::vector<std::unique_ptr<MobileNode>>& mobiles_;
  std::map<Fault, Dice> dice_;
  std::map<const Node*, Duration> stepped_;  // by how much its clock is wrong
};

}  // namespace sendoff::sim
