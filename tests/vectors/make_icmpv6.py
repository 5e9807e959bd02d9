#!/usr/bin/env python3
"""wire-icmpv6.txt: ICMPv6 messages as whole packets: RFC 4443, 4861, 4191, 3971 6.4, 5568 6.1 and 6.3."""
from vectorlib import *

t = Text('wire-icmpv6.txt', [
    'ICMPv6 messages as whole IPv6 packets, unsigned: RFC 4443, RFC 4861 4, RFC 4191 2.2, RFC 3971 6.4,',
    'RFC 5568 6.1 and 6.3.  Made by make_icmpv6.py.', ''] + FORM + [
    'message: the ICMPv6 message; option-N: its options in order, with their decoded fields.'])

MN_LL = ip('fe80::5eff:fe10:a7c3')
PAR_LL = ar().address
NAR_LL = ar('ar2-2048').address
PAR_G = ar(prefix=PAR_PREFIX).address
NAR_G = ar('ar2-2048', NAR_PREFIX).address
PCOA, NCOA = mn().address, mn(prefix=NAR_PREFIX).address
UNSPEC = ip('::')
ONES = ip('ffff:' * 7 + 'ffff')


def solicited(a):
    return ip(raw('ff02::1:ff00:0')[:13] + raw(a)[13:])


def put(name, about, src, dst, typ, code, head, options=(), fields=(), use=None, reason=None, hop=255, flip=False,
        raw_tail=b''):
    m, c = icmp(src, dst, typ, code, head + join(options) + raw_tail)
    if flip:
        c ^= 0x0100
        m = m[:2] + u16(c) + m[4:]
    use = use or ('parse' if any(o.use == 'parse' for o in options) else 'both')
    t.section(name, about, [
        ('use', use), ('reason', reason), ('packet', ipv6(src, dst, 58, m, hop)), ('source', src), ('destination', dst),
        ('hop-limit', hop), ('message', m), ('type', typ), ('code', code), ('checksum', c)]
        + list(fields) + (listing(options) if not raw_tail else []))


t.comment('Router Solicitation (133, RFC 4861 4.1)')
put('rs', 'with source link-layer address', MN_LL, ALL_ROUTERS, 133, 0, bytes(4), [o_sll(MN_MAC)])
put('rs-unspecified', 'from ::, with Nonce and Timestamp (GS2)', UNSPEC, ALL_ROUTERS, 133, 0, bytes(4),
    [o_timestamp(1780272000, 0x4000), o_nonce(fixed('nonce', 6))])
put('rs-empty', 'no options', MN_LL, ALL_ROUTERS, 133, 0, bytes(4))
put('rs-reserved', 'Reserved set: ignored', MN_LL, ALL_ROUTERS, 133, 0, b'\xff' * 4, use='parse')

t.comment('Router Advertisement (134, RFC 4861 4.2; H: RFC 6275 7.1; preference: RFC 4191 2.2)')


def ra(name, about, options=(), M=0, O=0, H=0, prf=0, hl=64, life=1800, reach=0, retrans=0, src=PAR_LL, dst=ALL_NODES,
       res=0, use=None, **kw):
    head = u8(hl) + u8(M << 7 | O << 6 | H << 5 | prf << 3 | res) + u16(life) + u32(reach) + u32(retrans)
    put(name, about, src, dst, 134, 0, head, options, [
        ('cur-hop-limit', hl), ('managed', M), ('other', O), ('home-agent', H), ('preference', prf),
        ('router-lifetime', life), ('reachable-time', reach), ('retrans-timer', retrans)],
        use=use or ('parse' if res or prf == 2 else None), **kw)


RA_OPTS = [o_sll(PAR_MAC), o_mtu(1500), o_pio(PAR_G, 64, R=1)]
ra('ra', 'link-layer address, MTU, prefix with the router\'s address', RA_OPTS)
ra('ra-all-ones', 'all flags, preference low (11), largest values', RA_OPTS, 1, 1, 1, 3, 255, 65535, 2**32 - 1, 2**32 - 1)
ra('ra-zero', 'all fields zero, no options', hl=0, life=0)
ra('ra-managed', 'only M', M=1)
ra('ra-other', 'only O', O=1)
ra('ra-home-agent', 'only H', H=1)
ra('ra-preference-high', 'preference 01', prf=1)
ra('ra-preference-low', 'preference 11', prf=3)
ra('ra-preference-reserved', 'preference 10: read as 00', prf=2)
ra('ra-reserved', 'the three Reserved bits set: ignored', res=7)
ra('ra-high-bits', 'highest bit of every number', hl=128, life=32768, reach=2**31, retrans=2**31)
ra('ra-low-bits', 'lowest bit of every number', hl=1, life=1, reach=1, retrans=1)
ra('ra-two-prefixes', 'two prefixes and routes', [
    o_sll(PAR_MAC), o_pio('2001:db8:a:1::', 64), o_pio('2001:db8:a:2::', 64, 1, 0, 0, 600, 300),
    o_route('2001:db8:c::', 48, 1, 1800), o_route('::', 0, 3, 1800)])
ra('ra-unicast', 'unicast answer to a solicitation', RA_OPTS, dst=MN_LL)
for s in (1, 2, 3, 4, 128):
    ra(f'ra-naack-{s}', f'NAACK Status {s} to a UNA, unicast to the NCoA (RFC 5568 6.4.6)',
       [o_sll(NAR_MAC), o_naack(s, mn(prefix=NAR_PREFIX, count=1).address if s == 2 else None)], src=NAR_LL, dst=NCOA)

t.comment('Neighbor Solicitation (135, RFC 4861 4.3)')
put('ns', 'address resolution', PAR_LL, solicited(PCOA), 135, 0, bytes(4) + raw(PCOA), [o_sll(PAR_MAC)], [('target', PCOA)])
put('ns-dad', 'duplicate address detection: from ::, no link-layer address', UNSPEC, solicited(PCOA), 135, 0,
    bytes(4) + raw(PCOA), [o_nonce(fixed('nonce', 6))], [('target', PCOA)])
put('ns-unicast', 'reachability probe', PAR_LL, PCOA, 135, 0, bytes(4) + raw(PCOA), [o_sll(PAR_MAC)], [('target', PCOA)])
put('ns-reserved', 'Reserved set: ignored', PAR_LL, PCOA, 135, 0, b'\xff' * 4 + raw(PCOA), [], [('target', PCOA)], use='parse')

t.comment('Neighbor Advertisement (136, RFC 4861 4.4)')


def na(name, about, R=0, S=0, O=0, src=PCOA, dst=PAR_LL, target=None, options=None, res=0, **kw):
    target = target or src
    put(name, about, src, dst, 136, 0, u32(R << 31 | S << 30 | O << 29 | res) + raw(target),
        [o_tll(MN_MAC)] if options is None else options,
        [('router', R), ('solicited', S), ('override', O), ('target', target)], **kw)


for f in range(8):
    na('na-' + (''.join(x for i, x in enumerate('rso') if f >> (2 - i) & 1) or 'none'),
       'flags R S O = ' + format(f, '03b'), f >> 2, f >> 1 & 1, f & 1)
na('na-no-option', 'no link-layer address', S=1, options=[])
na('na-reserved', '29 Reserved bits set: ignored', S=1, res=2**29 - 1, use='parse')
na('na-proxy', 'proxy for another\'s address', S=1, src=PAR_LL, dst=NAR_LL, target=PCOA, options=[o_tll(PAR_MAC)])
na('una', 'Unsolicited Neighbor Advertisement of RFC 5568 6.3: R, S and O clear, to all nodes', src=NCOA, dst=ALL_NODES)
na('una-unicast', 'the same to the NAR\'s address', src=NCOA, dst=NAR_LL)

t.comment('Redirect (137, RFC 4861 4.5)')
inner = ipv6(PCOA, ip('2001:db8:c::1'), 59, fixed('redirected', 24), hop=64)
for nm, about, target in (('redirect', 'to a better router', NAR_LL), ('redirect-on-link', 'target = destination: on link',
                                                                      ip('2001:db8:c::1'))):
    put(nm, about, PAR_LL, PCOA, 137, 0, bytes(4) + raw(target) + raw('2001:db8:c::1'), [o_tll(NAR_MAC), o_redirected(inner)],
        [('target', target), ('redirected-destination', ip('2001:db8:c::1'))])
put('redirect-reserved', 'Reserved set: ignored; no options', PAR_LL, PCOA, 137, 0, b'\xff' * 4 + raw(NAR_LL) + raw('2001:db8:c::1'),
    [], [('target', NAR_LL), ('redirected-destination', ip('2001:db8:c::1'))], use='parse')

t.comment('errors (RFC 4443 3); invoking: as much of the packet as fits')


def error(name, about, typ, code, word, field, hop=64, invoking=inner):
    m, c = icmp(PAR_G, PCOA, typ, code, u32(word) + invoking)
    t.section(name, about, [('use', 'both'), ('packet', ipv6(PAR_G, PCOA, 58, m, hop)), ('source', PAR_G), ('destination', PCOA),
                            ('hop-limit', hop), ('message', m), ('type', typ), ('code', code), ('checksum', c),
                            (field, word), ('invoking', invoking)])


error('packet-too-big', 'MTU 1280', 2, 0, 1280, 'mtu')
error('packet-too-big-ones', 'all bits of MTU', 2, 0, 2**32 - 1, 'mtu')
error('parameter-problem-0', 'erroneous header field at octet 6', 4, 0, 6, 'pointer')
error('parameter-problem-1', 'unrecognised Next Header at octet 40', 4, 1, 40, 'pointer')
error('parameter-problem-2', 'unrecognised option at octet 42', 4, 2, 42, 'pointer')
error('parameter-problem-ones', 'all bits of Pointer', 4, 0, 2**32 - 1, 'pointer')
big = ipv6(PCOA, ip('2001:db8:c::1'), 59, fixed('big', 1400), hop=64)[:1280 - 48]
error('packet-too-big-1280', 'invoking packet cut so that the error has 1280 octets', 2, 0, 1400, 'mtu', invoking=big)

t.comment('Certification Path Solicitation (148) and Advertisement (149), RFC 3971 6.4')
subject = o_anchor(1, seq(der(0x31, seq(oid('2.5.4.3'), der(0x13, b'anchor')))))
ski = o_anchor(3, key('anchor-2048').ski)


def cps(name, about, ident, component, options, src=MN_LL, dst=ALL_ROUTERS, **kw):
    put(name, about, src, dst, 148, 0, u16(ident) + u16(component), options,
        [('identifier', ident), ('component', component)], **kw)


cps('cps', 'all components, one anchor by name', 0x1234, 65535, [subject])
cps('cps-two-anchors', 'anchor by name, then by key identifier', 0xabcd, 65535, [subject, ski])
cps('cps-component', 'component 1 only, to the default router', 1, 1, [subject], dst=PAR_LL)
cps('cps-component-0', 'component 0', 0x8000, 0, [subject])
cps('cps-unspecified', 'from ::', 0xffff, 65535, [subject], src=UNSPEC)


def cpa(name, about, ident, total, component, options, dst=None, res=0, **kw):
    put(name, about, PAR_LL, dst or solicited(MN_LL), 149, 0, u16(ident) + u16(total) + u16(component) + u16(res), options,
        [('identifier', ident), ('all-components', total), ('component', component)], use='parse' if res else None, **kw)


certs = {f: o_certificate(open(os.path.join(OUT, 'pki', f + '.der'), 'rb').read()) for f in ('ca', 'good-router')}
cpa('cpa-first', 'component 1 of 2: the CA, with the anchor\'s name', 0x1234, 2, 1, [subject, certs['ca']])
cpa('cpa-last', 'component 0 of 2: the router', 0x1234, 2, 0, [certs['good-router']])
cpa('cpa-all-nodes', 'answer to a solicitation from ::, Identifier 0', 0, 1, 0, [subject, certs['good-router']], dst=ALL_NODES)
cpa('cpa-none', 'no path found: no certificate, All Components 0 (GS14)', 0x1234, 0, 0, [subject])
cpa('cpa-all-ones', 'all bits of the numbers', 0xffff, 0xffff, 0xffff, [])
cpa('cpa-reserved', 'Reserved set: ignored', 0x1234, 2, 0, [certs['good-router']], res=0xffff)
put('cpa-11-octets', 'three octets of the fixed part missing (GS11)', PAR_LL, solicited(MN_LL), 149, 0, bytes(5), use='refuse',
    reason='short')

t.comment('Router Solicitation for Proxy Advertisement: type 154, subtype 2, code 0 (RFC 5568 6.1.1)')


def rtsolpr(name, about, ident, options, src=PCOA, dst=ALL_ROUTERS, res=0, **kw):
    put(name, about, src, dst, 154, kw.pop('code', 0), u8(2) + u8(res) + u16(ident), options,
        [('subtype', 2), ('identifier', ident)], use=kw.pop('use', 'parse' if res else None), **kw)


me = o_lla(4, MN_MAC)
rtsolpr('rtsolpr-wildcard', 'wildcard: all access points', 0x5a3c, [me, o_wildcard()])
rtsolpr('rtsolpr-one', 'one access point', 1, [me, o_lla(1, AP1)])
rtsolpr('rtsolpr-two', 'two access points, to the router\'s address', 0xffff, [me, o_lla(1, AP1), o_lla(1, AP2)], dst=PAR_LL)
rtsolpr('rtsolpr-no-source-lla', 'sender\'s link-layer address left out', 0x8000, [o_lla(1, AP1)])
rtsolpr('rtsolpr-request', 'with an unsigned Handover Key Request', 0x0100, [me, o_wildcard(), o_hk_request(2, key('hke-2048').spki)])
rtsolpr('rtsolpr-reserved', 'Reserved set: ignored', 7, [me, o_wildcard()], res=0xff)
rtsolpr('rtsolpr-unknown-option', 'an unknown option in between: ignored', 8,
        [me, Opt('unknown', nd(0xfd, bytes(6)), []), o_wildcard()], use='parse')
rtsolpr('rtsolpr-identifier-0', 'Identifier 0: parses; we never send it (GF29)', 0, [me, o_wildcard()], use='parse')

t.comment('Proxy Router Advertisement: type 154, subtype 3, codes 0 to 5 (RFC 5568 6.1.2)')


def prrtadv(name, about, code, ident, options, dst=PCOA, res=0, **kw):
    put(name, about, PAR_LL, dst, 154, code, u8(3) + u8(res) + u16(ident), options,
        [('subtype', 3), ('identifier', ident)], use=kw.pop('use', 'parse' if res else None), **kw)


par = o_lla(4, PAR_MAC)
nar = [o_lla(3, NAR_MAC), o_ip(3, 64, NAR_G)]
nar_pfx = nar + [o_ip(4, 64, '2001:db8:b:1::')]
prrtadv('prrtadv-code-0', 'one tuple; the prefix is that of the NAR\'s address', 0, 0x5a3c, [par, o_lla(1, AP1)] + nar)
prrtadv('prrtadv-code-0-prefix', 'one tuple with its prefix', 0, 1, [par, o_lla(1, AP1)] + nar_pfx)
prrtadv('prrtadv-code-0-two', 'two tuples', 0, 0xffff, [par, o_lla(1, AP1)] + nar_pfx + [
    o_lla(1, AP2), o_lla(3, bytes.fromhex('02005e0c0001')), o_ip(3, 64, '2001:db8:c:1::1'), o_ip(4, 64, '2001:db8:c:1::')])
prrtadv('prrtadv-code-1', 'handover trigger, unsolicited, with New CoA', 1, 0, [par, o_lla(1, AP1)] + nar_pfx + [o_ip(2, 128, NCOA)])
prrtadv('prrtadv-code-2-same-interface', 'no new router: Option-Code 5', 2, 0x5a3c, [par, o_lla(5, AP1)])
prrtadv('prrtadv-code-2-unknown', 'no new router: Option-Code 6', 2, 0x5a3c, [par, o_lla(6, AP2)])
prrtadv('prrtadv-code-2-no-support', 'Option-Code 7 under Code 2 (obeyed, sent as Code 3: GF14)', 2, 0x5a3c, [par, o_lla(7, AP2)],
        use='parse')
prrtadv('prrtadv-code-2-empty', 'wildcard and an empty table: empty address, Option-Code 6 (GF14)', 2, 0x5a3c,
        [par, Opt('link-layer-address-empty', nd(19, u8(6) + bytes(5)), [('option-code', 6), ('link-address', b'')])])
prrtadv('prrtadv-code-3', 'known, unsupported and same-interface access points', 3, 0x5a3c,
        [par, o_lla(1, AP1)] + nar_pfx + [o_lla(7, AP2), o_lla(5, bytes.fromhex('02005eaa0003'))])
prrtadv('prrtadv-code-4', 'unsolicited, no trigger, to all nodes', 4, 0, [par, o_lla(1, AP1)] + nar_pfx, dst=ALL_NODES)
prrtadv('prrtadv-code-5', 'use DHCP on the NAR\'s link', 5, 0x8001, [par, o_lla(1, AP1)] + nar_pfx)
prrtadv('prrtadv-reserved', 'Reserved set: ignored', 0, 0x5a3c, [par, o_lla(1, AP1)] + nar, res=0xff)
ct = key('hke-2048').encrypt(handover_key(2), fixed_nonzero('ps', 256 - 3 - 32))
prrtadv('prrtadv-reply', 'with an unsigned Handover Key Reply', 0, 0x0100, [par, o_lla(1, AP1)] + nar + [o_hk_reply(2, 43200, ct)])

t.comment('what the base checks refuse (RFC 4861 6.1, 7.1, 8.1; RFC 3971 6.4; RFC 5568 6.1)')
kinds = {
    'rs': (MN_LL, ALL_ROUTERS, 133, bytes(4)), 'ra': (PAR_LL, ALL_NODES, 134, bytes([64, 0, 7, 8]) + bytes(8)),
    'ns': (PAR_LL, PCOA, 135, bytes(4) + raw(PCOA)), 'na': (PCOA, PAR_LL, 136, b'\x40\0\0\0' + raw(PCOA)),
    'redirect': (PAR_LL, PCOA, 137, bytes(4) + raw(NAR_LL) + raw('2001:db8:c::1')),
    'cps': (MN_LL, ALL_ROUTERS, 148, u16(5) + u16(65535)), 'cpa': (PAR_LL, ALL_NODES, 149, bytes(8)),
    'rtsolpr': (PCOA, ALL_ROUTERS, 154, u8(2) + b'\0\0\5'), 'prrtadv': (PAR_LL, PCOA, 154, u8(3) + b'\0\0\5')}
for n, (src, dst, typ, head) in kinds.items():
    put(f'bad-{n}-hop-limit', 'hop limit 254', src, dst, typ, 0, head, use='refuse', reason='hop-limit', hop=254)
    put(f'bad-{n}-checksum', 'one bit of the checksum wrong', src, dst, typ, 0, head, use='refuse', reason='checksum', flip=True)
    code = 6 if n == 'prrtadv' else 1
    put(f'bad-{n}-code', f'code {code}', src, dst, typ, code, head, use='refuse', reason='code')
    put(f'bad-{n}-short', 'fixed part one octet short', src, dst, typ, 0, head[:-1], use='refuse', reason='short')
    put(f'bad-{n}-option-length-0', 'an option of Length 0', src, dst, typ, 0, head, use='refuse', reason='length-zero',
        raw_tail=b'\xfd\0' + bytes(6))
    put(f'bad-{n}-option-overrun', 'an option longer than the message', src, dst, typ, 0, head, use='refuse', reason='overrun',
        raw_tail=b'\xfd\2' + bytes(6))
t.comment('an atomic Fragment header in front: RFC 6980 5 and W8 drop all but the Certification Path Advertisement')
for n, (src, dst, typ, head) in kinds.items():
    m, c = icmp(src, dst, typ, 0, head)
    t.section(f'fragmented-{n}', 'whole message behind a Fragment header', [
        ('use', 'parse' if n == 'cpa' else 'refuse'), ('reason', None if n == 'cpa' else 'fragment'),
        ('packet', ipv6(src, dst, 44, u8(58) + bytes(3) + u32(0x1234) + m)), ('source', src), ('destination', dst), ('hop-limit', 255),
        ('message', m), ('type', typ), ('code', 0), ('checksum', c)])
t.comment('rules of single messages')
put('bad-rs-source-lla-from-unspecified', 'from :: with a source link-layer address', UNSPEC, ALL_ROUTERS, 133, 0, bytes(4),
    [o_sll(MN_MAC)], use='refuse', reason='link-address-from-unspecified')
put('bad-ra-source-global', 'source is not link-local', PAR_G, ALL_NODES, 134, 0, kinds['ra'][3], use='refuse', reason='source')
put('bad-ns-target-multicast', 'target is multicast', PAR_LL, PCOA, 135, 0, bytes(4) + raw(ALL_NODES), use='refuse', reason='target')
put('bad-ns-dad-to-unicast', 'from :: to an address that is not solicited-node multicast', UNSPEC, PCOA, 135, 0,
    bytes(4) + raw(PCOA), use='refuse', reason='destination')
put('bad-ns-dad-source-lla', 'from :: with a source link-layer address', UNSPEC, solicited(PCOA), 135, 0, bytes(4) + raw(PCOA),
    [o_sll(MN_MAC)], use='refuse', reason='link-address-from-unspecified')
put('bad-na-target-multicast', 'target is multicast', PCOA, PAR_LL, 136, 0, bytes(4) + raw(ALL_NODES), use='refuse', reason='target')
put('bad-na-solicited-multicast', 'S set and destination multicast', PCOA, ALL_NODES, 136, 0, b'\x40\0\0\0' + raw(PCOA),
    use='refuse', reason='solicited-to-multicast')
put('bad-redirect-source-global', 'source is not link-local', PAR_G, PCOA, 137, 0, kinds['redirect'][3], use='refuse', reason='source')
put('bad-redirect-destination-multicast', 'the redirected destination is multicast', PAR_LL, PCOA, 137, 0,
    bytes(4) + raw(NAR_LL) + raw('ff0e::1'), use='refuse', reason='redirected-destination')
put('bad-redirect-target-global', 'target neither link-local nor the destination', PAR_LL, PCOA, 137, 0,
    bytes(4) + raw(NAR_G) + raw('2001:db8:c::1'), use='refuse', reason='target')
put('bad-154-subtype', 'subtype 9 of type 154: not ours, ignored', PCOA, ALL_ROUTERS, 154, 0, u8(9) + b'\0\0\5', use='refuse',
    reason='subtype')
put('bad-cps-identifier-0', 'Identifier 0 (RFC 3971 6.4.1)', MN_LL, ALL_ROUTERS, 148, 0, u16(0) + u16(65535), [subject],
    use='refuse', reason='identifier')
put('bad-prrtadv-source-global', 'source is not link-local (RFC 5568 6.1.2)', PAR_G, PCOA, 154, 0, u8(3) + b'\0\0\5',
    [par, o_lla(1, AP1)] + nar, use='refuse', reason='source')
t.write()
