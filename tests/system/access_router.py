#!/usr/bin/env python3
"""What RFC 4861 and RFC 6980 ask of an access router as a whole: its kernel, its daemon, and a stranger on its link.

    access_router.py PROGRAM [GROUP...]     as root; a line for each thing that held, exit 1 at the first that did not
"""
import socket
import struct
import sys
import threading

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from guard import PATIENCE, forging, hold, options_of, raw_socket, testbed, wait_until
from stranger import ALL_NODES, ALL_ROUTERS, MLD_REPORT, NA, ROUTER, SOLICITED, Heard, group_of, solicitation, text

STRANGER = "fe80::66"
STAYS = "2001:db8:a:1::77"  # of the router's, whether the daemon runs or not
CPS, CPA, FRAGMENT, CERTIFICATE = 148, 149, 44, 16
MLD_DONE, NO_SOURCES_LEFT = 132, 3
OCTETS = 1300


class Bed(testbed.Testbed):
    def _make_link(self):
        super()._make_link()
        self.raw = raw_socket(self.namespace("attacker"))
        self.heard = []
        with testbed.entered(self.namespace("attacker")):
            self.ears = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x86DD))
            self.ears.bind(("access0", 0x86DD))
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self):
        """What the router sends."""
        while True:
            try:
                frame = self.ears.recv(65536)
            except OSError:  # the link is gone
                return
            if frame[6:12] == forging.hardware(testbed.NODES["ar"]):
                self.heard.append(Heard(frame))

    def say(self, packet):
        destination = packet[24:40]
        to = b"\x33\x33" + destination[12:] if destination[0] == 0xFF else forging.hardware(testbed.NODES["ar"])
        self.raw.send(to + forging.hardware(testbed.NODES["attacker"]) + b"\x86\xdd" + packet)

    def hear(self, wanted, since=0):
        return wait_until(lambda: next(filter(wanted, self.heard[since:]), None))

    def ip(self, *words):
        return testbed.run("ip", "-n", self.namespace("ar"), *words).stdout

    def read(self, path):
        return testbed.run(*self.inside("ar", "cat", path)).stdout

    def groups(self):
        lines = map(str.split, self.read("/proc/net/igmp6").splitlines())
        return {text(bytes.fromhex(words[2])) for words in lines if words[1] == "access0"}

    def router_daemon(self, config):
        daemon = self.start("ar", "router", config)
        hold("the router is ready", daemon.wait_for("router-ready", PATIENCE), daemon.log.read_text())
        return daemon


def leaves(heard, left):
    """Whether it tells that nobody is in this group any more."""
    if heard.kind == MLD_DONE:
        return text(heard.message[8:24]) == left
    if heard.kind != MLD_REPORT:
        return False
    count, at = struct.unpack_from("!H", heard.message, 6)[0], 8
    for _ in range(count):
        kind, more, sources = struct.unpack_from("!BBH", heard.message, at)
        if kind == NO_SOURCES_LEFT and sources == 0 and text(heard.message[at + 4:at + 20]) == left:
            return True
        at += 20 + 16 * sources + 4 * more
    return False


def stop(bed):
    """A router that becomes a host again (RFC 4861 6.2.5)."""
    bed.ip("address", "add", f"{STAYS}/64", "dev", "access0", "nodad")
    hold("without the daemon it is a host", bed.read("/proc/sys/net/ipv6/conf/access0/forwarding").strip() == "0"
         and ALL_ROUTERS not in bed.groups())

    def flags():
        since = len(bed.heard)
        bed.say(solicitation(STRANGER, group_of(STAYS), STAYS, testbed.NODES["attacker"]))
        return bed.hear(lambda heard: heard.kind == NA and heard.target == STAYS, since).flags

    daemon = bed.router_daemon(bed.router_config())
    hold("with it one of all routers", ALL_ROUTERS in bed.groups())
    hold("and its advertisements say so", flags() & (ROUTER | SOLICITED) == ROUTER | SOLICITED)
    since = len(bed.heard)
    daemon.process.terminate()
    hold("the daemon ends", daemon.process.wait(PATIENCE) == 0, daemon.log.read_text())
    hold("then it has left them", ALL_ROUTERS not in bed.groups())
    hold("which it tells", bed.hear(lambda heard: leaves(heard, ALL_ROUTERS), since))
    hold("and it advertises itself as a host", flags() & (ROUTER | SOLICITED) == SOLICITED)


def contradiction(bed):
    """Another router with another MTU (RFC 4861 6.2.7)."""
    config = bed.router_config()
    config.write_text(config.read_text().replace("max_ra_interval = 10\n", "max_ra_interval = 10\nmtu = 1400\n"))
    daemon = bed.router_daemon(config)

    def advertise(source, mtu=None):
        body = struct.pack("!BBHBBHII", 134, 0, 0, 64, 0, 1800, 0, 0)
        bed.say(forging.icmp(source, ALL_NODES, body + (struct.pack("!BBHI", 5, 1, 0, mtu) if mtu else b"")))

    def lines():
        return [line for line in daemon.log.read_text().splitlines() if "router-contradicts" in line]

    advertise(STRANGER)
    for _ in range(5):
        advertise(STRANGER, 1500)
    advertise("fe80::67")
    advertise("fe80::68", 1500)  # behind all these
    hold("it is logged", daemon.wait_for("router-contradicts", PATIENCE, lambda event: event["router"] == "fe80::68"),
         daemon.log.read_text())
    hold("once for each router that says another MTU", wait_until(lambda: len(lines()) == 2)
         and all("MTU 1500 for 1400" in line for line in lines()) and STRANGER in lines()[0], str(lines()))


def mtu(bed):
    """A certificate that does not fit the link (RFC 6980 5)."""
    files = {name: bed.directory / f"{name}.pem" for name in ("anchor", "anchor-key", "own")}
    testbed.run(bed.program, "cert", "anchor", "--name", "Network", "--prefix", "2001:db8::/32", "--out-cert", files["anchor"],
                "--out-key", files["anchor-key"])
    config = bed.router_config()
    config.write_text(config.read_text().replace(f'"{bed.directory}/chain.pem"', f'"{files["own"]}"')
                      .replace(f'"{bed.directory}/ar-anchor.pem"', f'"{files["anchor"]}"'))

    def certify(length):
        testbed.run(bed.program, "cert", "router", "--issuer-cert", files["anchor"], "--issuer-key", files["anchor-key"],
                    "--name", "ar", "--prefix", testbed.PREFIX, "--key", bed.directory / "ar.key", "--force",
                    "--crl-uri", "http://" + "x" * length, "--out-cert", files["own"])
        return x509.load_pem_x509_certificate(files["own"].read_bytes()).public_bytes(Encoding.DER)

    own = certify(400 + OCTETS - len(certify(400)))
    hold(f"a certificate of {OCTETS} octets", len(own) == OCTETS, str(len(own)))
    bed.ip("link", "set", "access0", "mtu", "1280")
    try:
        bed.start("ar", "router", config)
        refused = ""
    except testbed.Failure as failure:
        refused = str(failure)
    hold("with an MTU of 1280 the daemon does not start, and says why",
         "access0 has an MTU of 1280, and a certificate needs packets of" in refused, refused)
    bed.ip("link", "set", "access0", "mtu", "1500")
    bed.router_daemon(config)
    anchor = x509.load_pem_x509_certificate(files["anchor"].read_bytes()).subject.public_bytes()
    padding = bytes(-(4 + len(anchor)) % 8)
    option = struct.pack("!BBBB", 15, (4 + len(anchor) + len(padding)) // 8, 1, len(padding)) + anchor + padding
    bed.say(forging.icmp(STRANGER, ALL_ROUTERS, struct.pack("!BBHHH", CPS, 0, 0, 7, 0xFFFF) + option))
    answer = bed.hear(lambda heard: heard.kind == CPA)
    hold("with 1500 it shows it", answer and any(own in octets for kind, octets, _ in options_of(answer.message, 12)
                                                 if kind == CERTIFICATE))
    hold("in one packet", 1280 < len(answer.packet) <= 1500 and not [heard for heard in bed.heard if heard.protocol == FRAGMENT],
         str(len(answer.packet)))


GROUPS = {"stop": stop, "contradiction": contradiction, "mtu": mtu}


def main():
    try:
        for name in sys.argv[2:] or GROUPS:
            with Bed(sys.argv[1]) as bed:
                GROUPS[name](bed)
            print(f"access_router {name}: all held", flush=True)
    except testbed.Failure as failure:
        sys.exit(f"access_router: {failure}")


if __name__ == "__main__":
    main()
