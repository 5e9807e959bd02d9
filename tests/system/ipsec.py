#!/usr/bin/env python3
"""Two access routers whose HI and HAck are left to the kernel's IPsec, and a node that moves.

For the root of a machine that may be thrown away: ipsec_uml.py runs it in a user-mode Linux. But for
`without`, for a kernel that has no ESP for IPv6; exits 77 where there is one.

    ipsec.py PROGRAM SCENARIO      manual, installed, ikev2 or without; exits 1 where it went wrong
"""
import ipaddress
import os
import pathlib
import select
import signal
import socket
import struct
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools"))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import esp  # noqa: E402
import testbed  # noqa: E402

CORE = {"ar": "2001:db8:c::1", "nar": "2001:db8:c::2"}
OTHER = "2001:db8:c::3"  # a second neighbour's address, in the namespace of the first
LINKS = {"ar": "02:00:00:00:00:01", "nar": "02:00:00:00:00:02", "mn": "02:00:00:00:01:01"}
PREFIXES = {"ar": testbed.PREFIX, "nar": testbed.NEIGHBOUR_PREFIX}
ACCESS_POINTS = {"ar": testbed.OWN_ACCESS_POINT, "nar": testbed.NEIGHBOUR_ACCESS_POINT}
REQID = 135
EXAMPLES = testbed.TREE / "examples" / "ipsec"

expect = esp.expect


class Bed(testbed.Testbed):
    """`ar` and `mn` on one link, `nar` on another, and a link between the routers."""

    SPACES = ("link", *LINKS)

    def _make_link(self):
        self.make_spaces("br-ar", "br-nar")
        for node, address in LINKS.items():
            self.hang(f"to-{node}", "br-nar" if node == "nar" else "br-ar", node, address=address)
        testbed.run("ip", "-n", self.namespace("ar"), "link", "add", "core0", "type", "veth",
                    "peer", "name", "core0", "netns", self.namespace("nar"))
        for node, other in (("ar", "nar"), ("nar", "ar")):
            space = self.namespace(node)
            testbed.run("ip", "-n", space, "link", "set", "core0", "up")
            testbed.run("ip", "-n", space, "addr", "add", f"{CORE[node]}/64", "dev", "core0", "nodad")
            testbed.run("ip", "-n", space, "-6", "route", "add", PREFIXES[other], "via", CORE[other])
        testbed.run("ip", "-n", self.namespace("nar"), "addr", "add", f"{OTHER}/64", "dev", "core0", "nodad")
        self.make_credentials()

    def make_credentials(self):
        at = self.directory
        testbed.run(self.program, "cert", "anchor", "--name", "anchor", "--prefix", "2001:db8::/32",
                    "--out-cert", at / "anchor.pem", "--out-key", at / "anchor.key")
        for node in LINKS:
            testbed.run(self.program, "cga", "key", "--out", at / f"{node}.key")
        for node, prefix in PREFIXES.items():
            testbed.run(self.program, "cert", "router", "--issuer-cert", at / "anchor.pem", "--issuer-key",
                        at / "anchor.key", "--name", node, "--prefix", prefix, "--key", at / f"{node}.key",
                        "--out-cert", at / f"{node}.pem")
        # As the error of a configuration tells them.
        self.addresses = dict.fromkeys(PREFIXES, "2001:db8::1")
        found = {}
        for node in PREFIXES:
            path = self.router_toml(node)
            answer = self.check(path).stderr
            expect("give it " in answer, answer)
            found[node] = answer.split("give it ")[1].split()[0].strip(";,.")
        self.addresses = found

    def check(self, path):
        return subprocess.run([str(self.program), "router", "--check", "-c", str(path)],
                              capture_output=True, text=True, check=False)

    def router_toml(self, node, ipsec="", protection="host"):
        other = "nar" if node == "ar" else "ar"
        path = self.directory / f"{node}.toml"
        table = f'[neighbour.ipsec]\nlocal = "{self.addresses[node]}"\n{ipsec}' if protection == "host" else ""
        path.write_text(f"""
[daemon]
user = ""
runtime_directory = "{self.directory}/{node}"
control_socket = "{self.directory}/{node}.sock"
log_level = "debug"
[datapath]
backend = "none"
[[interface]]
name = "access0"
prefixes = ["{PREFIXES[node]}"]
access_points = ["{ACCESS_POINTS[node]}"]
max_ra_interval = 4
[cga]
key = "{self.directory}/{node}.key"
[certificate]
chain = "{self.directory}/{node}.pem"
anchor = "{self.directory}/anchor.pem"
[arrival]
dad_transmits = 0
[[neighbour]]
name = "{other}"
address = "{self.addresses[other]}"
link_address = "{LINKS[other]}"
prefix = "{PREFIXES[other]}"
access_points = ["{ACCESS_POINTS[other]}"]
protection = "{protection}"
{table}""")
        return path

    def start_router(self, node, **options):
        router = self.start(node, "router", self.router_toml(node, **options))
        expect(router.wait_for("router-ready", 60), f"{node} is not ready:\n" + router.log.read_text())
        return router

    def start_mobile(self):
        path = self.directory / "mn.toml"
        path.write_text(f"""
[daemon]
user = ""
runtime_directory = "{self.directory}/mn"
control_socket = "{self.directory}/mn.sock"
log_level = "debug"
[datapath]
backend = "none"
[[interface]]
name = "access0"
[cga]
key = "{self.directory}/mn.key"
[trust]
anchors = ["{self.directory}/anchor.pem"]
[discovery]
first_delay_max = 0
""")
        mobile = self.start("mn", "mobile", path)
        expect(mobile.wait_for("key-received", 60), "the node got no key:\n" + mobile.log.read_text()[-3000:])
        return mobile

    def xfrm(self, node, *words):
        return testbed.run("ip", "-n", self.namespace(node), "xfrm", *words).stdout

    def statistics(self, node, name):
        text = testbed.run(*self.inside(node, "cat", "/proc/net/xfrm_stat")).stdout
        return next(int(line.split()[1]) for line in text.splitlines() if line.split()[0] == name)

    def socket(self, node, kind, protocol):
        with testbed.entered(self.namespace(node)):
            family = socket.AF_PACKET if kind == socket.SOCK_DGRAM else socket.AF_INET6
            return socket.socket(family, kind, protocol)

    def associate(self, node, reqid=REQID):
        for source, destination, spi in (("ar", "nar", esp.TO_PEER), ("nar", "ar", esp.TO_ROUTER)):
            self.xfrm(node, "state", "add", "src", self.addresses[source], "dst", self.addresses[destination],
                      "proto", "esp", "spi", f"{spi}", "reqid", f"{reqid}", "mode", "transport", "replay-window", "32",
                      "auth-trunc", "hmac(sha256)", "0x" + esp.KEYS[spi].hex(), "128", "enc", "ecb(cipher_null)", "")


class Wire:
    """What passes between the routers: (source, next header, first three octets behind the header)."""

    def __init__(self, bed):
        # Of all protocols, since only such a socket sees what leaves.
        self.socket = bed.socket("nar", socket.SOCK_DGRAM, socket.htons(3))
        self.socket.bind(("core0", 3))

    def first_hi(self, source):
        """The sequence number of the first HI that leaves, in clear or in ESP with NULL encryption."""
        while select.select([self.socket], [], [], 10)[0]:
            packet = self.socket.recv(65535)
            start = {esp.MOBILITY: 40, esp.ESP: 48}.get(packet[6])
            if start and packet[8:24] == ipaddress.ip_address(source).packed and packet[start + 2] == esp.HI:
                return struct.unpack("!H", packet[start + 6:start + 8])[0]
        raise testbed.Failure("no HI leaves")

    def read(self, wait=0.5):
        seen = []
        while select.select([self.socket], [], [], wait)[0]:
            packet = self.socket.recv(65535)
            if len(packet) >= 43:
                seen.append((str(ipaddress.ip_address(packet[8:24])), packet[6], packet[40:43]))
        return seen


def of_handover(seen):
    """(clear HI and HAck, packets in ESP)"""
    clear = [each for each in seen if each[1] == esp.MOBILITY and each[2][2] in (esp.HI, esp.HACK)]
    return clear, [each for each in seen if each[1] == esp.ESP]


def hand_over(mobile, success):
    answer = mobile.command("handover", "--to", ACCESS_POINTS["nar"])
    expect(answer.returncode == 0, answer.stderr)
    wanted, other = ("handover-done", "handover-failed") if success else ("handover-failed", "handover-done")
    event = mobile.wait_for(wanted, 20)
    expect(event, f"no {wanted}; {other}: {mobile.wait_for(other, 0)}\n" + mobile.log.read_text()[-2000:])
    return event


def protection(router):
    status = router.status()
    return status["host_protection"][0], [text for text in status["warnings"] if "no HI or HAck" in text]


def wait_for_protection(router, stands):
    deadline = time.monotonic() + 20
    while protection(router)[0]["protected"] != stands:
        expect(time.monotonic() < deadline, f"protection is {protection(router)}")
        time.sleep(0.05)


def send_clear(bed, node, message):
    """As who can send in `node`'s name would: past the policies of its kernel."""
    source, destination = bed.addresses[node], bed.addresses["nar" if node == "ar" else "ar"]
    header = struct.pack("!IHBB", 6 << 28, len(message), esp.MOBILITY, 64)
    with bed.socket(node, socket.SOCK_RAW, socket.IPPROTO_RAW) as raw:
        raw.sendto(header + ipaddress.ip_address(source).packed + ipaddress.ip_address(destination).packed + message,
                   (destination, 0))


def mobility(bed, node, kind):
    source, destination = bed.addresses[node], bed.addresses["nar" if node == "ar" else "ar"]
    if kind in (esp.HI, esp.HACK):
        return esp.handover_initiate(source, destination, 4711, kind=kind)
    octets = struct.pack("!BBBBH", 59, 1, kind, 0, 0) + bytes(10)
    value = esp.checksum(source, destination, esp.MOBILITY, octets)
    return octets[:4] + struct.pack("!H", value) + octets[6:]


def clear_is_dropped(bed, routers, wire):
    """HI in clear to the NAR, HAck in clear to the PAR: the policy drops them, the daemons do not see them."""
    for node, victim, kind in (("ar", "nar", esp.HI), ("nar", "ar", esp.HACK)):
        before = routers[victim].status()["counters"]
        dropped = bed.statistics(victim, "XfrmInTmplMismatch")
        wire.read()
        send_clear(bed, node, mobility(bed, node, kind))
        seen = wire.read(1)
        expect(len(of_handover(seen)[0]) == 1, f"not the message alone: {seen}")
        expect(not of_handover(seen)[1] and not [each for each in seen if each[0] == bed.addresses[victim]],
               f"answered: {seen}")
        expect(bed.statistics(victim, "XfrmInTmplMismatch") == dropped + 1, "it was not the policy that dropped it")
        after = routers[victim].status()["counters"]
        for group in ("peer", "mobility", "arrival", "initiate"):
            for counters in (before[group], after[group]):
                counters.pop("expired", None)  # the node of an earlier handover does not come: time's doing
            expect(after[group] == before[group], f"the daemon saw it: {before[group]} {after[group]}")
        expect(after["host"]["packets-not-policed"] == before["host"]["packets-not-policed"], "the daemon saw it")
    print("SAW an HI and a HAck in clear dropped by policy, unanswered, before the daemon")


def forged_hack(bed, mobile, routers, wire, taken):
    """A HAck in clear while the PAR waits for one, in the name of a NAR that is silent."""
    routers["nar"].process.send_signal(signal.SIGSTOP)
    try:
        wire.read(0)
        answer = mobile.command("handover", "--to", ACCESS_POINTS["nar"])
        expect(answer.returncode == 0, answer.stderr)
        octets = struct.pack("!BBBBHHBB", 59, 1, esp.HACK, 0, 0, wire.first_hi(bed.addresses["ar"]), 0, 0) + bytes(6)
        value = esp.checksum(bed.addresses["nar"], bed.addresses["ar"], esp.MOBILITY, octets)
        send_clear(bed, "nar", octets[:4] + struct.pack("!H", value) + octets[6:])
        event = mobile.wait_for("handover-done" if taken else "handover-failed", 20)
        expect(event, f"the forged HAck was {'not ' if taken else ''}taken:\n" + mobile.log.read_text()[-2000:])
        installed = routers["ar"].wait_for("binding-installed", 5 if taken else 1)
        expect(bool(installed) == taken, f"a binding: {installed}")
    finally:
        routers["nar"].process.send_signal(signal.SIGCONT)
    print(f"SAW a HAck in clear {'taken, where the switch says so' if taken else 'ignored while one was waited for'}")


def in_clear(bed, mobile, routers, wire):
    """The switch for test beds, at both routers: the control of what is refused without it."""
    mobile.process.send_signal(signal.SIGTERM)
    mobile.process.wait(20)
    mobile.socket.unlink(missing_ok=True)
    for node, router in routers.items():
        bed.router_toml(node, protection="clear")
        answer = router.command("reload")
        expect(answer.returncode == 0, answer.stderr)
        expect('protection is "clear"' in router.log.read_text(), "no warning in the log")
        expect([text for text in router.status()["warnings"] if '"clear"' in text], "no warning in the status")
    forged_hack(bed, bed.start_mobile(), routers, wire, taken=True)
    clear, inside = of_handover(wire.read(1))
    expect({each[2][2] for each in clear if each[0] == bed.addresses["nar"]} == {esp.HACK} and not inside,
           f"the NAR's own answer is not in clear: {clear} {inside}")


def rest_is_untouched(bed, wire):
    """What else a program of the PAR's host sends to the NAR's address."""
    source, destination = bed.addresses["ar"], bed.addresses["nar"]
    wire.read()
    for protocol, message in ((esp.MOBILITY, mobility(bed, "ar", 9)), (esp.MOBILITY, mobility(bed, "ar", 7)),
                              (41, struct.pack("!IHBB", 6 << 28, 0, 59, 64) + bytes(32)),
                              (58, bytes([128, 0, 0, 0, 0, 1, 0, 1]))):
        with bed.socket("ar", socket.SOCK_RAW, protocol) as raw:
            raw.bind((source, 0))
            raw.sendto(message, (destination, 0))
    seen = [(each[1], each[2][2] if each[1] == esp.MOBILITY else 0) for each in wire.read(1) if each[0] == source]
    for each in ((esp.MOBILITY, 9), (esp.MOBILITY, 7), (41, 0), (58, 0)):
        expect(each in seen, f"{each} did not leave as it was: {seen}")
    expect(not [each for each in seen if each[0] == esp.ESP], f"something else is in ESP: {seen}")
    # The control: an HI of the same program is.
    with bed.socket("ar", socket.SOCK_RAW, esp.MOBILITY) as raw:
        raw.bind((source, 0))
        raw.sendto(mobility(bed, "ar", esp.HI), (destination, 0))
    clear, inside = of_handover(wire.read(1))
    expect(not clear and inside, "the kernel let an HI leave in clear")
    print("SAW FBack, Binding Error, tunnel and ICMPv6 leave as they were, and an HI in ESP")


def handover_in_esp(bed, mobile, routers, wire):
    wire.read()
    hand_over(mobile, True)
    clear, inside = of_handover(wire.read())
    expect(not clear, f"in clear: {clear}")
    sources = {each[0] for each in inside}
    expect(sources == set(bed.addresses.values()), f"ESP from {sources}")
    expect(routers["nar"].wait_for("arrival-expected", 5), "the NAR expects nobody")
    expect(routers["ar"].wait_for("binding-installed", 5), "the PAR has no binding")
    for node in routers:
        counted = routers[node].status()["counters"]["peer"]
        expect(counted["sent"] >= 1 and counted["taken"] >= 1, f"{node}: {counted}")
    print(f"SAW a predictive handover, {len(inside)} packets in ESP, nothing in clear")


def refused(bed, mobile, routers, wire):
    """Without policies: no HI, FBack 128; what comes is not taken."""
    wire.read()
    for router in routers.values():
        told, warnings = protection(router)
        expect(not told["protected"] and "no policy" in told["lacks"] and warnings, f"{told} {warnings}")
    hand_over(mobile, False)
    received = mobile.wait_for("fback-received", 1)
    expect(received and received["status"] == 128, f"{received}")
    clear, inside = of_handover(wire.read())
    expect(not clear and not inside, f"on the wire: {clear} {inside}")
    send_clear(bed, "ar", mobility(bed, "ar", esp.HI))
    seen = wire.read(1)
    expect(len(of_handover(seen)[0]) == 1 and not [each for each in seen if each[0] == bed.addresses["nar"]],
           f"answered: {seen}")
    expect(routers["nar"].status()["arrival_count"] == 0, "an HI in clear was taken")
    print("SAW no policy: a warning, no HI, FBack 128, no answer to an HI")


def check_policies(bed, out_by_type):
    for node, other in (("ar", "nar"), ("nar", "ar")):
        text = bed.xfrm(node, "policy")
        blocks = [" ".join(block.split()) for block in ("\n" + text).split("\nsrc ") if "dir" in block]
        ours = {direction: [block for block in blocks if f"dir {direction} " in block and
                            block.startswith((f"{bed.addresses[node]}/128 dst {bed.addresses[other]}/128",
                                              f"{bed.addresses[other]}/128 dst {bed.addresses[node]}/128"))]
                for direction in ("out", "in")}
        for block in ours["out"] + ours["in"]:
            expect("proto mobility-header" in block or "proto 135" in block, block)
            expect("proto esp" in block and "mode transport" in block, block)
        expect(all(block.startswith(f"{bed.addresses[node]}/128") for block in ours["out"]), f"{ours}")
        types = sorted(block.split(" type ")[1].split()[0] for block in ours["out"] if " type " in block)
        expect(types == (["14", "15"] if out_by_type else []), f"outbound types {types}: {text}")
        expect(len(ours["in"]) >= 1 and not [block for block in ours["in"] if " type " in block], text)


def check_associations(bed):
    for node in ("ar", "nar"):
        text = bed.xfrm(node, "state")
        expect(text.count("mode transport") >= 2 and text.count("proto esp") == text.count("mode transport"), text)
        expect(text.count("auth-trunc hmac(sha256)") == text.count("proto esp"), text)


def manual(bed):
    """The example that an administrator follows."""
    routers = {node: bed.start_router(node) for node in ("nar", "ar")}
    mobile = bed.start_mobile()
    wire = Wire(bed)
    refused(bed, mobile, routers, wire)
    # An HI in clear that waits in the daemon's socket when the policies come.
    before = routers["nar"].status()["counters"]["host"]["packets-not-policed"]
    routers["nar"].process.send_signal(signal.SIGSTOP)
    send_clear(bed, "ar", mobility(bed, "ar", esp.HI))
    for node, other in (("ar", "nar"), ("nar", "ar")):
        words = {"LOCAL": bed.addresses[node], "PEER": bed.addresses[other], "KEY_OUT": "0x" + (esp.KEYS[
            esp.TO_PEER if node == "ar" else esp.TO_ROUTER]).hex(), "KEY_IN": "0x" + (esp.KEYS[
                esp.TO_ROUTER if node == "ar" else esp.TO_PEER]).hex(),
                 "SPI_OUT": f"{esp.TO_PEER if node == 'ar' else esp.TO_ROUTER}",
                 "SPI_IN": f"{esp.TO_ROUTER if node == 'ar' else esp.TO_PEER}"}
        assignments = [f"{name}={value}" for name, value in words.items()]
        testbed.run(*bed.inside(node, "env", *assignments, "sh", "-eu", EXAMPLES / "manual.sh"))
    routers["nar"].process.send_signal(signal.SIGCONT)
    for router in routers.values():
        wait_for_protection(router, True)
    waited = routers["nar"].status()
    expect(waited["arrival_count"] == 0 and waited["counters"]["host"]["packets-not-policed"] == before + 1,
           "an HI in clear from before the policies was taken")
    check_policies(bed, out_by_type=True)
    check_associations(bed)
    print("SAW policies of protocol 135, ESP transport with integrity: types 14 and 15 out")
    forged_hack(bed, mobile, routers, wire, taken=False)
    handover_in_esp(bed, mobile, routers, wire)
    clear_is_dropped(bed, routers, wire)
    rest_is_untouched(bed, wire)
    bed.xfrm("ar", "policy", "delete", "src", bed.addresses["ar"], "dst", bed.addresses["nar"], "proto", "135",
             "type", "14", "dir", "out")
    wait_for_protection(routers["ar"], False)
    expect("HI that leaves" in protection(routers["ar"])[0]["lacks"], f"{protection(routers['ar'])}")
    print("SAW a policy that was taken away noticed")
    in_clear(bed, mobile, routers, wire)


def policy_count(bed, node):
    return bed.xfrm(node, "policy").count("dir ")


def installed(bed):
    """The daemon's own policies: there while it runs, none afterwards; somebody else's stay."""
    for node in ("ar", "nar"):
        bed.associate(node)
    bed.xfrm("ar", "policy", "add", "src", "2001:db8:77::1", "dst", bed.addresses["ar"], "dir", "in",
             "tmpl", "proto", "esp", "mode", "transport")
    ipsec = f"install = true\nreqid = {REQID}\n"
    routers = {node: bed.start_router(node, ipsec=ipsec) for node in ("nar", "ar")}
    mobile = bed.start_mobile()
    for router in routers.values():
        wait_for_protection(router, True)
    check_policies(bed, out_by_type=True)
    wire = Wire(bed)
    handover_in_esp(bed, mobile, routers, wire)
    clear_is_dropped(bed, routers, wire)
    rest_is_untouched(bed, wire)
    expect(policy_count(bed, "ar") == 4, bed.xfrm("ar", "policy"))
    esp.kill(bed, routers["ar"])
    expect(policy_count(bed, "ar") == 4, "a kill takes the protection away")
    router = bed.start_router("ar", ipsec="")
    wait_for_protection(router, False)
    expect(policy_count(bed, "ar") == 1, bed.xfrm("ar", "policy"))
    bed.router_toml("ar", ipsec=ipsec)
    expect(router.command("reload").returncode == 0, "the reload is refused")
    wait_for_protection(router, True)
    expect(policy_count(bed, "ar") == 4, bed.xfrm("ar", "policy"))
    router.process.send_signal(signal.SIGTERM)
    router.process.wait(20)
    expect(policy_count(bed, "ar") == 1 and "2001:db8:77::1" in bed.xfrm("ar", "policy"), bed.xfrm("ar", "policy"))
    print("SAW policies installed, kept by a kill, undone by the next start and by a stop, and another's left alone")


class Ike:
    """strongSwan in a namespace."""

    def __init__(self, bed, node):
        self.bed, self.node = bed, node
        self.uri = f"unix://{bed.directory}/{node}.vici"
        self.log = bed.directory / f"{node}-ike.log"
        settings = bed.directory / f"{node}-strongswan.conf"
        settings.write_text(f"""
charon-systemd {{
  load = random nonce aes sha1 sha2 hmac kdf gmp kernel-netlink socket-default vici
  plugins {{ vici {{ socket = {self.uri} }} }}
  filelog {{ all {{ path = {self.log}
    default = 1
    flush_line = yes }} }}
}}
""")
        environment = dict(os.environ, STRONGSWAN_CONF=str(settings))
        self.process = subprocess.Popen(bed.inside(node, "charon-systemd"), env=environment, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        bed.processes.append(self.process)
        deadline = time.monotonic() + 30
        while not (bed.directory / f"{node}.vici").exists():
            expect(self.process.poll() is None and time.monotonic() < deadline,
                   "strongSwan does not start:\n" + (self.log.read_text() if self.log.exists() else ""))
            time.sleep(0.1)

    def control(self, *words):
        return subprocess.run(["swanctl", *words, "--uri", self.uri], capture_output=True, text=True, check=False)

    def load(self, text):
        path = self.bed.directory / f"{self.node}-swanctl.conf"
        path.write_text(text)
        answer = self.control("--load-all", "--noprompt", "--file", str(path))
        expect(answer.returncode == 0, answer.stdout + answer.stderr)

    def initiate(self, child):
        return self.control("--initiate", "--child", child, "--timeout", "20")


def example(bed, node):
    other = "nar" if node == "ar" else "ar"
    text = (EXAMPLES / "swanctl.conf").read_text()
    for word, value in (("LOCAL_ID", f"{node}.example"), ("PEER_ID", f"{other}.example"),
                        ("LOCAL", bed.addresses[node]), ("PEER", bed.addresses[other])):
        text = text.replace(f"@{word}@", value)
    return text


# Of the second neighbour: what its own router would have, and what it must not get.
OTHER_END = """
connections {{
  other {{
    local_addrs = {other}
    remote_addrs = {ar}
    proposals = aes128-sha256-modp2048
    local {{ auth = psk
      id = other.example }}
    remote {{ auth = psk
      id = ar.example }}
    children {{
      own {{ mode = transport
        esp_proposals = null-sha256
        local_ts = {other}[135]
        remote_ts = {ar}[135] }}
      theirs {{ mode = transport
        esp_proposals = null-sha256
        local_ts = {nar}[135]
        remote_ts = {ar}[135] }}
    }}
  }}
}}
secrets {{ ike-other {{ id-1 = other.example
    id-2 = ar.example
    secret = "the secret of the second neighbour" }} }}
"""


def ikev2(bed):
    """strongSwan, with a shared secret; it comes up after the routers."""
    routers = {node: bed.start_router(node) for node in ("nar", "ar")}
    mobile = bed.start_mobile()
    wire = Wire(bed)
    refused(bed, mobile, routers, wire)
    ikes = {node: Ike(bed, node) for node in ("nar", "ar")}
    ends = {node: example(bed, node) for node in ikes}
    words = {"other": OTHER, "ar": bed.addresses["ar"], "nar": bed.addresses["nar"]}
    # The PAR knows a second neighbour, with an identity, a secret and an address of its own.
    second = (EXAMPLES / "swanctl.conf").read_text()
    for word, value in (("LOCAL_ID", "ar.example"), ("PEER_ID", "other.example"), ("LOCAL", bed.addresses["ar"]),
                        ("PEER", OTHER), ("neighbour", "second"), ("a long secret", "the secret of the second neighbour")):
        second = second.replace(f"@{word}@" if word.isupper() else word, value)
    ikes["nar"].load(ends["nar"] + OTHER_END.format(**words))
    ikes["ar"].load(ends["ar"] + second)
    for router in routers.values():
        wait_for_protection(router, True)
    answer = ikes["ar"].initiate("neighbour-mh")
    expect(answer.returncode == 0, answer.stdout + answer.stderr + ikes["ar"].log.read_text()[-3000:])
    shown = ikes["ar"].control("--list-sas").stdout
    expect("ESTABLISHED" in shown and "INSTALLED" in shown and "TRANSPORT" in shown, shown)
    conns = ikes["ar"].control("--list-conns").stdout
    expect("pre-shared key authentication" in conns and "certificate" not in conns, conns)
    check_associations(bed)
    print("SAW an association by IKEv2 with a shared secret:\n" + shown)
    handover_in_esp(bed, mobile, routers, wire)
    clear_is_dropped(bed, routers, wire)
    theirs = ikes["nar"].initiate("theirs")
    expect(theirs.returncode != 0 and "TS_UNACCEPTABLE" in theirs.stdout + theirs.stderr, theirs.stdout + theirs.stderr)
    own = ikes["nar"].initiate("own")
    expect(own.returncode == 0, own.stdout + own.stderr)
    print("SAW the second neighbour refused (TS_UNACCEPTABLE) for the first one's address, granted for its own")


def without(bed):
    """On a kernel that has no ESP for IPv6: no daemon that would not protect, and a reason."""
    doctor = subprocess.run(bed.inside("ar", bed.program, "doctor"), capture_output=True, text=True, check=False).stdout
    line = next(line for line in doctor.splitlines() if line.startswith("IPsec: ESP for IPv6"))
    if line.split("IPv6")[1].split()[0] == "yes":
        print("this kernel has ESP for IPv6")
        sys.exit(77)
    ran = subprocess.run(bed.inside("ar", bed.program, "router", "-c", bed.router_toml("ar"), "--store", "memory"),
                         capture_output=True, text=True, check=False, timeout=60)
    expect(ran.returncode != 0 and 'protection = "host": this kernel has no' in ran.stdout + ran.stderr,
           ran.stdout + ran.stderr)
    print("SAW a daemon refused, and doctor say why: " + line)


def main():
    scenarios = {"manual": manual, "installed": installed, "ikev2": ikev2, "without": without}
    if len(sys.argv) != 3 or sys.argv[2] not in scenarios:
        sys.exit(__doc__)
    try:
        with Bed(sys.argv[1]) as bed:
            try:
                scenarios[sys.argv[2]](bed)
            except testbed.Failure:
                for log in sorted(bed.directory.glob("*.log")):
                    print(f"--- {log.name}\n{log.read_text()[-2500:]}")
                raise
    except (testbed.Failure, subprocess.CalledProcessError) as failure:
        print(f"FAILED: {failure} {getattr(failure, 'stderr', '')}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
