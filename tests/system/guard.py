#!/usr/bin/env python3
"""`sendoff guard` on real kernels: two hosts with it, one without, and a stranger, on one bridge.

    guard.py PROGRAM       as root; a line for each thing that held, exit 1 at the first that did not

All that the bridge carried is judged by code that shares nothing with the program: each Neighbor Discovery message of
a guarded host has a CGA and a signature that are right, and no packet is malformed.
"""
import json
import pathlib
import signal
import socket
import struct
import subprocess
import sys
import threading
import time

TREE = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TREE / "tools"))
sys.path.insert(0, str(TREE / "tests" / "vectors"))
import forging  # noqa: E402
import testbed  # noqa: E402
import vectorlib  # noqa: E402

PATIENCE = 60
PREFIX = "2001:db8:a:1::/64"
LINKS = {"a": "02:00:00:00:00:0a", "b": "02:00:00:00:00:0b", "plain": "02:00:00:00:00:0c", "thief": "02:00:00:00:66:01"}
KEYS = {"a": "mn-2048", "b": "other-2048"}
PLAIN = "2001:db8:a:1::c"
TAG = bytes.fromhex("086fca5e10b200c99c8ce00164277c08")
SHA1_INFO = bytes.fromhex("3021300906052b0e03021a05000414")
CGA, SIGNATURE, TIMESTAMP, NONCE = 11, 12, 13, 14
TABLE = "sendoff-guard"


def hold(what, holds, detail=""):
    if not holds:
        raise testbed.Failure(f"{what} {detail}")
    print(what, flush=True)


def wait_until(condition, patience=PATIENCE):
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.05)
    return condition()


def options_of(message, fixed):
    """[(type, octets, offset in the message)]"""
    out, at = [], fixed
    while at + 8 <= len(message):
        size = 8 * message[at + 1]
        if size == 0 or at + size > len(message):
            raise ValueError("options")
        out.append((message[at], message[at:at + size], at))
        at += size
    return out


def fault_of(packet):
    """Why an ND packet is not secured as RFC 3971 wants it; empty where it is."""
    source, destination, message = packet[8:24], packet[24:40], packet[40:]
    fixed = {133: 8, 134: 16, 135: 24, 136: 24, 137: 40}[message[0]]
    options = options_of(message, fixed)
    by_type = {kind: octets for kind, octets, _ in options}
    needs_nonce = message[0] in (133, 135)
    if TIMESTAMP not in by_type or (needs_nonce and NONCE not in by_type):
        return "timestamp or nonce"
    if message[0] == 133 and source == bytes(16):
        return "" if CGA not in by_type else "CGA of nobody"
    if CGA not in by_type or options[-1][0] != SIGNATURE:
        return "CGA or signature"
    claimed = message[8:24] if message[0] == 135 and source == bytes(16) else source
    cga = by_type[CGA]
    parameters = cga[4:len(cga) - cga[2]]
    if step := vectorlib.cga_verify(vectorlib.ip(claimed), parameters):
        return step
    _, _, end = vectorlib.read_tlv(parameters, 25)
    spki = parameters[25:end]
    bits = vectorlib.read_seq(vectorlib.read_tlv(spki)[1])[1][1]
    modulus, exponent = (int.from_bytes(c, "big") for _, c in vectorlib.read_seq(vectorlib.read_tlv(bits[1:])[1]))
    size = (modulus.bit_length() + 7) // 8
    option, at = by_type[SIGNATURE], options[-1][2]
    if option[4:20] != vectorlib.sha1(spki)[:16]:
        return "key hash"
    covered = message[:2] + bytes(2) + message[4:at]
    total = vectorlib.checksum(vectorlib.ip(source), vectorlib.ip(destination), 58, covered)
    signed = TAG + source + destination + covered[:2] + struct.pack("!H", total) + covered[4:]
    digest = SHA1_INFO + vectorlib.sha1(signed)
    wanted = b"\0\1" + b"\xff" * (size - 3 - len(digest)) + b"\0" + digest
    opened = pow(int.from_bytes(option[20:20 + size], "big"), exponent, modulus).to_bytes(size, "big")
    return "" if opened == wanted else "signature"


def raw_socket(space):
    """Sends frames from its interface."""
    with testbed.entered(space):
        raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
        raw.bind(("access0", 0))
    return raw


class Bed(testbed.Testbed):
    SPACES = ("link", *LINKS)

    def _make_link(self):
        self.make_spaces("br0")
        for node, address in LINKS.items():
            self.hang(f"to-{node}", "br0", node, address=address)
            if node == "thief":
                continue
            # As a host is found: with an address that its kernel made.
            space = self.namespace(node)
            run = testbed.run
            run("ip", "-n", space, "link", "set", "access0", "down", "addrgenmode", "eui64")
            run("ip", "-n", space, "link", "set", "access0", "up")
        testbed.run("ip", "-n", self.namespace("plain"), "address", "add", f"{PLAIN}/64", "dev", "access0", "nodad")
        self.raw = raw_socket(self.namespace("thief"))

    def guard_config(self, node, mode="mixed", on_stop="open", prefixes=f'"{PREFIX}"', more=""):
        key = self.secret_file(f"{node}.key", testbed.KEYS / f"{KEYS[node]}.pem")
        path = self.directory / f"{node}.toml"
        path.write_text(f"""
[daemon]
user = ""
runtime_directory = "{self.directory}/{node}"
control_socket = "{self.directory}/{node}.sock"
log_level = "debug"
[guard]
on_stop = "{on_stop}"
[[interface]]
name = "access0"
mode = "{mode}"
prefixes = [{prefixes}]
[cga]
key = "{key}"
sec = 0
{more}
""")
        return path

    def guard(self, node, **options):
        daemon = self.start(node, "guard", self.guard_config(node, **options))
        for _ in range(2 if options.get("prefixes", PREFIX) else 1):  # fe80::/64 is one
            if not daemon.wait_for("address-formed", PATIENCE):
                raise testbed.Failure(f"{node} has no addresses:\n{daemon.log.read_text()}")
        addresses = daemon.status()["interfaces"][0]["addresses"]
        daemon.link_local, daemon.address = addresses[0], addresses[-1]
        return daemon

    def ping(self, node, address, count=1):
        command = ["ping", "-6", "-c", count, "-W", "3", *(["-I", "access0"] if address.startswith("fe80") else []), address]
        return subprocess.run(self.inside(node, *command), capture_output=True, check=False).returncode == 0

    def neighbour(self, node, address):
        """The link-layer address that the node's kernel has for it."""
        words = testbed.run("ip", "-n", self.namespace(node), "-6", "neigh", "show", address, "dev", "access0").stdout.split()
        return words[words.index("lladdr") + 1] if "lladdr" in words else None

    def addresses(self, node):
        """Those that are not tentative."""
        out = testbed.run("ip", "-n", self.namespace(node), "-6", "-o", "address", "show", "dev", "access0").stdout
        return [line.split()[3].split("/")[0] for line in out.splitlines() if "tentative" not in line]

    def tables(self, node):
        return testbed.run(*self.inside(node, "nft", "list", "tables")).stdout

    def inject(self, packet, to="33:33:00:00:00:01"):
        self.raw.send(forging.hardware(to) + forging.hardware(LINKS["thief"]) + b"\x86\xdd" + packet)

    def flush(self, node):
        testbed.run("ip", "-n", self.namespace(node), "-6", "neigh", "flush", "all")


def counter(daemon, name, group="guard"):
    return daemon.status()["counters"][group][name]


def counts(daemon, name, at_least):
    return wait_until(lambda: counter(daemon, name) >= at_least, 15)


def judge_by_others(bed, capture, signed):
    """The same messages as tshark and as `sendoff decode` see them; `signed`: how many there are of each type."""
    links = " || ".join(f"eth.src == {LINKS[node]}" for node in KEYS)
    wanted = f"icmpv6.type >= 133 && icmpv6.type <= 137 && ({links})"
    lines = testbed.run("tshark", "-n", "-r", capture, "-Y", wanted, "-T", "fields", "-e", "icmpv6.type",
                        "-e", "icmpv6.opt.type").stdout.splitlines()
    seen = {}
    for line in lines:
        kind, options = line.split("\t")
        listed = [int(each) for each in options.split(",")]
        from_nobody = kind == "133" and CGA not in listed  # a question of somebody without an address
        hold_silently(from_nobody or {CGA, TIMESTAMP} <= set(listed) and listed[-1] == SIGNATURE, line)
        seen[int(kind)] = seen.get(int(kind), 0) + 1
    hold("tshark sees as many, each with its options", seen == signed, f"{seen} {signed}")
    checked = subprocess.run([TREE / "tools" / "pcap-check", capture], capture_output=True, text=True, check=False)
    hold("and nothing malformed", checked.returncode == 0, checked.stdout + checked.stderr)

    told = testbed.run(bed.program, "decode", "--json", capture).stdout.splitlines()
    messages = [each for each in map(json.loads, told) if each["from"] in [LINKS[node] for node in KEYS]]
    for message in messages:
        verdicts = {each["check"]: each["verdict"] for each in message["checks"]}
        from_nobody = message["message"] == "RS" and message["source"] == "::"
        hold_silently(message["malformed"] is None and verdicts["form"] == "good" and (
            from_nobody or verdicts["cga"] == verdicts["signature"] == "good"), str(message))
    hold("`sendoff decode` finds each of them good", len(messages) == sum(signed.values()), str(len(messages)))


def hold_silently(holds, detail):
    if not holds:
        raise testbed.Failure(f"a message is not secured: {detail}")


def eui64(link):
    octets = bytearray(forging.hardware(link))
    octets[0] ^= 2
    return str(vectorlib.ip(bytes.fromhex("fe80") + bytes(6) + bytes(octets[:3]) + b"\xff\xfe" + bytes(octets[3:])))


def end(daemon):
    daemon.process.terminate()
    daemon.process.wait(PATIENCE)


def kill(daemon):
    daemon.process.send_signal(signal.SIGKILL)
    daemon.process.wait()
    daemon.socket.unlink()


def frames(capture):
    data, at = capture.read_bytes(), 24
    while at + 16 <= len(data):
        size = struct.unpack_from("<I", data, at + 8)[0]
        yield data[at + 16:at + 16 + size]
        at += 16 + size


def judge_capture(bed, since):
    """Every ND message that guarded hosts sent; how many of each type."""
    guarded = {forging.hardware(LINKS[node]) for node in KEYS}
    seen = {}
    for frame in frames(since):
        if frame[12:14] != b"\x86\xdd" or frame[20] != 58 or not 133 <= frame[54] <= 137 or frame[6:12] not in guarded:
            continue
        if fault := fault_of(frame[14:]):
            raise testbed.Failure(f"a message of type {frame[54]} is not secured: {fault}: {frame.hex()}")
        seen[frame[54]] = seen.get(frame[54], 0) + 1
    return seen


def transferred(bed, address):
    """How many octets arrive by iperf3 from a in two seconds; nothing while nobody answers there."""
    ran = subprocess.run(bed.inside("a", "iperf3", "-c", address, "-t", "2", "-J"), capture_output=True, check=False, text=True)
    return json.loads(ran.stdout)["end"].get("sum_received", {}).get("bytes", 0)


def resolve_each_other(bed):
    a, b = bed.guard("a"), bed.guard("b")
    hold("which are gone, and CGAs there", sorted(bed.addresses("a")) == sorted([a.link_local, a.address]))
    hold("two guarded hosts reach each other", bed.ping("a", b.address) and bed.ping("b", a.link_local))
    hold("by messages that they verified", counter(a, "taken-secured") > 0 and counter(b, "taken-secured") > 0)
    server = subprocess.Popen(bed.inside("b", "iperf3", "-s", "-1"), stdout=subprocess.DEVNULL)
    bed.processes.append(server)
    # Repeated while the server is not ready yet.
    hold("and transfer", wait_until(lambda: transferred(bed, b.address)) > 1 << 20)
    hold("a third one without SEND is reached, for the mode is mixed", bed.ping("a", PLAIN) and bed.ping("plain", a.address))
    return a, b


def refuse_forgeries(bed, a, b):
    bed.ping("a", b.address)
    before = bed.neighbour("a", b.address)
    for _ in range(3):
        bed.inject(forging.forged_una(eui64(LINKS["thief"]), b.address, LINKS["thief"]))
        bed.inject(forging.forged_una(b.address, b.address, LINKS["thief"]))
    hold("an unsigned advertisement in b's name is refused", counts(a, "secured-entry", 6))
    hold("and a keeps b's link-layer address", before == LINKS["b"] and bed.neighbour("a", b.address) == before)
    bed.inject(forging.forged_una(a.address, a.address, LINKS["thief"]))
    hold("nobody else speaks for a's own address", counts(a, "own-address", 1))
    claimed = a.wait_for("address-claimed", PATIENCE)
    hold("and a tells who claimed it", claimed and claimed["address"] == a.address and
         claimed["link_address"] == LINKS["thief"], claimed)
    hold("which a keeps", a.address in bed.addresses("a"))


def heed_a_signed_defence(bed, a, b):
    """An address of b's that an operator gives to a: b's kernel says that it has it, and its guard proves that."""
    bed.guard_config("a")
    hold("a is told to take others again", a.command("reload").returncode == 0)
    taken = counter(a, "taken-secured")
    testbed.run("ip", "-n", bed.namespace("a"), "address", "add", f"{b.address}/128", "dev", "access0")

    def flags():
        shown = testbed.run("ip", "-n", bed.namespace("a"), "-6", "-o", "address", "show", "dev", "access0", "to", b.address).stdout
        return shown.split()

    hold("an address that another one proves to have is a duplicate", wait_until(lambda: "dadfailed" in flags(), 15), str(flags()))
    hold("by a signed advertisement", counter(a, "taken-secured") > taken)
    testbed.run("ip", "-n", bed.namespace("a"), "address", "del", f"{b.address}/128", "dev", "access0")
    hold("b keeps it", b.address in bed.addresses("b") and bed.ping("a", b.address))
    hold("and nobody had to give up one of his own", bed.addresses("a") and a.address in bed.addresses("a"))


def be_strict(bed, a):
    """Secured-only by a reload of a, which b and the plain host stay as they are for."""
    config = bed.guard_config("a", mode="secured-only")
    hold("a is told to take secured messages only", a.command("reload").returncode == 0, config.read_text())
    bed.flush("a")
    bed.flush("plain")
    hold("then the host without SEND is not reached", not bed.ping("a", PLAIN) and not bed.ping("plain", a.address))
    hold("for its messages are refused", counter(a, "secured-only") > 0)
    refused = counter(a, "secured-only")
    bed.inject(forging.forged_ra(eui64(LINKS["thief"]), "2001:db8:66::", LINKS["thief"]))
    hold("a rogue router is refused", counts(a, "secured-only", refused + 1))
    routes = testbed.run("ip", "-n", bed.namespace("a"), "-6", "route", "show").stdout
    hold("and makes neither route nor address", "default" not in routes and "2001:db8:66:" not in routes
         and not any(address.startswith("2001:db8:66:") for address in bed.addresses("a")), routes)


def collide(bed, b):
    """Somebody has b's address when b comes: it takes the next one."""
    end(b)
    squatted = b.link_local
    testbed.run("ip", "-n", bed.namespace("plain"), "address", "add", f"{squatted}/64", "dev", "access0", "nodad")
    b = bed.guard("b")
    hold("an address in use is not taken, but the next one", b.link_local != squatted and squatted not in bed.addresses("b"))
    hold("and it works", bed.ping("plain", b.link_local))
    end(b)


class Jealous(threading.Thread):
    """A thief that says of every address which somebody wants that it is his (RFC 3756 4.1.3)."""

    def __init__(self, bed):
        super().__init__(daemon=True)
        self.bed = bed
        self.claimed = []
        self.over = False
        with testbed.entered(bed.namespace("thief")):
            self.ears = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x86DD))
            self.ears.bind(("access0", 0x86DD))
            self.ears.settimeout(0.1)
            membership = struct.pack("iHH8s", socket.if_nametoindex("access0"), 1, 0, bytes(8))  # promiscuous
            self.ears.setsockopt(263, 1, membership)
        self.start()

    def run(self):
        while not self.over:
            try:
                frame = self.ears.recv(4096)
            except TimeoutError:
                continue
            if frame[20] == 58 and frame[54] == forging.NEIGHBOR_SOLICITATION and frame[22:38] == bytes(16):
                target = str(vectorlib.ip(frame[62:78]))
                self.claimed.append(target)
                self.bed.inject(forging.forged_una(eui64(LINKS["thief"]), target, LINKS["thief"]))

    def end(self):
        self.over = True
        self.join()
        self.ears.close()


def retransmit(bed, node, after_ms):
    """How long the node's kernel waits for an answer, and for others that want its address."""
    path = "/proc/sys/net/ipv6/neigh/access0/retrans_time_ms"
    testbed.run(*bed.inside(node, "sh", "-c", f"echo {after_ms} > {path}"))


def survive_a_jealous_neighbour(bed, first):
    """`first`: the address that a has when nobody disturbs it."""
    thief = Jealous(bed)
    retransmit(bed, "a", 4000)  # so that the thief is heard in time, however late
    a = bed.guard("a")
    hold("who is told that its first address is taken has the second", a.link_local != first and first in thief.claimed)
    hold("for nobody proves that it has that one", a.link_local in thief.claimed and counter(a, "later-dad") > 0)
    end(a)
    thief.claimed.clear()
    a = bed.guard("a", mode="secured-only")
    hold("in secured-only mode it has the first", a.link_local == first and first in thief.claimed)
    end(a)
    retransmit(bed, "a", 1000)
    thief.end()


def believe_a_certified_router(bed):
    """A guarded router, whose kernel sends what any program tells it to, and a host with its anchor."""
    KEYS["b"] = "ar-2048"
    for node in ("a", "b"):
        bed.flush(node)  # what they learnt while they had no guard
    chain = bed.certificate_file("chain.pem", "ca", "good-router")
    anchor = bed.certificate_file("anchor.pem", "anchor")
    router = bed.guard("b", more=f'[certificate]\nchain = "{chain}"\nanchor = "{anchor}"')
    host = bed.guard("a", prefixes="", more=f'[trust]\nanchors = ["{anchor}"]')
    set_of_host = bed.inside("a", "sh", "-c", "echo 2 > /proc/sys/net/ipv6/conf/access0/accept_ra")
    testbed.run(*set_of_host)
    with testbed.entered(bed.namespace("b")):
        sender = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
        index = socket.if_nametoindex("access0")
    sender.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 255)
    sender.bind((router.link_local, 0, 0, index))

    def advertise(*prefixes):
        message = struct.pack("!BBHBBHII", 134, 0, 0, 64, 0, 1800, 0, 0) + forging.link_option(forging.SOURCE_LINK, LINKS["b"])
        for prefix in prefixes:
            message += struct.pack("!BBBBIII", forging.PREFIX, 4, 64, 0xC0, 3600, 3600, 0) + forging.packed(prefix)
        sender.sendto(message, ("ff02::1", 0, 0, index))

    def routes():
        return testbed.run("ip", "-n", bed.namespace("a"), "-6", "route", "show", "default").stdout

    bed.inject(forging.forged_ra(eui64(LINKS["thief"]), "2001:db8:66::", LINKS["thief"]))
    hold("an unsecured router is the last choice", wait_until(lambda: "pref low" in routes()), routes())
    advertise("2001:db8:a:1::", "2001:db8:66:1::")
    hold("a signed one is heard when its path is known", wait_until(lambda: router.link_local in routes()), routes())
    hold("the host has fetched it", counter(host, "validated", "path") == 1 and counter(host, "prefix-removed") == 1)
    formed = host.wait_for("address-formed", PATIENCE, lambda event: event["address"].startswith("2001:db8:a:1:"))
    hold("and has an address under its prefix", formed and formed["address"] in bed.addresses("a"))
    hold("by which it is reached", bed.ping("b", formed["address"]), host.command("status").stdout)
    mine = bed.addresses("a")
    hold("but none under the one that it is not certified for", not any(a.startswith("2001:db8:66:1:") for a in mine))
    refused = counter(host, "secured-router")
    bed.inject(forging.forged_ra(eui64(LINKS["thief"]), "2001:db8:67::", LINKS["thief"]))
    hold("from then on unsecured routers are refused", counts(host, "secured-router", refused + 1))
    hold("and make no address", not any(a.startswith("2001:db8:67:") for a in bed.addresses("a")))
    sender.close()
    end(router)
    end(host)


def end_openly(bed, a):
    end(a)
    hold("a that ends leaves no rules", TABLE not in bed.tables("a"))
    hold("and the address that its kernel had", wait_until(lambda: eui64(LINKS["a"]) in bed.addresses("a"), 10)
         and len(bed.addresses("a")) == 1)


def survive_kills(bed):
    a = bed.guard("a", on_stop="open")
    hold("a guard that is to fail open says so", "fail-open" in a.log.read_text())
    kill(a)
    hold("killed, it leaves no rules", wait_until(lambda: TABLE not in bed.tables("a"), 10))
    bed.flush("a")
    hold("and a goes on without it", bed.ping("a", PLAIN))
    a = bed.guard("a", on_stop="closed")
    hold("a guard that is to fail closed says so", "fail-closed" in a.log.read_text())
    hold("it works", bed.ping("a", PLAIN))
    kill(a)
    bed.flush("a")
    bed.flush("plain")
    hold("killed, it leaves its rules", TABLE in bed.tables("a"))
    hold("and a is cut off", not bed.ping("a", PLAIN) and not bed.ping("plain", a.address))
    a = bed.guard("a", on_stop="closed")
    hold("until it runs again", bed.ping("a", PLAIN))
    end(a)
    bed.flush("a")
    hold("ended in order it is cut off as well", TABLE in bed.tables("a") and not bed.ping("a", PLAIN))
    a = bed.guard("a", on_stop="open")
    end(a)
    hold("and free after a run that is to fail open", TABLE not in bed.tables("a"))


def main():
    with Bed(sys.argv[1]) as bed:
        hold("the kernels have addresses of their own", wait_until(
            lambda: all(bed.addresses(node) == [eui64(LINKS[node])] for node in KEYS)))
        capture = bed.directory / "guarded.pcap"
        bed.start_capture(capture, "icmp6")  # without what is transferred, some of which it would lose
        a, bed.b = resolve_each_other(bed)
        refuse_forgeries(bed, a, bed.b)
        be_strict(bed, a)
        bed.stop_capture()
        seen = judge_capture(bed, capture)
        hold("each message of the guarded hosts is signed", seen.get(135, 0) >= 6 and seen.get(136, 0) >= 2, str(seen))
        judge_by_others(bed, capture, seen)
        heed_a_signed_defence(bed, a, bed.b)
        collide(bed, bed.b)
        end_openly(bed, a)
        survive_a_jealous_neighbour(bed, a.link_local)
        believe_a_certified_router(bed)
        survive_kills(bed)
    print("guard: all held")


if __name__ == "__main__":
    try:
        main()
    except testbed.Failure as failure:
        sys.exit(f"guard: {failure}")
