# SPDX-License-Identifier: MIT
"""Virtio devices under Debian's drivers, of 1.0 and of 0.9, with messages and with wires.

Alone:  make guests && /usr/bin/python3 -m pytest tests/boot/test_virtio.py
"""
import hashlib
import random
import re

import pytest

from machine import Machine
from test_os import grub_command, grub_type, ours, shown

SIZE = 1 << 20
DRIVERS = ("virtio", "virtio_ring", "virtio_pci_modern_dev", "virtio_pci_legacy_dev", "virtio_pci", "virtio_blk")


def image():
    return random.Random(14).randbytes(SIZE)


def debian(engine, keys, cmdline=""):
    return "[ringleader]\nexit = poweroff\n[vm debian]\nmemory = 128M\nkernel = vmlinuz-686\ninitrd = virtio.gz\n" \
        "cmdline = console=ttyS0 quiet %s\nengine = %s\n%s" % (cmdline, engine, keys)


def insert(m, drivers=DRIVERS):
    m.run("cd /lib/modules/$(uname -r); for m in %s; do insmod $m.ko || echo bad $m; done; cd" % " ".join(drivers))


def sum_of(m, disk):
    return m.run("md5sum /dev/" + disk).split()[0]


# Engine, the machine's keys, the kernel's command line, and what its interrupts look like.
WAYS = {
    "modern": ("auto", "apic = yes\n", "", "MSI"),
    "legacy": ("recompile", "virtio = legacy\n", "", "XT-PIC"),
}


@pytest.mark.parametrize("way", WAYS)
def test_disk(way):
    engine, keys, cmdline, controller = WAYS[way]
    data = image()
    keys += "disk0 = data.img,bus=virtio\ndisk1 = fixed.img,readonly\nbus = virtio\n"
    with Machine(debian(engine, keys, cmdline), files={"data.img": data, "fixed.img": data}) as m:
        m.shell()
        insert(m)
        assert m.run("cd /sys/block; echo $(cat vda/size) $(cat vda/serial) $(cat vdb/ro); cd").split() == ["2048", "RLV00001", "1"]
        assert sum_of(m, "vda") == sum_of(m, "vdb") == hashlib.md5(data).hexdigest()
        assert re.search(r"%s.*virtio" % controller, m.run("cat /proc/interrupts"))
        # Written, and still there when nothing of it is in the page cache.
        m.run("dd if=/dev/vdb of=/dev/vda bs=4k skip=1 count=200 conv=fsync 2>/dev/null; echo 3 > /proc/sys/vm/drop_caches")
        assert sum_of(m, "vda") == hashlib.md5(data[4096:201 * 4096] + data[200 * 4096:]).hexdigest()
        assert "rror" in m.run("dd if=/dev/zero of=/dev/vdb bs=512 count=1 conv=fsync || echo error")
        m.process.send("poweroff -f\r")
        m.expect("stopped: power off")
        m.ended()


def test_entropy_and_console():
    """What is typed goes to the virtio console as soon as it has a driver, and to COM1 before."""
    with Machine(debian("auto", "apic = yes\nrng = virtio\nconsole = virtio\n")) as m:
        m.shell()
        insert(m, DRIVERS[:-1] + ("virtio-rng",))
        assert "virtio_rng" in m.run("cat /sys/class/misc/hw_random/rng_current")
        sums = m.run("for i in 1 2 3; do dd if=/dev/hwrng bs=256 count=16 2>/dev/null | md5sum; done").split()[::2]
        assert len(set(sums)) == 3 and hashlib.md5(bytes(4096)).hexdigest() not in sums
        m.process.send("insmod /lib/modules/$(uname -r)/virtio_console.ko; exec </dev/hvc0 >/dev/hvc0; "
                       "echo rea''dy; read x; echo go''t $x; poweroff -f\r")
        m.expect("ready")
        m.process.send("hello\r")
        m.expect("got hello")
        m.expect("stopped: power off")
        m.ended()


@pytest.mark.parametrize("kind", ["legacy", "modern"])
def test_firmware(kind):
    """SeaBIOS has drivers of its own for both."""
    with ours("auto", "disk0 = grub-rescue-cdrom.iso,bus=virtio\nvirtio = %s\nboot = disk\n" % kind) as m:
        m.expect(shown("executed automatically"))
        m.process.send("c")
        m.expect(shown("grub> "))
        assert "(hd0)" in grub_command(m, "ls")
        grub_type(m, "halt")
        m.expect(r"stopped: power off")
        m.ended()
