"""A stranger on the link of guarded hosts, that hears everything and says what a test wants, and a guarded host seen from
inside. For tests of what RFC 4861, RFC 4862 and RFC 3971 ask of a node as a whole.

Nothing here depends on how late anybody is: what is awaited has a minute, what must not come is asked for behind
something that must (`past`), and an interval is only said to be too short, counted from before it began.
"""
import itertools
import pathlib
import queue
import socket
import struct
import subprocess
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import guard  # noqa: E402
from guard import PATIENCE, forging, testbed  # noqa: E402

ALL_NODES, ALL_ROUTERS, NOBODY = "ff02::1", "ff02::2", "::"
RS, RA, NS, NA, REDIRECT, CPA = 133, 134, 135, 136, 137, 149
FIXED = {RS: 8, RA: 16, NS: 24, NA: 24, REDIRECT: 40}
SOLICITED, OVERRIDE, ROUTER = 0x40, 0x20, 0x80
THIEF, SECOND = guard.LINKS["thief"], "02:00:00:00:66:02"
ECHO_REQUEST, MLD_REPORT = 128, 143
BEHIND = "fe80::ba"  # who asks behind what must have no effect
# The kernel counts in jiffies, of 10 ms at most.
JIFFY = 0.02
# Nobody is proven, asked again or given up by the clock while a test looks.
CALM = {"base_reachable_time_ms": 600000, "delay_first_probe_time": 600, "retrans_time_ms": 60000}
# The stranger asks more often than a neighbour would.
PATIENT = "[limits]\nsignatures_per_neighbour = 10000\nsignatures_per_interface = 10000\n"


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
    """Hears everything on the link that comes from a or b, speaks as whoever it likes."""

    def __init__(self, bed):
        super().__init__(daemon=True)
        self.bed = bed
        self.guarded = [forging.hardware(guard.LINKS[node]) for node in ("a", "b")]
        self.heard = queue.Queue()
        self.all = []
        self.reply = None  # called with each message of a guarded node
        with testbed.entered(bed.namespace("thief")):
            self.ears = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x86DD))
            self.ears.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
            self.ears.bind(("access0", 0x86DD))
            self.ears.setsockopt(263, 1, struct.pack("iHH8s", socket.if_nametoindex("access0"), 1, 0, bytes(8)))
        self.start()

    def run(self):
        while True:
            try:
                frame = self.ears.recv(4096)
            except OSError:  # the link is gone
                return
            if frame[6:12] not in self.guarded:
                continue
            heard = Heard(frame)
            self.all.append(heard)
            self.heard.put(heard)
            if self.reply:
                self.reply(heard)

    def say(self, packet, link=THIEF, host=0):
        """`host`: which of the guarded ones it is for, where it is for one."""
        destination = packet[24:40]
        to = b"\x33\x33" + destination[12:] if destination[0] == 0xFF else self.guarded[host]
        self.bed.raw.send(to + forging.hardware(link) + b"\x86\xdd" + packet)

    def forget(self):
        while not self.heard.empty():
            self.heard.get()

    def hear(self, wanted, patience=PATIENCE):
        deadline = time.monotonic() + patience
        while (left := deadline - time.monotonic()) > 0:
            try:
                heard = self.heard.get(timeout=left)
            except queue.Empty:
                return None
            if wanted(heard):
                return heard
        return None

    def ask(self, packet, wanted, link=THIEF):
        self.forget()
        self.say(packet, link)
        return self.hear(wanted)

    def those(self, wanted, since=0.0):
        return [heard for heard in self.all if heard.at >= since and wanted(heard)]


class News:
    """What a kernel tells of its neighbours, each state in its turn, however late it is read."""

    STATES = {1: "INCOMPLETE", 2: "REACHABLE", 4: "STALE", 8: "DELAY", 0x10: "PROBE", 0x20: "FAILED"}
    GROUP_OF_NEIGHBOURS, NEW, GONE = 4, 28, 29

    def __init__(self, space):
        with testbed.entered(space):
            self.socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self.socket.bind((0, self.GROUP_OF_NEIGHBOURS))

    def _read(self, data):
        at = 0
        while at + 28 <= len(data):
            size, kind = struct.unpack_from("=IH", data, at)
            state = struct.unpack_from("=H", data, at + 24)[0]
            attribute, end = at + 28, at + size
            while kind in (self.NEW, self.GONE) and attribute + 4 <= end:
                length, name = struct.unpack_from("=HH", data, attribute)
                if length < 4:
                    break
                if name == 1 and length == 20:
                    yield text(data[attribute + 4:attribute + 20]), "FAILED" if kind == self.GONE else self.STATES.get(state)
                attribute += (length + 3) & ~3
            at += (size + 3) & ~3

    def until(self, address, states, patience=PATIENCE):
        """The first of these states that the kernel says the neighbour is in, from now on; what it says before is lost."""
        deadline = time.monotonic() + patience
        while (left := deadline - time.monotonic()) > 0:
            self.socket.settimeout(left)
            try:
                data = self.socket.recv(65536)
            except TimeoutError:
                return None
            for said, state in self._read(data):
                if said == address and state in states:
                    return state
        return None

    def hear(self, address, state):
        return self.until(address, [state]) == state


class Node:
    """A guarded host seen from inside."""

    def __init__(self, bed, daemon, name="a"):
        self.bed, self.daemon, self.name = bed, daemon, name
        self.link_local, self.address = daemon.link_local, daemon.address

    def ip(self, *words, check=True):
        return subprocess.run(["ip", "-n", self.bed.namespace(self.name), "-6", *words], check=check, capture_output=True,
                              text=True).stdout

    def entry(self, address):
        """(state, link-layer address, whether a router); nothing without an entry."""
        line = self.ip("neigh", "show", address, "dev", "access0", "nud", "all").split()
        if not line:
            return None
        return line[-1], line[line.index("lladdr") + 1] if "lladdr" in line else None, "router" in line

    def neighbours(self):
        """Those that are no groups, and not who asks behind."""
        lines = self.ip("neigh", "show", "dev", "access0", "nud", "all").splitlines()
        return {line.split()[0] for line in lines if not line.startswith("ff")} - {BEHIND}

    def forget(self):
        self.ip("neigh", "flush", "dev", "access0")

    def have(self, address, state, link=THIEF, is_router=False):
        self.ip("neigh", "replace", address, "dev", "access0", "lladdr", link, "nud", state, *(["router"] if is_router else []))

    def set(self, name, value, where="conf"):
        path = f"/proc/sys/net/ipv6/{where}/access0/{name}"
        testbed.run(*self.bed.inside(self.name, "sh", "-c", f"echo {value} > {path}"))

    def time(self, **settings):
        """Of its Neighbor Discovery."""
        for name, value in settings.items():
            self.set(name, value, "neigh")

    def get(self, name, where="conf", interface="access0"):
        return testbed.run(*self.bed.inside(self.name, "cat", f"/proc/sys/net/ipv6/{where}/{interface}/{name}")).stdout.strip()

    def groups(self):
        lines = testbed.run(*self.bed.inside(self.name, "cat", "/proc/net/igmp6")).stdout.splitlines()
        return {text(bytes.fromhex(words[2])) for words in map(str.split, lines) if words[1] == "access0"}

    def ping(self, address, source=None):
        """Begins one; its output comes by communicate()."""
        process = subprocess.Popen(self.bed.inside(self.name, "ping", "-6", "-n", "-c", "1", "-W", str(PATIENCE),
                                                   *(["-I", source] if source else []), address),
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.bed.processes.append(process)
        return process


def stop(process):
    process.kill()
    process.wait()


def past(node, stranger, *packets):
    """Says them, and something behind them that is answered."""
    for packet in packets:
        stranger.say(packet)
    own = node.link_local
    if not stranger.ask(solicitation(BEHIND, own, own, THIEF),
                        lambda heard: heard.kind == NA and heard.target == own and heard.destination == BEHIND):
        raise testbed.Failure(f"a solicitation is not answered: {node.daemon.status()['counters']}")


def spaced(heard, began, first, between):
    """Whether none came before its time: one `first` seconds after what began it, the others as far apart as `between`."""
    return all(each.at - began >= first + i * between - JIFFY for i, each in enumerate(heard))


def signed(heard):
    return guard.fault_of(heard.packet) == ""


def group(bed, stranger, more="", **timing):
    """The host `a`, guarded, that takes advertisements of routers."""
    node = Node(bed, bed.guard("a", more=PATIENT + more))
    node.set("accept_ra", 2)
    node.time(**timing)
    past(node, stranger)
    return node


def run_group(name, groups, beds=None):
    """The groups of a test that the command line names, each in a bed of its own; `groups`: functions of the bed and a
    stranger, `beds`: of those that want another bed than the usual one."""
    wanted = sys.argv[2:] or list(groups)
    try:
        for each in wanted:
            with (beds or {}).get(each, guard.Bed)(sys.argv[1]) as bed:
                groups[each](bed, Stranger(bed))
            print(f"{name} {each}: all held", flush=True)
    except testbed.Failure as failure:
        sys.exit(f"{name}: {failure}")
