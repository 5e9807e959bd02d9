#!/usr/bin/env python3
"""wire-mobility.txt: Mobility Header messages and options: RFC 6275 6, RFC 5568 6.2 and 6.4; W15 to W22."""
from vectorlib import *

t = Text('wire-mobility.txt', [
    'Mobility Header: RFC 6275 6.1 and 6.2, RFC 5568 6.2, 6.4.2, 6.4.4, 6.4.5; decisions W15 to W22, GF22.',
    'Made by make_mobility.py.', ''] + FORM + [
    'mobility-header: from Payload Proto to the end.  mac-input: care-of address | PAR address | Mobility Header',
    'with zero checksum up to the Authenticator.  full-mac: the whole MAC; authenticator its first octets.',
    'pseudo-source: the source address in the checksum pseudo-header (W15).',
    'mac-good = 0: parses, but the authenticator must be refused under handover-key and algorithm-type; mac-input and',
    'care-of-term are then those of the faulty sender.  A refusing FBack answers a registration, so its term is the',
    'NCoA, although its Lifetime is 0 (RFC 6275 6.2.7: the home address is for de-registration).'])
PCOA, NCOA = mn().address, mn(prefix=NAR_PREFIX).address
PAR, NAR = ar(prefix=PAR_PREFIX).address, ar('ar2-2048', NAR_PREFIX).address
NCOA2 = mn(prefix=NAR_PREFIX, count=1).address
ONES = ip('ffff:' * 7 + 'ffff')


# ------------------------------------------------------------------ options
def m_alt(a):
    return Opt('alternate-care-of', b'\3\x10' + raw(a), [('address', ip(str(a)))]), (8, 6)


def m_lla(code, lla):
    return Opt('link-layer-address', u8(7) + u8(1 + len(lla)) + u8(code) + lla, [('option-code', code), ('link-address', lla)]), (1, 0)


def m_ip(code, plen, a):
    return Opt('ip-address-prefix', b'\x22\x12' + u8(code) + u8(plen) + raw(a),
               [('option-code', code), ('prefix-length', plen), ('address', ip(str(a)))]), (8, 4)


def m_raw(kind, octets, fields=(), align=(1, 0)):
    return Opt(kind, octets, list(fields)), align


def m_badf(at, authenticator, spi=0, length=None):
    n = AT[at][2]
    return Opt('badf', b'\x15' + u8(n if length is None else length) + u32(spi) + authenticator,
               [('spi', spi), ('authenticator', authenticator)]), (8, 6 if n == 12 else 2)


def padding(n):
    return b'' if n == 0 else b'\0' if n == 1 else b'\1' + u8(n - 2) + bytes(n - 2)


def lay(start, opts, end_pad=True):
    """options with their alignment; start = offset of the first one in the Mobility Header"""
    b = b''
    for o, (m, x) in opts:
        b += padding((x - start - len(b)) % m) + o.octets
    return b + (padding(-(start + len(b)) % 8) if end_pad else b'')


def header(typ, data, opts, res=0, proto=59, checksum_=0):
    start = 6 + len(data)
    body = data + lay(start, opts)
    n = 6 + len(body)
    assert n % 8 == 0, n
    return u8(proto) + u8(n // 8 - 1) + u8(typ) + u8(res) + u16(checksum_) + body


def wrap(src, dst, mh, hao=None, hop=64, bad_checksum=False):
    """checksum and IPv6 header; returns (packet, mobility header, checksum, pseudo-source)"""
    pseudo = hao or src
    c = checksum(pseudo, dst, 135, mh)
    if bad_checksum:
        c ^= 1
    mh = mh[:4] + u16(c) + mh[6:]
    pay = mh
    if hao:
        pay = u8(135) + b'\2\1\2\0\0\xc9\x10' + raw(hao) + mh
    return ipv6(src, dst, 60 if hao else 135, pay, hop), mh, c, pseudo


def opt_fields(opts):
    return listing([o for o, _ in opts])


# ------------------------------------------------------------------ options by themselves
t.comment('options by themselves')
for nm, about, (o, align) in (
        ('option-pad1', 'type 0', m_raw('pad1', b'\0')),
        ('option-padn-0', 'type 1 without data', m_raw('padn', b'\1\0', [('data', b'')])),
        ('option-padn-5', 'type 1 with five octets', m_raw('padn', b'\1\5' + bytes(5), [('data', bytes(5))])),
        ('option-alternate-care-of', 'type 3, RFC 6275 6.2.5', m_alt(NCOA)),
        ('option-alternate-care-of-ones', 'all bits', m_alt(ONES)),
        ('option-mh-lla', 'type 7, RFC 5568 6.4.4', m_lla(2, MN_MAC)),
        ('option-mh-lla-ones', 'all bits of the address', m_lla(2, b'\xff' * 6)),
        ('option-mh-lla-eui64', 'an address of eight octets', m_lla(2, bytes.fromhex('0200fffe5e10a7c3'))),
        ('option-ip-old', 'type 34 (W19), Option-Code 1', m_ip(1, 128, PCOA)),
        ('option-ip-new', 'type 34, Option-Code 2', m_ip(2, 128, NCOA)),
        ('option-ip-nar', 'type 34, Option-Code 3', m_ip(3, 64, NAR)),
        ('option-ip-prefix', 'type 34, Option-Code 4', m_ip(4, 64, '2001:db8:b:1::')),
        ('option-ip-ones', 'all bits of the address', m_ip(2, 128, ONES)),
        ('option-badf-12', 'type 21, RFC 5568 6.4.5: Length 12 without the SPI (W18)', m_badf(1, fixed('authenticator', 12))),
        ('option-badf-16', 'Length 16', m_badf(2, fixed('authenticator', 16))),
        ('option-badf-24', 'Length 24', m_badf(3, fixed('authenticator', 24))),
        ('option-badf-spi', 'all bits of the SPI', m_badf(1, fixed('authenticator', 12), spi=2**32 - 1))):
    t.section(nm, about, [('use', 'both'), ('kind', o.kind), ('octets', o.octets), ('alignment-modulus', align[0]),
                          ('alignment-offset', align[1])] + o.fields)


# ------------------------------------------------------------------ messages
def flags(A, H, L, K, res=0):
    return u16(A << 15 | H << 14 | L << 13 | K << 12 | res)


def fbu_data(seq_, lifetime, A=1, H=1, L=0, K=0, res=0):
    return u16(seq_) + flags(A, H, L, K, res) + u16(lifetime)


def message(name, about, src, dst, typ, data, opts, fields, at, term, par, hao=None, use='both', hk=None, good=True,
            spi=0, length=None, tamper=None, mh_res=0, reason=None, bad_checksum=False, tail=()):
    """an FBU or FBack with its BADF option"""
    hk = handover_key(at) if hk is None else hk
    n = AT[at][2]
    blank = header(typ, data, list(opts) + [m_badf(at, bytes(n), spi, length)] + list(tail), mh_res)
    cut = len(blank) - n if not tail else blank.rindex(bytes([21])) + 6
    mac_input = raw(term) + raw(par) + blank[:cut]
    full = full_mac(at, hk, mac_input)
    auth = full[:n]
    if tamper:
        auth = tamper(auth)
    b = m_badf(at, auth, spi, length)
    mh = header(typ, data, list(opts) + [b] + list(tail), mh_res)
    packet, mh, c, pseudo = wrap(src, dst, mh, hao, bad_checksum=bad_checksum)
    t.section(name, about, [
        ('use', use), ('reason', reason), ('packet', packet), ('source', src), ('destination', dst), ('home-address', hao),
        ('mobility-header', mh), ('header-length', mh[1]), ('mh-type', typ), ('checksum', c), ('pseudo-source', pseudo)]
        + fields + opt_fields(list(opts) + [b] + list(tail)) + [
        ('algorithm-type', at), ('handover-key', hk), ('care-of-term', ip(str(term))), ('par-address', ip(str(par))),
        ('mac-input', mac_input), ('full-mac', full), ('authenticator', auth), ('mac-good', int(good))])


def fbu(name, about, at=1, link='par', seq_=0x1234, lifetime=30, ncoa=NCOA, lla=True, A=1, H=1, L=0, K=0, res=0,
        term=None, pcoa=PCOA, src=None, alt=None, dst=PAR, hao=True, before=(), **kw):
    src = src or (pcoa if link == 'par' else ncoa)
    alt = alt if alt is not None else (ncoa if link == 'par' else False)
    opts = ([m_alt(alt)] if alt else []) + ([m_lla(2, MN_MAC)] if lla else []) + list(before)
    message(name, about, src, dst, 8, fbu_data(seq_, lifetime, A, H, L, K, res), opts, [
        ('sequence', seq_), ('acknowledge', A), ('home-registration', H), ('link-local-compatibility', L),
        ('key-management', K), ('lifetime', lifetime)], at, term or ncoa, PAR, hao=pcoa if hao else None,
        use=kw.pop('use', 'parse' if res or L or K else 'both'), **kw)


t.comment('Fast Binding Update (8, RFC 5568 6.2.2)')
for at in (1, 2, 3, 4):
    fbu(f'fbu-par-at{at}', f'from the PAR\'s link, {AT[at][0]}: source PCoA, Alternate Care-of Address NCoA', at)
    fbu(f'fbu-nar-at{at}', f'from the NAR\'s link, {AT[at][0]}: source NCoA', at, 'nar')
    fbu(f'fbu-par-no-lla-at{at}', f'from the PAR\'s link without MH-LLA, {AT[at][0]}', at, lla=False)
    fbu(f'fbu-nar-no-lla-at{at}', f'from the NAR\'s link without MH-LLA, {AT[at][0]}', at, 'nar', lla=False)
    fbu(f'fbu-end-at{at}', f'lifetime 0 (W22, GF22): Alternate Care-of Address and MAC term are PCoA, {AT[at][0]}', at,
        lifetime=0, alt=PCOA, term=PCOA)
fbu('fbu-end-no-alternate', 'lifetime 0 without Alternate Care-of Address: term still PCoA', lifetime=0, alt=False, term=PCOA, use='parse')
fbu('fbu-end-alternate-ncoa', 'lifetime 0 with Alternate Care-of Address = NCoA: term still PCoA', lifetime=0, alt=NCOA,
    term=PCOA, use='parse')
fbu('fbu-nar-with-alternate', 'from the NAR\'s link with an Alternate Care-of Address: that is the term', link='nar', alt=NCOA2,
    term=NCOA2, use='parse')
fbu('fbu-max', 'largest sequence number and lifetime', seq_=65535, lifetime=65535)
fbu('fbu-one', 'sequence number 1, lifetime 1', seq_=1, lifetime=1)
fbu('fbu-high-bits', 'highest bits of sequence number and lifetime', seq_=32768, lifetime=32768)
fbu('fbu-sequence-0', 'sequence number 0 (follows 65535)', seq_=0)
fbu('fbu-flags-l-k', 'L and K set: ignored (GF24)', L=1, K=1)
fbu('fbu-flag-l', 'L set', L=1)
fbu('fbu-flag-k', 'K set', K=1)
fbu('fbu-reserved', 'all twelve Reserved bits set: ignored', res=0xfff)
fbu('fbu-header-reserved', 'Reserved octet of the Mobility Header set: ignored', use='parse', mh_res=0xff)
fbu('fbu-unknown-option', 'an unknown mobility option (200) before BADF: skipped, but under the MAC', use='parse',
    before=[m_raw('unknown', b'\xc8\3\1\2\3')])
fbu('fbu-length-with-spi', 'Option Length counts the SPI too (16 for AT 1): accepted, as the option then ends where the header ends (W18)',
    length=16, use='parse')
fbu('fbu-length-with-spi-at2', 'the same for AT 2: Length 20', at=2, length=20, use='parse')
fbu('fbu-length-with-spi-at3', 'the same for AT 3: Length 28', at=3, length=28, use='parse')
fbu('fbu-spi-1', 'SPI 1: unknown, dropped without a word (W23)', spi=1, use='parse', good=False)

t.comment('FBUs that parse and must not be believed; nothing is answered (W23)')
for at in (1, 2, 3, 4):
    fbu(f'fbu-bad-bit-at{at}', f'last bit of the authenticator flipped, {AT[at][0]}', at, use='parse', good=False,
        tamper=lambda a: a[:-1] + bytes([a[-1] ^ 1]))
    fbu(f'fbu-bad-first-bit-at{at}', f'first bit of the authenticator flipped, {AT[at][0]}', at, use='parse', good=False,
        tamper=lambda a: bytes([a[0] ^ 128]) + a[1:])
fbu('fbu-bad-key', 'made with another key (handover-key is the true one)', use='parse', good=False,
    tamper=lambda a: fixed('made-with-another-key', 12))
fbu('fbu-bad-term-source', 'from the PAR\'s link, but the MAC was made over the source PCoA as care-of address', term=PCOA, use='parse',
    good=False)
fbu('fbu-bad-zero-authenticator', 'authenticator all zero', use='parse', good=False, tamper=lambda a: bytes(len(a)))
fbu('fbu-bad-all-ones-authenticator', 'authenticator all ones', use='parse', good=False, tamper=lambda a: b'\xff' * len(a))
fbu('fbu-bad-no-ack', 'A clear (GF24): dropped', A=0, use='parse', good=True)
fbu('fbu-bad-no-home', 'H clear (GF24): dropped', H=0, use='parse', good=True)
fbu('fbu-bad-no-alternate', 'source PCoA, lifetime not 0, no Alternate Care-of Address (GF24): dropped', alt=False, term=PCOA,
    use='parse')
fbu('fbu-bad-no-home-address', 'no Home Address option (GF24): dropped', link='nar', hao=False, use='parse')

t.comment('FBUs that the parser or the checksum refuses')
fbu('fbu-refuse-checksum', 'checksum wrong', use='refuse', reason='checksum', bad_checksum=True)
src = PCOA
pk = wrap(NCOA, PAR, header(8, fbu_data(5, 30), [m_badf(1, bytes(12))]), PCOA)
mh_wrong = pk[1][:4] + u16(checksum(NCOA, PAR, 135, pk[1][:4] + b'\0\0' + pk[1][6:])) + pk[1][6:]
t.section('fbu-refuse-checksum-source', 'checksum over the IPv6 source instead of the Home Address (W15)', [
    ('use', 'refuse'), ('reason', 'checksum'), ('packet', pk[0][:64] + mh_wrong)])
fbu('fbu-refuse-badf-not-last', 'an unknown option behind BADF', use='refuse', reason='badf-not-last', good=False,
    tail=[m_raw('unknown', b'\xc8\6' + bytes(6))])


def refuse(name, about, mh, reason):
    packet, mh, c, pseudo = wrap(PCOA, PAR, mh, PCOA)
    t.section(name, about, [('use', 'refuse'), ('reason', reason), ('packet', packet), ('mobility-header', mh)])


good = header(8, fbu_data(5, 30), [m_alt(NCOA), m_badf(1, fixed('a', 12))])
refuse('fbu-refuse-no-badf', 'no BADF option', header(8, fbu_data(5, 30), [m_alt(NCOA)]), 'no-badf')
refuse('fbu-refuse-badf-length-8', 'Option Length 8: no algorithm has it',
       header(8, fbu_data(5, 30), [m_alt(NCOA), (Opt('badf', b'\x15\x08' + bytes(4) + bytes(8), []), (8, 2))]), 'badf-length')
refuse('fbu-refuse-badf-overrun', 'Option Length 13 runs past the end',
       good[:-18] + b'\x15\x0d' + good[-16:], 'badf-length')
refuse('fbu-refuse-badf-short', 'Option Length 4, fewer octets than stand there',
       good[:-18] + b'\x15\x04' + good[-16:], 'badf-length')
refuse('fbu-refuse-header-length', 'Header Len names more than there is', good[:1] + u8(good[1] + 1) + good[2:], 'header-length')
refuse('fbu-refuse-header-length-0', 'Header Len 0: no room for the fixed fields', b'\x3b\0\x08\0\0\0\0\5', 'short')
refuse('fbu-refuse-option-overrun', 'an option runs past the header',
       b'\x3b\2\x08\0\0\0' + fbu_data(5, 30) + b'\xc8\x20' + bytes(10), 'option-overrun')
refuse('fbu-refuse-option-cut', 'the last octet is an option type without a length',
       b'\x3b\2\x08\0\0\0' + fbu_data(5, 30) + b'\1\x09' + bytes(9) + b'\xc8', 'option-overrun')
refuse('fbu-refuse-alternate-length', 'Alternate Care-of Address of 15 octets',
       header(8, fbu_data(5, 30), [(Opt('x', b'\3\x0f' + raw(NCOA)[:15], []), (8, 6)), m_badf(1, bytes(12))]), 'option-length')
p, mh, c, _ = wrap(PCOA, PAR, good, PCOA)
t.section('fbu-refuse-payload-proto', 'Payload Proto is not 59 (RFC 6275 9.2: discard, Parameter Problem 0)', [
    ('use', 'refuse'), ('reason', 'payload-proto'),
    ('packet', wrap(PCOA, PAR, b'\x3a' + good[1:], PCOA)[0]), ('mobility-header', wrap(PCOA, PAR, b'\x3a' + good[1:], PCOA)[1])])

t.comment('Fast Binding Acknowledgment (9, RFC 5568 6.2.3); the MAC term is the NCoA of the FBU (W18), PCoA for lifetime 0 (GF22)')


def fback(name, about, at=1, status=0, dst=NCOA, seq_=0x1234, lifetime=30, K=0, res=0, alt=None, term=NCOA, **kw):
    opts = [m_alt(alt)] if alt else []
    message(name, about, PAR, dst, 9, u8(status) + u8(K << 7 | res) + u16(seq_) + u16(lifetime), opts, [
        ('status', status), ('key-management', K), ('sequence', seq_), ('lifetime', lifetime)], at, term, PAR,
        use=kw.pop('use', 'parse' if res or K else 'both'), **kw)


for at in (1, 2, 3, 4):
    fback(f'fback-at{at}', f'accepted, to the NCoA, {AT[at][0]}', at)
    fback(f'fback-old-link-at{at}', f'accepted, to the PCoA on the old link (W20): same MAC, other checksum, {AT[at][0]}', at, dst=PCOA)
    fback(f'fback-other-ncoa-at{at}', f'Status 1: use the address of the Alternate Care-of option, {AT[at][0]}', at, 1, PCOA, alt=NCOA2)
    fback(f'fback-end-at{at}', f'answer to lifetime 0: term PCoA, {AT[at][0]}', at, dst=PCOA, lifetime=0, term=PCOA)
fback('fback-use-pcoa', 'Status 1 with Alternate Care-of Address = PCoA (GF16)', status=1, dst=PCOA, alt=PCOA)
for s in (128, 129, 130, 131):
    fback(f'fback-status-{s}', f'refused with {s}, to the source of the FBU', status=s, dst=PCOA, lifetime=0)
fback('fback-status-135', 'sequence number out of window (GF23): holds the last accepted number', status=135, dst=PCOA, lifetime=0,
      seq_=0x1300)
fback('fback-status-255', 'all bits of Status', status=255, dst=PCOA, lifetime=0, use='parse')
fback('fback-max', 'largest sequence number and lifetime', seq_=65535, lifetime=65535)
fback('fback-one', 'smallest numbers', seq_=1, lifetime=1)
fback('fback-high-bits', 'highest bits of the numbers', seq_=32768, lifetime=32768)
fback('fback-flag-k', 'K set: ignored', K=1)
fback('fback-reserved', 'seven Reserved bits set: ignored', res=0x7f)
fback('fback-bad-bit', 'last bit of the authenticator flipped', use='parse', good=False,
      tamper=lambda a: a[:-1] + bytes([a[-1] ^ 1]))
fback('fback-bad-term', 'MAC made over the PCoA although the lifetime is not 0', term=PCOA, use='parse', good=False)
fback('fback-length-with-spi', 'Option Length counts the SPI (W18)', length=16, use='parse')


def plain(name, about, src, dst, typ, data, opts, fields, use='both', reason=None, mh_res=0):
    packet, mh, c, pseudo = wrap(src, dst, header(typ, data, opts, mh_res))
    t.section(name, about, [
        ('use', use), ('reason', reason), ('packet', packet), ('source', src), ('destination', dst), ('mobility-header', mh),
        ('header-length', mh[1]), ('mh-type', typ), ('checksum', c)] + fields + opt_fields(opts))


t.comment('Handover Initiate (14, RFC 5568 6.2.1.1)')


def hi(name, about, S=0, U=0, code=0, seq_=0x5a3c, opts=None, res=0, use=None):
    opts = [m_lla(2, MN_MAC), m_ip(1, 128, PCOA), m_ip(2, 128, NCOA)] if opts is None else opts
    plain(name, about, PAR, NAR, 14, u16(seq_) + u8(S << 7 | U << 6 | res) + u8(code), opts,
          [('sequence', seq_), ('assigned', S), ('buffer', U), ('code', code)], use or ('parse' if res else 'both'))


hi('hi', 'MH-LLA, PCoA, NCoA')
hi('hi-buffer', 'U set', U=1)
hi('hi-assign', 'S set, no NCoA proposed', S=1, opts=[m_lla(2, MN_MAC), m_ip(1, 128, PCOA)])
hi('hi-assign-buffer', 'S and U set', S=1, U=1)
hi('hi-code-1', 'Code 1: the FBU came from elsewhere than the PCoA', code=1)
hi('hi-sequence-max', 'largest sequence number', seq_=65535)
hi('hi-sequence-1', 'smallest', seq_=1)
hi('hi-lla-only', 'MH-LLA alone', opts=[m_lla(2, MN_MAC)])
hi('hi-reserved', 'six Reserved bits set: ignored', res=0x3f)
hi('hi-code-255', 'unknown Code', code=255, use='parse')
hi('hi-unknown-option', 'an unknown option first: skipped', opts=[m_raw('unknown', b'\xc8\1\7'), m_lla(2, MN_MAC), m_ip(1, 128, PCOA),
                                                                  m_ip(2, 128, NCOA)], use='parse')

t.comment('Handover Acknowledge (15, RFC 5568 6.2.1.2)')


def hack(name, about, code, opts=(), seq_=0x5a3c, res=0, use=None):
    plain(name, about, NAR, PAR, 15, u16(seq_) + u8(res) + u8(code), list(opts), [('sequence', seq_), ('code', code)],
          use or ('parse' if res else 'both'))


hack('hack-0', 'accepted', 0)
hack('hack-0-with-ncoa', 'accepted, NCoA repeated', 0, [m_ip(2, 128, NCOA)])
hack('hack-1', 'accepted, NCoA not valid, another one given', 1, [m_ip(2, 128, NCOA2)])
hack('hack-1-no-address', 'accepted, NCoA not valid, no other', 1)
hack('hack-2', 'NCoA assigned', 2, [m_ip(2, 128, NCOA2)])
hack('hack-3', 'use PCoA', 3)
hack('hack-4', 'unsolicited, with the PCoA', 4, [m_ip(1, 128, PCOA)], seq_=0)
for c_ in (128, 129, 130):
    hack(f'hack-{c_}', f'refused with {c_}', c_)
hack('hack-255', 'all bits of Code', 255, use='parse')
hack('hack-sequence-max', 'largest sequence number', 0, seq_=65535)
hack('hack-reserved', 'Reserved set: ignored', 0, res=0xff)

t.comment('Binding Error (7, RFC 6275 6.1.9)')
for s, about in ((1, 'unknown binding for the Home Address option'), (2, 'unknown Mobility Header type'), (255, 'all bits')):
    plain(f'binding-error-{s}', about, PAR, NCOA, 7, u8(s) + b'\0' + raw(PCOA), [], [('status', s), ('home-address', PCOA)],
          use='parse' if s == 255 else 'both')
plain('binding-error-reserved', 'Reserved set: ignored', PAR, NCOA, 7, b'\1\xff' + raw(PCOA), [], [('status', 1), ('home-address', PCOA)],
      use='parse')
plain('binding-error-no-home', 'Home Address :: (there was no such option)', PAR, NCOA, 7, b'\2\0' + bytes(16), [],
      [('status', 2), ('home-address', ip('::'))])
t.comment('a Mobility Header type that nobody knows: answered with Binding Error 2 (RFC 6275 9.2)')
plain('mh-type-unknown', 'type 200', NCOA, PAR, 200, bytes(2), [], [], use='parse')
t.write()
