#!/usr/bin/env python3
"""An access router and a mobile node with the guard beside them, on real kernels (docs/send.md).

    guarded_roles.py PROGRAM       as root; a line for each thing that held, exit 1 at the first that did not

The node gets its handover key as without a guard; meanwhile and afterwards each Neighbor Discovery message of the two
nodes is signed, be it the daemon's or the kernel's, and nobody else can speak for them.
"""
import pathlib
import socket
import sys
import time

TREE = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TREE / "tools"))
import forging  # noqa: E402
import guard  # noqa: E402
import testbed  # noqa: E402
from guard import PATIENCE, TABLE, counter, counts, eui64, hold, kill, wait_until  # noqa: E402

NODES = testbed.NODES
STRANGER = "fe80::66"
AT_ONCE = 250
SIGNATURES = 100  # a second, for strangers, and as many for neighbours
PATIENCE_OF_CAPTURE = 5  # seconds that a capture lasts beside what it is for; with it goes what may be signed at once


class Bed(testbed.Testbed):
    def _make_link(self):
        super()._make_link()
        # As a host is found: with an address that its kernel made.
        for node in ("ar", "mn"):
            for setting in ("down", "up"):
                testbed.run("ip", "-n", self.namespace(node), "link", "set", "access0", setting, "addrgenmode", "eui64")
        testbed.run("ip", "-n", self.namespace("attacker"), "address", "add", f"{STRANGER}/64", "dev", "access0", "nodad")
        self.raw = guard.raw_socket(self.namespace("attacker"))

    def with_guard(self, config, mode="mixed", on_stop="open"):
        text = config.read_text().partition("[guard]")[0]
        config.write_text(text + f'[guard]\non_stop = "{on_stop}"\nmode = "{mode}"\n'
                          f"signatures_per_interface = {SIGNATURES}\n")
        return config

    def inject(self, packet):
        self.raw.send(forging.hardware("33:33:00:00:00:01") + forging.hardware(NODES["attacker"]) + b"\x86\xdd" + packet)

    def incomplete(self, node):
        """How many neighbours its kernel waits for."""
        shown = testbed.run("ip", "-n", self.namespace(node), "-6", "neigh", "show", "nud", "incomplete").stdout
        return len(shown.splitlines())

    ping = guard.Bed.ping
    neighbour = guard.Bed.neighbour
    addresses = guard.Bed.addresses
    tables = guard.Bed.tables
    flush = guard.Bed.flush


def address_of(daemon):
    formed = daemon.wait_for("address-formed", PATIENCE, lambda event: not event["address"].startswith("fe80"))
    if not formed:
        raise testbed.Failure(f"no address:\n{daemon.log.read_text()}")
    return formed["address"]


def meet(bed):
    ar = bed.start("ar", "router", bed.with_guard(bed.router_config()))
    hold("a guarded router starts", ar.wait_for("router-ready", PATIENCE))
    mn = bed.start("mn", "mobile", bed.with_guard(bed.mobile_config()))
    mn.address = address_of(mn)
    hold("a guarded node gets its handover key", mn.wait_for("key-received", 3 * PATIENCE), mn.log.read_text())
    ar.address = next(each for each in ar.status()["interfaces"][0]["addresses"] if not each.startswith("fe80"))
    for node, daemon in (("ar", ar), ("mn", mn)):
        mine = daemon.status()["guard"][0]["addresses"]
        hold(f"{node}: the kernel's address is gone, the guard has the role's",
             eui64(NODES[node]) not in bed.addresses(node) and sorted(mine) == sorted(bed.addresses(node)),
             f"{mine} {bed.addresses(node)}")
        bed.flush(node)
    hold("their kernels find each other", bed.ping("ar", mn.address) and bed.ping("mn", ar.address))
    hold("by messages that they verified", counter(ar, "taken-secured") > 0 and counter(mn, "taken-secured") > 0)
    hold("what routers say is the role's to hear", counts(mn, "left-to-role", 1))
    hold("a host without SEND is reached, for the mode is mixed", bed.ping("mn", STRANGER) and bed.ping("ar", STRANGER))
    return ar, mn


def refuse_forgeries(bed, ar, mn):
    bed.ping("ar", mn.address)
    for victim, owner, stolen in (("ar", "mn", mn.address), ("mn", "ar", ar.address)):
        daemon = {"ar": ar, "mn": mn}[victim]
        bed.ping(victim, stolen)
        refused = counter(daemon, "secured-entry")
        for _ in range(3):
            bed.inject(forging.forged_una(stolen, stolen, NODES["attacker"]))
        hold(f"{victim}: nobody else speaks for {owner}", counts(daemon, "secured-entry", refused + 3)
             and bed.neighbour(victim, stolen) == NODES[owner])
    bed.inject(forging.forged_una(ar.address, ar.address, NODES["attacker"]))
    hold("nor for the router's own address", counts(ar, "own-address", 1))


def search_in_vain(bed, ar, mn):
    """Packets to ten thousand addresses that nobody has, as somebody sends them who looks for hosts (RFC 3971 9.2.6)."""
    capture = bed.directory / "vain.pcap"
    bed.start_capture(capture, "icmp6")
    with testbed.entered(bed.namespace("ar")):
        sender = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    # All namespaces share the kernel's table: what waits in it is few and does so briefly, for the others' sake.
    for setting, value in (("mcast_solicit", 1), ("retrans_time_ms", 50)):
        testbed.run(*bed.inside("ar", "sh", "-c", f"echo {value} > /proc/sys/net/ipv6/neigh/access0/{setting}"))
    began, reached, waiting = time.monotonic(), [], 0
    for number in range(10000):
        sender.sendto(b"", (f"2001:db8:a:1::5ca:{number:x}", 9))
        if number % AT_ONCE == AT_ONCE - 1:
            waiting = max(waiting, bed.incomplete("ar"))
            time.sleep(0.1)
            testbed.run("ip", "-n", bed.namespace("ar"), "-6", "neigh", "flush", "dev", "access0", "nud", "failed")
        if number % 2500 == 2499:
            reached.append(bed.ping("ar", mn.address))
    took = time.monotonic() - began
    for setting, value in (("mcast_solicit", 3), ("retrans_time_ms", 1000)):
        testbed.run(*bed.inside("ar", "sh", "-c", f"echo {value} > /proc/sys/net/ipv6/neigh/access0/{setting}"))
    sender.close()
    bed.flush("ar")
    reached.append(bed.ping("ar", mn.address))
    bed.stop_capture()
    own = forging.hardware(NODES["ar"])
    asked = sum(frame[6:12] == own and frame[20] == 58 and frame[54] == 135 for frame in guard.frames(capture))
    hold(f"of 10000 addresses that nobody has it asks for no more than it may sign: {asked} in {took:.1f} s",
         0 < asked <= SIGNATURES * (took + PATIENCE_OF_CAPTURE) and counter(ar, "sign-budget") + counter(ar, "sign-queue-full") > 0)
    # The kernel's bound for all that it has neighbours for.
    limit = int(pathlib.Path("/proc/sys/net/ipv6/neigh/default/gc_thresh3").read_text())
    hold(f"its kernel waits for {waiting} at most", 0 < waiting <= limit)
    hold("and keeps the neighbour that it has", all(reached), str(reached))


def be_strict(bed, ar, mn):
    for node, daemon, config in (("ar", ar, "router.toml"), ("mn", mn, "mobile.toml")):
        bed.with_guard(bed.directory / config, mode="secured-only")
        answer = daemon.command("reload")
        hold(f"{node} is told to take secured messages only", answer.returncode == 0, answer.stderr)
        bed.flush(node)
    bed.flush("attacker")
    hold("they find each other as before", bed.ping("ar", mn.address) and bed.ping("mn", ar.address))
    hold("the host without SEND is not reached", not bed.ping("mn", STRANGER) and not bed.ping("attacker", ar.address))
    bed.with_guard(bed.directory / "mobile.toml", mode="secured-only", on_stop="closed")
    answer = mn.command("reload")
    hold("what becomes of the host without the daemon only a restart changes", answer.returncode != 0 and "[guard]" in answer.stderr)
    bed.with_guard(bed.directory / "mobile.toml", mode="secured-only")


def judge(bed, capture, kinds):
    """What the two sent of Neighbor Discovery, these kinds among it; RSs from :: apart, all of it has CGA and signature."""
    owners = {forging.hardware(NODES[node]) for node in ("ar", "mn")}
    seen = {}
    for frame in guard.frames(capture):
        if frame[12:14] != b"\x86\xdd" or frame[20] != 58 or not 133 <= frame[54] <= 137 or frame[6:12] not in owners:
            continue
        if fault := guard.fault_of(frame[14:]):
            raise testbed.Failure(f"a message of type {frame[54]} is not secured: {fault}: {frame.hex()}")
        seen[frame[54]] = seen.get(frame[54], 0) + 1
    hold("each message of theirs is signed", all(seen.get(kind) for kind in kinds), str(seen))


def end(bed, ar, mn):
    hold("each said at its start what happens without it", all("fail-open" in each.log.read_text() for each in (ar, mn)))
    kill(mn)
    hold("a killed node leaves no rules", wait_until(lambda: TABLE not in bed.tables("mn"), 10))
    guard.end(ar)
    hold("a router that ends neither, and its kernel has its address back", TABLE not in bed.tables("ar")
         and wait_until(lambda: bed.addresses("ar") == [eui64(NODES["ar"])], 10), str(bed.addresses("ar")))


def main():
    with Bed(sys.argv[1]) as bed:
        # Before the daemons come: what the kernels say of addresses of their own nobody signs.
        hold("the kernels have addresses of their own", wait_until(
            lambda: all(bed.addresses(node) == [eui64(NODES[node])] for node in ("ar", "mn"))))
        capture = bed.directory / "guarded.pcap"
        bed.start_capture(capture, "icmp6")
        ar, mn = meet(bed)
        refuse_forgeries(bed, ar, mn)
        bed.stop_capture()
        judge(bed, capture, (134, 135, 136))
        search_in_vain(bed, ar, mn)
        capture = bed.directory / "strict.pcap"
        bed.start_capture(capture, "icmp6")
        be_strict(bed, ar, mn)
        bed.stop_capture()
        judge(bed, capture, (135, 136))  # the next advertisement may be seconds away
        end(bed, ar, mn)
    print("guarded roles: all held")


if __name__ == "__main__":
    try:
        main()
    except testbed.Failure as failure:
        sys.exit(f"guarded roles: {failure}")
