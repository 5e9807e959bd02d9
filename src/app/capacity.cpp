#include "app/capacity.h"

#include <sys/resource.h>

#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "app/commands.h"
#include "net/clock.h"

namespace sendoff::app {

namespace {

using sim::capacity::Figures;
using sim::capacity::Load;
using sim::capacity::Plan;
using Message = sim::capacity::Message;

constexpr Duration kBetweenLines = seconds(10);

double in_seconds(Duration duration) { return std::chrono::duration<double>(duration).count(); }
double in_milliseconds(Duration duration) { return 1000 * in_seconds(duration); }
unsigned long long number(std::uint64_t value) { return value; }

std::uint64_t peak_memory() {
  rusage usage{};
  if (getrusage(RUSAGE_SELF, &usage) != 0) return 0;
  return 1024 * static_cast<std::uint64_t>(usage.ru_maxrss);
}

// One figure of all routers.
struct Column {
  const char* name;
  const char* unit;
  std::vector<double> values;

  template <typename Value>
  Column(const char* its_name, const char* its_unit, const Figures& figures, const Value& value)
      : name(its_name), unit(its_unit) {
    for (const Load& load : figures.routers) values.push_back(value(load));
    std::ranges::sort(values);
  }
  [[nodiscard]] double least() const { return values.front(); }
  [[nodiscard]] double most() const { return values.back(); }
  [[nodiscard]] double quantile(double part) const {
    const double place = std::ceil(part * static_cast<double>(values.size() - 1));
    return values[static_cast<std::size_t>(place)];
  }
  [[nodiscard]] double mean() const {
    double sum = 0;
    for (const double value : values) sum += value;
    return sum / static_cast<double>(values.size());
  }
};

std::vector<Column> columns_of(const Plan& plan, const Figures& figures) {
  const double window = in_seconds(figures.window);
  const auto rate = [&](std::uint64_t Load::* count) {
    return [=](const Load& load) { return static_cast<double>(load.*count) / window; };
  };
  const auto count = [](std::size_t Load::* amount) {
    return [=](const Load& load) { return static_cast<double>(load.*amount); };
  };
  const double workers = static_cast<double>(plan.workers);
  return {
      {"messages in", "1/s", figures, rate(&Load::received)},
      {"messages out", "1/s", figures, rate(&Load::sent)},
      {"signatures", "1/s", figures, rate(&Load::signatures)},
      {"most signatures", "in 1 s", figures,
       [](const Load& load) { return static_cast<double>(load.most_signatures_s); }},
      {"verifications", "1/s", figures, rate(&Load::verifications)},
      {"keys delivered", "1/s", figures, rate(&Load::seals)},
      {"load of workers", "%", figures,
       [=](const Load& load) { return 100 * in_seconds(load.workers_busy) / window / workers; }},
      {"load of thread", "%", figures,
       [=](const Load& load) { return 100 * in_seconds(load.thread_busy) / window; }},
      {"keys, most", "", figures, count(&Load::most_keys)},
      {"keys, at the end", "", figures, count(&Load::keys)},
      {"bindings, most", "", figures, count(&Load::most_bindings)},
  };
}

double per_cent(std::uint64_t part, std::uint64_t whole) {
  return whole == 0 ? 0 : 100 * static_cast<double>(part) / static_cast<double>(whole);
}

double mean_gap_ms(const Figures& figures) {
  if (figures.moves.gaps == 0) return 0;
  return in_milliseconds(figures.moves.gap_sum) / static_cast<double>(figures.moves.gaps);
}

void print_model(const Plan& plan) {
  const auto us = [](Duration duration) {
    return std::chrono::round<microseconds>(duration).count();
  };
  const sim::Costs& costs = plan.costs;
  std::printf(
      "RSA-2048 is a cost model: sign %lld, verify %lld, encrypt %lld, decrypt %lld, path %lld; "
      "packet %lld, record %lld us; %zu worker%s a router\n",
      static_cast<long long>(us(costs.sign)), static_cast<long long>(us(costs.verify)),
      static_cast<long long>(us(costs.encrypt)), static_cast<long long>(us(costs.decrypt)),
      static_cast<long long>(us(costs.path)), static_cast<long long>(us(costs.packet)),
      static_cast<long long>(us(costs.store)), plan.workers, plan.workers == 1 ? "" : "s");
}

void print_moves(const Figures& figures) {
  const sim::capacity::Moves& moves = figures.moves;
  std::printf(
      "\n%llu moves: %.2f %% predictive, %.2f %% reactive, %.3f %% failed; "
      "%llu left without an order\n",
      number(moves.begun), per_cent(moves.predictive, moves.begun),
      per_cent(moves.reactive, moves.begun), per_cent(moves.failed, moves.begun),
      number(moves.unprepared));
  std::printf("packets for the old address arrive again after %.1f ms (mean), %.1f ms (longest)\n",
              mean_gap_ms(figures), in_milliseconds(moves.longest_gap));
  std::printf(
      "keys: %zu at mobile nodes, %zu at routers; %zu nodes have one, "
      "%llu stays began without\n",
      figures.keys_at_mobiles, figures.keys_at_routers, figures.mobiles_with_key,
      number(figures.keyless));
}

void print_messages(const Figures& figures) {
  std::printf("messages:");
  for (std::size_t i = 0; i < figures.messages.size(); ++i)
    if (figures.messages[i] != 0)
      std::printf(" %s %llu", std::string(name(static_cast<Message>(i))).c_str(),
                  number(figures.messages[i]));
  std::printf("; %llu lost\n", number(figures.lost));
  std::printf("not counted: %llu messages of %llu wakes\n", number(figures.waking_messages),
              number(figures.wakes));
}

void print_table(const Plan& plan, const Figures& figures, double real_s) {
  std::printf(
      "%zu routers, %zu mobile nodes, %.0f virtual seconds; seed %llu, mean stay %.0f s, "
      "loss %.2f %%\n",
      plan.routers, plan.mobiles, in_seconds(plan.time), number(plan.seed), in_seconds(plan.dwell),
      plan.loss_per_million / 10'000.0);
  print_model(plan);
  std::printf("\na router, in the last %.0f s %10s %10s %10s %10s %10s\n",
              in_seconds(figures.window), "least", "median", "mean", "99 %", "most");
  for (const Column& column : columns_of(plan, figures))
    std::printf("%-18s %-7s %10.2f %10.2f %10.2f %10.2f %10.2f\n", column.name, column.unit,
                column.least(), column.quantile(0.5), column.mean(), column.quantile(0.99),
                column.most());
  print_moves(figures);
  print_messages(figures);
  const std::uint64_t memory = peak_memory();
  std::printf("memory: %.1f MiB at most, %.0f octets a mobile node; %zu nodes awake at most\n",
              static_cast<double>(memory) / (1 << 20),
              static_cast<double>(memory) / static_cast<double>(plan.mobiles), figures.most_awake);
  std::printf("%.1f s, %llu steps; digest %016llx\n", real_s, number(figures.steps),
              number(figures.digest));
}

nlohmann::json moves_of(const Figures& figures) {
  const sim::capacity::Moves& moves = figures.moves;
  return {{"begun", moves.begun},
          {"predictive", moves.predictive},
          {"reactive", moves.reactive},
          {"failed", moves.failed},
          {"unprepared", moves.unprepared},
          {"gap_mean_ms", mean_gap_ms(figures)},
          {"gap_longest_ms", in_milliseconds(moves.longest_gap)}};
}

nlohmann::json model_of(const Plan& plan) {
  const auto us = [](Duration duration) {
    return std::chrono::round<microseconds>(duration).count();
  };
  const sim::Costs& costs = plan.costs;
  return {{"rsa_bits", 2048},
          {"sign_us", us(costs.sign)},
          {"verify_us", us(costs.verify)},
          {"encrypt_us", us(costs.encrypt)},
          {"decrypt_us", us(costs.decrypt)},
          {"path_us", us(costs.path)},
          {"packet_us", us(costs.packet)},
          {"record_us", us(costs.store)},
          {"workers", plan.workers}};
}

void print_json(const Plan& plan, const Figures& figures, double real_s) {
  nlohmann::json out;
  out["routers"] = plan.routers;
  out["mobiles"] = plan.mobiles;
  out["seed"] = plan.seed;
  out["virtual_s"] = in_seconds(plan.time);
  out["window_s"] = in_seconds(figures.window);
  out["dwell_s"] = in_seconds(plan.dwell);
  out["loss_percent"] = plan.loss_per_million / 10'000.0;
  out["cost_model"] = model_of(plan);
  for (const Column& column : columns_of(plan, figures))
    out["a_router"].push_back({{"figure", column.name},
                               {"unit", column.unit},
                               {"least", column.least()},
                               {"median", column.quantile(0.5)},
                               {"mean", column.mean()},
                               {"p99", column.quantile(0.99)},
                               {"most", column.most()}});
  out["moves"] = moves_of(figures);
  for (std::size_t i = 0; i < figures.messages.size(); ++i)
    out["messages"][std::string(name(static_cast<Message>(i)))] = figures.messages[i];
  out["lost"] = figures.lost;
  out["not_counted"] = {{"wakes", figures.wakes}, {"messages", figures.waking_messages}};
  out["keys"] = {{"at_mobiles", figures.keys_at_mobiles},
                 {"at_routers", figures.keys_at_routers},
                 {"mobiles_with_key", figures.mobiles_with_key},
                 {"stays_without", figures.keyless}};
  const std::uint64_t memory = peak_memory();
  out["memory"] = {{"octets", memory}, {"octets_a_mobile", memory / plan.mobiles}};
  out["most_awake"] = figures.most_awake;
  out["real_s"] = real_s;
  out["steps"] = figures.steps;
  out["digest"] = figures.digest;
  std::printf("%s\n", out.dump(2).c_str());
}

}  // namespace

int run_capacity(const Plan& plan, bool json) {
  const Instant begin = net::read_clocks().boot;
  Instant told = begin;
  const auto progress = [&](Duration now, Duration end) {
    const Instant read = net::read_clocks().boot;
    if (read - told < kBetweenLines) return;
    told = read;
    std::fprintf(stderr, "%.0f of %.0f virtual seconds after %.0f s, %.0f MiB\n", in_seconds(now),
                 in_seconds(end), in_seconds(read - begin),
                 static_cast<double>(peak_memory()) / (1 << 20));
  };
  const Figures figures = sim::capacity::run(plan, progress);
  const double real_s = in_seconds(net::read_clocks().boot - begin);
  if (json)
    print_json(plan, figures, real_s);
  else
    print_table(plan, figures, real_s);
  return kDone;
}

}  // namespace sendoff::app
