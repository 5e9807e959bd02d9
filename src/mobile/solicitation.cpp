#include "mobile/solicitation.h"

#include "wire/icmpv6.h"

namespace sendoff::mobile {

Result<Bytes, SolicitationError> compose(const Solicitation& solicitation) {
  using Option = wire::LinkLayerAddressOption;
  const auto& access_points = solicitation.access_points;
  if (solicitation.identifier == 0) return fail(SolicitationError::kNoIdentifier);
  if (access_points.size() > kMaxAccessPoints) return fail(SolicitationError::kTooMany);
  if (solicitation.wildcard && !access_points.empty())
    return fail(SolicitationError::kWildcardAndMore);
  if (!solicitation.wildcard && access_points.empty())
    return fail(SolicitationError::kNoAccessPoint);
  Bytes message;
  append(message, wire::RtSolPr{solicitation.identifier});
  if (!solicitation.link_address.empty())
    append(message, Option{Option::Code::kSource, solicitation.link_address});
  if (solicitation.wildcard) append(message, Option{});
  for (const LinkAddress& access_point : access_points)
    append(message, Option{Option::Code::kNewAccessPoint, access_point});
  if (solicitation.key_request) append(message, *solicitation.key_request);
  return message;
}

}  // namespace sendoff::mobile
