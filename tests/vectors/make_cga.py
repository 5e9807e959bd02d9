#!/usr/bin/env python3
"""cga.txt: Cryptographically Generated Addresses: RFC 3972 4 (generation) and 5 (verification), RFC 4581, RFC 4982."""
from vectorlib import *

t = Text('cga.txt', [
    'CGA generation (RFC 3972 4) and verification (RFC 3972 5).  Made by make_cga.py.',
    'generate-*: from modifier-start, subnet-prefix, sec, collision-count, public-key and extension-fields come modifier',
    '(the first from modifier-start upwards whose Hash2 fits; tries counts it too), hash2 (leftmost 112 bits), hash1',
    '(leftmost 64 bits), cga-parameters and address.  verify-*: address and cga-parameters; verdict good or bad; step: the',
    'step of RFC 3972 5 that fails.  No Sec 2 modifier is made here: it takes 2^32 tries; one found by other means is kept',
    'beside the C++ tests.  Keys below every floor (small-512) test the bare hash rules, not SEND\'s policy.'])


def generate(name, about, k, prefix, start, sec=0, count=0, ext=b'', spki=None):
    spki = spki or key(k).spki
    modifier, tries = search_modifier(start, spki, sec, ext)
    p = cga_params(modifier, prefix, count, spki, ext)
    a = cga_address(p, sec)
    assert cga_verify(a, p) == ''
    t.section('generate-' + name, about, [
        ('key-file', k), ('public-key', spki), ('subnet-prefix', prefix), ('sec', sec), ('collision-count', count),
        ('extension-fields', ext), ('modifier-start', start), ('modifier', modifier), ('tries', tries),
        ('hash2-input', modifier + bytes(9) + spki + ext), ('hash2', cga_hash2(modifier, spki, ext)), ('hash1', sha1(p)[:8]),
        ('cga-parameters', p), ('address', a)])
    return a, p


def verify(name, about, a, p):
    step = cga_verify(a, p)
    t.section('verify-' + name, about, [('address', ip(raw(a))), ('cga-parameters', p), ('verdict', 'bad' if step else 'good'),
                                        ('step', step or None)])
    return step


M = MODIFIER_MN
t.comment('Sec 0: the first modifier always fits')
for k in ('mn-1024', 'mn-2048', 'mn-3072', 'mn-2048-e3', 'small-512', 'weird-2047', 'weird-1031', 'weird-1024-e17'):
    generate(f'sec0-{k}', f'key {k}', k, LL, M)
for c in (0, 1, 2):
    for nm, p in (('ll', LL), ('par', PAR_PREFIX), ('nar', NAR_PREFIX)):
        generate(f'sec0-count{c}-{nm}', f'collision count {c}, prefix {nm}', 'mn-2048', p, M, count=c)
generate('sec0-modifier-zero', 'modifier all zero', 'mn-1024', LL, bytes(16))
generate('sec0-modifier-ones', 'modifier all ones', 'mn-1024', LL, b'\xff' * 16)
generate('sec0-prefix-ones', 'prefix all ones', 'mn-1024', b'\xff' * 8, M)
for nm, ext in (('one', u16(0xfffd) + u16(3) + b'\1\2\3'), ('empty', u16(0xfffe) + u16(0)),
                ('two', u16(0xfffd) + u16(1) + b'\7' + u16(0xffff) + u16(2) + b'\x08\x09'),
                ('unknown', u16(0x0001) + u16(4) + fixed('extension', 4)), ('not-tlv', b'\xff\xff\xff'), ('one-octet', b'\0')):
    generate(f'sec0-extension-{nm}', f'extension fields: {nm}' + (' (GS29: hashed, else ignored)' if nm in ('not-tlv', 'one-octet') else ''),
             'mn-1024', LL, M, ext=ext)

t.comment('Sec 1: 16 bits of Hash2 are zero')
sec1 = []
for k in ('mn-1024', 'mn-2048', 'ar-2048'):
    sec1.append(generate(f'sec1-{k}', f'key {k}', k, LL, fixed('modifier-sec1', 16), 1))
A1, P1 = sec1[0]
M1 = P1[:16]
for c in (0, 1, 2):
    generate(f'sec1-reuse-count{c}', f'the modifier of generate-sec1-mn-1024 again, other prefix, count {c}: one try',
             'mn-1024', PAR_PREFIX, M1, 1, c)
generate('sec1-extension', 'with an extension field: part of Hash2', 'mn-1024', LL, fixed('modifier-sec1', 16), 1,
         ext=u16(0xfffd) + u16(3) + b'\1\2\3')
generate('sec1-modifier-wraps', 'the search starts at all ones: the modifier wraps to zero', 'mn-1024', LL, b'\xff' * 16, 1)

t.comment('verification')
P0 = cga_params(M, LL, 0, key('mn-1024'))
A0 = cga_address(P0)
verify('sec0', 'good', A0, P0)
verify('sec1', 'good', A1, P1)


def with_iid(a, f):
    b = bytearray(raw(a))
    f(b)
    return ip(bytes(b))


def setter(pos, mask, value):
    def f(b):
        b[pos] = b[pos] & ~mask & 0xff | value
    return f


for u in (0, 1):
    for g in (0, 1):
        verify(f'u{u}-g{g}', f'u = {u}, g = {g}: the two bits are ignored', with_iid(A0, setter(8, 3, u << 1 | g)), P0)
verify('sec1-parameters-sec0-address', 'an address that claims less than the parameters could: good', with_iid(A1, setter(8, 0xe0, 0)), P1)
for s in range(1, 8):
    verify(f'sec0-parameters-claims-sec{s}', f'Sec {s} in the address, Hash2 does not fit', with_iid(A0, setter(8, 0xe0, s << 5)), P0)
for s in range(2, 8):
    verify(f'sec1-parameters-claims-sec{s}', f'Sec {s} in the address, Hash2 fits Sec 1 only', with_iid(A1, setter(8, 0xe0, s << 5)), P1)
for bit in range(64):
    verify(f'flip-iid-{bit}', f'bit {bit} of the interface identifier flipped (bits 0 to 2 are Sec, 6 and 7 are u and g)',
           with_iid(A0, lambda b: b.__setitem__(8 + bit // 8, b[8 + bit // 8] ^ 128 >> bit % 8)), P0)
for bit in (0, 31, 63):
    verify(f'flip-prefix-{bit}', f'bit {bit} of the prefix of the address flipped',
           with_iid(A0, lambda b: b.__setitem__(bit // 8, b[bit // 8] ^ 128 >> bit % 8)), P0)
for nm, pos in (('modifier-first', 0), ('modifier-last', 15), ('prefix', 23), ('key-first', 25), ('key-middle', 100), ('key-last', len(P0) - 1)):
    q = bytearray(P0)
    q[pos] ^= 1
    verify(f'flip-parameters-{nm}', f'one bit of octet {pos} of the parameters flipped', A0, bytes(q))
for c in (1, 2):
    verify(f'count-{c}-with-address-of-0', 'collision count in the parameters changed', A0, cga_params(M, LL, c, key('mn-1024')))
for c in (3, 4, 128, 255):
    p = cga_params(M, LL, c, key('mn-1024'))
    verify(f'count-{c}', f'collision count {c}, Hash1 fits', cga_address(p), p)
verify('extension-missing', 'extension field left out', cga_address(cga_params(M, LL, 0, key('mn-1024'), b'\xff\xfd\0\0')), P0)
verify('extension-added', 'octets added behind the key', A0, P0 + b'\0')
p = cga_params(M, LL, 0, key('mn-1024'), b'\xff\xff\xff')
verify('extension-not-tlv', 'extension octets that are no TLV: hashed, else ignored (GS29)', cga_address(p), p)
verify('parameters-24-octets', 'shorter than the fixed part', A0, P0[:24])
verify('parameters-empty', 'no octets', A0, b'')
t.write()
