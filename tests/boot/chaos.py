# SPDX-License-Identifier: MIT
"""Fuzzing kernels (tests/guests/chaos) on all four engines beside a bystander, on one machine.

    chaos.py [--minutes 60] [--seed 1] [--cpus "max;qemu64;..."]      `make attack-long MINUTES=60`

Every few minutes a fresh machine starts with other seeds and the next processor of the list. A
finding ends the run with status 1: a panic, a monitor that does not answer, a sum of the
bystander's that is wrong, a bystander that stands still, a page that ring 3 could use and may not,
a VM that the monitor had to kill for another reason than the processor's errors, or `isolation`
that does not hold. What hangs itself (interrupts off, an endless loop) or switches itself off is
reset by hand: that is the guest's own affair. The figures at the end are for docs/isolation.md.
`tests/boot/test_chaos.py` is the short form.
"""
import argparse
import collections
import re
import sys
import time

import pexpect

from guests import Guests, check_bystander, vm

ENGINES = ["auto", "ring1", "recompile", "recompile-all"]
CPUS = ["max", "qemu64", "max,-avx,-avx2,-fma,-f16c", "max,-smep,-umip", "qemu64,+smep,+nx,+umip"]
PLACES = ["recompiler", "raw3", "raw1"]
# A VM that says nothing while the bystander says so many lines is reset. Both get the same share; a
# line of the fuzzing kernel takes about four of the bystander's.
PATIENCE = 16
STANDS_STILL = 64  # lines of the others without one of the bystander's
MOST = 64 * 128  # that a counter grows from one line to the next, which is 64 rounds later
SILENCE = 200  # seconds without any line: the machine hangs
EVENT = re.compile(r"\] (\S+): (CHAOS start [^\n]*|CHAOS (\d+) rounds [^\n]*|reset: [^\n]*"
                   r"|halted with[^\n]*|stopped: [^\n]*"
                   r"|SUM [^\n]*|FAIL [^\n]*)\n|(PANIC[^\n]*)")
COUNT = re.compile(r"([a-z]\w*) (\d+)")


class Finding(Exception):
    pass


class EmulatorDied(Finding):
    """QEMU's translator has met guest code that it cannot translate; it ends so without a monitor,
    too."""


class Kernel:
    """What is known of one fuzzing kernel. Its counters lie in its own memory, which its rounds may
    overwrite."""

    def __init__(self):
        self.counts = collections.Counter()
        self.last = collections.Counter()  # what its last line said
        self.trashed = 0  # lines that no honest kernel prints
        self.patience = PATIENCE

    def restarted(self):
        self.last = collections.Counter()

    def counted(self, line, rounds):
        now = collections.Counter({k: int(n) for k, n in COUNT.findall(line.split(":", 1)[1])},
                                  rounds=int(rounds))
        more = {k: n - self.last[k] for k, n in now.items()}
        self.last = now
        if all(0 <= n <= MOST for n in more.values()):
            self.counts.update(more)
        else:
            self.trashed += 1


class Chaos(Guests):
    """One machine with its VMs; `watch` drives it."""

    def __init__(self, seed, cpu, **more):
        self.kernels = {e: Kernel() for e in ENGINES}
        sections = [vm("bystander", "bystander", "ring=3 every=5000", "auto")]
        more_keys = {"on_triple_fault": "reset", "verify": "no", "debug_exit": "no"}
        sections += [vm(e, "chaos", "seed=%d" % (seed + i), e, **more_keys) for i,
                     e in enumerate(ENGINES)]
        super().__init__(sections, cpu, check="views", **more)
        self.resets = self.nudges = 0
        self.killed = collections.Counter()  # by reason
        self.sums = []
        self.since_sum = 0  # lines of the others
        self.stats = {}

    def rounds(self, engine):
        return self.kernels[engine].counts["rounds"]

    def reset(self, name):
        self.nudges += 1
        self.kernels[name].patience = PATIENCE
        self.process.send("reset %s\r" % name)

    def bystander_said(self, line):
        self.sums.append(line)
        self.since_sum = 0
        for name, kernel in self.kernels.items():
            kernel.patience -= 1
            if not kernel.patience:
                self.reset(name)

    def event(self, name, what, rounds):
        if name == "bystander":
            self.bystander_said(what)
            return
        self.since_sum += 1
        if self.since_sum == STANDS_STILL:
            raise Finding("the bystander stands still")
        kernel = self.kernels[name]
        kernel.patience = PATIENCE
        if rounds:
            kernel.counted(what, rounds)
        elif what.startswith("CHAOS start"):
            kernel.restarted()
        elif what.startswith("reset"):
            self.resets += 1
        elif what.startswith(("halted", "stopped: power off")):
            self.reset(name)
        elif what.startswith("stopped: the processor errs"):  # QEMU's TCG obeys an IRET with VM set
            self.killed[re.sub(r", at .*", "", what[len("stopped: "):])] += 1
            self.reset(name)
        elif what.startswith(("stopped", "FAIL")):
            raise Finding("%s: %s" % (name, what))

    def watch(self, enough):
        """Until enough() says so; a machine that is silent or panics is a finding."""
        while not enough():
            try:
                self.process.expect(EVENT, timeout=SILENCE)
            except pexpect.TIMEOUT:
                raise Finding("nothing is heard of any VM any more") from None
            except pexpect.EOF:
                if "tcg fatal error" in self.process.before:
                    raise EmulatorDied("QEMU: tcg fatal error") from None
                raise Finding("the emulator ended:\n" + self.process.before[-2000:]) from None
            m = self.process.match
            if m[4]:
                self.process.expect([pexpect.TIMEOUT, pexpect.EOF, "end of panic"], timeout=5)
                raise Finding(m[4] + self.process.before)
            self.event(m[1], m[2].strip(), m[3])

    def verdict(self):
        """The bystander goes on, its sums are right, the monitor answers, isolation holds."""
        sums = len(self.sums)
        self.watch(lambda: len(self.sums) > sums)
        check_bystander(self.sums)
        for name in ["bystander", *self.kernels]:
            self.process.send("pause %s\r" % name)
            self.process.expect("%s: (paused|stopped)" % name)
        for name in self.kernels:
            self.process.send("isolation %s\r" % name)
            self.process.expect("%s: isolation holds" % name)
            self.stats[name] = self.counters(name)


def run(seed, cpu, enough):
    """One machine until enough(machine); returns it with its counts."""
    with Chaos(seed, cpu, name="chaos-%d" % seed) as m:
        m.expect("bystander: SUM [^\n]*\n")
        m.prompt()
        m.watch(lambda: enough(m))
        m.verdict()
    return m


class Total:
    """Figures of all machines."""

    def __init__(self):
        self.machines = self.resets = self.nudges = self.sums = self.died = self.trashed = 0
        self.killed = collections.Counter()
        self.counts = {e: collections.Counter() for e in ENGINES}

    def add(self, m):
        self.machines += 1
        self.resets += m.resets
        self.nudges += m.nudges
        self.sums += len(m.sums)
        self.killed += m.killed
        for e in ENGINES:
            self.trashed += m.kernels[e].trashed
            self.counts[e] += m.kernels[e].counts
            self.counts[e] += collections.Counter({p: m.stats[e]["state.%s.entries" % p]
                                                   for p in PLACES})

    def __str__(self):
        lines = ["%d machines, %d sums of the bystander right, %d resets, %d of them by hand" % (
            self.machines, self.sums, self.resets, self.nudges)]
        lines += ["QEMU died of its own %d times" % self.died] * (self.died > 0)
        lines += ["%d lines of kernels that had overwritten their counters"
                  % self.trashed] * (self.trashed > 0)
        lines += ["killed: %d times, %s" % (n, why) for why, n in self.killed.items()]
        lines += ["%-13s %s" % (e, " ".join("%s %d" % pair for pair in self.counts[e].items()))
                  for e in ENGINES]
        return "\n".join("  " + line for line in lines)


def main():
    p = argparse.ArgumentParser(description="fuzzing kernels for a long time")
    p.add_argument("--minutes", type=float, default=60)
    p.add_argument("--each", type=float, default=5, help="minutes that a machine runs")
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--cpus", default=";".join(CPUS))
    options = p.parse_args()
    end = time.monotonic() + options.minutes * 60
    cpus = options.cpus.split(";")
    seed, total = options.seed, Total()
    while time.monotonic() < end:
        cpu = cpus[(total.machines + total.died) % len(cpus)]
        stop = min(end, time.monotonic() + options.each * 60)
        print("seed %d, -cpu %s" % (seed, cpu), flush=True)
        try:
            total.add(run(seed, cpu, lambda _: time.monotonic() > stop))
        except EmulatorDied as e:
            print("  %s (log: build/logs/chaos-%d.log)" % (e, seed))
            total.died += 1
        except (Finding, AssertionError, pexpect.ExceptionPexpect) as e:
            print("FINDING with seed %d, -cpu %s: %s\n(log: build/logs/chaos-%d.log)"
                  % (seed, cpu, e, seed))
            return 1
        seed += 100
        print(total, flush=True)
    print("attack-long: no finding")
    return 0


if __name__ == "__main__":
    sys.exit(main())
