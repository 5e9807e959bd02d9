// How the right to say something is proven (RFC 3971 5.2.3), for each kind of message.
#pragma once

#include <array>
#include <optional>
#include <string_view>

#include "send/message.h"

namespace sendoff::send {

enum class Method : std::uint8_t {
  kTrustAnchor,        // a certification path to the key that signed
  kCga,                // the address is made from that key
  kTrustAnchorAndCga,  // both
  kTrustAnchorOrCga,   // either
};
[[nodiscard]] std::string_view name(Method method);
[[nodiscard]] std::optional<Method> method_named(std::string_view name);

[[nodiscard]] constexpr bool satisfied(Method method, bool certified, bool cga) {
  switch (method) {
    case Method::kTrustAnchor:
      return certified;
    case Method::kCga:
      return cga;
    case Method::kTrustAnchorAndCga:
      return certified && cga;
    case Method::kTrustAnchorOrCga:
      return certified || cga;
  }
  return false;
}

// The kinds of message that are signed, and so have one.
inline constexpr std::array kKindsWithMethod = {Kind::kNeighborSolicitation,
                                                Kind::kNeighborAdvertisement,
                                                Kind::kRouterSolicitation,
                                                Kind::kRouterAdvertisement,
                                                Kind::kRedirect,
                                                Kind::kRtSolPr,
                                                Kind::kPrRtAdv};

// A method a kind. Of a router's messages (RA, Redirect, PrRtAdv) it is at first trust anchor and
// CGA, of others CGA (GS15).
class Methods {
 public:
  Methods();
  [[nodiscard]] Method of(Kind kind) const { return methods_[static_cast<std::size_t>(kind)]; }
  void set(Kind kind, Method method) { methods_[static_cast<std::size_t>(kind)] = method; }
  // Whether a message of this kind without CGA option may be authorised.
  [[nodiscard]] bool certificate_suffices(Kind kind) const {
    return satisfied(of(kind), true, false);
  }
  friend bool operator==(const Methods&, const Methods&) = default;

 private:
  std::array<Method, static_cast<std::size_t>(Kind::kCount)> methods_;
};

}  // namespace sendoff::send
