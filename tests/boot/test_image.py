# SPDX-License-Identifier: MIT
"""The image boots from every medium and firmware, on poor and rich machines; the configuration's
mistakes are named."""
import os
import re
import subprocess

import pytest

from machine import ROOT, Machine

VM = """
[vm %s]
memory  = %s
kernel  = vmlinuz-686
initrd  = initrd.gz
cmdline = console=ttyS0 earlyprintk=serial,ttyS0
"""


@pytest.mark.parametrize("media,firmware,cpu,memory", [
    ("cd", "bios", "qemu64", "1G"), ("disk", "bios", "max", "1G"), ("usb", "bios", "max", "1G"),
    ("cd", "uefi", "max", "1G"), ("disk", "uefi", "max", "1G"), ("usb", "uefi", "qemu64", "1G"),
    ("cd", "bios", "max", "8G"),
])
def test_boots_from(media, firmware, cpu, memory):
    with Machine(VM % ("debian", "64M"), cpu=cpu, memory=memory, media=media,
                 firmware=firmware) as m:
        m.expect("start-up took", "Linux version 6", "Kernel command line: console=ttyS0")


def test_small_machine():
    """In 128 MiB a machine of 64 runs, one of 256 is refused with the reason."""
    with Machine(VM % ("big", "256M") + VM % ("small", "64M"), memory="128M") as m:
        m.expect(r"big: memory = 256M: only \d+M are free", "Linux version 6")


def test_config_errors():
    """Each mistake costs its own machine, which stays in the list with the reason; the good one
    starts."""
    bad = VM % ("typo", "64M") + "colour = blue\n" + VM % ("size", "12Q") + VM % ("good", "64M")
    with Machine(bad) as m:
        m.expect(r"vms.conf:\d+: colour = blue: unknown key",
                 r"vms.conf:\d+: memory = 12Q: not a size",
                 "typo: not started", "Linux version 6")
        m.prompt()
        listing = m.monitor("vm list")
        assert re.search(r"good +running", listing)
        for name in "typo", "size":
            assert re.search(name + r" +refused .*not started: its section, from line \d+ on, "
                             r"has errors", listing), listing


def test_missing_file(tmp_path):
    """mkimage names configuration, line and file."""
    conf = tmp_path / "vms.conf"
    conf.write_text("[vm a]\nkernel = nothing-here\n")
    p = subprocess.run([os.path.join(ROOT, "iso/mkimage"), "-o", str(tmp_path / "x.iso"),
                        str(conf)],
                       stderr=subprocess.PIPE, text=True)
    assert p.returncode and "vms.conf:2: nothing-here" in p.stderr


def test_commands():
    """Pause, resume, reset and destroy; the registers and the log."""
    with Machine(VM % ("one", "64M") + VM % ("two", "64M")) as m:
        m.expect("Linux version 6")
        m.prompt()
        assert "vm" in m.monitor("help")
        assert "paused" in m.monitor("pause one")
        assert "eip=" in m.monitor("regs one")
        assert "running" in m.monitor("resume one")
        assert "Ringleader" in m.monitor("log")
        m.process.send("reset one\r")
        m.expect("one: reset")
        m.process.send("destroy one\r")
        m.expect("destroyed")
        listing = m.monitor("vm list")
        m.process.send("vm list\r")
        m.expect("two +running")
        m.process.send("console two\r")
        m.expect("Linux version 6")
        assert listing is not None
