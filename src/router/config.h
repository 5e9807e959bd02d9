// What an access router is configured with, checked and complete: config/ makes it from TOML,
// tests make it by hand. Shared handles are immutable.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/address.h"
#include "esp/association.h"
#include "keys/issued_keys.h"
#include "nd/advertiser.h"
#include "nd/certifier.h"
#include "pki/certificate.h"
#include "send/identity.h"
#include "send/receiver.h"

namespace sendoff::router {

struct Advertised {
  Prefix prefix;                                 // a /64
  std::uint32_t valid_lifetime_s = 2'592'000;    // AdvValidLifetime
  std::uint32_t preferred_lifetime_s = 604'800;  // AdvPreferredLifetime
  bool on_link = true;
  bool autonomous = true;
  bool tell_router_address = true;  // R flag: without it nodes ask for no handover keys (W7)
};

// An interface that the daemon owns: it advertises there and serves mobile nodes.
struct Interface {
  InterfaceId id;
  std::string name;
  send::Identity identity;                  // one key and modifier for all addresses (GS27)
  std::vector<Advertised> prefixes;         // the AR's own address is its CGA under each of them
  std::vector<LinkAddress> access_points;   // that hang on this interface (Option-Code 5)
  Duration max_ra_interval = seconds(600);  // RFC 4861 MaxRtrAdvInterval
  Duration min_ra_interval = seconds(198);
  Duration max_answer_delay = nd::kMaxAdvertisementDelay;  // of an RA that answers an RS
  nd::AdvertisedParameters advertised;
  bool tell_link_address = true;  // by the Source Link-Layer Address option of RAs
  // Addresses under one of `prefixes` that this router alone gives out (assigned addressing);
  // nothing: it assigns none here.
  std::optional<Prefix> pool = std::nullopt;
  // Routed to this router, shorter than /64: each arriving node gets an address under a /64 of its
  // own (RFC 5568 5.3); nothing: nodes share the prefixes.
  std::optional<Prefix> mobile_prefixes = std::nullopt;
  bool dhcp = false;  // care-of addresses come from DHCP here: nodes keep the PCoA at first (GF33)
};

// What protects HI and HAck between a neighbouring router and us (RFC 5568 10, E8).
enum class Protection : std::uint8_t {
  kNone,   // nothing: neither is sent to it or taken from it
  kClear,  // nothing, and both are exchanged all the same: by an explicit switch, for test beds
  kEsp,    // our own ESP
  kHost,   // the kernel's IPsec, by policies of the operator or an IKE daemon, or of ours
};
[[nodiscard]] std::string_view name(Protection protection);

// HI and HAck of one neighbour, left to the kernel's IPsec.
struct HostIpsec {
  Ipv6Address local;        // the address of ours that the neighbour knows
  bool install = false;     // the daemon puts the policies there, and takes them away at its end
  std::uint32_t reqid = 0;  // of those policies: of the associations that they take; 0: of any
};

// A neighbouring access router and the access points behind it (RFC 5568 AR-Info).
struct Neighbour {
  std::string name;
  Ipv6Address address;  // global
  LinkAddress link_address;
  Prefix prefix;  // valid where its access points are
  std::vector<LinkAddress> access_points;
  bool fast_handover = true;      // false: Option-Code 7 (GF14)
  bool dhcp = false;              // care-of addresses by DHCP: Code 5 (GF33)
  bool handover_initiate = true;  // false: FBack follows the FBU without HI; warned at start
  Protection protection = Protection::kNone;
  std::optional<esp::Pair> esp = std::nullopt;        // of Protection::kEsp
  std::optional<HostIpsec> ipsec = std::nullopt;      // of Protection::kHost
  std::optional<Duration> round_trip = std::nullopt;  // typical, to it and back; nothing: not known
};

// The certificates that the router serves by CPA.
using Certification = nd::CertifiedPaths;

// The part of the previous access router in a handover.
struct PreviousRouterConfig {
  std::uint32_t hi_retries = 3;             // HI_RETRIES
  Duration hi_timeout = milliseconds(100);  // of the first HI, where no round trip is known
  bool request_buffering = true;            // U of a Code 0 HI
  bool request_address = false;             // S of a Code 0 HI: the NAR chooses the NCoA
  // Keep copies of packets for the PCoA from a Code 0 HI with U on, and send them to the NCoA first
  // when the binding stands (RFC 5568 4, 5.4). A node that was still there gets them twice.
  bool copy_packets = false;
  // Accept a reactive FBU before the HAck to its HI (RFC 5568 6.2.3); a refusal takes it back.
  bool early_fback = false;
  std::size_t max_handovers = 1024;  // that wait for their NAR or for the data path
  std::vector<Ipv6Address> blocked;  // PCoAs that are not handed over: FBack 129 (FH-10-04)
};

// What a node is told that announces an address which somebody else has (RFC 5568 6.4.6).
enum class InUseAnswer : std::uint8_t {
  kNone,
  kConfigure,      // NAACK 1: configure another
  kRouterAddress,  // NAACK 3: keep the PCoA, name our address in the FBU (GF28)
};

// The part of the new access router.
struct NewRouterConfig {
  bool accept = true;                            // false: every HI is answered 129
  Duration proxy_lifetime = milliseconds(1500);  // PROXY_ND_LIFETIME
  std::uint32_t dad_transmits = 1;     // DupAddrDetectTransmits of an NCoA's probe; 0: no probe
  Duration dad_interval = seconds(1);  // RetransTimer of that probe
  bool buffer = true;                  // follow the U flag
  bool assign_proposed = false;  // S: assign the proposed address if it is free, else from the pool
  bool support_pcoa = true;      // no NCoA: a host route and a tunnel for the PCoA (Code 3)
  bool replace_ncoa = false;     // answer a UNA by NAACK 2 with an address of the pool
  InUseAnswer in_use = InUseAnswer::kNone;
  // Tell the previous router of a node that announces its PCoA and is not known here, so that it
  // sends an HI (HAck Code 4).
  bool invite = true;
  Duration pool_lease = seconds(600);     // that an assigned address is kept for its node
  Duration host_route_lease = hours(12);  // of a node that is here with its PCoA
  std::size_t max_arrivals = 4096;        // nodes that are expected or have come
  std::size_t max_arrivals_per_peer = 1024;
};

struct Config {
  std::vector<Interface> interfaces;
  std::vector<Neighbour> neighbours;
  Certification certification;
  send::ReceiverConfig receiver;
  keys::IssuedKeyConfig keys;

  bool provision_keys = true;                // false: RtSolPr are answered without keys (HK-3.2-46)
  bool secured_only = false;                 // RFC 3971 8: unsecured ND is discarded
  bool answer_unvalidated = true;            // W9, HK-3.2-10
  std::uint32_t unvalidated_answers_s = 10;  // for the whole router
  std::uint32_t unvalidated_answers_per_source_s = 2;
  Duration reply_window = seconds(2);  // W11
  std::size_t max_replies = 1024;
  std::size_t max_exchanges = 256;           // provisioning exchanges under way
  bool look_up_records = false;              // the store may hold records that the table does not
  std::uint32_t max_cpa_s = 10;              // MAX_CPA_RATE
  std::uint32_t max_tunnel_lifetime_s = 60;  // GF31
  std::size_t max_bindings = 100'000;
  bool esp_audit = true;                      // report what RFC 4303 4 wants audited
  std::size_t peer_path_mtu = esp::kPathMtu;  // of the ways to neighbours; larger ESP is refused
  PreviousRouterConfig previous_router;
  NewRouterConfig new_router;
};

}  // namespace sendoff::router
