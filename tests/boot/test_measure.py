# SPDX-License-Identifier: MIT
"""The prompt's commands that measure: what they count adds up, and each takes good, missing and absurd arguments.

One test:  /usr/bin/python3 -m pytest tests/boot/test_measure.py -k states
"""
import re

from guests import vm
from prompt import Prompt


def cycles(stat):
    return sum(n for key, n in stat.items() if re.fullmatch(r"(state|away)\.\w+\.cycles", key))


def check_wall(before, after):
    """All of the time between two readings is on one of the accounts."""
    wall = (after["monitor.clock_ns"] - before["monitor.clock_ns"]) * after["monitor.tsc_hz"] / 1e9
    spent = cycles(after) - cycles(before)
    assert abs(spent - wall) < wall / 100, (spent, wall)
    return {key: (after[key] - before[key]) / wall for key in after if re.match(r"(state|away)\.\w+\.cycles", key)}


ANSWERS = [
    ("stat a", r"a: running, engine ring1; change: since its creation, \d+\.\d{3} s\n"),
    ("stat", r"which VM\?"), ("use a", ""), ("stat", r"a: running, engine ring1; change: the last \d+\.\d{3} s\n"),
    ("stat", r"\n  raw ring 1 +[\d,]+ +\d+\.\d +(\d+\.\d|-) +[\d,]+\n"),
    ("stat b", r"exits of raw code +total +change +a second\n  "), ("stat c", "no VM is called c"),
    ("stat -m c", "no VM is called c"), ("stat -m a", r"vm a\n"), ("stat a -m", r"vm a\n"), ("stat -x a", r"stat \[-m\] \[NAME\]"),
    ("stat -m -m a", r"stat \[-m\] \[NAME\]"), ("stat a b", r"stat \[-m\] \[NAME\]"), ("stat -x", "no VM is called -x"),
    ("exits", r"time \(s\) +\+us place +exit +info +eip +detail\n( +\d+\.\d{6} +\d+\.\d{3} \w+ +\w+ +\w+ \w{8} \w{8}.*\n){40}"),
    ("exits a 3", r"detail\n( +\d+\.\d{6} [^\n]*\n){3}(?! +\d+\.)"), ("exits b 0", r"detail\n(?! +\d)"),
    ("exits 1024", r"( +\d+\.\d{6} [^\n]*\n){60}"), ("exits 1025", "1025: not a number up to 1024"),
    ("exits a b c", r"exits \[-a\] \[NAME\] \[N\]"), ("exits -5", "-5: not a number"), ("exits c", "c: not a number"),
    ("exits -a", r"the last \d+ exits, from \d+ places\n exits +% +place"), ("exits a -a 1", r"eip\n +\d+ +\d+\.\d \w+ +\w+ [^\n]*\n"),
    ("exits -a 99999", "99999: not a number up to 1024"),
]


def test_states():
    """A busy machine, one that shares the processor with it, and one that is paused: the states add up to the time that passed."""
    with Prompt([vm("a", "bystander", "ring=0", "ring1"), vm("b", "bystander", "ring=3", "auto")]) as m:
        m.wait_line("a: SUM")
        m.wait_line("b: SUM")
        m.prompt()
        before = {name: m.counters(name) for name in "ab"}
        for _ in range(3):
            m.wait_line("a: SUM")
        after = {name: m.counters(name) for name in "ab"}
        share = {name: check_wall(before[name], after[name]) for name in "ab"}
        for name in "ab":
            assert share[name]["away.waiting.cycles"] > 0.3 and share[name]["away.standing.cycles"] == 0, share
        m.process.send("pause b\r")
        m.wait_line("b: paused")
        before = m.counters("b")
        m.wait_line("a: SUM")
        share = check_wall(before, m.counters("b"))
        assert share["away.standing.cycles"] > 0.99, share
        m.process.send("resume b\r")
        m.wait_line("b: SUM")
        # What was counted since the machine began is no more than its time, and no less than that of its VMs.
        for name in "ab":
            now = m.counters(name)
            ns = cycles(now) * 1e9 / now["monitor.tsc_hz"]
            assert now["monitor.clock_ns"] - now["vcpu.started_ns"] < ns * 1.01 < now["monitor.clock_ns"] * 1.01
        for command, answer in ANSWERS:
            said = m.ask(command)
            assert re.search(answer, said), "%s: %s" % (command, said)
