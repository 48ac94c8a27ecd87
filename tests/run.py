# SPDX-License-Identifier: MIT
"""All tests, one after another; the last line is `N passed, N failed, N skipped`.
Exit status 0 only if none failed.

Counts: each cmocka test function, each pytest case, each lint rule, each mode and processor
of the differential tests, each fuzz target's corpus, and the recorded vectors with each
build and memory base are one.
"""
import concurrent.futures
import glob
import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(ROOT, "tests/diff"))
import matrix  # noqa: E402

DIFF_CASES = 100000  # of each mode and processor
LANES = min(os.cpu_count() or 1, 4)  # programs that run side by side
STUCK = 1800  # seconds: a boot test that runs longer hangs; the slowest takes a tenth


def run(command):
    """What the command printed appears in one piece: others run beside it."""
    p = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                       text=True, errors="replace")
    print("== %s\n%s" % (" ".join(command), p.stdout), end="", flush=True)
    return p.returncode, p.stdout


def run_aloud(command):
    """The same, and each line appears at once: for a long run, which may be ended from outside."""
    print("==", " ".join(command), flush=True)
    lines = []
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, errors="replace") as p:
        for line in p.stdout:
            print(line, end="", flush=True)
            lines.append(line)
    return p.returncode, "".join(lines)


def number(pattern, text):
    m = re.search(pattern, text, re.MULTILINE)
    return int(m.group(1)) if m else 0


def count_of(word, out):
    """cmocka names what failed or was skipped once more at the end."""
    return len(set(re.findall(r"^\[ +%s +\] (\w+)$" % word, out, re.MULTILINE)))


def unit(program):
    """A program that dies, or ends without its summary, is one failure more."""
    code, out = run([program])
    passed, failed, skips = (count_of(word, out) for word in ("OK", "FAILED", "SKIPPED"))
    if (code and not failed) or "test(s) run." not in out:
        failed += 1
    return passed, failed, skips


def skipped(reason):
    print(reason, flush=True)
    return 0, 0, 1


def base_0():
    """The unit tests on a guest, with memory base 0; page 0 needs root."""
    if os.geteuid() != 0:
        return [lambda: skipped("skipped (page 0 cannot be mapped): build/base0/*")]
    programs = sorted(glob.glob(os.path.join(ROOT, "build/base0/test_*")))
    return [lambda p=p: unit(p) for p in programs if not p.endswith(".d")]


def units():
    names = [os.path.splitext(os.path.basename(p))[0]
             for p in glob.glob(os.path.join(ROOT, "tests/unit/test_*.c"))]
    return [lambda name=name: unit(os.path.join(ROOT, "build/unit", name))
            for name in sorted(names)]


def replay(corpus):
    """The corpus of a fuzz target is one test."""
    name = os.path.splitext(os.path.basename(corpus))[0]
    code, out = run([os.path.join(ROOT, "build/fuzz/replay-" + name), corpus])
    ok = code == 0 and number(r"^(\d+) inputs", out) > 0
    return int(ok), int(not ok), 0


def fuzz():
    corpora = sorted(glob.glob(os.path.join(ROOT, "tests/fuzz/corpus/*.hex")))
    return [lambda corpus=corpus: replay(corpus) for corpus in corpora]


def recorded(program, base, path):
    code, _ = run([os.path.join(ROOT, "build/diff", program)] + base + [path])
    if code == matrix.NOT_HERE:
        return skipped("skipped (page 0 cannot be mapped): vectors -0")
    return int(code == 0), int(code != 0), 0


def vectors():
    """Recorded processor tests, if the environment's VECTORS names a file of them: one test each as
    they are, with sanitizers, and with memory base 0."""
    path = os.environ.get("VECTORS", "")
    if not os.path.isfile(path):
        return []
    return [lambda program=program, base=base: recorded(program, base, os.path.abspath(path))
            for program, base in (("vectors-asan", []), ("vectors", []), ("vectors", ["-0"]))]


def boot():
    """Each test on a line of its own; the tests of one file run one after another."""
    code, out = run_aloud([sys.executable, "-m", "pytest", "-v", "-rfEs", "--durations=30",
                           "-n", str(LANES), "--dist=loadfile", "--timeout=%d" % STUCK,
                           "tests/lint", "tests/boot"])
    end = out.splitlines()[-1] if out else ""
    passed = number(r"(\d+) passed", end)
    failed = number(r"(\d+) failed", end) + number(r"(\d+) error", end)
    if code and not failed:
        failed = 1
    return passed, failed, number(r"(\d+) skipped", end)


def lint():
    code, out = run([sys.executable, "tests/lint/lint.py"])
    passed, failed = number(r"(\d+) rules kept", out), number(r"(\d+) broken", out)
    return passed, failed if failed or not code else 1, 0


def main():
    results = [lint()]
    # The long ones come first, so that no lane waits for another at the end.
    tests = vectors() + matrix.tasks(DIFF_CASES, 1) + units() + base_0() + fuzz()
    with concurrent.futures.ThreadPoolExecutor(LANES) as lanes:
        results += [task.result() for task in [lanes.submit(test) for test in tests]]
    results.append(boot())
    passed, failed, skips = (sum(r[i] for r in results) for i in range(3))
    print("%d passed, %d failed, %d skipped" % (passed, failed, skips))
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
