// How fast a buffer is emptied (RFC 5568 5.4, GF40): the first packets at once, then at the rate at
// which they came in, plus the rate at which more come in now, so that a backlog ends although the
// stream goes on. On the time that it is told.
#pragma once

#include <array>
#include <optional>

#include "base/time.h"

namespace sendoff::datapath {

// The rate of the last arrivals, over a sliding window.
class Meter {
 public:
  void arrived(Instant now);
  // The mean time between arrivals of the window; nothing before the second one.
  [[nodiscard]] std::optional<Duration> gap() const;
  // The same, or nothing when the stream seems to have stopped.
  [[nodiscard]] std::optional<Duration> gap_now(Instant now) const;

 private:
  static constexpr std::size_t kWindow = 32;
  std::array<Instant, kWindow> arrivals_{};
  std::size_t count_ = 0;  // of all arrivals; the last kWindow are kept
  [[nodiscard]] Instant newest() const { return arrivals_[(count_ - 1) % kWindow]; }
};

// When the next packet may leave. Between two that are paced there is
// 1 / (entry rate of the packet + arrival rate).
class Drain {
 public:
  // At most so many leave back to back (FH-5.4-03).
  static constexpr unsigned kBurst = 5;

  explicit Drain(Instant begin) : due_(begin) {}
  [[nodiscard]] Instant due() const { return due_; }
  // One leaves at `now`; the next one entered at a rate of one every `entry_gap` (nothing: it was
  // not metered), while one arrives every `arrival_gap` (nothing: none does).
  void sent(Instant now, std::optional<Duration> entry_gap, std::optional<Duration> arrival_gap);

 private:
  Instant due_;
  unsigned sent_ = 0;
};

}  // namespace sendoff::datapath
