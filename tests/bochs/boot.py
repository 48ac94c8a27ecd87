# SPDX-License-Identifier: MIT
"""Boots our image in Bochs until the guest's kernel has written so many lines, or until its shell
asks (make bochs).

Exit status 0 when that came, 1 when Bochs ended, the monitor or the guest panicked, or it took
longer than --seconds.
"""
import argparse
import os
import re
import sys

from bochs import ROOT, Bochs

# The example: a small guest whose kernel speaks early.
CONFIG = """
[ringleader]
exit = poweroff
[vm debian]
memory  = 64M
kernel  = vmlinuz-686
initrd  = initrd.gz
cmdline = console=ttyS0 earlyprintk=serial,ttyS0
engine  = auto
"""
KERNEL_LINE = re.compile(r"^\[ {0,4}\d+\.\d{6}\] ", re.MULTILINE)
OURS = re.compile(r"^\[ {0,3}\d+\.\d{6}\] (Ringleader|memory:|ACPI: \d|clock:|interrupts:|PCI:"
                  r"|start-up|debian:)", re.MULTILINE)
TROUBLE = re.compile(r"PANIC:|Kernel panic|Oops|BUG:|cannot run here|triple fault")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--lines", type=int, default=30)
    parser.add_argument("--shell", action="store_true")
    parser.add_argument("--config")
    parser.add_argument("--cpu", default="corei7_haswell_4770")
    parser.add_argument("--seconds", type=int, default=1500)
    options = parser.parse_args()
    config = options.config
    if not config:
        config = os.path.join(ROOT, "build", "guests", "bochs.conf")
        with open(config, "w") as f:
            f.write(CONFIG)

    def verdict(text):
        if TROUBLE.search(text):
            return "trouble: " + TROUBLE.search(text).group()
        lines = len(KERNEL_LINE.findall(text)) - len(OURS.findall(text))
        return "" if ("guest:/root#" in text if options.shell else lines >= options.lines) else None

    with Bochs(config, options.cpu) as b:
        said = b.wait(verdict, options.seconds)
        print(b.text())
        print("bochs: %s after %d s" % (said or "reached", b.seconds()))
    return 1 if said else 0


if __name__ == "__main__":
    sys.exit(main())
