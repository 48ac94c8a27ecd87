# SPDX-License-Identifier: MIT
"""Traps and interrupts that meet come in the processor's order: tests/guests/order.c prints the
digests of bare QEMU in every place.

With verbose=1 on the guest's command line the rows of events are printed; tests/unit/test_order.c
lets interrupts arrive at every host instruction.
"""
import re

from guests import PLACES, Guests, bare_lines, compared, vm


def test_order():
    with Guests([vm("order-" + p, "order", "ring=%d" % PLACES[p][1], PLACES[p][0])
                 for p in PLACES]) as m:
        m.wait_stopped(["order-" + p for p in PLACES])
        m.prompt()
        # digests, by ring, that differ from QEMU's, but not between engines
        others = {0: set(), 3: set()}
        for p in PLACES:
            lines = [line for line in m.lines("order-" + p)
                     if not line.startswith(("16M,", "stopped:"))]
            assert compared(lines) == bare_lines("order", "ring=%d" % PLACES[p][1], "max"), p
            others[PLACES[p][1]].add(tuple(line for line in lines
                                           if re.match("  .* digest ", line)))
            stat = m.counters("order-" + p)
            assert p not in ("raw1", "raw3") or stat["state.%s.entries" % p] > 1000
        assert all(len(digests) == 1 for digests in others.values()), others
