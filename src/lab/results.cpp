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
          {"connections", transfer.connections},
          {"timeouts", transfer.timeouts}};
}

Json json_of(std::optional<Duration> duration) {
  return duration ? Json(rounded(ms(*duration))) : Json(nullptr);
}

Json phases_json(const Run& run, std::size_t move) {
  Json json = Json::object();
  for (const Phase& phase : phases_of(run, move)) json[phase.name] = rounded(phase.ms);
  return json;
}

Json move_json(const Run& run, std::size_t number) {
  const Move& move = run.moves[number];
  const MoveResult result = result_of(run, number);
  Json json{{"to", move.to == Side::kNar ? "nar" : "par"},
            {"lost", result.lost},
            {"lost_avoidable", result.lost_avoidable},
            {"held", result.held},
            {"longest_silence_ms", rounded(ms(result.longest_silence))},
            {"link_gap_ms", rounded(ms(result.link_gap))},
            {"silence_after_link_up_ms", json_of(result.silence_after_link_up)},
            {"backlog_gone_ms", json_of(result.backlog_gone)},
            {"phases", phases_json(run, number)}};
  if (run.transfer)
    json["tcp"] = {{"timeouts", move.tcp_timeouts},
                   {"longest_stall_ms", rounded(ms(result.longest_stall))}};
  return json;
}

Json json_of(const Run& run) {
  Json json{{"mode", name(run.mode)},
            {"number", run.number},
            {"sent", run.flow.sent},
            {"received", run.flow.received},
            {"lost", run.flow.lost},
            {"lost_avoidable", avoidable_losses(run)},
            {"undelivered", run.undelivered.size()},
            {"duplicated", run.flow.duplicated},
            {"reordered", run.flow.reordered},
            {"longest_silence_ms", rounded(ms(run.flow.longest_silence))},
            {"link_gap_ms", rounded(ms(link_gap(run)))},
            {"added_ms", rounded(ms(added_silence(run)))},
            {"silence_after_link_up_ms", json_of(silence_after_link_up(run))},
            {"backlog_gone_ms", json_of(backlog_gone(run))},
            {"held", held_count(run)},
            {"protection", protection_seen(run)},
            {"moves", run.moves.size()},
            {"phases", phases_json(run, 0)},
            {"per_move", Json::array()}};
  for (std::size_t i = 0; i < run.moves.size(); ++i) json["per_move"].push_back(move_json(run, i));
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
            {"lost_avoidable", summary.lost_avoidable},
            {"undelivered", summary.undelivered},
            {"duplicated", summary.duplicated},
            {"reordered", summary.reordered},
            {"median_longest_silence_ms", rounded(summary.longest_silence_ms)},
            {"worst_longest_silence_ms", rounded(summary.worst_silence_ms)},
            {"median_link_gap_ms", rounded(summary.link_gap_ms)},
            {"median_added_ms", rounded(summary.added_ms)},
            {"median_silence_after_link_up_ms", nullptr},
            {"median_backlog_gone_ms", nullptr},
            {"loss_of_plain", nullptr},
            {"median_held", summary.held}};
  if (summary.after_link_up_ms)
    json["median_silence_after_link_up_ms"] = rounded(*summary.after_link_up_ms);
  if (summary.backlog_gone_ms) json["median_backlog_gone_ms"] = rounded(*summary.backlog_gone_ms);
  if (summary.loss_of_plain) json["loss_of_plain"] = rounded(*summary.loss_of_plain);
  if (summary.tcp_timeouts) json["tcp_timeouts"] = *summary.tcp_timeouts;
  return json;
}

double loss_per_run(Mode mode, const std::vector<Run>& runs) {
  double lost = 0;
  double count = 0;
  for (const Run& run : runs) {
    if (run.mode != mode) continue;
    lost += static_cast<double>(run.flow.lost);
    ++count;
  }
  return count > 0 ? lost / count : 0;
}

std::string milliseconds_or(const std::optional<double>& value, const char* otherwise) {
  return value ? fixed(*value, 1) + " ms" : otherwise;
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
  std::vector<double> gone;
  for (const Run& run : runs) {
    if (run.mode != mode) continue;
    ++summary.runs;
    summary.sent += run.flow.sent;
    summary.lost += run.flow.lost;
    summary.lost_avoidable += avoidable_losses(run);
    summary.undelivered += run.undelivered.size();
    summary.duplicated += run.flow.duplicated;
    summary.reordered += run.flow.reordered;
    silence.push_back(ms(run.flow.longest_silence));
    gap.push_back(ms(link_gap(run)));
    added.push_back(ms(added_silence(run)));
    held.push_back(static_cast<double>(held_count(run)));
    if (const auto value = silence_after_link_up(run)) after.push_back(ms(*value));
    if (const auto value = backlog_gone(run)) gone.push_back(ms(*value));
    if (run.transfer)
      summary.tcp_timeouts = summary.tcp_timeouts.value_or(0) + run.transfer->timeouts;
  }
  summary.worst_silence_ms = silence.empty() ? 0 : std::ranges::max(silence);
  summary.longest_silence_ms = median(std::move(silence));
  summary.link_gap_ms = median(std::move(gap));
  summary.added_ms = median(std::move(added));
  if (!after.empty()) summary.after_link_up_ms = median(std::move(after));
  if (!gone.empty()) summary.backlog_gone_ms = median(std::move(gone));
  const double plain = loss_per_run(Mode::kPlain, runs);
  if (plain > 0) summary.loss_of_plain = loss_per_run(mode, runs) / plain;
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
              {"moves", settings.moves},
              {"protection", settings.clear ? "clear" : "esp"},
              {"guard", settings.guard},
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
      "mode         runs     sent   lost  of plain  twice  disorder  silence (link gap)  after "
      "link-up  held  backlog gone\n";
  for (const Mode mode : modes_of(results.runs)) {
    const Summary summary = summary_of(mode, results.runs);
    const std::string ratio = summary.loss_of_plain ? fixed(*summary.loss_of_plain, 2) : "-";
    std::array<char, 200> line{};
    std::snprintf(line.data(), line.size(),
                  "%-11s %5zu %8llu %6llu %9s %6llu %9llu %8.1f ms (%5.1f) %14s %5.0f %13s\n",
                  std::string(name(mode)).c_str(), summary.runs,
                  static_cast<unsigned long long>(summary.sent),
                  static_cast<unsigned long long>(summary.lost), ratio.c_str(),
                  static_cast<unsigned long long>(summary.duplicated),
                  static_cast<unsigned long long>(summary.reordered), summary.longest_silence_ms,
                  summary.link_gap_ms, milliseconds_or(summary.after_link_up_ms, "never").c_str(),
                  summary.held, milliseconds_or(summary.backlog_gone_ms, "never").c_str());
    out += line.data();
    if (summary.tcp_timeouts)
      out += "            TCP retransmission time-outs: " + std::to_string(*summary.tcp_timeouts) +
             "\n";
  }
  return out;
}

}  // namespace sendoff::lab
