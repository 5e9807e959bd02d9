#!/usr/bin/env python3
"""A guarded host whose key is replaced (`sendoff cga rekey`, RFC 3972 7.1), beside one that takes signed messages alone.

    rekey.py PROGRAM       as root; a line for each thing that held, exit 1 at the first that did not
"""
import pathlib
import sys

TREE = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TREE / "tools"))
import guard  # noqa: E402
import testbed  # noqa: E402
from guard import LINKS, counter, end, hold, kill  # noqa: E402

HEAD, NEIGHBOR_SOLICITATION = 14, 135


class Bed(guard.Bed):
    def secret_file(self, name, source):
        path = self.directory / name
        return path if path.exists() else super().secret_file(name, source)

    def strict(self, node):
        return self.guard(node, mode="secured-only")


def size_of(key):
    return testbed.run("openssl", "pkey", "-in", key, "-noout", "-text").stdout.partition("(")[2].partition(" bit")[0]


def own(daemon):
    return {daemon.link_local, daemon.address}


def rekey(bed, key, bits):
    before = set(bed.directory.glob("*.old-*"))
    told = testbed.run(bed.program, "cga", "rekey", key, "--bits", bits).stdout
    [aside] = set(bed.directory.glob("*.old-*")) - before
    return told, aside


def detected(capture):
    """The addresses that host a asked for, by a signed question, before it had them."""
    found = set()
    for frame in guard.frames(capture):
        packet = frame[HEAD:]
        if frame[6:12] == guard.forging.hardware(LINKS["a"]) and packet[40] == NEIGHBOR_SOLICITATION and packet[8:24] == bytes(16) \
                and not guard.fault_of(packet):
            found.add(str(guard.vectorlib.ip(packet[48:64])))
    return found


def reach(bed, a, b):
    taken = counter(b, "taken-secured"), counter(a, "taken-secured")
    hold("it reaches its neighbour, and the neighbour it", bed.ping("a", b.address) and bed.ping("b", a.address)
         and bed.ping("b", a.link_local))
    hold("by messages that both verified", counter(b, "taken-secured") > taken[0] and counter(a, "taken-secured") > taken[1])


def replace(bed, a, b, key):
    reach(bed, a, b)
    old, old_address = own(a), a.address
    told, aside = rekey(bed, key, 2048)
    hold("another key is there, longer than the old one", size_of(aside) == "1024" and size_of(key) == "2048")
    hold("both for their owner alone", [each.stat().st_mode & 0o777 for each in (key, aside)] == [0o600, 0o600])
    hold("and that routers need other certificates is said", "sendoff cert router" in told and "sendoff cert revoke" in told
         and "Restart" in told, told)
    hold("before a restart all stays as it was", set(bed.addresses("a")) == old and bed.ping("b", a.address))
    capture = bed.directory / "rekey.pcap"
    bed.start_capture(capture, "icmp6")
    end(a)
    a = bed.strict("a")
    bed.stop_capture()
    hold("after it the host has other CGAs", not own(a) & old)
    hold("and those of the old key are gone", set(bed.addresses("a")) == own(a), str(bed.addresses("a")))
    hold("it asked for each of them before", own(a) <= detected(capture), str(detected(capture)))
    reach(bed, a, b)
    hold("nobody answers for the old ones", not bed.ping("b", old_address))
    return a


def replace_after_a_crash(bed, a, b, key):
    old = own(a)
    kill(a)
    rekey(bed, key, 1024)
    a = bed.strict("a")
    hold("a guard that was killed left its CGAs to the next one, which removed them",
         not own(a) & old and set(bed.addresses("a")) == own(a), str(bed.addresses("a")))
    reach(bed, a, b)


def main():
    with Bed(sys.argv[1]) as bed:
        key = bed.directory / "a.key"
        testbed.run(bed.program, "cga", "key", "--bits", 1024, "--out", key)
        b = bed.strict("b")
        a = replace(bed, bed.strict("a"), b, key)
        replace_after_a_crash(bed, a, b, key)
    print("rekey: all held")


if __name__ == "__main__":
    try:
        main()
    except testbed.Failure as failure:
        sys.exit(f"rekey: {failure}")
