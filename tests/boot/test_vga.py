# SPDX-License-Identifier: MIT
"""The VGA draws what QEMU's draws: a guest sets modes by registers, and each picture is compared
with bare QEMU's, dot by dot.

One engine:  make guests && /usr/bin/python3 -m pytest tests/boot/test_vga.py -k auto
"""
import functools
import os

import pytest

from guests import Guests, bare_lines, build, compared, vm
from machine import GUESTS, Console, Machine
from pictures import dump, dump_sum, picture_sum, ppm
from screen import Screen
from sides import VGABIOS


class Bare(Console):
    """QEMU alone, with the guest as its kernel."""

    def __init__(self, guest, folder):
        self.screen = Screen(folder)
        super().__init__(["-cpu", "max", "-m", "64", "-vga", "std", "-serial", "stdio",
                          *self.screen.arguments,
                          "-device", "isa-debug-exit,iobase=0x501", "-kernel",
                          os.path.join(GUESTS, guest)], "bare-" + guest)

    def picture(self):
        self.screen.command("screendump", filename=self.screen.picture)
        return ppm(self.screen.picture)


def pictures(console, picture):
    """Whatever the guest shows, by name, and the lines that it prints."""
    found, lines = {}, []
    while True:
        console.expect(r"(SHOWN ([^\r\n]*)|END [^\r\n]*|planes read \w+|DISPI id[^\r\n]*)\r*\n")
        line, name = console.process.match.groups()
        lines.append(line)
        if line.startswith("END"):
            return found, lines
        if name:
            found[name] = picture(name)
            console.process.send("x")


@functools.lru_cache(maxsize=None)
def bare(folder):
    build()
    with Bare("vga_modes", folder) as q:
        return pictures(q, lambda name: q.picture())


def differs(ours, theirs):
    """The first dot that is another one; '' if none is."""
    if ours[:2] != theirs[:2]:
        return "%d by %d, QEMU has %d by %d" % (ours[:2] + theirs[:2])
    width, pixels = ours[0], range(0, len(ours[2]), 3)
    wrong = [i // 3 for i in pixels
             if ours[2][i:i + 3] != theirs[2][i:i + 3]] if ours[2] != theirs[2] else []
    if not wrong:
        return ""
    x, y = wrong[0] % width, wrong[0] // width
    return "%d dots, the first at %d, %d: %s, QEMU has %s" % (
        len(wrong), x, y, ours[2][3 * wrong[0]:][:3].hex(), theirs[2][3 * wrong[0]:][:3].hex())


@pytest.mark.parametrize("engine", ["auto", "recompile-all"])
def test_pictures(engine, tmp_path_factory):
    """Two pictures are the same if their sums are; one that is not comes whole, and so does one
    that is small."""
    theirs, their_lines = bare(str(tmp_path_factory.getbasetemp()))

    def look(name):
        if dump_sum(m, "v") == picture_sum(theirs[name]) and name != "DISPI 8":
            return ""
        return differs(dump(m, "v"), theirs[name])

    with Machine(vm("v", "vga_modes", "", engine, serial0="console")) as m:
        found, lines = pictures(m, look)
    assert lines == their_lines
    assert not any(found.values()), "\n".join("%s: %s" % pair for pair in found.items() if pair[1])
    assert len(found) > 25


def test_rom():
    """The VGA BIOS behind the expansion ROM's base address, as on bare QEMU; a VGA without it has
    no such address."""
    engines = {"auto": "auto", "translated": "recompile-all"}
    sections = [vm(name, "rom", "", engine, vgabios=VGABIOS) for name, engine in engines.items()]
    with Guests([*sections, vm("without", "rom", "", "auto")]) as m:
        m.wait_stopped([*engines, "without"])
        for name in engines:
            said = [line for line in m.lines(name) if not line.startswith(("16M,", "stopped:"))]
            assert compared(said) == bare_lines("rom", "", "max"), name
        assert "sized 00000000" in m.lines("without")
