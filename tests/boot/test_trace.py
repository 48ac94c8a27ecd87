# SPDX-License-Identifier: MIT
"""trace: chosen events of a guest with their times, among its exits;
nothing of it is left when it is off.

One test:  /usr/bin/python3 -m pytest tests/boot/test_trace.py
"""
import re

from guests import vm
from machine import ICOUNT
from prompt import Prompt, symbols

LINE = r"\n +(\d+)\.(\d{6}) +\d+\.\d{3}  ([^\n]*)"
ANSWERS = [
    ("trace", "a: nothing is traced"), ("trace show", "nothing has been traced"),
    ("trace c", r"trace \[NAME\]"), ("trace ports", r"trace \[NAME\]"),
    ("trace ports maybe", r"trace \[NAME\]"),
    ("trace birds on", "birds: exits interrupts exceptions pf ports cr msr mode all"),
    ("trace ports,birds on", "birds: exits"), ("trace , on", ": exits"),
    ("trace ports, on", ": exits"), ("trace " + "x" * 90 + " off", "xxx: exits"),
    ("trace show x", "x: not a number"), ("trace show 5121", "5121: not a number up to 5120"),
    ("trace show 1 2", r"trace \[NAME\]"), ("trace a cr,msr on", ""), ("trace", "a: cr msr\n"),
    ("trace cr,msr,mode off", ""), ("trace", "nothing is traced"), ("trace show", "event\n"),
]


def events(text):
    """(microseconds, what)"""
    return [(int(s) * 1000000 + int(us), what) for s, us, what in re.findall(LINE, text)]


def newest(text):
    """The last event that is no exit: those are always kept."""
    return [event for event in events(text) if not event[1].startswith("exit of")][-1]


def test_trace():
    at = symbols("bystander")
    guests = [vm("a", "bystander", "ring=3", "auto"),
              vm("b", "bystander", "ring=0", "recompile-all")]
    with Prompt(guests, extra=ICOUNT) as m:
        m.wait_line("a: SUM")
        m.wait_line("b: SUM")
        m.quiet("a", "b")
        m.do("use a")
        for command, answer in ANSWERS:
            said = m.ask(command)
            assert re.search(answer, said), "%s: %s" % (command, said)
        for name in "ab":
            m.do("use " + name)
            m.ask("trace ports,interrupts,exits on")
            m.do("cont")
            m.wait_line(name + r": SUM [^\n]*\n")
            m.wait_line(name + r": SUM [^\n]*\n")
            m.do("pause %s" % name, name, "paused at")
            said = events(m.ask("trace show 2000"))
            times = [time for time, _ in said]
            assert times == sorted(times) and len(said) > 100, len(said)
            what = [w for _, w in said]
            # Each timer interrupt is acknowledged by the guest, and nothing else is at that port.
            mine = [w for w in what if re.match(r"interrupt 20|out +port 0020", w)]
            assert len(mine) > 10
            for interrupt, out in zip(mine, mine[1:]):
                if interrupt.startswith("interrupt"):
                    assert re.match(r"out  port 0020  20  at ", out), out
                    assert at["on_timer"] < int(out.split()[-1], 16) < at["on_timer"] + 32
            assert any(re.match(r"out  port 03f8  53  at ", w) for w in what)  # the S of SUM
            assert (any("exit of raw3: " in w for w in what)) == (name == "a")
            # Off: what was noted stays, and nothing comes.
            m.ask("trace all off")
            before = newest(m.ask("trace show 1000"))
            m.do("cont")
            m.wait_line(name + r": SUM [^\n]*\n")
            m.do("pause %s" % name, name, "paused at")
            assert newest(m.ask("trace show 1000")) == before
