# SPDX-License-Identifier: MIT
"""QEMU's screen and keyboard by its machine protocol: a picture of the screen is read back as
text."""
import json
import os
import re
import socket
import time

from machine import ROOT, TIMEOUT


KEYS = {" ": "spc", "\n": "ret", "-": "minus", ".": "dot"}


def own_font():
    """The console's font as kernel/base/font.c has it: eight rows per character."""
    font = {}
    with open(os.path.join(ROOT, "kernel/base/font.c")) as f:
        for name, rows in re.findall(r"\['(\\?.)' - FIRST\] = \{ ([^}]*) \}", f.read()):
            font[tuple(int(r, 16) for r in rows.split(","))] = name[-1]
    assert len(font) > 90
    return font


class Screen:
    def __init__(self, folder):
        self.path = os.path.join(folder, "qmp")
        self.picture = os.path.join(folder, "screen.ppm")
        self.memory = os.path.join(folder, "video")
        self.arguments = ["-qmp", "unix:%s,server=on,wait=off" % self.path]
        self.stream = None

    def command(self, name, **arguments):
        if not self.stream:
            s = socket.socket(socket.AF_UNIX)
            s.connect(self.path)
            self.stream = s.makefile("rw")
            self.stream.readline()
            self.command("qmp_capabilities")
        self.stream.write(json.dumps({"execute": name, "arguments": arguments}) + "\n")
        self.stream.flush()
        while True:
            answer = json.loads(self.stream.readline())
            assert "error" not in answer, answer
            if "return" in answer:
                return answer["return"]

    def type(self, text):
        for c in text:
            code = "shift-" + c.lower() if c.isupper() else c
            keys = [{"type": "qcode", "data": KEYS.get(k, k)}
                    for k in re.split(r"(?<=shift)-", code)]
            self.command("send-key", keys=keys, **{"hold-time": 40})
            time.sleep(0.15)

    def escape(self):
        self.command("send-key",
                     keys=[{"type": "qcode", "data": k} for k in ("ctrl", "bracket_right")])
        time.sleep(0.2)

    def pixels(self):
        """Width, height and the brightness of each dot."""
        self.command("screendump", filename=self.picture)
        with open(self.picture, "rb") as f:
            magic, width, height, _ = (f.readline().split() + f.readline().split()
                                       + f.readline().split())
            data = f.read()
        assert magic == b"P6"
        width, height = int(width), int(height)
        assert len(data) == 3 * width * height
        return width, height, [sum(data[i:i + 3]) for i in range(0, len(data), 3)]

    @staticmethod
    def cell(width, dots, left, top, columns, rows):
        """The shape in a cell, a number per row: what is brighter than the middle between its
        darkest and brightest dot."""
        row = [dots[(top + y) * width + left:(top + y) * width + left + columns]
               for y in range(rows)]
        dark, bright = min(map(min, row)), max(map(max, row))
        if dark == bright:
            return (0,) * rows
        return tuple(sum((2 * d > dark + bright) << (columns - 1 - x) for x, d in enumerate(r))
                     for r in row)

    def graphics_text(self):
        """The frame buffer by our own font, each of its rows two lines high; the cursor
        underlines."""
        width, height, dots = self.pixels()
        font, lines = own_font(), []
        for top in range(0, height - 15, 16):
            line = ""
            for left in range(0, width - 7, 8):
                rows = self.cell(width, dots, left, top, 8, 16)
                shape = rows[0:14:2] + ((rows[14],) if rows[14] != 0xff else (0,))
                line += font.get(shape, " " if rows[14] == 0xff else "?")
            lines.append(line.rstrip())
        return "\n".join(lines)

    def vga_text(self):
        """Text mode: what video memory holds, once the picture shows the same shape for the same
        character, and no shape for two. The cursor's cell is left out."""
        self.command("pmemsave", val=0xb8000, size=4000, filename=self.memory)
        with open(self.memory, "rb") as f:
            text = f.read()[::2].decode("latin-1")
        width, height, dots = self.pixels()
        assert (width, height) == (720, 400)
        shapes, odd = {}, 0
        for i, c in enumerate(text):
            shape = self.cell(width, dots, i % 80 * 9, i // 80 * 16, 8, 16)
            odd += shapes.setdefault(c if c != "\0" else " ", shape) != shape
        assert len(set(shapes.values())) == len(shapes)
        assert odd <= 1, "%d characters look otherwise than in memory" % odd
        return "\n".join(text[i:i + 80].rstrip() for i in range(0, 2000, 80))

    def wait(self, read, wanted):
        """Until the screen shows it."""
        end = time.monotonic() + TIMEOUT
        text = ""
        while time.monotonic() < end:
            try:
                text = read()
            except AssertionError as e:  # another mode, or in the middle of a change
                text = str(e)
            if re.search(wanted, text):
                return text
            time.sleep(0.5)
        raise AssertionError("the screen never showed %r; at last:\n%s" % (wanted, text))
