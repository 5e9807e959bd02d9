#include "lab/results.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "lab/drawing.h"

namespace sendoff::lab {

namespace {

using Json = nlohmann::ordered_json;

// Microseconds are what the captures are good for.
double rounded(double milliseconds) { return std::round(milliseconds * 1000) / 1000; }

Json json_of(const Transfer& transfer) {
  return {{"octets", transfer.octets},
          {"retransmitted", transfer.retransmitted},
          {"mbit_per_s", rounded(transfer.mbit_per_s())},
          {"longest_stall_ms", rounded(ms(transfer.longest_stall))},
          {"connections", transfer.connections}};
}

Json json_of(const Run& run) {
  Json json{{"mode", name(run.mode)},
            {"number", run.number},
            {"sent", run.flow.sent},
            {"received", run.flow.received},
            {"lost", run.flow.lost},
            {"undelivered", run.undelivered.size()},
            {"duplicated", run.flow.duplicated},
            {"reordered", run.flow.reordered},
            {"longest_silence_ms", rounded(ms(run.flow.longest_silence))},
            {"link_gap_ms", rounded(ms(link_gap(run)))},
            {"silence_after_link_up_ms", nullptr},
            {"held", held_count(run)},
            {"moves", run.moves.size()},
            {"phases", Json::object()}};
  if (const auto silence = silence_after_link_up(run))
    json["silence_after_link_up_ms"] = rounded(ms(*silence));
  for (const Phase& phase : phases_of(run)) json["phases"][phase.name] = rounded(phase.ms);
  if (run.transfer) json["tcp"] = json_of(*run.transfer);
  if (run.moves.empty()) return json;
  const UtcTime zero = run.moves.front().link_down;
  // A few of them say where to look.
  constexpr std::size_t kShown = 20;
  for (std::size_t i = 0; i < std::min(kShown, run.undelivered.size()); ++i)
    json["undelivered_at_ms"].push_back(rounded(ms(run.undelivered[i] - zero)));
  Json& events = json["events"] = Json::array();
  for (const DaemonEvent& event : run.events)
    events.push_back({{"node", event.node},
                      {"event", event.name},
                      {"at_ms", rounded(ms(run.utc(event.at) - zero))}});
  return json;
}

std::vector<Mode> modes_of(const std::vector<Run>& runs) {
  std::vector<Mode> modes;
  for (const Run& run : runs)
    if (std::ranges::find(modes, run.mode) == modes.end()) modes.push_back(run.mode);
  return modes;
}

Json json_of(const Summary& summary) {
  Json json{{"runs", summary.runs},
            {"sent", summary.sent},
            {"lost", summary.lost},
            {"undelivered", summary.undelivered},
            {"duplicated", summary.duplicated},
            {"reordered", summary.reordered},
            {"median_longest_silence_ms", rounded(summary.longest_silence_ms)},
            {"worst_longest_silence_ms", rounded(summary.worst_silence_ms)},
            {"median_link_gap_ms", rounded(summary.link_gap_ms)},
            {"median_added_ms", rounded(summary.added_ms)},
            {"median_silence_after_link_up_ms", nullptr},
            {"median_held", summary.held}};
  if (summary.after_link_up_ms)
    json["median_silence_after_link_up_ms"] = rounded(*summary.after_link_up_ms);
  return json;
}

}  // namespace

Summary summary_of(Mode mode, const std::vector<Run>& runs) {
  Summary summary;
  summary.mode = mode;
  std::vector<double> silence;
  std::vector<double> gap;
  std::vector<double> added;
  std::vector<double> after;
  std::vector<double> held;
  for (const Run& run : runs) {
    if (run.mode != mode) continue;
    ++summary.runs;
    summary.sent += run.flow.sent;
    summary.lost += run.flow.lost;
    summary.undelivered += run.undelivered.size();
    summary.duplicated += run.flow.duplicated;
    summary.reordered += run.flow.reordered;
    silence.push_back(ms(run.flow.longest_silence));
    gap.push_back(ms(link_gap(run)));
    added.push_back(silence.back() - gap.back());
    held.push_back(static_cast<double>(held_count(run)));
    if (const auto value = silence_after_link_up(run)) after.push_back(ms(*value));
  }
  summary.worst_silence_ms = silence.empty() ? 0 : std::ranges::max(silence);
  summary.longest_silence_ms = median(std::move(silence));
  summary.link_gap_ms = median(std::move(gap));
  summary.added_ms = median(std::move(added));
  if (!after.empty()) summary.after_link_up_ms = median(std::move(after));
  summary.held = median(std::move(held));
  return summary;
}

std::string results_json(const Settings& settings, const Results& results) {
  Json json{{"schema", 1},
            {"settings",
             {{"rate_per_s", settings.rate_per_s},
              {"gap_ms", ms(settings.gap)},
              {"anticipation_ms", ms(settings.anticipation)},
              {"dwell_ms", ms(settings.dwell)},
              {"seed", settings.seed},
              {"backend", settings.backend},
              {"tcp", settings.transfer}}},
            {"runs", Json::array()},
            {"summary", Json::object()}};
  if (!results.failure.empty()) json["failure"] = results.failure;
  for (const Run& run : results.runs) json["runs"].push_back(json_of(run));
  for (const Mode mode : modes_of(results.runs))
    json["summary"][std::string(name(mode))] = json_of(summary_of(mode, results.runs));
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string results_words(const Settings&, const Results& results) {
  std::string out =
      "mode         runs     sent   lost  twice  disorder  silence (link gap)  after link-up  "
      "held\n";
  for (const Mode mode : modes_of(results.runs)) {
    const Summary summary = summary_of(mode, results.runs);
    const std::string after =
        summary.after_link_up_ms ? fixed(*summary.after_link_up_ms, 1) + " ms" : "never";
    std::array<char, 160> line{};
    std::snprintf(line.data(), line.size(),
                  "%-11s %5zu %8llu %6llu %6llu %9llu %8.1f ms (%5.1f)  %13s %5.0f\n",
                  std::string(name(mode)).c_str(), summary.runs,
                  static_cast<unsigned long long>(summary.sent),
                  static_cast<unsigned long long>(summary.lost),
                  static_cast<unsigned long long>(summary.duplicated),
                  static_cast<unsigned long long>(summary.reordered), summary.longest_silence_ms,
                  summary.link_gap_ms, after.c_str(), summary.held);
    out += line.data();
  }
  return out;
}

}  // namespace sendoff::lab
