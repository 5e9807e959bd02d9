#include "base/secret.h"

#include <cstring>

namespace sendoff {

void wipe(ByteSpan octets) {
  if (!octets.empty()) explicit_bzero(octets.data(), octets.size());
}

bool constant_time_equal(ByteView a, ByteView b) {
  if (a.size() != b.size()) return false;
  volatile std::uint8_t difference = 0;
  for (std::size_t i = 0; i < a.size(); ++i)
    difference = static_cast<std::uint8_t>(difference | (a[i] ^ b[i]));
  return difference == 0;
}

Secret Secret::copy_of(ByteView octets) {
  Secret secret(octets.size());
  std::ranges::copy(octets, secret.octets_.begin());
  return secret;
}

Secret& Secret::operator=(Secret&& other) noexcept {
  if (this != &other) {
    wipe(octets_);
    octets_ = std::move(other.octets_);
    other.octets_.clear();
  }
  return *this;
}

}  // namespace sendoff
