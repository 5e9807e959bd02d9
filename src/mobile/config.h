// What a mobile node is configured with, checked and complete: config/ makes it from TOML.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/address.h"
#include "crypto/mac.h"
#include "keys/encryption_pair.h"
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

  // RFC 5269.
  crypto::Algorithm algorithm = crypto::Algorithm::kHmacSha256_128;  // asked for
  bool accept_weaker = false;                                        // GF4
  bool request_keys = true;
  keys::EncryptionPairConfig encryption_pair;
  std::uint32_t request_interval_s = 900;  // GF42: at least that often
  std::size_t max_keys = 64;
  std::size_t max_held_replies = 8;  // PrRtAdv waiting for a certification path

  // RFC 5568.
  Duration rtsolpr_timeout = milliseconds(100);  // doubling
  unsigned rtsolpr_retries = 3;
  Duration fbu_timeout = seconds(1);  // doubling (GF13)
  unsigned fbu_retries = 3;
  std::uint32_t tunnel_lifetime_s = 30;  // GF31
};

}  // namespace sendoff::mobile
