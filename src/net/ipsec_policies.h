// Whether the kernel's IPsec protects HI and HAck between two addresses (RFC 5568 10.1, 10.2): a
// look at lists of its policies and associations, by the rules by which Linux chooses among them.
//
// Linux sees the type of a Mobility Header that leaves by a raw socket of that protocol, and no
// type of one that comes in. So what comes in is only protected by a policy without a type; one
// that names types 14 and 15 would let them pass in clear.
#pragma once

#include <linux/xfrm.h>

#include <string>
#include <vector>

#include "base/address.h"

namespace sendoff::net {

// A neighbour whose HI and HAck are left to the kernel.
struct ProtectedPair {
  Ipv6Address peer;
  Ipv6Address local;
  bool install = false;     // the policies are put there by us
  std::uint32_t reqid = 0;  // that those demand of associations; 0: none
  friend bool operator==(const ProtectedPair&, const ProtectedPair&) = default;
};

struct IpsecPolicy {
  xfrm_userpolicy_info info{};
  std::vector<xfrm_user_tmpl> templates;
  bool conditional = false;  // for marked packets or an interface identifier alone
};

struct IpsecAssociation {
  xfrm_usersa_info info{};
  bool integrity = false;
};

// What is missing, for a person; empty when an HI and a HAck leave in ESP with integrity in
// transport mode or not at all, and come in so or not at all, under keys of this peer alone.
[[nodiscard]] std::string find_gap(const ProtectedPair& pair,
                                   const std::vector<IpsecPolicy>& policies,
                                   const std::vector<IpsecAssociation>& associations);

// The policies that protect a pair: what leaves by type, what comes in without.
[[nodiscard]] std::vector<IpsecPolicy> policies_for(const ProtectedPair& pair);

}  // namespace sendoff::net
