#!/usr/bin/env python3
"""Detection of duplicate addresses as RFC 4862 5.4 wants it of a node as a whole: starts of a host that `sendoff guard`
protects, of an access router and of a mobile node, while a stranger on the link says what a test wants.

    duplicates.py PROGRAM [GROUP...]     as root; a line for each thing that held, exit 1 at the first that did not
"""
import re
import threading
import time

import guard
from guard import PATIENCE, forging, hold, testbed, wait_until
from stranger import (ALL_NODES, ALL_ROUTERS, MLD_REPORT, NA, NOBODY, NS, OVERRIDE, RA, RS, THIEF, advertisement, echo, group_of,
                      question, run_group, signed, solicitation, spaced)

RETRANS = 4  # seconds: more than a start takes anyhow
DELAY = 4  # seconds at most until the first question
DRAWS = 6


class Detection:
    """Starts of the guarded host `b`."""

    def __init__(self, bed, stranger):
        self.bed, self.stranger = bed, stranger
        self.set("neigh", "retrans_time_ms", 1000 * RETRANS)

    def set(self, where, name, value):
        testbed.run(*self.bed.inside("b", "sh", "-c", f"echo {value} > /proc/sys/net/ipv6/{where}/access0/{name}"))

    def start(self, transmits, delay=1):
        self.set("conf", "dad_transmits", transmits)
        self.set("conf", "router_solicitation_delay", delay)
        self.began = time.monotonic()
        self.daemon = self.bed.guard("b")
        self.ready = time.monotonic()
        return self.daemon

    def end(self):
        guard.end(self.daemon)

    def probes(self, target):
        return self.stranger.those(lambda heard: heard.kind == NS and heard.source == NOBODY and heard.target == target,
                                   self.began)

    def reports(self, address):
        """Those of listening to the address's group."""
        group = forging.packed(group_of(address))
        return self.stranger.those(lambda heard: heard.kind == MLD_REPORT and group in heard.message, self.began)

    def repeated(self, packets):
        """Says them all the time, until the function that this returns is called."""
        stop = threading.Event()

        def work():
            while not stop.wait(0.02):
                for packet in packets():
                    self.stranger.say(packet, host=1)

        thread = threading.Thread(target=work, daemon=True)
        thread.start()

        def end():
            stop.set()
            thread.join()

        return end


def ask_for_each(bed, stranger):
    host = Detection(bed, stranger)
    # The report and the first question are drawn apart, and the report may be late by some ms: where the draw left no room
    # for that the order says nothing.
    for _ in range(DRAWS):
        b = host.start(1, DELAY)
        own = b.link_local, b.address
        hold("a host has its own addresses and no other", sorted(bed.addresses("b")) == sorted(own))
        for address in own:
            hold(f"{address} was asked for once", wait_until(lambda at=address: len(host.probes(at)) == 1))
            probe = host.probes(address)[0]
            hold("from nobody, to its group, signed", probe.destination == group_of(address) and not probe.link and signed(probe))
            hold("and whoever asks listens there", wait_until(lambda at=address: host.reports(at)))
        hold("and used when nothing was heard for a while", host.ready - host.began >= RETRANS)
        host.end()
        if ordered := all(host.reports(address)[0].at <= host.probes(address)[0].at for address in own):
            break
    hold("who asks listens before", ordered)

    host.start(0)
    hold("none is asked for where that is switched off", not any(host.probes(address) for address in own))
    host.end()
    host.start(3)
    for address in own:
        hold("three times where that is wanted", wait_until(lambda at=address: len(host.probes(at)) == 3))
        hold("as far apart as they should be", spaced(host.probes(address), host.began, 0, RETRANS))
    host.end()


def heed_nothing_else(bed, stranger):
    host = Detection(bed, stranger)
    b = host.start(0)
    link_local, address = b.link_local, b.address
    host.end()

    def meanwhile():
        for own in (link_local, address):
            yield echo("fe80::66", own)
            yield solicitation("fe80::66", group_of(own), own, THIEF)  # somebody resolves it
            yield solicitation("fe80::66", own, own, THIEF)
            bad = advertisement("fe80::66", ALL_NODES, own, OVERRIDE, THIEF)
            yield bad[:7] + b"\xfe" + bad[8:]
            for probe in host.probes(own)[:1]:
                yield probe.packet  # its own, that comes back

    end = host.repeated(meanwhile)
    b = host.start(3)
    end()
    for own in (link_local, address):
        hold("three questions are asked", wait_until(lambda at=own: len(host.probes(at)) == 3), str(host.probes(own)))
        early = stranger.those(lambda heard, last=host.probes(own)[-1].at: heard.at < last, host.began)
        hold("before the last of them the address is no source", not any(each.source == own for each in early))
        hold("and nobody's who answers", not any(each.kind == NA and each.target == own for each in early))
    hold("what proves nothing takes no address away", [b.link_local, b.address] == [link_local, address])
    hold("and they are used when the last was asked long enough ago", host.ready - host.began >= 3 * RETRANS)
    host.end()


def give_way(bed, stranger):
    host = Detection(bed, stranger)
    link_local = host.start(0).link_local
    host.end()

    def no_evidence():
        yield solicitation("fe80::66", group_of(link_local), link_local, THIEF)  # somebody resolves it
        for probe in host.probes(link_local)[:1]:
            yield probe.packet  # its own, that comes back

    end = host.repeated(no_evidence)
    hold("who resolves it does not have it, nor who repeats a question", host.start(1, DELAY).link_local == link_local)
    end()
    host.end()
    for _ in range(DRAWS):
        end = host.repeated(lambda: [solicitation(NOBODY, group_of(link_local), link_local)])
        b = host.start(1, DELAY)
        end()
        hold("somebody else who asks for it has it", b.link_local != link_local and link_local not in bed.addresses("b"))
        lost = b.log.read_text()
        hold("which is logged", re.search(f"{re.escape(link_local)}[^\n]*duplicate", lost), lost)
        hold("who gives way is silent", not stranger.those(lambda heard: heard.kind == NA and heard.target == link_local,
                                                           host.began))
        before = not host.probes(link_local)
        host.end()
        if before:
            break
    hold("though it had not yet asked itself", before)


def moved(bed, path, node, name):
    """A daemon's configuration, in the place of another node."""
    text_of = path.read_text()
    for end in (".sock", '"'):
        text_of = text_of.replace(f"{bed.directory}/{name}{end}", f"{bed.directory}/{node}{end}")
    path.write_text(text_of)
    return path


def be_daemons(bed, stranger):
    """A router and a mobile node as daemons of their own, in the places of b and a."""
    began = time.monotonic()
    access = bed.start("b", "router", moved(bed, bed.router_config(), "b", "ar"))
    ready = access.wait_for("router-ready", PATIENCE)
    groups = testbed.run(*bed.inside("b", "cat", "/proc/net/igmp6")).stdout
    hold("an access router is in the group of routers", ready and forging.packed(ALL_ROUTERS).hex() in groups)
    stranger.forget()
    stranger.say(question(NOBODY), host=1)
    told = stranger.hear(lambda heard: heard.kind == RA)
    hold("and answers who asks there", told and told.source == ready["link_local"] and told.destination == ALL_NODES
         and told.packet[7] == 255 and signed(told), str(told and vars(told)))
    node = bed.start("a", "mobile", moved(bed, bed.mobile_config(), "a", "mn"))
    events = [node.wait_for("address-formed", PATIENCE) for _ in range(2)]
    hold("a mobile node comes up", all(events), node.command("status").stdout + node.log.read_text()[-3000:])
    formed = [event["address"] for event in events]
    hold("a mobile node has a link-local address and one under the router's prefix",
         formed[0].startswith("fe80::") and formed[1].startswith("2001:db8:a:1:"), str(formed))
    own = [ready["link_local"], *(address for address in bed.addresses("b") if not address.startswith("fe80")), *formed]
    detected = [heard.target for heard in stranger.those(lambda heard: heard.kind == NS and heard.source == NOBODY, began)]
    hold("each of them, and of the router's, was detected first", len(own) == 4 and all(
        detected.count(address) == 1 for address in own), f"{own} {detected}")
    questions = stranger.those(lambda heard: heard.kind == RS, began)
    hold("its questions are those of a host", questions and all(
        heard.source in (formed[0], NOBODY) and heard.destination == ALL_ROUTERS and heard.packet[7] == 255
        and (1 in heard.link) == (heard.source != NOBODY) for heard in questions), str([vars(each) for each in questions]))
    guard.end(node)
    guard.end(access)


GROUPS = {"questions": ask_for_each, "noise": heed_nothing_else, "collision": give_way, "daemons": be_daemons}

if __name__ == "__main__":
    run_group("duplicates", GROUPS)
