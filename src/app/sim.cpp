// `sendoff sim`: seeds, one after the other or on all cores, and what became of them.
#include <CLI/CLI.hpp>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <mutex>
#include <nlohmann/json.hpp>
#include <thread>

#include "app/capacity.h"
#include "app/commands.h"
#include "net/clock.h"
#include "sim/shrink.h"
#include "sim/world.h"

namespace sendoff::app {

namespace {

struct Options {
  std::optional<std::uint64_t> seed;
  std::uint64_t first = 1;
  std::uint64_t seeds = 100;
  double hours = 0;
  unsigned jobs = 0;
  bool trace = false;
  bool shrink = false;
  bool json = false;
  bool one = false;
  std::size_t routers = 0;
  std::size_t mobiles = 0;
  unsigned active_s = 0;
  std::vector<std::string> without;
  // Of a capacity run.
  double minutes = 0;
  double dwell_s = 300;
  double loss_percent = 0;
  sim::capacity::Plan plan;
  // Given to the other kind of run they would be ignored.
  std::vector<const CLI::Option*> of_seeds;
  std::vector<const CLI::Option*> of_capacity;

  [[nodiscard]] bool capacity() const {
    return minutes > 0 || routers > sim::kMaxRouters || mobiles > sim::kMaxMobiles;
  }
};

struct Failure {
  std::uint64_t seed = 0;
  sim::Violation violation;
};

struct Totals {
  std::uint64_t seeds = 0;
  std::uint64_t steps = 0;
  Duration virtual_time{};
  sim::Statistics statistics;
  std::vector<Failure> failures;

  void add(std::uint64_t seed, const sim::World::Verdict& verdict) {
    ++seeds;
    steps += verdict.steps;
    virtual_time += verdict.time;
    const sim::Statistics& more = verdict.statistics;
    statistics.packets += more.packets;
    statistics.delivered += more.delivered;
    statistics.jobs += more.jobs;
    statistics.handovers += more.handovers;
    statistics.bindings += more.bindings;
    statistics.keys += more.keys;
    statistics.attacks += more.attacks;
    for (std::size_t i = 0; i < sim::kFaults; ++i) statistics.faults[i] += more.faults[i];
    if (verdict.violation) failures.push_back({seed, *verdict.violation});
  }
};

std::string command(std::uint64_t seed, const sim::Changes& changes) {
  return "sendoff sim --seed " + std::to_string(seed) + changes.options() + " --trace";
}

std::optional<sim::Changes> changes_of(const Options& options) {
  sim::Changes changes;
  if (options.routers != 0) changes.routers = static_cast<unsigned>(options.routers);
  if (options.mobiles != 0) changes.mobiles = static_cast<unsigned>(options.mobiles);
  if (options.active_s != 0) changes.active = seconds(options.active_s);
  for (const std::string& what : options.without) {
    if (changes.leave_out(what)) continue;
    std::fprintf(stderr, "sendoff: there is no fault or attack named %s\n", what.c_str());
    return std::nullopt;
  }
  return changes;
}

void print_failure(const Failure& failure, const sim::Changes& changes) {
  std::printf("seed %llu broke %s after %.3f s: %s\n  replay: %s\n",
              static_cast<unsigned long long>(failure.seed), failure.violation.promise.c_str(),
              std::chrono::duration<double>(failure.violation.at).count(),
              failure.violation.text.c_str(), command(failure.seed, changes).c_str());
  std::fflush(stdout);
}

void print_totals(const Totals& totals, double real_s) {
  const sim::Statistics& all = totals.statistics;
  const auto number = [](std::uint64_t value) { return static_cast<unsigned long long>(value); };
  std::printf("%llu seeds, %zu failed; %.1f s, %.1f seeds/s; %.1f h of virtual time\n",
              number(totals.seeds), totals.failures.size(), real_s,
              static_cast<double>(totals.seeds) / real_s,
              std::chrono::duration<double, std::ratio<3600>>(totals.virtual_time).count());
  std::printf(
      "%llu packets, %llu datagrams delivered, %llu jobs, %llu keys, %llu handovers ordered, "
      "%llu bindings, %llu attacks\n",
      number(all.packets), number(all.delivered), number(all.jobs), number(all.keys),
      number(all.handovers), number(all.bindings), number(all.attacks));
  std::printf("%llu faults:", number(all.all_faults()));
  for (std::size_t i = 0; i < sim::kFaults; ++i)
    std::printf(" %s %llu", std::string(name(static_cast<sim::Fault>(i))).c_str(),
                number(all.faults[i]));
  std::printf("\n");
}

void print_json(const Totals& totals, double real_s) {
  const sim::Statistics& all = totals.statistics;
  nlohmann::json out;
  out["seeds"] = totals.seeds;
  out["real_s"] = real_s;
  out["virtual_s"] = whole_seconds(totals.virtual_time);
  out["steps"] = totals.steps;
  out["packets"] = all.packets;
  out["delivered"] = all.delivered;
  out["jobs"] = all.jobs;
  out["keys"] = all.keys;
  out["handovers"] = all.handovers;
  out["bindings"] = all.bindings;
  out["attacks"] = all.attacks;
  for (std::size_t i = 0; i < sim::kFaults; ++i)
    out["faults"][std::string(name(static_cast<sim::Fault>(i)))] = all.faults[i];
  out["failures"] = nlohmann::json::array();
  for (const Failure& failure : totals.failures)
    out["failures"].push_back(
        {{"seed", failure.seed},
         {"promise", failure.violation.promise},
         {"text", failure.violation.text},
         {"at_s", std::chrono::duration<double>(failure.violation.at).count()}});
  std::printf("%s\n", out.dump(2).c_str());
}

// One seed, with everything that there is to see of it.
int run_one(const Options& options, const sim::Changes& changes) {
  const sim::Scenario scenario = apply(changes, sim::draw_scenario(*options.seed));
  if (!options.json)
    std::printf("seed %llu: %s\n", static_cast<unsigned long long>(*options.seed),
                scenario.text().c_str());
  sim::Trace::Sink sink;
  if (options.trace)
    sink = [](std::string_view line) {
      std::printf("%.*s\n", static_cast<int>(line.size()), line.data());
    };
  const Instant begin = net::read_clocks().boot;
  const auto verdict = sim::World(scenario, std::move(sink)).run();
  const double real_s = std::chrono::duration<double>(net::read_clocks().boot - begin).count();
  Totals totals;
  totals.add(*options.seed, verdict);
  if (options.json)
    print_json(totals, real_s);
  else
    print_totals(totals, real_s);
  if (!options.json)
    std::printf("digest %016llx\n", static_cast<unsigned long long>(verdict.digest));
  if (!verdict.violation) return kDone;
  if (!options.json) print_failure(totals.failures.front(), changes);
  if (!options.shrink) return kNegative;
  const sim::Shrinking how{
      [](const sim::Scenario& smaller) { return sim::World(smaller).run().violation; },
      [](const sim::Scenario& smaller) {
        std::printf("  still with %s\n", smaller.text().c_str());
        std::fflush(stdout);
      }};
  const auto shrunk = shrink(*options.seed, changes, *verdict.violation, how);
  std::printf("shrunk in %u runs: %s\n  replay: %s\n", shrunk.runs, shrunk.violation.text.c_str(),
              command(*options.seed, shrunk.changes).c_str());
  return kNegative;
}

class Campaign {
 public:
  Campaign(const Options& options, const sim::Changes& changes)
      : options_(options),
        changes_(changes),
        next_(options.first),
        begin_(net::read_clocks().boot) {}

  int run() {
    const unsigned cores = std::max(1U, std::thread::hardware_concurrency());
    const unsigned jobs = options_.jobs != 0 ? options_.jobs : cores;
    std::vector<std::jthread> threads;
    for (unsigned i = 0; i < jobs; ++i) threads.emplace_back([this] { work(); });
    threads.clear();
    std::ranges::sort(totals_.failures, {}, &Failure::seed);
    if (options_.json)
      print_json(totals_, real_s());
    else
      print_totals(totals_, real_s());
    return totals_.failures.empty() ? kDone : kNegative;
  }

 private:
  [[nodiscard]] double real_s() const {
    return std::chrono::duration<double>(net::read_clocks().boot - begin_).count();
  }
  [[nodiscard]] bool more(std::uint64_t seed) const {
    if (options_.one && broken_) return false;
    if (options_.hours > 0) return real_s() < options_.hours * 3600;
    return seed < options_.first + options_.seeds;
  }
  void work() {
    for (std::uint64_t seed = next_++; more(seed); seed = next_++) {
      const auto verdict = sim::World(apply(changes_, sim::draw_scenario(seed))).run();
      const std::lock_guard lock(mutex_);
      totals_.add(seed, verdict);
      broken_ = !totals_.failures.empty();
      if (options_.json) continue;
      if (verdict.violation) print_failure(totals_.failures.back(), changes_);
      progress();
    }
  }
  void progress() {
    const double passed = real_s();
    if (passed - told_s_ < 10) return;
    told_s_ = passed;
    std::fprintf(stderr, "%llu seeds, %zu failed, %.1f seeds/s\n",
                 static_cast<unsigned long long>(totals_.seeds), totals_.failures.size(),
                 static_cast<double>(totals_.seeds) / passed);
  }

  const Options& options_;
  const sim::Changes& changes_;
  std::atomic<std::uint64_t> next_;
  std::atomic<bool> broken_ = false;
  Instant begin_;
  std::mutex mutex_;
  Totals totals_;
  double told_s_ = 0;
};

Duration of_seconds(double value) {
  return std::chrono::round<Duration>(std::chrono::duration<double>(value));
}

int run_plan(const Options& options) {
  sim::capacity::Plan plan = options.plan;
  plan.seed = options.seed.value_or(1);
  if (options.routers != 0) plan.routers = options.routers;
  if (options.mobiles != 0) plan.mobiles = options.mobiles;
  if (options.minutes > 0) plan.time = of_seconds(60 * options.minutes);
  plan.dwell = of_seconds(options.dwell_s);
  plan.loss_per_million = static_cast<std::uint32_t>(options.loss_percent * 10'000);
  return run_capacity(plan, options.json);
}

// Whether an option was given that this kind of run does not have.
bool mixed_up(const Options& options) {
  const auto& others = options.capacity() ? options.of_seeds : options.of_capacity;
  const auto given =
      std::ranges::find_if(others, [](const CLI::Option* option) { return option->count() > 0; });
  if (given == others.end()) return false;
  std::fprintf(stderr, "sendoff: %s is for %s\n", (*given)->get_name().c_str(),
               options.capacity() ? "runs of seeds, not for capacity"
                                  : "capacity runs: say --minutes, or more nodes");
  return true;
}

int run(const Options& options) {
  if (mixed_up(options)) return kWrong;
  if (options.capacity()) return run_plan(options);
  const auto changes = changes_of(options);
  if (!changes) return kWrong;
  if (options.seed) return run_one(options, *changes);
  return Campaign(options, *changes).run();
}

void add_capacity_options(CLI::App& command, Options& options) {
  sim::capacity::Plan& plan = options.plan;
  const auto ours = [&](CLI::Option* option) { options.of_capacity.push_back(option); };
  command.add_option("--minutes", options.minutes, "Capacity: virtual time (default: 10)")
      ->check(CLI::Range(0.5, 1440.0));
  ours(command.add_option("--dwell", options.dwell_s, "Capacity: mean stay on a link, in seconds")
           ->capture_default_str()
           ->check(CLI::Range(20.0, 600.0)));
  ours(command.add_option("--loss", options.loss_percent, "Capacity: packets lost, in per cent")
           ->check(CLI::Range(0.0, 50.0)));
  ours(command.add_option("--neighbours", plan.neighbours, "Capacity: of each router")
           ->capture_default_str()
           ->check(CLI::Range(1, 16)));
  ours(command.add_option("--workers", plan.workers, "Capacity: threads for RSA of each router")
           ->capture_default_str()
           ->check(CLI::Range(1, 256)));
  const auto cost = [&](const char* name, Duration& duration, const char* what) {
    ours(command
             .add_option_function<std::uint32_t>(
                 name, [&duration](std::uint32_t us) { duration = microseconds(us); },
                 std::string("Capacity: what ") + what + " takes, in microseconds (default: " +
                     std::to_string(duration / microseconds(1)) + ")")
             ->check(CLI::Range(0, 1'000'000)));
  };
  cost("--sign-us", plan.costs.sign, "an RSA signature");
  cost("--verify-us", plan.costs.verify, "its verification");
  cost("--encrypt-us", plan.costs.encrypt, "sealing a handover key");
  cost("--decrypt-us", plan.costs.decrypt, "opening one");
  cost("--path-us", plan.costs.path, "validating a certification path");
  cost("--packet-us", plan.costs.packet, "a packet in or out");
  cost("--record-us", plan.costs.store, "keeping a record");
}

}  // namespace

void add_sim_command(CLI::App& app, int& exit_code) {
  CLI::App* command =
      app.add_subcommand("sim", "Break the protocol in a simulated internet, seed by seed");
  command->footer(
      "Routers, mobile nodes, faults and attackers are drawn from a seed, and the same seed gives\n"
      "the same run everywhere. A broken promise is printed with the command that replays it.\n"
      "Example: sendoff sim --seeds 1000; sendoff sim --seed 42 --trace\n"
      "With --minutes, or more nodes than such a world has, it measures capacity instead:\n"
      "Example: sendoff sim --routers 1000 --mobiles 1000000 --minutes 10");
  const auto options = std::make_shared<Options>();
  command->add_option("--seed", options->seed, "Run this seed only");
  command->add_option("--first", options->first, "The first of several seeds")
      ->capture_default_str();
  command->add_option("--seeds", options->seeds, "How many")->capture_default_str();
  command->add_option("--hours", options->hours, "Run seeds for so long, however many that are");
  command->add_option("--jobs", options->jobs, "Seeds at a time (default: a core each)");
  command->add_flag("--trace", options->trace, "One line a packet and a change of state")
      ->needs("--seed");
  command->add_flag("--shrink", options->shrink, "Look for a smaller run that breaks the same")
      ->needs("--seed");
  command->add_flag("--one", options->one, "Run no more seeds when one broke a promise")
      ->excludes("--seed");
  command->add_flag("--json", options->json, "The totals as JSON");
  command
      ->add_option("--routers", options->routers,
                   "Instead of what the seed draws; more than four: a capacity run")
      ->check(CLI::Range(std::size_t{2}, sim::capacity::kMostRouters));
  command
      ->add_option("--mobiles", options->mobiles,
                   "Instead of what the seed draws; more than five: a capacity run")
      ->check(CLI::Range(std::size_t{1}, sim::capacity::kMostMobiles));
  command->add_option("--active", options->active_s, "Seconds of faults, instead of the seed's")
      ->check(CLI::Range(1U, 3600U));
  command->add_option("--without", options->without, "Faults and attacks to leave out")
      ->delimiter(',');
  add_capacity_options(*command, *options);
  for (const char* name : {"--first", "--seeds", "--hours", "--jobs", "--trace", "--shrink",
                           "--active", "--without", "--one"})
    options->of_seeds.push_back(command->get_option(name));
  command->callback([=, &exit_code] { exit_code = run(*options); });
}

}  // namespace sendoff::app
