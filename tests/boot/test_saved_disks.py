# SPDX-License-Identifier: MIT
"""A machine is saved and loaded while it writes its disk: what was written travels with it, in this
run of the monitor and over a reboot, and streams whose disks are not this machine's are refused by
name. The guest (tests/guests/disk_rate.c) writes other words each time and checks every word that
it reads.

Alone:  /usr/bin/python3 -m pytest tests/boot/test_saved_disks.py
"""
import os
import random
import re
import subprocess

import pytest

from guests import Guests, vm
from machine import ROOT
from streams import changed, seal, sections
from test_disk import disk_file, disk_image, log_of, saved

MIB, ROUNDS, MOMENTS = 2, 30, 5
WRITES = 2 * ROUNDS  # ways that write


def guest(name, engine, **more):
    more = {"cmdline": "mib=%d rounds=%d change=1" % (MIB, ROUNDS), **more}
    return vm(name, "disk_rate", engine=engine, disk0="disk.img", **more)


def words(stamp):
    """The disk after so many ways have written."""
    data = disk_image(MIB)
    return b"".join(((int.from_bytes(data[i:i + 4],
                                     "little") + stamp) & 0xffffffff).to_bytes(4, "little")
                    for i in range(0, len(data), 4))


def all_good(lines):
    assert not [line for line in lines if line.startswith("FAIL")], lines
    return any("0 failed" in line for line in lines)


def shelves(files):
    """Machines that never run: the boot loader brings what is in their drives."""
    groups = [files[i:i + 4] for i in range(0, len(files), 4)]
    return [vm("shelf%d" % n, "bystander", "", "auto", autostart="no",
               **{"disk%d" % i: "%s,readonly" % f for i, f in enumerate(group)})
            for n, group in enumerate(groups)]


def said(m, pattern):
    m.wait_line(pattern)


@pytest.mark.parametrize("engine", ["auto", "recompile-all"])
def test_moments(engine, tmp_path):
    """Put back at random moments, again and again; the disk at the end is what was written last."""
    rng = random.Random(engine)
    with Guests([guest("one", engine)], files={"disk.img": disk_image(MIB)},
                name="saved_disks_" + engine) as m:
        said(m, r"one: .*rate dma-read")
        m.prompt()
        for _ in range(MOMENTS):
            for _ in range(rng.randrange(3)):  # not by time: a fast host would be done before
                said(m, r"one: .*rate ")
            m.process.send("save one\r")
            said(m, "one: saved as one: ")
            for _ in range(rng.randrange(6)):
                said(m, r"one: .*rate ")
            m.process.send("load one\r")
            said(m, "one: (loaded from one: |stopped: )")
            if "stopped" in m.process.match[0]:
                said(m, "one: loaded from one: ")
        m.wait_stopped(["one"])
        assert all_good(m.lines("one")), m.lines("one")
        saved(m, "one", "disk0")
        status, text, out = disk_file(tmp_path, log_of(m), disk_image(MIB), "out")
        assert status == 0 and out.read_bytes() == words(WRITES), text


@pytest.fixture(scope="module", name="stream")
def fixture_stream(tmp_path_factory):
    """A machine in the midst of its work, as its console's log has it."""
    with Guests([guest("one", "auto")], files={"disk.img": disk_image(MIB)},
                name="saved_disks_sent") as m:
        said(m, r"one: .*rate pio-write")
        m.prompt()
        m.process.send("save one\r")
        said(m, "one: saved as one: ")
        m.process.send("pause one\rsnapshot send one\r")
        m.expect("=== state one ", r"=== end ===")
        out = tmp_path_factory.mktemp("state") / "one.state"
        log = m.log.name
        log_of(m)
        subprocess.run([os.path.join(ROOT, "iso/state-file"), log, str(out)], check=True)
    return out.read_bytes()


def bad_streams(data):
    """Name, bytes, and what is said of them."""
    parts = list(sections(data))
    blocks = [(at, length) for name, at, length in parts if name == "blocks"]
    drives = next(at for name, at, _ in parts if name == "drives")
    flipped = bytearray(data)
    flipped[blocks[-1][0] + 100] ^= 1
    pages = drives + 2 * 7 + 4 + 1 + len("disk.img") + 3 + 8 + 4
    return [
        ("cut.state", data[:blocks[1][0] + 5000], "section blocks: the stream ends here"),
        ("flip.state", bytes(flipped), "section blocks: its checksum is wrong"),
        ("lost.state", seal(data[:blocks[0][0] - 20] + data[blocks[0][0] + blocks[0][1] + 4:]),
         "section end: found where blocks has to be"),
        ("image.state", seal(changed(data, "blocks", 12, b"\1\2\3\4")),
         "section blocks: the image is another one: block 0"),
        ("order.state", seal(changed(data, "blocks", 0, b"\xff" * 8)),
         "section blocks: 15 blocks from"),
        ("much.state", seal(data[:pages] + b"\0\0\0\x01" + data[pages + 4:]),
         "section drives: more was written to its drives than disk_writes"),
        ("name.state", seal(changed(data, "drives", 2 * 7 + 4 + 1, b"desk")),
         "section drives: no boot module is called desk.img"),
        ("size.state", seal(changed(data, "medium", 40, b"\1")), "section medium: disk.img had "),
    ]


def test_reboot(stream):
    """Another start of the monitor: it goes on where it was, with its disk. Streams that are not
    good leave the running one alone."""
    bad = bad_streams(stream)
    files = {"disk.img": disk_image(MIB), "one.state": stream,
             **{name: data for name, data, _ in bad}}
    sections_ = [guest("two", "recompile", state="one.state"),
                 guest("good", "auto", cmdline="mib=%d rounds=%d change=1" % (MIB, 3 * ROUNDS)),
                 vm("bare", "bystander", "", "auto"), *shelves([name for name, _, _ in bad])]
    with Guests(sections_, files=files, name="saved_disks_reboot") as m:
        said(m, "two: loaded from one.state")
        m.quiet("good", "bare")
        for name, _, why in bad:
            m.process.send("load good %s\r" % name)
            said(m, r"good: %s is not loaded: ([^\r\n]*)[\r\n]" % re.escape(name))
            assert re.search(why, m.process.match[1]), (name, m.process.match[1])
        m.process.send("load bare one.state\r")
        said(m, r"bare: one.state is not loaded: section drives: a machine with a drive disk0")
        m.process.send("resume good\r")
        m.wait_stopped(["two", "good"])
        assert all_good(m.lines("two")) and all_good(m.lines("good"))


def test_media():
    """A floppy that was changed after the save is the saved one again, with what was written to it,
    and not one more."""
    first, second = bytes(737280), b"\x55" * 737280
    section = vm("one", "bystander", "", "auto", floppy="a.img", cdrom="empty", disk_writes="1M")
    with Guests([section, *shelves(["b.img"])], files={"a.img": first, "b.img": second},
                name="saved_media") as m:
        said(m, "one: SUM ")
        m.prompt()
        m.process.send("save one\r")
        said(m, "one: saved as one: ")
        m.process.send("insert one floppy b.img\r")
        said(m, "b.img is in floppy")
        m.process.send("save one other\r")
        said(m, "one: saved as other: ")
        for snapshot, inside in (("one", "a.img"), ("other", "b.img"), ("one", "a.img")):
            m.process.send("load one %s\r" % snapshot)
            said(m, "one: loaded from %s: " % snapshot)
            m.process.send("insert one floppy %s\r" % inside)
            said(m, r"(is in another drive|is in floppy)")
            assert m.process.match[1] == "is in another drive", (snapshot, inside)
