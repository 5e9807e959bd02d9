// What the router tells of its neighbourhood: the [AP-ID, AR-Info] part of a PrRtAdv
// (RFC 5568 6.1.2, GF14, GF19).
#pragma once

#include <optional>
#include <vector>

#include "base/address.h"
#include "router/config.h"
#include "router/links.h"
#include "wire/nd_options.h"

namespace sendoff::router {

// The access points that an RtSolPr asks about.
struct Asked {
  bool wildcard = false;
  std::vector<LinkAddress> access_points;  // at most kMaxAsked, each once
  static constexpr std::size_t kMaxAsked = 32;
  std::optional<Ipv6Address> new_care_of;  // to supply with the one access point, unasked
};

// Nothing when there is neither a wildcard nor an access point: such an RtSolPr is dropped (GF29).
[[nodiscard]] std::optional<Asked> asked_of(const wire::OptionList& options);

struct NeighbourhoodAnswer {
  std::uint8_t code = 0;  // of the PrRtAdv
  Bytes options;
};

// At most `room` octets of options; access points that do not fit are left out.
[[nodiscard]] NeighbourhoodAnswer answer(const std::vector<Neighbour>& neighbours,
                                         const ServedLink& link, const Asked& asked,
                                         std::size_t room);

// The neighbour that has this access point; nothing when none has.
[[nodiscard]] const Neighbour* router_behind(const std::vector<Neighbour>& neighbours,
                                             const LinkAddress& access_point);
// The neighbour whose prefix is the longest that holds `ncoa`; nothing when none does.
[[nodiscard]] const Neighbour* neighbour_of(const std::vector<Neighbour>& neighbours,
                                            const Ipv6Address& ncoa);

}  // namespace sendoff::router
