// From link to link: what is left behind, what stands at once where the router was told before,
// what follows when it is heard.
#include "mobile/care_of.h"
#include "mobile/state.h"

namespace sendoff::mobile {

namespace {

using machine::EventKind;
using machine::OrderError;

// Announcements that are signed in advance when a link is lost without an order.
constexpr std::size_t kMaxPrepared = 4;
// The carrier's events of a move may come so long behind the name of the access point.
constexpr Duration kNamedLasts = seconds(1);

}  // namespace

void Mobile::State::leave(Now now) {
  if (!provision.neighbourhood().told().empty()) told = provision.neighbourhood().told();
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
    standing =
        Standing{attachment->interface,           attachment->link_address, address,
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
  if (change.what == Attach::Change::What::kInvalid) return invalid(now, attachment);
  const Attachment* current = attach.current();
  if (current == nullptr || current->interface != attachment.interface) return;
  if (in_use && in_use->interface != attachment.interface) leave(now);
  in_use = attachment;
  const Standing here{attachment.interface, attachment.link_address, *attachment.address, {},
                      attachment.ar,        attachment.prefix};
  if (landing.active() && !landing.active_on(attachment.interface)) {
    // What is formed there stands in for what ends here.
    attach.form_for(now, landing.interface(), Attach::Purpose::kUse, {});
    landing.end();
  }
  // Told of another router: what was put into use for that one is wrong here (FH-5.6-06).
  if (!landing.router_found(attachment)) handover.left(now, nullptr);
  if (!landing.active() && handover.away_from(here)) landing.begin(attachment);
  if (landing.active() && !landing.standing() && !landing.waits_for_dhcp())
    landing.use(now, *attachment.address, Landing::Origin::kAttached);
  follow_landing(now);
  stand(now);
  provision.arrived(now);
}

// Nothing is asked for or forwarded from an address that is none any more, nor to it.
void Mobile::State::invalid(Now now, const Attachment& attachment) {
  if (in_use && in_use->interface == attachment.interface) leave(now);
  for (const machine::HeldKeyName& name : keys.discard_of(*attachment.address)) {
    forget(name, "address-invalid");
    handover.key_gone(now, name.ar, name.cga, "address-invalid");
  }
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
      const bool is_ours = std::ranges::find(previous, change.address) != previous.end();
      return landing.use(now, is_ours ? change.address : previous.back(),
                         Landing::Origin::kPrevious);
    }
  }
}

void Mobile::State::follow_landing(Now now) {
  if (const auto assigned = handover.take_assigned(); assigned && landing.active()) {
    const auto previous = handover.previous_addresses();
    const bool is_previous = std::ranges::find(previous, *assigned) != previous.end();
    landing.use(now, *assigned, is_previous ? Landing::Origin::kPrevious : Landing::Origin::kGiven);
  }
  for (auto changes = landing.take_changes(); !changes.empty(); changes = landing.take_changes())
    for (const Landing::Change& change : changes) landing_changed(now, change);
}

// RFC 5568 3.3. The network wants the node there, with a fast handover or without.
void Mobile::State::network_initiated(Now now, const LinkAddress& access_point) {
  const auto done =
      handover.order(now, access_point, provision.neighbourhood(), Handover::Initiator::kNetwork);
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
  const std::vector<AccessPoint> known = provision.neighbourhood().all();
  for (auto access_point = known.rbegin(); access_point != known.rend(); ++access_point) {
    if (access_point->state != AccessPoint::State::kPossible || done.size() >= kMaxPrepared)
      continue;
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
  outbox.report(EventKind::kLinkLeft,
                {{"interface", attach.name_of(interface)}, {"router", in_use->router.text()}});
  if (const AccessPoint* target = handover.expected()) return prepare_for(now, *target);
  prepare_for_any(now);
}

std::optional<AccessPoint> Mobile::State::told_of(const LinkAddress& access_point) const {
  // By the router here, by the one before, by the configuration.
  for (const auto* list : {&provision.neighbourhood().told(), &std::as_const(told)}) {
    const auto known = std::ranges::find(*list, access_point, &AccessPoint::address);
    if (known != list->end() && known->state != AccessPoint::State::kUnknownRouter) return *known;
  }
  const AccessPoint* known = provision.neighbourhood().find(access_point);
  return known == nullptr ? std::nullopt : std::optional(*known);
}

// The first moment of a link whose router was told: address, announcement, tunnel and FBU leave
// now.
void Mobile::State::land(Now now, InterfaceId interface, const AccessPoint& target) {
  const auto site = attach.site(interface);
  if (!site || target.state != AccessPoint::State::kPossible || !handover.moving()) return;
  landing.begin(now, *site, target);
  const auto granted = handover.granted_at(target.address);
  const auto previous = handover.previous_addresses();
  const auto own = prospective_care_of(target, config.identity);
  // The announcement calls for what the NAR holds: the tunnel's end stands before it.
  if (granted)
    handover.expect_tunnel(site->interface, *granted);
  else if (own && !target.dhcp)
    handover.expect_tunnel(site->interface, *own);
  if (granted && std::ranges::find(previous, *granted) != previous.end())
    landing.use(now, *granted, Landing::Origin::kPrevious);
  else if (granted && granted != own && !target.dhcp)
    landing.use(now, *granted, Landing::Origin::kGiven);
  else if (own && !target.dhcp)
    landing.use(now, *own, Landing::Origin::kOwn);
  follow_landing(now);
}

// Before a link is entered: whether sessions wait for it.
void Mobile::State::hurry(Now now) {
  attach.set_moving(handover.moving() || (in_use && handover.can_leave(now, *in_use)), {});
}

// Who tells of access points and who of carriers are two, and either may be the first.
std::optional<AccessPoint> Mobile::State::expected_at(Now now, InterfaceId interface) const {
  if (const auto access_point = attach.announced(interface)) return told_of(*access_point);
  if (const AccessPoint* target = handover.expected()) return *target;
  if (named && named->interface == interface && now.boot - named_at <= kNamedLasts)
    return told_of(named->access_point);
  return std::nullopt;
}

// The announcement goes before the host is given an address of this link; a DHCP client needs one.
void Mobile::State::enter(Now now, InterfaceId interface, bool entered,
                          const std::optional<AccessPoint>& target) {
  const bool dhcp = target && target->dhcp;
  if (entered && dhcp) attach.enter(now, interface);
  if (target) land(now, interface, *target);
  if (entered && !dhcp) attach.enter(now, interface);
}

void Mobile::State::interface_up(Now now, const machine::InterfaceUp& event) {
  // An interface that comes up again was down, told or not.
  link_gone(now, event.interface);
  hurry(now);
  const auto expected = expected_at(now, event.interface);
  attach.interface_up(event);
  settle(now);
  outbox.report(EventKind::kLinkEntered,
                {{"interface", attach.name_of(event.interface)}, {"announced", expected ? 1 : 0}});
  enter(now, event.interface, true, expected);
}

void Mobile::State::ap_attached(Now now, const machine::ApAttached& event) {
  named = event;
  named_at = now.boot;
  const auto target = told_of(event.access_point);
  const bool here = in_use && in_use->interface == event.interface;
  const bool possible = target && target->state == AccessPoint::State::kPossible;
  const bool same_router = target && (target->state == AccessPoint::State::kSameInterface ||
                                      (possible && in_use && target->router == in_use->ar));
  if (here && same_router) return attach.note_access_point(event);
  if (landing.at(event.access_point)) return attach.note_access_point(event);
  hurry(now);
  const bool entered = attach.ap_attached(event, target.has_value());
  if (entered || landing.active_on(event.interface)) link_gone(now, event.interface);
  settle(now);
  if (entered || !in_use)
    outbox.report(EventKind::kLinkEntered, {{"interface", attach.name_of(event.interface)},
                                            {"access_point", event.access_point.text()},
                                            {"announced", possible ? 1 : 0}});
  if (target && target->state == AccessPoint::State::kNoFastHandover) handover.bar();
  enter(now, event.interface, entered, entered || !in_use ? target : std::nullopt);
}

}  // namespace sendoff::mobile
