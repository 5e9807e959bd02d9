#!/usr/bin/env python3
"""wire-ndoptions.txt: Neighbor Discovery options of RFC 4861, 3971, 4191, 5269, 5568, 6275 7.2, 6495."""
from vectorlib import *

t = Text('wire-ndoptions.txt', [
    'Neighbor Discovery options: RFC 4861 4.6, RFC 6275 7.2, RFC 3971 5 and 6.4, RFC 6495, RFC 4191 2.3,',
    'RFC 5568 6.4, RFC 5269 4.  Made by make_ndoptions.py.', ''] + FORM + [
    'Here "refuse" is said of the option; what becomes of the message is another rule (RFC 4861: Length 0 or an',
    'overrun discards it; GF5: a malformed option 27 or 28 only means that there is no key).',
    'octets: the whole option from its Type octet; padding-length: octets of padding where no field says so.',
    'Link-layer addresses are Ethernet\'s (6 octets) unless the section says otherwise.'])


def put(name, about, o, **more):
    use = more.pop('use', o.use)
    t.section(name, about, [('use', use), ('kind', o.kind), ('type', o.octets[0]), ('length', o.octets[1]),
                            ('octets', o.octets)] + o.fields + [(k.replace('_', '-'), v) for k, v in more.items()])


def refuse(name, about, octets, reason, kind):
    t.section(name, about, [('use', 'refuse'), ('reason', reason), ('kind', kind), ('octets', octets)])


ONES = ip('ffff:' * 7 + 'ffff')

t.comment('structure of the option list')
for nm, about, o, why in (
        ('list-length-zero', 'Length 0: the whole message is discarded', b'\1\0' + bytes(6), 'length-zero'),
        ('list-length-overrun', 'Length names more than there is', nd(1, MN_MAC)[:1] + b'\2' + MN_MAC, 'overrun'),
        ('list-one-octet', 'a lone Type octet', b'\1', 'overrun'),
        ('list-two-octets', 'Type and Length, nothing behind', b'\1\1', 'overrun'),
        ('list-good-then-zero', 'a good option, then Length 0', nd(1, MN_MAC) + b'\5\0' + bytes(6), 'length-zero'),
        ('list-seven-octets', 'one octet short', nd(1, MN_MAC)[:7], 'overrun')):
    refuse(nm, about, o, why, 'option-list')
LIST = [o_sll(MN_MAC), Opt('unknown', nd(0xfd, bytes(range(14))), []), o_mtu(1500)]
t.section('list-unknown-skipped', 'an unknown option (253) between two known ones: skipped', [
    ('use', 'parse'), ('kind', 'option-list'), ('octets', join(LIST))] + listing(LIST))
LIST = [Opt('unknown', b'\xfe\xff' + fixed('long-option', 2038), []), o_nonce(fixed('nonce', 6))]
t.section('list-longest-option', 'an unknown option of Length 255 (2040 octets), then a Nonce', [
    ('use', 'parse'), ('kind', 'option-list'), ('octets', join(LIST))] + listing(LIST))
t.section('list-empty', 'no options at all', [('use', 'both'), ('kind', 'option-list'), ('octets', b''), ('option-count', 0)])

t.comment('1 and 2: link-layer addresses (RFC 4861 4.6.1)')
put('source-link-address', 'ordinary', o_sll(MN_MAC))
put('source-link-address-ones', 'all bits set', o_sll(b'\xff' * 6))
put('target-link-address', 'ordinary', o_tll(PAR_MAC))
put('target-link-address-ones', 'all bits set', o_tll(b'\xff' * 6))
put('source-link-address-length-2', '14 octets: longer than Ethernet\'s', o_sll(bytes(range(14))), use='parse')

t.comment('3: Prefix Information (RFC 4861 4.6.2, R flag RFC 6275 7.2)')
put('prefix-information', 'L and A, common lifetimes', o_pio('2001:db8:a:1::', 64))
put('prefix-information-no-flags', 'no flag, zero lifetimes', o_pio('2001:db8:a:1::', 64, 0, 0, 0, 0, 0))
for f in 'LAR':
    kw = {'L': 0, 'A': 0, 'R': 0}
    kw[f] = 1
    put(f'prefix-information-{f.lower()}-only', f'only flag {f}', o_pio('2001:db8:a:1::', 64, **kw))
put('prefix-information-router-address', 'R set: the full address of the router', o_pio(ar(prefix=PAR_PREFIX).address, 64, R=1))
put('prefix-information-all-ones', 'all flags, infinite lifetimes, 128 bits', o_pio(ONES, 128, 1, 1, 1, 2**32 - 1, 2**32 - 1))
put('prefix-information-high-bits', 'highest bits of the lifetimes', o_pio('8000::', 1, 0, 1, 0, 2**31, 2**31))
put('prefix-information-low-bits', 'lowest bits of the lifetimes', o_pio('::1', 127, 1, 0, 0, 1, 1))
put('prefix-information-length-0', 'prefix length 0', o_pio('::', 0, 1, 0, 0, 30, 20))
put('prefix-information-reserved', 'Reserved1 and Reserved2 set: ignored', o_pio('2001:db8:a:1::', 64, res1=0x1f, res2=2**32 - 1))
put('prefix-information-host-bits', 'R clear, bits behind the prefix length set: reserved, ignored by receivers',
    o_pio('2001:db8:a:1::dead:beef', 64), use='parse')
refuse('prefix-information-129', 'prefix length 129', o_pio('2001:db8:a:1::', 129).octets, 'prefix-length', 'prefix-information')
refuse('prefix-information-short', 'Length 3', nd(3, o_pio('2001:db8:a:1::', 64).octets[2:24]), 'length', 'prefix-information')
refuse('prefix-information-long', 'Length 5', nd(3, o_pio('2001:db8:a:1::', 64).octets[2:] + bytes(8)), 'length', 'prefix-information')

t.comment('4 and 5: Redirected Header, MTU (RFC 4861 4.6.3, 4.6.4)')
inner = ipv6(mn().address, ip('2001:db8:c::1'), 59, fixed('redirected', 24), hop=64)
put('redirected-header', 'a whole packet of 64 octets', o_redirected(inner))
put('redirected-header-reserved', 'Reserved set: ignored', o_redirected(inner, b'\xff' * 6))
put('redirected-header-empty', 'no octets', o_redirected(b''), use='parse')
put('mtu', '1500', o_mtu(1500))
put('mtu-ones', 'all bits', o_mtu(2**32 - 1))
put('mtu-1280', 'least IPv6 MTU', o_mtu(1280))
put('mtu-reserved', 'Reserved set: ignored', o_mtu(1400, 0xffff))
refuse('mtu-long', 'Length 2', nd(5, o_mtu(1500).octets[2:] + bytes(8)), 'length', 'mtu')

t.comment('11: CGA (RFC 3971 5.1, RFC 3972 3, RFC 4581)')
for s in ('1024', '2048', '3072', '2048-e3'):
    put(f'cga-rsa{s}', f'key mn-{s}, Sec 0', o_cga(mn(s).params), address=mn(s).address)
put('cga-count-2', 'collision count 2', o_cga(mn(count=2).params), address=mn(count=2).address)
for n in range(8):
    ext = u16(0xfffd) + u16(n) + fixed('cga-extension', n)
    c = mn(ext=ext)
    put(f'cga-extension-{n}', f'one extension field of {n} octets: pad length varies with it', o_cga(c.params), address=c.address)
put('cga-reserved', 'Reserved set: ignored', o_cga(mn().params, res=0xff))
put('cga-pad-not-zero', 'padding is not zero: ignored', o_cga(mn().params, pad=b'\xff' * (-(4 + len(mn().params)) % 8)))
put('cga-pad-more-than-7', 'eight octets more padding than needed', o_cga(mn().params, pad=bytes(-(4 + len(mn().params)) % 8 + 8)))
refuse('cga-pad-too-long', 'Pad Length beyond the option', b'\x0b\x04\xff\0' + bytes(28), 'pad-length', 'cga')
refuse('cga-short', 'fewer than 25 octets of parameters', nd(11, b'\0\0' + bytes(20)), 'short', 'cga')
refuse('cga-key-cut', 'the public key runs past the parameters', o_cga(mn('1024').params[:-8]).octets, 'public-key', 'cga')
p = bytearray(mn('1024').params)
p[24] = 3
refuse('cga-count-3', 'collision count 3 (RFC 3972 5 step 1)', o_cga(bytes(p)).octets, 'collision-count', 'cga')

t.comment('12: RSA Signature (RFC 3971 5.2); the field signature has the modulus length of the key (W3)')
for s in ('1024', '2048', '3072'):
    k = key(f'mn-{s}')
    sig = k.sign(b'signature of the option vectors')
    put(f'rsa-signature-{s}', f'key mn-{s}, padding zero', o_rsa(k.key_hash, sig), modulus_octets=k.k)
k = key('mn-1024')
sig = k.sign(b'signature of the option vectors')
put('rsa-signature-padding-not-zero', 'padding is not zero: ignored', o_rsa(k.key_hash, sig, pad=b'\xff' * 4), modulus_octets=k.k)
put('rsa-signature-padding-12', 'eight octets more padding than needed: ignored', o_rsa(k.key_hash, sig, pad=bytes(12)),
    modulus_octets=k.k)
put('rsa-signature-reserved', 'Reserved set: ignored', o_rsa(k.key_hash, sig, res=0xffff), modulus_octets=k.k)
k = key('weird-1031')
put('rsa-signature-1031', 'modulus of 1031 bits: signature of 129 octets, three of padding',
    o_rsa(k.key_hash, k.sign(b'signature of the option vectors')), modulus_octets=k.k)
o = o_rsa(k.key_hash, sig[:124])
t.section('rsa-signature-too-short', 'fewer octets than the modulus of the key (128): reject at verification (W3)', [
    ('use', 'parse'), ('kind', o.kind), ('octets', o.octets), ('key-hash', k.key_hash), ('modulus-octets', 128),
    ('signature-long-enough', 0)])
refuse('rsa-signature-short', 'no room for the Key Hash', nd(12, bytes(14)), 'short', 'rsa-signature')

t.comment('13: Timestamp (RFC 3971 5.3.1)')
put('timestamp', '2026-06-01T00:00:00 and a half', o_timestamp(1780272000, 0x8000))
put('timestamp-ones', 'all bits', o_timestamp(2**48 - 1, 0xffff))
put('timestamp-zero', 'all zero', o_timestamp(0, 0))
put('timestamp-fraction', 'only the lowest fraction bit', o_timestamp(0, 1))
put('timestamp-second', 'one second', o_timestamp(1, 0))
put('timestamp-high-bit', 'only the highest bit', o_timestamp(2**47, 0))
put('timestamp-2038', 'beyond 32 bits of seconds', o_timestamp(2**32, 0x0123))
put('timestamp-reserved', 'Reserved set: ignored', o_timestamp(1780272000, 0, b'\xff' * 6))
refuse('timestamp-length-1', 'Length 1', b'\x0d\1' + bytes(6), 'length', 'timestamp')
refuse('timestamp-length-3', 'Length 3', nd(13, bytes(22)), 'length', 'timestamp')

t.comment('14: Nonce (RFC 3971 5.3.2)')
for n in (6, 14, 22, 30):
    put(f'nonce-{n}', f'{n} octets', o_nonce(fixed('nonce', n)))
put('nonce-ones', 'all bits', o_nonce(b'\xff' * 6))

t.comment('15: Trust Anchor (RFC 3971 6.4.3, RFC 6495)')
subject = seq(der(0x31, seq(oid('2.5.4.3'), der(0x13, b'anchor'))))
put('trust-anchor-name', 'type 1: DER Name, the subject of pki/anchor.der', o_anchor(1, subject))
long_subject = seq(der(0x31, seq(oid('2.5.4.6'), der(0x13, b'XX'))), der(0x31, seq(oid('2.5.4.10'), der(0x0c, b'Example Carrier'))),
                   der(0x31, seq(oid('2.5.4.3'), der(0x0c, b'Root of Routers'))))
put('trust-anchor-name-3-rdn', 'type 1: DER Name with three parts', o_anchor(1, long_subject))
put('trust-anchor-fqdn', 'type 2: FQDN in DNS wire format', o_anchor(2, b'\6anchor\7example\3com\0'), fqdn='anchor.example.com')
put('trust-anchor-fqdn-pad-0', 'type 2 that needs no padding', o_anchor(2, b'\2ta\7example\0'), fqdn='ta.example')
for typ, h in ((3, 'sha1'), (4, 'sha224'), (5, 'sha256'), (6, 'sha384'), (7, 'sha512')):
    put(f'trust-anchor-ski-{h}', f'type {typ}: {h} of the key bits of anchor-2048',
        o_anchor(typ, hashlib.new(h, key('anchor-2048').rsapublickey).digest()))
put('trust-anchor-type-253', 'experimental type: carried, matched by nothing', o_anchor(253, b'\1\2\3'), use='parse')
put('trust-anchor-type-255', 'reserved type: carried, matched by nothing', o_anchor(255, b'\1\2\3'), use='parse')
put('trust-anchor-pad-not-zero', 'padding is not zero: ignored', o_anchor(1, subject, b'\xff' * (-(4 + len(subject)) % 8)))
refuse('trust-anchor-pad-too-long', 'Pad Length beyond the option', b'\x0f\1\1\5' + bytes(4), 'pad-length', 'trust-anchor')

t.comment('16: Certificate (RFC 3971 6.4.4); the certificates are those of pki/')
for f in ('ca', 'good-router'):
    c = open(os.path.join(OUT, 'pki', f + '.der'), 'rb').read()
    put(f'certificate-{f}', f'pki/{f}.der', o_certificate(c))
c = open(os.path.join(OUT, 'pki', 'ca.der'), 'rb').read()
put('certificate-reserved', 'Reserved set: ignored', o_certificate(c, res=0xff))
put('certificate-type-2', 'unknown Cert Type: not used', o_certificate(c, cert_type=2), use='parse')

t.comment('17: IP Address/Prefix (RFC 5568 6.4.1)')
put('ip-old-care-of', 'Option-Code 1', o_ip(1, 128, mn().address))
put('ip-new-care-of', 'Option-Code 2', o_ip(2, 128, mn(prefix=NAR_PREFIX).address))
put('ip-nar-address', 'Option-Code 3, prefix length of the NAR\'s subnet', o_ip(3, 64, ar('ar2-2048', NAR_PREFIX).address))
put('ip-nar-prefix', 'Option-Code 4', o_ip(4, 64, '2001:db8:b:1::'))
put('ip-nar-prefix-0', 'Option-Code 4, prefix length 0', o_ip(4, 0, '::'))
put('ip-all-ones', 'all bits of the address', o_ip(3, 128, ONES))
put('ip-prefix-host-bits', 'Option-Code 4, bits behind the prefix length set: ignored', o_ip(4, 48, '2001:db8:b:1::ff'), use='parse')
put('ip-reserved', 'Reserved set: ignored', o_ip(3, 64, '2001:db8:b:1::1', 2**32 - 1))
put('ip-code-255', 'unknown Option-Code: option ignored', o_ip(255, 64, '2001:db8:b:1::1'), use='parse')
refuse('ip-prefix-length-129', 'prefix length 129', o_ip(4, 129, '2001:db8:b:1::').octets, 'prefix-length', 'ip-address-prefix')
refuse('ip-length-2', 'Length 2', nd(17, o_ip(3, 64, '2001:db8:b:1::').octets[2:16]), 'length', 'ip-address-prefix')
refuse('ip-length-4', 'Length 4', nd(17, o_ip(3, 64, '2001:db8:b:1::').octets[2:] + bytes(8)), 'length', 'ip-address-prefix')

t.comment('19: Link-Layer Address (RFC 5568 6.4.3, GF18)')
put('lla-wildcard', 'Option-Code 0: Length 1, zeros', o_wildcard())
put('lla-wildcard-content', 'wildcard with other content: accepted', o_wildcard(b'\xff' * 13))
for c, who in enumerate(('new access point', 'mobile node', 'NAR', 'sender', 'access point on the same interface',
                         'access point without prefix information', 'access point without fast handover'), 1):
    put(f'lla-code-{c}', f'Option-Code {c}: {who}', o_lla(c, (AP1, MN_MAC, NAR_MAC, PAR_MAC, AP1, AP2, AP2)[c - 1]))
put('lla-ones', 'all bits of the address', o_lla(1, b'\xff' * 6))
put('lla-empty-code-6', 'Option-Code 6 without an address: answer to a wildcard with an empty table (GF14)',
    Opt('link-layer-address-empty', nd(19, u8(6) + bytes(5)), [('option-code', 6), ('link-address', b'')]))
put('lla-padding-not-zero', 'padding is not zero: ignored', o_lla(1, AP1, pad=b'\xff' * 7))
put('lla-code-255', 'unknown Option-Code: option ignored', o_lla(255, AP1), use='parse')

t.comment('20: NAACK (RFC 5568 6.4.6, GF17: Length 3 with the raw address)')
ncoa = mn(prefix=NAR_PREFIX, count=1).address
for s in (1, 2, 3, 4, 128):
    put(f'naack-{s}', f'Status {s}', o_naack(s, ncoa if s == 2 else None))
put('naack-reserved', 'Reserved set: ignored', o_naack(1, None, 2**32 - 1))
put('naack-status-255', 'unknown Status', o_naack(255), use='parse')
refuse('naack-length-2', 'Length 2', nd(20, bytes(14)), 'length', 'naack')

t.comment('24: Route Information (RFC 4191 2.3); preference is the two-bit code: 1 high, 0 medium, 3 low, 2 reserved')
put('route-default-high', '::/0 in Length 1, high', o_route('::', 0, 1, 1800))
put('route-64-low', '/64 in Length 2, low', o_route('2001:db8:b:1::', 64, 3, 2**32 - 1))
put('route-65-medium', '/65 needs Length 3', o_route('2001:db8:b:1:8000::', 65, 0, 1))
put('route-128', 'all bits', o_route(ONES, 128, 3, 2**32 - 1))
put('route-48', '/48 in Length 2', o_route('2001:db8:b::', 48, 0, 0))
put('route-48-length-3', '/48 in Length 3: legal, longer than needed', o_route('2001:db8:b::', 48, 0, 2**31, octets=16))
put('route-0-length-2', '::/0 in Length 2: legal, longer than needed', o_route('::', 0, 1, 600, octets=8))
put('route-0-length-3', '::/0 in Length 3: legal, longer than needed', o_route('::', 0, 1, 600, octets=16))
put('route-preference-reserved', 'preference 10: the option is ignored', o_route('2001:db8:b::', 48, 2, 600))
put('route-reserved-bits', 'both Reserved fields set: ignored', o_route('2001:db8:b::', 48, 0, 600, res_high=7, res_low=7))
put('route-host-bits', 'bits behind the prefix length set: ignored', o_route('2001:db8:b:ff00::', 48, 1, 600), use='parse')
refuse('route-64-length-1', '/64 in Length 1', o_route('2001:db8:b:1::', 64, 0, 1, octets=0).octets, 'length', 'route-information')
refuse('route-65-length-2', '/65 in Length 2', o_route('2001:db8:b:1::', 65, 0, 1, octets=8).octets, 'length', 'route-information')
refuse('route-129', 'prefix length 129', o_route('2001:db8:b:1::', 129, 0, 1, octets=16).octets, 'prefix-length', 'route-information')
refuse('route-length-4', 'Length 4', nd(24, bytes(30)), 'length', 'route-information')

t.comment('27: Handover Key Request (RFC 5269 4.1)')
for s in ('1024', '2048', '3072'):
    for at in (1, 2, 3, 4):
        put(f'request-rsa{s}-at{at}', f'key hke-{s}, AT {at}', o_hk_request(at, key(f'hke-{s}').spki), key_file=f'hke-{s}')
put('request-rsa2048-e3-at1', 'key hke-2048-e3: exponent 3', o_hk_request(1, key('hke-2048-e3').spki), key_file='hke-2048-e3')
for at in (0, 5, 8, 15):
    put(f'request-at{at}', 'AT 0 is read as 1, never sent' if at == 0 else f'AT {at}: unknown', o_hk_request(at, key('hke-1024').spki),
        use='parse', key_file='hke-1024')
put('request-reserved', 'Reserved set beside AT 2: ignored', o_hk_request(2, key('hke-1024').spki, res=15), key_file='hke-1024')
put('request-pad-not-zero', 'padding is not zero: ignored', o_hk_request(1, key('hke-1024').spki, pad=b'\xff' * 2), key_file='hke-1024')
put('request-pad-10', 'Pad Length 10: legal', o_hk_request(1, key('hke-1024').spki, pad=bytes(10)), key_file='hke-1024')
for n in range(8):
    body = fixed('not-a-key', 40 + n)
    o = o_hk_request(1, body)
    put(f'request-any-length-{n}', f'{40 + n} octets that are no key: the codec carries them, the key parser refuses',
        o, use='both', key_parses=0)
refuse('request-pad-too-long', 'Pad Length beyond the option', b'\x1b\2\x0d\x10' + bytes(12), 'pad-length', 'handover-key-request')
refuse('request-pad-is-all', 'Pad Length takes everything: no key left', b'\x1b\2\x0c\x10' + bytes(12), 'no-key', 'handover-key-request')
refuse('request-length-zero', 'Length 0: the message is discarded', b'\x1b\0\0\x10' + bytes(4), 'length-zero', 'handover-key-request')

t.comment('28: Handover Key Reply (RFC 5269 4.2); handover-key is what encrypted-key holds, ps the padding string')
for s in ('1024', '2048', '3072'):
    for at in (1, 2, 3, 4):
        k, hk = key(f'hke-{s}'), handover_key(at)
        ps = fixed_nonzero('ps', k.k - 3 - len(hk))
        put(f'reply-rsa{s}-at{at}', f'key hke-{s}, AT {at}', o_hk_reply(at, 43200, k.encrypt(hk, ps)), key_file=k.name,
            handover_key=hk, ps=ps)
k = key('hke-2048-e3')
ps = fixed_nonzero('ps', k.k - 3 - 20)
put('reply-rsa2048-e3-at1', 'exponent 3', o_hk_reply(1, 43200, k.encrypt(handover_key(1), ps)), key_file=k.name,
    handover_key=handover_key(1), ps=ps)
k = key('hke-1024')
ct = k.encrypt(handover_key(1), fixed_nonzero('ps', k.k - 3 - 20))
for nm, life in (('max', 65535), ('one', 1), ('high-bit', 32768), ('low-octet', 255), ('high-octet', 65280)):
    put(f'reply-lifetime-{nm}', f'lifetime {life}', o_hk_reply(1, life, ct))
put('reply-lifetime-zero', 'lifetime 0: stores nothing, never sent (GF6)', o_hk_reply(1, 0, ct), use='parse')
for at in (0, 5, 8, 15):
    put(f'reply-at{at}', f'AT {at}', o_hk_reply(at, 43200, ct), use='parse')
put('reply-reserved', 'Reserved set beside AT 2: ignored', o_hk_reply(2, 43200, ct, res=15))
put('reply-pad-not-zero', 'padding is not zero: ignored', o_hk_reply(1, 43200, ct, pad=b'\xff' * 2))
put('reply-pad-10', 'Pad Length 10: legal', o_hk_reply(1, 43200, ct, pad=bytes(10)))
for n in range(8):
    put(f'reply-any-length-{n}', f'{40 + n} octets of ciphertext', o_hk_reply(1, 43200, fixed('ciphertext', 40 + n)))
refuse('reply-pad-too-long', 'Pad Length beyond the option', b'\x1c\2\x0b\x10\xa8\xc0' + bytes(10), 'pad-length', 'handover-key-reply')
refuse('reply-pad-is-all', 'Pad Length takes everything: no key left', b'\x1c\2\x0a\x10\xa8\xc0' + bytes(10), 'no-key', 'handover-key-reply')
t.write()
