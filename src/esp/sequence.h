// Sequence numbers of security associations (RFC 4303 2.2, 3.3.3, 3.4.3): what an outbound one may
// use, what an inbound one has seen, and the record by which both outlive a restart (E2 to E4).
#pragma once

#include <compare>
#include <cstdint>
#include <limits>
#include <optional>
#include <utility>

#include "base/time.h"
#include "esp/key.h"

namespace sendoff::esp {

inline constexpr std::uint32_t kLastSequence = std::numeric_limits<std::uint32_t>::max();
// From here on an operator is told to change the key.
inline constexpr std::uint32_t kSequenceWarning = 0xf0000000;
// Numbers are reserved in blocks of so many, the next block as soon as one of the last block is
// used: a store may take as long as a block lasts, and a restart skips two blocks at most.
inline constexpr std::uint32_t kReservedBlock = 256;

enum class Direction : std::uint8_t { kOutbound, kInbound };

// A counter belongs to direction, SPI and key: only a new key or SPI starts at 0.
struct SequenceName {
  Direction direction = Direction::kOutbound;
  std::uint32_t spi = 0;
  Fingerprint key{};
  friend auto operator<=>(const SequenceName&, const SequenceName&) = default;
};

// Outbound `value` is the last number of the reserved block, inbound the highest accepted one.
struct SequenceRecord {
  Direction direction = Direction::kOutbound;
  std::uint32_t spi = 0;
  Fingerprint key{};
  std::uint32_t value = 0;
};
[[nodiscard]] inline SequenceName name_of(const SequenceRecord& record) {
  return {record.direction, record.spi, record.key};
}

// What is to be stored and what is: one write at a time, the next attempt after a failure a second
// later.
class StoredValue {
 public:
  explicit StoredValue(std::uint32_t stored) : stored_(stored) {}

  [[nodiscard]] std::uint32_t stored() const { return stored_; }
  // Whether `value` may be asked for at `now`: nothing else is under way or has just failed.
  [[nodiscard]] bool may_ask(Instant now) const { return !asked_ && now >= not_before_; }
  void ask(std::uint32_t value) { asked_ = value; }
  void answered(Instant now, bool kept);
  // When a failed write may be tried again; kNever while one is under way.
  [[nodiscard]] Instant not_before() const { return asked_ ? kNever : not_before_; }

 private:
  std::uint32_t stored_;
  std::optional<std::uint32_t> asked_;
  Instant not_before_{};
};

// The numbers of an outbound association. None is given out that the store has not reserved.
class OutboundNumbers {
 public:
  // `reserved`: what an earlier run had reserved, and may have used to the last; 0: nothing.
  explicit OutboundNumbers(std::uint32_t reserved) : last_(reserved), ceiling_(reserved) {}

  // The next number. Nothing: exhausted(), or no reserved one is left.
  [[nodiscard]] std::optional<std::uint32_t> take();
  [[nodiscard]] bool exhausted() const { return last_ == kLastSequence; }
  [[nodiscard]] std::uint32_t last() const { return last_; }
  // The ceiling to have stored now, if any.
  [[nodiscard]] std::optional<std::uint32_t> wanted(Instant now) const;

  // Less than a block is left, and further ones exist.
  [[nodiscard]] bool low() const;

  // True once a run: kSequenceWarning is reached.
  [[nodiscard]] bool just_ran_low() {
    return last_ >= kSequenceWarning && !std::exchange(warned_, true);
  }

  StoredValue& ceiling() { return ceiling_; }
  [[nodiscard]] const StoredValue& ceiling() const { return ceiling_; }

 private:
  std::uint32_t last_;
  StoredValue ceiling_;
  bool warned_ = false;
};

// What an inbound association has accepted: a window of 64 numbers (RFC 4303 3.4.3).
class ReplayWindow {
 public:
  static constexpr std::uint32_t kSize = 64;
  // Everything up to `floor` counts as accepted.
  explicit ReplayWindow(std::uint32_t floor)
      : highest_(floor), seen_(std::numeric_limits<std::uint64_t>::max()) {}

  // Neither 0, nor accepted before, nor below the window.
  [[nodiscard]] bool fresh(std::uint32_t sequence) const;
  void accept(std::uint32_t sequence);
  [[nodiscard]] std::uint32_t highest() const { return highest_; }

 private:
  std::uint32_t highest_;
  std::uint64_t seen_;  // bit n: highest_ - n
};

}  // namespace sendoff::esp
