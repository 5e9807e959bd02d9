// A virtual host's own Neighbor Discovery: DAD (RFC 4862 5.4, RFC 4429), resolution, proxies.
#include <utility>

#include "sim/host.h"
#include "wire/icmpv6.h"
#include "wire/ipv6.h"
#include "wire/nd_options.h"

namespace sendoff::sim {

namespace {

constexpr Duration kRetransTimer = seconds(1);
constexpr std::uint8_t kSolicitation = 135;
constexpr std::uint8_t kAdvertisement = 136;
constexpr std::uint8_t kRouterSolicitation = 133;

std::optional<LinkAddress> option_of(ByteView options, wire::OptionType type) {
  const auto list = wire::OptionList::parse(options);
  const auto option = list ? list->first(type) : std::nullopt;
  if (!option) return std::nullopt;
  const auto parsed = wire::LinkAddressOption::parse(option->octets);
  if (!parsed) return std::nullopt;
  return parsed->address;
}

Packet icmp(const Ipv6Address& source, const Ipv6Address& destination, Bytes message) {
  wire::seal_icmpv6(source, destination, message);
  return share(wire::icmpv6_packet(source, destination, message));
}

}  // namespace

void Host::discover(const Frame& frame) {
  const auto packet = wire::PacketView::parse(*frame.packet);
  if (!packet || packet->upper_protocol != wire::kProtocolIcmpv6 || packet->upper.empty() ||
      packet->header.hop_limit != 255 || packet->fragment ||
      !wire::icmpv6_checksum_ok(packet->header.source, packet->header.destination, packet->upper))
    return;
  const Ipv6Address& source = packet->header.source;
  if (packet->upper[0] == kSolicitation) return solicited(frame, source, packet->upper);
  if (packet->upper[0] == kAdvertisement) return advertised(frame, packet->upper);
  if (packet->upper[0] != kRouterSolicitation || !is_router() || source.is_unspecified() ||
      packet->upper.size() < wire::RouterSolicitation::kSize)
    return;
  if (const auto from = option_of(packet->upper.subspan(wire::RouterSolicitation::kSize),
                                  wire::OptionType::kSourceLinkAddress))
    neighbours_.hear(source, {.link_address = *from, .solicitation = true});
}

void Host::solicited(const Frame& frame, const Ipv6Address& source, ByteView message) {
  const auto solicitation = wire::NeighborSolicitation::parse(message);
  if (!solicitation) return;
  const Ipv6Address& target = solicitation->target;
  const auto own = addresses_.find(target);
  if (own != addresses_.end() && own->second.state != State::kReady && source.is_unspecified())
    return duplicate(target);
  const bool ours = owns(target);
  if (!ours && !proxies_.contains(target)) return;
  const auto from = option_of(message.subspan(wire::NeighborSolicitation::kSize),
                              wire::OptionType::kSourceLinkAddress);
  if (from && !source.is_unspecified())
    neighbours_.hear(source, {.link_address = *from, .solicitation = true});
  const bool overrides = ours && own->second.state == State::kReady;
  if (source.is_unspecified())
    advertise(target, kAllNodes, link_address_of_group(kAllNodes), overrides);
  else
    advertise(target, source, from.value_or(frame.source), overrides);
}

void Host::advertised(const Frame& frame, ByteView message) {
  const auto advertisement = wire::NeighborAdvertisement::parse(message);
  if (!advertisement) return;
  const Ipv6Address& target = advertisement->target;
  if (const auto own = addresses_.find(target); own != addresses_.end()) {
    if (own->second.state != State::kReady) duplicate(target);
    return;
  }
  const auto at = option_of(message.subspan(wire::NeighborAdvertisement::kSize),
                            wire::OptionType::kTargetLinkAddress);
  neighbours_.hear(target, {.link_address = at.value_or(frame.source),
                            .solicited = advertisement->solicited,
                            .overrides = advertisement->override_flag});
}

void Host::solicit(const Ipv6Address& target, const std::optional<LinkAddress>& known) {
  // From an address that can be used; without one nobody could answer.
  const Ipv6Address* source = nullptr;
  for (const auto& [address, entry] : addresses_)
    if (entry.state == State::kReady && (source == nullptr || address.is_link_local()))
      source = &address;
  if (source == nullptr) return;
  const Ipv6Address destination = known ? target : target.solicited_node();
  Bytes message;
  append(message, wire::NeighborSolicitation{target});
  append(message, wire::LinkAddressOption{wire::OptionType::kSourceLinkAddress, link_address_});
  put(known.value_or(link_address_of_group(destination)),
      icmp(*source, destination, std::move(message)));
}

void Host::advertise(const Ipv6Address& target, const Ipv6Address& to, const LinkAddress& link_to,
                     bool overrides) {
  wire::NeighborAdvertisement advertisement;
  advertisement.router = is_router();
  advertisement.solicited = to != kAllNodes;
  advertisement.override_flag = overrides;
  advertisement.target = target;
  Bytes message;
  append(message, advertisement);
  append(message, wire::LinkAddressOption{wire::OptionType::kTargetLinkAddress, link_address_});
  const Ipv6Address* source = &target;
  if (!owns(target))
    for (const auto& [address, entry] : addresses_)
      if (entry.state == State::kReady && address.is_link_local()) source = &address;
  put(link_to, icmp(*source, to, std::move(message)));
}

void Host::detect(const Ipv6Address& address) {
  Bytes message;
  append(message, wire::NeighborSolicitation{address});
  const Ipv6Address group = address.solicited_node();
  put(link_address_of_group(group), icmp({}, group, std::move(message)));
  const std::uint64_t detection = ++last_detection_;
  addresses_.at(address).detection = detection;
  context_.queue.after(kRetransTimer, [this, address, detection] { detected(address, detection); });
}

void Host::detected(const Ipv6Address& address, std::uint64_t detection) {
  const auto found = addresses_.find(address);
  if (found == addresses_.end() || found->second.detection != detection ||
      found->second.state == State::kReady)
    return;
  const bool was_optimistic =
      std::exchange(found->second.state, State::kReady) == State::kOptimistic;
  if (was_optimistic)
    tell(machine::AddressChanged{kAccess, address, machine::AddressChanged::What::kReady});
  auto waiting = std::move(found->second.waiting);
  for (Done& done : waiting) done(machine::Facts{});
}

void Host::duplicate(const Ipv6Address& address) {
  context_.trace.note(name_, "duplicate", address.text());
  auto found = addresses_.extract(address);
  --groups_[address.solicited_node()];
  if (found.mapped().waiting.empty())
    tell(machine::AddressChanged{kAccess, address, machine::AddressChanged::What::kDuplicate});
  for (Done& done : found.mapped().waiting) done(fail(machine::ActionError::kDuplicate));
}

}  // namespace sendoff::sim
