#include "mobile/landing.h"

#include <algorithm>

#include "wire/icmpv6.h"
#include "wire/ipv6.h"

namespace sendoff::mobile {

namespace {

using machine::EventKind;

constexpr Duration kNaackWindow = seconds(5);  // behind the UNA that it answers
constexpr unsigned kMaxProxyAnswers = 5;       // that are answered by a UNA
constexpr Duration kProxyAnswerLasts = seconds(1);
// The host's word on a duplicate and the packet that caused it come by two ways.
constexpr Duration kVerdictWait = milliseconds(20);
// From a failure of DHCP to the next attempt, doubling.
constexpr Duration kDhcpWait = seconds(10);
constexpr Duration kMaxDhcpWait = seconds(300);

enum Status : std::uint8_t {
  kConfigure = 1,
  kUseSupplied = 2,
  kUseRouterAddress = 3,
  kNoUpdate = 4,
  kUnrecognised = 128,
};

const Prefix& everywhere() {
  static const Prefix prefix;
  return prefix;
}

// The Target Link-Layer Address of an advertisement for `target`, or, where it has none, who sent
// the frame; nothing when the packet is no valid one (RFC 4861 7.1.2).
std::optional<LinkAddress> advertiser_of(const machine::Received& received,
                                         const Ipv6Address& target) {
  const auto packet = wire::PacketView::parse(received.packet);
  if (!packet || packet->upper_protocol != wire::kProtocolIcmpv6 || packet->upper.empty() ||
      packet->upper[0] != std::to_underlying(wire::Icmpv6Type::kNeighborAdvertisement) ||
      packet->header.hop_limit != 255 || packet->fragment || received.arrived_as_fragment ||
      !wire::icmpv6_checksum_ok(packet->header.source, packet->header.destination, packet->upper))
    return std::nullopt;
  const auto advertisement = wire::NeighborAdvertisement::parse(packet->upper);
  if (!advertisement || advertisement->target != target ||
      (advertisement->solicited && packet->header.destination.is_multicast()))
    return std::nullopt;
  const auto options =
      wire::OptionList::parse(packet->upper.subspan(wire::NeighborAdvertisement::kSize));
  if (!options) return std::nullopt;
  if (const auto option = options->first(wire::OptionType::kTargetLinkAddress))
    if (const auto address = wire::LinkAddressOption::parse(option->octets))
      return address->address;
  return received.frame_source;
}

}  // namespace

void Landing::begin(Now now, const Attach::Site& site, const AccessPoint& target) {
  end();
  Ground ground;
  ground.site = site;
  ground.target = target;
  ground.told = true;
  ground_ = std::move(ground);
  parts_.counters.add(MobileCounter::kLandings);
  using Purpose = Attach::Purpose;
  parts_.attach.form_for(now, site.interface, target.dhcp ? Purpose::kNothing : Purpose::kUse,
                         target);
  if (target.dhcp) run_dhcp();
}

void Landing::run_dhcp() {
  ground_->dhcp_again = kNever;
  ground_->dhcp = parts_.outbox.push(machine::RunDhcp{ground_->site.interface});
}

void Landing::begin(const Attachment& attachment) {
  end();
  Ground ground;
  ground.site = {attachment.interface, attachment.link_address, attachment.mtu};
  ground.target.router = attachment.ar;
  ground.target.router_link_address = attachment.router_link_address;
  ground.target.prefix = attachment.prefix;
  ground.router_known = true;
  ground_ = std::move(ground);
}

bool Landing::active_on(InterfaceId interface) const {
  return ground_ && ground_->site.interface == interface;
}

bool Landing::at(const LinkAddress& access_point) const {
  return ground_ && ground_->told && ground_->target.address == access_point;
}

Announcement Landing::announcement(bool override_flag) const {
  Announcement made =
      announcement_for(ground_->site, ground_->target, ground_->address.value_or(Ipv6Address{}));
  made.override_flag = override_flag;
  if (!override_flag) return made;
  made.destination = kAllNodes;
  made.link_destination.reset();
  return made;
}

Announcement Landing::announcement_for(const Attach::Site& site, const AccessPoint& target,
                                       const Ipv6Address& address) const {
  Announcement made;
  made.interface = site.interface;
  made.address = address;
  made.link_address = site.link_address;
  made.mtu = site.mtu;
  if (parts_.config.una_unicast && target.router) {
    made.destination = *target.router;
    made.link_destination = target.router_link_address;
  }
  return made;
}

// The announcement leaves before anything else (FH-3.2-03); the host's own DAD probe, which the NAR
// would answer as the proxy that it still is, comes behind it.
void Landing::use(Now now, const Ipv6Address& address, Origin origin) {
  Ground& ground = *ground_;
  if (ground.address == address) return;
  const bool leased = ground.target.dhcp && ground.address && ground.origin == Origin::kGiven;
  if (leased && origin == Origin::kPrevious) {
    // Delivered here beside the lease: for sessions that began with it.
    parts_.announcer.announce(now, announcement_for(ground.site, ground.target, address));
    return;
  }
  if (ground.address) give_up(now, true);
  ground.address = address;
  ground.origin = origin;
  ground.confirmed = false;
  ground.proxy_answers = 0;
  ground.proxy_answered.reset();
  ground.dhcp_again = kNever;
  ground.announced = parts_.announcer.announce(now, announcement(false));
  ground.first_announced = ground.last_announced = now.boot;
  ground.next_announcement = ground.announced <= parts_.config.una_retries
                                 ? now.boot + parts_.config.una_interval
                                 : kNever;
  if (origin == Origin::kOwn || origin == Origin::kGiven) add_address();
  set_groups(address, true);
  // A router that was heard before has its routes already: they are not to be replaced, and then
  // taken back.
  const bool heard = parts_.discovery.current(ground.site.interface, now.boot) != nullptr;
  if (!ground.router_known && !ground.provisional && !heard) set_provisional_routes(true);
  if (origin == Origin::kGiven) confirm(now);
  changes_.push_back({Change::What::kStands, address});
}

void Landing::add_address() {
  machine::AddAddress action;
  action.interface = ground_->site.interface;
  action.address = *ground_->address;
  action.prefix_length = 128;
  // An address of ours from an earlier visit was defended by the router since (GF25).
  const bool ours =
      parts_.attach.owns_address(action.address) || parts_.attach.is_defended(action.address);
  action.dad = ours || parts_.config.dad == machine::DadMode::kNone ? machine::DadMode::kNone
                                                                    : machine::DadMode::kOptimistic;
  ground_->adding = parts_.outbox.push(std::move(action));
}

void Landing::set_groups(const Ipv6Address& address, bool member) {
  const InterfaceId interface = ground_->site.interface;
  if (member) parts_.outbox.push(machine::JoinGroup{interface, kAllNodes, true});
  parts_.outbox.push(machine::JoinGroup{interface, address.solicited_node(), member});
}

// The NAR's global address is a gateway that no prefix makes on-link: it gets a route of its own.
void Landing::set_provisional_routes(bool present) {
  const AccessPoint& target = ground_->target;
  const InterfaceId interface = ground_->site.interface;
  if (!target.router) return;
  const Prefix host(*target.router, 128);
  if (present) parts_.outbox.push(machine::SetRoute{host, std::nullopt, interface, true});
  if (target.router_link_address)
    parts_.outbox.push(machine::SetNeighbour{interface, *target.router,
                                             present ? target.router_link_address : std::nullopt});
  parts_.outbox.push(machine::SetRoute{everywhere(), target.router, interface, present});
  if (!present) parts_.outbox.push(machine::SetRoute{host, std::nullopt, interface, false});
  ground_->provisional = present;
}

bool Landing::router_found(const Attachment& attachment) {
  if (!active_on(attachment.interface)) return true;
  Ground& ground = *ground_;
  const AccessPoint& target = ground.target;
  const bool same_router = target.router && target.router == attachment.ar;
  const bool same_prefix = target.prefix && target.prefix->contains(*attachment.address);
  const bool unknown = !target.router && !target.prefix;
  if (!same_router && !same_prefix && !unknown) {
    end();
    return false;
  }
  if (ground.provisional) set_provisional_routes(false);
  ground.router_known = true;
  if (!ground.target.router) ground.target.router = attachment.ar;
  if (attachment.router_link_address)
    ground.target.router_link_address = attachment.router_link_address;
  if (!ground.target.prefix) ground.target.prefix = attachment.prefix;
  return true;
}

// `refused`: not ours to use on this link any more. Else the link is left.
void Landing::give_up(Now now, bool refused) {
  Ground& ground = *ground_;
  const Ipv6Address address = *ground.address;
  const bool attached = parts_.attach.owns_address(address);
  parts_.announcer.withdraw(address);
  set_groups(address, false);
  if (refused && ground.origin != Origin::kPrevious)
    parts_.attach.give_up(now, ground.site.interface, address);
  if (!attached && ground.origin != Origin::kPrevious)
    parts_.outbox.push(machine::RemoveAddress{ground.site.interface, address});
  ground.address.reset();
  ground.adding.reset();
  ground.next_announcement = ground.duplicate_until = kNever;
  if (refused && ground.target.dhcp && ground.origin == Origin::kGiven)
    ground.dhcp_again = now.boot + kDhcpWait;
  if (refused) changes_.push_back({Change::What::kLost, address});
}

void Landing::end() {
  if (!ground_) return;
  if (ground_->address) give_up({}, false);
  if (ground_->provisional) set_provisional_routes(false);
  parts_.announcer.link_left();
  ground_.reset();
  changes_.clear();
}

std::optional<Standing> Landing::standing() const {
  if (!ground_ || !ground_->address) return std::nullopt;
  return Standing{ground_->site.interface, ground_->site.link_address,
                  *ground_->address,       ground_->target.router_link_address,
                  ground_->target.router,  ground_->target.prefix};
}

void Landing::heard() {
  if (ground_) ground_->next_announcement = kNever;
}

void Landing::handle(Now now, const machine::Received& received) {
  if (!active_on(received.interface) || !ground_->address) return;
  const auto advertiser = advertiser_of(received, *ground_->address);
  if (!advertiser || *advertiser == ground_->site.link_address) return;
  if (advertiser == ground_->target.router_link_address) return proxy_answer(now);
  if (!ground_->confirmed && ground_->origin != Origin::kPrevious) collision(now);
}

// GF20: the NAR still answers for our address, so it did not hear our announcement.
void Landing::proxy_answer(Now now) {
  Ground& ground = *ground_;
  ground.proxy_answered = now.boot;
  if (ground.proxy_answers < kMaxProxyAnswers) {
    ++ground.proxy_answers;
    parts_.counters.add(MobileCounter::kProxyAnswers);
    parts_.announcer.repeat(now, announcement(false));
    ground.last_announced = now.boot;
  }
  if (std::exchange(ground.duplicate_until, kNever) != kNever) add_address();
}

void Landing::duplicate(Now now) {
  Ground& ground = *ground_;
  if (!ground.target.router_link_address) return collision(now);
  if (ground.proxy_answered && now.boot - *ground.proxy_answered < kProxyAnswerLasts)
    return add_address();
  ground.duplicate_until = now.boot + kVerdictWait;
}

void Landing::collision(Now now) {
  const Ipv6Address address = *ground_->address;
  parts_.counters.add(MobileCounter::kAddressCollisions);
  parts_.outbox.report(EventKind::kAddressLost,
                       {{"address", address.text()}, {"reason", "duplicate"}});
  give_up(now, true);
}

void Landing::confirm(Now now) {
  if (std::exchange(ground_->confirmed, true)) return;
  parts_.announcer.repeat(now, announcement(true));
}

bool Landing::address_changed(Now now, const machine::AddressChanged& event) {
  using What = machine::AddressChanged::What;
  if (!active_on(event.interface) || ground_->address != event.address) return false;
  switch (event.what) {
    case What::kReady:
      confirm(now);
      return false;
    case What::kDuplicate:
      duplicate(now);
      return true;
    case What::kRemoved:
      if (parts_.attach.owns_address(event.address)) return false;
      add_address();
      return true;
  }
  return false;
}

bool Landing::owns(machine::ActionId action) const {
  return ground_ && (ground_->adding == action || ground_->dhcp == action);
}

void Landing::outcome(Now now, const machine::Outcome& outcome) {
  Ground& ground = *ground_;
  if (ground.adding == outcome.action_id) {
    ground.adding.reset();
    if (outcome.result) return;
    if (outcome.result.error() == machine::ActionError::kDuplicate) return duplicate(now);
    parts_.outbox.report(EventKind::kAddressLost,
                         {{"address", ground.address->text()},
                          {"reason", std::string(name(outcome.result.error()))}});
    return give_up(now, true);
  }
  ground.dhcp.reset();
  dhcp_ended(now, outcome.result);
}

// RFC 3971 7.3, as far as the router's prefixes are known.
bool Landing::is_of_this_link(Now now, const Ipv6Address& address) const {
  const std::optional<Prefix>& told = ground_->target.prefix;
  if (told && told->contains(address)) return true;
  const nd::Router* router = parts_.discovery.current(ground_->site.interface, now.boot);
  if (router == nullptr) return !told;
  return std::ranges::any_of(router->prefixes, [&](const nd::AdvertisedPrefix& advertised) {
    return advertised.prefix.contains(address);
  });
}

// GF33. Without a lease there is what the router's advertisement gives; but an address that the
// PCoA stands in for is asked for again.
void Landing::dhcp_ended(Now now, const Result<machine::Facts, machine::ActionError>& result) {
  Ground& ground = *ground_;
  const InterfaceId interface = ground.site.interface;
  const bool usable = result && result->address && result->address->is_unicast_routable() &&
                      is_of_this_link(now, *result->address);
  if (usable) {
    ground.dhcp_wait = {};
    use(now, *result->address, Origin::kGiven);
    return parts_.attach.form_for(now, interface, Attach::Purpose::kKeys, ground.target);
  }
  parts_.counters.add(MobileCounter::kDhcpFailed);
  parts_.outbox.report(
      EventKind::kWarning,
      {{"text", "DHCP gave no address, though the router said that it would"},
       {"reason", result ? "not-of-this-link" : std::string(name(result.error()))}});
  if (result || result.error() != machine::ActionError::kUnsupported) {
    ground.dhcp_wait = std::clamp(ground.dhcp_wait * 2, kDhcpWait, kMaxDhcpWait);
    ground.dhcp_again = now.boot + ground.dhcp_wait;
  }
  parts_.attach.form_for(now, interface, Attach::Purpose::kUse, ground.target);
}

void Landing::acknowledged(Now now, const nd::Discovery::Acknowledgement& acknowledgement,
                           const std::vector<Ipv6Address>& previous_addresses) {
  const bool ours = active_on(acknowledgement.interface) &&
                    ground_->address == acknowledgement.destination &&
                    acknowledgement.arrived >= ground_->first_announced &&
                    acknowledgement.arrived <= ground_->last_announced + kNaackWindow;
  if (!ours) return parts_.counters.add(MobileCounter::kNaackIgnored);
  const auto& address = acknowledgement.option.address;
  const bool names_previous =
      address && std::ranges::find(previous_addresses, *address) != previous_addresses.end();
  follow_naack(now, acknowledgement.option, names_previous);
}

void Landing::follow_naack(Now now, const wire::NaackOption& naack, bool names_previous) {
  using What = Change::What;
  const bool supplied =
      naack.status == kUseSupplied && naack.address && naack.address->is_unicast_routable();
  const bool known = naack.status == kConfigure || supplied || naack.status == kUseRouterAddress ||
                     naack.status == kNoUpdate || naack.status == kUnrecognised;
  if (!known) return;
  parts_.counters.add(MobileCounter::kNaackFollowed);
  parts_.outbox.report(EventKind::kNaackReceived, {{"status", std::int64_t{naack.status}},
                                                   {"address", ground_->address->text()}});
  heard();
  if (naack.status == kNoUpdate || (supplied && names_previous))
    return changes_.push_back({What::kUsePrevious, naack.address.value_or(Ipv6Address{})});
  if (supplied) return use(now, *naack.address, Origin::kGiven);
  const InterfaceId interface = ground_->site.interface;
  if (naack.status != kUseRouterAddress) parts_.discovery.solicit_now(now, interface);
  give_up(now, true);
  if (naack.status == kUseRouterAddress && ground_->target.router)
    changes_.push_back({What::kUseRouter, *ground_->target.router});
  if (naack.status == kUnrecognised) changes_.push_back({What::kUnrecognised, {}});
}

Instant Landing::next_deadline() const {
  if (!ground_) return kNever;
  return std::min({ground_->next_announcement, ground_->duplicate_until, ground_->dhcp_again});
}

void Landing::tick(Now now) {
  if (!ground_) return;
  if (ground_->duplicate_until <= now.boot) collision(now);
  Ground& ground = *ground_;
  if (ground.dhcp_again <= now.boot) {
    ground.dhcp_again = kNever;
    if (!ground.address || ground.origin == Origin::kPrevious) run_dhcp();
  }
  if (!ground.address || ground.next_announcement > now.boot) return;
  parts_.announcer.repeat(now, announcement(false));
  ground.last_announced = now.boot;
  ground.next_announcement = ++ground.announced <= parts_.config.una_retries
                                 ? now.boot + parts_.config.una_interval
                                 : kNever;
}

}  // namespace sendoff::mobile
