# SPDX-License-Identifier: MIT
"""An IDE disk, by DMA with interrupts and by PIO in blocks: tests/guests/disk_rate.c reads and writes it, checks every byte, and
prints the lines of bare QEMU. `make bench-disk` measures with the same guest.
"""
import array

import pytest

from guests import Guests, bare_lines_of, compared, vm

MIB = 1


def disk_image(mib):
    """What disk_word() of the guest says."""
    return array.array("I", ((i * 2654435761) & 0xffffffff for i in range(mib << 18))).tobytes()


@pytest.fixture(scope="module", name="data")
def fixture_data():
    return disk_image(MIB)


@pytest.fixture(scope="module", name="bare")
def fixture_bare(data, tmp_path_factory):
    image = tmp_path_factory.mktemp("disk") / "disk.img"
    image.write_bytes(data)
    drive = "file=%s,format=raw,if=ide" % image
    return bare_lines_of("disk_rate", ["-cpu", "max", "-drive", drive, "-kernel"], ["-append", "mib=%d" % MIB])


def test_transfers(data, bare):
    """All engines on one machine, each with a copy of its own of what they write."""
    engines = ["auto", "ring1", "recompile-all"]
    sections = [vm(e, "disk_rate", "mib=%d" % MIB, e, disk0="disk.img") for e in engines]
    with Guests(sections, files={"disk.img": data}) as m:
        m.wait_stopped(engines)
        for e in engines:
            assert compared(m.lines(e))[-len(bare) - 1:-1] == bare, e
