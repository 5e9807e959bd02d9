// The host's side of certification path discovery (RFC 3971 6.4.6, GS12 to GS14): sends CPS, once
// the host listens to the solicited-node group that CPAs are sent to,
// gathers CPAs (unauthenticated: bounded, no state but the retrieval itself), has the path
// validated by a job, and stores what is valid in CertifiedKeys, where revocations.h watches it.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "base/counters.h"
#include "base/random.h"
#include "machine/input.h"
#include "machine/outbox.h"
#include "machine/rate.h"
#include "nd/revocations.h"
#include "send/message.h"

namespace sendoff::nd {

struct PathFetcherConfig {
  std::shared_ptr<const std::vector<pki::TrustAnchor>> anchors;
  pki::Policy policy;
  Duration retry = seconds(1);       // CPS_RETRY, doubling
  Duration retry_part = seconds(2);  // CPS_RETRY_FRAGMENTS, doubling
  Duration give_up = seconds(15);    // CPS_RETRY_MAX: end of one retrieval
  std::size_t max_retrievals = 4;    // one an interface at a time and in all
  // Anybody may send CPAs. What is beyond these bounds is not read; a path that is complete waits
  // until it may be validated.
  std::size_t max_path = pki::kMaxPathLength;  // certificates of one path
  std::size_t max_certificate = pki::kMaxCertificateSize;
  std::size_t max_sources = 4;       // whose paths are gathered in one retrieval
  std::uint32_t validations_s = 20;  // of all retrievals
  RevocationConfig revocation;
};

enum class PathCounter : std::uint8_t {
  kSolicitations,
  kAdvertisements,  // that belonged to a retrieval
  kUnexpected,      // CPA that no retrieval asked for, or that did not fit
  kValidated,
  kRefused,  // the path did not validate
  kTimedOut,
  kCount,
};
[[nodiscard]] std::string_view name(PathCounter counter);

class PathFetcher {
 public:
  PathFetcher(const PathFetcherConfig& config, Random& random, machine::Outbox& outbox,
              CertifiedKeys& keys);
  void configure(Now now, const PathFetcherConfig& config);

  // Starts a retrieval on this interface from `source` (an address of ours there, or ::) to
  // `router` (ff02::2 when no default router is selected, GS14); one under way goes on. Where one
  // has just brought what was known it waits for CPS_RETRY: else who is certified by nobody could
  // keep us asking.
  void fetch(Now now, InterfaceId interface, const Ipv6Address& source, const Ipv6Address& router);
  [[nodiscard]] bool under_way(InterfaceId interface) const;

  void handle(Now now, const send::Message& advertisement);  // a CPA after its base checks
  [[nodiscard]] bool owns(machine::JobId job) const;
  void complete(Now now, const machine::JobResult& result);
  [[nodiscard]] bool owns(machine::ActionId action) const;
  void outcome(Now now, const machine::Outcome& outcome);
  void drop(InterfaceId interface);

  // How retrievals ended since the last call: held messages can be judged again (GS33).
  struct Ended {
    InterfaceId interface;
    bool validated = false;
  };
  [[nodiscard]] std::vector<Ended> take_ended();
  // Certified routers that count no more since the last call.
  [[nodiscard]] std::vector<CertifiedKeys::Withdrawn> take_withdrawn() {
    return revocations_.take_withdrawn();
  }

  [[nodiscard]] Instant next_deadline() const;
  void tick(Now now);
  [[nodiscard]] const Counters<PathCounter>& counters() const { return counters_; }

 private:
  // What one source has sent of its path. CPAs prove nothing: certificates of two sources are never
  // mixed, so that a forger cannot spoil a path that another one delivers.
  struct Candidate {
    Ipv6Address source;
    std::vector<Bytes> components;  // by component number; empty: not here yet
    [[nodiscard]] bool complete() const { return !missing(); }
    // The highest component that is not here.
    [[nodiscard]] std::optional<std::uint16_t> missing() const;
  };
  struct Retrieval {
    InterfaceId interface;
    Ipv6Address source;
    Ipv6Address router;
    std::uint16_t identifier = 0;
    Instant started;  // when it may solicit
    Instant next_send;
    Duration interval{};
    Instant next_part = kNever;  // when a component that is missing is asked for
    Duration part_interval{};
    std::optional<machine::ActionId> joining;
    std::vector<Candidate> candidates;  // oldest first
    std::optional<machine::JobId> validation;
    unsigned validations = 0;
    Instant next_validation = kNever;  // when a complete path is tried again
  };
  [[nodiscard]] std::uint16_t draw_identifier();
  [[nodiscard]] bool answers(const send::Message& advertisement, const Retrieval& retrieval) const;
  void begin(Now now, Retrieval& retrieval);
  void solicit(Now now, Retrieval& retrieval);
  void solicit_part(Now now, Retrieval& retrieval);
  void transmit(const Retrieval& retrieval, std::uint16_t component);
  void validate_next(Now now, Retrieval& retrieval);
  void end(Retrieval& retrieval, bool validated);

  PathFetcherConfig config_;
  Random& random_;
  machine::Outbox& outbox_;
  CertifiedKeys& keys_;
  Revocations revocations_;
  std::vector<Retrieval> retrievals_;
  // When a path last came that was known already, of a link that is still there.
  std::map<InterfaceId, Instant> nothing_new_;
  std::vector<Ended> ended_;
  machine::TokenBucket validations_;
  Counters<PathCounter> counters_;
};

}  // namespace sendoff::nd
