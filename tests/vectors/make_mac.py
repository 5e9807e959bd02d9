#!/usr/bin/env python3
"""mac.txt: the four handover key MACs (W13): printed answers of RFC 2202, 4868 and 4494, and every short input length."""
from vectorlib import *

t = Text('mac.txt', [
    'MACs of the algorithm types (W13): 1 HMAC-SHA1-96 (RFC 2104), 2 HMAC-SHA256-128 and 3 HMAC-SHA384-192 (RFC 4868),',
    '4 AES-128-CMAC-96 (RFC 4494).  full-mac: the whole MAC; mac: what goes on the wire.  Made by make_mac.py.'])


def put(name, about, at, k, data, printed=None, cut_printed=None):
    full = full_mac(at, k, data)
    assert printed is None or full.hex() == printed, name
    assert cut_printed is None or full.hex().startswith(cut_printed), name
    t.section(name, about, [('algorithm-type', at), ('algorithm', AT[at][0]), ('key', k), ('data', data), ('full-mac', full),
                            ('mac', full[:AT[at][2]])])


JEFE, WANT = b'Jefe', b'what do ya want for nothing?'
COUNT = bytes(range(1, 33))
t.comment('answers that RFCs print')
put('rfc2202-1', 'RFC 2202 3, case 1', 1, b'\x0b' * 20, b'Hi There', 'b617318655057264e28bc0b6fb378c8ef146be00')
put('rfc2202-3', 'RFC 2202 3, case 3', 1, b'\xaa' * 20, b'\xdd' * 50, '125d7342b9ac11cd91a39af48aa17b4f63f175d3')
for i, (k, d, m) in enumerate((
        (b'\x0b' * 32, b'Hi There', '198a607eb44bfbc69903a0f1cf2bbdc5ba0aa3f3d9ae3c1c7a3b1696a0b68cf7'),
        (JEFE * 8, WANT, '167f928588c5cc2eef8e3093caa0e87c9ff566a14794aa61648d81621a2a40c6'),
        (b'\xaa' * 32, b'\xdd' * 50, 'cdcb1220d1ecccea91e53aba3092f962e549fe6ce9ed7fdc43191fbde45c30b0'),
        (COUNT, b'\xcd' * 50, '372efcf9b40b35c2115b1346903d2ef42fced46f0846e7257bb156d3d7b30d3f')), 1):
    put(f'rfc4868-auth256-{i}', f'RFC 4868 2.7.2.1, AUTH256-{i}', 2, k, d, m)
for i, (k, d, m) in enumerate((
        (b'\x0b' * 48, b'Hi There', 'b6a8d5636f5c6a7224f9977dcf7ee6c7fb6d0c48cbdee9737a959796489bddbc4c5df61d5b3297b4fb68dab9f1b582c2'),
        (JEFE * 12, WANT, '2c7353974f1842fd66d53c452ca42122b28c0b594cfb184da86a368e9b8e16f5349524ca4e82400cbde0686d403371c9'),
        (b'\xaa' * 48, b'\xdd' * 50, '809f439be00274321d4a538652164b53554a508184a0c3160353e3428597003d35914a18770f9443987054944b7c4b4a'),
        (COUNT + bytes(range(10, 26)), b'\xcd' * 50,
         '5b540085c6e6358096532b2493609ed1cb298f774f87bb5c2ebf182c83cc7428707fb92eab2536a5812258228bc96687')), 1):
    put(f'rfc4868-auth384-{i}', f'RFC 4868 2.7.2.2, AUTH384-{i}', 3, k, d, m)
K = bytes.fromhex('2b7e151628aed2a6abf7158809cf4f3c')
M = bytes.fromhex('6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e5130c81c46a35ce411e5fbc1191a0a52ef'
                  'f69f2445df4f9b17ad2b417be66c3710')
for i, (n, m) in enumerate(((0, 'bb1d6929e95937287fa37d12'), (16, '070a16b46b4d4144f79bdd9d'), (40, 'dfa66747de9ae63030ca3261'),
                            (64, '51f0bebf7e3b9d92fc497417')), 1):
    put(f'rfc4494-{i}', f'RFC 4494 5, test case {i}', 4, K, M[:n], cut_printed=m)
t.comment('input lengths around the block sizes of the hashes and the cipher')
for at in AT:
    for n in (0, 1, 15, 16, 17, 31, 32, 33, 55, 56, 63, 64, 65, 111, 112, 127, 128, 129):
        put(f'at{at}-length-{n}', f'{AT[at][0]} over {n} octets', at, handover_key(at), fixed('mac-data', n))
t.write()
