#!/usr/bin/env python3
"""What RFC 4861 and RFC 4862 ask of a host and its routers that the kernel does, with `sendoff guard` between it and the link:
parameters and ways that a certified router tells, neighbours who ask, addresses that come and age, Redirects of a router.

    kernel_host.py PROGRAM [GROUP...]     as root; a line for each thing that held, exit 1 at the first that did not
"""
import re
import socket
import struct
import time

import guard
import signing
from duplicates import moved
from guard import PATIENCE, counter, counts, forging, hold, testbed, vectorlib, wait_until
from stranger import (CALM, ECHO_REQUEST, NA, NOBODY, NS, OVERRIDE, PATIENT, REDIRECT, RS, SECOND, SOLICITED, THIEF, News, Node,
                      advertisement, echo, past, redirect, router, run_group, signed, solicitation, stop)
from threats import FAR, Gate, prefix

ANYTHING = ("INCOMPLETE", "REACHABLE", "STALE", "PROBE", "FAILED")
ECHO_REPLY = 129
PREFIX_OF_ROUTER = "2001:db8:a:1::"
DRAWS = 16  # of one advertisement
ROUNDS = 4
BURST = 6  # Redirects to one host, that Linux lets go before it sends one a second


def reachable(node):
    """What the kernel drew of its ReachableTime, in milliseconds."""
    return int(re.search(r" reachable (\d+)", node.ip("ntable", "show", "name", "ndisc_cache", "dev", "access0"))[1])


def hear_of_a_router(bed, stranger):
    """A certified one, `b`, which says what it is told to, and others that nobody certified."""
    guard.KEYS["b"] = "ar-2048"
    # A hub: the stranger hears what the host sends to the router.
    testbed.run("ip", "-n", bed.namespace("link"), "link", "set", "br0", "type", "bridge", "ageing_time", "0")
    chain, anchor = bed.certificate_file("chain.pem", "ca", "good-router"), bed.certificate_file("anchor.pem", "anchor")
    b = bed.guard("b", more=f'[certificate]\nchain = "{chain}"\nanchor = "{anchor}"\n')
    node = Node(bed, bed.guard("a", prefixes="", more=PATIENT + f'[trust]\nanchors = ["{anchor}"]\n'))
    node.set("accept_ra", 2)
    gate, name, link = Gate(bed, b), b.link_local, guard.LINKS["b"]
    gate.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, 255)

    def say(packet, to):
        gate.socket.sendto(packet[40:], (to, 0, 0, gate.index))

    def hops():
        return int(node.get("hop_limit"))

    for value in (50, 51):
        past(node, stranger, router(f"fe80::{value}", THIEF, hops=value))
        hold(f"of what routers say that nobody certified the latest is taken: {value}", hops() == value)
    say(router(name, link, hops=42, reachable=20000, retrans=500, options=prefix(PREFIX_OF_ROUTER, 0x40)), "ff02::1")
    hold("a certified router says otherwise, and is heard", wait_until(lambda: hops() == 42))
    hold("in all that it says", (node.get("base_reachable_time_ms", "neigh"), node.get("retrans_time_ms", "neigh"))
         == ("20000", "500"))
    drawn = []
    for number in range(8):
        base = 20000 + 100 * number  # to Linux times within a jiffy are the same
        say(router(name, link, hops=100 + number, reachable=base), "ff02::1")
        hold(f"a ReachableTime of {base}", wait_until(lambda at=number: hops() == 100 + at))
        drawn.append(reachable(node) / base)
    hold("neighbours are reachable for half to one and a half of it, drawn each time",
         all(0.499 <= each <= 1.5 for each in drawn) and len(set(drawn)) > 4, str(drawn))
    refused = counter(node.daemon, "secured-router")
    past(node, stranger, router("fe80::52", THIEF, hops=52))
    hold("against that nobody counts that is not certified", hops() == 107 and counter(node.daemon, "secured-router") > refused)

    own = node.daemon.wait_for("address-formed", PATIENCE)["address"]
    node.time(**CALM)

    def way(to):
        stranger.forget()
        sending = node.ping(to, own)
        heard = stranger.hear(lambda each: each.kind == ECHO_REQUEST and each.destination == to)
        stop(sending)
        return heard and heard.to_link

    bed.flush("b")
    hold("the router asks for the host, which makes no less of a router of it", bed.ping("b", node.link_local) and stranger.those(
        lambda heard: heard.kind == NS and heard.source == name and heard.link) and node.entry(name)[1:] == (link, True),
         str(node.entry(name)))
    other, on_link, second = "fe80::aa", f"{PREFIX_OF_ROUTER}66", f"{PREFIX_OF_ROUTER}67"
    hold("a host sends by its router", way(FAR) == way(on_link) == forging.hardware(link))
    for what, entry, is_router, (target, destination) in (
            ("a router that nobody knew", None, True, (other, FAR)),
            ("a neighbour with another link-layer address", ("reachable", SECOND), True, (other, f"{FAR[:-1]}2")),
            ("a destination on the link", None, False, (on_link, on_link)),
            ("one with another link-layer address", ("reachable", SECOND), False, (second, second))):
        node.ip("neigh", "del", target, "dev", "access0", check=False)
        if entry:
            node.have(target, *entry)
        taken = counter(node.daemon, "taken-secured")
        news = News(bed.namespace("a"))
        say(redirect(name, own, target, destination, THIEF), own)
        hold(f"a signed Redirect to {what} is taken", counts(node.daemon, "taken-secured", taken + 1))
        hold("  it is a neighbour that is not proven", news.until(target, ANYTHING) == "STALE"
             and node.entry(target) == ("STALE", THIEF, is_router), str(node.entry(target)))
        hold("  and the next packet goes there", way(destination) == forging.hardware(THIEF), node.ip("route", "get", destination))
        hold("    still unproven", node.entry(target) == ("DELAY", THIEF, is_router), str(node.entry(target)))
    fixed = f"{PREFIX_OF_ROUTER}5"
    testbed.run("ip", "-n", bed.namespace("b"), "address", "add", f"{fixed}/128", "dev", "access0", "nodad")
    node.ip("route", "add", fixed, "dev", "access0")
    unsecured = counter(node.daemon, "taken-unsecured")
    hold("an address of the router's that an operator gave it is reached", bed.ping("a", fixed))
    answers = stranger.those(lambda heard: heard.kind == NA and heard.target == fixed)
    hold("by an answer that is not signed", answers and not any({guard.CGA, guard.SIGNATURE} & {
        kind for kind, _, _ in guard.options_of(heard.message, 24)} for heard in answers))
    hold("for others an unsecured neighbour", counter(node.daemon, "taken-unsecured") > unsecured
         and fixed not in node.daemon.status()["interfaces"][0]["secured_neighbours"])
    hold("which is logged", f"{fixed} on access0 is no address of the guard's" in b.log.read_text(), b.log.read_text())
    hold("a Redirect was signed", all(signed(heard) for heard in stranger.those(lambda heard: heard.kind == REDIRECT)))

    # The last, for Linux follows no Redirect of a router that has told another MTU than that of the link before.
    for number, (told, taken) in enumerate({1400: 1400, 1279: 1400, 1501: 1400, 1280: 1280, 1500: 1500}.items()):
        say(router(name, link, hops=60 + number, options=struct.pack("!BBHI", 5, 1, 0, told)), "ff02::1")
        hold(f"an MTU of {told} on a link of 1500 leaves {taken}",
             wait_until(lambda at=number: hops() == 60 + at) and node.get("mtu") == str(taken), node.get("mtu"))


def be_asked(bed, stranger):
    node = Node(bed, bed.guard("a", more=PATIENT))
    node.set("accept_ra", 2)
    node.time(**CALM)
    voices = {link: signing.Voice("mn-1024", link) for link in (THIEF, SECOND)}
    who = {"unsigned": "fe80::66", "signed": voices[THIEF].address}

    def ask(form, link):
        """The first state that the kernel tells of who asks."""
        target = node.link_local
        packet = voices[link].solicitation(target) if form == "signed" else solicitation(who[form], target, target, link)
        news = News(bed.namespace("a"))
        told = stranger.ask(packet, lambda heard: heard.kind == NA and heard.target == target and heard.destination == who[form])
        hold(f"{form}: a solicitation with {link} is answered", told)
        return news.until(who[form], ANYTHING, 0.2)

    for form, name in who.items():
        hold("  who asks is a neighbour then, not proven", ask(form, THIEF) == "STALE" and node.entry(name)[1:] == (THIEF, False),
             str(node.entry(name)))
        node.have(name, "reachable")
        ask(form, THIEF)
        hold("  the same again changes nothing", node.entry(name) == ("REACHABLE", THIEF, False), str(node.entry(name)))
        hold("  another address of it replaces the first, not proven",
             ask(form, SECOND) == "STALE" and node.entry(name)[1:] == (SECOND, False), str(node.entry(name)))
        stranger.say(voices[SECOND].router() if form == "signed" else router(name, SECOND))
        hold("  it says that it is a router", wait_until(lambda at=name: node.entry(at)[2]))
        node.have(name, "reachable", SECOND, True)
        ask(form, SECOND)
        hold("  and is one still when it asks", node.entry(name) == ("REACHABLE", SECOND, True), str(node.entry(name)))
        hold("  from another address, too", ask(form, THIEF) == "STALE" and node.entry(name)[1:] == (THIEF, True),
             str(node.entry(name)))

    past(node, stranger)
    known = node.ip("neigh", "show", "dev", "access0", "nud", "all").splitlines()
    unknown = signing.Voice("other-2048", SECOND)
    hold("somebody whom nobody asked for is no neighbour", node.entry(unknown.address) is None)
    for flags in (0, OVERRIDE, SOLICITED | OVERRIDE):
        taken = counter(node.daemon, "taken-secured")
        past(node, stranger, *(advertisement("fe80::d1", to, "fe80::d1", flags, THIEF) for to in [node.link_local]))
        stranger.say(unknown.advertisement(destination=node.link_local, flags=flags))
        hold("his signed advertisement is taken", counts(node.daemon, "taken-secured", taken + 1))
        past(node, stranger)
    now = node.ip("neigh", "show", "dev", "access0", "nud", "all").splitlines()
    hold("and makes no neighbour, nor does an unsigned one", len(now) == len(known) and not node.entry("fe80::d1")
         and not node.entry(unknown.address), f"{known} {now}")


def option(of, valid=3600, preferred=3600):
    """A prefix for addresses."""
    return struct.pack("!BBBBIII", forging.PREFIX, 4, 64, 0x40, valid, preferred, 0) + forging.packed(of)


def have_addresses(bed, stranger):
    """Those that come with an advertisement, and one that ages."""
    node = Node(bed, bed.guard("a", prefixes="", more=PATIENT))
    node.set("accept_ra", 2)
    gate, delays = "fe80::81", []
    for turn in range(ROUNDS):
        prefixes = [f"2001:db8:{turn + 0xc0:x}:{i:x}::" for i in range(DRAWS)]
        began = time.monotonic()
        stranger.say(router(gate, THIEF, options=b"".join(map(option, prefixes))))

        def asked(since=began):
            """When each address was asked for first."""
            times = {}
            for heard in stranger.those(lambda each: each.kind == NS and each.source == NOBODY, since):
                times.setdefault(heard.target, heard.at - since)
            return times

        hold(f"an advertisement of {DRAWS} prefixes makes as many addresses, each asked for", wait_until(
            lambda: len(asked()) == DRAWS and set(asked()) <= set(bed.addresses("a"))), str(asked()))
        order = [next(at for target, at in asked().items() if target.startswith(of[:-1])) for of in prefixes]
        hold("in an order that nobody gave", order != sorted(order))
        delays += order
        for address in asked():
            node.ip("address", "del", f"{address}/128", "dev", "access0")
        hold("which go again", wait_until(lambda: node.daemon.status()["interfaces"][0]["addresses"] == [node.link_local]))
    hold(f"the {len(delays)} delays are spread over a second", max(delays) - min(delays) > 0.5, str(sorted(delays)))

    near, other = "2001:db8:fe::", "2001:db8:0:2::"  # how like FAR they are
    node.time(**{name: value for name, value in CALM.items() if name != "retrans_time_ms"})
    stranger.say(router(gate, THIEF, options=option(near) + option(other)))
    addresses = {of: node.daemon.wait_for("address-formed", PATIENCE, lambda event, of=of: event["address"].startswith(of[:-1]))
                 for of in (near, other)}
    near, other = (addresses[of] and addresses[of]["address"] for of in (near, other))
    hold("a host has two addresses", near and other, str(addresses))

    def source(*by):
        stranger.forget()
        sending = node.ping(FAR, *by)
        heard = stranger.hear(lambda each: each.kind == ECHO_REQUEST and each.destination == FAR)
        stop(sending)
        return heard and heard.source

    hold("it uses the one that is most like the destination", source() == near)
    with testbed.entered(bed.namespace("a")):
        talk = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        talk.connect((FAR, 9))
    stranger.say(router(gate, THIEF, options=option("2001:db8:fe::", preferred=0)))
    hold("one that is not preferred any more is deprecated", wait_until(
        lambda: "deprecated" in node.ip("address", "show", "dev", "access0", "to", near)))
    hold("and not used for anything new", source() == other)
    stranger.forget()
    talk.send(b"as before")
    hold("but for what began before", stranger.hear(lambda each: each.protocol == 17 and each.source == near
                                                    and each.destination == FAR))
    hold("it is answered by", stranger.ask(echo(FAR, near), lambda each: each.kind == ECHO_REPLY and each.source == near))
    hold("and used by who asks for it", source(near) == near)
    talk.close()


def tell_of_better_ways(bed, stranger):
    """An access router with the guard beside it, whose kernel sends Redirects."""
    path = moved(bed, bed.router_config(), "b", "ar")
    path.write_text(path.read_text() + '[guard]\non_stop = "open"\n' + PATIENT.partition("\n")[2])
    access = bed.start("b", "router", path)
    ready = access.wait_for("router-ready", PATIENCE)
    hold("an access router starts", ready, access.log.read_text())
    access.link_local = access.address = ready["link_local"]
    b, better = Node(bed, access, "b"), signing.Voice("mn-1024", SECOND)
    on_link, askers = f"{PREFIX_OF_ROUTER}77", [f"{PREFIX_OF_ROUTER}6{i}" for i in range(2)]
    for address, link in [(better.address, SECOND), (on_link, SECOND), *((asker, THIEF) for asker in askers)]:
        b.have(address, "permanent", link)
    for beyond in ("2001:db8:ff::/48", "2001:db8:ee::/48"):
        b.ip("route", "add", beyond, "via", better.address, "dev", "access0")

    def large(source, destination):
        return forging.icmp(source, destination, struct.pack("!BBHHH", ECHO_REQUEST, 0, 0, 7, 1) + bytes(1400))

    def forwarded(source, destination):
        return stranger.those(lambda heard: heard.kind == ECHO_REQUEST and heard.source == source
                              and heard.destination == destination and heard.to_link == forging.hardware(SECOND))

    def redirects(to):
        return stranger.those(lambda heard: heard.kind == REDIRECT and heard.destination == to)

    for asker, destination, target in ((askers[0], FAR, better.address), (askers[1], on_link, on_link)):
        stranger.say(large(asker, destination), host=1)
        hold(f"what {asker} sends to {destination} is forwarded", wait_until(lambda: forwarded(asker, destination)))
        hold("  and it is told of a better way", wait_until(lambda: redirects(asker)), str(access.status()["counters"]))
        told = redirects(asker)[0]
        hold("  which is right", (told.source, told.message[8:40], told.link) == (
            b.link_local, forging.packed(target) + forging.packed(destination), {2: forging.hardware(SECOND)}), str(vars(told)))
        header = next(octets for kind, octets, _ in guard.options_of(told.message, 40) if kind == 4)
        sent = large(asker, destination)
        hold(f"  and signed, in {len(told.packet)} octets, with so much of what was sent as there is room for",
             signed(told) and 1272 < len(told.packet) <= 1280 and header[8:14] == sent[:6] and header[16:] == sent[8:len(header) - 8])
    began = time.monotonic()
    for _ in range(50):
        stranger.say(large(askers[0], FAR), host=1)
    hold("fifty more packets are forwarded", wait_until(lambda: len(forwarded(askers[0], FAR)) == 51))
    foreign = "2001:db8:ee::1"
    stranger.say(large(foreign, FAR), host=1)
    hold("and one of somebody who is not on the link", wait_until(lambda: forwarded(foreign, FAR)))
    stranger.say(large(askers[1], f"{FAR[:-1]}2"), host=1)
    hold("Redirects are few", wait_until(lambda: len(redirects(askers[1])) == 2)
         and len(redirects(askers[0])) <= BURST + time.monotonic() - began + 1, str(len(redirects(askers[0]))))
    hold("by the kernel's will, not for want of signatures", counter(access, "sign-budget") == counter(access, "sign-queue-full") == 0)
    hold("and none goes elsewhere", not redirects(foreign) and not [heard for heard in stranger.those(
        lambda heard: heard.kind == REDIRECT) if heard.destination not in askers])

    left = counter(access, "left-to-role")
    own = next(address for address in bed.addresses("b") if not address.startswith("fe80"))
    stranger.say(better.redirect(own, "fe80::98", FAR), host=1)
    stranger.say(redirect(better.address, own, "fe80::98", FAR, THIEF), host=1)
    hold("a router that is told of one", counts(access, "left-to-role", left + 2))
    hold("keeps to its own", f"via {better.address} " in b.ip("route", "get", FAR), b.ip("route", "get", FAR))


GROUPS = {"router": hear_of_a_router, "asked": be_asked, "addresses": have_addresses, "redirects": tell_of_better_ways}

if __name__ == "__main__":
    run_group("kernel_host", GROUPS)
