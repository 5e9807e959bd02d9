"""Packets that somebody without keys can send, for tests of whole daemons: IPv6 packets as octets."""
import ipaddress
import os
import struct

HOP, TCP, UDP, IPV6, ESP, ICMPV6, NONE, OPTIONS, MOBILITY = 0, 6, 17, 41, 50, 58, 59, 60, 135
ROUTER_SOLICITATION, ROUTER_ADVERTISEMENT, NEIGHBOR_SOLICITATION, NEIGHBOR_ADVERTISEMENT = 133, 134, 135, 136
FAST_HANDOVER = 154  # of subtype 2 (RtSolPr) and 3 (PrRtAdv)
SOURCE_LINK, TARGET_LINK, PREFIX = 1, 2, 3
FBU, HI = 8, 14


def packed(address):
    return ipaddress.IPv6Address(address).packed


def hardware(text):
    return bytes.fromhex(text.replace(":", ""))


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data[:len(data) & ~1])) + (data[-1] << 8 if len(data) % 2 else 0)
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def sealed(source, destination, protocol, body, at):
    """The body with its checksum, which lies at this offset; the addresses are 16 octets each."""
    body = body[:at] + bytes(2) + body[at + 2:]
    pseudo = source + destination + struct.pack("!II", len(body), protocol)
    return body[:at] + struct.pack("!H", checksum(pseudo + body)) + body[at + 2:]


def packet(source, destination, protocol, payload, hop_limit=64):
    return struct.pack("!IHBB", 6 << 28, len(payload), protocol, hop_limit) + source + destination + payload


def icmp(source, destination, body):
    """A Neighbor Discovery message from its type on, checksum left open."""
    source, destination = packed(source), packed(destination)
    return packet(source, destination, ICMPV6, sealed(source, destination, ICMPV6, body, 2), 255)


def link_option(kind, address):
    return bytes([kind, 1]) + hardware(address)


def forged_fbu(pcoa, par, stolen_to, sequence=4711):
    """An FBU for somebody else's PCoA: all in order but the authenticator, which needs the key."""
    home, router, care_of = packed(pcoa), packed(par), packed(stolen_to)
    # A and H, 30 s; PadN to 8n+6, Alternate CoA; PadN to 8n+2, BADF with SPI 0.
    body = struct.pack("!HHH", sequence, 0xC000, 30) + bytes([1, 0]) + bytes([3, 16]) + care_of
    body += bytes([1, 0]) + bytes([21, 16]) + bytes(4) + os.urandom(16)
    header = bytes([NONE, (6 + len(body)) // 8 - 1, FBU, 0, 0, 0]) + body
    options = bytes([MOBILITY, 2, 1, 2, 0, 0, 201, 16]) + home
    return packet(care_of, router, OPTIONS, options + sealed(home, router, MOBILITY, header, 4))


def forged_una(source, target, link_address):
    """An NA with override, unsigned, as a node that comes to a link sends it (RFC 5568 6.4)."""
    body = struct.pack("!BBHI", NEIGHBOR_ADVERTISEMENT, 0, 0, 0x20000000) + packed(target)
    return icmp(source, "ff02::1", body + link_option(TARGET_LINK, link_address))


def forged_rtsolpr(source, destination, link_address, access_point, identifier):
    """Unsigned (RFC 5568 6.1.1); link-layer addresses of the sender and of the access point asked for."""
    body = struct.pack("!BBHBBH", FAST_HANDOVER, 0, 0, 2, 0, identifier) + link_option(SOURCE_LINK, link_address)
    return icmp(source, destination, body + bytes([19, 2, 1]) + hardware(access_point) + bytes(7))


def forged_ra(source, prefix, link_address):
    """A default router that nobody certified, with a prefix of its own."""
    body = struct.pack("!BBHBBHII", ROUTER_ADVERTISEMENT, 0, 0, 64, 0, 1800, 0, 0) + link_option(SOURCE_LINK, link_address)
    return icmp(source, "ff02::1", body + struct.pack("!BBBBIII", PREFIX, 4, 64, 0xC0, 3600, 3600, 0) + packed(prefix))


def forged_hi(peer, router, link_address, pcoa, ncoa, sequence):
    """In clear, in a neighbouring router's name (RFC 5568 6.2.1.1): S and U, LLA, NCoA, PCoA."""
    lla = b"\x07\x07\x02" + hardware(link_address) + b"\0"
    addresses = b"\x22\x12\x01\x80" + packed(ncoa) + b"\1\2\0\0\x22\x12\x02\x80" + packed(pcoa)
    body = struct.pack("!HBB", sequence, 0xC0, 0) + lla + addresses
    header = bytes([NONE, (6 + len(body)) // 8 - 1, HI, 0, 0, 0]) + body
    header += bytes(-len(header) % 8)
    return packet(packed(peer), packed(router), MOBILITY, sealed(packed(peer), packed(router), MOBILITY, header, 4))
