// The system's random source: what the daemons inject into the machines.
#pragma once

#include "base/random.h"

namespace sendoff::crypto {

// A CSPRNG (OpenSSL's), read in chunks; octets handed out are wiped from the pool.
// One object for one thread.
class SystemRandom final : public Random {
 public:
  SystemRandom();
  ~SystemRandom() override;
  SystemRandom(const SystemRandom&) = delete;  // a copy would hand out the same octets again
  SystemRandom& operator=(const SystemRandom&) = delete;
  [[nodiscard]] bool fill(ByteSpan octets) override;

 private:
  Bytes pool_;
  std::size_t used_;
};

}  // namespace sendoff::crypto
