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
DRIVERS = ("virtio", "virtio_ring", "virtio_pci_modern_dev", "virtio_pci_legacy_dev", "virtio_pci",
           "virtio_blk")


def image():
    return random.Random(14).randbytes(SIZE)


def debian(engine, keys, cmdline=""):
    return ("[ringleader]\nexit = poweroff\n[vm debian]\nmemory = 128M\nkernel = vmlinuz-686\n"
            "initrd = virtio.gz\ncmdline = console=ttyS0 quiet %s\nengine = %s\n%s"
            % (cmdline, engine, keys))


def insert(m, drivers=DRIVERS):
    m.run("cd /lib/modules/$(uname -r); for m in %s; do insmod $m.ko || echo bad $m; done; cd"
          % " ".join(drivers))


def sum_of(m, disk):
    return m.run("md5sum /dev/" + disk).split()[0]


def free_memory(m):
    """KiB, of the guest and of the machine."""
    guest = int(re.search(r"MemFree: +(\d+)", m.run("cat /proc/meminfo"))[1])
    m.prompt()
    machine = int(re.search(r"memory: (\d+) KiB free", m.monitor("mem"))[1])
    m.guest()
    return guest, machine


def balloon(m, mib):
    """Until the guest has followed; how many KiB are given back."""
    m.prompt()
    m.monitor("balloon debian %d" % mib)
    said = ""
    while "does with %dM;" % mib not in said:
        said = m.monitor("balloon debian")
    m.guest()
    return int(re.search(r"(\d+)K are given back", said)[1])


def check_statistics(m):
    """What the guest's driver tells is what its own files say: nothing else runs."""
    wanted = int(re.search(r"MemTotal: +(\d+)", m.run("cat /proc/meminfo"))[1])
    m.prompt()
    said = m.monitor("balloon debian")
    m.guest()
    told = {name.strip(): int(value.replace(",", ""))
            for name, value in re.findall(r"\n    (\D+) +([\d,]+)K?", said)}
    assert told["in all"] == wanted and 0 < told["free"] <= told["available"] < wanted, said
    assert told["other faults"] > 1000 and "swapped out" in told, said


def check_balloon(m):
    """What Debian puts into it is the machine's, and comes again for files that fill all memory;
    what is never touched need not."""
    before = free_memory(m)
    assert balloon(m, 64) in range(60 << 10, (64 << 10) + 1)
    small = free_memory(m)
    assert before[0] - small[0] in range(60 << 10, 68 << 10)
    assert small[1] - before[1] in range(60 << 10, 66 << 10)
    assert balloon(m, 128) == 0
    again = free_memory(m)
    assert abs(again[0] - before[0]) < 4 << 10 and abs(again[1] - before[1]) < 2 << 10
    m.run("dd if=/dev/urandom of=/tmp/a bs=1M count=30 2>/dev/null; cp /tmp/a /tmp/b;"
          " cmp /tmp/a /tmp/b; rm /tmp/a /tmp/b")
    assert balloon(m, 100) in range(24 << 10, (28 << 10) + 1)
    check_statistics(m)
    m.prompt()
    assert "has 128M" in m.monitor("balloon debian 129")
    assert "balloon NAME" in m.monitor("balloon debian x")


# Engine, the machine's keys, the kernel's command line, and what its interrupts look like.
WAYS = {
    "modern": ("auto", "apic = yes\n", "", "MSI"),
    "legacy": ("recompile", "virtio = legacy\n", "", "XT-PIC"),
}


@pytest.mark.parametrize("way", WAYS)
def test_disk_and_balloon(way):
    engine, keys, cmdline, controller = WAYS[way]
    data = image()
    keys += ("disk0 = data.img,bus=virtio\ndisk1 = fixed.img,readonly\nbus = virtio\n"
             "balloon = virtio\n")
    config = debian(engine, keys, cmdline).replace("exit = poweroff", "exit = stay")
    with Machine(config, files={"data.img": data, "fixed.img": data}) as m:
        m.shell()
        insert(m, DRIVERS + ("virtio_balloon",))
        said = m.run("cd /sys/block; echo $(cat vda/size) $(cat vda/serial) $(cat vdb/ro); cd")
        assert said.split() == ["2048", "RLV00001", "1"]
        assert sum_of(m, "vda") == sum_of(m, "vdb") == hashlib.md5(data).hexdigest()
        assert re.search(r"%s.*virtio" % controller, m.run("cat /proc/interrupts"))
        # Written, and still there when nothing of it is in the page cache.
        m.run("dd if=/dev/vdb of=/dev/vda bs=4k skip=1 count=200 conv=fsync 2>/dev/null;"
              " echo 3 > /proc/sys/vm/drop_caches")
        written = data[4096:201 * 4096] + data[200 * 4096:]
        assert sum_of(m, "vda") == hashlib.md5(written).hexdigest()
        said = m.run("dd if=/dev/zero of=/dev/vdb bs=512 count=1 conv=fsync || echo error")
        assert "rror" in said
        check_balloon(m)
        # All that the machine holds for it comes back, wherever its pages are.
        table = m.monitor("vm list")
        held = [int(n) for n in re.search(r"debian .* (\d+)M +(\d+)K +(\d+)K", table).groups()]
        away = int(re.search(r"(\d+)K are given back", m.monitor("balloon debian"))[1])
        changed = 4 * 300  # blocks of the disk, and more is promised
        before = int(re.search(r"memory: (\d+) KiB free", m.monitor("mem"))[1])
        m.monitor("destroy debian")
        after = int(re.search(r"memory: (\d+) KiB free", m.monitor("mem"))[1])
        total = (held[0] + 16 << 10) + held[1] + held[2]
        assert abs(after - before - (total - away)) < changed + 4096


def test_entropy_and_console():
    """What is typed goes to the virtio console as soon as it has a driver, and to COM1 before."""
    with Machine(debian("auto", "apic = yes\nrng = virtio\nconsole = virtio\n")) as m:
        m.shell()
        insert(m, DRIVERS[:-1] + ("virtio-rng",))
        assert "virtio_rng" in m.run("cat /sys/class/misc/hw_random/rng_current")
        said = m.run("for i in 1 2 3; do dd if=/dev/hwrng bs=256 count=16 2>/dev/null | md5sum;"
                     " done")
        sums = said.split()[::2]
        assert len(set(sums)) == 3 and hashlib.md5(bytes(4096)).hexdigest() not in sums
        m.process.send("insmod /lib/modules/$(uname -r)/virtio_console.ko;"
                       " exec </dev/hvc0 >/dev/hvc0; "
                       "echo rea''dy; read x; echo go''t $x; poweroff -f\r")
        m.expect("ready")
        m.process.send("hello\r")
        m.expect("got hello")
        m.expect("stopped: power off")
        m.ended()


@pytest.mark.parametrize("kind", ["legacy", "modern"])
def test_firmware(kind):
    """SeaBIOS has drivers of its own for both."""
    with ours("auto",
              "disk0 = grub-rescue-cdrom.iso,bus=virtio\nvirtio = %s\nboot = disk\n" % kind) as m:
        m.expect(shown("executed automatically"))
        m.process.send("c")
        m.expect(shown("grub> "))
        assert "(hd0)" in grub_command(m, "ls")
        grub_type(m, "halt")
        m.expect(r"stopped: power off")
        m.ended()
