# SPDX-License-Identifier: MIT
"""The life of machines: what happens when the last one has stopped, pause and resume, reset in the
middle of work, the escape key and the state dump while machines run.

One test:  /usr/bin/python3 -m pytest tests/boot/test_life.py -k exit
"""
import os
import re
import time

import pexpect
import pytest

from guests import Guests, build, check_bystander, compared, vm
from machine import GUESTS, Console
from screen import Screen

SUM = r"SUM \d+ \w+ \d+ \w+ ticks \d+"  # whole, with no echo of what was typed in it
SETTINGS = "[ringleader]\n%s\n"


@pytest.mark.parametrize("how,said",
                         [("poweroff", "powering off"), ("reboot", "rebooting"),
                          ("halt", "halted")])
def test_exit(how, said):
    with Guests([SETTINGS % ("exit = " + how), vm("a", "sti", "", "auto"),
                 vm("b", "sti", "", "recompile")]) as m:
        m.wait_stopped(["a", "b"])
        m.expect("the last VM has stopped: " + said)
        if how == "halt":
            m.process.send("\x1d")
            assert m.process.expect(["rl> ", pexpect.EOF, pexpect.TIMEOUT], timeout=3) == 2
        else:
            m.ended()  # QEMU runs with -no-reboot


def test_exit_stay():
    with Guests([SETTINGS % "exit = stay", vm("a", "sti", "", "auto")]) as m:
        m.wait_stopped(["a"])
        m.prompt()
        assert re.search(r"a +stopped +auto +16M", m.monitor("vm list"))
        devices = m.monitor("devs a")
        assert re.search(r"^pic +8259A pair +\d+ +[1-9]\d* +20h-21h, A0h-A1h, 4D0h-4D1h\r?$",
                         devices, re.MULTILINE)
        assert re.search(r"^kbc +8042, keyboard, mouse +\d+ +\d+ +60h, 64h, IRQ 1, IRQ 12\r?$",
                         devices, re.MULTILINE)


def time_ns(m, name):
    return m.counters(name)["vm.time_ns"]


def test_pause_stops_the_clock():
    """A paused machine's time stands still, and goes on from there; its neighbour's does not
    stand."""
    with Guests([vm("a", "bystander", "", "auto"), vm("b", "bystander", "", "auto")]) as m:
        m.wait_line("a: SUM")
        m.prompt()
        m.process.send("pause a\r")
        m.wait_line("a: paused")
        stood, other = time_ns(m, "a"), time_ns(m, "b")
        time.sleep(2)
        assert time_ns(m, "a") == stood
        assert time_ns(m, "b") >= other + 1.9e9
        before = time.monotonic()
        m.process.send("resume a\r")
        m.wait_line("a: running")
        m.wait_line("a: SUM")
        gone = time_ns(m, "a") - stood
        assert 0 < gone <= (time.monotonic() - before) * 1e9


def test_reset_in_the_middle():
    """Again and again, wherever it is: it starts anew each time, and the neighbour's sums stay
    right."""
    with Guests([vm("a", "bystander", "", "ring1"), vm("b", "bystander", "", "auto")]) as m:
        m.wait_line("b: SUM")
        m.prompt()
        for _ in range(6):
            m.process.send("reset a\r")
            m.wait_line("a: reset: asked for at the prompt")
            m.wait_line(r"a: SUM [^\n]*\n")
            m.wait_line(r"b: SUM [^\n]*\n")
        assert m.counters("a")["vm.resets"] == 6
        assert check_bystander([line for line in m.lines("b") if re.fullmatch(SUM, line)]) >= 6


def test_another_escape_key():
    """escape = ctrl-a: that one turns to the prompt, the usual one is the guest's."""
    with Guests([SETTINGS % "escape = ctrl-a", vm("a", "bystander", "", "auto")]) as m:
        m.wait_line("a: SUM")
        m.process.send("\x1d")
        assert m.process.expect(["rl> ", "a: SUM"]) == 1
        m.process.send("\x01")
        m.expect("rl> ")


def test_state_dump_while_machines_run(tmp_path):
    """BREAK, and the escape key five times, name what runs; both machines go on."""
    qemu = Screen(str(tmp_path))
    with Guests([vm("a", "bystander", "", "auto"), vm("b", "bystander", "", "recompile")],
                extra=qemu.arguments) as m:
        m.wait_line("b: SUM")
        qemu.command("chardev-send-break", id="serial")
        m.expect("--- state, by BREAK ---", "interrupted at", "--- end of state ---")
        m.process.send("\x1d" * 5)
        m.expect("--- state, by the escape key ---", "interrupted at", "--- end of state ---")
        m.wait_line("a: SUM")
        m.wait_line("b: SUM")


BUTTON = ["press 1", "press 2", "press 3", "off"]


def bare_presses(folder):
    """What tests/guests/button.c says on bare QEMU."""
    qemu = Screen(folder)
    build()
    with Console(["-cpu", "max", "-m", "64", "-chardev", "stdio,id=s,signal=off", "-serial",
                  "chardev:s", *qemu.arguments,
                  "-kernel", os.path.join(GUESTS, "button")]) as m:
        for said in BUTTON[:-1]:
            m.expect(said)
            qemu.command("system_powerdown")
        m.ended()
        return compared(re.findall(r"^(press.*|off|PASS.*|FAIL.*)$", m.text().replace("\r", ""),
                                   re.MULTILINE))


@pytest.mark.parametrize("engine", ["auto", "recompile-all"])
def test_power_button(tmp_path, engine):
    """`powerbutton`: the guest hears of each press by its SCI, out of HLT, and goes off by S5."""
    with Guests([vm("a", "button", "", engine)]) as m:
        m.wait_line(r"a: press 1")
        m.prompt()
        for n in range(1, 4):
            m.process.send("powerbutton a\r")
            m.wait_line(r"a: " + BUTTON[n])
        m.wait_line(r"a: stopped: power off \(ACPI S5\)")
        m.process.send("powerbutton a\r")
        m.wait_line(r"a has stopped")
        # what is typed at the prompt
        lines = [re.sub(r"\x1b\[K.*", "", line) for line in m.lines("a")]
        assert [line for line in lines
                if re.match("press|off|PASS|FAIL", line)] == bare_presses(str(tmp_path))
