"""Helpers of the make_*.py scripts: octets, addresses, checksums, RSA, CGA, ND and Mobility options.

Written from the RFC texts alone; it shares nothing with the C++ code that the vectors test.
Everything here is deterministic.  RSA is plain pow() on keys read from keys/*.pem.
"""
import base64
import hashlib
import hmac
import ipaddress
import os

HERE = os.path.dirname(os.path.abspath(__file__))
OUT = os.environ.get('VECTOR_OUT', HERE)      # make_all points this at a temporary folder


# ------------------------------------------------------------------ octets
def u8(x):
    return x.to_bytes(1, 'big')


def u16(x):
    return x.to_bytes(2, 'big')


def u32(x):
    return x.to_bytes(4, 'big')


def u64(x):
    return x.to_bytes(8, 'big')


def ip(text):
    return ipaddress.IPv6Address(text)


def raw(a):
    return (a if isinstance(a, ipaddress.IPv6Address) else ip(a)).packed


def fixed(label, n):
    """n octets that look random and never change"""
    out, i = b'', 0
    while len(out) < n:
        out += hashlib.sha256(f'{label}/{i}'.encode()).digest()
        i += 1
    return out[:n]


def fixed_nonzero(label, n):
    return bytes(b for b in fixed(label, 4 * n + 64) if b)[:n]


def sha1(b):
    return hashlib.sha1(b).digest()


# ------------------------------------------------------------------ output
class Text:
    """One vector file: [section] lines and `key = value` lines"""

    def __init__(self, name, head):
        self.name, self.seen = name, set()
        self.lines = ['# ' + h if h else '#' for h in head]

    def comment(self, *texts):
        self.lines += [''] + ['# ' + t for t in texts]

    def section(self, name, about, pairs):
        assert name not in self.seen, name
        assert name == name.lower() and all(c.isalnum() or c in '-.' for c in name), name
        self.seen.add(name)
        self.lines += ['', f'[{name}]', f'about = {about}']
        keys = {'about'}
        for k, v in pairs:
            if v is None:
                continue
            assert k not in keys, (name, k)
            keys.add(k)
            self.lines.append(f'{k} = {show(v)}'.rstrip())

    def write(self):
        path = os.path.join(OUT, self.name)
        with open(path, 'w', encoding='ascii', newline='\n') as f:
            f.write('\n'.join(self.lines) + '\n')
        print(f'{self.name}: {len(self.seen)} sections')


def show(v):
    if isinstance(v, bool):
        return '1' if v else '0'
    if isinstance(v, (bytes, bytearray)):
        return bytes(v).hex()
    return str(v)


FORM = [
    'Form: [section], then "key = value": hex for octets (an empty value: no octets), decimal for',
    'numbers, 0 or 1 for flags, textual IPv6 for addresses.  "use": both = parse and emit give these',
    'octets; parse = legal to receive, but an emitter would write it otherwise (reserved bits,',
    'padding that is not zero); refuse = the parser must refuse it.',
]


# ------------------------------------------------------------------ checksum and packets
def ones(data):
    if len(data) & 1:
        data += b'\0'
    s = sum(int.from_bytes(data[i:i + 2], 'big') for i in range(0, len(data), 2))
    while s >> 16:
        s = (s & 0xffff) + (s >> 16)
    return s


def checksum(src, dst, nh, data):
    """RFC 8200 8.1 / RFC 4443 2.3 over data, whose checksum field must hold zero"""
    c = ones(raw(src) + raw(dst) + u32(len(data)) + bytes(3) + u8(nh) + data) ^ 0xffff
    return c


def ipv6(src, dst, nh, payload, hop=255, tc=0, flow=0, length=None):
    return (u32(6 << 28 | tc << 20 | flow) + u16(len(payload) if length is None else length)
            + u8(nh) + u8(hop) + raw(src) + raw(dst) + payload)


def icmp(src, dst, typ, code, body):
    """ICMPv6 message with its checksum; returns (octets, checksum)"""
    m = u8(typ) + u8(code) + bytes(2) + body
    c = checksum(src, dst, 58, m)
    return m[:2] + u16(c) + m[4:], c


# ------------------------------------------------------------------ DER (definite lengths)
def der(tag, content):
    n = len(content)
    if n < 128:
        ln = u8(n)
    else:
        b = n.to_bytes((n.bit_length() + 7) // 8, 'big')
        ln = u8(0x80 | len(b)) + b
    return u8(tag) + ln + content


def seq(*parts):
    return der(0x30, b''.join(parts))


def integer(n):
    return der(2, n.to_bytes(n.bit_length() // 8 + 1, 'big'))


def oid(text):
    a = [int(x) for x in text.split('.')]
    out = [a[0] * 40 + a[1]] + a[2:]
    b = b''
    for x in out:
        c = u8(x & 0x7f)
        while x >> 7:
            x >>= 7
            c = u8(x & 0x7f | 0x80) + c
        b += c
    return der(6, b)


NULL = b'\x05\x00'
RSA_ALG = seq(oid('1.2.840.113549.1.1.1'), NULL)


def spki_of(n, e):
    return seq(RSA_ALG, der(3, b'\0' + seq(integer(n), integer(e))))


def read_tlv(b, i=0):
    tag, ln, i = b[i], b[i + 1], i + 2
    if ln & 0x80:
        k = ln & 0x7f
        ln, i = int.from_bytes(b[i:i + k], 'big'), i + k
    assert i + ln <= len(b)
    return tag, b[i:i + ln], i + ln


def read_seq(b):
    out, i = [], 0
    while i < len(b):
        t, c, i = read_tlv(b, i)
        out.append((t, c))
    return out


# ------------------------------------------------------------------ RSA
class Key:
    def __init__(self, name):
        self.name = name
        text = open(os.path.join(HERE, 'keys', name + '.pem')).read()
        b = base64.b64decode(''.join(x for x in text.splitlines() if not x.startswith('-')))
        pkcs8 = read_seq(read_tlv(b)[1])
        assert pkcs8[1] == (0x30, RSA_ALG[2:])
        nums = [int.from_bytes(c, 'big') for _, c in read_seq(read_tlv(pkcs8[2][1])[1])]
        _, self.n, self.e, self.d = nums[:4]
        self.k = (self.n.bit_length() + 7) // 8
        self.bits = self.n.bit_length()
        self.rsapublickey = seq(integer(self.n), integer(self.e))
        self.spki = spki_of(self.n, self.e)
        self.key_hash = sha1(self.spki)[:16]
        self.ski = sha1(self.rsapublickey)

    def private(self, m):
        return pow(int.from_bytes(m, 'big'), self.d, self.n).to_bytes(self.k, 'big')

    def public(self, m):
        return pow(int.from_bytes(m, 'big'), self.e, self.n).to_bytes(self.k, 'big')

    def sign(self, data, algo='sha1'):
        """RSASSA-PKCS1-v1_5 (RFC 8017 8.2.1)"""
        info = {'sha1': '3021300906052b0e03021a05000414',
                'sha256': '3031300d060960864801650304020105000420'}[algo]
        t = bytes.fromhex(info) + hashlib.new(algo, data).digest()
        em = b'\0\1' + b'\xff' * (self.k - 3 - len(t)) + b'\0' + t
        return self.private(em)

    def encrypt(self, message, padding):
        """RSAES-PKCS1-v1_5 (RFC 8017 7.2.1) with the given PS octets"""
        em = b'\0\2' + padding + b'\0' + message
        assert len(em) == self.k and len(padding) >= 8 and 0 not in padding
        return self.public(em)


_keys = {}


def key(name):
    if name not in _keys:
        _keys[name] = Key(name)
    return _keys[name]


# ------------------------------------------------------------------ CGA (RFC 3972)
def cga_hash2(modifier, k, ext=b''):
    spki = k if isinstance(k, bytes) else k.spki
    return sha1(modifier + bytes(9) + spki + ext)[:14]


def cga_params(modifier, prefix, count, k, ext=b''):
    spki = k if isinstance(k, bytes) else k.spki
    return modifier + prefix + u8(count) + spki + ext


def cga_address(params, sec=0):
    h = bytearray(sha1(params)[:8])
    h[0] = (h[0] & 0x1c) | sec << 5
    return ip(params[16:24] + bytes(h))


def cga_verify(address, params):
    """RFC 3972 5; returns '' or the name of the step that fails"""
    a = raw(address)
    if len(params) < 25:
        return 'short'
    if params[24] > 2:
        return 'collision-count'
    if params[16:24] != a[:8]:
        return 'prefix'
    mask = 0x1cffffffffffffff
    if (int.from_bytes(sha1(params)[:8], 'big') ^ int.from_bytes(a[8:], 'big')) & mask:
        return 'hash1'
    sec = a[8] >> 5
    h2 = sha1(params[:16] + bytes(9) + params[25:])[:14]
    if any(h2[:2 * sec]):
        return 'hash2'
    return ''


class Cga:
    """An address with what proves it"""

    def __init__(self, k, prefix, modifier, sec=0, count=0, ext=b''):
        self.key = key(k) if isinstance(k, str) else k
        self.params = cga_params(modifier, prefix, count, self.key, ext)
        self.modifier, self.prefix, self.sec, self.count = modifier, prefix, sec, count
        self.address = cga_address(self.params, sec)
        assert cga_verify(self.address, self.params) == ''


def search_modifier(start, k, sec, ext=b''):
    """Hash2 search of RFC 3972 4; returns (modifier, tries)"""
    m, tries = int.from_bytes(start, 'big'), 0
    while True:
        tries += 1
        b = (m % 2 ** 128).to_bytes(16, 'big')
        if not any(cga_hash2(b, k, ext)[:2 * sec]):
            return b, tries
        m += 1


LL = raw('fe80::')[:8]
PAR_PREFIX = raw('2001:db8:a:1::')[:8]
NAR_PREFIX = raw('2001:db8:b:1::')[:8]


# ------------------------------------------------------------------ ND options
class Opt:
    """octets, kind and decoded fields of one option"""

    def __init__(self, kind, octets, fields, use='both'):
        self.kind, self.octets, self.fields, self.use = kind, octets, fields, use


def pad8(b, fill=0):
    return bytes([fill]) * (-len(b) % 8)


def nd(typ, content, pad=None):
    """Type, Length, content, padded to a multiple of 8"""
    b = content + (pad8(u16(0) + content) if pad is None else pad)
    n = len(b) + 2
    assert n % 8 == 0 and n // 8 < 256, n
    return u8(typ) + u8(n // 8) + b


def o_sll(mac):
    return Opt('source-link-address', nd(1, mac), [('link-address', mac)])


def o_tll(mac):
    return Opt('target-link-address', nd(2, mac), [('link-address', mac)])


def o_pio(prefix, plen, L=1, A=1, R=0, valid=2592000, preferred=604800, res1=0, res2=0):
    b = nd(3, u8(plen) + u8(L << 7 | A << 6 | R << 5 | res1) + u32(valid) + u32(preferred)
           + u32(res2) + raw(prefix))
    return Opt('prefix-information', b,
               [('prefix-length', plen), ('on-link', L), ('autonomous', A), ('router-address', R),
                ('valid-lifetime', valid), ('preferred-lifetime', preferred), ('prefix', ip(prefix))],
               'parse' if res1 or res2 else 'both')


def o_redirected(packet, res=b'\0' * 6):
    return Opt('redirected-header', nd(4, res + packet),
               [('redirected-octets', packet), ('padding-length', -len(packet) % 8)],
               'parse' if any(res) else 'both')


def o_mtu(mtu, res=0):
    return Opt('mtu', nd(5, u16(res) + u32(mtu)), [('mtu', mtu)], 'parse' if res else 'both')


def o_cga(params, res=0, pad=None):
    pl = -(4 + len(params)) % 8
    pad = bytes(pl) if pad is None else pad
    return Opt('cga', nd(11, u8(len(pad)) + u8(res) + params + pad, b''),
               [('pad-length', len(pad)), ('cga-parameters', params), ('modifier', params[:16]),
                ('subnet-prefix', params[16:24]), ('collision-count', params[24]),
                ('public-key', spki_part(params[25:])),
                ('extension-fields', params[25 + len(spki_part(params[25:])):])],
               'parse' if res or any(pad) or len(pad) > 7 else 'both')


def spki_part(b):
    ln = b[1] if b[1] < 128 else int.from_bytes(b[2:2 + (b[1] & 127)], 'big')
    return b[:ln + 2 + (b[1] & 127 if b[1] & 128 else 0)]


def o_rsa(key_hash, signature, res=0, pad=None):
    body = u16(res) + key_hash + signature
    pad = pad8(u16(0) + body) if pad is None else pad
    return Opt('rsa-signature', nd(12, body + pad, b''),
               [('key-hash', key_hash), ('signature', signature), ('padding-length', len(pad))],
               'parse' if res or any(pad) or len(pad) > 7 else 'both')


def o_timestamp(seconds, fraction, res=b'\0' * 6):
    return Opt('timestamp', nd(13, res + (seconds << 16 | fraction).to_bytes(8, 'big')),
               [('timestamp', seconds << 16 | fraction), ('seconds', seconds), ('fraction', fraction)],
               'parse' if any(res) else 'both')


def o_nonce(n):
    return Opt('nonce', nd(14, n, b''), [('nonce', n)])


def o_anchor(name_type, name, pad=None, extra=()):
    pad = bytes(-(4 + len(name)) % 8) if pad is None else pad
    return Opt('trust-anchor', nd(15, u8(name_type) + u8(len(pad)) + name + pad, b''),
               [('name-type', name_type), ('pad-length', len(pad)), ('name', name)] + list(extra),
               'parse' if any(pad) or len(pad) > 7 else 'both')


def o_certificate(cert, cert_type=1, res=0):
    return Opt('certificate', nd(16, u8(cert_type) + u8(res) + cert),
               [('cert-type', cert_type), ('certificate', cert),
                ('padding-length', -(4 + len(cert)) % 8)], 'parse' if res else 'both')


def o_ip(code, plen, address, res=0):
    return Opt('ip-address-prefix', nd(17, u8(code) + u8(plen) + u32(res) + raw(address)),
               [('option-code', code), ('prefix-length', plen), ('address', ip(address))],
               'parse' if res else 'both')


def o_lla(code, lla, pad=None):
    return Opt('link-layer-address', nd(19, u8(code) + lla, pad),
               [('option-code', code), ('link-address', lla)], 'parse' if pad and any(pad) else 'both')


def o_wildcard(content=b'\0' * 5):
    return Opt('link-layer-address-wildcard', nd(19, u8(0) + content), [('option-code', 0)],
               'both' if content == bytes(5) else 'parse')


def o_naack(status, ncoa=None, res=0, code=0):
    return Opt('naack', nd(20, u8(code) + u8(status) + u32(res) + (raw(ncoa) if ncoa else b'')),
               [('option-code', code), ('status', status), ('has-new-coa', ncoa is not None)]
               + ([('new-coa', ip(ncoa))] if ncoa else []), 'parse' if res or code else 'both')


def o_route(prefix, plen, prf, lifetime, octets=None, res_high=0, res_low=0):
    """prf is the 2-bit code as on the wire: 1 high, 0 medium, 3 low, 2 reserved"""
    least = 0 if plen == 0 else 8 if plen <= 64 else 16
    octets = least if octets is None else octets
    return Opt('route-information',
               nd(24, u8(plen) + u8(res_high << 5 | prf << 3 | res_low) + u32(lifetime) + raw(prefix)[:octets]),
               [('prefix-length', plen), ('preference', prf), ('route-lifetime', lifetime),
                ('prefix', ip(prefix))], 'parse' if res_high or res_low or octets != least or prf == 2 else 'both')


def o_hk_request(at, spki, res=0, pad=None):
    pad = bytes(-(4 + len(spki)) % 8) if pad is None else pad
    return Opt('handover-key-request', nd(27, u8(len(pad)) + u8(at << 4 | res) + spki + pad, b''),
               [('pad-length', len(pad)), ('algorithm-type', at), ('public-key', spki)],
               'parse' if res or any(pad) or len(pad) > 7 else 'both')


def o_hk_reply(at, lifetime, ciphertext, res=0, pad=None):
    pad = bytes(-(6 + len(ciphertext)) % 8) if pad is None else pad
    return Opt('handover-key-reply',
               nd(28, u8(len(pad)) + u8(at << 4 | res) + u16(lifetime) + ciphertext + pad, b''),
               [('pad-length', len(pad)), ('algorithm-type', at), ('key-lifetime', lifetime),
                ('encrypted-key', ciphertext)], 'parse' if res or any(pad) or len(pad) > 7 else 'both')


def listing(options):
    """fields that describe a list of options inside a message"""
    out = [('option-count', len(options))]
    for i, o in enumerate(options, 1):
        out += [(f'option-{i}', o.octets), (f'option-{i}-kind', o.kind)]
        out += [(f'option-{i}-{k}', v) for k, v in o.fields]
    return out


def join(options):
    return b''.join(o.octets for o in options)


# ------------------------------------------------------------------ SEND (RFC 3971 5.2)
SEND_TAG = bytes.fromhex('086fca5e10b200c99c8ce00164277c08')


class Signed:
    """A SEND message: W2's rule for the checksum that is signed"""

    def __init__(self, src, dst, typ, code, fixed_part, options, k, key_hash=None, pad=None):
        body = fixed_part + join(options)
        short, self.signed_checksum = icmp(src, dst, typ, code, body)
        self.signature_input = SEND_TAG + raw(src) + raw(dst) + short
        self.signature = k.sign(self.signature_input)
        self.rsa = o_rsa(key_hash or k.key_hash, self.signature, pad=pad)
        self.options = list(options) + [self.rsa]
        self.finish(src, dst, typ, code, fixed_part)

    def finish(self, src, dst, typ, code, fixed_part):
        self.message, self.checksum = icmp(src, dst, typ, code, fixed_part + join(self.options))
        self.packet = ipv6(src, dst, 58, self.message)


# ------------------------------------------------------------------ algorithm types (W13)
AT = {1: ('hmac-sha1-96', 20, 12), 2: ('hmac-sha256-128', 32, 16),
      3: ('hmac-sha384-192', 48, 24), 4: ('aes-128-cmac-96', 16, 12)}


def handover_key(at, label='handover-key'):
    return fixed(f'{label}-at{at}', AT[at][1])


def full_mac(at, k, data):
    if at == 4:
        from cryptography.hazmat.primitives.ciphers import algorithms
        from cryptography.hazmat.primitives.cmac import CMAC
        c = CMAC(algorithms.AES(k))
        c.update(data)
        return c.finalize()
    return hmac.new(k, data, {1: 'sha1', 2: 'sha256', 3: 'sha384'}[at]).digest()


def mac(at, k, data):
    return full_mac(at, k, data)[:AT[at][2]]


# ------------------------------------------------------------------ shared actors
MN_MAC = bytes.fromhex('02005e10a7c3')
PAR_MAC = bytes.fromhex('02005e0a0001')
NAR_MAC = bytes.fromhex('02005e0b0001')
AP1 = bytes.fromhex('02005eaa0001')
AP2 = bytes.fromhex('02005eaa0002')
MODIFIER_MN = fixed('modifier-mn', 16)
MODIFIER_AR = fixed('modifier-ar', 16)
ALL_NODES, ALL_ROUTERS = ip('ff02::1'), ip('ff02::2')


def mn(size='2048', prefix=PAR_PREFIX, **kw):
    return Cga(f'mn-{size}', prefix, MODIFIER_MN, **kw)


def ar(name='ar-2048', prefix=LL, **kw):
    return Cga(name, prefix, MODIFIER_AR, **kw)
