#include "crypto/random.h"

#include <openssl/err.h>
#include <openssl/rand.h>

#include "base/secret.h"

namespace sendoff::crypto {

namespace {

// One call of the generator costs little more for 2048 octets than for 16.
constexpr std::size_t kPoolSize = 2048;

bool generate(ByteSpan octets) {
  if (RAND_priv_bytes_ex(nullptr, octets.data(), octets.size(), 0) == 1) return true;
  ERR_clear_error();
  wipe(octets);
  return false;
}

}  // namespace

SystemRandom::SystemRandom() : pool_(kPoolSize), used_(kPoolSize) {}

SystemRandom::~SystemRandom() { wipe(pool_); }

bool SystemRandom::fill(ByteSpan octets) {
  if (octets.size() > pool_.size()) return generate(octets);
  if (octets.size() > pool_.size() - used_) {
    used_ = pool_.size();
    if (!generate(pool_)) return false;
    used_ = 0;
  }
  const ByteSpan taken = ByteSpan(pool_).subspan(used_, octets.size());
  std::ranges::copy(taken, octets.begin());
  wipe(taken);
  used_ += octets.size();
  return true;
}

}  // namespace sendoff::crypto
