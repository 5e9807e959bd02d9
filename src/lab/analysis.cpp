#include "lab/analysis.h"

#include <algorithm>

namespace sendoff::lab {

namespace {

using Arrivals = std::vector<const Sighting*>;

Arrivals arrivals_in(const Trace& trace, Sighting::Kind kind, const LinkAddress& receiver) {
  Arrivals found;
  for (const Sighting& sighting : trace)
    if (sighting.kind == kind && sighting.from != receiver) found.push_back(&sighting);
  std::ranges::stable_sort(found, {}, &Sighting::at);
  return found;
}

void note_silence(Flow& flow, UtcTime begin, UtcTime end) {
  if (end - begin <= flow.longest_silence) return;
  flow.longest_silence = end - begin;
  flow.silence_begin = begin;
  flow.silence_end = end;
}

// Order and silence follow the arrivals as they came; `by_number` says which of them count.
void follow_arrivals(const Arrivals& arrivals,
                     const std::map<std::uint64_t, std::size_t>& by_number, Flow& flow) {
  std::optional<std::uint64_t> highest;
  std::optional<UtcTime> last;
  for (const Sighting* arrival : arrivals) {
    const auto place = by_number.find(arrival->sequence);
    if (place == by_number.end()) continue;
    Delivery& delivery = flow.deliveries[place->second];
    note_silence(flow, last.value_or(flow.deliveries.front().sent), arrival->at);
    last = arrival->at;
    if (++delivery.copies > 1) {
      ++flow.duplicated;
      continue;
    }
    ++flow.received;
    delivery.arrived = arrival->at;
    delivery.tunnelled = arrival->tunnelled;
    if (highest && arrival->sequence < *highest) ++flow.reordered;
    highest = std::max(highest.value_or(0), arrival->sequence);
  }
  if (flow.deliveries.empty()) return;
  note_silence(flow, last.value_or(flow.deliveries.front().sent), flow.deliveries.back().sent);
}

// Serial number arithmetic (RFC 1982) of TCP's sequence numbers.
bool is_after(std::uint64_t a, std::uint64_t b) {
  return static_cast<std::int32_t>(static_cast<std::uint32_t>(a) - static_cast<std::uint32_t>(b)) >
         0;
}

// How far `segment` takes its connection beyond `end`; moves `end` on. A hole that it leaves counts
// here, and not when it is filled: what goes missing is sent again, the sum is right.
std::uint32_t new_octets(const Sighting& segment, std::uint64_t& end) {
  const std::uint64_t last = (segment.sequence + segment.size) & 0xffffffff;
  if (!is_after(last, end)) return 0;
  const auto fresh = static_cast<std::uint32_t>(last - end);
  end = last;
  return fresh;
}

// Where data of each connection ends; a connection is known by the address that it goes to.
using Ends = std::map<Ipv6Address, std::uint64_t>;

std::uint32_t count_new(const Sighting& segment, Ends& ends) {
  const auto [end, fresh] = ends.emplace(segment.destination, segment.sequence);
  return new_octets(segment, end->second);
}

// The longest step of `times`, which are in order, that ends behind `from` and no later than
// `until`.
Duration longest_step(const std::vector<UtcTime>& times, UtcTime from, UtcTime until) {
  Duration longest{};
  for (std::size_t i = 1; i < times.size(); ++i)
    if (times[i] > from && times[i] <= until) longest = std::max(longest, times[i] - times[i - 1]);
  return longest;
}

// How late the median datagram of those sent in this time was; nothing where none arrived.
std::optional<Duration> usual_delay(const Flow& flow, UtcTime from, UtcTime until) {
  std::vector<Duration> delays;
  for (const Delivery& each : flow.deliveries)
    if (each.arrived && each.sent >= from && each.sent < until)
      delays.push_back(*each.arrived - each.sent);
  if (delays.empty()) return std::nullopt;
  const auto middle = delays.begin() + static_cast<std::ptrdiff_t>(delays.size() / 2);
  std::ranges::nth_element(delays, middle);
  return *middle;
}

}  // namespace

Duration Flow::silence_between(UtcTime from, UtcTime until) const {
  std::vector<UtcTime> arrivals;
  for (const Delivery& delivery : deliveries)
    if (delivery.arrived) arrivals.push_back(*delivery.arrived);
  if (!deliveries.empty()) {
    arrivals.push_back(deliveries.front().sent);
    arrivals.push_back(deliveries.back().sent);
  }
  std::ranges::sort(arrivals);
  return longest_step(arrivals, from, until);
}

std::optional<Duration> backlog_gone(const Flow& flow, UtcTime begin, UtcTime link_up,
                                     UtcTime until) {
  constexpr std::size_t kInARow = 10;
  const auto usual = usual_delay(flow, begin - milliseconds(500), begin);
  if (!usual) return std::nullopt;
  std::size_t in_time = 0;
  std::optional<UtcTime> first;
  for (const Delivery& each : flow.deliveries) {
    if (each.sent >= until) break;
    if (!each.arrived || *each.arrived <= link_up) continue;
    if (*each.arrived - each.sent > *usual + kDelayTolerance) {
      in_time = 0;
      continue;
    }
    if (in_time++ == 0) first = each.arrived;
    if (in_time == kInARow) return *first - link_up;
  }
  return std::nullopt;
}

std::optional<UtcTime> Flow::first_arrival_after(UtcTime at) const {
  std::optional<UtcTime> first;
  for (const Delivery& delivery : deliveries)
    if (delivery.arrived && *delivery.arrived > at && (!first || *delivery.arrived < *first))
      first = delivery.arrived;
  return first;
}

Flow analyse_flow(const Trace& sent, const Trace& received, const Trace& at_nar,
                  const LinkAddress& receiver, UtcTime since) {
  Flow flow;
  std::map<std::uint64_t, std::size_t> by_number;
  for (const Sighting& sighting : sent) {
    if (sighting.kind != Sighting::Kind::kDatagram || sighting.at < since) continue;
    if (!by_number.emplace(sighting.sequence, flow.deliveries.size()).second) continue;
    Delivery delivery;
    delivery.sequence = sighting.sequence;
    delivery.sent = sighting.at;
    flow.deliveries.push_back(delivery);
  }
  flow.sent = flow.deliveries.size();
  for (const Sighting& sighting : at_nar) {
    const auto place = by_number.find(sighting.sequence);
    if (sighting.kind != Sighting::Kind::kDatagram || place == by_number.end()) continue;
    auto& seen = flow.deliveries[place->second].at_nar;
    if (!seen) seen = sighting.at;
  }
  follow_arrivals(arrivals_in(received, Sighting::Kind::kDatagram, receiver), by_number, flow);
  flow.lost = flow.sent - flow.received;
  std::ranges::sort(flow.deliveries, {}, &Delivery::sequence);
  return flow;
}

bool was_held(const Delivery& delivery, Duration threshold) {
  return delivery.at_nar && delivery.arrived && *delivery.arrived - *delivery.at_nar > threshold;
}

Duration Transfer::stall_between(UtcTime from, UtcTime until) const {
  return longest_step(progress, from, until);
}

double Transfer::mbit_per_s() const {
  const double time_s = std::chrono::duration<double>(duration).count();
  return time_s > 0 ? static_cast<double>(octets) * 8e-6 / time_s : 0;
}

Transfer analyse_transfer(const Trace& sent, const Trace& received, const LinkAddress& receiver) {
  Transfer transfer;
  Ends ends;
  for (const Sighting& sighting : sent)
    if (sighting.kind == Sighting::Kind::kSegment)
      transfer.retransmitted += sighting.size - count_new(sighting, ends);
  transfer.connections = static_cast<unsigned>(ends.size());
  ends.clear();
  for (const Sighting* arrival : arrivals_in(received, Sighting::Kind::kSegment, receiver)) {
    const std::uint32_t fresh = count_new(*arrival, ends);
    if (fresh == 0) continue;
    transfer.octets += fresh;
    transfer.progress.push_back(arrival->at);
  }
  if (transfer.progress.empty()) return transfer;
  transfer.duration = transfer.progress.back() - transfer.progress.front();
  transfer.longest_stall =
      transfer.stall_between(transfer.progress.front(), transfer.progress.back());
  return transfer;
}

}  // namespace sendoff::lab
