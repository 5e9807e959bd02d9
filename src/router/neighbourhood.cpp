#include "router/neighbourhood.h"

#include <algorithm>

#include "wire/fmip_options.h"
#include "wire/icmpv6.h"

namespace sendoff::router {

namespace {

using wire::IpAddressPrefixOption;
using wire::LinkLayerAddressOption;
using wire::PrRtAdv;
using Code = LinkLayerAddressOption::Code;

bool contains(const std::vector<LinkAddress>& addresses, const LinkAddress& address) {
  return std::ranges::find(addresses, address) != addresses.end();
}

// What came of one access point: its options, and how it counts for the message's code.
struct Entry {
  Bytes options;
  Code code = Code::kNoPrefixInformation;
  bool dhcp = false;
};

Bytes tuple_of(const Neighbour& neighbour, const LinkAddress& access_point) {
  Bytes options;
  append(options, LinkLayerAddressOption{Code::kNewAccessPoint, access_point});
  append(options, LinkLayerAddressOption{Code::kNewAccessRouter, neighbour.link_address});
  append(options, IpAddressPrefixOption{IpAddressPrefixOption::Code::kNarAddress,
                                        neighbour.prefix.length(), neighbour.address});
  // GF19: the prefix is left out where address and prefix length already give it.
  if (!neighbour.prefix.contains(neighbour.address))
    append(options, IpAddressPrefixOption{IpAddressPrefixOption::Code::kNarPrefix,
                                          neighbour.prefix.length(), neighbour.prefix.address()});
  return options;
}

Entry entry_of(const std::vector<Neighbour>& neighbours, const ServedLink& link,
               const LinkAddress& access_point) {
  Entry entry;
  if (contains(link.config.access_points, access_point)) {
    entry.code = Code::kCurrentInterface;
  } else if (const Neighbour* neighbour = router_behind(neighbours, access_point)) {
    if (neighbour->fast_handover)
      return {tuple_of(*neighbour, access_point), Code::kNewAccessPoint, neighbour->dhcp};
    entry.code = Code::kNoFastHandover;
  }
  append(entry.options, LinkLayerAddressOption{entry.code, access_point});
  return entry;
}

std::vector<Entry> whole_neighbourhood(const std::vector<Neighbour>& neighbours) {
  std::vector<Entry> entries;
  for (const Neighbour& neighbour : neighbours)
    for (const LinkAddress& access_point : neighbour.access_points)
      if (neighbour.fast_handover)
        entries.push_back(
            {tuple_of(neighbour, access_point), Code::kNewAccessPoint, neighbour.dhcp});
  // One message has one code: networks with and without DHCP do not go together.
  const bool all_dhcp = std::ranges::all_of(entries, &Entry::dhcp);
  if (!all_dhcp) std::erase_if(entries, [](const Entry& entry) { return entry.dhcp; });
  return entries;
}

std::uint8_t code_of(const std::vector<Entry>& entries) {
  const auto with_info = std::ranges::count(entries, Code::kNewAccessPoint, &Entry::code);
  const bool any_without_fast_handover =
      std::ranges::count(entries, Code::kNoFastHandover, &Entry::code) > 0;
  if (with_info == 0 && !any_without_fast_handover) return PrRtAdv::kNoRouterInformation;
  if (static_cast<std::size_t>(with_info) < entries.size()) return PrRtAdv::kPartial;
  return std::ranges::all_of(entries, &Entry::dhcp) ? PrRtAdv::kDhcp : PrRtAdv::kTuples;
}

}  // namespace

const Neighbour* router_behind(const std::vector<Neighbour>& neighbours,
                               const LinkAddress& access_point) {
  for (const Neighbour& neighbour : neighbours)
    if (contains(neighbour.access_points, access_point)) return &neighbour;
  return nullptr;
}

std::optional<Asked> asked_of(const wire::OptionList& options) {
  Asked asked;
  for (const wire::RawOption& raw : options) {
    if (raw.type != wire::OptionType::kLinkLayerAddress) continue;
    const auto option = LinkLayerAddressOption::parse(raw.octets);
    if (!option) continue;
    if (option->code == Code::kWildcard) asked.wildcard = true;
    if (option->code == Code::kNewAccessPoint && asked.access_points.size() < Asked::kMaxAsked &&
        !contains(asked.access_points, option->address))
      asked.access_points.push_back(option->address);
  }
  if (!asked.wildcard && asked.access_points.empty()) return std::nullopt;
  return asked;
}

NeighbourhoodAnswer answer(const std::vector<Neighbour>& neighbours, const ServedLink& link,
                           const Asked& asked, std::size_t room) {
  std::vector<Entry> entries;
  if (asked.wildcard) {
    entries = whole_neighbourhood(neighbours);
    if (entries.empty()) {
      entries.emplace_back();
      append(entries.back().options,
             LinkLayerAddressOption{Code::kNoPrefixInformation, LinkAddress{}});
    }
  } else {
    for (const LinkAddress& access_point : asked.access_points)
      entries.push_back(entry_of(neighbours, link, access_point));
    if (asked.new_care_of && entries.back().code == Code::kNewAccessPoint)
      append(entries.back().options,
             IpAddressPrefixOption{IpAddressPrefixOption::Code::kNewCareOfAddress, 128,
                                   *asked.new_care_of});
  }
  NeighbourhoodAnswer result;
  result.code = code_of(entries);
  for (const Entry& entry : entries)
    if (result.options.size() + entry.options.size() <= room)
      result.options.insert(result.options.end(), entry.options.begin(), entry.options.end());
  return result;
}

const Neighbour* neighbour_of(const std::vector<Neighbour>& neighbours, const Ipv6Address& ncoa) {
  const Neighbour* best = nullptr;
  for (const Neighbour& neighbour : neighbours)
    if (neighbour.prefix.contains(ncoa) &&
        (best == nullptr || neighbour.prefix.length() > best->prefix.length()))
      best = &neighbour;
  return best;
}

}  // namespace sendoff::router
