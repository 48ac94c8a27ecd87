# SPDX-License-Identifier: MIT
"""Small systems of our own that use a PC as old software does, each a floppy that SeaBIOS boots. They print the lines of bare
QEMU under each engine, and what QEMU does not know (limits of segments) as the manual says.

Alone:  /usr/bin/python3 -m pytest tests/boot/test_zoo.py
"""
import functools
import os

import pytest

from guests import Guests, bare_lines_of, build, compared
from machine import GUESTS, ICOUNT

ENGINES = {"auto": "no", "recompile-all": "yes"}
# Lines that bare QEMU does not print so.
ALONE = {"realmode": ["  limits d d c 6"], "chips16": [], "emm": []}


@functools.lru_cache(maxsize=None)
def bare_lines(guest, *drives):
    return bare_lines_of(guest, [*drives, "-cpu", "max,-apic", "-M", "pc,usb=off,hpet=off", "-nodefaults", "-vga", "std",
                                 *["-device", "isa-serial"] * 3, "-snapshot", "-fda"])


def section(guest, engine):
    return ("[vm %s]\nmemory = 16M\nfloppy = %s\nboot = floppy\nengine = %s\nverify = %s\nserial0 = log\ndebug_exit = yes\n"
            % (engine, guest, engine, ENGINES[engine]))


@pytest.mark.parametrize("guest", ["realmode", "chips16", "emm"])
def test_zoo(guest):
    build()
    with Guests(["[ringleader]\nexit = poweroff\n", *[section(guest, engine) for engine in ENGINES]]) as m:
        m.wait_stopped(ENGINES)
        for engine in ENGINES:
            lines = m.lines(engine)
            printed = [line for line in lines[lines.index("loaded from 00"):] if not line.startswith(("debug port", "stopped"))]
            assert compared(printed) == bare_lines(guest), engine
            assert [line for line in printed if line.startswith("  ")] == ALONE[guest], engine


def test_bios():
    """A floppy asks the BIOS for its screen, hard disk and CD, which hold the same image."""
    build()
    with open(os.path.join(GUESTS, "bios16"), "rb") as f:
        image = f.read()
    drive = "file=%s,format=raw,if=ide,index=" % os.path.join(GUESTS, "bios16")
    with Guests(["[ringleader]\nexit = poweroff\n", *[section("bios16", engine) + "disk0 = hd%d.img\ncdrom = cd%d.img\n" % (n, n)
                                                      for n, engine in enumerate(ENGINES)]],
                files={"%s%d.img" % (kind, n): image for kind in ("hd", "cd") for n in range(len(ENGINES))}) as m:
        m.wait_stopped(ENGINES)
        for engine in ENGINES:
            lines = m.lines(engine)
            printed = [line for line in lines[lines.index("loaded from 00"):] if not line.startswith(("debug port", "stopped"))]
            bare = bare_lines("bios16", "-drive", drive + "0", "-drive", drive + "2,media=cdrom", "-boot", "a")
            assert compared(printed) == bare, engine


def test_idle():
    """A program that only asks for a key uses little of the processor with idle = detect, and all of it without; counted under
    -icount, so no host changes it."""
    build()
    kinds = {"asks": "hlt", "dozes": "detect"}
    with Guests([section("idle16", "auto").replace("auto]", name + "]") + "idle = %s\n" % idle for name, idle in kinds.items()],
                extra=ICOUNT) as m:
        m.wait_stopped(kinds)
        m.prompt()
        used = {}
        for name in kinds:
            assert [line for line in m.lines(name) if line.startswith("key")] == ["key 1e 61 28"], name
            count = m.counters(name)
            cycles = sum(n for key, n in count.items() if key.startswith("state.") and key.endswith(".cycles"))
            used[name] = cycles / count["vm.time_ns"]  # a cycle is a nanosecond here
            assert bool(count["vcpu.dozes"]) == (name == "dozes"), count
        print(used)
        assert used["dozes"] < 0.1 and used["asks"] > 0.5, used
