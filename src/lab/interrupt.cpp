#include "lab/interrupt.h"

#include <signal.h>

namespace sendoff::lab {

namespace {

volatile sig_atomic_t caught = 0;

void note(int) { caught = 1; }

}  // namespace

void catch_interrupts() {
  struct sigaction action{};
  action.sa_handler = note;
  sigemptyset(&action.sa_mask);
  (void)sigaction(SIGINT, &action, nullptr);
  (void)sigaction(SIGTERM, &action, nullptr);
}

bool interrupted() { return caught != 0; }

}  // namespace sendoff::lab
