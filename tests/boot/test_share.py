# SPDX-License-Identifier: MIT
"""Busy machines share the processor fairly, whatever keeps one of them busy.

What is judged is work done by the wall: rounds that a VM has computed, by the clock of the machine
that we run on. Under -icount that clock is the instructions that the machine executes, the
monitor's included, so the figures are the same on any host. Each is over what the same VM does
alone in the same run.
"""
import re

from guests import Guests, check_bystander, vm
from machine import ICOUNT

# tests/guests/storm.c: what each does, in the order of its table, and an engine to do it with.
STORMS = [
    ("spin", "auto"), ("string", "recompile"), ("scan", "recompile"), ("ports", "ring1"),
    ("faults", "ring1"),
    ("page_faults", "recompile-all"), ("nest", "ring1"), ("cr3", "auto"), ("serial", "auto"),
    ("timer", "ring1"),
    ("self_modifying", "ring1"), ("device_memory", "auto"), ("tables", "ring1"), ("idle", "auto"),
    ("halted", "auto"), ("sleepless", "auto"), ("alarm", "recompile"), ("reset", "auto"),
]
# tests/guests/chips.c, as well: the same by chips of the PC.
CHIPS = [
    ("pam", "auto"), ("vga_memory", "auto"), ("vga_modes", "auto"), ("firmware_dma", "ring1"),
    ("disk_words", "auto"),
    ("disk_dma", "auto"), ("lapic_timer", "auto"), ("lapic_self", "ring1"),
]
ASLEEP = ("idle", "halted")
FAIR = 0.45
LINES = 12  # of a figure; with 1000 rounds a line, some hundred slices of two busy VMs


def rate(m, name):
    """Rounds per second of the machine's clock, between the first of LINES lines and the last."""
    found = []
    while len(found) < LINES:
        m.wait_line(r"\[ *(\d+\.\d+)\] %s: SUM (\d+) [^\n]*\n" % name)
        found.append((float(m.process.match[1]), int(m.process.match[2])))
    return (found[-1][1] - found[0][1]) / (found[-1][0] - found[0][0])


def command(m, what, name, said):
    m.process.send("%s %s\r" % (what, name))
    m.wait_line(r"%s: (%s|stopped)" % (name, said))
    assert m.process.match[1] == said


def checked(m, name):
    return check_bystander(re.findall(name + r": (SUM \d+ \w+ \d+ \w+ ticks \d+)\r", m.text))


def test_two_busy():
    """Two compute, one raw in ring 3 and one recompiled: each gets its half, and no more."""
    with Guests([vm("one", "bystander", "ring=3 every=1000", "auto"),
                 vm("two", "bystander", "ring=0 every=1000", "recompile", autostart="no")],
                extra=ICOUNT) as m:
        alone, beside = {}, {}
        alone["one"] = rate(m, "one")
        m.prompt()
        command(m, "resume", "two", "running")
        beside["one"] = rate(m, "one")
        beside["two"] = rate(m, "two")
        command(m, "pause", "one", "paused")
        alone["two"] = rate(m, "two")
        shares = {name: beside[name] / alone[name] for name in alone}
        print(shares)
        assert all(FAIR < s < 1 - FAIR for s in shares.values()), shares
        assert checked(m, "one") and checked(m, "two")


def ticks(m):
    """Of 100 ticks' time; the second line, as the first one begins before all are there."""
    for _ in range(2):
        m.wait_line(r"late: LATE (\d+) of (\d+) ticks; held for (\d+) us[^\n]*\n")
    return int(m.process.match[1]) / int(m.process.match[2]), int(m.process.match[3])


def test_late_ticks():
    """A VM holds interrupts off for longer than a tick, but not for long by its own time: it loses
    no tick beside busy ones either (tests/guests/late_ticks.c)."""
    busy = ["busy%d" % i for i in range(3)]
    with Guests([vm("late", "late_ticks", "hold=4000 every=100", "recompile")] +
                [vm(name, "bystander", "ring=3 every=1000", "auto", autostart="no")
                 for name in busy], extra=ICOUNT) as m:
        found = [ticks(m)]
        m.prompt()
        for name in busy:
            command(m, "resume", name, "running")
            found.append(ticks(m))
    print(found)
    assert all(0.97 < kept < 1.03 for kept, _ in found), found


def storm_sections():
    """The one that is reset all the time has 6 MiB of images to be loaded each time."""
    more = {"reset": {"initrd": "vmlinuz-686"}, "lapic_timer": {"apic": "yes"},
            "lapic_self": {"apic": "yes"}}
    kinds = [("storm", STORMS, {}), ("chips", CHIPS, {"disk0": "disk.img"})]
    return [vm(name, guest, "what=%d" % n, engine, autostart="no", **keys, **more.get(name, {}))
            for guest, rows, keys in kinds for n, (name, engine) in enumerate(rows)]


STORM_FILES = {"disk.img": bytes(1 << 20)}


def test_beside_a_storm():
    """One VM computes; the other loops with interrupts off, sits in a giant REP, storms with
    faults, port accesses and more."""
    sections = [vm("bystander", "bystander", "ring=3 every=1000", "auto")]
    sections += storm_sections()
    shares = {}
    with Guests(sections, extra=ICOUNT, files=STORM_FILES, memory="2G") as m:
        m.wait_line(r"bystander: SUM [^\n]*\n")
        m.prompt()
        for name, _ in STORMS + CHIPS:
            alone = rate(m, "bystander")
            command(m, "resume", name, "storm")
            shares[name] = rate(m, "bystander") / alone
            command(m, "pause", name, "paused")
        assert checked(m, "bystander")
    print(shares)
    assert all(shares.pop(name) > 0.9 for name in ASLEEP), shares
    assert all(s > FAIR for s in shares.values()), shares
