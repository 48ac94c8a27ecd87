# SPDX-License-Identifier: MIT
"""An idle guest leaves the processor idle: the emulator below 10 % of a core over 20 seconds, at the shell and at our prompt.

What is measured is the emulator's processor time, all of it: the guest's own timers, our handling of them, and the emulator.
"""
import os
import time

from machine import Machine, debian


def processor_seconds(pid):
    with open("/proc/%d/stat" % pid) as f:
        field = f.read().rpartition(")")[2].split()
    return (int(field[11]) + int(field[12])) / os.sysconf("SC_CLK_TCK")


def share(m, seconds):
    before = processor_seconds(m.process.pid)
    time.sleep(seconds)
    return (processor_seconds(m.process.pid) - before) / seconds


def test_idle():
    with Machine(debian()) as m:
        m.shell()
        time.sleep(5)  # the kernel's own late start-up work
        at_shell = share(m, 20)
        m.prompt()
        at_prompt = share(m, 10)
        print("idle: %.1f %% of a core at the shell, %.1f %% at the prompt" % (at_shell * 100, at_prompt * 100))
        assert at_shell < 0.1 and at_prompt < 0.1, (at_shell, at_prompt)
