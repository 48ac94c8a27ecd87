# SPDX-License-Identifier: MIT
"""Media that are changed while a guest reads them: `eject` and `insert` at the prompt, and QEMU's
own on the bare machine. tests/guests/boot/media16.asm looks by the BIOS, and sees the same.

QEMU's CD drive tells of another disc until it is asked for its sense (ours tells it
once), which SeaBIOS never does. So on bare QEMU the disc stays."""
import os

import pytest

from guests import build
from machine import GUESTS, Console
from prompt import Prompt
from screen import Screen

CD_START = 16 * 2048


def floppy(text):
    return text.encode().ljust(1440 << 10, b"\0")


def cd(text):
    return (bytes(CD_START) + text.encode()).ljust(CD_START + (64 << 10), b"\0")


FILES = {"a.flp": floppy("floppy a"), "b.flp": floppy("floppy b"), "end.flp": floppy("the end."),
         "a.iso": cd("disc no1"), "b.iso": cd("disc no2")}
# What is done: drive, and what comes into it; and what the guest then sees.
STEPS = [("floppy1", "b.flp", "floppy floppy b"), ("cdrom", "", "cd --------"),
         ("cdrom", "b.iso", "cd disc no2"), ("floppy1", "", "floppy --------"),
         ("cdrom", "a.iso", "cd disc no1"), ("floppy1", "a.flp", "floppy floppy a"),
         ("floppy1", "end.flp", "floppy the end.")]
FIRST = ["loaded from 00", "floppy floppy a", "cd disc no1"]


def end_of(line):
    return line.replace(".", r"\.") + r" ?\r*\n"


def test_bare(tmp_path):
    """The expectation is bare QEMU's."""
    build()
    for name, data in FILES.items():
        (tmp_path / name).write_bytes(data)
    screen = Screen(str(tmp_path))
    with Console(["-M", "pc,usb=off", "-cpu", "max", "-m", "64", "-nodefaults", *screen.arguments,
                  "-chardev", "stdio,id=s,signal=off", "-serial", "chardev:s", "-boot", "a",
                  "-drive",
                  "if=floppy,format=raw,snapshot=on,file=" + os.path.join(GUESTS, "media16"),
                  "-drive", "if=none,id=f,format=raw,file=%s" % (tmp_path / "a.flp"),
                  "-device", "floppy,unit=1,drive=f,id=floppy1",
                  "-drive", "if=none,id=c,format=raw,media=cdrom,file=%s" % (tmp_path / "a.iso"),
                  "-device", "ide-cd,bus=ide.1,drive=c,id=cdrom",
                  "-device", "isa-debug-exit,iobase=0x501"], "media-bare") as m:
        for line in FIRST:
            m.expect(end_of(line))
        for drive, file, line in [step for step in STEPS if step[0] == "floppy1"]:
            if file:
                screen.command("blockdev-change-medium", id=drive, format="raw",
                               filename=str(tmp_path / file))
            else:
                screen.command("eject", id=drive, force=True)
            m.expect(end_of(line))
        m.expect("done")


@pytest.mark.parametrize("engine", ["auto", "recompile-all"])
def test_prompt(engine):
    config = """[vm pc]
memory = 64M
floppy = media16
floppy1 = a.flp
cdrom = a.iso
boot = floppy
vga = none
engine = %s
serial0 = log
debug_exit = yes
""" % engine
    build()
    with Prompt([config], files=FILES, modules=["b.flp", "end.flp", "b.iso"]) as m:
        for line in FIRST:
            m.wait_line("pc: " + end_of(line))
        m.prompt()
        for drive, file, line in STEPS:
            if file:
                m.do("eject " + drive)  # which may be empty
            m.do("insert pc %s %s" % (drive, file) if file else "eject " + drive)
            m.wait_line("pc: " + end_of(line))
        m.wait_line("pc: stopped: ")
