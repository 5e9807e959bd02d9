// What is configured for a peer whose HI and HAck go inside ESP (RFC 5568 10): security
// associations with keys set by hand, one outbound, one inbound, a second inbound one while the key
// is changed.
#pragma once

#include <string>
#include <vector>

#include "base/address.h"
#include "esp/key.h"

namespace sendoff::esp {

inline constexpr std::uint32_t kLowestSpi = 256;  // RFC 4303 2.1: those below are reserved

// What every link carries unfragmented (RFC 8200 5). An HI is far smaller.
inline constexpr std::size_t kPathMtu = 1280;

struct Outbound {
  std::uint32_t spi = 0;
  Key key;
};

struct Inbound {
  std::uint32_t spi = 0;
  Key key;
  bool anti_replay = true;
};

struct Pair {
  static constexpr std::size_t kMaxInbound = 2;

  Ipv6Address local;  // of ours: source of what is sent, destination of what is taken
  Ipv6Address peer;
  Outbound outbound;
  std::vector<Inbound> inbound;  // 1 or 2, no SPI in two pairs
};

struct Config {
  std::vector<Pair> pairs;          // one a peer
  std::vector<Ipv6Address> others;  // neighbours without associations: their ESP has none
  bool audit = true;
};

}  // namespace sendoff::esp
