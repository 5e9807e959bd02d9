// The router's side of certification path discovery (RFC 3971 6.4.5, GS13, GS14): answers a CPS
// with CPAs that hold its path below the anchor that was asked for, from the anchor's issue down to
// its own certificate. What is asked beyond MAX_CPA_RATE is answered once for all who ask.
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "base/counters.h"
#include "machine/outbox.h"
#include "pki/certificate.h"
#include "send/message.h"

namespace sendoff::nd {

// A certificate beyond this does not fit its option's 8-bit length (SND-6.4.4-4).
inline constexpr std::size_t kMaxCertificateInOption = 2036;

// The certificates that a router serves for one anchor.
struct CertifiedPath {
  std::vector<Bytes> path;  // DER, the router's own certificate last; none above the limit
  pki::TrustAnchor anchor;  // issued the first of them
  std::vector<std::string> anchor_fqdns;  // names of type 2 that a CPS may use for the anchor
};

// The octets of the packet that shows a certificate of the path and names its anchor.
[[nodiscard]] std::size_t advertisement_size(const CertifiedPath& path, ByteView certificate);

struct CertifiedPaths : CertifiedPath {
  std::vector<CertifiedPath> others;  // below other anchors
};
// The most that a link has to carry in one packet: nothing is fragmented (RFC 6980 5, W8).
[[nodiscard]] std::size_t largest_advertisement(const CertifiedPaths& paths);
// Whatever else is said of the anchors.
[[nodiscard]] bool same_certificates(const CertifiedPaths& a, const CertifiedPaths& b);

struct CertifierConfig : CertifiedPaths {
  std::uint32_t max_cpa_s = 10;  // MAX_CPA_RATE, messages a second
};

enum class CertifierCounter : std::uint8_t {
  kSolicitations,
  kMalformed,      // first Trust Anchor option missing or not a DER name, Identifier 0
  kUnknownAnchor,  // answered without certificates
  kNoComponent,    // a component was asked for that the path has not
  kRateLimited,    // beyond the rate: answered later, to all, or by what is already to be sent
  kShed,           // not at all: too many different questions wait
  kAdvertisements,
  kCount,
};
[[nodiscard]] std::string_view name(CertifierCounter counter);

class Certifier {
 public:
  Certifier(const CertifierConfig& config, machine::Outbox& outbox);

  // A CPS after its base checks, received on an interface whose link-local address is `own`.
  void handle(Now now, const send::Message& solicitation, const Ipv6Address& own);
  // What waits for its turn there is sent no more.
  void drop(InterfaceId interface);

  [[nodiscard]] Instant next_deadline() const;
  void tick(Now now);
  [[nodiscard]] const Counters<CertifierCounter>& counters() const { return counters_; }

 private:
  // The CPAs that answer a question, to whom does not matter.
  struct Answer {
    InterfaceId interface;
    Ipv6Address own;
    const CertifiedPath* path = nullptr;  // nothing: none of ours is below an anchor asked for
    std::uint16_t component = 0;          // of that path, or kAllComponents
    Bytes trust_anchors;                  // the options that they name

    [[nodiscard]] std::size_t messages() const;
    [[nodiscard]] bool same(const Answer& other) const;
  };
  [[nodiscard]] std::vector<const CertifiedPath*> paths() const;
  [[nodiscard]] const CertifiedPath* path_below(ByteView trust_anchor_option) const;
  [[nodiscard]] std::optional<Answer> answer_to(const send::Message& solicitation,
                                                const Ipv6Address& own);
  [[nodiscard]] Instant room_for(std::size_t messages) const;
  void postpone(Answer answer);
  // An empty `solicitor`: to all.
  void give(Now now, const Answer& answer, const Ipv6Address& solicitor, std::uint16_t identifier);
  void advertise(Now now, const Answer& answer, const Ipv6Address& destination,
                 std::uint16_t identifier, std::uint16_t component);

  CertifierConfig config_;
  machine::Outbox& outbox_;
  std::deque<Instant> sent_;     // at most max_cpa_s, the last ones
  std::vector<Answer> waiting_;  // to be given to all; those with certificates first
  Counters<CertifierCounter> counters_;
};

}  // namespace sendoff::nd
