// The router's side of router discovery (RFC 4861 6.2, RFC 3971): Router Advertisements, periodic
// and solicited, each signed by a job. Unicast answers with the solicitor's Nonce go to secured
// solicitations within a budget; beyond it, and for solicitations from ::, one multicast RA serves
// all (GS2, GS3).
#pragma once

#include <map>
#include <optional>
#include <vector>

#include "base/counters.h"
#include "base/random.h"
#include "machine/input.h"
#include "machine/outbox.h"
#include "machine/rate.h"
#include "send/identity.h"
#include "send/receiver.h"
#include "send/sender.h"
#include "wire/fmip_options.h"

namespace sendoff::nd {

// RFC 4861 10.
constexpr Duration kMaxInitialAdvertisementInterval = seconds(16);
constexpr unsigned kMaxInitialAdvertisements = 3;
constexpr Duration kMinDelayBetweenAdvertisements = seconds(3);
constexpr Duration kMaxAdvertisementDelay = milliseconds(500);

struct AdvertisedByUs {
  Prefix prefix;
  Ipv6Address router_address;  // ours under that prefix: the R flag's full address (W7)
  std::uint32_t valid_lifetime_s = 0;
  std::uint32_t preferred_lifetime_s = 0;
  bool on_link = true;
  bool autonomous = true;
  bool tell_router_address = true;  // else the prefix alone

  friend bool operator==(const AdvertisedByUs&, const AdvertisedByUs&) = default;
};

// What an RA says by its fixed part and its MTU option (RFC 4861 6.2.1).
struct AdvertisedParameters {
  std::uint16_t router_lifetime_s = 1800;
  std::uint8_t hop_limit = 64;
  bool managed = false;
  bool other = false;
  std::uint32_t reachable_time_ms = 0;  // 0, here and below: not specified
  std::uint32_t retransmission_timer_ms = 0;
  std::uint32_t mtu = 0;

  friend bool operator==(const AdvertisedParameters&, const AdvertisedParameters&) = default;
};

struct AdvertiserLink {
  send::Identity identity;
  Ipv6Address source;  // our link-local CGA
  std::uint8_t collision_count = 0;
  LinkAddress link_address;
  bool tell_link_address = true;
  std::uint32_t mtu = 1500;  // of the link
  AdvertisedParameters parameters;
  Duration min_interval = seconds(198);
  Duration max_interval = seconds(600);
  Duration max_delay = kMaxAdvertisementDelay;  // of answers
  std::vector<AdvertisedByUs> prefixes;
};

enum class AdvertiserCounter : std::uint8_t {
  kPeriodic,
  kSolicitedUnicast,
  kSolicitedMulticast,
  kNaack,
  kNaackShed,  // above the budget, or the link is not advertised on, or as no default router
  kIgnored,    // solicitations that the policy does not answer
  kFailed,     // could not be signed, or does not fit the link
  kCount,
};
[[nodiscard]] std::string_view name(AdvertiserCounter counter);

class Advertiser {
 public:
  // `stamps`: of all that the router signs.
  Advertiser(send::Stamps& stamps, Random& random, machine::Outbox& outbox,
             std::uint32_t unicast_answers_s = 10);

  // The link-local address is ready: advertising starts, or goes on with other contents, which are
  // told soon, but not more often than three times in `min_interval` (RFC 4861 6.2.4).
  void start(Now now, InterfaceId interface, AdvertiserLink link);
  void stop(InterfaceId interface);
  // Lifetime 0 to all nodes, where the router stops being one (RFC 4861 6.2.5).
  void withdraw(Now now, InterfaceId interface);

  // What is said there; nothing: nothing is.
  [[nodiscard]] const AdvertiserLink* said_on(InterfaceId interface) const;

  // An RA with this NAACK in answer to a UNA, with the router's real parameters, to the node's
  // address and link-layer address (RFC 5568 6.4.6, GF17); within the budget of unicast answers.
  void acknowledge(Now now, InterfaceId interface, const Ipv6Address& destination,
                   const LinkAddress& link_destination, const wire::NaackOption& naack);

  // A judged RS: secured, or unsecured where the node takes such.
  void handle(Now now, const send::Judged& solicitation);
  [[nodiscard]] bool owns(machine::JobId job) const { return jobs_.contains(job); }
  void complete(Now now, const machine::JobResult& result);

  [[nodiscard]] Instant next_deadline() const;
  void tick(Now now);
  [[nodiscard]] const Counters<AdvertiserCounter>& counters() const { return counters_; }

 private:
  // To one secured solicitation.
  struct Answer {
    Instant due;
    Ipv6Address destination;
    LinkAddress link_destination;
    Bytes nonce;
  };
  struct Link {
    AdvertiserLink config;
    Instant next_periodic;
    std::vector<Answer> answers;             // at most as many as the budget
    std::optional<Instant> solicited_at;     // a multicast answer is due then
    std::optional<Bytes> solicited_nonce;    // of the one RS from :: that it answers
    unsigned solicitors = 0;                 // since the last multicast
    Instant last_multicast{seconds(-3600)};  // long ago
    unsigned initial_left = 0;               // short intervals
    Instant initial_since{seconds(-3600)};
  };
  struct SigningJob {
    InterfaceId interface;
    Ipv6Address source;
    Ipv6Address destination;
    std::optional<LinkAddress> link_destination;
  };
  void advertise(Now now, InterfaceId interface, const Link& link, const Ipv6Address& destination,
                 std::optional<LinkAddress> link_destination, std::optional<Bytes> nonce,
                 std::uint16_t lifetime_s, const std::optional<wire::NaackOption>& naack = {});
  [[nodiscard]] static send::Unsigned begin(const AdvertiserLink& config,
                                            const Ipv6Address& destination,
                                            const std::optional<Bytes>& nonce,
                                            std::uint16_t lifetime_s);
  void sign(Now now, const AdvertiserLink& config, send::Unsigned advertisement,
            const SigningJob& signing);
  void schedule(Now now, Link& link);
  void give_answers(Now now, InterfaceId interface, Link& link);
  [[nodiscard]] Duration draw_delay(Duration most);

  send::Stamps& stamps_;
  Random& random_;
  machine::Outbox& outbox_;
  machine::TokenBucket unicast_budget_;
  std::map<InterfaceId, Link> links_;
  std::map<machine::JobId, SigningJob> jobs_;
  Counters<AdvertiserCounter> counters_;
};

}  // namespace sendoff::nd
