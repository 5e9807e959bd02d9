#include "net/ipsec_policies.h"

#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <optional>

#include "wire/ipv6.h"
#include "wire/mobility.h"

namespace sendoff::net {

namespace {

// Behind the operator's own, which `ip xfrm` gives priority 0, and before an IKE daemon's.
constexpr std::uint32_t kOurPriority = 1000;
constexpr std::array kTypes{wire::MobilityType::kHandoverInitiate,
                            wire::MobilityType::kHandoverAcknowledge};

// A Mobility Header as the kernel looks up its policy.
struct Flow {
  std::uint8_t direction = 0;
  Ipv6Address source;
  Ipv6Address destination;
  std::optional<wire::MobilityType> type;  // nothing: not seen, or not to be relied on
};

std::string_view name_of(const Flow& flow) {
  if (!flow.type) return "HI and HAck that come in";
  return *flow.type == wire::MobilityType::kHandoverInitiate ? "HI that leaves"
                                                             : "HAck that leaves";
}

Ipv6Address address_of(const xfrm_address_t& address) {
  return Ipv6Address::from(
      ByteView(reinterpret_cast<const std::uint8_t*>(&address), Ipv6Address::kSize));
}

bool within(const xfrm_address_t& network, std::uint8_t length, const Ipv6Address& address) {
  if (length > 128) return false;
  return Prefix(address_of(network), length) == Prefix(address, length);
}

// The kernel compares a Mobility Header's type with the source port; the destination's is 0.
bool covers(const xfrm_selector& selector, const Flow& flow) {
  if (selector.family != AF_INET6 && selector.family != AF_UNSPEC) return false;
  if (!within(selector.saddr, selector.prefixlen_s, flow.source) ||
      !within(selector.daddr, selector.prefixlen_d, flow.destination))
    return false;
  if (selector.proto != 0 && selector.proto != wire::kProtocolMobility) return false;
  if ((selector.dport & selector.dport_mask) != 0) return false;
  if (!flow.type) return true;  // may cover it
  const std::uint16_t type = htons(static_cast<std::uint16_t>(*flow.type));
  return ((type ^ selector.sport) & selector.sport_mask) == 0;
}

// Whether it covers the flow whatever else the packet is.
bool always_covers(const IpsecPolicy& policy, const Flow& flow) {
  return covers(policy.info.sel, flow) && !policy.conditional && policy.info.sel.ifindex == 0 &&
         (flow.type || policy.info.sel.sport_mask == 0);
}

bool protects(const IpsecPolicy& policy) {
  if (policy.info.action == XFRM_POLICY_BLOCK) return true;
  if (policy.templates.size() != 1) return false;
  const xfrm_user_tmpl& wanted = policy.templates.front();
  return wanted.id.proto == IPPROTO_ESP && wanted.mode == XFRM_MODE_TRANSPORT && !wanted.optional;
}

struct Choice {
  const IpsecPolicy* policy = nullptr;
  std::string gap;
};

Choice choose(const Flow& flow, const std::vector<IpsecPolicy>& policies) {
  Choice choice;
  for (const IpsecPolicy& policy : policies) {
    if (policy.info.dir != flow.direction || policy.info.action != XFRM_POLICY_ALLOW) continue;
    if (!always_covers(policy, flow) || !protects(policy)) continue;
    if (choice.policy == nullptr || policy.info.priority < choice.policy->info.priority)
      choice.policy = &policy;
  }
  if (choice.policy == nullptr) {
    choice.gap = "the kernel has no policy that has " + std::string(name_of(flow)) + ", from " +
                 flow.source.text() + " to " + flow.destination.text() +
                 " (protocol 135), in ESP, transport mode";
    if (!flow.type) choice.gap += "; one for this direction must name no type";
    return choice;
  }
  for (const IpsecPolicy& policy : policies)
    if (policy.info.dir == flow.direction && covers(policy.info.sel, flow) && !protects(policy) &&
        policy.info.priority <= choice.policy->info.priority)
      choice.gap = "a policy of priority " + std::to_string(policy.info.priority) + " lets " +
                   std::string(name_of(flow)) + " pass without ESP";
  return choice;
}

bool is_transport_esp(const IpsecAssociation& association, std::uint32_t reqid) {
  const xfrm_usersa_info& info = association.info;
  return info.family == AF_INET6 && info.id.proto == IPPROTO_ESP &&
         info.mode == XFRM_MODE_TRANSPORT && (reqid == 0 || info.reqid == reqid);
}

constexpr std::string_view kNoIntegrity = "an association for HI and HAck has no integrity";

std::string gap_of_outbound(const Flow& flow, std::uint32_t reqid,
                            const std::vector<IpsecAssociation>& associations) {
  for (const IpsecAssociation& each : associations)
    if (is_transport_esp(each, reqid) && !each.integrity &&
        address_of(each.info.saddr) == flow.source &&
        address_of(each.info.id.daddr) == flow.destination)
      return std::string(kNoIntegrity);
  return {};
}

// What comes in transport mode is matched with the policy's reqid and the association's selector,
// not with the address that the association is from.
std::string gap_of_inbound(const Flow& flow, std::uint32_t reqid,
                           const std::vector<IpsecAssociation>& associations) {
  for (const IpsecAssociation& each : associations) {
    if (!is_transport_esp(each, reqid) || address_of(each.info.id.daddr) != flow.destination ||
        !covers(each.info.sel, flow))
      continue;
    const Ipv6Address from = address_of(each.info.saddr);
    if (from != flow.source)
      return "the association from " + from.text() + " may carry HI and HAck in the name of " +
             flow.source.text() + "; give policies and associations of each neighbour a reqid";
    if (!each.integrity) return std::string(kNoIntegrity);
  }
  return {};
}

xfrm_selector selector_for(const Flow& flow) {
  xfrm_selector selector{};
  selector.family = AF_INET6;
  std::memcpy(&selector.saddr, flow.source.octets().data(), Ipv6Address::kSize);
  std::memcpy(&selector.daddr, flow.destination.octets().data(), Ipv6Address::kSize);
  selector.prefixlen_s = 128;
  selector.prefixlen_d = 128;
  selector.proto = wire::kProtocolMobility;
  if (flow.type) {
    selector.sport = htons(static_cast<std::uint16_t>(*flow.type));
    selector.sport_mask = 0xffff;
  }
  return selector;
}

std::vector<Flow> flows_of(const ProtectedPair& pair) {
  std::vector<Flow> flows;
  for (const wire::MobilityType type : kTypes)
    flows.push_back({XFRM_POLICY_OUT, pair.local, pair.peer, type});
  flows.push_back({XFRM_POLICY_IN, pair.peer, pair.local, std::nullopt});
  return flows;
}

}  // namespace

std::string find_gap(const ProtectedPair& pair, const std::vector<IpsecPolicy>& policies,
                     const std::vector<IpsecAssociation>& associations) {
  for (const Flow& flow : flows_of(pair)) {
    Choice choice = choose(flow, policies);
    if (!choice.gap.empty()) return std::move(choice.gap);
    const std::uint32_t reqid = choice.policy->templates.front().reqid;
    std::string gap = flow.direction == XFRM_POLICY_OUT ? gap_of_outbound(flow, reqid, associations)
                                                        : gap_of_inbound(flow, reqid, associations);
    if (!gap.empty()) return gap;
  }
  return {};
}

std::vector<IpsecPolicy> policies_for(const ProtectedPair& pair) {
  std::vector<IpsecPolicy> out;
  for (const Flow& flow : flows_of(pair)) {
    IpsecPolicy& policy = out.emplace_back();
    policy.info.sel = selector_for(flow);
    xfrm_lifetime_cfg& limits = policy.info.lft;
    limits.soft_byte_limit = limits.hard_byte_limit = XFRM_INF;
    limits.soft_packet_limit = limits.hard_packet_limit = XFRM_INF;
    policy.info.priority = kOurPriority;
    policy.info.dir = flow.direction;
    policy.info.action = XFRM_POLICY_ALLOW;
    xfrm_user_tmpl& wanted = policy.templates.emplace_back();
    wanted.family = AF_INET6;
    wanted.id.proto = IPPROTO_ESP;
    wanted.mode = XFRM_MODE_TRANSPORT;
    wanted.reqid = pair.reqid;
    wanted.aalgos = wanted.ealgos = wanted.calgos = ~0U;
  }
  return out;
}

}  // namespace sendoff::net
