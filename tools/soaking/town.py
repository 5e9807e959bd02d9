"""Two routers, two nodes, a correspondent and an attacker, in namespaces.

Each router has a cell of its own: a bridge that forgets whom it heard, so that everybody in it hears everything, as
on the air. A node moves when its cable is plugged into the other cell. The attacker is in both.
"""
import os
import time

from roaming import ACCESS_POINT, CORE, LINK, MODIFIER, PREFIX, ROUTERS, Radio, Roaming, testbed

NODES = ("mn", "mn2")
DAEMONS = (*ROUTERS, *NODES)
CABLE = {"mn": "radio", "mn2": "radio2"}
KEY = {"mn": "mn-1024", "mn2": "mn-2048"}
CELL = {"par": "air", "nar": "air-nar"}
CORRESPONDENT = "2001:db8:c::c"
EVIL_LINK = {"par": "02:00:00:00:66:0a", "nar": "02:00:00:00:66:0b"}
TUNNEL_S = 8  # what nodes ask for
KEY_S = 60
ROUTER_EXTRA = f"[keys]\nlifetime = {KEY_S}\n[handover]\nmax_tunnel_lifetime = 10\n"
# A machine with other work must not turn a predictive handover into a reactive one.
MOBILE_EXTRA = f"tunnel_lifetime = {TUNNEL_S}\nfback_wait_ms = 5000\n[keys]\nrequest_interval = 10\n"


def evil_address(router):
    return PREFIX[router].replace("::/64", "::666")


class Town(Roaming):
    SPACES = ("link", *ROUTERS, *NODES, "cn", "attacker")

    def __init__(self, program, directory=None, backend="auto"):
        super().__init__(program, directory)
        self.data_path = f'[datapath]\nbackend = "{backend}"\n'
        self.radios = {}
        self.lives = dict.fromkeys(DAEMONS, 0)
        self.owned = {node: set() for node in NODES}
        self.events = []
        self.stopping = set()  # daemons whose end is wanted

    # --- the network

    def make_spaces(self, *bridges):
        super().make_spaces(*bridges, CELL["nar"])

    def hang(self, cable, bridge, *rest, **options):
        super().hang(cable, CELL["nar"] if cable == "ap-nar" else bridge, *rest, **options)

    def hear(self, router, cable="radio"):
        self.cable(cable, "master", CELL[router])
        self.cable(cable, "up")

    def _make_link(self):
        super()._make_link()
        for cell in CELL.values():
            self.cable(cell, "type", "bridge", "ageing_time", "0")
        self.hang("radio2", CELL["par"], "mn2", address=LINK["mn2"])
        self.hang("to-cn", "core", "cn", "core0")
        space = self.namespace("cn")
        testbed.run(*self.inside("cn", "sysctl", "-qw", "net.ipv6.conf.all.accept_redirects=0",
                                 "net.ipv6.conf.core0.accept_redirects=0"))
        testbed.run("ip", "-n", space, "addr", "add", f"{CORRESPONDENT}/64", "dev", "core0", "nodad")
        for router in ROUTERS:
            testbed.run("ip", "-n", space, "-6", "route", "add", PREFIX[router], "via", CORE[router], "dev", "core0")
            self.hang(f"evil-{router}", CELL[router], "attacker", f"in-{router}", EVIL_LINK[router])
            testbed.run("ip", "-n", self.namespace("attacker"), "addr", "add", f"{evil_address(router)}/64", "dev",
                        f"in-{router}", "nodad")
        for node in NODES:
            self.secret_file(f"{node}.key", testbed.KEYS / f"{KEY[node]}.pem")
            for number, prefix in enumerate((*PREFIX.values(), "fe80::/64")):
                self.owned[node].add(self._address(node, prefix, number))

    def _address(self, node, prefix, number):
        made = self.sendoff("cga", "generate", "--key", self.directory / f"{node}.key", "--prefix", prefix, "--sec", "0",
                            "--modifier", MODIFIER[node], "--out", self.directory / f"{node}-{number}.cga")
        return made.stdout.split()[0]

    # --- daemons

    def begin_all(self):
        for node in NODES:
            self.radios[node] = Radio(self, node, CABLE[node])
        for daemon in DAEMONS:
            self.launch(daemon)

    def launch(self, name):
        """A daemon's first life or the next; the log of the one before is kept."""
        self.take_events()
        log = self.directory / f"{name}.log"
        if log.exists():
            log.rename(self.directory / f"{name}.{self.lives[name]}.log")
        # One that ended by itself leaves its socket behind, which would look like the new one's.
        (self.directory / f"{name}.sock").unlink(missing_ok=True)
        self.lives[name] += 1
        self.stopping.discard(name)
        if name in ROUTERS:
            self.run_router(name, ROUTER_EXTRA + self.data_path)
        else:
            config = self.mobile_file(MOBILE_EXTRA + self.data_path, name, CABLE[name])
            self.daemons[name] = self.start(name, "mobile", config)
            self.radios[name].tell(self.radios[name].at)

    def finish(self, name, kill):
        """Killed, or asked to end; then the exit status is told."""
        self.stopping.add(name)
        daemon = self.daemons[name]
        if kill:
            self.kill(name)
            return 0
        daemon.process.terminate()
        try:
            return daemon.process.wait(30)
        except testbed.subprocess.TimeoutExpired:
            return "none within 30 s"

    def alive(self, name):
        return name in self.daemons and self.daemons[name].process.poll() is None

    def take_events(self):
        """What the daemons have reported since the last call, each with its daemon as `node`."""
        fresh = []
        for name, daemon in self.daemons.items():
            while not daemon.events.empty():
                fresh.append({**daemon.events.get(), "node": name, "life": self.lives[name]})
        for event in fresh:
            if event["event"] == "address-formed" and event["node"] in NODES:
                self.owned[event["node"]].add(event["address"])
        self.events += fresh
        return fresh

    def serves(self, router):
        """The router has addresses of its own since it last began."""
        return self.alive(router) and any(
            event["event"] == "router-ready" and event["node"] == router and event["life"] == self.lives[router]
            for event in reversed(self.events))

    # --- nodes

    def at(self, node):
        return self.radios[node].at

    def is_fit(self, node):
        return self.alive(node) and self.fit(node, self.radios[node])

    def care_of(self, node):
        """The node's address at its router, None while it has none."""
        status = self.ask(node, command="status") or {"interfaces": []}
        here = PREFIX[self.at(node)].removesuffix("::/64") + ":"
        for interface in status["interfaces"]:
            for address in interface["addresses"]:
                if address.startswith(here):
                    return address
        return None

    def advise(self, node, to):
        return self.ask(self.at(node), command="advise", mn=LINK[node],
                        access_point=ACCESS_POINT[to]) is not None

    def flap(self, cable, seconds):
        """A cable loses its carrier for a while, at the bridge's end."""
        self.cable(cable, "down")
        time.sleep(seconds)
        self.cable(cable, "up")

    def close(self):
        for radio in self.radios.values():
            radio.stop()
        super().close()


def resident(process):
    """KiB of memory and the number of file descriptors of a process; None where it has ended."""
    try:
        with open(f"/proc/{process.pid}/status") as status:
            lines = dict(line.split(":", 1) for line in status)
        return int(lines["VmRSS"].split()[0]), len(os.listdir(f"/proc/{process.pid}/fd"))
    except (OSError, KeyError):
        return None
