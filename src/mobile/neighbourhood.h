// What the current router told of access points and the routers behind them (PrRtAdv, RFC 5568
// 6.1.2, GF14, GF19). Bounded; forgotten with the router that told it. Nothing in it is tested
// against that router's certificate (GF39). Beside it, what the configuration says of access
// points (RFC 5568 4: on some links nobody needs to ask).
#pragma once

#include <optional>
#include <vector>

#include "base/address.h"
#include "wire/nd_options.h"

namespace sendoff::mobile {

struct AccessPoint {
  enum class State : std::uint8_t {
    kPossible,       // its router is known: fast handover
    kSameInterface,  // Option-Code 5: on the current router's own interface
    kUnknownRouter,  // Option-Code 6
    kNoFastHandover  // Option-Code 7
  };
  LinkAddress address;
  State state = State::kUnknownRouter;
  std::optional<Ipv6Address> router;  // of the NAR
  std::optional<LinkAddress> router_link_address;
  std::optional<Prefix> prefix;
  std::optional<Ipv6Address> new_care_of;  // supplied: taken instead of our own (RFC 5568 5.2)
  bool dhcp = false;                       // addresses there come from DHCP (Code 5)
};
[[nodiscard]] std::string_view name(AccessPoint::State state);

// The tuples of a PrRtAdv with this Code, in its order. Options that do not parse, Option-Codes
// that the Code does not allow, and tuples that offer a handover without naming the router's
// address and link-layer address are skipped.
[[nodiscard]] std::vector<AccessPoint> read_access_points(std::uint8_t code,
                                                          const wire::OptionList& options);
// Whether it says that its router knows of no other at all (GF14).
[[nodiscard]] bool nothing_known(std::uint8_t code, const wire::OptionList& options);

class Neighbourhood {
 public:
  explicit Neighbourhood(std::size_t max_access_points = 256) : max_(max_access_points) {}
  // News of an access point replaces what was known; the one longest not heard of gives way.
  void update(const std::vector<AccessPoint>& heard);
  void clear() { access_points_.clear(); }
  void configure(std::vector<AccessPoint> access_points) { configured_ = std::move(access_points); }
  // As the router told it, else as configured; so also where it told only that it knows nothing.
  [[nodiscard]] const AccessPoint* find(const LinkAddress& address) const;
  [[nodiscard]] const std::vector<AccessPoint>& told() const { return access_points_; }
  // All that find() finds, the last heard of at the end.
  [[nodiscard]] std::vector<AccessPoint> all() const;

 private:
  std::size_t max_;
  std::vector<AccessPoint> configured_;
  std::vector<AccessPoint> access_points_;  // longest not heard of first
};

}  // namespace sendoff::mobile
