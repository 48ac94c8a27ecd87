# SPDX-License-Identifier: MIT
"""The attacks of tests/boot/test_attack.py in Bochs, which checks segment limits where QEMU does
not (make bochs-attack).

Each guest must end with no check failed and print what it prints on bare QEMU (selectors and
addresses thinned out: Bochs is slow). The bystander's sums must be right, and it must go on after
the last attack. Exit status 0 only then.
"""
import argparse
import os
import re
import sys

from bochs import ROOT, Bochs

sys.path.insert(0, os.path.join(ROOT, "tests", "boot"))
from guests import PLACES, bare_lines, build, check_bystander, compared, vm  # noqa: E402
from test_attack import ATTACKS, cmdline  # noqa: E402

SUM = r"\] bystander: (SUM \d+ \w+ \d+ \w+ ticks \d+)\n"


def thinned(attack, place):
    """step is prime, so that selectors of all RPLs and both tables are met."""
    return cmdline(place) + {"selectors": " step=61", "addresses": " rounds=400"}.get(attack, "")


def lines_of(text, name):
    return [line.rstrip() for line in re.findall(r"\] %s: (.*)" % re.escape(name), text)]


def verdict(text):
    panic = re.search(r"PANIC:.*", text)
    if panic:
        return panic.group()
    ends = [re.search(r"\] %s: stopped: " % a, text) for a in ATTACKS]
    if not all(ends):
        return None
    return "" if re.search(SUM, text[max(e.end() for e in ends):]) else None


def judge(text, place, cpu):
    """How many guests are not as they should be."""
    bad = 0
    for a in ATTACKS:
        lines = [line for line in lines_of(text, a)[1:-1] if not line.startswith("reset: ")]
        failed = [line for line in lines if line.startswith("FAIL")]
        ended = any(re.match(r"END .*, 0 failed", line) for line in lines)
        bare = bare_lines(a, thinned(a, place), cpu)
        other = [line for line in compared(lines) if line not in bare]
        print("%-12s %s, %d lines, %d other than on bare QEMU" % (
            a, "FAILED" if failed else "ok" if ended else "NO END", len(lines), len(other)))
        for line in failed + other[:10]:
            print("    " + line)
        bad += bool(failed or other or not ended)
    return bad


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--place", default="raw1", choices=list(PLACES))
    parser.add_argument("--cpu", default="corei7_haswell_4770")
    parser.add_argument("--seconds", type=int, default=3000)
    options = parser.parse_args()
    build()
    sections = [vm("bystander", "bystander", "ring=3 every=200", "auto")]
    sections += [vm(a, a, thinned(a, options.place), PLACES[options.place][0],
                    on_triple_fault="reset") for a in ATTACKS]
    config = os.path.join(ROOT, "build", "guests", "bochs-attack.conf")
    with open(config, "w") as f:
        f.write("".join(sections))
    with Bochs(config, options.cpu) as b:
        said = b.wait(verdict, options.seconds)
        text, seconds = b.text(), b.seconds()
    if said:
        print("\n".join(text.splitlines()[-40:]))
    bad = judge(text, options.place, "max")
    sums = check_bystander(re.findall(SUM, text))
    print("bochs: %s after %d s, %d guests failed, %d sums of the bystander right"
          % (said or "all ended", seconds, bad, sums))
    return 1 if said or bad or sums < 2 else 0


if __name__ == "__main__":
    sys.exit(main())
