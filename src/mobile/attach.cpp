#include "mobile/attach.h"

#include <utility>

#include "mobile/care_of.h"

namespace sendoff::mobile {

namespace {

using machine::EventKind;

constexpr std::size_t kMaxGivenUp = 64;
constexpr std::uint8_t kCareOfPrefixLength = 64;
// An address says nothing of what is on-link: the RA's prefixes do (RFC 5942), by set_routes.
constexpr std::uint8_t kHostPrefixLength = 128;
constexpr Duration kTryAgain = seconds(60);

std::optional<Duration> lifetime(Instant until, Instant now) {
  if (until == kNever) return std::nullopt;
  return until > now ? until - now : Duration{};
}

const Prefix& default_route() {
  static const Prefix prefix;
  return prefix;
}

const nd::AdvertisedPrefix* autonomous(const nd::Router& router, const Prefix& prefix) {
  const auto found = std::ranges::find_if(router.prefixes, [&](const nd::AdvertisedPrefix& each) {
    return each.autonomous && each.prefix == prefix;
  });
  return found == router.prefixes.end() ? nullptr : &*found;
}

// The prefix that our CGA is made in: the first one in which the router has an address of its own,
// since handover keys are named by both (HK-3.3-12), else the first autonomous one.
const nd::AdvertisedPrefix* prefix_for_address(const nd::Router& router) {
  const nd::AdvertisedPrefix* first = nullptr;
  for (const nd::AdvertisedPrefix& advertised : router.prefixes) {
    if (!advertised.autonomous || advertised.prefix.length() != kCareOfPrefixLength) continue;
    if (first == nullptr) first = &advertised;
    if (std::ranges::any_of(router.global_addresses, [&](const Ipv6Address& address) {
          return advertised.prefix.contains(address);
        }))
      return &advertised;
  }
  return first;
}

}  // namespace

Attach::Attach(const Config& config, nd::Discovery& discovery, machine::Outbox& outbox)
    : config_(config), discovery_(discovery), outbox_(outbox) {
  for (const Interface& interface : config.interfaces) links_[interface.id] = Link{};
}

void Attach::interface_up(const machine::InterfaceUp& event) {
  const auto found = links_.find(event.interface);
  if (found == links_.end()) return;
  Link& link = found->second;
  if (link.up) detach(event.interface, link, "interface-restarted");
  link.up = true;
  link.address = event.address;
  link.mtu = event.mtu;
}

void Attach::enter(Now now, InterfaceId interface) {
  const auto found = links_.find(interface);
  if (found == links_.end() || !found->second.up) return;
  Link& link = found->second;
  ++link.generation;
  const Prefix& prefix = send::link_local_prefix();
  link.link_local = OwnAddress{.address = config_.identity.address(prefix), .prefix = prefix};
  add(interface, *link.link_local, nullptr, now);
}

void Attach::interface_down(Now, InterfaceId interface) {
  const auto found = links_.find(interface);
  if (found == links_.end() || !found->second.up) return;
  detach(interface, found->second, "interface-down");
  found->second.up = false;
  found->second.access_point.reset();
}

void Attach::mtu_changed(InterfaceId interface, std::uint32_t mtu) {
  const auto found = links_.find(interface);
  if (found == links_.end()) return;
  found->second.mtu = mtu;
  if (found->second.attachment)
    found->second.attachment->mtu = std::min(found->second.attachment->mtu, mtu);
}

// The access point that an interface came up on says nothing new; another one is another link,
// until its router proves that it is the same.
bool Attach::ap_attached(const machine::ApAttached& event, bool elsewhere) {
  const auto found = links_.find(event.interface);
  if (found == links_.end()) return false;
  Link& link = found->second;
  const bool first = !link.access_point && link.link_local && !(elsewhere && link.attachment);
  const bool same = link.access_point == event.access_point && link.link_local;
  link.access_point = event.access_point;
  if (first || same || !link.up) return false;
  detach(event.interface, link, "access-point-changed");
  return true;
}

void Attach::note_access_point(const machine::ApAttached& event) {
  const auto found = links_.find(event.interface);
  if (found != links_.end()) found->second.access_point = event.access_point;
}

void Attach::ap_lost(Now, InterfaceId interface) {
  const auto found = links_.find(interface);
  if (found == links_.end()) return;
  detach(interface, found->second, "access-point-lost");
  found->second.access_point.reset();
}

std::optional<LinkAddress> Attach::announced(InterfaceId interface) const {
  const auto found = links_.find(interface);
  return found == links_.end() || found->second.up ? std::nullopt : found->second.access_point;
}

void Attach::detach(InterfaceId interface, Link& link, std::string_view reason) {
  ++link.generation;
  lose_router(interface, link, reason);
  remove(interface, link.care_of);
  remove(interface, link.link_local);
  link.given_up.clear();
  link.try_again = kNever;
  link.purpose = Purpose::kUse;
  link.named.reset();
  std::erase_if(adding_, [&](const auto& entry) { return entry.second.interface == interface; });
  discovery_.stop(interface);
}

void Attach::lose_router(InterfaceId interface, Link& link, std::string_view reason) {
  if (!link.attachment) return;
  const Attachment was = *std::exchange(link.attachment, std::nullopt);
  outbox_.push(machine::SetRoute{default_route(), was.router, interface, false});
  for (const Prefix& prefix : std::exchange(link.on_link, {}))
    outbox_.push(machine::SetRoute{prefix, std::nullopt, interface, false});
  if (std::exchange(link.router_neighbour, std::nullopt))
    outbox_.push(machine::SetNeighbour{interface, was.router, std::nullopt});
  outbox_.report(EventKind::kRouterLost,
                 {{"router", was.router.text()}, {"reason", std::string(reason)}});
  changes_.push_back({Change::What::kLeft, was});
}

// An address that stands only gets its lifetimes: what DAD is at with it goes on.
machine::DadMode Attach::dad_for(const OwnAddress& own) const {
  const bool stands = own.ready || own.address == standing_;
  if (config_.dad == machine::DadMode::kNone) return machine::DadMode::kNone;
  if (stands) return machine::DadMode::kNormal;
  if (is_defended(own.address)) return machine::DadMode::kNone;
  return moving_ ? machine::DadMode::kOptimistic : config_.dad;
}

void Attach::add(InterfaceId interface, const OwnAddress& own,
                 const nd::AdvertisedPrefix* lifetimes, Now now) {
  machine::AddAddress action;
  action.interface = interface;
  action.address = own.address;
  action.prefix_length = own.address.is_link_local() ? kCareOfPrefixLength : kHostPrefixLength;
  action.dad = dad_for(own);
  if (lifetimes != nullptr) {
    action.valid = lifetime(lifetimes->valid_until, now.boot);
    action.preferred = lifetime(lifetimes->preferred_until, now.boot);
  }
  if (own.for_keys) action.preferred = Duration{};
  adding_.emplace(outbox_.push(std::move(action)), Adding{interface, own.address});
}

void Attach::remove(InterfaceId interface, std::optional<OwnAddress>& own) {
  if (!own) return;
  if (own->ready && !own->address.is_link_local())
    kept_[own->address] = interface;
  else if (!own->failed)
    outbox_.push(machine::RemoveAddress{interface, own->address});
  own.reset();
}

void Attach::release(const std::function<bool(const Ipv6Address&)>& needed) {
  std::erase_if(kept_, [&](const auto& entry) {
    if (needed(entry.first)) return false;
    const bool in_use = std::ranges::any_of(links_, [&](const auto& link) {
      return link.second.care_of && link.second.care_of->address == entry.first;
    });
    if (!in_use) outbox_.push(machine::RemoveAddress{entry.second, entry.first});
    return true;
  });
}

void Attach::keep(InterfaceId interface, const Ipv6Address& address) {
  const auto kept = kept_.find(address);
  if (kept == kept_.end()) return;
  const bool in_use = std::ranges::any_of(links_, [&](const auto& link) {
    return link.second.care_of && link.second.care_of->address == address;
  });
  if (in_use) return;
  if (kept->second != interface) outbox_.push(machine::RemoveAddress{kept->second, address});
  kept->second = interface;
  machine::AddAddress action;
  action.interface = interface;
  action.address = address;
  action.prefix_length = kHostPrefixLength;
  action.dad = machine::DadMode::kNone;  // not on-link here, so nobody here can have it
  action.preferred = Duration{};
  outbox_.push(std::move(action));
}

void Attach::give_up(Now now, InterfaceId interface, const Ipv6Address& address) {
  const auto found = links_.find(interface);
  if (found == links_.end()) return;
  Link& link = found->second;
  if (link.given_up.size() < kMaxGivenUp) link.given_up.insert(address);
  if (!link.care_of || link.care_of->address != address || link.care_of->failed) return;
  outbox_.push(machine::RemoveAddress{interface, address});
  duplicate(now, interface, link, *link.care_of);
}

std::optional<Attach::Site> Attach::site(InterfaceId interface) const {
  const auto found = links_.find(interface);
  if (found == links_.end() || !found->second.up) return std::nullopt;
  return Site{interface, found->second.address, found->second.mtu};
}

std::string Attach::name_of(InterfaceId interface) const {
  const auto found = std::ranges::find(config_.interfaces, interface, &Interface::id);
  return found == config_.interfaces.end() ? std::string() : found->name;
}

Attach::OwnAddress* Attach::find(Link& link, const Ipv6Address& address) {
  if (link.link_local && link.link_local->address == address) return &*link.link_local;
  if (link.care_of && link.care_of->address == address) return &*link.care_of;
  return nullptr;
}

void Attach::outcome(Now now, const machine::Outcome& outcome) {
  const auto adding = adding_.extract(outcome.action_id);
  if (adding.empty()) return;
  const InterfaceId interface = adding.mapped().interface;
  Link& link = links_.at(interface);
  OwnAddress* own = find(link, adding.mapped().address);
  if (own == nullptr) return;
  if (outcome.result) {
    set_detecting(link, *own, outcome.result->detecting);
    return added(now, interface, link, *own);
  }
  if (outcome.result.error() == machine::ActionError::kDuplicate)
    return duplicate(now, interface, link, *own);
  if (own->ready) return;  // only its lifetimes could not be moved
  own->failed = true;
  outbox_.report(EventKind::kAddressLost, {{"address", own->address.text()},
                                           {"reason", std::string(name(outcome.result.error()))}});
}

void Attach::address_changed(Now now, const machine::AddressChanged& event) {
  const auto found = links_.find(event.interface);
  if (found == links_.end()) return;
  OwnAddress* own = find(found->second, event.address);
  if (own == nullptr) return;
  switch (event.what) {
    case machine::AddressChanged::What::kReady:
      if (own->ready && own->address.is_link_local()) discovery_.confirmed(event.interface);
      set_detecting(found->second, *own, false);
      return added(now, event.interface, found->second, *own);
    case machine::AddressChanged::What::kDuplicate:
      return duplicate(now, event.interface, found->second, *own);
    case machine::AddressChanged::What::kRemoved:
      break;
  }
  if (!own->ready) return;
  const nd::AdvertisedPrefix* lifetimes = nullptr;
  if (own != &*found->second.link_local) {
    const nd::Router* router = discovery_.current(event.interface, now.boot);
    lifetimes = router == nullptr ? nullptr : autonomous(*router, own->prefix);
    // Its lifetime has ended: the next tick() takes leave of it.
    if (lifetimes == nullptr || lifetimes->valid_until <= now.boot) return;
  }
  // Somebody took it away: it is put back, and DAD begins again.
  own->ready = false;
  outbox_.report(EventKind::kAddressLost,
                 {{"address", own->address.text()}, {"reason", "removed"}});
  add(event.interface, *own, lifetimes, now);
}

void Attach::added(Now now, InterfaceId interface, Link& link, OwnAddress& own) {
  if (std::exchange(own.ready, true)) return;
  outbox_.report(EventKind::kAddressFormed, {{"address", own.address.text()}});
  if (&own == &*link.link_local) {
    const bool optimistic = moving_ || config_.dad == machine::DadMode::kOptimistic;
    return discovery_.start(
        now, interface, config_.identity, own.address, link.address, link.mtu,
        optimistic ? nd::Discovery::Entry::kOptimistic : nd::Discovery::Entry::kNormal);
  }
  if (const nd::Router* router = discovery_.current(interface, now.boot))
    ready(interface, link, *router);
}

void Attach::set_detecting(Link& link, OwnAddress& own, bool detecting) {
  own.detecting = detecting;
  if (link.attachment && link.attachment->address == own.address)
    link.attachment->detecting = detecting;
}

void Attach::duplicate(Now now, InterfaceId interface, Link& link, OwnAddress& own) {
  outbox_.report(EventKind::kAddressLost,
                 {{"address", own.address.text()}, {"reason", "duplicate"}});
  own.ready = false;
  if (own.collision_count >= cga::kMaxCollisionCount) {
    own.failed = true;
    outbox_.report(EventKind::kWarning,
                   {{"text", "three addresses in a row are in use on this link: stopped"},
                    {"address", own.address.text()}});
    if (own.address.is_link_local()) return;
    // Bindings of an earlier run may be what defends them, and those lapse (GF57).
    link.try_again = now.boot + kTryAgain;
    ++link.generation;
    if (!link.attachment) return;
    link.attachment->generation = link.generation;
    link.attachment->address.reset();
    return;
  }
  ++own.collision_count;
  own.address = config_.identity.address(own.prefix, own.collision_count);
  ++link.generation;
  if (link.attachment && link.care_of && &own == &*link.care_of) {
    link.attachment->generation = link.generation;
    link.attachment->address.reset();
  }
  add(interface, own, nullptr, now);
}

void Attach::routers_changed(Now now, InterfaceId interface) {
  const auto found = links_.find(interface);
  if (found == links_.end()) return;
  Link& link = found->second;
  const nd::Router* router = discovery_.current(interface, now.boot);
  const bool another = link.attachment && router != nullptr &&
                       (link.attachment->router != router->link_local ||
                        link.attachment->router_spki != router->spki);
  if (link.attachment && (router == nullptr || another))
    lose_router(interface, link, another ? "another-router" : "router-expired");
  if (router == nullptr) {
    remove(interface, link.care_of);
    return;
  }
  adopt(now, interface, link, *router);
}

void Attach::adopt(Now now, InterfaceId interface, Link& link, const nd::Router& router) {
  if (!link.attachment) {
    Attachment attachment;
    attachment.interface = interface;
    attachment.generation = ++link.generation;
    attachment.link_address = link.address;
    attachment.link_local = link.link_local->address;
    attachment.router = router.link_local;
    attachment.router_spki = router.spki;
    attachment.subject = router.subject;
    link.attachment = std::move(attachment);
    outbox_.push(machine::SetRoute{default_route(), router.link_local, interface, true});
    outbox_.report(EventKind::kRouterFound,
                   {{"router", router.link_local.text()}, {"certified_as", router.subject}});
  }
  link.attachment->mtu = std::min(link.mtu, router.mtu.value_or(link.mtu));
  set_routes(interface, link, router);
  form_care_of(now, interface, link, router);
}

void Attach::set_routes(InterfaceId interface, Link& link, const nd::Router& router) {
  link.attachment->router_link_address = router.link_address;
  if (router.link_address && link.router_neighbour != router.link_address) {
    outbox_.push(machine::SetNeighbour{interface, router.link_local, router.link_address});
    link.router_neighbour = router.link_address;
  }
  std::set<Prefix> on_link;
  for (const nd::AdvertisedPrefix& advertised : router.prefixes)
    if (advertised.on_link) on_link.insert(advertised.prefix);
  for (const Prefix& prefix : on_link)
    if (!link.on_link.contains(prefix))
      outbox_.push(machine::SetRoute{prefix, std::nullopt, interface, true});
  for (const Prefix& prefix : link.on_link)
    if (!on_link.contains(prefix))
      outbox_.push(machine::SetRoute{prefix, std::nullopt, interface, false});
  link.on_link = std::move(on_link);
}

Attach::OwnAddress Attach::first_choice(const Link& link, const Prefix& prefix) const {
  OwnAddress own{.address = config_.identity.address(prefix), .prefix = prefix};
  const auto unfit = [&] {
    return link.given_up.contains(own.address) || own.address == link.named;
  };
  while (unfit() && own.collision_count < cga::kMaxCollisionCount)
    own.address = config_.identity.address(prefix, ++own.collision_count);
  return own;
}

// The same test as Landing's, which is over when another router is found.
Attach::Purpose Attach::purpose_of(const Link& link, const nd::Router& router) {
  const AccessPoint& told = link.told;
  const auto& addresses = router.global_addresses;
  const bool same_router =
      told.router && std::ranges::find(addresses, *told.router) != addresses.end();
  const bool same_prefix =
      told.prefix && std::ranges::any_of(router.prefixes, [&](const nd::AdvertisedPrefix& each) {
        return told.prefix->contains(each.prefix.address());
      });
  const bool unknown = !told.router && !told.prefix;
  return same_router || same_prefix || unknown ? link.purpose : Purpose::kUse;
}

void Attach::form_for(Now now, InterfaceId interface, Purpose purpose, const AccessPoint& told) {
  const auto found = links_.find(interface);
  if (found == links_.end()) return;
  Link& link = found->second;
  if (purpose == Purpose::kUse && link.purpose == Purpose::kUse) return;
  link.purpose = purpose;
  link.told = told;
  if (purpose == Purpose::kNothing) link.named = prospective_care_of(told, config_.identity);
  const nd::Router* router = discovery_.current(interface, now.boot);
  if (link.attachment && router != nullptr) form_care_of(now, interface, link, *router);
}

void Attach::form_care_of(Now now, InterfaceId interface, Link& link, const nd::Router& router) {
  const Purpose purpose = purpose_of(link, router);
  const nd::AdvertisedPrefix* advertised = purpose == Purpose::kNothing || !config_.form_addresses
                                               ? nullptr
                                               : prefix_for_address(router);
  // An address that is there stays as long as its prefix is advertised.
  const nd::AdvertisedPrefix* of_ours =
      link.care_of ? autonomous(router, link.care_of->prefix) : nullptr;
  if (advertised != nullptr && of_ours != nullptr) advertised = of_ours;
  if (link.care_of && (advertised == nullptr || of_ours == nullptr))
    drop_care_of(interface, link, of_ours == nullptr);
  if (advertised == nullptr) return;
  if (link.care_of) link.care_of->for_keys = purpose == Purpose::kKeys;
  if (!link.care_of) {
    link.care_of = first_choice(link, advertised->prefix);
    link.care_of->for_keys = purpose == Purpose::kKeys;
    add(interface, *link.care_of, advertised, now);
    return;
  }
  if (link.care_of->failed) return;
  if (!link.care_of->ready) return;
  add(interface, *link.care_of, advertised, now);
  ready(interface, link, router);
}

// One that is not valid any more is not kept for anybody.
void Attach::drop_care_of(InterfaceId interface, Link& link, bool invalid) {
  const Attachment was = *link.attachment;
  ++link.generation;
  link.attachment->generation = link.generation;
  link.attachment->address.reset();
  if (invalid && was.address) {
    outbox_.report(EventKind::kAddressLost,
                   {{"address", was.address->text()}, {"reason", "lifetime ended"}});
    link.care_of->ready = false;
    changes_.push_back({Change::What::kInvalid, was});
  }
  remove(interface, link.care_of);
}

void Attach::ready(InterfaceId, Link& link, const nd::Router& router) {
  if (!link.attachment || !link.care_of || !link.care_of->ready) return;
  Attachment& attachment = *link.attachment;
  const Attachment before = attachment;
  attachment.generation = link.generation;
  attachment.address = link.care_of->address;
  attachment.detecting = link.care_of->detecting;
  attachment.prefix = link.care_of->prefix;
  attachment.collision_count = link.care_of->collision_count;
  attachment.ar = router.global_address_for(link.care_of->address);
  if (before.address != attachment.address || before.ar != attachment.ar)
    changes_.push_back({Change::What::kReady, attachment});
}

Instant Attach::next_deadline() const {
  Instant earliest = kNever;
  for (const auto& [interface, link] : links_) earliest = std::min(earliest, link.try_again);
  return earliest;
}

void Attach::tick(Now now) {
  for (auto& [interface, link] : links_) {
    if (link.try_again > now.boot) continue;
    link.try_again = kNever;
    link.given_up.clear();
    if (link.care_of && link.care_of->failed) link.care_of.reset();
    routers_changed(now, interface);
  }
}

const Attachment* Attach::current() const {
  for (const Interface& interface : config_.interfaces) {
    const auto found = links_.find(interface.id);
    if (found != links_.end() && found->second.attachment) return &*found->second.attachment;
  }
  return nullptr;
}

bool Attach::serves(InterfaceId interface, std::uint64_t generation) const {
  const auto found = links_.find(interface);
  return found != links_.end() && found->second.attachment &&
         found->second.attachment->generation == generation;
}

bool Attach::owns_address(const Ipv6Address& address) const {
  if (kept_.contains(address)) return true;
  return std::ranges::any_of(links_, [&](const auto& entry) {
    const Link& link = entry.second;
    return (link.link_local && link.link_local->address == address) ||
           (link.care_of && link.care_of->address == address);
  });
}

std::vector<Attach::Change> Attach::take_changes() { return std::exchange(changes_, {}); }

std::vector<Attach::LinkView> Attach::links() const {
  std::vector<LinkView> views;
  for (const auto& [interface, link] : links_) {
    LinkView view{.interface = interface, .up = link.up, .addresses = {}};
    for (const auto* own : {&link.link_local, &link.care_of})
      if (*own && (*own)->ready) view.addresses.push_back((*own)->address);
    if (link.attachment) view.attachment = &*link.attachment;
    views.push_back(std::move(view));
  }
  return views;
}

}  // namespace sendoff::mobile
