#!/usr/bin/env python3
"""A new access router whose neighbour speaks ESP with it, in namespaces of their own.

The neighbour is this program: it seals HIs, opens HAcks, counts what comes back. The router is killed
with SIGKILL and started again, its keys are looked for in all that it wrote, and it is sent what it has
to drop.

    esp.py PROGRAM SCENARIO      as root; restart, floor, silence, secrets, keys or switch; exits 1 where it went wrong
"""
import hashlib
import hmac
import ipaddress
import pathlib
import select
import signal
import socket
import struct
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools"))
import testbed  # noqa: E402

PEER = "2001:db8:a:2::1"
THIRD = "2001:db8:a:2::3"
TO_ROUTER, TO_PEER = 0x2000, 0x1000
KEYS = {TO_ROUTER: hashlib.sha256(b"test: to the router").digest(), TO_PEER: hashlib.sha256(b"test: to the peer").digest()}
ESP, MOBILITY, NO_NEXT, HI, HACK = 50, 135, 59, 14, 15


def checksum(source, destination, protocol, octets):
    pseudo = ipaddress.ip_address(source).packed + ipaddress.ip_address(destination).packed
    data = pseudo + struct.pack("!II", len(octets), protocol) + octets + b"\0" * (len(octets) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def handover_initiate(source, destination, sequence, kind=HI, good=True):
    """An HI for a node that moves to the router's prefix (RFC 5568 6.2.1.1)."""
    node = bytes.fromhex("02005e10a7c3")
    options = (b"\x07\x07\x02" + node + b"\0" +
               b"\x22\x12\x01\x80" + ipaddress.ip_address("2001:db8:a:2::77").packed + b"\1\2\0\0" +
               b"\x22\x12\x02\x80" + ipaddress.ip_address("2001:db8:a:1:1::77").packed)
    body = struct.pack("!HBB", sequence, 0, 0) + options
    header = struct.pack("!BBBBH", NO_NEXT, (6 + len(body)) // 8 - 1, kind, 0, 0) + body
    value = checksum(source, destination, MOBILITY, header) ^ (0 if good else 1)
    return header[:4] + struct.pack("!H", value) + header[6:]


def seal(spi, sequence, payload, next_header=MOBILITY, key=None):
    """RFC 4303 with NULL encryption and HMAC-SHA-256-128, written for this test."""
    padding = -(len(payload) + 2) % 4
    packet = struct.pack("!II", spi, sequence) + payload + bytes(range(1, padding + 1)) + bytes([padding, next_header])
    return packet + hmac.new(key or KEYS[spi], packet, hashlib.sha256).digest()[:16]


def opened(packet):
    """Sequence number and Mobility Header of a HAck, or a failure."""
    spi, sequence = struct.unpack("!II", packet[:8])
    if spi != TO_PEER or hmac.new(KEYS[spi], packet[:-16], hashlib.sha256).digest()[:16] != packet[-16:]:
        raise testbed.Failure(f"a packet with SPI {spi:#x} does not open")
    if packet[-20:-16] != b"\1\2\2\x87" or packet[10] != HACK:
        raise testbed.Failure(f"not a HAck: {packet.hex()}")
    return sequence, packet[8:-20]


class Peer:
    """The neighbour's end, in the namespace `mn` of the test bed."""

    def __init__(self, bed):
        self.bed = bed
        self.sequence = 0
        self.hi = 0
        self.sent = []
        space = bed.namespace("mn")
        for address in (PEER, THIRD):
            testbed.run("ip", "-n", space, "addr", "add", f"{address}/64", "dev", "access0", "nodad")
        testbed.run("ip", "-n", space, "-6", "route", "add", testbed.PREFIX, "dev", "access0")
        self.router = prepare_router(bed)
        with testbed.entered(space):
            self.esp = socket.socket(socket.AF_INET6, socket.SOCK_RAW, ESP)
            self.esp.bind((PEER, 0))
            self.clear = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_RAW)
            # All that the router sends, to see what it should not.
            self.wire = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x86dd))
            self.wire.bind(("access0", 0x86dd))

    def send(self, payload):
        self.esp.sendto(payload, (self.router, 0))

    def send_hi(self):
        self.sequence += 1
        self.hi = (self.hi + 1) % 65536
        self.sent.append(seal(TO_ROUTER, self.sequence, handover_initiate(PEER, self.router, self.hi)))
        self.send(self.sent[-1])

    def hacks(self, seconds, count=None):
        """Sequence numbers of HAcks: `count` of them, or those that come in time."""
        found = []
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0 and len(found) != count:
            if select.select([self.esp], [], [], left)[0]:
                found.append(opened(self.esp.recv(65535))[0])
        return found

    def exchange(self):
        """One HI and its HAck's sequence number."""
        for _ in range(20):
            self.send_hi()
            if answer := self.hacks(1, 1):
                return answer[0]
        raise testbed.Failure(f"no HAck to HI {self.hi}")

    def heard(self, seconds):
        """(next header, first octet behind the header) of what the router sent to this side."""
        out = []
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            if not select.select([self.wire], [], [], left)[0]:
                continue
            packet, meta = self.wire.recvfrom(65535)
            if meta[2] != socket.PACKET_OUTGOING and len(packet) > 40:
                out.append((packet[6], packet[40]))
        return out


def prepare_router(bed):
    """The router's address, as an error of its configuration says it."""
    path = bed.directory / "probe.toml"
    path.write_text(bed.router_config().read_text() + 'protection = "esp"\n' + associations("2001:db8::1", bed))
    answer = subprocess.run([str(bed.program), "router", "--check", "-c", str(path)],
                            capture_output=True, text=True, check=False).stderr
    return answer.split("give it ")[1].split()[0].strip(";,.")


def associations(local, bed):
    for name, key in (("to-peer.key", KEYS[TO_PEER]), ("from-peer.key", KEYS[TO_ROUTER])):
        path = bed.directory / name
        path.touch(mode=0o600)
        path.write_text(key.hex() + "\n")
    return f"""[neighbour.esp]
local = "{local}"
outbound = {{spi = {TO_PEER}, key_file = "{bed.directory}/to-peer.key"}}
inbound = [{{spi = {TO_ROUTER}, key_file = "{bed.directory}/from-peer.key"}}]
"""


def configuration(bed, local):
    path = bed.router_config()
    (bed.directory / "store").mkdir(exist_ok=True)
    path.write_text(path.read_text().replace("handover_initiate = false\n", 'protection = "esp"\n') +
                    associations(local, bed) +
                    f'[arrival]\ndad_transmits = 0\n[store]\nkind = "sqlite"\ndirectory = "{bed.directory}/store"\n')
    return path


def start(bed, config):
    router = bed.start("ar", "router", config)
    if not router.wait_for("router-ready", 30):
        raise testbed.Failure("the router is not ready:\n" + router.log.read_text())
    return router


def kill(bed, router):
    router.process.send_signal(signal.SIGKILL)
    router.process.wait(10)
    router.socket.unlink(missing_ok=True)


def expect(truth, text):
    if not truth:
        raise testbed.Failure(text)


def restart(bed, peer, config):
    """Numbers on the wire after SIGKILL are higher, by at most 512; a second process is refused."""
    last = 0
    for packets in (1, 255, 256, 257, 1000):
        router = start(bed, config)
        first = peer.exchange()
        expect(last < first <= last + 512, f"{first} follows {last}")
        last = first
        for _ in range(packets - 1):
            number = peer.exchange()
            expect(number == last + 1, f"{number} follows {last} without a restart between")
            last = number
        kill(bed, router)
        print(f"killed after {packets} HAcks, the last with number {last}")
    router = start(bed, config)
    first = peer.exchange()
    expect(last < first <= last + 512, f"{first} follows {last}")
    other = bed.directory / "second.toml"
    other.write_text(config.read_text().replace(f'{bed.directory}/ar"', f'{bed.directory}/second"')
                     .replace(f"{bed.directory}/ar.sock", f"{bed.directory}/second.sock"))
    second = subprocess.run(bed.inside("attacker", bed.program, "router", "-c", other),
                            capture_output=True, text=True, check=False, timeout=60)
    expect(second.returncode != 0 and "in use by another process" in second.stdout + second.stderr,
           "a second process takes the same store:\n" + second.stdout + second.stderr)
    print("a second process on the store is refused")


def floor(bed, peer, config):
    """What was accepted two seconds before SIGKILL is refused after it."""
    router = start(bed, config)
    for _ in range(20):
        peer.exchange()
    time.sleep(2)
    kill(bed, router)
    router = start(bed, config)
    for packet in peer.sent:
        peer.send(packet)
    answered = peer.hacks(3)
    expect(not answered, f"{len(answered)} replayed HIs were answered")
    counters = router.status()["counters"]["esp"]
    expect(counters["replay"] == len(peer.sent), f"{counters['replay']} of {len(peer.sent)} counted as replays")
    peer.exchange()
    print(f"{len(peer.sent)} replayed packets were refused, the next one was taken")


def silence(bed, peer, config):
    """Nothing comes back for what is dropped, from the daemon or from the kernel."""
    router = start(bed, config)
    peer.exchange()
    hi = handover_initiate(PEER, peer.router, 4711)
    replayed = peer.sent[-1]
    number = peer.sequence

    def fresh(payload=hi, **changes):
        nonlocal number
        number += 1
        return seal(TO_ROUTER, number, payload, **changes)

    causes = {
        "malformed": [b"", b"\0" * 27, fresh()[:30], fresh(b""), fresh(hi[:1] + b"\xff" + hi[2:])],
        "no-association": [seal(0x7777, 1, hi, key=b"k" * 32), seal(0, 1, hi, key=b"k" * 32),
                           seal(TO_PEER, 1, hi)],
        "selector": [fresh(next_header=6), fresh(next_header=4),
                     fresh(handover_initiate(PEER, peer.router, 1, kind=9)),
                     fresh(handover_initiate(PEER, peer.router, 1, kind=200))],
        "replay": [replayed, seal(TO_ROUTER, 0, hi)],
        "integrity": [fresh()[:-1] + b"\0"],
        "dummy": [fresh(b"x" * 40, next_header=NO_NEXT)],
        "checksum": [fresh(handover_initiate(PEER, peer.router, 1, good=False))],
    }
    peer.heard(0.5)
    before = router.status()["counters"]["esp"]
    for packets in causes.values():
        for packet in packets:
            peer.send(packet)
    # Somebody else's ESP, and what the address does not belong to.
    header = struct.pack("!IHBB", 6 << 28, len(replayed), ESP, 64)
    for source in (THIRD, PEER):
        for spi in (0x7777, TO_ROUTER):
            if source == PEER and spi == TO_ROUTER:
                continue
            packet = struct.pack("!I", spi) + fresh()[4:]
            peer.clear.sendto(header + ipaddress.ip_address(source).packed +
                              ipaddress.ip_address(peer.router).packed + packet, (peer.router, 0))
    # A fragment without the rest, and HI in clear.
    fragment = struct.pack("!BBHI", ESP, 0, 1, 99) + fresh()[:32]
    peer.clear.sendto(struct.pack("!IHBB", 6 << 28, len(fragment), 44, 64) + ipaddress.ip_address(PEER).packed +
                      ipaddress.ip_address(peer.router).packed + fragment, (peer.router, 0))
    peer.clear.sendto(struct.pack("!IHBB", 6 << 28, len(hi), MOBILITY, 64) + ipaddress.ip_address(PEER).packed +
                      ipaddress.ip_address(peer.router).packed + hi, (peer.router, 0))
    answers = [each for each in peer.heard(3)
               if each[0] in (ESP, MOBILITY) or (each[0] == 58 and each[1] < 128)]
    expect(not answers, f"answered by {answers}")
    after = router.status()["counters"]
    for cause, packets in causes.items():
        counted = after["esp"][cause] - before[cause]
        extra = {"no-association": 1, "selector": 1}.get(cause, 0)
        expect(counted == len(packets) + extra, f"{cause}: {counted} counted, {len(packets) + extra} sent")
    expect(after["peer"]["clear-from-protected"] == 1, "the HI in clear was not counted")
    peer.sequence = number + 1
    # In two fragments, which the host puts together.
    whole = seal(TO_ROUTER, peer.sequence, handover_initiate(PEER, peer.router, 77))
    for offset, part, more in ((0, whole[:48], 1), (48, whole[48:], 0)):
        piece = struct.pack("!BBHI", ESP, 0, offset | more, 4242) + part
        peer.clear.sendto(struct.pack("!IHBB", 6 << 28, len(piece), 44, 64) + ipaddress.ip_address(PEER).packed +
                          ipaddress.ip_address(peer.router).packed + piece, (peer.router, 0))
    expect(len(peer.hacks(10, 1)) == 1, "the HI in two fragments was not answered")
    peer.exchange()
    print("no answer to any dropped packet; the next good one was answered")


def secrets(bed, peer, config):
    """No key in what the router writes, and its store goes on after the association was away."""
    router = start(bed, config)
    numbers = [peer.exchange() for _ in range(3)]
    captured = list(peer.sent)
    bad = seal(TO_ROUTER, 99, b"x" * 40)[:-1] + b"\0"
    for _ in range(30):
        peer.send(bad)
    text = config.read_text()
    config.write_text(text[:text.index("protection =")] + text[text.index("[arrival]"):])
    expect(router.command("reload").returncode == 0, "the reload is refused")
    config.write_text(text)
    expect(router.command("reload").returncode == 0, "the reload back is refused")
    for packet in captured:
        peer.send(packet)
    expect(not peer.hacks(2), "a packet from before the reload was answered")
    number = peer.exchange()
    expect(number == numbers[-1] + 1, f"{number} follows {numbers[-1]}")
    places = {"status": router.command("status", "--json").stdout.encode(),
              "status in words": router.command("status").stdout.encode(),
              "events": router.command("events", "--json").stdout.encode()}
    (bed.directory / "from-peer.key").chmod(0o644)
    places["refusal"] = router.command("reload").stderr.encode()
    expect(b"from-peer.key" in places["refusal"] and b"0644" in places["refusal"], "a readable key is taken")
    router.process.send_signal(signal.SIGTERM)
    router.process.wait(20)
    places["log"] = router.log.read_bytes()
    for path in sorted((bed.directory / "store").rglob("*")):
        if path.is_file():
            places[path.name] = path.read_bytes()
    expect(any(name.startswith("router") or "db" in name or "sqlite" in name for name in places), f"no store in {list(places)}")
    expect(b"esp-audit" in places["events"] and b'"outbound_spi":4096' in places["status"].replace(b' ', b''), "events or status say nothing")
    import base64
    for key in KEYS.values():
        for form in (key, key.hex().encode(), base64.b64encode(key)[:-1]):
            found = [name for name, octets in places.items() if form in octets or form.lower() in octets.lower()]
            expect(not found, f"a key is in {found}")
    print(f"no key in {', '.join(places)}")


def keys(bed, peer, config):
    """Two runs of the command: two keys, which the configuration takes as they are."""
    for name in ("to-peer.key", "from-peer.key"):
        testbed.run(bed.program, "esp-key", "--force", "--out", bed.directory / name)
    made = [(bed.directory / name).read_text() for name in ("to-peer.key", "from-peer.key")]
    made += [testbed.run(bed.program, "esp-key").stdout for _ in range(2)]
    expect(len(set(made)) == 4, "two of the keys are equal")
    expect(all(len(key) == 65 and set(key[:64]) <= set("0123456789abcdef") and key[64] == "\n" for key in made),
           "a key is not 64 hexadecimal digits")
    expect((bed.directory / "to-peer.key").stat().st_mode & 0o777 == 0o600, "others can read the key")
    checked = subprocess.run([str(bed.program), "router", "--check", "-c", str(config)],
                             capture_output=True, text=True, check=False)
    expect(checked.returncode == 0, checked.stdout + checked.stderr)
    print("keys are made and taken")


CLEAR = "2001:db8:a:3::1"


def switch(bed, peer, config):
    """Protection is given up for one neighbour alone, and everybody who asks is told."""
    protected = config.read_text()
    neighbour = f"""[[neighbour]]
name = "unprotected"
address = "{CLEAR}"
link_address = "02:00:00:00:00:03"
prefix = "2001:db8:a:3::/64"
access_points = ["02:00:00:00:0a:03"]
protection = "clear"
"""
    at = protected.index("[arrival]")
    both = protected[:at] + neighbour + "[neighbour.esp]\n" + associations(peer.router, bed).split("\n", 1)[1] + protected[at:]
    config.write_text(both)
    refused = subprocess.run([str(bed.program), "router", "--check", "-c", str(config)],
                             capture_output=True, text=True, check=False)
    expect(refused.returncode != 0 and 'protection is "clear" for unprotected' in refused.stderr, refused.stderr)
    config.write_text(protected[:at] + neighbour + protected[at:])
    space = bed.namespace("mn")
    testbed.run("ip", "-n", space, "addr", "add", f"{CLEAR}/64", "dev", "access0", "nodad")
    testbed.run("ip", "-n", bed.namespace("ar"), "-6", "route", "add", "2001:db8:a:3::/64", "dev", "access0")
    router = start(bed, config)

    def warnings():
        return [line for line in router.log.read_text().splitlines() if '"clear"' in line and "unprotected" in line]

    def send_clear(source, message, next_header=MOBILITY):
        header = struct.pack("!IHBB", 6 << 28, len(message), next_header, 64)
        peer.clear.sendto(header + ipaddress.ip_address(source).packed + ipaddress.ip_address(peer.router).packed +
                          message, (peer.router, 0))

    expect(len(warnings()) == 1, f"at the start: {warnings()}")
    expect(router.command("reload").returncode == 0, "the reload is refused")
    expect(len(warnings()) == 2, f"at the reload: {warnings()}")
    status = router.status()
    expect([text for text in status["warnings"] if "unprotected" in text and '"clear"' in text], f"{status['warnings']}")
    expect(status["counters"]["peer"]["neighbours-in-clear"] == 1, f"{status['counters']['peer']}")
    expect({each["name"]: each["protection"] for each in status["neighbours"]} ==
           {"nar": "esp", "unprotected": "clear"}, f"{status['neighbours']}")
    peer.exchange()
    peer.heard(0.5)
    send_clear(PEER, handover_initiate(PEER, peer.router, 1))
    send_clear(CLEAR, seal(TO_ROUTER, 77, handover_initiate(CLEAR, peer.router, 1)), ESP)
    send_clear(CLEAR, seal(0x7777, 1, handover_initiate(CLEAR, peer.router, 1), key=b"k" * 32), ESP)
    expect(not [each for each in peer.heard(2) if each[0] in (ESP, MOBILITY)], "answered")
    counters = router.status()["counters"]
    expect(counters["peer"]["clear-from-protected"] == 1, f"{counters['peer']}")
    expect(counters["esp"]["no-association"] == 1 and counters["esp"]["selector"] == 1, f"{counters['esp']}")
    send_clear(CLEAR, handover_initiate(CLEAR, peer.router, 1))
    answers = [each for each in peer.heard(3) if each[0] in (ESP, MOBILITY)]
    expect([each[0] for each in answers] == [MOBILITY], f"not one HAck in clear: {answers}")
    expect(router.wait_for("arrival-expected", 1, lambda event: event["par"] == CLEAR),
           "the HI of the neighbour with the switch moved nothing")
    peer.exchange()
    print("the switch is for one neighbour, and the log, status and counters say so")


def main():
    scenarios = {"restart": restart, "floor": floor, "silence": silence, "secrets": secrets,
                 "keys": keys, "switch": switch}
    if len(sys.argv) != 3 or sys.argv[2] not in scenarios:
        sys.exit(__doc__)
    with testbed.Testbed(sys.argv[1]) as bed:
        peer = Peer(bed)
        try:
            scenarios[sys.argv[2]](bed, peer, configuration(bed, peer.router))
        except testbed.Failure as failure:
            log = bed.directory / "ar.log"
            print(f"FAILED: {failure}\n--- the router's log ends\n" + (log.read_text()[-3000:] if log.exists() else ""))
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
