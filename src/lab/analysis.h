// What happened to a stream of numbered datagrams, and to a TCP transfer, by two captures: where
// they were sent and where they arrived. Pure: no clock, no file.
#pragma once

#include <map>
#include <optional>
#include <vector>

#include "lab/trace.h"

namespace sendoff::lab {

// One datagram of the stream.
struct Delivery {
  std::uint64_t sequence = 0;
  UtcTime sent;
  std::optional<UtcTime> arrived;  // nothing: lost
  unsigned copies = 0;             // that arrived
  bool tunnelled = false;          // the first copy
  std::optional<UtcTime> at_nar;   // when it reached the NAR's side of the core
};

struct Flow {
  std::vector<Delivery> deliveries;  // by sequence number
  std::uint64_t sent = 0;
  std::uint64_t received = 0;  // at least once
  std::uint64_t lost = 0;
  std::uint64_t duplicated = 0;  // copies beyond the first
  // First copies that came behind one with a higher number (RFC 4737 3).
  std::uint64_t reordered = 0;
  // Between two arrivals, before the first one or after the last one while sending went on.
  Duration longest_silence{};
  UtcTime silence_begin;
  UtcTime silence_end;

  [[nodiscard]] std::optional<UtcTime> first_arrival_after(UtcTime at) const;
  // The longest of those that end behind `from` and no later than `until`.
  [[nodiscard]] Duration silence_between(UtcTime from, UtcTime until) const;
};

// The datagrams of `sent` (at the sender's interface) as they show in `received` (at the receiver's
// link, frames from `receiver` itself left out). What was sent before `since` counts for nothing,
// nor what arrives and was never sent. `at_nar`: the capture at the NAR's core interface.
[[nodiscard]] Flow analyse_flow(const Trace& sent, const Trace& received, const Trace& at_nar,
                                const LinkAddress& receiver, UtcTime since = {});

// Whether a datagram waited in the NAR's buffer: it reached the NAR, and the MN `threshold` later.
[[nodiscard]] bool was_held(const Delivery& delivery, Duration threshold = milliseconds(2));

// What a datagram may be later than those before a handover and still not be called late.
inline constexpr Duration kDelayTolerance = milliseconds(1);

// From `link_up` until datagrams are no longer late: until the first of ten in a row that arrive
// after it, each by at most kDelayTolerance later than the median datagram of the half second
// before `begin`. Only what is sent before `until` counts. Nothing: they stay late.
[[nodiscard]] std::optional<Duration> backlog_gone(const Flow& flow, UtcTime begin, UtcTime link_up,
                                                   UtcTime until);

struct Transfer {
  std::uint64_t octets = 0;         // of new data that arrived
  std::uint64_t retransmitted = 0;  // octets that were sent again
  Duration longest_stall{};         // without new data, from the first to the last of it
  Duration duration{};              // from the first new data to the last
  unsigned connections = 0;
  std::uint64_t timeouts = 0;     // of retransmission, by the correspondent's kernel
  std::vector<UtcTime> progress;  // when new data arrived
  // The longest time without new data that ends behind `from` and no later than `until`.
  [[nodiscard]] Duration stall_between(UtcTime from, UtcTime until) const;
  [[nodiscard]] double mbit_per_s() const;
};

[[nodiscard]] Transfer analyse_transfer(const Trace& sent, const Trace& received,
                                        const LinkAddress& receiver);

}  // namespace sendoff::lab
