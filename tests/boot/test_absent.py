# SPDX-License-Identifier: MIT
"""Memory that is not there (tests/guests/absent.c): the same lines as on bare QEMU, by every
engine, and what an access costs.

Under -icount a cycle is a nanosecond, and each instruction takes one, the monitor's included.
"""
import re

import pytest

from guests import PLACES, Guests, bare_lines, compared, vm
from machine import ICOUNT

# In thousands: of 42 million elements, 2.6 million, 262,144, and a million.
LIMITS = {"rep stosd": 80000, "rep movsd within": 8000, "rep movsd from RAM": 40000,
          "stores": 100000}


@pytest.mark.parametrize("place", PLACES)
def test_absent(place):
    engine, ring = PLACES[place]
    with Guests([vm("absent", "absent", "ring=%d" % ring, engine)], extra=ICOUNT) as m:
        m.wait_stopped(["absent"])
        lines = [s for s in m.lines("absent") if not s.startswith(("16M,", "stopped:"))]
    took = {what: int(n) for what, n in re.findall(r"^  ([a-zA-Z ]+): (\d+)$", "\n".join(lines),
                                                   re.M)}
    print(took)
    assert compared(lines) == bare_lines("absent", "ring=%d" % ring, "max")
    assert took.keys() == LIMITS.keys()
    assert all(took[what] < LIMITS[what] for what in LIMITS), took
