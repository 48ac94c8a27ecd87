# SPDX-License-Identifier: MIT
"""The console: no byte is lost either way (docs/console.md), the escape key and BREAK work while a guest does not read, a guest's
text does nothing to the operator's terminal, and what is said at start.

One test:  /usr/bin/python3 -m pytest tests/boot/test_console.py -k paste
"""
import hashlib
import random
import re
import threading

import pytest

from guests import Guests, vm
from machine import ESCAPE, TIMEOUT, BareMachine, Machine, debian
from screen import Screen

PASTE = 64 << 10
# Several times: another machine's line may stand in the middle of one.
SAY_SUM = "echo S''UM; echo S''UM; for i in 1 2 3; do cat /tmp/m; done; for i in 1 2 3; do echo A''LL; done"
# The neighbour speaks while the guest prints, not before: what the tests look for must not be cut by its lines.
SWITCHES = [("resume b", r"rl> \x1b\[K"), ("vm list", r"debian +running"), ("pause b", r"b: paused")]


class Sender(threading.Thread):
    """Types while the test reads: a terminal that is not read from does not take input for ever."""

    def __init__(self, machine, text):
        super().__init__(daemon=True)
        self.process, self.text = machine.process, text
        self.start()

    def run(self):
        for at in range(0, len(self.text), 512):
            self.process.send(self.text[at:at + 512])


def md5(text):
    return hashlib.md5(text.encode("latin-1")).hexdigest()


def check_sum(m, text):
    m.expect("SUM\r*\n", "ALL\r")
    assert md5(text) in m.process.before
    m.expect("# ")


def paste_raw(m):
    """Any bytes but the keys of the monitor and of QEMU's multiplexer."""
    source = random.Random(1)
    allowed = [chr(c) for c in range(256) if c not in (0x01, 0x1d)]
    text = "".join(source.choice(allowed) for _ in range(PASTE))
    m.process.send("stty raw -echo; echo RE''ADY; head -c %d | md5sum > /tmp/m; stty sane; %s\r" % (PASTE, SAY_SUM))
    m.expect("READY")
    sender = Sender(m, text)
    check_sum(m, text)
    sender.join()


def paste_lines(m):
    """As a person pastes: cooked, echoed, in lines that the line discipline takes."""
    text = "".join("%04d %s\n" % (i, "abcdefghijklmnopqrstuvwxyz0123456789" * 2) for i in range(PASTE // 78))
    m.process.send("cat > /tmp/f; md5sum < /tmp/f > /tmp/m; %s\r" % SAY_SUM)
    sender = Sender(m, text.replace("\n", "\r") + "\x04")
    check_sum(m, text)
    sender.join()


def read_until(m, pattern):
    """What comes before a pattern, and what matched; unlike expect(), in a time that is linear in the text's length. Another
    machine's line may stand anywhere in a guest's, so one of several places must do."""
    parts, tail = [], m.process.buffer
    while not (found := re.search(pattern, tail)):
        keep = max(0, len(tail) - 32)
        parts.append(tail[:keep])
        tail = tail[keep:] + m.process.read_nonblocking(65536, TIMEOUT)
    m.process.buffer = tail[found.end():]
    return "".join(parts) + tail[:found.start()], found[0]


def begin_print(m, size):
    """Returns what is going to be printed."""
    text = "".join("%d\n" % i for i in range(1, 800000))[:size]
    m.process.send("stty -opost; seq 1 799999 | head -c %d; stty opost; for i in 1 2 3 4; do echo E''ND; done\r" % size)
    m.expect("E''ND; done\r+\n")
    return text


def prompt_in_the_middle(m, command, answer):
    """To the monitor and back; what the guest printed until then. The prompt's own text is left out."""
    m.process.send(ESCAPE)
    before, _ = read_until(m, "\r\r\n\rrl> ")
    m.process.send(command + "\r")
    m.expect(answer, "rl> \x1b\\[K")
    m.process.send(ESCAPE)
    return before


def check_print(m, size, switches):
    wanted = begin_print(m, size)
    got = ""
    for at, switch in enumerate(switches, 1):
        text, mark = read_until(m, r"%d\d\d\r\n" % (at * 50))
        got += text + mark + prompt_in_the_middle(m, *switch)
    text, mark = read_until(m, "END\r")
    got = re.sub(r"\[ *\d+\.\d{6}\] b: [^\n]*\r\r\n", "", got + text + mark).replace("\r\n", "\n")
    assert md5(got[:size]) == md5(wanted) and got[size:].startswith("END")


@pytest.mark.parametrize("engine,size", [("auto", 5 << 20), ("recompile-all", 128 << 10)])
def test_debian(engine, size):
    """64 KiB in, raw and in lines, and 5 MiB out (128 KiB where all is recompiled), which another machine's lines and the
    prompt interrupt."""
    with Machine(debian(engine=engine) + vm("b", "speaker", "what=1", engine, autostart="no")) as m:
        m.shell()
        paste_raw(m)
        paste_lines(m)
        check_print(m, size, SWITCHES)


def test_debian_bare():
    with BareMachine() as m:
        m.shell()
        paste_raw(m)
        paste_lines(m)
        check_print(m, 1 << 20, [])


def silent(name):
    """A machine that prints and never reads, on the console."""
    return vm(name, "bystander", "every=100000", "auto", serial0="console")


def test_escape_while_the_guest_does_not_read():
    """What was typed for a guest that does not read stands in front of the key, and does not hide it."""
    with Guests(["[ringleader]\nexit = stay\n", silent("a"), silent("b")]) as m:
        m.expect("console: a. Ctrl-] for the monitor")
        for _ in range(3):
            Sender(m, "x" * 20000 + ESCAPE)
            m.expect("rl> ")
            m.process.send("vm list\r")
            m.expect("b +running", "rl> ")
            m.process.send(ESCAPE)


def test_break_while_the_sender_waits(tmp_path):
    """More than the monitor holds: the sender waits, the state is dumped on BREAK, and what it then still sends is thrown away
    until the escape key."""
    qemu = Screen(str(tmp_path))
    with Guests(["[ringleader]\nexit = stay\n", silent("a"), silent("b")], extra=qemu.arguments) as m:
        m.expect("console: a. Ctrl-] for the monitor")
        sender = Sender(m, "x" * 200000 + ESCAPE)
        assert m.process.expect(["rl> ", "SUM"]) == 1
        assert sender.is_alive()
        while sender.is_alive():
            qemu.command("chardev-send-break", id="serial")
            m.expect("--- state, by BREAK ---", r"vm a: running, engine auto", r"\d+ bytes of input not taken",
                     r"\+cycles", r"vm b: running, engine auto", "--- end of state ---")
            sender.join(1)
        m.expect("rl> ")
        m.process.send("vm list\r")
        m.expect("a +running")


def test_text_of_guests_in_the_log():
    with Guests([vm("a", "speaker", "", "auto", serial1="log"), vm("b", "speaker", "", "recompile-all", serial1="log")]) as m:
        m.wait_stopped(["a", "b"])
        for name in "ab":
            lines = m.lines(name)
            assert r"one \x1b[31mred\x1b[2J\x07\x08\x7f\x9b1m\x01 end" in lines
            assert "first half, second half" in lines and "second port" in lines
            assert r"debug port: firmware \x1b]0;title\x07 says" in lines and "debug port: Bochs says" in lines
            stopped = next(i for i, line in enumerate(lines) if line.startswith("stopped"))
            assert {"an end that is missing", "debug port: a last word"} <= set(lines[:stopped])
        assert not re.search(r"[\x00-\x09\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f-\xff]|\x1b(?!\[)", m.text.split("] a: ", 1)[1])


def test_a_machine_that_did_not_start_is_listed():
    conf = "[ringleader]\nexit = stay\nescape = ctrl-a\n"
    with Guests([conf, vm("big", "sti", "", "auto", memory="3G"), vm("c", "bystander", "", "auto", serial0="console")]) as m:
        m.expect("console: c. Ctrl-A for the monitor")
        m.process.send("\x01")
        m.expect("rl> ")
        text = m.monitor("vm list")
        assert re.search(r"big +refused +auto +3072M +memory = 3072M: only \d+M are free", text)
        assert re.search(r"c +running", text)
        assert "big did not start: memory = 3072M" in m.monitor("stat big")


def test_stat_says_each_thing_once():
    with Guests([vm("a", "bystander", "", "auto")]) as m:
        m.wait_line("a: SUM")
        m.quiet("a")
        m.process.send("stat a\r")
        m.expect(r"vm a\r*\n", r"desc\.syncs \d+")
        names = re.findall(r"^(\w+\.[\w.]+) \d+", m.process.before, re.MULTILINE)
        assert len(names) > 60 and len(names) == len(set(names)), sorted(n for n in names if names.count(n) > 1)
