#!/usr/bin/env python3
"""Second opinion on the vector files: the openssl program judges certificates, signatures, ciphertexts
and key hashes; tshark (if present) judges packets.  Not needed by the tests; for who changes a make_*.py.

Exit status 0: nothing contradicts."""
import calendar
import os
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


def spki_pem(tmp, spki):
    import base64
    p = os.path.join(tmp, 'spki.pem')
    b = base64.b64encode(bytes.fromhex(spki)).decode()
    with open(p, 'w') as f:
        f.write('-----BEGIN PUBLIC KEY-----\n' + '\n'.join(b[i:i + 64] for i in range(0, len(b), 64))
                + '\n-----END PUBLIC KEY-----\n')
    return p


def openssl_signatures(tmp):
    n = 0
    sig, key = os.path.join(tmp, 'sig'), os.path.join(HERE, 'keys')
    for sec, f in load('send-signatures.txt').items():
        if 'key-file' not in f:
            continue
        with open(sig, 'wb') as o:
            o.write(bytes.fromhex(f['signature']))
        r = run('openssl', 'dgst', '-sha1', '-prverify', os.path.join(key, f['key-file'] + '.pem'), '-signature', sig,
                stdin=bytes.fromhex(f['signature-input']))
        good = r.returncode == 0
        want = f['verdict'] == 'good' or f['reason'] not in ('signature',)
        if f.get('reason') == 'two-keys':
            continue
        expect('signature ' + sec, good == want, r.stdout + r.stderr)
        n += 1
    return n


def openssl_ciphertexts(tmp):
    """pkeyutl of OpenSSL 3.2 and later hides bad padding by implicit rejection; then only good ones are compared"""
    n = 0
    for sec, f in load('rsaes.txt').items():
        if f['pkcs1'] == 'fail' and not sec.startswith('bad-ps'):
            continue
        c = os.path.join(tmp, 'ct')
        with open(c, 'wb') as o:
            o.write(bytes.fromhex(f['ciphertext']))
        r = run('openssl', 'pkeyutl', '-decrypt', '-inkey', os.path.join(HERE, 'keys', f['key-file'] + '.pem'), '-in', c,
                '-pkeyopt', 'rsa_padding_mode:pkcs1')
        if f['pkcs1'] == 'good':
            expect('decrypt ' + sec, r.returncode == 0 and r.stdout.hex() == f['message'], r.stderr)
        else:
            expect('decrypt ' + sec, r.stdout.hex() != f['encoded'][-40:])
        n += 1
    for sec, f in load('send-signatures.txt').items():
        if 'ciphertext' in f:
            with open(c, 'wb') as o:
                o.write(bytes.fromhex(f['ciphertext']))
            r = run('openssl', 'pkeyutl', '-decrypt', '-inkey', os.path.join(HERE, 'keys', f['handover-key-file'] + '.pem'), '-in', c)
            expect('decrypt ' + sec, r.stdout.hex() == f['handover-key'])
            n += 1
    return n


def openssl_macs():
    n = 0
    for sec, f in load('wire-mobility.txt').items():
        if 'mac-input' not in f:
            continue
        alg = {'1': ['-digest', 'SHA1', 'HMAC'], '2': ['-digest', 'SHA256', 'HMAC'], '3': ['-digest', 'SHA384', 'HMAC'],
               '4': ['-cipher', 'AES-128-CBC', 'CMAC']}[f['algorithm-type']]
        r = run('openssl', 'mac', *alg[:2], '-macopt', 'hexkey:' + f['handover-key'], '-in', '-', alg[2],
                stdin=bytes.fromhex(f['mac-input']))
        expect('mac ' + sec, r.stdout.decode().strip().lower() == f['full-mac'], r.stderr)
        n += 1
    return n


def kernel_checksum():
    """the Handover Initiate of esp.txt went through a Linux kernel: its checksum proves our arithmetic"""
    import vectorlib as v
    d = dict(x.strip().split(': ') for x in open(os.path.join(HERE, 'esp.txt')) if ': ' in x and x[0] != '#')
    m = bytes.fromhex(d['hmac-hi-mobility-header'])
    c = v.checksum(v.ip(bytes.fromhex(d['par-address'])), v.ip(bytes.fromhex(d['nar-address'])), 135, m[:4] + b'\0\0' + m[6:])
    expect('checksum of esp.txt', c == int.from_bytes(m[4:6], 'big'))


def tshark(tmp):
    """checksums and malformed packets, as tshark sees them"""
    import shutil
    if not shutil.which('tshark'):
        return 0
    n = 0
    for name in ('wire-ipv6.txt', 'wire-icmpv6.txt', 'wire-mobility.txt', 'send-signatures.txt'):
        secs = [(s, f) for s, f in load(name).items() if 'packet' in f and len(f['packet']) > 78]
        cap = os.path.join(tmp, 'x.pcap')
        with open(cap, 'wb') as o:
            o.write(bytes.fromhex('a1b2c3d400020004000000000000000000040000000000e5'))
            for _, f in secs:
                p = bytes.fromhex(f['packet'])
                o.write((0).to_bytes(8, 'big') + len(p).to_bytes(4, 'big') * 2 + p)
        r = run('tshark', '-r', cap, '-T', 'fields', '-E', 'separator=|', '-e', 'icmpv6.checksum.status', '-e', 'mip6.csum',
                '-e', '_ws.malformed', '-e', 'mip6.mhtype')
        rows = r.stdout.decode().splitlines()
        expect('tshark ' + name, len(rows) == len(secs), r.stderr)
        for (sec, f), row in zip(secs, rows):
            ic, mc, malformed, mt = row.split('|')
            if f.get('use') == 'refuse':
                continue
            bad_sum = f.get('reason') == 'checksum'
            if name == 'wire-icmpv6.txt' or name == 'send-signatures.txt':
                expect(f'tshark {sec}', ic.split(',')[0] == ('0' if bad_sum else '1'), row)
            if name == 'wire-mobility.txt':
                expect(f'tshark {sec}', int(mc, 16) == int(f['checksum']) and mt == f['mh-type'], row)
            if malformed and '-v' in sys.argv:
                print('tshark finds malformed:', sec, row)
            n += 1
    return n


def main():
    kernel_checksum()
    with tempfile.TemporaryDirectory() as tmp:
        print(openssl_paths(tmp), 'paths,', openssl_signatures(tmp), 'signatures,', openssl_ciphertexts(tmp), 'ciphertexts,',
              openssl_macs(), 'MACs,', tshark(tmp), 'packets compared')
    print(len(fails), 'differences')
    return bool(fails)


if __name__ == '__main__':
    sys.exit(main())
