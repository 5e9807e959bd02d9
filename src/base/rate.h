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

  // Takes one token; false when there is none.
  [[nodiscard]] bool take(Instant now) {
    if (now > last_) {
      const std::int64_t missing = capacity_ - tokens_;
      const std::int64_t elapsed = (now - last_).count();
      if (rate_ > 0) tokens_ += elapsed > missing / rate_ ? missing : elapsed * rate_;
      last_ = now;
    }
    constexpr std::int64_t kToken = Duration(seconds(1)).count();
    if (tokens_ < kToken) return false;
    tokens_ -= kToken;
    return true;
  }
  // Full again at `now`: nothing would be lost by forgetting this bucket.
  [[nodiscard]] bool idle(Instant now) const {
    return rate_ > 0 && now > last_ && (now - last_).count() > (capacity_ - tokens_) / rate_;
  }
  [[nodiscard]] Instant last_used() const { return last_; }

 private:
  std::int64_t rate_;
  std::int64_t capacity_;  // in 1e-9 tokens
  std::int64_t tokens_;
  Instant last_{};
};

}  // namespace sendoff
