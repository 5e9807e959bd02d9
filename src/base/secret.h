// Octets that must not be seen: a handover key, the plaintext of an option. Move-only, wiped when
// destroyed or moved from, compared in constant time, without any way to print them.
#pragma once

#include "base/bytes.h"

namespace sendoff {

// Overwrites `octets` with zeros in a way that the compiler keeps.
void wipe(ByteSpan octets);

// Equal length and octets, in time that depends on the length only.
[[nodiscard]] bool constant_time_equal(ByteView a, ByteView b);

class Secret {
 public:
  Secret() = default;
  explicit Secret(std::size_t size) : octets_(size) {}
  // Takes the octets over; the caller's copy is the caller's to wipe.
  static Secret copy_of(ByteView octets);

  Secret(Secret&& other) noexcept : octets_(std::move(other.octets_)) { other.octets_.clear(); }
  Secret& operator=(Secret&& other) noexcept;
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;
  ~Secret() { wipe(octets_); }

  // A copy must be asked for by name.
  [[nodiscard]] Secret duplicate() const { return copy_of(octets_); }

  [[nodiscard]] std::size_t size() const { return octets_.size(); }
  [[nodiscard]] bool empty() const { return octets_.empty(); }
  // For the MAC, the cipher and the sealed store; never for a log.
  [[nodiscard]] ByteView expose() const { return octets_; }
  [[nodiscard]] ByteSpan expose_mutable() { return octets_; }

  [[nodiscard]] bool equals(const Secret& other) const {
    return constant_time_equal(octets_, other.octets_);
  }

 private:
  Bytes octets_;
};

}  // namespace sendoff
