#include "sim/shrink.h"

namespace sendoff::sim {

namespace {

constexpr Duration kLeastTime = seconds(5);

class Shrinker {
 public:
  Shrinker(std::uint64_t seed, Shrunk best, const Shrinking& how)
      : seed_(seed), best_(std::move(best)), how_(how) {}

  Shrunk run() {
    while (round()) {
    }
    return best_;
  }

 private:
  [[nodiscard]] Scenario scenario() const { return apply(best_.changes, draw_scenario(seed_)); }

  bool attempt(const Changes& changes) {
    ++best_.runs;
    const auto broken = how_.run(apply(changes, draw_scenario(seed_)));
    if (!broken || broken->promise != best_.violation.promise) return false;
    best_.changes = changes;
    best_.violation = *broken;
    how_.progress(scenario());
    return true;
  }

  template <typename Change>
  bool with(const Change& change) {
    Changes changes = best_.changes;
    change(changes);
    return attempt(changes);
  }

  // Whether anything became smaller.
  bool round() {
    bool smaller = false;
    const Scenario was = scenario();
    for (std::size_t i = 0; i < kFaults; ++i)
      if (was.faults[i] != 0) smaller |= with([&](Changes& each) { each.without_fault[i] = true; });
    for (std::size_t i = 0; i < kAttacks; ++i)
      if (was.attacks[i] != 0)
        smaller |= with([&](Changes& each) { each.without_attack[i] = true; });
    if (was.mobiles > 1) smaller |= with([&](Changes& each) { each.mobiles = was.mobiles - 1; });
    if (was.routers > 2) smaller |= with([&](Changes& each) { each.routers = was.routers - 1; });
    // What broke while the faults went on needs no more of them than until then.
    const Duration needed = std::min(was.active * 3 / 4, best_.violation.at + seconds(1));
    if (needed >= kLeastTime)
      smaller |= with([&](Changes& each) { each.active = seconds(whole_seconds(needed)); });
    return smaller;
  }

  std::uint64_t seed_;
  Shrunk best_;
  const Shrinking& how_;
};

}  // namespace

Shrunk shrink(std::uint64_t seed, const Changes& changes, const Violation& broken,
              const Shrinking& how) {
  return Shrinker(seed, {changes, broken, 0}, how).run();
}

}  // namespace sendoff::sim
