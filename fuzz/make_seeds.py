#!/usr/bin/env python3
"""Makes first inputs for the fuzzers from tests/vectors, the examples and scripts of this file.

    fuzz/make_seeds.py DIRECTORY    writes DIRECTORY/TARGET/NAME

tools/fuzz calls it. What is worth keeping of them stands in fuzz/corpus already.
"""
import argparse
import base64
import pathlib
import re

HOME = pathlib.Path(__file__).resolve().parent.parent
VECTORS = HOME / "tests" / "vectors"


def sections(name):
    """The [section] dictionaries of a vector file."""
    found = []
    for line in (VECTORS / name).read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            found.append({"": line.strip("[]")})
        elif "=" in line and found and not line.startswith("#"):
            key, value = line.split("=", 1)
            found[-1][key.strip()] = value.strip()
    return found


def hexed(section, key):
    value = section.get(key, "")
    return bytes.fromhex(value) if re.fullmatch(r"(?:[0-9a-f]{2})+", value) else b""


def wire():
    for section in sections("wire-ndoptions.txt"):
        yield bytes([1 if section["kind"] == "option-list" else 0]) + hexed(section, "octets")
    for section in sections("wire-icmpv6.txt"):
        yield b"\x02" + hexed(section, "message")
        yield b"\x04" + hexed(section, "packet")
    for section in sections("wire-mobility.txt"):
        packet = hexed(section, "packet")
        if packet:
            yield b"\x04" + packet
            yield b"\x03" + packet[40:]
    for section in sections("wire-ipv6.txt"):
        yield b"\x04" + hexed(section, "packet")
    for section in sections("send-signatures.txt")[:40]:
        yield b"\x04" + hexed(section, "packet")


def esp():
    text = (VECTORS / "esp.txt").read_text(encoding="utf-8")
    for value in re.findall(r"[:=] *((?:[0-9a-f]{2}){28,})$", text, re.MULTILINE):
        yield b"\x00" + bytes.fromhex(value)
    yield b"\x00" + bytes(range(8)) + b"\x3b" * 10 + b"\x01\x02\x02\x87" + bytes(18)
    yield b"\x01" + b"00112233445566778899aabbccddeeffa0b1c2d3e4f5061728394a5b6c7d8e9f\n"


def cga():
    for section in sections("cga.txt"):
        parts = [hexed(section, key) for key in ("modifier", "subnet-prefix", "public-key")]
        if all(parts):
            count = bytes([int(section.get("collision-count", "0"))])
            extensions = hexed(section, "extension-fields")
            yield b"\x00" + parts[0] + parts[1] + count + parts[2] + extensions
            yield b"\x01" + parts[2]
        if hexed(section, "parameters"):
            yield b"\x00" + hexed(section, "parameters")


def pki():
    for path in sorted((VECTORS / "pki").glob("*.der")):
        yield b"\x00" + path.read_bytes()
    text = (VECTORS / "rfc3779-encodings.txt").read_text(encoding="utf-8")
    for value in re.findall(r"(?<![0-9a-f])(30(?:[0-9a-f]{2}){6,})", text):
        yield b"\x01" + bytes.fromhex(value)
    for section in sections("pki.txt"):
        if hexed(section, "ip-address-blocks"):
            yield b"\x01" + hexed(section, "ip-address-blocks")
        name = hexed(section, "subject")
        if name:
            yield b"\x03" + name + name
    der = base64.encodebytes((VECTORS / "pki" / "ca.der").read_bytes())
    yield b"\x02-----BEGIN CERTIFICATE-----\n" + der + b"-----END CERTIFICATE-----\n"


def path():
    """policy, day (2), then certificates by number, each with no edits."""
    for policy in range(8):
        for order in ([0, 1], [2, 0, 1], [0, 10], [5, 8], [7], [18, 19], [4, 10], [0, 9, 6], [0, 22, 1]):
            yield bytes([policy, 0, 0]) + b"".join(bytes([number, 0]) for number in order)
    yield bytes([0, 0, 0, 0, 1, 0, 200, 2, 7, 1, 0])


def inspect():
    ethernet = bytes.fromhex("3333000000020200" + "5e10a7c386dd")
    cooked = bytes.fromhex("0000000100060200" + "5e10a7c3ffff86dd")
    cooked2 = bytes.fromhex("86dd0000000000030001000602005e10a7c3ffff")
    for name in ("send-signatures.txt", "wire-mobility.txt", "wire-icmpv6.txt"):
        for number, section in enumerate(sections(name)):
            packet = hexed(section, "packet")
            if not packet or len(packet) > 1200:
                continue
            link = number % 4
            yield bytes([link]) + (ethernet, b"", cooked, cooked2)[link] + packet
    text = (VECTORS / "esp.txt").read_text(encoding="utf-8")
    for value in re.findall(r"ipv6-packet: ((?:[0-9a-f]{2}){28,})$", text, re.MULTILINE):
        yield b"\x01" + bytes.fromhex(value)
    yield b"\x04# comment\nhandover 2001:db8::1 aes128-cmac-96 " + b"5a" * 16 + b"\nesp 0x1000 " + b"0f1e" * 16


def store():
    address = bytes.fromhex("20010db8000a0001000000000000000a")
    for code, size in ((1, 20), (2, 32), (3, 48), (4, 16)):
        key = bytes(range(size))
        yield bytes([1, 1, 1, 0, 20]) + address + bytes(4) + b"\x01\x01\x00\x06\x02\0\0\0\0\1" + bytes([code]) + key
        yield bytes([2, 1, 1, 0, 32]) + address * 2 + address + b"\x01\x00" + bytes([code]) + key
    yield bytes([3, 0, 0, 0, 16]) + address * 3 + bytes(12)
    yield bytes([4, 0, 0, 0, 21]) + b"\x01" + bytes(20) + bytes(4)


def control():
    for body in ('"command":"status"', '"command":"events","follow":true', '"command":"reload"',
                 '"command":"handover","access_point":"02:00:00:00:0a:01"',
                 '"command":"request-key","access_points":["02:00:00:00:0a:01"],"destination":"fe80::1"',
                 '"command":"advise","mn":"2001:db8::1","access_point":"02:00:00:00:0a:01","care_of":"2001:db8::2"',
                 '"command":"advise","mn":"02:00:00:00:0a:01"', '"command":"binding-complete"',
                 '"command":"link-moved","interface":"wlan0"', '"command":"stop"',
                 '"command":"log-level","level":"debug"'):
        yield b"\x00{\"schema\":1," + body.encode() + b"}"
    yield b'\x01{"schema":1,"ok":true,"result":{"a":[1,2.5,null,"\\u00e9"]}}'
    yield b'\x01{"schema":1,"ok":false,"error":{"code":"x","message":"y"}}'


ROUTER = b"""[[interface]]
name = "access0"
prefixes = ["2001:db8:a:1::/64"]
access_points = ["02:00:00:00:0a:01"]
max_ra_interval = 10
[cga]
key = "ar.pem"
sec = 0
[certificate]
chain = "chain.der"
anchor = "anchor.der"
[keys]
lifetime = 3600
[[neighbour]]
name = "nar"
address = "2001:db8:a:2::1"
link_address = "02:00:00:00:00:02"
prefix = "2001:db8:a:2::/64"
access_points = ["02:00:00:00:0a:02"]
"""

MOBILE = b"""[[interface]]
name = "access0"
[cga]
key = "mn.pem"
[trust]
anchors = ["anchor.der"]
[keys]
algorithm = "hmac-sha256-128"
[handover]
fbu_retries = 3
"""


def config():
    for number, text, example in ((0, ROUTER, "router.toml"), (1, MOBILE, "mobile.toml")):
        yield bytes([number]) + text
        yield b"\x02" + text
        lines = (HOME / "examples" / example).read_text(encoding="utf-8").splitlines()
        plain = "\n".join(line for line in lines if line and not line.startswith("# ")) + "\n"
        # What is commented out there is a setting at its default.
        yield bytes([number]) + re.sub(r"^#", "", plain, flags=re.MULTILINE).encode()
        yield bytes([number]) + re.sub(r"^#.*\n", "", plain, flags=re.MULTILINE).encode()


# Deeds of a World (fuzz/deeds.cpp).
CARRY, ALL, WAIT, ATTACK, FORGE, UPDATE, PEER, RAW, HOLD, END, HOST, ORDER, REBUILD = (
    0, 1, 2, 5, 6, 8, 9, 10, 11, 12, 13, 14, 15)


def deeds():
    """Scripts that lead into every corner once; the fuzzer finds variations."""
    for how in range(3):
        yield bytes([ATTACK, how, 1, 0, 3, 0, 50, 200 + how])       # heard, one octet changed, repaired
    for signer in range(6):
        for kind in range(8):
            yield bytes([FORGE, signer, kind, 7, 1, 0, signer % 2, 2, 0, 1])
            yield bytes([FORGE, signer, kind, 7, 1, 0, 1, 2, 0, 0])
    for lifetime in (0, 30):
        yield bytes([UPDATE, 0, 0, 0, 1, 1, lifetime, 0, 1, ALL, WAIT, 4])
        yield bytes([UPDATE, 0, 0, 8, 1, 1, 1, 0, ALL, WAIT, 4])
    for how in (7, 0x17, 0x37, 0x0f):
        yield bytes([PEER, how, 0, 1, 0, 1, 0, ALL, WAIT, 4])
    for order in range(5):
        yield bytes([ORDER, order | 0x10, ALL, WAIT, 3, WAIT, 5])
        yield bytes([HOLD, 0, HOLD, 2, ORDER, order | 0x10, ALL, END, 0, END, 1, ALL, END, 2, END, 3, HOLD, 2, ALL])
    for how in range(8):
        yield bytes([HOST, how % 3, how, 0x80, ALL, WAIT, 4])
    for how in (0, 1, 5, 2, 6, 10, 3):
        yield bytes([REBUILD, how, 0x55, 0xaa, ALL, WAIT, 4, ALL, WAIT, 6])
    yield bytes([WAIT, 9, ALL, WAIT, 9])
    yield bytes([WAIT, 6, WAIT, 7, ORDER, 0x10, ALL, REBUILD, 5, ALL, WAIT, 5, REBUILD, 1, ALL, WAIT, 6, UPDATE, 0, 0, 0, 9, 9, 0, 0, ALL])


def machine(prefix):
    flags = (0x0000, 0x0001, 0x1000, 0x1001, 0x2002, 0x00f2, 0x0bff, 0x4705, 0x8a46)
    for number, script in enumerate(deeds()):
        how_far = 2 + number % 3
        yield prefix + flags[number % len(flags)].to_bytes(2, "big") + bytes([how_far]) + script
        yield prefix + flags[(number + 3) % len(flags)].to_bytes(2, "big") + bytes([2]) + script


def tunnel():
    for number, section in enumerate(sections("wire-ipv6.txt")):
        packet = hexed(section, "packet")
        if packet:
            yield bytes([number % 3, 3]) + packet
            yield bytes([3, 0]) + bytes([2, 0, 0, 0, 0, 0, 5, 0x14]) + packet[:6] + b"\x29" + packet[7:40] + packet


def receiver():
    for number in range(63):
        yield bytes([3, 0, number, 0, 0, 3, 0])                              # arrives, is verified
        yield bytes([number, 0, number, 0, 0, 0, number, 0, 0, 3, 0, 3, 0])  # twice at a time
        yield bytes([3, 7, number, 0, number, 1, 0, 0, 60, number, 0, 3, 0])
    yield bytes([3, 0, 0, 0, 0, 6, 9, 0, 0, 0, 0, 3, 0, 3, 0, 0, 0, 0, 0])


def router():
    yield from machine(b"\x00")
    yield from machine(b"\x01")


def mobile():
    yield from machine(b"")


TARGETS = (wire, esp, cga, pki, path, inspect, store, control, config, tunnel, receiver, router, mobile)


def main():
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("directory", type=pathlib.Path)
    opt = args.parse_args()
    for target in TARGETS:
        directory = opt.directory / target.__name__
        directory.mkdir(parents=True, exist_ok=True)
        for number, octets in enumerate(target()):
            (directory / f"seed-{number:04}").write_bytes(octets)


if __name__ == "__main__":
    main()
