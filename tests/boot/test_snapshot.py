# SPDX-License-Identifier: MIT
"""Machines are saved and loaded at random moments of Debian's boot and work, and go on to the same result.

MOMENTS=200 (make check-snapshots): so many under every engine. Alone: /usr/bin/python3 -m pytest tests/boot/test_snapshot.py -k moments
"""
import os
import random

import pytest

from machine import Machine, debian
from moments import moment, work

MOMENTS = int(os.environ.get("MOMENTS", 0))
SEED = int(os.environ.get("SEED", 1))
BOOT_PART = 4  # one moment of so many is in the boot
PER_WORK = 12  # moments in one piece of work


def boot_moments(m, count, rng):
    """From the loader's first line on. Where there are more than the boot lasts, the rest are at the shell."""
    m.expect("Linux version")
    for _ in range(count):
        moment(m, rng)
    m.process.send("\r")
    m.expect(r"guest:[^#]*# ")


@pytest.mark.parametrize("engine", ["auto", "ring1", "recompile", "recompile-all"] if MOMENTS else ["auto"])
def test_moments(engine):
    rng, left = random.Random(SEED), (MOMENTS or 8)
    with Machine(debian(engine=engine)) as m:
        boot_moments(m, left // BOOT_PART, rng)
        left -= left // BOOT_PART
        while left > 0:
            work(m, min(left, PER_WORK), rng.random())
            left -= PER_WORK
        assert "clocksource tsc unstable" not in m.run("dmesg").lower().replace("'", "")
        m.prompt()
        assert " debian " in m.monitor("snapshot list")
        m.guest()
        m.process.send("poweroff -f\r")
        m.expect("stopped: power off")
        m.ended()
