// The host's side of router discovery under SEND (RFC 4861 6.3, RFC 3971, RFC 5269 3.3): sends
// RSs, judges RAs (certified key, certified prefixes), and knows the current router of an
// interface. Forms no address itself: mobile/ does, from what is found here.
#pragma once

#include <algorithm>
#include <map>
#include <optional>
#include <vector>

#include "base/counters.h"
#include "base/random.h"
#include "machine/outbox.h"
#include "nd/certified_keys.h"
#include "nd/path_fetcher.h"
#include "send/identity.h"
#include "send/receiver.h"
#include "send/sender.h"
#include "wire/fmip_options.h"
#include "wire/nd_options.h"

namespace sendoff::nd {

// kNever: infinite.
struct AdvertisedPrefix {
  Prefix prefix;
  bool on_link = false;
  bool autonomous = false;
  Instant on_link_until;
  Instant valid_until;  // of addresses, where it is autonomous; else of what is known of it
  Instant preferred_until;

  // What an RA that came at `arrived` says of it; an absent flag takes nothing away (RFC
  // 4861 6.3.4, RFC 4862 5.5.3).
  void take(const wire::PrefixInformation& information, Instant arrived);
  // Drops what has ended. False: nothing is left of it.
  [[nodiscard]] bool survives(Instant now);
  [[nodiscard]] Instant next_end() const {
    return on_link ? std::min(on_link_until, valid_until) : valid_until;
  }
};

// A router that a secured, certified RA announced.
struct Router {
  InterfaceId interface;
  Ipv6Address link_local;
  std::optional<LinkAddress> link_address;
  Bytes spki;
  Instant valid_until;                        // router lifetime
  std::vector<AdvertisedPrefix> prefixes;     // certified ones only (W25, GS32), at most 16
  std::vector<Ipv6Address> global_addresses;  // R-flag addresses that passed GS27, at most 16
  std::optional<std::uint32_t> mtu;
  std::string subject;  // of its certificate

  // The AR's global address for the MN's CGA: the one in its prefix (HK-3.3-12).
  [[nodiscard]] std::optional<Ipv6Address> global_address_for(const Ipv6Address& cga) const;
};

struct DiscoveryConfig {
  Duration solicitation_interval = seconds(4);  // RTR_SOLICITATION_INTERVAL
  Duration first_delay_max = seconds(1);        // MAX_RTR_SOLICITATION_DELAY
  unsigned max_solicitations = 3;               // then one from :: (GS26), and again:
  Duration later_interval = seconds(60);
  std::size_t max_held = 8;  // RAs waiting for a path, an interface (GS33)
};

enum class DiscoveryCounter : std::uint8_t {
  kSolicitations,
  kAccepted,
  kUnsecured,    // RA without SEND: not used
  kUncertified,  // signed by a key whose path did not validate
  kHeld,
  kHeldDropped,     // no path in time, or too many
  kPrefixRefused,   // outside the certified blocks
  kReplaced,        // current routers that did not answer while another one did
  kAddressRefused,  // R-flag address that is not a CGA of the router's key, or not certified
  kCount,
};
[[nodiscard]] std::string_view name(DiscoveryCounter counter);

class Discovery {
 public:
  Discovery(const DiscoveryConfig& config, Random& random, machine::Outbox& outbox,
            send::Receiver& receiver, CertifiedKeys& keys, PathFetcher& paths);
  void configure(const DiscoveryConfig& config);

  // The interface is up and `link_local`, a CGA of `identity`, is ready: solicitations start. From
  // an optimistic address (a node that moves) they start at once and name no link-layer address
  // (RFC 4861 6.3.7, RFC 4429 3.2).
  enum class Entry : std::uint8_t { kNormal, kOptimistic };
  void start(Now now, InterfaceId interface, const send::Identity& identity,
             const Ipv6Address& link_local, const LinkAddress& link_address, std::uint32_t mtu,
             Entry entry = Entry::kNormal);
  // DAD for the link-local address has ended well.
  void confirmed(InterfaceId interface);
  // Solicits at once, whatever routers are known.
  void solicit_now(Now now, InterfaceId interface);
  // The current router does not answer what it is asked: it may be elsewhere, and its RA was
  // replayed here. Solicits; when another router is the first to answer that, it makes way.
  void doubt(Now now, InterfaceId interface);
  // Link lost: the router of this interface is forgotten, held RAs too.
  void stop(InterfaceId interface);

  // An RA as the pipeline judged it. A router whose key has no path yet is held (GS33).
  void handle(Now now, send::Judged advertisement);
  [[nodiscard]] bool owns(machine::JobId job) const;  // signing of an RS
  void complete(Now now, machine::JobResult result);
  void paths_ended(Now now, const PathFetcher::Ended& ended);  // judges held RAs again
  void keys_withdrawn(Now now);  // forgets routers whose keys count no more

  // The current router: of those that are valid and advertise a certified prefix the one that was
  // accepted first, else the first of the others.
  [[nodiscard]] const Router* current(InterfaceId interface, Instant now) const;
  [[nodiscard]] const Router* find(InterfaceId interface, const Ipv6Address& link_local) const;
  // How many routers are valid on this link.
  [[nodiscard]] std::size_t count(InterfaceId interface, Instant now) const;
  // Interfaces whose current router or its contents changed since the last call.
  [[nodiscard]] std::vector<InterfaceId> take_changed();

  // What accepted RAs answered to a UNA (NAACK, RFC 5568 6.4.6), in their order.
  struct Acknowledgement {
    InterfaceId interface;
    Ipv6Address destination;  // of the RA: the address that was announced
    Instant arrived;
    wire::NaackOption option;
  };
  [[nodiscard]] std::vector<Acknowledgement> take_acknowledgements();

  [[nodiscard]] Instant next_deadline() const;
  void tick(Now now);
  [[nodiscard]] const Counters<DiscoveryCounter>& counters() const { return counters_; }

 private:
  struct Held {
    send::Judged advertisement;
    Instant until;
  };
  struct Link {
    send::Identity identity;
    Ipv6Address link_local;
    LinkAddress link_address;
    std::uint32_t mtu = 1500;
    Instant next_solicitation = kNever;
    unsigned solicitations = 0;
    bool asked = false;           // an RS was sent since the link came up
    std::vector<Router> routers;  // those with prefixes first; else as they were first accepted
    std::vector<Held> held;       // oldest first
    bool name_link_address = true;
    bool doubted = false;  // whether the first of `routers` is on this link
  };
  struct Signing {
    InterfaceId interface;
    Ipv6Address source;
  };
  void hold(Now now, InterfaceId interface, Link& link, send::Judged advertisement);
  void accept(Now now, InterfaceId interface, Link& link, send::Judged advertisement,
              const pki::CertifiedRouter& certified);
  void read_prefix(const send::Judged& advertisement, const pki::CertifiedRouter& certified,
                   ByteView option, Router& router);
  void read_address(const send::Judged& advertisement, const wire::PrefixInformation& information,
                    Router& router);
  // `router`: what is known of it; what the RA does not speak of stays (RFC 4861 6.3.4).
  void read(const send::Judged& advertisement, const pki::CertifiedRouter& certified,
            Router& router);
  void read_option(const send::Judged& advertisement, const pki::CertifiedRouter& certified,
                   const wire::RawOption& option, Router& router);
  void fetch_path(Now now, InterfaceId interface, const Link& link);
  void solicit(Now now, InterfaceId interface, Link& link);
  void settle_doubt(Link& link, const Ipv6Address& answered);
  void routers_changed(Now now, InterfaceId interface, Link& link);
  // Whether a router, or a prefix of one, ended.
  [[nodiscard]] static bool expire(Instant now, Link& link);

  DiscoveryConfig config_;
  Random& random_;
  machine::Outbox& outbox_;
  send::Receiver& receiver_;
  CertifiedKeys& keys_;
  PathFetcher& paths_;
  std::map<InterfaceId, Link> links_;
  std::map<machine::JobId, Signing> signing_;
  std::vector<InterfaceId> changed_;
  std::vector<Acknowledgement> acknowledgements_;
  Counters<DiscoveryCounter> counters_;
};

}  // namespace sendoff::nd
