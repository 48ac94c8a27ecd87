# SPDX-License-Identifier: MIT
"""How fast video memory is: tests/guests/vga_speed.c on ours and on bare QEMU, and the ratio of
both.

    video.py [--rows 'auto ring=0,auto ring=3,recompile-all ring=0'] [--cpu max]

The guest gives the cycles of the fastest of many short pieces of work, so other load on the host
does little. The bars are the issue's: ours over bare QEMU's time.
"""
import argparse
import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "boot"))
from guests import vm  # noqa: E402
from machine import GUESTS, Machine  # noqa: E402

GUEST = "vga_speed"
BARS = {"text-scroll": 1.5, "planar": 2.0, "mode-13h": 1.1, "frame-buffer": 1.1}


def speeds(text):
    return {name: int(cycles) for name, cycles in re.findall(r"SPEED (\S+) (\d+)", text)}


def bare(cpu, cmdline):
    p = subprocess.run(["qemu-system-x86_64", "-accel", "tcg", "-cpu", cpu, "-m", "64", "-vga",
                        "std", "-display", "none",
                        "-monitor", "none", "-serial", "stdio", "-device",
                        "isa-debug-exit,iobase=0x501",
                        "-kernel", os.path.join(GUESTS, GUEST), "-append", cmdline],
                       stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, check=False)
    return speeds(p.stdout.decode("latin-1"))


def ours(cpu, engine, cmdline):
    with Machine(vm("v", GUEST, cmdline, engine, serial0="console", verify="no"), cpu=cpu,
                 name="bench-video") as m:
        m.expect("END %s" % GUEST)
        return speeds(m.process.before)


def main():
    p = argparse.ArgumentParser(description="video memory, ours over bare QEMU")
    p.add_argument("--rows", default="auto ring=0,auto ring=3,recompile-all ring=0,ring1 ring=0")
    p.add_argument("--cpu", default="max")
    options = p.parse_args()
    rows = [row.split() for row in options.rows.split(",")]
    theirs = {cmdline: bare(options.cpu, cmdline) for cmdline in {cmdline for _, cmdline in rows}}
    mine = [ours(options.cpu, engine, cmdline) for engine, cmdline in rows]
    print("%-22s %12s" % ("video, over bare",
                          "bare, cycles") + "".join("%22s" % " ".join(row)
                                                    for row in rows) + "   bar")
    missed = 0
    for name, cycles in theirs[rows[0][1]].items():
        ratios = [mine[i][name] / theirs[cmdline][name] for i, (_, cmdline) in enumerate(rows)]
        bar = next(value for prefix, value in BARS.items() if name.startswith(prefix))
        missed += sum(r > bar for r in ratios)
        print("%-22s %12d" % (name, cycles) + "".join("%22.2f" % r for r in ratios) + "   %s" % bar)
    print("%d bars missed" % missed)


if __name__ == "__main__":
    main()
