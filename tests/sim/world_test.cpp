// Whole runs: the same seed gives the same run, a calm world loses nothing, and a fixed number of
// seeds breaks no promise.
#include <gtest/gtest.h>

#include "sim/world.h"

namespace sendoff::test {

namespace {

// Of each build; `sendoff sim --seeds` runs more.
constexpr std::uint64_t kSeeds = 24;

struct Ran {
  sim::World::Verdict verdict;
  std::string log;
};

Ran run(std::uint64_t seed, bool keep_log) {
  Ran ran;
  sim::Trace::Sink sink;
  if (keep_log) sink = [&ran](std::string_view line) { ran.log.append(line).push_back('\n'); };
  ran.verdict = sim::World(sim::draw_scenario(seed), std::move(sink)).run();
  return ran;
}

}  // namespace

TEST(SimulatedWorld, TheSameSeedGivesTheSameRunAndTheSameLog) {
  const Ran one = run(5, true);
  const Ran again = run(5, true);
  const Ran quiet = run(5, false);
  EXPECT_GT(one.log.size(), 10'000U);
  EXPECT_EQ(one.log, again.log);
  EXPECT_EQ(one.verdict.digest, again.verdict.digest);
  EXPECT_EQ(one.verdict.digest, quiet.verdict.digest);
  EXPECT_EQ(one.verdict.steps, quiet.verdict.steps);
  EXPECT_NE(one.verdict.digest, run(6, false).verdict.digest);
}

// Whatever its driver says of the link that it comes to, and does not say.
TEST(SimulatedWorld, AProgramThatStartsBetweenTwoLinksKnowsOfTheSecond) {
  for (std::uint64_t seed = 1; seed <= 8; ++seed) {
    sim::World world(sim::draw_scenario(seed));
    sim::MobileNode& node = *world.mobiles()[0];
    sim::Queue& queue = world.context().queue;
    node.start();
    node.move(0);
    queue.run_until(seconds(1));
    node.crash(true);
    node.move(1);
    node.start();
    queue.run_until(seconds(2));
    ASSERT_EQ(node.status()->links.size(), 1U);
    EXPECT_TRUE(node.status()->links[0].up) << "seed " << seed;
  }
}

TEST(SimulatedWorld, InACalmOnePredictiveHandoversLoseNothing) {
  std::uint64_t seed = 1;
  for (int worlds = 0; worlds < 3; ++seed) {
    if (!sim::draw_scenario(seed).calm()) continue;
    ++worlds;
    const auto verdict = run(seed, false).verdict;
    EXPECT_FALSE(verdict.violation) << "seed " << seed << ": " << verdict.violation->text;
    EXPECT_GT(verdict.statistics.handovers, 0U) << "seed " << seed;
    EXPECT_GT(verdict.statistics.bindings, 0U) << "seed " << seed;
    EXPECT_EQ(verdict.statistics.all_faults(), 0U);
  }
}

TEST(SimulatedWorld, NoSeedOfAFixedNumberBreaksAPromise) {
  sim::Statistics all;
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    const auto verdict = run(seed, false).verdict;
    EXPECT_FALSE(verdict.violation)
        << "seed " << seed << " broke " << verdict.violation->promise << ": "
        << verdict.violation->text << "\n  replay: sendoff sim --seed " << seed << " --trace";
    all.attacks += verdict.statistics.attacks;
    all.bindings += verdict.statistics.bindings;
    for (std::size_t i = 0; i < sim::kFaults; ++i) all.faults[i] += verdict.statistics.faults[i];
  }
  // What never happened proved nothing.
  EXPECT_GT(all.attacks, 0U);
  EXPECT_GT(all.bindings, 0U);
  for (std::size_t i = 0; i < sim::kFaults; ++i) {
    const auto fault = static_cast<sim::Fault>(i);
    if (fault == sim::Fault::kSmallTables) continue;
    EXPECT_GT(all.faults[i], 0U) << name(fault);
  }
}

}  // namespace sendoff::test
