# SPDX-License-Identifier: MIT
"""Systems that boot from their own media, by the firmware. Each is driven by one script, on bare
QEMU and as a guest of ours, and must say the same.

Those of systems.py that take less than a minute are here too; `make check-os` runs all of them.

Alone:  make guests systems && /usr/bin/python3 -m pytest tests/boot/test_os.py
"""
import functools
import os
import re

import pytest

from machine import GUESTS, Console, Machine
from sides import side
from systems import SYSTEMS

SEABIOS = "/usr/share/seabios/bios-256k.bin"
MOVE = r"(?:[\r\n]*\x1b\[[0-9;?]*[A-Za-z])"


def shown(text):
    """A pattern for text on the screen. Whenever SeaBIOS has waited it moves the cursor to where it
    is, even within a word."""
    return MOVE + "*" + (MOVE + "*").join(re.escape(c) for c in text)


def plain(text):
    """The text without blanks and line ends. SeaBIOS moves the cursor whenever it has waited; if
    the screen scrolls just then, no line end is sent at all."""
    return re.sub(r"\s", "", re.sub(MOVE, "", text))


def bare(*arguments):
    """QEMU's PC with as much as ours has of one; the BIOS' text goes to the serial line."""
    return Console(["-M", "pc,usb=off,graphics=off", "-cpu", "max", "-m", "64", "-nodefaults",
                    "-vga", "none", "-bios", SEABIOS,
                    "-chardev", "stdio,id=s", "-serial", "chardev:s", *arguments])


def ours(engine, keys):
    return Machine("[ringleader]\nexit = poweroff\n[vm pc]\nmemory = 64M\nvga = none\n"
                   "sercon = yes\nengine = %s\n%s" % (engine, keys))


def grub_type(m, command):
    """The BIOS holds 15 keys: each waits for its echo."""
    for key in command:
        m.process.send(key)
        m.expect(shown(key))
    m.process.send("\r")


def grub_command(m, command):
    """A command at GRUB's prompt, and what it says."""
    grub_type(m, command)
    m.expect(shown("grub> "))
    return plain(m.process.before)


def grub(m, device):
    """GRUB's rescue medium: from its menu to the command line and to `halt`."""
    m.expect(shown("executed automatically"))
    m.process.send("c")
    m.expect(shown("grub> "))
    said = {c.split()[0]: grub_command(m, c)
            for c in ("ls", "lsmmap", "cmosdump", "echo $root $prefix")}
    said["dump"] = grub_command(m, "hexdump -n 64 " + device)
    said["stat"] = m.stat("pc") if isinstance(m, Machine) else None
    grub_type(m, "halt")
    return said


def grub_lines(said):
    """What both machines must agree on: not where firmware put its tables, nor the clock in
    CMOS."""
    low = re.findall(r"base_addr=(0x[0-9a-f]+),length=(0x[0-9a-f]+),(available|reserved)RAM",
                     said["lsmmap"])
    return said["ls"], said["dump"], [r for r in low if r[0] in ("0x0", "0x9fc00")], said["echo"]


MEDIA = {
    "floppy": ("grub-rescue-floppy.img", "(fd0)",
               ["-drive", "if=floppy,format=raw,readonly=on,file=%s", "-boot", "a"]),
    "cdrom": ("grub-rescue-cdrom.iso", "(cd)",
              ["-drive", "if=ide,index=2,media=cdrom,file=%s", "-boot", "d"]),
    "disk0": ("grub-rescue-cdrom.iso", "(hd0)",
              ["-drive", "if=ide,index=0,format=raw,snapshot=on,file=%s", "-boot", "c"]),
}


@pytest.mark.parametrize("medium, engine",
                         [("floppy", "auto"), ("floppy", "recompile"), ("cdrom", "auto"),
                          ("disk0", "auto")])
def test_grub(medium, engine):
    image, device, arguments = MEDIA[medium]
    with bare(*(a.replace("%s", os.path.join(GUESTS, image)) for a in arguments)) as m:
        expected = grub(m, device)
        m.ended()
    with ours(engine, "%s = %s\nboot = %s\nstrict = warn\n" % (medium, image,
                                                               medium.rstrip("0"))) as m:
        said = grub(m, device)
        m.expect(r"stopped: power off")
        m.ended()
        assert not re.findall("strict: .*", m.text())
    assert grub_lines(said) == grub_lines(expected)
    assert device in said["ls"] and re.fullmatch(r"(000000\d0(..){16}\|.{9,16}\|){4}",
                                                 said["dump"]), said
    assert len(grub_lines(said)[2]) == 2, said
    # GRUB writes operands and variables beside its code for each call of the BIOS, by thousands.
    print("blocks", said["stat"]["recomp.blocks"], "dropped by writes",
          said["stat"]["recomp.smc_blocks"])
    assert said["stat"]["recomp.smc_blocks"] < 3000


@functools.lru_cache(maxsize=None)
def on_bare_qemu(name, folder):
    with side(SYSTEMS[name], "bare", folder) as m:
        SYSTEMS[name].script(m)
        return m


@pytest.mark.parametrize("name, engine",
                         [("grub_legacy", "auto"), ("grub_legacy", "recompile"),
                          ("u_boot", "auto")])
def test_system(name, engine, tmp_path_factory):
    expected = on_bare_qemu(name, str(tmp_path_factory.getbasetemp()))
    with side(SYSTEMS[name], engine, None) as m:
        SYSTEMS[name].script(m)
    assert [mark[0] for mark in m.marks] == [mark[0] for mark in expected.marks]
    assert m.notes == expected.notes
