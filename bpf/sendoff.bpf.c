// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Tunnels and buffers of fast handovers (RFC 5568 section 4) at the tc hooks of a host's Ethernet
 * interfaces. Addresses of tunnels and buffers stand in maps; what is in no map passes at the
 * price of two or three look-ups, or of none while there is nothing to find. The daemon
 * (src/datapath/bpf_path.h) fills the maps. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ipv6.h>
#include <linux/pkt_cls.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "sendoff_maps.h"

#define L2 ETH_HLEN
#define PROTO_TCP 6
#define PROTO_UDP 17
#define PROTO_IPV6 41
#define PROTO_ROUTING 43
#define PROTO_ICMPV6 58
#define PROTO_DSTOPTS 60
#define PROTO_MOBILITY 135
#define OUTER_HOP_LIMIT 64
#define MOST_NESTED 4
#define PACKET_TO_US 0

/* Not a verdict: the packet is now the inner one, and on its way. */
#define DECAPSULATED TC_ACT_PIPE

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __uint(max_entries, 1);
  __type(key, struct so_address);
  __type(value, struct so_tunnel);
} bindings SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __uint(max_entries, 1);
  __type(key, struct so_address);
  __type(value, struct so_tunnel);
} attached SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __uint(max_entries, 1);
  __type(key, struct so_pair);
  __type(value, __u32);
} pairs SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __uint(max_entries, 1);
  __type(key, struct so_address);
  __type(value, struct so_buffer);
} buffers SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(map_flags, BPF_F_MMAPABLE);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct so_slot);
} slots SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, SO_COUNTERS);
  __type(key, __u32);
  __type(value, __u64);
} counters SEC(".maps");

/* Packets for the daemon leave by this TUN device. */
const volatile __u32 tun_index = 0;
volatile struct so_present present;

static __always_inline struct so_tunnel* binding_of(const struct so_address* pcoa) {
  return present.bindings ? bpf_map_lookup_elem(&bindings, pcoa) : 0;
}

static __always_inline struct so_tunnel* attached_at(const struct so_address* pcoa) {
  return present.attached ? bpf_map_lookup_elem(&attached, pcoa) : 0;
}

static __always_inline void count(__u32 which) {
  __u64* counter = bpf_map_lookup_elem(&counters, &which);

  if (counter) *counter += 1;
}

static __always_inline int same(const struct so_address* a, const struct so_address* b) {
  const __u64 *x = (const __u64*)a, *y = (const __u64*)b;

  return x[0] == y[0] && x[1] == y[1];
}

static __always_inline struct so_address address(const struct in6_addr* from) {
  struct so_address to;

  __builtin_memcpy(&to, from, sizeof(to));
  return to;
}

static __always_inline int on_link_only(const struct so_address* a) {
  return a->octets[0] == 0xff || (a->octets[0] == 0xfe && (a->octets[1] & 0xc0) == 0x80);
}

static __always_inline int load(struct __sk_buff* skb, struct ipv6hdr* ip, __u32 offset) {
  return bpf_skb_load_bytes(skb, offset, ip, sizeof(*ip));
}

/* Mobility Headers, also behind one Destination Options or Routing header, and Neighbor Discovery
 * with what SEND and FMIPv6 add to it: signalling that no tunnel carries (RFC 6275 6.1). */
static __always_inline int is_signalling(struct __sk_buff* skb, const struct ipv6hdr* ip) {
  __u8 next = ip->nexthdr;
  __u32 offset = L2 + sizeof(*ip);
  __u8 extension[2];
  __u8 type;

  if (next == PROTO_DSTOPTS || next == PROTO_ROUTING) {
    if (bpf_skb_load_bytes(skb, offset, extension, sizeof(extension))) return 0;
    next = extension[0];
    offset += ((__u32)extension[1] + 1) * 8;
  }
  if (next == PROTO_MOBILITY) return 1;
  if (next != PROTO_ICMPV6 || bpf_skb_load_bytes(skb, offset, &type, 1)) return 0;
  return (type >= 133 && type <= 137) || type == 148 || type == 149 || type == 154;
}

/* Octets of a GSO packet's IPv6 and transport headers, tunnels included; 0 where it is not known.
 */
static __always_inline __u32 header_size(struct __sk_buff* skb, const struct ipv6hdr* ip) {
  __u32 size = sizeof(*ip);
  __u8 next = ip->nexthdr;
  struct ipv6hdr inner;
  __u8 offset_octet;

  if (next == PROTO_IPV6) {
    if (load(skb, &inner, L2 + size)) return 0;
    next = inner.nexthdr;
    size += sizeof(inner);
  }
  if (next == PROTO_UDP) return size + 8;
  if (next != PROTO_TCP || bpf_skb_load_bytes(skb, L2 + size + 12, &offset_octet, 1)) return 0;
  return size + (offset_octet >> 4) * 4;
}

/* How many packets the TUN device will make of it. */
static __always_inline __u64 packets_in(struct __sk_buff* skb, const struct ipv6hdr* ip) {
  __u32 headers, payload;

  if (skb->gso_size == 0) return 1;
  headers = header_size(skb, ip);
  if (headers == 0 || skb->len <= L2 + headers) return skb->gso_segs ? skb->gso_segs : 1;
  payload = skb->len - L2 - headers;
  return (payload + skb->gso_size - 1) / skb->gso_size;
}

/* Whether it went into this tunnel before and came round. A node that left two routers for each
 * other in turn has a binding at both: each would wrap what the other one sent, until the packet
 * fits nowhere (RFC 2473 4.1). The second of them finds its own header one below the first's. */
static __always_inline int came_round(struct __sk_buff* skb, const struct ipv6hdr* ip,
                                      const struct so_tunnel* tunnel) {
  struct so_address source, destination;
  struct ipv6hdr header = *ip;

#pragma unroll
  for (__u32 depth = 1; depth <= MOST_NESTED; ++depth) {
    if (header.nexthdr != PROTO_IPV6) return 0;
    source = address(&header.saddr);
    destination = address(&header.daddr);
    if (same(&source, &tunnel->near) && same(&destination, &tunnel->far)) return 1;
    if (load(skb, &header, L2 + depth * sizeof(header)) || header.version != 6) return 0;
  }
  return 0;
}

/* The outer header takes traffic class and flow label of the inner one (RFC 6040, RFC 6438). */
static __always_inline int encapsulate(struct __sk_buff* skb, const struct ipv6hdr* inner,
                                       const struct so_tunnel* tunnel) {
  struct ipv6hdr outer = *inner;
  __u64 flags = BPF_F_ADJ_ROOM_ENCAP_L3_IPV6;

  if (came_round(skb, inner, tunnel)) {
    count(SO_FAILED);
    return TC_ACT_SHOT;
  }
  /* Without it UDP GSO is refused; with it TCP segments would be too large by the header. */
  if (skb->gso_size && inner->nexthdr != PROTO_TCP) flags |= BPF_F_ADJ_ROOM_FIXED_GSO;
  outer.nexthdr = PROTO_IPV6;
  outer.hop_limit = OUTER_HOP_LIMIT;
  outer.payload_len = bpf_htons(bpf_ntohs(inner->payload_len) + sizeof(outer));
  __builtin_memcpy(&outer.saddr, &tunnel->near, sizeof(outer.saddr));
  __builtin_memcpy(&outer.daddr, &tunnel->far, sizeof(outer.daddr));
  if (bpf_skb_adjust_room(skb, sizeof(outer), BPF_ADJ_ROOM_MAC, flags) ||
      bpf_skb_store_bytes(skb, L2, &outer, sizeof(outer), 0)) {
    count(SO_FAILED);
    return TC_ACT_SHOT;
  }
  count(SO_ENCAPSULATED);
  return TC_ACT_UNSPEC;
}

static __always_inline int set_octet(struct __sk_buff* skb, __u32 offset, __u8 value) {
  return bpf_skb_store_bytes(skb, offset, &value, 1, BPF_F_RECOMPUTE_CSUM);
}

/* Congestion met by the outer header goes on to the inner one, or ends the packet (RFC 6040 4.2).
 */
static __always_inline int carry_congestion(struct __sk_buff* skb, const struct ipv6hdr* outer,
                                            struct ipv6hdr* inner) {
  if ((outer->flow_lbl[0] & 0x30) != 0x30) return 0;
  if ((inner->flow_lbl[0] & 0x30) == 0) return -1;
  inner->flow_lbl[0] |= 0x30;
  return set_octet(skb, L2 + 1, inner->flow_lbl[0]);
}

static __always_inline int refuse(void) {
  count(SO_REFUSED);
  return TC_ACT_SHOT;
}

/* Leaves the inner packet and its header in *ip. The inner hop limit never stays 255: to Neighbor
 * Discovery that would mean "from this link". */
static __always_inline int decapsulate(struct __sk_buff* skb, struct ipv6hdr* ip,
                                       struct ipv6hdr* inner, __u32 outer_size) {
  const struct ipv6hdr outer = *ip;
  const __u64 flags = skb->gso_size && inner->nexthdr != PROTO_TCP ? BPF_F_ADJ_ROOM_FIXED_GSO : 0;

  if (bpf_skb_adjust_room(skb, -(__s32)outer_size, BPF_ADJ_ROOM_MAC, flags)) {
    count(SO_FAILED);
    return TC_ACT_SHOT;
  }
  if (carry_congestion(skb, &outer, inner)) return refuse();
  if (inner->hop_limit == 255) {
    inner->hop_limit = 254;
    if (set_octet(skb, L2 + 7, 254)) return refuse();
  }
  *ip = *inner;
  count(SO_DECAPSULATED);
  return DECAPSULATED;
}

/* The reverse tunnel check of RFC 5568 section 4 (GF26), and its mirror at the node's end. Packets
 * of other tunnels are not ours. */
static __always_inline int from_tunnel(struct __sk_buff* skb, struct ipv6hdr* ip) {
  __u32 outer_size = sizeof(*ip);
  struct so_address pcoa_of_source, pcoa_of_destination;
  struct so_tunnel *binding, *own;
  struct ipv6hdr inner;
  struct so_pair pair;
  __u8 options[8];

  if (ip->nexthdr == PROTO_DSTOPTS) {
    /* A Tunnel Encapsulation Limit (RFC 2473 4.1.1), which needs no more room. */
    if (bpf_skb_load_bytes(skb, L2 + outer_size, options, sizeof(options)) ||
        options[0] != PROTO_IPV6 || options[1] != 0)
      return TC_ACT_UNSPEC;
    outer_size += sizeof(options);
  } else if (ip->nexthdr != PROTO_IPV6) {
    return TC_ACT_UNSPEC;
  }
  if (!present.pairs) return TC_ACT_UNSPEC;
  pair.near = address(&ip->daddr);
  pair.far = address(&ip->saddr);
  if (load(skb, &inner, L2 + outer_size) || inner.version != 6)
    return bpf_map_lookup_elem(&pairs, &pair) ? refuse() : TC_ACT_UNSPEC;
  pcoa_of_source = address(&inner.saddr);
  pcoa_of_destination = address(&inner.daddr);
  binding = binding_of(&pcoa_of_source);
  if (binding && same(&binding->near, &pair.near)) {
    if (!same(&binding->far, &pair.far) || on_link_only(&pcoa_of_destination)) return refuse();
    return decapsulate(skb, ip, &inner, outer_size);
  }
  own = attached_at(&pcoa_of_destination);
  if (own && same(&own->near, &pair.near)) {
    if (!same(&own->far, &pair.far) || on_link_only(&pcoa_of_source)) return refuse();
    return decapsulate(skb, ip, &inner, outer_size);
  }
  return bpf_map_lookup_elem(&pairs, &pair) ? refuse() : TC_ACT_UNSPEC;
}

/* A packet of a node that keeps its PCoA on our link. One that is too large goes to the daemon,
 * which says so to its source. */
static __always_inline int from_node(struct __sk_buff* skb, struct ipv6hdr* ip) {
  struct so_address source = address(&ip->saddr);
  struct so_address destination = address(&ip->daddr);
  struct so_tunnel* own = attached_at(&source);
  __u32 size;

  if (!own || own->end != SO_ROUTER || own->ifindex != skb->ifindex) return TC_ACT_UNSPEC;
  if (on_link_only(&destination) || ip->hop_limit <= 1 || is_signalling(skb, ip))
    return TC_ACT_UNSPEC;
  size = skb->gso_size ? header_size(skb, ip) + skb->gso_size
                       : bpf_ntohs(ip->payload_len) + sizeof(*ip);
  if (size > own->mtu) {
    count(SO_TOO_BIG);
    return bpf_redirect(tun_index, 0);
  }
  ip->hop_limit -= 1;
  if (set_octet(skb, L2 + 7, ip->hop_limit)) {
    count(SO_FAILED);
    return TC_ACT_SHOT;
  }
  return encapsulate(skb, ip, own);
}

static __always_inline int hold(struct __sk_buff* skb, struct ipv6hdr* ip) {
  struct so_address destination = address(&ip->daddr);
  struct so_buffer* buffer;
  struct so_slot* slot;
  __u32 index;

  if (!present.buffers) return TC_ACT_UNSPEC;
  buffer = bpf_map_lookup_elem(&buffers, &destination);
  if (!buffer || buffer->access_ifindex == skb->ifindex) return TC_ACT_UNSPEC;
  index = buffer->slot;
  slot = bpf_map_lookup_elem(&slots, &index);
  if (!slot) return TC_ACT_UNSPEC;
  if (buffer->copies) {
    /* It goes on whatever becomes of its copy. */
    __sync_fetch_and_add(&slot->redirected, packets_in(skb, ip));
    bpf_clone_redirect(skb, tun_index, 0);
    return TC_ACT_UNSPEC;
  }
  if (*(volatile __u64*)&slot->draining &&
      *(volatile __u64*)&slot->redirected <= *(volatile __u64*)&slot->reinjected)
    return TC_ACT_UNSPEC;
  __sync_fetch_and_add(&slot->redirected, packets_in(skb, ip));
  count(SO_REDIRECTED);
  return bpf_redirect(tun_index, 0);
}

SEC("tc")
int sendoff_in(struct __sk_buff* skb) {
  struct ipv6hdr ip;
  int verdict;

  /* A binding and what is attached have a pair each. */
  if (!present.pairs && !present.buffers) return TC_ACT_UNSPEC;
  if (skb->protocol != bpf_htons(ETH_P_IPV6) || skb->pkt_type != PACKET_TO_US ||
      load(skb, &ip, L2) || ip.version != 6)
    return TC_ACT_UNSPEC;
  verdict = hold(skb, &ip);
  if (verdict != TC_ACT_UNSPEC) return verdict;
  verdict = from_tunnel(skb, &ip);
  if (verdict == DECAPSULATED) return hold(skb, &ip);
  return verdict == TC_ACT_UNSPEC ? from_node(skb, &ip) : verdict;
}

SEC("tc")
int sendoff_out(struct __sk_buff* skb) {
  struct so_address source, destination;
  struct so_tunnel* tunnel;
  struct ipv6hdr ip;

  if (!present.bindings && !present.attached) return TC_ACT_UNSPEC;
  if (skb->protocol != bpf_htons(ETH_P_IPV6) || load(skb, &ip, L2) || ip.version != 6)
    return TC_ACT_UNSPEC;
  source = address(&ip.saddr);
  destination = address(&ip.daddr);
  tunnel = binding_of(&destination);
  /* Towards the node only where its route leads: the machine also speaks to its old link. */
  if (tunnel && tunnel->ifindex == skb->ifindex) {
    if (same(&source, &tunnel->near) && is_signalling(skb, &ip)) return TC_ACT_UNSPEC;
    return encapsulate(skb, &ip, tunnel);
  }
  tunnel = attached_at(&source);
  if (!tunnel || tunnel->end != SO_HOST || on_link_only(&destination) || is_signalling(skb, &ip))
    return TC_ACT_UNSPEC;
  return encapsulate(skb, &ip, tunnel);
}

char programs_license[] SEC("license") = "Dual BSD/GPL";
