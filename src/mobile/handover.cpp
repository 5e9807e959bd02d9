#include "mobile/handover.h"

#include <algorithm>
#include <utility>

#include "mobile/care_of.h"

namespace sendoff::mobile {

namespace {

using machine::EventKind;
using machine::OrderError;

constexpr std::size_t kMaxMovements = 4;
constexpr std::size_t kMaxUnfit = 16;
constexpr std::size_t kMaxLeftBehind = 64;

Prefix care_of_prefix(const Ipv6Address& care_of) { return Prefix(care_of, 64); }

}  // namespace

Handover::Movement* Handover::find(const Ipv6Address& par, const Ipv6Address& pcoa) {
  for (Movement& movement : movements_)
    if (movement.par == par && movement.pcoa == pcoa) return &movement;
  return nullptr;
}

Handover::Movement& Handover::movement_from(Now now, const Attachment& attachment) {
  if (Movement* known = find(*attachment.ar, *attachment.address)) return *known;
  if (movements_.size() >= kMaxMovements) {
    const Movement& oldest = movements_.front();
    leave_behind(now, oldest);
    remove(oldest, "too-many");
  }
  Movement movement;
  movement.par = *attachment.ar;
  movement.pcoa = *attachment.address;
  movement.interface = attachment.interface;
  movements_.push_back(std::move(movement));
  return movements_.back();
}

void Handover::remove(const Movement& given, std::string_view reason) {
  Movement& movement = *find(given.par, given.pcoa);
  parts_.keys.retain_previous(movement.par, movement.pcoa, false);
  detach_tunnel(movement);
  if (movement.fbu_sent && !movement.stopped)
    parts_.outbox.report(EventKind::kHandoverEnded,
                         {{"ar", movement.par.text()}, {"reason", std::string(reason)}});
  movements_.erase(movements_.begin() + (&movement - movements_.data()));
}

void Handover::leave_behind(Now now, const Ipv6Address& par, const Ipv6Address& pcoa) {
  std::erase_if(left_behind_, [&](const LeftBehind& each) {
    return each.until <= now.boot || (each.par == par && each.pcoa == pcoa);
  });
  if (left_behind_.size() >= kMaxLeftBehind) left_behind_.pop_front();
  left_behind_.push_back({par, pcoa, now.boot + seconds(lifetime_s())});
}

void Handover::leave_behind(Now now, const Movement& movement) {
  if (movement.may_stand) leave_behind(now, movement.par, movement.pcoa);
}

void Handover::restored(Now now, const Ipv6Address& ar, const Ipv6Address& cga) {
  leave_behind(now, ar, cga);
}

std::vector<Ipv6Address> Handover::defended(Now now) const {
  std::vector<Ipv6Address> addresses;
  for (const Movement& movement : movements_)
    if (movement.may_stand) addresses.push_back(movement.pcoa);
  for (const LeftBehind& binding : left_behind_)
    if (binding.until > now.boot) addresses.push_back(binding.pcoa);
  return addresses;
}

void Handover::end_left_behind(Now now) {
  const auto here = std::ranges::find_if(left_behind_, [&](const LeftBehind& each) {
    return on_link_of(each.par, each.pcoa) && find(each.par, each.pcoa) == nullptr;
  });
  if (here == left_behind_.end()) return;
  const LeftBehind binding = *here;
  const bool over = binding.until <= now.boot;
  if (!over && parts_.keys.find(now.boot, binding.par, binding.pcoa) == nullptr) return;
  left_behind_.erase(here);
  if (over) return;
  Attachment attachment;
  attachment.interface = standing_->interface;
  attachment.ar = binding.par;
  attachment.address = binding.pcoa;
  begin(now, movement_from(now, attachment), binding.pcoa, 0, false);
}

// Its address of this link is ours here even while we stand on another one, which the router gave
// us or let us keep.
bool Handover::on_link_of(const Ipv6Address& par, const Ipv6Address& pcoa) const {
  if (!standing_ || standing_->ar != par) return false;
  return standing_->address == pcoa || parts_.attach.owns_address(pcoa);
}

std::uint16_t Handover::lifetime_s() const {
  return static_cast<std::uint16_t>(
      std::min<std::uint32_t>(parts_.config.tunnel_lifetime_s, 0xffff));
}

Result<void, OrderError> Handover::order(Now now, const LinkAddress& access_point,
                                         const Neighbourhood& neighbourhood, Initiator initiator) {
  const Attachment* attachment = parts_.attach.current();
  if (attachment == nullptr) return fail(OrderError::kNoRouter);
  if (!attachment->address) return fail(OrderError::kNoAddress);
  // The router advertises the address as its own when the binding starts (RFC 6275 10.4.1): the
  // host would give it up as a duplicate.
  if (attachment->detecting) return fail(OrderError::kTentativeAddress);
  const AccessPoint* target = neighbourhood.find(access_point);
  if (target == nullptr) return fail(OrderError::kUnknownAccessPoint);
  const bool same_router = target->router && target->router == attachment->ar;
  if (same_router || target->state == AccessPoint::State::kSameInterface)
    return fail(OrderError::kSameInterface);
  if (target->state != AccessPoint::State::kPossible) return fail(OrderError::kNoFastHandover);
  const auto ncoa = prospective_care_of(*target, parts_.config.identity);
  if (ncoa && std::ranges::find(unfit_, care_of_prefix(*ncoa)) != unfit_.end())
    return fail(OrderError::kNoFastHandover);
  if (!ncoa) {
    parts_.outbox.report(EventKind::kWarning,
                         {{"access_point", access_point.text()},
                          {"text", "no care-of address can be formed for its router's prefix"}});
    return fail(OrderError::kNoFastHandover);
  }
  if (!attachment->ar) return fail(OrderError::kNoKey);
  const keys::HeldKey* key = parts_.keys.find(now.boot, *attachment->ar, *attachment->address);
  // Restored, or from an earlier visit: only the router can say that it still has it (HK-3.6-08).
  if (key == nullptr || !key->delivered) return fail(OrderError::kNoKey);
  const Movement* under_way = find(*attachment->ar, *attachment->address);
  if (under_way != nullptr && under_way->pending && !under_way->pending->renewal &&
      under_way->pending->lifetime_s > 0)
    return fail(OrderError::kBusy);
  const bool person = initiator == Initiator::kPerson;
  if (person && last_voluntary_ && now.boot - *last_voluntary_ < parts_.config.handover_interval)
    return fail(OrderError::kBusy);
  if (person) last_voluntary_ = now.boot;
  Movement& movement = movement_from(now, *attachment);
  movement.interface = attachment->interface;
  movement.target = *target;
  movement.nar = target->router;
  movement.by_network = !person;
  movement.away = movement.stopped = false;
  movement.switch_at = now.boot + parts_.config.fback_wait;
  parts_.outbox.report(EventKind::kHandoverStarted,
                       {{"ar", movement.par.text()}, {"ncoa", ncoa->text()}});
  begin(now, movement, *ncoa, lifetime_s(), false);
  return {};
}

void Handover::unfit(const Ipv6Address& care_of) {
  if (unfit_.size() >= kMaxUnfit) unfit_.pop_front();
  unfit_.push_back(care_of_prefix(care_of));
}

void Handover::switch_link(Movement& movement) {
  movement.switch_at = kNever;
  if (!movement.target) return;
  switching_ = movement.target;
  movement.switching =
      parts_.outbox.push(machine::SwitchLink{movement.interface, movement.target->address});
}

// FH-4-40: what comes through the tunnel is taken from the FBU on.
void Handover::attach_tunnel(Movement& movement) {
  if (movement.tunnel == standing_->address) return;
  movement.tunnel = standing_->address;
  movement.attaching = parts_.outbox.push(
      machine::AttachTunnel{movement.pcoa, standing_->address, movement.par, standing_->interface});
}

void Handover::expect_tunnel(InterfaceId interface, const Ipv6Address& address) {
  for (Movement& movement : movements_) {
    const bool granted =
        movement.granted && movement.granted->ncoa == address && !movement.granted->by_router;
    const bool asked = movement.pending && movement.pending->care_of == address &&
                       !movement.pending->by_router && movement.pending->sent > 0;
    if ((!granted && !asked) || movement.stopped || address == movement.pcoa ||
        movement.tunnel == address)
      continue;
    movement.tunnel = address;
    movement.attaching =
        parts_.outbox.push(machine::AttachTunnel{movement.pcoa, address, movement.par, interface});
  }
}

void Handover::detach_tunnel(Movement& movement) {
  movement.attaching.reset();
  if (std::exchange(movement.tunnel, std::nullopt))
    parts_.outbox.push(machine::DetachTunnel{movement.pcoa});
}

void Handover::left(Now now, const Attachment* attachment) {
  standing_.reset();
  name_router_.reset();
  assigned_.reset();
  barred_ = false;
  unfit_.clear();
  for (Movement& movement : movements_) {
    movement.away = true;
    movement.kept = movement.refused = false;
    movement.switch_at = kNever;
    if (!movement.pending) continue;
    // What waits for its FBack may still get it on the next link.
    movement.pending->next_send = kNever;
    if (movement.pending->lifetime_s == 0) settle(movement);
  }
  if (attachment != nullptr && can_leave(now, *attachment))
    movement_from(now, *attachment).away = true;
}

bool Handover::can_leave(Now now, const Attachment& attachment) const {
  if (!attachment.ar || !attachment.address) return false;
  const keys::HeldKey* key = parts_.keys.find(now.boot, *attachment.ar, *attachment.address);
  return key != nullptr && key->delivered;
}

void Handover::arrived(Now now, const Standing& standing) {
  standing_ = standing;
  std::vector<Movement> over;
  for (Movement& movement : movements_) {
    if (movement.stopped || barred_) {
      over.push_back(movement);
    } else if (on_par_link(movement)) {
      if (returned(now, movement)) over.push_back(movement);
    } else {
      movement.target.reset();
      keep_previous(movement);
      moved_on(now, movement);
    }
  }
  for (const Movement& movement : over) {
    // What was not answered may have been followed all the same.
    leave_behind(now, movement);
    remove(movement, barred_ ? "no-fast-handover" : "returned");
  }
  end_left_behind(now);
  if (!standing.ar) return;
  const bool another = last_ar_ && last_ar_ != standing.ar;
  last_ar_ = standing.ar;
  if (another && std::exchange(uncounted_fbu_, false)) parts_.pair.count_handover();
}

// The PCoA is an address of the interface that the node stands on.
void Handover::keep_previous(Movement& movement) {
  if (!standing_ || movement.refused || std::exchange(movement.kept, true)) return;
  parts_.attach.keep(standing_->interface, movement.pcoa);
}

// RFC 5568 5.6, GF7: the old key serves once more, to end the binding. True: nothing to end.
bool Handover::returned(Now now, Movement& movement) {
  if (!std::exchange(movement.away, false)) return false;
  settle(movement);
  movement.target.reset();
  detach_tunnel(movement);
  if (!movement.fbu_sent) return true;
  movement.granted.reset();
  begin(now, movement, movement.pcoa, 0, false);
  return false;
}

// Predictive when an FBack for this address was had, else reactive (FH-3.2-06).
void Handover::moved_on(Now now, Movement& movement) {
  const Ipv6Address care_of = name_router_.value_or(standing_->address);
  const bool granted = movement.granted && now.boot < movement.granted->expires;
  if (granted && movement.granted->by_router &&
      standing_->on_link_of(movement.granted->proposed, movement.nar))
    return;
  // The PCoA is delivered here: nothing to name (GF16, NAACK status 4).
  if (care_of == movement.pcoa) return;
  if (!name_router_) attach_tunnel(movement);
  const bool known = granted && movement.granted->ncoa == care_of;
  if (movement.pending && movement.pending->care_of == care_of) return resume(now, movement);
  if (movement.pending) settle(movement);
  if (known) return;
  parts_.outbox.report(EventKind::kHandoverStarted,
                       {{"ar", movement.par.text()}, {"ncoa", care_of.text()}});
  begin(now, movement, care_of, lifetime_s(), false);
}

void Handover::resume(Now now, Movement& movement) {
  Pending& pending = *movement.pending;
  if (pending.next_send != kNever) return;
  pending.sent = 0;
  pending.timeout = parts_.config.fbu_timeout;
  send(now, movement);
}

void Handover::lost(const Ipv6Address& address) {
  if (standing_ && standing_->address == address) standing_.reset();
  for (Movement& movement : movements_) {
    if (movement.pending && movement.pending->care_of == address) settle(movement);
    if (movement.pending && !standing_) movement.pending->next_send = kNever;
    if (movement.tunnel == address) detach_tunnel(movement);
  }
}

void Handover::use_previous() {
  for (Movement& movement : movements_) {
    if (on_par_link(movement)) continue;
    settle(movement);
    detach_tunnel(movement);
    movement.refused = false;
    keep_previous(movement);
  }
}

void Handover::unrecognised(InterfaceId interface) {
  for (Movement& movement : movements_) {
    if (!std::exchange(movement.kept, false)) continue;
    movement.refused = true;
    parts_.outbox.push(machine::RemoveAddress{interface, movement.pcoa});
  }
}

void Handover::binding_complete(Now now, const Ipv6Address& current) {
  last_voluntary_.reset();
  std::vector<Movement> over;
  for (const Movement& movement : movements_)
    if (movement.par != current) over.push_back(movement);
  for (const Movement& movement : over) {
    leave_behind(now, movement);
    remove(movement, "binding-complete");
  }
}

void Handover::key_gone(Now now, const Ipv6Address& ar, const Ipv6Address& cga,
                        std::string_view reason) {
  Movement* movement = find(ar, cga);
  if (movement == nullptr) return;
  if (movement->may_stand) leave_behind(now, ar, cga);
  if (movement->pending) stop(*movement, reason);
  remove(*movement, reason);
}

bool Handover::owns(machine::ActionId action) const {
  return std::ranges::any_of(movements_, [&](const Movement& movement) {
    return movement.switching == action || movement.attaching == action;
  });
}

void Handover::outcome(Now now, const machine::Outcome& outcome) {
  for (Movement& movement : movements_) {
    if (movement.attaching == outcome.action_id) {
      movement.attaching.reset();
      if (outcome.result) return;
      parts_.counters.add(MobileCounter::kTunnelsRefused);
      return stop(movement, "tunnel-refused");
    }
    if (movement.switching == outcome.action_id) {
      movement.switching.reset();
      // Nobody here can: then somebody else moves the link.
      if (outcome.result || outcome.result.error() == machine::ActionError::kUnsupported) return;
      parts_.counters.add(MobileCounter::kSwitchesFailed);
      return not_moved(now, movement, "switch-failed");
    }
  }
}

// The PAR sends our packets elsewhere, but we are still here: they are called back.
void Handover::not_moved(Now now, Movement& movement, const std::string& reason) {
  if (!on_par_link(movement) || movement.stopped) return;
  parts_.outbox.report(EventKind::kHandoverFailed,
                       {{"ar", movement.par.text()}, {"reason", reason}});
  settle(movement);
  movement.target.reset();
  movement.granted.reset();
  last_voluntary_.reset();
  if (movement.fbu_sent) begin(now, movement, movement.pcoa, 0, false);
}

const AccessPoint* Handover::expected() const {
  for (auto movement = movements_.rbegin(); movement != movements_.rend(); ++movement)
    if (movement->target && movement->fbu_sent && !movement->stopped) return &*movement->target;
  return nullptr;
}

std::optional<Ipv6Address> Handover::granted_at(const LinkAddress& access_point) const {
  for (const Movement& movement : movements_)
    if (movement.target && movement.target->address == access_point && movement.granted)
      return movement.granted->ncoa;
  return std::nullopt;
}

std::optional<Ipv6Address> Handover::take_assigned() {
  return std::exchange(assigned_, std::nullopt);
}

std::optional<AccessPoint> Handover::take_switching() {
  return std::exchange(switching_, std::nullopt);
}

std::vector<Ipv6Address> Handover::previous_addresses() const {
  std::vector<Ipv6Address> addresses;
  for (const Movement& movement : movements_)
    if (!movement.stopped && !on_par_link(movement)) addresses.push_back(movement.pcoa);
  return addresses;
}

bool Handover::moving() const {
  return std::ranges::any_of(movements_, [](const Movement& each) { return !each.stopped; });
}

bool Handover::away_from(const Standing& standing) const {
  return !barred_ && std::ranges::any_of(movements_, [&](const Movement& movement) {
    return !movement.stopped && !(movement.par == standing.ar && movement.pcoa == standing.address);
  });
}

// GF41: the router discards its keys for the CGA when forwarding times out (GF8), so we do too.
void Handover::lapse(const Movement& movement) {
  parts_.counters.add(MobileCounter::kBindingsLapsed);
  if (parts_.keys.discard(movement.par, movement.pcoa)) {
    parts_.outbox.push(machine::Forget{machine::HeldKeyName{movement.par, movement.pcoa}});
    parts_.outbox.report(
        EventKind::kKeyDiscarded,
        {{"ar", movement.par.text()}, {"cga", movement.pcoa.text()}, {"reason", "binding-lapsed"}});
  }
  if (on_par_link(movement)) key_wanted_ = true;
  remove(movement, "lapsed");
}

bool Handover::needs(const Ipv6Address& address) const {
  return std::ranges::any_of(movements_, [&](const Movement& movement) {
    return movement.pcoa == address && !movement.stopped;
  });
}

std::string_view Handover::state() const {
  std::string_view state = "none";
  for (const Movement& movement : movements_) {
    if (movement.pending) return "waiting for FBack";
    if (movement.granted) state = "forwarding";
  }
  return state;
}

std::vector<Handover::View> Handover::views(Instant now) const {
  std::vector<View> views;
  for (const Movement& movement : movements_) {
    View view{.par = movement.par, .pcoa = movement.pcoa, .ncoa = {}, .state = "left"};
    if (movement.granted) {
      view.state = "forwarding";
      view.ncoa = movement.granted->ncoa;
      view.remaining_s = std::max<std::int64_t>(whole_seconds(movement.granted->expires - now), 0);
    }
    if (movement.pending) view.state = "waiting for FBack";
    if (movement.stopped) view.state = "stopped";
    views.push_back(view);
  }
  return views;
}

bool Handover::take_key_wanted() { return std::exchange(key_wanted_, false); }

// From the link that the node is on: the binding follows the address that stands there now.
void Handover::renew(Now now, Movement& movement) {
  Granted& granted = *movement.granted;
  if (on_par_link(movement)) return not_moved(now, movement, "not-moved");
  granted.renew_at = kNever;
  const std::uint32_t limit_s = parts_.config.keep_forwarding_s;
  const bool enough = limit_s > 0 && now.boot >= *movement.first_granted + seconds(limit_s);
  if (enough) return;
  const Ipv6Address care_of = name_router_.value_or(standing_->address);
  if (care_of == movement.pcoa) return;
  if (!name_router_) attach_tunnel(movement);
  begin(now, movement, care_of, lifetime_s(), granted.ncoa == care_of);
}

Instant Handover::next_deadline() const {
  Instant earliest = kNever;
  for (const Movement& movement : movements_) {
    if (movement.pending) earliest = std::min(earliest, movement.pending->next_send);
    if (on_par_link(movement)) earliest = std::min(earliest, movement.switch_at);
    if (!movement.granted) continue;
    earliest = std::min(earliest, movement.granted->expires);
    if (!movement.pending && !movement.stopped && standing_)
      earliest = std::min(earliest, movement.granted->renew_at);
  }
  return earliest;
}

void Handover::tick(Now now) {
  std::vector<Movement> lapsed;
  for (Movement& movement : movements_) {
    if (movement.granted && movement.granted->expires <= now.boot) {
      lapsed.push_back(movement);
      continue;
    }
    if (movement.switch_at <= now.boot && on_par_link(movement)) switch_link(movement);
    if (movement.pending && movement.pending->next_send <= now.boot) {
      if (movement.pending->sent > parts_.config.fbu_retries)
        unanswered(now, movement);
      else
        send_again(now, movement);
    } else if (movement.granted && !movement.pending && !movement.stopped && standing_ &&
               movement.granted->renew_at <= now.boot) {
      renew(now, movement);
    }
  }
  for (const Movement& movement : lapsed) lapse(movement);
}

}  // namespace sendoff::mobile
