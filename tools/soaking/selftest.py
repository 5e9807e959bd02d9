"""Each promise is shown what it is for, and something that is in order: the first it must name, the second it must not."""
from soaking import promises
from soaking.promises import KeyLives, Ledger, Life
from soaking.traffic import Stream

OWNED = {"mn": {"::1", "::2"}, "mn2": {"::3", "::4"}}
KEY = {"ar": "::a", "cga": "::1", "fingerprint": "f1", "remaining_s": 10}
TABLES = {"key_count": 2, "binding_count": 0, "handover_count": 0, "arrival_count": 0, "arrivals": []}
FBU = {"node": "mn", "lifetime_s": 8, "boot_ns": 5_000_000_000}
BOUND = {"node": "par", "pcoa": "::1", "ncoa": "::2", "boot_ns": 6_000_000_000}


def streams(*arrivals):
    stream = Stream()
    for number, right in arrivals:
        stream.count(number, right)
    return {"mn": stream}


def life(samples):
    made = Life("par", 1)
    made.samples = samples
    return made


def growing(kib_a_second, descriptors=0):
    return life([(at, 1000 + at * kib_a_second, 20 + descriptors * at // 30, True) for at in range(0, 121, 5)])


def overdue(now, remaining_s):
    lives = KeyLives()
    lives.issued({"fingerprint": "f1", "boot_ns": 0, "lifetime_s": 20})
    return lives.overdue("par", [{**KEY, "remaining_s": remaining_s}], now)


def missing(came):
    stream = Stream()
    stream.sent = [1.0, 2.0, 3.0]
    for number in came:
        stream.count(number, True)
    return promises.lost("mn", stream.missing(1.5, 3.5), stream.sent_between(1.5, 3.5))


def binding(pcoa, ncoa):
    return promises.strangers_bindings("par", [{"pcoa": pcoa, "ncoa": ncoa}], OWNED, "::b")


# promise, what is wrong, what is said of it, what is said of something in order
CASES = (
    ("delivered-once", "a datagram twice", promises.doubled(streams((1, True), (1, True))),
     promises.doubled(streams((1, True), (2, True)))),
    ("right-node", "another node's datagram", promises.astray(streams((1, False)), []),
     promises.astray(streams((1, True)), [])),
    ("right-node", "a datagram at the attacker", promises.astray({}, [(0, 7)]), promises.astray({}, [])),
    ("nothing-lost", "one lost", missing([0, 2]), missing([1, 2])),
    ("nothing-lost", "nothing sent", promises.lost("mn", [], 0), promises.lost("mn", [], 3)),
    ("reachable-again", "no router", promises.unreachable("mn", 61, 60, "no router"),
     promises.unreachable("mn", 12, 60, "")),
    ("keys-agree", "no key", promises.keys_disagree("mn", "::a", [], []),
     promises.keys_disagree("mn", "::a", [KEY], [KEY])),
    ("keys-agree", "another key", promises.keys_disagree("mn", "::a", [KEY], [{**KEY, "fingerprint": "f2"}]),
     promises.keys_disagree("mn", "::a", [KEY], [KEY, {**KEY, "fingerprint": "f2"}])),
    ("only-the-owner-moves", "another node's address", binding("::1", "::3"), binding("::1", "::2")),
    ("only-the-owner-moves", "an attacker's address", binding("::1", "::666"), binding("::4", "::3")),
    ("only-the-owner-moves", "no FBU", promises.unasked_bindings([BOUND], [], OWNED, []),
     promises.unasked_bindings([BOUND], [FBU], OWNED, [])),
    ("only-the-owner-moves", "an FBU of long ago",
     promises.unasked_bindings([{**BOUND, "boot_ns": 60_000_000_000}], [FBU], OWNED, []),
     promises.unasked_bindings([{**BOUND, "boot_ns": 60_000_000_000}], [FBU], OWNED, [59])),
    ("only-the-owner-moves", "an FBU that ends it",
     promises.unasked_bindings([BOUND], [{**FBU, "lifetime_s": 0}], OWNED, []),
     promises.unasked_bindings([], [FBU], OWNED, [])),
    ("only-the-owner-moves", "another node's FBU",
     promises.unasked_bindings([BOUND], [{**FBU, "node": "mn2"}], OWNED, []), binding("::1", "::b")),
    ("no-state-for-the-unverified", "a key for nobody", promises.strangers_keys("par", [{**KEY, "cga": "::9"}], OWNED),
     promises.strangers_keys("par", [KEY], OWNED)),
    ("no-key-outlives-its-lifetime", "a key after its end", overdue(30, 0), overdue(15, 5)),
    ("no-key-outlives-its-lifetime", "a key that counts too much", overdue(15, 15), overdue(20, 1)),
    ("tables-within-bounds", "too many keys", promises.too_much("par", {**TABLES, "key_count": 99}, 2, False),
     promises.too_much("par", TABLES, 2, False)),
    ("tables-within-bounds", "a binding in the quiet", promises.too_much("par", {**TABLES, "binding_count": 1}, 2, True),
     promises.too_much("par", {**TABLES, "binding_count": 1}, 2, False)),
    ("tables-within-bounds", "packets held in the quiet",
     promises.too_much("par", {**TABLES, "arrivals": [{"address": "::1", "buffered": True}]}, 2, True),
     promises.too_much("par", {**TABLES, "arrivals": [{"address": "::1", "buffered": False}]}, 2, True)),
    ("tables-within-bounds", "movements", promises.too_much("mn", {"key_count": 1, "movements": [{}] * 9}, 2, False),
     promises.too_much("mn", {"key_count": 1, "movements": [{}]}, 2, False)),
    ("nothing-stays", "a route", promises.stays("par", ["routes: + x"]), promises.stays("par", [])),
    ("memory-bounded", "100 KiB a second", growing(100).grows(1000), growing(1).grows(1000)),
    ("descriptors-bounded", "one every 30 s more", growing(0, 2).opens(), growing(0).opens()),
    ("no-sanitizer-report", "ASan", promises.reports("log", "==7==ERROR: AddressSanitizer: heap-use-after-free"),
     promises.reports("log", "error: nothing of that kind")),
    ("no-sanitizer-report", "LSan", promises.reports("log", "==7==ERROR: LeakSanitizer: detected memory leaks"), []),
    ("no-sanitizer-report", "UBSan", promises.reports("log", "x.cpp:1:2: runtime error: signed integer overflow"), []),
    ("no-sanitizer-report", "TSan", promises.reports("log", "WARNING: ThreadSanitizer: data race (pid=7)"), []),
    ("no-unexpected-end", "a crash", promises.ended("par", -6, False), promises.ended("par", None, False)),
    ("no-unexpected-end", "a clean end that nobody wanted", promises.ended("par", 0, False),
     promises.ended("par", 0, True)),
    ("no-unexpected-end", "a wanted end with an error", promises.ended("par", 1, True), promises.ended("par", 0, True)),
)


def run():
    """The number of checks that do not do their work."""
    wrong = 0
    for promise, what, said, of_order in CASES:
        ledger = Ledger()
        ledger.judge(promise, of_order)
        good = ledger.all_held() and not ledger.judge(promise, said) and not ledger.all_held()
        wrong += not good
        print(f"{'as it should' if good else 'WRONG':12}  {promise}: {what}: {said[0] if said else 'not noticed'}"
              + (f"; but also: {of_order[0]}" if of_order else ""))
    shown = {case[0] for case in CASES}
    for promise in promises.PROMISES:
        if promise not in shown:
            wrong += 1
            print(f"WRONG         {promise}: nothing is shown to it")
    print(f"{len(CASES) - wrong} passed, {wrong} failed")
    return wrong
