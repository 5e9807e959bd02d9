#include "net/event_loop.h"

#include <fcntl.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define ASIO_STANDALONE
#ifdef __SANITIZE_THREAD__
#define ASIO_DISABLE_FENCED_BLOCK  // which ThreadSanitizer cannot follow; mutexes order it all
#endif
#include <asio/io_context.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <asio/post.hpp>
#include <asio/signal_set.hpp>
#include <list>

#include "net/clock.h"
#include "net/file_descriptor.h"

namespace sendoff::net {

struct EventLoop::State {
  asio::io_context io{1};
  std::list<asio::signal_set> signals;
};

namespace {

void wait_for_signal(asio::signal_set& set, const std::function<void(int)>& caught) {
  set.async_wait([&set, caught](const asio::error_code& error, int number) {
    if (error) return;
    caught(number);
    wait_for_signal(set, caught);
  });
}

}  // namespace

EventLoop::EventLoop() : state_(std::make_unique<State>()) {}
EventLoop::~EventLoop() = default;

void EventLoop::run() {
  state_->io.restart();
  const auto work = asio::make_work_guard(state_->io);
  state_->io.run();
}

void EventLoop::run_for(Duration longest) {
  state_->io.restart();
  const auto work = asio::make_work_guard(state_->io);
  // Bounded: a descriptor that stays ready would keep it for ever.
  std::size_t handled = state_->io.run_one_for(longest);
  for (int i = 0; i < 64 && handled > 0; ++i) handled = state_->io.poll_one();
}

void EventLoop::stop() { state_->io.stop(); }

void EventLoop::post(Callback work) { asio::post(state_->io, std::move(work)); }

void EventLoop::on_signals(std::initializer_list<int> signals, std::function<void(int)> caught) {
  asio::signal_set& set = state_->signals.emplace_back(state_->io);
  for (int number : signals) {
    asio::error_code error;
    set.add(number, error);
  }
  wait_for_signal(set, caught);
}

// Handlers hold the state, so that a callback may destroy the Watch that called it.
struct EventLoop::Watch::State : std::enable_shared_from_this<State> {
  State(asio::io_context& io, Interest wanted, Callback callback)
      : descriptor(io), interest(wanted), ready(std::move(callback)) {}

  void wait() {
    const auto type = interest == Interest::kReadable ? asio::posix::descriptor_base::wait_read
                                                      : asio::posix::descriptor_base::wait_write;
    descriptor.async_wait(type, [self = shared_from_this()](const asio::error_code& error) {
      if (error || !self->live) return;
      self->ready();
      if (self->live) self->wait();
    });
  }
  void end() {
    live = false;
    asio::error_code error;
    descriptor.close(error);
  }

  asio::posix::stream_descriptor descriptor;
  Interest interest;
  Callback ready;
  bool live = true;
};

EventLoop::Watch::Watch() = default;
EventLoop::Watch::Watch(std::shared_ptr<State> state) : state_(std::move(state)) {}
EventLoop::Watch::Watch(Watch&&) noexcept = default;
EventLoop::Watch& EventLoop::Watch::operator=(Watch&& other) noexcept {
  if (this != &other) {
    if (state_) state_->end();
    state_ = std::move(other.state_);
  }
  return *this;
}
EventLoop::Watch::~Watch() {
  if (state_) state_->end();
}

EventLoop::Watch EventLoop::watch(int fd, Interest interest, Callback ready) {
  // A descriptor of its own: epoll takes each number once, and reading and writing are watched
  // apart.
  const int own = fcntl(fd, F_DUPFD_CLOEXEC, 0);
  if (own < 0) return {};
  auto state = std::make_shared<Watch::State>(state_->io, interest, std::move(ready));
  asio::error_code error;
  state->descriptor.assign(own, error);
  if (error) {
    close(own);
    return {};
  }
  state->wait();
  return Watch(std::move(state));
}

struct Timer::State {
  FileDescriptor fd;
  EventLoop::Callback due;
  Instant wanted = kNever;
  Instant armed = kNever;  // never later than `wanted`
  EventLoop::Watch watch;

  void arm(Instant deadline);
};

void Timer::State::arm(Instant deadline) {
  armed = deadline;
  itimerspec spec{};
  // Zero would disarm.
  const Duration since_boot = std::max(deadline.time_since_epoch(), Duration(1));
  const auto whole = std::chrono::floor<seconds>(since_boot);
  spec.it_value.tv_sec = whole.count();
  spec.it_value.tv_nsec = (since_boot - whole).count();
  invariant(timerfd_settime(fd.get(), TFD_TIMER_ABSTIME, &spec, nullptr) == 0);
}

Timer::Timer(EventLoop& loop, EventLoop::Callback due) : state_(std::make_unique<State>()) {
  state_->fd = FileDescriptor(timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC));
  invariant(state_->fd.ok());
  state_->due = std::move(due);
  State* state = state_.get();
  state_->watch = loop.watch(state_->fd.get(), EventLoop::Interest::kReadable, [state] {
    std::uint64_t expirations = 0;
    if (read(state->fd.get(), &expirations, sizeof expirations) != sizeof expirations) return;
    state->armed = kNever;
    if (state->wanted == kNever) return;
    if (state->wanted > read_clocks().boot) return state->arm(state->wanted);
    state->wanted = kNever;
    const auto callback = state->due;  // may destroy this timer
    callback();
  });
}

Timer::~Timer() = default;

// A deadline that moves away, as most do before they come, costs no call: to set a timer is one to
// the hypervisor on a virtual machine. The clock that was set for it goes off early, and is set
// anew.
void Timer::at(Instant deadline) {
  state_->wanted = deadline;
  if (deadline < state_->armed) state_->arm(deadline);
}

}  // namespace sendoff::net
