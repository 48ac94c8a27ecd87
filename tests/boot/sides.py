# SPDX-License-Identifier: MIT
"""The two sides on which a system is tried: bare QEMU, and a VM of ours. Both have the same media,
the same serial line, a screen that is read as a picture, and a keyboard, so that one script drives
both.

A script sets marks, which are timed, and notes what both sides must agree on."""
import functools
import os
import re
import time

from machine import ROOT, TIMEOUT, Console, Machine
from pictures import dump, ppm
from screen import Screen

MEDIA = os.path.join(ROOT, "build/os")
SEABIOS = "/usr/share/seabios/bios-256k.bin"
VGABIOS = "/usr/share/seabios/vgabios-stdvga.bin"
LETTER_A = bytes([0, 0, 0x10, 0x38, 0x6c, 0xc6, 0xc6, 0xfe, 0xc6, 0xc6, 0xc6, 0xc6, 0, 0, 0, 0])
BARE_DRIVE = {"floppy": "if=floppy,format=raw,snapshot=on,file=%s",
              "cdrom": "if=ide,index=2,media=cdrom,file=%s",
              "disk0": "if=ide,index=0,format=raw,snapshot=on,file=%s"}
BARE_BOOT = {"floppy": "a", "cdrom": "d", "disk0": "c"}
KEYS = {" ": "spc", "\n": "ret", "-": "minus", ".": "dot", "(": "shift-9", ")": "shift-0",
        "/": "slash", "=": "equal",
        ",": "comma", "_": "shift-minus", ":": "shift-semicolon", ";": "semicolon",
        "+": "shift-equal", "*": "shift-8",
        "&": "shift-7", "|": "shift-backslash", "$": "shift-4", "'": "apostrophe"}


@functools.lru_cache(maxsize=None)
def font():
    """The 8x16 font of the VGA BIOS: the character of each shape, and of its negative."""
    with open(VGABIOS, "rb") as f:
        rom = f.read()
    at = rom.index(LETTER_A) - 65 * 16
    shapes = {}
    for negative in (255, 0):
        for c in range(255, 0, -1):
            shapes[bytes(b ^ negative
                         for b in rom[at + 16 * c:at + 16 * c + 16])] = bytes([c]).decode("cp437")
    shapes.update({bytes([i] * 16): " " for i in (0, 255)})
    return shapes


@functools.lru_cache(maxsize=100000)
def character(cell):
    """What 8x16 dots show, given as their bytes of colour; '?' if it is nothing of the font."""
    dots = [cell[i:i + 3] for i in range(0, len(cell), 3)]
    ground = max(set(dots), key=dots.count)
    if len(set(dots)) > 2:
        return "?"
    shape = bytes(sum((dots[8 * y + x] != ground) << (7 - x) for x in range(8)) for y in range(16))
    return font().get(shape) or font().get(shape[:13] + bytes(3)) or "?"  # with a cursor in it


def text_of(picture):
    """The lines of a picture that shows text of 8x16 dots, or of 9x16."""
    width, height, dots = picture
    wide = 9 if width in (720, 360) else 8
    return ["".join(character(b"".join(dots[3 * (width * (top + y) + left):][:24]
                                       for y in range(16)))
                    for left in range(0, width - 7, wide)).rstrip()
            for top in range(0, height - 15, 16)]


class Side:
    """What a script sees."""

    def begin(self, name):
        self.name, self.marks, self.notes, self.started = name, [], {}, time.monotonic()

    def mark(self, name):
        self.marks.append((name, time.monotonic() - self.started))

    def note(self, name, value):
        """What must be the same on both sides."""
        self.notes[name] = value

    def lines(self):
        return text_of(self.picture())

    def wait(self, pattern):
        """Until the screen shows it; the lines of the screen."""
        lines = []

        def shown():
            lines[:] = self.lines()
            return re.search(pattern, "\n".join(lines), re.MULTILINE)

        self.wait_for(shown, repr(pattern))
        return lines

    def wait_for(self, question, what="what was waited for"):
        end = time.monotonic() + TIMEOUT
        while not question():
            assert time.monotonic() < end, "the screen never showed %s; at last:\n%s" % (
                what, "\n".join(self.lines()))
            time.sleep(0.5)

    def type(self, text):
        for c in text:
            self.key("shift-" + c.lower() if c.isupper() else KEYS.get(c, c))

    def still(self):
        """The picture once five looks at it are the same: what scrolls by itself stands still
        between two."""
        looks = [self.picture()]
        while len(looks) < 5 or any(look != looks[-1] for look in looks[-5:]):
            time.sleep(1)
            looks = looks[-4:] + [self.picture()]
        return looks[-1]

    def settled(self):
        """The lines of the screen once two looks at it are the same."""
        before, lines = None, self.lines()
        while lines != before:
            time.sleep(0.3)
            before, lines = lines, self.lines()
        return lines


class BareSide(Side, Console):
    """QEMU's PC with as much as ours has of one."""

    def __init__(self, system, folder):
        self.screen, self.buttons = Screen(folder), 0
        arguments = ["-M", "pc,usb=off", "-cpu", "max", "-m", str(system.memory), "-nodefaults",
                     "-vga", system.keys.get("vga", "std"),
                     # what our monitor's EDID prefers
                     "-global", "VGA.xres=1024", "-global", "VGA.yres=768",
                     "-chardev", "stdio,id=s,signal=off", "-serial", "chardev:s",
                     *self.screen.arguments,
                     "-bios", os.path.join(MEDIA, system.firmware) if system.firmware else SEABIOS]
        for drive, file in system.media.items():
            arguments += ["-drive", BARE_DRIVE[drive] % os.path.join(MEDIA, file)]
        if system.media:
            arguments += ["-boot", BARE_BOOT[system.boots()]]
        if system.direct:
            kernel, initrd, cmdline = system.direct
            arguments += ["-kernel", os.path.join(MEDIA, kernel), "-initrd",
                          os.path.join(MEDIA, initrd), "-append", cmdline]
        super().__init__(arguments, "os-%s-bare" % system.name)
        end = time.monotonic() + TIMEOUT
        while True:
            try:
                self.screen.command("query-status")
                break
            except (FileNotFoundError, ConnectionRefusedError):  # QEMU has not come so far
                assert time.monotonic() < end, "no QEMU"
                time.sleep(0.05)
        self.begin("bare")

    def picture(self):
        self.screen.command("screendump", filename=self.screen.picture)
        return ppm(self.screen.picture)

    def rebooted(self, _):
        """QEMU ends where the machine would start again."""
        self.ended()

    def key(self, name):
        self.screen.command("send-key",
                            keys=[{"type": "qcode", "data": k} for k in name.split("-")],
                            **{"hold-time": 30})
        time.sleep(0.1)

    def mouse(self, dx, dy, buttons):
        """Moves the mouse, and says which buttons are held from then on: 1 is the left one."""
        events = [{"type": "rel", "data": {"axis": axis, "value": value}} for axis,
                  value in (("x", dx), ("y", dy)) if value]
        if buttons != self.buttons:
            events.append({"type": "btn", "data": {"button": "left", "down": bool(buttons)}})
            self.buttons = buttons
        self.screen.command("input-send-event", events=events)
        time.sleep(0.1)


class OurSide(Side, Machine):
    """A VM of ours. The console is at the prompt while nothing is asked of the serial line."""

    def __init__(self, system, engine):
        keys = {"memory": "%dM" % system.memory, "engine": engine, **system.keys}
        keys.update((what, os.path.join(MEDIA, file)) for what, file in system.media.items())
        if system.firmware:
            keys["firmware"] = os.path.join(MEDIA, system.firmware)
        if system.media:
            keys["boot"] = system.boots().rstrip("0")
        if system.direct:
            kernel, initrd, keys["cmdline"] = system.direct
            keys.update(kernel=os.path.join(MEDIA, kernel), initrd=os.path.join(MEDIA, initrd))
        config = "[ringleader]\nexit = poweroff\n[vm pc]\n" + "".join("%s = %s\n" % pair
                                                                      for pair in keys.items())
        files = sum(os.path.getsize(os.path.join(MEDIA, file)) for file in system.media.values())
        super().__init__(config, name="os-%s-%s" % (system.name, engine), media="virtio",
                         memory="%dM" % (512 + 2 * system.memory + files // 2**20))
        self.expect(r"pc: \d+M")
        self.begin(engine)

    def picture(self):
        return dump(self, "pc")

    def rebooted(self, gone):
        self.wait_for(lambda: gone not in "\n".join(self.lines()), "another picture than " + gone)

    def key(self, name):
        self.prompt()
        self.monitor("sendkey pc " + name)
        self.guest()

    def mouse(self, dx, dy, buttons):
        self.prompt()
        self.monitor("mouse pc %d %d %d" % (dx, dy, buttons))
        self.guest()


def side(system, engine, folder):
    return BareSide(system, folder) if engine == "bare" else OurSide(system, engine)
