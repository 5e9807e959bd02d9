// The RtSolPr of a mobile node (RFC 5568 6.1.1, RFC 5269 3.1) as far as its own options go: SEND's
// are added when it is signed. What the RFC does not allow is refused here, whoever asks for it.
#pragma once

#include <optional>
#include <vector>

#include "base/address.h"
#include "base/result.h"
#include "wire/fmip_options.h"

namespace sendoff::mobile {

struct Solicitation {
  std::uint16_t identifier = 0;
  LinkAddress link_address{};                // ours; empty on a link that has none
  bool wildcard = false;                     // about all access points that the router knows
  std::vector<LinkAddress> access_points{};  // about these, in this order
  std::optional<wire::HandoverKeyRequest> key_request{};
};

enum class SolicitationError : std::uint8_t {
  kNoAccessPoint,    // about nothing
  kWildcardAndMore,  // about all and some
  kTooMany,          // more access points than kMaxAccessPoints
  kNoIdentifier,     // 0 is that of unsolicited PrRtAdv (GF29)
};

inline constexpr std::size_t kMaxAccessPoints = 16;

// The ICMPv6 message, its checksum still zero.
[[nodiscard]] Result<Bytes, SolicitationError> compose(const Solicitation& solicitation);

}  // namespace sendoff::mobile
