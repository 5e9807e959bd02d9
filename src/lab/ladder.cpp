#include "lab/ladder.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <set>

#include "lab/drawing.h"

namespace sendoff::lab {

namespace {

constexpr Duration kLead = milliseconds(5);    // before the order
constexpr Duration kTail = milliseconds(400);  // after the link came
constexpr std::size_t kMostRungs = 48;

std::string style_of(const std::string& name) {
  constexpr std::array kKeys{"RtSolPr", "PrRtAdv"};
  constexpr std::array kMobility{"FBU",  "FBack",         "HI",
                                 "HAck", "HI in ESP",     "HAck in ESP",
                                 "UNA",  "RA with NAACK", "Binding Error"};
  if (std::ranges::find(kKeys, name) != kKeys.end()) return "keys";
  if (std::ranges::find(kMobility, name) != kMobility.end()) return "mobility";
  return "discovery";
}

bool resolves_addresses(const std::string& name) { return name == "NS" || name == "NA"; }

// What a reader should see of a message: all of the handover, of what went before and of router
// discovery each kind once.
class Choice {
 public:
  explicit Choice(const Move& move) : move_(move) {}

  [[nodiscard]] bool take(const Message& message) {
    if (message.at > move_.link_up + kTail || resolves_addresses(message.name)) return false;
    const bool before = message.at < move_.begin - kLead;
    if (!before && style_of(message.name) != "discovery") return true;
    return once_.insert((before ? "b " : "a ") + message.name + std::string(name(message.from)))
        .second;
  }

 private:
  const Move& move_;
  std::set<std::string> once_;
};

Rung moment(double at_ms, std::string label) {
  return {at_ms, Node::kMobile, Node::kMobile, std::move(label), "link", 1};
}

// The stream, where it changes its way.
void add_data(const Run& run, UtcTime zero, std::vector<Rung>& rungs) {
  const Move& move = run.moves.front();
  const auto first = run.flow.first_arrival_after(move.link_up);
  if (!first) return;
  const std::uint64_t held = held_count(run);
  rungs.push_back(
      {ms(*first - zero), move.to == Side::kNar ? Node::kNar : Node::kPar, Node::kMobile,
       held > 0 ? "packets, " + std::to_string(held) + " of them held" : "packets", "data", 1});
}

std::string time_text(double at_ms) {
  return (at_ms > 0 ? "+" : at_ms < 0 ? "\u2212" : "") + fixed(std::abs(at_ms), 1) + " ms";
}

// Same message, same way, one after the other.
std::vector<Rung> merged(const std::vector<Rung>& rungs) {
  std::vector<Rung> out;
  for (const Rung& rung : rungs) {
    if (!out.empty() && out.back().label == rung.label && out.back().from == rung.from &&
        out.back().to == rung.to)
      ++out.back().times;
    else
      out.push_back(rung);
  }
  return out;
}

constexpr double kWidth = 760;
constexpr double kTop = 56;
constexpr double kRow = 34;
constexpr std::array kLanes{Node::kMobile, Node::kPar, Node::kNar};

double lane_x(Node node) {
  constexpr std::array<double, 4> kX{190, 430, 670, 670};
  return kX.at(static_cast<std::size_t>(node));
}

void draw_lanes(Drawing& drawing, double height) {
  constexpr std::array<std::string_view, 3> kNames{"mobile node", "previous router", "new router"};
  for (std::size_t i = 0; i < kLanes.size(); ++i) {
    const double x = lane_x(kLanes[i]);
    drawing.line({x, kTop - 12}, {x, height - 8}, "lane");
    drawing.box({x - 66, 8}, 132, 30, "node", 6);
    drawing.text({x, 28}, kNames[i], "middle strong");
  }
}

void draw_rung(Drawing& drawing, const Rung& rung, double y) {
  drawing.text({96, y + 4}, time_text(rung.ms), "end small");
  std::string label = rung.label;
  if (rung.times > 1) label += " \u00d7" + std::to_string(rung.times);
  const double from = lane_x(rung.from);
  const double to = lane_x(rung.to);
  if (from == to) {
    drawing.box({from - 78, y - 11}, 156, 22, "moment", 11);
    drawing.text({from, y + 4}, label, "middle small strong");
    return;
  }
  drawing.arrow({from, y + 4}, {to, y + 4}, rung.style);
  drawing.text({(from + to) / 2, y - 2}, label, "middle small " + rung.style);
}

}  // namespace

std::vector<Rung> rungs_of(const Run& run) {
  std::vector<Rung> rungs;
  if (run.moves.empty()) return rungs;
  const Move& move = run.moves.front();
  const UtcTime zero = move.link_down;
  Choice choice(move);
  for (const Message& message : run.messages)
    if (message.from != Node::kCorrespondent && message.to != Node::kCorrespondent &&
        choice.take(message))
      rungs.push_back({ms(message.at - zero), message.from, message.to, message.name,
                       style_of(message.name), 1});
  if (move.begin < move.link_down) rungs.push_back(moment(ms(move.begin - zero), "order to move"));
  rungs.push_back(moment(0, "link goes"));
  rungs.push_back(moment(ms(move.link_up - zero), "link comes"));
  add_data(run, zero, rungs);
  std::ranges::stable_sort(rungs, {}, &Rung::ms);
  rungs = merged(rungs);
  if (rungs.size() > kMostRungs) rungs.resize(kMostRungs);
  return rungs;
}

std::string ladder_svg(const Run& run) {
  const std::vector<Rung> rungs = rungs_of(run);
  if (rungs.empty()) return {};
  const double height = kTop + kRow * static_cast<double>(rungs.size()) + 16;
  Drawing drawing(kWidth, height, "Messages of the handover in the order of time");
  draw_lanes(drawing, height);
  double y = kTop + kRow / 2;
  for (const Rung& rung : rungs) {
    draw_rung(drawing, rung, y);
    y += kRow;
  }
  return std::move(drawing).finish();
}

}  // namespace sendoff::lab
