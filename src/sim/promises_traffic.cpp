// Promises about who moves traffic, and what becomes of it.
#include <algorithm>

#include "sim/places.h"
#include "sim/promises.h"
#include "sim/world.h"
#include "wire/mobility.h"

namespace sendoff::sim {

namespace {

constexpr std::size_t kNewest = 20;
// What was sent before has had its time to arrive.
constexpr Duration kLately = seconds(10);

}  // namespace

// --- only-the-owner-moves

void OwnerMoves::updated(const Node& node, ByteView packet) {
  const auto view = wire::PacketView::parse(packet);
  if (!view || view->upper_protocol != wire::kProtocolMobility || !view->home_address) return;
  const auto fbu = wire::FastBindingUpdate::parse(view->upper);
  if (!fbu || world_.owner_of(*view->home_address) != &node) return;
  Asked& asked = asked_[*view->home_address];
  if (fbu->lifetime_s == 0)
    asked.ended = true;
  else
    asked.care_of.insert(fbu->options.alternate_care_of.value_or(view->header.source));
}

void OwnerMoves::installed(const machine::InstallBinding& binding) {
  const MobileNode* owner = world_.owner_of(binding.pcoa);
  if (owner == nullptr) return;
  const auto asked = asked_.find(binding.pcoa);
  if (asked == asked_.end())
    return broken("a binding for " + binding.pcoa.text() + ", and its owner never asked for one");
  if (asked->second.care_of.contains(binding.ncoa)) return;
  // What the new router gave instead of the wish: an address of its own prefix, or its own.
  for (const Ipv6Address& care_of : asked->second.care_of)
    for (std::size_t i = 0; i < world_.routers().size(); ++i)
      if (access_prefix(i).contains(care_of) && access_prefix(i).contains(binding.ncoa)) return;
  broken("a binding takes " + binding.pcoa.text() + " to " + binding.ncoa.text() +
         ", which its owner never asked for");
}

void OwnerMoves::asked(const Node& node, const machine::ActionKind& action) {
  if (const auto* transmit = std::get_if<machine::Transmit>(&action)) {
    updated(node, transmit->packet);
  } else if (const auto* install = std::get_if<machine::InstallBinding>(&action)) {
    ++world_.context().statistics.bindings;
    installed(*install);
  } else if (const auto* report = std::get_if<machine::Report>(&action)) {
    if (report->event.kind == machine::EventKind::kKeyReceived) ++world_.context().statistics.keys;
    if (report->event.kind != machine::EventKind::kBindingRemoved ||
        report->event.text("reason") != "ended by its owner")
      return;
    const auto pcoa = Ipv6Address::parse(report->event.text("pcoa"));
    const auto asked = pcoa ? asked_.find(*pcoa) : asked_.end();
    if (pcoa && world_.owner_of(*pcoa) != nullptr &&
        (asked == asked_.end() || !asked->second.ended))
      broken("the binding of " + pcoa->text() + " was ended, and not by its owner");
  }
}

// --- datagrams

void RightNode::delivered(const Node& node, const Mark& mark) {
  const auto& mobiles = world_.mobiles();
  if (mark.stream < mobiles.size() && mobiles[mark.stream].get() == &node) return;
  const Scenario& scenario = world_.context().scenario;
  const bool at_rogue = scenario.rate(Attack::kRogueRouter) != 0 &&
                        std::ranges::any_of(mobiles, [&](const auto& mobile) {
                          return mobile.get() == &node && mobile->place() == scenario.routers - 1;
                        });
  if (at_rogue) return;
  broken(node.name() + " was given datagram " + std::to_string(mark.stream) + "/" +
         std::to_string(mark.number) + " of another node");
}

void DeliveredOnce::copied(const Mark& mark) { ++copies_[mark]; }

void DeliveredOnce::count(const Mark& mark) {
  const auto copies = copies_.find(mark);
  const int allowed = 1 + (copies == copies_.end() ? 0 : copies->second);
  if (++arrivals_[mark] > allowed)
    broken("datagram " + std::to_string(mark.stream) + "/" + std::to_string(mark.number) +
           " arrived " + std::to_string(allowed + 1) + " times");
}

void DeliveredOnce::delivered(const Node&, const Mark& mark) { count(mark); }

// Two answers to two copies of a datagram are no copies of each other.
void DeliveredOnce::echoed(const Mark& mark) {
  Mark question = mark;
  question.echo = false;
  const auto answered = arrivals_.find(question);
  const int again = answered == arrivals_.end() ? 0 : answered->second - 1;
  const auto copies = copies_.find(mark);
  const int allowed = 1 + again + (copies == copies_.end() ? 0 : copies->second);
  if (++arrivals_[mark] > allowed)
    broken("echo " + std::to_string(mark.stream) + "/" + std::to_string(mark.number) +
           " arrived once too often");
}

void NoLoops::tunnelled(ByteView packet) {
  std::set<datapath::Tunnel> seen;
  for (const datapath::Tunnel& tunnel : tunnels_of(packet))
    if (!seen.insert(tunnel).second)
      return broken("a packet is twice in one tunnel: " + describe(packet));
}

void Reachable::emitted(const Mark& mark, const Ipv6Address& destination) {
  auto& sent = last_[mark.stream];
  if (sent.size() >= kNewest) sent.erase(sent.begin());
  sent.push_back({mark, destination, world_.context().queue.now(), false});
}

void Reachable::delivered(const Node&, const Mark& mark) {
  for (Sent& sent : last_[mark.stream])
    if (sent.mark == mark) sent.arrived = true;
}

void Reachable::ended() {
  for (const auto& mobile : world_.mobiles()) {
    const auto& sent = last_[static_cast<std::uint32_t>(mobile->number())];
    if (sent.empty()) return broken(mobile->name() + " never told where it is");
    const WorldTime lately = sent.back().at - kLately;
    for (const Sent& each : sent)
      if (each.at >= lately && !each.arrived)
        return broken(mobile->name() + " is not reachable at " + each.destination.text());
  }
}

void NothingLost::emitted(const Mark& mark, const Ipv6Address&) {
  missing_.emplace(mark, world_.context().queue.now());
}

void NothingLost::delivered(const Node&, const Mark& mark) { missing_.erase(mark); }

void NothingLost::ended() {
  if (missing_.empty()) return;
  const auto& [mark, at] = *missing_.begin();
  broken("datagram " + std::to_string(mark.stream) + "/" + std::to_string(mark.number) +
         ", sent at " + std::to_string(at / milliseconds(1)) + " ms, and " +
         std::to_string(missing_.size() - 1) + " more never arrived");
}

void InOrder::emitted(const Mark& mark, const Ipv6Address& destination) {
  sent_to_.emplace(mark, destination);
}

void InOrder::delivered(const Node& node, const Mark& mark) {
  const auto sent = sent_to_.find(mark);
  if (sent == sent_to_.end()) return;
  const auto [last, first] = last_.try_emplace({mark.stream, sent->second}, mark.number);
  if (!first && mark.number < last->second)
    broken(node.name() + " was given datagram " + std::to_string(mark.stream) + "/" +
           std::to_string(mark.number) + " after number " + std::to_string(last->second));
  last->second = mark.number;
}

void HeldMeanwhile::heard(const Node& node, const machine::Received& received) {
  const auto view = wire::PacketView::parse(received.packet);
  if (!view || !view->home_address || view->upper_protocol != wire::kProtocolMobility) return;
  const RouterNode* router = world_.router_at(view->header.destination);
  const auto fbu = wire::FastBindingUpdate::parse(view->upper);
  if (router != &node || !fbu || fbu->lifetime_s == 0 || view->header.source == *view->home_address)
    return;
  const Ipv6Address care_of = fbu->options.alternate_care_of.value_or(view->header.source);
  const bool led_on = std::ranges::any_of(world_.routers(), [&](const auto& each) {
    return each->host().plane().bindings().contains(care_of);
  });
  if (!led_on) waiting_.try_emplace(*view->home_address);
}

void HeldMeanwhile::asked(const Node&, const machine::ActionKind& action) {
  const auto* report = std::get_if<machine::Report>(&action);
  if (report == nullptr) return;
  const bool stands = report->event.kind == machine::EventKind::kBindingInstalled;
  if (!stands && report->event.kind != machine::EventKind::kHandoverRefused) return;
  const auto pcoa = Ipv6Address::parse(report->event.text("pcoa"));
  if (!pcoa) return;
  auto waited = waiting_.extract(*pcoa);
  if (!waited.empty() && stands) owed_.merge(waited.mapped());
}

void HeldMeanwhile::emitted(const Mark& mark, const Ipv6Address& destination) {
  const auto waiting = waiting_.find(destination);
  if (waiting != waiting_.end()) waiting->second.insert(mark);
}

void HeldMeanwhile::delivered(const Node&, const Mark& mark) {
  owed_.erase(mark);
  for (auto& [pcoa, marks] : waiting_) marks.erase(mark);
}

void HeldMeanwhile::ended() {
  if (owed_.empty()) return;
  const Mark& mark = *owed_.begin();
  broken("datagram " + std::to_string(mark.stream) + "/" + std::to_string(mark.number) + " and " +
         std::to_string(owed_.size() - 1) + " more were lost after an FBU had come");
}

}  // namespace sendoff::sim
