// What an input can do to a World, and what must not come of it.
#include <algorithm>

#include "sim/forgery.h"
#include "sim/key_pool.h"
#include "sim/places.h"
#include "target.h"
#include "wire/fmip_options.h"
#include "wire/icmpv6.h"
#include "wire/mobility.h"
#include "wire/send_options.h"
#include "world.h"

namespace sendoff::fuzz {

namespace {

constexpr std::size_t kMostOctets = 1500;
constexpr InterfaceId kAccess{0};
constexpr Duration kSteps[] = {
    milliseconds(1), milliseconds(50), milliseconds(200), milliseconds(500), seconds(1),
    seconds(3),      seconds(20),      seconds(90),       seconds(900),      seconds(3700)};

std::size_t number(Who router) { return static_cast<std::size_t>(router); }

Ipv6Address address_of(Who router) {
  return sim::router_identity(number(router)).address(sim::access_prefix(number(router)));
}

// Length fields and checksums as the octets now need them.
void repair(Bytes& packet) {
  if (packet.size() < wire::Ipv6Header::kSize) return;
  const std::size_t payload = packet.size() - wire::Ipv6Header::kSize;
  packet[4] = static_cast<std::uint8_t>(payload >> 8);
  packet[5] = static_cast<std::uint8_t>(payload);
  const auto view = wire::PacketView::parse(packet);
  if (!view || view->upper.size() < 8) return;
  const auto begin = static_cast<std::size_t>(view->upper.data() - packet.data());
  const ByteSpan upper = ByteSpan(packet).subspan(begin, view->upper.size());
  if (view->upper_protocol == wire::kProtocolIcmpv6) {
    wire::seal_icmpv6(view->header.source, view->header.destination, upper);
  } else if (view->upper_protocol == wire::kProtocolMobility) {
    upper[1] = static_cast<std::uint8_t>(std::min<std::size_t>(upper.size() / 8 - 1, 255));
    wire::seal_mobility(view->home_address.value_or(view->header.source), view->header.destination,
                        upper.first((std::size_t{upper[1]} + 1) * 8));
  }
}

// What nobody can make without a key: a Mobility Header but for its checksum, an ESP packet.
Bytes sealed_part(ByteView packet) {
  const auto view = wire::PacketView::parse(packet);
  if (!view) return {};
  if (view->upper_protocol == wire::kProtocolEsp) return to_bytes(view->upper);
  if (view->upper_protocol != wire::kProtocolMobility) return {};
  const auto header = wire::MobilityHeader::parse(view->upper);
  if (!header) return {};
  Bytes octets = to_bytes(view->upper.first(header->octets()));
  octets[4] = octets[5] = 0;
  return octets;
}

bool is_clear_peer_message(ByteView packet) {
  const Bytes header = sealed_part(packet);
  const auto view = wire::PacketView::parse(packet);
  return !header.empty() && view->upper_protocol == wire::kProtocolMobility && header[2] >= 14;
}

}  // namespace

void World::edit(Bytes& octets) {
  for (std::size_t edits = input_.below(5); edits > 0 && !octets.empty(); --edits) {
    const std::uint8_t how = input_.u8();
    const std::size_t at = input_.u16() % octets.size();
    const auto where = octets.begin() + static_cast<std::ptrdiff_t>(at);
    switch (how % 6) {
      case 0:
        octets[at] = input_.u8();
        break;
      case 1:
        octets[at] ^= static_cast<std::uint8_t>(1U << (how >> 5));
        break;
      case 2: {
        const auto count = std::min<std::ptrdiff_t>(1 + (how >> 3), octets.end() - where);
        octets.erase(where, where + count);
        break;
      }
      case 3: {
        const ByteView more = input_.take(input_.u8());
        octets.insert(where, more.begin(), more.end());
        break;
      }
      case 4:
        octets.resize(at + 1);
        break;
      default: {
        const Bytes copy(where, std::min(octets.end(), where + 8 * (1 + (how >> 4))));
        octets.insert(octets.end(), copy.begin(), copy.end());
      }
    }
    if (octets.size() > kMostOctets) octets.resize(kMostOctets);
  }
}

// --- what an attacker sends

Bytes World::signed_by(Signer signer, const Ipv6Address& source, const Ipv6Address& destination,
                       Bytes message) {
  if (signer == Signer::kNobody) return sim::unsigned_packet(source, destination, message);
  send::Identity identity = sim::stranger_identity(signer == Signer::kOtherStranger ? 1 : 0);
  if (signer == Signer::kMobile) identity = sim::mobile_identity(0);
  if (signer == Signer::kPrevious) identity = sim::router_identity(0);
  if (signer == Signer::kNext) identity = sim::router_identity(1);
  send::Unsigned draft;
  draft.source = identity.address(Prefix(source, 64));
  draft.destination = destination;
  draft.message = std::move(message);
  draft.parameters = identity.parameters(Prefix(source, 64));
  const std::uint8_t nonce = input_.u8();
  if (nonce % 4 == 1) draft.nonce = Bytes(6, nonce);
  // One that somebody asked with.
  if (nonce % 4 >= 2 && !heard_.empty()) {
    const auto view = wire::PacketView::parse(heard_[(nonce >> 2) % heard_.size()].packet);
    const auto at = view ? wire::options_offset(view->upper) : std::nullopt;
    const auto list = at ? wire::OptionList::parse(view->upper.subspan(*at)) : wire::OptionList();
    const auto option = list ? list->first(wire::OptionType::kNonce) : std::nullopt;
    if (option) draft.nonce = to_bytes(option->octets.subspan(2));
  }
  auto job = send::sign(std::move(draft), identity.key, stations_[0]->now.utc, 1500);
  if (!job) return {};
  const Ipv6Address from = job->source;
  const auto done = crypto_.execute(machine::Job(std::move(*job)));
  const auto* made = done ? std::get_if<machine::MessageSigned>(&*done) : nullptr;
  return made == nullptr ? Bytes{} : wire::icmpv6_packet(from, destination, made->message);
}

Bytes World::forged_message(std::uint8_t kind) {
  Bytes message;
  const std::uint16_t identifier = input_.u8();
  const std::size_t router = input_.below(2);
  switch (kind % 8) {
    case 0:
      return sim::key_request(identifier, sim::attacker_link_address(0),
                              sim::decryption_key(sim::kStrangerPair)->spki());
    case 1:
      append(message, wire::RouterSolicitation{});
      break;
    case 2: {
      append(message, wire::RouterAdvertisement{.router_lifetime_s = identifier});
      wire::PrefixInformation prefix;
      prefix.autonomous = prefix.on_link = prefix.router_address = true;
      prefix.valid_lifetime_s = prefix.preferred_lifetime_s = 3600;
      prefix.address = sim::router_identity(router).address(sim::access_prefix(router));
      append(message, prefix);
      break;
    }
    case 3: {
      using wire::LinkLayerAddressOption;
      append(message, wire::PrRtAdv{static_cast<std::uint8_t>(identifier % 6), identifier});
      append(message, LinkLayerAddressOption{LinkLayerAddressOption::Code::kNewAccessPoint,
                                             sim::access_point(router)});
      append(message, LinkLayerAddressOption{LinkLayerAddressOption::Code::kNewAccessRouter,
                                             sim::router_link_address(router)});
      append(message, wire::HandoverKeyReply{{2}, 1000, Bytes(128, 0x5a)});
      break;
    }
    case 4:
      append(message, wire::NeighborSolicitation{address_of(static_cast<Who>(router))});
      break;
    case 5:
      append(message, wire::NeighborAdvertisement{
                          .override_flag = true,
                          .target = sim::mobile_identity(0).address(sim::access_prefix(router))});
      append(message, wire::LinkAddressOption{wire::OptionType::kTargetLinkAddress,
                                              sim::mobile_link_address(0)});
      break;
    case 6:
      append(message, wire::CertificationPathSolicitation{identifier});
      break;
    default: {
      append(message, wire::CertificationPathAdvertisement{
                          identifier, 1, static_cast<std::uint16_t>(input_.below(3))});
      append(message,
             wire::CertificateOption{.certificate = sim::certification_path(router).front()});
    }
  }
  return message;
}

// Under a key that a router issued to the node.
Bytes World::forged_update() {
  const Who who = static_cast<Who>(input_.below(2));
  std::vector<const machine::IssuedKey*> keys;
  for (const auto& [name, record] : at(who).records)
    if (const auto* key = std::get_if<machine::IssuedKey>(&record)) keys.push_back(key);
  if (keys.empty()) return {};
  const machine::IssuedKey& key = *keys[input_.below(keys.size())];
  sim::ForgedUpdate update;
  const std::uint8_t how = input_.u8();
  const Ipv6Address elsewhere =
      sim::mobile_identity(0).address(sim::access_prefix((how & 1) != 0 ? 0 : 1));
  update.router = address_of(who);
  update.home_address = key.cga;
  update.source = (how & 2) != 0 ? elsewhere : key.cga;
  update.care_of = (how & 4) != 0 ? address_of(Who::kNext) : elsewhere;
  update.sequence = input_.u16();
  update.lifetime_s = (how & 8) != 0 ? 0 : input_.u8();
  Bytes packet = sim::update_packet(update, key.algorithm, key.key);
  heard_.push_back({packet, sim::mobile_link_address(0)});
  return packet;
}

Bytes World::forged_peer_message() {
  const Who from = victim_ == Who::kNext ? Who::kPrevious : Who::kNext;
  const Who to = victim_ == Who::kNext ? Who::kNext : Who::kPrevious;
  const std::uint8_t how = input_.u8();
  wire::MobilityOptions options;
  const auto node_at = [](std::size_t router) {
    return sim::mobile_identity(0).address(sim::access_prefix(router));
  };
  if ((how & 1) != 0)
    options.link_address = wire::MobilityLinkAddress{.address = sim::mobile_link_address(0)};
  using Code = wire::MobilityAddressPrefix::Code;
  if ((how & 2) != 0)
    options.addresses.push_back({Code::kOldCareOfAddress, 128, node_at(number(from))});
  if ((how & 4) != 0)
    options.addresses.push_back({Code::kNewCareOfAddress, 128, node_at(number(to))});
  const std::uint16_t sequence = input_.u16();
  const std::uint8_t code = input_.u8();
  if ((how & 8) != 0)
    return sim::mobility_packet(
        address_of(from), address_of(to),
        wire::HandoverAcknowledge{.sequence = sequence, .code = code, .options = options});
  wire::HandoverInitiate hi;
  hi.sequence = sequence;
  hi.code = code % 2;
  hi.buffer = (how & 16) != 0;
  hi.assigned_addressing = (how & 32) != 0;
  hi.options = options;
  return sim::mobility_packet(address_of(from), address_of(to), hi);
}

// --- properties

bool World::genuine(const Bytes& packet) const {
  const Bytes part = sealed_part(packet);
  return !part.empty() && std::ranges::any_of(heard_, [&](const Heard& heard) {
    return sealed_part(heard.packet) == part;
  });
}

// What only a proof may change, without what time changes.
std::string World::kept_by(Who who) {
  std::string kept;
  const auto add = [&](std::string_view text) { kept.append(text).push_back(' '); };
  const Now now = at(who).now;
  if (who == Who::kMobile) {
    const auto status = mobile().status(now);
    for (const auto& key : status.keys) add(key.ar.text() + key.cga.text() + key.fingerprint);
    for (const auto& link : status.links) {
      add(link.router ? link.router->text() : "-");
      add(link.router_global ? link.router_global->text() : "-");
      add(link.certified_as);
    }
    for (const auto& neighbour : status.neighbours)
      add(neighbour.access_point.text() + neighbour.state);
    for (const auto& movement : status.movements)
      add(movement.par.text() + movement.pcoa.text() + movement.state);
    add(status.handover);
    return kept;
  }
  const auto status = router(who).status(now);
  for (const auto& key : status.keys)
    add(key.cga.text() + std::to_string(key.generation) + key.fingerprint);
  for (const auto& binding : status.bindings) add(binding.pcoa.text() + binding.ncoa.text());
  for (const auto& handover : status.handovers) add(handover.pcoa.text() + handover.state);
  return kept;
}

// One packet of the attacker. Unless it carries a proof (a signature that verifies, of a certified
// router where the victim is the node; octets under a MAC that somebody with the key made) it
// changes nothing of what is kept.
void World::attack(Who to, Bytes packet) {
  const std::uint8_t how = input_.u8();
  edit(packet);
  if ((how & 1) != 0) repair(packet);
  const LinkAddress from = (how & 2) != 0                ? sim::attacker_link_address(how >> 5)
                           : to == Who::kMobile && link_ ? sim::router_link_address(number(*link_))
                                                         : sim::mobile_link_address(0);
  const auto proofs = [&] {
    return to == Who::kMobile ? crypto_.valid_of_routers() : crypto_.valid();
  };
  const std::size_t proved = proofs();
  const std::string before = kept_by(to);
  deliver(to, packet, from, (how & 0x1c) == 0x1c);
  if (proofs() != proved || genuine(packet)) return;
  // Two routers that trust each other without protection believe each other's messages.
  if (!esp_ && to != Who::kMobile && is_clear_peer_message(packet)) return;
  require(kept_by(to) == before, "without a proof nothing that is kept changes");
}

// --- deeds

void World::host_event() {
  const Who who = static_cast<Who>(input_.below(3));
  Station& station = at(who);
  const std::uint8_t how = input_.u8();
  const LinkAddress own =
      who == Who::kMobile ? sim::mobile_link_address(0) : sim::router_link_address(number(who));
  const auto an_address = [&] {
    const std::uint8_t which = input_.u8();
    const Prefix prefix =
        which % 3 == 0 ? send::link_local_prefix() : sim::access_prefix(which % 3 - 1);
    const send::Identity identity =
        which >= 0x80 ? sim::mobile_identity(0) : sim::router_identity(which / 3 % 2);
    return identity.address(prefix);
  };
  switch (how % 8) {
    case 0:
      return station.tell(machine::InterfaceUp{kAccess, own, 1500});
    case 1:
      return station.tell(machine::InterfaceDown{kAccess});
    case 2:
      return station.tell(machine::MtuChanged{kAccess, 1280U + how});
    case 3:
      return station.tell(machine::AddressChanged{
          kAccess, an_address(), static_cast<machine::AddressChanged::What>((how >> 3) % 3)});
    case 4:
      return station.tell(
          machine::ApAttached{kAccess, sim::access_point(static_cast<std::size_t>(how >> 3) % 3)});
    case 5:
      return station.tell(machine::ApLost{kAccess});
    case 6:
      return station.tell(machine::NeighbourChanged{
          kAccess, an_address(),
          (how & 8) != 0 ? std::optional(sim::mobile_link_address(0)) : std::nullopt,
          (how & 16) != 0});
    default:
      return station.tell(machine::ClockStepped{});
  }
}

void World::order() {
  const std::uint8_t how = input_.u8();
  const LinkAddress there = sim::access_point(static_cast<std::size_t>(how >> 4) % 3);
  const Ipv6Address node = sim::mobile_identity(0).address(sim::access_prefix(how >> 7));
  switch (how % 5) {
    case 0:
      return at(Who::kMobile).order(machine::HandOver{there});
    case 1:
      return at(Who::kMobile).order(machine::RequestKey{{there}});
    case 2:
      return at(Who::kMobile).order(machine::BindingComplete{});
    case 3:
      return at(Who::kPrevious).order(machine::Advise{node, there});
    default:
      return at(Who::kPrevious).order(machine::Advise{sim::mobile_link_address(0), {}});
  }
}

void World::deed() {
  switch (input_.u8() % 16) {
    case 0:
      return carry(1);
    case 1:
      return carry(64);
    case 2:
    case 3:
      return advance(kSteps[input_.below(std::size(kSteps))]);
    case 4:
      collect();
      (void)next_flight();
      return;
    case 5: {
      collect();
      if (heard_.empty()) return;
      // The last one heard is number 0.
      const std::size_t back = input_.below(heard_.size());
      return attack(victim_, heard_[heard_.size() - 1 - back].packet);
    }
    case 6:
    case 7: {
      const auto signer =
          static_cast<Signer>(input_.below(static_cast<std::size_t>(Signer::kCount)));
      Bytes message = forged_message(input_.u8());
      edit(message);
      if (message.size() < 8) return;
      const std::uint8_t way = input_.u8();
      const bool on_link = (way & 1) != 0;
      const Ipv6Address source = Ipv6Address(on_link ? send::link_local_prefix().address()
                                                     : sim::access_prefix(way >> 7).address());
      const Ipv6Address to_router = victim_ == Who::kMobile ? kAllNodes : address_of(victim_);
      const Ipv6Address destination = (way & 2) != 0 ? kAllNodes : to_router;
      return attack(victim_, signed_by(signer, source, destination, std::move(message)));
    }
    case 8:
      return attack(victim_ == Who::kMobile ? Who::kPrevious : victim_, forged_update());
    case 9:
      return attack(victim_ == Who::kNext ? Who::kNext : Who::kPrevious, forged_peer_message());
    case 10:
      return attack(victim_, to_bytes(input_.take(input_.u8())));
    case 11: {
      Station& station = at(static_cast<Who>(input_.below(3)));
      station.hold = !station.hold;
      if (!station.hold) station.settle();
      return;
    }
    case 12: {
      Station& station = at(static_cast<Who>(input_.below(3)));
      const std::uint8_t how = input_.u8();
      if ((how & 1) != 0)
        station.end_job(how >> 2, (how & 2) == 0);
      else
        station.give_outcome(how >> 2, (how & 2) == 0);
      if ((how & 2) != 0) flawless_ = false;
      return;
    }
    case 13:
      return host_event();
    case 14:
      return order();
    default:
      return rebuild();
  }
}

// A move of the node, a new start, or another configuration.
void World::rebuild() {
  const std::uint8_t how = input_.u8();
  if (how % 4 == 0) return enter(std::nullopt);
  if (how % 4 == 1) return enter(static_cast<Who>(how >> 2 & 1));
  const Who who = static_cast<Who>((how >> 2) % 3);
  Station& station = at(who);
  if (how % 4 == 2) {
    station.restart();
    if (who == Who::kMobile)
      enter(link_);
    else
      station.tell(machine::InterfaceUp{kAccess, sim::router_link_address(number(who)), 1500});
    return;
  }
  // Everything but the sizes of tables, whose content a new size does not shorten at once.
  reconfigure(static_cast<std::uint16_t>((input_.u16() & 0x8ffeU) | (flags_ & 0x7001U)));
}

}  // namespace sendoff::fuzz
