#!/usr/bin/env python3
"""Looks for a handover key everywhere that it must not be, with both daemons running.

The key's octets are found the hard way: the memory of the access router is searched for a window that
hashes to the fingerprint that it reports. Then logs, command lines, environments, status, capture and,
after SIGABRT with unlimited core size, core files of both daemons must hold neither the octets nor
their hexadecimal text.

    secrets.py PROGRAM       as root; prints what was searched, exits 1 where the key was found
"""
import hashlib
import os
import pathlib
import resource
import signal
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools"))
import testbed  # noqa: E402

LABEL = b"handover key fingerprint"
KEY_SIZE = 32  # hmac-sha256-128
LARGEST_REGION = 256 << 20  # sanitizers reserve far more; heaps are below


def fingerprint(key):
    return hashlib.sha256(LABEL + key).hexdigest()[:16]


def memory_of(pid):
    """The writable private memory of a process, a region at a time."""
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for line in maps:
            span, mode = line.split()[:2]
            first, last = (int(part, 16) for part in span.split("-"))
            if not mode.startswith("rw") or last - first > LARGEST_REGION:
                continue
            try:
                memory.seek(first)
                yield memory.read(last - first)
            except OSError:
                continue


def find_key(pid, wanted):
    zeros = bytes(KEY_SIZE)
    for region in memory_of(pid):
        for at in range(0, len(region) - KEY_SIZE + 1, 16):
            window = region[at:at + KEY_SIZE]
            if window != zeros and fingerprint(window) == wanted:
                return window
    return None


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    with testbed.Testbed(sys.argv[1]) as bed:
        os.chdir(bed.directory)
        resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        pcap = bed.directory / "link.pcap"
        bed.start_capture(pcap)
        ar = bed.start("ar", "router", bed.router_config())
        mn = bed.start("mn", "mobile", bed.mobile_config())
        received = mn.wait_for("key-received", 60)
        issued = ar.wait_for("key-issued", 60)
        if not received or not issued:
            sys.exit("secrets.py: no key was agreed:\n" + ar.log.read_text() + mn.log.read_text())
        key = find_key(ar.process.pid, issued["fingerprint"])
        if key is None:
            sys.exit("secrets.py: the router's memory holds no key of its fingerprint: the search is broken")
        if find_key(mn.process.pid, received["fingerprint"]) != key:
            sys.exit("secrets.py: the mobile node's memory holds another key")
        mn.command("handover", "--to", testbed.NEIGHBOUR_ACCESS_POINT)
        mn.wait_for("handover-done", 20)

        places = {}
        for daemon in (ar, mn):
            proc = pathlib.Path(f"/proc/{daemon.process.pid}")
            places[f"{daemon.role} command line"] = (proc / "cmdline").read_bytes()
            places[f"{daemon.role} environment"] = (proc / "environ").read_bytes()
            places[f"{daemon.role} status"] = daemon.command("status", "--json").stdout.encode()
            places[f"{daemon.role} status in words"] = daemon.command("status").stdout.encode()
            places[f"{daemon.role} events"] = daemon.command("events", "--json").stdout.encode()
        for daemon in (ar, mn):
            daemon.process.send_signal(signal.SIGABRT)
            daemon.process.wait(20)
        bed.stop_capture()
        for path in sorted(bed.directory.rglob("*")):
            if path.is_file():
                places[str(path.relative_to(bed.directory))] = path.read_bytes()
        if not places["link.pcap"] or not places["ar.log"]:
            sys.exit("secrets.py: capture or log is empty")
        found = [place for place, octets in places.items()
                 if key in octets or key.hex().encode() in octets.lower()]
        cores = [place for place in places if pathlib.Path(place).name.startswith("core")]
        print(f"searched {len(places)} places: {', '.join(sorted(places))}")
        print(f"core files: {', '.join(cores) or 'none'}")
        if found:
            print(f"FOUND the key in: {', '.join(found)}")
            return 1
        print("the key is in none of them")
    return 0


if __name__ == "__main__":
    sys.exit(main())
