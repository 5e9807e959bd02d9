// Reads decisions out of a fuzzer's octets. Behind the end everything is zero, so that a shorter
// input is a simpler one.
#pragma once

#include <algorithm>

#include "base/bytes.h"

namespace sendoff::fuzz {

class Input {
 public:
  explicit Input(ByteView octets) : octets_(octets) {}

  [[nodiscard]] bool empty() const { return octets_.empty(); }
  std::uint8_t u8() {
    const ByteView taken = take(1);
    return taken.empty() ? std::uint8_t{0} : taken[0];
  }
  std::uint16_t u16() {
    const unsigned high = u8();
    return static_cast<std::uint16_t>(high << 8 | u8());
  }
  bool flag() { return (u8() & 1) != 0; }
  // `limit` is above 0 and at most 65536.
  std::size_t below(std::size_t limit) { return (limit > 256 ? u16() : u8()) % limit; }
  template <std::size_t N>
  std::array<std::uint8_t, N> array() {
    std::array<std::uint8_t, N> out{};
    std::ranges::copy(take(N), out.begin());
    return out;
  }
  // At most `count` octets, borrowed.
  ByteView take(std::size_t count) {
    const ByteView taken = octets_.first(std::min(count, octets_.size()));
    octets_ = octets_.subspan(taken.size());
    return taken;
  }
  ByteView rest() { return take(octets_.size()); }

 private:
  ByteView octets_;
};

}  // namespace sendoff::fuzz
