// Threads that run machine::Job: RSA must not stand in a packet's way. Normal workers take the
// oldest job of the first JobClass that has one; kBackground has a thread of its own at idle
// priority, so that key generation never delays an answer. LookUp is not for workers (a store
// answers it).
//
// start, cancel and the destructor belong to the loop's thread, where results are delivered too.
// Each started job gets exactly one result, unless the workers are destroyed first; a cancelled
// one gets kCancelled, and what it had computed is wiped.
#pragma once

#include <atomic>
#include <functional>
#include <memory>

#include "machine/input.h"
#include "net/event_loop.h"

namespace sendoff::net {

class Workers {
 public:
  struct Config {
    unsigned threads = 0;           // normal workers; 0: one a core
    std::size_t max_queued = 4096;  // jobs waiting, all classes; more are refused
    // Each normal worker calls it before its first job: what is only made at the first use, of
    // memory and of libraries, is not to be made while a packet waits.
    std::function<void()> rehearse = {};
  };
  using Execute = std::function<Result<machine::JobOutput, machine::JobError>(
      const machine::Job&, const std::atomic<bool>* cancel)>;

  // `execute` is machine::execute outside of tests; it is called on the workers' threads.
  Workers(EventLoop& loop, const Config& config, Execute execute = &machine::execute);
  // Cancels what runs, waits for it, wipes what waits.
  ~Workers();
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  // Where results go; set before the first start. A Driver does it.
  void on_result(std::function<void(machine::JobResult)> deliver);

  // Refused when the queue is full: the result is kCancelled. `id` must not be in flight.
  void start(machine::JobId id, machine::Job job, machine::JobClass job_class);
  // Does nothing for a job that is not in flight.
  void cancel(machine::JobId id);

  struct Counters {
    std::uint64_t started = 0;
    std::uint64_t refused = 0;
    std::uint64_t cancelled = 0;
    std::size_t in_flight = 0;
  };
  [[nodiscard]] Counters counters() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace sendoff::net
