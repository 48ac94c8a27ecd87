# SPDX-License-Identifier: MIT
"""The machine's own screen, keyboard and mouse, for a guest: QEMU's monitor presses keys, moves the
mouse and takes pictures of the screen. VGA text under BIOS; the frame buffer that GRUB sets up
under UEFI.

One case:  make guests && /usr/bin/python3 -m pytest tests/boot/test_own_screen.py -k text
"""
import re

from guests import build, vm
from machine import Machine
from pictures import dump, ppm
from screen import Screen
from test_keys import moved
from test_terminal import rows, strokes


class Host(Screen):
    def hmp(self, line):
        self.command("human-monitor-command", **{"command-line": line})

    def cells(self):
        """Characters and attributes of the machine's text screen."""
        self.command("pmemsave", val=0xb8000, size=4000, filename=self.memory)
        with open(self.memory, "rb") as f:
            data = f.read()
        return data[::2].decode("cp437"), data[1::2]

    def same_as(self, picture):
        self.command("screendump", filename=self.picture)
        width, height, data = ppm(self.picture)
        return "same" if data == scaled(picture, width,
                                        height) else "another picture than %d by %d" % picture[:2]

    def text(self):
        return self.cells()[0]


def said(m, end):
    m.expect(end + r"[\r\n]")
    return re.findall(r"(?:key|mouse) [0-9a-f]{2}\b", m.process.before + m.process.after)


def strip_switch(lines):
    """Without what was still held when the screen turned: its release."""
    return [line for line in lines if line not in ("key 9d", "key b8", "key d8")]


def test_text(tmp_path):
    build()
    host = Host(str(tmp_path))
    config = "[ringleader]\nconsole = both\nhotkey = ctrl-alt-f11\n" + "".join(
        vm(n, "keys", "", "auto", serial0="log") for n in "vw")
    with Machine(config, extra=host.arguments) as m:
        m.expect("mouse is 03", "mouse is 03")
        host.wait(host.text, "mouse is 03")
        host.hmp("sendkey ctrl-alt-f11")
        host.wait(lambda: "".join("%02x" % a for a in host.cells()[1][80 * 2:80 * 3]), "^(17){80}")
        host.hmp("sendkey a")
        codes = strokes(0x1e)
        found = said(m, "v: key 9e")
        assert strip_switch(found) == ["key 1e", "key 9e"]
        want = rows(codes)
        shown = host.wait(host.text, re.escape(want[1].strip()))
        assert shown[80:160].rstrip() == want[1]
        host.hmp("mouse_move 5 3")
        host.hmp("mouse_move -2 10")
        for button in (1, 0):
            host.hmp("mouse_button %d" % button)
        found = []
        while moved(found) != (3, -13, [0, 1, 0]):
            m.expect(r"v: (mouse [0-9a-f]{2})[\r\n]")
            found.append(m.process.match[1])
        # The other machine, and the console again.
        host.hmp("sendkey ctrl-alt-f11")
        host.hmp("sendkey b")
        assert strip_switch(said(m, "w: key b0"))[-2:] == ["key 30", "key b0"]
        host.hmp("sendkey ctrl-alt-f11")
        after = host.wait(host.text, "w: key b0")
        assert "w: key 30" in after


def scaled(picture, width, height):
    """By a whole factor, in the middle of a black screen."""
    w, h, data = picture
    scale = max(min(width // w, height // h), 1)
    left, top = (width - w * scale) // 2, (height - h * scale) // 2
    rows_ = []
    for y in range(h):
        line = b"".join(data[3 * (y * w + x):][:3] * scale for x in range(w))
        rows_ += [bytes(3 * left) + line + bytes(3 * (width - left - w * scale))] * scale
    return bytes(3 * width * top) + b"".join(rows_) + bytes(3 * width * (height - top - h * scale))


def test_dots(tmp_path):
    """On a frame buffer each mode of the VGA is what `screendump` sends, dot by dot."""
    build()
    host = Host(str(tmp_path))
    config = "[ringleader]\nconsole = both\nscreen = vm\n" + vm("v", "vga_modes", "", "auto",
                                                                serial0="console")
    with Machine(config, firmware="uefi", extra=host.arguments) as m:
        for _ in range(6):
            m.expect(r"SHOWN [^\r\n]*\r*\n")
            picture = dump(m, "v")
            host.wait(lambda: host.same_as(picture), "^same$")
            m.process.send("x")
        host.hmp("sendkey ctrl-alt-f12")
        host.wait(host.graphics_text, "=== end ===")
        # A dump needs the screen, and has it.
        host.hmp("sendkey ctrl-alt-f12")
        host.wait(lambda: host.same_as(dump(m, "v")), "^same$")
        host.hmp("nmi")
        host.wait(host.graphics_text, "end of state")
