// Whoever carries a mobile node about: it stays a while on a link, then goes to another one, with a
// handover or without.
#pragma once

#include "sim/correspondents.h"
#include "sim/routers.h"

namespace sendoff::sim {

class User {
 public:
  User(Context& context, MobileNode& mobile, std::vector<std::unique_ptr<RouterNode>>& routers,
       const Correspondents& correspondents);
  void start();

 private:
  void stay();
  void go();
  void ask(std::size_t router, unsigned attempts);

  Context& context_;
  MobileNode& mobile_;
  std::vector<std::unique_ptr<RouterNode>>& routers_;
  const Correspondents& correspondents_;
  Dice dice_;
};

}  // namespace sendoff::sim
