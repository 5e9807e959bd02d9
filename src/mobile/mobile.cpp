#include "mobile/mobile.h"

#include "keys/authenticator.h"
#include "mobile/announcer.h"
#include "mobile/attach.h"
#include "mobile/care_of.h"
#include "mobile/handover.h"
#include "mobile/landing.h"
#include "mobile/provision.h"

namespace sendoff::mobile {

namespace {

using machine::EventKind;
using machine::OrderError;

// Announcements that are signed in advance when a link is lost without an order.
constexpr std::size_t kMaxPrepared = 4;

bool has_anchor(const Config& config) {
  return config.paths.anchors && !config.paths.anchors->empty();
}

}  // namespace

struct Mobile::State {
  Config config;
  machine::Outbox outbox;
  send::Receiver receiver;
  nd::CertifiedKeys certified;
  nd::PathFetcher paths;
  nd::Discovery discovery;
  keys::HeldKeys keys;
  keys::EncryptionPair pair;
  MobileCounters counters;
  Attach attach;
  Provision provision;
  Announcer announcer;
  Handover handover;
  Landing landing;
  std::optional<Attachment> in_use;
  // What the router that was left told of other access points: one of them comes next.
  std::vector<AccessPoint> told;

  State(const Config& given, Random& random)
      : config(given),
        receiver(config.receiver, outbox),
        paths(config.paths, random, outbox, certified),
        discovery(config.discovery, random, outbox, receiver, certified, paths),
        keys(config.max_keys),
        pair(config.encryption_pair),
        attach(config, discovery, outbox),
        provision(Provision::Parts{config, attach, discovery, certified, paths, receiver, keys,
                                   pair, random, outbox, counters}),
        announcer(config, outbox, counters),
        handover(Handover::Parts{config, attach, keys, pair, outbox, counters}),
        landing(Landing::Parts{config, attach, discovery, announcer, outbox, counters}) {
    receiver.take(send::Kind::kRouterAdvertisement);
    receiver.take(send::Kind::kPrRtAdv);
    receiver.take(send::Kind::kCertificationPathAdvertisement);
  }

  void dispatch(Now now, send::Judged judged);
  void settle(Now now);
  void follow(Now now, const Attach::Change& change);
  void leave(Now now);
  void link_gone(Now now, InterfaceId interface);
  void stand(Now now);
  void land(Now now, InterfaceId interface, const AccessPoint& target);
  void prepare(Now now, const AccessPoint& target, const Ipv6Address& address);
  void prepare_for(Now now, const AccessPoint& target);
  void prepare_for_any(Now now);
  void acknowledged(Now now);
  void landing_changed(Now now, const Landing::Change& change);
  void follow_landing(Now now);
  void network_initiated(Now now, const LinkAddress& access_point);
  [[nodiscard]] std::optional<AccessPoint> told_of(const LinkAddress& access_point) const;
  void interface_up(Now now, const machine::InterfaceUp& event);
  void ap_attached(Now now, const machine::ApAttached& event);
  void expire_keys(Now now);
  [[nodiscard]] Result<void, OrderError> carry_out(Now now, const machine::Order& order);
  [[nodiscard]] Result<void, OrderError> ask_for_key(Now now);
  [[nodiscard]] Result<void, OrderError> binding_complete();
};

Mobile::Mobile(const Config& config, machine::Snapshot snapshot, Random& random, Now now)
    : state_(std::make_unique<State>(config, random)) {
  for (const machine::Record& record : snapshot)
    if (const auto* held = std::get_if<machine::HeldKey>(&record))
      if (!state_->keys.restore(now, *held))
        state_->outbox.push(machine::Forget{machine::HeldKeyName{held->ar, held->cga}});
  if (!has_anchor(config))
    state_->outbox.report(EventKind::kWarning,
                          {{"text",
                            "no trust anchor is configured: no router will be believed and "
                            "no handover key asked for"}});
  state_->settle(now);
}

Mobile::~Mobile() = default;

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
  if (const auto target = handover.take_switching()) prepare_for(now, *target);
  if (const auto access_point = provision.take_trigger()) network_initiated(now, *access_point);
  if (handover.take_key_wanted() && config.request_keys) (void)provision.request_now(now);
  expire_keys(now);
  attach.set_moving(handover.moving());
  attach.release([this](const Ipv6Address& address) { return handover.needs(address); });
}

void Mobile::State::leave(Now now) {
  if (!provision.neighbourhood().all().empty()) told = provision.neighbourhood().all();
  // In this order: leaving makes the keys of that router unfit for new handovers.
  handover.left(now, &*in_use);
  provision.left(*in_use);
  in_use.reset();
}

// Where FBUs leave from: the address that stands on the link, with what is known of its router.
void Mobile::State::stand(Now now) {
  const Attachment* attachment = attach.current();
  std::optional<Standing> standing = landing.standing();
  const bool attached = attachment != nullptr && attachment->address &&
                        (!standing || standing->interface == attachment->interface);
  if (!standing && !attached) return;
  if (attached) {
    const Ipv6Address address = standing ? standing->address : *attachment->address;
    standing = Standing{attachment->interface,           attachment->link_address, address,
                        attachment->router_link_address, attachment->ar,           attachment->prefix};
  }
  handover.arrived(now, *standing);
}

void Mobile::State::follow(Now now, const Attach::Change& change) {
  const Attachment& attachment = change.attachment;
  if (change.what == Attach::Change::What::kLeft) {
    if (in_use && in_use->interface == attachment.interface) leave(now);
    return;
  }
  const Attachment* current = attach.current();
  if (current == nullptr || current->interface != attachment.interface) return;
  if (in_use && in_use->interface != attachment.interface) leave(now);
  in_use = attachment;
  const Standing here{attachment.interface, attachment.link_address, *attachment.address,
                      {},                   attachment.ar,           attachment.prefix};
  if (landing.active() && !landing.active_on(attachment.interface)) landing.end();
  // Told of another router: what was put into use for that one is wrong here (FH-5.6-06).
  if (!landing.router_found(attachment)) handover.left(now, nullptr);
  if (!landing.active() && handover.away_from(here)) landing.begin(attachment);
  if (landing.active() && !landing.standing() && !landing.waits_for_dhcp())
    landing.use(now, *attachment.address, Landing::Origin::kAttached);
  (void)landing.take_changes();
  stand(now);
  provision.arrived(now);
}

void Mobile::State::acknowledged(Now now) {
  for (const nd::Discovery::Acknowledgement& naack : discovery.take_acknowledgements()) {
    landing.acknowledged(now, naack, handover.previous_addresses());
    follow_landing(now);
  }
}

void Mobile::State::landing_changed(Now now, const Landing::Change& change) {
  using What = Landing::Change::What;
  switch (change.what) {
    case What::kStands:
      return stand(now);
    case What::kLost:
      return handover.lost(change.address);
    case What::kUseRouter:
      return handover.use_router(change.address);
    case What::kUnrecognised:
      return handover.unrecognised(landing.interface());
    case What::kUsePrevious: {
      const auto previous = handover.previous_addresses();
      handover.use_previous();
      if (previous.empty()) return;
      const bool named = std::ranges::find(previous, change.address) != previous.end();
      return landing.use(now, named ? change.address : previous.back(), Landing::Origin::kPrevious);
    }
  }
}

void Mobile::State::follow_landing(Now now) {
  if (const auto assigned = handover.take_assigned(); assigned && landing.active()) {
    const auto previous = handover.previous_addresses();
    const bool is_previous = std::ranges::find(previous, *assigned) != previous.end();
    landing.use(now, *assigned,
                is_previous ? Landing::Origin::kPrevious : Landing::Origin::kGiven);
  }
  for (auto changes = landing.take_changes(); !changes.empty(); changes = landing.take_changes())
    for (const Landing::Change& change : changes) landing_changed(now, change);
}

// RFC 5568 3.3. The network wants the node there, with a fast handover or without.
void Mobile::State::network_initiated(Now now, const LinkAddress& access_point) {
  const auto done = handover.order(now, access_point, provision.neighbourhood(),
                                   Handover::Initiator::kNetwork);
  if (done) return;
  outbox.report(EventKind::kHandoverFailed,
                {{"reason", std::string(name(done.error()))}, {"by", "network"}});
  if (done.error() == OrderError::kBusy || attach.current() == nullptr) return;
  outbox.push(machine::SwitchLink{attach.current()->interface, access_point});
}

// GF44.
void Mobile::State::prepare(Now now, const AccessPoint& target, const Ipv6Address& address) {
  if (!in_use) return;
  if (const auto site = attach.site(in_use->interface))
    announcer.prepare(now, landing.announcement_for(*site, target, address));
}

void Mobile::State::prepare_for(Now now, const AccessPoint& target) {
  auto address = handover.granted_at(target.address);
  if (!address) address = prospective_care_of(target, config.identity);
  if (address) prepare(now, target, *address);
}

// The link is going without an order: any neighbour may come next, the last heard of first.
void Mobile::State::prepare_for_any(Now now) {
  std::vector<Ipv6Address> done;
  const auto& known = provision.neighbourhood().all();
  for (auto access_point = known.rbegin(); access_point != known.rend(); ++access_point) {
    if (access_point->state != AccessPoint::State::kPossible || done.size() >= kMaxPrepared) continue;
    const auto ncoa = prospective_care_of(*access_point, config.identity);
    if (!ncoa || std::ranges::find(done, *ncoa) != done.end()) continue;
    prepare(now, *access_point, *ncoa);
    done.push_back(*ncoa);
  }
}

void Mobile::State::link_gone(Now now, InterfaceId interface) {
  receiver.drop_pending(interface);
  if (landing.active_on(interface)) {
    landing.end();
    handover.left(now, nullptr);
  }
  if (!in_use || in_use->interface != interface) return;
  outbox.report(EventKind::kLinkLeft, {{"router", in_use->router.text()}});
  if (const AccessPoint* target = handover.expected()) return prepare_for(now, *target);
  prepare_for_any(now);
}

std::optional<AccessPoint> Mobile::State::told_of(const LinkAddress& access_point) const {
  if (const AccessPoint* known = provision.neighbourhood().find(access_point)) return *known;
  const auto known = std::ranges::find(told, access_point, &AccessPoint::address);
  if (known == told.end()) return std::nullopt;
  return *known;
}

// The first moment of a link whose router was told: address, announcement, tunnel and FBU leave now.
void Mobile::State::land(Now now, InterfaceId interface, const AccessPoint& target) {
  const auto site = attach.site(interface);
  if (!site || target.state != AccessPoint::State::kPossible || !handover.moving()) return;
  landing.begin(*site, target);
  const auto granted = handover.granted_at(target.address);
  const auto previous = handover.previous_addresses();
  const auto own = prospective_care_of(target, config.identity);
  if (granted && std::ranges::find(previous, *granted) != previous.end())
    landing.use(now, *granted, Landing::Origin::kPrevious);
  else if (granted && granted != own && !target.dhcp)
    landing.use(now, *granted, Landing::Origin::kGiven);
  else if (own && !target.dhcp)
    landing.use(now, *own, Landing::Origin::kOwn);
  follow_landing(now);
}

void Mobile::State::interface_up(Now now, const machine::InterfaceUp& event) {
  // An interface that comes up again was down, told or not.
  link_gone(now, event.interface);
  attach.set_moving(handover.moving() || in_use.has_value());
  std::optional<AccessPoint> expected;
  // Who tells of access points and who of carriers are two, and either may be the first.
  if (const AccessPoint* target = handover.expected())
    expected = *target;
  else if (const auto access_point = attach.announced(event.interface))
    expected = told_of(*access_point);
  attach.interface_up(now, event);
  settle(now);
  outbox.report(EventKind::kLinkEntered, {{"announced", expected ? 1 : 0}});
  if (expected) land(now, event.interface, *expected);
}

void Mobile::State::ap_attached(Now now, const machine::ApAttached& event) {
  const auto target = told_of(event.access_point);
  const bool here = in_use && in_use->interface == event.interface;
  const bool possible = target && target->state == AccessPoint::State::kPossible;
  const bool same_router = target && (target->state == AccessPoint::State::kSameInterface ||
                                      (possible && in_use && target->router == in_use->ar));
  if (here && same_router) return attach.note_access_point(event);
  if (landing.at(event.access_point)) return attach.note_access_point(event);
  attach.set_moving(handover.moving() || here);
  const std::uint64_t changes_before = attach.entries(event.interface);
  attach.ap_attached(now, event, target.has_value());
  const bool entered = attach.entries(event.interface) != changes_before;
  if (entered || landing.active_on(event.interface)) link_gone(now, event.interface);
  settle(now);
  if (entered || !in_use)
    outbox.report(EventKind::kLinkEntered, {{"access_point", event.access_point.text()},
                                            {"announced", possible ? 1 : 0}});
  if (target && target->state == AccessPoint::State::kNoFastHandover) handover.bar();
  if (target && (entered || !in_use)) land(now, event.interface, *target);
}

void Mobile::State::expire_keys(Now now) {
  for (const machine::HeldKeyName& name : keys.expire(now.boot)) {
    outbox.push(machine::Forget{name});
    outbox.report(EventKind::kKeyDiscarded,
                  {{"ar", name.ar.text()}, {"cga", name.cga.text()}, {"reason", "expired"}});
    handover.key_gone(name.ar, name.cga);
  }
}

void Mobile::handle(Now now, const machine::Received& received) {
  if (received.origin != machine::Received::Origin::kWire) return;
  if (state_->handover.handle(now, received)) state_->landing.heard();
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
    state_->provision.outcome(outcome);
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
  }
  state.settle(now);
}

Result<void, OrderError> Mobile::State::ask_for_key(Now now) {
  const Attachment* current = attach.current();
  if (current == nullptr) return fail(OrderError::kNoRouter);
  if (!current->address) return fail(OrderError::kNoAddress);
  if (!provision.request_now(now)) return fail(OrderError::kNoFastHandover);
  return {};
}

// RFC 5269 3.6.
Result<void, OrderError> Mobile::State::binding_complete() {
  const Attachment* current = attach.current();
  if (current == nullptr) return fail(OrderError::kNoRouter);
  const Ipv6Address ar = current->ar.value_or(Ipv6Address{});
  handover.binding_complete(ar);
  for (const machine::HeldKeyName& name : keys.discard_all_but(ar)) {
    outbox.push(machine::Forget{name});
    outbox.report(
        EventKind::kKeyDiscarded,
        {{"ar", name.ar.text()}, {"cga", name.cga.text()}, {"reason", "binding-updates-complete"}});
  }
  return {};
}

Result<void, OrderError> Mobile::State::carry_out(Now now, const machine::Order& order) {
  if (const auto* hand_over = std::get_if<machine::HandOver>(&order)) {
    const auto done = handover.order(now, hand_over->access_point, provision.neighbourhood(),
                                     Handover::Initiator::kPerson);
    // Its router may be known next time.
    if (!done && done.error() == OrderError::kUnknownAccessPoint &&
        !provision.request_now(now, hand_over->access_point))
      return fail(OrderError::kNoFastHandover);
    return done;
  }
  if (std::holds_alternative<machine::RequestKey>(order)) return ask_for_key(now);
  if (std::holds_alternative<machine::BindingComplete>(order)) return binding_complete();
  return fail(OrderError::kNotMyRole);
}

Result<void, OrderError> Mobile::handle(Now now, const machine::Order& order) {
  const auto done = state_->carry_out(now, order);
  state_->settle(now);
  return done;
}

Result<void, NeedsRestart> Mobile::handle(Now now, const Config& config) {
  State& state = *state_;
  NeedsRestart restart;
  const auto same = [](const Interface& a, const Interface& b) {
    return a.id == b.id && a.name == b.name;
  };
  if (!std::ranges::equal(config.interfaces, state.config.interfaces, same))
    restart.settings.emplace_back("interfaces");
  const send::Identity& mine = state.config.identity;
  if (!equal(config.identity.key->spki(), mine.key->spki()) ||
      config.identity.modifier != mine.modifier || config.identity.sec != mine.sec ||
      config.identity.extensions != mine.extensions)
    restart.settings.emplace_back("CGA key");
  if (config.max_keys != state.config.max_keys) restart.settings.emplace_back("number of keys");
  if (!restart.settings.empty()) return fail(std::move(restart));
  state.config = config;
  state.receiver.configure(config.receiver);
  state.paths.configure(config.paths);
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
                   state.provision.next_deadline(), state.handover.next_deadline(),
                   state.landing.next_deadline(), state.keys.next_expiry()});
}

void Mobile::tick(Now now) {
  State& state = *state_;
  state.paths.tick(now);
  state.discovery.tick(now);
  state.settle(now);
  state.handover.tick(now);
  state.landing.tick(now);
  state.provision.tick(now);
  state.settle(now);
}

std::optional<machine::Action> Mobile::poll() { return state_->outbox.poll(); }

void Mobile::counters(const machine::Machine::CounterVisitor& visit) const {
  const auto group = [&](std::string_view name, const auto& counters) {
    counters.for_each(
        [&](std::string_view counter, std::uint64_t value) { visit(name, counter, value); });
  };
  group("send", state_->receiver.counters());
  group("path", state_->paths.counters());
  group("discovery", state_->discovery.counters());
  group("mobile", state_->counters);
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
