// Where unpredictable octets come from. Machines are handed one (docs/architecture.md): the
// daemons give them the system's, a test or a simulator a seeded one.
#pragma once

#include "base/bytes.h"

namespace sendoff {

class Random {
 public:
  virtual ~Random() = default;
  // Fills `octets`; false when the source failed, and then nothing in `octets` may be used.
  [[nodiscard]] virtual bool fill(ByteSpan octets) = 0;
};

}  // namespace sendoff
