// The new access router: the probe of an NCoA, what is made for a node, and its coming by UNA
// (RFC 5568 4, 6.3).
#include <algorithm>

#include "router/handover_codes.h"
#include "router/nar.h"
#include "wire/icmpv6.h"

namespace sendoff::router {

namespace {

using machine::EventKind;

// A node that has come is remembered for so long, to answer repeats of its HI.
constexpr Duration kLinger = seconds(2);
// A node with its PCoA that the host's neighbour cache lost.
constexpr Duration kGrace = seconds(60);

constexpr std::uint8_t kNaackUseSupplied = 2;
constexpr std::uint8_t kNaackUsePcoa = 4;
constexpr std::uint8_t kNaackLinkAddressUnknown = 128;

// A DAD probe (RFC 4862 5.4.2). Unsigned: only the address's owner could sign for it (GF21).
Bytes dad_solicitation(const Ipv6Address& target) {
  const Ipv6Address group = target.solicited_node();
  Bytes message;
  append(message, wire::NeighborSolicitation{target});
  wire::seal_icmpv6({}, group, message);
  return wire::icmpv6_packet({}, group, message);
}

std::optional<LinkAddress> target_link_address(const send::Message& message) {
  const auto option = message.options.first(wire::OptionType::kTargetLinkAddress);
  if (!option) return std::nullopt;
  const auto parsed = wire::LinkAddressOption::parse(option->octets);
  if (!parsed) return std::nullopt;
  return parsed->address;
}

}  // namespace

void Nar::wait_for(Arrival& arrival, Step::Kind kind, machine::ActionId action) {
  ++arrival.pending;
  steps_.emplace(action, Step{kind, arrival.address, arrival.number});
}

void Nar::set_deadline(Arrival& arrival, Instant deadline) {
  deadlines_.erase({arrival.deadline, arrival.address});
  arrival.deadline = deadline;
  if (deadline != kNever) deadlines_.emplace(deadline, arrival.address);
}

void Nar::probe(Now now, Arrival& arrival) {
  arrival.stage = Stage::kProbing;
  arrival.joined = true;
  arrival.probes_left = config_.new_router.dad_transmits;
  outbox_.push(machine::JoinGroup{arrival.interface, arrival.address.solicited_node(), true});
  solicit(now, arrival);
}

void Nar::solicit(Now now, Arrival& arrival) {
  --arrival.probes_left;
  counters_.add(NarCounter::kProbes);
  outbox_.push(
      machine::Transmit{arrival.interface, std::nullopt, dad_solicitation(arrival.address)});
  set_deadline(arrival, now.boot + config_.new_router.dad_interval);
}

void Nar::leave_group(Arrival& arrival) {
  if (!std::exchange(arrival.joined, false)) return;
  outbox_.push(machine::JoinGroup{arrival.interface, arrival.address.solicited_node(), false});
}

// Somebody else has the NCoA.
void Nar::collided(Now now, Arrival& arrival, const LinkAddress& claimant) {
  counters_.add(NarCounter::kInUse);
  occupied(now, arrival, claimant);
  Initiation initiation = std::move(arrival.initiation);
  arrival.initiation.requests.clear();
  arrival.initiation.peer = initiation.peer;
  const ServedLink* link = find_link(links_, arrival.interface);
  end(arrival.address, "its address is in use");
  if (link == nullptr) return acknowledge(now, initiation.requests, kHackUnspecified);
  do_without(now, std::move(initiation), *link);
}

void Nar::prepare(Now now, Arrival& arrival) {
  leave_group(arrival);
  set_deadline(arrival, kNever);
  arrival.stage = Stage::kPreparing;
  const InterfaceId interface = arrival.interface;
  const Ipv6Address& address = arrival.address;
  const auto ask = [&](auto action) {
    wait_for(arrival, Step::Kind::kPrepared, outbox_.push(std::move(action)));
  };
  if (arrival.here && arrival.kind != Kind::kPcoa) return prepared(now, arrival);
  // Packets for a PCoA always wait: without that they would be solicited for (FH-4-24).
  if (arrival.initiation.buffer || arrival.kind == Kind::kPcoa) {
    arrival.buffered = true;
    ask(machine::OpenBuffer{address, interface});
  }
  if (arrival.kind == Kind::kPcoa) {
    arrival.tunnelled = true;
    arrival.route = Prefix(address, 128);
    ask(machine::AttachTunnel{address, arrival.initiation.local, arrival.initiation.peer,
                              interface});
  } else {
    arrival.proxied = true;
    ask(machine::SetProxy{interface, address, true});
  }
  if (arrival.kind == Kind::kOwnPrefix) arrival.route = Prefix(address, 64);
  if (arrival.route) ask(machine::SetRoute{*arrival.route, std::nullopt, interface, true});
}

void Nar::outcome(Now now, const machine::Outcome& outcome) {
  const auto step = steps_.extract(outcome.action_id);
  if (step.empty()) return;
  const auto found = arrivals_.find(step.mapped().address);
  if (found == arrivals_.end() || found->second.number != step.mapped().arrival) return;
  Arrival& arrival = found->second;
  --arrival.pending;
  // Without the entry the host solicits by itself; what is held leaves all the same.
  if (step.mapped().kind == Step::Kind::kNeighbourSet) return release(now, arrival);
  if (!outcome.result) arrival.failed = true;
  if (arrival.pending == 0) prepared(now, arrival);
}

// All that the HAck promises stands; or it does not.
void Nar::prepared(Now now, Arrival& arrival) {
  if (arrival.failed) {
    acknowledge(now, arrival.initiation.requests, kHackNoResources);
    if (arrival.until && !arrival.route) return stays_away(now, arrival);
    return end(arrival.address, "the data path refused");
  }
  const bool fresh = arrival.stage == Stage::kPreparing;
  const bool assigned = arrival.kind == Kind::kAssigned || arrival.kind == Kind::kOwnPrefix;
  const std::optional<Ipv6Address> given = assigned ? std::optional(arrival.address) : std::nullopt;
  std::uint8_t code = kHackAccepted;
  if (assigned) code = kHackAssigned;
  if (arrival.kind == Kind::kPcoa) code = kHackUsePcoa;
  acknowledge(now, arrival.initiation.requests, code, given);
  if (fresh)
    outbox_.report(EventKind::kArrivalExpected,
                   {{"address", arrival.address.text()},
                    {"par", arrival.initiation.peer.text()},
                    {"link_address", arrival.initiation.link_address.text()},
                    {"code", std::int64_t{code}}});
  if (arrival.stage == Stage::kArrived) return;
  arrival.stage = Stage::kExpected;
  set_deadline(arrival, now.boot + config_.new_router.proxy_lifetime);
  if (arrival.replaces && fresh) {
    counters_.add(NarCounter::kReplaced);
    advertiser_.acknowledge(now, arrival.interface, *arrival.replaces,
                            arrival.initiation.link_address,
                            {0, kNaackUseSupplied, arrival.address});
  }
  if (arrival.here) settle(now, arrival);
}

bool Nar::came_before(Now now, const Arrival& arrival) {
  return arrival.stage == Stage::kArrived && now.boot >= arrival.came + kLinger;
}

bool Nar::comes_again(Now now, const Arrival& arrival, const Initiation& initiation) const {
  const bool same_way = arrival.initiation.peer == initiation.peer;
  // A PCoA comes from the router that it belongs to, and from no other.
  return came_before(now, arrival) && initiation.code == kHiPredictive &&
         (same_way || (arrival.kind != Kind::kPcoa && room_for(initiation.peer)));
}

void Nar::expect_again(Now now, Arrival& arrival, const Initiation& initiation) {
  const auto proposed = arrival.initiation.ncoa;
  if (const auto share = shares_.find(arrival.initiation.peer); --share->second == 0)
    shares_.erase(share);
  ++shares_[initiation.peer];
  arrival.initiation = initiation;
  arrival.initiation.ncoa = proposed;
  arrival.until = arrival.deadline;
  arrival.here = arrival.failed = arrival.held_back = false;
  // Outcomes that were awaited are about its last coming.
  arrival.number = ++last_number_;
  arrival.pending = 0;
  prepare(now, arrival);
}

bool Nar::awaits(InterfaceId interface, const Ipv6Address& target,
                 const LinkAddress& frame_source) const {
  if (proposals_.contains(target)) return true;
  if (const auto found = arrivals_.find(target); found != arrivals_.end())
    return found->second.interface == interface && found->second.stage != Stage::kArrived;
  if (previous_router_of(target) != nullptr) return true;
  const auto owner = owner_of(interface, target);
  return config_.new_router.in_use != InUseAnswer::kNone && owner && *owner != frame_source;
}

void Nar::handle(Now now, const send::Message& message) {
  if (message.kind == send::Kind::kNeighborSolicitation)
    solicited(now, message);
  else if (message.kind == send::Kind::kNeighborAdvertisement)
    advertised(now, message);
}

// Another node's DAD for an address that is being probed is a collision (RFC 4862 5.4.3).
void Nar::solicited(Now now, const send::Message& message) {
  const auto solicitation = wire::NeighborSolicitation::parse(message.icmp);
  if (!solicitation || !message.source.is_unspecified()) return;
  const auto found = arrivals_.find(solicitation->target);
  if (found == arrivals_.end() || found->second.stage != Stage::kProbing ||
      found->second.interface != message.interface)
    return;
  if (message.frame_source == found->second.initiation.link_address) return;  // the node's own
  collided(now, found->second, message.frame_source);
}

// Until it is promised to the node.
bool Nar::in_question(const Arrival& arrival) {
  return arrival.stage == Stage::kProbing ||
         (arrival.stage == Stage::kPreparing && arrival.kind == Kind::kProposed && !arrival.until);
}

void Nar::advertised(Now now, const send::Message& message) {
  const auto advertisement = wire::NeighborAdvertisement::parse(message.icmp);
  if (!advertisement) return;
  const Ipv6Address target = advertisement->target;
  const auto link_address = target_link_address(message);
  const auto found = arrivals_.find(target);
  const bool its_own = link_address && message.source == target && !advertisement->solicited;
  if (found != arrivals_.end() && found->second.interface == message.interface) {
    Arrival& arrival = found->second;
    const bool the_nodes = link_address == arrival.initiation.link_address;
    if (!the_nodes && in_question(arrival))
      return collided(now, arrival, link_address.value_or(message.frame_source));
    if (!its_own) return counters_.add(NarCounter::kUnaIgnored);
    return came(now, arrival, message.source, *link_address);
  }
  if (its_own && leads_elsewhere(now, target))
    return point_elsewhere(now, message, target, *link_address);
  const bool answered = its_own && !advertisement->override_flag &&
                        (tell_in_use(now, message, target, *link_address) ||
                         invite(now, message, target, *link_address));
  if (!answered) counters_.add(NarCounter::kUnaIgnored);
}

// A UNA for an address that waits for its node.
void Nar::came(Now now, Arrival& arrival, const Ipv6Address& source,
               const LinkAddress& link_address) {
  if (link_address != arrival.initiation.link_address) {
    counters_.add(NarCounter::kOtherLinkAddress);
    if (arrival.stage == Stage::kExpected)
      advertiser_.acknowledge(now, arrival.interface, source, link_address,
                              {0, kNaackLinkAddressUnknown, std::nullopt});
    return;
  }
  if (arrival.stage == Stage::kArrived) return;
  arrival.here = true;
  if (arrival.stage == Stage::kProbing) return prepare(now, arrival);
  if (arrival.stage == Stage::kExpected) settle(now, arrival);
}

// The proxy goes first, as it would defend the address against its owner; the neighbour entry
// stands before anything is released.
void Nar::settle(Now now, Arrival& arrival) {
  if (replace(now, arrival)) return;
  counters_.add(NarCounter::kArrived);
  arrival.stage = Stage::kArrived;
  arrival.until.reset();
  arrival.came = now.boot;
  if (std::exchange(arrival.proxied, false))
    outbox_.push(machine::SetProxy{arrival.interface, arrival.address, false});
  wait_for(arrival, Step::Kind::kNeighbourSet,
           outbox_.push(machine::SetNeighbour{arrival.interface, arrival.address,
                                              arrival.initiation.link_address}));
  outbox_.report(EventKind::kArrivalSeen,
                 {{"address", arrival.address.text()},
                  {"link_address", arrival.initiation.link_address.text()}});
  set_deadline(arrival, now.boot + stay(arrival));
}

// How long a node that has come is remembered.
Duration Nar::stay(const Arrival& arrival) const {
  switch (arrival.kind) {
    case Kind::kAssigned:
      return config_.new_router.pool_lease;
    case Kind::kOwnPrefix:
    case Kind::kPcoa:
      return config_.new_router.host_route_lease;
    case Kind::kProposed:
      break;
  }
  return kLinger;
}

// A node that comes back finds its packets held here as its new router, while as its previous one
// we still forward them: what was released would follow them to the router that it has left. Only
// its owner ends that (RFC 5568 5.6), by an FBU right behind the UNA; if none comes, the packets go
// where all others for the address go.
void Nar::release(Now now, Arrival& arrival) {
  if (!arrival.buffered) return;
  if (!par_.bound(arrival.address)) return let_go(now, arrival);
  counters_.add(NarCounter::kHeldBack);
  arrival.held_back = true;
  set_deadline(arrival, now.boot + config_.new_router.proxy_lifetime);
}

void Nar::let_go(Now now, Arrival& arrival) {
  arrival.buffered = arrival.held_back = false;
  // One that the previous router's part fills, too, is that part's to end (GF56).
  if (!par_.buffers(arrival.address)) outbox_.push(machine::ReleaseBuffer{arrival.address});
  set_deadline(arrival, now.boot + stay(arrival));
}

void Nar::forwarding_ended(Now now, const Ipv6Address& pcoa) {
  const auto found = arrivals_.find(pcoa);
  if (found == arrivals_.end()) return;
  if (found->second.held_back) return let_go(now, found->second);
  // The binding's end took the proxy with it (GF25), which the coming node needs until it is here.
  if (found->second.proxied) outbox_.push(machine::SetProxy{found->second.interface, pcoa, true});
}

// A node that had its PCoA here goes back to where that belongs: what is tunnelled to it there must
// not follow our host route. Only by its own key: nobody else's FBU takes a route away.
void Nar::departed(const Ipv6Address& address, const LinkAddress& link_address) {
  const auto found = arrivals_.find(address);
  if (found == arrivals_.end() || found->second.stage != Stage::kArrived ||
      found->second.initiation.link_address != link_address)
    return;
  outbox_.push(machine::SetNeighbour{found->second.interface, address, std::nullopt});
  end(address, "it has left");
}

// FH-6.3-09: where the operator wants it, the node gets an address of the pool instead.
bool Nar::replace(Now now, Arrival& arrival) {
  const auto pool = pools_.find(arrival.interface);
  const ServedLink* link = find_link(links_, arrival.interface);
  if (!config_.new_router.replace_ncoa || arrival.kind != Kind::kProposed || pool == pools_.end() ||
      link == nullptr)
    return false;
  const auto address =
      pool->second.take(now.boot, now.boot + config_.new_router.pool_lease,
                        [&](const Ipv6Address& each) { return taken(arrival.interface, each); });
  if (!address) return false;
  const Ipv6Address old = arrival.address;
  Initiation initiation = std::move(arrival.initiation);
  arrival.initiation.requests.clear();
  arrival.initiation.peer = initiation.peer;
  end(old, "the node gets another address");
  initiation.buffer = false;
  Arrival& other = admit(initiation, *link, *address, Kind::kAssigned);
  other.replaces = old;
  proposals_.emplace(old, *address);
  prepare(now, other);
  return true;
}

// Not to the PCoA of an earlier visit: who comes now may come from another router.
bool Nar::leads_elsewhere(Now now, const Ipv6Address& proposed) const {
  const auto instead = proposals_.find(proposed);
  if (instead == proposals_.end()) return false;
  const auto arrival = arrivals_.find(instead->second);
  return arrival == arrivals_.end() || arrival->second.kind != Kind::kPcoa ||
         !came_before(now, arrival->second);
}

// A node that comes under an address which it did not get, since no FBack reached it.
void Nar::point_elsewhere(Now now, const send::Message& message, const Ipv6Address& proposed,
                          const LinkAddress& link_address) {
  const auto found = arrivals_.find(proposals_.at(proposed));
  if (found == arrivals_.end() || found->second.interface != message.interface ||
      found->second.initiation.link_address != link_address ||
      found->second.stage == Stage::kPreparing)
    return counters_.add(NarCounter::kUnaIgnored);
  const std::uint8_t status = found->second.kind == Kind::kPcoa ? kNaackUsePcoa : kNaackUseSupplied;
  advertiser_.acknowledge(now, message.interface, message.source, link_address,
                          {0, status, found->second.address});
}

void Nar::expire(Now now, Arrival& arrival) {
  if (arrival.stage == Stage::kProbing) {
    if (arrival.probes_left > 0) return solicit(now, arrival);
    return prepare(now, arrival);
  }
  if (arrival.stage == Stage::kExpected) {
    counters_.add(NarCounter::kExpired);
    if (arrival.until && !arrival.route) return stays_away(now, arrival);
    return end(arrival.address, "it did not come");
  }
  if (arrival.held_back) {
    counters_.add(NarCounter::kNotEnded);
    return let_go(now, arrival);
  }
  const bool routed = arrival.route.has_value();
  end(arrival.address, routed ? "its time is over" : "");
}

// Its PAR may have been wrong, and it is here all the time: it keeps its address. A host route ends
// as GF30 wants it.
void Nar::stays_away(Now now, Arrival& arrival) {
  const Instant until = *std::exchange(arrival.until, std::nullopt);
  arrival.stage = Stage::kArrived;
  if (std::exchange(arrival.proxied, false) && !par_.bound(arrival.address))
    outbox_.push(machine::SetProxy{arrival.interface, arrival.address, false});
  if (arrival.buffered) let_go(now, arrival);
  set_deadline(arrival, std::max(until, now.boot));
}

// Everything that was made for it and is still there goes. Without a reason nobody is told.
void Nar::end(const Ipv6Address& address, std::string_view reason) {
  auto ended = arrivals_.extract(address);
  invariant(!ended.empty());
  Arrival& arrival = ended.mapped();
  set_deadline(arrival, kNever);
  undo(arrival);
  // A refusal that was just sent is repeated; anything else begins anew.
  for (const Request& request : arrival.initiation.requests) {
    const auto reply = replies_.find(request);
    const bool refused = arrival.stage == Stage::kPreparing && reply != replies_.end() &&
                         reply->second.hack.has_value();
    if (reply != replies_.end() && !refused) replies_.erase(reply);
  }
  if (const auto proposed = arrival.replaces ? arrival.replaces : arrival.initiation.ncoa) {
    const auto instead = proposals_.find(*proposed);
    if (instead != proposals_.end() && instead->second == arrival.address)
      proposals_.erase(instead);
  }
  if (const auto share = shares_.find(arrival.initiation.peer); --share->second == 0)
    shares_.erase(share);
  if (!reason.empty())
    outbox_.report(EventKind::kArrivalEnded,
                   {{"address", arrival.address.text()}, {"reason", std::string(reason)}});
}

void Nar::undo(Arrival& arrival) {
  const InterfaceId interface = arrival.interface;
  leave_group(arrival);
  // The proxy of an address that we forward for stays (GF25).
  if (arrival.proxied && !par_.bound(arrival.address))
    outbox_.push(machine::SetProxy{interface, arrival.address, false});
  if (arrival.route)
    outbox_.push(machine::SetRoute{*arrival.route, std::nullopt, interface, false});
  if (arrival.tunnelled) outbox_.push(machine::DetachTunnel{arrival.address});
  if (arrival.buffered && !par_.buffers(arrival.address))
    outbox_.push(machine::DiscardBuffer{arrival.address});
  const auto pool = pools_.find(interface);
  if (arrival.kind == Kind::kAssigned && arrival.stage != Stage::kArrived && pool != pools_.end())
    pool->second.give_back(arrival.address);
  const auto prefixes = prefix_pools_.find(interface);
  if (arrival.kind == Kind::kOwnPrefix && prefixes != prefix_pools_.end())
    prefixes->second.give_back(Prefix(arrival.address, 64));
}

void Nar::neighbour_changed(Now now, const machine::NeighbourChanged& change) {
  const auto found = arrivals_.find(change.address);
  if (found == arrivals_.end() || !found->second.route || found->second.held_back ||
      found->second.stage != Stage::kArrived || found->second.interface != change.interface)
    return;
  const bool there = change.link_address.has_value();
  set_deadline(found->second, now.boot + (there ? config_.new_router.host_route_lease : kGrace));
}

void Nar::link_down(InterfaceId interface) {
  std::vector<Ipv6Address> there;
  for (const auto& [address, arrival] : arrivals_)
    if (arrival.interface == interface) there.push_back(address);
  for (const Ipv6Address& address : there) end(address, "the link went down");
}

}  // namespace sendoff::router
