#!/usr/bin/env python3
"""Second opinion on the vector files: the openssl program judges certificates, signatures, ciphertexts
and key hashes; tshark (if present) judges packets.  Not needed by the tests; for who changes a make_*.py.

Exit status 0: nothing contradicts."""
import calendar
import os
import re
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
fails = []


def load(name):
    out, cur = {}, None
    for line in open(os.path.join(HERE, name), encoding='ascii'):
        line = line.rstrip('\n')
        if not line or line.startswith('#'):
            continue
        if line.startswith('['):
            cur = out.setdefault(line[1:-1], {})
        else:
            k, _, v = line.partition(' =')
            assert k not in cur, k
            cur[k] = v.lstrip()
    return out


def run(*args, stdin=None):
    return subprocess.run(args, input=stdin, capture_output=True)


def expect(what, cond, extra=''):
    if not cond:
        fails.append(what)
        print('DIFFERS', what, extra)


def openssl_paths(tmp):
    """OpenSSL knows RFC 5280 and RFC 3779, but not key purposes, key sizes or RFC 6487's own rules"""
    ours = {'eku', 'ca-eku', 'no-address-blocks', 'address-blocks-not-critical', 'safi', 'key-mismatch', 'key-size', 'aki',
            'key-exponent', 'router-is-ca', 'ski', 'key-usage', 'version', 'signature-algorithm', 'duplicate-extension',
            'empty-blocks'}

    def pem(name):
        p = os.path.join(tmp, name + '.pem')
        if not os.path.exists(p):
            run('openssl', 'x509', '-inform', 'der', '-in', os.path.join(HERE, 'pki', name + '.der'), '-out', p)
        return p
    n = 0
    for sec, f in load('pki.txt').items():
        if 'path' not in f:
            continue
        files = f['path'].split()
        at = calendar.timegm(time.strptime(f['now'], '%Y-%m-%dT%H:%M:%SZ'))
        args = ['openssl', 'verify', '-x509_strict', '-attime', str(at), '-CAfile', pem(f['anchor'])]
        for c in files[:-1]:
            args += ['-untrusted', pem(c)]
        r = run(*args, pem(files[-1]))
        good = r.returncode == 0
        n += 1
        if 'OpenSSL alone' not in f.get('note', '') and (f['verdict'] == 'good' or f['reason'] not in ours):
            expect('openssl verify ' + sec, good == (f['verdict'] == 'good'), (r.stdout + r.stderr).decode()[-200:])
    return n


def main():
    with tempfile.TemporaryDirectory() as tmp:
        print(openssl_paths(tmp), 'paths')
    return bool(fails)


if __name__ == '__main__':
    sys.exit(main())
