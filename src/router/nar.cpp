// The new access router: HI and HAck. What is made ready and the node's coming are in
// nar_arrival.cpp.
#include "router/nar.h"

#include <algorithm>

#include "router/handover_codes.h"

namespace sendoff::router {

namespace {

using AddressCode = wire::MobilityAddressPrefix::Code;

// A PAR has given up long before.
constexpr Duration kReplyWindow = seconds(5);
constexpr std::size_t kMaxReplies = 16'384;
constexpr unsigned kMaxOwed = 8;
constexpr std::size_t kMaxRequests = 8;

NarCounter counter_of(std::uint8_t code) {
  switch (code) {
    case kHackAccepted:
      return NarCounter::kAccepted;
    case kHackNotValid:
      return NarCounter::kNotValid;
    case kHackAssigned:
      return NarCounter::kAssigned;
    case kHackUsePcoa:
      return NarCounter::kUsePcoa;
    case kHackProhibited:
      return NarCounter::kProhibited;
    case kHackNoResources:
      return NarCounter::kNoResources;
    default:
      return NarCounter::kUnspecified;
  }
}

}  // namespace

std::string_view name(NarCounter counter) {
  switch (counter) {
    case NarCounter::kInitiated:
      return "initiated";
    case NarCounter::kRepeated:
      return "repeated";
    case NarCounter::kMalformed:
      return "malformed";
    case NarCounter::kAccepted:
      return "accepted";
    case NarCounter::kNotValid:
      return "not-valid";
    case NarCounter::kAssigned:
      return "assigned";
    case NarCounter::kUsePcoa:
      return "use-pcoa";
    case NarCounter::kUnspecified:
      return "unspecified";
    case NarCounter::kProhibited:
      return "prohibited";
    case NarCounter::kNoResources:
      return "no-resources";
    case NarCounter::kUnanswered:
      return "unanswered";
    case NarCounter::kProbes:
      return "probes";
    case NarCounter::kInUse:
      return "in-use";
    case NarCounter::kArrived:
      return "arrived";
    case NarCounter::kExpired:
      return "expired";
    case NarCounter::kUnaIgnored:
      return "una-ignored";
    case NarCounter::kOtherLinkAddress:
      return "other-link-address";
    case NarCounter::kReplaced:
      return "replaced";
    case NarCounter::kInUseTold:
      return "in-use-told";
    case NarCounter::kInvited:
      return "invited";
    case NarCounter::kHeldBack:
      return "held-back";
    case NarCounter::kNotEnded:
      return "not-ended";
    case NarCounter::kCount:
      break;
  }
  return "unknown";
}

Nar::Nar(const Config& config, const std::vector<ServedLink>& links,
         const NeighbourTable& neighbours, const Par& par, PeerLink& peer_link,
         nd::Advertiser& advertiser, machine::Outbox& outbox)
    : config_(config),
      links_(links),
      neighbours_(neighbours),
      par_(par),
      peer_link_(peer_link),
      advertiser_(advertiser),
      outbox_(outbox) {
  for (const Interface& interface : config.interfaces) {
    if (interface.pool) pools_.emplace(interface.id, AddressPool(*interface.pool));
    if (interface.mobile_prefixes)
      prefix_pools_.emplace(interface.id, PrefixPool(*interface.mobile_prefixes));
  }
}

void Nar::handle(Now now, const FromPeer& message) {
  const auto hi = wire::HandoverInitiate::parse(message.header);
  if (!hi) return counters_.add(NarCounter::kMalformed);
  const auto ncoa = hi->options.address(AddressCode::kNewCareOfAddress);
  const Request request{message.peer, hi->sequence, hi->code, ncoa.value_or(Ipv6Address{})};
  if (const auto known = replies_.find(request); known != replies_.end()) {
    counters_.add(NarCounter::kRepeated);
    if (known->second.hack)
      send(now, request, known->second);
    else
      known->second.owed = std::min(known->second.owed + 1, kMaxOwed);
    return;
  }
  counters_.add(NarCounter::kInitiated);
  if (replies_.size() >= kMaxReplies) return counters_.add(NarCounter::kUnanswered);
  replies_.emplace(request, Reply{message.local, std::nullopt, 1});
  Initiation initiation;
  initiation.requests = {request};
  if (const auto refusal = read(*hi, message, initiation))
    return acknowledge(now, initiation.requests, *refusal);
  if (hi->code == kHiReactive)
    confirm(now, std::move(initiation));
  else
    consider(now, std::move(initiation));
}

// The code of the refusal when something is missing, or is not for us.
std::optional<std::uint8_t> Nar::read(const wire::HandoverInitiate& hi, const FromPeer& message,
                                      Initiation& initiation) const {
  const bool reactive = hi.code == kHiReactive;
  if (hi.code != kHiPredictive && !reactive) return kHackUnspecified;
  if (!hi.options.link_address) return kHackUnspecified;
  if (!config_.new_router.accept) return kHackProhibited;
  initiation.peer = message.peer;
  initiation.code = hi.code;
  initiation.local = message.local;
  initiation.link_address = hi.options.link_address->address;
  initiation.ncoa = hi.options.address(AddressCode::kNewCareOfAddress);
  initiation.pcoa =
      plausible_pcoa(message.peer, hi.options.address(AddressCode::kOldCareOfAddress));
  initiation.assign = hi.assigned_addressing && !reactive;
  initiation.buffer = hi.buffer && !reactive && config_.new_router.buffer;
  if (!initiation.ncoa && !initiation.assign) return kHackUnspecified;
  if (initiation.ncoa && !initiation.ncoa->is_unicast_routable()) return kHackUnspecified;
  return std::nullopt;
}

// A peer speaks for the addresses under its own prefixes: no other gets a host route here.
std::optional<Ipv6Address> Nar::plausible_pcoa(const Ipv6Address& peer,
                                               const std::optional<Ipv6Address>& pcoa) const {
  const bool its_own = pcoa && std::ranges::any_of(config_.neighbours, [&](const Neighbour& each) {
                         return each.address == peer && each.prefix.contains(*pcoa);
                       });
  const bool ours = pcoa && std::ranges::any_of(links_, [&](const ServedLink& link) {
                      return link.on_link(*pcoa);
                    });
  return its_own && !ours && pcoa != peer ? pcoa : std::nullopt;
}

const ServedLink* Nar::link_for(const Initiation& initiation) const {
  const auto leads_to = [&](const ServedLink& link, const Ipv6Address& address) {
    const auto& range = link.config.mobile_prefixes;
    return link.on_link(address) || (range && range->contains(address));
  };
  const auto found = std::ranges::find_if(links_, [&](const ServedLink& link) {
    return link.ready() &&
           (initiation.ncoa ? leads_to(link, *initiation.ncoa) : link.holds(initiation.local));
  });
  return found == links_.end() ? nullptr : &*found;
}

bool Nar::room_for(const Ipv6Address& peer) const {
  const auto share = shares_.find(peer);
  return arrivals_.size() < config_.new_router.max_arrivals &&
         (share == shares_.end() || share->second < config_.new_router.max_arrivals_per_peer);
}

bool Nar::taken(InterfaceId interface, const Ipv6Address& address) const {
  return arrivals_.contains(address) || neighbours_.find(interface, address).has_value() ||
         find_holder(links_, address) != nullptr;
}

void Nar::consider(Now now, Initiation initiation) {
  const ServedLink* link = link_for(initiation);
  if (link == nullptr) return acknowledge(now, initiation.requests, kHackProhibited);
  if (initiation.ncoa) {
    const auto instead = proposals_.find(*initiation.ncoa);
    if (adopt(now, initiation, instead == proposals_.end() ? *initiation.ncoa : instead->second))
      return;
  }
  if (!room_for(initiation.peer)) return acknowledge(now, initiation.requests, kHackNoResources);
  if (answers_invitation(now, initiation, *link)) return;
  const bool keeps_pcoa =
      link->config.dhcp || (initiation.ncoa && find_holder(links_, *initiation.ncoa) != nullptr);
  if (keeps_pcoa) {
    if (!use_pcoa(now, initiation, *link)) acknowledge(now, initiation.requests, kHackUnspecified);
    return;
  }
  const bool proposal_counts = config_.new_router.assign_proposed && initiation.ncoa;
  if (link->config.mobile_prefixes || (initiation.assign && !proposal_counts))
    return do_without(now, std::move(initiation), *link);
  propose(now, std::move(initiation), *link);
}

// Code 1: the node is here already, and nothing is made for it (GF27). Its entry in the neighbour
// cache must be of the node that the PAR means.
void Nar::confirm(Now now, Initiation initiation) {
  const ServedLink* link = link_for(initiation);
  if (link == nullptr) return acknowledge(now, initiation.requests, kHackProhibited);
  const Ipv6Address& ncoa = *initiation.ncoa;
  if (find_holder(links_, ncoa) != nullptr) {  // GF28
    if (!room_for(initiation.peer)) return acknowledge(now, initiation.requests, kHackNoResources);
    if (!use_pcoa(now, initiation, *link)) acknowledge(now, initiation.requests, kHackUnspecified);
    return;
  }
  const auto expected = arrivals_.find(ncoa);
  const auto known = neighbours_.find(link->config.id, ncoa);
  const bool somebody_elses =
      expected != arrivals_.end() &&
      (expected->second.initiation.link_address != initiation.link_address ||
       (expected->second.initiation.peer != initiation.peer &&
        expected->second.stage != Stage::kArrived));
  if (known && *known != initiation.link_address)
    outbox_.push(machine::SetNeighbour{link->config.id, ncoa, std::nullopt});
  const bool wrong = somebody_elses || (known && *known != initiation.link_address);
  acknowledge(now, initiation.requests, wrong ? kHackUnspecified : kHackAccepted);
}

void Nar::propose(Now now, Initiation initiation, const ServedLink& link) {
  const Ipv6Address ncoa = *initiation.ncoa;
  const auto known = neighbours_.find(link.config.id, ncoa);
  const bool is_the_nodes = known == initiation.link_address;
  const bool is_ours = known == link.link_address;
  if (arrivals_.contains(ncoa) || (known && !is_the_nodes && !is_ours)) {
    counters_.add(NarCounter::kInUse);
    return do_without(now, std::move(initiation), link);
  }
  Arrival& arrival =
      admit(initiation, link, ncoa, initiation.assign ? Kind::kAssigned : Kind::kProposed);
  if (is_the_nodes || config_.new_router.dad_transmits == 0) return prepare(now, arrival);
  probe(now, arrival);
}

// The proposed NCoA is not to be had, or none was proposed.
void Nar::do_without(Now now, Initiation initiation, const ServedLink& link) {
  if (assign_prefix(now, initiation, link) || assign(now, initiation, link) ||
      use_pcoa(now, initiation, link))
    return;
  const bool owes_address = initiation.assign || link.config.mobile_prefixes;
  acknowledge(now, initiation.requests, owes_address ? kHackNoResources : kHackNotValid);
}

// RFC 5568 5.3: under a prefix that is this node's alone no address needs a probe. The interface
// identifier is the one that the node proposed.
bool Nar::assign_prefix(Now now, const Initiation& initiation, const ServedLink& link) {
  const auto pool = prefix_pools_.find(link.config.id);
  if (pool == prefix_pools_.end()) return false;
  const auto prefix = pool->second.take();
  if (!prefix) return false;
  constexpr std::size_t kIdentifierAt = 8;
  Ipv6Address::Octets octets = initiation.ncoa.value_or(Ipv6Address{}).octets();
  const Ipv6Address::Octets& first = prefix->address().octets();
  std::copy_n(first.begin(), kIdentifierAt, octets.begin());
  // Zero would be every router's (RFC 4291 2.6.1).
  if (Ipv6Address(octets) == prefix->address()) octets.back() = 1;
  Arrival& arrival = admit(initiation, link, Ipv6Address(octets), Kind::kOwnPrefix);
  if (initiation.ncoa) proposals_.emplace(*initiation.ncoa, arrival.address);
  prepare(now, arrival);
  return true;
}

bool Nar::assign(Now now, const Initiation& initiation, const ServedLink& link) {
  const auto pool = pools_.find(link.config.id);
  if (pool == pools_.end()) return false;
  const auto address =
      pool->second.take(now.boot, now.boot + config_.new_router.pool_lease,
                        [&](const Ipv6Address& each) { return taken(link.config.id, each); });
  if (!address) return false;
  Arrival& arrival = admit(initiation, link, *address, Kind::kAssigned);
  if (initiation.ncoa) proposals_.emplace(*initiation.ncoa, *address);
  prepare(now, arrival);
  return true;
}

bool Nar::use_pcoa(Now now, const Initiation& initiation, const ServedLink& link) {
  if (!config_.new_router.support_pcoa || !initiation.pcoa) return false;
  if (adopt(now, initiation, *initiation.pcoa)) return true;
  const auto known = neighbours_.find(link.config.id, *initiation.pcoa);
  const bool the_nodes = known == initiation.link_address;  // from its last visit
  if (!the_nodes && taken(link.config.id, *initiation.pcoa)) return false;
  if (arrivals_.contains(*initiation.pcoa)) return false;
  Arrival& arrival = admit(initiation, link, *initiation.pcoa, Kind::kPcoa);
  arrival.here = initiation.code == kHiReactive;  // and announced another address than this one
  if (initiation.ncoa && find_holder(links_, *initiation.ncoa) == nullptr)
    proposals_.emplace(*initiation.ncoa, *initiation.pcoa);
  prepare(now, arrival);
  return true;
}

// Another HI for a node that is expected, or has just come: the same answer. For one that came
// earlier: it left, and comes back.
bool Nar::adopt(Now now, const Initiation& initiation, const Ipv6Address& address) {
  const auto found = arrivals_.find(address);
  if (found == arrivals_.end()) return false;
  Arrival& arrival = found->second;
  if (arrival.initiation.link_address != initiation.link_address) return false;
  if (comes_again(now, arrival, initiation)) {
    expect_again(now, arrival, initiation);
    return true;
  }
  if (arrival.initiation.peer != initiation.peer) return false;
  if (arrival.initiation.requests.size() >= kMaxRequests) return false;
  arrival.initiation.requests.insert(arrival.initiation.requests.end(), initiation.requests.begin(),
                                     initiation.requests.end());
  if (arrival.stage == Stage::kProbing || arrival.stage == Stage::kPreparing) return true;
  prepared(now, arrival);
  return true;
}

Nar::Arrival& Nar::admit(const Initiation& initiation, const ServedLink& link,
                         const Ipv6Address& address, Kind kind) {
  Arrival arrival;
  arrival.number = ++last_number_;
  arrival.address = address;
  arrival.kind = kind;
  arrival.initiation = initiation;
  arrival.interface = link.config.id;
  const auto [admitted, fresh] = arrivals_.emplace(address, std::move(arrival));
  invariant(fresh);
  ++shares_[initiation.peer];
  return admitted->second;
}

void Nar::acknowledge(Now now, const std::vector<Request>& requests, std::uint8_t code,
                      const std::optional<Ipv6Address>& address) {
  for (const Request& request : requests) {
    const auto found = replies_.find(request);
    if (found == replies_.end() || found->second.hack) continue;
    counters_.add(counter_of(code));
    wire::HandoverAcknowledge hack;
    hack.sequence = request.sequence;
    hack.code = code;
    if (address) hack.options.addresses.push_back({AddressCode::kNewCareOfAddress, 128, *address});
    found->second.hack = hack;
    reply_ends_.emplace_back(now.boot + kReplyWindow, request);
    for (; found->second.owed > 0; --found->second.owed) send(now, request, found->second);
  }
}

void Nar::send(Now now, const Request& request, const Reply& reply) {
  if (!peer_link_.send(now, request.peer, reply.local, *reply.hack))
    counters_.add(NarCounter::kUnanswered);
}

Instant Nar::next_deadline() const {
  Instant earliest = forget_at_;
  if (!deadlines_.empty()) earliest = std::min(earliest, deadlines_.begin()->first);
  if (!reply_ends_.empty()) earliest = std::min(earliest, reply_ends_.front().first);
  return earliest;
}

void Nar::tick(Now now) {
  forget_unexpected(now);
  for (; !reply_ends_.empty() && reply_ends_.front().first <= now.boot; reply_ends_.pop_front())
    replies_.erase(reply_ends_.front().second);
  while (!deadlines_.empty() && deadlines_.begin()->first <= now.boot)
    expire(now, arrivals_.at(deadlines_.begin()->second));
}

std::vector<Nar::ArrivalView> Nar::arrivals(std::size_t limit) const {
  static constexpr std::string_view kStates[] = {"probing", "preparing", "expected", "here"};
  std::vector<ArrivalView> views;
  for (const auto& [address, arrival] : arrivals_) {
    if (views.size() >= limit) break;
    views.push_back(
        {address, arrival.initiation.pcoa, arrival.initiation.peer, arrival.initiation.link_address,
         kStates[static_cast<std::size_t>(arrival.stage)], arrival.proxied, arrival.buffered});
  }
  return views;
}

std::optional<std::size_t> Nar::pool_free(Now now, InterfaceId interface) const {
  const auto pool = pools_.find(interface);
  if (pool == pools_.end()) return std::nullopt;
  return pool->second.free(now.boot);
}

std::optional<std::size_t> Nar::prefixes_free(InterfaceId interface) const {
  const auto pool = prefix_pools_.find(interface);
  if (pool == prefix_pools_.end()) return std::nullopt;
  return pool->second.free();
}

}  // namespace sendoff::router
