#!/usr/bin/env python3
"""Makes the RSA test keys that are missing in keys/ (needs the openssl program).

The only script here whose output is random; it never touches a key that exists, and make_all does
not run it.
"""
import os
import subprocess

HERE = os.path.dirname(os.path.abspath(__file__))
KEYS = {f'{who}-{bits}': (bits, 65537) for who in ('mn', 'hke') for bits in (1024, 2048, 3072)}
KEYS |= {'mn-2048-e3': (2048, 3), 'hke-2048-e3': (2048, 3)}
KEYS |= {'ar-1024': (1024, 65537), 'ar-2048': (2048, 65537), 'ar-3072': (3072, 65537)}
KEYS |= {n + '-2048': (2048, 65537) for n in ('ar2', 'ca', 'ca2', 'anchor', 'anchor2', 'other')}
KEYS |= {'small-512': (512, 65537), 'weird-2047': (2047, 65537), 'weird-1031': (1031, 65537),
         'weird-1024-e17': (1024, 17), 'weird-1024-big-e': (1024, 2 ** 32 + 15)}

for name, (bits, e) in KEYS.items():
    path = os.path.join(HERE, 'keys', name + '.pem')
    if not os.path.exists(path):
        subprocess.run(['openssl', 'genpkey', '-quiet', '-algorithm', 'RSA', '-pkeyopt', f'rsa_keygen_bits:{bits}',
                        '-pkeyopt', f'rsa_keygen_pubexp:{e}', '-out', path], check=True)
        print('made', name)
