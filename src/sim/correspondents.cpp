#include "sim/correspondents.h"

#include "sim/places.h"

namespace sendoff::sim {

namespace {

constexpr Duration kLook = milliseconds(500);
constexpr Duration kLeastSignalling = milliseconds(500);
constexpr Duration kMostSignalling = seconds(4);
// What was sent to the old address has arrived by then.
constexpr Duration kStragglers = seconds(2);

}  // namespace

Correspondents::Correspondents(Context& context, Core& core,
                               const std::vector<std::unique_ptr<MobileNode>>& mobiles)
    : context_(context),
      core_(core),
      mobiles_(mobiles),
      streams_(mobiles.size()),
      dice_(context.scenario.seed, "correspondents"),
      interval_(context.scenario.packet_interval) {
  core.connect(kCorrespondents, correspondent_prefix(), [this](const Packet& packet) {
    if (const auto mark = mark_of(*packet); mark && mark->echo)
      context_.tell([&](Promise& promise) { promise.echoed(*mark); });
  });
}

void Correspondents::start() {
  for (std::size_t i = 0; i < streams_.size(); ++i) {
    context_.queue.after(dice_.between(Duration{}, interval_), [this, i] { send(i); });
    context_.queue.after(dice_.between(Duration{}, kLook), [this, i] { look(i); });
  }
}

void Correspondents::send(std::size_t number) {
  if (stopped_) return;
  Stream& stream = streams_[number];
  context_.queue.after(interval_, [this, number] { send(number); });
  if (!stream.destination) return;
  const Mark mark{static_cast<std::uint32_t>(number), stream.next++, false};
  context_.tell([&](Promise& promise) { promise.emitted(mark, *stream.destination); });
  core_.send(kCorrespondents, share(datagram(correspondent(number), *stream.destination, mark)));
}

// What Mobile IPv6 would do at the node: a new care-of address is told to the correspondent, and
// when that is done the node is told so (RFC 5269 3.6).
void Correspondents::look(std::size_t number) {
  context_.queue.after(kLook, [this, number] { look(number); });
  Stream& stream = streams_[number];
  const auto care_of = mobiles_[number]->care_of();
  if (!care_of || care_of == stream.destination || care_of == stream.announced) return;
  stream.announced = care_of;
  const bool first = !stream.destination;
  const Duration takes = first ? Duration{} : dice_.between(kLeastSignalling, kMostSignalling);
  context_.queue.after(takes, [this, number, address = *care_of] {
    Stream& told = streams_[number];
    if (told.announced != address) return;
    told.announced.reset();
    context_.trace.note(mobiles_[number]->name(), "is at", address.text());
    told.destination = address;
    told.completing = true;
    context_.queue.after(kStragglers, [this, number, address] {
      Stream& done = streams_[number];
      if (done.destination != address) return;
      done.completing = false;
      (void)mobiles_[number]->order(machine::BindingComplete{});
    });
  });
}

bool Correspondents::settled(std::size_t number) const {
  const Stream& stream = streams_[number];
  return stream.destination && !stream.announced && !stream.completing &&
         mobiles_[number]->care_of() == stream.destination;
}

}  // namespace sendoff::sim
