// The lifetimes of Prefix Information options as a host keeps them (RFC 4861 6.3.4, RFC
// 4862 5.5.3).
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/time.h"
#include "wire/nd_options.h"

namespace sendoff::nd {

// kNever: infinite.
inline Instant lifetime_end(Instant start, std::uint32_t lifetime_s) {
  return lifetime_s == wire::PrefixInformation::kInfinite ? kNever : start + seconds(lifetime_s);
}

// When an address ends that was valid until `known`, and now is told to be until `told` (RFC 4862
// 5.5.3 e): only what is secured cuts the last two hours short, and nothing cuts more at once.
inline Instant address_end(Instant told, Instant known, bool secured, Instant now) {
  const Instant last = now + hours(2);
  if (told >= known || (secured && known <= last)) return told;
  return std::max(told, std::min(known, last));
}

}  // namespace sendoff::nd
