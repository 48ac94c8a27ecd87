# SPDX-License-Identifier: MIT
"""Nothing that a guest does keeps the monitor from its interrupts, or from the end of a turn, for long.

The monitor measures both itself. Under -icount an instruction is a nanosecond of the machine's time, so what it measures are
instructions, whatever the host does: see docs/engine.md.
"""
from guests import Guests, vm
from machine import ICOUNT
from test_share import STORMS, section

BOUND = 2000000  # ns, that is instructions
LATE = 15000000  # looking at a page for raw ring 1 is what takes longest: up to 4,096 times 3,000
LASTS = 60000000  # ns for each storm


def test_storms():
    """Each storm by itself: interrupts are off for less than 2 ms, and its turns end in time."""
    sections = [vm("bystander", "bystander", "ring=3 every=20000", "auto")]
    sections += [section(n) for n in range(len(STORMS))]
    found = {}
    with Guests(sections, extra=ICOUNT) as m:
        m.wait_line(r"bystander: SUM [^\n]*\n")
        m.quiet("bystander")
        for name, _ in STORMS:
            m.process.send("resume %s\r" % name)
            m.expect("%s: storm" % name)
            while m.counters(name)["vm.time_ns"] < LASTS:
                pass
            m.process.send("pause %s\r" % name)
            m.expect(name + r": (paused|stopped)")
            stat = m.counters(name)
            found[name] = stat["vcpu.irqs_off_ns"], stat["vcpu.late_ns"]
    print(found)
    assert all(off < BOUND for off, _ in found.values()), found
    assert all(late < LATE for _, late in found.values()), found
