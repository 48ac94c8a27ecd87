# SPDX-License-Identifier: MIT
"""`screen NAME`: the guest's screen on the serial line, read by a terminal (pyte), and keys typed
there.

One engine:  make guests && /usr/bin/python3 -m pytest tests/boot/test_terminal.py -k auto
"""
import codecs
import re

import pyte
import pytest

from guests import build, vm
from machine import ESCAPE, Machine
from pictures import dump

# What a PC shows for codes 1 to 31 and 127.
GLYPHS = " ☺☻♥♦♣♠•◘○◙♂♀♪♫☼►◄↕‼¶§▬↨↑↓→←∟↔▲▼"


def cp437(code):
    if code in (0, 255):
        return " "
    return GLYPHS[code] if code < 32 else "⌂" if code == 127 else bytes([code]).decode("cp437")


class Terminal:
    """A terminal of a size on the machine's serial line: it answers where its cursor is, and fails
    on what pyte does not know."""

    def __init__(self, m, columns, rows):
        self.m, self.fed = m, ""
        self.screen = pyte.Screen(columns, rows)
        self.screen.write_process_input = m.process.send
        self.stream = pyte.Stream(self.screen)
        self.decode = codecs.getincrementaldecoder("utf-8")()

    def show(self, command):
        self.m.process.send(command + "\r")
        self.m.expect(r"\x1b\[\?1049h")
        self.feed(self.m.process.after)

    def feed(self, text):
        self.fed += text
        self.stream.feed(self.decode.decode(text.encode("latin-1")))

    def wait(self, there):
        """Until there() holds for what is shown."""
        while not there():
            self.m.process.expect(r"(?s).+")
            self.feed(self.m.process.after)

    def row(self, y):
        return self.screen.display[y].rstrip()

    def leave(self):
        self.m.process.send(ESCAPE)
        self.m.expect(r"\x1b\[\?1049l", "rl> ")


def rows(codes):
    """What the guest `keys` shows for bytes of the keyboard: a row for each key that goes down, the
    newest over the oldest."""
    lines, y = [""] * 25, 0
    for code in codes:
        if code < 0x80:
            y = (y + 1) % 25
        lines[y] = ("    %02x %s" % (code, cp437(code))).rstrip()
    return lines


def strokes(*keys):
    """Down in this order, up in reverse."""
    return [*keys, *(k | 0x80 for k in reversed(keys))]


@pytest.mark.parametrize("engine", ["auto", "recompile-all"])
def test_screen(engine):
    build()
    with Machine(vm("v", "keys", "", engine, serial0="log")) as m:
        m.expect("mouse is 03")
        m.prompt()
        t = Terminal(m, 80, 30)
        t.show("screen v")
        t.wait(lambda: t.screen.buffer[24][79].bg == "blue")
        assert t.screen.buffer[25][0].bg in ("black", "default")
        m.process.send("aB\x03\x1bx\x1b[A\x1bOP\x1b[24~\x1b[1;5C\r")
        codes = [*strokes(0x1e), *strokes(0x2a, 0x30), *strokes(0x1d, 0x2e), *strokes(0x38, 0x2d),
                 0xe0, 0x48, 0xe0, 0xc8,
                 *strokes(0x3b), *strokes(0x58), 0x1d, 0xe0, 0x4d, 0xe0, 0xcd, 0x9d, *strokes(0x1c)]
        want = rows(codes)
        t.wait(lambda: [line.rstrip() for line in t.screen.display[:25]] == want)
        cell = t.screen.buffer[1][4]
        assert (cell.fg, cell.bold, cell.bg) == ("white", True, "blue")
        t.leave()
        m.monitor("pause v")
        # A smaller terminal shows a part, and a second one all of it again.
        t = Terminal(m, 40, 10)
        t.show("screen v")
        t.wait(lambda: [t.row(y) for y in range(10)] == want[:10])
        t.leave()
        m.monitor("resume v")
        t = Terminal(m, 80, 25)
        t.show("screen v")
        t.wait(lambda: [line.rstrip() for line in t.screen.display] == want)
        # alone it is Esc, after a while: the guest ends, and a line of the log runs over the screen
        m.process.send("\x1b")
        want = rows([*codes, 0x01])
        t.wait(lambda: "stopped:" in t.fed and [line.rstrip() for line in t.screen.display] == want)
        t.leave()


def test_no_terminal():
    """One that does not answer is taken for 80 by 25; a machine without a screen says so."""
    build()
    with Machine(vm("v", "keys", "", "auto",
                    serial0="log") + vm("w", "keys", "", "auto", serial0="log", vga="none")) as m:
        m.expect("mouse is 03", "mouse is 03")
        m.prompt()
        assert "has no screen" in m.monitor("screen w")
        t = Terminal(m, 80, 25)
        t.screen.write_process_input = lambda data: None
        t.show("screen v")
        t.wait(lambda: t.screen.buffer[24][79].bg == "blue")
        t.leave()


def sixels(text):
    """Width, height and dots of a picture, red, green and blue each in percent."""
    head = re.match(r'"1;1;(\d+);(\d+)', text)
    width, height = int(head[1]), int(head[2])
    dots = [[None] * width for _ in range(height)]
    colours, colour, x, y = {}, None, 0, 0
    for m in re.finditer(r"#(\d+)(?:;2;(\d+);(\d+);(\d+))?|([$-])|!(\d+)(.)|(.)",
                         text[head.end():]):
        if m[1]:
            colour = int(m[1])
            if m[2]:
                colours[colour] = (int(m[2]), int(m[3]), int(m[4]))
        elif m[5]:
            x, y = 0, y + 6 * (m[5] == "-")
        else:
            bits, n = ord(m[7] or m[8]) - 63, int(m[6] or 1)
            for line in range(6):
                if bits >> line & 1:
                    dots[y + line][x:x + n] = [colours[colour]] * n
            x += n
    return width, height, dots


MODES = {"CGA, 4 colours"}


def test_sixels():
    """Graphics are a notice, and as sixels what `screendump` sends, to a percent. Without a
    palette: tests/unit/test_sixel.c."""
    build()
    with Machine(vm("v", "vga_modes", "", "auto", serial0="console")) as m:
        left = set(MODES)
        while left:
            m.expect(r"SHOWN ([^\r\n]*)\r*\n")
            name = m.process.match[1]
            if name in left:
                left.remove(name)
                width, height, data = dump(m, "v")
                m.prompt()
                t = Terminal(m, 80, 25)
                t.show("screen v")
                t.wait(lambda w=width,
                       h=height: "graphics, %d by %d," % (w, h) in t.screen.display[12])
                t.leave()
                m.process.send("screen v sixel\r")
                m.expect(r"\x1bPq")
                m.process.expect_exact("\x1b\\", searchwindowsize=100)
                got = sixels(m.process.before)
                m.process.send(ESCAPE)
                m.expect("rl> ")
                assert got[:2] == (width, height), name
                for y in range(height):
                    for x in range(width):
                        want = data[3 * (y * width + x):3 * (y * width + x) + 3]
                        assert max(abs(g * 2.55 - w) for g,
                                   w in zip(got[2][y][x], want)) < 2.56, (name, x, y)
                m.guest()
            m.process.send("x")
