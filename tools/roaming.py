"""Two access routers and a mobile node that moves between them, in namespaces, for tests and measurements of whole
daemons.

    core: PAR ── NAR        a bridge in the namespace `link`
           │      │
          AP      AP        on a second bridge there; the port of the AP that is not heard is disabled
             \\  /
              MN            its carrier goes and comes when it moves

The routers protect HI and HAck by ESP. What goes to a router and is worth repeating (FBUs, ESP) is remembered.
"""
import contextlib
import json
import select
import signal
import socket
import sys
import threading
import time

import testbed

PATIENCE = 60
GAP_S = 0.02
ROUTERS = ("par", "nar")
OTHER = {"par": "nar", "nar": "par"}
PREFIX = {"par": "2001:db8:a:1::/64", "nar": "2001:db8:a:2::/64"}
CORE = {"par": "2001:db8:c::a", "nar": "2001:db8:c::b"}
ACCESS_POINT = {"par": "02:00:00:00:0a:01", "nar": "02:00:00:00:0b:01"}
LINK = {"par": "02:00:00:00:0a:11", "nar": "02:00:00:00:0b:11", "mn": "02:00:00:00:01:01", "mn2": "02:00:00:00:01:02"}
MODIFIER = {"par": "0a" * 16, "nar": "0b" * 16, "mn": "0c" * 16, "mn2": "0d" * 16}
SPI = {"par": 0x1000, "nar": 0x1001}  # of what this router sends
ESP, DESTINATION_OPTIONS, MOBILITY, FBU = 50, 60, 135, 8


def control(path, **request):
    """A request on a control socket; the result, or None where it is refused or nobody serves."""
    with contextlib.suppress(OSError, json.JSONDecodeError), socket.socket(socket.AF_UNIX) as client:
        client.settimeout(10)
        client.connect(str(path))
        client.sendall(json.dumps({"schema": 1, **request}).encode() + b"\n")
        answer = b""
        while not answer.endswith(b"\n"):
            if not (part := client.recv(1 << 16)):
                return None
            answer += part
        answer = json.loads(answer)
        return answer.get("result", {}) if answer["ok"] else None
    return None


def kind_of(frame):
    """("fbu" or "esp", destination) of an Ethernet frame; None for all others."""
    if len(frame) < 62 or frame[12:14] != b"\x86\xdd":
        return None
    destination = socket.inet_ntop(socket.AF_INET6, frame[38:54])
    protocol, at = frame[20], 54
    if protocol == ESP:
        return "esp", destination
    if protocol == DESTINATION_OPTIONS and len(frame) > at + 8:
        protocol, at = frame[at], at + (frame[at + 1] + 1) * 8
    return ("fbu", destination) if protocol == MOBILITY and len(frame) > at + 2 and frame[at + 2] == FBU else None


class Recorder(threading.Thread):
    """What goes out to the routers by their two cables, and a way to send it to them once more."""

    def __init__(self, bed):
        super().__init__(daemon=True)
        self.frames = {router: {"fbu": [], "esp": []} for router in ROUTERS}  # (when, cable, frame)
        self.replayed = set()
        self.cables = {}
        self.stopping = False
        self.owner = {bed.address[router]: router for router in ROUTERS}
        with testbed.entered(bed.namespace("link")):
            for router in ROUTERS:
                for cable in (f"ap-{router}", f"to-{router}"):
                    self.cables[cable] = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
                    self.cables[cable].bind((cable, 3))
        self.start()

    def run(self):
        names = {cable: name for name, cable in self.cables.items()}
        while not self.stopping:
            for cable in select.select(list(names), [], [], 0.1)[0]:
                frame, meta = cable.recvfrom(2048)
                found = kind_of(frame)
                if meta[2] != socket.PACKET_OUTGOING or not found or frame in self.replayed:
                    continue
                router = self.owner.get(found[1])
                if router and names[cable].endswith(router):
                    self.frames[router][found[0]].append((time.monotonic(), names[cable], frame))

    def send_again(self, cable, frame):
        self.replayed.add(frame)
        self.cables[cable].send(frame)

    def stop(self):
        self.stopping = True
        self.join()
        for cable in self.cables.values():
            cable.close()


class Radio(threading.Thread):
    """Moves the node's link: when its daemon asks for it, or when move() is called."""

    def __init__(self, bed, node="mn", cable="radio"):
        super().__init__(daemon=True)
        self.bed = bed
        self.node = node
        self.cable = cable
        self.at = "par"
        self.lock = threading.Lock()
        self.server = socket.socket(socket.AF_UNIX)
        self.server.bind(str(bed.directory / f"{cable}.sock"))
        self.server.listen(8)
        self.server.settimeout(0.1)
        self.stopping = False
        self.start()

    def run(self):
        while not self.stopping:
            with contextlib.suppress(OSError):
                client, _ = self.server.accept()
                with client:
                    client.settimeout(1)
                    words = client.recv(64).decode().split()
                    wished = [router for router in ROUTERS if words[1:] == [ACCESS_POINT[router]]]
                    if wished:
                        self.move(wished[0])
                        client.sendall(b"ok\n")

    def move(self, to):
        with self.lock:
            if to == self.at:
                return
            self.bed.cable(self.cable, "down")
            self.tell(None)
            time.sleep(GAP_S)
            self.bed.hear(to, self.cable)
            self.at = to
            self.tell(to)

    def tell(self, router):
        moved = {"access_point": ACCESS_POINT[router]} if router else {}
        control(self.bed.directory / f"{self.node}.sock", command="link-moved", interface="access0", **moved)

    def stop(self):
        self.stopping = True
        self.join()
        self.server.close()


class Roaming(testbed.Testbed):
    SPACES = ("link", "par", "nar", "mn")

    def __init__(self, program, directory=None):
        super().__init__(program, directory)
        self.address = {}
        self.daemons = {}
        self.recorder = self.radio = None

    def _make_link(self):
        self.make_spaces("core", "air")
        for router in ROUTERS:
            self.hang(f"to-{router}", "core", router, "core0")
            self.hang(f"ap-{router}", "air", router, address=LINK[router])
            space = self.namespace(router)
            testbed.run(*self.inside(router, "sysctl", "-qw", "net.ipv6.conf.all.forwarding=1"))
            for address in (CORE[router], "fe80::" + CORE[router].split("::")[1]):
                testbed.run("ip", "-n", space, "addr", "add", f"{address}/64", "dev", "core0", "nodad")
            testbed.run("ip", "-n", space, "-6", "route", "add", PREFIX[OTHER[router]], "via", CORE[OTHER[router]],
                        "dev", "core0")
        self.hang("radio", "air", "mn", address=LINK["mn"])
        # A carrier that comes enables its port; from then on hear() decides about that.
        for cable in ("ap-par", "ap-nar", "radio", "to-par", "to-nar"):
            self.wait_until(f"{cable} has a carrier", lambda name=cable: self._forwards(name), 10)
        self.hear("par")
        self._make_credentials()

    def _forwards(self, cable):
        shown = testbed.run("ip", "-n", self.namespace("link"), "-d", "-j", "link", "show", "dev", cable).stdout
        return json.loads(shown)[0]["linkinfo"]["info_slave_data"]["state"] == "forwarding"

    def cable(self, name, *words):
        testbed.run("ip", "-n", self.namespace("link"), "link", "set", name, *words)

    def hear(self, router, cable="radio"):
        """The node's link is in the cell of this router from now on."""
        for port, state in ((f"ap-{OTHER[router]}", "0"), (f"ap-{router}", "3")):  # disabled, forwarding
            testbed.run("bridge", "-n", self.namespace("link"), "link", "set", "dev", port, "state", state)
        self.cable(cable, "up")

    # --- credentials and configurations

    def sendoff(self, *words):
        return testbed.run(self.program, *words)

    def _make_credentials(self):
        anchor = ["--issuer-cert", self.directory / "anchor.pem", "--issuer-key", self.directory / "anchor.key"]
        self.sendoff("cert", "anchor", "--name", "test", "--prefix", "2001:db8::/32", "--out-cert",
                     self.directory / "anchor.pem", "--out-key", self.directory / "anchor.key")
        for router in ROUTERS:
            key = self.secret_file(f"{router}.key", testbed.KEYS / f"{'ar' if router == 'par' else 'ar2'}-2048.pem")
            self.sendoff("cert", "router", *anchor, "--name", router, "--prefix", PREFIX[router], "--key", key,
                         "--out-cert", self.directory / f"{router}.pem")
            made = self.sendoff("cga", "generate", "--key", key, "--prefix", PREFIX[router], "--sec", "0", "--modifier",
                                MODIFIER[router], "--out", self.directory / f"{router}.cga")
            self.address[router] = made.stdout.split()[0]
            self.sendoff("esp-key", "--out", self.directory / f"from-{router}.key")
        self.secret_file("mn.key", testbed.KEYS / "mn-1024.pem")

    def _common(self, node):
        (self.directory / f"{node}-state").mkdir(mode=0o700, exist_ok=True)
        return f"""
[daemon]
user = ""
runtime_directory = "{self.directory}/{node}"
control_socket = "{self.directory}/{node}.sock"
[store]
directory = "{self.directory}/{node}-state"
[[interface]]
name = "access0"
"""

    def _association(self, sender):
        return f'{{spi = {SPI[sender]}, key_file = "{self.directory}/from-{sender}.key"}}'

    def router_file(self, router, extra=""):
        peer = OTHER[router]
        path = self.directory / f"{router}.toml"
        path.write_text(self._common(router) + f"""prefixes = ["{PREFIX[router]}"]
access_points = ["{ACCESS_POINT[router]}"]
max_ra_interval = 10
[cga]
key = "{self.directory}/{router}.key"
sec = 0
modifier = "{MODIFIER[router]}"
[certificate]
chain = "{self.directory}/{router}.pem"
anchor = "{self.directory}/anchor.pem"
[[neighbour]]
name = "{peer}"
address = "{self.address[peer]}"
link_address = "{LINK[peer]}"
prefix = "{PREFIX[peer]}"
access_points = ["{ACCESS_POINT[peer]}"]
protection = "esp"
[neighbour.esp]
local = "{self.address[router]}"
outbound = {self._association(router)}
inbound = [{self._association(peer)}]
[arrival]
dad_interval_ms = 20
{extra}""")
        return path

    def mobile_file(self, extra="", node="mn", cable="radio"):
        path = self.directory / f"{node}.toml"
        path.write_text(self._common(node) + f"""
[cga]
key = "{self.directory}/{node}.key"
sec = 0
modifier = "{MODIFIER[node]}"
[trust]
anchors = ["{self.directory}/anchor.pem"]
[discovery]
first_delay_max = 0
dad = "optimistic"
[handover]
switch_socket = "{self.directory}/{cable}.sock"
min_interval_ms = 100
{extra}""")
        return path

    # --- daemons

    def begin(self, extra="", record=True):
        """All three run; what goes to the routers is remembered."""
        if record:
            self.recorder = Recorder(self)
        self.radio = Radio(self)
        for router in ROUTERS:
            self.run_router(router, extra)
        for router in ROUTERS:
            self.wait_until(f"{router} is ready", lambda each=router: self.ready(each))
        self.run_mobile(extra)

    def run_router(self, router, extra=""):
        self.daemons[router] = self.start(router, "router", self.router_file(router, extra))

    def run_mobile(self, extra=""):
        self.daemons["mn"] = self.start("mn", "mobile", self.mobile_file(extra))
        self.radio.tell(self.radio.at)

    def ready(self, router):
        return self.daemons[router].wait_for("router-ready", 0.005) is not None

    def kill(self, node):
        daemon = self.daemons[node]
        daemon.process.send_signal(signal.SIGKILL)
        daemon.process.wait()
        daemon.socket.unlink(missing_ok=True)

    def stop(self, node):
        daemon = self.daemons[node]
        daemon.process.send_signal(signal.SIGTERM)
        if (status := daemon.process.wait(30)) != 0:
            raise testbed.Failure(f"the daemon of {node} ends with {status}")

    def ask(self, node, **request):
        return control(self.directory / f"{node}.sock", **request)

    def status(self, node):
        answer = self.ask(node, command="status")
        if answer is None:
            raise testbed.Failure(f"the daemon of {node} does not answer")
        return answer

    def wait_until(self, what, holds, patience=PATIENCE):
        deadline = time.monotonic() + patience
        while not (value := holds()):
            if time.monotonic() > deadline:
                raise testbed.Failure(f"waited in vain until {what}")
            time.sleep(0.02)
        return value

    def fit(self, node="mn", radio=None):
        """The node is at its radio's router, with a key for it and no address under detection."""
        status = self.ask(node, command="status") or {"interfaces": [{}], "keys": []}
        here = self.address[(radio or self.radio).at]
        key = any(each["ar"] == here for each in status["keys"])
        addresses = self.addresses(node)
        settled = "tentative" not in addresses and "optimistic" not in addresses
        return key and settled and status["interfaces"][0].get("router_global") == here

    def addresses(self, node="mn"):
        return testbed.run("ip", "-n", self.namespace(node), "-6", "addr", "show", "dev", "access0").stdout

    def order(self, to, node="mn"):
        """True when the node's daemon has taken the order to hand over."""
        return self.ask(node, command="handover", access_point=ACCESS_POINT[to]) is not None

    def close(self):
        for part in (self.radio, self.recorder):
            if part:
                part.stop()
        super().close()

    # --- what is in the kernel

    def kernel_of(self, node):
        """Everything that a daemon changes in the kernel of its namespace, as text by kind."""
        space = self.namespace(node)

        def told(*words):
            return "\n".join(sorted(testbed.run(*self.inside(node, *words)).stdout.splitlines()))

        interfaces = [line.split(": ")[1].split("@")[0] for line in
                      testbed.run("ip", "-n", space, "-o", "link").stdout.splitlines()]
        return {
            "addresses": told("sh", "-c", "ip -6 -o addr | sed 's/valid_lft.*//'"),
            "routes": told("sh", "-c", "ip -6 route show table all | sed 's/ expires [0-9]*sec//'"),
            "rules": told("ip", "-6", "rule"),
            "links": told("sh", "-c", "ip -o link | sed 's/state .*//; s/<.*> //'"),
            "queues": told("sh", "-c", "tc qdisc | sed 's/refcnt.*//'"),
            "filters": "\n".join(told("tc", "filter", "show", "dev", name, way) for name in interfaces
                                 for way in ("ingress", "egress")),
            "nft": told("nft", "list", "ruleset"),
            "neighbours": told("sh", "-c", "ip -6 neigh show nud permanent; ip -6 neigh show proxy"),
            "groups": told("sh", "-c", "ip -6 maddr show | grep -v '^[0-9]' | sed 's/ users [0-9]*//'"),
            "settings": told("sh", "-c", "grep -rs '' /proc/sys/net/ipv6/conf /proc/sys/net/ipv6/neigh || true"),
        }


def differences(before, after):
    found = []
    for kind, text in before.items():
        old, new = set(text.splitlines()), set(after[kind].splitlines())
        found += [f"{kind}: + {line}" for line in sorted(new - old)] + [f"{kind}: - {line}" for line in sorted(old - new)]
    return found


def tell_logs(bed):
    for log in sorted(bed.directory.glob("*.log")):
        print(f"--- {log.name}\n{log.read_text().strip()[-4000:]}", file=sys.stderr)
