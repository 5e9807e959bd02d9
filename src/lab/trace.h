// What a capture file shows, packet by packet, as far as the lab cares: its own datagrams and TCP
// segments, tunnelled or not, and the messages of a handover.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/address.h"
#include "base/time.h"
#include "lab/failure.h"

namespace sendoff::lab {

struct Sighting {
  enum class Kind : std::uint8_t { kDatagram, kSegment, kMessage };

  Kind kind = Kind::kMessage;
  UtcTime at;
  LinkAddress from;  // of the frame
  Ipv6Address source;
  Ipv6Address destination;  // of the inner packet, where there is one
  bool tunnelled = false;
  Ipv6Address tunnel_end;      // the outer destination
  std::uint64_t sequence = 0;  // kDatagram: its number; kSegment: TCP's, of the first octet
  std::uint32_t size = 0;      // kSegment: octets of data

  std::string_view message;       // kMessage: "FBU", "RtSolPr" …
  std::uint64_t fingerprint = 0;  // kMessage: of its octets and addresses, the same on every link
};
using Trace = std::vector<Sighting>;

// One Ethernet frame; nothing when it is none of those. The frame may be cut off behind the headers
// of a TCP segment.
[[nodiscard]] std::optional<Sighting> understand(UtcTime at, ByteView frame);

// In the order of the file.
[[nodiscard]] Attempt<Trace> read_trace(const std::string& path);

}  // namespace sendoff::lab
