#!/usr/bin/env python3
"""Access routers killed with SIGKILL at moments drawn by lot, while a node hands over between them.

    kill.py PROGRAM [--kills N] [--seed S] [--backend B]      as root; exit 1 where something did not hold

After each kill the router is started again, and then:
- every handover key that it had answered the node with, and that the node still holds, is known to it;
- the next FBU that the node sends it is accepted, after at most one FBack with status 135;
- no FBU that it was sent before is accepted again;
- no ESP packet that it was sent more than a second before it was killed is opened again (younger ones may be,
  docs/decisions E3, and are counted).
In the end all daemons are stopped, and nothing of theirs is in the kernel of any namespace. The same is asked
of daemons that are stopped while a handover is in force, and of ones that are killed then and cleaned up after
by the next start: both routers and the node. One line sums it up.
"""
import argparse
import collections
import pathlib
import random
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools"))
from roaming import OTHER, ROUTERS, Roaming, differences, tell_logs, testbed  # noqa: E402

REPLAYED = 12  # packets of each kind for each kill: the newest ones and some of the others
YOUNG_S = 1.25  # a second, and time for the disk
SETTLED_S = 0.2  # until a router has stored the number of an FBU and begun its handover
OUT_OF_WINDOW = 135


def expect(truth, text):
    if not truth:
        raise testbed.Failure(text)


class Series:
    def __init__(self, bed, seed, count):
        self.bed = bed
        self.dice = random.Random(seed)
        self.count = count
        self.discarded = set()

    def events(self, name):
        """All events of this name that the node has reported and that were not taken yet."""
        found = []
        while event := self.bed.daemons["mn"].wait_for(name, 0.005):
            found.append(event)
        return found

    # --- handovers

    def hand_over(self, revive=lambda: None):
        """To the other router, by order; by force when the order does not move the link."""
        to = OTHER[self.bed.radio.at]
        patience = time.monotonic() + 5
        while not (taken := self.bed.order(to)) and time.monotonic() < patience:
            time.sleep(0.02)
        if not taken:
            # The router was dead when the node asked it for its neighbourhood: the node asks again only after
            # [keys] request_interval, or when it is told to, and of one that lives.
            self.count["asked again by order"] += 1
            revive()
            self.bed.ask("mn", command="request-key")
            self.bed.wait_until("the node can be ordered", lambda: self.bed.order(to))
        deadline = time.monotonic() + 2
        while self.bed.radio.at != to and time.monotonic() < deadline:
            time.sleep(0.005)
        if self.bed.radio.at != to:
            self.count["moved without consent"] += 1
            self.bed.radio.move(to)
        self.count["handovers"] += 1

    def get_fit(self):
        self.bed.wait_until("the node has a key and an address at its router", self.bed.fit)

    def kill_at_some_moment(self):
        """Within 60 ms from an order, or within the second after it, as the lot falls."""
        victim = self.dice.choice(ROUTERS)
        delay = self.dice.uniform(0, 0.06) if self.dice.random() < 0.6 else self.dice.uniform(0.06, 1)
        moment = []

        def kill():
            moment.append(time.monotonic())
            self.bed.kill(victim)

        def revive():
            if not revived:
                killed.join()
                self.bed.run_router(victim)
                self.bed.wait_until(f"{victim} is ready again", lambda: self.bed.ready(victim))
                revived.append(victim)

        revived = []
        self.note_discarded(victim)
        killed = threading.Timer(delay, kill)
        killed.start()
        self.hand_over(revive)
        revive()
        self.count["kills"] += 1
        return victim, moment[0]

    # --- what must hold

    def note_discarded(self, router):
        while event := self.bed.daemons[router].wait_for("key-discarded", 0.005):
            self.discarded.add(event.get("fingerprint"))

    def keys_are_kept(self, victim):
        self.note_discarded(victim)
        known = {key["fingerprint"] for key in self.bed.status(victim)["keys"]}
        held = [key["fingerprint"] for key in self.bed.status("mn")["keys"]
                if key["ar"] == self.bed.address[victim] and key["remaining_s"] > 0]
        for fingerprint in held:
            self.count["keys kept"] += fingerprint in known
            expect(fingerprint in known or fingerprint in self.discarded,
                   f"{victim} has lost the key {fingerprint}; it has {sorted(known)}")

    def chosen(self, victim, kind, before):
        frames = [frame for frame in self.bed.recorder.frames[victim][kind] if frame[0] < before]
        old = frames[:-REPLAYED // 2]
        return self.dice.sample(old, min(len(old), REPLAYED // 2)) + frames[-REPLAYED // 2:]

    def counters(self, victim):
        return self.bed.status(victim)["counters"]

    def wait_for_verdict(self, victim, group, before):
        """The counters of this group once one of them has moved; as they are when none does."""
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline:
            if (now := self.counters(victim)[group]) != before:
                return now
        return before

    def wait_for_quiet(self, victim):
        """No handover of the node itself is under way there, or about to be: its FBU would count as taken later."""
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline:
            came = [frame[0] for frames in self.bed.recorder.frames[victim].values() for frame in frames[-1:]]
            if time.monotonic() - max(came, default=0) > SETTLED_S and not self.bed.status(victim)["handovers"]:
                return
            time.sleep(0.02)

    def nothing_is_taken_again(self, victim, killed_at):
        """One packet after the other, each with what it changes in the counters."""
        for kind, group, taken in (("fbu", "fbu", "accepted"), ("esp", "esp", "opened")):
            for when, cable, frame in self.chosen(victim, kind, killed_at):
                self.wait_for_quiet(victim)
                fresh = len(self.bed.recorder.frames[victim][kind])
                before = self.counters(victim)[group]
                self.bed.recorder.send_again(cable, frame)
                after = self.wait_for_verdict(victim, group, before)
                self.count[f"{kind} replayed"] += 1
                expect(after != before, f"a replayed {kind} shows in no counter of {victim}")
                if after[taken] == before[taken] or len(self.bed.recorder.frames[victim][kind]) != fresh:
                    continue
                self.count[f"{kind} taken again within E3"] += kind == "esp" and killed_at - when <= YOUNG_S
                expect(kind == "esp" and killed_at - when <= YOUNG_S,
                       f"{victim} takes a {kind} of {killed_at - when:.3f} s before the kill again")

    def key_still_works(self, victim):
        """Handovers without a kill, until the node has sent the victim an FBU: at most one 135, then a yes."""
        address = self.bed.address[victim]
        for name in ("fbu-sent", "fback-received"):
            self.events(name)
        statuses = []
        for _ in range(3):
            self.get_fit()
            self.hand_over()
            deadline = time.monotonic() + 10
            while time.monotonic() < deadline and 0 not in statuses:
                statuses += [event["status"] for event in self.events("fback-received") if event["ar"] == address]
                if not statuses and self.bed.radio.at == victim and self.bed.fit():
                    break  # it only came here; the FBU is sent on the way back
                time.sleep(0.02)
            if statuses:
                break
        refused = [status for status in statuses if status >= 128]
        self.count["resynchronised"] += OUT_OF_WINDOW in refused
        expect(0 in statuses and refused in ([], [OUT_OF_WINDOW]), f"FBacks of {victim} after its start: {statuses}")
        self.count["FBUs accepted after a kill"] += 1

    def run(self, kills):
        while self.count["kills"] < kills:
            self.get_fit()
            victim, killed_at = self.kill_at_some_moment()
            self.get_fit()
            self.keys_are_kept(victim)
            self.nothing_is_taken_again(victim, killed_at)
            self.key_still_works(victim)


def before_of(bed):
    return {node: bed.kernel_of(node) for node in (*ROUTERS, "mn")}


def nothing_stays(bed, before, nodes):
    for node in nodes:
        found = differences(before[node], bed.kernel_of(node))
        expect(not found, f"in the kernel of {node} there stays\n  " + "\n  ".join(found[:40]))


def stop_all(bed):
    for node in ("mn", *ROUTERS):
        bed.stop(node)


def end_in_the_middle(bed, series, before, extra, killed):
    """All daemons are stopped, or killed and cleaned up after by the next start, while a handover is in force."""
    series.get_fit()
    series.hand_over()
    series.get_fit()
    for node in ("mn", *ROUTERS):
        expect(differences(before[node], bed.kernel_of(node)), f"{node} has nothing in the kernel: nothing is proved")
    for node in ("mn", *ROUTERS):
        if killed:
            bed.kill(node)
            bed.run_mobile(extra) if node == "mn" else bed.run_router(node, extra)
        bed.stop(node)
        nothing_stays(bed, before, [node])
        series.count["ends in the middle"] += 1


def summary(count, arguments, seconds):
    return (f"kill series: {count['kills']} kills in {count['handovers']} handovers, seed {arguments.seed}, backend "
            f"{arguments.backend}: {count['keys kept']} keys kept, 0 lost; {count['FBUs accepted after a kill']} FBUs "
            f"accepted after a kill ({count['resynchronised']} after a 135); {count['fbu replayed']} FBUs replayed, 0 "
            f"taken; {count['esp replayed']} ESP packets replayed, {count['esp taken again within E3']} taken, each "
            f"within {YOUNG_S} s of the kill; {count['ends in the middle']} ends in the middle; nothing left in the kernel; "
            f"{seconds:.0f} s")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--backend", default="auto", help="[datapath] backend of the daemons")
    arguments = parser.parse_args()
    extra = f'[datapath]\nbackend = "{arguments.backend}"\n'
    begin = time.monotonic()
    count = collections.Counter()
    for part in ("series", "stopped", "killed"):
        with Roaming(arguments.program) as bed:
            before = before_of(bed)
            series = Series(bed, arguments.seed, count)
            try:
                bed.begin(extra)
                if part == "series":
                    series.run(arguments.kills)
                    stop_all(bed)
                    nothing_stays(bed, before, (*ROUTERS, "mn"))
                else:
                    end_in_the_middle(bed, series, before, extra, part == "killed")
            except testbed.Failure as failure:
                tell_logs(bed)
                print(f"FAILED ({part}) after {count['kills']} kills, seed {arguments.seed}: {failure}\n{dict(count)}")
                return 1
    print(summary(count, arguments, time.monotonic() - begin))
    return 0


if __name__ == "__main__":
    sys.exit(main())
