// The new access router: nodes that announce themselves without an HI before them. One whose
// address is somebody else's is told so, where the operator wants it (RFC 5568 6.4.6); one that has
// its PCoA here makes us ask its previous router for an HI (6.2.1.2).
#include "router/handover_codes.h"
#include "router/nar.h"
#include "router/neighbourhood.h"

namespace sendoff::router {

namespace {

constexpr std::uint8_t kNaackConfigure = 1;
constexpr std::uint8_t kNaackUseRouterAddress = 3;

// What a probe found is remembered for as long as a node may take that was told no.
constexpr Duration kOccupiedFor = seconds(10);
constexpr std::size_t kMaxOccupied = 1024;
constexpr std::size_t kMaxInvitations = 1024;

}  // namespace

// The host's neighbour cache may not know who defended an address against our probe.
void Nar::occupied(Now now, const Arrival& arrival, const LinkAddress& owner) {
  if (config_.new_router.in_use == InUseAnswer::kNone || occupied_.size() >= kMaxOccupied) return;
  occupied_.insert_or_assign({arrival.interface, arrival.address},
                             Occupied{owner, now.boot + kOccupiedFor});
  forget_at_ = std::min(forget_at_, now.boot + kOccupiedFor);
}

std::optional<LinkAddress> Nar::owner_of(InterfaceId interface, const Ipv6Address& address) const {
  const auto found = occupied_.find({interface, address});
  if (found != occupied_.end()) return found->second.owner;
  return neighbours_.find(interface, address);
}

bool Nar::tell_in_use(Now now, const send::Message& message, const Ipv6Address& address,
                      const LinkAddress& link_address) {
  const InUseAnswer answer = config_.new_router.in_use;
  const auto owner = owner_of(message.interface, address);
  if (answer == InUseAnswer::kNone || !owner || *owner == link_address) return false;
  counters_.add(NarCounter::kInUseTold);
  const std::uint8_t status =
      answer == InUseAnswer::kConfigure ? kNaackConfigure : kNaackUseRouterAddress;
  advertiser_.acknowledge(now, message.interface, address, link_address, {0, status, std::nullopt});
  return true;
}

// The neighbour whose node has this address, if it may be told.
const Neighbour* Nar::previous_router_of(const Ipv6Address& pcoa) const {
  if (!config_.new_router.invite || !config_.new_router.support_pcoa) return nullptr;
  const Neighbour* par = neighbour_of(config_.neighbours, pcoa);
  const bool ours = std::ranges::any_of(links_, [&](const ServedLink& link) {
    const auto& range = link.config.mobile_prefixes;
    return link.on_link(pcoa) || (range && range->contains(pcoa));
  });
  return par == nullptr || ours || par->address == pcoa || par->protection == Protection::kNone
             ? nullptr
             : par;
}

bool Nar::invite(Now now, const send::Message& message, const Ipv6Address& pcoa,
                 const LinkAddress& link_address) {
  const Neighbour* par = previous_router_of(pcoa);
  const ServedLink* link = find_link(links_, message.interface);
  if (par == nullptr || link == nullptr) return false;
  const auto local = std::ranges::find_if(link->global, &OwnAddress::ready);
  const bool room = invitations_.size() < kMaxInvitations || invitations_.contains(pcoa);
  if (local == link->global.end() || !room || !invitation_rate_.take(now.boot)) return false;
  wire::HandoverAcknowledge hack;
  hack.code = kHackUnsolicited;
  hack.sequence = ++last_invitation_;
  hack.options.addresses.push_back(
      {wire::MobilityAddressPrefix::Code::kOldCareOfAddress, 128, pcoa});
  if (!peer_link_.send(now, par->address, local->address, hack)) {
    counters_.add(NarCounter::kUnanswered);
    return true;
  }
  counters_.add(NarCounter::kInvited);
  invitations_.insert_or_assign(pcoa, Invitation{par->address, message.interface, link_address,
                                                 now.boot + config_.new_router.proxy_lifetime});
  forget_at_ = std::min(forget_at_, now.boot + config_.new_router.proxy_lifetime);
  return true;
}

// The HI that we asked for: the node is here, with its PCoA.
bool Nar::answers_invitation(Now now, const Initiation& initiation, const ServedLink& link) {
  if (!initiation.pcoa) return false;
  const auto found = invitations_.find(*initiation.pcoa);
  const bool asked = found != invitations_.end() && found->second.until > now.boot &&
                     found->second.peer == initiation.peer &&
                     found->second.interface == link.config.id &&
                     found->second.link_address == initiation.link_address;
  if (!asked || !use_pcoa(now, initiation, link)) return false;
  invitations_.erase(found);
  arrivals_.at(*initiation.pcoa).here = true;
  return true;
}

void Nar::forget_unexpected(Now now) {
  if (forget_at_ > now.boot) return;
  forget_at_ = kNever;
  const auto sweep = [&](auto& entries) {
    std::erase_if(entries, [&](const auto& entry) { return entry.second.until <= now.boot; });
    for (const auto& [key, entry] : entries) forget_at_ = std::min(forget_at_, entry.until);
  };
  sweep(occupied_);
  sweep(invitations_);
}

}  // namespace sendoff::router
