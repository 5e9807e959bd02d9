// What the lab is asked to do, and what came of it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "lab/analysis.h"
#include "lab/daemon.h"
#include "lab/messages.h"

namespace sendoff::lab {

enum class Mode : std::uint8_t {
  kPredictive,  // ordered ahead: FBU and FBack on the old link, the NAR holds the packets
  kReactive,    // the link moves unasked; FBU from the new link, the neighbourhood known before
  kNetwork,     // predictive, on a PrRtAdv of the PAR's (RFC 5568 3.3)
  kPingPong,    // predictive, and back again after the dwell time
  kPlain,       // no fast handover: IPv6 of the kernel, address and route flushed at once
};
[[nodiscard]] std::string_view name(Mode mode);
// One sentence for the report.
[[nodiscard]] std::string_view explain(Mode mode);
[[nodiscard]] std::optional<Mode> parse_mode(std::string_view text);
struct Settings;
// Handovers in a run of this mode.
[[nodiscard]] unsigned moves_in(Mode mode, const Settings& settings);

struct Settings {
  std::vector<Mode> modes{Mode::kPredictive};
  unsigned rate_per_s = 1000;
  Duration gap = milliseconds(50);            // without carrier
  Duration anticipation = milliseconds(200);  // from the order until the link goes in any case
  Duration dwell = milliseconds(1000);        // traffic before the first handover, and after each
  unsigned runs = 1;                          // of each mode
  unsigned moves = 0;                         // in a run, there and back; 0: the mode's own number
  std::uint64_t seed = 1;                     // shifts each handover against the traffic
  std::string backend = "auto";               // [datapath] backend of the daemons
  bool transfer = false;                      // with a TCP transfer
  bool clear = false;                         // HI and HAck without ESP
  bool guard = false;                         // the kernels' Neighbor Discovery under guard
  std::string pcap_directory;                 // empty: captures are not kept
  std::string directory;                      // empty: configurations and logs are not kept
};

// One change of the link.
struct Move {
  UtcTime begin;  // the order, or, where there is none, when the link went
  UtcTime link_down;
  UtcTime link_up;
  Side to = Side::kNar;
  std::uint64_t tcp_timeouts = 0;  // of the correspondent, from its begin until the next one
};

struct Run {
  Mode mode = Mode::kPredictive;
  unsigned number = 1;    // of its mode
  UtcTime measured_from;  // what was sent earlier does not count
  std::vector<Move> moves;
  Flow flow;
  std::vector<UtcTime> undelivered;  // came by the link, and never to the application
  std::optional<Transfer> transfer;
  std::vector<Message> messages;
  std::vector<DaemonEvent> events;
  Duration utc_of_boot{};  // add it to an event's time

  [[nodiscard]] UtcTime utc(Instant boot) const {
    return UtcTime(boot.time_since_epoch() + utc_of_boot);
  }
};

// A moment of a handover by its name, in ms after the link went.
struct Phase {
  std::string name;  // "fbu", "link-up" …
  double ms = 0;
};
// Of one of the run's moves, in the order of time: what happened from its order until its silence
// ended. Messages are those of the captures.
[[nodiscard]] std::vector<Phase> phases_of(const Run& run, std::size_t move = 0);

// What became of the stream from a move's begin until the next move's.
struct MoveResult {
  std::uint64_t lost = 0;  // of what was sent in that time
  // Of those the ones that the link, and the lack of an FBU, do not excuse: sent before the link
  // went, or after the FBU was.
  std::uint64_t lost_avoidable = 0;
  std::uint64_t held = 0;
  Duration longest_silence{};
  Duration link_gap{};
  std::optional<Duration> silence_after_link_up;  // until the first datagram; nothing: none came
  std::optional<Duration> backlog_gone;           // of analysis.h
  Duration longest_stall{};                       // of the TCP transfer
};
[[nodiscard]] MoveResult result_of(const Run& run, std::size_t move);

// The worst of the run's moves: the longest link gap, the longest that a silence exceeds its own
// link gap by, the longest time from link-up to the first datagram and to the end of the backlog
// (nothing where a move has none).
[[nodiscard]] Duration link_gap(const Run& run);
[[nodiscard]] Duration added_silence(const Run& run);
[[nodiscard]] std::optional<Duration> silence_after_link_up(const Run& run);
[[nodiscard]] std::optional<Duration> backlog_gone(const Run& run);
[[nodiscard]] std::uint64_t held_count(const Run& run);
[[nodiscard]] std::uint64_t avoidable_losses(const Run& run);  // of all its moves
// What HI and HAck travelled in, by the captures: "esp", "clear"; empty: there were none.
[[nodiscard]] std::string_view protection_seen(const Run& run);

// The middle one, of an even number the mean of the two; 0 of none.
[[nodiscard]] double median(std::vector<double> values);
[[nodiscard]] double ms(Duration duration);

}  // namespace sendoff::lab
