#!/usr/bin/env python3
"""What RFC 4861 asks of a node as a whole: a kernel whose Neighbor Discovery `sendoff guard` secures, and a stranger on
its link that says what a test wants.

    neighbours.py PROGRAM [GROUP...]     as root; a line for each thing that held, exit 1 at the first that did not
"""
import re
import struct

from cryptography import x509

import guard
import signing
from guard import forging, hold, testbed, wait_until
from stranger import (ALL_NODES, ALL_ROUTERS, BEHIND, CALM, CPA, ECHO_REQUEST, NA, NOBODY, NS, OVERRIDE, ROUTER, SECOND, SOLICITED,
                      THIEF, News, advertisement, fragments, group, group_of, past, question, redirect, router, run_group, signed,
                      solicitation, spaced, stop, text)

FAR = "2001:db8:ff::1"
FIRST_PROBE = 1  # seconds, of DELAY_FIRST_PROBE_TIME
MANY = 100  # probes a second apart: enough for any delay


def check_constants(bed, stranger):
    node = group(bed, stranger)
    for name, value in {"mcast_solicit": 3, "ucast_solicit": 3, "anycast_delay": 100, "base_reachable_time_ms": 30000,
                        "retrans_time_ms": 1000, "delay_first_probe_time": 5}.items():
        hold(f"{name} is {value}", int(node.get(name, "neigh")) == value, node.get(name, "neigh"))
    drawn = re.findall(r"reachable (\d+)", node.ip("ntable", "show", "dev", "access0"))
    hold("a neighbour is reachable for half to one and a half of that", drawn and all(15000 <= int(each) <= 45000
                                                                                    for each in drawn), str(drawn))
    pair = ["2001:db8:a:1::aa:1122:3344", "2001:db8:a:1::bb:1122:3344"]
    hold("a node is in the group of all and in that of each address",
         {ALL_NODES, group_of(node.link_local), group_of(node.address)} <= node.groups())
    for address in pair:
        node.ip("address", "add", f"{address}/128", "dev", "access0", "nodad")
    hold("two addresses that end alike share one", group_of(pair[0]) == group_of(pair[1]) and group_of(pair[0]) in node.groups())
    node.ip("address", "del", f"{pair[0]}/128", "dev", "access0")
    hold("which one of them keeps", group_of(pair[0]) in node.groups())
    node.ip("address", "del", f"{pair[1]}/128", "dev", "access0")
    hold("and the last one leaves", wait_until(lambda: group_of(pair[0]) not in node.groups()))


def answer_as(node, stranger, who, role):
    """`role`: the flag of a router, or none."""
    target, mine = node.link_local, stranger.guarded[0]

    def answered(heard):
        return heard.kind == NA and heard.target == target

    told = stranger.ask(solicitation(who, group_of(target), target, THIEF), answered)
    hold("a solicitation to the group is answered to its source", told and told.destination == who
         and told.flags == role | SOLICITED | OVERRIDE and told.link == {2: mine}, str(vars(told) if told else None))
    hold("by a message that is signed", signed(told))
    entry = node.entry(who)
    hold("and its link-layer address is kept as unproven", entry[0] in ("STALE", "DELAY") and entry[1] == THIEF, str(entry))
    one = stranger.ask(solicitation(who, target, target, THIEF), answered)
    hold("so is one to the address", one and one.destination == who and one.flags & ~OVERRIDE == role | SOLICITED)
    known = node.neighbours()
    everybody = stranger.ask(solicitation(NOBODY, group_of(target), target), answered)
    hold("one from nobody is answered to all, as not solicited", everybody and everybody.destination == ALL_NODES
         and everybody.flags == role | OVERRIDE and everybody.link == {2: mine})
    hold("and makes no neighbour", node.neighbours() == known, str(node.neighbours()))


def answer_solicitations(bed, stranger):
    node = group(bed, stranger, **CALM)
    answer_as(node, stranger, "fe80::66", 0)
    nameless, target = "fe80::67", node.link_local
    stranger.forget()
    stranger.say(solicitation(nameless, target, target))
    resolving = stranger.hear(lambda heard: heard.kind == NS and heard.target == nameless)
    entry = node.entry(nameless)
    hold("one without a link-layer address makes no neighbour either, but is resolved", resolving and entry[1] is None, str(entry))
    stranger.say(advertisement(nameless, target, nameless, SOLICITED | OVERRIDE, THIEF))
    hold("and answered then", stranger.hear(
        lambda heard: heard.kind == NA and heard.target == target and heard.destination == nameless))

    node.ip("address", "add", "2001:db8:77::1/128", "dev", "lo")
    for nobodys in ("2001:db8:77::1", "2001:db8:a:1::dead", "fe80::dead"):
        past(node, stranger, solicitation("fe80::66", group_of(nobodys), nobodys, THIEF))
        hold(f"nobody answers for {nobodys} here", not stranger.those(lambda heard, at=nobodys: heard.kind == NA
                                                                      and heard.target == at))
    for who, packet in (("fe80::71", router("fe80::71")), ("fe80::73", redirect("fe80::71", node.address, "fe80::73", FAR))):
        past(node, stranger, packet)
        entry = node.entry(who)
        hold(f"type {packet[40]} without a link-layer address makes no neighbour", entry is None or entry[1] is None,
             str(entry))
    node.set("forwarding", 1)
    past(node, stranger, question("fe80::72"))
    entry = node.entry("fe80::72")
    hold("nor does type 133 at a router", entry is None or entry[1] is None, str(entry))


def resolve(bed, stranger):
    node = group(bed, stranger)
    for target, source, by in (("2001:db8:a:1::99", node.address, node.address), ("fe80::99", node.link_local, "access0")):
        stranger.forget()
        began = guard.time.monotonic()
        ping = node.ping(target, by)
        first = stranger.hear(lambda heard, target=target: heard.kind == NS and heard.target == target)
        hold(f"{target} is asked for from the address that wants it", first and first.source == source
             and first.destination == group_of(target), str(first and vars(first)))
        hold("with a link-layer address", first.link == {1: stranger.guarded[0]} and signed(first))
        told = ping.communicate()[0]
        hold("then it is unreachable, which who sent there is told", "Address unreachable" in told, told)

        def asked(target=target):
            return stranger.those(lambda heard: heard.kind == NS and heard.target == target)

        wait_until(lambda: len(asked()) >= 3)
        past(node, stranger)
        hold("it was asked for three times, a second apart", len(asked()) == 3 and spaced(asked(), began, 0, 1),
             str([heard.at - began for heard in asked()]))

    node.time(**CALM)
    for number, (flags, states) in enumerate({
            SOLICITED | OVERRIDE: ("REACHABLE",), SOLICITED: ("REACHABLE",),
            OVERRIDE: ("STALE", "DELAY"), 0: ("STALE", "DELAY"), ROUTER | SOLICITED: ("REACHABLE",)}.items()):
        target = f"2001:db8:a:1::{number + 0x51:x}"
        stranger.forget()
        waiting = node.ping(target, node.address)
        stranger.hear(lambda heard, target=target: heard.kind == NS and heard.target == target)
        past(node, stranger, advertisement(target, node.address, target, flags))
        hold("an answer without a link-layer address is none", node.entry(target)[0] == "INCOMPLETE", str(node.entry(target)))
        stranger.say(advertisement(target, node.address, target, flags, THIEF))
        sent = stranger.hear(lambda heard, target=target: heard.kind == ECHO_REQUEST and heard.destination == target)
        entry = node.entry(target)
        hold(f"flags {flags:02x}: {states[0]}, and what waited is sent", sent and sent.to_link == forging.hardware(THIEF)
             and entry[0] in states and entry[1] == THIEF and entry[2] == bool(flags & ROUTER), str(entry))
        stop(waiting)


def hear_of_known(bed, stranger):
    node = group(bed, stranger, **CALM)
    who = "2001:db8:a:1::61"

    def after(state, flags, link, is_router=False):
        node.have(who, "stale" if state == "delay" else state, is_router=is_router)
        if state == "delay":
            sending = node.ping(who, node.address)
            wait_until(lambda: node.entry(who)[0] == "DELAY")
            stop(sending)
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

    gone = "fe80::62"
    past(node, stranger, router(gone, THIEF))
    hold("a router is a way to everywhere", f"via {gone}" in node.ip("route", "show", "default"))
    past(node, stranger, advertisement(gone, node.link_local, gone, SOLICITED, THIEF))
    hold("one that is one no more is no way to anywhere", "default" not in node.ip("route", "show", "default"))


def know_routers(bed, stranger):
    node = group(bed, stranger, **CALM)
    first, second = "fe80::81", "fe80::82"

    def default():
        return node.ip("route", "show", "default")

    def way():
        stranger.forget()
        sending = node.ping(FAR, node.address)
        heard = stranger.hear(lambda each: each.kind == ECHO_REQUEST and each.destination == FAR)
        stop(sending)
        return heard and heard.to_link

    past(node, stranger, router(first, THIEF, hops=50, reachable=700000, retrans=70000))
    told = [("hop_limit", "conf", "50"), ("base_reachable_time_ms", "neigh", "700000"), ("retrans_time_ms", "neigh", "70000")]
    hold("what a router tells is taken", all(node.get(name, where) == value for name, where, value in told))
    hold("and the router is a neighbour, not yet proven", node.entry(first) == ("STALE", THIEF, True), str(node.entry(first)))
    past(node, stranger, router(first, THIEF))
    hold("what it does not specify stays", all(node.get(name, where) == value for name, where, value in told))
    hold("and an advertisement proves nothing", node.entry(first) == ("STALE", THIEF, True))
    past(node, stranger, advertisement(first, ALL_NODES, first, ROUTER | OVERRIDE, THIEF))
    hold("nor one that nobody asked for", node.entry(first) == ("STALE", THIEF, True))
    past(node, stranger, router(first, SECOND))
    hold("another link-layer address of it replaces the first", node.entry(first) == ("STALE", SECOND, True))
    past(node, stranger, router(first, THIEF))

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


def path_question(source):
    """For the certification path of the anchor of tests/vectors (RFC 3971 6.4.1)."""
    certificate = x509.load_der_x509_certificate((testbed.CERTIFICATES / "anchor.der").read_bytes())
    name = guard.vectorlib.o_anchor(1, certificate.subject.public_bytes()).octets
    return forging.icmp(source, ALL_ROUTERS, struct.pack("!BBHHH", 148, 0, 0, 4711, 0xFFFF) + name)


def take_no_fragments(bed, stranger):
    """One message of each type, of a neighbour that signs them and of a router; whole they have an effect each."""
    guard.KEYS["a"] = "ar-2048"
    chain, anchor = bed.certificate_file("chain.pem", "ca", "good-router"), bed.certificate_file("anchor.pem", "anchor")
    node = group(bed, stranger, more=f'[certificate]\nchain = "{chain}"\nanchor = "{anchor}"\n', **CALM)
    voice, other = signing.Voice("mn-1024", THIEF), signing.Voice("other-2048", SECOND)
    gate = "fe80::62"

    def past_verified(*packets):
        past(node, stranger, *packets)
        if not stranger.ask(other.solicitation(node.link_local),
                            lambda heard: heard.kind == NA and heard.destination == other.address):
            raise testbed.Failure("a signed solicitation is not answered")

    def way():
        return node.ip("route", "get", FAR)

    def defaults():
        return node.ip("route", "show", "default")

    def link():
        entry = node.entry(voice.address)
        return entry and entry[1]

    def state():
        return node.entry(voice.address), *(re.sub(r" expires \d+sec", "", routes) for routes in (way(), defaults()))

    def answers(kind):
        return stranger.those(lambda heard: heard.kind == kind and heard.destination not in (BEHIND, other.address))

    def forget_it():
        node.ip("neigh", "del", voice.address, "dev", "access0", check=False)
        return wait_until(lambda: link() is None)

    past(node, stranger, router(gate, SECOND))
    hold("a router is the way there", f"via {gate}" in way())
    # (its name, the message, what it does when it is whole)
    forms = [("solicitation", lambda: voice.solicitation(node.link_local), lambda: link() == THIEF and answers(NA)),
             ("advertisement", voice.advertisement, lambda: link() == THIEF),
             ("router's advertisement", voice.router, lambda: voice.address in defaults()),
             ("question", voice.question, lambda: link() == THIEF),
             ("question for a path", lambda: path_question(voice.address), lambda: answers(CPA)),
             ("redirect", lambda: redirect(gate, node.address, "fe80::83", FAR, THIEF), lambda: "via fe80::83" in way())]
    for name, make, effect in forms:
        node.set("forwarding", 1 if name == "question" else 0)  # only a router heeds that
        if name == "advertisement":
            node.have(voice.address, "stale", SECOND)
        before, packet = state(), make()
        past_verified(*fragments(packet), *fragments(packet, 8))
        hold(f"the {name} in fragments changes nothing", state() == before and not effect(), str(state()))
        stranger.say(make())
        hold(f"whole, the {name} has its effect", wait_until(effect), str(state()))
        stranger.all.clear()
        if name == "router's advertisement":
            stranger.say(voice.router(lifetime=0))
            hold("which ends", wait_until(lambda: voice.address not in defaults()))
        hold("the neighbour is forgotten", forget_it())


def be_a_router(bed, stranger):
    node = group(bed, stranger, **CALM)
    who = "fe80::a1"
    answer_as(node, stranger, who, 0)
    node.set("forwarding", 1)
    hold("a router is in the group of routers", wait_until(lambda: ALL_ROUTERS in node.groups()))
    answer_as(node, stranger, who, ROUTER)
    node.forget()
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
    hold("which nobody detects", not stranger.those(
        lambda heard: heard.kind == NS and heard.target == text(bytes.fromhex(mine))))
    node.set("forwarding", 0)
    node.forget()
    answer_as(node, stranger, who, 0)
    known = node.entry(who)
    past(node, stranger, question(who, SECOND))
    hold("that ends, and a host heeds no question", node.entry(who)[1] == known[1], str(node.entry(who)))


def detect_unreachability(bed, stranger):
    node = group(bed, stranger, **CALM)
    watched, lively, silent = (f"2001:db8:a:1::b{i}" for i in range(3))
    node.have(watched, "stale")
    stranger.forget()
    ping = node.ping(watched, node.address)
    hold("a packet to an unproven neighbour leaves", stranger.hear(
        lambda heard: heard.kind == ECHO_REQUEST and heard.destination == watched))
    hold("and it is watched", node.entry(watched)[0] == "DELAY", str(node.entry(watched)))
    hold("before anybody asks", not stranger.those(lambda heard: heard.kind == NS and heard.target == watched))
    stop(ping)

    # For one who answers there are questions enough for any delay; how many there are shows the silent one. A question uses
    # the entry: where that was within DELAY_FIRST_PROBE_TIME of the end of its reachability, Linux asks again at once.
    node.time(base_reachable_time_ms=4000 * FIRST_PROBE, delay_first_probe_time=FIRST_PROBE, retrans_time_ms=1000,
              ucast_solicit=MANY)

    def reply(heard):
        if heard.kind == NS and heard.target == lively:
            stranger.say(advertisement(lively, heard.source, lively, SOLICITED | OVERRIDE, THIEF))

    stranger.reply = reply
    node.have(lively, "stale")
    news = News(bed.namespace("a"))
    ping = node.ping(lively, node.address)
    hold("who was sent something is asked for", news.hear(lively, "PROBE"))
    hold("one who answers is there", news.hear(lively, "REACHABLE"))
    hold("and unproven again after a while", news.hear(lively, "STALE"))
    stop(ping)
    stranger.reply = None

    node.time(ucast_solicit=3)
    node.have(silent, "stale")
    began = guard.time.monotonic()
    ping = node.ping(silent, node.address)
    hold("one who does not answer is asked for", news.hear(silent, "PROBE"))
    hold("and forgotten", news.hear(silent, "FAILED"))

    def probes():
        return stranger.those(lambda heard: heard.kind == NS and heard.target == silent)

    wait_until(lambda: len(probes()) >= 3)
    past(node, stranger)
    hold("after three questions, a second apart", len(probes()) == 3 and spaced(probes(), began, FIRST_PROBE, 1),
         str([heard.at - began for heard in probes()]))
    hold("to the group, for it was not secured, with a link-layer address", all(
        probe.destination == group_of(silent) and probe.link == {1: stranger.guarded[0]} for probe in probes()))
    stop(ping)

    b = bed.guard("b")
    hold("a secured neighbour is reached", wait_until(lambda: bed.ping("a", b.address)))
    hold("and known as one", b.address in node.daemon.status()["interfaces"][0]["secured_neighbours"])
    testbed.run("ip", "-n", bed.namespace("link"), "link", "set", "to-b", "down")
    # Once the kernel has forgotten it, it is secured no more, and what the guard has not yet signed goes to the group.
    apart = 4
    node.time(retrans_time_ms=1000 * apart)
    node.have(b.address, "stale", guard.LINKS["b"])
    began = guard.time.monotonic()
    ping = node.ping(b.address, node.address)
    hold("silent, it is forgotten", news.hear(b.address, "FAILED"))

    def alone():
        return stranger.those(lambda heard: heard.kind == NS and heard.target == b.address, began)

    wait_until(lambda: len(alone()) >= 3)
    past(node, stranger)
    hold("after it was asked for alone, three times", len(alone()) == 3 and spaced(alone(), began, FIRST_PROBE, apart) and all(
        probe.destination == b.address for probe in alone()), str([(probe.at - began, probe.destination) for probe in alone()]))
    stop(ping)


def announce_another_link_address(bed, stranger):
    node = group(bed, stranger)
    node.set("ndisc_notify", 1)
    other = "02:00:00:00:00:1a"
    stranger.guarded = [forging.hardware(other), stranger.guarded[1]]
    stranger.forget()
    began = guard.time.monotonic()
    testbed.run("ip", "-n", bed.namespace("a"), "link", "set", "access0", "address", other)

    def told():
        return stranger.those(lambda heard: heard.kind == NA and heard.target == node.address
                              and heard.destination == ALL_NODES, began)

    hold("another link-layer address is told to all", wait_until(told))
    hold("as it is, signed", all(each.flags == OVERRIDE and each.link == {2: forging.hardware(other)} and signed(each)
                                 for each in told()), str([vars(each) for each in told()]))
    stranger.hear(lambda heard: len(told()) > 3, 4)  # time for more than there may be
    hold("three times at most, a second apart", 1 <= len(told()) <= 3 and spaced(told(), began, 0, 1))


GROUPS = {"constants": check_constants, "answers": answer_solicitations, "resolution": resolve, "known": hear_of_known,
          "routers": know_routers, "fragments": take_no_fragments, "router": be_a_router,
          "unreachability": detect_unreachability, "announcement": announce_another_link_address}

if __name__ == "__main__":
    run_group("neighbours", GROUPS)
