#include "lab/scenario.h"

#include <algorithm>
#include <array>

namespace sendoff::lab {

namespace {

struct ModeName {
  Mode mode;
  std::string_view name;
  std::string_view sentence;
};
constexpr std::array kModes{
    ModeName{
        Mode::kPredictive, "predictive",
        "The node hands over while it still hears the old router: packets go to the new router, "
        "which holds them until the node is there."},
    ModeName{Mode::kReactive, "reactive",
             "The link moves without a word; the node sends its Fast Binding Update from the new "
             "link."},
    ModeName{Mode::kNetwork, "network",
             "The previous router tells the node to hand over; then as in predictive."},
    ModeName{Mode::kPingPong, "ping-pong",
             "Predictive to the new router and, after the dwell time, back again."},
    ModeName{
        Mode::kPlain, "plain",
        "No fast handover: the kernel's IPv6, old address and route flushed as soon as the new "
        "link is up, optimistic DAD, fast router advertisements, the sender told the new "
        "address at once."},
};

const ModeName& entry(Mode mode) { return *std::ranges::find(kModes, mode, &ModeName::mode); }

}  // namespace

std::string_view name(Mode mode) { return entry(mode).name; }
std::string_view explain(Mode mode) { return entry(mode).sentence; }

std::optional<Mode> parse_mode(std::string_view text) {
  const auto found = std::ranges::find(kModes, text, &ModeName::name);
  return found == kModes.end() ? std::nullopt : std::optional(found->mode);
}

unsigned moves_in(Mode mode, const Settings& settings) {
  if (settings.moves != 0) return settings.moves;
  return mode == Mode::kPingPong ? 2 : 1;
}

namespace {

UtcTime end_of(const Run& run, std::size_t move) {
  return move + 1 < run.moves.size() ? run.moves[move + 1].begin : UtcTime::max();
}

// The longest of what each move has; nothing where one has none.
std::optional<Duration> worst(const Run& run, std::optional<Duration> MoveResult::* of) {
  std::optional<Duration> longest;
  for (std::size_t i = 0; i < run.moves.size(); ++i) {
    const auto value = result_of(run, i).*of;
    if (!value) return std::nullopt;
    longest = std::max(longest.value_or(Duration{}), *value);
  }
  return longest;
}

}  // namespace

std::vector<Phase> phases_of(const Run& run, std::size_t number) {
  std::vector<Phase> phases;
  if (number >= run.moves.size()) return phases;
  const Move& move = run.moves[number];
  const UtcTime until = end_of(run, number);
  const auto note = [&](const std::string& phase, UtcTime at) {
    phases.push_back({phase, ms(at - move.link_down)});
  };
  if (move.begin < move.link_down) note("ordered", move.begin);
  note("link-down", move.link_down);
  note("link-up", move.link_up);
  constexpr std::array<std::pair<std::string_view, std::string_view>, 11> kShown{{
      {"RtSolPr", "rtsolpr"},
      {"PrRtAdv", "prrtadv"},
      {"FBU", "fbu"},
      {"HI", "hi"},
      {"HI in ESP", "hi"},
      {"HAck", "hack"},
      {"HAck in ESP", "hack"},
      {"FBack", "fback"},
      {"UNA", "una"},
      {"RS", "rs"},
      {"RA", "ra"},
  }};
  for (const auto& [message, phase] : kShown) {
    // Of router discovery only what came on the new link belongs to the handover.
    const bool discovery = phase == "rs" || phase == "ra";
    if (const Message* found =
            find_message(run.messages, message, discovery ? move.link_up : move.begin, until))
      note(std::string(phase), found->at);
  }
  if (const auto first = run.flow.first_arrival_after(move.link_up); first && *first < until)
    note("first-packet", *first);
  std::optional<UtcTime> last_held;
  for (const Delivery& delivery : run.flow.deliveries)
    if (was_held(delivery) && *delivery.arrived >= move.begin && *delivery.arrived < until)
      last_held = std::max(last_held.value_or(UtcTime{}), *delivery.arrived);
  if (last_held) note("buffer-empty", *last_held);
  std::ranges::stable_sort(phases, {}, &Phase::ms);
  return phases;
}

namespace {

// When losses of a move are excused: from when the link went until the FBU is sent. What was on its
// way then, in the millisecond before either, is excused as well.
struct Excuse {
  UtcTime from;
  UtcTime until;
};

Excuse excuse_of(const Run& run, const Move& move, UtcTime until) {
  constexpr Duration kOnTheWay = milliseconds(1);
  const Message* fbu = find_message(run.messages, "FBU", move.begin, until);
  return {move.link_down - kOnTheWay, fbu == nullptr ? until : fbu->at + kOnTheWay};
}

}  // namespace

MoveResult result_of(const Run& run, std::size_t number) {
  const Move& move = run.moves[number];
  const UtcTime until = end_of(run, number);
  const Excuse excuse = excuse_of(run, move, until);
  MoveResult result;
  result.link_gap = move.link_up - move.link_down;
  result.longest_silence = run.flow.silence_between(move.begin, until);
  if (const auto first = run.flow.first_arrival_after(move.link_up); first && *first < until)
    result.silence_after_link_up = *first - move.link_up;
  result.backlog_gone = backlog_gone(run.flow, move.begin, move.link_up, until);
  for (const Delivery& each : run.flow.deliveries) {
    if (each.sent < move.begin || each.sent >= until) continue;
    const bool excused = each.sent >= excuse.from && each.sent < excuse.until;
    result.lost += each.arrived ? 0U : 1U;
    result.lost_avoidable += each.arrived || excused ? 0U : 1U;
    result.held += was_held(each) ? 1U : 0U;
  }
  if (run.transfer) result.longest_stall = run.transfer->stall_between(move.begin, until);
  return result;
}

Duration link_gap(const Run& run) {
  Duration longest{};
  for (const Move& move : run.moves) longest = std::max(longest, move.link_up - move.link_down);
  return longest;
}

Duration added_silence(const Run& run) {
  std::optional<Duration> most;
  for (std::size_t i = 0; i < run.moves.size(); ++i) {
    const MoveResult result = result_of(run, i);
    const Duration added = result.longest_silence - result.link_gap;
    most = std::max(most.value_or(added), added);
  }
  return most.value_or(Duration{});
}

std::optional<Duration> silence_after_link_up(const Run& run) {
  return worst(run, &MoveResult::silence_after_link_up);
}

std::optional<Duration> backlog_gone(const Run& run) {
  return worst(run, &MoveResult::backlog_gone);
}

std::uint64_t held_count(const Run& run) {
  return static_cast<std::uint64_t>(std::ranges::count_if(
      run.flow.deliveries, [](const Delivery& each) { return was_held(each); }));
}

std::uint64_t avoidable_losses(const Run& run) {
  std::uint64_t lost = 0;
  for (std::size_t i = 0; i < run.moves.size(); ++i) lost += result_of(run, i).lost_avoidable;
  return lost;
}

std::string_view protection_seen(const Run& run) {
  const auto seen = [&](std::string_view message) {
    return find_message(run.messages, message, UtcTime{}) != nullptr;
  };
  // One in clear is one too many.
  if (seen("HI") || seen("HAck")) return "clear";
  return seen("HI in ESP") || seen("HAck in ESP") ? "esp" : "";
}

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  std::ranges::sort(values);
  const std::size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

double ms(Duration duration) { return std::chrono::duration<double, std::milli>(duration).count(); }

}  // namespace sendoff::lab
