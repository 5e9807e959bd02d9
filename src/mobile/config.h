// What a mobile node is configured with, checked and complete: config/ makes it from TOML.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/address.h"
#include "crypto/mac.h"
#include "keys/encryption_pair.h"
#include "mobile/neighbourhood.h"
#include "nd/discovery.h"
#include "nd/path_fetcher.h"
#include "send/identity.h"
#include "send/receiver.h"

namespace sendoff::mobile {

struct Interface {
  InterfaceId id;
  std::string name;
};

struct Config {
  std::vector<Interface> interfaces;  // the first that has a router is used
  send::Identity identity;            // for all addresses, on every link
  send::ReceiverConfig receiver;
  nd::PathFetcherConfig paths;  // trust anchors; none: no key exchange (HK-3.2-36)
  nd::DiscoveryConfig discovery;
  machine::DadMode dad = machine::DadMode::kNormal;
  bool form_addresses = true;  // from advertised prefixes (RFC 4862 5.5)

  // RFC 5269.
  crypto::Algorithm algorithm = crypto::Algorithm::kHmacSha256_128;  // asked for
  bool accept_weaker = false;                                        // GF4
  bool request_keys = true;
  keys::EncryptionPairConfig encryption_pair;
  std::uint32_t request_interval_s = 900;  // GF42: at least that often
  std::size_t max_keys = 64;
  std::size_t max_held_replies = 8;  // PrRtAdv waiting for a certification path

  // RFC 5568.
  std::vector<AccessPoint> access_points;  // known without asking: used where no router tells more
  Duration rtsolpr_timeout = milliseconds(100);  // doubling
  unsigned rtsolpr_retries = 3;
  unsigned rtsolpr_rate = 3;          // MAX_RTSOLPR_RATE, a second
  Duration fbu_timeout = seconds(1);  // doubling (GF13)
  unsigned fbu_retries = 3;
  std::uint32_t tunnel_lifetime_s = 30;       // GF31
  std::uint32_t keep_forwarding_s = 0;        // renewed for so long (GF41); 0: the key's life
  Duration fback_wait = seconds(1);           // for an FBack, then the link is changed without
  Duration handover_interval = seconds(2);    // between voluntary handovers (RFC 5568 5.6)
  bool fbu_link_address = true;               // MH-LLA option in FBUs (RFC 5568 6.4.4)
  unsigned una_retries = 2;                   // at most 2: MAX_NEIGHBOR_ADVERTISEMENT is 3
  Duration una_interval = milliseconds(200);  // RetransTimer of UNAs (RFC 5568 6.3)
  bool una_unicast = false;                   // to the NAR's address instead of ff02::1
};

}  // namespace sendoff::mobile
