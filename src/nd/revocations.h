// Whether certified routers are still certified (RFC 3971 6.3.1 and 6.4.6, GS24): has the host read
// revocation lists, at the start, when a path is adopted that none of them speaks of, and from time
// to time, more often while one waits for a list; then all paths are judged again, by a job.
#pragma once

#include <optional>

#include "machine/input.h"
#include "machine/outbox.h"
#include "nd/certified_keys.h"

namespace sendoff::nd {

// For people: "good", "provisional" (RFC 3971 6.3.1), "no source", "revoked".
[[nodiscard]] std::string_view state_of(pki::Standing standing);

struct RevocationConfig {
  bool lists = false;                // the host has a place for them
  Duration interval = seconds(600);  // between two readings
  Duration patience = seconds(300);  // a router whose path names lists counts without any

  friend bool operator==(const RevocationConfig&, const RevocationConfig&) = default;
};

class Revocations {
 public:
  Revocations(const RevocationConfig& config, machine::Outbox& outbox, CertifiedKeys& keys);
  void configure(Now now, const RevocationConfig& config);

  // For a path's validation: all that were read last; none: nothing was.
  [[nodiscard]] const pki::RevocationListsPtr& lists() const { return lists_; }
  // Why it does not count: it is revoked, or has waited for a list for too long already. A literal;
  // empty: it does.
  [[nodiscard]] std::string_view adopt(Now now, const pki::CertifiedRouter& router,
                                       pki::Standing standing);

  [[nodiscard]] bool owns(machine::ActionId action) const { return reading_ == action; }
  void outcome(Now now, const machine::Outcome& outcome);
  [[nodiscard]] bool owns(machine::JobId job) const { return judging_ && judging_->job == job; }
  void complete(Now now, const machine::JobResult& result);

  // Routers that count no more since the last call; each was reported.
  [[nodiscard]] std::vector<CertifiedKeys::Withdrawn> take_withdrawn();

  [[nodiscard]] Instant next_deadline() const;
  void tick(Now now);

 private:
  struct Judging {
    machine::JobId job;
    std::vector<pki::CertificateChain> chains;
  };
  void read(Now now);
  void judge(Now now);

  RevocationConfig config_;
  machine::Outbox& outbox_;
  CertifiedKeys& keys_;
  pki::RevocationListsPtr lists_;
  Instant next_reading_;  // kNever: there is no place for lists
  std::optional<machine::ActionId> reading_;
  bool read_again_ = false;  // a path was adopted meanwhile
  std::optional<Judging> judging_;
  bool judge_again_ = false;
};

}  // namespace sendoff::nd
