#include "esp/audit.h"

namespace sendoff::esp {

namespace {

constexpr Duration kCountAfter = seconds(1);

}  // namespace

std::string_view name(AuditEvent event) {
  switch (event) {
    case AuditEvent::kNoAssociation:
      return "no-association";
    case AuditEvent::kFragment:
      return "fragment";
    case AuditEvent::kOverflow:
      return "sequence-overflow";
    case AuditEvent::kReplay:
      return "replay";
    case AuditEvent::kIntegrity:
      return "integrity";
  }
  return "unknown";
}

void AuditLog::enable(bool on) {
  enabled_ = on;
  if (on) return;
  lines_.clear();
  left_out_ = 0;
}

void AuditLog::add(Now now, const AuditEntry& entry) {
  if (!enabled_) return;
  if (!rate_.take(now.boot)) {
    if (left_out_++ == 0) count_due_ = now.boot + kCountAfter;
    return;
  }
  lines_.push_back(Line{entry, std::exchange(left_out_, 0)});
}

std::optional<AuditLog::Line> AuditLog::take() {
  if (lines_.empty()) return std::nullopt;
  Line line = std::move(lines_.front());
  lines_.pop_front();
  return line;
}

void AuditLog::tick(Instant now) {
  if (next_deadline() <= now) lines_.push_back(Line{std::nullopt, std::exchange(left_out_, 0)});
}

}  // namespace sendoff::esp
