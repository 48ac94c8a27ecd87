# SPDX-License-Identifier: MIT
"""sendkey, type and mouse at the prompt: a guest says what its keyboard and mouse send; and on bare
QEMU, whose own sendkey presses the same keys.

One engine:  make guests && /usr/bin/python3 -m pytest tests/boot/test_keys.py -k auto
"""
import os
import re

import pytest

from guests import build, vm
from machine import GUESTS, ICOUNT, Console, Machine
from screen import Screen

# With the last byte that each sends.
STROKES = {"a": "9e", "shift-b": "aa", "ctrl-alt-delete": "9d", "f7": "c1", "f12": "d8",
           "up": "c8", "home": "c7", "ctrl_r-kp_enter": "9d",
           "kp_7": "c7", "print": "aa", "pause": "c5", "less": "d6", "meta_l": "db",
           "caps_lock": "ba", "0x2c": "ac"}
MOVES = [(5, 3), (-20, 100), (0, -7), (120, -120)]
TEXT = r"echo \"Hi\" |~$\\ {x}\t"
RELEASED = r"mouse 08\s+mouse 00\s+mouse 00\s+mouse 00"
TYPED = 'echo "Hi" |~$\\ {x}\t'


def said(m, end):
    """All bytes until that line."""
    m.expect(r"%s[\r\n]" % end)
    return re.findall(r"(?:key|mouse) [0-9a-f]{2}\b", m.process.before + m.process.after)


class Bare(Console):
    def __init__(self, folder):
        self.screen = Screen(folder)
        super().__init__(["-cpu", "max", "-m", "64", "-vga", "std", "-serial", "stdio",
                          *self.screen.arguments,
                          "-device", "isa-debug-exit,iobase=0x501", "-kernel",
                          os.path.join(GUESTS, "keys")])

    def command(self, line):
        self.screen.command("human-monitor-command", **{"command-line": line})

    def drive(self):
        """sendkey answers at once, and sends the rest later: no keys of the next stroke may come in
        between."""
        found = []
        self.expect("mouse is 03")
        for stroke, last in STROKES.items():
            self.command("sendkey " + stroke)
            found += said(self, "key " + last)
        return found


def moved(lines):
    """What the mouse's packets come to: the way, and how the buttons changed. Movement between two
    samples is one packet."""
    data = [int(line.split()[1], 16) for line in lines if line.startswith("mouse")]
    x = y = 0
    buttons = [0]
    for head, dx, dy, _ in zip(*[iter(data)] * 4):
        assert head & 0xc8 == 8, data
        x += dx - 256 * (head >> 4 & 1)
        y += dy - 256 * (head >> 5 & 1)
        buttons += [head & 7] * (head & 7 != buttons[-1])
    return x, y, buttons


def keys(lines):
    return [line for line in lines if line.startswith("key")]


def scan_codes(text):
    """What typing sends, set 1: Shift around each character that wants it."""
    plain = "\0\x1b1234567890-=\b\tqwertyuiop[]\r\0asdfghjkl;'`\0\\zxcvbnm,./\0*\0 "
    shifted = "\0\x1b!@#$%^&*()_+\b\tQWERTYUIOP{}\r\0ASDFGHJKL:\"~\0|ZXCVBNM<>?\0*\0 "
    codes = []
    for c in text:
        key, shift = (plain.index(c), False) if c in plain else (shifted.index(c), True)
        codes += [0x2a] * shift + [key, key | 0x80] + [0xaa] * shift
    return ["key %02x" % c for c in codes]


@pytest.mark.parametrize("engine", ["auto", "recompile-all"])
def test_keys(engine, tmp_path):
    build()
    with Bare(str(tmp_path)) as q:
        theirs = q.drive()
    with Machine(vm("v", "keys", "", engine, serial0="console")) as m:
        m.expect("mouse is 03")
        m.prompt()
        m.monitor('type v "%s"' % TEXT)
        assert "no such key" in m.monitor("sendkey v ctrl-nonsense")
        m.monitor("sendkey v f1 f2")
        m.guest()
        assert said(m, "key bc") == scan_codes(TYPED) + ["key 3b", "key bb", "key 3c", "key bc"]
        m.prompt()
        for stroke in STROKES:
            m.monitor("sendkey v " + stroke)
        m.guest()
        ours = said(m, "key ac")
        m.prompt()
        m.monitor("mouse v 0 0 1")
        for x, y in MOVES:
            m.monitor("mouse v %d %d 1" % (x, y))
        m.monitor("mouse v 0 0 0")
        m.guest()
        ours += said(m, RELEASED)
        m.prompt()
        m.monitor("sendkey v esc")
        m.guest()
        ours += said(m, "END [^\n]*")
    assert keys(ours[:-2]) == theirs
    assert moved(ours) == (sum(x for x, _ in MOVES), -sum(y for _, y in MOVES), [0, 1, 0])


CHORD = """[ringleader]
exit = poweroff
[vm v]
memory = 16M
floppy = chord
boot = floppy
serial0 = log
debug_exit = yes
"""


def test_chord():
    """The second key of a chord comes some milliseconds behind the first, as from a hand. Early
    Windows lost its menus to one that came at once. Under -icount, so that no host's pause comes in
    between."""
    build()
    with Machine(CHORD, extra=ICOUNT) as m:
        m.expect("ready")
        m.prompt()
        m.process.send("sendkey v alt-f\r")
        assert m.expect(r"bytes ([0-9a-f ]+)").group(1).split() == ["38", "21", "a1", "b8"]
