#include "router/router.h"

#include <span>

#include "machine/outbox.h"
#include "nd/advertiser.h"
#include "nd/certifier.h"
#include "nd/consistency.h"
#include "router/links.h"
#include "router/nar.h"
#include "router/neighbour_table.h"
#include "router/par.h"
#include "router/peer_link.h"
#include "router/provision.h"

namespace sendoff::router {

using machine::EventKind;
using machine::Outcome;

namespace {

constexpr Duration kTryAgain = seconds(60);  // for addresses that were in use

}  // namespace

struct Router::State {
  Config config;
  std::vector<ServedLink> links;
  machine::Outbox outbox;
  send::Receiver receiver;
  keys::IssuedKeys keys;
  nd::Advertiser advertiser;
  nd::Certifier certifier;
  nd::Consistency consistency;
  Provision provision;
  NeighbourTable neighbours;
  nd::MobilityGate gate;
  PeerLink peer_link;
  Par par;
  Nar nar;
  // AddAddress actions under way.
  struct Adding {
    InterfaceId interface;
    Prefix prefix;
  };
  std::map<machine::ActionId, Adding> adding;

  State(const Config& wanted, Random& random)
      : config(wanted),
        receiver(config.receiver, outbox),
        keys(config.keys, random),
        advertiser(receiver.stamps(), random, outbox),
        certifier({config.certification, config.max_cpa_s}, outbox),
        consistency(outbox),
        provision(config, links, keys, receiver, random, outbox),
        gate(outbox),
        peer_link(config, links, gate, outbox),
        par(config, links, keys, neighbours, peer_link, random, outbox),
        nar(config, links, neighbours, par, peer_link, advertiser, outbox) {
    for (const Interface& interface : config.interfaces) {
      ServedLink& link = links.emplace_back();
      link.config = interface;
      link.link_local.prefix = send::link_local_prefix();
      for (const Advertised& advertised : interface.prefixes)
        link.global.emplace_back().prefix = advertised.prefix;
    }
    for (const send::Kind kind :
         {send::Kind::kRouterSolicitation, send::Kind::kRouterAdvertisement, send::Kind::kRtSolPr,
          send::Kind::kCertificationPathSolicitation, send::Kind::kNeighborSolicitation,
          send::Kind::kNeighborAdvertisement})
      receiver.take(kind);
  }

  ServedLink* find(InterfaceId id) {
    for (ServedLink& link : links)
      if (link.config.id == id) return &link;
    return nullptr;
  }
  static std::vector<OwnAddress*> addresses_of(ServedLink& link) {
    std::vector<OwnAddress*> addresses{&link.link_local};
    for (OwnAddress& own : link.global) addresses.push_back(&own);
    return addresses;
  }

  void add_address(ServedLink& link, OwnAddress& own);
  void address_taken(Now now, ServedLink& link, OwnAddress& own);
  void try_again(Now now);
  [[nodiscard]] Instant next_try() const;
  void advertise(Now now, const ServedLink& link);
  void link_up(Now now, const machine::InterfaceUp& up);
  void link_down(InterfaceId interface);
  void forwarding_changed(Now now, const machine::ForwardingChanged& change);
  void address_changed(Now now, const machine::AddressChanged& change);
  void added(Now now, const Adding& adding, const Outcome& outcome);
  void discard(const machine::IssuedKeyName& key, std::string_view reason);
  void restore(Now now, const machine::LiveBinding& record);
  void dispatch(Now now, send::Judged judged);
  [[nodiscard]] bool addresses_us(const wire::PacketView& packet) const;
  // False: an RA that changes nothing, whether it is true or not.
  [[nodiscard]] bool concerns(Now now, InterfaceId interface, const wire::PacketView& packet);
  void mobility(Now now, const machine::Received& received, const wire::PacketView& packet);
  void follow_par(Now now);
};

void Router::State::add_address(ServedLink& link, OwnAddress& own) {
  own.ready = false;
  own.address = link.config.identity.address(own.prefix, own.collision_count);
  machine::AddAddress action;
  action.interface = link.config.id;
  action.address = own.address;
  adding.emplace(outbox.push(std::move(action)), Adding{link.config.id, own.prefix});
}

// DAD found the address in use: the next collision count, three attempts in all (RFC 3972 4).
void Router::State::address_taken(Now now, ServedLink& link, OwnAddress& own) {
  own.ready = false;
  outbox.report(EventKind::kAddressLost, {{"interface", link.config.name},
                                          {"address", own.address.text()},
                                          {"reason", std::string("in use on the link")}});
  if (++own.collisions <= cga::kMaxCollisionCount) {
    // The next one, and behind the last one the first.
    own.collision_count =
        static_cast<std::uint8_t>((own.collision_count + 1) % (cga::kMaxCollisionCount + 1));
    return add_address(link, own);
  }
  own.given_up = true;
  own.try_again = now.boot + kTryAgain;
  outbox.report(EventKind::kWarning,
                {{"interface", link.config.name},
                 {"text", std::string("three addresses in a row were in use: a fault or an attack; "
                                      "this prefix is not served, but for a try every minute")}});
}

// Who answered for them may have been an attacker, who is not there for ever.
void Router::State::try_again(Now now) {
  for (ServedLink& link : links)
    for (OwnAddress* own : addresses_of(link)) {
      if (own->try_again > now.boot) continue;
      own->try_again = kNever;
      own->collisions = 0;
      own->given_up = false;
      add_address(link, *own);
    }
}

Instant Router::State::next_try() const {
  Instant earliest = kNever;
  for (const ServedLink& link : links) {
    earliest = std::min(earliest, link.link_local.try_again);
    for (const OwnAddress& own : link.global) earliest = std::min(earliest, own.try_again);
  }
  return earliest;
}

void Router::State::advertise(Now now, const ServedLink& link) {
  nd::AdvertiserLink wanted;
  wanted.identity = link.config.identity;
  wanted.source = link.link_local.address;
  wanted.collision_count = link.link_local.collision_count;
  wanted.link_address = link.link_address;
  wanted.tell_link_address = link.config.tell_link_address;
  wanted.mtu = link.mtu;
  wanted.parameters = link.config.advertised;
  // RFC 4861 6.2.5: whoever chose it would lose what he sends.
  if (!link.forwarding) wanted.parameters.router_lifetime_s = 0;
  wanted.min_interval = link.config.min_ra_interval;
  wanted.max_interval = link.config.max_ra_interval;
  wanted.max_delay = link.config.max_answer_delay;
  for (std::size_t i = 0; i < link.global.size(); ++i) {
    const Advertised& advertised = link.config.prefixes[i];
    if (link.global[i].ready)
      wanted.prefixes.push_back({advertised.prefix, link.global[i].address,
                                 advertised.valid_lifetime_s, advertised.preferred_lifetime_s,
                                 advertised.on_link, advertised.autonomous,
                                 advertised.tell_router_address});
  }
  advertiser.start(now, link.config.id, std::move(wanted));
}

void Router::State::link_up(Now now, const machine::InterfaceUp& up) {
  ServedLink* link = find(up.interface);
  if (link == nullptr) return;
  link->link_address = up.address;
  link->mtu = up.mtu;
  if (link->up) {
    if (link->ready()) advertise(now, *link);
    return;
  }
  link->up = true;
  // The addresses that nodes know: another one is taken only when somebody has this one now.
  for (OwnAddress* own : addresses_of(*link)) {
    own->collisions = 0;
    own->given_up = false;
    own->try_again = kNever;
    add_address(*link, *own);
  }
}

void Router::State::link_down(InterfaceId interface) {
  ServedLink* link = find(interface);
  if (link == nullptr || !link->up) return;
  link->up = false;
  for (OwnAddress* own : addresses_of(*link)) {
    own->ready = false;
    own->try_again = kNever;
  }
  std::erase_if(adding, [&](const auto& entry) { return entry.second.interface == interface; });
  advertiser.stop(interface);
  certifier.drop(interface);
  consistency.drop(interface);
  receiver.drop_pending(interface);
  provision.drop(interface);
  nar.link_down(interface);
  neighbours.forget(interface);
}

void Router::State::added(Now now, const Adding& addition, const Outcome& outcome) {
  ServedLink* link = find(addition.interface);
  if (link == nullptr || !link->up) return;
  for (OwnAddress* own : addresses_of(*link)) {
    if (own->prefix != addition.prefix) continue;
    if (!outcome.result && outcome.result.error() == machine::ActionError::kDuplicate)
      return address_taken(now, *link, *own);
    if (!outcome.result) {
      own->given_up = true;
      outbox.report(EventKind::kWarning,
                    {{"interface", link->config.name},
                     {"text", "the address " + own->address.text() + " could not be added: " +
                                  std::string(name(outcome.result.error()))}});
      return;
    }
    own->ready = true;
    par.address_ready(now, *link, own->address);
    outbox.report(EventKind::kAddressFormed,
                  {{"interface", link->config.name}, {"address", own->address.text()}});
  }
  const auto settled = [](const OwnAddress& own) { return own.ready || own.given_up; };
  if (!link->link_local.ready || !std::ranges::all_of(link->global, settled)) return;
  outbox.report(EventKind::kRouterReady, {{"interface", link->config.name},
                                          {"link_local", link->link_local.address.text()}});
  advertise(now, *link);
}

void Router::State::forwarding_changed(Now now, const machine::ForwardingChanged& change) {
  ServedLink* link = find(change.interface);
  if (link == nullptr || link->forwarding == change.forwarding) return;
  link->forwarding = change.forwarding;
  if (!link->forwarding)
    outbox.report(EventKind::kWarning,
                  {{"interface", link->config.name},
                   {"text", std::string("forwarding is switched off there: until it is on again, "
                                        "nodes are told that this is no default router")}});
  if (link->ready()) advertise(now, *link);
}

void Router::State::address_changed(Now now, const machine::AddressChanged& change) {
  ServedLink* link = find(change.interface);
  if (link == nullptr || !link->up || change.what == machine::AddressChanged::What::kReady) return;
  for (OwnAddress* own : addresses_of(*link)) {
    if (own->address != change.address || !own->ready) continue;
    if (change.what == machine::AddressChanged::What::kDuplicate)
      address_taken(now, *link, *own);
    else
      add_address(*link, *own);  // somebody removed it: it is put back
    if (own == &link->link_local)
      advertiser.stop(link->config.id);
    else if (link->link_local.ready)
      advertise(now, *link);
    return;
  }
}

void Router::State::discard(const machine::IssuedKeyName& key, std::string_view reason) {
  provision.key_gone(key);
  par.key_gone(key);
  outbox.push(machine::Forget{key});
  outbox.report(EventKind::kKeyDiscarded,
                {{"cga", key.cga.text()}, {"reason", std::string(reason)}});
}

void Router::State::restore(Now now, const machine::LiveBinding& record) {
  if (par.restore(now, record)) return;
  outbox.push(machine::Forget{name_of(machine::Record(record))});
  // It timed out while nobody was there to see it (GF8).
  if (record.expires <= now.utc)
    for (const machine::IssuedKeyName& key : keys.discard(record.pcoa))
      discard(key, "its forwarding timed out");
}

void Router::State::dispatch(Now now, send::Judged judged) {
  const send::Message& message = judged.message;
  const ServedLink* link = find(message.interface);
  if (link == nullptr || !link->ready()) return;
  switch (message.kind) {
    case send::Kind::kRtSolPr:
      return provision.handle(now, std::move(judged));
    case send::Kind::kCertificationPathSolicitation:
      return certifier.handle(now, message, link->link_local.address);
    case send::Kind::kRouterSolicitation: {
      // GS2: an RS from :: that has a Nonce or a Timestamp is taken in secured-only mode too.
      const bool third_class =
          message.source.is_unspecified() && (message.options.first(wire::OptionType::kNonce) ||
                                              message.options.first(wire::OptionType::kTimestamp));
      if (judged.verdict == send::Verdict::kSecured && !receiver.accept(judged)) return;
      if (judged.verdict == send::Verdict::kUnsecured && config.secured_only && !third_class)
        return;
      return advertiser.handle(now, judged);
    }
    case send::Kind::kRouterAdvertisement: {
      const nd::AdvertiserLink* ours = advertiser.said_on(message.interface);
      const bool secured = judged.verdict == send::Verdict::kSecured && receiver.accept(judged);
      const bool taken = judged.verdict == send::Verdict::kUnsecured && !config.secured_only;
      if (ours != nullptr && (secured || taken))
        consistency.handle(now, message, *ours, link->config.name);
      return;
    }
    case send::Kind::kNeighborSolicitation:
    case send::Kind::kNeighborAdvertisement:
      if (judged.verdict == send::Verdict::kRepeat) return;
      if (judged.verdict == send::Verdict::kSecured && !receiver.accept(judged)) return;
      if (judged.verdict == send::Verdict::kUnsecured && config.secured_only) return;
      return nar.handle(now, message);
    default:
      return;
  }
}

Router::Router(const Config& config, machine::Snapshot snapshot, Random& random, Now now)
    : state_(std::make_unique<State>(config, random)) {
  for (const machine::Record& record : snapshot) {
    if (const auto* counter = std::get_if<machine::EspCounter>(&record))
      state_->peer_link.esp().restore(*counter);
    if (const auto* issued = std::get_if<machine::IssuedKey>(&record))
      if (!state_->keys.restore(now, *issued))
        state_->outbox.push(machine::Forget{name_of(record)});
  }
  state_->peer_link.esp().configure(now, state_->config);
  // After the keys, since a binding without its key is none.
  for (const machine::Record& record : snapshot)
    if (const auto* binding = std::get_if<machine::LiveBinding>(&record))
      state_->restore(now, *binding);
}
Router::~Router() = default;

bool Router::State::addresses_us(const wire::PacketView& packet) const {
  return find_holder(links, packet.header.destination) != nullptr;
}

bool Router::State::concerns(Now now, InterfaceId interface, const wire::PacketView& packet) {
  if (packet.upper_protocol != wire::kProtocolIcmpv6 ||
      send::kind_of(packet.upper) != send::Kind::kRouterAdvertisement)
    return true;
  const nd::AdvertiserLink* ours = advertiser.said_on(interface);
  return ours != nullptr &&
         consistency.concerns(now, interface, *ours, packet.header.source, packet.upper);
}

// FBUs and what comes from other routers.
void Router::State::mobility(Now now, const machine::Received& received,
                             const wire::PacketView& packet) {
  if (!PeerLink::concerns(packet)) {
    if (gate.admit(now, received, packet, addresses_us(packet))) par.handle(now, received, packet);
    return;
  }
  const auto message = peer_link.take(now, received, packet);
  if (message && message->type == wire::MobilityType::kHandoverInitiate)
    nar.handle(now, *message);
  else if (message)
    par.handle(now, *message);
}

// To be called when the previous router's part may have begun or ended forwarding.
void Router::State::follow_par(Now now) {
  for (const Ipv6Address& pcoa : par.take_ended()) nar.forwarding_ended(now, pcoa);
  for (const Par::Departure& node : par.take_departures())
    nar.departed(node.ncoa, node.link_address);
}

namespace {

// The target of an NS or NA. A link is full of them: what nobody waits for is not even judged.
std::optional<Ipv6Address> target_of(const wire::PacketView& packet) {
  if (packet.upper_protocol != wire::kProtocolIcmpv6) return std::nullopt;
  if (const auto solicitation = wire::NeighborSolicitation::parse(packet.upper))
    return solicitation->target;
  if (const auto advertisement = wire::NeighborAdvertisement::parse(packet.upper))
    return advertisement->target;
  return std::nullopt;
}

}  // namespace

void Router::handle(Now now, const machine::Received& received) {
  const auto packet = wire::PacketView::parse(received.packet);
  if (packet && (packet->upper_protocol == wire::kProtocolMobility ||
                 packet->upper_protocol == wire::kProtocolEsp)) {
    state_->mobility(now, received, *packet);
    return state_->follow_par(now);
  }
  if (packet && packet->home_address) {
    if (!state_->par.bound(*packet->home_address, packet->header.source))
      state_->gate.refuse_home_address(now, received, *packet, state_->addresses_us(*packet));
    return;
  }
  if (const auto target = packet ? target_of(*packet) : std::nullopt;
      target && !state_->nar.awaits(received.interface, *target, received.frame_source))
    return;
  if (packet && !state_->concerns(now, received.interface, *packet)) return;
  if (auto judged = state_->receiver.receive(now, received))
    state_->dispatch(now, std::move(*judged));
}

void Router::handle(Now now, machine::JobResult result) {
  if (state_->receiver.owns(result.job_id)) {
    if (auto judged = state_->receiver.complete(now, result))
      state_->dispatch(now, std::move(*judged));
  } else if (state_->provision.owns(result.job_id)) {
    state_->provision.complete(now, std::move(result));
  } else if (state_->advertiser.owns(result.job_id)) {
    state_->advertiser.complete(now, result);
  }
}

void Router::handle(Now now, const machine::Outcome& outcome) {
  if (auto adding = state_->adding.extract(outcome.action_id); !adding.empty())
    state_->added(now, adding.mapped(), outcome);
  else if (state_->provision.owns(outcome.action_id))
    state_->provision.outcome(now, outcome);
  else if (state_->par.owns(outcome.action_id))
    state_->par.outcome(now, outcome);
  else if (state_->nar.owns(outcome.action_id))
    state_->nar.outcome(now, outcome);
  else if (state_->peer_link.esp().owns(outcome.action_id))
    state_->peer_link.esp().outcome(now, outcome);
  state_->follow_par(now);
}

void Router::handle(Now now, const machine::HostEvent& event) {
  if (const auto* up = std::get_if<machine::InterfaceUp>(&event)) {
    state_->link_up(now, *up);
  } else if (const auto* down = std::get_if<machine::InterfaceDown>(&event)) {
    state_->link_down(down->interface);
  } else if (const auto* mtu = std::get_if<machine::MtuChanged>(&event)) {
    if (ServedLink* link = state_->find(mtu->interface)) {
      link->mtu = mtu->mtu;
      if (link->ready()) state_->advertise(now, *link);
    }
  } else if (const auto* change = std::get_if<machine::ForwardingChanged>(&event)) {
    state_->forwarding_changed(now, *change);
  } else if (const auto* address = std::get_if<machine::AddressChanged>(&event)) {
    state_->address_changed(now, *address);
  } else if (const auto* neighbour = std::get_if<machine::NeighbourChanged>(&event)) {
    state_->neighbours.observe(*neighbour);
    state_->nar.neighbour_changed(now, *neighbour);
  } else if (const auto* protection = std::get_if<machine::HostProtection>(&event)) {
    state_->peer_link.observe(*protection);
  } else if (const auto* step = std::get_if<machine::ClockStepped>(&event)) {
    state_->receiver.clock_stepped(*step);
  } else if (std::holds_alternative<machine::Ending>(event)) {
    for (const ServedLink& link : state_->links) state_->advertiser.withdraw(now, link.config.id);
    state_->peer_link.esp().flush(now);
  }
}

Result<void, machine::OrderError> Router::handle(Now now, const machine::Order& order) {
  if (const auto* advise = std::get_if<machine::Advise>(&order))
    return state_->provision.advise(now, *advise);
  return fail(machine::OrderError::kNotMyRole);
}

Result<void, machine::NeedsRestart> Router::handle(Now now, const Config& config) {
  machine::NeedsRestart restart;
  // What was there stays as it was; a prefix may be new.
  const auto same_interfaces = [&] {
    return std::ranges::equal(
        state_->config.interfaces, config.interfaces, [](const Interface& a, const Interface& b) {
          return a.id == b.id && a.name == b.name &&
                 equal(a.identity.key->spki(), b.identity.key->spki()) &&
                 a.identity.modifier == b.identity.modifier && a.identity.sec == b.identity.sec &&
                 a.pool == b.pool && a.mobile_prefixes == b.mobile_prefixes &&
                 a.prefixes.size() <= b.prefixes.size() &&
                 std::ranges::equal(a.prefixes, std::span(b.prefixes).first(a.prefixes.size()), {},
                                    &Advertised::prefix, &Advertised::prefix);
        });
  };
  if (!same_interfaces())
    restart.settings.emplace_back(
        "interface (names, prefixes other than one more behind them, pool, CGA key, sec, "
        "modifier)");
  if (!nd::same_certificates(state_->config.certification, config.certification))
    restart.settings.emplace_back("certificate");
  if (!restart.settings.empty()) return fail(std::move(restart));
  state_->config = config;
  state_->receiver.configure(config.receiver);
  state_->keys.configure(config.keys);
  state_->provision.reconfigured();
  state_->peer_link.esp().configure(now, state_->config);
  for (std::size_t i = 0; i < state_->links.size(); ++i) {
    ServedLink& link = state_->links[i];
    link.config = config.interfaces[i];
    while (link.global.size() < link.config.prefixes.size()) {
      OwnAddress& own = link.global.emplace_back();
      own.prefix = link.config.prefixes[link.global.size() - 1].prefix;
      if (link.up) state_->add_address(link, own);
    }
    if (link.ready()) state_->advertise(now, link);
  }
  state_->outbox.report(EventKind::kConfigured);
  return {};
}

Instant Router::next_deadline() const {
  return std::min({state_->next_try(), state_->advertiser.next_deadline(),
                   state_->certifier.next_deadline(), state_->par.next_deadline(),
                   state_->nar.next_deadline(), state_->peer_link.esp().next_deadline(),
                   state_->keys.next_expiry()});
}

void Router::tick(Now now) {
  state_->try_again(now);
  state_->advertiser.tick(now);
  state_->certifier.tick(now);
  state_->par.tick(now);
  state_->follow_par(now);
  state_->nar.tick(now);
  state_->peer_link.esp().tick(now);
  for (const Ipv6Address& cga : state_->par.take_timed_out())
    for (const machine::IssuedKeyName& key : state_->keys.discard(cga))
      state_->discard(key, "its forwarding timed out");
  for (const machine::IssuedKeyName& key : state_->keys.expire(now.boot))
    state_->discard(key, "its lifetime ended");
}

std::optional<machine::Action> Router::poll() { return state_->outbox.poll(); }

void Router::counters(const machine::Machine::CounterVisitor& visit) const {
  const auto group = [&](std::string_view group_name, const auto& counters) {
    counters.for_each(
        [&](std::string_view counter, std::uint64_t value) { visit(group_name, counter, value); });
  };
  group("send", state_->receiver.counters());
  group("provision", state_->provision.counters());
  group("mobility", state_->gate.counters());
  group("peer", state_->peer_link.counters());
  visit("peer", "neighbours-in-clear", state_->peer_link.in_clear());
  group("esp", state_->peer_link.esp().counters());
  group("fbu", state_->par.counters());
  group("initiate", state_->par.initiate_counters());
  group("arrival", state_->nar.counters());
  group("advertise", state_->advertiser.counters());
  visit("advertise", "contradictions", state_->consistency.contradictions());
  group("certify", state_->certifier.counters());
}

Router::Status Router::status(Now now, std::size_t limit) const {
  Status status;
  for (const ServedLink& link : state_->links) {
    InterfaceStatus& shown = status.interfaces.emplace_back();
    shown.name = link.config.name;
    shown.up = link.up;
    shown.link_local = link.link_local.address;
    for (const OwnAddress& own : link.global)
      if (own.ready) shown.addresses.push_back(own.address);
    shown.pool_free = state_->nar.pool_free(now, link.config.id);
    shown.prefixes_free = state_->nar.prefixes_free(link.config.id);
  }
  status.key_count = state_->keys.size();
  for (const keys::IssuedKey* key : state_->keys.list(limit))
    status.keys.push_back({key->cga, key->generation, key->algorithm, key->remaining_s(now.boot),
                           keys::fingerprint(key->key)});
  status.binding_count = state_->par.bindings().size();
  for (const auto& [pcoa, binding] : state_->par.bindings()) {
    if (status.bindings.size() >= limit) break;
    const Duration left = std::max(binding.expires - now.boot, Duration::zero());
    status.bindings.push_back(
        {pcoa, binding.ncoa, static_cast<std::uint32_t>(whole_seconds(left))});
  }
  status.associations = state_->peer_link.esp().status();
  for (machine::HostProtection& told : state_->peer_link.host_protections())
    status.host_protections.push_back({told.peer, told.local, std::move(told.lacks)});
  status.handover_count = state_->par.handover_count();
  for (const Par::HandoverView& view : state_->par.handovers(limit))
    status.handovers.push_back({view.pcoa, view.proposed, view.peer, std::string(view.state)});
  status.arrival_count = state_->nar.arrival_count();
  for (const Nar::ArrivalView& view : state_->nar.arrivals(limit))
    status.arrivals.push_back({view.address, view.pcoa, view.par, view.link_address,
                               std::string(view.state), view.proxied, view.buffered});
  return status;
}

}  // namespace sendoff::router
