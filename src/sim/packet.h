// Packets and frames of the simulated world, and the streams of its correspondents: numbered UDP
// datagrams, so that each one can be told apart wherever it turns up.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/address.h"
#include "base/bytes.h"
#include "datapath/encapsulation.h"

namespace sendoff::sim {

using Packet = std::shared_ptr<const Bytes>;
[[nodiscard]] inline Packet share(Bytes octets) {
  return std::make_shared<const Bytes>(std::move(octets));
}

// What one station puts on a link. Without a source link-layer address nothing is sent.
struct Frame {
  LinkAddress source;
  LinkAddress destination;
  Packet packet;
};

// 33:33:… of a multicast address (RFC 2464 7).
[[nodiscard]] LinkAddress link_address_of_group(const Ipv6Address& group);
[[nodiscard]] bool is_group(const LinkAddress& address);
// 02:00:5e:kind:0:number
[[nodiscard]] LinkAddress link_address(std::uint8_t kind, std::uint8_t number);

// Which datagram of which stream. The stream to mobile node n has the number n.
struct Mark {
  std::uint32_t stream = 0;
  std::uint32_t number = 0;
  bool echo = false;  // what the mobile node sent back
  friend auto operator<=>(const Mark&, const Mark&) = default;
};
[[nodiscard]] Bytes datagram(const Ipv6Address& source, const Ipv6Address& destination,
                             const Mark& mark);
// Of a datagram, or of one inside tunnels; nothing when it is none or its checksum is wrong.
[[nodiscard]] std::optional<Mark> mark_of(ByteView packet);

// The tunnels that it is in, the outermost first.
[[nodiscard]] std::vector<datapath::Tunnel> tunnels_of(ByteView packet);

// "RtSolPr", "FBU seq=3 life=30", "data 2/17" …: one packet for a person.
[[nodiscard]] std::string describe(ByteView packet);

}  // namespace sendoff::sim
