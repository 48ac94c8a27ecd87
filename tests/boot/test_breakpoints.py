# SPDX-License-Identifier: MIT
"""A debugger's breakpoints and single steps (tests/guests/breakpoints.c) from every engine: the
same #DBs as on bare QEMU, and pages without a breakpoint run as if there were none."""
from guests import PLACES, Guests, bare_lines, compared, vm

# The guest's last loop has 200,000 turns with breakpoints on other pages. Everything else takes
# 2,400 to 6,300 dispatches.
DISPATCHES = 20000


def test_breakpoints():
    name = {p: "breakpoints-" + p for p in PLACES}
    sections = [vm("bystander", "bystander", "ring=3", "auto")]
    sections += [vm(name[p], "breakpoints", "ring=%d" % PLACES[p][1], PLACES[p][0]) for p in PLACES]
    with Guests(sections) as m:
        m.wait_stopped(name.values())
        m.quiet("bystander")
        for p in PLACES:
            lines = [line for line in m.lines(name[p]) if not line.startswith(("16M,", "stopped:"))]
            assert compared(lines) == bare_lines("breakpoints", "ring=%d" % PLACES[p][1], "max"), p
            counters = m.counters(name[p])
            assert counters["recomp.dispatches"] < DISPATCHES, p
            if p == "raw3":  # where the processor's own debug registers and TF do it
                assert counters["rawexit.debug"] > 100 and counters.get("rawexit.pf_slow",
                                                                        0) == 0, counters
