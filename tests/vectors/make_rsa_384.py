#!/usr/bin/env python3
"""Makes rsa-384.txt: a key of the smallest size that RFC 3972 names (384 bits) and one signature.

OpenSSL generates no key below 512 bits, so the key is made here with plain integers. The run is
seeded: it always gives the same file. Never use such a key for anything but tests.
"""
import hashlib
import pathlib
import random

SEED = 3972
E = 65537
SHA1_INFO = bytes.fromhex("3021300906052b0e03021a05000414")
MESSAGE = b"a message under a short key"


def is_prime(n, rng):
    d, r = n - 1, 0
    while d % 2 == 0:
        d, r = d // 2, r + 1
    for _ in range(40):
        x = pow(rng.randrange(2, n - 1), d, n)
        if x in (1, n - 1):
            continue
        for _ in range(r - 1):
            x = x * x % n
            if x == n - 1:
                break
        else:
            return False
    return True


def prime(bits, rng):
    while True:
        n = rng.getrandbits(bits) | 3 << (bits - 2) | 1
        if n % E != 1 and is_prime(n, rng):
            return n


def der(tag, content):
    size = len(content)
    head = bytes([tag, size]) if size < 0x80 else bytes([tag, 0x81, size])
    return head + content


def integer(n):
    return der(2, n.to_bytes(n.bit_length() // 8 + 1, "big"))


def main():
    rng = random.Random(SEED)
    p, q = prime(192, rng), prime(192, rng)
    n, d = p * q, pow(E, -1, (p - 1) * (q - 1))
    assert n.bit_length() == 384
    algorithm = bytes.fromhex("300d06092a864886f70d0101010500")
    spki = der(0x30, algorithm + der(3, b"\0" + der(0x30, integer(n) + integer(E))))
    info = SHA1_INFO + hashlib.sha1(MESSAGE).digest()
    block = b"\0\1" + b"\xff" * (48 - 3 - len(info)) + b"\0" + info
    signature = pow(int.from_bytes(block, "big"), d, n).to_bytes(48, "big")
    text = (
        "# Made by make_rsa_384.py, which says how. SHA-1 signature by RSASSA-PKCS1-v1_5.\n\n"
        f"[rsa-384]\nspki = {spki.hex()}\nmessage = {MESSAGE.hex()}\nsignature = {signature.hex()}\n"
    )
    pathlib.Path(__file__).with_name("rsa-384.txt").write_text(text)


if __name__ == "__main__":
    main()
