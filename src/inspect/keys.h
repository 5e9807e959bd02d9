// Keys that a person gives to look into a capture with. A text file, a key a line:
//
//     # comment
//     handover PCOA ALGORITHM HEX     a handover key (RFC 5269) of the node with this care-of
//     address esp SPI HEX                     the key of a security association between routers
//     (docs/esp.md)
#pragma once

#include <string>
#include <vector>

#include "base/address.h"
#include "base/result.h"
#include "base/secret.h"
#include "crypto/mac.h"
#include "esp/key.h"

namespace sendoff::inspect {

struct HandoverKey {
  Ipv6Address pcoa;
  crypto::Algorithm algorithm = crypto::Algorithm::kHmacSha256_128;
  Secret key;
};

struct EspKey {
  std::uint32_t spi = 0;
  esp::Key key;
};

struct Keys {
  std::vector<HandoverKey> handover;
  std::vector<EspKey> esp;
};

// The failure names the line and what is wrong with it, never a key.
[[nodiscard]] Result<Keys, std::string> parse_keys(ByteView text);

}  // namespace sendoff::inspect
