#include "mobile/mobile.h"

#include "keys/authenticator.h"
#include "mobile/solicitation.h"
#include "mobile/state.h"

namespace sendoff::mobile {

namespace {

using machine::EventKind;
using machine::OrderError;

bool has_anchor(const Config& config) {
  return config.paths.anchors && !config.paths.anchors->empty();
}

}  // namespace

Mobile::Mobile(const Config& config, machine::Snapshot snapshot, Random& random, Now now)
    : state_(std::make_unique<State>(config, random)) {
  for (const machine::Record& record : snapshot) {
    const auto* held = std::get_if<machine::HeldKey>(&record);
    if (held == nullptr) continue;
    if (state_->keys.restore(now, *held))
      state_->handover.restored(now, held->ar, held->cga);
    else
      state_->outbox.push(machine::Forget{machine::HeldKeyName{held->ar, held->cga}});
  }
  if (!has_anchor(config))
    state_->outbox.report(EventKind::kWarning,
                          {{"text",
                            "no trust anchor is configured: no router will be believed and "
                            "no handover key asked for"}});
  state_->settle(now);
}

Mobile::~Mobile() = default;

void Mobile::State::mobility(Now now, const machine::Received& received,
                             const wire::PacketView& packet) {
  const Ipv6Address& destination =
      packet.routing ? packet.routing->home_address : packet.header.destination;
  const bool ours = attach.owns_address(destination) || landing.address() == destination;
  if (const auto header = gate.admit(now, received, packet, ours))
    if (handover.handle(now, packet, *header)) landing.heard();
}

void Mobile::State::dispatch(Now now, send::Judged judged) {
  switch (judged.message.kind) {
    case send::Kind::kRouterAdvertisement:
      return discovery.handle(now, std::move(judged));
    case send::Kind::kPrRtAdv:
      return provision.handle(now, std::move(judged));
    case send::Kind::kCertificationPathAdvertisement:
      return paths.handle(now, judged.message);
    default:
      return;
  }
}

// What one part found out may move another, which may move a third.
void Mobile::State::settle(Now now) {
  for (bool again = true; again;) {
    again = false;
    if (const auto withdrawn = paths.take_withdrawn(); !withdrawn.empty()) {
      discovery.keys_withdrawn(now);
      for (const nd::CertifiedKeys::Withdrawn& router : withdrawn) discard_keys_of(now, router);
    }
    for (const nd::PathFetcher::Ended& ended : paths.take_ended()) {
      again = true;
      discovery.paths_ended(now, ended);
      provision.paths_ended(now, ended);
    }
    // Before its RA makes an address of the prefix: a NAACK may say which one not to make.
    acknowledged(now);
    for (const InterfaceId interface : discovery.take_changed()) {
      again = true;
      attach.routers_changed(now, interface);
    }
    for (const Attach::Change& change : attach.take_changes()) {
      again = true;
      follow(now, change);
    }
  }
  // Another interface may have a router already.
  const Attachment* current = attach.current();
  if (!in_use && current != nullptr && current->address)
    follow(now, {Attach::Change::What::kReady, *current});
  follow_landing(now);
  handover.end_left_behind(now);
  if (auto target = handover.take_switching()) switching.emplace(now, std::move(*target));
  if (const auto access_point = provision.take_trigger()) network_initiated(now, *access_point);
  if (handover.take_key_wanted() && config.request_keys) (void)provision.request_now(now);
  expire_keys(now);
  attach.set_moving(handover.moving(), landing.address());
  attach.set_defended(handover.defended(now));
  // Back at its router, the node stands on the address that sessions had all the time.
  const auto standing = landing.standing();
  attach.release([&](const Ipv6Address& address) {
    return handover.needs(address) || (standing && standing->address == address);
  });
}

void Mobile::State::forget(const machine::HeldKeyName& name, std::string_view reason) {
  outbox.push(machine::Forget{name});
  outbox.report(
      EventKind::kKeyDiscarded,
      {{"ar", name.ar.text()}, {"cga", name.cga.text()}, {"reason", std::string(reason)}});
}

// Who was certified no longer than this is to move no traffic of ours (RFC 3971 6.3.1).
void Mobile::State::discard_keys_of(Now now, const nd::CertifiedKeys::Withdrawn& router) {
  for (const machine::HeldKeyName& name : keys.discard_from(router.key)) {
    forget(name, "router-withdrawn");
    handover.key_gone(now, name.ar, name.cga, "router-withdrawn");
  }
}

void Mobile::State::expire_keys(Now now) {
  for (const machine::HeldKeyName& name : keys.expire(now.boot)) {
    forget(name, "expired");
    handover.key_gone(now, name.ar, name.cga, "key-expired");
  }
}

void Mobile::handle(Now now, const machine::Received& received) {
  if (received.origin != machine::Received::Origin::kWire) return;
  const auto packet = wire::PacketView::parse(received.packet);
  if (packet && packet->upper_protocol == wire::kProtocolMobility) {
    state_->mobility(now, received, *packet);
    return state_->settle(now);
  }
  state_->landing.handle(now, received);
  if (auto judged = state_->receiver.receive(now, received))
    state_->dispatch(now, std::move(*judged));
  state_->settle(now);
}

void Mobile::handle(Now now, machine::JobResult result) {
  State& state = *state_;
  if (state.receiver.owns(result.job_id)) {
    if (auto judged = state.receiver.complete(now, result)) state.dispatch(now, std::move(*judged));
  } else if (state.discovery.owns(result.job_id)) {
    state.discovery.complete(now, std::move(result));
  } else if (state.paths.owns(result.job_id)) {
    state.paths.complete(now, result);
  } else if (state.provision.owns(result.job_id)) {
    state.provision.complete(now, std::move(result));
  } else if (state.announcer.owns(result.job_id)) {
    state.announcer.complete(now, result);
  }
  state.settle(now);
}

void Mobile::handle(Now now, const machine::Outcome& outcome) {
  if (state_->attach.owns(outcome.action_id))
    state_->attach.outcome(now, outcome);
  else if (state_->provision.owns(outcome.action_id))
    state_->provision.outcome(now, outcome);
  else if (state_->paths.owns(outcome.action_id))
    state_->paths.outcome(now, outcome);
  else if (state_->handover.owns(outcome.action_id))
    state_->handover.outcome(now, outcome);
  else if (state_->landing.owns(outcome.action_id))
    state_->landing.outcome(now, outcome);
  state_->settle(now);
}

void Mobile::handle(Now now, const machine::HostEvent& event) {
  State& state = *state_;
  if (const auto* up = std::get_if<machine::InterfaceUp>(&event)) {
    state.interface_up(now, *up);
  } else if (const auto* down = std::get_if<machine::InterfaceDown>(&event)) {
    state.link_gone(now, down->interface);
    state.attach.interface_down(now, down->interface);
  } else if (const auto* mtu = std::get_if<machine::MtuChanged>(&event)) {
    state.attach.mtu_changed(mtu->interface, mtu->mtu);
  } else if (const auto* address = std::get_if<machine::AddressChanged>(&event)) {
    if (!state.landing.address_changed(now, *address)) state.attach.address_changed(now, *address);
  } else if (const auto* attached = std::get_if<machine::ApAttached>(&event)) {
    state.ap_attached(now, *attached);
  } else if (const auto* lost = std::get_if<machine::ApLost>(&event)) {
    state.link_gone(now, lost->interface);
    state.attach.ap_lost(now, lost->interface);
  } else if (const auto* step = std::get_if<machine::ClockStepped>(&event)) {
    state.receiver.clock_stepped(*step);
  }
  state.settle(now);
}

Result<void, OrderError> Mobile::State::ask_for_key(Now now, const machine::RequestKey& order) {
  const Attachment* current = attach.current();
  if (current == nullptr) return fail(OrderError::kNoRouter);
  if (!current->address) return fail(OrderError::kNoAddress);
  if (order.access_points.size() > kMaxAccessPoints) return fail(OrderError::kTooMany);
  if (order.destination && order.destination != current->router && order.destination != kAllRouters)
    return fail(OrderError::kNotARouter);
  if (!provision.request_now(now, {order.access_points, order.destination}))
    return fail(OrderError::kNoFastHandover);
  return {};
}

// RFC 5269 3.6.
Result<void, OrderError> Mobile::State::binding_complete(Now now) {
  const Attachment* current = attach.current();
  if (current == nullptr) return fail(OrderError::kNoRouter);
  const Ipv6Address ar = current->ar.value_or(Ipv6Address{});
  handover.binding_complete(now, ar);
  for (const machine::HeldKeyName& name : keys.discard_all_but(ar))
    forget(name, "binding-updates-complete");
  return {};
}

Result<void, OrderError> Mobile::State::carry_out(Now now, const machine::Order& order) {
  if (const auto* hand_over = std::get_if<machine::HandOver>(&order)) {
    const auto done = handover.order(now, hand_over->access_point, provision.neighbourhood(),
                                     Handover::Initiator::kPerson);
    // Its router may be known next time.
    if (!done && done.error() == OrderError::kUnknownAccessPoint &&
        !provision.request_now(now, {.access_points = {hand_over->access_point}}))
      return fail(OrderError::kNoFastHandover);
    return done;
  }
  if (const auto* request = std::get_if<machine::RequestKey>(&order))
    return ask_for_key(now, *request);
  if (std::holds_alternative<machine::BindingComplete>(order)) return binding_complete(now);
  return fail(OrderError::kNotMyRole);
}

Result<void, OrderError> Mobile::handle(Now now, const machine::Order& order) {
  const auto done = state_->carry_out(now, order);
  state_->settle(now);
  return done;
}

Result<void, machine::NeedsRestart> Mobile::handle(Now now, const Config& config) {
  State& state = *state_;
  machine::NeedsRestart restart;
  const auto same = [](const Interface& a, const Interface& b) {
    return a.id == b.id && a.name == b.name;
  };
  if (!std::ranges::equal(config.interfaces, state.config.interfaces, same))
    restart.settings.emplace_back("interfaces");
  if (!send::same(config.identity, state.config.identity)) restart.settings.emplace_back("CGA key");
  if (config.max_keys != state.config.max_keys) restart.settings.emplace_back("number of keys");
  if (!restart.settings.empty()) return fail(std::move(restart));
  state.config = config;
  state.receiver.configure(config.receiver);
  state.paths.configure(now, config.paths);
  state.discovery.configure(config.discovery);
  state.pair.configure(config.encryption_pair);
  state.provision.reconfigured(now);
  state.outbox.report(EventKind::kConfigured);
  state.settle(now);
  return {};
}

Instant Mobile::next_deadline() const {
  const State& state = *state_;
  return std::min({state.paths.next_deadline(), state.discovery.next_deadline(),
                   state.attach.next_deadline(), state.provision.next_deadline(),
                   state.handover.next_deadline(), state.landing.next_deadline(),
                   state.keys.next_expiry()});
}

void Mobile::tick(Now now) {
  State& state = *state_;
  state.paths.tick(now);
  state.discovery.tick(now);
  state.attach.tick(now);
  state.settle(now);
  state.handover.tick(now);
  state.landing.tick(now);
  state.provision.tick(now);
  state.settle(now);
}

// The link is being changed before anything is made for the next one.
std::optional<machine::Action> Mobile::poll() {
  if (auto action = state_->outbox.poll()) return action;
  if (!state_->switching) return std::nullopt;
  const auto [now, target] = *std::exchange(state_->switching, std::nullopt);
  state_->prepare_for(now, target);
  return state_->outbox.poll();
}

void Mobile::counters(const machine::Machine::CounterVisitor& visit) const {
  const auto group = [&](std::string_view name, const auto& counters) {
    counters.for_each(
        [&](std::string_view counter, std::uint64_t value) { visit(name, counter, value); });
  };
  group("send", state_->receiver.counters());
  group("path", state_->paths.counters());
  group("discovery", state_->discovery.counters());
  group("mobile", state_->counters);
  group("mobility", state_->gate.counters());
}

Mobile::Status Mobile::status(Now now) const {
  const State& state = *state_;
  Status status;
  for (Attach::LinkView& view : state.attach.links()) {
    LinkStatus link;
    for (const Interface& interface : state.config.interfaces)
      if (interface.id == view.interface) link.name = interface.name;
    link.up = view.up;
    link.addresses = std::move(view.addresses);
    if (view.attachment != nullptr) {
      link.router = view.attachment->router;
      link.router_global = view.attachment->ar;
      link.certified_as = view.attachment->subject;
      if (const auto standing = state.certified.standing(view.attachment->router_spki, now.utc))
        link.revocation = nd::state_of(*standing);
    }
    status.links.push_back(std::move(link));
  }
  state.keys.for_each([&](const keys::HeldKey& key) {
    const std::int64_t left = whole_seconds(key.expires - now.boot);
    status.keys.push_back({key.ar, key.ar_link_local, key.cga, key.algorithm,
                           static_cast<std::uint32_t>(std::max<std::int64_t>(left, 0)),
                           key.delivered, keys::fingerprint(key.key)});
  });
  for (const auto& attempt : state.provision.attempts())
    status.requests.push_back(
        {attempt->identifier, attempt->nonce, attempt->source, attempt->destination,
         attempt->algorithm,
         attempt->pair ? crypto::key_hash(attempt->pair->spki()) : crypto::KeyHash{},
         attempt->first_sent});
  for (const AccessPoint& access_point : state.provision.neighbourhood().all())
    status.neighbours.push_back(
        {access_point.address, std::string(name(access_point.state)), access_point.prefix});
  status.handover = state.handover.state();
  for (const Handover::View& view : state.handover.views(now.boot))
    status.movements.push_back(
        {view.par, view.pcoa, view.ncoa, std::string(view.state), view.remaining_s});
  return status;
}

}  // namespace sendoff::mobile
