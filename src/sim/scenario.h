// What a run is made of, drawn from its seed: how many nodes, which faults and attackers, how
// often. A scenario and the code decide everything that happens.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"

namespace sendoff::sim {

// What goes wrong by itself.
enum class Fault : std::uint8_t {
  kLoss,               // of a packet on a link or between routers
  kJitter,             // a packet is late, and others may overtake it
  kDuplication,        // a packet arrives twice
  kCorruption,         // a bit of a packet is turned
  kFlap,               // the access link of a router goes down for a while
  kPartition,          // two routers do not reach each other for a while
  kCrash,              // a node ends without a word and starts again with its store
  kCrashWithoutStore,  // … with an empty one
  kClockStep,          // the UTC clock of a node jumps
  kSlowJobs,           // RSA takes up to a second, and ends in any order
  kLostJobs,           // a job fails
  kStoreFailure,       // a record is not stored
  kRefusal,            // the host refuses an action
  kSmallTables,        // tables and buffers with room for a few only
  kAbruptMoves,        // a node leaves its link without an order
  kCount,
};
[[nodiscard]] std::string_view name(Fault fault);

// Who wishes the nodes ill.
enum class Attack : std::uint8_t {
  kForge,        // messages in others' names, without their keys
  kReplay,       // octets that were heard before
  kFlood,        // many solicitations, each worth a verification
  kTamper,       // a man in the middle of a link, who mends checksums
  kRogueRouter,  // a neighbouring router: configured, certified, and malicious
  kRogueMobile,  // a mobile node with a key of its own that speaks of other nodes' addresses
  kSquat,        // somebody on a link who has the address that a node will want there
  kCount,
};
[[nodiscard]] std::string_view name(Attack attack);

inline constexpr std::size_t kFaults = static_cast<std::size_t>(Fault::kCount);
inline constexpr std::size_t kAttacks = static_cast<std::size_t>(Attack::kCount);
inline constexpr unsigned kMaxRouters = 4;
inline constexpr unsigned kMaxMobiles = 5;

struct Scenario {
  std::uint64_t seed = 0;
  unsigned routers = 2;
  unsigned mobiles = 1;
  Duration active = seconds(60);  // of faults, attacks and moves; then the world calms down
  std::array<std::uint32_t, kFaults> faults{};    // per million, or mean seconds between two
  std::array<std::uint32_t, kAttacks> attacks{};  // mean milliseconds between two deeds
  Duration link_latency = milliseconds(2);
  Duration core_latency = milliseconds(10);
  Duration packet_interval = milliseconds(50);  // of the stream to each mobile node
  Duration dwell = seconds(10);                 // mean stay on a link
  std::uint32_t key_lifetime_s = 600;

  [[nodiscard]] std::uint32_t rate(Fault fault) const {
    return faults[static_cast<std::size_t>(fault)];
  }
  [[nodiscard]] std::uint32_t rate(Attack attack) const {
    return attacks[static_cast<std::size_t>(attack)];
  }
  // Nothing goes wrong, and nobody wants it to: then nothing may be lost either.
  [[nodiscard]] bool calm() const;
  // The same, but that nodes may leave their links without an order.
  [[nodiscard]] bool undisturbed() const;
  // "3 routers, 2 mobiles, 60 s, loss jitter forge"
  [[nodiscard]] std::string text() const;
};

[[nodiscard]] Scenario draw_scenario(std::uint64_t seed);

// What somebody wants otherwise than the seed: the command line's, or shrinking's.
struct Changes {
  std::optional<unsigned> routers;
  std::optional<unsigned> mobiles;
  std::optional<Duration> active;
  std::array<bool, kFaults> without_fault{};
  std::array<bool, kAttacks> without_attack{};

  // "loss", "replay" …; false when there is no such thing.
  [[nodiscard]] bool leave_out(std::string_view what);
  // As options of `sendoff sim`.
  [[nodiscard]] std::string options() const;
};
[[nodiscard]] Scenario apply(const Changes& changes, Scenario scenario);

}  // namespace sendoff::sim
