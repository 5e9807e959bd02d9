// What an access router is configured with, checked and complete: config/ makes it from TOML,
// tests make it by hand. Shared handles are immutable.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/address.h"
#include "keys/issued_keys.h"
#include "pki/certificate.h"
#include "send/identity.h"
#include "send/receiver.h"

namespace sendoff::router {

struct Advertised {
  Prefix prefix;  // a /64
  std::uint32_t valid_lifetime_s = 86'400;
  std::uint32_t preferred_lifetime_s = 14'400;
};

// An interface that the daemon owns: it advertises there and serves mobile nodes.
struct Interface {
  InterfaceId id;
  std::string name;
  send::Identity identity;                  // one key and modifier for all addresses (GS27)
  std::vector<Advertised> prefixes;         // the AR's own address is its CGA under each of them
  std::vector<LinkAddress> access_points;   // that hang on this interface (Option-Code 5)
  Duration max_ra_interval = seconds(600);  // RFC 4861 MaxRtrAdvInterval
  Duration min_ra_interval = seconds(200);
  std::uint16_t router_lifetime_s = 1800;
  std::uint8_t hop_limit = 64;
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
};

// The certificates that the router serves by CPA, and the anchor that issued the first of them.
struct Certification {
  std::vector<Bytes> path;  // from the anchor's issue down to the router's own, DER
  pki::TrustAnchor anchor;
  std::vector<std::string> anchor_fqdns;  // names of type 2 that a CPS may use for the anchor
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
};

}  // namespace sendoff::router
