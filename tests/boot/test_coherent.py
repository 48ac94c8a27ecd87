# SPDX-License-Identifier: MIT
"""`tlb = coherent` (docs/memory.md): tests/guests/coherent.c changes its page tables and executes
no INVLPG. What a processor shows that was told by INVLPG, a coherent TLB shows without, from raw
code of both rings and from the recompiler."""
import pytest

import guests
from guests import PLACES, Guests, bare_lines_of, compared, vm

# With INVLPG none could stand there: each of them reads or writes through what it has just changed.
WITHIN_ONE = ["  rep movs, own source: new", "  rep stos, own target: new"]
WITHOUT_CALL = "  without a call: new"


def bare(ring, flush):
    guests.build()
    return bare_lines_of("coherent", ["-cpu", "max", "-kernel"],
                         ["-append", "ring=%d flush=%d bare=1" % (ring, flush)])


def section(place, tlb, flush):
    engine, ring = PLACES[place]
    return vm("%s-%s" % (place, tlb[:4]), "coherent", "ring=%d flush=%d" % (ring, flush), engine,
              tlb=tlb)


def printed(m, name):
    return [line for line in m.lines(name) if not line.startswith(("16M,", "stopped:"))]


@pytest.mark.parametrize("ring", [0, 3])
def test_bare_qemu_is_architectural(ring):
    """So the guest does see old entries where it may: else it would prove nothing."""
    told, untold = bare(ring, 1), bare(ring, 0)
    assert told[-1].endswith("0 failed") and untold != told


@pytest.mark.parametrize("ring", [0, 3])
def test_coherent(ring):
    expected = bare(ring, 1)
    places = [p for p in PLACES if PLACES[p][1] == ring]
    with Guests([section(p, "coherent", 0) for p in places] + [section(p, "architectural", 1)
                                                               for p in places]) as m:
        m.wait_stopped(["%s-%s" % (p, t) for p in places for t in ("cohe", "arch")])
        m.quiet()
        for p in places:
            assert compared(printed(m, p + "-arch")) == expected, p
            if p.startswith("raw"):
                assert m.counters(p + "-cohe")["state.%s.entries" % p] > 1000
            lines = printed(m, p + "-cohe")
            assert compared(lines) == expected, p
            for line in WITHIN_ONE + [WITHOUT_CALL]:
                assert line in lines, (p, line)
