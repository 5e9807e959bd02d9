#include "sim/capacity_region.h"

#include <utility>

#include "sim/capacity_mobile.h"
#include "sim/capacity_places.h"
#include "sim/capacity_router.h"
#include "sim/places.h"
#include "wire/icmpv6.h"
#include "wire/ipv6.h"
#include "wire/mobility.h"

namespace sendoff::sim::capacity {

namespace {

constexpr Duration kLinkLatency = milliseconds(2);
constexpr Duration kCoreLatency = milliseconds(10);
constexpr Duration kSample = seconds(10);
// Routers have their addresses by then.
constexpr Duration kOpening = seconds(3);
// The last moves and their bindings are over.
constexpr Duration kClosing = seconds(90);
constexpr std::size_t kMobileKeyPool = 256;
constexpr Duration kBootOffset = seconds(1000);
constexpr Duration kUtcOffset = seconds(1'800'000'000);

Ipv6Address destination_of(const Packet& packet) {
  return Ipv6Address::from(ByteView(*packet).subspan(24, Ipv6Address::kSize));
}

Message kind_of_icmp(ByteView message) {
  switch (static_cast<wire::Icmpv6Type>(message[0])) {
    case wire::Icmpv6Type::kRouterSolicitation:
      return Message::kRs;
    case wire::Icmpv6Type::kRouterAdvertisement:
      return Message::kRa;
    case wire::Icmpv6Type::kNeighborSolicitation:
      return Message::kNs;
    case wire::Icmpv6Type::kNeighborAdvertisement:
      return Message::kNa;
    case wire::Icmpv6Type::kCertificationPathSolicitation:
      return Message::kCps;
    case wire::Icmpv6Type::kCertificationPathAdvertisement:
      return Message::kCpa;
    case wire::Icmpv6Type::kFastMobility:
      return message.size() > 4 && message[4] == wire::kSubtypeRtSolPr ? Message::kRtSolPr
                                                                       : Message::kPrRtAdv;
    default:
      return Message::kOther;
  }
}

Message kind_of_mobility(ByteView header) {
  const auto head = wire::MobilityHeader::parse(header);
  if (!head) return Message::kOther;
  switch (head->type) {
    case wire::MobilityType::kFastBindingUpdate:
      return Message::kFbu;
    case wire::MobilityType::kFastBindingAcknowledgement:
      return Message::kFback;
    case wire::MobilityType::kHandoverInitiate:
      return Message::kHi;
    case wire::MobilityType::kHandoverAcknowledge:
      return Message::kHack;
    default:
      return Message::kOther;
  }
}

}  // namespace

std::string_view name(Message message) {
  static constexpr std::array<std::string_view, static_cast<std::size_t>(Message::kCount)> kNames =
      {"RS", "RA",  "CPS",   "CPA", "RtSolPr", "PrRtAdv", "NS",
       "NA", "FBU", "FBack", "HI",  "HAck",    "other"};
  return kNames.at(static_cast<std::size_t>(message));
}

Message kind_of(ByteView packet) {
  const auto view = wire::PacketView::parse(packet);
  if (!view || view->upper.empty()) return Message::kOther;
  if (view->upper_protocol == wire::kProtocolIcmpv6) return kind_of_icmp(view->upper);
  if (view->upper_protocol == wire::kProtocolMobility) return kind_of_mobility(view->upper);
  return Message::kOther;
}

Region::Region(const Plan& plan)
    : plan_(plan), model_(plan.costs), loss_(plan.seed, "capacity loss") {
  invariant(plan.routers >= 2 && plan.routers <= kMostRouters);
  invariant(plan.mobiles >= 1 && plan.mobiles <= kMostMobiles);
  invariant(plan.workers >= 1 && plan.neighbours >= 1);
  populate();
}
Region::~Region() = default;

void Region::populate() {
  for (std::size_t i = 0; i < std::min(kMobileKeyPool, plan_.mobiles); ++i)
    mobile_keys_.push_back(model_signing_key(i));
  std::vector<Ipv6Address> addresses;
  for (std::size_t i = 0; i < plan_.routers; ++i)
    addresses.push_back(router_identity(i).address(access_prefix(i)));
  for (std::size_t i = 0; i < plan_.routers; ++i)
    routers_.push_back(std::make_unique<RouterSite>(*this, i, router_config(plan_, i, addresses)));
  travellers_.reserve(plan_.mobiles);
  for (std::size_t i = 0; i < plan_.mobiles; ++i)
    travellers_.emplace_back(*this, static_cast<std::uint32_t>(i));
}

Now Region::now() const {
  return {Instant(kBootOffset + queue_.now()), UtcTime(kUtcOffset + queue_.now())};
}

bool Region::counts() const {
  return queue_.now() >= plan_.arrivals() && queue_.now() < plan_.time;
}

void Region::claim(const Ipv6Address& address, std::uint32_t traveller) {
  owners_.insert_or_assign(address, traveller);
}

void Region::disclaim(const Ipv6Address& address, std::uint32_t traveller) {
  const auto found = owners_.find(address);
  if (found != owners_.end() && found->second == traveller) owners_.erase(found);
}

Traveller* Region::owner_of(const Ipv6Address& address) {
  const auto found = owners_.find(address);
  return found == owners_.end() ? nullptr : &travellers_[found->second];
}

bool Region::is_waking(const Ipv6Address& address) {
  const Traveller* owner = owner_of(address);
  return owner != nullptr && owner->waking();
}

void Region::awake(int more) {
  awake_ = static_cast<std::size_t>(static_cast<std::int64_t>(awake_) + more);
  figures_.most_awake = std::max(figures_.most_awake, awake_);
}

void Region::remind(WorldTime when, std::uint32_t traveller) {
  const auto second = static_cast<std::size_t>(whole_seconds(when));
  if (when <= queue_.now() || second == static_cast<std::size_t>(whole_seconds(queue_.now())))
    return queue_.at(when, [this, traveller] { travellers_[traveller].reminded(); });
  if (second >= agenda_.size()) agenda_.resize(second + 1);
  agenda_[second].push_back({when, traveller});
}

// Those of the second that begins.
void Region::keep_appointments() {
  const auto second = static_cast<std::size_t>(whole_seconds(queue_.now()));
  if (second >= agenda_.size()) return;
  for (const Appointment& each : std::exchange(agenda_[second], {}))
    queue_.at(each.when, [this, traveller = each.traveller] { travellers_[traveller].reminded(); });
}

// --- packets

void Region::note(const Packet& packet, bool waking) {
  const Message kind = kind_of(*packet);
  if (waking)
    ++figures_.waking_messages;
  else
    ++figures_.messages[static_cast<std::size_t>(kind)];
  const auto when = static_cast<std::uint64_t>(queue_.now().count());
  for (const std::uint64_t part : {when, static_cast<std::uint64_t>(kind), packet->size()})
    figures_.digest = (figures_.digest ^ part) * 0x100000001b3;
}

bool Region::lost() {
  const bool is_lost = loss_.chance(plan_.loss_per_million);
  if (is_lost) ++figures_.lost;
  return is_lost;
}

// Whose prefix it is in.
std::optional<std::size_t> Region::place_of(const Ipv6Address& address) const {
  Reader in(address.view());
  const bool ours = in.u32() == 0x20010db8;
  const std::size_t subnet = in.u16();
  if (!ours || in.u16() != 0 || subnet == 0 || subnet > routers_.size()) return std::nullopt;
  return subnet - 1;
}

void Region::send(const Traveller& from, Bytes octets) {
  if (!from.on(from.place())) return;
  const Packet packet = share(std::move(octets));
  note(packet, from.waking());
  if (lost()) return;
  queue_.after(kLinkLatency, [this, router = from.place(), number = from.number(), packet] {
    heard(router, number, packet);
  });
}

// A router hears what one of its nodes sends.
void Region::heard(std::size_t router, std::uint32_t traveller, const Packet& packet) {
  const Ipv6Address destination = destination_of(packet);
  if (destination.is_multicast() || routers_[router]->owns(destination))
    return routers_[router]->receive(packet, station(Station::kMobile, traveller),
                                     travellers_[traveller].waking());
  if (!destination.is_link_local()) forward(router, packet);
}

void Region::forward(std::size_t router, const Packet& packet) {
  const auto place = place_of(destination_of(packet));
  if (!place) return;
  if (*place == router) return arrive(router, packet);
  if (lost()) return;
  queue_.after(kCoreLatency, [this, place = *place, packet] { arrive(place, packet); });
}

void Region::arrive(std::size_t router, const Packet& packet) {
  if (routers_[router]->owns(destination_of(packet)))
    return routers_[router]->receive(packet, station(Station::kNet, 0), false);
  deliver(router, packet);
}

// To an address under the router's prefix: through its tunnel, into its buffer, or to its link.
void Region::deliver(std::size_t router, const Packet& packet) {
  const Ipv6Address destination = destination_of(packet);
  const auto far_end = routers_[router]->far_end(destination);
  if (!far_end) return emerge(router, destination, packet);
  const auto place = place_of(*far_end);
  if (!place || lost()) return;
  queue_.after(kCoreLatency, [this, place = *place, far_end = *far_end, packet] {
    emerge(place, far_end, packet);
  });
}

// At the router of whoever has the address, be it the packet's destination or a tunnel's end.
void Region::emerge(std::size_t router, const Ipv6Address& far_end, const Packet& packet) {
  RouterSite& site = *routers_[router];
  const Ipv6Address next = site.owns(far_end) ? destination_of(packet) : far_end;
  if (site.buffers(next)) return site.hold(next, packet);
  if (const Traveller* owner = owner_of(next)) hand(router, owner->number(), packet);
}

void Region::hand(std::size_t router, std::uint32_t number, const Packet& packet) {
  if (lost()) return;
  queue_.after(kLinkLatency, [this, router, number, packet] {
    Traveller& traveller = travellers_[number];
    if (traveller.on(router))
      traveller.receive(packet, station(Station::kRouter, static_cast<std::uint32_t>(router)));
  });
}

void Region::advertise(std::size_t router, const Packet& packet) {
  if (kind_of(*packet) != Message::kRa) return;
  for (const std::uint32_t member : routers_[router]->members()) hand(router, member, packet);
}

// A multicast to this group is for one node: a CPA is sent to the solicited-node group of who
// asked.
Traveller* Region::member_of(std::size_t router, const Ipv6Address& group) {
  for (const std::uint32_t member : routers_[router]->members())
    if (travellers_[member].listens(group)) return &travellers_[member];
  return nullptr;
}

void Region::send(std::size_t from, const machine::Transmit& transmit) {
  const Packet packet = share(transmit.packet);
  const Ipv6Address destination = destination_of(packet);
  const Traveller* to = nullptr;
  if (transmit.link_destination &&
      transmit.link_destination->view()[1] == static_cast<std::uint8_t>(Station::kMobile))
    to = &travellers_.at(number_of(*transmit.link_destination));
  else if (destination.is_multicast())
    to = member_of(from, destination);
  else if (!transmit.routed)
    to = owner_of(destination);
  const bool waking = to != nullptr && to->waking();
  note(packet, waking);
  routers_[from]->sent(waking);
  if (to != nullptr) return hand(from, to->number(), packet);
  if (destination.is_multicast()) return advertise(from, packet);
  forward(from, packet);
}

// --- the run

void Region::sample() {
  for (const auto& router : routers_) router->sample();
}

void Region::begin() {
  Dice dice(plan_.seed, "capacity arrivals");
  for (const auto& router : routers_)
    queue_.after(dice.between({}, seconds(1)), [&site = *router] { site.start(); });
  for (const Traveller& traveller : travellers_)
    remind(dice.between(kOpening, std::max(kOpening, plan_.arrivals())), traveller.number());
}

Figures Region::run(const Progress& progress) {
  begin();
  const WorldTime end = plan_.time + kClosing;
  for (WorldTime next{}; next < end;) {
    keep_appointments();
    next = std::min(next + seconds(1), end);
    queue_.run_until(next);
    if (next.count() % kSample.count() != 0 && next < end) continue;
    sample();
    if (progress) progress(next, end);
  }
  figures_.window = plan_.time - plan_.arrivals();
  figures_.steps = queue_.steps();
  for (const auto& router : routers_) {
    figures_.routers.push_back(router->load());
    figures_.keys_at_routers += router->load().keys;
  }
  for (const Traveller& traveller : travellers_) {
    figures_.keys_at_mobiles += traveller.keys();
    if (traveller.keys() > 0) ++figures_.mobiles_with_key;
  }
  return std::move(figures_);
}

Figures run(const Plan& plan, const Progress& progress) { return Region(plan).run(progress); }

}  // namespace sendoff::sim::capacity
