# SPDX-License-Identifier: MIT
"""What the monitor costs: the same kernel, initramfs and programs on ours and on bare QEMU, and the figures side by side.

    bench.py [--runs 5] [--cpu max] [--engines auto,ring1,recompile] [--kernel vmlinuz-686]

Runs alternate (bare, then each engine, and again), each a fresh machine; the table shows medians. Times of programs are the
guest's own (CLOCK_MONOTONIC); a machine whose clock, over all programs together, is off ours by more than 2 % and half a second
ends the run with an error: a slow clock would flatter. The machine should have nothing else to do, so the load of the last
minute (ours is about 1) is printed with the table. Boot is taken from the line that is printed just before the kernel is entered ("Booting from ROM" of SeaBIOS, the VM's start line of
ours) to the shell's prompt; the kernel's delays are in it (lpj= does not shorten them: this kernel delays by the TSC). The guest
has 256M on both sides.
"""
import argparse
import os
import re
import statistics
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "boot"))
from machine import BareMachine, Machine, debian  # noqa: E402

KERNEL_WORK = ("forkwait 200 /bin/cpuid >/dev/null; find / -xdev -type f >/dev/null; tar c /bin/busybox /lib | gzip | gzip -t;"
               "i=0; while [ $i -lt 20 ]; do cat /proc/meminfo | sort | wc -l >/dev/null; i=$((i+1)); done")
# name in the output of the program: command, what the table calls it, the bar (ours over bare) or None to report only
PROGRAMS = [
    ("loops-int", "loops int 1000000", "user code, integer", 1.05),
    ("loops-fp", "loops fp 400000", "user code, floating point", 1.05),
    ("loops-mem", "loops mem 1000", "user code, memory", 1.05),
    ("kernel", "stopwatch kernel /bin/sh -c '%s'" % KERNEL_WORK, "kernel-heavy work", 3),
    ("getppid", "getppid 100000", "getppid", 5),
    ("forkwait", "forkwait 200", "fork + wait", 6),
    ("pipe", "pipe 5000", "pipe ping-pong", None),
    ("mmap", "mmap 40", "mmap + touch", None),
]
BOOT = ("boot", None, "boot, kernel entry to shell", 2.5)
CLOCK_ERROR, CLOCK_READING = 0.02, 0.5


def start(engine, options):
    """The machine, and the pattern after which its kernel is entered."""
    name = "bench-%s" % (engine or "bare")
    if engine is None:
        return BareMachine(options.kernel, cpu=options.cpu, name=name), "Booting from ROM"
    return Machine(debian(options.kernel, engine), cpu=options.cpu, name=name), r"debian: 256M, engine"


def stop(machine):
    machine.process.send("poweroff -f\r")
    machine.ended()


def boot(machine, entered):
    machine.expect(entered)
    begin = time.monotonic()
    machine.shell()
    return time.monotonic() - begin


def program(machine, name, command, sums):
    """Seconds by the guest's clock; checksums must be the same in every run and on both sides."""
    out = machine.run(command)
    for found in re.findall(r"^sum (\S+) (\S+)$", out, re.MULTILINE):
        if sums.setdefault(found[0], found[1]) != found[1]:
            raise SystemExit("bench: %s: checksum %s, expected %s" % (found[0], found[1], sums[found[0]]))
    return int(re.search(r"^bench %s \d+ us (\d+)$" % name, out, re.MULTILINE).group(1)) / 1e6


def clocks(machine):
    """The guest's clock and ours, at the same moment as nearly as the serial line allows."""
    before = time.monotonic()
    guest = float(machine.run("cat /proc/uptime").split()[0])
    return guest, (before + time.monotonic()) / 2


def programs(machine, side, sums):
    guest0, ours0 = clocks(machine)
    figures = {name: program(machine, name, command, sums) for name, command, _, _ in PROGRAMS}
    guest1, ours1 = clocks(machine)
    guest, ours = guest1 - guest0, ours1 - ours0
    if abs(guest - ours) > ours * CLOCK_ERROR + CLOCK_READING:
        raise SystemExit("bench: %s: the guest's clock says %.2f s, ours %.2f s" % (side, guest, ours))
    return figures


def one_run(engine, options, sums):
    """All figures of one side: {name: seconds}."""
    machine, entered = start(engine, options)
    with machine as m:
        figures = {"boot": boot(m, entered), **programs(m, engine or "bare", sums)}
        stop(m)
    return figures


def spread(values):
    return "%.2f..%.2f" % (min(values), max(values))


def table(results, engines):
    """Lines of the table, and how many bars were missed by the first engine."""
    missed = 0
    median = {side: {n: statistics.median(v) for n, v in figures.items()} for side, figures in results.items()}
    yield "%-28s %9s" % ("seconds (ours over bare)", "bare") + "".join("%19s" % e for e in engines) + "   bar"
    for name, _, label, bar in [BOOT, *PROGRAMS]:
        line = "%-28s %9.3f" % (label, median[None][name])
        for e in engines:
            line += "%10.3f (%6.2f)" % (median[e][name], median[e][name] / median[None][name])
        over = bar and median[engines[0]][name] / median[None][name] > bar
        missed += bool(over)
        yield line + ("   %s%s" % (bar, "  MISSED" if over else "") if bar else "   report")
    if {"auto", "ring1", "recompile"} <= set(engines):
        best = min(median["ring1"]["kernel"], median["recompile"]["kernel"])
        ratio = median["auto"]["kernel"] / best
        missed += ratio > 1.1
        yield "%-28s %9.2f   1.1%s" % ("auto over the better engine", ratio, "  MISSED" if ratio > 1.1 else "")
    size = os.path.getsize(os.path.join(ROOT, "build", "ringleader.elf")) / (1 << 20)
    missed += size > 2
    yield "%-28s %9.2f MiB   2%s" % ("monitor's image with Zydis", size, "  MISSED" if size > 2 else "")
    yield "%d bars missed" % missed


def main():
    p = argparse.ArgumentParser(description="ours over bare QEMU")
    p.add_argument("--runs", type=int, default=5)
    p.add_argument("--cpu", default="max")
    p.add_argument("--engines", default="auto,ring1,recompile")
    p.add_argument("--kernel", default="vmlinuz-686")
    options = p.parse_args()
    engines = options.engines.split(",")
    results, sums = {side: {} for side in [None, *engines]}, {}
    for run in range(options.runs):
        for side in results:
            print("run %d of %d: %s" % (run + 1, options.runs, side or "bare"), file=sys.stderr, flush=True)
            for name, seconds in one_run(side, options, sums).items():
                results[side].setdefault(name, []).append(seconds)
    print("-cpu %s, %s, medians of %d, load %.1f" % (options.cpu, options.kernel, options.runs, os.getloadavg()[0]))
    for line in table(results, engines):
        print(line)
    for side, figures in results.items() if options.runs > 1 else ():
        print("spread %s: %s" % (side or "bare", ", ".join("%s %s" % (n, spread(v)) for n, v in figures.items())))


if __name__ == "__main__":
    main()
