"""Somebody on both access links: hears everything, repeats it here and there, forges what needs no key.

Left out is what nothing protects yet: the kernel's own Neighbor Discovery believes unsigned Neighbor Advertisements,
so none is forged for an address that a node has, and none that was heard is bent and mended.
"""
import collections
import contextlib
import os
import random
import select
import socket
import threading
import time

import forging
from forging import ICMPV6, IPV6, MOBILITY, OPTIONS, UDP
from roaming import ACCESS_POINT, LINK, OTHER, PREFIX, ROUTERS, testbed
from soaking.town import EVIL_LINK, NODES, evil_address
from soaking.traffic import stream_and_number

KEPT = 40  # heard frames of a kind
ND = {133: "rs", 134: "ra", 135: "ns", 136: "na", 148: "cps", 149: "cpa"}
MENDED = {"rs", "ra", "cps", "cpa", "rtsolpr", "prrtadv", "fbu"}


def kind_of(frame):
    """What an Ethernet frame of a cell is, in a word."""
    if len(frame) < 62 or frame[12:14] != b"\x86\xdd":
        return "other"
    protocol = frame[20]
    if protocol == ICMPV6:
        if frame[54] == forging.FAST_HANDOVER:
            return "rtsolpr" if frame[58] == 2 else "prrtadv"
        return ND.get(frame[54], "other")
    return {OPTIONS: "fbu", MOBILITY: "mobility", UDP: "stream", IPV6: "tunnel"}.get(protocol, "other")


def bent(dice, frame, kind):
    """A frame with some octets behind the IPv6 header changed, its end cut off, or something behind it."""
    octets = bytearray(frame)
    for _ in range(dice.randint(1, 4)):
        octets[dice.randrange(54, len(octets))] = dice.randrange(256)
    how = dice.random()
    if how < 0.2:
        del octets[dice.randrange(54, len(octets)):]
    elif how < 0.3:
        octets += os.urandom(dice.randint(1, 64))
    if how < 0.25:
        octets[18:20] = (len(octets) - 54).to_bytes(2, "big")
    if kind in MENDED and octets[20] == ICMPV6 and len(octets) >= 58 and dice.random() < 0.7:
        octets[54:] = forging.sealed(bytes(octets[22:38]), bytes(octets[38:54]), ICMPV6, bytes(octets[54:]), 2)
    return bytes(octets)


class Attacker(threading.Thread):
    def __init__(self, bed, seed, rate=25):
        super().__init__(daemon=True)
        self.bed = bed
        self.dice = random.Random(seed)
        self.interval = 1 / rate
        self.attacking = threading.Event()
        self.stopping = False
        self.heard = collections.defaultdict(lambda: collections.deque(maxlen=KEPT))
        self.count = collections.Counter()
        self.astray = []  # datagrams of streams that were sent to this one
        self.weapons = [self.repeat, self.repeat, self.bend, self.bend, self.fbu, self.una, self.rtsolpr, self.hi,
                        self.ra, self.garbage]
        self.cells = {}
        with testbed.entered(bed.namespace("attacker")):
            for router in ROUTERS:
                cell = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
                cell.bind((f"in-{router}", 3))
                self.cells[router] = cell
        self.own = {forging.hardware(address) for address in EVIL_LINK.values()}
        self.start()

    def run(self):
        due = time.monotonic()
        while not self.stopping:
            wait = max(0, due - time.monotonic()) if self.attacking.is_set() else 0.1
            for cell in select.select(list(self.cells.values()), [], [], wait)[0]:
                self.hear(cell)
            if self.attacking.is_set() and time.monotonic() >= due:
                due = time.monotonic() + self.dice.expovariate(1 / self.interval)
                self.attack()

    def hear(self, cell):
        frame, meta = cell.recvfrom(4096)
        if meta[2] == socket.PACKET_OUTGOING or frame[6:12] in self.own:
            return
        kind = kind_of(frame)
        if frame[:6] in self.own and (found := stream_and_number(frame)):
            self.astray.append(found)
        if kind not in ("stream", "tunnel", "other"):
            self.heard[kind].append(frame)

    def attack(self):
        weapon = self.dice.choice(self.weapons)
        if weapon():
            self.count[weapon.__name__] += 1

    def send(self, router, frame):
        with contextlib.suppress(OSError):  # its cable may be down
            self.cells[router].send(frame)
        return True

    def throw(self, router, packet, destination=None):
        """An IPv6 packet to the router of the cell, or to another link-layer address there."""
        header = forging.hardware(destination or LINK[router]) + forging.hardware(EVIL_LINK[router]) + b"\x86\xdd"
        return self.send(router, header + packet)

    # --- weapons: each true where something was sent

    def some_frame(self):
        kinds = [kind for kind in self.heard if self.heard[kind]]
        if not kinds:
            return None, None
        kind = self.dice.choice(sorted(kinds))
        return kind, self.dice.choice(self.heard[kind])

    def repeat(self):
        kind, frame = self.some_frame()
        # A node's own NS is a probe of its address to itself: the kernel would give the address up.
        if not frame or kind == "ns":
            return False
        return self.send(self.dice.choice(ROUTERS), frame)

    def bend(self):
        kind, frame = self.some_frame()
        return bool(frame) and self.send(self.dice.choice(ROUTERS), bent(self.dice, frame, kind))

    def victim(self):
        node = self.dice.choice(NODES)
        return node, self.dice.choice(sorted(self.bed.owned[node]))

    def fbu(self):
        router = self.dice.choice(ROUTERS)
        stolen_to = evil_address(self.dice.choice(ROUTERS))
        sequence = self.dice.randrange(65536)
        packet = forging.forged_fbu(self.victim()[1], self.bed.address[router], stolen_to, sequence)
        return self.throw(router, packet)

    def una(self):
        router = self.dice.choice(ROUTERS)
        node, address = self.victim()
        if self.dice.random() < 0.5:  # too early, in the node's own name
            link_address = LINK[node]
        else:
            address = PREFIX[router].replace("/64", f"{self.dice.randrange(1, 65536):x}")
            link_address = EVIL_LINK[router]
        return self.throw(router, forging.forged_una(address, address, link_address), "33:33:00:00:00:01")

    def rtsolpr(self):
        router = self.dice.choice(ROUTERS)
        source = f"fe80::66:{self.dice.randrange(1, 65536):x}"
        access_point = ACCESS_POINT[OTHER[router]]
        packet = forging.forged_rtsolpr(source, "ff02::2", EVIL_LINK[router], access_point, self.dice.randrange(65536))
        return self.throw(router, packet, "33:33:00:00:00:02")

    def hi(self):
        router = self.dice.choice(ROUTERS)
        peer, pcoa = self.bed.address[OTHER[router]], self.victim()[1]
        ncoa = evil_address(router) if self.dice.random() < 0.5 else self.victim()[1]
        sequence = self.dice.randrange(65536)
        packet = forging.forged_hi(peer, self.bed.address[router], EVIL_LINK[router], pcoa, ncoa, sequence)
        return self.throw(router, packet)

    def ra(self):
        router = self.dice.choice(ROUTERS)
        return self.throw(router, forging.forged_ra("fe80::666", "2001:db8:666::", EVIL_LINK[router]), "33:33:00:00:00:01")

    def garbage(self):
        router = self.dice.choice(ROUTERS)
        protocol = self.dice.choice((ICMPV6, MOBILITY, OPTIONS, IPV6, forging.ESP, forging.HOP))
        payload = self.dice.randbytes(self.dice.randint(1, 300))
        source = forging.packed(evil_address(router))
        target = forging.packed(self.dice.choice((self.bed.address[router], "ff02::1", "ff02::2")))
        if protocol == ICMPV6:
            kind = self.dice.choice((133, 134, 148, 149, forging.FAST_HANDOVER))
            payload = forging.sealed(source, target, ICMPV6, bytes([kind, 0, 0, 0]) + payload, 2)
        return self.throw(router, forging.packet(source, target, protocol, payload, 255))

    def stop(self):
        self.stopping = True
        self.join()
        for cell in self.cells.values():
            cell.close()
