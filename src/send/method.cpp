#include "send/method.h"

namespace sendoff::send {

std::string_view name(Method method) {
  switch (method) {
    case Method::kTrustAnchor:
      return "trust-anchor";
    case Method::kCga:
      return "cga";
    case Method::kTrustAnchorAndCga:
      return "trust-anchor-and-cga";
    case Method::kTrustAnchorOrCga:
      return "trust-anchor-or-cga";
  }
  return "unknown";
}

std::optional<Method> method_named(std::string_view name_wanted) {
  for (const Method method :
       {Method::kTrustAnchor, Method::kCga, Method::kTrustAnchorAndCga, Method::kTrustAnchorOrCga})
    if (name_wanted == name(method)) return method;
  return std::nullopt;
}

Methods::Methods() {
  methods_.fill(Method::kCga);
  for (const Kind kind : {Kind::kRouterAdvertisement, Kind::kRedirect, Kind::kPrRtAdv})
    set(kind, Method::kTrustAnchorAndCga);
}

}  // namespace sendoff::send
