# SPDX-License-Identifier: MIT
"""Attacks by small guest kernels (tests/guests) from raw ring 1, raw ring 3 and the recompiler.

Each guest prints the same lines as on bare QEMU; `stat` proves that it ran where it should; a
second VM computes sums over its memory all the while, every one of which must be right; the monitor
answers at the end, and had interrupts off for less than 2 ms at a time. docs/isolation.md lists the
attacks.
"""
import re

import pytest

from guests import PLACES, Guests, bare_lines, check_bystander, compared, vm
from machine import ICOUNT

# under -icount, where a nanosecond is an instruction,
COUNTED = [("max", "raw1"), ("max", "recompiler3")]
IRQS_OFF = 2000000  # interrupts are off for so long at most
ATTACKS = ["selectors", "addresses", "flags", "sti", "privileged", "smc", "paging", "views",
           "exhaust", "descriptors", "spaces", "lethal"]


def cmdline(place):
    return "ring=%d" % PLACES[place][1]


def check_place(place, stat, lines):
    """It ran there: an entry for nearly every attempt that trapped (a hundredth may share one with
    an interrupt)."""
    traps = int(re.search(r"(\d+) traps", "\n".join(lines))[1])
    entries = {p: stat["state.%s.entries" % p] for p in ("recompiler", "raw3", "raw1")}
    if place in ("raw1", "raw3"):
        assert entries[place] > 0.99 * traps and entries[place] > 0, (entries, traps)
    else:
        assert entries["raw1"] == entries["raw3"] == 0 and entries["recompiler"] > 0


@pytest.mark.parametrize("cpu,place", [
    ("max", "raw1"), ("max", "raw3"), ("max", "recompiler0"), ("max", "recompiler3"),
    ("qemu64", "raw3"), ("qemu64", "recompiler0"),
])
def test_attacks(cpu, place):
    engine, _ = PLACES[place]
    bare = {a: bare_lines(a, cmdline(place), cpu) for a in ATTACKS}
    sections = [vm("bystander", "bystander", "ring=3", "auto")]
    sections += [vm(a, a, cmdline(place), engine, on_triple_fault="reset") for a in ATTACKS]
    counted = (cpu, place) in COUNTED
    with Guests(sections, cpu, extra=ICOUNT if counted else ()) as m:
        m.wait_stopped(ATTACKS)
        m.wait_line(r"bystander: SUM [^\n]*\n")
        m.quiet("bystander")
        for a in ATTACKS:
            # those are the monitor's
            lines = [line for line in m.lines(a)[1:-1] if not line.startswith("reset: ")]
            assert compared(lines) == bare[a], a
            check_place(place, m.counters(a), lines)
            m.process.send("isolation %s\r" % a)
            m.expect(r"%s: isolation holds" % a)
        assert check_bystander([line for line in m.lines("bystander")
                                if line.startswith("SUM")]) >= 2
        off = {a: m.counters(a)["vcpu.irqs_off_ns"] for a in ATTACKS}
        print(off)
        assert not counted or m.counters("bystander")["monitor.irqs_off_ns"] < IRQS_OFF, off
