#!/usr/bin/env python3
"""The attacks of RFC 3756 and of RFC 3971 9 between namespaces: each succeeds against a host without `sendoff guard` and fails
against the one beside it that has it, and a counter tells of it.

    threats.py PROGRAM [GROUP...]     as root; a line for each thing that held, exit 1 at the first that did not
"""
import socket
import struct
import time

import guard
import signing
from guard import PLAIN, counter, eui64, forging, hold, testbed, vectorlib, wait_until
from stranger import (NA, NOBODY, NS, OVERRIDE, PATIENT, ROUTER, SECOND, SOLICITED, THIEF, News, Node, advertisement, group_of,
                      redirect, router, run_group, solicitation, stop)

FAR = "2001:db8:ff::1"
VICTIM, CONTROL = 0, 2  # as the stranger knows them: the guarded host, and the one without


class Scene:
    """Two guarded hosts, one without, and a thief that has a key and an address of its own."""

    def __init__(self, bed, stranger, a=None, b=None):
        self.bed, self.stranger = bed, stranger
        # A hub: the thief hears all.
        testbed.run("ip", "-n", bed.namespace("link"), "link", "set", "br0", "type", "bridge", "ageing_time", "0")
        stranger.guarded.append(forging.hardware(guard.LINKS["plain"]))
        self.b = bed.guard("b", **(b or {}))
        self.a = bed.guard("a", **{"more": PATIENT, **(a or {})})
        self.victim = Node(bed, self.a)
        self.a.link_local, self.a.address = self.victim.link_local, self.victim.address
        self.control = Node.__new__(Node)
        self.control.bed, self.control.name, self.control.daemon = bed, "plain", None
        self.control.link_local, self.control.address = eui64(guard.LINKS["plain"]), PLAIN
        self.thief = signing.Voice("mn-3072", THIEF)

    def hosts(self):
        return (self.victim, VICTIM), (self.control, CONTROL)

    def ready(self, node, address):
        hold(f"{node.name} reaches {address}", wait_until(lambda: self.bed.ping(node.name, address)))

    def parameters_of_b(self):
        """Of its CGA, as anybody hears them."""
        self.stranger.forget()
        self.victim.ip("neigh", "flush", "all")
        self.bed.ping("a", self.b.address)
        heard = self.stranger.hear(lambda each: each.kind == NA and each.source == self.b.address)
        cga = next(octets for kind, octets, _ in guard.options_of(heard.message, 24) if kind == guard.CGA)
        return cga[4:len(cga) - cga[2]]

    def refused(self, what, packet, counts, unchanged):
        """The packet, made for the guarded host, has the counter rise and nothing else happen."""
        before = unchanged()
        told, group = counts
        count = counter(self.a, told, group)
        self.stranger.say(packet, host=VICTIM)
        hold(f"{what}: refused as {group} {told}", wait_until(lambda: counter(self.a, told, group) > count),
             str(self.a.status()["counters"]))
        hold("  and nothing has changed", unchanged() == before, f"{before} {unchanged()}")


def steal_neighbours(bed, stranger):
    """RFC 3756 4.1.1: neighbours' link-layer addresses."""
    scene = Scene(bed, stranger)
    b, thief = scene.b, scene.thief
    parameters = scene.parameters_of_b()
    hash_of_b = vectorlib.sha1(parameters[25:])[:16]

    def link_of_b(node):
        entry = node.entry(b.address)
        return entry and entry[1]

    def told(node, flags, **how):
        return thief.advertisement(b.address, node.address, flags, source=b.address, **how)

    def as_b(**how):
        """By b's own parameters and key, so late that nothing that b said meanwhile is newer."""
        return {"claim": parameters, "key_hash": hash_of_b, "at": signing.now(60), **how}

    answer = SOLICITED | OVERRIDE
    attacks = {
        "an unsigned answer": (("secured-entry", "guard"),
                               lambda node: advertisement(b.address, node.address, b.address, answer, THIEF)),
        "an unsigned claim": (("secured-entry", "guard"),
                              lambda node: advertisement(b.address, node.address, b.address, OVERRIDE, THIEF)),
        "an unsigned solicitation": (("secured-entry", "guard"),
                                     lambda node: solicitation(b.address, node.address, node.address, THIEF)),
        "an answer signed by another key": (("cga", "send"), lambda node: told(node, answer)),
        "a claim signed by another key": (("cga", "send"), lambda node: told(node, OVERRIDE)),
        "a solicitation signed by another key": (
            ("cga", "send"), lambda node: thief.solicitation(node.address, source=b.address)),
        "a claim with b's CGA, of another key": (("two-keys", "send"), lambda node: told(node, OVERRIDE, claim=parameters)),
        "a claim with b's CGA and key, and a bad signature": (
            ("signature", "send"), lambda node: told(node, OVERRIDE, **as_b())),
        "a solicitation with b's CGA and key, and a bad signature": (
            ("signature", "send"), lambda node: thief.solicitation(node.address, **as_b(source=b.address))),
        "a claim for b in the thief's own name, signed": (
            ("target", "guard"), lambda node: thief.advertisement(b.address, node.address, OVERRIDE)),
    }
    for what, (counts, packet) in attacks.items():
        for node, _ in scene.hosts():
            scene.ready(node, b.address)
        hold("both know b", link_of_b(scene.victim) == link_of_b(scene.control) == guard.LINKS["b"])
        scene.refused(what, packet(scene.victim), counts, lambda: link_of_b(scene.victim))
        stranger.say(packet(scene.control), host=CONTROL)
        hold("  but the host without a guard believes it", wait_until(lambda: link_of_b(scene.control) == THIEF),
             str(scene.control.entry(b.address)))
        scene.control.ip("neigh", "flush", "all")
    scene.ready(scene.victim, b.address)


def pretend_that_somebody_is_there(bed, stranger):
    """RFC 3756 4.1.2: Neighbor Unreachability Detection."""
    scene = Scene(bed, stranger)
    b = scene.b
    for node, _ in scene.hosts():
        scene.ready(node, b.address)
        node.time(delay_first_probe_time=1, base_reachable_time_ms=600000)
    old = stranger.those(lambda heard: heard.kind == NA and heard.source == b.address
                         and heard.destination == scene.victim.address)
    hold("the thief has a signed answer of b's", old)
    # A Nonce is remembered for some seconds.
    hold("that answers nothing any more", wait_until(lambda: replayed(scene, old[-1].packet, "unknown-nonce")))
    testbed.run("ip", "-n", bed.namespace("link"), "link", "set", "to-b", "down")

    def lie(heard):
        if heard.kind == NS and heard.target == b.address and heard.from_link in (stranger.guarded[VICTIM],
                                                                                  stranger.guarded[CONTROL]):
            host = VICTIM if heard.from_link == stranger.guarded[VICTIM] else CONTROL
            stranger.say(advertisement(b.address, heard.source, b.address, SOLICITED, guard.LINKS["b"]), host=host)
            if host == VICTIM:
                stranger.say(old[-1].packet, host=host)

    stranger.reply = lie
    entry, nonce = counter(scene.a, "secured-entry"), counter(scene.a, "unknown-nonce", "send")
    for (node, _), wanted in zip(scene.hosts(), ("FAILED", "REACHABLE"), strict=True):
        node.have(b.address, "stale", guard.LINKS["b"])
        news = News(bed.namespace(node.name))
        ping = node.ping(b.address)
        states = news.until(b.address, ("FAILED", "REACHABLE"))
        hold(f"{node.name} finds b, that is gone, {wanted}", states == wanted, str(states))
        stop(ping)
    hold("for unsigned answers are refused", wait_until(lambda: counter(scene.a, "secured-entry") >= entry + 3))
    hold("and old ones, too", wait_until(lambda: counter(scene.a, "unknown-nonce", "send") >= nonce + 3),
         str(scene.a.status()["counters"]["send"]))


def deny_addresses(bed, stranger):
    """RFC 3756 4.1.3, by somebody who signs: RFC 3971 9.2.3."""
    scene = Scene(bed, stranger)
    wanted = scene.b.link_local, scene.b.address
    for node in (Node(bed, scene.b, "b"), scene.control):
        node.time(retrans_time_ms=5000)  # to lie in, however late
    guard.end(scene.b)
    thief, denied = scene.thief, []

    def lie(heard):
        if heard.kind != NS or heard.source != NOBODY:
            return
        denied.append(heard.target)
        host = stranger.guarded.index(heard.from_link)
        stranger.say(thief.advertisement(heard.target, source=heard.target), host=host)

    stranger.reply = lie
    b = bed.guard("b")
    hold("who is told by another key that its addresses are taken has them all the same",
         (b.link_local, b.address) == wanted and set(wanted) <= set(denied), str(denied))
    hold("for that address is no CGA of that key", wait_until(lambda: counter(b, "cga", "send") >= 2))
    scene.control.ip("address", "add", "2001:db8:a:1::d/64", "dev", "access0")
    hold("the host without a guard gives it up", wait_until(
        lambda: "dadfailed" in scene.control.ip("address", "show", "dev", "access0")))


def replayed(scene, packet, reason):
    """Whether the guarded host refuses it for this reason."""
    before = scene.a.status()["counters"]["send"]
    scene.stranger.say(packet, host=VICTIM)
    wait_until(lambda: sum(scene.a.status()["counters"]["send"].values()) > sum(before.values()))
    return counter(scene.a, reason, "send") > before[reason]


class Gate:
    """A guarded router, whose kernel sends what it is told to."""

    def __init__(self, bed, daemon):
        with testbed.entered(bed.namespace("b")):
            self.socket = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
            self.index = socket.if_nametoindex("access0")
        self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 255)
        self.socket.bind((daemon.link_local, 0, 0, self.index))

    def advertise(self):
        message = struct.pack("!BBHBBHII", 134, 0, 0, 64, 0, 1800, 0, 0)
        message += forging.link_option(forging.SOURCE_LINK, guard.LINKS["b"]) + prefix("2001:db8:a:1::")
        self.socket.sendto(message, ("ff02::1", 0, 0, self.index))


def prefix(of, flags=0xC0, lifetime=3600):
    return struct.pack("!BBBBIII", forging.PREFIX, 4, 64, flags, lifetime, lifetime, 0) + forging.packed(of)


def misroute(bed, stranger):
    """RFC 3756 4.2: routers, prefixes, parameters, redirects."""
    guard.KEYS["b"] = "ar-2048"
    chain, anchor = bed.certificate_file("chain.pem", "ca", "good-router"), bed.certificate_file("anchor.pem", "anchor")
    scene = Scene(bed, stranger,
                  b={"more": f'[certificate]\nchain = "{chain}"\nanchor = "{anchor}"\n'},
                  a={"prefixes": "", "more": PATIENT + f'[trust]\nanchors = ["{anchor}"]\npath_give_up = 2\n'})
    gate, thief, name = Gate(bed, scene.b), scene.thief, scene.b.link_local
    for node, _ in scene.hosts():
        node.set("accept_ra", 2)
        node.set("router_solicitations", 0)
    scene.control.set("autoconf", 1)

    def of(node, *words):
        return node.ip(*words, "dev", "access0")

    def state(node):
        """Default routers, prefixes on the link, addresses, parameters, way to a far host."""
        routes = [line.split(" expires")[0] for line in of(node, "route", "show").splitlines()]
        addresses = [line.split()[1] + (" deprecated" if "deprecated" in line else "")
                     for line in of(node, "address", "show").splitlines() if "inet6" in line]
        parameters = node.get("hop_limit"), node.get("base_reachable_time_ms", "neigh"), node.get("retrans_time_ms", "neigh")
        return sorted(routes), sorted(addresses), parameters, node.ip("route", "get", FAR, check=False).split(" expires")[0]

    def settled(node):
        gate.advertise()
        return wait_until(lambda: f"via {name}" in of(node, "route", "show", "default")
                          and any(a.startswith("2001:db8:a:1:") for a in bed.addresses(node.name) if a != PLAIN))

    # The guarded host takes the router by its certificates, the other one takes anybody.
    hold("both hosts have the router and an address under its prefix",
         all(settled(node) for node, _ in scene.hosts()), str([state(node) for node, _ in scene.hosts()]))
    mine = next(a for a in bed.addresses("plain") if a.startswith("2001:db8:a:1:") and a != PLAIN)

    def in_its_name(**how):
        link = how.pop("link", guard.LINKS["b"])
        options = how.pop("options", [])
        signed = thief.router(source=name, options=[vectorlib.Opt("", octets, []) for octets in options], **how)
        return {"unsigned": (("secured-router", "guard"), router(name, link, options=b"".join(options), **how)),
                "signed by another key": (("cga", "send"), signed)}

    attacks = {
        "the router is none any more": (in_its_name(lifetime=0), lambda: "default" not in of(scene.control, "route", "show")),
        "other parameters": (in_its_name(hops=1, reachable=1000, retrans=100000),
                             lambda: scene.control.get("hop_limit") == "1"),
        "a prefix on the link that is not": (in_its_name(options=[prefix("2001:db8:66:2::", 0x80)]),
                                             lambda: "2001:db8:66:2::/64" in of(scene.control, "route", "show")),
        "a prefix for addresses that is not": (in_its_name(options=[prefix("2001:db8:66:1::", 0x40)]),
                                               lambda: any(a.startswith("2001:db8:66:1:") for a in bed.addresses("plain"))),
        "the prefix is no good any more": (in_its_name(options=[prefix("2001:db8:a:1::", 0xC0, 0)]),
                                           lambda: any(mine in line and "deprecated" in line for line in of(
                                               scene.control, "-o", "address", "show").splitlines())),
        "another link-layer address of the router": (in_its_name(link=THIEF), lambda: scene.control.entry(name)[1] == THIEF),
        "another way, by redirect": (
            {"unsigned": (("secured-router", "guard"), lambda to: redirect(name, to, thief.address, FAR, THIEF)),
             "signed by another key": (("cga", "send"), lambda to: thief.redirect(to, thief.address, FAR, source=name))},
            lambda: f"via {thief.address}" in scene.control.ip("route", "get", FAR)),
    }

    def made(packet, to):
        return packet(to) if callable(packet) else packet

    for what, (forms, succeeded) in attacks.items():
        for form, (counts, packet) in forms.items():
            to = {node.name: next((a for a in bed.addresses(node.name) if a.startswith("2001:db8:a:1:") and a != PLAIN), None)
                  for node, _ in scene.hosts()}
            scene.refused(f"{what}, {form}", made(packet, to["a"]), counts, lambda: state(scene.victim))
            stranger.say(made(packet, to["plain"]), host=CONTROL)
            hold("  but the host without a guard believes it", wait_until(succeeded), str(state(scene.control)))
            restore(scene, gate, name)

    # Of the thief's own, that proves its address but has no certificate.
    paths = counter(scene.a, "path-awaited")
    scene.refused("a router with a key but no certificate", thief.router(options=[vectorlib.o_pio(
        vectorlib.ip("2001:db8:66:3::"), 64)]), ("no-path", "guard"), lambda: state(scene.victim))
    hold("  though its path was asked for", counter(scene.a, "path-awaited") > paths)
    stranger.say(thief.router(), host=CONTROL)
    hold("  but the host without a guard believes it", wait_until(
        lambda: f"via {thief.address}" in scene.control.ip("route", "show", "default")))
    to = next(a for a in bed.addresses("a") if a.startswith("2001:db8:a:1:"))
    scene.refused("a redirect of a neighbour that is no router, signed", thief.redirect(to, thief.address, FAR),
                  ("redirector", "guard"), lambda: state(scene.victim))
    scene.ready(scene.victim, scene.b.link_local)


def restore(scene, gate, name):
    """The host without a guard learns all anew."""
    control = scene.control
    for words in (("route", "flush", "proto", "ra", "dev", "access0"), ("route", "flush", "cache"), ("neigh", "flush", "all"),
                  ("address", "flush", "dev", "access0", "dynamic"), ("route", "flush", "proto", "redirect", "dev", "access0")):
        control.ip(*words, check=False)
    control.set("hop_limit", 64)
    control.time(base_reachable_time_ms=30000, retrans_time_ms=1000)
    gate.advertise()
    hold("  which is mended", wait_until(lambda: f"via {name}" in control.ip("route", "show", "default") and any(
        a.startswith("2001:db8:a:1:") and a != PLAIN for a in scene.bed.addresses("plain"))))


class TwoLinks(guard.Bed):
    """A host on another link, to which the thief has a cable, too."""

    SPACES = (*guard.Bed.SPACES, "far")

    def _make_link(self):
        super()._make_link()
        run = testbed.run
        run("ip", "-n", self.namespace("link"), "link", "add", "br1", "type", "bridge", "mcast_snooping", "0")
        run("ip", "-n", self.namespace("link"), "link", "set", "br1", "up")
        self.hang("to-far", "br1", "far", address=FAR_LINK)
        run("ip", "-n", self.namespace("far"), "address", "add", "2001:db8:a:1::e/64", "dev", "access0", "nodad")
        self.hang("thief-1", "br1", "thief", "access1")
        with testbed.entered(self.namespace("thief")):
            self.there = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
            self.there.bind(("access1", 0))

    def replay_there(self, packet):
        self.there.send(forging.hardware(FAR_LINK) + forging.hardware(THIEF) + b"\x86\xdd" + packet)


FAR_LINK = "02:00:00:00:00:0e"


def replay(bed, stranger):
    """RFC 3756 4.3.1, RFC 3971 9.2.5: b moves to another interface, and the thief says again what it said before."""
    scene = Scene(bed, stranger)
    b = Node(bed, scene.b, "b")
    moved = "02:00:00:00:00:1b"
    b.set("ndisc_notify", 1)
    for node, _ in scene.hosts():
        scene.ready(node, b.address)
    stranger.forget()
    b.ip("neigh", "flush", "all")
    scene.ready(b, scene.a.address)
    asked = stranger.hear(lambda heard: heard.kind == NS and heard.source == b.address and heard.target == scene.a.address)
    hold("b asks for a, which the thief hears", asked and asked.link == {1: forging.hardware(guard.LINKS["b"])})

    def again():
        """Within moments it is known as a copy, later its Timestamp is too old."""
        counters = scene.a.status()["counters"]["send"]
        return counters["repeat"] + counters["stale"]

    def link_of_b(node):
        entry = node.entry(b.address)
        return entry and entry[1]

    before, state = again(), link_of_b(scene.victim)
    stranger.say(asked.packet, host=VICTIM)
    hold("said again at once it is refused", wait_until(lambda: again() > before) and link_of_b(scene.victim) == state)

    stranger.guarded[1] = forging.hardware(moved)
    testbed.run("ip", "-n", bed.namespace("b"), "link", "set", "access0", "address", moved)
    told = stranger.hear(lambda heard: heard.kind == NA and heard.target == b.address and heard.source == b.address
                         and heard.destination == "ff02::1")
    hold("b tells all of its other link-layer address", told and told.link == {2: forging.hardware(moved)})
    heard_at = time.monotonic()
    for node, _ in scene.hosts():
        hold(f"{node.name} hears it", wait_until(lambda of=node: link_of_b(of) == moved), str(node.entry(b.address)))
        scene.ready(node, b.address)
    before = again()
    stranger.say(asked.packet, host=VICTIM)
    hold("what b said before is refused", wait_until(lambda: again() > before))
    hold("  and nothing has changed", link_of_b(scene.victim) == moved)
    # The host without a guard is told the same: an advertisement of the old link-layer address.
    stranger.say(advertisement(b.address, "ff02::1", b.address, OVERRIDE, guard.LINKS["b"]), host=CONTROL)
    hold("  but the host without a guard is led back", wait_until(lambda: link_of_b(scene.control) == guard.LINKS["b"]))

    far = Node.__new__(Node)
    far.bed, far.name = bed, "far"

    def look_for_b():
        """What the far host makes of b, that is not on its link, when it hears b's advertisement there."""
        far.ip("neigh", "flush", "all")
        far.time(mcast_solicit=100)
        ping = far.ping(b.address)
        wait_until(lambda: far.entry(b.address) is not None)
        bed.replay_there(told.packet)
        return ping

    ping = look_for_b()
    hold("a host on another link believes that b is there", wait_until(lambda: link_of_b(far) == moved))
    stop(ping)
    guard.KEYS["far"] = guard.KEYS["a"]
    guarded = bed.guard("far", more="[send]\ntimestamp_delta = 1\n")
    wait_until(lambda: time.monotonic() - heard_at > 2)
    ping = look_for_b()
    hold("with a guard it does not, once the Timestamp is old", wait_until(lambda: counter(guarded, "stale", "send") > 0))
    hold("  and nothing has changed", far.entry(b.address)[:2] == ("INCOMPLETE", None), str(far.entry(b.address)))
    stop(ping)


def exhaust(bed, stranger):
    """RFC 3971 9.3: messages that only a verification tells from good ones, of addresses and of a certified key."""
    verified_s = 5  # in a second, of one source
    shared_s = 20  # in a second, of all that are not known
    guard.KEYS["b"] = "ar-2048"
    chain, anchor = bed.certificate_file("chain.pem", "ca", "good-router"), bed.certificate_file("anchor.pem", "anchor")
    more = f'[trust]\nanchors = ["{anchor}"]\n[authorization]\nrouter_advertisement = "trust-anchor"\n[limits]\n'
    limits = f"verifications_per_source = {verified_s}\nverifications_per_interface = {shared_s}\n"
    scene = Scene(bed, stranger, a={"more": more + limits},
                  b={"more": f'[certificate]\nchain = "{chain}"\nanchor = "{anchor}"\n'})
    b, batch = scene.b, 400
    scene.victim.set("accept_ra", 2)
    Gate(bed, b).advertise()
    hold("a has b's certificates", wait_until(lambda: scene.a.status()["counters"]["path"]["validated"] == 1))
    key = signing.Impostor(vectorlib.key("mn-1024"))
    thieves = [signing.Voice(key, THIEF, modifier=struct.pack("!QQ", 0, i)) for i in range(batch)]
    sources = [f"02:00:00:01:{i >> 8:02x}:{i & 255:02x}" for i in range(batch)]
    impostor = signing.Voice(signing.Impostor(vectorlib.key("ar-2048")), THIEF)

    def counters():
        return scene.a.status()["counters"]["send"]

    def flood(links, packets):
        """How many of a batch were verified, in how many seconds at most, and what was counted."""
        began, before = time.monotonic(), counters()
        for packet, link in zip(packets, links, strict=True):
            stranger.say(packet, link=link, host=VICTIM)
        hold("each message is accounted for", wait_until(lambda: sum(counters().values()) - sum(before.values()) >= batch),
             str(counters()))
        elapsed, after = time.monotonic() - began, counters()
        return after["signature"] - before["signature"], elapsed, {name: after[name] - before[name] for name in after}

    def of_hosts():
        return [thief.advertisement() for thief in thieves]

    def of_routers():
        return [impostor.router(source=f"fe80::66:{i:x}", claim=b"") for i in range(1, batch + 1)]

    for what, links, packets, rate in (("one source has", [THIEF] * batch, of_hosts, verified_s),
                                       ("all sources together have", sources, of_hosts, shared_s),
                                       ("who names a certified key has", sources, of_routers, shared_s)):
        verified, elapsed, told = flood(links, packets())
        hold(f"{what} its verifications, and no more", 0 < verified <= rate * (elapsed + 1) + 1 and told["budget"] > 0,
             f"{verified} in {elapsed:.2f} s: {told}")
        scene.ready(scene.victim, b.address)
    lifted = ("verifications_per_source", "verifications_per_interface", "pending", "pending_per_source")
    bed.guard_config("a", more=more + "".join(f"{name} = 100000\n" for name in lifted))
    hold("without those limits", scene.a.command("reload").returncode == 0)
    for packets in (of_hosts, of_routers):
        verified, _, told = flood(sources, packets())
        hold("all are verified", verified == batch, str(told))


GROUPS = {"neighbours": steal_neighbours, "unreachability": pretend_that_somebody_is_there, "addresses": deny_addresses,
          "routers": misroute, "replay": replay, "exhaustion": exhaust}

if __name__ == "__main__":
    run_group("threats", GROUPS, {"replay": TwoLinks})
