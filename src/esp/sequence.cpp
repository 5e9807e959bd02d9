#include "esp/sequence.h"

#include <algorithm>

namespace sendoff::esp {

namespace {

constexpr Duration kStoreRetry = seconds(1);

}  // namespace

void StoredValue::answered(Instant now, bool kept) {
  if (!asked_) return;
  if (kept)
    stored_ = std::max(stored_, *asked_);
  else
    not_before_ = now + kStoreRetry;
  asked_.reset();
}

std::optional<std::uint32_t> OutboundNumbers::take() {
  if (last_ >= ceiling_.stored()) return std::nullopt;
  return ++last_;
}

bool OutboundNumbers::low() const {
  return ceiling_.stored() - last_ < kReservedBlock && ceiling_.stored() != kLastSequence;
}

std::optional<std::uint32_t> OutboundNumbers::wanted(Instant now) const {
  if (!low() || !ceiling_.may_ask(now)) return std::nullopt;
  const std::uint32_t reserved = ceiling_.stored();
  return reserved + std::min(kReservedBlock, kLastSequence - reserved);
}

bool ReplayWindow::fresh(std::uint32_t sequence) const {
  if (sequence == 0) return false;
  if (sequence > highest_) return true;
  const std::uint32_t behind = highest_ - sequence;
  return behind < kSize && (seen_ >> behind & 1) == 0;
}

void ReplayWindow::accept(std::uint32_t sequence) {
  if (sequence > highest_) {
    const std::uint32_t ahead = sequence - highest_;
    seen_ = ahead < kSize ? seen_ << ahead | 1 : 1;
    highest_ = sequence;
  } else if (highest_ - sequence < kSize) {
    seen_ |= std::uint64_t{1} << (highest_ - sequence);
  }
}

}  // namespace sendoff::esp
