# SPDX-License-Identifier: MIT
"""What the monitor's counters cost: Debian's boot and programs, by an image with them and by one
that was made without (kernel/base/count.h), in instructions as QEMU's -icount counts them. More
than 1 % of the boot's is a failure.

    counting.py build/uncounted/ringleader.elf [ENGINE...]
"""
import argparse
import os
import sys

from bench import BOOT, PROGRAMS, counted_run

BAR = 0.01


def main():
    p = argparse.ArgumentParser(description="with counters over without")
    p.add_argument("image")
    p.add_argument("engines", nargs="*", default=["auto"])
    p.add_argument("--cpu", default="max")
    p.add_argument("--kernel", default="vmlinuz-686")
    p.add_argument("--tlb", default="architectural")
    options = p.parse_args()
    missed = 0
    for engine in options.engines:
        sums, sides = {}, []
        for image in (options.image, None):
            os.environ.pop("RINGLEADER", None)
            if image:
                os.environ["RINGLEADER"] = os.path.abspath(image)
            sides.append(counted_run(engine, options, sums))
        without, counting = sides
        print("%-28s %12s %12s %8s" % (engine, "without, G", "counting, G", "+ %"))
        for name, _, label, _ in [BOOT, *PROGRAMS]:
            more = counting[name] / without[name] - 1
            bad = name == "boot" and more > BAR
            missed += bad
            print("%-28s %12.4f %12.4f %8.2f%s" % (label, without[name], counting[name],
                                                   100 * more, "  MISSED" if bad else ""))
    return missed


if __name__ == "__main__":
    sys.exit(main())
