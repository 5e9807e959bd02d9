// Messages as attackers make them: well formed, signed with a key of their own or not at all.
#pragma once

#include <optional>

#include "base/secret.h"
#include "base/time.h"
#include "crypto/mac.h"
#include "send/identity.h"
#include "sim/packet.h"
#include "wire/mobility.h"

namespace sendoff::sim {

// An ICMPv6 packet that anybody can make.
[[nodiscard]] Bytes unsigned_packet(const Ipv6Address& source, const Ipv6Address& destination,
                                    Bytes message);
// The same from the CGA of `identity` under the prefix of `source`, with everything that SEND asks
// for; empty when it cannot be made. `claimed`: under that address instead, whoever's it is.
[[nodiscard]] Bytes signed_packet(const send::Identity& identity, const Ipv6Address& source,
                                  const Ipv6Address& destination, Bytes message, UtcTime utc,
                                  ByteView nonce,
                                  const std::optional<Ipv6Address>& claimed = std::nullopt);
// An RtSolPr that asks for a handover key, without the SEND options. No key when `spki` is empty.
[[nodiscard]] Bytes key_request(std::uint16_t identifier, const LinkAddress& from, ByteView spki);

struct ForgedUpdate {
  Ipv6Address source;
  Ipv6Address router;
  Ipv6Address home_address;
  Ipv6Address care_of;
  std::uint16_t sequence = 1;
  std::uint16_t lifetime_s = 30;
};
// An FBU under `key`, as good as its owner would make it.
[[nodiscard]] Bytes update_packet(const ForgedUpdate& update, crypto::Algorithm algorithm,
                                  const Secret& key);
template <typename Message>
[[nodiscard]] Bytes mobility_packet(const Ipv6Address& source, const Ipv6Address& destination,
                                    const Message& message);

// Turns an octet of the upper layer and mends the checksum, as somebody in the middle would.
[[nodiscard]] Bytes tampered(ByteView packet, std::uint64_t where, std::uint8_t with);
// Neighbor Discovery, SEND, FMIPv6: what attackers take an interest in.
[[nodiscard]] bool is_signal(ByteView packet);

}  // namespace sendoff::sim
