# SPDX-License-Identifier: MIT
"""Virtio devices through the driver of a test guest, tests/guests/virtio.c, of 0.9 and 1.0, by
wires and messages: the lines of bare QEMU's devices under every engine; and queues of an enemy,
with one line in the log for each device.

Alone:  make test-guests && /usr/bin/python3 -m pytest tests/boot/test_virtio_guest.py
"""
import re

import pytest

from guests import Guests, bare_lines_of, compared, vm
from test_disk import disk_image

KINDS = {"legacy": "disable-modern=on,disable-legacy=off",
         "modern": "disable-modern=off,disable-legacy=on"}
ENGINES = ("auto", "ring1", "recompile-all")


@pytest.fixture(scope="module", name="data")
def fixture_data():
    return disk_image(1)


def cmdline(kind, msix):
    return "modern=%d msix=%d" % (kind == "modern", msix)


def bare(kind, msix, image):
    extra = "," + KINDS[kind]
    return bare_lines_of("virtio", [
        "-cpu", "max", "-drive", "file=%s,format=raw,if=none,id=d" % image, "-device",
        "virtio-blk-pci,drive=d,serial=RLV00001" + extra,
        "-device", "virtio-rng-pci" + extra, "-device", "virtio-balloon-pci" + extra, "-kernel"],
                         ["-append", cmdline(kind, msix)])


def section(name, kind, msix, engine, more=""):
    return vm(name, "virtio", cmdline(kind, msix) + more, engine, disk0="disk.img,bus=virtio",
              rng="virtio", balloon="virtio", virtio=kind,
              apic="yes" if msix else "no")


def test_same_lines(data, tmp_path):
    cases = {"%s%d-%s" % (kind, msix, e): (kind, msix, e) for kind in KINDS for msix in (0, 1)
             for e in ENGINES}
    expected = {}
    for kind in KINDS:
        for msix in (0, 1):
            (tmp_path / "disk.img").write_bytes(data)
            expected[kind, msix] = bare(kind, msix, tmp_path / "disk.img")
    with Guests([section(name, *case) for name, case in cases.items()],
                files={"disk.img": data}) as m:
        m.wait_stopped(cases)
        for name, (kind, msix, _) in cases.items():
            lines = expected[kind, msix]
            assert compared(m.lines(name))[-len(lines) - 1:-1] == lines, name
            assert "0 failed" in lines[-1]


def test_hostile(data):
    cases = {"%s-%s" % (kind, e): (kind, e) for kind in KINDS for e in ("auto", "recompile-all")}
    with Guests([section(n, kind, 0, e, " hostile=1") for n, (kind, e) in cases.items()],
                files={"disk.img": data}) as m:
        m.wait_stopped(cases)
        for name in cases:
            text = "\n".join(m.lines(name))
            assert " 0 failed" in text, text
            for device in ("virtio-blk", "virtio-balloon"):
                assert len(re.findall(device + r": .*: it waits for a reset", text)) == 1, text
