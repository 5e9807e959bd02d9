#!/usr/bin/env python3
"""pki/*.der and pki.txt: SEND certification paths (RFC 3971 6.3, 6487, 6494, 3779), good and bad.

The certificates are put together octet by octet (RFC 5280, RFC 3779), so that the same keys give the
same files with every version of every library.  Serial numbers count up; all signatures are RSA
PKCS#1 v1.5 with SHA-256.
"""
from vectorlib import *

GOOD = ('200101000000Z', '21000101000000Z')
ROUTER, PROXIED_ROUTER, OWNER, PROXIED_OWNER = (f'1.3.6.1.5.5.7.3.{n}' for n in (23, 24, 25, 26))
os.makedirs(os.path.join(OUT, 'pki'), exist_ok=True)


def bits(value, n, width=128):
    """RFC 3779 2.2.3.8: BIT STRING of the first n bits"""
    octets = (n + 7) // 8
    return der(3, u8(octets * 8 - n) + (value >> (width - octets * 8)).to_bytes(octets, 'big'))


def prefix(text):
    a, n = text.split('/')
    return bits(int(ip(a)), int(n))


def address_range(lo, hi):
    """RFC 3779 2.2.3.9: trailing zeros of the low end and trailing ones of the high end are left out"""
    lo, hi = int(ip(lo)), int(ip(hi))
    zeros = (lo & -lo).bit_length() - 1 if lo else 128
    tail = ~hi & (2 ** 128 - 1)
    ones_ = (tail & -tail).bit_length() - 1 if tail else 128
    return seq(bits(lo, 128 - zeros), bits(hi & ~((1 << ones_) - 1), 128 - ones_))


def block(spec):
    if spec == 'inherit':
        return NULL
    parts = []
    for s in spec:
        parts.append(s if isinstance(s, bytes) else
                     address_range(*s.split('-')) if '-' in s else prefix(s))
    return seq(*parts)


def families(*pairs):
    return seq(*(seq(der(4, afi), block(spec)) for afi, spec in pairs))


V6, V6_SAFI, V4 = b'\0\2', b'\0\2\1', b'\0\1'


def extension(o, critical, value):
    return seq(oid(o), der(1, b'\xff') if critical else b'', der(4, value))


def name(cn):
    return seq(der(0x31, seq(oid('2.5.4.3'), der(0x13, cn.encode()))))


def time(s):
    return der(0x17 if len(s) == 13 else 0x18, s.encode())


SIGALG = {'sha256': seq(oid('1.2.840.113549.1.1.11'), NULL), 'sha1': seq(oid('1.2.840.113549.1.1.5'), NULL)}


class Cert:
    serial = 1000

    def __init__(self, file, subject, k, issuer=None, issuer_name=None, blocks=None, ca=False, eku=(ROUTER,),
                 validity=GOOD, signer=None, ski=True, aki=True, usage=None, basic=None, critical_ip=True,
                 resources=None, extra=b'', version=2, algo='sha256', flip=False, san=None):
        """blocks: IPv6 prefixes and ranges, 'inherit' or None; resources: ready IPAddrBlocks octets;
        issuer: the Cert above (None: self-signed); signer: a key that signs instead of the issuer's"""
        Cert.serial += 1
        self.file, self.subject, self.key = file, subject, key(k)
        self.subject_der = name(subject)
        parent = issuer or self
        if resources is None and blocks is not None:
            resources = families((V6, blocks))
        ext = b''
        if basic if basic is not None else ca:
            ext += extension('2.5.29.19', True, seq(der(1, b'\xff')))
        if ski:
            ext += extension('2.5.29.14', False, der(4, self.key.ski))
        if aki and issuer:
            ext += extension('2.5.29.35', False, seq(der(0x80, parent.key.ski if aki is True else aki)))
        usage = (der(3, b'\1\6') if ca else der(3, b'\7\x80')) if usage is None else usage
        if usage:
            ext += extension('2.5.29.15', True, usage)
        if eku and (not ca or eku != (ROUTER,)):
            ext += extension('2.5.29.37', False, seq(*(oid(x) for x in eku)))
        if san:
            ext += extension('2.5.29.17', False, seq(der(0x82, san.encode())))
        if resources is not None:
            ext += extension('1.3.6.1.5.5.7.1.7', critical_ip, resources)
        ext += extra
        self.tbs = seq(der(0xa0, integer(version)) if version else b'', integer(Cert.serial), SIGALG[algo],
                       name(issuer_name or parent.subject), seq(time(validity[0]), time(validity[1])),
                       self.subject_der, self.key.spki, der(0xa3, seq(ext)) if version == 2 else b'')
        sig = bytearray((key(signer) if signer else parent.key).sign(self.tbs, algo))
        if flip:
            sig[-1] ^= 1
        self.der = seq(self.tbs, SIGALG[algo], der(3, b'\0' + bytes(sig)))
        self.resources, self.eku, self.validity = resources, eku, validity
        with open(os.path.join(OUT, 'pki', file + '.der'), 'wb') as f:
            f.write(self.der)


t = Text('pki.txt', [
    'Certification paths of SEND routers: RFC 3971 6.3, RFC 6487, RFC 6494, RFC 3779.  Made by make_pki.py.',
    'Files are pki/NAME.der.  anchor: the configured trust anchor; path: certificates from the one below the',
    'anchor to the router\'s (the order of the Component numbers of Certification Path Advertisements).',
    'verdict: good or bad, in the RFC 6494 profile (W25) at time "now" (UTC) and for a Router Advertisement',
    'that is signed by message-key; verdict-legacy, where given: with the older RFC 3971 profile switched on.',
    'prefixes: what the router may advertise; prefix-refused: what it may not.  reason names the first rule',
    'that fails; an implementation may find another one first, only the verdict binds.'])

anchor = Cert('anchor', 'anchor', 'anchor-2048', blocks=['2001:db8::/32'], ca=True)
anchor2 = Cert('anchor2', 'anchor2', 'anchor2-2048', blocks=['2001:db8::/32'], ca=True)
anchor_fqdn = Cert('anchor-fqdn', 'anchor-fqdn', 'anchor-2048', blocks=['2001:db8::/32'], ca=True,
                   san='anchor.example.com')
ca = Cert('ca', 'ca', 'ca-2048', anchor, blocks=['2001:db8:a::/47'], ca=True)
ca2 = Cert('ca2', 'ca2', 'ca2-2048', ca, blocks=['2001:db8:a::/48'], ca=True)

P = ['2001:db8:a:1::/64']
t.comment('the certificates that most paths share')
for c, blocks in ((anchor, '2001:db8::/32'), (anchor2, '2001:db8::/32'),
                  (anchor_fqdn, '2001:db8::/32'), (ca, '2001:db8:a::/47'),
                  (ca2, '2001:db8:a::/48')):
    t.section('certificate-' + c.file, f'{c.file}.der', [
        ('certificate', c.der), ('subject', c.subject_der), ('key-file', c.key.name), ('ski', c.key.ski),
        ('subject-public-key-info', c.key.spki), ('ip-address-blocks', c.resources), ('prefixes', blocks)])


def path(nm, about, certs, verdict='good', reason=None, a=anchor, now='2026-06-01T00:00:00Z',
         message_key='ar-2048', prefixes=P, refused=('2001:db8:a:2::/64', '2001:db8::/32'), legacy=None,
         note=None):
    good = verdict == 'good'
    t.section(nm, about, [
        ('anchor', a.file), ('path', ' '.join(c.file for c in certs)), ('now', now), ('message-key', message_key),
        ('verdict', verdict), ('verdict-legacy', legacy), ('reason', reason),
        ('prefixes', ' '.join(prefixes) if good and prefixes else None),
        ('prefix-refused', ' '.join(refused) if good and refused else None),
        ('router-key-hash', certs[-1].key.key_hash), ('router-ski', certs[-1].key.ski),
        ('router-ip-address-blocks', certs[-1].resources), ('note', note)])


def router(nm, about, k='ar-2048', parent=ca, blocks=None, above=None, **kw):
    """one router certificate below `parent` and its path"""
    cert_kw = {x: kw.pop(x) for x in list(kw) if x in (
        'eku', 'validity', 'signer', 'ski', 'aki', 'usage', 'basic', 'critical_ip', 'resources', 'extra', 'version',
        'algo', 'flip', 'issuer_name', 'ca')}
    none = blocks == 'none'
    c = Cert(nm, 'router ' + nm, k, parent, blocks=None if none or 'resources' in cert_kw else blocks or P, **cert_kw)
    path(nm, about, (above if above is not None else [ca]) + [c], **kw)
    return c


t.comment('good')
router('good-router', 'anchor, CA, router: the ordinary path')
router('good-direct', 'router directly below the anchor', parent=anchor, above=[])
router('good-deep', 'two CAs between anchor and router', parent=ca2, above=[ca, ca2])
router('good-nar', 'another router, key ar2-2048', k='ar2-2048', blocks=['2001:db8:b:1::/64'], message_key='ar2-2048',
       prefixes=['2001:db8:b:1::/64'], refused=P)
router('good-two-prefixes', 'two prefixes', blocks=['2001:db8:a:1::/64', '2001:db8:b::/56'],
       prefixes=['2001:db8:a:1::/64', '2001:db8:b:7::/64'], refused=['2001:db8:a:2::/64', '2001:db8:b:100::/64'])
router('good-range', 'an address range 2001:db8:a:1:: to 2001:db8:a:3:ffff:...',
       blocks=['2001:db8:a:1::-2001:db8:a:3:ffff:ffff:ffff:ffff'],
       prefixes=['2001:db8:a:1::/64', '2001:db8:a:2::/63', '2001:db8:a:3::/64'],
       refused=['2001:db8:a::/64', '2001:db8:a:4::/64', '2001:db8:a::/62'])
router('good-inherit', 'router inherits the blocks of its CA (RFC 3779 2.2.3.5)', blocks='inherit',
       prefixes=['2001:db8:a:1::/64', '2001:db8:b:ffff::/64'], refused=['2001:db8:c::/64'])
ca_inherit = Cert('ca-inherit', 'ca-inherit', 'ca2-2048', anchor, blocks='inherit', ca=True)
router('good-ca-inherits', 'CA inherits from the anchor, router names its prefix', parent=ca_inherit, above=[ca_inherit])
router('good-inherit-twice', 'CA and router both inherit', parent=ca_inherit, above=[ca_inherit], blocks='inherit',
       prefixes=['2001:db8:a:1::/64', '2001:db8:ffff::/48'], refused=['2001:db9::/64'])
router('good-more-eku', 'sendRouter is one of several key purposes', eku=(OWNER, ROUTER))
router('good-whole-block', 'router owns the whole of its CA\'s blocks', blocks=['2001:db8:a::/47'],
       prefixes=['2001:db8:a::/48', '2001:db8:b::/48'], refused=['2001:db8:c::/48'])
router('good-with-ipv4', 'an IPv4 family before the IPv6 one is no obstacle to the IPv6 one: the CA holds both',
       parent=(ca46 := Cert('ca-with-ipv4', 'ca-with-ipv4', 'ca2-2048', (anchor46 := Cert(
           'anchor-with-ipv4', 'anchor-with-ipv4', 'anchor-2048', ca=True, resources=families(
               (V4, [bits(0x0a << 24, 8, 32)]), (V6, ['2001:db8::/32'])))), ca=True, resources=families(
                   (V4, [bits(0x0a01 << 16, 16, 32)]), (V6, ['2001:db8:a::/47'])))), above=[ca46], a=anchor46,
       resources=families((V4, [bits(0x0a0101 << 8, 24, 32)]), (V6, P)))
router('good-last-second', 'exactly notAfter', validity=('200101000000Z', '260601000000Z'),
       now='2026-06-01T00:00:00Z', note='RFC 5280 4.1.2.5: both ends belong to the validity; OpenSSL alone says expired at this second')
router('good-first-second', 'exactly notBefore', validity=('260601000000Z', '21000101000000Z'))

t.comment('key purpose (RFC 6494 7, W25, GS22)')
router('no-eku', 'no extended key usage', eku=(), verdict='bad', reason='eku', legacy='good')
router('eku-owner', 'only sendOwner (25)', eku=(OWNER,), verdict='bad', reason='eku')
router('eku-proxied-router', 'only sendProxiedRouter (24)', eku=(PROXIED_ROUTER,), verdict='bad', reason='eku')
router('eku-server-auth', 'only serverAuth', eku=('1.3.6.1.5.5.7.3.1',), verdict='bad', reason='eku')
ca_eku = Cert('ca-with-eku', 'ca-with-eku', 'ca2-2048', anchor, blocks=['2001:db8:a::/47'], ca=True, eku=(ROUTER, OWNER))
router('bad-ca-eku', 'the CA has an extended key usage (RFC 6487 4.8.5)', parent=ca_eku, above=[ca_eku], verdict='bad',
       reason='ca-eku')

t.comment('address blocks (RFC 3779, GS18, GS19)')
router('no-rfc3779', 'router without the address extension', blocks='none', verdict='bad', reason='no-address-blocks')
ca_none = Cert('ca-no-rfc3779', 'ca-no-rfc3779', 'ca2-2048', anchor, ca=True)
router('ca-without-rfc3779', 'CA without the address extension', parent=ca_none, above=[ca_none], verdict='bad',
       reason='no-address-blocks')
router('rfc3779-not-critical', 'the address extension is not critical (RFC 6487 4.8.10)', critical_ip=False,
       verdict='bad', reason='address-blocks-not-critical')
router('outside-parent', 'prefix outside the blocks of the CA', blocks=['2001:db8:c:1::/64'], verdict='bad',
       reason='not-contained')
router('wider-than-parent', 'prefix wider than the block of the CA', blocks=['2001:db8:8::/46'], verdict='bad',
       reason='not-contained')
router('partly-outside', 'one prefix inside and one outside: no intersection (GS18)',
       blocks=['2001:db8:a:1::/64', '2001:db8:c::/48'], verdict='bad', reason='not-contained')
router('range-over-the-edge', 'a range that leaves the CA\'s block', blocks=['2001:db8:b::-2001:db8:c:0:ffff:ffff:ffff:ffff'],
       verdict='bad', reason='not-contained')
router('null-prefix', '::/0 below a constrained CA (GS19)', blocks=['::/0'], verdict='bad', reason='not-contained')
ca_out = Cert('ca-outside', 'ca-outside', 'ca2-2048', anchor, blocks=['2001:db9:a::/48'], ca=True)
router('ca-outside-anchor', 'the CA leaves the blocks of the anchor', parent=ca_out, above=[ca_out],
       blocks=['2001:db9:a:1::/64'], verdict='bad', reason='not-contained')
router('ipv4-only', 'the extension has no IPv6 family', parent=ca46, above=[ca46], a=anchor46,
       resources=families((V4, [bits(0x0a0101 << 8, 24, 32)])), verdict='bad', reason='no-address-blocks')
router('with-safi', 'an address family with SAFI 1 (RFC 6487 4.8.10)', resources=families((V6_SAFI, P)), verdict='bad',
       reason='safi')
router('empty-blocks', 'an IPv6 family with an empty list', resources=families((V6, [])), verdict='bad', reason='empty-blocks')
router('not-sorted', 'blocks in the wrong order (RFC 3779 2.2.3.6)', blocks=['2001:db8:b::/64', '2001:db8:a:1::/64'],
       verdict='bad', reason='not-canonical')
router('not-merged', 'two adjacent prefixes that canonical form merges', blocks=['2001:db8:a::/64', '2001:db8:a:1::/64'],
       verdict='bad', reason='not-canonical')
router('range-as-prefix', 'a range that canonical form writes as a prefix', blocks=['2001:db8:a:1::-2001:db8:a:1:ffff:ffff:ffff:ffff'],
       verdict='bad', reason='not-canonical')
router('range-reversed', 'a range whose low end is above its high end',
       resources=families((V6, [seq(prefix('2001:db8:a:3::/64'), prefix('2001:db8:a:1::/64'))])), verdict='bad',
       reason='not-canonical')
router('unused-bits-set', 'unused bits of a BIT STRING are not zero (DER)', note='OpenSSL alone accepts it',
       resources=families((V6, [der(3, b'\4' + bytes.fromhex('20010db8000af8'))])), verdict='bad',
       reason='not-canonical')
router('prefix-too-long', 'a prefix of 136 bits', resources=families((V6, [der(3, b'\0' + raw('2001:db8:a:1::') + b'\0')])),
       verdict='bad', reason='not-canonical')
router('trailing-octets', 'octets behind IPAddrBlocks inside the extension', note='OpenSSL alone accepts it', resources=families((V6, P)) + NULL,
       verdict='bad', reason='not-canonical')

t.comment('time')
router('expired', 'notAfter has passed', validity=('200101000000Z', '210101000000Z'), verdict='bad', reason='expired')
router('not-yet-valid', 'notBefore lies ahead', validity=('20990101000000Z', '21000101000000Z'), verdict='bad',
       reason='not-yet-valid')
router('expired-one-second', 'one second behind notAfter', validity=('200101000000Z', '260601000000Z'),
       now='2026-06-01T00:00:01Z', verdict='bad', reason='expired')
ca_old = Cert('ca-expired', 'ca-expired', 'ca2-2048', anchor, blocks=['2001:db8:a::/47'], ca=True,
              validity=('200101000000Z', '210101000000Z'))
router('expired-ca', 'the CA has expired, the router certificate has not', parent=ca_old, above=[ca_old], verdict='bad',
       reason='expired')

t.comment('signatures and names')
router('bad-signature', 'one bit of the signature flipped', flip=True, verdict='bad', reason='signature')
router('signed-by-other', 'names the CA as issuer, signed with another key', signer='other-2048', verdict='bad',
       reason='signature')
router('unknown-anchor', 'issued by an anchor that is not configured', parent=anchor2, above=[], verdict='bad',
       reason='unknown-anchor')
router('issuer-name-differs', 'issuer name is not the subject of the certificate above', issuer_name='someone',
       verdict='bad', reason='issuer-name')
router('aki-differs', 'authority key identifier names another key', aki=key('other-2048').ski, verdict='bad', reason='aki')
router('sha1-signature', 'signed with SHA-1', algo='sha1', verdict='bad', reason='signature-algorithm')
path('missing-ca', 'the CA is left out', [Cert('missing-ca', 'router missing-ca', 'ar-2048', ca, blocks=P)],
     verdict='bad', reason='unknown-anchor')

t.comment('keys')
router('other-key', 'a perfect path for other-2048, but ar-2048 signed the message (W25)', k='other-2048', verdict='bad',
       reason='key-mismatch', message_key='ar-2048')
router('router-1024', 'router key of 1024 bits (GS21: 2048 in the RFC 6494 profile)', k='ar-1024', message_key='ar-1024',
       verdict='bad', reason='key-size', legacy='good')
router('router-3072', 'router key of 3072 bits: tolerated unless strict (GS21)', k='ar-3072', message_key='ar-3072')
router('router-e17', 'router key of 1024 bits with exponent 17', k='weird-1024-e17', message_key='weird-1024-e17',
       verdict='bad', reason='key-size')
router('router-e3', 'router key of 2048 bits with exponent 3 (GS21: 65537)', k='mn-2048-e3', message_key='mn-2048-e3',
       verdict='bad', reason='key-exponent')

t.comment('other rules of RFC 5280 and RFC 6487')
not_ca = Cert('ca-without-basic', 'ca-without-basic', 'ca2-2048', anchor, blocks=['2001:db8:a::/47'], ca=True, basic=False)
router('issuer-not-a-ca', 'the issuer has no basicConstraints', parent=not_ca, above=[not_ca], verdict='bad', reason='not-a-ca')
no_sign = Cert('ca-without-certsign', 'ca-without-certsign', 'ca2-2048', anchor, blocks=['2001:db8:a::/47'], ca=True,
               usage=der(3, b'\7\x80'))
router('issuer-may-not-sign', 'the issuer\'s keyUsage lacks keyCertSign', parent=no_sign, above=[no_sign], verdict='bad',
       reason='key-usage')
router('router-as-issuer', 'a router certificate used as issuer',
       parent=(mid := Cert('router-as-issuer-mid', 'router-as-issuer-mid', 'ar2-2048', ca, blocks=P)), above=[ca, mid],
       verdict='bad', reason='not-a-ca')
router('router-is-ca', 'the router certificate is a CA certificate', basic=True, verdict='bad', reason='router-is-ca')
router('no-ski', 'no subject key identifier', ski=False, verdict='bad', reason='ski')
router('no-aki', 'no authority key identifier', aki=False, verdict='bad', reason='aki')
router('no-key-usage', 'no keyUsage', usage=b'', verdict='bad', reason='key-usage')
router('key-usage-encipher', 'keyUsage is keyEncipherment', usage=der(3, b'\5\x20'), verdict='bad', reason='key-usage')
router('unknown-critical', 'an unknown critical extension', extra=extension('1.3.6.1.4.1.99999.1', True, NULL), verdict='bad',
       reason='unknown-critical')
router('unknown-not-critical', 'an unknown extension that is not critical: ignored',
       extra=extension('1.3.6.1.4.1.99999.1', False, NULL))
router('duplicate-extension', 'the key identifier extension is there twice',
       extra=extension('2.5.29.14', False, der(4, key('ar-2048').ski)), verdict='bad', reason='duplicate-extension')
router('version-1', 'an X.509 version 1 certificate', version=0, verdict='bad', reason='version')

t.comment('trust anchor names of the CPS (RFC 3971 6.4.3, RFC 6495 3)')
for c in (anchor, anchor2, anchor_fqdn):
    bitvalue = c.key.rsapublickey
    t.section('anchor-name-' + c.file, 'what names this anchor, by Name Type', [
        ('name-1', c.subject_der), ('name-2', b'\6anchor\7example\3com\0' if c is anchor_fqdn else None),
        ('name-3', hashlib.sha1(bitvalue).digest()), ('name-4', hashlib.sha224(bitvalue).digest()),
        ('name-5', hashlib.sha256(bitvalue).digest()), ('name-6', hashlib.sha384(bitvalue).digest()),
        ('name-7', hashlib.sha512(bitvalue).digest())])
t.write()
