#include "nd/own_addresses.h"

#include <utility>

#include "nd/lifetime.h"

namespace sendoff::nd {

namespace {

using machine::EventKind;

constexpr Duration kClaimsPause = std::chrono::minutes(10);

constexpr std::uint8_t kLastCollisionCount = 2;
constexpr std::uint8_t kCgaPrefixLength = 64;
// An RA's prefix is on the link when its L flag says so, and then the kernel makes the route.
constexpr std::uint8_t kAddressAlone = 128;

std::optional<Duration> left(Instant until, Instant now) {
  if (until == kNever) return std::nullopt;
  return until > now ? until - now : Duration{};
}

}  // namespace

void OwnAddresses::interface_up(Now now, InterfaceId interface) {
  interface_down(interface);
  const auto link = links_.find(interface);
  if (link == links_.end()) return;
  Own own;
  own.prefix = send::link_local_prefix();
  form(now, interface, own);
  for (const Prefix& prefix : link->second.config.prefixes) {
    own.prefix = prefix;
    form(now, interface, own);
  }
}

// The kernel takes all addresses off an interface that goes down.
void OwnAddresses::interface_down(InterfaceId interface) {
  own_.erase(interface);
  std::erase_if(adding_, [&](const auto& entry) { return entry.second.first == interface; });
}

void OwnAddresses::advertised(Now now, InterfaceId interface,
                              const wire::PrefixInformation& information, bool secured) {
  const Prefix prefix = information.prefix();
  if (!links_.at(interface).config.form_addresses || !information.autonomous ||
      prefix.length() != kCgaPrefixLength || prefix.address().is_link_local() ||
      prefix.address().is_multicast() ||
      information.preferred_lifetime_s > information.valid_lifetime_s)
    return;
  const Instant valid_until = lifetime_end(now.boot, information.valid_lifetime_s);
  const Instant preferred_until = lifetime_end(now.boot, information.preferred_lifetime_s);
  Own* const known = of(interface, prefix);
  if (known == nullptr) {
    std::vector<Own>& own = own_[interface];
    const auto advertised = std::ranges::count(own, kAddressAlone, &Own::prefix_length);
    if (information.valid_lifetime_s == 0 || static_cast<std::size_t>(advertised) >= kMaxAdvertised)
      return;
    Own formed;
    formed.prefix = prefix;
    formed.secured = secured;
    formed.prefix_length = kAddressAlone;
    formed.valid_until = valid_until;
    formed.preferred_until = preferred_until;
    return form(now, interface, formed);
  }
  if (known->prefix_length != kAddressAlone || known->failed) return;
  known->secured = secured;
  known->valid_until = address_end(valid_until, known->valid_until, secured, now.boot);
  known->preferred_until = std::min(preferred_until, known->valid_until);
  if (known->valid_until > now.boot) {
    if (known->ready) add(now, interface, *known);
    return;
  }
  outbox_.push(machine::RemoveAddress{interface, known->address});
  lose(interface, known->address, "its router says so");
}

void OwnAddresses::form(Now now, InterfaceId interface, Own own) {
  own.address = identity_.address(own.prefix, own.collision_count);
  own_[interface].push_back(own);
  add(now, interface, own);
}

void OwnAddresses::add(Now now, InterfaceId interface, const Own& own) {
  machine::AddAddress action;
  action.interface = interface;
  action.address = own.address;
  action.prefix_length = own.prefix_length;
  action.valid = left(own.valid_until, now.boot);
  action.preferred = left(own.preferred_until, now.boot);
  adding_.emplace(outbox_.push(std::move(action)), std::pair{interface, own.address});
}

void OwnAddresses::outcome(Now now, const machine::Outcome& outcome) {
  const auto entry = adding_.extract(outcome.action_id);
  if (entry.empty()) return;
  const auto& [interface, address] = entry.mapped();
  Own* const own = find(interface, address);
  if (own == nullptr) return;
  if (outcome.result) {
    if (std::exchange(own->ready, true)) return;
    outbox_.report(EventKind::kAddressFormed,
                   {{"interface", name_of(interface)}, {"address", address.text()}});
  } else if (outcome.result.error() == machine::ActionError::kDuplicate) {
    duplicate(now, interface, *own);
  } else {
    fail(interface, *own, name(outcome.result.error()));
  }
}

bool OwnAddresses::adopt(InterfaceId interface, const Ipv6Address& address) {
  if (!links_.contains(interface) || find(interface, address) != nullptr) return false;
  Own own;
  own.prefix = Prefix(address, kCgaPrefixLength);
  own.address = address;
  own.adopted = true;
  for (std::uint8_t count = 0; count <= kLastCollisionCount; ++count) {
    if (identity_.address(own.prefix, count) != address) continue;
    own.collision_count = count;
    own_[interface].push_back(own);
    return true;
  }
  return false;
}

void OwnAddresses::adopted(InterfaceId interface, const Ipv6Address& address) {
  if (Own* const own = find(interface, address)) own->ready = true;
}

void OwnAddresses::abandon(InterfaceId interface, const Ipv6Address& address) {
  if (const auto link = own_.find(interface); link != own_.end())
    std::erase_if(link->second, [&](const Own& each) { return each.address == address; });
}

// RFC 3971 8: the address of the next collision count, and after three a system error.
void OwnAddresses::duplicate(Now now, InterfaceId interface, Own& own) {
  if (own.collision_count == kLastCollisionCount)
    return fail(interface, own, "three addresses in a row are in use by others");
  outbox_.report(EventKind::kAddressLost, {{"interface", name_of(interface)},
                                           {"address", own.address.text()},
                                           {"reason", "duplicate"}});
  ++own.collision_count;
  own.ready = false;
  own.address = identity_.address(own.prefix, own.collision_count);
  add(now, interface, own);
}

void OwnAddresses::fail(InterfaceId interface, Own& own, std::string_view reason) {
  own.failed = true;
  own.ready = false;
  outbox_.report(EventKind::kWarning,
                 {{"text", "no address under " + own.prefix.text() + " on " + name_of(interface) +
                               ": " + std::string(reason)}});
}

// What nobody asked for: the operator took it away, its lifetime ended, or DAD found it in use
// late.
void OwnAddresses::address_changed(Now now, const machine::AddressChanged& event) {
  using What = machine::AddressChanged::What;
  Own* const own = find(event.interface, event.address);
  if (own == nullptr || event.what == What::kReady) return;
  if (own->adopted) return abandon(event.interface, event.address);
  if (event.what == What::kDuplicate) return duplicate(now, event.interface, *own);
  lose(event.interface, event.address, "removed");
}

void OwnAddresses::lose(InterfaceId interface, Ipv6Address address, std::string_view reason) {
  outbox_.report(EventKind::kAddressLost, {{"interface", name_of(interface)},
                                           {"address", address.text()},
                                           {"reason", std::string(reason)}});
  std::erase_if(own_[interface], [&](const Own& each) { return each.address == address; });
}

const OwnAddresses::Own* OwnAddresses::find(InterfaceId interface,
                                            const Ipv6Address& address) const {
  const auto link = own_.find(interface);
  if (link == own_.end()) return nullptr;
  const auto found = std::ranges::find_if(
      link->second, [&](const Own& own) { return own.address == address && !own.failed; });
  return found == link->second.end() ? nullptr : &*found;
}

OwnAddresses::Own* OwnAddresses::find(InterfaceId interface, const Ipv6Address& address) {
  return const_cast<Own*>(std::as_const(*this).find(interface, address));
}

OwnAddresses::Own* OwnAddresses::of(InterfaceId interface, const Prefix& prefix) {
  const auto link = own_.find(interface);
  if (link == own_.end()) return nullptr;
  const auto found = std::ranges::find(link->second, prefix, &Own::prefix);
  return found == link->second.end() ? nullptr : &*found;
}

void OwnAddresses::claimed(Now now, InterfaceId interface, const Ipv6Address& address,
                           const LinkAddress& by) {
  Own* own = find(interface, address);
  if (own == nullptr || now.boot < own->tell_claims_from) return;
  own->tell_claims_from = now.boot + kClaimsPause;
  outbox_.report(EventKind::kAddressClaimed, {{"address", address.text()},
                                              {"interface", name_of(interface)},
                                              {"link_address", by.text()}});
}

std::optional<Ipv6Address> OwnAddresses::link_local(InterfaceId interface) const {
  for (const Ipv6Address& address : ready(interface))
    if (address.is_link_local()) return address;
  return std::nullopt;
}

std::vector<Ipv6Address> OwnAddresses::ready(InterfaceId interface) const {
  std::vector<Ipv6Address> addresses;
  const auto link = own_.find(interface);
  if (link == own_.end()) return addresses;
  for (const Own& own : link->second)
    if (own.ready) addresses.push_back(own.address);
  return addresses;
}

std::vector<OwnAddresses::Own> OwnAddresses::all(InterfaceId interface) const {
  const auto link = own_.find(interface);
  return link == own_.end() ? std::vector<Own>{} : link->second;
}

const std::string& OwnAddresses::name_of(InterfaceId interface) const {
  return links_.at(interface).config.name;
}

}  // namespace sendoff::nd
