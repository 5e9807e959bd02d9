// Who runs where, and who first: on one machine the nodes of a network must not wait for each
// other, nor for the lab.
#pragma once

#include <pthread.h>
#include <sched.h>

#include <optional>

#include "lab/network.h"

namespace sendoff::lab {

// This thread goes before all others while it lives, where that is allowed: it stands for what
// needs no processor here, such as a radio, or a sender elsewhere.
class Hurry {
 public:
  Hurry() {
    const sched_param first{.sched_priority = 1};
    hurried_ = pthread_getschedparam(pthread_self(), &policy_, &before_) == 0 &&
               pthread_setschedparam(pthread_self(), SCHED_RR, &first) == 0;
  }
  ~Hurry() {
    if (hurried_) (void)pthread_setschedparam(pthread_self(), policy_, &before_);
  }
  Hurry(const Hurry&) = delete;
  Hurry& operator=(const Hurry&) = delete;

 private:
  int policy_ = SCHED_OTHER;
  sched_param before_{};
  bool hurried_ = false;
};

// The processor that a node's daemon keeps to. The mobile node never shares one with a router; the
// routers share where there are but two. Nothing: there is only one.
[[nodiscard]] std::optional<unsigned> processor_of_mobile();
[[nodiscard]] std::optional<unsigned> processor_of_router(Side side);

}  // namespace sendoff::lab
