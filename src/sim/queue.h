// What will happen, in the order of (time, number of insertion): the only clockwork of a run.
#pragma once

#include <algorithm>
#include <functional>
#include <vector>

#include "sim/clock.h"

namespace sendoff::sim {

class Queue {
 public:
  using Deed = std::move_only_function<void()>;

  [[nodiscard]] WorldTime now() const { return now_; }
  [[nodiscard]] bool empty() const { return heap_.empty(); }
  [[nodiscard]] WorldTime next() const { return heap_.empty() ? kNoTime : heap_.front().time; }
  [[nodiscard]] std::uint64_t steps() const { return steps_; }

  void at(WorldTime time, Deed deed) {
    heap_.push_back({std::max(time, now_), number_++, std::move(deed)});
    std::ranges::push_heap(heap_, later);
  }
  void after(Duration delay, Deed deed) { at(now_ + delay, std::move(deed)); }

  // Does the next one. Not empty.
  void step() {
    std::ranges::pop_heap(heap_, later);
    Event event = std::move(heap_.back());
    heap_.pop_back();
    now_ = event.time;
    ++steps_;
    event.deed();
  }
  void run_until(WorldTime time) {
    while (next() <= time) step();
    now_ = std::max(now_, time);
  }

 private:
  struct Event {
    WorldTime time;
    std::uint64_t number;
    Deed deed;
  };
  static bool later(const Event& a, const Event& b) {
    return a.time != b.time ? a.time > b.time : a.number > b.number;
  }

  std::vector<Event> heap_;
  WorldTime now_{};
  std::uint64_t number_ = 0;
  std::uint64_t steps_ = 0;
};

}  // namespace sendoff::sim
