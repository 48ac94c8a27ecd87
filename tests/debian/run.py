# SPDX-License-Identifier: MIT
"""Debian from a disk, by the BIOS and GRUB, ours beside bare QEMU, by one script.

    run.py --disk IMAGE [--bus ide|virtio] [--engines auto] [--bar 2.0]

Each side boots to `login:` on ttyS0 and on tty1, logs in, asks apt-get for its version, compiles a
C program and runs it, writes 64 MiB, reboots, finds them again, and goes off by the power button.
What the commands say must be the same on both sides. Time is counted in instructions that QEMU
executes (-icount), from the reset vector to `login:`, so that it is the same on any host; the table
says ours over bare.
"""
import argparse
import os
import re
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "boot"))
from machine import Console, Machine, ICOUNT  # noqa: E402
from screen import Screen  # noqa: E402

SEABIOS = "/usr/share/seabios/bios-256k.bin"
MEMORY = 512  # MiB
CONFIG = """[ringleader]
exit = poweroff
[vm debian]
memory = %dM
engine = %s
disk0 = %s,bus=%s
boot = disk
"""
PROGRAM = r'#include <stdio.h>\nint main(void) { puts("compiled"); return 0; }\n'
COMMANDS = [
    ("apt-get", "apt-get --version | head -n 1"),
    ("tty1", "for i in $(seq 60); do grep -ao 'debian login:' /dev/vcs1 && break; sleep 1; done"),
    ("compile", "printf '%s' > a.c && gcc -O2 -Wall a.c && ./a.out" % PROGRAM),
    ("failed", "systemctl --failed --no-legend --no-pager"),
]
WRITE = "head -c 64M /dev/urandom > data && sha1sum data > data.sum && sync && stat -c %s data"
CHECK = "sha1sum -c data.sum && ./a.out"


def instructions(qemu):
    """Executed until now, in 10^9."""
    return qemu.command("query-replay")["icount"] / 1e9


class Bare:
    """The disk is not changed: what is written goes to a file of QEMU's."""

    def __init__(self, disk, bus, qemu):
        self.console = Console(["-cpu", "max", "-m", str(MEMORY), "-M", "pc,usb=off",
                                "-nodefaults", "-vga", "std", "-bios", SEABIOS,
                                "-drive",
                                "file=%s,format=raw,if=%s,index=0,snapshot=on" % (disk, bus),
                                "-chardev", "stdio,id=s,signal=off", "-serial", "chardev:s",
                                *ICOUNT, *qemu.arguments],
                               "debian-disk-bare", once=False)
        self.qemu = qemu

    def begin(self):
        """Instructions executed before its reset vector."""
        return 0

    def press_power(self):
        self.qemu.command("system_powerdown")

    def ended(self):
        self.console.ended()


class Ours:
    def __init__(self, engine, disk, bus, qemu):
        self.qemu = qemu
        self.console = Machine(CONFIG % (MEMORY, engine, disk, bus), memory="3G", media="virtio",
                               name="debian-disk-" + engine,
                               extra=[*ICOUNT, *qemu.arguments])

    def begin(self):
        self.console.expect(r"debian: %dM, engine" % MEMORY)
        return instructions(self.qemu)

    def press_power(self):
        self.console.prompt()
        self.console.process.send("powerbutton debian\r")
        self.console.guest()

    def ended(self):
        self.console.expect(r"debian: stopped: power off \(ACPI S5\)")
        self.console.ended()


def login(c):
    """From `login:` to a shell without colours and wrapping."""
    c.process.send("root\r")
    c.expect("assword: ")
    c.process.send("ringleader\r")
    c.expect(r"root@debian:~# ")
    c.process.send("stty cols 500; dmesg -n 1; export TERM=dumb;"
                   " bind 'set enable-bracketed-paste off'; PS1='guest# '\r")
    c.expect("guest# '", "guest# ")


def run(c, command):
    """One command; what it says. It must succeed."""
    c.process.send(command + "; echo END=$?\r")
    c.expect(r"END=\$\?\r+\n")
    c.expect(r"END=(\d+)\r")
    output, status = c.process.before, int(c.process.match.group(1))
    c.expect("guest# ")
    assert status == 0, "%s: %s" % (command, output)
    return output.replace("\r", "").strip()


def one_side(make):
    """What it said, by name, and instructions, in 10^9."""
    with tempfile.TemporaryDirectory() as folder:
        qemu = Screen(folder)
        side = make(qemu)
        with side.console as c:
            said, figures = {}, {}
            began, seconds = side.begin(), time.monotonic()
            c.expect("Linux version ")
            figures["kernel"] = instructions(qemu) - began
            c.expect("debian login: ")
            figures["login"] = instructions(qemu) - began
            figures["seconds"] = time.monotonic() - seconds
            login(c)
            for name, command in COMMANDS:
                said[name] = run(c, command)
            began = instructions(qemu)
            said["write"] = run(c, WRITE)
            figures["write"] = instructions(qemu) - began
            c.process.send("reboot\r")
            began = instructions(qemu)
            c.expect("debian login: ")
            figures["reboot"] = instructions(qemu) - began
            login(c)
            said["after"] = run(c, CHECK)
            side.press_power()
            side.ended()
    return said, figures


def main():
    p = argparse.ArgumentParser(description="Debian from a disk, ours over bare QEMU")
    p.add_argument("--engines", default="auto")
    p.add_argument("--disk", required=True)
    p.add_argument("--bus", choices=["ide", "virtio"], default="ide")
    p.add_argument("--bar", type=float, default=2.0)
    options = p.parse_args()
    disk, bus, failed = os.path.abspath(options.disk), options.bus, 0
    said, bare = one_side(lambda qemu: Bare(disk, bus, qemu))
    assert said["tty1"] == "debian login:" and re.match(r"apt \d", said["apt-get"]), said
    assert said["after"].startswith("data: OK"), said
    print("%-14s%10s%10s%10s%10s%10s" % ("10^9 instr.", "kernel", "login", "write", "reboot",
                                         "seconds"))
    print("%-14s" % "bare" + "".join("%10.2f" % v for v in bare.values()), flush=True)
    for engine in options.engines.split(","):
        ours_said, ours = one_side(lambda qemu: Ours(engine, disk, bus, qemu))
        ratio = ours["login"] / bare["login"]
        wrong = [name for name in said if ours_said[name] != said[name]]
        failed += bool(wrong) or ratio > options.bar
        print("%-14s" % engine + "".join("%10.2f" % v for v in ours.values())
              + "   login %.2f of bare, bar %g%s" % (ratio, options.bar,
                                                     "  MISSED" if ratio > options.bar else ""))
        for name in wrong:
            print("FAILED %s: %r, bare %r" % (name, ours_said[name], said[name]))
    print("%d passed, %d failed" % (len(options.engines.split(",")) - failed, failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
