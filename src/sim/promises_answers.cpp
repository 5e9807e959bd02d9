// Promises about FBUs and FBacks.
#include <algorithm>

#include "keys/authenticator.h"
#include "keys/issued_keys.h"
#include "sim/places.h"
#include "sim/promises.h"
#include "sim/world.h"

namespace sendoff::sim {

namespace {

constexpr std::uint8_t kFirstRefusal = 128;
// What drift, rounding to seconds and the way of a message add to a lifetime.
constexpr Duration kLate = seconds(3);

// An FBack in a packet of ours, with the octets of its Mobility Header.
struct Acknowledgement {
  wire::FastBindingAcknowledgement fback;
  ByteView header;
  Ipv6Address from;
};
std::optional<Acknowledgement> acknowledgement_in(ByteView packet) {
  const auto view = wire::PacketView::parse(packet);
  if (!view || view->upper_protocol != wire::kProtocolMobility) return std::nullopt;
  const auto fback = wire::FastBindingAcknowledgement::parse(view->upper);
  if (!fback) return std::nullopt;
  return Acknowledgement{*fback, view->upper, view->header.source};
}

}  // namespace

void AnsweredUpdates::updated(const Node& node, ByteView packet) {
  const auto view = wire::PacketView::parse(packet);
  if (!view || view->upper_protocol != wire::kProtocolMobility || !view->home_address) return;
  const auto fbu = wire::FastBindingUpdate::parse(view->upper);
  if (!fbu || world_.owner_of(*view->home_address) != &node) return;
  asked_[{view->header.destination, fbu->sequence}].insert(
      {*view->home_address, keys::care_of_term(*fbu, *view->home_address, view->header.source)});
}

void AnsweredUpdates::acknowledged(const Node& node, ByteView packet) {
  const auto found = acknowledgement_in(packet);
  if (!found || found->fback.status >= kFirstRefusal) return;
  const auto asked = asked_.find({found->from, found->fback.sequence});
  if (asked == asked_.end()) return;
  for (const Asked& update : asked->second)
    for (const Issued& issued : issued_[{&node, update.pcoa}])
      if (keys::check(found->header, found->fback.options.authorization, issued.algorithm,
                      issued.key, update.care_of_term, found->from))
        return granted(node, {update.pcoa, issued.key.expose(), found->fback});
}

void AnsweredUpdates::asked(const Node& node, const machine::ActionKind& action) {
  if (const auto* transmit = std::get_if<machine::Transmit>(&action)) {
    updated(node, transmit->packet);
    return acknowledged(node, transmit->packet);
  }
  const auto* persist = std::get_if<machine::Persist>(&action);
  const auto* issued =
      persist != nullptr ? std::get_if<machine::IssuedKey>(&persist->record) : nullptr;
  if (issued == nullptr) return;
  auto& known = issued_[{&node, issued->cga}];
  const bool again =
      std::ranges::any_of(known, [&](const Issued& each) { return each.key.equals(issued->key); });
  if (!again) known.push_back({issued->algorithm, issued->key.duplicate()});
}

void AnsweredUpdates::crashed(const Node& node, bool store_lost) {
  if (!store_lost) return;
  std::erase_if(issued_, [&](const auto& entry) { return entry.first.first == &node; });
}

void StoredFirst::asked(const Node& node, const machine::ActionKind& action) {
  AnsweredUpdates::asked(node, action);
  if (const auto* persist = std::get_if<machine::Persist>(&action)) {
    if (const auto* issued = std::get_if<machine::IssuedKey>(&persist->record))
      issued_to_.emplace(to_bytes(issued->key.expose()), issued->cga);
    return;
  }
  const auto* start = std::get_if<machine::Start>(&action);
  const auto* sign = start != nullptr ? std::get_if<machine::SignMessage>(&start->job) : nullptr;
  if (sign == nullptr || !sign->seal) return;
  const ByteView key = sign->seal->handover_key.expose();
  const auto issued = issued_to_.find(to_bytes(key));
  if (issued == issued_to_.end()) return;
  const auto records = node.store().find(machine::IssuedKeyName{issued->second, 0});
  const bool stored = std::ranges::any_of(records, [&](const machine::Record& record) {
    return equal(std::get<machine::IssuedKey>(record).key.expose(), key);
  });
  if (!stored)
    broken(node.name() + " gives " + issued->second.text() + " a key that its store has not");
}

void StoredFirst::granted(const Node& node, const Answer& answer) {
  const std::uint16_t sequence = answer.fback.sequence;
  const auto records = node.store().find(machine::IssuedKeyName{answer.pcoa, 0});
  const bool barred = std::ranges::any_of(records, [&](const machine::Record& record) {
    const auto& key = std::get<machine::IssuedKey>(record);
    return equal(key.key.expose(), answer.key) && key.sequence_ceiling &&
           !keys::newer_sequence(sequence, *key.sequence_ceiling);
  });
  if (answer.fback.lifetime_s == 0 &&
      !node.store().find(machine::LiveBindingName{answer.pcoa}).empty())
    broken(node.name() + " says that the binding of " + answer.pcoa.text() +
           " is over, and its store still has it");
  if (!barred)
    broken(node.name() + " answers FBU " + std::to_string(sequence) + " of " + answer.pcoa.text() +
           ", and its store knows nothing of it");
}

void CountsOnce::crashed(const Node& node, bool store_lost) {
  AnsweredUpdates::crashed(node, store_lost);
  if (store_lost) {
    granted_.erase(&node);
    return;
  }
  for (auto& [key, granted] : granted_[&node]) {
    for (const auto& [sequence, at] : granted.since_start) granted.before.insert(sequence);
    granted.since_start.clear();
  }
}

// Of several that waited for one answer the last one is answered first.
void CountsOnce::granted(const Node& node, const Answer& answer) {
  const std::uint16_t sequence = answer.fback.sequence;
  Granted& granted = granted_[&node][to_bytes(answer.key)];
  const auto what = [&] {
    return node.name() + " grants FBU " + std::to_string(sequence) + " of " + answer.pcoa.text() +
           " again";
  };
  if (granted.before.contains(sequence)) return broken(what() + " after its restart");
  const WorldTime now = world_.context().queue.now();
  const auto [first, fresh] = granted.since_start.try_emplace(sequence, now);
  if (fresh || first->second == now) return;  // an answer may go to two addresses
  for (const auto& [other, at] : granted.since_start)
    if (keys::newer_sequence(other, sequence))
      return broken(what() + " after number " + std::to_string(other));
}

void BindingLifetime::granted(const Node& node, const Answer& answer) {
  WorldTime& until = until_[{&node, answer.pcoa}];
  until = std::max(until, world_.context().queue.now() + seconds(answer.fback.lifetime_s));
}

void BindingLifetime::second() {
  for (const auto& router : world_.routers()) {
    const auto& bindings = router->host().plane().bindings();
    // One that comes later has a lifetime of its own, as soon as its FBack leaves.
    std::erase_if(until_, [&](const auto& entry) {
      return entry.first.first == router.get() && !bindings.contains(entry.first.second);
    });
    for (const auto& [pcoa, tunnel] : bindings) {
      const auto until = until_.find({router.get(), pcoa});
      if (until != until_.end() &&
          world_.context().queue.now() > until->second + kLate + router->stepped())
        broken(router->name() + " still forwards for " + pcoa.text());
    }
  }
}

void TrueAnswers::asked(const Node& node, const machine::ActionKind& action) {
  if (const auto* transmit = std::get_if<machine::Transmit>(&action)) {
    if (const auto found = acknowledgement_in(transmit->packet))
      said_.insert({found->from, found->fback.status, found->fback.sequence});
    return;
  }
  const auto* report = std::get_if<machine::Report>(&action);
  if (report == nullptr || report->event.kind != machine::EventKind::kFbackReceived) return;
  const machine::Event& event = report->event;
  const auto router = Ipv6Address::parse(event.text("ar"));
  const Said told{router.value_or(Ipv6Address{}), static_cast<std::uint8_t>(event.number("status")),
                  static_cast<std::uint16_t>(event.number("sequence"))};
  if (!said_.contains(told))
    broken(node.name() + " follows an FBack that " + told.router.text() + " never sent");
}

}  // namespace sendoff::sim
