# SPDX-License-Identifier: MIT
"""An IDE disk, by DMA with interrupts and by PIO in blocks: tests/guests/disk_rate.c reads and
writes it, checks every byte, and prints the lines of bare QEMU. `make bench-disk` measures with the
same guest. What it has written leaves by `disk save`.
"""
import array
import os
import subprocess

import pytest

from guests import Guests, bare_lines_of, compared, vm
from machine import ROOT

MIB = 1
MARK, MARKED = 1037, 0x10000  # the sector that is marked, and the guest's constant


def disk_words(first, sectors):
    """What disk_word() of the guest says."""
    return array.array("I", ((i * 2654435761) & 0xffffffff
                             for i in range(first << 7, (first + sectors) << 7))).tobytes()


def disk_image(mib):
    return disk_words(0, mib << 11)


@pytest.fixture(scope="module", name="data")
def fixture_data():
    return disk_image(MIB)


@pytest.fixture(scope="module", name="bare")
def fixture_bare(data, tmp_path_factory):
    image = tmp_path_factory.mktemp("disk") / "disk.img"
    image.write_bytes(data)
    drive = "file=%s,format=raw,if=ide" % image
    return bare_lines_of("disk_rate", ["-cpu", "max", "-drive", drive, "-kernel"],
                         ["-append", "mib=%d" % MIB])


def test_transfers(data, bare):
    """All engines on one machine, each with a copy of its own of what they write."""
    engines = ["auto", "ring1", "recompile-all"]
    sections = [vm(e, "disk_rate", "mib=%d" % MIB, e, disk0="disk.img") for e in engines]
    with Guests(sections, files={"disk.img": data}) as m:
        m.wait_stopped(engines)
        for e in engines:
            assert compared(m.lines(e))[-len(bare) - 1:-1] == bare, e


def disk_file(tmp_path, log, image, name):
    """iso/disk-file: its exit status, what it says, and what it has made."""
    for file, data in (("log", log.encode("utf-8")), ("image", image)):
        (tmp_path / file).write_bytes(data)
    p = subprocess.run([os.path.join(ROOT, "iso/disk-file"), tmp_path / "log", tmp_path / "image",
                        tmp_path / name],
                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
                       encoding="utf-8")
    return p.returncode, p.stdout, tmp_path / name


def log_of(m):
    """What the terminal has got so far."""
    m.log.flush()
    with open(m.log.name, encoding="utf-8", newline="") as f:
        return f.read()


def saved(m, name, drive):
    m.process.send("disk save %s %s\r" % (name, drive))
    m.expect(r"=== disk %s \d+ bytes ===" % name, "=== end ===")


def test_save(tmp_path):
    """`disk save`: an image with what was written, of a VM that has ended and of one that is
    paused; never of another image."""
    data, odd = disk_image(MIB), disk_image(1)[:-300]
    sections = [vm("one", "disk_rate", "mib=1 mark=%d" % MARK, "auto", disk0="disk.img",
                   disk1="odd.img"),
                vm("two", "bystander", "", "auto", disk0="disk.img")]
    with Guests(sections, files={"disk.img": data, "odd.img": odd}) as m:
        m.wait_stopped(["one"])
        m.quiet("two")
        saved(m, "one", "disk0")
        status, said, out = disk_file(tmp_path, log_of(m), data, "out")
        assert status == 0, said
        marked = bytearray(data)
        marked[MARK * 512:(MARK + 256) * 512] = disk_words(MARK + MARKED, 256)
        assert out.read_bytes() == marked and "%d blocks" % (MIB * 256) in said
        wrong = bytearray(data)
        wrong[4096 * 77] ^= 1
        status, said, out = disk_file(tmp_path, log_of(m), wrong, "wrong")
        assert status and "not the image" in said
        status, said, out = disk_file(tmp_path, log_of(m), data + bytes(512), "wrong")
        assert status and "bytes, and the one that was written to has" in said
        saved(m, "two", "disk0")
        status, said, out = disk_file(tmp_path, log_of(m), data, "out")
        assert status == 0 and out.read_bytes() == data and " 0 blocks" in said
        saved(m, "one", "disk1")
        status, said, out = disk_file(tmp_path, log_of(m), odd, "out")
        assert status == 0 and out.read_bytes() == odd + bytes(300)
        assert "has no drive called disk3" in m.monitor("disk save one disk3")
        assert "disk save NAME DRIVE" in m.monitor("disk save one")
