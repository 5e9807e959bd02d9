// A Fast Binding Update as it came (RFC 5568 6.2.2), and everything about it that can be judged
// without a key.
#pragma once

#include <optional>

#include "machine/input.h"
#include "machine/record.h"
#include "router/links.h"
#include "wire/ipv6.h"
#include "wire/mobility.h"

namespace sendoff::router {

// What becomes of FBUs, one counter each.
enum class ParCounter : std::uint8_t {
  // Not answered.
  kMalformed,
  kOtherType,  // a mobility message that is nothing to a router
  kNoHomeAddress,
  kNotOnLink,      // PCoA in no prefix of the interface that holds the addressed PAR (GF24)
  kFlags,          // A or H is 0
  kNonceIndices,   // an option that H forbids
  kCareOfAddress,  // not unicast routable, or none but the PCoA
  kNoKey,
  kKeyExpired,
  kNoAuthorization,
  kSpi,
  kMacLength,
  kMac,
  // Authenticated.
  kRepeated,          // octet-identical: the same FBack again
  kRepeatUnanswered,  // above the rate of those, or its FBack is not known yet
  kStale,             // sequence number: FBack 135
  kStaleUnanswered,   // above the rate of those
  kBlocked,           // the operator blocks the PCoA: FBack 129
  kProhibited,        // NCoA at no neighbour of ours: FBack 129
  kNotAsked,          // no HI could be sent to the NAR: FBack 128
  kNoLinkAddress,     // no HI, since the MN's link-layer address is not known: FBack 128
  kNarSilent,         // no HAck: FBack 128
  kNarRefused,        // FBack as the HAck says
  kNoResources,       // FBack 130
  kJoined,            // to one whose HI or binding is under way
  kAccepted,
  kEarly,    // of those, before the HAck
  kEnded,    // lifetime 0
  kExpired,  // bindings that ran out
  kCount,
};
[[nodiscard]] std::string_view name(ParCounter counter);

// An FBU that passed every check that needs no key.
struct Update {
  InterfaceId arrived_on;
  LinkAddress frame_source;
  Ipv6Address source;  // on the wire
  Ipv6Address pcoa;
  Ipv6Address par;              // our address that it was sent to
  Ipv6Address care_of;          // the new care-of address
  Ipv6Address care_of_term;     // of the authenticator
  InterfaceId holder;           // the interface that holds `par`
  wire::FastBindingUpdate fbu;  // its authorization option is not to be read: it was borrowed
  crypto::Sha256Digest digest{};
  machine::IssuedKeyName key;

  [[nodiscard]] bool predictive() const { return source == pcoa; }
};

// Reads the FBU of a packet that the MobilityGate admitted. The cause when it is dropped.
[[nodiscard]] std::optional<ParCounter> read_fbu(const std::vector<ServedLink>& links,
                                                 const machine::Received& received,
                                                 const wire::PacketView& packet, Update& update);

}  // namespace sendoff::router
