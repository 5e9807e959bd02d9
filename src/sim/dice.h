// The simulator's own random numbers: xoshiro256**, seeded by splitmix64 from the run's seed and a
// purpose. What one purpose draws never moves what another one draws, so that a fault that is
// switched off leaves all other draws as they were. No std distribution: they differ between
// libraries.
#pragma once

#include <array>
#include <bit>
#include <string_view>

#include "base/random.h"
#include "base/time.h"

namespace sendoff::sim {

class Dice {
 public:
  Dice(std::uint64_t seed, std::string_view purpose) {
    std::uint64_t mixed = 0xcbf29ce484222325;
    for (const char letter : purpose)
      mixed = (mixed ^ static_cast<std::uint8_t>(letter)) * 0x100000001b3;
    std::uint64_t at = seed * 0x9e3779b97f4a7c15 ^ mixed;
    for (std::uint64_t& word : state_) {
      at += 0x9e3779b97f4a7c15;
      std::uint64_t bits = (at ^ at >> 30) * 0xbf58476d1ce4e5b9;
      bits = (bits ^ bits >> 27) * 0x94d049bb133111eb;
      word = bits ^ bits >> 31;
    }
  }

  std::uint64_t next() {
    const std::uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
    const std::uint64_t shifted = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= shifted;
    state_[3] = std::rotl(state_[3], 45);
    return result;
  }
  // Below `bound`, which is not 0. The bias of a remainder is far below what a simulation can see.
  std::uint64_t below(std::uint64_t bound) { return next() % bound; }
  // True so often in a million times.
  bool chance(std::uint32_t per_million) {
    return per_million != 0 && below(1'000'000) < per_million;
  }
  Duration between(Duration least, Duration most) {
    if (most <= least) return least;
    return least + Duration(static_cast<std::int64_t>(
                       below(static_cast<std::uint64_t>((most - least).count()) + 1)));
  }

 private:
  std::array<std::uint64_t, 4> state_{};
};

// The random source of one machine. Anything but unpredictable.
class Octets final : public Random {
 public:
  Octets(std::uint64_t seed, std::string_view purpose) : dice_(seed, purpose) {}
  [[nodiscard]] bool fill(ByteSpan octets) override {
    std::uint64_t word = 0;
    for (std::size_t i = 0; i < octets.size(); ++i, word >>= 8) {
      if (i % 8 == 0) word = dice_.next();
      octets[i] = static_cast<std::uint8_t>(word);
    }
    return true;
  }

 private:
  Dice dice_;
};

}  // namespace sendoff::sim
