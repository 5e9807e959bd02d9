// Messages as an attacker, or a router that is not there, would send them: made from captured ones,
// or with a key of the bed's.
#pragma once

#include <functional>

#include "system/bed.h"

namespace sendoff::test {

// A captured FBU with its Mobility Header changed; its checksum is right again.
[[nodiscard]] Bytes changed_fbu(const Frame& fbu,
                                const std::function<void(wire::FastBindingUpdate&)>& change);
// A captured FBU in the name of another home address, its authenticator untouched.
[[nodiscard]] Bytes fbu_in_the_name_of(const Ipv6Address& home_address, const Frame& fbu);

// A Mobility Header message between two nodes, without authentication.
template <typename Message>
[[nodiscard]] Bytes mobility_packet(const Ipv6Address& source, const Ipv6Address& destination,
                                    const Message& message, ByteView extension = {}) {
  Bytes upper;
  append(upper, message);
  wire::seal_mobility(source, destination, upper);
  wire::Ipv6Header header;
  header.next_header =
      extension.empty() ? wire::kProtocolMobility : wire::kProtocolDestinationOptions;
  header.source = source;
  header.destination = destination;
  return wire::build_packet(header, extension, upper);
}

// The HAck that a NAR would answer the captured HI with.
[[nodiscard]] Bytes hack_for(const Frame& hi, std::uint8_t code,
                             const std::optional<Ipv6Address>& ncoa = std::nullopt);

// A Router Advertisement of the NAR with a NAACK, signed with its key, made from one that it sent,
// with its link-layer address or without; empty when that cannot be done.
[[nodiscard]] Bytes naack_of_nar(const Bed& bed, const Frame& advertisement,
                                 const Ipv6Address& destination, std::uint8_t status,
                                 bool with_link_address = true);

}  // namespace sendoff::test
