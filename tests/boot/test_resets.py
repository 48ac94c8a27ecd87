# SPDX-License-Identifier: MIT
"""A machine that boots from a floppy by SeaBIOS is reset at any moment of its boot, in every way,
by itself and from outside: it always comes to its boot sector, and the monitor has as much memory
as before.

An INIT, which resets the processor only, may come in the moments in which SeaBIOS has switched its
reads to RAM and has not copied itself there yet. Then the processor begins in zeros, as that of a
real machine would, and a reset has to follow. Other resets never need one.

Alone:  /usr/bin/python3 -m pytest tests/boot/test_resets.py; more resets: make reset-long N=1000
SEED=1
"""
import os
import random
import re
import time

import pexpect

from guests import Guests

# From outside, and what the prompt says then. The floppy (tests/guests/boot/resets.asm) knows some
# more.
WAYS = {"reset pc": "pc: reset", "out pc 0x64 0xfe": "pc: fe to port 64",
        "out pc 0x92 3": "pc: 3 to port 92",
        "out pc 0xcf9 4": "pc: 4 to port cf9", "out pc 0xcf9 6": "pc: 6 to port cf9"}
INITS = ["out pc 0x64 0xfe", "out pc 0x92 3", "out pc 0xcf9 4"]  # the processor's alone
LOADED = r"\] pc: loaded from 00"
LOST = 60 * 10 ** 9  # ns of the machine's own time, in which it boots some fifty times
COUNT = int(os.environ.get("RESETS", 20))


def free_memory(m):
    """In KiB, of a machine that is being reset: it has no shadow tables then."""
    m.process.send("pause pc\r")
    m.expect("pc: paused")
    m.process.send("mem\r")
    return int(m.expect(r"(\d+) KiB free")[1])


def comes_back(m):
    """To its boot sector, within its own time."""
    began = None
    while True:
        try:
            m.process.expect(LOADED, timeout=5)
            return True
        except pexpect.TIMEOUT:
            now = m.counters("pc")["vm.time_ns"]
            began = began or now
            if now - began > LOST:
                return False


def test_resets():
    rng = random.Random(int(os.environ.get("SEED", 1)))
    with Guests(["[vm pc]\nmemory = 16M\nfloppy = resets\nboot = floppy\nserial0 = log\n"]) as m:
        began = time.monotonic()
        m.expect(LOADED)
        boot = time.monotonic() - began  # the machine's own start in it
        m.prompt()
        free, lost = [], 0
        for n in range(COUNT):
            way = rng.choice(list(WAYS))
            time.sleep(rng.uniform(0, boot / 2))
            m.process.send(way + "\r")
            m.expect(re.escape(WAYS[way]))
            if not comes_back(m):
                assert way in INITS, way
                lost += 1
                m.process.send("reset pc\r")
                m.expect("pc: reset", LOADED)
            if n in (COUNT // 4, COUNT - 1):
                free.append(free_memory(m))
                m.process.send("resume pc\r")
                m.expect("pc: running")
        count = m.counters("pc")
        print("resets %d, INITs %d of which %d were too early, free %s KiB"
              % (count["vm.resets"], count["vm.inits"], lost, free))
        assert lost <= 1 + COUNT // 50, lost
        assert count["vm.resets"] + count["vm.inits"] >= COUNT
        assert count["vm.inits"] and count["vm.resets"], count
        assert free[0] == free[1], free
