#include "mobile/care_of.h"

namespace sendoff::mobile {

namespace {

constexpr std::uint8_t kSubnetPrefixLength = 64;

}  // namespace

std::optional<Ipv6Address> prospective_care_of(const AccessPoint& access_point,
                                               const send::Identity& identity) {
  if (access_point.new_care_of) return access_point.new_care_of;
  if (!access_point.prefix || access_point.prefix->length() > kSubnetPrefixLength)
    return std::nullopt;
  return identity.address(*access_point.prefix);
}

std::optional<cga::Parameters> own_parameters(const send::Identity& identity,
                                              const Ipv6Address& address) {
  const Prefix prefix(address, kSubnetPrefixLength);
  for (std::uint8_t count = 0; count <= cga::kMaxCollisionCount; ++count) {
    cga::Parameters parameters = identity.parameters(prefix, count);
    if (cga::address_of(parameters, identity.sec) == address) return parameters;
  }
  return std::nullopt;
}

}  // namespace sendoff::mobile
