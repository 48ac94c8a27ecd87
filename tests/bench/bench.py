# SPDX-License-Identifier: MIT
"""What the monitor costs: the same kernel, initramfs and programs on ours and on bare
QEMU, and the figures side by side.

    bench.py [--runs 5] [--cpu max] [--engines auto,ring1,recompile] [--kernel vmlinuz-686]
             [--tlb architectural]

Instructions: each side once under QEMU's -icount, where one instruction is one nanosecond. They say
what the monitor adds on any host, so the bars are on them. Programs are counted by the guest's own
clock (CLOCK_MONOTONIC), the boot by QEMU's counter.

Time: runs alternate (bare, then each engine, and again), each a fresh machine; the table shows
medians. Programs by the guest's own clock; a machine whose clock, over all programs together, is
off ours by more than 2 % ends the run with an error: a slow clock would flatter. Times say what
this host makes of it (of another's instruction cache, of device accesses), and the machine should
have nothing else to do, so the load of the last minute (ours is about 1) is printed with the
table. --runs 0: instructions only.

Boot is taken from the line that is printed just before the kernel is entered ("Booting from ROM" of
SeaBIOS, the VM's start line of ours) to the shell's prompt; the kernel's delays are in it (lpj=
does not shorten them: this kernel delays by the TSC). The guest has 256M on both sides.
"""
import argparse
import os
import re
import statistics
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "boot"))
from machine import BareMachine, Machine, debian  # noqa: E402
from screen import Screen  # noqa: E402

KERNEL_WORK = ("forkwait 200 /bin/cpuid >/dev/null; find / -xdev -type f >/dev/null;"
               " tar c /bin/busybox /lib | gzip | gzip -t;"
               "i=0; while [ $i -lt 20 ]; do cat /proc/meminfo | sort | wc -l >/dev/null;"
               " i=$((i+1)); done")
# name in the output of the program: command, what the table calls it, the bar (instructions, ours
# over bare) or None to report only
PROGRAMS = [
    ("loops-int", "loops int 1000000", "user code, integer", 1.05),
    ("loops-fp", "loops fp 400000", "user code, floating point", 1.05),
    ("loops-mem", "loops mem 1000", "user code, memory", 1.05),
    ("kernel", "stopwatch kernel /bin/sh -c '%s'" % KERNEL_WORK, "kernel-heavy work", 3),
    ("getppid", "getppid 100000", "getppid", 5),
    ("forkwait", "forkwait 200", "fork + wait", 5),
    ("pipe", "pipe 5000", "pipe ping-pong", None),
    ("mmap", "mmap 40", "mmap + touch", 6),
]
BOOT = ("boot", None, "boot, kernel entry to shell", 2.5)
CLOCK_ERROR = 0.02
# Idle time waits: what passes between two commands is not counted.
ICOUNT = ["-icount", "shift=0,sleep=on"]


def start(engine, options, extra=()):
    """The machine, and the pattern after which its kernel is entered."""
    name = "bench-%s" % (engine or "bare")
    if engine is None:
        return (BareMachine(options.kernel, cpu=options.cpu, name=name, extra=extra),
                "Booting from ROM")
    return (Machine(debian(options.kernel, engine, tlb=options.tlb), cpu=options.cpu, name=name,
                    extra=extra), r"debian: 256M, engine")


def stop(machine):
    machine.process.send("poweroff -f\r")
    machine.ended()


def boot(machine, entered, clock):
    machine.expect(entered)
    begin = clock()
    machine.shell()
    return clock() - begin


def program(machine, name, command, sums):
    """Seconds by the guest's clock; checksums must be the same in every run and on both sides."""
    out = machine.run(command)
    for found in re.findall(r"^sum (\S+) (\S+)$", out, re.MULTILINE):
        if sums.setdefault(found[0], found[1]) != found[1]:
            raise SystemExit("bench: %s: checksum %s, expected %s"
                             % (found[0], found[1], sums[found[0]]))
    return int(re.search(r"^bench %s \d+ us (\d+)$" % name, out, re.MULTILINE).group(1)) / 1e6


def clocks(machine):
    """Ours, the guest's, and ours again."""
    before = time.monotonic()
    guest = float(machine.run("cat /proc/uptime").split()[0])
    return before, guest, time.monotonic()


def programs(machine, sums):
    return {name: program(machine, name, command, sums) for name, command, _, _ in PROGRAMS}


def timed_run(engine, options, sums):
    """All figures of one side: {name: seconds}."""
    machine, entered = start(engine, options)
    with machine as m:
        figures = {"boot": boot(m, entered, time.monotonic)}
        before0, guest0, after0 = clocks(m)
        figures.update(programs(m, sums))
        before1, guest1, after1 = clocks(m)
        stop(m)
    guest = guest1 - guest0
    if not (before1 - after0) * (1 - CLOCK_ERROR) < guest < (after1 - before0) * (1 + CLOCK_ERROR):
        raise SystemExit("bench: %s: the guest's clock says %.2f s, ours %.2f to %.2f s" % (
            engine or "bare", guest, before1 - after0, after1 - before0))
    return figures


def counted_run(engine, options, sums):
    """{name: 10^9 instructions}."""
    with tempfile.TemporaryDirectory() as folder:
        qemu = Screen(folder)
        machine, entered = start(engine, options, [*ICOUNT, *qemu.arguments])
        with machine as m:
            booted = boot(m, entered, lambda: qemu.command("query-replay")["icount"] / 1e9)
            figures = {"boot": booted, **programs(m, sums)}
            stop(m)
    return figures


def spread(values):
    return "%.2f..%.2f" % (min(values), max(values))


def over(figures, side, name):
    return figures[side][name] / figures[None][name]


def table(counted, timed, engines):
    """Lines of the table, and how many bars were missed by the first engine."""
    missed = 0
    yield ("%-28s %9s%9s" % ("instructions, time (over bare)", "bare, G", "s")
           + "".join("%15s" % e for e in engines) + "   bar")
    for name, _, label, bar in [BOOT, *PROGRAMS]:
        line = "%-28s   %9.3f%9s" % (label, counted[None][name],
                                     "%.3f" % timed[None][name] if timed else "-")
        for e in engines:
            line += "%8.2f,%6s" % (over(counted, e, name),
                                   "%.2f" % over(timed, e, name) if timed else "-")
        failed = bar and over(counted, engines[0], name) > bar
        missed += bool(failed)
        yield line + ("   %s%s" % (bar, "  MISSED" if failed else "") if bar else "   report")
    if {"auto", "ring1", "recompile"} <= set(engines):
        ratio = counted["auto"]["kernel"] / min(counted["ring1"]["kernel"],
                                                counted["recompile"]["kernel"])
        missed += ratio > 1.1
        yield "%-28s %9.2f   1.1%s" % ("auto over the better engine", ratio,
                                       "  MISSED" if ratio > 1.1 else "")
    size = os.path.getsize(os.path.join(ROOT, "build", "ringleader.elf")) / (1 << 20)
    missed += size > 2
    yield "%-28s %9.2f MiB   2%s" % ("monitor's image with Zydis", size,
                                     "  MISSED" if size > 2 else "")
    yield "%d bars missed" % missed


def main():
    p = argparse.ArgumentParser(description="ours over bare QEMU")
    p.add_argument("--runs", type=int, default=5)
    p.add_argument("--cpu", default="max")
    p.add_argument("--engines", default="auto,ring1,recompile")
    p.add_argument("--kernel", default="vmlinuz-686")
    p.add_argument("--tlb", default="architectural")
    options = p.parse_args()
    engines = options.engines.split(",")
    sides, sums, counted = [None, *engines], {}, {}
    for side in sides:
        print("instructions: %s" % (side or "bare"), file=sys.stderr, flush=True)
        counted[side] = counted_run(side, options, sums)
    results = {side: {} for side in sides}
    for run in range(options.runs):
        for side in sides:
            print("run %d of %d: %s" % (run + 1, options.runs, side or "bare"), file=sys.stderr,
                  flush=True)
            for name, seconds in timed_run(side, options, sums).items():
                results[side].setdefault(name, []).append(seconds)
    timed = {side: {n: statistics.median(v) for n, v in figures.items()}
             for side, figures in results.items()}
    print("-cpu %s, %s; times: medians of %d, load %.1f"
          % (options.cpu, options.kernel, options.runs, os.getloadavg()[0]))
    for line in table(counted, timed if options.runs else None, engines):
        print(line)
    for side, figures in results.items() if options.runs > 1 else ():
        print("spread %s: %s" % (side or "bare", ", ".join("%s %s" % (n, spread(v))
                                                           for n, v in figures.items())))


if __name__ == "__main__":
    main()
