// One ESP packet as RFC 4303 2 has it, in transport mode with NULL encryption (RFC 2410) and
// HMAC-SHA-256-128 (RFC 4868), 32-bit sequence numbers:
//
//     SPI (4) | Sequence Number (4) | payload | padding 1, 2, 3, ... | Pad Length (1) |
//     Next Header (1) | ICV (16)
//
// Octets only: no association, no window, no decision.
#pragma once

#include "base/secret.h"
#include "wire/error.h"
#include "wire/ipv6.h"

namespace sendoff::esp {

inline constexpr std::size_t kHeaderSize = 8;
inline constexpr std::size_t kTrailerSize = 2;  // behind the padding
inline constexpr std::size_t kIcvSize = 16;
inline constexpr std::size_t kKeySize = 32;
inline constexpr std::size_t kAlignment = 4;
inline constexpr std::size_t kMinSize = kHeaderSize + kAlignment + kIcvSize;
inline constexpr std::size_t kMaxPadding = 255;
// The only suite, by its name in configuration and status.
inline constexpr std::string_view kSuite = "hmac-sha-256-128";

// The fewest octets that make the trailer end on a 4-octet boundary (RFC 4303 2.4): 0 to 3.
[[nodiscard]] std::size_t fewest_padding(std::size_t payload_size);

// A packet to be made.
struct Envelope {
  std::uint32_t spi = 0;
  std::uint32_t sequence = 0;
  std::uint8_t next_header = wire::kProtocolMobility;
  ByteView payload;
  std::size_t padding = fewest_padding(payload.size());  // 0 to kMaxPadding

  [[nodiscard]] std::size_t size() const {
    return kHeaderSize + payload.size() + padding + kTrailerSize + kIcvSize;
  }
  // Fills all of `out`, which has size() octets. `key` has kKeySize octets.
  void emit(ByteSpan out, const Secret& key) const;
};

// SPI and sequence number: what is looked at before any cryptography. kLength: shorter than
// kMinSize or no multiple of 4.
struct Header {
  std::uint32_t spi = 0;
  std::uint32_t sequence = 0;
  [[nodiscard]] static wire::Parsed<Header> parse(ByteView packet);
};

// Whether the last 16 octets are the MAC over all before them, in constant time. `packet` is one
// that Header::parse took.
[[nodiscard]] bool icv_holds(ByteView packet, const Secret& key);

// What is inside, borrowed. Call it for a packet whose ICV holds. kPadLength: Pad Length exceeds
// what is there, or the padding is not 1, 2, 3, ... (E10).
struct Content {
  std::uint8_t next_header = 0;
  ByteView payload;
  [[nodiscard]] static wire::Parsed<Content> parse(ByteView packet);
};

}  // namespace sendoff::esp
