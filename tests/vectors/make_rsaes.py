#!/usr/bin/env python3
"""rsaes.txt: RSAES-PKCS1-v1_5 ciphertexts (RFC 8017 7.2) under the handover key encryption keys, good and bad."""
from vectorlib import *

t = Text('rsaes.txt', [
    'RSAES-PKCS1-v1_5 decryption: RFC 8017 7.2.2, RFC 5269 4.2, W12, W14.  Made by make_rsaes.py with pow().',
    'encoded: the block EM = 00 02 PS 00 M before encryption; ciphertext: what the option carries; outcome: good (the',
    'handover key comes out) or fail (one indistinct failure).  algorithm-type: that of the reply, whose key length W14',
    'demands.  pkcs1: what a bare PKCS#1 v1.5 decryption says without W14: good or fail; message: what it gives.',
    'Only outcome binds; why explains.'])


def put(name, about, k, em, at, outcome, pkcs1=None, message=None, why=None, ciphertext=None):
    ct = k.public(em) if ciphertext is None else ciphertext
    t.section(name, about, [
        ('key-file', k.name), ('algorithm-type', at), ('outcome', outcome), ('why', why), ('ciphertext', ct), ('encoded', em),
        ('pkcs1', pkcs1 or outcome), ('message', message), ('handover-key', message if outcome == 'good' else None)])


def block(k, m, label='ps'):
    return b'\0\2' + fixed_nonzero(label, k.k - 3 - len(m)) + b'\0' + m


t.comment('good')
for name in ('hke-1024', 'hke-2048', 'hke-3072', 'hke-2048-e3'):
    k = key(name)
    for at in AT:
        hk = handover_key(at)
        put(f'good-{name}-at{at}', f'{len(hk)} octets for AT {at}', k, block(k, hk), at, 'good', message=hk)
K = key('hke-2048')
HK = handover_key(1)
for nm, hk in (('zero', bytes(20)), ('ones', b'\xff' * 20), ('leading-zero', b'\0\0\0' + fixed('hk', 17))):
    put(f'good-key-{nm}', f'handover key {nm}: octets are no padding', K, block(K, hk), 1, 'good', message=hk)
put('good-ps-ones', 'padding string of FF only', K, b'\0\2' + b'\xff' * (256 - 3 - 20) + b'\0' + HK, 1, 'good', message=HK)
put('good-ps-01', 'padding string of 01 only', K, b'\0\2' + b'\x01' * (256 - 3 - 20) + b'\0' + HK, 1, 'good', message=HK)
i = 0
while True:
    em = block(K, HK, f'ps-{i}')
    if K.public(em)[0] == 0:
        break
    i += 1
put('good-ciphertext-leading-zero', 'the ciphertext starts with a zero octet', K, em, 1, 'good', message=HK)
k = key('weird-1031')
put('good-weird-1031', 'modulus of 1031 bits: ciphertext of 129 octets', k, block(k, HK), 1, 'good', message=HK)

t.comment('decrypts, but the key has not the length that AT demands (W14)')
for at, n in ((1, 19), (1, 21), (1, 16), (1, 32), (1, 48), (2, 20), (2, 31), (2, 33), (3, 32), (3, 47), (4, 15), (4, 20), (1, 0), (2, 64)):
    m = fixed('key-of-wrong-length', n)
    put(f'length-at{at}-{n}', f'{n} octets for AT {at}', K, block(K, m), at, 'fail', 'good', m, 'key-length')
m = fixed('longest', 256 - 11)
put('length-longest', 'longest message (k - 11): padding string of exactly 8 octets', K, block(K, m), 1, 'fail', 'good', m, 'key-length')

t.comment('bad blocks; the key of AT 1 stands at the end of each')
ps = fixed_nonzero('ps', 256 - 3 - 20)
for nm, about, em in (
        ('first-octet-1', 'first octet 01', b'\1\2' + ps + b'\0' + HK),
        ('block-type-0', 'block type 0', b'\0\0' + ps + b'\0' + HK),
        ('block-type-1', 'block type 1 (signature padding)', b'\0\1' + ps + b'\0' + HK),
        ('block-type-1-ff', 'block type 1 with FF padding', b'\0\1' + b'\xff' * len(ps) + b'\0' + HK),
        ('block-type-3', 'block type 3', b'\0\3' + ps + b'\0' + HK),
        ('block-type-82', 'block type 82 hex', b'\0\x82' + ps + b'\0' + HK),
        ('no-separator', 'no zero octet anywhere behind the type', b'\0\2' + fixed_nonzero('no-separator', 254)),
        ('all-zero-behind-type', 'zero octets from the padding string on', b'\0\2' + bytes(254)),
        ('separator-is-last', 'separator is the last octet: empty message', b'\0\2' + fixed_nonzero('ps', 253) + b'\0')):
    put('bad-' + nm, about, K, em, 1, 'fail', 'good' if nm == 'separator-is-last' else 'fail',
        b'' if nm == 'separator-is-last' else None, 'key-length' if nm == 'separator-is-last' else 'padding')
for n in range(8):
    # padding string of n octets; the message is so long that AT cannot fit either, except by a lenient search from the end
    em = b'\0\2' + fixed_nonzero('short-ps', n) + b'\0' + fixed_nonzero('filler', 256 - 3 - n - 21) + b'\0' + HK
    put(f'bad-ps-{n}', f'padding string of {n} octets: 8 are needed', K, em, 1, 'fail', why='padding')
em = b'\0\2' + fixed_nonzero('short-ps', 8) + b'\0' + fixed_nonzero('filler', 256 - 3 - 8 - 21) + b'\0' + HK
put('length-ps-8-then-zero', 'padding string of 8 octets, a long message that ends in a key', K, em, 1, 'fail', 'good', em[11:], 'key-length')

t.comment('bad blocks under a small key')
k = key('hke-1024')
for nm, em in (('block-type-1', b'\0\1' + fixed_nonzero('ps', 128 - 3 - 20) + b'\0' + HK),
               ('no-separator', b'\0\2' + fixed_nonzero('ps', 126)),
               ('ps-7', b'\0\2' + fixed_nonzero('ps', 7) + b'\0' + fixed('filler', 118))):
    put(f'bad-1024-{nm}', f'{nm} under hke-1024', k, em, 1, 'fail', why='padding')

t.comment('ciphertexts of the wrong length or range')
em = block(K, HK)
ct = K.public(em)
for nm, about, c in (
        ('short', 'last octet missing', ct[:-1]), ('long', 'an octet more', ct + b'\0'), ('long-front', 'a zero octet in front', b'\0' + ct),
        ('empty', 'no octets', b''), ('half', 'half of it', ct[:128]), ('zero', 'the number 0', bytes(256)),
        ('one', 'the number 1', bytes(255) + b'\1'), ('modulus', 'the modulus', K.n.to_bytes(256, 'big')),
        ('modulus-less-1', 'the modulus less 1', (K.n - 1).to_bytes(256, 'big')),
        ('ones', 'all bits set: not below the modulus', b'\xff' * 256),
        ('flipped', 'one bit flipped', ct[:100] + bytes([ct[100] ^ 4]) + ct[101:])):
    d = K.private(c) if len(c) == 256 and int.from_bytes(c, 'big') < K.n else b''
    put('bad-ciphertext-' + nm, about, K, d, 1, 'fail', ciphertext=c, why='length-or-range' if not d else 'padding')
for other in ('other-2048', 'hke-2048-e3'):
    c = key(other).public(em)
    d = K.private(c) if int.from_bytes(c, 'big') < K.n else b''
    put(f'bad-ciphertext-for-{other}', f'encrypted to {other}, decrypted with hke-2048', K, d, 1, 'fail', ciphertext=c, why='padding')
t.write()
