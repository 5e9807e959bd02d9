// A random source for tests: the same octets from the same seed (xoshiro256** after splitmix64),
// and faults on demand. Anything but unpredictable.
#pragma once

#include <bit>
#include <limits>

#include "base/random.h"

namespace sendoff::test {

class FakeRandom final : public Random {
 public:
  enum class Mode : std::uint8_t {
    kWorks,
    kFails,    // says so, and leaves octets in the buffer that must not be used
    kRepeats,  // every call starts the same octets again
  };

  explicit FakeRandom(std::uint64_t seed = 1) { reseed(seed); }

  void reseed(std::uint64_t seed) {
    for (std::uint64_t& word : state_) {
      seed += 0x9e3779b97f4a7c15;
      std::uint64_t mixed = (seed ^ seed >> 30) * 0xbf58476d1ce4e5b9;
      mixed = (mixed ^ mixed >> 27) * 0x94d049bb133111eb;
      word = mixed ^ mixed >> 31;
    }
  }

  // For the next `calls` calls; it works again afterwards.
  void set(Mode mode, std::uint64_t calls = std::numeric_limits<std::uint64_t>::max()) {
    mode_ = mode;
    calls_left_ = calls;
    kept_ = state_;
  }

  // How often octets were asked for.
  [[nodiscard]] std::uint64_t calls() const { return calls_; }

  [[nodiscard]] bool fill(ByteSpan octets) override {
    ++calls_;
    const Mode mode = mode_;
    if (mode != Mode::kWorks && --calls_left_ == 0) mode_ = Mode::kWorks;
    if (mode == Mode::kFails) {
      std::ranges::fill(octets, std::uint8_t{0xee});
      return false;
    }
    if (mode == Mode::kRepeats) state_ = kept_;
    std::uint64_t word = 0;
    for (std::size_t i = 0; i < octets.size(); ++i, word >>= 8) {
      if (i % 8 == 0) word = next();
      octets[i] = static_cast<std::uint8_t>(word);
    }
    return true;
  }

 private:
  using State = std::array<std::uint64_t, 4>;

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

  State state_{};
  State kept_{};
  Mode mode_ = Mode::kWorks;
  std::uint64_t calls_left_ = 0;
  std::uint64_t calls_ = 0;
};

}  // namespace sendoff::test
