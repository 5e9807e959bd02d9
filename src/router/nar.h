// The new access router (RFC 5568 4, 6.2.1, 6.3): HIs of known peers, the test of the NCoA, what is
// made ready for a node, its HAck, and the node's UNA.
//
//   HI ──► probe ──unique──► buffer, proxy ──outcomes──► HAck 0 ──UNA──► neighbour, release
//            └ in use ──► an address of the pool (2), the PCoA (3), or no address (1)
//
// Nothing is answered before what the answer promises stands. What waits for a UNA that does not
// come is gone after PROXY_ND_LIFETIME (GF30). All tables are bounded, each peer's share too.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "base/counters.h"
#include "machine/input.h"
#include "machine/outbox.h"
#include "machine/rate.h"
#include "nd/advertiser.h"
#include "router/address_pool.h"
#include "router/config.h"
#include "router/links.h"
#include "router/neighbour_table.h"
#include "router/par.h"
#include "router/peer_link.h"
#include "send/receiver.h"

namespace sendoff::router {

enum class NarCounter : std::uint8_t {
  kInitiated,  // HIs taken
  kRepeated,   // answered as before
  kMalformed,
  // HAcks, by code.
  kAccepted,
  kNotValid,
  kAssigned,
  kUsePcoa,
  kUnspecified,
  kProhibited,
  kNoResources,
  kUnanswered,  // the peer link refused
  // What became of it.
  kProbes,            // solicitations sent
  kInUse,             // NCoAs found in use
  kArrived,           // by UNA
  kExpired,           // no UNA
  kUnaIgnored,        // not as RFC 5568 6.3 wants it
  kOtherLinkAddress,  // UNA with another link-layer address than the HI's
  kReplaced,          // answered by NAACK 2
  kInUseTold,         // NAACK 1 or 3
  kInvited,           // HAcks Code 4
  kHeldBack,          // came back while we forward its packets: they wait for the end of that
  kNotEnded,          // which did not come in time
  kCount,
};
[[nodiscard]] std::string_view name(NarCounter counter);

class Nar {
 public:
  // `par`: what this router still forwards as the previous router of a node that comes back.
  Nar(const Config& config, const std::vector<ServedLink>& links, const NeighbourTable& neighbours,
      const Par& par, PeerLink& peer_link, nd::Advertiser& advertiser, machine::Outbox& outbox);

  // An HI.
  void handle(Now now, const FromPeer& message);

  // Whether an NS or NA for `target` in such a frame matters here; any other need not be judged.
  [[nodiscard]] bool awaits(InterfaceId interface, const Ipv6Address& target,
                            const LinkAddress& frame_source) const;
  // A judged NS or NA for such a target.
  void handle(Now now, const send::Message& message);

  [[nodiscard]] bool owns(machine::ActionId action) const { return steps_.contains(action); }
  void outcome(Now now, const machine::Outcome& outcome);

  // What the host's neighbour cache says of a node that is here with its PCoA.
  void neighbour_changed(Now now, const machine::NeighbourChanged& change);
  void link_down(InterfaceId interface);
  // We do not forward packets for this PCoA any more.
  void forwarding_ended(Now now, const Ipv6Address& pcoa);

  // This node has the address elsewhere now.
  void departed(const Ipv6Address& address, const LinkAddress& link_address);

  [[nodiscard]] Instant next_deadline() const;
  void tick(Now now);

  [[nodiscard]] const Counters<NarCounter>& counters() const { return counters_; }

  // For `sendoff status`, in order of address.
  struct ArrivalView {
    Ipv6Address address;
    std::optional<Ipv6Address> pcoa;
    Ipv6Address par;
    LinkAddress link_address;
    std::string_view state;
    bool proxied = false;
    bool buffered = false;
  };
  [[nodiscard]] std::vector<ArrivalView> arrivals(std::size_t limit) const;
  [[nodiscard]] std::size_t arrival_count() const { return arrivals_.size(); }
  [[nodiscard]] std::optional<std::size_t> pool_free(Now now, InterfaceId interface) const;
  [[nodiscard]] std::optional<std::size_t> prefixes_free(InterfaceId interface) const;

 private:
  // An HI, as far as its repeats can be told (GF27).
  struct Request {
    Ipv6Address peer;
    std::uint16_t sequence = 0;
    std::uint8_t code = 0;
    Ipv6Address ncoa;  // :: when it has none
    friend auto operator<=>(const Request&, const Request&) = default;
  };
  struct Reply {
    Ipv6Address local;
    std::optional<wire::HandoverAcknowledge> hack;  // nothing: not known yet
    unsigned owed = 1;                              // HAcks, one for each HI so far
  };
  // What an HI says, options read.
  struct Initiation {
    std::vector<Request> requests;  // that ask for this, the first one first
    Ipv6Address peer;
    std::uint8_t code = 0;
    Ipv6Address local;
    LinkAddress link_address;
    std::optional<Ipv6Address> ncoa;
    std::optional<Ipv6Address> pcoa;  // inside the peer's prefix only
    bool assign = false;
    bool buffer = false;
  };
  enum class Stage : std::uint8_t {
    kProbing,
    kPreparing,  // outcomes are awaited
    kExpected,   // the HAck is sent, the UNA awaited
    kArrived,
  };
  enum class Kind : std::uint8_t { kProposed, kAssigned, kOwnPrefix, kPcoa };
  // A node that is expected, and what was made for it.
  struct Arrival {
    std::uint64_t number = 0;
    Ipv6Address address;  // NCoA, or the PCoA
    Kind kind = Kind::kProposed;
    Stage stage = Stage::kProbing;
    Initiation initiation;
    InterfaceId interface;
    Instant deadline = kNever;
    std::uint32_t probes_left = 0;
    unsigned pending = 0;  // outcomes
    bool failed = false;
    bool here = false;  // its UNA came before all was ready
    // It had come, and is expected once more: what it had then stays should it not come.
    std::optional<Instant> until;
    Instant came;  // kArrived
    bool joined = false;
    bool proxied = false;
    bool buffered = false;
    bool held_back = false;  // it is here, and its packets wait for the end of our forwarding
    bool tunnelled = false;
    std::optional<Prefix> route;          // to the link, of our making
    std::optional<Ipv6Address> replaces;  // the NCoA that a NAACK takes back
  };
  using Arrivals = std::map<Ipv6Address, Arrival>;
  struct Step {
    enum class Kind : std::uint8_t { kPrepared, kNeighbourSet };
    Kind kind = Kind::kPrepared;
    Ipv6Address address;
    std::uint64_t arrival = 0;
  };

  // nar.cpp: HI and HAck.
  [[nodiscard]] std::optional<std::uint8_t> read(const wire::HandoverInitiate& hi,
                                                 const FromPeer& message,
                                                 Initiation& initiation) const;
  [[nodiscard]] std::optional<Ipv6Address> plausible_pcoa(
      const Ipv6Address& peer, const std::optional<Ipv6Address>& pcoa) const;
  void consider(Now now, Initiation initiation);
  void confirm(Now now, Initiation initiation);
  void propose(Now now, Initiation initiation, const ServedLink& link);
  void do_without(Now now, Initiation initiation, const ServedLink& link);
  [[nodiscard]] bool assign_prefix(Now now, const Initiation& initiation, const ServedLink& link);
  [[nodiscard]] bool assign(Now now, const Initiation& initiation, const ServedLink& link);
  [[nodiscard]] bool use_pcoa(Now now, const Initiation& initiation, const ServedLink& link);
  [[nodiscard]] bool adopt(Now now, const Initiation& initiation, const Ipv6Address& address);
  [[nodiscard]] bool comes_again(Now now, const Arrival& arrival,
                                 const Initiation& initiation) const;
  [[nodiscard]] static bool came_before(Now now, const Arrival& arrival);
  void expect_again(Now now, Arrival& arrival, const Initiation& initiation);
  [[nodiscard]] bool room_for(const Ipv6Address& peer) const;
  [[nodiscard]] const ServedLink* link_for(const Initiation& initiation) const;
  [[nodiscard]] bool taken(InterfaceId interface, const Ipv6Address& address) const;
  Arrival& admit(const Initiation& initiation, const ServedLink& link, const Ipv6Address& address,
                 Kind kind);
  void acknowledge(Now now, const std::vector<Request>& requests, std::uint8_t code,
                   const std::optional<Ipv6Address>& address = std::nullopt);
  void send(Now now, const Request& request, const Reply& reply);

  // nar_arrival.cpp: what is made for a node, and its coming.
  void probe(Now now, Arrival& arrival);
  void solicit(Now now, Arrival& arrival);
  void collided(Now now, Arrival& arrival, const LinkAddress& claimant);
  void prepare(Now now, Arrival& arrival);
  void prepared(Now now, Arrival& arrival);
  void solicited(Now now, const send::Message& message);
  void advertised(Now now, const send::Message& message);
  void came(Now now, Arrival& arrival, const Ipv6Address& source, const LinkAddress& link_address);
  void settle(Now now, Arrival& arrival);
  void release(Now now, Arrival& arrival);
  void let_go(Now now, Arrival& arrival);
  [[nodiscard]] Duration stay(const Arrival& arrival) const;
  [[nodiscard]] bool replace(Now now, Arrival& arrival);
  [[nodiscard]] static bool in_question(const Arrival& arrival);
  [[nodiscard]] bool leads_elsewhere(Now now, const Ipv6Address& proposed) const;
  void point_elsewhere(Now now, const send::Message& message, const Ipv6Address& proposed,
                       const LinkAddress& link_address);
  void expire(Now now, Arrival& arrival);
  void stays_away(Now now, Arrival& arrival);
  void end(const Ipv6Address& address, std::string_view reason);
  void undo(Arrival& arrival);
  void leave_group(Arrival& arrival);
  void set_deadline(Arrival& arrival, Instant deadline);
  void wait_for(Arrival& arrival, Step::Kind kind, machine::ActionId action);

  // nar_unexpected.cpp: UNAs of nodes that no HI announced.
  struct Occupied {
    LinkAddress owner;
    Instant until;
  };
  struct Invitation {
    Ipv6Address peer;
    InterfaceId interface;
    LinkAddress link_address;
    Instant until;
  };
  void occupied(Now now, const Arrival& arrival, const LinkAddress& owner);
  [[nodiscard]] std::optional<LinkAddress> owner_of(InterfaceId interface,
                                                    const Ipv6Address& address) const;
  [[nodiscard]] bool tell_in_use(Now now, const send::Message& message, const Ipv6Address& address,
                                 const LinkAddress& link_address);
  [[nodiscard]] const Neighbour* previous_router_of(const Ipv6Address& pcoa) const;
  [[nodiscard]] bool invite(Now now, const send::Message& message, const Ipv6Address& pcoa,
                            const LinkAddress& link_address);
  [[nodiscard]] bool answers_invitation(Now now, const Initiation& initiation,
                                        const ServedLink& link);
  void forget_unexpected(Now now);

  const Config& config_;
  const std::vector<ServedLink>& links_;
  const NeighbourTable& neighbours_;
  const Par& par_;
  PeerLink& peer_link_;
  nd::Advertiser& advertiser_;
  machine::Outbox& outbox_;
  Arrivals arrivals_;
  std::map<Ipv6Address, Ipv6Address> proposals_;  // NCoA that was not given: what was instead
  std::map<Ipv6Address, std::size_t> shares_;     // arrivals of each peer
  std::set<std::pair<Instant, Ipv6Address>> deadlines_;
  std::map<Request, Reply> replies_;
  std::deque<std::pair<Instant, Request>> reply_ends_;  // of those that were sent
  std::map<InterfaceId, AddressPool> pools_;
  std::map<InterfaceId, PrefixPool> prefix_pools_;
  std::map<std::pair<InterfaceId, Ipv6Address>, Occupied> occupied_;
  std::map<Ipv6Address, Invitation> invitations_;  // by PCoA
  Instant forget_at_ = kNever;                     // the first of both
  machine::TokenBucket invitation_rate_{10, 10};
  std::uint16_t last_invitation_ = 0;
  std::map<machine::ActionId, Step> steps_;
  std::uint64_t last_number_ = 0;
  Counters<NarCounter> counters_;
};

}  // namespace sendoff::router
