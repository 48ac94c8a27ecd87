# SPDX-License-Identifier: MIT
"""Two busy machines share the processor fairly, whatever keeps one of them busy."""
import re
import time

from guests import Guests, check_bystander, vm
from machine import Machine

VM = """
[vm %s]
memory  = 64M
kernel  = vmlinuz-686
initrd  = initrd.gz
cmdline = console=ttyS0
"""
# tests/guests/storm.c: what each does, in the order of its table, and an engine to do it with.
STORMS = [
    ("spin", "auto"), ("string", "recompile"), ("scan", "recompile"), ("ports", "ring1"), ("faults", "ring1"),
    ("page_faults", "recompile-all"), ("nest", "ring1"), ("cr3", "auto"), ("serial", "auto"), ("timer", "ring1"),
    ("self_modifying", "ring1"), ("device_memory", "auto"), ("tables", "ring1"), ("idle", "auto"),
]
MEASURED = 4e9  # cycles that both must have used together: some hundred slices


def cycles(stat):
    return sum(v for k, v in stat.items() if re.fullmatch(r"state\.\w+\.cycles", k))


def consumed(m, name):
    return cycles(m.stat(name))


def test_two_busy():
    """Both loop in a program: each gets 45 to 55 % of the cycles that they consume together."""
    with Machine(VM % "one" + VM % "two") as m:
        m.shell()
        m.process.send("while :; do :; done\r")
        m.prompt()
        m.process.send("console two\r")
        m.shell()
        m.process.send("while :; do :; done\r")
        before = consumed(m, "one"), consumed(m, "two")
        time.sleep(15)
        after = consumed(m, "one"), consumed(m, "two")
        one, two = after[0] - before[0], after[1] - before[1]
        assert 0.45 < one / (one + two) < 0.55, (one, two)


def share_of(m, name):
    """The bystander's share of what it and the VM consume together."""
    def sample():
        return cycles(m.counters("bystander")), cycles(m.counters(name))

    m.process.send("resume %s\r" % name)
    m.expect("%s: storm" % name)
    before = sample()
    while True:
        time.sleep(0.3)
        now = sample()
        mine, its = now[0] - before[0], now[1] - before[1]
        if mine + its > MEASURED:
            break
    m.process.send("pause %s\r" % name)
    assert m.expect(name + r": (paused|stopped)")[1] == "paused"
    return mine / (mine + its)


def test_beside_a_storm():
    """One VM computes; the other loops with interrupts off, sits in a giant REP, storms with faults, port accesses and more."""
    sections = [vm("bystander", "bystander", "ring=3 every=20000", "auto")]
    sections += [vm(name, "storm", "what=%d" % n, engine, autostart="no") for n, (name, engine) in enumerate(STORMS)]
    shares = {}
    with Guests(sections) as m:
        m.wait_line(r"bystander: SUM [^\n]*\n")
        m.prompt()
        for name, _ in STORMS:
            shares[name] = share_of(m, name)
        m.wait_line(r"bystander: SUM [^\n]*\n")
    print(shares)
    assert shares.pop("idle") > 0.9, shares
    assert all(0.45 < s < 0.55 for s in shares.values()), shares
    assert check_bystander(re.findall(r"bystander: (SUM [^\r\n]*)", m.text))
