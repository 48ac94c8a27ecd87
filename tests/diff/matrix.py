# SPDX-License-Identifier: MIT
"""The differential tests as a list: each pair of a mode and a processor to compare with is one
test.

Usage: matrix.py [CASES [SEED]]; `make diff N=CASES SEED=SEED`. The last line counts the tests.
"""
import os
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
FAST, CHECKED, FAULTS = "build/diff/diff", "build/diff/diff-asan", "build/diff/faults"
FORMS, FORMS_CHECKED = "build/diff/fault_forms", "build/diff/fault_forms-asan"
DIRECTED, DIRECTED_CHECKED = "build/diff/directed", "build/diff/directed-asan"
MODES = ["flat3", "flat0", "segments", "prot16", "real", "v86"]
NOT_HERE = 3  # exit status: this host cannot; the last line is the reason


def with_native(cases, seed):
    """(test, what runs more where this host has no 32-bit code): the real processor beside ours.

    It needs the addresses of its cases for itself: no sanitizers (their shadow), no base 0.
    """
    faults = ["-n", str(max(cases // 10, 1)), "-s", str(seed)]
    yield [FAULTS] + faults, [FAULTS, "-N", "-n", str(max(cases // 4, 1)), "-s", str(seed)]
    # Every form at least once, however few the cases.
    yield [FORMS, "-s", str(seed)], [FORMS, "-N", "-r", "2", "-s", str(seed)]
    yield ([FAST, "-a", "native", "-m", "flat3", "-n", str(cases), "-s", str(seed)],
           [FAST, "-a", "unicorn", "-m", "flat3", "-n", str(2 * cases), "-s", str(seed + 2)])


def tests(cases, seed):
    """(program, arguments): all other pairs; with sanitizers, a share of it; with memory base 0."""
    yield [FORMS, "-0", "-e", "8", "-s", str(seed)]
    yield [FORMS_CHECKED, "-N", "-e", "8", "-s", str(seed)]
    yield [DIRECTED, "-n", str(cases), "-s", str(seed)]
    yield [DIRECTED, "-0", "-n", str(max(cases // 2, 1)), "-s", str(seed + 1)]
    yield [DIRECTED_CHECKED, "-n", str(max(cases // 4, 1)), "-s", str(seed + 2)]
    for program, share in (FAST, 1), (CHECKED, 4):
        for mode in MODES:
            yield [program, "-a", "unicorn", "-m", mode, "-n", str(max(cases // share, 1)), "-s",
                   str(seed)]
    for mode in MODES:
        yield [FAST, "-0", "-a", "unicorn", "-m", mode, "-n", str(cases), "-s", str(seed + 1)]


def run_one(command):
    """(passed, failed, skipped), one of them 1. What is said appears in one piece: others may run
    beside it."""
    p = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                       text=True, errors="replace")
    last = p.stdout.splitlines()[-1] if p.stdout else "nothing printed"
    if p.returncode == NOT_HERE:
        print("skipped (%s): %s\n" % (last, " ".join(command)), end="", flush=True)
        return 0, 0, 1
    said = os.path.basename(command[0]) + ": " + (p.stdout if p.returncode or FORMS in command
                                                  else last + "\n")
    if p.returncode:
        said += "failed, status %d: %s\n" % (p.returncode, " ".join(command))
    print(said, end="", flush=True)
    return p.returncode == 0, p.returncode != 0, 0


def run_or(command, instead):
    """The same; where this host cannot run the command, what runs instead counts as well."""
    first = run_one(command)
    return tuple(map(sum, zip(first, run_one(instead)))) if first[2] else first


def tasks(cases, seed):
    """Functions without arguments, one for each test; each returns (passed, failed, skipped)."""
    return ([lambda pair=pair: run_or(*pair) for pair in with_native(cases, seed)] +
            [lambda command=command: run_one(command) for command in tests(cases, seed)])


def run(cases, seed):
    results = [task() for task in tasks(cases, seed)]
    return tuple(sum(r[i] for r in results) for i in range(3))


def main():
    cases = int(sys.argv[1]) if len(sys.argv) > 1 else 40000
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    passed, failed, skipped = run(cases, seed)
    print("%d passed, %d failed, %d skipped" % (passed, failed, skipped))
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
