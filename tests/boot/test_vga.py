# SPDX-License-Identifier: MIT
"""The VGA draws what QEMU's draws: a guest sets modes by registers, and each picture is compared with bare QEMU's, dot by dot.

One engine:  make guests && /usr/bin/python3 -m pytest tests/boot/test_vga.py -k auto
"""
import functools
import importlib.machinery
import importlib.util
import os
import re

import pytest

from guests import build, vm
from machine import GUESTS, ROOT, Console, Machine
from screen import Screen


def screen_file():
    """iso/screen-file as a module: it has no ending."""
    path = os.path.join(ROOT, "iso/screen-file")
    loader = importlib.machinery.SourceFileLoader("screen_file", path)
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("screen_file", loader))
    loader.exec_module(module)
    return module


decode = screen_file()


def ppm(path):
    with open(path, "rb") as f:
        data = f.read()
    width, height = map(int, re.match(rb"P6\s(\d+)\s(\d+)\s255\s", data).groups())
    return width, height, data[-3 * width * height:]


class Bare(Console):
    """QEMU alone, with the guest as its kernel."""

    def __init__(self, guest, folder):
        self.screen = Screen(folder)
        super().__init__(["-cpu", "max", "-m", "64", "-vga", "std", "-serial", "stdio", *self.screen.arguments,
                          "-device", "isa-debug-exit,iobase=0x501", "-kernel", os.path.join(GUESTS, guest)], "bare-" + guest)

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
            found[name] = picture()
            console.process.send("x")


@functools.lru_cache(maxsize=None)
def bare(folder):
    build()
    with Bare("vga_modes", folder) as q:
        return pictures(q, q.picture)


def dump(m, name):
    """screendump at the prompt, and back to the guest."""
    m.prompt()
    m.process.send("screendump %s\r" % name)
    m.expect(r"=== screen %s \d+ bytes ===" % name)
    head = m.process.after
    m.process.expect_exact("=== end ===", searchwindowsize=100)
    found = decode.picture(decode.stream((head + m.process.before).encode()))
    m.guest()
    return found


def differs(ours, theirs):
    """The first dot that is another one; '' if none is."""
    if ours[:2] != theirs[:2]:
        return "%d by %d, QEMU has %d by %d" % (ours[:2] + theirs[:2])
    width, pixels = ours[0], range(0, len(ours[2]), 3)
    wrong = [i // 3 for i in pixels if ours[2][i:i + 3] != theirs[2][i:i + 3]] if ours[2] != theirs[2] else []
    if not wrong:
        return ""
    x, y = wrong[0] % width, wrong[0] // width
    return "%d dots, the first at %d, %d: %s, QEMU has %s" % (
        len(wrong), x, y, ours[2][3 * wrong[0]:][:3].hex(), theirs[2][3 * wrong[0]:][:3].hex())


@pytest.mark.parametrize("engine", ["auto", "recompile-all"])
def test_pictures(engine, tmp_path_factory):
    theirs, their_lines = bare(str(tmp_path_factory.getbasetemp()))
    with Machine(vm("v", "vga_modes", "", engine, serial0="console")) as m:
        ours, lines = pictures(m, lambda: dump(m, "v"))
    assert lines == their_lines
    found = {name: differs(picture, theirs[name]) for name, picture in ours.items()}
    assert not any(found.values()), "\n".join("%s: %s" % pair for pair in found.items() if pair[1])
    assert len(ours) > 25
