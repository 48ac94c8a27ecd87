# SPDX-License-Identifier: MIT
"""A hostile guest beside Debian: whatever it does, Debian boots on and the monitor answers."""
import pytest

from guests import hostile
from machine import Machine

CONFIG = """
[vm hostile]
memory = 16M
kernel = hostile-%s
engine = %s
[vm debian]
memory  = 64M
kernel  = vmlinuz-686
initrd  = initrd.gz
cmdline = console=ttyS0 earlyprintk=serial,ttyS0
serial0 = console
"""


@pytest.mark.parametrize("what,engine,end", [
    ("spin", "auto", "running"), ("halt", "ring1", "running"), ("triple", "auto", "stopped"),
    ("ports", "recompile", "running"),
    ("string", "recompile-all", "running"), ("faults", "ring1", "running"),
    ("garbage", "auto", "stopped"),
    ("code", "auto", "running"),
])
def test_neighbour_goes_on(what, engine, end):
    hostile(what)
    with Machine(CONFIG % (what, engine)) as m:
        m.expect("hostile guest runs")
        m.prompt()
        m.process.send("console debian\r")
        m.expect("Linux version 6", "Kernel command line", "SLUB:")
        m.prompt()
        m.process.send("vm list\r")
        m.expect(r"hostile +(\w+) ")
        assert m.process.match.group(1) == end
        m.expect(r"debian +running")


@pytest.mark.parametrize("what,apic,says", [
    ("masked", "no", r"every interrupt masked[^\n]*reset; if it waits for an APIC[^\n]*apic = yes"),
    ("masked", "yes", r"every interrupt masked[^\n;]*reset\r*\n"),
    ("halt", "no", r"interrupts off[^\n;]*reset\r*\n"),
])
def test_what_cannot_wake(what, apic, says):
    """Systems that find the I/O APIC of the BIOS' MP table wait for it for ever without one."""
    hostile(what)
    with Machine(CONFIG % (what, "auto\napic = " + apic)) as m:
        m.expect("hostile: halted with " + says)
