// What a machine is told. Everything it knows of the world comes in one of these.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/address.h"
#include "base/ids.h"
#include "base/result.h"
#include "base/time.h"
#include "machine/action.h"
#include "machine/job.h"
#include "pki/revocation.h"

namespace sendoff::machine {

// One packet, borrowed for the call.
struct Received {
  enum class Origin : std::uint8_t { kWire, kHost };
  InterfaceId interface;
  Origin origin = Origin::kWire;
  LinkAddress frame_source;
  ByteView packet;                   // from the IPv6 header on
  bool arrived_as_fragment = false;  // reassembled by the host, or an atomic fragment
  bool policed = false;              // came by a socket that the host's IPsec policies guard
  std::optional<HoldId> hold;
  bool proven = false;  // waited apart from what strangers send (SetProven)
};

struct JobResult {
  JobId job_id;
  Result<JobOutput, JobError> output;
};

enum class ActionError : std::uint8_t {
  kRefused,      // the kernel said no; a Report of the driver says how
  kDuplicate,    // AddAddress: DAD found the address in use
  kUnsupported,  // this host cannot do that
  kStore,        // Persist: the store failed; nothing was stored
  kGone,         // the interface went away
};
[[nodiscard]] std::string_view name(ActionError error);

// What an action brought to light beside its success.
struct Facts {
  std::optional<Ipv6Address> address;  // RunDhcp
  pki::RevocationListsPtr lists{};     // ReadRevocationLists: all there are
  bool detecting = false;  // AddAddress: usable, but Duplicate Address Detection goes on (RFC 4429)
};

struct Outcome {
  ActionId action_id;
  Result<Facts, ActionError> result;
};

struct InterfaceUp {
  InterfaceId interface;
  LinkAddress address;
  std::uint32_t mtu = 1500;
};
struct InterfaceDown {
  InterfaceId interface;
};
struct MtuChanged {
  InterfaceId interface;
  std::uint32_t mtu = 1500;
};
// Whether the host forwards what comes in there. Until it is told, it does.
struct ForwardingChanged {
  InterfaceId interface;
  bool forwarding = true;
};
struct AddressChanged {
  enum class What : std::uint8_t { kReady, kDuplicate, kRemoved };
  InterfaceId interface;
  Ipv6Address address;
  What what = What::kReady;
};
struct ApAttached {
  InterfaceId interface;
  LinkAddress access_point;
};
struct ApLost {
  InterfaceId interface;
};
struct NeighbourChanged {
  InterfaceId interface;
  Ipv6Address address;
  std::optional<LinkAddress> link_address;
  bool reachable = false;
};
// What the host's IPsec does with HI and HAck between an address of ours and a neighbour whose
// protection is left to it.
struct HostProtection {
  Ipv6Address peer;
  Ipv6Address local;
  std::string lacks;  // empty: both are protected, both ways
};
// UTC jumped against the boot clock by more than drift can: so far, forwards or back.
struct ClockStepped {
  Duration by{};
};
// The daemon ends after what the machine asks for now; it is waited for a moment, not for long.
struct Ending {};

using HostEvent =
    std::variant<InterfaceUp, InterfaceDown, MtuChanged, ForwardingChanged, AddressChanged,
                 ApAttached, ApLost, NeighbourChanged, HostProtection, ClockStepped, Ending>;

// From the control socket.
struct HandOver {  // MN: move to this access point
  LinkAddress access_point;
};
// MN: ask the current AR for a handover key now, and about these access points; none: about all.
struct RequestKey {
  std::vector<LinkAddress> access_points{};
  std::optional<Ipv6Address>
      destination{};  // the AR's link-local address, or all routers (ff02::2)
};
struct BindingComplete {};  // MN: Mobile IPv6 has updated its bindings (RFC 5269 3.6)

// AR: an unsolicited PrRtAdv to a node on one of its links (RFC 5568 3.3, 6.1.2): with an access
// point the trigger to hand over to it (Code 1), without one news of the neighbourhood (Code 4).
struct Advise {
  // By its address on the link; or, where an access point is what knows the node, by its
  // link-layer address: that is the address it last obtained a handover key for.
  std::variant<Ipv6Address, LinkAddress> mn;
  std::optional<LinkAddress> access_point;
  // With the trigger: the care-of address that the node is to take there.
  std::optional<Ipv6Address> new_care_of = std::nullopt;
};

using Order = std::variant<HandOver, RequestKey, BindingComplete, Advise>;

enum class OrderError : std::uint8_t {
  kNotMyRole,
  kUnknownAccessPoint,  // no PrRtAdv or configuration names a router for it
  kSameInterface,       // the access point is on the router's current interface (Option-Code 5)
  kNoFastHandover,      // its router has no fast handover (Option-Code 7), or is not known (6)
  kNoKey,               // no live handover key for (AR, CGA); none is asked for in the FBU's path
  kNoAddress,           // no care-of CGA on this link yet
  kTentativeAddress,    // Duplicate Address Detection for it has not ended
  kNoRouter,            // no validated router yet
  kNotARouter,          // the destination is neither the current router nor all of them
  kTooMany,             // access points for one message
  kBusy,                // a handover is under way
  kWrongPrefix,         // the care-of address is none of the access point's router
  kUnknownNode,         // no node with this link-layer address holds a handover key here
};
[[nodiscard]] std::string_view name(OrderError error);
// One sentence for a person: what is missing and how it comes.
[[nodiscard]] std::string_view explain(OrderError error);

}  // namespace sendoff::machine
