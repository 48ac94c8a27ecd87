# SPDX-License-Identifier: MIT
"""Two machines share the processor fairly while both are busy."""
import time

from machine import Machine

VM = """
[vm %s]
memory  = 64M
kernel  = vmlinuz-686
initrd  = initrd.gz
cmdline = console=ttyS0
"""


def consumed(m, name):
    stat = m.stat(name)
    return sum(stat["state.%s.cycles" % p] for p in ("monitor", "translator", "recompiler", "raw3", "raw1"))


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
