// Making SEND messages: the CGA, Timestamp and Nonce options in the order of W1, and the job that
// signs. Refuses to make what the RFCs forbid.
#pragma once

#include <optional>

#include "base/random.h"
#include "base/result.h"
#include "base/time.h"
#include "machine/job.h"
#include "send/identity.h"
#include "send/timestamps.h"

namespace sendoff::send {

struct Unsigned {
  Ipv6Address source;  // what is claimed (claimed_address()) is a CGA of `parameters`
  Ipv6Address destination;
  Bytes message;  // ICMPv6: fixed part and the options before the CGA option
  cga::Parameters parameters;
  std::optional<Bytes> nonce;         // 6, 14, 22 … octets
  bool cga_option = true;             // without it only a certificate proves the key
  std::optional<machine::Seal> seal;  // offset counts from the start of `message`
};

enum class SendError : std::uint8_t {
  kNotMyCga,         // what is claimed does not verify with the parameters: nothing is sent
  kTooBig,           // the signed packet would exceed the link MTU; nothing is fragmented (W8)
  kNonceLength,      // not 6, 14, 22 …
  kHandoverOptions,  // option 27 or 28 in another message, twice, or without a nonce
  kHandoverKey,      // option 27 holds the CGA key, or a key of other parameters
};
[[nodiscard]] std::string_view name(SendError error);

// Size of the IPv6 packet that sign() would lead to.
[[nodiscard]] std::size_t packet_size(const Unsigned& message, const crypto::SigningKey& key);

// Completes `message` and gives the job that signs it. Its result is sent in a packet from
// message.source to message.destination (wire::icmpv6_packet).
[[nodiscard]] Result<machine::SignMessage, SendError> sign(
    Unsigned message, std::shared_ptr<const crypto::SigningKey> key, UtcTime utc,
    std::uint32_t mtu);

// The packet of a solicitation for routers from :: (RFC 3971 5.3.3, GS2): it has no CGA and no
// signature, but a Timestamp and a Nonce, by which its answer is known. `message`: fixed part and
// other options.
[[nodiscard]] Bytes solicitation_from_unspecified(Bytes message, ByteView nonce, UtcTime utc);

// A fresh nonce of 6 octets; empty when the random source failed.
[[nodiscard]] Bytes draw_nonce(Random& random);

}  // namespace sendoff::send
