"""What must hold while daemons are soaked, judged from outside: each function gets what was seen and names what is wrong.

`Ledger` counts what was looked at and what was broken. selftest.py shows to each function what it is for.
"""
import collections
import re

PROMISES = ("delivered-once", "right-node", "nothing-lost", "reachable-again", "keys-agree", "only-the-owner-moves",
            "no-state-for-the-unverified", "no-key-outlives-its-lifetime", "tables-within-bounds", "nothing-stays",
            "memory-bounded", "descriptors-bounded", "no-sanitizer-report", "no-unexpected-end")

CLOCK_S = 2.5  # whole seconds at two ends, and the time until an expired key is taken away
FBU_S = 20  # from an FBU until its router may have acted on it: HI and its repeats, on a busy machine
SKEW_S = 1  # an event is written after the packet went out
WARM_UP_S = 45
JUDGED_S = 45  # a shorter time says nothing about growth
DESCRIPTORS = 3  # sockets of a moment
REPORT = re.compile(r"ERROR: \w+Sanitizer|WARNING: ThreadSanitizer|runtime error:|Assertion .* failed|terminate called")


class Ledger:
    def __init__(self):
        self.looked = collections.Counter()
        self.broken = collections.defaultdict(list)

    def judge(self, promise, complaints, times=1):
        """Notes that a promise was looked at, and what was found; true where it held."""
        assert promise in PROMISES, promise
        self.looked[promise] += times
        fresh = [each for each in complaints if each not in self.broken[promise]]
        self.broken[promise] += fresh
        return not complaints

    def all_held(self):
        return not any(self.broken.values())


def doubled(streams):
    return [f"datagram {number} to {node} came twice" for node, stream in streams.items() for number in stream.doubled]


def astray(streams, caught):
    """`caught`: what the attacker was delivered."""
    wrong = [f"datagram {number} for {node} came to another node" for node, stream in streams.items()
             for number in stream.astray]
    return wrong + [f"datagram {number} of stream {stream} came to the attacker" for stream, number in caught]


def lost(node, missing, sent):
    if not sent:
        return [f"{node} was sent nothing: nothing is proved"]
    return [f"{len(missing)} of {sent} datagrams to {node} lost in a calm handover: {missing[:8]}"] if missing else []


def unreachable(node, waited_s, bound_s, lacks):
    """`waited_s` until it was there again; `lacks`: what it still lacked when the time was over, or empty."""
    if not lacks and waited_s <= bound_s:
        return []
    return [f"{node} is not back after {waited_s:.0f} s: {lacks or 'it came too late'}"]


def keys_disagree(node, router_address, node_keys, router_keys):
    """A node's key of its router, and the router's for the same CGA."""
    own = [key for key in node_keys if key["ar"] == router_address]
    if not own:
        return [f"{node} has no key of its router"]
    known = {(key["cga"], key["fingerprint"]) for key in router_keys}
    return [f"{node} has key {key['fingerprint']} of {key['cga']}, which its router does not have" for key in own
            if (key["cga"], key["fingerprint"]) not in known]


def strangers_bindings(router, bindings, owned, neighbour):
    """Each leads from a node's address to another of the same node's, or to the neighbouring router, where the node
    keeps its address."""
    return [f"{router} forwards {each['pcoa']} to {each['ncoa']}" for each in bindings
            if not any(each["pcoa"] in own and each["ncoa"] in own | {neighbour} for own in owned.values())]


def unasked_bindings(installed, sent, owned, excused):
    """Events `binding-installed`, each for an FBU that its owner had just sent; `excused`: moments (boot clock, s) at
    which a daemon was killed, whose last events nobody has seen, or began, and took up what it had."""
    found = []
    for event in installed:
        moment = event["boot_ns"] / 1e9
        asked = any(event["pcoa"] in owned[fbu["node"]] and fbu["lifetime_s"] and
                    -SKEW_S < moment - fbu["boot_ns"] / 1e9 < FBU_S
                    for fbu in sent)
        if not asked and not any(-1 < moment - when < FBU_S for when in excused):
            found.append(f"{event['node']} bound {event['pcoa']} to {event['ncoa']}, and nobody had asked")
    return found


def strangers_keys(router, keys, owned):
    known = set().union(*owned.values())
    return [f"{router} has a key for {key['cga']}, which is nobody's" for key in keys if key["cga"] not in known]


class KeyLives:
    """When each key ends, by its fingerprint."""

    def __init__(self):
        self.ends = {}

    def issued(self, event):
        self.ends.setdefault(event["fingerprint"], event["boot_ns"] / 1e9 + event["lifetime_s"] + 1)

    def overdue(self, daemon, keys, now):
        """Keys of a status that was asked for at `now` (boot clock, s)."""
        found = []
        for key in keys:
            end = self.ends.setdefault(key["fingerprint"], now + key["remaining_s"] + 1)
            if now > end + CLOCK_S or now + key["remaining_s"] > end + CLOCK_S:
                found.append(f"{daemon} holds key {key['fingerprint']} for {key['remaining_s']} s more, "
                             f"{now - end:.1f} s after its end")
        return found


def too_much(daemon, status, nodes, quiet):
    """Tables of a router against what so many nodes can need; in `quiet` nothing of a handover is left."""
    limits = {"key_count": 6 * nodes}
    if "binding_count" in status:
        limits |= {"binding_count": 0 if quiet else 2 * nodes, "handover_count": 0 if quiet else 2 * nodes,
                   "arrival_count": 4 * nodes}
    else:
        status = {**status, "movements": len(status["movements"])}
        limits |= {"movements": 4}
    found = [f"{daemon}: {name} is {status[name]}, more than {limit}" for name, limit in limits.items()
             if status[name] > limit]
    if quiet:
        found += [f"{daemon} holds packets for {each['address']}" for each in status.get("arrivals", [])
                  if each["buffered"]]
    return found


class Life:
    """Memory and descriptors of one daemon from its start to its end: (seconds of life, KiB, descriptors, quiet)."""

    def __init__(self, daemon, number):
        self.daemon = daemon
        self.number = number
        self.samples = []

    def seconds(self):
        return self.samples[-1][0] if self.samples else 0

    def warm(self):
        return [each for each in self.samples if each[0] >= WARM_UP_S]

    def judged(self):
        warm = self.warm()
        return len(warm) > 2 and warm[-1][0] - warm[0][0] >= JUDGED_S

    def kib_a_minute(self):
        """The slope of the line through the warm samples (least squares)."""
        warm = self.warm()
        mean_s = sum(each[0] for each in warm) / len(warm)
        mean_kib = sum(each[1] for each in warm) / len(warm)
        spread = sum((each[0] - mean_s) ** 2 for each in warm)
        return 60 * sum((each[0] - mean_s) * (each[1] - mean_kib) for each in warm) / spread if spread else 0

    def grows(self, limit_kib_a_minute):
        slope = self.kib_a_minute()
        if slope <= limit_kib_a_minute:
            return []
        return [f"{self.daemon} ({self.number}) grows by {slope:.0f} KiB a minute, more than {limit_kib_a_minute}"]

    def quiet_descriptors(self):
        return [each[2] for each in self.samples if each[3]]

    def opens(self):
        quiet = self.quiet_descriptors()
        if len(quiet) < 2 or quiet[-1] <= quiet[0] + DESCRIPTORS:
            return []
        return [f"{self.daemon} ({self.number}) had {quiet[0]} descriptors and has {quiet[-1]}"]


def reports(name, log):
    return [f"{name}: {line.strip()[:160]}" for line in log.splitlines() if REPORT.search(line)]


def ended(daemon, status, wanted):
    if status is None or (wanted and status == 0):
        return []
    return [f"{daemon} ended with {status}" + ("" if wanted else ", and nobody had asked it to")]


def stays(node, differences):
    return [f"in the kernel of {node}: {each}" for each in differences]
