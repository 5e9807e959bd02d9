#include "datapath/drain.h"

#include <algorithm>

namespace sendoff::datapath {

namespace {

// A stream that is this late has stopped: five gaps, and what a busy host may hold packets back.
constexpr int kLateGaps = 5;
constexpr Duration kLateSlack = milliseconds(20);
// How late a busy host may be and still make up for all of it: at high rates that is more than a
// burst, and a backlog whose pace falls behind its stream would never end.
constexpr Duration kMadeUp = milliseconds(2);

double per_second(std::optional<Duration> gap) {
  if (!gap) return 0;
  return 1 / std::chrono::duration<double>(std::max(*gap, Duration(1))).count();
}

}  // namespace

void Meter::arrived(Instant now) { arrivals_[count_++ % kWindow] = now; }

std::optional<Duration> Meter::gap() const {
  if (count_ < 2) return std::nullopt;
  const std::size_t known = std::min(count_, kWindow);
  const Instant oldest = arrivals_[(count_ - known) % kWindow];
  return (newest() - oldest) / static_cast<std::int64_t>(known - 1);
}

std::optional<Duration> Meter::gap_now(Instant now) const {
  const auto mean = gap();
  if (!mean || now - newest() > *mean * kLateGaps + kLateSlack) return std::nullopt;
  return mean;
}

void Drain::sent(Instant now, std::optional<Duration> entry_gap,
                 std::optional<Duration> arrival_gap) {
  ++sent_;
  const double rate = per_second(entry_gap) + per_second(arrival_gap);
  const Duration gap =
      rate > 0 ? std::chrono::duration_cast<Duration>(std::chrono::duration<double>(1 / rate))
               : Duration(0);
  // The burst is the start's; pacing begins with the packet after it.
  if (sent_ < kBurst)
    due_ = now;
  else if (sent_ == kBurst)
    due_ = now + gap;
  else
    // Woken later than that, it makes up for no more than another burst.
    due_ = std::max(due_ + gap, now - std::max(gap * (kBurst - 2), kMadeUp));
}

}  // namespace sendoff::datapath
