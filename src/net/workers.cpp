#include "net/workers.h"

#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <condition_variable>
#include <csignal>
#include <deque>
#include <map>
#include <mutex>
#include <thread>

namespace sendoff::net {

using machine::JobClass;
using machine::JobError;
using machine::JobId;

namespace {

struct Work {
  JobId id;
  std::optional<machine::Job> job;  // gone once it ran: it may hold secrets
  JobClass job_class = JobClass::kUnsolicited;
  std::atomic<bool> cancelled = false;
};
using WorkPtr = std::shared_ptr<Work>;

constexpr std::size_t kClasses = static_cast<std::size_t>(JobClass::kCount);

std::size_t index_of(JobClass job_class) { return static_cast<std::size_t>(job_class); }

// Not SCHED_IDLE: a node waits for its first key pair, and on a busy host it would starve.
void take_low_priority() { setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), 19); }

}  // namespace

struct Workers::State : std::enable_shared_from_this<State> {
  State(EventLoop& event_loop, const Config& limits, Execute run)
      : loop(event_loop), config(limits), execute(std::move(run)) {}

  // What the thread may take, in order.
  WorkPtr take(bool background) {
    const std::size_t first = background ? index_of(JobClass::kBackground) : 0;
    const std::size_t end = background ? kClasses : index_of(JobClass::kBackground);
    std::unique_lock lock(mutex);
    while (true) {
      if (stopping) return nullptr;
      for (std::size_t i = first; i < end; ++i) {
        if (queues[i].empty()) continue;
        WorkPtr work = std::move(queues[i].front());
        queues[i].pop_front();
        --queued;
        running.push_back(work);
        return work;
      }
      (background ? background_ready : ready).wait(lock);
    }
  }

  void work(bool background) {
    if (background)
      take_low_priority();
    else if (config.rehearse)
      config.rehearse();
    while (const WorkPtr next = take(background)) {
      Result<machine::JobOutput, JobError> output = fail(JobError::kCancelled);
      if (!next->cancelled) output = execute(*next->job, &next->cancelled);
      next->job.reset();
      finish({next->id, std::move(output)});
    }
  }

  void finish(machine::JobResult result) {
    {
      const std::lock_guard lock(mutex);
      std::erase_if(running, [&](const WorkPtr& each) { return each->id == result.job_id; });
      if (stopping) return;
      finished.push_back(std::move(result));
      if (std::exchange(delivery_posted, true)) return;
    }
    loop.post([weak = weak_from_this()] {
      if (const auto state = weak.lock()) state->hand_over();
    });
  }

  // On the loop's thread.
  void hand_over() {
    std::vector<machine::JobResult> results;
    {
      const std::lock_guard lock(mutex);
      results.swap(finished);
      delivery_posted = false;
    }
    for (machine::JobResult& result : results) {
      const auto found = in_flight.find(result.job_id);
      if (found == in_flight.end()) continue;
      if (found->second->cancelled) result.output = fail(JobError::kCancelled);
      in_flight.erase(found);
      if (deliver) deliver(std::move(result));
    }
  }

  // An answer for what never ran; on the loop's thread like every other.
  void answer_cancelled(JobId id) {
    loop.post([weak = weak_from_this(), id] {
      const auto state = weak.lock();
      if (!state) return;
      state->in_flight.erase(id);
      if (state->deliver) state->deliver({id, fail(JobError::kCancelled)});
    });
  }

  EventLoop& loop;
  const Config config;
  const Execute execute;

  // Of the loop's thread.
  std::function<void(machine::JobResult)> deliver;
  std::map<JobId, WorkPtr> in_flight;
  Counters counters;

  std::mutex mutex;  // all below
  std::condition_variable ready;
  std::condition_variable background_ready;
  std::array<std::deque<WorkPtr>, kClasses> queues;
  std::size_t queued = 0;
  std::vector<WorkPtr> running;
  std::vector<machine::JobResult> finished;
  bool delivery_posted = false;
  bool stopping = false;

  std::vector<std::thread> threads;
};

Workers::Workers(EventLoop& loop, const Config& config, Execute execute)
    : state_(std::make_shared<State>(loop, config, std::move(execute))) {
  const unsigned cores = std::max(1U, std::thread::hardware_concurrency());
  const unsigned normal = config.threads > 0 ? config.threads : cores;
  // Signals are the loop's: the workers inherit a mask that blocks them all.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  State* state = state_.get();
  for (unsigned i = 0; i < normal; ++i)
    state_->threads.emplace_back([state] { state->work(false); });
  state_->threads.emplace_back([state] { state->work(true); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

Workers::~Workers() {
  {
    const std::lock_guard lock(state_->mutex);
    state_->stopping = true;
    for (auto& queue : state_->queues) queue.clear();
    for (const WorkPtr& work : state_->running) work->cancelled = true;
  }
  state_->ready.notify_all();
  state_->background_ready.notify_all();
  for (std::thread& thread : state_->threads) thread.join();
}

void Workers::on_result(std::function<void(machine::JobResult)> deliver) {
  state_->deliver = std::move(deliver);
}

void Workers::start(JobId id, machine::Job job, JobClass job_class) {
  const auto work = std::make_shared<Work>();
  work->id = id;
  work->job = std::move(job);
  work->job_class = job_class;
  if (!state_->in_flight.emplace(id, work).second) {
    ++state_->counters.refused;
    return;
  }
  bool queued = false;
  {
    const std::lock_guard lock(state_->mutex);
    queued = state_->queued < state_->config.max_queued;
    if (queued) {
      state_->queues[index_of(job_class)].push_back(work);
      ++state_->queued;
      ++state_->counters.started;
    }
  }
  // A worker that wakes while the lock is held goes to sleep again, and takes this thread's turn.
  if (queued)
    return (job_class == JobClass::kBackground ? state_->background_ready : state_->ready)
        .notify_one();
  ++state_->counters.refused;
  state_->answer_cancelled(id);
}

void Workers::cancel(JobId id) {
  const auto found = state_->in_flight.find(id);
  if (found == state_->in_flight.end() || found->second->cancelled.exchange(true)) return;
  ++state_->counters.cancelled;
  auto& queue = state_->queues[index_of(found->second->job_class)];
  const std::lock_guard lock(state_->mutex);
  if (std::erase(queue, found->second) == 0) return;  // it runs, or has run
  --state_->queued;
  state_->answer_cancelled(id);
}

Workers::Counters Workers::counters() const {
  Counters counters = state_->counters;
  counters.in_flight = state_->in_flight.size();
  return counters;
}

}  // namespace sendoff::net
