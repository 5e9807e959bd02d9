#include "net/clock.h"

#include <sys/timerfd.h>
#include <unistd.h>

#include <cerrno>
#include <ctime>

#include "net/file_descriptor.h"

namespace sendoff::net {

namespace {

Duration read_clock(clockid_t clock) {
  timespec time{};
  invariant(clock_gettime(clock, &time) == 0);
  return seconds(time.tv_sec) + Duration(time.tv_nsec);
}

Duration utc_ahead_of_boot() {
  const Now now = read_clocks();
  return now.utc.time_since_epoch() - now.boot.time_since_epoch();
}

}  // namespace

Now read_clocks() {
  return {Instant(read_clock(CLOCK_BOOTTIME)), UtcTime(read_clock(CLOCK_REALTIME))};
}

struct ClockWatch::State {
  // The timer never expires; TFD_TIMER_CANCEL_ON_SET ends its wait when UTC is set.
  void arm() {
    itimerspec spec{};
    spec.it_value.tv_sec = std::numeric_limits<std::int32_t>::max();
    invariant(timerfd_settime(fd.get(), TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &spec,
                              nullptr) == 0);
  }
  void cancelled() {
    std::uint64_t expirations = 0;
    if (read(fd.get(), &expirations, sizeof expirations) >= 0 || errno != ECANCELED) return;
    arm();
    const Duration difference = utc_ahead_of_boot();
    const Duration jump = difference - std::exchange(last_difference, difference);
    if (jump > kThreshold || jump < -kThreshold) stepped(jump);
  }

  FileDescriptor fd;
  Duration last_difference = utc_ahead_of_boot();
  std::function<void(Duration by)> stepped;
  EventLoop::Watch watch;
};

ClockWatch::ClockWatch(EventLoop& loop, std::function<void(Duration by)> stepped)
    : state_(std::make_unique<State>()) {
  state_->fd = FileDescriptor(timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC));
  invariant(state_->fd.ok());
  state_->stepped = std::move(stepped);
  state_->arm();
  State* state = state_.get();
  state_->watch =
      loop.watch(state_->fd.get(), EventLoop::Interest::kReadable, [state] { state->cancelled(); });
}

ClockWatch::~ClockWatch() = default;

}  // namespace sendoff::net
