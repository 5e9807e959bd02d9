// What outlives a restart: the records that a store keeps. A store is reached only by Persist,
// Forget and the LookUp job; a machine starts from a Snapshot. Expiries are in UTC, since the boot
// clock starts anew; sequence ceilings are reserved in blocks, so that a record need not be
// written for every FBU (GF42).
#pragma once

#include <array>
#include <optional>
#include <variant>
#include <vector>

#include "base/address.h"
#include "base/secret.h"
#include "base/time.h"
#include "crypto/mac.h"
#include "esp/sequence.h"

namespace sendoff::machine {

inline constexpr std::uint16_t kSequenceBlock = 256;

// AR: a handover key it issued (RFC 5269 3.2). A CGA has at most two: `generation` tells them
// apart, the higher is the newer.
struct IssuedKey {
  Ipv6Address cga;
  std::uint32_t generation = 0;
  crypto::Algorithm algorithm = crypto::Algorithm::kHmacSha1_96;
  Secret key;
  UtcTime expires;
  std::optional<std::uint16_t> sequence_ceiling;  // nothing: none is reserved
  LinkAddress link_address;                       // whose share of the table it counts against
};

// MN: a handover key it holds (RFC 5269 3.3).
struct HeldKey {
  Ipv6Address ar;  // global address: where FBUs go
  Ipv6Address cga;
  Ipv6Address ar_link_local;
  crypto::Algorithm algorithm = crypto::Algorithm::kHmacSha1_96;
  Secret key;
  UtcTime expires;
  std::uint16_t sequence_ceiling = 0;
};

// PAR: forwarding that is in force (RFC 5568 5), so that a restart takes it up again. The key that
// its FBU was authenticated with is (pcoa, generation). The record stays when `expires` is over,
// for its machine has something to do then, also after a restart: the keys of the PCoA go (GF8).
struct LiveBinding {
  Ipv6Address pcoa;
  Ipv6Address far_end;  // of the tunnel: the NCoA, or the NAR for "use PCoA"
  Ipv6Address par;      // our address that the FBU named
  std::uint32_t generation = 0;
  UtcTime expires;
};

// One counter of an ESP security association between access routers (E2 to E4). Outbound: the last
// number of the reserved block; inbound: the highest accepted. It belongs to the key, of which only
// the fingerprint is kept, and does not expire.
using EspDirection = esp::Direction;
using EspFingerprint = esp::Fingerprint;
using EspCounter = esp::SequenceRecord;

using Record = std::variant<IssuedKey, HeldKey, LiveBinding, EspCounter>;

struct IssuedKeyName {
  Ipv6Address cga;
  std::uint32_t generation = 0;
  friend auto operator<=>(const IssuedKeyName&, const IssuedKeyName&) = default;
};
struct HeldKeyName {
  Ipv6Address ar;
  Ipv6Address cga;
  friend auto operator<=>(const HeldKeyName&, const HeldKeyName&) = default;
};
struct LiveBindingName {
  Ipv6Address pcoa;
  friend auto operator<=>(const LiveBindingName&, const LiveBindingName&) = default;
};
using EspCounterName = esp::SequenceName;
// LookUp of an IssuedKeyName finds every generation of the CGA.
using RecordName = std::variant<IssuedKeyName, HeldKeyName, LiveBindingName, EspCounterName>;

[[nodiscard]] RecordName name_of(const Record& record);
[[nodiscard]] Record duplicate(const Record& record);
// When a store drops it by itself; nothing: not before it is told to forget it.
[[nodiscard]] std::optional<UtcTime> expiry_of(const Record& record);

using Snapshot = std::vector<Record>;

}  // namespace sendoff::machine
