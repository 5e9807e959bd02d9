// The mobile node.
#include "mobile/mobile.h"

#include "target.h"
#include "world.h"

namespace sendoff::fuzz {

void mobile(ByteView octets) {
  Input input(octets);
  World(input, Who::kMobile).run();
}

}  // namespace sendoff::fuzz
