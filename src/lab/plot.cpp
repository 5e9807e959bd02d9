#include "lab/plot.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "lab/drawing.h"

namespace sendoff::lab {

namespace {

constexpr double kWidth = 1000;
constexpr double kHeight = 380;
constexpr double kLeft = 64;
constexpr double kRight = 984;
constexpr double kTop = 30;
constexpr double kBottom = 262;    // of the latencies
constexpr double kLossLine = 276;  // marks of what was lost
constexpr double kRugTop = 300;    // arrivals
constexpr double kRugBottom = 326;
constexpr std::size_t kMostDots = 4000;

struct Window {
  UtcTime zero;  // the link went
  double begin_ms = 0;
  double end_ms = 0;
  double highest_ms = 1;  // latency

  [[nodiscard]] double at(UtcTime time) const { return ms(time - zero); }
  [[nodiscard]] bool shows(UtcTime time) const {
    return at(time) >= begin_ms && at(time) <= end_ms;
  }
  [[nodiscard]] double x(double time_ms) const {
    return kLeft + (time_ms - begin_ms) / (end_ms - begin_ms) * (kRight - kLeft);
  }
  [[nodiscard]] double y(double latency_ms) const {
    return kBottom - std::clamp(latency_ms / highest_ms, 0.0, 1.0) * (kBottom - kTop);
  }
};

Window window_of(const Run& run) {
  const Move& move = run.moves.front();
  Window window;
  window.zero = move.link_down;
  const double up = ms(move.link_up - window.zero);
  window.begin_ms = std::max(std::min(ms(move.begin - window.zero), 0.0) - 60, -300.0);
  double quiet = up;
  for (const Delivery& each : run.flow.deliveries)
    if (!each.arrived || was_held(each)) quiet = std::max(quiet, window.at(each.sent));
  window.end_ms = std::min(quiet + 120, up + 600);
  for (const Delivery& each : run.flow.deliveries)
    if (each.arrived && window.shows(each.sent))
      window.highest_ms = std::max(window.highest_ms, ms(*each.arrived - each.sent));
  window.highest_ms *= 1.08;
  return window;
}

void draw_frame(Drawing& drawing, const Window& window, const Move& move) {
  const double down = window.x(0);
  const double up = window.x(window.at(move.link_up));
  drawing.box({down, kTop}, up - down, kRugBottom - kTop, "nolink");
  drawing.text({(down + up) / 2, kTop - 8}, "no link", "middle small muted");
  const double y_step = axis_step(0, window.highest_ms, 5);
  for (double value = 0; value <= window.highest_ms; value += y_step) {
    drawing.line({kLeft, window.y(value)}, {kRight, window.y(value)}, "grid");
    drawing.text({kLeft - 8, window.y(value) + 4}, fixed(value, y_step < 1 ? 1 : 0), "end small");
  }
  const double x_step = axis_step(window.begin_ms, window.end_ms, 9);
  for (double value = std::ceil(window.begin_ms / x_step) * x_step; value <= window.end_ms;
       value += x_step) {
    drawing.line({window.x(value), kRugBottom}, {window.x(value), kRugBottom + 5}, "axis");
    drawing.text({window.x(value), kRugBottom + 20}, fixed(value, 0), "middle small");
  }
  drawing.line({kLeft, kRugBottom}, {kRight, kRugBottom}, "axis");
  drawing.text({kRight, kHeight - 12}, "ms after the link went", "end small muted");
  drawing.text({kLeft - 48, kTop - 8}, "latency, ms", "small muted");
  drawing.text({kLeft - 8, kLossLine + 4}, "lost", "end small");
  drawing.text({kLeft - 8, kRugTop + 17}, "arrived", "end small");
}

std::string style_of(const Delivery& delivery) {
  if (was_held(delivery)) return "held";
  return delivery.tunnelled ? "tunnelled" : "direct";
}

void draw_datagrams(Drawing& drawing, const Window& window, const Flow& flow) {
  std::size_t shown = 0;
  for (const Delivery& each : flow.deliveries) shown += window.shows(each.sent) ? 1U : 0U;
  const std::size_t step = shown / kMostDots + 1;
  std::size_t number = 0;
  for (const Delivery& each : flow.deliveries) {
    const double x = window.x(window.at(each.sent));
    if (!each.arrived) {
      if (window.shows(each.sent)) drawing.line({x, kLossLine - 5}, {x, kLossLine + 5}, "lost");
      continue;
    }
    if (number++ % step != 0) continue;
    const std::string style = style_of(each);
    if (window.shows(each.sent))
      drawing.dot({x, window.y(ms(*each.arrived - each.sent))}, 2.2, style,
                  "no. " + std::to_string(each.sequence) + ": " +
                      fixed(ms(*each.arrived - each.sent), 2) + " ms");
    if (window.shows(*each.arrived)) {
      const double at = window.x(window.at(*each.arrived));
      drawing.line({at, kRugTop}, {at, kRugBottom}, "rug " + style);
    }
  }
}

void draw_legend(Drawing& drawing) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 3> kEntries{
      {{"direct", "direct"}, {"tunnelled", "tunnelled"}, {"held", "held by the new router"}}};
  double x = kLeft;
  for (const auto& [style, words] : kEntries) {
    drawing.dot({x + 5, kHeight - 16}, 4, style);
    drawing.text({x + 14, kHeight - 12}, words, "small");
    x += 34 + 7.0 * static_cast<double>(words.size());
  }
  drawing.line({x + 5, kHeight - 21}, {x + 5, kHeight - 11}, "lost");
  drawing.text({x + 14, kHeight - 12}, "lost", "small");
}

}  // namespace

std::string plot_svg(const Run& run) {
  if (run.moves.empty() || run.flow.deliveries.empty()) return {};
  const Window window = window_of(run);
  Drawing drawing(kWidth, kHeight, "Latency, loss and arrival of datagrams around the handover");
  draw_frame(drawing, window, run.moves.front());
  draw_datagrams(drawing, window, run.flow);
  draw_legend(drawing);
  return std::move(drawing).finish();
}

}  // namespace sendoff::lab
