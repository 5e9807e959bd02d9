// A token bucket on the boot clock: `rate` events a second, `burst` at once.
#pragma once

#include <algorithm>

#include "base/time.h"

namespace sendoff {

class TokenBucket {
 public:
  TokenBucket(std::uint32_t rate_per_s, std::uint32_t burst)
      : rate_(rate_per_s),
        capacity_(Duration(seconds(1)).count() * std::int64_t{burst}),
        tokens_(capacity_) {}

  // Takes one token; false when there is none besides `reserve` ones, which are left to others.
  [[nodiscard]] bool take(Instant now, std::uint32_t reserve = 0) {
    const bool refused = spent(now, reserve);
    tokens_ = tokens_at(now);
    last_ = std::max(last_, now);
    if (!refused) tokens_ -= kToken;
    return !refused;
  }
  // Whether take() would be refused.
  [[nodiscard]] bool spent(Instant now, std::uint32_t reserve = 0) const {
    return tokens_at(now) < kToken * (std::int64_t{1} + reserve);
  }
  // Full again at `now`: nothing would be lost by forgetting this bucket.
  [[nodiscard]] bool idle(Instant now) const {
    return rate_ > 0 && now > last_ && (now - last_).count() > (capacity_ - tokens_) / rate_;
  }
  [[nodiscard]] Instant last_used() const { return last_; }

 private:
  static constexpr std::int64_t kToken = Duration(seconds(1)).count();

  [[nodiscard]] std::int64_t tokens_at(Instant now) const {
    if (now <= last_ || rate_ == 0) return tokens_;
    const std::int64_t missing = capacity_ - tokens_;
    const std::int64_t elapsed = (now - last_).count();
    return elapsed > missing / rate_ ? capacity_ : tokens_ + elapsed * rate_;
  }

  std::int64_t rate_;
  std::int64_t capacity_;  // in 1e-9 tokens
  std::int64_t tokens_;
  Instant last_{};
};

}  // namespace sendoff
