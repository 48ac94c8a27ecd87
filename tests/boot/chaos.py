# SPDX-License-Identifier: MIT
"""Fuzzing kernels (tests/guests/chaos) on all four engines beside a bystander, on one machine.

    chaos.py [--minutes 60] [--seed 1] [--cpu max,qemu64,...]      `make attack-long MINUTES=60`

Every few minutes a fresh machine starts with other seeds and the next processor of the list. A finding ends the run with status 1:
a panic, a monitor that does not answer, a sum of the bystander's that is wrong, a bystander that stands still, a page that ring 3 could
use and may not, a VM that the monitor had to kill for another reason than the processor's errors, or `isolation` that does not hold. What hangs itself (interrupts off, an endless loop) is reset by hand: that is the
guest's own affair. The figures at the end are for docs/isolation.md.
"""
import argparse
import os
import re
import sys
import time

import pexpect

from guests import Guests, check_bystander, vm

ENGINES = ["auto", "ring1", "recompile", "recompile-all"]
CPUS = ["max", "qemu64", "max,-avx,-avx2,-fma,-f16c", "max,-smep,-umip", "qemu64,+smep,+nx,+umip"]
SILENCE = 20  # seconds without a line, after which a VM is reset: no verdict depends on it
EVENT = re.compile(r"\] (\S+): (CHAOS start \d+|CHAOS (\d+) rounds (\d+) traps[^\n]*|reset: [^\n]*|halted with[^\n]*|stopped: [^\n]*"
                   r"|SUM [^\n]*|FAIL [^\n]*)\n|(PANIC[^\n]*)")


class Finding(Exception):
    pass


class Chaos(Guests):
    """One machine with its VMs; `watch` drives it."""

    def __init__(self, seed, cpu, engines=ENGINES, **more):
        self.names = ["chaos%d" % i for i in range(len(engines))]
        sections = [vm("bystander", "bystander", "ring=3 every=5000", "auto")]
        sections += [vm(n, "chaos", "seed=%d" % (seed + i), e, on_triple_fault="reset", verify="no")
                     for i, (n, e) in enumerate(zip(self.names, engines))]
        super().__init__(sections, cpu, **more)
        self.rounds = dict.fromkeys(self.names, 0)  # of starts that are over, and of this one
        self.now = dict.fromkeys(self.names, 0)
        self.resets = self.nudges = self.errors = 0
        self.sums = []
        self.heard = dict.fromkeys(self.names, time.monotonic())

    def done(self, name):
        return self.rounds[name] + self.now[name]

    def reset(self, name):
        self.nudges += 1
        self.heard[name] = time.monotonic()
        self.process.send("reset %s\r" % name)

    def event(self, name, what, rounds):
        if name == "bystander":
            self.sums.append(what)
            return
        self.heard[name] = time.monotonic()
        if rounds:
            self.now[name] = int(rounds)
        elif what.startswith("CHAOS start"):
            self.rounds[name] += self.now[name]
            self.now[name] = 0
        elif what.startswith("reset"):
            self.resets += 1
        elif what.startswith("halted"):
            self.reset(name)
        elif what.startswith("stopped: the processor errs"):  # QEMU's TCG obeys an IRET with VM set
            self.errors += 1
            self.reset(name)
        elif what.startswith(("stopped", "FAIL")):
            raise Finding("%s: %s" % (name, what))

    def watch(self, enough):
        """Until enough() says so; a silent bystander or a panic is a finding."""
        quiet = 0
        while not enough():
            try:
                self.process.expect(EVENT, timeout=SILENCE)
                quiet = 0
            except pexpect.TIMEOUT:
                quiet += 1
                if quiet == 10:
                    raise Finding("nothing is heard of any VM any more") from None
                self.nudge_silent()
                continue
            except pexpect.EOF:
                raise Finding("the emulator ended:\n" + self.process.before[-2000:]) from None
            m = self.process.match
            if m[5]:
                self.process.expect([pexpect.TIMEOUT, pexpect.EOF, "end of panic"], timeout=5)
                raise Finding(m[5] + self.process.before)
            self.event(m[1], m[2].strip(), m[3])
            self.nudge_silent()

    def nudge_silent(self):
        for name in self.names:
            if time.monotonic() - self.heard[name] > SILENCE:
                self.reset(name)

    def verdict(self):
        """The bystander goes on, its sums are right, the monitor answers, isolation holds."""
        sums = len(self.sums)
        self.watch(lambda: len(self.sums) > sums)
        check_bystander(self.sums)
        for name in self.names:
            self.process.send("pause %s\r" % name)
            self.process.expect("%s: paused" % name)
        for name in self.names:
            self.process.send("isolation %s\r" % name)
            self.process.expect("%s: isolation holds" % name)


def run(seed, cpu, enough):
    """One machine until enough(machine); returns it with its counts."""
    with Chaos(seed, cpu, name="chaos-%d" % seed) as m:
        m.expect("bystander: SUM [^\n]*\n")
        m.prompt()
        m.watch(lambda: enough(m))
        m.verdict()
    return m


def main():
    p = argparse.ArgumentParser(description="fuzzing kernels for a long time")
    p.add_argument("--minutes", type=float, default=60)
    p.add_argument("--each", type=float, default=5, help="minutes that a machine runs")
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--cpus", default=";".join(CPUS))
    options = p.parse_args()
    end = time.monotonic() + options.minutes * 60
    cpus = options.cpus.split(";")
    seed, machines, rounds, resets, sums = options.seed, 0, 0, 0, 0
    while time.monotonic() < end:
        cpu = cpus[machines % len(cpus)]
        stop = min(end, time.monotonic() + options.each * 60)
        print("seed %d, -cpu %s" % (seed, cpu), flush=True)
        try:
            m = run(seed, cpu, lambda _: time.monotonic() > stop)
        except (Finding, AssertionError, pexpect.ExceptionPexpect) as e:
            print("FINDING with seed %d, -cpu %s: %s\n(log: build/logs/chaos-%d.log)" % (seed, cpu, e, seed))
            return 1
        machines += 1
        rounds += sum(m.done(n) for n in m.names)
        resets += m.resets
        sums += len(m.sums)
        seed += 100
        print("  %s rounds, %d resets, %d of them by hand, %d times the processor erred, %d sums of the bystander right" % (
            ", ".join("%s %d" % (e, m.done(n)) for e, n in zip(ENGINES, m.names)), m.resets, m.nudges, m.errors,
            len(m.sums)), flush=True)
    print("attack-long: %d machines, %d rounds, %d resets, %d sums right, no finding" % (machines, rounds, resets, sums))
    return 0


if __name__ == "__main__":
    sys.exit(main())
