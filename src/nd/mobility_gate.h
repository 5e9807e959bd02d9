// What every Mobility Header to a node must pass before anybody looks into it (RFC 6275 9.2):
// whole, right checksum, a type that somebody here knows, Payload Proto 59, long enough for its
// type. What the RFC wants to be answered is answered here, at a bounded rate: unknown types by a
// Binding Error, bad Payload Proto and length by an ICMPv6 Parameter Problem. Likewise, at a
// router, any other packet whose Home Address option no binding covers (RFC 6275 9.3.1).
//
// Types that another program of the host handles do not come this far: the host leaves them to it.
#pragma once

#include <optional>

#include "base/counters.h"
#include "machine/input.h"
#include "machine/outbox.h"
#include "machine/rate.h"
#include "wire/ipv6.h"
#include "wire/mobility.h"

namespace sendoff::nd {

enum class MobilityCounter : std::uint8_t {
  kNotOurAddress,
  kFragment,
  kTruncated,
  kChecksum,
  kUnknownType,      // Binding Error 2
  kPayloadProtocol,  // Parameter Problem
  kTooShort,         // Parameter Problem
  kNoBinding,        // Binding Error 1
  kAnswered,         // of the last four
  kUnanswered,       // above the rate, or nobody to answer
  kCount,
};
[[nodiscard]] std::string_view name(MobilityCounter counter);

class MobilityGate {
 public:
  explicit MobilityGate(machine::Outbox& outbox) : outbox_(outbox) {}

  // The header of a packet whose upper layer is a Mobility Header; nothing when it was dropped
  // (counted, and answered where the RFC says so). `ours`: it was sent to a unicast address of
  // this node.
  [[nodiscard]] std::optional<wire::MobilityHeader> admit(Now now,
                                                          const machine::Received& received,
                                                          const wire::PacketView& packet,
                                                          bool ours);

  // A packet other than a Mobility Header with a Home Address option, and no binding of that
  // address to its source. `ours` as above.
  void refuse_home_address(Now now, const machine::Received& received,
                           const wire::PacketView& packet, bool ours);

  [[nodiscard]] const Counters<MobilityCounter>& counters() const { return counters_; }

 private:
  void refuse(Now now, MobilityCounter why, const machine::Received& received,
              const wire::PacketView& packet);

  machine::Outbox& outbox_;
  machine::TokenBucket answers_{10, 10};
  Counters<MobilityCounter> counters_;
};

}  // namespace sendoff::nd
