# SPDX-License-Identifier: MIT
"""Saving and loading a Debian while it works: the work's steps must stay right, wherever it was
interrupted."""
import hashlib
import random
import re
import time

STEPS = 40
# Each step is processes, pipes, and floating point in two of them; it depends on the one before.
WORK = ("i=0; h=start; while [ $i -lt %d ]; do h=$(echo $h | sha256sum | cut -c1-16); "
        "f=$(awk -v i=$i 'BEGIN { s = 0; for (k = 1; k < 300; k++) s += 1 / (k * 1.5 + i);"
        " printf \"%%.12f\", s }'); "
        "echo STEP $i $h $f; i=$((i+1)); done; echo WORK '' DONE\r")


def steps(count):
    """What the work prints."""
    h = "start"
    for i in range(count):
        h = hashlib.sha256((h + "\n").encode()).hexdigest()[:16]
        s = 0.0
        for k in range(1, 300):
            s += 1 / (k * 1.5 + i)
        yield i, h, "%.12f" % s


def save(m, snapshot=""):
    """At the prompt."""
    m.process.send("save debian %s\r" % snapshot)
    m.expect(r"debian: saved as [^\n]*\n")


def load(m, snapshot=""):
    m.process.send("load debian %s\r" % snapshot)
    m.expect(r"debian: loaded from [^\n]*\n")


def moment(m, rng):
    """At any moment: saved, run on for a while, and put back."""
    time.sleep(rng.uniform(0, 0.4))
    m.prompt()
    save(m)
    time.sleep(rng.uniform(0, 0.2))
    load(m)
    m.guest()


def check_work(text, count):
    """Every step that was printed is right; lines may come twice, and be torn where the console
    went to the monitor."""
    right = {i: (h, f) for i, h, f in steps(count)}
    found = re.findall(r"STEP (\d+) ([0-9a-f]{16}) (\d+\.\d{12})\r", text)
    for i, h, f in found:
        assert right[int(i)] == (h, f), (i, h, f)
    return {int(i) for i, _, _ in found}


def work(m, moments, seed, count=STEPS):
    """In the guest's shell: so many moments while it works, and then the rest of the work."""
    rng, begin = random.Random(seed), len(m.text())
    m.process.send(WORK % count)
    m.expect(r"STEP 0 ")
    for _ in range(moments):
        moment(m, rng)
    m.process.send("echo AFTER '' WORK\r")
    m.expect(r"AFTER  WORK", "# ")
    text = m.text()[begin:]
    seen = check_work(text, count)
    assert "WORK  DONE" in text and len(seen) > count * 0.8, seen
