# SPDX-License-Identifier: MIT
"""All tests, one after another; the last line is `N passed, N failed, N skipped`. Exit status 0 only if none failed.

Counts: each cmocka test function, each pytest case, each lint rule, each mode and processor of the differential tests,
each fuzz target's corpus, and the recorded vectors with each build and memory base are one.
"""
import glob
import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(ROOT, "tests/diff"))
import matrix  # noqa: E402

DIFF_CASES = 100000  # of each mode and processor


def run(command):
    print("==", " ".join(command), flush=True)
    p = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
    print(p.stdout, end="", flush=True)
    return p.returncode, p.stdout


def number(pattern, text):
    m = re.search(pattern, text, re.MULTILINE)
    return int(m.group(1)) if m else 0


def unit(program):
    """A program that dies, or ends without its summary, is one failure more."""
    code, out = run([program])
    passed = len(re.findall(r"^\[       OK \]", out, re.MULTILINE))
    failed = len(re.findall(r"^\[  FAILED  \] (?!\d)", out, re.MULTILINE))
    if (code and not failed) or "test(s) run." not in out:
        failed += 1
    return passed, failed, 0


def base_0():
    """The unit tests on a guest, with memory base 0; page 0 needs root."""
    if os.geteuid() != 0:
        print("skipped (page 0 cannot be mapped): build/base0/*")
        return [(0, 0, 1)]
    return [unit(p) for p in sorted(glob.glob(os.path.join(ROOT, "build/base0/test_*"))) if not p.endswith(".d")]


def fuzz():
    """The corpus of each fuzz target: one test each."""
    passed = failed = 0
    for corpus in sorted(glob.glob(os.path.join(ROOT, "tests/fuzz/corpus/*.hex"))):
        name = os.path.splitext(os.path.basename(corpus))[0]
        code, out = run([os.path.join(ROOT, "build/fuzz/replay-" + name), corpus])
        ok = code == 0 and number(r"^(\d+) inputs", out) > 0
        passed, failed = passed + ok, failed + (not ok)
    return passed, failed, 0


def boot():
    code, out = run([sys.executable, "-m", "pytest", "-q", "-rs", "tests/lint", "tests/boot"])
    passed, failed = number(r"(\d+) passed", out), number(r"(\d+) failed", out) + number(r"(\d+) error", out)
    if code and not failed:
        failed = 1
    return passed, failed, number(r"(\d+) skipped", out)


def vectors():
    """Recorded processor tests, if the environment's VECTORS names a file of them: one test each as they are, with
    sanitizers, and with memory base 0."""
    path = os.environ.get("VECTORS", "")
    if not os.path.isfile(path):
        return 0, 0, 0
    codes = [run([os.path.join(ROOT, "build/diff", program)] + base + [os.path.abspath(path)])[0]
             for program, base in (("vectors", []), ("vectors-asan", []), ("vectors", ["-0"]))]
    skipped = codes.count(matrix.NOT_HERE)
    if skipped:
        print("skipped (page 0 cannot be mapped): vectors -0")
    return codes.count(0), len(codes) - codes.count(0) - skipped, skipped


def lint():
    code, out = run([sys.executable, "tests/lint/lint.py"])
    passed, failed = number(r"(\d+) rules kept", out), number(r"(\d+) broken", out)
    return passed, failed if failed or not code else 1, 0


def main():
    results = [lint()]
    programs = [os.path.splitext(p)[0] for p in sorted(glob.glob(os.path.join(ROOT, "tests/unit/test_*.c")))]
    for p in programs:
        results.append(unit(os.path.join(ROOT, "build/unit", os.path.basename(p))))
    results += base_0()
    results.append(fuzz())
    results.append(matrix.run(DIFF_CASES, 1))
    results.append(vectors())
    results.append(boot())
    passed, failed, skipped = (sum(r[i] for r in results) for i in range(3))
    print("%d passed, %d failed, %d skipped" % (passed, failed, skipped))
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
