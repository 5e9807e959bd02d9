// ^C and SIGTERM: noticed, so that every wait ends soon and everything is removed on the way out.
#pragma once

namespace sendoff::lab {

// Catches both signals from now on.
void catch_interrupts();
[[nodiscard]] bool interrupted();

}  // namespace sendoff::lab
