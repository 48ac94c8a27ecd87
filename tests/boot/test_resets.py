# SPDX-License-Identifier: MIT
"""A machine that boots from a floppy by SeaBIOS is reset at any moment of its boot, in every way, by itself and from outside: it always
comes to its boot sector, and the monitor has as much memory as before.

Alone:  /usr/bin/python3 -m pytest tests/boot/test_resets.py; more resets: make reset-long N=1000 SEED=1
"""
import os
import random
import re
import time

from guests import Guests

# From outside, and what the prompt says then. The floppy (tests/guests/boot/resets.asm) knows some more.
WAYS = {"reset pc": "pc: reset", "out pc 0x64 0xfe": "pc: fe to port 64", "out pc 0x92 3": "pc: 3 to port 92",
        "out pc 0xcf9 4": "pc: 4 to port cf9", "out pc 0xcf9 6": "pc: 6 to port cf9"}
LOADED = r"\] pc: loaded from 00"
COUNT = int(os.environ.get("RESETS", 20))


def free_memory(m):
    """In KiB, of a machine that is being reset: it has no shadow tables then."""
    m.process.send("pause pc\r")
    m.expect("pc: paused")
    m.process.send("mem\r")
    return int(m.expect(r"(\d+) KiB free")[1])


def test_resets():
    rng = random.Random(int(os.environ.get("SEED", 1)))
    with Guests(["[vm pc]\nmemory = 16M\nfloppy = resets\nboot = floppy\nserial0 = log\n"]) as m:
        began = time.monotonic()
        m.expect(LOADED)
        boot = time.monotonic() - began  # the machine's own start in it
        m.prompt()
        free = []
        for n in range(COUNT):
            way = rng.choice(list(WAYS))
            time.sleep(rng.uniform(0, boot / 2))
            m.process.send(way + "\r")
            m.expect(re.escape(WAYS[way]), LOADED)
            if n in (COUNT // 4, COUNT - 1):
                free.append(free_memory(m))
                m.process.send("resume pc\r")
                m.expect("pc: running")
        count = m.counters("pc")
        print("resets %d, INITs %d, free %s KiB" % (count["vm.resets"], count["vm.inits"], free))
        assert count["vm.resets"] + count["vm.inits"] >= COUNT
        assert count["vm.inits"] and count["vm.resets"], count
        assert free[0] == free[1], free
