# SPDX-License-Identifier: MIT
"""A machine with apic = yes: Linux takes its interrupts from local and I/O APIC, and time stays
right.

Alone:  make guests && /usr/bin/python3 -m pytest tests/boot/test_apic.py
"""
import re
import time

import pytest

from machine import Machine, debian

TIMERS = {"deadline": "", "one-shot": " lapic=notscdeadline", "hpet": " nolapic_timer",
          "8259": " noapic nolapic"}


def interrupts(m):
    """Counts by name of the line, and the controller that each came from."""
    lines = re.findall(r"^ *(\w+): +(\d+) *(.*)$", m.run("cat /proc/interrupts"), re.MULTILINE)
    return {name: int(n) for name, n, _ in lines}, {name: where for name, _, where in lines}


@pytest.mark.parametrize("engine, timer",
                         [("auto", "deadline"), ("recompile", "one-shot"), ("auto", "hpet"),
                          ("ring1", "8259")])
def test_linux(engine, timer):
    config = debian(engine=engine).replace("ttyS0", "ttyS0" + TIMERS[timer]) + "apic = yes\n"
    with Machine(config) as m:
        m.shell()
        # As on bare QEMU, where SeaBIOS sets the MTRRs: Linux uses the PAT only if they are on.
        assert re.findall(r"(?:MTRR|PAT)[^\n]*", m.run("dmesg")) == [
            "PAT: Configuration [0-7]: WB  WC  UC- UC  WB  WP  UC- WT  "]
        assert m.run("cat /proc/mtrr").strip() == (
            "reg00: base=0x080000000 ( 2048MB), size= 2048MB, count=1: uncachable")
        before, where = interrupts(m)
        assert ("IO-APIC" in where["4"]) == (timer != "8259"), where
        assert ("XT-PIC" in where["4"]) == (timer == "8259"), where
        t0 = time.monotonic()
        start = float(m.run("cat /proc/uptime").split()[0])
        m.run("sleep 5")
        slept = float(m.run("cat /proc/uptime").split()[0]) - start
        assert 4.9 < slept < (time.monotonic() - t0) * 1.01 + 0.1, slept
        after, _ = interrupts(m)
        ticks = "LOC" if timer in ("deadline", "one-shot") else "0"
        assert after[ticks] > before[ticks] + 5, (before, after)
        assert after["4"] > before["4"]
        assert after.get("ERR", 0) == 0 and after.get("SPU", 0) == 0
        m.process.send("poweroff -f\r")
        m.expect("stopped: power off")
        m.ended()
