#!/usr/bin/env python3
"""Daemons killed with SIGKILL and started again on the same store.

    restart.py PROGRAM       as root; a line for each thing that held, exit 1 at the first that did not

Held against an access router: the key that it answered before it was killed still authenticates an FBU,
the forwarding that was in force is taken up again, and an FBU that it accepted before is not accepted a
second time. Against a mobile node: its key is there again, and the access router accepts what it sends.
"""
import pathlib
import signal
import struct
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools"))
import testbed  # noqa: E402

PATIENCE = 60
MOBILITY = 135
FBU = 8


def with_store(bed, config, node):
    directory = bed.directory / f"{node}-state"
    directory.mkdir(mode=0o700, exist_ok=True)
    config.write_text(config.read_text() + f'\n[store]\ndirectory = "{directory}"\n')
    return config


def hold(what, holds, detail=""):
    if not holds:
        raise testbed.Failure(f"{what} {detail}")
    print(what, flush=True)


def event(what, found):
    hold(what, found is not None)
    return found


def kill(daemon):
    daemon.process.send_signal(signal.SIGKILL)
    daemon.process.wait()
    daemon.socket.unlink()


def frames(capture):
    """The Ethernet frames of a pcap file that may still be written to."""
    data = capture.read_bytes()
    at = 24
    while at + 16 <= len(data):
        size = struct.unpack_from("<I", data, at + 8)[0]
        if at + 16 + size > len(data):
            return
        yield data[at + 16:at + 16 + size]
        at += 16 + size


def is_fbu(frame):
    if frame[12:14] != b"\x86\xdd" or frame[20] != 60:
        return False
    options = frame[54:]
    mobility = options[(options[1] + 1) * 8:]
    return options[0] == MOBILITY and mobility[2] == FBU


def captured_fbu(capture):
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        found = [frame for frame in frames(capture) if is_fbu(frame)]
        if found:
            return found[-1]
        time.sleep(0.1)
    raise testbed.Failure("no FBU was captured")


def replay(bed, frame):
    source = bytes.fromhex(testbed.NODES["attacker"].replace(":", ""))
    code = ("import socket,sys;s=socket.socket(socket.AF_PACKET,socket.SOCK_RAW,0);"
            "s.bind(('access0',0));s.send(bytes.fromhex(sys.argv[1]))")
    testbed.run(*bed.inside("attacker", sys.executable, "-c", code, (frame[:6] + source + frame[12:]).hex()))


def wait_for_counter(daemon, group, name):
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        value = daemon.status()["counters"][group][name]
        if value:
            return value
        time.sleep(0.1)
    return 0


def begin(bed):
    ar_config = with_store(bed, bed.router_config(), "ar")
    mn_config = with_store(bed, bed.mobile_config(), "mn")
    ar = bed.start("ar", "router", ar_config)
    event("the router is ready", ar.wait_for("router-ready", PATIENCE))
    mn = bed.start("mn", "mobile", mn_config)
    key = event("a handover key is agreed", mn.wait_for("key-received", 3 * PATIENCE))
    return ar_config, mn_config, ar, mn, key


def hand_over(ar, mn):
    order = mn.command("handover", "--to", testbed.NEIGHBOUR_ACCESS_POINT)
    hold("the mobile node sends an FBU", order.returncode == 0, order.stderr)
    bound = event("the router accepts it", ar.wait_for("binding-installed", PATIENCE))
    event("the mobile node is told so", mn.wait_for("handover-done", PATIENCE))
    return bound


def router_killed(program):
    print("--- the router is killed", flush=True)
    with testbed.Testbed(program) as bed:
        try:
            capture = bed.directory / "restart.pcap"
            bed.start_capture(capture)
            ar_config, _, ar, mn, key = begin(bed)

            kill(ar)
            ar = bed.start("ar", "router", ar_config)
            keys = ar.status()["keys"]
            hold("the router has the key again", [each["fingerprint"] for each in keys] == [key["fingerprint"]],
                 keys)
            hold("its store says where", ar.status()["store"]["file"] == f"{bed.directory}/ar-state/router.db")
            event("the router is ready again", ar.wait_for("router-ready", PATIENCE))
            bound = hand_over(ar, mn)
            hold("no other key was issued", ar.wait_for("key-issued", 0) is None)

            frame = captured_fbu(capture)
            kill(ar)
            ar = bed.start("ar", "router", ar_config)
            event("the router is ready a third time", ar.wait_for("router-ready", PATIENCE))
            bindings = ar.status()["bindings"]
            hold("it forwards as before", [each["ncoa"] for each in bindings] == [bound["ncoa"]], bindings)
            replay(bed, frame)
            hold("an FBU of the time before is stale", wait_for_counter(ar, "fbu", "stale") == 1,
                 ar.status()["counters"]["fbu"])
            hold("and was not accepted", ar.status()["counters"]["fbu"]["accepted"] == 0)
        except testbed.Failure:
            tell_logs(bed)
            raise


def node_killed(program):
    print("--- the mobile node is killed", flush=True)
    with testbed.Testbed(program) as bed:
        try:
            _, mn_config, ar, mn, key = begin(bed)
            # Unlike the router, which answers only then, the node uses a key before its record is kept.
            hold("the node has stored it", wait_for_counter(mn, "store", "writes") > 0)
            kill(mn)
            mn = bed.start("mn", "mobile", mn_config)
            keys = mn.status()["keys"]
            hold("the node has its key again", [each["fingerprint"] for each in keys] == [key["fingerprint"]], keys)
            event("it finds its router", mn.wait_for("router-found", PATIENCE))
            again = event("it asks, and is answered", mn.wait_for("key-received", 3 * PATIENCE))
            hold("by the same key", again["fingerprint"] == key["fingerprint"])
            hand_over(ar, mn)
        except testbed.Failure:
            tell_logs(bed)
            raise


def tell_logs(bed):
    for log in sorted(bed.directory.glob("*.log")):
        print(f"--- {log.name}\n{log.read_text().strip()}", file=sys.stderr)


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    try:
        router_killed(sys.argv[1])
        node_killed(sys.argv[1])
    except testbed.Failure as failure:
        print(f"FAILED at {failure}", file=sys.stderr)
        return 1
    print("all held")
    return 0


if __name__ == "__main__":
    sys.exit(main())
