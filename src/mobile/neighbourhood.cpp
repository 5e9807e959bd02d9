#include "mobile/neighbourhood.h"

#include <algorithm>

#include "wire/fmip_options.h"
#include "wire/icmpv6.h"

namespace sendoff::mobile {

namespace {

using wire::IpAddressPrefixOption;
using wire::OptionType;
using Code = wire::LinkLayerAddressOption::Code;

// Whether a link-layer address option with this Option-Code opens a tuple, and what it says.
std::optional<AccessPoint::State> state_of(std::uint8_t message_code, Code option_code) {
  const bool refusals = message_code == wire::PrRtAdv::kNoRouterInformation ||
                        message_code == wire::PrRtAdv::kPartial;
  switch (option_code) {
    case Code::kNewAccessPoint:
      if (message_code == wire::PrRtAdv::kNoRouterInformation) return std::nullopt;
      return AccessPoint::State::kPossible;
    case Code::kCurrentInterface:
      if (refusals) return AccessPoint::State::kSameInterface;
      return std::nullopt;
    case Code::kNoPrefixInformation:
      if (refusals) return AccessPoint::State::kUnknownRouter;
      return std::nullopt;
    case Code::kNoFastHandover:
      if (refusals) return AccessPoint::State::kNoFastHandover;
      return std::nullopt;
    default:
      return std::nullopt;
  }
}

bool is_tuple_head(Code code) {
  return code == Code::kNewAccessPoint || code == Code::kCurrentInterface ||
         code == Code::kNoPrefixInformation || code == Code::kNoFastHandover;
}

void read_address(const IpAddressPrefixOption& option, AccessPoint& access_point) {
  switch (option.code) {
    case IpAddressPrefixOption::Code::kNarAddress:
      if (!option.address.is_unicast_routable()) return;
      access_point.router = option.address;
      // Its Prefix Length is that of the NAR's subnet (GF19); an explicit prefix goes before it.
      if (!access_point.prefix && option.prefix_length < 128)
        access_point.prefix = Prefix(option.address, option.prefix_length);
      return;
    case IpAddressPrefixOption::Code::kNarPrefix:
      access_point.prefix = Prefix(option.address, option.prefix_length);
      return;
    case IpAddressPrefixOption::Code::kNewCareOfAddress:
      if (option.address.is_unicast_routable()) access_point.new_care_of = option.address;
      return;
    default:
      return;
  }
}

// RFC 5568 6.1.2: both are there for each access point that a handover is offered to.
bool incomplete(const AccessPoint& access_point) {
  return access_point.state == AccessPoint::State::kPossible &&
         (!access_point.router || !access_point.router_link_address);
}

}  // namespace

std::string_view name(AccessPoint::State state) {
  switch (state) {
    case AccessPoint::State::kPossible:
      return "handover possible";
    case AccessPoint::State::kSameInterface:
      return "same interface";
    case AccessPoint::State::kUnknownRouter:
      return "router unknown";
    case AccessPoint::State::kNoFastHandover:
      return "no fast handover";
  }
  return "unknown";
}

std::vector<AccessPoint> read_access_points(std::uint8_t code, const wire::OptionList& options) {
  std::vector<AccessPoint> tuples;
  bool open = false;  // false also while a tuple that counts for nothing goes by
  for (const wire::RawOption& raw : options) {
    if (raw.type == OptionType::kLinkLayerAddress) {
      const auto option = wire::LinkLayerAddressOption::parse(raw.octets);
      if (!option) continue;
      if (is_tuple_head(option->code)) {
        const auto state = state_of(code, option->code);
        open = state && !option->address.empty();
        if (!open) continue;
        tuples.emplace_back();
        tuples.back().address = option->address;
        tuples.back().state = *state;
        tuples.back().dhcp = code == wire::PrRtAdv::kDhcp;
      } else if (option->code == Code::kNewAccessRouter && open) {
        tuples.back().router_link_address = option->address;
      }
    } else if (raw.type == OptionType::kIpAddressPrefix && open) {
      if (const auto option = IpAddressPrefixOption::parse(raw.octets))
        read_address(*option, tuples.back());
    }
  }
  std::erase_if(tuples, incomplete);
  return tuples;
}

bool nothing_known(std::uint8_t code, const wire::OptionList& options) {
  if (code != wire::PrRtAdv::kNoRouterInformation) return false;
  return std::ranges::any_of(options, [](const wire::RawOption& raw) {
    if (raw.type != OptionType::kLinkLayerAddress) return false;
    const auto option = wire::LinkLayerAddressOption::parse(raw.octets);
    return option && option->code == Code::kNoPrefixInformation && option->address.empty();
  });
}

void Neighbourhood::update(const std::vector<AccessPoint>& heard) {
  for (const AccessPoint& access_point : heard) {
    std::erase_if(access_points_,
                  [&](const AccessPoint& known) { return known.address == access_point.address; });
    if (access_points_.size() >= max_) access_points_.erase(access_points_.begin());
    access_points_.push_back(access_point);
  }
}

const AccessPoint* Neighbourhood::find(const LinkAddress& address) const {
  const auto told = std::ranges::find(access_points_, address, &AccessPoint::address);
  if (told != access_points_.end() && told->state != AccessPoint::State::kUnknownRouter)
    return &*told;
  const auto configured = std::ranges::find(configured_, address, &AccessPoint::address);
  if (configured != configured_.end()) return &*configured;
  return told == access_points_.end() ? nullptr : &*told;
}

std::vector<AccessPoint> Neighbourhood::all() const {
  std::vector<AccessPoint> all;
  for (const auto* list : {&configured_, &access_points_})
    for (const AccessPoint& access_point : *list)
      if (find(access_point.address) == &access_point) all.push_back(access_point);
  return all;
}

}  // namespace sendoff::mobile
