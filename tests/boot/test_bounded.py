# SPDX-License-Identifier: MIT
"""Nothing that a guest does keeps the monitor from its interrupts, or from the end of a turn, for
long.

The monitor measures both itself. Under -icount an instruction is a nanosecond of the machine's
time, so what it measures are instructions, whatever the host does: see docs/engine.md.
"""
from guests import PLACES, Guests, bare_lines, compared, vm
from machine import ICOUNT
from test_share import CHIPS, STORM_FILES, STORMS, storm_sections

BOUND = 2000000  # ns, that is instructions
# a piece of work with interrupts on: a millisecond, and what was not known to be coming
LATE = 3000000
LASTS = 60000000  # ns for each storm


def test_storms():
    """Each storm by itself: interrupts are off for less than 2 ms, and its turns end in time."""
    sections = [vm("bystander", "bystander", "ring=3 every=20000", "auto")]
    sections += storm_sections()
    found = {}
    with Guests(sections, extra=ICOUNT, files=STORM_FILES, memory="2G") as m:
        m.wait_line(r"bystander: SUM [^\n]*\n")
        m.quiet("bystander")
        for name, _ in STORMS + CHIPS:
            m.process.send("resume %s\r" % name)
            m.expect("%s: storm" % name)
            time = 0
            while time < LASTS:
                last, time = time, m.counters(name)["vm.time_ns"]
                assert time > last, name
            m.process.send("pause %s\r" % name)
            m.expect(name + r": (paused|stopped)")
            stat = m.counters(name)
            found[name] = stat["vcpu.irqs_off_ns"], stat["vcpu.late_ns"]
    print(found)
    assert all(off < BOUND for off, _ in found.values()), found
    assert all(late < LATE for _, late in found.values()), found


# Much that is asked for at once (tests/guests/bounds.c), by place.
MUCH = [("mapped", 0, p) for p in ("raw1", "raw3",
                                   "recompiler3")] + [("rep", 1, p)
                                                      for p in ("recompiler0", "recompiler3")]
MUCH += [("tables", 2, p) for p in ("raw1", "raw3")]


def test_much_at_once():
    """A page mapped 400,000 times goes, REP on pages that check themselves, a delivery that faults
    for ever: as short."""
    names = {"%s-%s" % (name, p): ("ring=%d what=%d" % (PLACES[p][1], what), p) for name, what,
             p in MUCH}
    sections = [vm(n, "bounds", line, PLACES[p][0], memory="64M", verify="no") for n,
                (line, p) in names.items()]
    sections += [vm("misaligned", "misaligned", "ring=3", "recompile-all")]
    with Guests(sections, memory="2G", extra=ICOUNT) as m:
        m.wait_stopped(names)
        m.prompt()
        for n, (line, _) in names.items():
            said = [s for s in m.lines(n) if not s.startswith(("64M,", "stopped: "))]
            assert compared(said) == bare_lines("bounds", line, "max"), n
        found = {n: m.counters(n) for n in [*names, "misaligned"]}
    found = {n: (stat["vcpu.irqs_off_ns"], stat["vcpu.late_ns"]) for n, stat in found.items()}
    print(found)
    assert all(off < BOUND for off, _ in found.values()), found
    assert all(late < LATE for _, late in found.values()), found
