// Audit entries of RFC 4303 4: what was dropped, or could not be sent, and by which packet. Their
// rate is limited, what is left out is counted; counters (esp/associations.h) always run (E16).
#pragma once

#include <deque>
#include <optional>
#include <string_view>
#include <utility>

#include "base/address.h"
#include "base/rate.h"
#include "base/time.h"

namespace sendoff::esp {

enum class AuditEvent : std::uint8_t {
  kNoAssociation,
  kFragment,
  kOverflow,
  kReplay,
  kIntegrity,
};
[[nodiscard]] std::string_view name(AuditEvent event);  // "no-association" ...

struct AuditEntry {
  AuditEvent event = AuditEvent::kNoAssociation;
  UtcTime time;
  Ipv6Address source;
  Ipv6Address destination;
  std::uint32_t flow_label = 0;
  std::uint32_t spi = 0;  // 0, as the sequence number: a fragment that does not hold them
  std::uint32_t sequence = 0;
};

class AuditLog {
 public:
  // Entries that leave, and those left out since the last that left.
  struct Line {
    std::optional<AuditEntry> entry;  // nothing: only the count, when no entry came for a while
    std::uint64_t left_out = 0;
  };

  void enable(bool on);
  void add(Now now, const AuditEntry& entry);
  [[nodiscard]] std::optional<Line> take();

  // When a count that stands alone leaves.
  [[nodiscard]] Instant next_deadline() const { return left_out_ == 0 ? kNever : count_due_; }
  void tick(Instant now);

 private:
  bool enabled_ = true;
  TokenBucket rate_{5, 20};
  std::deque<Line> lines_;
  std::uint64_t left_out_ = 0;
  Instant count_due_ = kNever;
};

}  // namespace sendoff::esp
