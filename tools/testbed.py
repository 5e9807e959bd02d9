"""Network namespaces with a real link between them, for tools/demo and the tests of whole daemons.

An access router, a mobile node and an attacker, each in a namespace of its own, hang on one bridge in
a fourth: what the bridge carries is what the capture holds. Names carry the process id, so that
runs side by side do not collide; everything is removed at the end.
"""
import contextlib
import ctypes
import json
import os
import pathlib
import queue
import shutil
import signal
import subprocess
import tempfile
import threading
import time

TREE = pathlib.Path(__file__).resolve().parent.parent
KEYS = TREE / "tests" / "vectors" / "keys"
CERTIFICATES = TREE / "tests" / "vectors" / "pki"

PREFIX = "2001:db8:a:1::/64"
NEIGHBOUR_PREFIX = "2001:db8:a:2::/64"
OWN_ACCESS_POINT = "02:00:00:00:0a:01"
NEIGHBOUR_ACCESS_POINT = "02:00:00:00:0a:02"
NODES = {"ar": "02:00:00:00:00:01", "mn": "02:00:00:00:01:01", "attacker": "02:00:00:00:66:01"}


class Failure(Exception):
    """The run did not go as it should; the text says where."""


def run(*command, **options):
    return subprocess.run([str(word) for word in command], check=True, capture_output=True, text=True, **options)


@contextlib.contextmanager
def entered(space):
    """This thread stands in the namespace meanwhile; sockets stay where they were made."""
    setns = ctypes.CDLL(None, use_errno=True).setns
    with open(f"/run/netns/{space}") as wanted, open("/proc/thread-self/ns/net") as home:
        if setns(wanted.fileno(), 0) != 0:
            raise Failure(f"cannot enter the namespace {space}")
        try:
            yield
        finally:
            setns(home.fileno(), 0)


class Testbed:
    """The namespaces, the link, a directory for configurations, sockets and captures.

    Other networks override SPACES and _make_link."""

    SPACES = ("link", *NODES)

    def __init__(self, program, directory=None):
        self.program = pathlib.Path(program).resolve()
        self.name = f"so{os.getpid()}"
        self.directory = pathlib.Path(directory) if directory else pathlib.Path(tempfile.mkdtemp(prefix="sendoff-"))
        self.directory.mkdir(parents=True, exist_ok=True)
        self.keep = directory is not None
        self.processes = []
        self.capture = None

    def __enter__(self):
        try:
            self._make_link()
        except subprocess.CalledProcessError as error:
            self.close()
            raise Failure(f"cannot make the namespaces: {' '.join(error.cmd)}: {error.stderr.strip()}") from error
        return self

    def __exit__(self, *exception):
        self.close()

    def namespace(self, node):
        return f"{self.name}-{node}"

    def inside(self, node, *command):
        return ["ip", "netns", "exec", self.namespace(node), *[str(word) for word in command]]

    def make_spaces(self, *bridges):
        """The namespaces, and in the first one bridges that say nothing by themselves."""
        for node in self.SPACES:
            run("ip", "netns", "add", self.namespace(node))
            run("ip", "-n", self.namespace(node), "link", "set", "lo", "up")
        link = self.namespace("link")
        for scope in ("all", "default"):
            run(*self.inside("link", "sh", "-c", f"echo 1 > /proc/sys/net/ipv6/conf/{scope}/disable_ipv6"))
        # Where br_netfilter is there: what a bridge carries meets no rules of routers.
        filtered = "/proc/sys/net/bridge/bridge-nf-call-ip6tables"
        run(*self.inside("link", "sh", "-c", f"[ ! -e {filtered} ] || echo 0 > {filtered}"))
        for bridge in bridges:
            run("ip", "-n", link, "link", "add", bridge, "type", "bridge", "mcast_snooping", "0")
            run("ip", "-n", link, "link", "set", bridge, "up")

    def hang(self, cable, bridge, node, interface="access0", address=None):
        """The node on the bridge, by a cable of that name."""
        link, space = self.namespace("link"), self.namespace(node)
        run("ip", "-n", link, "link", "add", cable, "type", "veth", "peer", "name", interface, "netns", space)
        # The daemons form addresses of their own; nothing but them speaks on the link.
        run("ip", "-n", space, "link", "set", interface, *(["address", address] if address else []), "addrgenmode", "none")
        for setting in ("accept_ra", "autoconf"):
            run(*self.inside(node, "sh", "-c", f"echo 0 > /proc/sys/net/ipv6/conf/{interface}/{setting}"))
        run("ip", "-n", space, "link", "set", interface, "up")
        run("ip", "-n", link, "link", "set", cable, "master", bridge, "up")

    def _make_link(self):
        self.make_spaces("br0")
        for node, address in NODES.items():
            self.hang(f"to-{node}", "br0", node, address=address)
        # Where the router's tunnels lead: the neighbouring router hangs on the same link.
        run("ip", "-n", self.namespace("ar"), "-6", "route", "add", NEIGHBOUR_PREFIX, "dev", "access0")

    def start_capture(self, path, which="ip6"):
        path.parent.mkdir(parents=True, exist_ok=True)
        log = self.directory / "capture.log"
        # Not tcpdump: it changes its user, which a user namespace of one user refuses.
        with open(log, "w") as out:
            self.capture = subprocess.Popen(
                self.inside("link", "dumpcap", "-q", "-P", "-i", "br0", "-f", which, "-w", path), stdout=out, stderr=out)
        self.processes.append(self.capture)
        deadline = time.monotonic() + 10
        while "File:" not in log.read_text():
            if self.capture.poll() is not None or time.monotonic() > deadline:
                raise Failure(f"dumpcap does not start: {log.read_text().strip()}")
            time.sleep(0.02)

    def stop_capture(self):
        if self.capture and self.capture.poll() is None:
            time.sleep(0.5)  # it reads what it captured in turns
            self.capture.send_signal(signal.SIGINT)
            self.capture.wait(10)

    def secret_file(self, name, source):
        path = self.directory / name
        path.touch(mode=0o600)
        path.write_bytes(pathlib.Path(source).read_bytes())
        path.chmod(0o600)
        return path

    def certificate_file(self, name, *sources):
        """One PEM file of the DER certificates `sources`, in their order."""
        path = self.directory / name
        text = ""
        for source in sources:
            text += run("openssl", "x509", "-inform", "DER", "-in", CERTIFICATES / f"{source}.der").stdout
        path.write_text(text)
        return path

    def router_config(self, **options):
        key = self.secret_file("ar.key", KEYS / f"{options.get('key', 'ar-2048')}.pem")
        chain = self.certificate_file("chain.pem", *options.get("chain", ["ca", "good-router"]))
        anchor = self.certificate_file("ar-anchor.pem", "anchor")
        path = self.directory / "router.toml"
        path.write_text(f"""
[daemon]
user = ""
runtime_directory = "{self.directory}/ar"
control_socket = "{self.directory}/ar.sock"
log_level = "debug"
[[interface]]
name = "access0"
prefixes = ["{PREFIX}"]
access_points = ["{OWN_ACCESS_POINT}"]
max_ra_interval = 10
[cga]
key = "{key}"
sec = 0
[certificate]
chain = "{chain}"
anchor = "{anchor}"
[[neighbour]]
name = "nar"
address = "2001:db8:a:2::1"
link_address = "02:00:00:00:00:02"
prefix = "{NEIGHBOUR_PREFIX}"
access_points = ["{NEIGHBOUR_ACCESS_POINT}"]
handover_initiate = false
""")
        return path

    def mobile_config(self, **options):
        key = self.secret_file("mn.key", KEYS / f"{options.get('key', 'mn-2048')}.pem")
        anchor = self.certificate_file("mn-anchor.pem", options.get("anchor", "anchor"))
        path = self.directory / "mobile.toml"
        path.write_text(f"""
[daemon]
user = ""
runtime_directory = "{self.directory}/mn"
control_socket = "{self.directory}/mn.sock"
log_level = "debug"
[[interface]]
name = "access0"
[cga]
key = "{key}"
sec = 0
modifier = "000102030405060708090a0b0c0d0e0f"
[trust]
anchors = ["{anchor}"]
[keys]
algorithm = "{options.get('algorithm', 'hmac-sha256-128')}"
[discovery]
first_delay_max = 0
""")
        return path

    def start(self, node, role, config):
        return Daemon(self, node, role, config)

    def close(self):
        for process in reversed(self.processes):
            if process.poll() is None:
                process.terminate()
                try:
                    process.wait(10)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
        self.processes.clear()
        for node in self.SPACES:
            subprocess.run(["ip", "netns", "del", self.namespace(node)], capture_output=True, check=False)
        if not self.keep:
            shutil.rmtree(self.directory, ignore_errors=True)


class Daemon:
    """One daemon in its namespace, and the events that it reports on its control socket."""

    def __init__(self, bed, node, role, config):
        self.bed = bed
        self.node = node
        self.role = role
        self.socket = bed.directory / f"{node}.sock"
        self.log = bed.directory / f"{node}.log"
        self.waiting = []
        self.events = queue.Queue()
        with open(self.log, "w") as log:
            # A store on disk is for those who ask for one: others would share the host's.
            store = [] if role == "guard" or "[store]" in pathlib.Path(config).read_text() else ["--store", "memory"]
            self.process = subprocess.Popen(bed.inside(node, bed.program, role, "-c", config, *store),
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        bed.processes.append(self.process)
        deadline = time.monotonic() + 30
        while not self.socket.exists():
            if self.process.poll() is not None:
                raise Failure(f"the {role} daemon ended at its start:\n{self.log.read_text().strip()}")
            if time.monotonic() > deadline:
                raise Failure(f"the {role} daemon made no control socket:\n{self.log.read_text().strip()}")
            time.sleep(0.02)
        follower = subprocess.Popen([str(bed.program), "events", "--json", "--follow", "--socket", str(self.socket)],
                                    stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        bed.processes.append(follower)
        threading.Thread(target=self._read, args=(follower.stdout,), daemon=True).start()

    def _read(self, stream):
        for line in stream:
            try:
                event = json.loads(line)
            except json.JSONDecodeError:
                continue
            if "event" in event:
                self.events.put(event)

    def wait_for(self, name, seconds, where=lambda event: True):
        """The next event of this name; those of other names on the way are kept for later calls."""
        for event in list(self.waiting):
            if event["event"] == name and where(event):
                self.waiting.remove(event)
                return event
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            try:
                event = self.events.get(timeout=left)
            except queue.Empty:
                break
            if event["event"] == name and where(event):
                return event
            self.waiting.append(event)
        return None

    def command(self, *words):
        return subprocess.run([str(self.bed.program), *words, "--socket", str(self.socket)],
                              capture_output=True, text=True, check=False)

    def status(self):
        answer = self.command("status", "--json")
        if answer.returncode != 0:
            raise Failure(f"`sendoff status` of the {self.role} says: {answer.stderr.strip()}")
        return json.loads(answer.stdout)
