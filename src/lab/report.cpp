#include "lab/report.h"

#include <algorithm>

#include "lab/drawing.h"
#include "lab/ladder.h"
#include "lab/plot.h"
#include "lab/results.h"

namespace sendoff::lab {

namespace {

constexpr std::string_view kStyle = R"(
:root { --ink: #1c2430; --muted: #667085; --rule: #e3e6ea; --paper: #ffffff; --back: #f6f7f9;
  --direct: #5b7aa6; --tunnelled: #2f9e8f; --held: #d98a00; --lost: #c8322b; --accent: #3b4fb0; }
* { box-sizing: border-box; }
body { margin: 0; background: var(--back); color: var(--ink);
  font: 16px/1.55 "Inter", "Segoe UI", "Helvetica Neue", "DejaVu Sans", sans-serif; }
main { max-width: 1060px; margin: 0 auto; padding: 40px 28px 72px; }
h1 { font-size: 30px; line-height: 1.2; margin: 0 0 6px; letter-spacing: -.01em; }
h2 { font-size: 21px; margin: 0 0 4px; }
h3 { font-size: 15px; margin: 26px 0 6px; color: var(--muted); font-weight: 600; }
p { margin: 0 0 12px; max-width: 72ch; }
.lead, .muted { color: var(--muted); }
section { background: var(--paper); border: 1px solid var(--rule); border-radius: 12px;
  padding: 24px 26px; margin-top: 22px; }
.failure { border-color: var(--lost); white-space: pre-wrap; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: right; padding: 7px 12px; border-bottom: 1px solid var(--rule); }
th { font-size: 13px; font-weight: 600; color: var(--muted); vertical-align: bottom; }
th:first-child, td:first-child { text-align: left; padding-left: 0; }
tbody tr:last-child td { border-bottom: 0; }
td.good { color: #1d7a4f; font-weight: 600; } td.bad { color: var(--lost); font-weight: 600; }
.phases { display: flex; flex-wrap: wrap; gap: 8px 10px; margin: 8px 0 0; padding: 0; list-style: none; }
.phases li { border: 1px solid var(--rule); border-radius: 8px; padding: 5px 11px; font-size: 14px; }
.phases b { font-variant-numeric: tabular-nums; }
svg { display: block; width: 100%; height: auto; font-size: 14px; }
svg.ladder { max-width: 760px; margin: 0 auto; }
text { fill: var(--ink); } .small { font-size: 12.5px; } .strong { font-weight: 600; }
.middle { text-anchor: middle; } .end { text-anchor: end; } text.muted { fill: var(--muted); }
.grid { stroke: var(--rule); } .axis { stroke: #98a2b3; }
.nolink { fill: #eceef2; }
.direct { fill: var(--direct); } .tunnelled { fill: var(--tunnelled); } .held { fill: var(--held); }
line.rug { stroke-width: 1; } line.direct { stroke: var(--direct); }
line.tunnelled { stroke: var(--tunnelled); } line.held { stroke: var(--held); }
line.lost { stroke: var(--lost); stroke-width: 1.5; }
.lane { stroke: #c4cad3; stroke-dasharray: 3 4; }
.node { fill: #eef1f6; stroke: #c4cad3; } .moment { fill: #eceef2; stroke: #c4cad3; }
line.discovery { stroke: var(--muted); stroke-width: 1.4; } line.keys { stroke: var(--tunnelled); stroke-width: 1.8; }
line.mobility { stroke: var(--accent); stroke-width: 2; } line.data { stroke: var(--held); stroke-width: 3; }
.head { stroke: none; } .head.discovery, text.discovery { fill: var(--muted); }
.head.keys { fill: var(--tunnelled); } text.keys { fill: #1f7a6e; }
.head.mobility, text.mobility { fill: var(--accent); font-weight: 600; }
.head.data { fill: var(--held); } text.data { fill: #9a6200; font-weight: 600; }
.gap { fill: #ccd2db; } .over { fill: var(--accent); } .run { fill: var(--paper); stroke: var(--ink); }
footer { margin-top: 26px; font-size: 14px; color: var(--muted); }
@media print { body { background: #fff; } section { break-inside: avoid; border: 0; padding: 0; } }
)";

std::vector<Mode> modes_of(const std::vector<Run>& runs) {
  std::vector<Mode> modes;
  for (const Run& run : runs)
    if (std::ranges::find(modes, run.mode) == modes.end()) modes.push_back(run.mode);
  return modes;
}

// The run whose silence is the middle one: neither luck nor mishap.
const Run& typical_run(Mode mode, const std::vector<Run>& runs) {
  std::vector<const Run*> own;
  for (const Run& run : runs)
    if (run.mode == mode) own.push_back(&run);
  std::ranges::stable_sort(own, {}, [](const Run* run) { return run->flow.longest_silence; });
  return *own[(own.size() - 1) / 2];
}

// Each mode a bar: the link's own gap, and what the handover adds; each run a ring.
std::string silence_bars(const std::vector<Mode>& modes, const std::vector<Run>& runs) {
  constexpr double kLeft = 110;
  constexpr double kWidth = 1000;
  constexpr double kRow = 46;
  double longest = 1;
  for (const Run& run : runs) longest = std::max(longest, ms(run.flow.longest_silence));
  const double scale = (kWidth - kLeft - 90) / longest;
  const double height = kRow * static_cast<double>(modes.size()) + 8;
  Drawing drawing(kWidth, height, "Longest silence of each mode");
  double y = 6;
  for (const Mode mode : modes) {
    const Summary summary = summary_of(mode, runs);
    const double gap =
        std::clamp(summary.longest_silence_ms - summary.added_ms, 0.0, summary.longest_silence_ms);
    drawing.text({0, y + 22}, name(mode), "strong");
    drawing.box({kLeft, y + 4}, gap * scale, 26, "gap", 3);
    drawing.box({kLeft + gap * scale, y + 4}, (summary.longest_silence_ms - gap) * scale, 26,
                "over", 3);
    for (const Run& run : runs)
      if (run.mode == mode)
        drawing.dot({kLeft + ms(run.flow.longest_silence) * scale, y + 17}, 3.4, "run",
                    "run " + std::to_string(run.number) + ": " +
                        fixed(ms(run.flow.longest_silence), 1) + " ms");
    drawing.text({kLeft + summary.worst_silence_ms * scale + 12, y + 22},
                 fixed(summary.longest_silence_ms, 1) + " ms", "");
    y += kRow;
  }
  return std::move(drawing).finish();
}

std::string count_cell(std::uint64_t count) {
  return "<td class=\"" + std::string(count == 0 ? "good" : "bad") + "\">" + std::to_string(count) +
         "</td>";
}

std::string number_cell(double value) { return "<td>" + fixed(value, 1) + "</td>"; }

std::string number_or_never(const std::optional<double>& value) {
  return value ? number_cell(*value) : "<td class=\"bad\">never</td>";
}

std::string comparison(const std::vector<Mode>& modes, const std::vector<Run>& runs) {
  std::string out =
      "<section><h2>In short</h2><p class=\"muted\">The longest time without a datagram, in the "
      "median of the runs. Grey is the time without a link, which no handover can take away; blue "
      "is what the handover adds. Each ring is a run.</p>\n";
  out += silence_bars(modes, runs);
  out +=
      "<div class=\"scroll\"><table><thead><tr><th>mode</th><th>runs</th><th>sent</th><th>lost</th>"
      "<th>duplicated</th><th>reordered</th><th>silence, ms</th><th>link gap, ms</th><th>added, "
      "ms</th>"
      "<th>silence after<br>link-up, ms</th><th>held</th><th>backlog gone<br>after, ms</th>"
      "<th>loss, of<br>plain's</th></tr></thead><tbody>\n";
  for (const Mode mode : modes) {
    const Summary summary = summary_of(mode, runs);
    out += "<tr><td>" + std::string(name(mode)) + "</td><td>" + std::to_string(summary.runs) +
           "</td><td>" + std::to_string(summary.sent) + "</td>" + count_cell(summary.lost) +
           count_cell(summary.duplicated) + count_cell(summary.reordered) +
           number_cell(summary.longest_silence_ms) + number_cell(summary.link_gap_ms) +
           number_cell(summary.added_ms) + number_or_never(summary.after_link_up_ms) + "<td>" +
           fixed(summary.held, 0) + "</td>" + number_or_never(summary.backlog_gone_ms) + "<td>" +
           (summary.loss_of_plain ? fixed(*summary.loss_of_plain, 2) : "\u2013") + "</td></tr>\n";
  }
  return out +
         "</tbody></table></div><p class=\"muted\">The backlog is gone when ten datagrams in a row "
         "come no more than " +
         fixed(ms(kDelayTolerance), 0) +
         " ms later than they did before the handover; counted from link-up. Loss is a run's, over "
         "that of a run of plain IPv6.</p></section>\n";
}

std::string phase_list(const Run& run) {
  std::string out = "<ul class=\"phases\">";
  for (const Phase& phase : phases_of(run))
    out += "<li>" + escaped(phase.name) + " <b>" + fixed(phase.ms, 2) + "</b></li>";
  return out + "</ul>\n";
}

std::string transfer_words(const Run& run) {
  if (!run.transfer) return {};
  const Transfer& transfer = *run.transfer;
  return "<h3>TCP transfer beside it</h3><p>" + fixed(transfer.mbit_per_s(), 1) +
         " Mbit/s of 50; longest stall " + fixed(ms(transfer.longest_stall), 1) + " ms; " +
         std::to_string(transfer.retransmitted) + " octets sent again; " +
         std::to_string(transfer.timeouts) + " retransmission time-outs; " +
         (transfer.connections == 1 ? std::string("one connection throughout")
                                    : std::to_string(transfer.connections) + " connections") +
         ".</p>\n";
}

// Where a run has several moves: each of them.
std::string move_table(const Run& run) {
  if (run.moves.size() < 2) return {};
  std::string out =
      "<h3>Each handover of this run</h3><div class=\"scroll\"><table><thead><tr><th>to</th>"
      "<th>lost</th><th>held</th><th>silence, ms</th><th>link gap, ms</th><th>silence after<br>"
      "link-up, ms</th><th>backlog gone<br>after, ms</th>";
  if (run.transfer) out += "<th>TCP stall, ms</th><th>TCP time-outs</th>";
  out += "</tr></thead><tbody>\n";
  const auto in_ms = [](std::optional<Duration> value) {
    return number_or_never(value ? std::optional(ms(*value)) : std::nullopt);
  };
  for (std::size_t i = 0; i < run.moves.size(); ++i) {
    const MoveResult result = result_of(run, i);
    out += std::string("<tr><td>") + (run.moves[i].to == Side::kNar ? "new" : "previous") +
           " router</td>" + count_cell(result.lost) + "<td>" + std::to_string(result.held) +
           "</td>" + in_ms(result.longest_silence) + in_ms(result.link_gap) +
           in_ms(result.silence_after_link_up) + in_ms(result.backlog_gone);
    if (run.transfer) out += in_ms(result.longest_stall) + count_cell(run.moves[i].tcp_timeouts);
    out += "</tr>\n";
  }
  return out + "</tbody></table></div>\n";
}

std::string mode_section(Mode mode, const std::vector<Run>& runs) {
  const Run& run = typical_run(mode, runs);
  std::string out = "<section><h2>" + std::string(name(mode)) + "</h2><p class=\"muted\">" +
                    escaped(explain(mode)) + "</p>\n";
  if (run.moves.empty()) return out + "<p>The node did not move.</p></section>\n";
  out +=
      "<h3>Datagrams of run " + std::to_string(run.number) +
      ", the one of median silence: by the time they were sent, and below when they arrived</h3>" +
      plot_svg(run) + transfer_words(run) + move_table(run);
  out += "<h3>Moments, ms after the link went</h3>" + phase_list(run);
  std::string ladder = ladder_svg(run);
  if (!ladder.empty()) {
    ladder.insert(4, " class=\"ladder\"");
    out += "<h3>Messages as captured</h3>" + ladder;
  }
  return out + "</section>\n";
}

std::string lead(const Settings& settings) {
  return "A correspondent sends " + std::to_string(settings.rate_per_s) +
         " datagrams a second to a mobile node, which moves from one access router to another and "
         "is " +
         fixed(ms(settings.gap), 0) +
         " ms without a link. Measured in network namespaces of one machine, with the daemons "
         "themselves; loss, order and silence are read from captures at both ends.";
}

}  // namespace

std::string report_html(const Settings& settings, const Results& results) {
  const std::vector<Mode> modes = modes_of(results.runs);
  std::string out =
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">"
      "<title>Sendoff lab: handovers measured</title><style>";
  out += kStyle;
  out += "</style></head><body><main>\n<h1>Handovers measured</h1><p class=\"lead\">" +
         lead(settings) + "</p>\n";
  if (!results.failure.empty())
    out += "<section class=\"failure\"><h2>The lab ended early</h2>" + escaped(results.failure) +
           "</section>\n";
  if (!modes.empty()) out += comparison(modes, results.runs);
  for (const Mode mode : modes) out += mode_section(mode, results.runs);
  out += "<footer>Made by <code>sendoff lab</code>, seed " + std::to_string(settings.seed) +
         ", data path " + escaped(settings.backend) + ", HI and HAck " +
         (settings.clear ? "in clear" : "in ESP") +
         (settings.guard ? ", Neighbor Discovery under guard" : "") +
         ". Times are of the captures, to the microsecond; a busy machine adds to them.</footer>\n";
  return out + "</main></body></html>\n";
}

}  // namespace sendoff::lab
