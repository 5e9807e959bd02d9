"""One soaking: rounds of faults and attacks, each followed by a quiet in which all must come to order again."""
import collections
import contextlib
import random
import time

from roaming import OTHER, ROUTERS, differences, testbed
from soaking import promises
from soaking.attacker import Attacker
from soaking.town import CABLE, DAEMONS, NODES, TUNNEL_S, Town, resident
from soaking.traffic import Traffic

BOUND_S = 60  # until a node is at work again once all is quiet
SPOILS = ("twice", "astray", "loss", "end", "report", "kernel", "unreachable", "all")  # all: but unreachable
# What happens in a noisy time, and how often.
EVENTS = {"predictive": 6, "reactive": 4, "network": 3, "ping-pong": 3, "killed": 2, "killed-in-handover": 2, "stopped": 2,
          "radio-flap": 2, "cell-flap": 1, "core-flap": 1, "binding-complete": 4}
# A minute. The sanitizers remember what was freed and by whom, for minutes ever more of it.
GROWTH_KIB = {"none": 600, "address": 8000, "thread": 4000}


def boot_s():
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class Soak:
    def __init__(self, bed, options):
        self.bed = bed
        self.options = options
        self.dice = random.Random(options.seed)
        self.ledger = promises.Ledger()
        self.keys = promises.KeyLives()
        self.count = collections.Counter()
        self.longest_s = 0.0  # until a node was back
        self.lives = []
        self.later = []  # (moment, what to do)
        self.disturbed = []  # boot clock: when daemons were killed or begun
        self.looked = 0.0
        self.diary = []
        self.began = time.monotonic()
        self.deadline = self.began + options.minutes * 60
        self.spoils = set(SPOILS) - {"unreachable"} if options.spoil == "all" else {options.spoil}

    def note(self, text):
        self.diary.append(f"{time.monotonic() - self.began:8.2f}  {text}")

    # --- looking

    def judge(self, promise, complaints, times=1):
        before = set(self.ledger.broken[promise])
        for each in complaints:
            if each not in before:
                self.note(f"BROKEN {promise}: {each}")
                print(f"BROKEN {promise}: {each}", flush=True)
        return self.ledger.judge(promise, complaints, times)

    def look(self, quiet=False):
        """All that can be seen at any time; tables at most once a second."""
        bed = self.bed
        for name in DAEMONS:
            if name not in bed.stopping and name in bed.daemons:
                self.judge("no-unexpected-end", promises.ended(name, bed.daemons[name].process.poll(), False))
                if not bed.alive(name):
                    self.bring_back(name)
        self.judge("delivered-once", promises.doubled(self.traffic.streams))
        self.judge("right-node", promises.astray(self.traffic.streams, self.attacker.astray))
        if time.monotonic() - self.looked < 1 and not quiet:
            return
        self.looked = time.monotonic()
        self.look_at_events(bed.take_events())
        for name in DAEMONS:
            if bed.alive(name):
                self.look_at(name, quiet)

    def look_at_events(self, fresh):
        for event in fresh:
            if event["event"] in ("key-issued", "key-received"):
                self.keys.issued(event)
            if event["event"] == "handover-done":
                self.count["handovers done"] += 1
        sent = [event for event in self.bed.events if event["event"] == "fbu-sent"]
        bound = [event for event in self.bed.events if event["event"] == "binding-installed" and not event.get("judged")
                 and boot_s() - event["boot_ns"] / 1e9 > 2]
        for event in bound:
            event["judged"] = True
        self.judge("only-the-owner-moves", promises.unasked_bindings(bound, sent, self.bed.owned, self.disturbed), len(bound))

    def look_at(self, name, quiet):
        now = boot_s()
        status = self.bed.ask(name, command="status")
        if status is None:  # it begins, or ends
            self.count["statuses refused"] += 1
            return
        self.judge("no-key-outlives-its-lifetime", self.keys.overdue(name, status["keys"], now), len(status["keys"]))
        self.judge("tables-within-bounds", promises.too_much(name, status, len(NODES), quiet))
        if name in ROUTERS:
            neighbour = self.bed.address[OTHER[name]]
            found = promises.strangers_bindings(name, status["bindings"], self.bed.owned, neighbour)
            self.judge("only-the-owner-moves", found)
            self.judge("no-state-for-the-unverified", promises.strangers_keys(name, status["keys"], self.bed.owned))
        if found := resident(self.bed.daemons[name].process):
            life = self.life_of(name)
            life.samples.append((now - life.began, *found, quiet))

    def life_of(self, name):
        number = self.bed.lives[name]
        for life in self.lives:
            if (life.daemon, life.number) == (name, number):
                return life
        self.lives.append(promises.Life(name, number))
        self.lives[-1].began = boot_s()
        return self.lives[-1]

    # --- what happens in a noisy time

    def victim(self):
        """One half of the daemons lives through the first half of the time, the other through the second."""
        first = time.monotonic() < (self.began + self.deadline) / 2
        return self.dice.choice(("par", "mn") if first else ("nar", "mn2"))

    def bring_back(self, name):
        if not self.bed.alive(name):
            self.disturbed.append(boot_s())
            self.bed.launch(name)
            self.note(f"{name} begins its life {self.bed.lives[name]}")

    def end(self, name, kill):
        if not self.bed.alive(name) or name in self.bed.stopping:
            return
        self.note(f"{name} is {'killed' if kill else 'stopped'}")
        self.disturbed.append(boot_s())
        status = self.bed.finish(name, kill)
        self.count["killed" if kill else "stopped"] += 1
        self.judge("no-unexpected-end", promises.ended(name, status, True))
        self.later.append((time.monotonic() + self.dice.uniform(0, 2), lambda: self.bring_back(name)))

    def order(self, node):
        to = OTHER[self.bed.at(node)]
        taken = self.bed.order(to, node)
        self.count["predictive" if taken else "orders refused"] += 1
        return taken

    def happen(self, what):
        node = self.dice.choice(NODES)
        self.note(f"{what} {node}")
        to = OTHER[self.bed.at(node)]
        if what == "predictive":
            self.order(node)
        elif what == "reactive":
            self.count["reactive"] += 1
            self.bed.radios[node].move(to)
        elif what == "network":
            self.count["network-initiated" if self.bed.advise(node, to) else "orders refused"] += 1
        elif what == "ping-pong":
            self.order(node)
            self.later.append((time.monotonic() + self.dice.uniform(0.1, 1.5), lambda: self.order(node)))
        elif what == "killed-in-handover":
            name = self.victim()
            self.later.append((time.monotonic() + self.dice.uniform(0, 0.1), lambda: self.end(name, True)))
            self.order(node)
        elif what in ("killed", "stopped"):
            self.end(self.victim(), what == "killed")
        elif what == "binding-complete":
            self.tell_correspondent(node)
        else:
            self.flap(what, node)

    def flap(self, what, node):
        router = self.dice.choice(ROUTERS)
        cable = {"radio-flap": CABLE[node], "cell-flap": f"ap-{router}", "core-flap": f"to-{router}"}[what]
        self.count["flaps"] += 1
        with self.bed.radios[node].lock:
            self.bed.flap(cable, self.dice.uniform(0.02, 1))

    def tell_correspondent(self, node):
        """What Mobile IPv6 would do: the stream goes to where the node is, and the node knows."""
        if address := self.bed.alive(node) and self.bed.care_of(node):
            self.traffic.streams[node].destination = address
            self.bed.ask(node, command="binding-complete")

    def do_what_is_due(self):
        due = [each for each in self.later if each[0] <= time.monotonic()]
        self.later = [each for each in self.later if each[0] > time.monotonic()]
        for _, action in sorted(due, key=lambda each: each[0]):
            action()

    def noise(self, seconds):
        self.note("noise")
        self.attacker.attacking.set()
        end = time.monotonic() + seconds
        upcoming = time.monotonic()
        while time.monotonic() < end:
            if time.monotonic() >= upcoming:
                self.happen(self.dice.choices(list(EVENTS), list(EVENTS.values()))[0])
                upcoming = time.monotonic() + self.dice.expovariate(1 / 0.8)
            self.do_what_is_due()
            self.look()
            time.sleep(0.02)
        self.attacker.attacking.clear()
        self.later.sort(key=lambda each: each[0])
        while self.later:
            self.do_what_is_due()
            time.sleep(0.02)

    # --- what must be in a quiet one

    def lacks(self, node):
        """What this node lacks to be at work, in words; empty when it lacks nothing."""
        bed = self.bed
        if not bed.is_fit(node):
            return "no router, key or address"
        stream = self.traffic.streams[node]
        if stream.destination != bed.care_of(node):
            self.tell_correspondent(node)
            return "its stream goes elsewhere"
        now = time.monotonic()
        window = (now - 0.7, now - 0.2)
        if not stream.sent_between(*window):
            return "nothing is sent to it"
        return "its stream does not arrive" if stream.missing(*window) else ""

    def wait_for_order(self):
        """Until every node is back and nothing is left of its handovers; false where the time ran out."""
        begin = time.monotonic()
        back = {}
        while len(back) < len(NODES) and time.monotonic() < begin + BOUND_S:
            self.do_what_is_due()
            for node in NODES:
                if node not in back and not (last := self.lacks(node)):
                    back[node] = time.monotonic() - begin
                    self.note(f"{node} is back after {back[node]:.1f} s")
            self.look()
            time.sleep(0.1)
        for node in NODES:
            waited = back.get(node, time.monotonic() - begin)
            self.longest_s = max(self.longest_s, waited)
            last = "" if node in back else self.lacks(node)
            if node not in back:
                self.tell_state(node)
            self.judge("reachable-again", promises.unreachable(node, waited, BOUND_S, last))
        if len(back) < len(NODES):
            return False
        self.wait_for_empty_tables(begin)
        self.keys_must_agree(begin)
        self.look(quiet=True)
        return True

    def tell_state(self, node):
        self.note(f"{node}: {self.bed.ask(node, command='status')}")
        self.note(self.bed.addresses(node))

    def tell_path(self):
        """Where datagrams may have gone: what each data path counted, addresses and routes."""
        for name in DAEMONS:
            status = self.bed.ask(name, command="status") or {"counters": {}}
            self.note(f"{name}: { {key: value for key, value in status.items() if key not in ('keys', 'counters')} }")
            self.note(f"{name}: {status['counters'].get('datapath')}")
            for what in ("addr", "route"):
                self.note(testbed.run("ip", "-n", self.bed.namespace(name), "-6", what, "show").stdout)

    def wait_for_empty_tables(self, begin):
        def left():
            if not all(self.bed.serves(router) for router in ROUTERS):
                return True
            statuses = [self.bed.ask(router, command="status") for router in ROUTERS]
            return not all(statuses) or any(status["binding_count"] + status["handover_count"] for status in statuses)

        asked = 0.0
        while left() and time.monotonic() < begin + BOUND_S:
            if time.monotonic() > asked + 2:  # until it is told, a node asks its last router to go on
                asked = time.monotonic()
                for node in NODES:
                    self.tell_correspondent(node)
            self.look()
            time.sleep(0.1)

    def keys_must_agree(self, begin):
        """A router may have discarded a key with a binding that ended; its node asks again within its interval."""
        def disagreement(node):
            router = self.bed.at(node)
            keys = [self.bed.status(each)["keys"] for each in (node, router)]
            return promises.keys_disagree(node, self.bed.address[router], *keys)

        for node in NODES:
            while (found := disagreement(node)) and time.monotonic() < begin + BOUND_S:
                self.look()
                time.sleep(0.1)
            self.judge("keys-agree", found)
        self.note(f"in order after {time.monotonic() - begin:.1f} s")

    def calm_handovers(self):
        """Every node hands over once, by order, while nothing else happens."""
        begin = time.monotonic()
        if "loss" in self.spoils:
            self.traffic.spoil["loss"] = 1
        time.sleep(0.2)
        done = self.count["handovers done"]
        for node in NODES:
            to = OTHER[self.bed.at(node)]
            self.wait_for(f"{node} has a key that outlives a tunnel", lambda who=node: self.key_left_s(who) > TUNNEL_S, 30)
            self.note(f"calm handover of {node} to {to}")
            self.wait_for(f"{node} takes an order", lambda who=node, where=to: self.bed.order(where, who), 15)
            self.wait_for(f"{node} moves", lambda who=node, where=to: self.bed.at(who) == where, 15)
            self.wait_for(f"{node} is fit", lambda who=node: self.bed.is_fit(who), 30)
            self.count["calm handovers"] += 1
        time.sleep(0.5)
        end = time.monotonic() - 0.3
        self.look(quiet=False)
        self.note(f"{self.count['handovers done'] - done} of them were answered in time")
        for node, stream in self.traffic.streams.items():
            found = promises.lost(node, stream.missing(begin, end), stream.sent_between(begin, end))
            if not self.judge("nothing-lost", found, stream.sent_between(begin, end)):
                self.tell_path()
            self.tell_correspondent(node)

    def key_left_s(self, node):
        here = self.bed.address[self.bed.at(node)]
        return max((key["remaining_s"] for key in self.bed.status(node)["keys"] if key["ar"] == here), default=0)

    def wait_for(self, what, holds, patience):
        deadline = time.monotonic() + patience
        while not holds():
            self.look()
            if time.monotonic() > deadline:
                raise testbed.Failure(f"waited in vain until {what}")
            time.sleep(0.05)

    def quiet(self):
        self.note("quiet")
        if "unreachable" in self.spoils:
            self.bed.cable(CABLE["mn"], "down")
        if not self.wait_for_order():
            return
        try:
            self.calm_handovers()
        except testbed.Failure as failure:
            for node in NODES:
                self.tell_state(node)
            self.judge("reachable-again", [f"in a calm handover: {failure}"])
        self.look_at_logs()

    def look_at_logs(self):
        for log in sorted(self.bed.directory.glob("*.log")):
            self.judge("no-sanitizer-report", promises.reports(log.name, log.read_text(errors="replace")))

    # --- the whole

    def begin(self):
        self.bed.begin_all()
        self.traffic = Traffic(self.bed, NODES, self.options.rate)
        self.attacker = Attacker(self.bed, self.options.seed)
        self.looked = time.monotonic()
        self.note("all daemons run")
        if not self.wait_for_order():
            raise testbed.Failure("not even the first quiet was one")

    def spoil(self):
        """Something goes wrong on purpose, and must be noticed."""
        for how in self.spoils & {"twice", "astray"}:
            self.traffic.spoil[how] = 1
        if "end" in self.spoils:
            self.bed.daemons["nar"].process.kill()
        if "report" in self.spoils:
            (self.bed.directory / "spoilt.log").write_text("==1==ERROR: AddressSanitizer: of the test's own making\n")

    def rounds(self):
        noisy = min(15, max(4, self.options.minutes * 60 / 4))
        while not self.count["rounds"] or time.monotonic() < self.deadline - noisy:
            self.noise(noisy)
            self.spoil()
            self.quiet()
            self.count["rounds"] += 1
            self.progress()

    def progress(self):
        streams = self.traffic.streams.values()
        print(f"{time.monotonic() - self.began:6.0f} s  round {self.count['rounds']}, "
              f"{sum(self.count[kind] for kind in ('predictive', 'reactive', 'network-initiated'))} handovers, "
              f"{self.count['killed'] + self.count['stopped']} ends, {self.count['flaps']} flaps, "
              f"{sum(self.attacker.count.values())} attacks, "
              f"{sum(len(stream.came) for stream in streams)} of {sum(len(stream.sent) for stream in streams)} datagrams, "
              f"{sum(map(len, self.ledger.broken.values()))} broken", flush=True)

    def finish(self, before):
        """All daemons are asked to end, and nothing of theirs may be left."""
        self.note("the end")
        for name in ("mn", "mn2", *ROUTERS):
            if self.bed.alive(name):
                self.judge("no-unexpected-end", promises.ended(name, self.bed.finish(name, False), True))
        if "kernel" in self.spoils:
            testbed.run("ip", "-n", self.bed.namespace("nar"), "-6", "route", "add", "2001:db8:dead::/48", "dev", "lo")
        for name in DAEMONS:
            self.judge("nothing-stays", promises.stays(name, differences(before[name], self.bed.kernel_of(name))))
        self.look_at_logs()
        for life in self.lives:
            if life.judged():
                self.judge("memory-bounded", life.grows(GROWTH_KIB[self.options.sanitizer]))
            if len(life.quiet_descriptors()) > 1:
                self.judge("descriptors-bounded", life.opens())

    def stop_threads(self):
        for name in ("traffic", "attacker"):
            if part := getattr(self, name, None):
                part.stop()


def table(soak):
    lines = ["", f"{'promise':32} {'looked at':>9} {'broken':>7}"]
    for promise in promises.PROMISES:
        broken = len(soak.ledger.broken[promise])
        lines.append(f"{promise:32} {soak.ledger.looked[promise]:9} {broken:7}")
    lines += ["", f"{'daemon':8} {'lives':>5} {'longest s':>9} {'KiB warm':>9} {'KiB end':>9} {'KiB/min':>8} {'fds':>9}"]
    for name in DAEMONS:
        lives = [life for life in soak.lives if life.daemon == name and life.samples]
        if not lives:
            continue
        life = max(lives, key=lambda each: each.seconds())
        warm, quiet = life.warm() or life.samples[-1:], life.quiet_descriptors() or [0]
        slope = f"{life.kib_a_minute():.0f}" if life.judged() else "short"
        lines.append(f"{name:8} {len(lives):5} {life.seconds():9.0f} {warm[0][1]:9} {warm[-1][1]:9} {slope:>8} "
                     f"{f'{quiet[0]} → {quiet[-1]}':>9}")
        series = life.samples[::max(1, len(life.samples) // 12)]
        lines.append(f"{'':8} " + " ".join(f"{each[0]:.0f}s:{each[1]}" for each in series))
    count = dict(sorted(soak.count.items()))
    lines += ["", ", ".join(f"{name} {number}" for name, number in count.items()),
              "attacks: " + ", ".join(f"{name} {number}" for name, number in sorted(soak.attacker.count.items())),
              f"a node was back after {soak.longest_s:.1f} s at most (bound {BOUND_S} s)"]
    return "\n".join(lines)


def run(program, options):
    """The exit status of a soaking."""
    with Town(program, options.directory, options.backend) as bed:
        before = {name: bed.kernel_of(name) for name in DAEMONS}
        soak = Soak(bed, options)
        try:
            soak.begin()
            soak.rounds()
            soak.finish(before)
            failure = None
        except testbed.Failure as why:
            failure = why
        finally:
            soak.stop_threads()
            with contextlib.suppress(OSError):
                (bed.directory / "diary.txt").write_text("\n".join(soak.diary) + "\n")
        if failure:
            print("\n".join(soak.diary[-40:]))
            print(f"soak: could not go on: {failure}")
            return 1
        print(table(soak))
        held = soak.ledger.all_held()
        if not held and options.spoil is None:
            print("\n".join(soak.diary[-60:]))
        print(f"soak: {'all promises held' if held else 'promises were broken'}, seed {options.seed}, backend "
              f"{options.backend}, sanitizer {options.sanitizer}, {time.monotonic() - soak.began:.0f} s")
        return 0 if held else 1
