// Capacity planning: many access routers, a million mobile nodes, control traffic only. Routers are
// the real router::Router, whole and at work all the time. Mobile nodes are the real
// mobile::Mobile, but each only while it has something to do: between its exchanges a node is its
// store's records, and wakes as a daemon restarts. What it has to ask again because of that, which
// a node that never slept would not, is carried out and counted apart. RSA is a cost model
// (sim/cost_model.h). One thread; the plan alone decides the figures.
#pragma once

#include <array>
#include <functional>
#include <string_view>
#include <vector>

#include "sim/clock.h"
#include "sim/cost_model.h"

namespace sendoff::sim::capacity {

inline constexpr std::size_t kMostRouters = 10'000;
inline constexpr std::size_t kMostMobiles = 10'000'000;

struct Plan {
  std::uint64_t seed = 1;
  std::size_t routers = 10;  // at least 2
  std::size_t mobiles = 1000;
  Duration time = seconds(600);  // after it nobody moves
  // Mean stay on a link; each is half to one and a half of it. At most 600 s, since a node asks its
  // router at least every 900 s, and a sleeping one does not.
  Duration dwell = seconds(300);
  std::size_t neighbours = 4;          // of a router, as many on either side of a ring
  std::uint32_t loss_per_million = 0;  // of a packet on a link, and on its way between routers
  std::size_t workers = 1;             // of a router, for RSA
  std::uint32_t key_lifetime_s = 43'200;
  Costs costs;

  // Mobile nodes come in during the first half. Rates are those of the second.
  [[nodiscard]] Duration arrivals() const { return time / 2; }
};

enum class Message : std::uint8_t {
  kRs,
  kRa,
  kCps,
  kCpa,
  kRtSolPr,
  kPrRtAdv,
  kNs,
  kNa,
  kFbu,
  kFback,
  kHi,
  kHack,
  kOther,
  kCount,
};
[[nodiscard]] std::string_view name(Message message);
[[nodiscard]] Message kind_of(ByteView packet);

// One router's work.
struct Load {
  // In the second half.
  std::uint64_t received = 0;  // messages
  std::uint64_t sent = 0;
  std::uint64_t verifications = 0;
  std::uint64_t signatures = 0;
  std::uint64_t seals = 0;  // handover keys encrypted
  Duration workers_busy{};
  Duration thread_busy{};  // the machine's own thread, by packets
  // In all.
  std::uint64_t most_signatures_s = 0;  // in one second
  std::size_t most_keys = 0;            // sampled every ten seconds
  std::size_t most_bindings = 0;
  std::size_t keys = 0;  // at the end
  std::size_t bindings = 0;
};

// What became of moves from one router to another. Each ends as one of the first three.
struct Moves {
  std::uint64_t predictive = 0;  // the FBack came before the link was left
  std::uint64_t reactive = 0;    // … on the new link
  std::uint64_t failed = 0;      // no FBack at all: packets to the old address are lost
  std::uint64_t begun = 0;
  std::uint64_t unprepared = 0;  // of these: nothing could be ordered, the link was left without
  // From leaving the link until packets for the old address arrive again.
  std::uint64_t gaps = 0;
  Duration gap_sum{};
  Duration longest_gap{};
};

struct Figures {
  Duration window{};  // that rates are of
  std::vector<Load> routers;
  Moves moves;
  std::array<std::uint64_t, static_cast<std::size_t>(Message::kCount)> messages{};  // in all
  std::uint64_t lost = 0;
  std::uint64_t wakes = 0;
  std::uint64_t waking_messages = 0;  // of nodes that wake; in nothing else
  std::uint64_t keyless = 0;          // stays that began and got no key in time
  std::size_t mobiles_with_key = 0;   // at the end
  std::size_t keys_at_mobiles = 0;
  std::size_t keys_at_routers = 0;
  std::size_t most_awake = 0;
  std::uint64_t steps = 0;
  std::uint64_t digest = 0;  // of every message and when it came
};

// Runs `plan`; `progress` hears of each ten seconds of virtual time that are over, and of how many
// there will be.
using Progress = std::function<void(Duration now, Duration end)>;
[[nodiscard]] Figures run(const Plan& plan, const Progress& progress = {});

}  // namespace sendoff::sim::capacity
