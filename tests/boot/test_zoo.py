# SPDX-License-Identifier: MIT
"""Small systems of our own that use a PC as old software does, each a floppy that SeaBIOS boots.
They print the lines of bare QEMU under each engine, and what QEMU does not know (limits of
segments) as the manual says. `make check-zoo` runs the protected-mode ones on all engines, with and
without an APIC.

Alone:  /usr/bin/python3 -m pytest tests/boot/test_zoo.py
"""
import functools
import os

import pytest

from guests import Guests, bare_lines_of, build, compared
from machine import GUESTS, ICOUNT

ENGINES = {"auto": "no", "recompile-all": "yes"}
# Lines that bare QEMU does not print so.
ALONE = {"realmode": ["  limits d d c 6"], "chips16": ["  locked 1a"], "emm": []}
# Ways that back16 is reset, and with which codes in CMOS.
BACK = {"keyboard controller": "05 0a 0b 0c", "output port": "0a", "port 92h": "05 0a",
        "port CF9h": "0a", "triple fault": "05 0a"}

# The protected-mode zoo likewise: tests/guests/zoo and three of tests/guests/boot. Raw ring 3 of a
# machine that is TCG's knows no limits either, so these lines are of recompile-all.
ZOO = {
    "extender": ["  limits 00 0d 00 00 00 0d 00 00"], "entries": [], "tiny": [],
    "zoo-tasks.img": ["  SS not present: 12:00000208 in the new task",
                      "  T bit: 1 traps, dr6 ffff8ff0",
                      "  16-bit task: ax 00004323, sp 00000700, flags 00004006;"
                      " in its TSS 00004324 00000030"],
    "zoo-pager.img": ["  PAE, reserved: 14:0000000d cr2 40003000"],
    "zoo-traps.img": ["  RF in a fault's frame: 1", "  GD: 1, dr6 ffff2ff0, dr7 00000400",
                      "  x87 errors, NE 0, ring 0: ok IRQ 13 3, #MF 0",
              "  x87 errors, NE 0, ring 3: ok IRQ 13 3, #MF 0", "  SYSENTER stepped: 15, 703b0e28"],
    "zoo-v8086.img": ["  traps: int 262 pushf 0 ports 123 int 21h 0 steps 000002a2"] * 2,
    "zoo-rings.img": ["  stack not present 12:00000108 cpl 3",
                      "  stack too small 12:00000108 cpl 3",
              "  inner stack not present: ok d1d1d1d1 12",
                      "  limit bytes:x....x....xx...xx...xxxx.xxxx.",
              "  limit pages:x....x....xx...xx...xxxx.xxxx.",
                      "  limit down:...xx...xx...xx...xx...xx...xx",
              "  limit down, pages:...xx...xx...xx...xx...xx...xx",
                      "  limit down, 64 KiB:xx...xx...xxx..xxx..xxxxxxxxxx"],
}
FULL = os.environ.get("ZOO") == "full"  # make check-zoo


@functools.lru_cache(maxsize=None)
def bare_lines(guest, *drives, apic="yes"):
    cpu, board = ("max", "pc,usb=off") if apic == "yes" else ("max,-apic", "pc,usb=off,hpet=off")
    return bare_lines_of(guest, [*drives, "-cpu", cpu, "-M", board, "-nodefaults", "-vga", "std",
                                 *["-device", "isa-serial"] * 3, "-snapshot", "-fda"])


def section(guest, engine, name=None, more=""):
    return ("[vm %s]\nmemory = 16M\nfloppy = %s\nboot = floppy\nengine = %s\nverify = %s\n"
            "serial0 = log\ndebug_exit = yes\n%s"
            % (name or engine, guest, engine, ENGINES.get(engine, "no"), more))


def printed_by(m, name):
    lines = m.lines(name)
    return [line for line in lines[lines.index("loaded from 00"):]
            if not line.startswith(("debug port", "stopped"))]


@pytest.mark.parametrize("guest", ["realmode", "chips16", "emm"])
def test_zoo(guest):
    build()
    with Guests(["[ringleader]\nexit = poweroff\n",
                 *[section(guest, engine) for engine in ENGINES]]) as m:
        m.wait_stopped(ENGINES)
        for engine in ENGINES:
            printed = printed_by(m, engine)
            assert compared(printed) == bare_lines(guest), engine
            assert [line for line in printed if line.startswith("  ")] == ALONE[guest], engine


@pytest.mark.parametrize("apic", ["yes", "no"] if FULL else ["yes"])
@pytest.mark.parametrize("engines",
                         [["auto", "recompile-all"], ["ring1", "recompile"]] if FULL
                         else [list(ENGINES)],
                         ids=lambda engines: "+".join(engines))
def test_protected(engines, apic):
    """The protected-mode zoo, all of it on one machine."""
    build()
    vms = {"%s-%s" % (guest.split(".")[0], engine): (guest, engine) for guest in ZOO
           for engine in engines}
    with Guests(["[ringleader]\nexit = poweroff\n", *[section(guest, engine, name,
                                                              "apic = %s\n" % apic)
                                                     for name, (guest,
                                                                engine) in vms.items()]]) as m:
        m.wait_stopped(vms)
        for name, (guest, engine) in vms.items():
            printed = printed_by(m, name)
            assert compared(printed) == bare_lines(guest, apic=apic), name
            if engine == "recompile-all":
                assert [line for line in printed if line.startswith("  ")
                        and " attempts" not in line] == ZOO[guest], name


def test_bios():
    """A floppy asks the BIOS for its screen, hard disk and CD, which hold the same image."""
    build()
    with open(os.path.join(GUESTS, "bios16"), "rb") as f:
        image = f.read()
    drive = "file=%s,format=raw,if=ide,index=" % os.path.join(GUESTS, "bios16")
    with Guests(["[ringleader]\nexit = poweroff\n", *[
                    section("bios16", engine) + "disk0 = hd%d.img\ncdrom = cd%d.img\n" % (n, n)
                    for n, engine in enumerate(ENGINES)]],
                files={"%s%d.img" % (kind, n): image for kind in ("hd", "cd")
                       for n in range(len(ENGINES))}) as m:
        m.wait_stopped(ENGINES)
        for engine in ENGINES:
            printed = printed_by(m, engine)
            bare = bare_lines("bios16", "-drive", drive + "0", "-drive", drive + "2,media=cdrom",
                              "-boot", "a")
            assert compared(printed) == bare, engine


def test_idle():
    """A program that only asks for a key uses little of the processor with idle = detect, and all
    of it without; counted under -icount, so no host changes it."""
    build()
    kinds = {"asks": "hlt", "dozes": "detect"}
    with Guests([section("idle16", "auto").replace("auto]", name + "]") + "idle = %s\n" % idle
                 for name, idle in kinds.items()],
                extra=ICOUNT) as m:
        m.wait_stopped(kinds)
        m.prompt()
        used = {}
        for name in kinds:
            assert [line for line in m.lines(name)
                    if line.startswith("key")] == ["key 1e 61 28"], name
            count = m.counters(name)
            cycles = sum(n for key,
                         n in count.items() if key.startswith("state.") and key.endswith(".cycles"))
            used[name] = cycles / count["vm.time_ns"]  # a cycle is a nanosecond here
            assert bool(count["vcpu.dozes"]) == (name == "dozes"), count
        print(used)
        assert used["dozes"] < 0.1 and used["asks"] > 0.5, used


def test_back():
    """INIT by each of its ways lets a program come back from protected mode
    (tests/guests/boot/back16.asm), as the local APIC's does on bare QEMU."""
    build()
    bare = [line for line in bare_lines("back16") if line.startswith("local APIC ")]
    assert len(bare) == 4 and all(" memory be ef " in line for line in bare), bare
    by_code = {line.split()[2]: line[len("local APIC "):] for line in bare}
    with Guests(["[ringleader]\nexit = poweroff\n",
                 *[section("back16", engine) for engine in ENGINES]]) as m:
        m.wait_stopped(ENGINES)
        for engine in ENGINES:
            lines = m.lines(engine)  # on a fast host too many a second to report each
            printed = [line for line in lines[lines.index("loaded from 00"):]
                       if not line.startswith(("debug port", "stopped", "reset: "))]
            expected = ["loaded from 00", *bare]
            expected += ["%s %s" % (way, by_code[code]) for way,
                         codes in BACK.items() for code in codes.split()]
            assert compared(printed) == [*expected, "many be ef", "done"], engine


def test_speed():
    """A program that takes whatever it gets, with speed = N%, executes that share, in turns of its
    share of a millisecond; counted under -icount. A cycle is a nanosecond here, and an
    instruction."""
    shares = {"little": 0.05, "more": 0.15}
    with Guests([section("idle16", "auto").replace("auto]",
                                                   name + "]") + "speed = %d%%\n" % (100 * share)
                 for name, share in shares.items()], extra=ICOUNT) as m:
        m.wait_stopped(shares)
        m.prompt()
        for name, share in shares.items():
            assert [line for line in m.lines(name)
                    if line.startswith("key")] == ["key 1e 61 28"], name
            count = m.counters(name)
            cycles = sum(n for key,
                         n in count.items() if key.startswith("state.") and key.endswith(".cycles"))
            used = cycles / count["vm.time_ns"]
            print(name, used, count["vcpu.slices"])
            assert 0.9 * share < used < 1.05 * share, (name, used)
            assert count["vcpu.slices"] > 0.8 * count["vm.time_ns"] / 1e6, count
