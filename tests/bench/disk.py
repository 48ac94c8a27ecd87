# SPDX-License-Identifier: MIT
"""How fast a guest reads and writes its disks, IDE by DMA and PIO, and virtio, ours beside bare
QEMU.

    disk.py [--mib 8] [--runs 5] [--engines auto,recompile]

One guest, tests/guests/disk_rate.c, measures on both sides by the TSC, which is the host's. Its
images are in memory on both sides. Runs alternate, and go through all ways several times. The table
shows, for the medians and for the fastest pass of each side, the ratio of throughputs (bare's ticks
over ours). The bar is on the fastest: whatever else the host does only adds time, and to bare QEMU,
whose disks are threads of their own, it adds more. The exit status says whether the first engine
has reached all bars.

--icount counts instructions in place of ticks, ours only: QEMU copies outside of the emulation.
"""
import argparse
import os
import re
import statistics
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "boot"))
from guests import Guests, bare_lines_of, vm  # noqa: E402
from test_disk import disk_image  # noqa: E402

# and the bar
WAYS = {"dma-read": 0.7, "dma-write": 0.7, "pio-read": 0.7, "pio-write": 0.7, "virtio-read": 0.85,
        "virtio-write": 0.85}
RATE = re.compile(r"rate (\S+) (\d+) MiB (\d+) kiloticks")
ICOUNT = ["-icount", "shift=0,sleep=on"]  # a tick is an instruction
MEMORY = "/dev/shm" if os.path.isdir("/dev/shm") else None


def rates(lines):
    """{way: [ticks per KiB]}."""
    found = {}
    for way, mib, kiloticks in RATE.findall("\n".join(lines)):
        found.setdefault(way, []).append(int(kiloticks) / int(mib))
    assert set(found) == set(WAYS), lines
    return found


def bare(images, cmdline):
    drives = ["-drive", "file=%s,format=raw,if=ide" % images[0], "-drive",
              "file=%s,format=raw,if=virtio" % images[1]]
    return rates(bare_lines_of("disk_rate", ["-cpu", "max", *drives, "-kernel"],
                               ["-append", cmdline], every=True))


def ours(engine, data, cmdline, extra=()):
    section = vm("rate", "disk_rate", cmdline, engine, disk0="a.img", disk1="b.img,bus=virtio",
                 verify="no")
    with Guests([section], files={"a.img": data, "b.img": data}, name="bench-disk-" + engine,
                extra=extra) as m:
        m.wait_stopped(["rate"])
        lines = m.lines("rate")
    assert any("0 failed" in line for line in lines), lines
    return rates(lines)


def measure(engines, options, data, cmdline):
    """{side: {way: [ticks per KiB]}}."""
    figures = {side: {way: [] for way in WAYS} for side in ["bare", *engines]}
    with tempfile.NamedTemporaryFile(dir=MEMORY) as ide, \
            tempfile.NamedTemporaryFile(dir=MEMORY) as virtio:
        for image in (ide, virtio):
            image.write(data)
            image.flush()
        for _ in range(options.runs):
            for side in figures:
                found = bare((ide.name, virtio.name),
                             cmdline) if side == "bare" else ours(side, data, cmdline)
                for way, ticks in found.items():
                    figures[side][way] += ticks
    return figures


def table(figures, engines):
    """Prints it; how many bars the first engine has missed."""
    missed = 0
    print("%-13s%11s%9s" % ("ticks per KiB", "bare median",
                            "fastest") + "".join("%31s" % e for e in engines) + "   bar")
    for way, bar in WAYS.items():
        side = figures["bare"][way]
        middle, fastest = statistics.median(side), min(side)
        line = "%-13s%11.1f%9.1f" % (way, middle, fastest)
        for e in engines:
            own = figures[e][way]
            line += "%9.1f (%5.2f)%9.1f (%4.2f)" % (
                statistics.median(own), middle / statistics.median(own),
                min(own), fastest / min(own))
        low = fastest / min(figures[engines[0]][way]) < bar
        missed += low
        print(line + "   %s%s" % (bar, "  MISSED" if low else ""))
    print("load %.1f, %d bars missed" % (os.getloadavg()[0], missed))
    return missed


def main():
    p = argparse.ArgumentParser(description="throughput of disks, ours over bare QEMU")
    p.add_argument("--mib", type=int, default=8)
    p.add_argument("--runs", type=int, default=5)
    p.add_argument("--engines", default="auto,recompile")
    p.add_argument("--icount", action="store_true")
    options = p.parse_args()
    engines, data = options.engines.split(","), disk_image(options.mib)
    cmdline = "virtio=1 mib=%d rounds=3" % options.mib
    if not options.icount:
        return 1 if table(measure(engines, options, data, cmdline), engines) else 0
    counted = {e: ours(e, data, cmdline, ICOUNT) for e in engines}
    print("%-13s" % "instructions per KiB" + "".join("%14s" % e for e in engines))
    for way in WAYS:
        print("%-20s" % way + "".join("%14.0f" % min(counted[e][way]) for e in engines))
    return 0


if __name__ == "__main__":
    sys.exit(main())
