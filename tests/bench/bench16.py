# SPDX-License-Identifier: MIT
"""What 16-bit code costs: the workloads of tests/guests/boot/bench16.asm,
ours over bare QEMU, as a table.

    bench16.py [--runs 5] [--engines auto]

Instructions: each side once under QEMU's -icount, where the guest's TSC counts executed
instructions, the monitor's among them. Time: by the TSC, medians of runs that alternate. --runs 0:
instructions only. Checksums must be the same everywhere.
"""
import argparse
import os
import re
import statistics
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))),
                                "boot"))
from guests import Guests, bare_lines_of, build  # noqa: E402

ICOUNT = ["-icount", "shift=0,sleep=off"]
BARE = ["-cpu", "max", "-M", "pc,usb=off", "-nodefaults", "-vga", "std", "-snapshot"]
# name: what the table calls it, bar
ROWS = {
    "sieve": ("real mode, sieve", 1.2),
    "compiled": ("real mode, as compiled", 1.2),
    "calls-real": ("system calls, real mode", None),
    "calls-pm16": ("system calls, 16-bit protected", 2),
    "calls-v86-iopl3": ("system calls, V86, IOPL 3", 2),
    "calls-v86-iopl0": ("system calls, V86, IOPL 0", 2),
    "calls-bios": ("BIOS calls out of protected mode", 4),
}


def run(engine, extra):
    """{name: (checksum, cost)} of one side."""
    if engine is None:
        lines = bare_lines_of("bench16", [*BARE, *extra, "-fda"])
    else:
        with Guests(["[ringleader]\nexit = poweroff\n[vm %s]\nmemory = 16M\nfloppy = bench16\n"
                     "boot = floppy\nengine = %s\nserial0 = log\ndebug_exit = yes\n"
                     % (engine, engine)], extra=extra, name="bench16") as m:
            m.wait_stopped([engine])
            lines = m.lines(engine)
    found = [re.match(r"bench (\S+) (\w\w \w\w) ([\w ]+)$", line) for line in lines]
    return {m[1]: (m[2], int(m[3].replace(" ", ""), 16)) for m in found if m}


def check(figures, bare):
    ours = {n: v[0] for n, v in figures.items()}
    if ours != {n: v[0] for n, v in bare.items()} or set(bare) != set(ROWS):
        raise SystemExit("bench16: checksums differ: %r %r" % (figures, bare))
    return {n: v[1] for n, v in figures.items()}


def main():
    p = argparse.ArgumentParser(description="16-bit code, ours over bare QEMU")
    p.add_argument("--runs", type=int, default=5)
    p.add_argument("--engines", default="auto")
    options = p.parse_args()
    build()
    engines = options.engines.split(",")
    sides = [None, *engines]
    bare = run(None, ICOUNT)
    counted = {side: check(run(side, ICOUNT) if side else bare, bare) for side in sides}
    times = {side: {n: [] for n in ROWS} for side in sides}
    for _ in range(options.runs):
        for side in sides:
            for name, value in check(run(side, []), bare).items():
                times[side][name].append(value)
    missed = 0
    print("%-32s %10s" % ("instructions, time (over bare)", "bare, M")
          + "".join("%16s" % e for e in engines) + "   bar")
    for name, (label, bar) in ROWS.items():
        line = "%-32s %10.1f" % (label, counted[None][name] / 1e6)
        for e in engines:
            time = (statistics.median(times[e][name]) / statistics.median(times[None][name])
                    if options.runs else 0)
            line += "%9.2f,%6s" % (counted[e][name] / counted[None][name],
                                   "%.2f" % time if options.runs else "-")
        failed = bar and counted[engines[0]][name] / counted[None][name] > bar
        missed += bool(failed)
        print(line + ("   %s%s" % (bar, "  MISSED" if failed else "") if bar else "   report"))
    print("%d bars missed, load %.1f" % (missed, os.getloadavg()[0]))


if __name__ == "__main__":
    main()
