# SPDX-License-Identifier: MIT
"""How fast a guest reads and writes its IDE disk, by DMA and by PIO, ours beside bare QEMU.

    disk.py [--mib 8] [--runs 5] [--engines auto,recompile]

One guest, tests/guests/disk_rate.c, measures on both sides by the TSC, which is the host's. Runs alternate; the table shows medians
and, at their end, the ratio of throughputs (bare's ticks over ours) with its bar. The exit status says whether the first engine has
reached all bars.
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

WAYS = {"dma-read": 0.7, "dma-write": 0.7, "pio-read": 0.7, "pio-write": 0.7}  # and the bar
RATE = re.compile(r"rate (\S+) (\d+) MiB (\d+) kiloticks")


def rates(lines):
    """{way: [ticks per KiB]}."""
    found = {}
    for way, mib, kiloticks in RATE.findall("\n".join(lines)):
        found.setdefault(way, []).append(int(kiloticks) / int(mib))
    assert set(found) == set(WAYS), lines
    return found


def bare(image, cmdline):
    drive = "file=%s,format=raw,if=ide" % image
    return rates(bare_lines_of("disk_rate", ["-cpu", "max", "-drive", drive, "-kernel"], ["-append", cmdline], every=True))


def ours(engine, data, cmdline):
    section = vm("rate", "disk_rate", cmdline, engine, disk0="disk.img", verify="no")
    with Guests([section], files={"disk.img": data}, name="bench-disk-" + engine) as m:
        m.wait_stopped(["rate"])
        lines = m.lines("rate")
    assert any("0 failed" in line for line in lines), lines
    return rates(lines)


def main():
    p = argparse.ArgumentParser(description="throughput of IDE disks, ours over bare QEMU")
    p.add_argument("--mib", type=int, default=8)
    p.add_argument("--runs", type=int, default=5)
    p.add_argument("--engines", default="auto,recompile")
    options = p.parse_args()
    engines, data = options.engines.split(","), disk_image(options.mib)
    cmdline = "mib=%d rounds=3" % options.mib
    figures = {side: {way: [] for way in WAYS} for side in ["bare", *engines]}
    with tempfile.NamedTemporaryFile() as image:
        image.write(data)
        image.flush()
        for _ in range(options.runs):
            for side in figures:
                for way, ticks in (bare(image.name, cmdline) if side == "bare" else ours(side, data, cmdline)).items():
                    figures[side][way] += ticks
    missed = 0
    print("%-12s%12s" % ("ticks per KiB", "bare") + "".join("%20s" % e for e in engines) + "   bar")
    for way, bar in WAYS.items():
        medians = {side: statistics.median(figures[side][way]) for side in figures}
        line = "%-12s%12.1f" % (way, medians["bare"])
        for e in engines:
            line += "%12.1f (%5.2f)" % (medians[e], medians["bare"] / medians[e])
        low = medians["bare"] / medians[engines[0]] < bar
        missed += low
        print(line + "   %s%s" % (bar, "  MISSED" if low else ""))
    print("load %.1f, %d bars missed" % (os.getloadavg()[0], missed))
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
