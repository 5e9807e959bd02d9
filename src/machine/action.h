// What a machine wants done. A driver (the daemons' event loop, a test, the simulator) polls the
// actions and carries them out; what comes of them it reports by Outcome or JobResult.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/address.h"
#include "base/ids.h"
#include "base/time.h"
#include "machine/event.h"
#include "machine/job.h"
#include "machine/record.h"

namespace sendoff::machine {

using ActionId = Id<struct ActionTag>;
using HoldId = Id<struct HoldTag>;  // a packet of the kernel's that waits for a verdict

// Sends a complete IPv6 packet. Without a link destination: a multicast destination is mapped
// (RFC 2464 7), any other is resolved by the host's neighbour cache. A routed packet goes where
// the host's routes lead, whatever the interface. A policed one is a Mobility Header that leaves
// as the host's IPsec policies say, or not at all. Loss is not reported.
struct Transmit {
  InterfaceId interface;
  std::optional<LinkAddress> link_destination;
  Bytes packet;
  bool routed = false;
  bool policed = false;
};

struct Verdict {
  enum class Kind : std::uint8_t { kPass, kReplace, kDrop };
  HoldId hold;
  Kind kind = Kind::kDrop;
  Bytes packet;  // kReplace
};
// From now on what comes in from this neighbour and is held waits apart from what strangers send,
// or no more. The host lets as much pass there as a neighbour has to say, the rest is a stranger's.
struct SetProven {
  static constexpr std::size_t kMost = 4096;  // at a time; the host takes no more
  InterfaceId interface;
  Ipv6Address address;
  bool present = true;
};

struct Start {
  JobId job_id;
  Job job;
  JobClass job_class = JobClass::kUnsolicited;
};
struct Cancel {
  JobId job_id;
};

// PAR: packets for `pcoa` go through a tunnel from `tunnel_source` to `ncoa`, and of what comes out
// of that tunnel only packets from `pcoa` go on (GF26). One that exists for the PCoA is replaced.
struct InstallBinding {
  Ipv6Address pcoa;
  Ipv6Address ncoa;           // the tunnel's far end: the NCoA, or the NAR for "use PCoA" (GF16)
  Ipv6Address tunnel_source;  // its near end, an address of ours
  InterfaceId interface;      // where the PCoA was on-link
};
struct RemoveBinding {
  Ipv6Address pcoa;
};

// The node's end of that tunnel, at the MN or, for "use PCoA", at the NAR: packets from `pcoa`
// leave through a tunnel from `local` to `remote`, and of what comes out of it only packets for
// `pcoa` are taken (MN) or delivered on `interface` (NAR). One that exists for the PCoA is
// replaced.
struct AttachTunnel {
  Ipv6Address pcoa;
  Ipv6Address local;   // an address of ours
  Ipv6Address remote;  // the PAR's
  InterfaceId interface;
};
struct DetachTunnel {
  Ipv6Address pcoa;
};

// Packets to be forwarded to `address` are held, in order, within the data path's bounds.
// With `copies` (PAR, RFC 5568 4) they go on at once all the same, and a copy of each is held;
// opened again without, the copying is over, and packets are held behind the copies. Copies of
// what a buffer holds already are refused.
struct OpenBuffer {
  Ipv6Address address;
  InterfaceId interface;  // where the address will be on-link
  bool copies = false;
};
// What is held goes out in order (RFC 5568 5.4, GF40), later packets behind it; then the buffer is
// gone. Copies go where a binding leads; without one they are dropped, as their originals went to
// the link already. The outcome tells that the release began.
struct ReleaseBuffer {
  Ipv6Address address;
};
// What is held is dropped, and the buffer is gone.
struct DiscardBuffer {
  Ipv6Address address;
};

enum class DadMode : std::uint8_t { kNormal, kOptimistic, kNone };

// Lifetimes: nothing means infinite. Adding an address that is there updates its lifetimes.
struct AddAddress {
  InterfaceId interface;
  Ipv6Address address;
  std::uint8_t prefix_length = 64;
  DadMode dad = DadMode::kNormal;
  std::optional<Duration> valid;
  std::optional<Duration> preferred;
};
struct RemoveAddress {
  InterfaceId interface;
  Ipv6Address address;
};

struct SetRoute {
  Prefix destination;
  std::optional<Ipv6Address> gateway;  // nothing: on-link
  InterfaceId interface;
  bool present = true;  // false removes it
};
struct SetNeighbour {
  InterfaceId interface;
  Ipv6Address address;
  std::optional<LinkAddress> link_address;  // nothing removes the entry
};
struct SetProxy {
  InterfaceId interface;
  Ipv6Address address;
  bool present = true;
};
struct JoinGroup {
  InterfaceId interface;
  Ipv6Address group;
  bool member = true;
};
struct SwitchLink {
  InterfaceId interface;
  LinkAddress access_point;
};
struct RunDhcp {
  InterfaceId interface;
};
// Has certificate revocation lists fetched from where certificates say that they are, and reads all
// that the host has (Facts::lists).
struct ReadRevocationLists {
  std::vector<std::string> uris;
};

struct Persist {
  Record record;
};
struct Forget {
  RecordName name;
};

struct Report {
  Event event;
};

using ActionKind =
    std::variant<Transmit, Verdict, SetProven, Start, Cancel, InstallBinding, RemoveBinding,
                 AttachTunnel, DetachTunnel, OpenBuffer, ReleaseBuffer, DiscardBuffer, AddAddress,
                 RemoveAddress, SetRoute, SetNeighbour, SetProxy, JoinGroup, SwitchLink, RunDhcp,
                 ReadRevocationLists, Persist, Forget, Report>;

struct Action {
  ActionId id;
  ActionKind what;
};

// Whether the driver owes exactly one Outcome for it: for all but Transmit, Verdict, SetProven,
// Start (answered by a JobResult), Cancel and Report.
[[nodiscard]] bool has_outcome(const ActionKind& action);

// For traces and errors: "add-address", "install-binding" …
[[nodiscard]] std::string_view name(const ActionKind& action);

}  // namespace sendoff::machine
