// The one thread on which machines run: waits for file descriptors, timers on the boot clock,
// signals and work handed over by other threads. Asio stands in event_loop.cpp only.
//
// Everything but post() and stop() belongs to the loop's own thread (or to the time before run()).
// A callback may watch, unwatch, arm and destroy as it likes, itself included.
#pragma once

#include <functional>
#include <memory>

#include "base/bytes.h"
#include "base/time.h"

namespace sendoff::net {

class EventLoop {
 public:
  using Callback = std::function<void()>;

  EventLoop();
  ~EventLoop();
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  // Serves until stop(). Can be called again afterwards.
  void run();
  // Serves what is ready now, waiting at most `longest` for the first of it; for tests.
  void run_for(Duration longest);
  // From any thread.
  void stop();
  // Calls `work` on the loop's thread, after what is running; from any thread.
  void post(Callback work);

  enum class Interest : std::uint8_t { kReadable, kWritable };
  // Stops watching when destroyed. Must not outlive the loop.
  class Watch {
   public:
    Watch();
    Watch(Watch&&) noexcept;
    Watch& operator=(Watch&&) noexcept;
    ~Watch();

   private:
    friend class EventLoop;
    struct State;
    explicit Watch(std::shared_ptr<State> state);
    std::shared_ptr<State> state_;
  };
  // Calls `ready` whenever `fd` (borrowed, non-blocking; must live until the Watch is gone) can be
  // read or written, and again while it can.
  [[nodiscard]] Watch watch(int fd, Interest interest, Callback ready);

  // Calls `caught` on the loop's thread for each of these signals.
  void on_signals(std::initializer_list<int> signals, std::function<void(int)> caught);

  struct State;

 private:
  std::unique_ptr<State> state_;
};

// One deadline on CLOCK_BOOTTIME; fires after a suspend that overslept it.
class Timer {
 public:
  Timer(EventLoop& loop, EventLoop::Callback due);
  ~Timer();
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  // Replaces the deadline; one in the past fires at once, kNever disarms.
  void at(Instant deadline);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace sendoff::net
