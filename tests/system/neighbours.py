#!/usr/bin/env python3
"""What RFC 4861 and 4862 ask of a node as a whole: a kernel whose Neighbor Discovery `sendoff guard` secures, and a
stranger on its link that says what a test wants.

    neighbours.py PROGRAM      as root; a line for each thing that held, exit 1 at the first that did not
"""
import itertools
import pathlib
import queue
import re
import socket
import struct
import subprocess
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import guard  # noqa: E402
from guard import forging, hold, testbed, wait_until  # noqa: E402

ALL_NODES, ALL_ROUTERS, NOBODY = "ff02::1", "ff02::2", "::"
RS, RA, NS, NA, REDIRECT = 133, 134, 135, 136, 137
FIXED = {RS: 8, RA: 16, NS: 24, NA: 24, REDIRECT: 40}
SOLICITED, OVERRIDE, ROUTER = 0x40, 0x20, 0x80
THIEF, SECOND = guard.LINKS["thief"], "02:00:00:00:66:02"
FAR = "2001:db8:ff::1"
GUARDED = forging.hardware(guard.LINKS["a"]), forging.hardware(guard.LINKS["b"])
ECHO_REQUEST, MLD_REPORT = 128, 143


def text(octets):
    return str(guard.vectorlib.ip(octets))


def group_of(address):
    return text(forging.packed("ff02::1:ff00:0")[:13] + forging.packed(address)[13:])


def solicitation(source, destination, target, link=None):
    body = struct.pack("!BBHI", NS, 0, 0, 0) + forging.packed(target)
    return forging.icmp(source, destination, body + (forging.link_option(1, link) if link else b""))


def advertisement(source, destination, target, flags, link=None):
    body = struct.pack("!BBHI", NA, 0, 0, flags << 24) + forging.packed(target)
    return forging.icmp(source, destination, body + (forging.link_option(2, link) if link else b""))


def router(source, link=None, lifetime=1800, hops=0, reachable=0, retrans=0, options=b""):
    body = struct.pack("!BBHBBHII", RA, 0, 0, hops, 0, lifetime, reachable, retrans)
    return forging.icmp(source, ALL_NODES, body + (forging.link_option(1, link) if link else b"") + options)


def question(source, link=None):
    body = struct.pack("!BBHI", RS, 0, 0, 0)
    return forging.icmp(source, ALL_ROUTERS, body + (forging.link_option(1, link) if link else b""))


def redirect(source, destination, target, towards, link=None):
    body = struct.pack("!BBHI", REDIRECT, 0, 0, 0) + forging.packed(target) + forging.packed(towards)
    return forging.icmp(source, destination, body + (forging.link_option(2, link) if link else b""))


def echo(source, destination):
    return forging.icmp(source, destination, struct.pack("!BBHHH", ECHO_REQUEST, 0, 0, 7, 1) + b"echo")


def fragments(packet, *cuts):
    """The packet in pieces; without a cut one atomic fragment (RFC 6946)."""
    payload, bounds = packet[40:], [0, *cuts, len(packet) - 40]
    for first, end in itertools.pairwise(bounds):
        field = first | (1 if end != len(payload) else 0)
        head = struct.pack("!BBHI", packet[6], 0, field, 77) + payload[first:end]
        yield packet[:4] + struct.pack("!HBB", len(head), 44, packet[7]) + packet[8:40] + head


class Heard:
    def __init__(self, frame):
        self.at = time.monotonic()
        self.to_link, self.from_link = frame[:6], frame[6:12]
        self.packet = frame[14:]
        self.protocol = frame[20]
        self.source, self.destination = text(frame[22:38]), text(frame[38:54])
        self.message = frame[54:]
        if self.protocol == 0:  # a hop-by-hop header of 8 octets: Multicast Listener Discovery
            self.protocol, self.message = frame[54], frame[62:]
        self.kind = self.message[0] if self.protocol == 58 else None
        if self.kind in FIXED:
            options = guard.options_of(self.message, FIXED[self.kind])
            self.link = {kind: octets[2:8] for kind, octets, _ in options if kind in (1, 2)}
        if self.kind in (NS, NA):
            self.target = text(self.message[8:24])
            self.flags = self.message[4]


class Stranger(threading.Thread):
    """Hears everything on the link, speaks as whoever it likes."""

    def __init__(self, bed):
        super().__init__(daemon=True)
        self.bed = bed
        self.heard = queue.Queue()
        self.all = []
        self.reply = None  # called with each message of a guarded node
        with testbed.entered(bed.namespace("thief")):
            self.ears = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x86DD))
            self.ears.bind(("access0", 0x86DD))
            self.ears.setsockopt(263, 1, struct.pack("iHH8s", socket.if_nametoindex("access0"), 1, 0, bytes(8)))
        self.start()

    def run(self):
        while True:
            try:
                frame = self.ears.recv(4096)
            except OSError:  # the link is gone
                return
            if frame[6:12] not in GUARDED:
                continue
            heard = Heard(frame)
            self.all.append(heard)
            self.heard.put(heard)
            if self.reply:
                self.reply(heard)

    def say(self, packet, link=THIEF, host=0):
        """`host`: which of the guarded ones it is for, where it is for one."""
        destination = packet[24:40]
        to = b"\x33\x33" + destination[12:] if destination[0] == 0xFF else GUARDED[host]
        self.bed.raw.send(to + forging.hardware(link) + b"\x86\xdd" + packet)

    def forget(self):
        while not self.heard.empty():
            self.heard.get()

    def hear(self, wanted, patience=5):
        deadline = time.monotonic() + patience
        while (left := deadline - time.monotonic()) > 0:
            try:
                heard = self.heard.get(timeout=left)
            except queue.Empty:
                return None
            if wanted(heard):
                return heard
        return None

    def ask(self, packet, wanted, patience=5, link=THIEF):
        self.forget()
        self.say(packet, link)
        return self.hear(wanted, patience)


class Node:
    """The guarded host `a`, seen from inside."""

    def __init__(self, bed, daemon):
        self.bed, self.daemon = bed, daemon
        self.link_local, self.address = daemon.link_local, daemon.address

    def ip(self, *words, check=True):
        return subprocess.run(["ip", "-n", self.bed.namespace("a"), "-6", *words], check=check, capture_output=True,
                              text=True).stdout

    def entry(self, address):
        """(state, link-layer address, whether a router); nothing without an entry."""
        line = self.ip("neigh", "show", address, "dev", "access0", "nud", "all").split()
        if not line:
            return None
        return line[-1], line[line.index("lladdr") + 1] if "lladdr" in line else None, "router" in line

    def neighbours(self):
        """Those that are no groups."""
        lines = self.ip("neigh", "show", "dev", "access0", "nud", "all").splitlines()
        return {line.split()[0] for line in lines if not line.startswith("ff")}

    def have(self, address, state, link=THIEF, is_router=False):
        self.ip("neigh", "replace", address, "dev", "access0", "lladdr", link, "nud", state, *(["router"] if is_router else []))

    def set(self, name, value, where="conf"):
        path = f"/proc/sys/net/ipv6/{where}/access0/{name}"
        testbed.run(*self.bed.inside("a", "sh", "-c", f"echo {value} > {path}"))

    def get(self, name, where="conf", interface="access0"):
        return testbed.run(*self.bed.inside("a", "cat", f"/proc/sys/net/ipv6/{where}/{interface}/{name}")).stdout.strip()

    def groups(self):
        lines = testbed.run(*self.bed.inside("a", "cat", "/proc/net/igmp6")).stdout.splitlines()
        return {text(bytes.fromhex(words[2])) for words in map(str.split, lines) if words[1] == "access0"}

    def ping(self, address, source=None, wait=1):
        """Begins one; its output comes by communicate()."""
        return subprocess.Popen(self.bed.inside("a", "ping", "-6", "-n", "-c", "1", "-W", str(wait),
                                                *(["-I", source] if source else []), address),
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def past(node, stranger, *packets):
    """Says them, and something behind them that is answered."""
    for packet in packets:
        stranger.say(packet)
    own = node.link_local
    if not stranger.ask(solicitation("fe80::66", own, own, THIEF), lambda heard: heard.kind == NA and heard.target == own):
        raise testbed.Failure("a solicitation is not answered")


def answer_solicitations(node, stranger):
    who, target = "fe80::66", node.link_local

    def answered(heard):
        return heard.kind == NA and heard.target == target

    group = stranger.ask(solicitation(who, group_of(target), target, THIEF), answered)
    hold("a solicitation to the group is answered to its source", group and group.destination == who
         and group.flags == SOLICITED | OVERRIDE and group.link == {2: GUARDED[0]}, str(vars(group) if group else None))
    hold("by a message that is signed", guard.fault_of(group.packet) == "")
    entry = node.entry(who)
    hold("and its link-layer address is kept as unproven", entry[0] in ("STALE", "DELAY") and entry[1] == THIEF, str(entry))
    one = stranger.ask(solicitation(who, target, target, THIEF), answered)
    hold("so is one to the address", one and one.destination == who and one.flags & 0xC0 == SOLICITED)
    known = node.neighbours()
    everybody = stranger.ask(solicitation(NOBODY, group_of(target), target), answered)
    hold("one from nobody is answered to all, as not solicited", everybody and everybody.destination == ALL_NODES
         and everybody.flags == OVERRIDE and everybody.link == {2: GUARDED[0]})
    hold("and makes no neighbour", node.neighbours() == known, str(node.neighbours()))

    nameless = "fe80::67"
    stranger.forget()
    stranger.say(solicitation(nameless, target, target))
    resolving = stranger.hear(lambda heard: heard.kind == NS and heard.target == nameless)
    entry = node.entry(nameless)
    hold("one without a link-layer address makes none either, but is resolved", resolving and entry[1] is None, str(entry))
    stranger.say(advertisement(nameless, node.link_local, nameless, SOLICITED | OVERRIDE, THIEF))
    hold("and answered then", stranger.hear(lambda heard: answered(heard) and heard.destination == nameless))

    node.ip("address", "add", "2001:db8:77::1/128", "dev", "lo")
    for nobodys in ("2001:db8:77::1", "2001:db8:a:1::dead", "fe80::dead"):
        reply = stranger.ask(solicitation(who, group_of(nobodys), nobodys, THIEF), lambda heard: heard.kind == NA, 0.3)
        hold(f"nobody answers for {nobodys} here", reply is None)
    node.ip("address", "del", "2001:db8:77::1/128", "dev", "lo")


def make_no_neighbour(node, stranger):
    for who, packet in (("fe80::71", router("fe80::71")), ("fe80::72", question("fe80::72")),
                        ("fe80::73", redirect("fe80::71", node.address, "fe80::73", FAR))):
        past(node, stranger, packet)
        entry = node.entry(who)
        hold(f"type {packet[40]} without a link-layer address makes no neighbour", entry is None or entry[1] is None, str(entry))
    past(node, stranger, router("fe80::71", lifetime=0))
    node.ip("neigh", "flush", "dev", "access0")


def resolve(node, stranger):
    began = {}
    for target, source, by in (("2001:db8:a:1::99", node.address, node.address), ("fe80::99", node.link_local, "access0")):
        stranger.forget()
        began[source] = node.ping(target, by)
        first = stranger.hear(lambda heard, target=target: heard.kind == NS and heard.target == target)
        hold(f"{target} is asked for from the address that wants it", first and first.source == source
             and first.destination == group_of(target), str(first and vars(first)))
        hold("with a link-layer address", first.link == {1: GUARDED[0]} and guard.fault_of(first.packet) == "")
    outputs = [process.communicate()[0] for process in began.values()]
    time.sleep(3.2)
    for target in ("2001:db8:a:1::99", "fe80::99"):
        times = [heard.at for heard in stranger.all if heard.kind == NS and heard.target == target]
        apart = [after - before for before, after in itertools.pairwise(times)]
        hold("three times, a second apart", len(times) == 3 and all(0.95 <= each <= 1.3 for each in apart), str(apart))
    slow = node.ping("2001:db8:a:1::98", node.address, 5).communicate()[0]
    hold("then it is unreachable, which who sent there is told", "Address unreachable" in slow, slow + str(outputs))


def advertise_to_incomplete(node, stranger):
    for number, (flags, states) in enumerate({
            SOLICITED | OVERRIDE: ("REACHABLE",), SOLICITED: ("REACHABLE",),
            OVERRIDE: ("STALE", "DELAY"), 0: ("STALE", "DELAY"), ROUTER | SOLICITED: ("REACHABLE",)}.items()):
        target = f"2001:db8:a:1::{number + 0x51:x}"
        stranger.forget()
        waiting = node.ping(target, node.address)
        stranger.hear(lambda heard, target=target: heard.kind == NS and heard.target == target)
        past(node, stranger, advertisement(target, node.address, target, flags))
        hold("an answer without a link-layer address is none", node.entry(target)[0] == "INCOMPLETE")
        stranger.say(advertisement(target, node.address, target, flags, THIEF))
        sent = stranger.hear(lambda heard, target=target: heard.kind == ECHO_REQUEST and heard.destination == target)
        entry = node.entry(target)
        hold(f"flags {flags:02x}: {states[0]}, and what waited is sent", sent and sent.to_link == forging.hardware(THIEF)
             and entry[0] in states and entry[1] == THIEF and entry[2] == bool(flags & ROUTER), str(entry))
        waiting.kill()
        waiting.wait()


def advertise_to_known(node, stranger):
    who = "2001:db8:a:1::61"

    def after(state, flags, link, is_router=False):
        node.have(who, "stale" if state == "delay" else state, is_router=is_router)
        if state == "delay":
            sending = node.ping(who, node.address)
            wait_until(lambda: node.entry(who)[0] == "DELAY", 3)
            sending.kill()
            sending.wait()
        past(node, stranger, advertisement(who, node.address, who, flags, link))
        return node.entry(who)

    for state in ("reachable", "stale", "delay", "probe"):
        for flags in (0, SOLICITED):
            entry = after(state, flags, SECOND)
            kept = "STALE" if state == "reachable" else state.upper()
            hold(f"{state}: another address without override changes nothing more than {kept}",
                 entry == (kept, THIEF, False), str(entry))
        for flags, link, wanted in ((OVERRIDE | SOLICITED, SECOND, ("REACHABLE", SECOND)), (OVERRIDE, SECOND, ("STALE", SECOND)),
                                    (OVERRIDE | SOLICITED, THIEF, ("REACHABLE", THIEF)), (SOLICITED, THIEF, ("REACHABLE", THIEF)),
                                    (SOLICITED, None, ("REACHABLE", THIEF)), (OVERRIDE, THIEF, (state.upper(), THIEF)),
                                    (0, THIEF, (state.upper(), THIEF)), (0, None, (state.upper(), THIEF))):
            entry = after(state, flags, link)
            hold(f"{state}: flags {flags:02x} with {link}: {wanted}", entry[:2] == wanted, str(entry))
    hold("who says so is a router", after("stale", SOLICITED | ROUTER, THIEF)[2])
    hold("and who does not is none", not after("stale", SOLICITED, THIEF, True)[2])
    node.ip("neigh", "flush", "dev", "access0")


def know_routers(node, stranger):
    first, second = "fe80::81", "fe80::82"

    def default():
        return node.ip("route", "show", "default")

    def way():
        stranger.forget()
        sending = node.ping(FAR, node.address)
        heard = stranger.hear(lambda each: each.kind == ECHO_REQUEST and each.destination == FAR)
        sending.kill()
        sending.wait()
        return heard and heard.to_link

    past(node, stranger, router(first, THIEF, hops=50, reachable=20000, retrans=1500))
    told = [("hop_limit", "conf", "50"), ("base_reachable_time_ms", "neigh", "20000"), ("retrans_time_ms", "neigh", "1500")]
    hold("what a router tells is taken", all(node.get(name, where) == value for name, where, value in told))
    hold("and the router is a neighbour, not yet proven", node.entry(first) == ("STALE", THIEF, True), str(node.entry(first)))
    past(node, stranger, router(first, THIEF))
    hold("what it does not specify stays", all(node.get(name, where) == value for name, where, value in told))
    hold("and an advertisement proves nothing", node.entry(first) == ("STALE", THIEF, True))
    past(node, stranger, advertisement(first, ALL_NODES, first, ROUTER | OVERRIDE, THIEF))
    hold("nor one that nobody asked for", node.entry(first) == ("STALE", THIEF, True))
    past(node, stranger, router(first, SECOND))
    hold("another link-layer address of it replaces the first", node.entry(first) == ("STALE", SECOND, True))
    past(node, stranger, router(first, THIEF, retrans=1000))

    hold("packets go by it", way() == forging.hardware(THIEF))
    past(node, stranger, router(second, SECOND))
    hold("two routers are kept", first in default() and second in default())
    past(node, stranger, router(first, THIEF, lifetime=0))
    hold("one that says it is none goes at once", first not in default() and second in default())
    hold("and packets go by the other", way() == forging.hardware(SECOND))

    def first_hop():
        return node.ip("route", "get", FAR)

    for who, source in (("that is not the way there", first), ("from a global address", "2001:db8:a:1::81")):
        past(node, stranger, redirect(source, node.address, "fe80::83", FAR, THIEF))
        hold(f"a redirect of a router {who} is refused", f"via {second}" in first_hop(), first_hop())
    past(node, stranger, redirect(second, node.address, "fe80::83", FAR, THIEF))
    hold("one of the router on the way is followed", "via fe80::83" in first_hop(), first_hop())
    node.have(second, "reachable", SECOND, True)
    past(node, stranger, advertisement(second, node.address, second, SOLICITED, SECOND))
    hold("a router that is one no more is no way to anywhere", "default" not in default(), default())
    node.ip("neigh", "flush", "dev", "access0")


def take_no_fragments(node, stranger):
    node.have("2001:db8:a:1::61", "stale")
    forged = [solicitation("fe80::91", group_of(node.link_local), node.link_local, THIEF),
              advertisement("2001:db8:a:1::61", node.address, "2001:db8:a:1::61", OVERRIDE, SECOND),
              router("fe80::92", THIEF), question("fe80::93", THIEF)]
    stranger.forget()
    for packet in forged:
        for piece in [*fragments(packet), *fragments(packet, 8)]:
            stranger.say(piece)
    hold("nobody answers what came in fragments", stranger.hear(lambda heard: heard.kind == NA, 0.5) is None)
    hold("and it changes nothing", node.entry("2001:db8:a:1::61")[1] == THIEF and "fe80::92" not in node.ip("route", "show")
         and not any(node.entry(f"fe80::9{i}") for i in (1, 2, 3)))
    answer = stranger.ask(forged[0], lambda heard: heard.kind == NA)
    hold("whole it is answered", answer)
    node.ip("neigh", "flush", "dev", "access0")


def be_a_router(node, stranger):
    node.set("forwarding", 1)
    hold("a router is in the group of routers", wait_until(lambda: ALL_ROUTERS in node.groups(), 5))
    who = "fe80::a1"
    answer = stranger.ask(solicitation(who, node.link_local, node.link_local, THIEF),
                          lambda heard: heard.kind == NA and heard.destination == who)
    hold("it says that it is one", answer and answer.flags & ROUTER)
    node.ip("neigh", "flush", "dev", "access0")
    past(node, stranger)
    known = node.neighbours()
    past(node, stranger, question(NOBODY))
    hold("a question from nobody makes no neighbour", node.neighbours() == known)
    past(node, stranger, question(who, THIEF))
    hold("one of a host makes it one", node.entry(who) == ("STALE", THIEF, False), str(node.entry(who)))
    past(node, stranger, question(who, THIEF))
    hold("the same again changes nothing", node.entry(who) == ("STALE", THIEF, False))
    node.have(who, "reachable", THIEF, True)
    past(node, stranger, question(who, SECOND))
    hold("another link-layer address replaces it, and who asks is no router", node.entry(who) == ("STALE", SECOND, False),
         str(node.entry(who)))
    anycast = testbed.run(*node.bed.inside("a", "cat", "/proc/net/anycast6")).stdout
    mine = forging.packed(node.address)[:8].hex() + "0" * 16
    hold("it has the anycast address of its subnet", mine in anycast, anycast)
    hold("which nobody detects", not any(heard.kind == NS and heard.target == text(bytes.fromhex(mine)) for heard in stranger.all))
    node.set("forwarding", 0)
    answer = stranger.ask(solicitation(who, node.link_local, node.link_local, THIEF),
                          lambda heard: heard.kind == NA and heard.destination == who)
    hold("that ends, and it does not say so any more", answer and not answer.flags & ROUTER)
    known = node.entry(who)
    past(node, stranger, question(who, THIEF))
    hold("and a host heeds no question", node.entry(who)[1] == known[1], str(node.entry(who)))
    node.ip("neigh", "flush", "dev", "access0")


def detect_unreachability(node, stranger):
    silent, lively = "2001:db8:a:1::b1", "2001:db8:a:1::b2"
    node.set("base_reachable_time_ms", 1000, "neigh")
    node.set("delay_first_probe_time", 1, "neigh")
    time.sleep(0.1)

    def reply(heard):
        if heard.kind == NS and heard.target == lively:
            stranger.say(advertisement(lively, heard.source, lively, SOLICITED | OVERRIDE, THIEF))

    stranger.reply = reply
    for who in (silent, lively):
        node.have(who, "stale")
    stranger.forget()
    pings = [node.ping(who, node.address) for who in (silent, lively)]
    hold("a packet to an unproven neighbour leaves at once", stranger.hear(
        lambda heard: heard.kind == ECHO_REQUEST and heard.destination == silent, 1))
    hold("and it is watched", node.entry(silent)[0] == "DELAY", str(node.entry(silent)))
    sent = time.monotonic()
    hold("then asked for", wait_until(lambda: node.entry(silent)[0] == "PROBE", 4))
    hold("one who answers is there", wait_until(lambda: node.entry(lively)[0] == "REACHABLE", 4), str(node.entry(lively)))
    hold("and unproven again after a while", wait_until(
        lambda: node.entry(lively)[0] in ("STALE", "DELAY", "PROBE"), 60), str(node.entry(lively)))
    hold("one who does not is forgotten", wait_until(lambda: (node.entry(silent) or ("FAILED",))[0] == "FAILED", 6),
         str(node.entry(silent)))
    probes = [heard for heard in stranger.all if heard.kind == NS and heard.target == silent and heard.at > sent - 1]
    apart = [after.at - before.at for before, after in itertools.pairwise(probes)]
    hold("after three questions, a second apart", len(probes) == 3 and all(0.95 <= each <= 1.3 for each in apart), str(apart))
    hold("to the group, for it was not secured, with a link-layer address", all(
        probe.destination == group_of(silent) and probe.link == {1: GUARDED[0]} for probe in probes))
    for process in pings:
        process.kill()
        process.wait()
    stranger.reply = None


def probe_a_secured_one(bed, node, stranger):
    b = bed.guard("b")
    hold("a secured neighbour is reached", bed.ping("a", b.address))
    node.have(b.address, "stale", guard.LINKS["b"])
    testbed.run("ip", "-n", bed.namespace("link"), "link", "set", "to-b", "down")
    stranger.forget()
    sending = node.ping(b.address, node.address)
    probes = [stranger.hear(lambda heard: heard.kind == NS and heard.target == b.address, 4) for _ in range(3)]
    hold("silent, it is asked for alone", all(probes) and all(probe.destination == b.address for probe in probes))
    hold("a second apart", all(0.95 <= after.at - before.at <= 1.3 for before, after in itertools.pairwise(probes)))
    hold("and forgotten", wait_until(lambda: (node.entry(b.address) or ("FAILED",))[0] == "FAILED", 6))
    sending.kill()
    sending.wait()
    guard.end(b)
    testbed.run("ip", "-n", bed.namespace("link"), "link", "set", "to-b", "up")


def join_groups(node):
    pair = ["2001:db8:a:1::aa:1122:3344", "2001:db8:a:1::bb:1122:3344"]
    hold("a node is in the group of all and in that of each address",
         {ALL_NODES, group_of(node.link_local), group_of(node.address)} <= node.groups())
    for address in pair:
        node.ip("address", "add", f"{address}/128", "dev", "access0", "nodad")
    hold("two addresses that end alike share one", group_of(pair[0]) == group_of(pair[1]) and group_of(pair[0]) in node.groups())
    node.ip("address", "del", f"{pair[0]}/128", "dev", "access0")
    hold("which one of them keeps", group_of(pair[0]) in node.groups())
    node.ip("address", "del", f"{pair[1]}/128", "dev", "access0")
    hold("and the last one leaves", wait_until(lambda: group_of(pair[0]) not in node.groups(), 5))


def check_constants(node):
    for name, value in {"mcast_solicit": 3, "ucast_solicit": 3, "anycast_delay": 100, "base_reachable_time_ms": 30000,
                        "retrans_time_ms": 1000, "delay_first_probe_time": 5}.items():
        hold(f"{name} is {value}", int(node.get(name, "neigh")) == value, node.get(name, "neigh"))
    drawn = re.findall(r"reachable (\d+)", node.ip("ntable", "show", "dev", "access0"))
    hold("a neighbour is reachable for half to one and a half of that", drawn and all(15000 <= int(each) <= 45000
                                                                                    for each in drawn), str(drawn))


class Detection:
    """Starts of the guarded host `b`, while the stranger does what it likes."""

    def __init__(self, bed, stranger):
        self.bed, self.stranger = bed, stranger

    def set(self, name, value):
        testbed.run(*self.bed.inside("b", "sh", "-c", f"echo {value} > /proc/sys/net/ipv6/conf/access0/{name}"))

    def start(self, transmits, prefixes=f'"{guard.PREFIX}"'):
        self.set("dad_transmits", transmits)
        self.began = time.monotonic()
        self.daemon = self.bed.guard("b", prefixes=prefixes)
        self.ready = time.monotonic()
        return self.daemon

    def end(self):
        guard.end(self.daemon)

    def probes(self, target):
        return [each for each in self.stranger.all if each.at >= self.began and each.kind == NS and each.source == NOBODY
                and each.target == target]

    def repeated(self, packets):
        """Says them all the time, until the stop is set."""
        stop = threading.Event()

        def work():
            while not stop.wait(0.02):
                for packet in packets():
                    self.stranger.say(packet, host=1)

        threading.Thread(target=work, daemon=True).start()
        return stop


def detect_duplicates(bed, stranger):
    host = Detection(bed, stranger)
    b = host.start(1)
    link_local, address = b.link_local, b.address
    hold("a host has its own addresses and no other", sorted(bed.addresses("b")) == sorted([link_local, address]))
    for own in (link_local, address):
        probes = host.probes(own)
        hold(f"{own} was asked for once, from nobody, to its group", len(probes) == 1 and probes[0].destination == group_of(own)
             and not probes[0].link and guard.fault_of(probes[0].packet) == "", str(len(probes)))
        reports = [each.at for each in stranger.all if each.kind == MLD_REPORT and each.at >= host.began
                   and forging.packed(group_of(own)) in each.message]
        hold("by one who is in that group", reports and reports[0] <= probes[0].at, f"{reports} {probes[0].at}")
    hold("and used when nothing was heard for a second", host.ready - host.probes(address)[-1].at >= 0.95)
    host.end()

    host.start(0)
    hold("none is asked for where that is switched off", not host.probes(link_local) and not host.probes(address))
    host.end()

    def meanwhile():
        yield echo("fe80::66", link_local)
        yield solicitation("fe80::66", group_of(link_local), link_local, THIEF)  # somebody resolves it
        yield solicitation("fe80::66", link_local, link_local, THIEF)
        bad = advertisement("fe80::66", ALL_NODES, link_local, OVERRIDE, THIEF)
        yield bad[:7] + b"\xfe" + bad[8:]
        for probe in host.probes(link_local)[:1]:
            yield probe.packet  # its own, that comes back

    began = len(stranger.all)
    stop = host.repeated(meanwhile)
    b = host.start(3)
    stop.set()
    probes = host.probes(link_local)
    apart = [after.at - before.at for before, after in itertools.pairwise(probes)]
    hold("three times where three are wanted, a second apart", len(probes) == 3 and all(0.9 <= each <= 1.3 for each in apart),
         str(apart))
    hold("nothing that proves nothing takes the address away", b.link_local == link_local)
    early = [each for each in stranger.all[began:] if each.at < probes[-1].at + 0.95]
    hold("it is no source and no neighbour before that", not any(each.source == link_local for each in early)
         and not any(each.kind == NA for each in early))
    host.end()

    for attempt in range(4):
        stop = host.repeated(lambda: [solicitation(NOBODY, group_of(link_local), link_local)])
        b = host.start(1)
        stop.set()
        hold("somebody else who asks for it has it", b.link_local != link_local and link_local not in bed.addresses("b"))
        lost = b.log.read_text()
        hold("which is logged", re.search(f"address-lost.*{link_local}.*duplicate", lost) or
             re.search(f"{link_local}[^\n]*duplicate|duplicate[^\n]*{link_local}", lost), lost)
        hold("who gives way is silent", not any(each.kind == NA and each.target == link_local and each.at >= host.began
                                                for each in stranger.all))
        before = not host.probes(link_local)
        host.end()
        if before:
            break
    hold("though it had not yet asked itself", before)
    return link_local


def serve(bed, stranger):
    """A router and a mobile node as daemons of their own, in the places of b and a."""
    began = time.monotonic()

    def moved(path, node, name):
        text_of = path.read_text()
        for end in (".sock", '"'):
            text_of = text_of.replace(f"{bed.directory}/{name}{end}", f"{bed.directory}/{node}{end}")
        path.write_text(text_of)
        return path

    access = bed.start("b", "router", moved(bed.router_config(), "b", "ar"))
    ready = access.wait_for("router-ready", guard.PATIENCE)
    groups = testbed.run(*bed.inside("b", "cat", "/proc/net/igmp6")).stdout
    hold("an access router is in the group of routers", ready and forging.packed(ALL_ROUTERS).hex() in groups)
    stranger.forget()
    stranger.say(question(NOBODY), host=1)
    told = stranger.hear(lambda heard: heard.kind == RA, 8)
    hold("and answers who asks there", told and told.source == ready["link_local"] and told.destination == ALL_NODES
         and told.packet[7] == 255 and guard.fault_of(told.packet) == "", str(told and vars(told)))
    node = bed.start("a", "mobile", moved(bed.mobile_config(), "a", "mn"))
    events = [node.wait_for("address-formed", guard.PATIENCE) for _ in range(2)]
    hold("a mobile node comes up", all(events), node.command("status").stdout + node.log.read_text()[-3000:])
    formed = [event["address"] for event in events]
    hold("a mobile node has a link-local address and one under the router's prefix",
         formed[0].startswith("fe80::") and formed[1].startswith("2001:db8:a:1:"), str(formed))
    own = [ready["link_local"], *(address for address in bed.addresses("b") if not address.startswith("fe80")), *formed]
    hold("each of them, and of the router's, was detected first", len(own) == 4 and all(
        sum(heard.kind == NS and heard.source == NOBODY and heard.target == address and heard.at >= began
            for heard in stranger.all) == 1 for address in own), str(own))
    questions = [heard for heard in stranger.all if heard.kind == RS and heard.at >= began]
    hold("its questions are those of a host", questions and all(
        heard.source in (formed[0], NOBODY) and heard.destination == ALL_ROUTERS and heard.packet[7] == 255
        and (1 in heard.link) == (heard.source != NOBODY) for heard in questions), str([vars(each) for each in questions]))
    guard.end(node)
    guard.end(access)


def announce_another_link_address(node, stranger):
    node.set("ndisc_notify", 1)
    stranger.forget()
    other = "02:00:00:00:00:1a"
    global GUARDED
    GUARDED = (forging.hardware(other), GUARDED[1])
    began = time.monotonic()
    testbed.run("ip", "-n", node.bed.namespace("a"), "link", "set", "access0", "address", other)
    told = stranger.hear(lambda heard: heard.kind == NA and heard.target == node.address, 5)
    hold("another link-layer address is told to all", told and told.destination == ALL_NODES and told.flags == OVERRIDE
         and told.link == {2: forging.hardware(other)} and guard.fault_of(told.packet) == "", str(told and vars(told)))
    time.sleep(1.5)
    times = [each.at for each in stranger.all if each.at >= began and each.kind == NA and each.target == node.address]
    hold("three times at most, a second apart", 1 <= len(times) <= 3
         and all(after - before >= 0.95 for before, after in itertools.pairwise(times)), str(times))


def main():
    with guard.Bed(sys.argv[1]) as bed:
        stranger = Stranger(bed)
        node = Node(bed, bed.guard("a"))
        node.set("accept_ra", 2)
        check_constants(node)
        answer_solicitations(node, stranger)
        make_no_neighbour(node, stranger)
        resolve(node, stranger)
        advertise_to_incomplete(node, stranger)
        advertise_to_known(node, stranger)
        know_routers(node, stranger)
        take_no_fragments(node, stranger)
        be_a_router(node, stranger)
        join_groups(node)
        detect_unreachability(node, stranger)
        probe_a_secured_one(bed, node, stranger)
        announce_another_link_address(node, stranger)
        guard.end(node.daemon)
        detect_duplicates(bed, stranger)
        serve(bed, stranger)
    print("neighbours: all held")


if __name__ == "__main__":
    try:
        main()
    except testbed.Failure as failure:
        sys.exit(f"neighbours: {failure}")
