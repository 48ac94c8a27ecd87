# SPDX-License-Identifier: MIT
"""Linux's selftests for x86 and QEMU's test programs for i386, in the Debian guest under each
engine and on bare QEMU: exit status and output must be the same.

    run.py [--engines auto,ring1,recompile,recompile-all] [--icount [--bar 5]]
           [--kernel vmlinuz-686] [TEST...]

Addresses are not random, so that most output is the same to the byte; normalize() takes out what is
not. exceptions.txt says what is not run or not compared, and why. Seconds are the guest's own; with
--icount a nanosecond is an instruction executed by QEMU, so that the table counts billions of
instructions and does not depend on the host; --bar fails what takes so many times bare's.
"""
import argparse
import base64
import gzip
import os
import re
import sys

import pexpect

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(ROOT, "tests", "boot"))
from machine import BareMachine, Machine, debian  # noqa: E402

PROGRAMS = os.path.join(ROOT, "build", "linux-tests", "root", "linux-tests")
LOGS = os.path.join(ROOT, "build", "logs", "linux-tests")
INITRD = "linux-tests.gz"
ENGINES = "auto,ring1,recompile,recompile-all"
NO_ANSWER = -1  # as an exit status
LIMIT = 300  # seconds of the guest's, for one program
ICOUNT = ("-icount", "shift=0,sleep=off")


class Result:
    """What a program did: exit status, normalized output, seconds."""

    def __init__(self, status, output, seconds):
        self.status, self.output, self.seconds = status, output, seconds


def exceptions():
    """{(program, engine): (kind, reason)} from lines PROGRAM ENGINES KIND REASON; kind is skip,
    output or fails."""
    found = {}
    for line in open(os.path.join(HERE, "exceptions.txt")):
        if line.strip() and not line.startswith("#"):
            program, engines, kind, reason = line.split(None, 3)
            assert kind in ("skip", "output",
                            "fails") and (kind != "fails" or engines == "bare"), line
            for engine in (ENGINES + ",bare" if engines == "all" else engines).split(","):
                found[program, engine] = (kind, reason.strip())
    return found


def normalize(text):
    """Takes out process numbers and counts of time."""
    text = re.sub(r"\b(pid|tid|PID)( ?[:=]? ?)\d+", r"\1\2N", text)
    return re.sub(r"\d+(\.\d+)? ?(ns|us|ms|s|sec|seconds)\b", "TIME", text)


def start(engine, options):
    extra = ICOUNT if options.icount else ()
    name = "linux-tests-" + engine
    if engine == "bare":
        return BareMachine(options.kernel, initrd=INITRD, name=name, extra=extra)
    # Bare QEMU has a local APIC. Without one Linux waits for RCU's ticks where a program lets a
    # breakpoint go.
    return Machine(debian(options.kernel, engine, initrd=INITRD, apic="yes"), name=name,
                   extra=extra)


def run_one(machine, program):
    out = machine.run("stopwatch run /bin/sh -c 'timeout -s KILL %d ./%s >/tmp/out 2>&1;"
                      " echo status $?'; gzip -c /tmp/out | base64"
                      % (LIMIT, program))
    status = int(re.search(r"^status (\d+)$", out, re.MULTILINE).group(1))
    time, text = re.search(r"^bench run \d+ us (\d+)\n(.*)", out, re.MULTILINE | re.DOTALL).groups()
    output = gzip.decompress(base64.b64decode(re.sub(r"[^A-Za-z0-9+/=]", "",
                                                     text))).decode("latin-1")
    with open(os.path.join(LOGS, "%s.%s" % (program, machine.side)), "w") as f:
        f.write(output)
    return Result(status, normalize(output), int(time) / 1e6)


def run_machine(engine, programs, options):
    """Takes programs from the list and runs them on one machine, until one does not come back:
    yields (program, Result)."""
    with start(engine, options) as m:
        m.side = engine
        m.shell()
        m.run("stty cols 500")  # the shell would break the echo of what run() waits for
        m.run("dmesg -n 1; echo 0 > /proc/sys/kernel/randomize_va_space; cd /linux-tests")
        while programs:
            p = programs.pop(0)
            print("%s: %s" % (engine, p), file=sys.stderr, flush=True)
            try:
                yield p, run_one(m, p)
            except pexpect.TIMEOUT:
                yield p, Result(NO_ANSWER, "", 0)
                return
        m.process.send("poweroff -f\r")
        m.ended()


def run_side(engine, programs, options, excepted):
    """{program: Result}."""
    left, results = [p for p in programs if excepted.get((p, engine), ("",))[0] != "skip"], {}
    while left:
        results.update(run_machine(engine, left, options))
    return results


def first_difference(a, b):
    for x, y in zip(a.split("\n"), b.split("\n")):
        if x != y:
            return "%r, bare %r" % (y[:70], x[:70])
    return "one is longer"


def judge(program, engine, bare, ours, excepted, bar):
    """'' or what is wrong."""
    if NO_ANSWER in (ours.status, bare.status):
        return "%s does not answer" % ("bare" if bare.status == NO_ANSWER else "the machine")
    if ours.status != bare.status:
        return "exit status %d, bare %d" % (ours.status, bare.status)
    if ours.output != bare.output and (program, engine) not in excepted:
        return first_difference(bare.output, ours.output)
    if bar and ours.seconds > bar * bare.seconds:
        return "%.2f times bare's instructions, bar %g" % (ours.seconds / bare.seconds, bar)
    return ""


def report(programs, engines, results, excepted, bar):
    """Prints the table; returns how many passed, failed and were skipped."""
    counts, notes = {"passed": 0, "failed": 0, "skipped": 0}, []
    print("%-28s %8s" % ("seconds (ours over bare)", "bare") + "".join("%18s" % e for e in engines))
    for p in programs:
        bare = results["bare"].get(p)
        if excepted.get((p, "bare"), ("",))[0] == "fails":
            bare = Result(0, results[engines[0]][p].output, bare.seconds)
        line = "%-28s %8s" % (p, "%.3f" % bare.seconds if bare else "-")
        for e in engines:
            ours = results[e].get(p)
            if not bare or not ours:
                counts["skipped"] += 1
                reason = excepted.get((p, e), excepted.get((p, "bare")))[1]
                notes.append("skipped %s, %s: %s" % (p, e, reason))
                line += "%18s" % "skipped"
                continue
            wrong = judge(p, e, bare, ours, excepted, bar)
            counts["failed" if wrong else "passed"] += 1
            if wrong:
                notes.append("FAILED %s, %s: %s" % (p, e, wrong))
            line += "%9.3f (%5.1f)%s" % (ours.seconds, ours.seconds / max(bare.seconds, 1e-6),
                                         "F" if wrong else " ")
        print(line)
    print("\n".join(notes))
    return counts


def main():
    p = argparse.ArgumentParser(description="other people's tests, ours beside bare QEMU")
    p.add_argument("--engines", default=ENGINES)
    p.add_argument("--kernel", default="vmlinuz-686")
    p.add_argument("--icount", action="store_true")
    p.add_argument("--bar", type=float)
    p.add_argument("tests", nargs="*")
    options = p.parse_args()
    if options.bar and not options.icount:
        p.error("--bar compares instructions: --icount")
    engines, excepted = options.engines.split(","), exceptions()
    os.makedirs(LOGS, exist_ok=True)
    programs = options.tests or sorted(os.listdir(PROGRAMS))
    results = {side: run_side(side, programs, options, excepted) for side in ["bare", *engines]}
    counts = report(programs, engines, results, excepted, options.bar)
    print("%(passed)d passed, %(failed)d failed, %(skipped)d skipped" % counts)
    return 1 if counts["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
