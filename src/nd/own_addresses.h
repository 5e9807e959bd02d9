// The CGAs of guarded interfaces (RFC 3972 4, RFC 3971 8): under fe80::/64, the configured prefixes
// and those that accepted Router Advertisements tell of. The kernel keeps them and does Duplicate
// Address Detection; after a collision the next collision count is tried, after the third nothing.
#pragma once

#include <map>
#include <optional>
#include <vector>

#include "machine/input.h"
#include "machine/outbox.h"
#include "nd/guard_config.h"
#include "wire/nd_options.h"

namespace sendoff::nd {

class OwnAddresses {
 public:
  // `identity` outlives it.
  OwnAddresses(const send::Identity& identity, const GuardedLinks& links, machine::Outbox& outbox)
      : identity_(identity), links_(links), outbox_(outbox) {}

  void interface_up(Now now, InterfaceId interface);
  void interface_down(InterfaceId interface);
  // An autonomous prefix of an accepted RA. Its lifetime falls to two hours at most, and below them
  // only by a secured RA (RFC 4862 5.5.3 e).
  void advertised(Now now, InterfaceId interface, const wire::PrefixInformation& information,
                  bool secured);

  [[nodiscard]] bool owns(machine::ActionId action) const { return adding_.contains(action); }
  void outcome(Now now, const machine::Outcome& outcome);
  void address_changed(Now now, const machine::AddressChanged& event);

  // Addresses that somebody else has the kernel add: to be told before, so that Duplicate Address
  // Detection is signed, and when that has ended well. False: known already, or no CGA of the
  // identity.
  bool adopt(InterfaceId interface, const Ipv6Address& address);
  void adopted(InterfaceId interface, const Ipv6Address& address);
  void abandon(InterfaceId interface, const Ipv6Address& address);

  struct Own {
    Prefix prefix;
    Ipv6Address address;
    std::uint8_t collision_count = 0;
    bool ready = false;    // DAD has ended
    bool adopted = false;  // somebody else's to add, to try anew and to report
    bool failed = false;   // three duplicates, or refused by the host
    bool secured = true;   // what told of the prefix last
    std::uint8_t prefix_length = 64;
    Instant valid_until = kNever;
    Instant preferred_until = kNever;
    Instant tell_claims_from{};
  };
  // Another node says without proof that the address is its own: told where it is ours, and not
  // again for a while.
  void claimed(Now now, InterfaceId interface, const Ipv6Address& address, const LinkAddress& by);

  // One that is in use or being detected; null when the address is none of ours.
  [[nodiscard]] const Own* find(InterfaceId interface, const Ipv6Address& address) const;
  [[nodiscard]] std::optional<Ipv6Address> link_local(InterfaceId interface) const;  // a ready one
  [[nodiscard]] std::vector<Ipv6Address> ready(InterfaceId interface) const;
  [[nodiscard]] std::vector<Own> all(InterfaceId interface) const;

 private:
  static constexpr std::size_t kMaxAdvertised = 16;  // prefixes of an interface

  [[nodiscard]] Own* of(InterfaceId interface, const Prefix& prefix);
  [[nodiscard]] Own* find(InterfaceId interface, const Ipv6Address& address);
  void form(Now now, InterfaceId interface, Own own);
  void add(Now now, InterfaceId interface, const Own& own);
  void duplicate(Now now, InterfaceId interface, Own& own);
  void fail(InterfaceId interface, Own& own, std::string_view reason);
  void lose(InterfaceId interface, Ipv6Address address, std::string_view reason);
  [[nodiscard]] const std::string& name_of(InterfaceId interface) const;

  const send::Identity& identity_;
  const GuardedLinks& links_;
  machine::Outbox& outbox_;
  std::map<InterfaceId, std::vector<Own>> own_;
  std::map<machine::ActionId, std::pair<InterfaceId, Ipv6Address>> adding_;
};

}  // namespace sendoff::nd
