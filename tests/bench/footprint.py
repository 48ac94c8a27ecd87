# SPDX-License-Identifier: MIT
"""What the monitor takes: instructions until the guest's first one, and memory per idle virtual
machine.

    footprint.py [--cpu max]

Instructions are counted by QEMU's -icount with one nanosecond each, so the monitor's own clock,
which is the TSC, counts them: from its first instructions in C (the few ten thousand of
boot/entry.asm come before) to the guest's first one. The table names the lines of the monitor's
log, each with the instructions since the line before. Memory is `vm list`'s OVERHEAD of one of two
idle 256 MiB machines at their shells; that it is all of it is checked by destroying the machine and
asking for free memory.
"""
import argparse
import os
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "boot"))
from machine import Machine  # noqa: E402

VM = """[vm %s]
memory  = 256M
kernel  = vmlinuz-686
initrd  = initrd.gz
cmdline = console=ttyS0
"""
INSTRUCTIONS, MEMORY = 200e6, 16 * 1024  # the bars: instructions; KiB
VIDEO = 16  # MiB of video memory, which a machine has beside its RAM


def instructions(cpu):
    """[(log line, instructions since the line before)], and their sum."""
    with Machine(VM % "debian", cpu=cpu, extra=["-icount", "shift=0,sleep=off"],
                 name="footprint-icount") as m:
        m.expect("debian: 256M, engine")
        m.prompt()
        log = m.monitor("log")
        started = int(re.search(r"vcpu.started_ns (\d+)", m.monitor("stat -m debian")).group(1))
    steps, before = [], 0
    for seconds, text in re.findall(r"^\[ *(\d+\.\d+)\] (.*)$", log, re.MULTILINE):
        now = round(float(seconds) * 1e9)
        if now > started:
            break
        if now > before:
            steps.append((text, now - before))
            before = now
    return steps + [("the first instruction", started - before)], started


def free_kib(m):
    return int(re.search(r"memory: (\d+) KiB free", m.monitor("mem")).group(1))


def memory(cpu):
    """OVERHEAD in KiB, and how far it is from what destroying the machine gives back."""
    with Machine(VM % "one" + VM % "two", cpu=cpu, name="footprint-memory") as m:
        m.shell()
        m.prompt()
        m.process.send("console two\r")
        m.shell()
        m.prompt()
        m.monitor("pause one")
        m.monitor("pause two")
        overhead, promised = map(int,
                                 re.search(r"two .*? 256M +(\d+)K +(\d+)K",
                                           m.monitor("vm list")).groups())
        before = free_kib(m)
        m.monitor("destroy two")
        return overhead, free_kib(m) - before - (256 + VIDEO) * 1024 - overhead - promised


def main():
    p = argparse.ArgumentParser(description="instructions and memory of the monitor's own")
    p.add_argument("--cpu", default="max")
    options = p.parse_args()
    steps, total = instructions(options.cpu)
    print("instructions from the boot loader to the guest's first one, -cpu %s" % options.cpu)
    for text, count in steps:
        print("  %11s  up to: %s" % (format(count, ","), text[:90]))
    print("  %11s  bar %s%s" % (format(total, ","), format(int(INSTRUCTIONS), ","),
                                "  MISSED" if total > INSTRUCTIONS else ""))
    overhead, rest = memory(options.cpu)
    print("memory per idle 256 MiB machine: %.2f MiB, bar %d%s; not counted: %d KiB" % (
        overhead / 1024, MEMORY / 1024, "  MISSED" if overhead > MEMORY else "", rest))


if __name__ == "__main__":
    main()
