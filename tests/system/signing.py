"""Messages of Neighbor Discovery as a node with a key and a Cryptographically Generated Address says them (RFC 3971), made by
code that shares nothing with the program; and as somebody says them who has the key, but not the address, or the other
way round.
"""
import os
import struct
import time

from guard import forging, vectorlib

ALL_NODES, ALL_ROUTERS = "ff02::1", "ff02::2"
RS, RA, NS, NA, REDIRECT = 133, 134, 135, 136, 137
LINK_LOCAL = "fe80::"


def now(ahead=0):
    """A Timestamp of now, or so many seconds ahead of it, in seconds and 1/65536 of them."""
    seconds, fraction = divmod(time.time_ns() * 65536 // 1_000_000_000, 65536)
    return seconds + ahead, fraction


class Impostor:
    """The public half of a key, that signs with octets drawn by lot: what only a verification tells from a signature."""

    def __init__(self, key):
        self.spki, self.key_hash, self.k = key.spki, key.key_hash, key.k

    def sign(self, _):
        return b"\0" + os.urandom(self.k - 1)  # less than the modulus


class Voice:
    """`key`: of tests/vectors/keys, or a vectorlib.Key."""

    def __init__(self, key, link, prefix=LINK_LOCAL, modifier=bytes(range(16))):
        self.key = vectorlib.key(key) if isinstance(key, str) else key
        self.link = link
        self.cga = vectorlib.Cga(self.key, forging.packed(prefix)[:8], modifier)
        self.address = str(self.cga.address)

    def say(self, kind, destination, fixed, options=(), source=None, nonce=None, at=None, claim=None, key_hash=None):
        """A packet. `source`: in whose name, else its own; `claim`: other CGA parameters than its own, b"": no CGA
        option; `key_hash`: of another key than the one that signs; `at`: (seconds, fraction) of another time."""
        source = source or self.address
        claim = self.cga.params if claim is None else claim
        listed = [*options, *([vectorlib.o_cga(claim)] if claim else []), vectorlib.o_timestamp(*(at or now()))]
        if nonce is not None:
            listed.append(vectorlib.o_nonce(nonce))
        return vectorlib.Signed(vectorlib.ip(source), vectorlib.ip(destination), kind, 0, fixed, listed, self.key,
                                key_hash).packet

    def source_link(self):
        return vectorlib.o_sll(forging.hardware(self.link))

    def target_link(self):
        return vectorlib.o_tll(forging.hardware(self.link))

    def solicitation(self, target, destination=None, **how):
        return self.say(NS, destination or target, bytes(4) + forging.packed(target), [self.source_link()],
                        nonce=os.urandom(6), **how)

    def advertisement(self, target=None, destination=ALL_NODES, flags=0x20, **how):
        return self.say(NA, destination, struct.pack("!I", flags << 24) + forging.packed(target or self.address),
                        [self.target_link()], **how)

    def router(self, lifetime=1800, hops=0, reachable=0, retrans=0, options=(), **how):
        fixed = struct.pack("!BBHII", hops, 0, lifetime, reachable, retrans)
        return self.say(RA, ALL_NODES, fixed, [self.source_link(), *options], **how)

    def question(self, **how):
        return self.say(RS, ALL_ROUTERS, bytes(4), [self.source_link()], nonce=os.urandom(6), **how)

    def redirect(self, destination, target, towards, **how):
        fixed = bytes(4) + forging.packed(target) + forging.packed(towards)
        return self.say(REDIRECT, destination, fixed, [self.target_link()], **how)
