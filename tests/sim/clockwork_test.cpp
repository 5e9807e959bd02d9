// Time, order and chance of a simulated world.
#include <gtest/gtest.h>

#include "sim/clock.h"
#include "sim/dice.h"
#include "sim/queue.h"
#include "sim/scenario.h"
#include "sim/shrink.h"

namespace sendoff::test {

TEST(SimulatedClock, MeetsEveryDeadlineWhateverItsDrift) {
  for (const std::int64_t drift : {-5000, -200, -1, 0, 1, 200, 5000}) {
    const sim::Clock clock(seconds(12345), seconds(1'800'000'000), drift);
    for (int i = 1; i < 1000; ++i) {
      const Instant deadline(seconds(12345) + milliseconds(7) * i * i);
      const sim::WorldTime when = clock.when(deadline);
      EXPECT_GE(clock.at(when).boot, deadline);
      EXPECT_LT(clock.at(when).boot - deadline, milliseconds(1)) << drift << " " << i;
    }
  }
  EXPECT_EQ(sim::Clock({}, {}, 0).when(kNever), sim::kNoTime);
}

TEST(SimulatedClock, StepsInUtcAndNeverSinceBoot) {
  sim::Clock clock(seconds(100), seconds(1000), 0);
  clock.step(seconds(-30));
  EXPECT_EQ(clock.at(seconds(1)).boot, Instant(seconds(101)));
  EXPECT_EQ(clock.at(seconds(1)).utc, UtcTime(seconds(971)));
}

TEST(SimulatedQueue, DoesThingsByTimeAndThenInTheOrderOfOrders) {
  sim::Queue queue;
  std::string done;
  queue.at(seconds(2), [&] { done += "c"; });
  queue.at(seconds(1), [&] {
    done += "a";
    queue.after({}, [&] { done += "b"; });
  });
  queue.at(seconds(2), [&] { done += "d"; });
  queue.run_until(seconds(2));
  EXPECT_EQ(done, "abcd");
  EXPECT_EQ(queue.now(), seconds(2));
}

TEST(Dice, ThrowTheSameForASeedAndAPurposeAndAnotherForAnother) {
  sim::Dice one(7, "loss");
  sim::Dice again(7, "loss");
  sim::Dice other_purpose(7, "delay");
  sim::Dice other_seed(8, "loss");
  const std::uint64_t thrown = one.next();
  EXPECT_EQ(thrown, again.next());
  EXPECT_NE(thrown, other_purpose.next());
  EXPECT_NE(thrown, other_seed.next());
  // Known for good: a run must be the same with every compiler and library.
  EXPECT_EQ(sim::Dice(1, "known").next(), 0xc9c90e49e32bbc3fU);
}

TEST(Scenario, LeavesOtherDrawsAloneWhenSomethingIsLeftOut) {
  const sim::Scenario drawn = sim::draw_scenario(3);
  sim::Changes changes;
  EXPECT_TRUE(changes.leave_out("loss"));
  EXPECT_TRUE(changes.leave_out("replay"));
  EXPECT_FALSE(changes.leave_out("luck"));
  changes.mobiles = 1;
  sim::Scenario changed = apply(changes, drawn);
  EXPECT_EQ(changed.rate(sim::Fault::kLoss), 0U);
  EXPECT_EQ(changed.rate(sim::Attack::kReplay), 0U);
  EXPECT_EQ(changed.mobiles, 1U);
  EXPECT_EQ(changed.rate(sim::Fault::kJitter), drawn.rate(sim::Fault::kJitter));
  EXPECT_EQ(changed.active, drawn.active);
  EXPECT_EQ(changes.options(), " --mobiles 1 --without loss,replay");
}

TEST(Shrinking, KeepsOnlyWhatTheBrokenPromiseNeeds) {
  // Breaks with loss and a replayer among at least two nodes, after 20 s.
  const auto run = [](const sim::Scenario& scenario) -> std::optional<sim::Violation> {
    if (scenario.rate(sim::Fault::kLoss) == 0 || scenario.mobiles < 2) return std::nullopt;
    if (scenario.active < seconds(20)) return sim::Violation{"another", "", {}};
    return sim::Violation{"promise", "broken", seconds(20)};
  };
  std::uint64_t seed = 1;
  while (!run(sim::draw_scenario(seed)) || sim::draw_scenario(seed).mobiles < 4) ++seed;
  unsigned told = 0;
  const auto shrunk = shrink(seed, {}, *run(sim::draw_scenario(seed)),
                             {run, [&](const sim::Scenario&) { ++told; }});
  const sim::Scenario small = apply(shrunk.changes, sim::draw_scenario(seed));
  EXPECT_EQ(shrunk.violation.promise, "promise");
  EXPECT_EQ(small.mobiles, 2U);
  EXPECT_EQ(small.routers, 2U);
  EXPECT_GE(small.active, seconds(20));
  EXPECT_LT(small.active, seconds(28));
  for (std::size_t i = 0; i < sim::kFaults; ++i)
    EXPECT_EQ(small.faults[i] != 0, static_cast<sim::Fault>(i) == sim::Fault::kLoss);
  for (const std::uint32_t rate : small.attacks) EXPECT_EQ(rate, 0U);
  EXPECT_GT(told, 0U);
}

}  // namespace sendoff::test
