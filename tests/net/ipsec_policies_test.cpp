// Which policies and associations of Linux protect HI and HAck, and which only look as if.
#include "net/ipsec_policies.h"

#include <gtest/gtest.h>
#include <netinet/in.h>

#include <cstring>

#include "support/covers.h"

namespace sendoff::net {
namespace {

const ProtectedPair kPair{Ipv6Address::literal("2001:db8:a:2::1"),
                          Ipv6Address::literal("2001:db8:a:1::1"), true, 7};
const Ipv6Address kThird = Ipv6Address::literal("2001:db8:a:3::1");

class IpsecPolicies : public ::testing::Test {
 protected:
  [[nodiscard]] std::string gap() const { return find_gap(kPair, policies, associations); }
  void expect_gap(const std::string& says) const {
    EXPECT_NE(gap().find(says), std::string::npos) << gap();
  }
  IpsecPolicy& inbound() { return policies.at(2); }
  static IpsecAssociation association(const Ipv6Address& from, const Ipv6Address& to,
                                      std::uint32_t reqid = 7, bool integrity = true) {
    IpsecAssociation out;
    out.info.family = out.info.sel.family = AF_INET6;
    std::memcpy(&out.info.saddr, from.octets().data(), Ipv6Address::kSize);
    std::memcpy(&out.info.id.daddr, to.octets().data(), Ipv6Address::kSize);
    out.info.id.proto = IPPROTO_ESP;
    out.info.mode = XFRM_MODE_TRANSPORT;
    out.info.reqid = reqid;
    out.integrity = integrity;
    return out;
  }
  // A policy that lets everything pass, such as an exception somebody made.
  static IpsecPolicy exception(std::uint8_t direction, std::uint32_t priority) {
    IpsecPolicy out;
    out.info.sel.family = AF_INET6;
    out.info.dir = direction;
    out.info.priority = priority;
    out.info.action = XFRM_POLICY_ALLOW;
    return out;
  }

  std::vector<IpsecPolicy> policies = policies_for(kPair);
  std::vector<IpsecAssociation> associations;
};

TEST_F(IpsecPolicies, OursLeaveNoGap) {
  COVERS("FH-10.2-01");
  EXPECT_EQ(gap(), "");
  ASSERT_EQ(policies.size(), 3u);
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(policies[i].info.dir, XFRM_POLICY_OUT);
    EXPECT_EQ(ntohs(policies[i].info.sel.sport), 14 + i);
    EXPECT_EQ(policies[i].info.sel.sport_mask, 0xffff);
  }
  // Of what leaves from here for the neighbour HI and HAck, of what comes from there all: so the
  // FBack to a node, and to the neighbour itself, passes.
  const auto is = [](const xfrm_address_t& address, const Ipv6Address& wanted) {
    return std::memcmp(&address, wanted.octets().data(), Ipv6Address::kSize) == 0;
  };
  for (const IpsecPolicy& policy : policies) {
    const bool out = policy.info.dir == XFRM_POLICY_OUT;
    EXPECT_TRUE(is(policy.info.sel.saddr, out ? kPair.local : kPair.peer));
    EXPECT_TRUE(is(policy.info.sel.daddr, out ? kPair.peer : kPair.local));
    EXPECT_EQ(policy.info.sel.prefixlen_s, 128);
    EXPECT_EQ(policy.info.sel.prefixlen_d, 128);
  }
  EXPECT_EQ(inbound().info.dir, XFRM_POLICY_IN);
  EXPECT_EQ(inbound().info.sel.sport_mask, 0);
  for (const IpsecPolicy& policy : policies) {
    EXPECT_EQ(policy.info.sel.proto, 135);
    EXPECT_EQ(policy.templates.at(0).mode, XFRM_MODE_TRANSPORT);
    EXPECT_EQ(policy.templates[0].id.proto, IPPROTO_ESP);
    EXPECT_EQ(policy.templates[0].reqid, 7u);
  }
}

TEST_F(IpsecPolicies, EachOneIsNeeded) {
  const auto all = policies;
  for (const auto& [index, says] :
       {std::pair{0, "HI that leaves"}, {1, "HAck that leaves"}, {2, "come in"}}) {
    policies = all;
    policies.erase(policies.begin() + index);
    expect_gap(says);
  }
  policies.clear();
  expect_gap("no policy");
}

// Linux does not see the type there: the policy would never be found.
TEST_F(IpsecPolicies, OneThatNamesATypeProtectsNothingThatComesIn) {
  inbound().info.sel.sport = htons(14);
  inbound().info.sel.sport_mask = 0xffff;
  expect_gap("must name no type");
}

TEST_F(IpsecPolicies, MustBeEspInTransportModeWithoutExceptions) {
  const auto all = policies;
  const auto spoiled = [&](auto change) {
    policies = all;
    change(inbound());
    expect_gap("no policy");
  };
  spoiled([](IpsecPolicy& policy) { policy.templates[0].mode = XFRM_MODE_TUNNEL; });
  spoiled([](IpsecPolicy& policy) { policy.templates[0].id.proto = IPPROTO_AH; });
  spoiled([](IpsecPolicy& policy) { policy.templates[0].optional = 1; });
  spoiled([](IpsecPolicy& policy) { policy.templates.clear(); });
  spoiled([](IpsecPolicy& policy) { policy.conditional = true; });
  spoiled([](IpsecPolicy& policy) { policy.info.sel.ifindex = 3; });
  spoiled([](IpsecPolicy& policy) { policy.info.sel.proto = IPPROTO_UDP; });
  spoiled([](IpsecPolicy& policy) { policy.info.action = XFRM_POLICY_BLOCK; });
  spoiled([](IpsecPolicy& policy) { policy.info.dir = XFRM_POLICY_FWD; });
  spoiled([](IpsecPolicy& policy) {
    std::memcpy(&policy.info.sel.saddr, kThird.octets().data(), Ipv6Address::kSize);
  });
}

TEST_F(IpsecPolicies, OneForMoreTrafficProtectsToo) {
  for (IpsecPolicy& policy : policies) {
    policy.info.sel.sport_mask = policy.info.sel.sport = 0;
    policy.info.sel.proto = 0;
    policy.info.sel.prefixlen_s = policy.info.sel.prefixlen_d = 32;
  }
  EXPECT_EQ(gap(), "");
}

TEST_F(IpsecPolicies, TheOneThatComesFirstDecides) {
  const std::uint32_t ours = policies[0].info.priority;
  for (const std::uint8_t direction : {XFRM_POLICY_IN, XFRM_POLICY_OUT}) {
    policies = policies_for(kPair);
    policies.push_back(exception(direction, ours + 1));
    EXPECT_EQ(gap(), "");
    for (const std::uint32_t priority : {ours, ours - 1}) {
      policies.back().info.priority = priority;
      expect_gap("pass without ESP");
    }
    policies.back().info.action = XFRM_POLICY_BLOCK;
    EXPECT_EQ(gap(), "");
  }
}

// The kernel does not compare where an association is from: only its reqid and selector bind it.
TEST_F(IpsecPolicies, NobodyElsesAssociationMayDo) {
  associations = {association(kPair.peer, kPair.local), association(kThird, kPair.local, 8)};
  EXPECT_EQ(gap(), "");
  associations.push_back(association(kThird, kPair.local));
  expect_gap("the association from " + kThird.text());
  associations.back().info.sel.prefixlen_s = 128;
  std::memcpy(&associations.back().info.sel.saddr, kThird.octets().data(), Ipv6Address::kSize);
  EXPECT_EQ(gap(), "") << "its selector binds it to its own address";
  associations.pop_back();
  inbound().templates[0].reqid = 0;
  expect_gap("give policies and associations of each neighbour a reqid");
}

TEST_F(IpsecPolicies, AnAssociationHasIntegrity) {
  associations = {association(kPair.peer, kPair.local, 7, false)};
  expect_gap("no integrity");
  associations = {association(kPair.local, kPair.peer, 7, false)};
  expect_gap("no integrity");
  associations = {association(kPair.local, kPair.peer, 8, false)};
  EXPECT_EQ(gap(), "") << "of another policy";
}

}  // namespace
}  // namespace sendoff::net
