#include "sim/wire.h"

#include <algorithm>

namespace sendoff::sim {

namespace {

constexpr Duration kMostJitter = milliseconds(300);

}  // namespace

Packet Way::bent(const Packet& packet) {
  Bytes octets = *packet;
  if (octets.empty()) return packet;
  const std::uint64_t bit = dice_.below(octets.size() * 8);
  octets[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
  return share(std::move(octets));
}

void Way::carry(const Packet& packet, const std::function<void(Packet)>& arrive) {
  ++context_.statistics.packets;
  if (context_.strikes(dice_, Fault::kLoss)) {
    context_.trace.packet(name_, "loses", *packet);
    return;
  }
  unsigned copies = 1;
  if (context_.strikes(dice_, Fault::kDuplication)) {
    ++copies;
    context_.trace.packet(name_, "doubles", *packet);
    if (const auto mark = mark_of(*packet))
      context_.tell([&](Promise& promise) { promise.copied(*mark); });
  }
  for (; copies > 0; --copies) {
    Packet carried = packet;
    if (context_.strikes(dice_, Fault::kCorruption)) {
      context_.trace.packet(name_, "bends", *packet);
      carried = bent(packet);
    }
    Duration delay = latency_;
    if (context_.strikes(dice_, Fault::kJitter)) delay += dice_.between(Duration{}, kMostJitter);
    context_.queue.after(delay, [arrive, carried] { arrive(carried); });
  }
}

bool Link::has(const Station& station) const {
  return std::ranges::find(stations_, &station) != stations_.end();
}

// Each station hears a frame, or does not, by itself.
void Link::send(const Station& from, const Frame& frame) {
  if (!up_ || !has(from)) return;
  const auto meddle = tamper;  // which may take itself away
  const std::optional<Frame> sent = meddle ? meddle(frame) : frame;
  if (!sent) return;
  for (Station* station : stations_) {
    if (station == &from) continue;
    if (station->link_address() != sent->destination && !station->hears(sent->destination))
      continue;
    way_.carry(sent->packet, [this, station, source = sent->source,
                              destination = sent->destination](const Packet& packet) {
      if (up_ && has(*station)) station->receive({source, destination, packet});
    });
  }
}

void Core::connect(std::size_t place, const Prefix& prefix, Receiver receiver) {
  ends_.push_back({place, prefix, std::move(receiver)});
}

void Core::part(std::size_t a, std::size_t b, bool parted) {
  const auto pair = std::minmax(a, b);
  if (parted)
    parted_.insert(pair);
  else
    parted_.erase(pair);
}

void Core::send(std::size_t from, const Packet& packet) {
  if (packet->size() < 40) return;
  const Ipv6Address destination = Ipv6Address::from(ByteView(*packet).subspan(24, 16));
  const auto end = std::ranges::find_if(
      ends_, [&](const End& each) { return each.prefix.contains(destination); });
  if (end == ends_.end() || end->place == from) return;
  if (parted_.contains(std::minmax(from, end->place))) {
    context_.trace.packet("core", "does not reach", *packet);
    return;
  }
  if (tunnels_of(*packet).size() > 1)
    context_.tell([&](Promise& promise) { promise.tunnelled(*packet); });
  if (tap) tap(end->place, *packet);
  way_.carry(packet, [receiver = &end->receiver](const Packet& arrived) { (*receiver)(arrived); });
}

}  // namespace sendoff::sim
