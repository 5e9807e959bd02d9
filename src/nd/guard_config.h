// What the guard of the kernel's Neighbor Discovery is configured with, and what it counts.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/address.h"
#include "base/counters.h"
#include "nd/certifier.h"
#include "nd/path_fetcher.h"
#include "send/identity.h"
#include "send/receiver.h"

namespace sendoff::nd {

enum class GuardMode : std::uint8_t {
  kMixed,        // unsecured messages are taken where RFC 3971 8 allows it
  kSecuredOnly,  // they are not taken, and none is sent
  kOff,          // no SEND: all passes as it is, both ways (RFC 3971 8)
};
[[nodiscard]] std::string_view name(GuardMode mode);

struct GuardedInterface {
  InterfaceId id;
  std::string name;
  GuardMode mode = GuardMode::kMixed;
  bool cga = true;                    // CGA options are sent and verified (RFC 3971 5.2.3)
  std::vector<Prefix> prefixes;       // /64s on the link that need no advertisement
  bool form_addresses = true;         // from advertised prefixes (RFC 4862 5.5)
  bool ignore_unsecured_dad = false;  // against the first address, too (RFC 3971 8)
};

// All hosts of a link may be strangers to a guard, where a role has a router and a few nodes: it
// verifies more of them, and remembers more (docs/performance.md has what floods cost it).
[[nodiscard]] inline send::ReceiverConfig guards_receiver() {
  send::ReceiverConfig receiver;
  receiver.budget = {.per_source_s = 20, .per_interface_s = 4000, .max_sources = 65'536};
  receiver.max_pending = 256;
  receiver.max_duplicates = 32'768;  // of what is verified meanwhile
  return receiver;
}

// Whose the interfaces' addresses are, and who listens to routers.
enum class GuardPlace : std::uint8_t {
  kAlone,         // the guard's
  kBesideMobile,  // the mobile node's, in the same daemon
  kBesideRouter,  // the access router's, likewise
};

struct GuardConfig {
  GuardPlace place = GuardPlace::kAlone;
  std::vector<GuardedInterface> interfaces;
  send::Identity identity;  // for all addresses
  send::ReceiverConfig receiver = guards_receiver();
  send::BudgetConfig signatures;  // of one neighbour or interface a second: asked, and answered
  std::size_t max_signing = 64;   // messages of the kernel's that wait for their signature
  // Fewer than the kernel takes (its gc_thresh3, 1024): what is forgotten here is taken out there.
  std::size_t max_neighbours = 768;
  PathFetcherConfig paths;  // no anchors: no router is certified
  // By the indices of those anchors, which ones count for a kind of message; a kind that is not
  // here: all.
  std::map<send::Kind, std::set<std::size_t>> anchors_of;
  std::optional<CertifierConfig> certifier;  // of a router: the path that it answers CPS with
};

enum class GuardCounter : std::uint8_t {
  // Out.
  kSigned,
  kSignedAlready,    // by another program: passed as it is
  kFromUnspecified,  // RS from ::, with Nonce and Timestamp (GS2)
  kNotOurAddress,    // mixed: passed unsigned, for its address is no CGA of the guard's
  kNotOurRefused,    // secured-only: dropped for that
  kSignBudget,       // dropped, here and below: too many for that neighbour or interface
  kSignQueue,
  kTooBig,
  kSignFailed,
  kOutMalformed,
  kRouterSought,  // RS of the guard's own, for a certified router where there is none
  // In.
  kSecured,        // given to the kernel
  kAnswered,       // by the guard itself: a question of a stranger whose clock is off
  kUnsecured,      // given to the kernel
  kSecuredOnly,    // dropped, here and below, but where it says otherwise: not signed
  kSecuredEntry,   // not signed, and would change what a signed message told
  kSecuredRouter,  // not signed, and of a link that has a certified router
  kOwnAddress,     // not signed, in the name of an address of ours
  kLaterDad,       // not signed, against an address that does not yield to such (RFC 3971 8)
  kOwnKey,         // signed by ourselves: replayed, or looped back (GS17)
  kUnauthorised,   // signed, and not proven as its kind of message demands
  kTarget,         // a secured NA for an address that is not its source (GS16)
  kPathAwaited,    // an RA that waits for its router's certification path (GS33)
  kNoPath,         // its router is not certified, or too many waited
  kLeftToRole,     // an RA or a Redirect, where the role in the same daemon reads these itself
  kRedirector,  // a Redirect of no certified router of this link, where no unsecured one is taken
  kPrefixRemoved,  // passed without a prefix or route that its router is not certified for
  kNotSolicited,   // passed without its S flag, for it has no Nonce of ours (GS4)
  kNeighbourEvicted,
  kCount,
};
[[nodiscard]] std::string_view name(GuardCounter counter);

// An interface as it is now.
struct GuardedLink {
  GuardedInterface config;
  bool up = false;
  bool forwarding = true;
  std::uint32_t mtu = 1500;
  LinkAddress address{};
};
using GuardedLinks = std::map<InterfaceId, GuardedLink>;

}  // namespace sendoff::nd
