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

std::vector<Phase> phases_of(const Run& run) {
  std::vector<Phase> phases;
  if (run.moves.empty()) return phases;
  const Move& move = run.moves.front();
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
            find_message(run.messages, message, discovery ? move.link_up : move.begin))
      note(std::string(phase), found->at);
  }
  if (const auto first = run.flow.first_arrival_after(move.link_up)) note("first-packet", *first);
  std::optional<UtcTime> last_held;
  for (const Delivery& delivery : run.flow.deliveries)
    if (was_held(delivery)) last_held = std::max(last_held.value_or(UtcTime{}), *delivery.arrived);
  if (last_held) note("buffer-empty", *last_held);
  std::ranges::stable_sort(phases, {}, &Phase::ms);
  return phases;
}

Duration link_gap(const Run& run) {
  return run.moves.empty() ? Duration{} : run.moves.front().link_up - run.moves.front().link_down;
}

std::optional<Duration> silence_after_link_up(const Run& run) {
  if (run.moves.empty()) return std::nullopt;
  const UtcTime up = run.moves.front().link_up;
  const auto first = run.flow.first_arrival_after(up);
  return first ? std::optional(*first - up) : std::nullopt;
}

std::uint64_t held_count(const Run& run) {
  return static_cast<std::uint64_t>(std::ranges::count_if(
      run.flow.deliveries, [](const Delivery& each) { return was_held(each); }));
}

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  std::ranges::sort(values);
  const std::size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

double ms(Duration duration) { return std::chrono::duration<double, std::milli>(duration).count(); }

}  // namespace sendoff::lab
