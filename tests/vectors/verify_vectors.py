#!/usr/bin/env python3
"""Proves the RFC known answers of this directory: (1) values marked (rfc) are found in the RFC text, if
the folder $RFC_TEXTS (default ../rfc) holds rfc3779.txt and the others; without them these checks are
left out, (2) every value is recomputed with hashlib / a small DER coder.  Exit status 0 = all hold."""
import hashlib, ipaddress, os, re, sys
HERE = os.path.dirname(os.path.abspath(__file__)); RFC = os.environ.get('RFC_TEXTS', os.path.join(HERE, '..', 'rfc'))
sha1 = lambda b: hashlib.sha1(b).digest()
HAVE = os.path.exists(os.path.join(RFC, 'rfc3779.txt'))
fails = []; n = 0; left = 0
def ok(name, cond):
    global n, left
    if not HAVE and ' text ' in name: left += 1; return
    n += 1
    if not cond: fails.append(name); print('FAIL', name)
def load(fn):
    d = {}
    for l in open(os.path.join(HERE, fn), encoding='utf-8'):
        l = l.rstrip('\n')
        if not l or l.startswith('#'): continue
        k, x = l.rsplit(': ', 1)
        assert k not in d, k
        d[k] = bytes.fromhex(x)
    return d
def rfchex(num):
    """RFC text reduced to a hex-digit stream per run of printed hex groups (page breaks removed)"""
    if not HAVE: return ''
    t = open(os.path.join(RFC, f'rfc{num}.txt'), encoding='latin-1').read()
    t = '\n'.join(l for l in t.replace('\f', '').splitlines()
                  if not re.match(r'^(RFC \d+ .*\d{4}$|\S.*\[Page \d+\]$)', l))
    return re.sub(r'[\s:.,;]', '', t).lower()

# ---------------------------------------------------------------- RFC 3972 example
v = load('rfc3972-appendix-a.txt'); pk = v['public-key-spki']; sec = v['sec'][0]
M1 = 0x1cffffffffffffff
def verify(addr, p):
    """RFC 3972 section 5; returns True/False"""
    if len(p) < 25 or p[24] > 2 or p[16:24] != addr[:8]: return False
    h1 = int.from_bytes(sha1(p)[:8], 'big'); iid = int.from_bytes(addr[8:], 'big')
    if (h1 ^ iid) & M1: return False
    s = iid >> 61
    h2 = int.from_bytes(sha1(p[:16] + bytes(9) + p[25:])[:14], 'big')
    return h2 >> (112 - 16 * s) == 0 if s else True
def generate(mod, prefix, sec, cc=0, ext=b''):
    it = 0
    while True:
        it += 1
        h2 = int.from_bytes(sha1(mod + bytes(9) + pk + ext)[:14], 'big')
        if sec == 0 or h2 >> (112 - 16 * sec) == 0: break
        mod = ((int.from_bytes(mod, 'big') + 1) % 2**128).to_bytes(16, 'big')
    p = mod + prefix + bytes([cc]) + pk + ext
    h = bytearray(sha1(p)[:8]); h[0] = (h[0] & 0x1c) | (sec << 5)
    return prefix + bytes(h), p, it
t = rfchex(3972)
for k in ('public-key-spki', 'modifier-initial', 'modifier-final', 'hash2-initial', 'hash2-final', 'hash1',
          'cga-parameters', 'hash2-input-initial', 'hash2-input-final'):
    ok('3972 text ' + k, v[k].hex() in t)
ok('3972 text iid', '3c4a5bf6ffb4ca6c' in t); ok('3972 text mask1', v['mask1'].hex() in t)
for s in range(8):
    ok(f'3972 text mask2 sec{s}', v[f'mask2-sec{s}'].hex() in t)
    ok(f'mask2 sec{s}', int.from_bytes(v[f'mask2-sec{s}'], 'big') == ((1 << 112) - (1 << (112 - 16 * s))))
ok('3971 text tag', v['send-type-tag'].hex() in rfchex(3971))
ok('hash2 initial', sha1(v['hash2-input-initial']) == v['sha1-hash2-initial'] and v['sha1-hash2-initial'][:14] == v['hash2-initial'])
ok('hash2 final', sha1(v['hash2-input-final']) == v['sha1-hash2-final'] and v['sha1-hash2-final'][:14] == v['hash2-final'])
ok('hash2 inputs', v['hash2-input-initial'] == v['modifier-initial'] + bytes(9) + pk and v['hash2-input-final'] == v['modifier-final'] + bytes(9) + pk)
ok('initial fails, final passes Sec 1', v['hash2-initial'][:2] != b'\0\0' and v['hash2-final'][:2] == b'\0\0')
ok('parameters', v['cga-parameters'] == v['modifier-final'] + v['prefix'] + v['collision-count'] + pk)
ok('hash1', sha1(v['cga-parameters']) == v['sha1-hash1'] and v['sha1-hash1'][:8] == v['hash1'])
h = bytearray(v['hash1']); h[0] = (h[0] & 0x1c) | (sec << 5)
ok('iid', bytes(h) == v['interface-identifier']); ok('address', v['address'] == v['prefix'] + bytes(h))
a, p, it = generate(v['modifier-initial'], v['prefix'], sec)
ok('generate', (a, p, it) == (v['address'], v['cga-parameters'], 2))
ok('verify', verify(v['address'], v['cga-parameters']))
ok('key hash', sha1(pk)[:16] == v['key-hash-rfc3971'])
for cc in (1, 2):
    a, p, _ = generate(v['modifier-final'], v['prefix'], sec, cc)
    ok(f'collision {cc}', a == v[f'address-collision-{cc}'] and verify(a, p) and not verify(a, v['cga-parameters']))
g = bytes.fromhex('20010db800010000')
for cc in (0, 1, 2):
    a, p, it = generate(v['modifier-final'], g, sec, cc)
    ok(f'reuse {cc}', a == v[f'address-2001-db8-1-collision-{cc}'] and it == 1 and verify(a, p))
good = {v[f'address-equivalent-{i}'] for i in range(8)}; found = set()
for i in range(256):
    if i & 0x1c == v['hash1'][0] & 0x1c:
        x = v['prefix'] + bytes([i]) + v['hash1'][1:]
        if verify(x, v['cga-parameters']): found.add(x)
ok('exactly 4*(Sec+1) equivalents', found == good and len(good) == 8)
for bit in range(64):
    x = bytearray(v['address']); x[8 + bit // 8] ^= 0x80 >> (bit % 8)
    exp = bytes(x) in good
    ok(f'bit {bit}', verify(bytes(x), v['cga-parameters']) == exp and exp == (bit in (2, 6, 7)))
ok('bad sec2', not verify(v['address-bad-sec2'], v['cga-parameters']))
h = bytearray(v['hash1']); h[0] = (h[0] & 0x1c) | 0x40
ok('bad sec2 differs in Sec only', v['address-bad-sec2'] == v['prefix'] + bytes(h))
q = v['cga-parameters-initial-modifier']
ok('initial modifier', not verify(v['address-initial-modifier-sec1-bad'], q) and verify(v['address-initial-modifier-sec0-good'], q))
h = bytearray(sha1(q)[:8]); h[0] &= 0x1c
ok('initial modifier addresses', v['address-initial-modifier-sec0-good'] == v['prefix'] + bytes(h)
   and v['address-initial-modifier-sec1-bad'] == v['prefix'] + bytes([h[0] | 0x20]) + bytes(h[1:]))
q = bytearray(v['cga-parameters']); q[24] = 3
h = bytearray(sha1(bytes(q))[:8]); h[0] = h[0] & 0x1c
ok('count 3 refused', not verify(v['prefix'] + bytes(h), bytes(q)))
ok('extension', v['cga-parameters-ext'] == v['cga-parameters'] + v['extension-fields'] and verify(v['address-ext-sec0'], v['cga-parameters-ext'])
   and not verify(v['address-ext-sec0'], v['cga-parameters']) and not verify(v['address'], v['cga-parameters-ext']))
o = v['cga-option']
ok('option', o[0] == 11 and o[1] * 8 == len(o) and o[3] == 0 and o[4:len(o) - o[2]] == v['cga-parameters'] and not any(o[len(o) - o[2]:]))

# ---------------------------------------------------------------- RFC 3779
e = load('rfc3779-encodings.txt'); t = re.sub('0x', '', rfchex(3779))
def bits_enc(val, nbits, width):
    nb = (nbits + 7) // 8; un = nb * 8 - nbits
    body = (val >> (width - nbits) << un).to_bytes(nb, 'big') if nbits else b''
    return bytes([3, nb + 1, un]) + body
def bits_dec(b, width, fill):
    assert b[0] == 3 and b[1] == len(b) - 2 and b[2] < 8
    nbits = (len(b) - 3) * 8 - b[2]; x = int.from_bytes(b[3:], 'big')
    assert x & ((1 << b[2]) - 1) == 0
    x = (x >> b[2]) << (width - nbits)
    return x | ((1 << (width - nbits)) - 1 if fill else 0), nbits
for k, b in e.items():
    kind, _, what = k.partition(' ')
    if kind == 'bitstring':
        net = ipaddress.ip_network(what, strict=False); w = net.max_prefixlen; pl = int(what.split('/')[1])
        val = int(ipaddress.ip_address(what.split('/')[0]))
        ok(k, bits_enc(val, pl, w) == b and bits_dec(b, w, 0) == (val, pl))
        ok('3779 text ' + k, b.hex() in t)
    elif kind.startswith('range'):
        lo, hi = (int(ipaddress.ip_address(x)) for x in what.split('-')); w = 128 if ':' in what else 32
        if kind == 'range-min':
            nb = w - ((lo & -lo).bit_length() - 1) if lo else 0
            ok(k, bits_enc(lo, nb, w) == b and bits_dec(b, w, 0)[0] == lo)
        else:
            inv = (hi + 1); tz = (inv & -inv).bit_length() - 1; nb = w - tz
            ok(k, bits_enc(hi, nb, w) == b and bits_dec(b, w, 1)[0] == hi and any(b[3:]))
        ok('3779 text ' + k, b.hex() in t)
def der(b, i=0):
    tag, l = b[i], b[i + 1]; assert l < 128
    c = b[i + 2:i + 2 + l]; assert len(c) == l
    return tag, c, i + 2 + l
def seq(c):
    out = []; i = 0
    while i < len(c):
        tg, x, i = der(c, i); out.append((tg, x))
    return out
def blocks(ext):
    tg, c, end = der(ext); assert tg == 0x30 and end == len(ext)
    (o1, oid), (o2, crit), (o3, val) = seq(c)
    assert (o1, o2, o3) == (6, 1, 4) and oid.hex() == '2b06010505070107' and crit == b'\xff'
    res = []
    for tg, fam in seq(seq(val)[0][1]):
        (_, afi), (ct, ch) = seq(fam); w = 32 if afi[:2] == b'\0\1' else 128
        if ct == 5: res.append((afi.hex(), 'inherit')); continue
        l = []
        for tt, x in seq(ch):
            if tt == 3:
                b = bytes([3, len(x)]) + x; lo, nb = bits_dec(b, w, 0); l.append(str(ipaddress.ip_network((ipaddress.IPv4Address(lo) if w == 32 else ipaddress.IPv6Address(lo), nb))))
            else:
                (_, mn), (_, mx) = seq(x)
                A = ipaddress.IPv4Address if w == 32 else ipaddress.IPv6Address
                l.append(f"{A(bits_dec(bytes([3, len(mn)]) + mn, w, 0)[0])}-{A(bits_dec(bytes([3, len(mx)]) + mx, w, 1)[0])}")
        res.append((afi.hex(), l))
    return res
ok('extension-b1', blocks(e['extension-b1']) == [('000101', ['10.0.32.0/20', '10.0.64.0/24', '10.1.0.0/16', '10.2.48.0-10.2.64.255', '10.3.0.0/16']), ('0002', 'inherit')])
ok('extension-b2 printed', blocks(e['extension-b2-as-printed']) == [('000101', ['10.0.0.0/8', '176.16.0.0/12']), ('000102', 'inherit'), ('0002', ['2001:0:2::/48'])])
ok('extension-b2 corrected', blocks(e['extension-b2-corrected'])[0] == ('000101', ['10.0.0.0/8', '172.16.0.0/12']))

# ---------------------------------------------------------------- SKI, EKU
s = load('ski-and-eku.txt')
for tag, num in (('rfc6494-a', 6494), ('rfc6487-a', 6487)):
    t = rfchex(num)
    ok(tag + ' text modulus', s[tag + '-modulus'].hex() in t); ok(tag + ' text ski', s[tag + '-ski'].hex() in t)
    ok(tag + ' ski', sha1(s[tag + '-rsapublickey']) == s[tag + '-ski'])
    ok(tag + ' spki', s[tag + '-rsapublickey'] == s[tag + '-spki'][-len(s[tag + '-rsapublickey']):] and s[tag + '-modulus'] in s[tag + '-rsapublickey'])
    ok(tag + ' keyhash', sha1(s[tag + '-spki'])[:16] == s[tag + '-key-hash-rfc3971'])
for nme, k in (('sendRouter', 23), ('sendProxiedRouter', 24), ('sendOwner', 25), ('sendProxiedOwner', 26)):
    ok('eku ' + nme, s['eku-' + nme].hex() == '300a06082b060105050703' + f'{k:02x}')
print(f'{n} checks, {len(fails)} failed' + (f', {left} left out (no RFC texts)' if left else '')); sys.exit(bool(fails))
