#!/usr/bin/env python3
"""send-signatures.txt: whole SEND messages with CGA and RSA signature: RFC 3971 5, RFC 3972, RFC 5269 3 and 4."""
from vectorlib import *

t = Text('send-signatures.txt', [
    'Signed messages: RFC 3971 5.1 to 5.3, RFC 5269 3 and 4, W1 (order), W2 (checksum), W3 (signature length).',
    'Made by make_send.py.', ''] + FORM + [
    'verdict: good, or bad with the reason.  In all good sections the claimed address (source; target of a DAD NS) is',
    'a CGA of the key in option CGA, the signature verifies, the wire checksum holds and only time and nonce are left.',
    'signed-checksum: the checksum that the signature covers (message without RSA option); checksum: the one on the wire.',
    'signature-input: what is signed, from the CGA message type tag on.  Where verdict is bad, signature-input is what',
    'the receiver has to verify over; signed-input, where given, is what the faulty sender signed.'])
SECONDS, FRACTION = 1780272000, 0x8000          # 2026-06-01 00:00:00.5 UTC
STAMP = o_timestamp(SECONDS, FRACTION)
NONCE = fixed('nonce', 6)
SOLICIT, ADVERT = 'solicitation', 'advertisement'


def first(options, kind):
    """the first such option before the RSA option: what a receiver takes"""
    for o in options:
        if o.kind == 'rsa-signature':
            return None
        if o.kind == kind:
            return dict(o.fields)
    return None


def emit(name, about, s, cga, src, dst, typ, code, fields=(), verdict='good', reason=None, extra=(), use='both', claimed=None,
         packet=None, rsa=None):
    rsa = rsa or s.rsa
    claimed = claimed or src
    c, stamp, nonce = (first(s.options, k) for k in ('cga', 'timestamp', 'nonce'))
    listed = [('option-count', len(s.options))]
    for i, o in enumerate(s.options, 1):
        listed += [(f'option-{i}', o.octets), (f'option-{i}-kind', o.kind)]
    t.section(name, about, [
        ('use', use), ('verdict', verdict), ('reason', reason), ('packet', packet or s.packet), ('source', src),
        ('destination', dst), ('type', typ), ('code', code), ('claimed-address', claimed), ('sec', raw(claimed)[8] >> 5),
        ('collision-count', c and c['collision-count']), ('key-file', cga.key.name), ('modulus-octets', cga.key.k),
        ('public-exponent', cga.key.e), ('cga-parameters', c and c['cga-parameters'])] + list(fields)
        + [('timestamp', stamp and stamp['timestamp']), ('nonce', nonce and nonce['nonce'])]
        + listed + [('key-hash', rsa.octets[4:20]), ('signed-checksum', s.signed_checksum),
                    ('signature-input', s.signature_input), ('signature', s.signature),
                    ('checksum', s.checksum)] + list(extra))


# ------------------------------------------------------------------ RFC 3971's five types
PAR_LL, PAR_G = ar(), ar(prefix=PAR_PREFIX)
RS_HEAD = bytes(4)
RA_HEAD = u8(64) + u8(0) + u16(1800) + bytes(8)
RA_OPTS = [o_sll(PAR_MAC), o_mtu(1500), o_pio(PAR_G.address, 64, R=1)]


def solicited(a):
    return ip(raw('ff02::1:ff00:0')[:13] + raw(a)[13:])


def rs(name, about, c, options=None, sign=None, **kw):
    head = RS_HEAD
    opts = [o_sll(MN_MAC), o_cga(c.params), STAMP, o_nonce(NONCE)] if options is None else options
    s = Signed(c.address, ALL_ROUTERS, 133, 0, head, opts, sign or c.key)
    emit(name, about, s, c, c.address, ALL_ROUTERS, 133, 0, **kw)
    return s


def ra(name, about, c, dst=ALL_NODES, nonce=True, **kw):
    opts = RA_OPTS + [o_cga(c.params), STAMP] + ([o_nonce(NONCE)] if nonce else [])
    s = Signed(c.address, dst, 134, 0, RA_HEAD, opts, c.key)
    emit(name, about, s, c, c.address, dst, 134, 0, [('router-global-address', PAR_G.address)], **kw)
    return s


t.comment('RS, RA, NS, NA, Redirect')
mn_ll = {s: mn(s, LL) for s in ('1024', '2048', '3072', '2048-e3')}
for s_, c in mn_ll.items():
    rs(f'rs-rsa{s_}', f'Router Solicitation from a link-local CGA, key mn-{s_}', c)
count2 = Cga('mn-2048', LL, MODIFIER_MN, count=2)
rs('rs-count-2', 'collision count 2', count2)
ext = u16(0xfffd) + u16(3) + b'\1\2\3'
rs('rs-extension', 'CGA parameters with an extension field (RFC 4581)', Cga('mn-2048', LL, MODIFIER_MN, ext=ext))
start = fixed('modifier-sec1', 16)
sec1, tries = search_modifier(start, key('mn-2048'), 1)
SEC1 = Cga('mn-2048', LL, sec1, sec=1)
rs('rs-sec1', f'Sec 1: modifier found after {tries} tries from modifier-start', SEC1, extra=[('modifier-start', start)])
for name in ('weird-2047', 'weird-1031', 'weird-1024-e17'):
    k = key(name)
    rs(f'rs-{name}', f'key {name}: {k.bits} bits, exponent {k.e}', Cga(name, LL, MODIFIER_MN))
for s_ in ('ar-1024', 'ar-2048', 'ar-3072', 'ar2-2048'):
    ra(f'ra-{s_}', f'Router Advertisement, multicast, no Nonce, key {s_}', Cga(s_, LL, MODIFIER_AR), nonce=False)
ra('ra-unicast-nonce', 'answer to rs-rsa2048: unicast, echoes the Nonce', PAR_LL, dst=mn_ll['2048'].address)
ra('ra-multicast-nonce', 'multicast answer with the Nonce of one solicitation from :: (GS3)', PAR_LL)
c = mn()
opts = [o_sll(MN_MAC), o_cga(c.params), STAMP, o_nonce(NONCE)]
dst = PAR_LL.address
s = Signed(c.address, solicited(dst), 135, 0, bytes(4) + raw(dst), opts, c.key)
emit('ns', 'Neighbor Solicitation for the router', s, c, c.address, solicited(dst), 135, 0, [('target', dst)])
opts = [o_cga(c.params), STAMP, o_nonce(NONCE)]
s = Signed(ip('::'), solicited(c.address), 135, 0, bytes(4) + raw(c.address), opts, c.key)
emit('ns-dad', 'duplicate address detection: the CGA is the target (GS1)', s, c, ip('::'), solicited(c.address), 135, 0,
     [('target', c.address)], claimed=c.address)
opts = [o_tll(MN_MAC), o_cga(c.params), STAMP, o_nonce(NONCE)]
s = Signed(c.address, dst, 136, 0, b'\x60\0\0\0' + raw(c.address), opts, c.key)
emit('na', 'Neighbor Advertisement, solicited, echoes the Nonce', s, c, c.address, dst, 136, 0, [('target', c.address)])
n_ = mn(prefix=NAR_PREFIX)
opts = [o_tll(MN_MAC), o_cga(n_.params), STAMP]
s = Signed(n_.address, ALL_NODES, 136, 0, bytes(4) + raw(n_.address), opts, n_.key)
emit('una', 'signed Unsolicited Neighbor Advertisement for the NCoA (RFC 5568 6.3, GF21): no Nonce', s, n_, n_.address, ALL_NODES,
     136, 0, [('target', n_.address)])
inner = ipv6(c.address, ip('2001:db8:c::1'), 59, fixed('redirected', 24), hop=64)
opts = [o_tll(NAR_MAC), o_redirected(inner), o_cga(PAR_LL.params), STAMP]
nar_ll = ar('ar2-2048').address
s = Signed(dst, c.address, 137, 0, bytes(4) + raw(nar_ll) + raw('2001:db8:c::1'), opts, PAR_LL.key)
emit('redirect', 'Redirect', s, PAR_LL, dst, c.address, 137, 0, [('target', nar_ll), ('redirected-destination', ip('2001:db8:c::1'))])

# ------------------------------------------------------------------ RtSolPr, PrRtAdv
IDENT = 0x5a3c


def rt_options(c, hke, at, aps=None, stamp=STAMP, nonce=NONCE, request=None):
    return ([o_lla(4, MN_MAC)] + (aps or [o_wildcard()]) + [request or o_hk_request(at, key(hke).spki), o_cga(c.params)]
            + ([stamp] if stamp else []) + ([o_nonce(nonce)] if nonce else []))


def rt_head(sub=2):
    return u8(sub) + b'\0' + u16(IDENT)


def rtsolpr(name, about, c, hke, at=1, opts=None, dst=ALL_ROUTERS, sign=None, emit_it=True, key_hash=None, pad=None, **kw):
    s = Signed(c.address, dst, 154, 0, rt_head(), opts or rt_options(c, hke, at), sign or c.key, key_hash, pad)
    if emit_it:
        emit(name, about, s, c, c.address, dst, 154, 0, [
            ('subtype', 2), ('identifier', IDENT), ('algorithm-type', at), ('handover-key-file', hke)], **kw)
    return s


t.comment('RtSolPr with Handover Key Request (RFC 5269 3.1); source: the MN\'s care-of CGA')
for s_ in ('1024', '2048', '3072'):
    for at in (1, 2, 3, 4):
        rtsolpr(f'rtsolpr-rsa{s_}-at{at}', f'key mn-{s_}, request for hke-{s_}, AT {at}, wildcard', mn(s_), f'hke-{s_}', at)
rtsolpr('rtsolpr-rsa2048-e3-at1', 'exponent 3 on both keys', mn('2048-e3'), 'hke-2048-e3', 1)
rtsolpr('rtsolpr-two-aps', 'two access points, to the router\'s link-local address', mn(), 'hke-2048', 1,
        rt_options(mn(), 'hke-2048', 1, [o_lla(1, AP1), o_lla(1, AP2)]), dst=PAR_LL.address)
sec1g = Cga('mn-2048', PAR_PREFIX, sec1, sec=1)
rtsolpr('rtsolpr-sec1', 'care-of CGA with Sec 1, the modifier of rs-sec1', sec1g, 'hke-2048', 1)
for at in (0, 15):
    rtsolpr(f'rtsolpr-at{at}', f'AT {at}: ' + ('read as 1 (W13)' if at == 0 else 'unknown (W13, GF37)'), mn(), 'hke-2048', at, use='parse')
order = rt_options(mn(), 'hke-2048', 2)
order = order[:2] + [order[5], order[4], order[3], order[2]]
rtsolpr('rtsolpr-other-order', 'SEND options in another order, request last: accepted (W1)', mn(), 'hke-2048', 2, order, use='parse')
rtsolpr('rtsolpr-signature-padding', 'padding of the RSA option is not zero: ignored (W3)', mn(), 'hke-2048', 1, pad=b'\xff' * 4, use='parse')
rtsolpr('rtsolpr-signature-padding-long', '12 octets of padding behind the signature: ignored (W3)', mn(), 'hke-2048', 1, pad=bytes(12),
        use='parse')
rtsolpr('rtsolpr-nonce-14', 'Nonce of 14 octets', mn(), 'hke-2048', 1, rt_options(mn(), 'hke-2048', 1, nonce=fixed('nonce', 14)))
unknown = Opt('unknown', nd(0xfd, b'\1\2\3\4\5\6'), [])
o_ = rt_options(mn(), 'hke-2048', 1)
rtsolpr('rtsolpr-unknown-option', 'an unknown option among the others: skipped, but signed', mn(), 'hke-2048', 1, o_[:2] + [unknown] + o_[2:],
        use='parse')


def prrtadv(name, about, c, at, hk=None, hke='hke-2048', lifetime=43200, size=None, dst=None, nonce=True, reply=True, code=0,
            tuples=None, sign=None, **kw):
    k = key(hke)
    hk = handover_key(at) if hk is None else hk
    ps = fixed_nonzero('ps', k.k - 3 - len(hk))
    ct = k.encrypt(hk, ps)
    opts = [o_lla(4, PAR_MAC)] + (tuples or [o_lla(1, AP1), o_lla(3, NAR_MAC), o_ip(3, 64, ar('ar2-2048', NAR_PREFIX).address),
                                             o_ip(4, 64, '2001:db8:b:1::')])
    if reply:
        opts.append(o_hk_reply(at, lifetime, ct))
    opts += [o_cga(c.params), STAMP] + ([o_nonce(NONCE)] if nonce else [])
    dst = dst or mn(hke.split('-', 1)[1]).address
    s = Signed(c.address, dst, 154, code, rt_head(3), opts, sign or c.key)
    emit(name, about, s, c, c.address, dst, 154, code, [('subtype', 3), ('identifier', IDENT)] + ([
        ('algorithm-type', at), ('key-lifetime', lifetime), ('handover-key-file', hke), ('handover-key', hk), ('padding', ps),
        ('ciphertext', ct)] if reply else []), **kw)
    return s


t.comment('PrRtAdv with Handover Key Reply (RFC 5269 3.2); source: the AR\'s link-local CGA; answers to the RtSolPr above')
for s_ in ('1024', '2048', '3072'):
    for at in (1, 2, 3, 4):
        prrtadv(f'prrtadv-rsa{s_}-at{at}', f'key ar-{s_}, handover key of AT {at} under hke-{s_}', ar(f'ar-{s_}'), at, hke=f'hke-{s_}')
prrtadv('prrtadv-rsa2048-e3-at1', 'handover key under hke-2048-e3', ar(), 1, hke='hke-2048-e3')
prrtadv('prrtadv-lifetime-max', 'largest lifetime', ar(), 1, lifetime=65535)
prrtadv('prrtadv-lifetime-1', 'smallest lifetime', ar(), 1, lifetime=1)
prrtadv('prrtadv-no-reply', 'validated, but no key is given; echoes the Nonce', ar(), 1, reply=False)
prrtadv('prrtadv-no-nonce', 'answer to an unvalidated RtSolPr: no key, no Nonce (W9)', ar(), 1, reply=False, nonce=False)
prrtadv('prrtadv-code-2', 'Code 2, Option-Code 6, with a key all the same', ar(), 2, code=2, tuples=[o_lla(6, AP1)])
prrtadv('prrtadv-unsolicited', 'Code 1 trigger: no Nonce, no key (GF32)', ar(), 1, code=1, reply=False, nonce=False)
prrtadv('prrtadv-wrong-key-length', 'AT 2 with a key of 20 octets: signature good, key refused (W14)', ar(), 2, hk=handover_key(1),
        extra=[('key-accepted', 0)], use='parse')
prrtadv('prrtadv-other-router', 'a second router, key ar2-2048', ar('ar2-2048'), 1)

# ------------------------------------------------------------------ negative siblings of rtsolpr-rsa2048-at1
t.comment('negative siblings of rtsolpr-rsa2048-at1: verdict bad')
C, D = mn(), ALL_ROUTERS
OPTS = rt_options(C, 'hke-2048', 1)
BASE = rtsolpr('', '', C, 'hke-2048', 1, emit_it=False)


def bad(name, about, reason, s, c=C, src=None, dst=D, packet=None, extra=(), verdict='bad', at=1, hke='hke-2048', rsa=None):
    emit(name, about, s, c, src or c.address, dst, 154, 0, [('subtype', 2), ('identifier', IDENT), ('algorithm-type', at),
                                                            ('handover-key-file', hke)],
         verdict=verdict, reason=reason, use='parse', packet=packet, extra=list(extra), rsa=rsa)


def resigned(signed_input, k=None, options=None, src=None):
    """the base message with a signature over other octets"""
    s = Signed(src or C.address, D, 154, 0, rt_head(), options or OPTS, C.key)
    s.signature = (k or C.key).sign(signed_input)
    s.rsa = o_rsa(C.key.key_hash, s.signature)
    s.options[-1] = s.rsa
    s.finish(src or C.address, D, 154, 0, rt_head())
    return s


# W2: a sender that signs with the checksum of the final message.  The final checksum depends on the signature;
# such senders compute it with the RSA option present and the signature field zero.
zero = o_rsa(C.key.key_hash, bytes(256))
m, cz = icmp(C.address, D, 154, 0, rt_head() + join(OPTS) + zero.octets)
wrong = SEND_TAG + raw(C.address) + raw(D) + b'\x9a\0' + u16(cz) + rt_head() + join(OPTS)
bad('bad-checksum-with-empty-signature', 'signed with the checksum of the message with an RSA option of zero octets', 'signature',
    resigned(wrong), extra=[('signed-input', wrong)])
WIRE = 0xbeef
wrong = SEND_TAG + raw(C.address) + raw(D) + b'\x9a\0' + u16(WIRE) + rt_head() + join(OPTS)
s = resigned(wrong)
word = (0xffff - WIRE - (0xffff - s.checksum)) % 0xffff        # the unsigned padding makes the wire checksum what was signed
s.rsa = o_rsa(C.key.key_hash, s.signature, pad=u16(word) + b'\0\0')
s.options[-1] = s.rsa
s.finish(C.address, D, 154, 0, rt_head())
assert s.checksum == WIRE
bad('bad-checksum-on-wire', 'signed with the final checksum, the one on the wire (the padding of option 12 makes them meet)', 'signature',
    s, extra=[('signed-input', wrong)])
wrong = SEND_TAG + raw(C.address) + raw(D) + b'\x9a\0\0\0' + rt_head() + join(OPTS)
bad('bad-checksum-zero', 'signed with the checksum as zero', 'signature', resigned(wrong), extra=[('signed-input', wrong)])
wrong = BASE.signature_input[16:]
bad('bad-no-tag', 'signed without the CGA message type tag', 'signature', resigned(wrong), extra=[('signed-input', wrong)])
wrong = bytes.fromhex('086fca5e10b200c99c8ce00164277c09') + BASE.signature_input[16:]
bad('bad-other-tag', 'signed with another tag', 'signature', resigned(wrong), extra=[('signed-input', wrong)])
bad('bad-other-private-key', 'Key Hash and CGA of mn-2048, signed by other-2048', 'signature', resigned(BASE.signature_input, key('other-2048')))
for nm, pos, bit in (('first', 0, 128), ('middle', 128, 16), ('last', 255, 1)):
    s = Signed(C.address, D, 154, 0, rt_head(), OPTS, C.key)
    g = bytearray(s.signature)
    g[pos] ^= bit
    s.signature = bytes(g)
    s.rsa = o_rsa(C.key.key_hash, s.signature)
    s.options[-1] = s.rsa
    s.finish(C.address, D, 154, 0, rt_head())
    bad(f'bad-signature-{nm}-bit', f'one bit flipped in octet {pos} of the signature', 'signature', s)
s = rtsolpr('', '', C, 'hke-2048', 1, emit_it=False)
s.signature = bytes(256)
s.rsa = o_rsa(C.key.key_hash, s.signature)
s.options[-1] = s.rsa
s.finish(C.address, D, 154, 0, rt_head())
bad('bad-signature-zero', 'signature all zero', 'signature', s)
s = rtsolpr('', '', C, 'hke-2048', 1, emit_it=False)
s.signature = C.key.n.to_bytes(256, 'big')
s.rsa = o_rsa(C.key.key_hash, s.signature)
s.options[-1] = s.rsa
s.finish(C.address, D, 154, 0, rt_head())
bad('bad-signature-modulus', 'signature equal to the modulus (out of range, RFC 8017 5.2.2)', 'signature', s)
s = rtsolpr('', '', C, 'hke-2048', 1, emit_it=False)
s.signature = C.key.sign(s.signature_input, 'sha256')
s.rsa = o_rsa(C.key.key_hash, s.signature)
s.options[-1] = s.rsa
s.finish(C.address, D, 154, 0, rt_head())
bad('bad-signature-sha256', 'SHA-256 instead of SHA-1', 'signature', s)
# forgeries of lenient PKCS#1 parsers
h = sha1(BASE.signature_input)
info = bytes.fromhex('3021300906052b0e03021a05000414') + h
short = b'\0\1' + b'\xff' * 8 + b'\0' + info
for nm, about, em in (
        ('garbage-behind-hash', 'encoded message with 8 octets of FF and garbage behind the hash', short + fixed('garbage', 256 - len(short))),
        ('padding-not-ff', 'one padding octet is FE', b'\0\1' + b'\xff' * 100 + b'\xfe' + b'\xff' * (256 - 3 - len(info) - 101) + b'\0' + info),
        ('block-type-2', 'block type 2', b'\0\2' + b'\xff' * (256 - 3 - len(info)) + b'\0' + info),
        ('no-null', 'DigestInfo without the NULL parameter', b'\0\1' + b'\xff' * (256 - 3 - len(info) + 2) + b'\0'
         + bytes.fromhex('301f300706052b0e03021a0414') + h)):
    assert len(em) == 256, (nm, len(em))
    s = rtsolpr('', '', C, 'hke-2048', 1, emit_it=False)
    s.signature = C.key.private(em)
    s.rsa = o_rsa(C.key.key_hash, s.signature)
    s.options[-1] = s.rsa
    s.finish(C.address, D, 154, 0, rt_head())
    bad(f'bad-pkcs1-{nm}', about, 'signature', s)
c3 = mn('2048-e3')
s = Signed(c3.address, D, 154, 0, rt_head(), rt_options(c3, 'hke-2048-e3', 1), c3.key)
want = b'\0\1' + b'\xff' * 8 + b'\0' + bytes.fromhex('3021300906052b0e03021a05000414') + sha1(s.signature_input)
low = int.from_bytes(want + bytes(256 - len(want)), 'big')
root, hi_ = 0, 1 << 700
while root < hi_:                                                # least integer whose cube is not below
    mid = (root + hi_) // 2
    root, hi_ = (mid + 1, hi_) if mid ** 3 < low else (root, mid)
assert (root ** 3).to_bytes(256, 'big').startswith(want)
s.signature = root.to_bytes(256, 'big')
s.rsa = o_rsa(c3.key.key_hash, s.signature)
s.options[-1] = s.rsa
s.finish(c3.address, D, 154, 0, rt_head())
bad('bad-pkcs1-forged-e3', 'exponent 3: a cube root, made without the private key, with garbage behind the hash', 'signature', s, c3,
    hke='hke-2048-e3')
s = Signed(C.address, D, 154, 0, rt_head(), OPTS, C.key)
s.rsa = o_rsa(C.key.key_hash, s.signature[:-5])
s.options[-1] = s.rsa
s.finish(C.address, D, 154, 0, rt_head())
bad('bad-signature-short', 'RSA option holds 251 octets of signature, the modulus has 256 (W3)', 'signature-length', s)
s = rtsolpr('', '', C, 'hke-2048', 1, emit_it=False, key_hash=key('other-2048').key_hash)
bad('bad-key-hash', 'Key Hash names other-2048, the CGA option mn-2048: discard (RFC 3971 5.1)', 'two-keys', s)

other_c = Cga('other-2048', PAR_PREFIX, MODIFIER_MN)
opts = rt_options(other_c, 'hke-2048', 1)
s = Signed(C.address, D, 154, 0, rt_head(), opts, other_c.key)
bad('bad-stolen-address', 'a stranger\'s key and parameters under the MN\'s address', 'cga', s, other_c, src=C.address)
q = bytearray(C.params)
q[0] ^= 1
opts = OPTS[:3] + [o_cga(bytes(q))] + OPTS[4:]
s = Signed(C.address, D, 154, 0, rt_head(), opts, C.key)
bad('bad-cga-modifier', 'modifier of the parameters changed by one bit: Hash1 does not fit', 'cga', s)
q = bytearray(C.params)
q[23] ^= 1
s = Signed(C.address, D, 154, 0, rt_head(), OPTS[:3] + [o_cga(bytes(q))] + OPTS[4:], C.key)
bad('bad-cga-prefix', 'subnet prefix of the parameters is another', 'cga', s)
q = bytearray(C.params)
q[24] = 3
h1 = bytearray(sha1(bytes(q))[:8])
h1[0] &= 0x1c
a3 = ip(PAR_PREFIX + bytes(h1))
s = Signed(a3, D, 154, 0, rt_head(), OPTS[:3] + [o_cga(bytes(q))] + OPTS[4:], C.key)
bad('bad-cga-count-3', 'collision count 3, everything else fits', 'cga', s, src=a3)
h1 = bytearray(raw(C.address))
h1[8] |= 0x20
a1 = ip(bytes(h1))
assert cga_verify(a1, C.params) == 'hash2'
s = Signed(a1, D, 154, 0, rt_head(), OPTS, C.key)
bad('bad-cga-sec1', 'the address claims Sec 1, Hash2 does not allow it', 'cga', s, src=a1)
small = Cga('small-512', PAR_PREFIX, MODIFIER_MN)
s = Signed(small.address, D, 154, 0, rt_head(), rt_options(small, 'small-512', 1), small.key)
bad('bad-key-512', 'CGA key of 512 bits: below every floor, refused before RSA (GS25)', 'key-limits', s, small, hke='small-512')
big = Cga('weird-1024-big-e', PAR_PREFIX, MODIFIER_MN)
s = Signed(big.address, D, 154, 0, rt_head(), rt_options(big, 'hke-1024', 1), big.key)
bad('bad-key-exponent', 'exponent 2^32 + 15: above the limit, refused before RSA (W8)', 'key-limits', s, big, hke='hke-1024')
for nm, e in (('even', 65536), ('one', 1)):
    n = C.key.n
    spki = spki_of(n, e)
    p = MODIFIER_MN + PAR_PREFIX + b'\0' + spki
    a = cga_address(p)
    fake = Cga(C.key, PAR_PREFIX, MODIFIER_MN)
    fake.params, fake.address = p, a
    opts = OPTS[:3] + [o_cga(p)] + OPTS[4:]
    s = Signed(a, D, 154, 0, rt_head(), opts, C.key, key_hash=sha1(spki)[:16])
    if e == 1:                                   # anyone can "sign" for e = 1: the signature is the encoded message
        d = sha1(s.signature_input)
        t_ = bytes.fromhex('3021300906052b0e03021a05000414') + d
        s.signature = b'\0\1' + b'\xff' * (256 - 3 - len(t_)) + b'\0' + t_
        s.rsa = o_rsa(sha1(spki)[:16], s.signature)
        s.options[-1] = s.rsa
        s.finish(a, D, 154, 0, rt_head())
    t.section(f'bad-exponent-{nm}', f'public exponent {e}' + (': the signature is the padded hash itself, made without a key' if e == 1
                                                               else ''), [
        ('use', 'parse'), ('verdict', 'bad'), ('reason', 'key-limits'), ('packet', s.packet), ('source', a), ('destination', D),
        ('type', 154), ('code', 0), ('public-key', spki), ('cga-parameters', p), ('signature-input', s.signature_input),
        ('signature', s.signature)])

# fields changed after signing, wire checksum made good again
t.comment('one field changed on the way, wire checksum repaired')


def altered(name, about, src=None, dst=None, change=None, reason='signature'):
    s = Signed(C.address, D, 154, 0, rt_head(), OPTS, C.key)
    body = bytearray(s.message[4:])
    if change:
        change(body)
    src, dst = src or C.address, dst or D
    m, c = icmp(src, dst, 154, 0, bytes(body))
    cut = len(m) - len(s.rsa.octets)
    short, sc = icmp(src, dst, 154, 0, m[4:cut])
    t.section(name, about, [
        ('use', 'parse'), ('verdict', 'bad'), ('reason', reason), ('packet', ipv6(src, dst, 58, m)), ('source', src), ('destination', dst),
        ('type', 154), ('code', 0), ('cga-parameters', C.params), ('signed-checksum', sc),
        ('signature-input', SEND_TAG + raw(src) + raw(dst) + short), ('signed-input', s.signature_input), ('signature', s.signature),
        ('checksum', c)])


def xor(pos, bit):
    def f(b):
        b[pos] ^= bit
    return f


offs, o = [], 4
for x in OPTS:
    offs.append(o)
    o += len(x.octets)
altered('bad-altered-destination', 'destination changed to the router\'s address', dst=PAR_LL.address)
altered('bad-altered-identifier', 'Identifier changed', change=xor(3, 1))
altered('bad-altered-reserved', 'Reserved of RtSolPr changed: ignored by the parser, but signed', change=xor(1, 1))
altered('bad-altered-at', 'AT of the Handover Key Request changed from 1 to 2 (bidding)', change=xor(offs[2] + 3, 0x30))
altered('bad-altered-at-reserved', 'reserved bits beside AT changed: ignored by the parser, but signed', change=xor(offs[2] + 3, 1))
altered('bad-altered-request-padding', 'padding of the Handover Key Request changed', change=xor(offs[3] - 1, 1))
altered('bad-altered-timestamp', 'lowest bit of the Timestamp changed', change=xor(offs[5] - 1, 1))
altered('bad-altered-nonce', 'last bit of the Nonce changed', change=xor(o - 1, 1))
altered('bad-altered-lla', 'link-layer address changed', change=xor(4 + 3, 1))

# wire checksum, options behind the RSA option, missing options
t.comment('wire checksum; options behind the first RSA Signature option (W1); missing options')
m = bytearray(BASE.packet)
m[40 + 2] ^= 1
bad('bad-wire-checksum', 'wire checksum wrong: dropped before any SEND check', 'checksum', BASE, packet=bytes(m))
m = bytearray(BASE.packet)
m[42:44] = u16(BASE.signed_checksum)
bad('bad-wire-checksum-signed-one', 'the wire checksum is the one that was signed: wrong on the wire', 'checksum', BASE, packet=bytes(m))


def behind(name, about, tail, verdict, reason=None, extra=()):
    s = Signed(C.address, D, 154, 0, rt_head(), OPTS, C.key)
    s.options += tail
    s.finish(C.address, D, 154, 0, rt_head())
    bad(name, about, reason, s, verdict=verdict, extra=extra)


behind('tail-unknown', 'an unknown option behind option 12: ignored, the message is good', [unknown], 'good')
behind('tail-nonce', 'a second Nonce behind option 12: ignored', [o_nonce(fixed('other-nonce', 6))], 'good')
behind('tail-request', 'another Handover Key Request behind option 12: ignored, the first one counts',
       [o_hk_request(2, key('other-2048').spki)], 'good')
behind('tail-ap', 'another access point behind option 12: ignored', [o_lla(1, AP2)], 'good')
behind('tail-second-signature', 'a second RSA option (all zero) behind the first: ignored', [o_rsa(bytes(16), bytes(256))], 'good')
s = Signed(C.address, D, 154, 0, rt_head(), OPTS, C.key)
m, c = icmp(C.address, D, 154, 0, rt_head() + join(s.options) + b'\xfd\0' + bytes(6))
bad('bad-tail-length-zero', 'an option of Length 0 behind option 12: the whole message is discarded (GS10)', 'length-zero', s,
    packet=ipv6(C.address, D, 58, m))


def missing(name, about, opts, reason, verdict='bad'):
    bad(name, about, reason, Signed(C.address, D, 154, 0, rt_head(), opts, C.key), verdict=verdict)


missing('bad-no-timestamp', 'no Timestamp: discarded (W4)', [x for x in OPTS if x.kind != 'timestamp'], 'no-timestamp')
missing('bad-no-nonce', 'no Nonce in a solicitation: discarded (W4)', [x for x in OPTS if x.kind != 'nonce'], 'no-nonce')
missing('bad-no-cga', 'no CGA option', [x for x in OPTS if x.kind != 'cga'], 'no-cga')
missing('bad-two-cga', 'CGA option twice (GS9)', OPTS[:4] + [OPTS[3]] + OPTS[4:], 'duplicate-option')
missing('bad-two-timestamps', 'Timestamp twice (GS9)', OPTS[:5] + [OPTS[4]] + OPTS[5:], 'duplicate-option')
missing('bad-two-nonces', 'Nonce twice (GS9)', OPTS + [o_nonce(fixed('other-nonce', 6))], 'duplicate-option')
two = OPTS[:3] + [o_hk_request(2, key('hke-2048').spki)] + OPTS[3:]
bad('two-requests', 'Handover Key Request twice: the message is good, but no key is given (GF5)', 'no-key', Signed(
    C.address, D, 154, 0, rt_head(), two, C.key), verdict='good', extra=[('key-given', 0)])


def nokey(name, about, request):
    s = Signed(C.address, D, 154, 0, rt_head(), rt_options(C, '', 1, request=request), C.key)
    bad(name, about, 'no-key', s, verdict='good', extra=[('key-given', 0)])


nokey('request-key-is-cga-key', 'the key in the request is the CGA key itself (W8): no key is given', o_hk_request(1, C.key.spki))
nokey('request-key-1024', 'the key in the request is smaller than the CGA key (W8): no key is given', o_hk_request(1, key('hke-1024').spki))
nokey('request-key-3072', 'the key in the request is larger than the CGA key (W8): no key is given', o_hk_request(1, key('hke-3072').spki))
nokey('request-key-e3', 'the key in the request has another exponent (W8): no key is given', o_hk_request(1, key('hke-2048-e3').spki))
nokey('request-key-garbage', 'the key in the request is no DER (GF5): no key is given', o_hk_request(1, fixed('not-a-key', 294)))
nokey('request-key-trailing', 'one octet behind the DER of the key (GF5): no key is given', o_hk_request(1, key('hke-2048').spki + b'\0'))
nokey('request-key-pkcs1', 'RSAPublicKey instead of SubjectPublicKeyInfo: no key is given', o_hk_request(1, key('hke-2048').rsapublickey))
nokey('request-key-modulus-even', 'even modulus: no key is given', o_hk_request(1, spki_of(key('hke-2048').n - 1, 65537)))

t.comment('negative siblings of prrtadv-rsa2048-at1')
P_ = ar()
prrtadv('bad-prrtadv-other-key', 'Key Hash of, and signed by, mn-2048; the CGA option holds ar-2048', P_, 1, sign=key('mn-2048'),
        verdict='bad', reason='two-keys', use='parse')
t.write()
