// The results of a lab in JSON (docs/lab.md).
#pragma once

#include <string>

#include "lab/lab.h"

namespace sendoff::lab {

[[nodiscard]] std::string results_json(const Settings& settings, const Results& results);

// A few lines for the terminal: each mode's medians.
[[nodiscard]] std::string results_words(const Settings& settings, const Results& results);

// What a mode's runs come to.
struct Summary {
  Mode mode = Mode::kPredictive;
  std::size_t runs = 0;
  std::uint64_t sent = 0;  // sums
  std::uint64_t lost = 0;
  std::uint64_t lost_avoidable = 0;
  std::uint64_t undelivered = 0;
  std::uint64_t duplicated = 0;
  std::uint64_t reordered = 0;
  double longest_silence_ms = 0;  // medians
  double link_gap_ms = 0;
  double added_ms = 0;                        // by the handover to a run's own link gap
  std::optional<double> after_link_up_ms;     // nothing: in no run
  std::optional<double> backlog_gone_ms;      // nothing: in no run
  std::optional<std::uint64_t> tcp_timeouts;  // a sum; nothing: no TCP
  // What a run loses, of what a run of plain IPv6 loses; nothing: no such run, or it lost nothing.
  std::optional<double> loss_of_plain;
  double held = 0;
  double worst_silence_ms = 0;
};
[[nodiscard]] Summary summary_of(Mode mode, const std::vector<Run>& runs);

}  // namespace sendoff::lab
