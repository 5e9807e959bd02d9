#!/usr/bin/env python3
"""wire-ipv6.txt: IPv6 header and extension headers (RFC 8200), Home Address option and type 2 Routing
header (RFC 6275), checksums (RFC 8200 8.1, RFC 4443 2.3)."""
from vectorlib import *

t = Text('wire-ipv6.txt', [
    'IPv6 header and extension headers: RFC 8200; Home Address option and type 2 Routing header: RFC 6275',
    '6.3, 6.4; checksum: RFC 8200 8.1.  Made by make_ipv6.py.', ''] + FORM + [
    'extension-N is the whole header with its Next Header octet; extension-N-protocol its own number.'])
A, B = ip('2001:db8:a:1::a'), ip('2001:db8:b:1::b')
PCOA = mn().address
NONE = 59


def section(name, about, use='both', src=A, dst=B, chain=(), upper=NONE, data=b'', hop=64, tc=0, flow=0,
            tail=b'', length=None, more=(), reason=None):
    """chain: (protocol, octets without the first one, fields)"""
    body, fields = b'', []
    protos = [c[0] for c in chain] + [upper]
    for i, (p, rest, fl) in enumerate(chain, 1):
        h = u8(protos[i]) + rest
        assert p == 44 and len(h) == 8 or len(h) == 8 * (h[1] + 1), (name, len(h))
        body += h
        fields += [(f'extension-{i}-protocol', p), (f'extension-{i}', h)]
        fields += [(f'extension-{i}-{k}', v) for k, v in fl]
    body += data
    pkt = ipv6(src, dst, protos[0], body, hop, tc, flow, length)
    t.section(name, about, [
        ('use', use), ('reason', reason), ('packet', pkt + tail), ('traffic-class', tc), ('flow-label', flow),
        ('payload-length', len(body) if length is None else length), ('next-header', protos[0]),
        ('hop-limit', hop), ('source', src), ('destination', dst), ('extension-count', len(chain))]
        + fields + [('upper-protocol', upper), ('upper-octets', data)] + list(more))


def options(proto, opts, fields=()):
    """Options header from (type, data) pairs, ints for Pad1; opts already add up to 8n+6"""
    b = b''
    fl = list(fields) + [('tlv-count', len(opts))]
    for i, o in enumerate(opts, 1):
        if o == 0:
            b += b'\0'
            fl += [(f'tlv-{i}-type', 0)]
        else:
            b += u8(o[0]) + u8(len(o[1])) + o[1]
            fl += [(f'tlv-{i}-type', o[0]), (f'tlv-{i}-data', o[1])]
    n = (len(b) + 2) // 8
    return (proto, u8(n - 1) + b, fl)


HAO = [(1, b'\0\0'), (201, raw(PCOA))]

t.comment('the fixed header')
section('header-plain', 'smallest packet: no next header, RFC 8200 3')
section('header-all-ones', 'every bit of traffic class, flow label and hop limit set, RFC 8200 3',
        tc=255, flow=0xfffff, hop=255, data=fixed('ipv6-data', 5))
section('header-bits-1', 'traffic class and flow label in alternating bits', tc=0xa5, flow=0x5a5a5, hop=1)
section('header-bits-2', 'the same bits the other way round', tc=0x5a, flow=0xa5a5a, hop=0)
section('header-class-high-bit', 'only the highest bit of traffic class', tc=0x80)
section('header-class-low-bit', 'only the lowest bit of traffic class', tc=0x01)
section('header-flow-high-bit', 'only the highest bit of flow label', flow=0x80000)
section('header-flow-low-bit', 'only the lowest bit of flow label', flow=1)
section('header-trailing-octets', 'octets behind Payload Length (padding of a short frame) are no part of the packet',
        use='parse', data=b'\1\2\3\4', tail=bytes(6))
section('header-payload-too-long', 'Payload Length names more octets than there are', use='refuse', data=b'\1\2\3\4',
        length=5, reason='truncated')
t.section('header-version-4', 'version field 4', [('use', 'refuse'), ('reason', 'version'),
          ('packet', b'\x40' + ipv6(A, B, NONE, b'')[1:])])
t.section('header-39-octets', 'one octet less than a header', [('use', 'refuse'), ('reason', 'truncated'),
          ('packet', ipv6(A, B, NONE, b'')[:39])])

t.comment('Destination Options with the Home Address option (RFC 6275 6.3, alignment 8n+6)')
section('home-address', 'PadN of 4 octets, then option 201 at offset 6', src=PCOA, chain=[options(60, HAO)],
        more=[('home-address', PCOA)])
section('home-address-pad1', 'the same alignment made of four Pad1', use='parse', src=PCOA,
        chain=[options(60, [0, 0, 0, 0, (201, raw(PCOA))])], more=[('home-address', PCOA)])
section('home-address-padn-not-zero', 'octets inside PadN are not zero: ignored', use='parse', src=PCOA,
        chain=[options(60, [(1, b'\xff\xff'), (201, raw(PCOA))])], more=[('home-address', PCOA)])
section('home-address-from-nar-link', 'source NCoA, home address PCoA', src=mn(prefix=NAR_PREFIX).address,
        chain=[options(60, HAO)], more=[('home-address', PCOA)])
section('home-address-then-unknown-skip', 'an unknown option whose type starts with bits 00 follows: skip it',
        use='parse', src=PCOA, chain=[options(60, HAO + [(0x1e, b'\1\2\3\4\5\6')])], more=[('home-address', PCOA)])
section('home-address-length-15', 'Option Length must be 16', use='refuse', reason='home-address-length', src=PCOA,
        chain=[options(60, [(1, b'\0\0'), (201, raw(PCOA)[:15]), 0])])
section('home-address-overrun', 'the last option runs past the end of the header', use='refuse', reason='option-overrun', src=PCOA,
        chain=[(60, u8(2) + b'\1\2\0\0' + b'\xc9\x11' + raw(PCOA), [])])
section('home-address-twice', 'RFC 6275 6.3: not more than once in one header chain', use='refuse',
        reason='home-address-twice', src=PCOA, chain=[options(60, HAO + [(1, bytes(4))] + [(201, raw(PCOA))])])
section('destination-options-pad-only', 'six octets of PadN', chain=[options(60, [(1, bytes(4))])])

t.comment('unknown options: what the two highest bits ask for (RFC 8200 4.2)')
for top, typ, act in ((0, 0x1e, 'skip'), (1, 0x5e, 'discard'), (2, 0x9e, 'discard-and-report'),
                      (3, 0xde, 'discard-and-report-unless-multicast')):
    for p, n in ((0, 'hop-by-hop'), (60, 'destination')):
        section(f'unknown-option-{n}-{top}', f'{n} options with unknown type {typ}: {act}',
                use='parse' if act == 'skip' else 'refuse', reason=None if act == 'skip' else 'unknown-option',
                chain=[options(p, [(typ, b'\1\2\3\4')])],
                more=[('unknown-action', act), ('unknown-option-offset', 42)])
section('hop-by-hop-many-unknown', 'Pad1, unknown 30, PadN of 2 octets, unknown 62, router alert: nothing to obey here',
        use='parse', chain=[options(0, [0, (0x1e, b'\xaa' * 3), (1, b''), (0x3e, b''), (5, b'\0\0')])])
section('hop-by-hop-unknown-mutable', 'unknown type with the may-change bit (62): skip', use='parse',
        chain=[options(0, [(0x3e, b'\xff' * 12)])])
section('hop-by-hop-max-length', 'Hdr Ext Len 255: 2048 octets, eight unknown options of the largest size and PadN',
        use='parse', chain=[options(0, [(0x1e, b'\x55' * 253)] * 8 + [(1, bytes(4))])])

t.comment('Fragment header (RFC 8200 4.5); atomic: offset 0 and M 0 (RFC 6946)')


def fragment(name, about, offset, more, ident, res1=0, res2=0, data=b'\x3a' * 8, use='both'):
    h = u8(res1) + u16(offset << 3 | res2 << 1 | more) + u32(ident)
    section(name, about, use=use, chain=[(44, h, [('fragment-offset', offset), ('more-fragments', more),
            ('identification', ident)])], upper=58, data=data,
            more=[('atomic', int(offset == 0 and more == 0))])


fragment('fragment-first', 'offset 0, M set', 0, 1, 0x12345678)
fragment('fragment-middle', 'offset in units of 8 octets', 0x0ab, 1, 0x9abcdef0)
fragment('fragment-last', 'M clear', 0x156, 0, 0x9abcdef0, data=b'\1\2\3')
fragment('fragment-all-ones', 'largest offset, M set, largest identification', 0x1fff, 1, 0xffffffff)
fragment('fragment-high-offset-bit', 'only the highest bit of the offset', 0x1000, 0, 1)
fragment('fragment-low-offset-bit', 'only the lowest bit of the offset', 1, 0, 0x80000000)
fragment('fragment-atomic', 'a whole message behind a Fragment header', 0, 0, 0xdeadbeef)
fragment('fragment-reserved-bits', 'both Reserved fields set: ignored', 0, 0, 7, res1=255, res2=3, use='parse')

t.comment('Routing header (RFC 8200 4.4; type 2: RFC 6275 6.4)')


def routing(typ, left, data, extra=()):
    return (43, u8((len(data) + 4) // 8 - 1) + u8(typ) + u8(left) + data, [('routing-type', typ), ('segments-left', left)] + list(extra))


section('routing-type-2', 'one home address, Segments Left 1, Hdr Ext Len 2', dst=mn(prefix=NAR_PREFIX).address,
        chain=[routing(2, 1, bytes(4) + raw(PCOA), [('home-address', PCOA)])])
section('routing-type-2-reserved', 'Reserved not zero: ignored', use='parse', dst=mn(prefix=NAR_PREFIX).address,
        chain=[routing(2, 1, b'\xff' * 4 + raw(PCOA), [('home-address', PCOA)])])
section('routing-unknown-used-up', 'unknown type 253 with Segments Left 0: skip the header', use='parse',
        chain=[routing(253, 0, bytes(4))])
section('routing-unknown-active', 'unknown type 253 with Segments Left 1: discard, Parameter Problem 0 at octet 42',
        use='refuse', reason='routing-header', chain=[routing(253, 1, bytes(4))], more=[('pointer', 42)])
section('routing-type-0-used-up', 'type 0 (RFC 5095) with Segments Left 0: skip the header', use='parse',
        chain=[routing(0, 0, bytes(4) + raw(B))])
section('routing-type-0-active', 'type 0 (RFC 5095) with Segments Left 1: discard', use='refuse',
        reason='routing-header', chain=[routing(0, 1, bytes(4) + raw(B))], more=[('pointer', 42)])

t.comment('chains')
section('chain-all', 'hop-by-hop, routing type 2, destination options with home address, then atomic fragment',
        use='parse', src=PCOA, chain=[options(0, [(1, bytes(4))]), routing(2, 1, bytes(4) + raw(B)), options(60, HAO),
                                      (44, u8(0) + u16(0) + u32(5), [('fragment-offset', 0), ('more-fragments', 0),
                                                                     ('identification', 5)])],
        upper=58, data=b'\x80\0\0\0\0\0\0\0', more=[('home-address', PCOA)])
section('chain-destination-twice', 'two Destination Options headers', use='parse',
        chain=[options(60, [(1, bytes(4))]), options(60, HAO)], src=PCOA, more=[('home-address', PCOA)])
t.section('chain-cut-in-extension', 'Destination Options header longer than the payload', [
    ('use', 'refuse'), ('reason', 'truncated'), ('packet', ipv6(A, B, 60, u8(NONE) + u8(2) + b'\1\4' + bytes(4)))])

t.comment('checksums: pseudo-header and the value over upper-octets with a zero checksum field (RFC 8200 8.1)')


def check(name, about, src, dst, nh, data, at):
    zero = data[:at] + b'\0\0' + data[at + 2:]
    c = checksum(src, dst, nh, zero)
    t.section(name, about, [
        ('source', src), ('destination', dst), ('upper-protocol', nh), ('checksum-offset', at),
        ('upper-octets-zero-checksum', zero),
        ('pseudo-header', raw(src) + raw(dst) + u32(len(data)) + bytes(3) + u8(nh)),
        ('checksum', c), ('upper-octets', zero[:at] + u16(c) + zero[at + 2:])])


check('checksum-even', 'ICMPv6 with an even number of octets', A, B, 58, b'\x80\0\0\0' + fixed('checksum-even', 20), 2)
check('checksum-odd', 'odd number of octets: the last one counts as the high half of a word', A, B, 58,
      b'\x80\0\0\0' + fixed('checksum-odd', 19), 2)
check('checksum-carries', 'all octets 0xff: every addition carries', ip('ffff:' * 7 + 'ffff'), ip('ffff:' * 7 + 'ffff'),
      58, b'\xff' * 64, 2)
d = bytearray(b'\x80\0\0\0' + fixed('checksum-zero', 4) + b'\0\0')
d[8:10] = u16(checksum(A, B, 58, bytes(d)))
check('checksum-comes-out-zero', 'the sum is 0xffff, so the ICMPv6 checksum field holds zero', A, B, 58, bytes(d), 2)
check('checksum-mobility', 'Mobility Header: protocol 135, checksum at octet 4', A, B, 135,
      bytes.fromhex('3b0008000000') + fixed('checksum-mh', 2), 4)
check('checksum-home-address', 'W15: an FBU is summed with the Home Address as source', PCOA, B, 135,
      bytes.fromhex('3b0108000000') + fixed('checksum-mh2', 10), 4)
t.write()
