/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What the kernel programs and the daemon agree on: keys and values of the maps. Addresses are 16
 * octets in network order. */
#ifndef SENDOFF_MAPS_H
#define SENDOFF_MAPS_H

#include <linux/types.h>

struct so_address {
  __u8 octets[16];
};

enum so_end {
  SO_PAR = 0,    /* by the inner source: decapsulated; by the destination: encapsulated */
  SO_HOST = 1,   /* the node's own end: what it sends from the PCoA is encapsulated */
  SO_ROUTER = 2, /* the node's end at its router: what comes in by `ifindex` */
};

/* A tunnel of one PCoA. */
struct so_tunnel {
  struct so_address near; /* an address of ours */
  struct so_address far;
  __u32 ifindex; /* PAR: where encapsulated packets leave; router: the access interface */
  __u32 mtu;     /* of inner packets; router only */
  __u32 end;
  __u32 reserved;
};

/* Both ends of the outer header, for packets that name a tunnel of ours but fit no PCoA. */
struct so_pair {
  struct so_address near;
  struct so_address far;
};

struct so_buffer {
  __u32 slot;
  __u32 access_ifindex; /* what comes in there is not held */
  __u32 copies;         /* packets go on, and the daemon gets a copy of each */
};

/* Shared memory: who counts what is told by the names. While `draining`, a packet may pass when all
 * that were redirected have been reinjected, so that none overtakes another. */
struct so_slot {
  __u64 redirected; /* written by the programs */
  __u64 reinjected; /* written by the daemon, as the next */
  __u64 draining;
};

/* How many entries the maps have: what is empty needs no look-up. Written by the daemon. */
struct so_present {
  __u32 bindings;
  __u32 attached;
  __u32 pairs;
  __u32 buffers;
};

enum so_counter {
  SO_ENCAPSULATED,
  SO_DECAPSULATED,
  SO_REFUSED, /* named a tunnel of ours and failed the reverse check */
  SO_FAILED,  /* the kernel could not change the packet */
  SO_TOO_BIG,
  SO_REDIRECTED,
  SO_COUNTERS,
};

#endif
