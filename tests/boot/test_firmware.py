# SPDX-License-Identifier: MIT
"""A machine without a kernel starts as a PC does. SeaBIOS says on its debug port what it finds; on
bare QEMU, with as much of a board, it must say the same.

Alone:  /usr/bin/python3 -m pytest tests/boot/test_firmware.py
"""
import functools
import os
import re

from guests import Guests, bare_lines_of, build, compared
from machine import ICOUNT, Console, Machine

SEABIOS = "/usr/share/seabios"
CONFIG = """
[vm auto]
engine = auto
sercon = yes
vga = none
serial0 = log
[vm small]
engine = recompile-all
firmware = %s/bios.bin
verify = yes
memory = 16M
sercon = yes
vga = none
serial0 = log
[vm raw]
engine = ring1
memory = 256M
sercon = yes
vga = none
serial0 = log
""" % SEABIOS
MACHINES = {"auto": ("bios-256k.bin", 64), "small": ("bios.bin", 16), "raw": ("bios-256k.bin", 256)}
# Sizes and places of tables, which are of other makers.
# What differs on bare QEMU: it reads or writes other memory where only one of both goes to RAM.
SWITCHING_ALONE = ["  copying 52 52 66 77", "  dma 01 6e 6e", "  dma 02 52 51"]
DIFFERS = re.compile(r"table\(|DSDT|SMBIOS|ZoneHigh|UMB|e820 map has|^ +\d: ")


def comparable(lines):
    return [re.sub(r"\b(0x)?[0-9a-f]{4,}\b", "#", line.rstrip()) for line in lines if line.strip()
            and not DIFFERS.search(line)]


# A PC as ours, without the ROM that QEMU adds for its APIC.
BOARD = ["-cpu", "max", "-M", "pc,usb=off", "-global", "apic.vapic=off", "-nodefaults", "-vga",
         "none"]


def bare_board(firmware, memory):
    return [*BOARD, "-M", "graphics=off", "-m", str(memory),
            "-boot", "reboot-timeout=-1", "-bios", os.path.join(SEABIOS, firmware),
            *["-device", "isa-serial"] * 4,
            "-chardev", "stdio,id=debug", "-device", "isa-debugcon,iobase=0x402,chardev=debug"]


@functools.lru_cache(maxsize=None)
def bare_lines(firmware, memory):
    with Console(bare_board(firmware, memory), "bare_" + firmware) as m:
        m.expect(r"No bootable device\.")
        return comparable(m.text().replace("\r", "").split("\n"))


def debug_lines(text, name):
    return [line.rstrip("\r") for line in re.findall(r"\] %s: debug port: ([^\n]*)\n" % name, text)]


def test_seabios_lines():
    with Machine(CONFIG) as m:
        waiting = set(MACHINES)
        while waiting:
            m.expect(r"\] (\S+): [^\n]*No bootable device")
            waiting.discard(m.process.match[1])
        m.prompt()
        for name in MACHINES:  # shows the line that has no end
            m.monitor("pause " + name)
        text = m.text()
        for name, (firmware, memory) in MACHINES.items():
            ours = comparable(debug_lines(text, name))
            assert ours == bare_lines(firmware, memory), name
            assert ours[-1] == "No bootable device."
            # And on its screen, which is COM1.
            assert re.search(r"\] %s: (?!debug port)[^\n]*SeaBIOS \(version 1" % name, text), name


def least(lines):
    values = re.findall(r"reset to boot sector ((?:[0-9a-f]{2} ?){4})", "\n".join(lines))
    return min(int(value.replace(" ", ""), 16) for value in values)


def test_instructions():
    """From a reset to the boot sector of a disk: instructions that QEMU executes, ours over bare.
    Bare QEMU reads its disk beside the processor, and the TSC counts the wait. With sleep=off a
    wait lasts until the next timer: a quiet host made 83 million of 7.7. With sleep=on a wait is
    some microseconds."""
    build()
    bare = least(bare_lines_of("again", [
        *BOARD, "-M", "graphics=off", "-snapshot", "-icount", "shift=0,sleep=on", "-hda"],
        every=True))
    with Guests(["[ringleader]\nexit = poweroff\n[vm pc]\nmemory = 64M\nvga = none\ndisk0 = again\n"
                 "boot = disk\nserial0 = log\ndebug_exit = yes\n"], extra=ICOUNT) as m:
        m.wait_stopped(["pc"])
        ours = least(m.lines("pc"))
    print("instructions: bare %d, ours %d, ratio %.2f" % (bare, ours, ours / bare))
    assert ours < 2.5 * bare, (ours, bare)


def test_switching():
    """A firmware of our own switches the memory that it runs in, its page tables and DMA's target
    (tests/guests/boot/pamrom.asm)."""
    build()
    bare = bare_lines_of("pamrom", ["-M", "pc", "-nodefaults", "-vga", "none", "-bios"])
    engines = {"auto": "no", "ring1": "no", "recompile-all": "yes"}
    with Guests(["[ringleader]\nexit = poweroff\n"] + [
            "[vm %s]\nfirmware = pamrom\nmemory = 16M\nengine = %s\nverify = %s\n"
            "serial0 = log\ndebug_exit = yes\n" % (engine, engine, verify)
            for engine, verify in engines.items()]) as m:
        m.wait_stopped(engines)
        for engine in engines:
            lines = m.lines(engine)
            printed = [line for line in lines[lines.index("start 00"):]
                       if not re.match("reset|stopped", line)]
            assert compared(printed) == bare, engine
            assert [line for line in printed if line.startswith("  ")] == SWITCHING_ALONE, engine


def test_services():
    """A boot sector asks the BIOS for all that it offers without a screen: floppy, disk, keyboard,
    serial port, clock, memory, PCI."""
    build()
    machines = {"auto": ("bios-256k.bin", "no"), "ring1": ("bios.bin", "no"),
                "recompile-all": ("bios-256k.bin", "yes")}
    with Guests(["[ringleader]\nexit = poweroff\n"] + [
            "[vm %s]\nmemory = 16M\nfirmware = %s\nfloppy = services\nboot = floppy\nvga = none\n"
            "engine = %s\nverify = %s\nserial0 = log\ndebug_exit = yes\n"
            % (engine, os.path.join(SEABIOS, bios), engine, verify)
            for engine, (bios, verify) in machines.items()]) as m:
        m.wait_stopped(machines)
        for engine, (bios, _) in machines.items():
            bare = bare_lines_of("services", [
                *BOARD, "-bios", os.path.join(SEABIOS, bios),
                *["-device", "isa-serial"] * 3, "-snapshot", "-fda"])
            lines = m.lines(engine)
            printed = [line for line in lines[lines.index("loaded from 00"):]
                       if not re.match("debug port|stopped", line)]
            assert compared(printed) == bare, engine
            assert "  formatted with - 00 f6 f6" in printed, printed
