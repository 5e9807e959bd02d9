// The router's side of certification path discovery (RFC 3971 6.4.5, GS13, GS14): answers a CPS
// with CPAs that hold its path, from the anchor's issue down to its own certificate.
#pragma once

#include <deque>
#include <string>
#include <vector>

#include "base/counters.h"
#include "machine/outbox.h"
#include "pki/certificate.h"
#include "send/message.h"

namespace sendoff::nd {

// A certificate beyond this does not fit its option's 8-bit length (SND-6.4.4-4).
inline constexpr std::size_t kMaxCertificateInOption = 2036;

struct CertifierConfig {
  std::vector<Bytes> path;  // DER, the router's own certificate last; none above the limit
  pki::TrustAnchor anchor;  // issued the first of them
  std::vector<std::string> anchor_fqdns;
  std::uint32_t max_cpa_s = 10;  // MAX_CPA_RATE, messages a second
};

enum class CertifierCounter : std::uint8_t {
  kSolicitations,
  kMalformed,      // first Trust Anchor option missing or not a DER name, Identifier 0
  kUnknownAnchor,  // answered without certificates
  kNoComponent,    // a component was asked for that the path has not
  kRateLimited,    // CPAs not sent
  kAdvertisements,
  kCount,
};
[[nodiscard]] std::string_view name(CertifierCounter counter);

class Certifier {
 public:
  Certifier(const CertifierConfig& config, machine::Outbox& outbox);

  // A CPS after its base checks, received on an interface whose link-local address is `own`.
  void handle(Now now, const send::Message& solicitation, const Ipv6Address& own);
  [[nodiscard]] const Counters<CertifierCounter>& counters() const { return counters_; }

 private:
  [[nodiscard]] bool names_our_anchor(ByteView trust_anchor_option) const;
  [[nodiscard]] bool within_rate(Instant now);
  void advertise(Now now, const send::Message& solicitation, const Ipv6Address& own,
                 std::uint16_t component, ByteView trust_anchors, bool with_certificate);

  CertifierConfig config_;
  machine::Outbox& outbox_;
  std::deque<Instant> sent_;  // at most max_cpa_s, the last ones
  Counters<CertifierCounter> counters_;
};

}  // namespace sendoff::nd
