# SPDX-License-Identifier: MIT
"""Small systems of our own that use a PC as old software does, each a floppy that SeaBIOS boots. They print the lines of bare QEMU
under each engine, and what QEMU does not know (limits of segments) as the manual says.

Alone:  /usr/bin/python3 -m pytest tests/boot/test_zoo.py
"""
import functools

import pytest

from guests import Guests, bare_lines_of, build, compared

ENGINES = {"auto": "no", "recompile-all": "yes"}
# Lines that bare QEMU does not print so.
ALONE = {"realmode": ["  limits d d c 6"], "chips16": []}


@functools.lru_cache(maxsize=None)
def bare_lines(guest):
    return bare_lines_of(guest, ["-cpu", "max,-apic", "-M", "pc,usb=off,hpet=off", "-nodefaults", "-vga", "std",
                                 *["-device", "isa-serial"] * 3, "-snapshot", "-fda"])


def section(guest, engine):
    return ("[vm %s]\nmemory = 16M\nfloppy = %s\nboot = floppy\nengine = %s\nverify = %s\nserial0 = log\ndebug_exit = yes\n"
            % (engine, guest, engine, ENGINES[engine]))


@pytest.mark.parametrize("guest", ["realmode", "chips16"])
def test_zoo(guest):
    build()
    with Guests(["[ringleader]\nexit = poweroff\n", *[section(guest, engine) for engine in ENGINES]]) as m:
        m.wait_stopped(ENGINES)
        for engine in ENGINES:
            lines = m.lines(engine)
            printed = [line for line in lines[lines.index("loaded from 00"):] if not line.startswith(("debug port", "stopped"))]
            assert compared(printed) == bare_lines(guest), engine
            assert [line for line in printed if line.startswith("  ")] == ALONE[guest], engine
