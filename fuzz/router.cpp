// The access router: the previous one of a handover, or the new one.
#include "router/router.h"

#include "target.h"
#include "world.h"

namespace sendoff::fuzz {

// The first octet says which; the others are a World's.
void router(ByteView octets) {
  Input input(octets);
  const Who victim = input.flag() ? Who::kNext : Who::kPrevious;
  World(input, victim).run();
}

}  // namespace sendoff::fuzz
